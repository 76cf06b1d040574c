/* What circulates under the name of a checkpoint: prefixes and their absence, old names, buffers of any dtype, ties stored twice,
 * halves and quarters of numbers. Each is a row: how a file that a family saves is changed, and what the load then tells. */
#include "backend/ref/ref.h"
#include "base/num.h"
#include "core/graph.h"
#include "model/bind.h"
#include "test.h"
#include <stdlib.h>

/* In every name `from` becomes `to`. add: "NAME=OTHER" is OTHER's numbers once more, "NAME:DTYPE:N" N zeros; by spaces. */
struct trap {
    const char *spec, *from, *to, *add, *drop;
    rk_dtype dtype;                     /* stored in */
    uint64_t tied, ignored, computed;
    const char *says;                   /* among the notes */
};

#define GPT2 "gpt2:n_layer=2,n_embd=12,n_head=3,vocab_size=11,n_positions=8"
#define GPTJ "gpt-j-6b:layer=2,hidden=12,head=3,ff=8,vocab=11,position=8,rotary=4"
#define NEOX "pythia-14m:layer=2,hidden=12,head=3,ff=8,vocab=11,position=8"
#define BERT_OF(head) "bert-tiny" head ":layer=2,hidden=12,head=3,ff=8,vocab=11,position=8"
#define MARIAN "opus-mt-en-de:layer=2,source_layer=2,hidden=12,head=3,source_head=3,ff=8,source_ff=8,vocab=11,source_vocab=11,position=8,pad=3"
#define NANO "nanogpt:layer=2,hidden=12,head=3,vocab=11,position=8"
#define CS336 "cs336-17m:layer=2,hidden=12,head=3,ff=8,vocab=11,position=8"

static const struct trap traps[] = {
    /* GPT-2 as OpenAI's repository has it, as DialoGPT, as a wrapped and compiled one */
    { GPT2, "transformer.", "",                             NULL, NULL, RK_f32, 0, 0, 0, NULL },
    { GPT2, NULL, NULL, "lm_head.weight=transformer.wte.weight transformer.h.0.attn.bias:u8:64 transformer.h.1.attn.bias:bool:64 transformer.h.0.attn.masked_bias:f32:1 transformer.h.1.attn.masked_bias:f32:1",
      NULL, RK_f32, 1, 4, 0, "causal-mask" },
    { GPT2, "transformer.", "module.transformer.",          "module.transformer.h.0.attn.bias:f16:64", NULL, RK_f32, 0, 1, 0, "causal-mask" },
    { GPT2, "transformer.", "_orig_mod.transformer.",       "_orig_mod.lm_head.weight=_orig_mod.transformer.wte.weight", NULL, RK_f32, 1, 0, 0, "a tie" },
    { NANO, "transformer.", "_orig_mod.transformer.",       "_orig_mod.transformer.h.1.attn.bias:f32:64", NULL, RK_f32, 0, 1, 0, "causal-mask" },
    /* the parallel families and their buffers */
    { GPTJ, NULL, NULL, "transformer.h.0.attn.bias:bool:64 transformer.h.0.attn.masked_bias:f32:1 transformer.h.1.attn.embed_positions:f32:32", NULL, RK_f16, 0, 3, 0, "rotary" },
    { NEOX, "lm_head.", "embed_out.", "gpt_neox.layers.0.attention.bias:u8:64 gpt_neox.layers.0.attention.masked_bias:f16:1 gpt_neox.layers.1.attention.rotary_emb.inv_freq:f32:1",
      NULL, RK_f16, 0, 3, 0, "rotary" },
    { NEOX, "gpt_neox.", "",                                NULL, NULL, RK_f32, 0, 0, 0, NULL },
    { CS336, "", NULL,                                      NULL, NULL, RK_bf16, 0, 0, 0, NULL },
    { CS336, "layers.", "_orig_mod.layers.",                NULL, NULL, RK_f32, 0, 0, 0, NULL },
    /* BERT: TensorFlow's names of norms, a head that is tied and stored, no prefix, other heads */
    { BERT_OF(""), "LayerNorm.weight", "LayerNorm.gamma",   "bert.embeddings.position_ids:i64:8", NULL, RK_f32, 0, 1, 0, "numbers of positions" },
    { BERT_OF(""), "LayerNorm.bias", "LayerNorm.beta",      NULL, NULL, RK_f32, 0, 0, 0, NULL },
    { BERT_OF(""), NULL, NULL, "cls.predictions.decoder.weight=bert.embeddings.word_embeddings.weight cls.predictions.decoder.bias=cls.predictions.bias", NULL, RK_f32, 2, 0, 0, "a tie" },
    { BERT_OF(""), "cls.predictions.bias", "cls.predictions.decoder.bias", NULL, NULL, RK_f32, 0, 0, 0, NULL },
    { BERT_OF("+model"), "bert.", "",                       "embeddings.position_ids:i64:8", NULL, RK_f16, 0, 1, 0, "positions" },
    { BERT_OF(""), NULL, NULL, "bert.pooler.dense.weight:f32:144 bert.pooler.dense.bias:f32:12 cls.seq_relationship.weight:f32:24 cls.seq_relationship.bias:f32:2", NULL, RK_f32, 0, 4, 0, "another head" },
    { BERT_OF("+pretraining"), NULL, NULL,                  NULL, NULL, RK_f32, 0, 0, 0, NULL },
    /* Marian: one table under four names, sinusoids that need not be there, a bias that nobody trains */
    { MARIAN, NULL, NULL, "model.encoder.embed_tokens.weight=model.shared.weight model.decoder.embed_tokens.weight=model.shared.weight lm_head.weight=model.shared.weight",
      NULL, RK_f32, 3, 0, 0, "a tie" },
    { MARIAN, NULL, NULL,                                   NULL, "embed_positions", RK_f32, 0, 0, 2, "computed" },
    { MARIAN, NULL, NULL,                                   NULL, NULL, RK_f16, 0, 0, 0, NULL },
    /* any floating dtype, computed in f32 */
    { GPT2, NULL, NULL, NULL, NULL, RK_f16, 0, 0, 0, NULL },
    { GPT2, NULL, NULL, NULL, NULL, RK_bf16, 0, 0, 0, NULL },
    { GPT2, NULL, NULL, NULL, NULL, RK_f8e4m3, 0, 0, 0, NULL },
    { GPT2, NULL, NULL, NULL, NULL, RK_f8e5m2, 0, 0, 0, NULL },
    { GPT2, NULL, NULL, NULL, NULL, RK_f64, 0, 0, 0, NULL },
};

/* --- a file, changed --- */

static void renamed(const struct trap *t, const char *name, char out[256])
{
    const char *at = t->from != NULL && t->to != NULL ? strstr(name, t->from) : NULL;
    if (at == NULL) (void)snprintf(out, 256, "%s", name);
    else (void)snprintf(out, 256, "%.*s%s%s", (int)(at - name), name, t->to, at + strlen(t->from));
}

/* The next word of t->add: its name, and what it repeats, or how many numbers of which dtype. */
static bool next_added(const char **rest, char name[256], char other[256], rk_dtype *dtype, int64_t *n)
{
    char word[300];
    int used = 0, width = 0;
    if (*rest == NULL || sscanf(*rest, "%299s%n", word, &used) != 1) return false;
    *rest += used;
    width = (int)strcspn(word, "=:");
    (void)snprintf(name, 256, "%.*s", width, word);
    other[0] = '\0';
    if (word[width] == '=') {
        (void)snprintf(other, 256, "%s", word + width + 1);
        return true;
    }
    char *colon = strrchr(word, ':');
    *n = strtol(colon + 1, NULL, 10);
    *colon = '\0';
    REQUIRE(rk_dtype_find(word + width + 1, dtype));
    return true;
}

static const struct bundle_entry *under(const struct bundle *b, const struct trap *t, const char *name)
{
    char as[256];
    for (int i = 0; i < b->entries.n; i++) {
        renamed(t, b->entries.at[i].name.at, as);
        if (strcmp(as, name) == 0) return &b->entries.at[i];
    }
    test_fail(__FILE__, __LINE__, "there is no %s to repeat", name);
    test_end();
}

static void add_all(rk_ctx *ctx, const struct bundle *from, const struct trap *t, struct bundle_writer *w, bool declare)
{
    static const unsigned char zeros[4096];
    const char *rest = t->add;
    char name[256], other[256];
    rk_dtype dtype = RK_f32;
    int64_t n = 0;
    while (next_added(&rest, name, other, &dtype, &n)) {
        const struct bundle_entry *e = other[0] != '\0' ? under(from, t, other) : NULL;
        if (declare && e != NULL) OK(ctx, bundle_declare(ctx, w, name, e->dtype, e->rank, e->shape));
        else if (declare) OK(ctx, bundle_declare(ctx, w, name, dtype, 1, &n));
        else if (e != NULL) OK(ctx, bundle_write(ctx, w, name, e->data, e->bytes));
        else OK(ctx, bundle_write(ctx, w, name, zeros, (size_t)n * rk_dtype_bytes(dtype)));
    }
}

static void write_trap(rk_ctx *ctx, const struct bundle *from, const struct trap *t, const char *path)
{
    struct bundle_writer w = { .begun = false };
    char name[256];
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < from->entries.n; i++) {
            const struct bundle_entry *e = &from->entries.at[i];
            if (t->drop != NULL && strstr(e->name.at, t->drop) != NULL) continue;
            renamed(t, e->name.at, name);
            if (pass == 0) OK(ctx, bundle_declare(ctx, &w, name, e->dtype, e->rank, e->shape));
            else OK(ctx, bundle_write(ctx, &w, name, e->data, e->bytes));
        }
        add_all(ctx, from, t, &w, pass == 0);
        if (pass == 0) OK(ctx, bundle_begin(ctx, &w, path));
    }
    OK(ctx, bundle_commit(ctx, &w));
}

/* --- what the load tells --- */

static struct told { int times; rk_loaded last; char notes[4096], dtypes[64]; } told;

static void hear(void *user, const rk_loaded *loaded)
{
    (void)user;
    told.times++;
    told.last = *loaded;
    (void)snprintf(told.notes, sizeof told.notes, "%s", loaded->notes);
    (void)snprintf(told.dtypes, sizeof told.dtypes, "%s", loaded->dtypes);
}

static void new_store(rk_ctx *ctx, const struct built *b, struct store **s)
{
    OK(ctx, store_open(ctx, backend_truth(), s));
    OK(ctx, store_declare(ctx, *s, b->g));
    OK(ctx, store_allocate(ctx, *s));
}

/* Numbers that every dtype has: sixteenths of small odd numbers fit into three bits behind the point of any of them. */
static void fill(rk_ctx *ctx, const struct built *b, struct store *s)
{
    for (int i = 0; i < s->entries.n; i++) {
        int64_t n = s->entries.at[i].elements;
        double *x = malloc((size_t)n * sizeof *x);
        REQUIRE(x != NULL);
        for (int64_t k = 0; k < n; k++) x[k] = ((double)test_random(7) - 3) / 4;
        if (s->entries.at[i].kind == RK_PARAMETER) OK(ctx, store_write(ctx, s, i, x, RK_f64));
        free(x);
    }
    for (int i = b->parameters.n; i < built_stored(b); i++) OK(ctx, bind_compute(ctx, b, i, s));
}

static void expect_equal(rk_ctx *ctx, const struct trap *trap, const struct store *s, const struct store *t)
{
    for (int i = 0; i < s->entries.n; i++) {
        int64_t n = s->entries.at[i].elements;
        double *x = malloc((size_t)n * sizeof *x), *y = malloc((size_t)n * sizeof *y), within = s->entries.at[i].kind == RK_PARAMETER ? 0 : 0.002;
        REQUIRE(x != NULL && y != NULL);
        OK(ctx, store_read(ctx, s, i, x, RK_f64));
        OK(ctx, store_read(ctx, t, store_find(t, s->entries.at[i].kind, s->entries.at[i].name), y, RK_f64));
        for (int64_t k = 0; k < n; k++)
            if (!(fabs(x[k] - y[k]) <= within)) {
                test_fail(__FILE__, __LINE__, "%s: %s[%lld] is %g, expected %g", trap->spec, s->entries.at[i].name, (long long)k, y[k], x[k]);
                break;
            }
        free(x);
        free(y);
    }
}

static void check_trap(rk_ctx *ctx, const struct trap *t)
{
    rk_model *m;
    struct built b;
    struct store *s, *again;
    struct bundle whole, changed;
    char path[700];
    OK(ctx, rk_model_open(ctx, t->spec, &m));
    OK(ctx, model_build(ctx, m, &(struct build_options){ .purpose = FOR_SCORING }, &b));
    new_store(ctx, &b, &s);
    fill(ctx, &b, s);
    OK(ctx, bind_save(ctx, m, &b, s, test_temporary(), t->dtype));
    OK(ctx, bundle_open(ctx, test_temporary(), &whole));
    (void)snprintf(path, sizeof path, "%s/trap.bundle", test_temporary());
    write_trap(ctx, &whole, t, path);
    OK(ctx, bundle_open(ctx, path, &changed));
    new_store(ctx, &b, &again);
    told.times = 0;
    OK(ctx, bind_load(ctx, m->config.arch, &b, &changed, again, NULL));
    expect_equal(ctx, t, s, again);
    EXPECT_INT(told.times, 1);
    EXPECT_INT(told.last.tied, t->tied);
    EXPECT_INT(told.last.ignored, t->ignored);
    EXPECT_INT(told.last.computed, t->computed);
    EXPECT_INT(told.last.used + told.last.tied + told.last.ignored, told.last.tensors);
    EXPECT_INT(told.last.converted, t->dtype == RK_f32 ? 0 : (long long)told.last.used);
    EXPECT_TEXT(told.dtypes, rk_dtype_name(t->dtype));
    if (t->says != NULL && strstr(told.notes, t->says) == NULL) test_fail(__FILE__, __LINE__, "%s: \"%s\" is not in \"%s\"", t->spec, t->says, told.notes);
    if (t->says == NULL) EXPECT_TEXT(told.notes, "");
    store_close(again);
    store_close(s);
    bundle_close(ctx, &changed);
    bundle_close(ctx, &whole);
    built_close(&b);
    rk_model_close(m);
}

TEST(every_trap_of_every_family)
{
    rk_ctx *ctx;
    REQUIRE(rk_ctx_open(&(rk_options){ .loaded = hear }, &ctx) == RK_OK);
    for (size_t i = 0; i < sizeof traps / sizeof *traps; i++) check_trap(ctx, &traps[i]);
    EXPECT_INT(rk_ctx_bytes(ctx), 0);
    rk_ctx_close(ctx);
}
