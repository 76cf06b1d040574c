/* Any bytes as the weights of a small model of some family (the first byte says of which): every tensor is told of once, every
 * parameter is used, computed or told of as trouble; a load that succeeds leaves none over, and one that fails says why. What was
 * loaded can be computed from as it lies, too. */
#include "backend/ref/ref.h"
#include "core/graph.h"
#include "fuzz.h"
#include "model/bind.h"
#include "model/forms.h"
#include <stdlib.h>
#include <string.h>

static const char *const specs[] = {
    "gpt2:layer=1,hidden=4,head=1,ff=4,vocab=3,position=2",
    "gpt-j-6b:layer=1,hidden=4,head=1,ff=4,vocab=3,position=2,rotary=2",
    "pythia-14m:layer=1,hidden=4,head=1,ff=4,vocab=3,position=2",
    "bert-tiny:layer=1,hidden=4,head=1,ff=4,vocab=3,position=2,types=1",
    "opus-mt-en-de:layer=1,source_layer=1,hidden=4,head=1,source_head=1,ff=4,source_ff=4,vocab=3,source_vocab=3,position=2,pad=0",
    "gpt2:layer=1,hidden=64,head=1,ff=4,vocab=3,position=2",             /* of which a file may hold panels */
};
enum { SPECS = sizeof specs / sizeof *specs };

static rk_loaded told;
static int times;

static void hear(void *user, const rk_loaded *loaded)
{
    (void)user;
    told = *loaded;
    times++;
}

/* Tensors that are used beside parameters: the scales of those that were found. */
static uint64_t scales_used(rk_ctx *ctx, const rk_model *m, const struct built *b, const struct bundle *file)
{
    const struct bundle_entry **found = calloc((size_t)built_stored(b), sizeof *found);
    struct bind_report report = { 0 };
    uint64_t scales = 0;
    if (found == NULL) abort();
    rk_status status = bind_match(ctx, m->config.arch, b, file, found, &report);
    for (int i = 0; i < built_stored(b); i++) scales += found[i] != NULL && forms_scale(file, found[i]) != NULL;
    if (status != RK_OK) rk_error_clear(ctx);
    bind_report_clear(ctx, &report);
    free(found);
    return scales;
}

/* Law: what was told adds up. */
static void check(rk_ctx *ctx, rk_status status, const rk_model *m, const struct built *b, const struct bundle *file)
{
    if (status != RK_OK && rk_error_message(ctx)[0] == '\0') abort();
    if (times == 0) {                   /* a tie of other numbers, a dtype that is none, twins: the first ends it */
        if (status == RK_OK) abort();
        return;
    }
    if (times != 1 || told.tensors != (uint64_t)file->entries.n) abort();
    if (told.used + told.tied + told.ignored + told.unexpected + told.misshapen != told.tensors) abort();
    const rk_loaded said = told;
    if (said.used + said.computed + said.missing + said.misshapen != (uint64_t)built_stored(b) + scales_used(ctx, m, b, file)) abort();
    told = said;
    bool fits = told.missing + told.unexpected + told.misshapen == 0;
    if (fits != (status == RK_OK)) abort();
}

/* Weights as they lie: a graph of them, whose states are the bytes of the file. */
static void lie(rk_ctx *ctx, const rk_model *m, const struct built *plain, const struct bundle *file)
{
    const struct bundle_entry **found = calloc((size_t)built_stored(plain), sizeof *found);
    struct bind_report report = { 0 };
    struct forms forms = { 0 };
    struct built b;
    if (found == NULL || bind_match(ctx, m->config.arch, plain, file, found, &report) != RK_OK || forms_find(ctx, m->config.arch, plain, file, found, &forms) != RK_OK) abort();
    if (model_build(ctx, m, &(struct build_options){ .purpose = FOR_LOGITS, .forms = &forms }, &b) != RK_OK) abort();
    for (int i = 0; i < b.parameters.n; i++) {
        const struct form *f = forms_get(&forms, b.parameters.at[i].name);
        if (f != NULL && (uint64_t)parameter_elements(b.g, &b.parameters.at[i]) * rk_dtype_bytes(f->dtype) != f->entry->bytes) abort();
    }
    built_close(&b);
    forms_free(ctx, &forms);
    bind_report_clear(ctx, &report);
    free(found);
}

static void load(rk_ctx *ctx, const char *spec, const struct bundle *file)
{
    rk_model *m;
    struct built b;
    struct store *s;
    if (rk_model_open(ctx, spec, &m) != RK_OK || model_build(ctx, m, &(struct build_options){ .purpose = FOR_LOGITS }, &b) != RK_OK) abort();
    if (store_open(ctx, backend_truth(), &s) != RK_OK || store_declare(ctx, s, b.g) != RK_OK || store_allocate(ctx, s) != RK_OK) abort();
    times = 0;
    rk_status status = bind_load(ctx, m->config.arch, &b, file, s, NULL);
    check(ctx, status, m, &b, file);
    if (status == RK_OK) lie(ctx, m, &b, file);
    store_close(s);
    built_close(&b);
    rk_model_close(m);
}

int fuzz_one(const uint8_t *bytes, size_t n)
{
    rk_ctx *ctx;
    struct bundle file;
    if (n == 0) return 0;
    if (rk_ctx_open(&(rk_options){ .loaded = hear }, &ctx) != RK_OK) abort();
    if (bundle_open_bytes(ctx, "fuzz", bytes + 1, n - 1, &file) == RK_OK) load(ctx, specs[bytes[0] % SPECS], &file);
    bundle_close(ctx, &file);
    if (rk_ctx_bytes(ctx) != 0) abort();
    rk_ctx_close(ctx);
    return 0;
}
