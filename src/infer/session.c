/* session.c: a model that remembers, opened: its graphs, their plans, the caches, and what all of it costs.
 *
 * One graph serves prompt and continuation: seq, past and key are live dimensions, and the caches are states that every run
 * appends to. A model with an encoder has a second graph over the same caches. All memory is taken here: feed.c, where tokens
 * go in and logits come out, allocates nothing. */
#include "infer/session.h"
#include <string.h>

static int64_t widest(const rk_session *s) { return s->chunk > s->source ? s->chunk : s->source; }

void rk_session_close(rk_session *s)
{
    if (s == NULL) return;
    rk_ctx *ctx = s->ctx;
    bool hosted = s->encoder != NULL && s->encoder->host != NULL;          /* whose arena it is goes last */
    if (hosted) run_close(s->encoder);
    run_close(s->run);
    if (!hosted) run_close(s->encoder);
    rows_close(s);
    FREE(s->origin, s->batch);
    FREE(s->written, (s->batch + 1) * s->context);
    FREE(s->log_sums, s->batch);
    if (s->store != NULL) FREE(s->of_source, s->store->entries.n);
    store_close(s->store);
    plan_free(s->plan);
    plan_free(s->encoder_plan);
    rk_graph_close(s->g);
    rk_graph_close(s->encoder_g);
    FREE(s->tokens, s->batch * widest(s));
    FREE(s->last, s->batch);
    FREE(s->source_lengths, s->batch);
    FREE(s, 1);
}

static bool keep(void *user, const rk_graph *g, rk_ref r) { return backend_takes(user, g, r, false); }

rk_status infer_plan(rk_ctx *ctx, const rk_graph *g, const struct backend *backend, rk_graph **kept, struct plan **plan)
{
    TRY(pass_expand(ctx, g, keep, (void *)(uintptr_t)backend, kept, NULL));
    rk_status status = rk_graph_seal(*kept);
    if (status == RK_OK) status = pass_lower(ctx, *kept, backend, plan);
    if (status == RK_OK) status = pass_place(ctx, *plan, &(struct plan_options){ .reuse = true });
    return status == RK_OK ? RK_OK : ctx_pass(ctx, status, __FILE__, __LINE__, __func__);
}

static rk_status plan_one(rk_ctx *ctx, const rk_session *s, enum purpose purpose, rk_graph **g, struct plan **plan)
{
    const rk_weights *w = s->weights;
    struct built built;
    struct build_options how = { .purpose = purpose, .batch = s->batch, .seq = s->chunk, .positions = s->context, .source = s->source, .beams = s->beams, .ragged = s->ragged, .log_sums = s->log_probabilities };
    TRY(weights_build(ctx, w, &how, &built));
    rk_status status = infer_plan(ctx, built.g, w->backend, g, plan);
    built_close(&built);
    return status == RK_OK ? RK_OK : ctx_pass(ctx, status, __FILE__, __LINE__, __func__);
}

/* Both graphs in one arena, since neither is halfway when the other runs: that of the larger. */
static rk_status open_runs(rk_ctx *ctx, rk_session *s)
{
    if (s->encoder_plan == NULL) return run_open(ctx, s->plan, s->store, &s->run);
    if (s->encoder_plan->bytes > s->plan->bytes) {
        TRY(run_open(ctx, s->encoder_plan, s->store, &s->encoder));
        return run_open_in(ctx, s->plan, s->store, s->encoder, &s->run);
    }
    TRY(run_open(ctx, s->plan, s->store, &s->run));
    return run_open_in(ctx, s->encoder_plan, s->store, s->run, &s->encoder);
}

static bool is_along(const rk_graph *g, const struct node *n, const char *dim)
{
    for (int i = 0; i < n->rank; i++)
        if (strcmp(dim_name(g, n->dim[i]), dim) == 0) return true;
    return false;
}

static rk_status find_sources(rk_ctx *ctx, rk_session *s)
{
    TRY(NEW(s->of_source, s->store->entries.n));
    for (rk_ref r = 1; r < s->g->nodes.n; r++) {
        const struct node *n = node_of(s->g, r);
        int entry = n->op == &op_state && n->at.i[0] == RK_CACHE ? store_find(s->store, RK_CACHE, n->text) : -1;
        if (entry >= 0) s->of_source[entry] = is_along(s->g, n, "source_cached");
    }
    return RK_OK;
}

/* What a token reads of state r: all of a weight, of a cache what lies behind one position. */
static void add_reads(rk_session *s, rk_ref r)
{
    const struct node *n = node_of(s->g, r);
    const struct store_entry *e = store_entry(s->store, (rk_kind)n->at.i[0], n->text);
    uint64_t whole = (uint64_t)e->elements * s->store->backend->bytes_of(e->dtype);
    if (e->kind != RK_CACHE) s->reads.whole += whole;
    else if (is_along(s->g, n, "source_cached")) s->reads.source += whole / (uint64_t)s->source;
    else s->reads.past += whole / (uint64_t)s->context;
}

/* Once, since it is asked for with every token. A table that is only picked from is read by the row: nothing beside the rest. */
static rk_status find_reads(rk_ctx *ctx, rk_session *s)
{
    const rk_graph *g = s->g;
    int64_t nodes = g->nodes.n;
    bool *whole;
    TRY(NEW(whole, nodes));
    for (rk_ref r = 1; r < g->nodes.n; r++)
        for (int i = 0; i < node_of(g, r)->arity; i++)
            if (i > 0 || (node_of(g, r)->op->flags & OP_PICKS) == 0) whole[operand_of(g, r, i)] = true;
    for (rk_ref r = 1; r < g->nodes.n; r++)
        if (whole[r] && node_of(g, r)->op == &op_state) add_reads(s, r);
    FREE(whole, nodes);
    return RK_OK;
}

static bool reads_sources(const rk_session *s) { return s->source > 0 && s->beams == 1; }

static rk_status prepare(rk_ctx *ctx, rk_session *s)
{
    const rk_weights *w = s->weights;
    TRY(plan_one(ctx, s, FOR_DECODING, &s->g, &s->plan));
    if (reads_sources(s)) TRY(plan_one(ctx, s, FOR_ENCODING, &s->encoder_g, &s->encoder_plan));
    TRY(store_open(ctx, w->backend, &s->store));
    s->store->shared = w->store;
    TRY(store_declare(ctx, s->store, s->g));
    if (reads_sources(s)) TRY(store_declare(ctx, s->store, s->encoder_g));
    TRY(store_allocate(ctx, s->store));
    TRY(open_runs(ctx, s));
    TRY(NEW(s->tokens, s->batch * widest(s)));
    TRY(NEW(s->source_lengths, s->batch));
    TRY(NEW(s->last, s->batch));
    TRY(NEW(s->origin, s->batch));
    if (s->log_probabilities) TRY(NEW(s->log_sums, s->batch));
    if (s->batch > 1) TRY(NEW(s->written, (s->batch + 1) * s->context));
    TRY(find_sources(ctx, s));
    TRY(find_reads(ctx, s));
    return s->ragged ? rows_open(ctx, s) : RK_OK;
}

rk_status session_open_beams(rk_weights *weights, const rk_session_options *options, int64_t beams, rk_session **out)
{
    const rk_session_options none = { 0 }, *o = options == NULL ? &none : options;
    rk_ctx *ctx = o->ctx != NULL ? o->ctx : weights->ctx;
    int64_t context = config_int(&weights->model->config, "position");
    rk_session *s;
    *out = NULL;
    if (o->batch < 0 || o->context < 0 || o->chunk < 0 || o->source < 0)
        return FAIL(RK_E_ARG, "a session of batch %lld, context %lld, chunk %lld, source %lld", (long long)o->batch, (long long)o->context, (long long)o->chunk, (long long)o->source);
    TRY(NEW(s, 1));
    s->ctx = ctx;
    s->weights = weights;
    s->batch = o->batch == 0 ? 1 : o->batch;
    s->context = o->context == 0 ? context : o->context;
    s->chunk = o->chunk == 0 ? SESSION_CHUNK : o->chunk;
    if (s->chunk > s->context) s->chunk = s->context;
    if (model_has_encoder(weights->model)) s->source = o->source == 0 ? context : o->source;
    s->beams = s->source == 0 || o->invariant ? 1 : beams;
    s->vocab = config_int(&weights->model->config, "vocab");
    s->source_vocab = config_int(&weights->model->config, "source_vocab");
    s->ragged = o->ragged;
    s->log_probabilities = o->log_probabilities;
    rk_status status = o->invariant ? rows_open_alone(ctx, s) : prepare(ctx, s);
    if (status == RK_OK) *out = s;
    else rk_session_close(s);
    return status;
}

rk_status rk_session_open(rk_weights *weights, const rk_session_options *options, rk_session **out) { return session_open_beams(weights, options, 1, out); }

/* --- what it costs --- */

static int64_t arena_bytes(const rk_session *s) { return s->encoder_plan != NULL && s->encoder_plan->bytes > s->plan->bytes ? s->encoder_plan->bytes : s->plan->bytes; }

int64_t  rk_session_past(const rk_session *s)    { return s->past; }
int64_t  rk_session_context(const rk_session *s) { return s->context; }
int64_t  rk_session_vocab(const rk_session *s)   { return s->vocab; }
uint64_t rk_session_bytes(const rk_session *s)
{
    uint64_t bytes = 0;
    for (int64_t b = 0; b < s->batch && s->alone != NULL; b++) bytes += rk_session_bytes(s->alone[b]);
    return s->alone != NULL ? bytes : (uint64_t)(s->store->bytes[RK_CACHE] + arena_bytes(s) + s->run->input_bytes + (s->encoder != NULL ? s->encoder->input_bytes : 0));
}

uint64_t session_reads(const rk_session *s)
{
    uint64_t bytes = s->reads.whole + s->reads.past * (uint64_t)(s->past + 1) + s->reads.source * (uint64_t)s->source_n;
    for (int64_t b = 0; b < s->batch && s->alone != NULL; b++) bytes += session_reads(s->alone[b]);
    return bytes;
}
