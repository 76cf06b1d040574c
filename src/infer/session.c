/* session.c: a model that remembers: cached decoding, in chunks of any size.
 *
 * One graph serves prompt and continuation: seq, past and key are live dimensions, and the caches are states that every run
 * appends to. Nothing is allocated while feeding. What lies in a cache beyond `past` is never read, so that going back is
 * setting a number. */
#include "base/par.h"
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

/* --- feeding --- */

rk_status session_check_ids(rk_ctx *ctx, const uint32_t *ids, int64_t n, int64_t vocab)
{
    for (int64_t i = 0; i < n; i++)
        if (ids[i] >= (uint64_t)vocab) return FAIL(RK_E_ARG, "token %lld has the id %lu; the model has %lld", (long long)i, (unsigned long)ids[i], (long long)vocab);
    return RK_OK;
}

static rk_status check(rk_ctx *ctx, const rk_session *s, const uint32_t *ids, int64_t n)
{
    if (n < 1) return FAIL(RK_E_ARG, "feeding %lld tokens", (long long)n);
    if (n > s->context - s->past) {
        (void)FAIL(RK_E_LIMIT, "%lld tokens after %lld do not fit into the context of %lld", (long long)n, (long long)s->past, (long long)s->context);
        return ctx_hint(ctx, "take a shorter prompt, fewer new tokens, or a model with a longer context");
    }
    if (s->source > 0 && s->source_n == 0) {
        (void)FAIL(RK_E_ARG, "feeding tokens before there is a source to go by");
        return ctx_hint(ctx, "rk_session_encode reads it");
    }
    return session_check_ids(ctx, ids, s->batch * n, s->vocab);
}

/* --- reading a source --- */

static rk_status check_source(rk_ctx *ctx, const rk_session *s, const uint32_t *ids, int64_t n, const int64_t *lengths)
{
    if (s->source == 0) return FAIL(RK_E_DECLINED, "%s has no encoder to read a source", s->weights->model->config.arch->title);
    if (n < 1) return FAIL(RK_E_ARG, "a source of %lld tokens", (long long)n);
    if (n > s->source) return FAIL(RK_E_LIMIT, "a source of %lld tokens; the session takes %lld", (long long)n, (long long)s->source);
    for (int64_t b = 0; b < s->batch && lengths != NULL; b++)
        if (lengths[b] < 1 || lengths[b] > n) return FAIL(RK_E_ARG, "source %lld is %lld tokens long, of %lld", (long long)b, (long long)lengths[b], (long long)n);
    return session_check_ids(ctx, ids, s->batch * n, s->source_vocab);
}

rk_status rk_session_encode(rk_session *s, const uint32_t *ids, int64_t n, const int64_t *lengths)
{
    rk_ctx *ctx = s->ctx;
    PROMISE(s->beams == 1);
    TRY(check_source(ctx, s, ids, n, lengths));
    if (s->alone != NULL) return rows_encode(s, ids, n, lengths);
    for (int64_t b = 0; b < s->batch && s->ragged; b++) s->pasts[b] = 0;
    s->source_n = s->past = 0;                          /* until the caches are whole */
    for (int64_t i = 0; i < s->batch * n; i++) s->tokens[i] = (int32_t)ids[i];
    for (int64_t b = 0; b < s->batch; b++) s->origin[b] = b;
    for (int64_t b = 0; b < s->batch; b++) s->source_lengths[b] = (int32_t)(lengths == NULL ? n : lengths[b]);
    TRY(run_extent(ctx, s->encoder, "source", n));
    TRY(run_extent(ctx, s->encoder, "source_key", n));
    TRY(run_extent(ctx, s->encoder, "none", 0));
    TRY(run_input(ctx, s->encoder, "source", s->tokens, RK_i32));
    TRY(run_input(ctx, s->encoder, "source_lengths", s->source_lengths, RK_i32));
    TRY(run_go(ctx, s->encoder, 0, 0));
    s->source_n = n;
    return RK_OK;
}

/* --- feeding --- */

rk_status session_go(rk_ctx *ctx, rk_session *s, int64_t n, int64_t past)
{
    TRY(run_extent(ctx, s->run, "seq", n));
    TRY(run_extent(ctx, s->run, "past", past));
    TRY(run_extent(ctx, s->run, "key", past + n));
    TRY(run_input(ctx, s->run, "tokens", s->tokens, RK_i32));
    TRY(run_input(ctx, s->run, "last", s->last, RK_i32));
    if (s->ragged) TRY(run_input(ctx, s->run, "places", s->places, RK_i32));
    if (s->ragged) TRY(run_input(ctx, s->run, "positions", s->positions, RK_i32));
    if (s->ragged) TRY(run_input(ctx, s->run, "lengths", s->lengths, RK_i32));
    if (s->source > 0) TRY(run_input(ctx, s->run, "source_lengths", s->source_lengths, RK_i32));
    if (s->source > 0) TRY(run_extent(ctx, s->run, "source", s->source_n));
    return run_go(ctx, s->run, 0, 0);
}

struct reading { const rk_session *s; float *to; };

static void take_off(void *arg, int64_t row, int worker)
{
    const struct reading *r = arg;
    float *at = r->to + row * r->s->vocab, sum = r->s->log_sums[row];
    (void)worker;
    for (int64_t i = 0; i < r->s->vocab; i++) at[i] -= sum;
}

rk_status session_read(rk_ctx *ctx, const rk_session *s, float *to)
{
    TRY(run_output(ctx, s->run, "logits", to, RK_f32));
    if (!s->log_probabilities) return RK_OK;
    TRY(run_output(ctx, s->run, "log_sum", s->log_sums, RK_f32));
    par_for(ctx, s->batch, take_off, &(struct reading){ s, to });
    return RK_OK;
}

struct lying session_lying(const rk_session *s)
{
    struct lying l = { .at = s->alone == NULL ? run_output_at(s->run, "logits", RK_f32) : NULL };
    if (l.at != NULL && s->log_probabilities) l.off = run_output_at(s->run, "log_sum", RK_f32);
    return s->log_probabilities && l.off == NULL ? (struct lying){ NULL, NULL } : l;
}

/* Tokens from .. from + n of rows of `row`, after `past` others. */
static rk_status run_chunk(rk_ctx *ctx, rk_session *s, const uint32_t *ids, int64_t row, int64_t from, int64_t n, int64_t past)
{
    for (int64_t b = 0; b < s->batch; b++) {
        for (int64_t i = 0; i < n; i++) s->tokens[b * n + i] = (int32_t)ids[b * row + from + i];
        s->last[b] = (int32_t)(n - 1);
        rows_wrote(s, b, past, n);
    }
    return session_go(ctx, s, n, past);
}

rk_status rk_session_feed(rk_session *s, const uint32_t *ids, int64_t n, float *logits)
{
    rk_ctx *ctx = s->ctx;
    if (s->ragged || s->alone != NULL) return rk_session_feed_rows(s, ids, n, NULL, logits);
    TRY(check(ctx, s, ids, n));
    for (int64_t from = 0; from < n; from += s->chunk) TRY(run_chunk(ctx, s, ids, n, from, n - from < s->chunk ? n - from : s->chunk, s->past + from));
    if (logits != NULL) TRY(session_read(ctx, s, logits));
    s->past += n;
    return RK_OK;
}

rk_status rk_session_rewind(rk_session *s, int64_t past)
{
    rk_ctx *ctx = s->ctx;
    if (past < 0 || past > s->past) return FAIL(RK_E_ARG, "going back to %lld tokens, of %lld that were read", (long long)past, (long long)s->past);
    for (int64_t b = 0; b < s->batch && s->ragged; b++) s->pasts[b] = s->pasts[b] < past ? s->pasts[b] : past;
    for (int64_t b = 0; b < s->batch && s->alone != NULL; b++) TRY(rk_session_rewind(s->alone[b], s->alone[b]->past < past ? s->alone[b]->past : past));
    s->past = past;
    return RK_OK;
}

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

/* --- what it costs --- */

uint64_t session_reads(const rk_session *s)
{
    uint64_t bytes = s->reads.whole + s->reads.past * (uint64_t)(s->past + 1) + s->reads.source * (uint64_t)s->source_n;
    for (int64_t b = 0; b < s->batch && s->alone != NULL; b++) bytes += session_reads(s->alone[b]);
    return bytes;
}
