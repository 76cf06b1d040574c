/* The bill equals the receipt in bytes: whole training steps of every family, and texts that are gone on with, watched by guard on every
 * call. Results reach to the last byte that the plans give them and workspaces to the last byte of theirs; parameters, gradients, moments,
 * keys and values are written up to their ends, inputs and constants never; and nothing else is touched, not even once. What a session
 * was predicted to take it then has, by the system's word. */
#include "backend/cpu/cpu.h"
#include "backend/guard/guard.h"
#include "test.h"
#include "tiny.h"
#include "train/training.h"
#include "weights.h"
#include <stdlib.h>

enum { STEPS = 2, TOKENS = 400, VOCAB = 261, MARKS = 5, END = 3 };          /* the tokenizer: bytes behind its marks */

struct ends { size_t results, workspace; };

static void extend(struct ends *e, const struct plan *plan)
{
    for (int i = 0; i < plan->n_values; i++) {
        const struct plan_value *v = &plan->values[i];
        size_t *end = v->tag == RK_WORKSPACE ? &e->workspace : &e->results;
        if (v->bytes > 0 && (size_t)(v->at + v->bytes) > *end) *end = (size_t)(v->at + v->bytes);
    }
}

/* A family's first preset, made small in the words of its fields: "hidden=24,layer=2". */
static void open_small(rk_ctx *ctx, const rk_family *family, rk_model **m)
{
    static const struct { const char *family, *field, *value; } sizes[] = {         /* family NULL: of any that has such a field */
        { NULL, "vocab", "261" }, { NULL, "source_vocab", "261" }, { NULL, "position", "16" }, { NULL, "hidden", "24" }, { NULL, "layer", "2" }, { NULL, "source_layer", "2" },
        { NULL, "head", "2" },   { NULL, "source_head", "2" },   { NULL, "ff", "40" },       { NULL, "source_ff", "40" }, { NULL, "pad", "0" }, { NULL, "start", "2" },
        { "gptj", "rotary", "8" },
    };
    char more[512] = "";
    rk_model *preset;
    rk_field field;
    int first = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int f = 0; rk_family_field(family->name, f, &field); f++)
            if (strcmp(field.name, sizes[i].field) == 0 && (sizes[i].family == NULL || strcmp(sizes[i].family, family->name) == 0))
                (void)snprintf(more + strlen(more), sizeof more - strlen(more), "%s%s=%s", more[0] == '\0' ? "" : ",", sizes[i].field, sizes[i].value);
    for (const char *name; (name = rk_model_preset(first)) != NULL; first++) {
        OK(ctx, rk_model_open(ctx, name, &preset));
        bool ours = strcmp(rk_model_family(preset), family->name) == 0;
        rk_model_close(preset);
        if (ours) break;
    }
    REQUIRE(rk_model_preset(first) != NULL);
    OK(ctx, rk_model_open_with(ctx, rk_model_preset(first), more, m));
}

static void watch_all(rk_ctx *ctx, rk_train *t, struct guard *guard, struct ends *planned)
{
    for (int i = 0; i < STAGES; i++) {
        struct run *r = t->stage[i].run;
        if (r == NULL) continue;
        r->watch = guard;
        extend(planned, r->plan);
        if (r->host == NULL) OK(ctx, guard_watch(ctx, guard, "the arena", r->arena, (size_t)r->plan->bytes, true));
        OK(ctx, guard_watch(ctx, guard, "inputs", r->input_arena, (size_t)r->input_bytes, false));
    }
    for (int k = 0; k < RK_KIND_COUNT; k++) OK(ctx, guard_watch(ctx, guard, rk_kind_words((rk_kind)k), t->store->base[k], (size_t)t->store->bytes[k], false));
}

static void check(const struct guard *guard, const struct ends *planned, const char *family)
{
    for (int i = 0; i < guard->n; i++) {
        const struct guard_region *r = &guard->region[i];
        bool arena = strcmp(r->name, "the arena") == 0, read = strcmp(r->name, "inputs") == 0 || strcmp(r->name, "constants") == 0;
        bool right = arena ? r->results_end == planned->results && r->workspace_end == planned->workspace
                   : read ? r->changed_end == 0 : r->results_end <= r->bytes && r->results_end + PLAN_ALIGNMENT > r->bytes && r->workspace_end == 0;
        size_t most = planned->results > planned->workspace ? planned->results : planned->workspace;
        if (arena) right = right && most <= r->bytes && most + PLAN_ALIGNMENT > r->bytes && r->changed_end <= r->bytes;
        if (!right)
            test_fail(__FILE__, __LINE__, "%s, %s: %zu bytes; results end at %zu (plan %zu), workspace at %zu (plan %zu), changes at %zu", family, r->name, r->bytes, r->results_end,
                      planned->results, r->workspace_end, planned->workspace, r->changed_end);
    }
    EXPECT(guard->calls > 0 && planned->results > 0 && planned->workspace > 0);
}

/* Texts, or pairs of lines, of 1 to 9 tokens and an end. */
static void draw_texts(uint32_t ids[TOKENS])
{
    for (int i = 0; i < TOKENS; i++) ids[i] = i % 10 == 9 ? END : MARKS + (uint32_t)test_random(VOCAB - MARKS);
}

static rk_tok *marked_tokenizer(rk_ctx *ctx)
{
    static const char *const marks[MARKS] = { "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]" };
    rk_tok *tok;
    OK(ctx, rk_tok_train(ctx, &(rk_tok_training){ .vocab_size = VOCAB, .specials = marks, .n_specials = MARKS }, &(rk_text){ "a", 1 }, 1, &tok));
    return tok;
}

/* What any family learns from: tokens, a tokenizer that knows what hides one, sources beside them. */
static void train_watched(rk_ctx *ctx, const rk_family *family, int64_t accumulate)
{
    uint32_t ids[TOKENS], source[TOKENS];
    struct backend guarded;
    struct guard *guard;
    struct ends planned = { 0, 0 };
    rk_model *m;
    rk_train *t;
    double loss;
    rk_train_options o = rk_train_defaults();
    draw_texts(ids), draw_texts(source);
    const rk_tokens tokens = { .at = (const unsigned char *)ids, .n = TOKENS, .bytes_each = sizeof *ids }, sources = { .at = (const unsigned char *)source, .n = TOKENS, .bytes_each = sizeof *ids };
    rk_tok *tok = marked_tokenizer(ctx);
    o.batch = 2, o.seq = 16, o.steps = STEPS, o.accumulate = accumulate, o.validation = 0.2;
    open_small(ctx, family, &m);
    guard_over(backend_cpu(), &guarded);
    OK(ctx, guard_open(ctx, backend_cpu(), &guard));
    const rk_train_setup setup = { .model = m, .options = &o,
                                   .data = { .tokens = &tokens, .source = rk_model_has_encoder(m) ? &sources : NULL, .document_end = END, .tok = tok } };
    OK(ctx, train_open(ctx, &setup, &guarded, &t));
    watch_all(ctx, t, guard, &planned);
    OK(ctx, rk_train_run(t, NULL, NULL));
    OK(ctx, rk_train_validate(t, &loss));
    check(guard, &planned, family->name);
    rk_train_close(t);
    guard_close(guard);
    rk_model_close(m);
    rk_tok_close(ctx, tok);
}

TEST(training_touches_what_its_plans_ask_for_and_nothing_else)
{
    rk_ctx *ctx = test_ctx();
    rk_family family;
    for (int i = 0; rk_family_at(i, &family); i++)
        for (int64_t accumulate = 1; accumulate <= 2; accumulate++)
            if (!TEST_SANITIZED || accumulate % 2 == i % 2) train_watched(ctx, &family, accumulate);
}

/* --- what goes on --- */

enum { ROWS = 2, PROMPT = 8, CONTEXT = 12, SOURCE = 7 };

static void watch_session(rk_ctx *ctx, rk_session *s, struct guard *guard, struct ends *planned)
{
    struct run *runs[] = { s->run, s->encoder };
    for (int i = 0; i < 2; i++) {
        struct run *r = runs[i];
        if (r == NULL) continue;
        r->watch = guard;
        extend(planned, r->plan);
        if (r->host == NULL) OK(ctx, guard_watch(ctx, guard, "the arena", r->arena, (size_t)r->plan->bytes, true));
        OK(ctx, guard_watch(ctx, guard, "inputs", r->input_arena, (size_t)r->input_bytes, false));
    }
    OK(ctx, guard_watch(ctx, guard, "keys and values", s->store->base[RK_CACHE], (size_t)s->store->bytes[RK_CACHE], false));
    OK(ctx, guard_watch(ctx, guard, "constants", s->weights->store->base[RK_PARAMETER], (size_t)s->weights->store->bytes[RK_PARAMETER], false));
}

/* The prompts at once, then a token of each until the context is full. */
static void go_on(rk_ctx *ctx, rk_session *s)
{
    static float logits[ROWS * WEIGHTS_VOCAB];
    uint32_t ids[ROWS * PROMPT], source[ROWS * SOURCE];
    for (int i = 0; i < ROWS * PROMPT; i++) ids[i] = (uint32_t)test_random(WEIGHTS_VOCAB);
    for (int i = 0; i < ROWS * SOURCE; i++) source[i] = (uint32_t)test_random(WEIGHTS_VOCAB);
    if (s->source > 0) OK(ctx, rk_session_encode(s, source, SOURCE, NULL));
    OK(ctx, rk_session_feed_rows(s, ids, PROMPT, NULL, logits));
    for (int i = PROMPT; i < CONTEXT; i++) OK(ctx, rk_session_feed_rows(s, ids, 1, NULL, logits));
}

static void expect_memory(rk_ctx *ctx, const rk_session *s, const char *family)
{
    rk_memory m;
    double sum = 0;
    OK(ctx, rk_session_memory(s, &m));
    for (int i = 0; i < m.n && strcmp(m.rows[i].entry, "bytes.resident") != 0; i++) {
        const rk_memory_row *r = &m.rows[i];
        bool residual = r->name[0] == ' ';
        if (residual ? r->predicted > 0 || r->measured > 0 : r->predicted != r->measured)
            test_fail(__FILE__, __LINE__, "%s, %s: %.0f bytes predicted, %.0f measured", family, r->name, r->predicted, r->measured);
        sum += residual ? 0 : r->predicted;
    }
    EXPECT(sum > 0 && sum == (double)(s->weights->store->bytes[RK_PARAMETER] + s->weights->store->bytes[RK_CONSTANT]) + (double)rk_session_bytes(s));
}

static void generate_watched(rk_ctx *ctx, int model)
{
    struct backend guarded;
    struct guard *guard;
    struct ends planned = { 0, 0 };
    rk_weights w;
    rk_session *s;
    guard_over(backend_cpu(), &guarded);
    OK(ctx, random_weights(ctx, model, &guarded, &w));
    if (model_decodes(w.model)) {
        const char *family = w.model->config.arch->name;
        OK(ctx, guard_open(ctx, backend_cpu(), &guard));
        OK(ctx, rk_session_open(&w, &(rk_session_options){ .batch = ROWS, .context = CONTEXT, .chunk = PROMPT, .source = SOURCE, .ragged = true }, &s));
        watch_session(ctx, s, guard, &planned);
        go_on(ctx, s);
        check(guard, &planned, family);
        expect_memory(ctx, s, family);
        rk_session_close(s);
        guard_close(guard);
    }
    weights_end(&w);
}

TEST(texts_that_go_on_touch_what_their_plans_ask_for_and_nothing_else)
{
    rk_ctx *ctx = test_ctx();
    for (int k = 0; k < TINY_MODELS; k += TEST_SANITIZED ? 5 : 1) generate_watched(ctx, k);
}
