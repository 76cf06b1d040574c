/* inputs.c: ids, masks and labels of the file, as the inputs of the model's graphs.
 *
 * A mask is ones and then zeros in every row: then it is a length. What kind of model it is says which tensors belong to it, and
 * whether labels are shifted. Not here: what is expected of the model (expect.c). */
#include "verify/verify.h"
#include <string.h>

enum { NEXT = 1 << LEARNS_NEXT, MASKED = 1 << LEARNS_MASKED, TARGET = 1 << LEARNS_TARGET };

/* A tensor that models of some kinds have, and the input that it is; NULL: a mask that may hide nothing. */
static const struct { const char *tensor, *input; unsigned kinds; bool mask; } slots[] = {
    { "input_ids",              "tokens",         NEXT | MASKED, false },
    { "input_ids",              "source",         TARGET,        false },
    { "decoder_input_ids",      "tokens",         TARGET,        false },
    { "token_type_ids",         "segments",       MASKED,        false },
    { "next_sentence_label",    "next",           MASKED,        false },
    { "attention_mask",         NULL,             NEXT,          true },
    { "attention_mask",         "lengths",        MASKED,        true },
    { "attention_mask",         "source_lengths", TARGET,        true },
    { "decoder_attention_mask", "lengths",        TARGET,        true },
};
enum { SLOTS = sizeof slots / sizeof *slots };

/* Inputs that only other kinds of models have, or none. */
static const struct { const char *name, *what; } declined[] = {
    { "token_type_ids", "segments" }, { "next_sentence_label", "segments" }, { "decoder_input_ids", "an encoder and a decoder" },
    { "decoder_attention_mask", "an encoder and a decoder" }, { "position_ids", "positions of one's own" }, { "inputs_embeds", "embeddings instead of ids" },
};

static enum objective objective(const struct verify *v) { return v->model->config.arch->objective; }

static rk_status add(rk_ctx *ctx, struct verify *v, const char *name, int64_t n, int32_t **values)
{
    struct verify_input fresh = { name, NULL, n };
    TRY(VEC_ROOM(&v->inputs, 1));
    TRY(NEW(fresh.values, n));
    *values = fresh.values;
    VEC_PUSH(&v->inputs, fresh);
    return RK_OK;
}

const int32_t *verify_input(const struct verify *v, const char *name)
{
    for (int i = 0; i < v->inputs.n; i++)
        if (strcmp(v->inputs.at[i].name, name) == 0) return v->inputs.at[i].values;
    return NULL;
}

void verify_inputs_free(rk_ctx *ctx, struct verify *v)
{
    for (int i = 0; i < v->inputs.n; i++) FREE(v->inputs.at[i].values, v->inputs.at[i].n);
    VEC_FREE(&v->inputs);
}

rk_status verify_feed(rk_ctx *ctx, const struct verify *v, struct run *run)
{
    for (int i = 0; i < v->inputs.n; i++) TRY(run_input(ctx, run, v->inputs.at[i].name, v->inputs.at[i].values, RK_i32));
    return RK_OK;
}

struct build_options verify_sizes(const struct verify *v, enum purpose purpose)
{
    return (struct build_options){ .purpose = purpose, .batch = v->batch, .seq = v->seq, .source = v->source, .padded = v->padded, .source_padded = v->source_padded };
}

/* --- ids --- */

static int64_t most_of(const struct verify *v, const char *input)
{
    if (strcmp(input, "segments") == 0) return config_int(&v->model->config, "types");
    if (strcmp(input, "source") == 0) return config_int(&v->model->config, "source_vocab");
    return strcmp(input, "next") == 0 ? 2 : v->vocab;
}

/* Integers of the file below `most`, -100 of labels as -1. */
static rk_status read_ids(rk_ctx *ctx, struct verify *v, const struct bundle_entry *e, const char *input, int64_t most, bool labels)
{
    double *values;
    int32_t *out;
    int64_t n, row = e->rank > 1 ? e->shape[1] : 1;
    rk_status status = RK_OK;
    if (e->dtype <= RK_f8e5m2) return FAIL(RK_E_DTYPE, "%s: tensor \"%s\" is of %s; ids are integers", e->path, e->name.at, rk_dtype_name(e->dtype));
    TRY(expect_values(ctx, e, &values, &n));
    GO(add(ctx, v, input, n, &out));
    for (int64_t i = 0; i < n; i++) {
        bool ignored = labels && values[i] == -100;
        if (!ignored && !(values[i] >= 0 && values[i] < (double)most)) {
            status = FAIL(RK_E_ARG, "%s: %s[%lld, %lld] is %.0f; the model has ids below %lld", e->path, e->name.at, (long long)(i / row), (long long)(i % row), values[i], (long long)most);
            goto out;
        }
        out[i] = ignored ? -1 : (int32_t)values[i];
    }
out:
    FREE(values, n);
    return status;
}

/* --- masks --- */

/* How many ones a row begins with; a one behind a zero is refused. */
static rk_status row_length(rk_ctx *ctx, const struct bundle_entry *e, const double *row, int64_t b, int32_t *length)
{
    int64_t n = e->shape[1], ones = 0;
    while (ones < n && row[ones] == 1) ones++;
    for (int64_t t = ones; t < n; t++)
        if (row[t] != 0 && row[t] != 1) return FAIL(RK_E_DECLINED, "%s: %s[%lld, %lld] is %g, neither 0 nor 1", e->path, e->name.at, (long long)b, (long long)t, row[t]);
        else if (row[t] != 0) {
            (void)FAIL(RK_E_DECLINED, "%s: %s[%lld, %lld] is behind a gap: only padding at the end of a row is done here", e->path, e->name.at, (long long)b, (long long)t);
            return ctx_hint(ctx, "a mask is ones, and then zeros; padding in front has to move behind");
        }
    if (ones == 0) return FAIL(RK_E_DECLINED, "%s: %s hides all of row %lld", e->path, e->name.at, (long long)b);
    *length = (int32_t)ones;
    return RK_OK;
}

static rk_status read_mask(rk_ctx *ctx, struct verify *v, const struct bundle_entry *e, const char *input, bool *padded)
{
    double *values;
    int32_t *lengths;
    int64_t n;
    rk_status status;
    TRY(expect_values(ctx, e, &values, &n));
    GO(add(ctx, v, input == NULL ? "" : input, v->batch, &lengths));
    for (int64_t b = 0; b < v->batch; b++) {
        GO(row_length(ctx, e, values + b * e->shape[1], b, &lengths[b]));
        *padded = *padded || lengths[b] < e->shape[1];
    }
    if (input == NULL && *padded) status = FAIL(RK_E_DECLINED, "%s: attention_mask hides tokens; padded batches of models that read forwards only are not checked here", e->path);
out:
    FREE(values, n);
    return status;
}

/* --- all of them --- */

static rk_status check_declined(rk_ctx *ctx, const struct verify *v)
{
    for (size_t i = 0; i < sizeof declined / sizeof *declined; i++) {
        bool fits = false;
        for (int k = 0; k < SLOTS; k++) fits = fits || (strcmp(slots[k].tensor, declined[i].name) == 0 && (slots[k].kinds >> objective(v) & 1) != 0);
        if (!fits && expect_find(v, declined[i].name) != NULL)
            return FAIL(RK_E_DECLINED, "%s: tensor \"%s\": models with %s are not checked here", v->io.path, declined[i].name, declined[i].what);
    }
    return RK_OK;
}

/* [batch, positions], neither of them 0. */
static rk_status check_ids(rk_ctx *ctx, const struct bundle_entry *e)
{
    if (e->rank == 2 && e->shape[0] >= 1 && e->shape[1] >= 1) return RK_OK;
    return FAIL(RK_E_SHAPE, "%s: %s has %d dimensions; it is [batch, positions], neither of them 0", e->path, e->name.at, e->rank);
}

static rk_status read_sizes(rk_ctx *ctx, struct verify *v)
{
    const struct bundle_entry *ids, *target;
    TRY(bundle_get(ctx, &v->io, "input_ids", &ids));
    TRY(check_ids(ctx, ids));
    v->batch = ids->shape[0];
    v->seq = ids->shape[1];
    if (objective(v) != LEARNS_TARGET) return RK_OK;
    TRY(bundle_get(ctx, &v->io, "decoder_input_ids", &target));
    TRY(check_ids(ctx, target));
    if (target->shape[0] != v->batch) return FAIL(RK_E_SHAPE, "%s: %lld sources, but %lld targets", ids->path, (long long)v->batch, (long long)target->shape[0]);
    v->source = v->seq;
    v->seq = target->shape[1];
    return RK_OK;
}

static rk_status read_slot(rk_ctx *ctx, struct verify *v, int slot)
{
    const struct bundle_entry *e = expect_find(v, slots[slot].tensor);
    const char *input = slots[slot].input;
    if (e == NULL || (slots[slot].kinds >> objective(v) & 1) == 0) return RK_OK;
    bool of_source = v->source > 0 && (strcmp(e->name.at, "input_ids") == 0 || strcmp(e->name.at, "attention_mask") == 0);
    bool per_row = input != NULL && strcmp(input, "next") == 0;
    TRY(expect_shape(ctx, e, per_row ? 1 : 2, (const int64_t[]){ v->batch, of_source ? v->source : v->seq }));
    v->checked[e - v->io.entries.at] = true;
    if (slots[slot].mask) return read_mask(ctx, v, e, input, of_source ? &v->source_padded : &v->padded);
    return read_ids(ctx, v, e, input, most_of(v, input), per_row);
}

/* What a model reads that the file leaves out: one segment; no second sentence to judge. */
static rk_status fill_in(rk_ctx *ctx, struct verify *v)
{
    int32_t *values;
    if (objective(v) == LEARNS_MASKED && verify_input(v, "segments") == NULL) TRY(add(ctx, v, "segments", v->batch * v->seq, &values));
    if (objective(v) != LEARNS_MASKED || verify_input(v, "next") != NULL) return RK_OK;
    TRY(add(ctx, v, "next", v->batch, &values));
    for (int64_t b = 0; b < v->batch; b++) values[b] = -1;
    return RK_OK;
}

/* Each position is to foretell the next token: shifted here, as causal models do it inside their loss. */
static void shift(const struct verify *v, int32_t *labels)
{
    for (int64_t i = 0; i < v->batch * v->seq; i++) labels[i] = (i + 1) % v->seq != 0 ? labels[i + 1] : -1;
}

static rk_status read_labels(rk_ctx *ctx, struct verify *v)
{
    const struct bundle_entry *e = expect_find(v, "labels");
    if (e == NULL) return RK_OK;
    TRY(expect_shape(ctx, e, 2, (const int64_t[]){ v->batch, v->seq }));
    TRY(read_ids(ctx, v, e, "labels", v->vocab, true));
    int32_t *labels = v->inputs.at[v->inputs.n - 1].values;
    if (objective(v) == LEARNS_NEXT) shift(v, labels);
    for (int64_t i = 0; i < v->batch * v->seq; i++) v->targets += labels[i] >= 0;
    v->checked[e - v->io.entries.at] = v->labelled = true;
    return v->targets > 0 ? RK_OK : FAIL(RK_E_ARG, "%s: labels leave nothing to foretell", e->path);
}

rk_status verify_inputs(rk_ctx *ctx, struct verify *v)
{
    TRY(check_declined(ctx, v));
    TRY(read_sizes(ctx, v));
    for (int i = 0; i < SLOTS; i++) TRY(read_slot(ctx, v, i));
    TRY(fill_in(ctx, v));
    return read_labels(ctx, v);
}
