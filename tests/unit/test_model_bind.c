/* Binding: every parameter has a name in files, numbers go to their places whatever the order, and every way in which a
 * checkpoint does not fit is said by name. */
#include "backend/ref/ref.h"
#include "core/graph.h"
#include "model/bind.h"
#include "test.h"
#include "tiny.h"
#include <stdlib.h>

/* --- moving numbers --- */

static void random_reorder(struct reorder *r, int64_t *elements)
{
    int axis[4] = { 0, 1, 2, 3 };
    int64_t stride = 1;
    r->rank = (int)test_random(5);
    *elements = 1;
    for (int i = 0; i < r->rank; i++) {
        r->size[i] = 1 + (int64_t)test_random(i == 1 ? 40 : 7);
        *elements *= r->size[i];
    }
    for (int i = r->rank - 1; i > 0; i--) {
        int k = (int)test_random((uint64_t)i + 1), t = axis[i];
        axis[i] = axis[k], axis[k] = t;
    }
    for (int i = r->rank - 1; i >= 0; i--) {
        r->stride[axis[i]] = stride;
        stride *= r->size[axis[i]];
    }
}

/* Law: box by box, element i of the result is the source's element at the sum of index times stride. */
TEST(any_order_by_boxes_of_any_size)
{
    static const size_t widths[] = { 1, 2, 4, 8 };
    for (int round = 0; round < 2000; round++) {
        struct reorder r;
        int64_t elements, most = 1 + (int64_t)test_random(300);
        size_t width = widths[test_random(4)];
        random_reorder(&r, &elements);
        unsigned char *from = malloc((size_t)elements * width + 1), *to = malloc((size_t)elements * width);
        REQUIRE(from != NULL && to != NULL);
        unsigned char *source = from + test_random(2);                      /* files need not be aligned */
        for (size_t i = 0; i < (size_t)elements * width; i++) source[i] = (unsigned char)test_random(256);
        for (int64_t first = 0, count; first < elements; first += count) {
            count = reorder_box(&r, first, most);
            REQUIRE(count >= 1 && count <= (most > 1 ? most : 1) && first + count <= elements);
            reorder_copy(&r, to + (size_t)first * width, source, first, count, width);
        }
        int wrong = 0;
        for (int64_t i = 0; i < elements; i++) {
            int64_t left = i, at = 0;
            for (int k = r.rank - 1; k >= 0; k--) {
                at += left % r.size[k] * r.stride[k];
                left /= r.size[k];
            }
            wrong += memcmp(to + (size_t)i * width, source + (size_t)at * width, width) != 0;
        }
        EXPECT_INT(wrong, 0);
        free(from);
        free(to);
    }
}

/* --- names --- */

static bool matches(const char *pattern, const char *text, bool loose)
{
    struct word number;
    return bind_matches((struct word){ pattern, strlen(pattern) }, text, strlen(text), loose, &number);
}

TEST(patterns)
{
    EXPECT(matches("h.*.attn.bias", "h.12.attn.bias", false));
    EXPECT(!matches("h.*.attn.bias", "h.12.attn.c_attn.bias", false));
    EXPECT(!matches("h.*.attn.bias", "h..attn.bias", false));
    EXPECT(!matches("h.*.attn.bias", "h.x.attn.bias", false));
    EXPECT(!matches("h.*.attn.bias", "xh.1.attn.bias", false));
    EXPECT(!matches("h.*.attn.bias", "h.1.attn.biasx", false));
    EXPECT(matches("*.a.*", "3.a.3", false) && !matches("*.a.*", "3.a.4", false));
    EXPECT(matches("rope.*", "rope.cos.table", true) && !matches("rope.*", "rope.cos.table", false) && !matches("rope.*", "rope.", true));
}

TEST(prefixes_in_any_order)
{
    static const char *const names[] = { "wte.weight", "transformer.wte.weight", "_orig_mod.transformer.wte.weight", "module._orig_mod.model.transformer.wte.weight",
                                         "transformer.module.wte.weight" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct word w = bind_strip(arch_list[0], names[i], strlen(names[i]));
        EXPECT(word_is(w, "wte.weight", 10));
    }
    struct word only = bind_strip(arch_list[0], "module.", 7);
    EXPECT(only.n == 7);                                    /* a prefix of nothing is a name */
}

static const char transposed[] = "gpt2:n_layer=2,n_embd=12,n_head=3,vocab_size=11,n_positions=8";

static void open_all(rk_ctx *ctx, const char *spec, rk_model **m, struct built *b, struct store **s)
{
    OK(ctx, rk_model_open(ctx, spec, m));
    OK(ctx, model_build(ctx, *m, &(struct build_options){ .purpose = FOR_SCORING }, b));
    OK(ctx, store_open(ctx, backend_truth(), s));
    OK(ctx, store_declare(ctx, *s, b->g));
    OK(ctx, store_allocate(ctx, *s));
}

static void close_all(rk_model *m, struct built *b, struct store *s)
{
    store_close(s);
    built_close(b);
    rk_model_close(m);
}

static void fill(rk_ctx *ctx, const struct built *b, struct store *s)
{
    for (int i = 0; i < b->parameters.n; i++) {
        int at = store_find(s, RK_PARAMETER, b->parameters.at[i].name);
        int64_t n = parameter_elements(b->g, &b->parameters.at[i]);
        float *x = malloc((size_t)n * sizeof *x);
        REQUIRE(at >= 0 && x != NULL);
        for (int64_t k = 0; k < n; k++) x[k] = (float)test_normal();
        OK(ctx, store_write(ctx, s, at, x, RK_f32));
        free(x);
    }
}

/* The largest difference between two stores, relative to the number, or to the smallest that f16 has with all its bits. */
static double difference(rk_ctx *ctx, const struct built *b, const struct store *s, const struct store *t)
{
    double worst = 0;
    for (int i = 0; i < b->parameters.n; i++) {
        int64_t n = parameter_elements(b->g, &b->parameters.at[i]);
        double *x = malloc((size_t)n * sizeof *x), *y = malloc((size_t)n * sizeof *y);
        REQUIRE(x != NULL && y != NULL);
        OK(ctx, store_read(ctx, s, store_find(s, RK_PARAMETER, b->parameters.at[i].name), x, RK_f64));
        OK(ctx, store_read(ctx, t, store_find(t, RK_PARAMETER, b->parameters.at[i].name), y, RK_f64));
        for (int64_t k = 0; k < n; k++) worst = fmax(worst, fabs(x[k] - y[k]) / fmax(fabs(x[k]), 0x1p-14));
        free(x);
        free(y);
    }
    return worst;
}

TEST(every_parameter_has_one_name)
{
    rk_ctx *ctx = test_ctx();
    for (int i = 0; i < TINY_MODELS; i++) {
        char spec[TINY_ROOM];
        rk_model *m;
        struct built b;
        OK(ctx, rk_model_open(ctx, tiny_model(i, 11, 8, spec), &m));
        OK(ctx, model_build(ctx, m, &(struct build_options){ .purpose = FOR_SCORING }, &b));
        for (int k = 0; k < b.parameters.n; k++) {
            struct word number;
            struct str name = { 0 };
            struct stored stored;
            const struct binding *row = bind_row(m->config.arch, b.parameters.at[k].name, &number);
            REQUIRE(row != NULL);
            OK(ctx, bind_stored(ctx, m->config.arch, &b, k, &stored));
            OK(ctx, bind_name(ctx, row, number, 0, &name));
            int found;
            OK(ctx, bind_find(ctx, m->config.arch, &b, str_c(&name), (size_t)name.n, &found));
            EXPECT_INT(found, k);
            OK(ctx, bind_find(ctx, m->config.arch, &b, "nonsense", 8, &found));
            EXPECT_INT(found, -1);
            str_free(ctx, &name);
        }
        built_close(&b);
        rk_model_close(m);
    }
}

/* Parameters, and the constants that files hold. */
static int in_files(const struct arch *arch, const struct built *b)
{
    struct word number;
    int n = 0;
    for (int i = 0; i < built_stored(b); i++) n += bind_row(arch, b->parameters.at[i].name, &number) != NULL;
    return n;
}

/* Law: load after save is the identity; in half precision, one rounding. */
TEST(load_after_save_is_the_identity)
{
    static const struct { rk_dtype dtype; double error; } kinds[] = { { RK_f64, 0 }, { RK_f32, 0 }, { RK_bf16, 0.00391 }, { RK_f16, 0.0005 } };
    rk_ctx *ctx = test_ctx();
    for (int i = 0; i < TINY_MODELS * 4; i++) {
        char spec[TINY_ROOM];
        rk_model *m, *n;
        struct built b, c;
        struct store *s, *t;
        struct bundle file;
        struct bind_report report;
        open_all(ctx, tiny_model(i / 4, 11, 8, spec), &m, &b, &s);
        fill(ctx, &b, s);
        OK(ctx, bind_save(ctx, m, &b, s, test_temporary(), kinds[i % 4].dtype));
        open_all(ctx, test_temporary(), &n, &c, &t);
        EXPECT(rk_model_has_weights(n));
        OK(ctx, bundle_open(ctx, n->weights, &file));
        EXPECT_INT(file.entries.n, in_files(m->config.arch, &b));
        OK(ctx, bind_load(ctx, n->config.arch, &c, &file, t, &report));
        EXPECT_INT(report.used, file.entries.n);
        EXPECT_TEXT(str_c(&report.text), "");
        EXPECT(difference(ctx, &b, s, t) <= kinds[i % 4].error);
        bind_report_clear(ctx, &report);
        bundle_close(ctx, &file);
        close_all(n, &c, t);
        close_all(m, &b, s);
    }
}

/* What a transposed and grouped tensor is, spelled out: c_attn.weight[d][(c h k)] is qkv.weight[c][h][k][d]. */
TEST(axes_mean_what_they_say)
{
    rk_ctx *ctx = test_ctx();
    rk_model *m;
    struct built b;
    struct store *s;
    struct bundle file;
    const struct bundle_entry *e;
    enum { D = 12, H = 3, K = 4 };
    static float q[3 * H * K * D];
    open_all(ctx, transposed, &m, &b, &s);
    fill(ctx, &b, s);
    OK(ctx, bind_save(ctx, m, &b, s, test_temporary(), RK_f32));
    OK(ctx, bundle_open(ctx, test_temporary(), &file));
    OK(ctx, bundle_get(ctx, &file, "transformer.h.1.attn.c_attn.weight", &e));
    OK(ctx, store_read(ctx, s, store_find(s, RK_PARAMETER, "h.1.attn.qkv.weight"), q, RK_f32));
    REQUIRE(e->rank == 2 && e->shape[0] == D && e->shape[1] == 3 * H * K);
    for (int c = 0; c < 3; c++)
        for (int h = 0; h < H; h++)
            for (int k = 0; k < K; k++)
                for (int d = 0; d < D; d++) {
                    float stored;
                    memcpy(&stored, (const char *)e->data + sizeof stored * (size_t)(d * 3 * H * K + (c * H + h) * K + k), sizeof stored);
                    EXPECT(stored == q[((c * H + h) * K + k) * D + d]);
                }
    double *back = malloc(sizeof *back * 3 * H * K * D);
    int found;
    OK(ctx, bind_find(ctx, m->config.arch, &b, "transformer.h.1.attn.c_attn.weight", 34, &found));
    OK(ctx, bind_read(ctx, m->config.arch, &b, found, e, RK_f64, back));
    for (int i = 0; i < 3 * H * K * D; i++) EXPECT(back[i] == (double)q[i]);
    free(back);
    bundle_close(ctx, &file);
    close_all(m, &b, s);
}

/* GPT-NeoX keeps q, k and v of a head together: query_key_value.weight[(h c k)][d] is qkv.weight[c][h][k][d]; its bias alike. */
TEST(heads_that_keep_their_q_k_v_together)
{
    enum { D = 12, H = 3, K = 4, ROWS = 3 * H * K };
    static float weight[ROWS * D], bias[ROWS], from_weight[ROWS * D], from_bias[ROWS];
    rk_ctx *ctx = test_ctx();
    rk_model *m;
    struct built b;
    struct store *s;
    struct bundle file;
    const struct bundle_entry *w, *e;
    open_all(ctx, "pythia-14m:layer=1,hidden=12,head=3,ff=8,vocab=11,position=8", &m, &b, &s);
    fill(ctx, &b, s);
    OK(ctx, bind_save(ctx, m, &b, s, test_temporary(), RK_f32));
    OK(ctx, bundle_open(ctx, test_temporary(), &file));
    OK(ctx, bundle_get(ctx, &file, "gpt_neox.layers.0.attention.query_key_value.weight", &w));
    OK(ctx, bundle_get(ctx, &file, "gpt_neox.layers.0.attention.query_key_value.bias", &e));
    REQUIRE(w->rank == 2 && w->shape[0] == ROWS && w->shape[1] == D && w->bytes == sizeof from_weight && e->bytes == sizeof from_bias);
    memcpy(from_weight, w->data, sizeof from_weight);
    memcpy(from_bias, e->data, sizeof from_bias);
    OK(ctx, store_read(ctx, s, store_find(s, RK_PARAMETER, "h.0.attn.qkv.weight"), weight, RK_f32));
    OK(ctx, store_read(ctx, s, store_find(s, RK_PARAMETER, "h.0.attn.qkv.bias"), bias, RK_f32));
    for (int c = 0; c < 3; c++)
        for (int h = 0; h < H; h++)
            for (int k = 0; k < K; k++) {
                int here = (c * H + h) * K + k, there = (h * 3 + c) * K + k;
                EXPECT(bias[here] == from_bias[there] && memcmp(weight + here * D, from_weight + there * D, sizeof *weight * D) == 0);
            }
    bundle_close(ctx, &file);
    close_all(m, &b, s);
}

/* Both names that the head of GPT-NeoX has had, and the buffers that its old files and those of GPT-J hold. */
TEST(old_files_of_the_parallel_families)
{
    static const struct { const char *spec, *renamed, *as, *buffer, *why; } old[] = {
        { "pythia-14m:layer=1,hidden=12,head=3,ff=8,vocab=11,position=8", "lm_head.weight", "embed_out.weight", "gpt_neox.layers.0.attention.bias", "causal-mask" },
        { "pythia-14m:layer=1,hidden=12,head=3,ff=8,vocab=11,position=8", NULL, NULL, "gpt_neox.layers.0.attention.rotary_emb.inv_freq", "rotary" },
        { "gpt-j-6b:layer=1,hidden=12,head=3,ff=8,vocab=11,position=8,rotary=4", NULL, NULL, "transformer.h.0.attn.masked_bias", "causal-mask" },
    };
    static const unsigned char zeros[64];
    const int64_t four[] = { 1, 1, 8, 8 };
    rk_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof old / sizeof *old; i++) {
        rk_model *m;
        struct built b;
        struct store *s, *t;
        struct bundle file;
        struct bundle_writer writer = { .begun = false };
        struct bind_report report;
        char path[700];
        open_all(ctx, old[i].spec, &m, &b, &s);
        fill(ctx, &b, s);
        OK(ctx, bind_save(ctx, m, &b, s, test_temporary(), RK_f32));
        OK(ctx, bundle_open(ctx, test_temporary(), &file));
        (void)snprintf(path, sizeof path, "%s/old.safetensors", test_temporary());
        for (int round = 0; round < 2; round++) {
            for (int k = 0; k < file.entries.n; k++) {
                const struct bundle_entry *e = &file.entries.at[k];
                const char *name = old[i].renamed != NULL && strcmp(e->name.at, old[i].renamed) == 0 ? old[i].as : e->name.at;
                if (round == 0) OK(ctx, bundle_declare(ctx, &writer, name, e->dtype, e->rank, e->shape));
                else OK(ctx, bundle_write(ctx, &writer, name, e->data, e->bytes));
            }
            if (round == 0) OK(ctx, bundle_declare(ctx, &writer, old[i].buffer, RK_u8, 4, four));
            else OK(ctx, bundle_write(ctx, &writer, old[i].buffer, zeros, 64));
            if (round == 0) OK(ctx, bundle_begin(ctx, &writer, path));
        }
        OK(ctx, bundle_commit(ctx, &writer));
        bundle_close(ctx, &file);
        OK(ctx, bundle_open(ctx, path, &file));
        OK(ctx, store_open(ctx, backend_truth(), &t));
        OK(ctx, store_declare(ctx, t, b.g));
        OK(ctx, store_allocate(ctx, t));
        OK(ctx, bind_load(ctx, m->config.arch, &b, &file, t, &report));
        EXPECT(difference(ctx, &b, s, t) == 0);
        EXPECT_INT(report.ignored, 1);
        EXPECT(strstr(str_c(&report.text), old[i].why) != NULL);
        bind_report_clear(ctx, &report);
        store_close(t);
        bundle_close(ctx, &file);
        close_all(m, &b, s);
    }
}

/* --- checkpoints that do not fit --- */

/* A copy of a checkpoint in which each tensor may get another name or stay away, and one more may come. */
struct change { const char *drop, *prefix, *add; bool as_tie, turned, integers; };

static void write_changed(rk_ctx *ctx, const struct bundle *from, const char *path, const struct change *c)
{
    struct bundle_writer w = { .begun = false };
    const struct bundle_entry *table = bundle_find(from, "transformer.wte.weight");
    int64_t other[] = { 1, 1, 8, 8 };
    static const unsigned char zeros[4096];
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < from->entries.n; i++) {
            const struct bundle_entry *e = &from->entries.at[i];
            char name[200];
            int64_t shape[RK_MAX_RANK];
            if (c->drop != NULL && strstr(e->name.at, c->drop) != NULL) continue;
            (void)snprintf(name, sizeof name, "%s%s", c->prefix != NULL ? c->prefix : "", e->name.at);
            for (int k = 0; k < e->rank; k++) shape[k] = e->shape[c->turned ? e->rank - 1 - k : k];
            if (pass == 0) OK(ctx, bundle_declare(ctx, &w, name, c->integers ? RK_i32 : e->dtype, e->rank, shape));
            else OK(ctx, bundle_write(ctx, &w, name, e->data, e->bytes));
        }
        if (c->add != NULL && c->as_tie && pass == 0) OK(ctx, bundle_declare(ctx, &w, c->add, table->dtype, table->rank, table->shape));
        if (c->add != NULL && c->as_tie && pass == 1) OK(ctx, bundle_write(ctx, &w, c->add, table->data, table->bytes));
        if (c->add != NULL && !c->as_tie && pass == 0) OK(ctx, bundle_declare(ctx, &w, c->add, RK_u8, 4, other));
        if (c->add != NULL && !c->as_tie && pass == 1) OK(ctx, bundle_write(ctx, &w, c->add, zeros, 64));
        if (pass == 0) OK(ctx, bundle_begin(ctx, &w, path));
    }
    OK(ctx, bundle_commit(ctx, &w));
}

static const struct { struct change change; rk_status status; const char *words, *report; } changes[] = {
    { { .prefix = NULL },                                        RK_OK,        "", "" },
    { { .prefix = "_orig_mod." },                                RK_OK,        "", "" },
    { { .prefix = "module.model." },                             RK_OK,        "", "" },
    { { .add = "transformer.h.0.attn.bias" },                    RK_OK,        "", "causal-mask" },
    { { .add = "h.1.attn.masked_bias" },                         RK_OK,        "", "masked_bias" },
    { { .add = "lm_head.weight", .as_tie = true },               RK_OK,        "", "tie" },
    { { .add = "lm_head.weight" },                               RK_E_DIFFERS, "lm_head.weight", "" },
    { { .add = "score.weight" },                                 RK_E_DECLINED, "score.weight", "score.weight" },
    { { .add = "transformer.h.2.ln_1.weight" },                  RK_E_DECLINED, "h.2.ln_1.weight", "h.2" },
    { { .add = "h.0.attn.bias\n\x1b[31m" },                      RK_E_DECLINED, "h.0.attn.bias", "h.0" },
    { { .add = "wte.weight", .as_tie = true },                   RK_E_FORMAT,  "differ only in their prefix", "" },
    { { .drop = "h.1.ln_2.bias" },                               RK_E_MISSING, "h.1.ln_2.bias", "is missing" },
    { { .drop = "transformer." },                                RK_E_MISSING, "28 of 28", "is missing" },
    { { .drop = "wte", .add = "transformer.wte2.weight" },       RK_E_MISSING, "wte.weight", "wte2" },
    { { .turned = true },                                        RK_E_SHAPE,   "wte.weight", "by its config" },
    { { .integers = true },                                      RK_E_DTYPE,   "i32", "" },
};

TEST(checkpoints_that_do_not_fit_are_refused_by_name)
{
    rk_ctx *ctx = test_ctx();
    rk_model *m;
    struct built b;
    struct store *s, *t;
    struct bundle whole, changed;
    char path[700];
    open_all(ctx, transposed, &m, &b, &s);
    fill(ctx, &b, s);
    OK(ctx, bind_save(ctx, m, &b, s, test_temporary(), RK_f32));
    OK(ctx, bundle_open(ctx, test_temporary(), &whole));
    (void)snprintf(path, sizeof path, "%s/changed.safetensors", test_temporary());
    OK(ctx, store_open(ctx, backend_truth(), &t));
    OK(ctx, store_declare(ctx, t, b.g));
    OK(ctx, store_allocate(ctx, t));
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct bind_report report;
        write_changed(ctx, &whole, path, &changes[i].change);
        OK(ctx, bundle_open(ctx, path, &changed));
        if (changes[i].status == RK_OK) {
            OK(ctx, bind_load(ctx, m->config.arch, &b, &changed, t, &report));
            EXPECT(difference(ctx, &b, s, t) == 0);
        } else {
            FAILS(ctx, bind_load(ctx, m->config.arch, &b, &changed, t, &report), changes[i].status, changes[i].words);
            EXPECT(strchr(rk_error_message(ctx), '\x1b') == NULL);
        }
        if (strstr(str_c(&report.text), changes[i].report) == NULL) test_fail(__FILE__, __LINE__, "change %zu: the report is \"%s\"", i, str_c(&report.text));
        bind_report_clear(ctx, &report);
        bundle_close(ctx, &changed);
    }
    store_close(t);
    bundle_close(ctx, &whole);
    close_all(m, &b, s);
}
