/* Two models side by side: a model is itself, one changed field shows where it matters and nowhere else, names across families
 * find each other, and no parameter is lost on the way. */
#include "model/model.h"
#include "reckon/diff.h"
#include "test.h"

static rk_diff *compared(rk_ctx *ctx, const char *left, const char *right)
{
    rk_model *a, *b;
    rk_diff *d = NULL;
    OK(ctx, rk_model_open(ctx, left, &a));
    OK(ctx, rk_model_open(ctx, right, &b));
    OK(ctx, rk_diff_of(a, b, &d));
    rk_model_close(a);
    rk_model_close(b);
    return d;
}

static int row_of(const rk_diff *d, const char *role)
{
    for (int i = 0; i < rk_diff_rows(d); i++)
        if (strcmp(rk_diff_row_at(d, i).role, role) == 0) return i;
    test_fail(__FILE__, __LINE__, "there is no row %s", role);
    test_end();
}

/* The roles that are not the same, with their first reason. */
static const char *changed(const rk_diff *d)
{
    static char text[1024];
    text[0] = '\0';
    for (int i = 0; i < rk_diff_rows(d); i++) {
        rk_diff_row r = rk_diff_row_at(d, i);
        size_t used = strlen(text);
        if (r.verdict != RK_SAME) (void)snprintf(text + used, sizeof text - used, "%s%s:%s", used > 0 ? " " : "", r.role, rk_diff_detail_at(d, i, 0).what);
    }
    return text;
}

TEST(a_model_is_itself_and_no_parameter_is_lost)
{
    rk_ctx *ctx = test_ctx();
    const char *name;
    for (int i = 0; (name = rk_model_preset(i)) != NULL; i++) {
        rk_model *m;
        uint64_t parameters, sum[2] = { 0, 0 };
        rk_diff *d = compared(ctx, name, name);
        OK(ctx, rk_model_open(ctx, name, &m));
        OK(ctx, rk_model_parameters(m, &parameters));
        rk_model_close(m);
        for (int k = 0; k < rk_diff_rows(d); k++) {
            rk_diff_row r = rk_diff_row_at(d, k);
            EXPECT(r.verdict == RK_SAME && r.details == 0);
            EXPECT_TEXT(r.left, r.right);
            sum[0] += r.left_parameters;
            sum[1] += r.right_parameters;
        }
        if (sum[0] != parameters || sum[1] != parameters) test_fail(__FILE__, __LINE__, "%s: the rows have %llu parameters of %llu", name, (unsigned long long)sum[0], (unsigned long long)parameters);
        rk_diff_free(d);
    }
}

TEST(one_field_shows_where_it_matters)
{
    static const struct { const char *left, *right, *changed; } cases[] = {
        { "gpt2", "gpt2:activation_function=gelu", "h.*.mlp:computes" },
        { "gpt2", "gpt2:layer_norm_epsilon=1e-6",  "h.*.norm1:computes h.*.norm2:computes norm:computes" },
        { "gpt2", "gpt2:tie_word_embeddings=false", "head:weight" },
        { "gpt2", "gpt2:scale_attn_weights=false", "h.*.attn:computes" },
        { "gpt2", "gpt2:scale_attn_by_inverse_layer_idx=true", "h.*.attn:computes" },
        { "gpt2", "gpt2:attn_pdrop=0",             "h.*.attn:dropout" },
        { "gpt2", "gpt2:resid_pdrop=0",            "h.*:dropout" },
        { "gpt2", "gpt2:embd_pdrop=0",             "h.*:dropout" },
        { "gpt2", "gpt2:n_layer=3",                "h.*:repeated" },
        { "gpt2", "gpt2:n_inner=768",              "h.*.mlp.up:weight h.*.mlp.down:weight" },
        { "gpt2", "gpt2:initializer_range=0.01",   "" },
        { "cs336-small", "cs336-small:rope_theta=500000", "h.*.attn:computes" },
        { "cs336-small", "cs336-small:remove_rope=true",  "h.*.attn:computes" },
        { "cs336-small", "cs336-small:ffn_type=silu",     "h.*.mlp.gate:computes h.*.mlp:computes" },
        { "bert-tiny", "bert-tiny:hidden_act=relu",       "h.*.mlp:computes head.norm:reads" },
        { "bert-tiny", "bert-tiny:hidden_dropout_prob=0", "h.*:dropout h.*.norm1:dropout h.*.norm2:dropout" },
        { "transformer-base", "transformer-base:positions=sinusoidal-halves", "encoder:computes decoder:computes" },
        { "transformer-base", "transformer-base:dropout=0.2,activation_dropout=0.1,attention_dropout=0.1",
          "encoder:dropout encoder.h.*.norm1:dropout encoder.h.*.norm2:dropout decoder:dropout decoder.h.*.norm1:dropout decoder.h.*.norm2:dropout decoder.h.*.norm3:dropout" },
    };
    rk_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rk_diff *d = compared(ctx, cases[i].left, cases[i].right);
        if (strcmp(changed(d), cases[i].changed) != 0) test_fail(__FILE__, __LINE__, "%s: %s, expected %s", cases[i].right, changed(d), cases[i].changed);
        rk_diff_free(d);
    }
}

TEST(where_the_norms_stand_shows_in_what_is_read)
{
    rk_ctx *ctx = test_ctx();
    rk_diff *d = compared(ctx, "cs336-small", "cs336-small:use_post_norm=true");
    rk_diff_detail x = rk_diff_detail_at(d, row_of(d, "h.*.norm1"), 0);
    EXPECT_TEXT(x.what, "reads");
    EXPECT_TEXT(x.left, "x");
    EXPECT_TEXT(x.right, "x + attn.out");
    x = rk_diff_detail_at(d, row_of(d, "h.*.attn.q"), 0);
    EXPECT_TEXT(x.left, "norm1");
    EXPECT_TEXT(x.right, "x");
    EXPECT(rk_diff_row_at(d, row_of(d, "norm")).verdict == RK_ONLY_LEFT);
    rk_diff_free(d);
}

TEST(families_find_each_other)
{
    rk_ctx *ctx = test_ctx();
    rk_diff *d = compared(ctx, "gpt2", "cs336-small");
    rk_diff_row r = rk_diff_row_at(d, row_of(d, "h.*.attn.qkv"));
    EXPECT_TEXT(r.left, "h.*.attn.c_attn");
    EXPECT_TEXT(r.right, "layers.*.attn.q_proj layers.*.attn.k_proj layers.*.attn.v_proj");
    EXPECT(r.verdict == RK_OTHER && r.left_parameters == 12ull * (768 * 3 * 768 + 3 * 768) && r.right_parameters == 12ull * 3 * 768 * 768);
    EXPECT_TEXT(rk_diff_detail_at(d, row_of(d, "h.*.attn.qkv"), 1).what, "weight stored transposed, fused");
    EXPECT(rk_diff_row_at(d, row_of(d, "embed")).verdict == RK_SAME);
    EXPECT(rk_diff_row_at(d, row_of(d, "position")).verdict == RK_ONLY_LEFT);
    EXPECT(rk_diff_row_at(d, row_of(d, "h.*.mlp.gate")).verdict == RK_ONLY_RIGHT);
    EXPECT_TEXT(rk_diff_detail_at(d, row_of(d, "head"), 0).left, "embed.weight");
    rk_diff_free(d);
    d = compared(ctx, "cs336-small", "cs336-small-2024");                  /* mlp.up beside mlp.plain.up */
    EXPECT_TEXT(rk_diff_row_at(d, row_of(d, "h.*.mlp.up")).right, "layers.*.ffn.w1");
    EXPECT_TEXT(rk_diff_detail_at(d, row_of(d, "h.*.mlp"), 0).right, "gelu_erf(mlp.up)");
    rk_diff_free(d);
}

TEST(gpt2_gptj_and_neox)
{
    rk_ctx *ctx = test_ctx();
    rk_diff *d = compared(ctx, "gpt2", "pythia-160m");
    int qkv = row_of(d, "h.*.attn.qkv");
    EXPECT_TEXT(rk_diff_row_at(d, qkv).right, "layers.*.attention.query_key_value");
    EXPECT(rk_diff_row_at(d, qkv).verdict == RK_SAME_IN_OTHER_LAYOUT);
    EXPECT_TEXT(rk_diff_detail_at(d, qkv, 0).what, "weight stored transposed, interleaved");
    EXPECT_TEXT(rk_diff_detail_at(d, qkv, 1).what, "bias stored interleaved");
    EXPECT(rk_diff_row_at(d, row_of(d, "h.*.norm1")).verdict == RK_SAME);
    EXPECT_TEXT(rk_diff_detail_at(d, row_of(d, "h.*.norm2"), 0).left, "x + attn.out");
    EXPECT_TEXT(rk_diff_detail_at(d, row_of(d, "h.*.norm2"), 0).right, "x");
    EXPECT(strstr(rk_diff_detail_at(d, row_of(d, "h.*.attn"), 0).right, "rotary(attn.q; halves, 0.25 of a head, theta 10000)") != NULL);
    rk_diff_free(d);
    d = compared(ctx, "gpt-j-6b", "pythia-6.9b");                          /* parts on the left */
    qkv = row_of(d, "h.*.attn.qkv");
    EXPECT_TEXT(rk_diff_row_at(d, qkv).left, "h.*.attn.q_proj h.*.attn.k_proj h.*.attn.v_proj");
    EXPECT_TEXT(rk_diff_row_at(d, qkv).right, "layers.*.attention.query_key_value");
    EXPECT_TEXT(rk_diff_detail_at(d, row_of(d, "h.*.mlp.up"), 0).right, "norm2");
    EXPECT(rk_diff_row_at(d, row_of(d, "h.*.norm2")).verdict == RK_ONLY_RIGHT);
    EXPECT_TEXT(rk_diff_detail_at(d, row_of(d, "head"), 0).left, "cross entropy(x, weight, labels, bias)");
    rk_diff_free(d);
    d = compared(ctx, "pythia-70m", "pythia-70m:use_parallel_residual=false");
    EXPECT_TEXT(changed(d), "h.*.norm2:reads");
    rk_diff_free(d);
}

/* A formula that changes from block to block says nothing of dropout that is the same in all of them. */
TEST(what_changes_over_blocks_keeps_its_dropout)
{
    rk_ctx *ctx = test_ctx();
    rk_diff *d = compared(ctx, "gpt2", "gpt2:scale_attn_by_inverse_layer_idx=true");
    EXPECT_INT(rk_diff_row_at(d, row_of(d, "h.*.attn")).details, 1);
    rk_diff_free(d);
    d = compared(ctx, "gpt2:scale_attn_by_inverse_layer_idx=true", "gpt2:scale_attn_by_inverse_layer_idx=true,attn_pdrop=0.3");
    EXPECT_TEXT(changed(d), "h.*.attn:dropout");
    rk_diff_free(d);
}

/* --- the same model, laid out differently --- */

static void expect_twins(const rk_diff *d, const char *names)
{
    for (int i = 0; i < rk_diff_rows(d); i++) {
        rk_diff_row r = rk_diff_row_at(d, i);
        if (r.verdict > RK_SAME_IN_OTHER_LAYOUT)
            test_fail(__FILE__, __LINE__, "%s: %s is %s: %s | %s", names, r.role, rk_diff_verdict_words(r.verdict), rk_diff_detail_at(d, i, 0).left, rk_diff_detail_at(d, i, 0).right);
        EXPECT(r.left_parameters == r.right_parameters);
    }
}

/* "hidden (three head head_dim)" as "(three head head_dim) hidden": stored dimensions in the opposite order. */
static const char *turned(const char *axes, char *to, size_t room)
{
    char rest[160];
    (void)snprintf(rest, sizeof rest, "%s", axes);
    to[0] = '\0';
    for (size_t n = strlen(rest); n > 0;) {
        size_t from = n, used = strlen(to);
        bool group = rest[n - 1] == ')';
        while (from > 0 && (group ? rest[from] != '(' : rest[from - 1] != ' ')) from--;
        (void)snprintf(to + used, room - used, "%s%.*s", used > 0 ? " " : "", (int)(n - from), rest + from);
        n = from > 0 ? from - 1 : 0;
    }
    return to;
}

/* Every family, beside itself with each matrix stored the other way round. */
TEST(a_model_and_its_twin_in_another_layout_are_never_different)
{
    enum { MOST = 128, LONGEST = 96 };
    static char text[MOST][LONGEST];
    rk_ctx *ctx = test_ctx();
    for (int a = 0; arch_list[a] != NULL; a++)
        for (int k = 0; k < 2; k++) {
            const char *name = arch_list[a]->presets[0].name;
            struct arch twin = *arch_list[a];
            struct binding names[MOST];
            rk_model *m[2];
            rk_diff *d;
            int n = 0, moved = 0;
            for (; twin.bindings[n].role != NULL || twin.bindings[n].names != NULL; n++) {
                EXPECT(n < MOST - 1);
                names[n] = twin.bindings[n];
                if (names[n].role != NULL) names[n].axes = turned(names[n].axes, text[n], LONGEST);
            }
            names[n] = twin.bindings[n];
            twin.bindings = names;
            for (int s = 0; s < 2; s++) OK(ctx, rk_model_open(ctx, name, &m[s]));
            m[k]->config.arch = &twin;
            OK(ctx, rk_diff_of(m[0], m[1], &d));
            expect_twins(d, name);
            for (int i = 0; i < rk_diff_rows(d); i++) moved += rk_diff_row_at(d, i).verdict == RK_SAME_IN_OTHER_LAYOUT;
            EXPECT(moved >= 5);                                     /* embedding, attention in and out, MLP in and out */
            rk_diff_free(d);
            for (int s = 0; s < 2; s++) rk_model_close(m[s]);
        }
}

/* Families that can be told to be each other: projections apart and fused, of attention to oneself and to a memory. */
TEST(one_model_of_two_families_is_the_same_up_to_layout)
{
    static const struct { const char *left, *right; } cases[] = {
        { "gpt2:activation_function=gelu,resid_pdrop=0,embd_pdrop=0,attn_pdrop=0,vocab_size=50304", "nanogpt:bias=true" },
        { "opus-mt-en-de+model:activation_function=relu", "transformer-base+model:positions=sinusoidal-halves,vocab_size=58101,attention_dropout=0,activation_dropout=0" },
    };
    rk_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int k = 0; k < 2; k++) {
            rk_diff *d = compared(ctx, k == 0 ? cases[i].left : cases[i].right, k == 0 ? cases[i].right : cases[i].left);
            expect_twins(d, cases[i].left);
            rk_diff_free(d);
        }
    rk_diff *d = compared(ctx, "transformer-base:norm_first=true,final_norm=true", "annotated-transformer");
    int cross = row_of(d, "decoder.h.*.cross.qkv"), norm = row_of(d, "decoder.h.*.norm1");
    EXPECT(rk_diff_row_at(d, cross).verdict == RK_SAME_IN_OTHER_LAYOUT);
    EXPECT_TEXT(rk_diff_detail_at(d, cross, 0).what, "weight stored fused");
    EXPECT(rk_diff_row_at(d, row_of(d, "decoder.h.*.cross")).verdict == RK_SAME);
    EXPECT_TEXT(rk_diff_detail_at(d, norm, 0).right, "deviation norm(x, weight, bias; eps 1e-06)");
    rk_diff_free(d);
    d = compared(ctx, "opus-mt-en-de", "transformer-base");                /* what it reads is the same, too */
    EXPECT(rk_diff_row_at(d, row_of(d, "decoder.h.*.cross.qkv")).verdict == RK_SAME_IN_OTHER_LAYOUT);
    EXPECT_TEXT(rk_diff_detail_at(d, row_of(d, "decoder.h.*.cross"), 0).right, "attention(cross.q, cross.k, cross.v; both ways, scale 1/√K, dropout 0.1)");
    EXPECT_TEXT(rk_diff_detail_at(d, row_of(d, "head"), 0).left, "cross entropy(x, weight, labels, fixed bias)");
    rk_diff_free(d);
}

/* What one says of the left, the other says of the right. */
TEST(sides_can_be_exchanged)
{
    static const rk_diff_verdict mirrored[] = { RK_SAME, RK_SAME_IN_OTHER_LAYOUT, RK_SAME_IN_OTHER_SIZE, RK_OTHER, RK_ONLY_RIGHT, RK_ONLY_LEFT };
    static const char *const models[] = { "gpt2", "cs336-small", "cs336-small-2024", "gpt-j-6b", "pythia-70m", "nanogpt", "bert-tiny", "transformer-base", "opus-mt-en-de",
                                          "annotated-copy", "torch.nn.Transformer+base" };
    rk_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof models / sizeof *models; i++)
        for (size_t k = 0; k < i; k++) {
            rk_diff *d = compared(ctx, models[i], models[k]), *e = compared(ctx, models[k], models[i]);
            EXPECT_INT(rk_diff_rows(d), rk_diff_rows(e));
            for (int row = 0; row < rk_diff_rows(d); row++) {
                rk_diff_row r = rk_diff_row_at(d, row);
                int found = 0;
                for (int other = 0; other < rk_diff_rows(e); other++) {
                    rk_diff_row o = rk_diff_row_at(e, other);
                    bool both = r.left_parameters == o.right_parameters && r.right_parameters == o.left_parameters && r.details == o.details;
                    found += both && o.verdict == mirrored[r.verdict] && strcmp(o.left, r.right) == 0 && strcmp(o.right, r.left) == 0;
                }
                if (found == 0) test_fail(__FILE__, __LINE__, "%s, %s: %s has no mirror image", models[i], models[k], r.role);
            }
            rk_diff_free(d);
            rk_diff_free(e);
        }
}

TEST(fields_stand_beside_each_other)
{
    rk_ctx *ctx = test_ctx();
    rk_diff *d = compared(ctx, "gpt2", "cs336-small-2026");
    rk_diff_field f;
    int seen = 0;
    for (int i = 0; rk_diff_field_at(d, i, &f); i++) {
        if (strcmp(f.name, "ff") == 0) EXPECT(strcmp(f.left, "3072") == 0 && strcmp(f.right, "2048") == 0 && !f.same && ++seen);
        if (strcmp(f.name, "hidden") == 0) EXPECT(f.same && ++seen);
        if (strcmp(f.name, "edition") == 0) EXPECT(f.left[0] == '\0' && strcmp(f.right, "2026") == 0 && ++seen);
        if (strcmp(f.name, "act") == 0) EXPECT(strcmp(f.left, "gelu_tanh") == 0 && f.right[0] == '\0' && ++seen);
    }
    EXPECT_INT(seen, 4);
    EXPECT(!rk_diff_field_at(d, -1, &f) && rk_diff_row_at(d, -1).details == 0 && rk_diff_detail_at(d, 0, 99).what[0] == '\0');
    rk_diff_free(d);
}

static rk_status body(rk_ctx *ctx)
{
    rk_model *a = NULL, *b = NULL;
    rk_diff *d = NULL;
    rk_status status = rk_model_open(ctx, "gpt2:layer=2", &a);
    if (status == RK_OK) status = rk_model_open(ctx, "cs336-17m:layer=1", &b);
    if (status == RK_OK) status = rk_diff_of(a, b, &d);
    rk_diff_free(d);
    rk_model_close(a);
    rk_model_close(b);
    return status;
}

TEST(no_memory_is_reported_and_nothing_is_lost) { FOR_EVERY_FAILED_ALLOCATION(body); }
