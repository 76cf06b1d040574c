/* read.c: whole texts through a model at once: a batch of rows, padded at their ends.
 *
 * A program is made for a batch, a length and a number of picks, and kept while they last; lengths are rounded up a little, so
 * that texts of like length share one. Nothing is computed that is not wanted: logits of chosen positions, a head or a pooler
 * only where it was asked for. Not here: what is made of the numbers (embed.c, fill.c, score_text.c). */
#include "infer/read.h"
#include "core/graph.h"
#include <math.h>
#include <string.h>

static void drop_program(rk_reader *r)
{
    rk_ctx *ctx = r->ctx;
    run_close(r->run);
    plan_free(r->plan);
    rk_graph_close(r->g);
    FREE(r->tokens, r->batch * r->seq);
    FREE(r->segments, r->batch * r->seq);
    FREE(r->lengths, r->batch);
    FREE(r->chosen, r->batch * r->picks);
    r->run = NULL;
    r->plan = NULL;
    r->g = NULL;
    r->batch = r->seq = r->picks = r->texts = 0;
}

void rk_reader_close(rk_reader *r)
{
    if (r == NULL) return;
    rk_ctx *ctx = r->ctx;
    drop_program(r);
    FREE(r, 1);
}

bool reader_is_causal(const rk_reader *r) { return r->model.config.arch->objective == LEARNS_NEXT; }

/* --- opening --- */

static bool weights_have(const rk_weights *w, const char *parameter) { return store_find(w->store, RK_PARAMETER, parameter) >= 0; }

static rk_status check(rk_ctx *ctx, const rk_weights *w, rk_reading what)
{
    const struct arch *arch = w->model->config.arch;
    if (model_has_encoder(w->model)) {
        (void)FAIL(RK_E_DECLINED, "%s: %s reads one text to write another; only models of one text are read here", w->model->name, arch->title);
        return ctx_hint(ctx, "GPT-2, GPT-J, GPT-NeoX, CS336 and BERT are such");
    }
    if (what == RK_READ_LOGITS && config_ends_in(&w->model->config, "model")) {
        (void)FAIL(RK_E_DECLINED, "%s: a model without a head says nothing of words", w->model->name);
        return ctx_hint(ctx, "open it as +%s, if the weights hold that head", arch->heads[0].name);
    }
    if (what == RK_READ_POOLED && arch->objective != LEARNS_MASKED) return FAIL(RK_E_DECLINED, "%s: %s has no pooler", w->model->name, arch->title);
    if (what == RK_READ_POOLED && !weights_have(w, "pooler.weight")) return FAIL(RK_E_DECLINED, "%s: these weights have no pooler", w->model->name);
    return RK_OK;
}

rk_status rk_reader_open(rk_weights *w, rk_reading what, rk_reader **out)
{
    static const char *const outputs[] = { [RK_READ_HIDDEN] = "hidden", [RK_READ_POOLED] = "pooled", [RK_READ_LOGITS] = "logits" };
    rk_ctx *ctx = w->ctx;
    rk_reader *r;
    *out = NULL;
    TRY(check(ctx, w, what));
    TRY(NEW(r, 1));
    *r = (rk_reader){ .ctx = ctx, .weights = w, .what = what, .model = *w->model, .output = outputs[what] };
    const struct config *c = &r->model.config;
    r->vocab = config_int(c, "vocab");
    r->context = config_int(c, "position");
    r->types = c->arch->objective == LEARNS_MASKED ? config_int(c, "types") : 1;
    r->width = what == RK_READ_LOGITS ? r->vocab : config_int(c, "hidden");
    rk_status status = what == RK_READ_LOGITS ? RK_OK : config_set_head(ctx, &r->model.config, w->model->name, "model", 5);
    if (status == RK_OK) *out = r;
    else rk_reader_close(r);
    return status;
}

int64_t rk_reader_width(const rk_reader *r)   { return r->width; }
int64_t rk_reader_context(const rk_reader *r) { return r->context; }

/* --- a program for a batch --- */

/* Up to the next eighth of a power of two: at most an eighth is padding. */
static int64_t rounded(int64_t n, int64_t most)
{
    int64_t step = 8;
    while (step * 16 <= n) step *= 2;
    int64_t up = (n + step - 1) / step * step;
    return up < most ? up : most;
}

/* What nobody asked for is not computed. */
static void keep_output(rk_graph *g, const char *name)
{
    int n = 0;
    for (int i = 0; i < g->outputs.n; i++)
        if (strcmp(g->outputs.at[i].name, name) == 0) g->outputs.at[n++] = g->outputs.at[i];
    g->outputs.n = n;
}

static rk_status make_program(rk_ctx *ctx, rk_reader *r, int64_t batch, int64_t seq, int64_t picks)
{
    struct built built;
    struct build_options how = { .purpose = FOR_LOGITS, .batch = batch, .seq = seq, .padded = !reader_is_causal(r), .picks = picks, .forms = &r->weights->forms };
    drop_program(r);
    r->batch = batch;
    r->seq = seq;
    r->picks = picks;
    TRY(NEW(r->tokens, batch * seq));
    TRY(NEW(r->segments, batch * seq));
    TRY(NEW(r->lengths, batch));
    TRY(NEW(r->chosen, batch * picks));
    TRY(model_build(ctx, &r->model, &how, &built));
    keep_output(built.g, r->output);
    rk_status status = infer_plan(ctx, built.g, r->weights->backend, &r->g, &r->plan);
    built_close(&built);
    if (status != RK_OK) return ctx_pass(ctx, status, __FILE__, __LINE__, __func__);
    return run_open(ctx, r->plan, r->weights->store, &r->run);
}

/* --- reading --- */

/* People count texts from 1. */
static rk_status check_row(rk_ctx *ctx, const rk_reader *r, const rk_row *row, int64_t text)
{
    if (row->n < 1) return FAIL(RK_E_ARG, "text %lld has no tokens", (long long)text + 1);
    if (row->n > r->context) return FAIL(RK_E_LIMIT, "text %lld has %lld tokens; the context of the model is %lld", (long long)text + 1, (long long)row->n, (long long)r->context);
    for (int64_t i = 0; i < row->n; i++) {
        if (row->ids[i] >= (uint64_t)r->vocab)
            return FAIL(RK_E_ARG, "text %lld: token %lld has the id %lu; the model has %lld", (long long)text + 1, (long long)i, (unsigned long)row->ids[i], (long long)r->vocab);
        if (row->segments != NULL && row->segments[i] >= r->types)
            return FAIL(RK_E_ARG, "text %lld: token %lld is of segment %d; the model has %lld", (long long)text + 1, (long long)i, row->segments[i], (long long)r->types);
    }
    if (r->what == RK_READ_LOGITS && row->n_picks < 1) return FAIL(RK_E_ARG, "text %lld: logits of no position", (long long)text + 1);
    for (int64_t i = 0; i < row->n_picks; i++)
        if (row->picks[i] < 0 || row->picks[i] >= row->n) return FAIL(RK_E_ARG, "text %lld: position %lld of %lld", (long long)text + 1, (long long)row->picks[i], (long long)row->n);
    return RK_OK;
}

/* Behind its end a row goes on with its own last token: an id that the model has, and nobody looks at. */
static void lay_row(rk_reader *r, const rk_row *row, int64_t b)
{
    for (int64_t t = 0; t < r->seq; t++) {
        int64_t at = t < row->n ? t : row->n - 1;
        r->tokens[b * r->seq + t] = (int32_t)row->ids[at];
        r->segments[b * r->seq + t] = row->segments == NULL ? 0 : row->segments[at];
    }
    r->lengths[b] = (int32_t)row->n;
    for (int64_t p = 0; p < r->picks; p++) r->chosen[b * r->picks + p] = (int32_t)row->picks[p < row->n_picks ? p : row->n_picks - 1];
}

rk_status rk_reader_read(rk_reader *r, const rk_row *rows, int64_t n)
{
    rk_ctx *ctx = r->ctx;
    int64_t longest = 1, picks = 0;
    if (n < 1) return FAIL(RK_E_ARG, "reading %lld texts", (long long)n);
    for (int64_t b = 0; b < n; b++) {
        TRY(check_row(ctx, r, &rows[b], b));
        if (rows[b].n > longest) longest = rows[b].n;
        if (rows[b].n_picks > picks) picks = rows[b].n_picks;
    }
    longest = rounded(longest, r->context);
    picks = r->what == RK_READ_LOGITS ? rounded(picks, longest) : 0;
    if (r->run == NULL || r->batch != n || r->seq != longest || r->picks != picks) TRY(make_program(ctx, r, n, longest, picks));
    for (int64_t b = 0; b < n; b++) lay_row(r, &rows[b], b);
    r->texts = 0;
    TRY(run_input(ctx, r->run, "tokens", r->tokens, RK_i32));
    TRY(run_input(ctx, r->run, "segments", r->segments, RK_i32));
    TRY(run_input(ctx, r->run, "lengths", r->lengths, RK_i32));
    if (picks > 0) TRY(run_input(ctx, r->run, "picks", r->chosen, RK_i32));
    TRY(run_go(ctx, r->run, 0, 0));
    r->texts = n;
    return RK_OK;
}

rk_status rk_reader_row(rk_reader *r, int64_t text, int64_t at, float *to)
{
    rk_ctx *ctx = r->ctx;
    int64_t most = r->what == RK_READ_LOGITS ? r->picks : r->what == RK_READ_HIDDEN ? r->seq : 1;
    if (text < 0 || text >= r->texts || at < 0 || at >= most) return FAIL(RK_E_ARG, "row %lld of text %lld, of %lld texts", (long long)at, (long long)text, (long long)r->texts);
    return run_output_row(ctx, r->run, r->output, r->what == RK_READ_POOLED ? 1 : 2, (const int64_t[]){ text, at }, to, RK_f32);
}

/* --- numbers that are none --- */

double log_sum_exp(const float *x, int64_t n)
{
    double most = -INFINITY, sum = 0;
    for (int64_t i = 0; i < n; i++) most = x[i] > most ? x[i] : most;
    if (!isfinite(most)) return NAN;
    for (int64_t i = 0; i < n; i++) sum += exp(x[i] - most);
    return most + log(sum);
}

rk_status reader_sick(rk_ctx *ctx, const rk_reader *r, const char *what, int64_t text, int64_t at)
{
    struct sick sick;
    TRY(weights_find_sick(ctx, r->weights, &sick));
    (void)FAIL(RK_E_FORMAT, "%s: %s of token %lld of text %lld are not all numbers", r->model.name, what, (long long)at, (long long)text + 1);
    return weights_hint_sick(ctx, &sick);
}
