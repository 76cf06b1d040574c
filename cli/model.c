/* model.c: see model.h. */
#include "model.h"
#include "out.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

const char model_optimizers[] =
#define ROW(name, word, title, reads) "|" word
#include "reckon/optimizer.def"
#undef ROW
    ;
const char model_policies[] = "what is computed in which dtype:"
#define ROW(name, word, roles, stored, scaled, words) " " word
#include "reckon/policy.def"
#undef ROW
    ", and by module: amp-bf16,head=f32 (docs/policies.md)";

int model_in_folder(struct cli *c, rk_model **model)
{
    char path[4096];
    struct stat s;
    const char *spec = c->args[0];
    CLI_TRY(c, rk_model_open(c->ctx, spec, model));
    if (rk_model_folder(*model)[0] != '\0' || stat(spec, &s) != 0 || strlen(spec) + 3 > sizeof path) return CLI_OK;
    rk_model_close(*model);
    (void)snprintf(path, sizeof path, "./%s", spec);
    return cli_try(c, rk_model_open(c->ctx, path, model));
}

int model_no_tokenizer(struct cli *c, const rk_model *m, const char *instead)
{
    const char *name = c->args[0];
    if (rk_model_folder(m)[0] == '\0') return cli_fail(c, CLI_USAGE, "name the folder of a model that was trained", "%s is a preset, which has sizes and no weights", name);
    return cli_usage(c, "there is no tokenizer in %s: give --tokenizer, or %s", name, instead);
}

/* What a command asks of a model, and which kinds of model cannot give it, and why; NULL: they can. */
enum { CAUSAL, MASKED, PAIRED, KINDS };
static const char one_text[] = "reads one text to write another; only models of one text are read here";
static const char *const cannot[][KINDS] = {
    [MODEL_READS]      = { [PAIRED] = one_text },
    [MODEL_SCORES]     = { [PAIRED] = one_text, [MASKED] = "reads both ways and gives no probability of a text" },
    [MODEL_FILLS]      = { [PAIRED] = one_text, [CAUSAL] = "reads forwards only and fills in nothing" },
    [MODEL_WRITES]     = { [MASKED] = "fills in what is masked; it does not continue a text" },
    [MODEL_TRANSLATES] = { [CAUSAL] = "has no encoder to read a source", [MASKED] = "has no encoder to read a source" },
};
static const char *const instead[] = {
    [CAUSAL] = "`reckon generate` continues a text", [MASKED] = "`reckon fill` tells what it puts in the place of a mask", [PAIRED] = "`reckon translate` tells what it makes of a source",
};

int model_must(struct cli *c, const rk_model *m, enum model_use use)
{
    int kind = rk_model_has_encoder(m) ? PAIRED : rk_model_fills(m) ? MASKED : CAUSAL;
    const char *why = cannot[use][kind];
    return why == NULL ? CLI_OK : cli_fail(c, CLI_DATA, instead[kind], "%s: %s %s", rk_model_name(m), rk_model_title(m), why);
}

int model_settings(struct cli *c, rk_bill_settings *s)
{
    *s = (rk_bill_settings){ .batch = cli_int(c, "batch"), .seq = cli_int(c, "seq"), .source_seq = cli_int(c, "source-seq"), .zero_dtype_is_f64 = true };
    if (!rk_dtype_find(cli_text(c, "dtype"), &s->dtype)) cli_bug("no dtype %s", cli_text(c, "dtype"));
    if (s->batch < 1) return cli_usage(c, "--batch: at least 1 sequence");
    if (cli_given(c, "seq") && s->seq < 1) return cli_usage(c, "--seq: at least 1 token");
    if (cli_given(c, "source-seq") && s->source_seq < 1) return cli_usage(c, "--source-seq: at least 1 token");
    return CLI_OK;
}

uint64_t model_size(const rk_model *m, const char *field)
{
    double value;
    return rk_model_number(m, field, &value) == RK_OK && value > 0 ? (uint64_t)value : 0;
}

void model_headline(struct cli *c, const rk_model *m, const rk_bill_settings *s)
{
    static const struct { char letter; const char *field; } sizes[] = {
        { 'V', "vocab" }, { 'P', "position" }, { 'D', "hidden" }, { 'L', "layer" }, { 'H', "head" }, { 'F', "ff" },
    };
    text_put(c->out, rk_model_name(m), (int)strlen(rk_model_name(m)));
    (void)fprintf(c->out, ": %s;", rk_model_title(m));
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (model_size(m, sizes[i].field) > 0) (void)fprintf(c->out, " %c %s,", sizes[i].letter, say_count(model_size(m, sizes[i].field)).at);
    uint64_t seq = s->seq > 0 ? (uint64_t)s->seq : model_size(m, "position");
    (void)fprintf(c->out, " B %s, T %s, ", say_count((uint64_t)s->batch).at, say_count(seq).at);
    if (rk_model_has_encoder(m)) (void)fprintf(c->out, "S %s, ", say_count(s->source_seq > 0 ? (uint64_t)s->source_seq : seq).at);
    (void)fprintf(c->out, "%s\n", rk_dtype_name(s->dtype));
}

const char *model_complete(int i) { return rk_model_preset(i); }

#ifdef __GLIBC__
/* Pages that are asked for at once cost half of what they cost one by one. Where that cannot be asked for, they come one by one. */
static void touch_memory(void)
{
#ifdef MADV_POPULATE_WRITE
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), usual = 1 << 20;     /* of a bill: 0.7 MB with one tower, 1.4 with two */
    char *room = malloc(usual + page);
    if (room != NULL) (void)madvise((void *)(((uintptr_t)room + page - 1) & ~(uintptr_t)(page - 1)), usual, MADV_POPULATE_WRITE);
    free(room);
#endif
}
#endif

void model_keep_memory(void)
{
#ifdef __GLIBC__
    (void)mallopt(M_MMAP_THRESHOLD, 1 << 30);
    (void)mallopt(M_TRIM_THRESHOLD, 1 << 30);
    (void)mallopt(M_TOP_PAD, 4 << 20);
    touch_memory();
#endif
}
