/* generate.c: what was generated, with settings: beams, penalties and whatever else transformers can be told.
 *
 * generate.NAME [rows, tokens] are new tokens, -1 behind the end of a row; the note of that name says the settings, as an object of
 * transformers' own keys; generate.NAME.scores [rows] what beams are worth; generate.lengths [batch] how much of each row of input_ids
 * is the prompt (all of it without). beamN of older files have their settings in a table here, end tokens in beamN.end, the prompt in
 * front, and are filled up with the end token.
 *
 * Sequences are equal or not; where they differ, but are worth the same within the tolerance, or a difference below it decided what the search
 * kept, it is a tie. */
#include "infer/making.h"
#include "model/generation.h"
#include "verify/verify.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static const double near_enough = 1e-5;         /* scores, of the larger of 1 and their size */

static const struct { const char *name, *settings; } old[] = {
    { "beam4",      "{\"num_beams\": 4, \"length_penalty\": 1}" },
    { "beam3",      "{\"num_beams\": 3, \"length_penalty\": 0.7, \"early_stopping\": false}" },
    { "beam3stop",  "{\"num_beams\": 3, \"length_penalty\": 2, \"early_stopping\": true}" },
    { "beam3never", "{\"num_beams\": 3, \"length_penalty\": 2, \"early_stopping\": \"never\"}" },
};
enum { OLD_TOKENS = 12, NAME_ROOM = 256 };

struct expected {
    const struct bundle_entry *tokens, *scores, *end;
    bool old;
    double *ids, *worth;
    int64_t n_ids, n_worth, rows, width;
    rk_generation_config *config;
    rk_generating how;
    uint32_t end_id;
    rk_prompt *prompts;
    uint32_t *prompt_ids;                       /* all of them, behind each other */
    int64_t n_prompt_ids;
    rk_continuation *out;
};

/* --- prompts --- */

static rk_status read_lengths(rk_ctx *ctx, struct verify *v, double **lengths, int64_t *n)
{
    const struct bundle_entry *e = expect_find(v, "generate.lengths");
    *lengths = NULL;
    *n = 0;
    if (e == NULL) return RK_OK;
    TRY(expect_shape(ctx, e, 1, (const int64_t[]){ v->batch }));
    v->checked[e - v->io.entries.at] = true;
    return expect_values(ctx, e, lengths, n);
}

static rk_status length_of(rk_ctx *ctx, const struct verify *v, const double *lengths, int64_t b, int64_t all, size_t *n)
{
    *n = (size_t)all;
    if (lengths == NULL) return RK_OK;
    if (!(lengths[b] >= 1 && lengths[b] <= (double)all)) return FAIL(RK_E_ARG, "%s: generate.lengths[%lld] is %g, of %lld", v->io.path, (long long)b, lengths[b], (long long)all);
    *n = (size_t)lengths[b];
    return RK_OK;
}

/* With an encoder the sources are input_ids, and a decoder begins with its start token. */
static rk_status read_prompts(rk_ctx *ctx, struct verify *v, struct expected *x)
{
    const int32_t *read = verify_input(v, v->source > 0 ? "source" : "tokens"), *source_lengths = verify_input(v, "source_lengths");
    int64_t width = v->source > 0 ? v->source : v->seq, n;
    double *lengths, start = 0;
    rk_status status = RK_OK;
    if (v->source > 0) TRY(rk_model_number(v->model, "start", &start));
    TRY(read_lengths(ctx, v, &lengths, &n));
    x->n_prompt_ids = v->batch * (width + 1);
    GO(NEW(x->prompt_ids, x->n_prompt_ids));
    GO(NEW(x->prompts, v->batch));
    for (int64_t b = 0; b < v->batch; b++) {
        uint32_t *at = x->prompt_ids + b * (width + 1);
        size_t length;
        GO(length_of(ctx, v, lengths, b, width, &length));
        if (source_lengths != NULL && lengths == NULL) length = (size_t)source_lengths[b];
        at[0] = (uint32_t)start;
        for (int64_t i = 0; i < width; i++) at[i + 1] = (uint32_t)read[b * width + i];
        if (v->source > 0) x->prompts[b] = (rk_prompt){ at, 1, at + 1, length };
        else x->prompts[b] = (rk_prompt){ at + 1, length, NULL, 0 };
    }
out:
    FREE(lengths, n);
    return status;
}

/* --- what is asked for --- */

static rk_status read_settings(rk_ctx *ctx, const struct verify *v, struct expected *x, const char *settings)
{
    struct json_doc doc = { 0 };
    rk_status status;
    char name[NAME_ROOM];
    (void)snprintf(name, sizeof name, "%.120s: %.100s", v->io.path, x->tokens->name.at);
    GO(json_read(ctx, &doc, name, settings, strlen(settings), 0));
    GO(generation_config_read(ctx, doc.root, true, &x->config));
    if (x->config->draws) status = FAIL(RK_E_DECLINED, "%s: draws are nobody's but their maker's; they are not checked", name);
out:
    json_clear(ctx, &doc);
    return status;
}

static rk_status read_end(rk_ctx *ctx, const struct verify *v, struct expected *x)
{
    double *end;
    int64_t n;
    if (x->end == NULL) return RK_OK;
    TRY(expect_values(ctx, x->end, &end, &n));
    rk_status status = n == 1 && end[0] >= 0 && end[0] < (double)v->vocab ? RK_OK : FAIL(RK_E_ARG, "%s: %s is no token", v->io.path, x->end->name.at);
    if (status == RK_OK) x->end_id = (uint32_t)end[0];
    FREE(end, n);
    return status;
}

static rk_status settle(rk_ctx *ctx, struct verify *v, struct expected *x)
{
    const struct bundle_entry *e = x->tokens;
    if (e->rank != 2 || e->shape[0] % v->batch != 0 || e->shape[0] == 0) return FAIL(RK_E_SHAPE, "%s: %s is [rows, tokens], some rows for each of input_ids", e->path, e->name.at);
    x->rows = e->shape[0];
    x->width = e->shape[1];
    x->how = x->config->how;
    x->how.sampling.greedy = true;
    x->how.samples = x->rows / v->batch;
    if (x->old) x->how.max_new_tokens = OLD_TOKENS;
    if (x->end != NULL) x->how.ends = &x->end_id, x->how.n_ends = 1;
    if (x->how.max_new_tokens == 0) return FAIL(RK_E_MISSING, "%s: %s does not say max_new_tokens", e->path, e->name.at);
    TRY(read_prompts(ctx, v, x));
    TRY(expect_values(ctx, e, &x->ids, &x->n_ids));
    if (x->scores == NULL) return RK_OK;
    TRY(expect_shape(ctx, x->scores, 1, &x->rows));
    return expect_values(ctx, x->scores, &x->worth, &x->n_worth);
}

/* --- comparing --- */

static bool is_end(const struct expected *x, double id)
{
    for (size_t i = 0; i < x->how.n_ends; i++)
        if ((double)x->how.ends[i] == id) return true;
    return false;
}

/* The file's tokens of a row up to its end, against ours. */
static bool same_row(const struct expected *x, int64_t row)
{
    const rk_continuation *c = &x->out[row];
    int64_t per = x->how.samples, skip = x->old ? (int64_t)x->prompts[row / per].n : 0, n = 0;
    const double *ids = x->ids + row * x->width + skip;
    while (skip + n < x->width && ids[n] >= 0 && !is_end(x, ids[n])) n++;
    bool ended = skip + n < x->width && is_end(x, ids[n]), same = (size_t)n == c->ids.n && (x->old || ended == (c->stop == RK_STOP_END));
    for (int64_t i = 0; i < n && same; i++) same = (double)c->ids.at[i] == ids[i];
    return same;
}

/* Some decision of the search fell by less than rounding explains: what came of it may be worth something else. */
static bool is_tie(const struct expected *x, const rk_continuation *c) { return x->how.beams != NULL && c->margin <= near_enough * fmax(1, fabs(c->score)); }

static rk_status tell(rk_ctx *ctx, struct verify *v, const struct expected *x)
{
    int64_t differing = 0, ties = 0;
    double most = 0;
    char note[128];
    for (int64_t i = 0; i < x->rows; i++) {
        double off = x->worth == NULL ? INFINITY : fabs(x->out[i].score - x->worth[i]) / fmax(1, fabs(x->worth[i]));
        bool same = same_row(x, i), tie = !same && (off <= near_enough || is_tie(x, &x->out[i]));
        if (x->worth != NULL && !tie) most = fmax(most, off);
        ties += tie;
        differing += !same && !tie;
    }
    if (differing > 0) (void)snprintf(note, sizeof note, "%lld of %lld sequences differ", (long long)differing, (long long)x->rows);
    else if (ties > 0) (void)snprintf(note, sizeof note, "%lld of %lld sequences are ties", (long long)ties, (long long)x->rows);
    else (void)snprintf(note, sizeof note, "%lld sequences", (long long)x->rows);
    if (differing == 0 && ties > 0) TRY(expect_tell_tie(ctx, v, x->tokens, note));
    else TRY(expect_tell(ctx, v, x->tokens, (double)differing, 0, note));
    if (x->end != NULL) v->checked[x->end - v->io.entries.at] = true;
    return x->scores == NULL ? RK_OK : expect_tell(ctx, v, x->scores, most, near_enough * v->loosen, "");
}

static void expected_free(rk_ctx *ctx, struct expected *x, int64_t batch)
{
    if (x->out != NULL) rk_continuations_free(ctx, x->out, x->rows);
    FREE(x->out, x->rows);
    FREE(x->ids, x->n_ids);
    FREE(x->worth, x->n_worth);
    FREE(x->prompts, batch);
    FREE(x->prompt_ids, x->n_prompt_ids);
    rk_generation_config_close(ctx, x->config);
}

static rk_status check(rk_ctx *ctx, struct verify *v, struct expected *x, const char *settings)
{
    TRY(read_settings(ctx, v, x, settings));
    TRY(read_end(ctx, v, x));
    TRY(settle(ctx, v, x));
    TRY(NEW(x->out, x->rows));
    TRY(rk_generate_many(v->weights, NULL, x->prompts, v->batch, &x->how, x->out, NULL));
    return tell(ctx, v, x);
}

static const struct bundle_entry *beside(const struct verify *v, const char *name, const char *what)
{
    char full[NAME_ROOM];
    return snprintf(full, sizeof full, "%s.%s", name, what) < (int)sizeof full ? expect_find(v, full) : NULL;
}

static rk_status check_one(rk_ctx *ctx, struct verify *v, const struct bundle_entry *e, const char *settings, bool is_old)
{
    struct expected x = { .tokens = e, .scores = beside(v, e->name.at, "scores"), .end = is_old ? beside(v, e->name.at, "end") : NULL, .old = is_old };
    if (x.end == NULL && is_old && strncmp(e->name.at, "beam3", 5) == 0) x.end = expect_find(v, "beam3.end");       /* one for all three */
    rk_status status = check(ctx, v, &x, settings);
    expected_free(ctx, &x, v->batch);
    return status == RK_OK ? RK_OK : ctx_pass(ctx, status, __FILE__, __LINE__, __func__);
}

rk_status verify_generate(rk_ctx *ctx, struct verify *v)
{
    for (size_t i = 0; i < sizeof old / sizeof *old; i++) {
        const struct bundle_entry *e = expect_find(v, old[i].name);
        if (e != NULL) TRY(check_one(ctx, v, e, old[i].settings, true));
    }
    for (int i = 0; i < v->io.entries.n; i++) {
        const struct bundle_entry *e = &v->io.entries.at[i];
        const char *settings = strncmp(e->name.at, "generate.", 9) == 0 && !str_ends_in(e->name.at, ".scores") ? bundle_note(&v->io, e->name.at) : NULL;
        if (settings != NULL) TRY(check_one(ctx, v, e, settings, false));
    }
    return RK_OK;
}
