/* data.c: see data.h. */
#include "train/data.h"
#include "base/file.h"
#include "base/rng.h"

/* Streams of the run's key, apart from those of weights, which are hashes of names. */
enum { STREAM_SPLIT = 1, STREAM_RANDOM = 2, STREAM_OFFSET = 3, STREAM_SHUFFLE = 1 << 20 };

enum { FEWEST_DOCUMENTS = 5 };             /* for validation, by expectation; of fewer it is the end of the text */

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

/* --- opening --- */

static rk_status check_ids(rk_ctx *ctx, const rk_tokens *t, int64_t largest, uint32_t *crc)
{
    for (size_t i = 0; i < t->n; i++) {
        if (rk_tokens_at(t, i) < largest) continue;
        (void)FAIL(RK_E_ARG, "token %zu is %u, but the model knows the ids below %lld", i, rk_tokens_at(t, i), (long long)largest);
        return ctx_hint(ctx, "give the model the tokenizer's vocabulary size, and the file its own --dtype");
    }
    *crc = crc32c(*crc, t->at, t->n * t->bytes_each);
    return RK_OK;
}

/* Which documents are for validation does not depend on the seed of the run: runs can be compared. */
static rk_status split_documents(rk_ctx *ctx, const rk_tokens *t, double share, struct data *d)
{
    for (size_t begin = 0, end = 0; begin < t->n; begin = end) {
        while (end < t->n && rk_tokens_at(t, end) != d->document_end) end++;
        if (end < t->n) end++;
        bool kept = rng_uniform(0, STREAM_SPLIT, d->documents++) < share;
        TRY(part_extend(ctx, kept ? &d->validation : &d->train, begin, end - begin));
    }
    return RK_OK;
}

static uint64_t count_documents(const rk_tokens *t, int64_t document_end)
{
    uint64_t ends = 0;
    for (size_t i = 0; i < t->n; i++) ends += rk_tokens_at(t, i) == document_end;
    return ends;
}

static rk_status split(rk_ctx *ctx, const rk_train_data *from, double share, struct data *d)
{
    const rk_tokens *t = from->tokens;
    d->train.tokens = t;
    d->validation.tokens = from->validation != NULL ? from->validation : t;
    if (from->validation != NULL) {
        TRY(part_extend(ctx, &d->train, 0, t->n));
        return part_extend(ctx, &d->validation, 0, from->validation->n);
    }
    if (share > 0 && (double)count_documents(t, d->document_end) * share >= FEWEST_DOCUMENTS) return split_documents(ctx, t, share, d);
    uint64_t kept = (uint64_t)(share * (double)t->n);
    TRY(part_extend(ctx, &d->train, 0, t->n - kept));
    return part_extend(ctx, &d->validation, t->n - kept, kept);
}

static rk_status open_data(rk_ctx *ctx, const rk_train_data *from, const rk_train_options *o, int64_t largest, struct data *d)
{
    TRY(check_ids(ctx, from->tokens, largest, &d->fingerprint));
    if (from->validation != NULL) TRY(check_ids(ctx, from->validation, largest, &d->fingerprint));
    TRY(split(ctx, from, o->validation, d));
    for (int i = 0; i < d->validation.pieces.n; i++) d->fingerprint = crc32c(d->fingerprint, &d->validation.pieces.at[i], sizeof d->validation.pieces.at[i]);
    if (d->train.n > (uint64_t)d->seq) return RK_OK;
    (void)FAIL(RK_E_ARG, "%llu training tokens are fewer than one sequence of %lld and its last label", (unsigned long long)d->train.n, (long long)d->seq);
    return ctx_hint(ctx, "give more text, or a smaller --seq");
}

rk_status data_open(rk_ctx *ctx, const rk_train_data *from, const rk_train_options *o, int64_t seq, int64_t largest, struct data *d)
{
    *d = (struct data){ .seq = seq, .document_end = from->document_end, .seed = (uint64_t)o->seed, .order = (enum rk_data_order)o->order, .mask_ends = o->mask_ends };
    rk_status status = open_data(ctx, from, o, largest, d);
    if (status != RK_OK) data_close(ctx, d);
    return status;
}

void data_close(rk_ctx *ctx, struct data *d)
{
    VEC_FREE(&d->train.pieces);
    VEC_FREE(&d->validation.pieces);
}

/* --- samples --- */

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

/* Shuffled: every epoch cuts the part into windows anew, from another offset, and takes each once. */
uint64_t data_start(const struct data *d, uint64_t sample)
{
    uint64_t seq = (uint64_t)d->seq, room = d->train.n - 1;             /* the last token is only a label */
    if (d->order == RK_ORDER_RANDOM) return rng_below(d->seed, STREAM_RANDOM, sample, room - seq + 1);
    uint64_t windows = room / seq, epoch = sample / windows;
    uint64_t offset = rng_below(d->seed, STREAM_OFFSET, epoch, room - windows * seq + 1);
    return offset + seq * shuffled(d->seed, STREAM_SHUFFLE + 4 * epoch, windows, sample % windows);
}

int64_t data_window(const struct data *d, const struct part *part, uint64_t start, int32_t *tokens, int32_t *labels)
{
    int64_t targets = 0;
    const struct piece *piece = piece_at(part, start), *end = part->pieces.at + part->pieces.n;
    for (int64_t i = 0; i <= d->seq; i++) {
        uint64_t at = start + (uint64_t)i;
        bool inside = at < part->n;
        while (inside && piece + 1 < end && piece[1].before <= at) piece++;
        int32_t id = inside ? (int32_t)rk_tokens_at(part->tokens, (size_t)(piece->begin + (at - piece->before))) : 0;
        if (i > 0) {
            bool masked = !inside || (d->mask_ends && tokens[i - 1] == d->document_end);
            labels[i - 1] = masked ? -1 : id;
            targets += !masked;
        }
        if (i < d->seq) tokens[i] = id;
    }
    return targets;
}

int64_t data_validation_windows(const struct data *d)
{
    return d->validation.n < 2 ? 0 : (int64_t)((d->validation.n - 1 + (uint64_t)d->seq - 1) / (uint64_t)d->seq);
}
