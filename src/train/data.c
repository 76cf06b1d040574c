/* data.c: see data.h. */
#include "train/data.h"
#include "base/file.h"
#include "base/rng.h"
#include "model/config.h"
#include <string.h>

static const struct data_kind *const kinds[] = { &data_next, &data_masked, &data_sentences, &data_paired };
enum { KINDS = sizeof kinds / sizeof *kinds };

enum width { SEQ, SOURCE, ONE };
static const enum width widths[] = {
#define ROW(name, width) [DATA_##name] = width,
#include "train/input.def"
#undef ROW
};

enum { FEWEST_DOCUMENTS = 5 };             /* for validation, by expectation; of fewer it is the end of the text */

/* --- what a model asks for --- */

static const struct data_kind *kind_of(const rk_model *m)
{
    for (int i = 0; i < KINDS; i++)
        if (kinds[i]->objective == m->config.arch->objective && config_ends_in(&m->config, kinds[i]->head)) return kinds[i];
    return NULL;
}

static int64_t number_or(const struct config *c, const char *field, int64_t otherwise)
{
    int at;
    return config_field(c, field, &at) != NULL ? config_int(c, field) : otherwise;
}

rk_status data_wants(rk_ctx *ctx, const rk_model *m, const rk_train_options *o, struct data_wanted *w)
{
    const struct config *c = &m->config;
    *w = (struct data_wanted){
        .kind = kind_of(m), .seq = o->seq, .source_seq = o->source_seq, .vocab = config_int(c, "vocab"), .position = config_int(c, "position"),
        .source_vocab = number_or(c, "source_vocab", 0), .start = number_or(c, "start", 0), .types = number_or(c, "types", 1), .pad = number_or(c, "pad", -1),
    };
    if (w->kind != NULL) return RK_OK;
    (void)FAIL(RK_E_DECLINED, "%s: a model that ends in hidden states has no loss: there is nothing for it to learn", m->name);
    return ctx_hint(ctx, "give the preset or the folder with a head behind it: --model NAME+%s", c->arch->heads[0].name);
}

void data_padding(const rk_model *m, struct build_options *how)
{
    how->padded = m->config.arch->objective == LEARNS_MASKED;
    how->source_padded = m->config.arch->objective == LEARNS_TARGET;
}

int64_t data_width(const struct data *d, enum data_input input)
{
    if ((d->kind->inputs >> input & 1) == 0) return 0;
    return widths[input] == SEQ ? d->seq : widths[input] == SOURCE ? d->source_seq : 1;
}

/* --- parts --- */

static rk_status part_extend(rk_ctx *ctx, struct part *p, uint64_t begin, uint64_t n)
{
    const struct piece *last = p->pieces.n > 0 ? &p->pieces.at[p->pieces.n - 1] : NULL;
    bool joins = last != NULL && last->begin + (p->n - last->before) == begin;
    if (n > 0 && !joins) VEC_PUSH(&p->pieces, ((struct piece){ begin, p->n }));
    p->n += n;
    return RK_OK;
}

static const struct piece *piece_at(const struct part *p, uint64_t position)
{
    int low = 0, high = p->pieces.n - 1;
    while (low < high) {
        int mid = low + (high - low + 1) / 2;
        if (p->pieces.at[mid].before <= position) low = mid;
        else high = mid - 1;
    }
    return &p->pieces.at[low];
}

uint32_t part_token(const struct part *p, uint64_t position)
{
    const struct piece *piece = piece_at(p, position);
    return rk_tokens_at(p->tokens, (size_t)(piece->begin + (position - piece->before)));
}

int64_t part_read(const struct part *p, uint64_t start, int64_t n, bool around, int32_t *to)
{
    const struct piece *piece = p->pieces.at, *end = p->pieces.at + p->pieces.n;
    if (start < p->n) piece = piece_at(p, start);
    for (int64_t i = 0; i < n; i++) {
        uint64_t at = start + (uint64_t)i;
        if (around && at >= p->n) {
            at %= p->n;
            piece = piece_at(p, at);
        }
        if (at >= p->n) return i;
        while (piece + 1 < end && piece[1].before <= at) piece++;
        to[i] = (int32_t)rk_tokens_at(p->tokens, (size_t)(piece->begin + (at - piece->before)));
    }
    return n;
}

/* --- opening --- */

rk_status data_check_ids(rk_ctx *ctx, const rk_tokens *t, int64_t largest, uint32_t *crc)
{
    for (size_t i = 0; i < t->n; i++) {
        if (rk_tokens_at(t, i) < largest) continue;
        (void)FAIL(RK_E_ARG, "token %zu is %u, but the model knows the ids below %lld", i, rk_tokens_at(t, i), (long long)largest);
        return ctx_hint(ctx, "give the model the tokenizer's vocabulary size, and the file its own --dtype");
    }
    *crc = crc32c(*crc, t->at, t->n * t->bytes_each);
    return RK_OK;
}

bool data_is_kept(double share, uint64_t document) { return rng_uniform(0, STREAM_SPLIT, document) < share; }
bool data_are_many(uint64_t documents, double share) { return share > 0 && (double)documents * share >= FEWEST_DOCUMENTS; }

static rk_status split_documents(rk_ctx *ctx, const rk_tokens *t, double share, struct data *d)
{
    for (size_t begin = 0, end = 0; begin < t->n; begin = end) {
        while (end < t->n && rk_tokens_at(t, end) != d->document_end) end++;
        if (end < t->n) end++;
        TRY(part_extend(ctx, data_is_kept(share, d->documents++) ? &d->validation : &d->train, begin, end - begin));
    }
    return RK_OK;
}

static uint64_t count_documents(const rk_tokens *t, int64_t document_end)
{
    uint64_t ends = 0;
    for (size_t i = 0; i < t->n; i++) ends += rk_tokens_at(t, i) == document_end;
    return ends;
}

static rk_status cut(rk_ctx *ctx, const rk_train_data *from, double share, struct data *d)
{
    const rk_tokens *t = from->tokens;
    d->train.tokens = t;
    d->validation.tokens = from->validation != NULL ? from->validation : t;
    if (from->validation != NULL) {
        TRY(part_extend(ctx, &d->train, 0, t->n));
        return part_extend(ctx, &d->validation, 0, from->validation->n);
    }
    if (data_are_many(count_documents(t, d->document_end), share)) return split_documents(ctx, t, share, d);
    uint64_t kept = (uint64_t)(share * (double)t->n);
    TRY(part_extend(ctx, &d->train, 0, t->n - kept));
    return part_extend(ctx, &d->validation, t->n - kept, kept);
}

rk_status data_split(rk_ctx *ctx, const rk_train_data *from, double share, struct data *d)
{
    TRY(cut(ctx, from, share, d));
    for (int i = 0; i < d->validation.pieces.n; i++) d->fingerprint = crc32c(d->fingerprint, &d->validation.pieces.at[i], sizeof d->validation.pieces.at[i]);
    if (d->train.n >= d->stride + d->beyond) return RK_OK;
    (void)FAIL(RK_E_ARG, "%llu training tokens are fewer than one sequence of %lld%s", (unsigned long long)d->train.n, (long long)d->stride,
               d->beyond > 0 ? " and its last label" : "");
    return ctx_hint(ctx, "give more text, or a smaller --seq");
}

rk_status data_open(rk_ctx *ctx, const rk_train_data *from, const rk_train_options *o, const struct data_wanted *w, struct data *d)
{
    *d = (struct data){ .kind = w->kind, .seq = w->seq > 0 ? w->seq : w->position, .document_end = from->document_end, .seed = (uint64_t)o->seed,
                        .order = (enum rk_data_order)o->order, .mask_ends = o->mask_ends, .mask_rate = o->mask_rate };
    rk_status status = from->tokens != NULL ? w->kind->open(ctx, from, o, w, d) : FAIL(RK_E_ARG, "there are no tokens to train on");
    if (status != RK_OK) data_close(ctx, d);
    return status;
}

void data_close(rk_ctx *ctx, struct data *d)
{
    struct part *parts[] = { &d->train, &d->validation };
    for (int i = 0; i < 2; i++) {
        VEC_FREE(&parts[i]->pieces);
        VEC_FREE(&parts[i]->pairs);
    }
    FREE(d->special, d->n_special);
}

/* --- places --- */

/* Four Feistel rounds over the next power of four, walked until the value is inside (Black & Rogaway 2002). */
uint64_t shuffled(uint64_t key, uint64_t stream, uint64_t n, uint64_t i)
{
    unsigned half = 1;
    while (half < 31 && (UINT64_C(1) << 2 * half) < n) half++;
    uint64_t mask = (UINT64_C(1) << half) - 1;
    do {
        uint64_t left = i >> half, right = i & mask;
        for (unsigned round = 0; round < 4; round++) {
            uint64_t mixed = left ^ (rng_word(key, stream + round, right) & mask);
            left = right;
            right = mixed;
        }
        i = left << half | right;
    } while (i >= n);
    return i;
}

/* Places of a part that a sample may begin at, or reach up to: tokens, or pairs. */
static uint64_t room_of(const struct data *d, const struct part *p)
{
    uint64_t all = p->source != NULL ? (uint64_t)p->pairs.n : p->n;
    return all > d->beyond ? all - d->beyond : 0;
}

/* Shuffled: every epoch cuts the part into samples anew, from another offset, and takes each once. */
uint64_t data_start(const struct data *d, uint64_t sample)
{
    uint64_t stride = d->stride, room = room_of(d, &d->train);
    if (d->order == RK_ORDER_RANDOM) return rng_below(d->seed, STREAM_RANDOM, sample, room - stride + 1);
    uint64_t windows = room / stride, epoch = sample / windows;
    uint64_t offset = rng_below(d->seed, STREAM_OFFSET, epoch, room - windows * stride + 1);
    return offset + stride * shuffled(d->seed, STREAM_SHUFFLE + 4 * epoch, windows, sample % windows);
}

int64_t data_validation_windows(const struct data *d) { return (int64_t)((room_of(d, &d->validation) + d->stride - 1) / d->stride); }

/* --- samples --- */

/* Nothing counts, and no sequence is empty. */
static void blank(const struct data *d, struct sample *to)
{
    for (int k = 0; k < DATA_INPUTS; k++) {
        int32_t value = k == DATA_labels || k == DATA_next ? -1 : k == DATA_lengths || k == DATA_source_lengths;
        for (int64_t i = 0; to->at[k] != NULL && i < data_width(d, (enum data_input)k); i++) to->at[k][i] = value;
    }
    to->targets = to->judged = 0;
}

void data_sample(const struct data *d, uint64_t i, struct sample *to)
{
    blank(d, to);
    d->kind->fill(d, &d->train, data_start(d, i), (struct draw){ d->seed, i }, to);
}

/* Its randomness is not the run's: runs can be compared. */
void data_validation_sample(const struct data *d, int64_t window, struct sample *to)
{
    blank(d, to);
    if (window < data_validation_windows(d)) d->kind->fill(d, &d->validation, (uint64_t)window * d->stride, (struct draw){ 0, (uint64_t)window }, to);
}
