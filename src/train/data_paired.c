/* data_paired.c: samples of an encoder and decoder: a source, and its target behind the start token; labels are the target itself,
 * so that every token is foretold from the true ones before it (teacher forcing).
 *
 *   source  x1 .. xn end, padding      tokens  start y1 .. ym, padding      labels  y1 .. ym end, -1
 *
 * A sequence ends with the id document_end, which belongs to it: the i-th of the sources goes with the i-th of the targets. What is
 * longer than there is room for is cut behind, its end with it. The decoder sees no padding before its own end, and what comes
 * later counts for nothing; the encoder's is told by lengths. Source: Vaswani et al. 2017 (arXiv 1706.03762) 3.1, 5.1. */
#include "base/file.h"
#include "train/data.h"

enum { MOST_PAIRS = 1 << 30 };

/* Tokens from `at` up to the end of the sequence; at < n. */
static uint64_t length_at(const rk_tokens *t, uint64_t at, int64_t end)
{
    uint64_t n = 1;
    while (rk_tokens_at(t, (size_t)(at + n - 1)) != end && at + n < t->n) n++;
    return n;
}

static uint64_t count(const rk_tokens *t, int64_t end)
{
    uint64_t n = 0;
    for (uint64_t at = 0; at < t->n; at += length_at(t, at, end)) n++;
    return n;
}

static rk_status add(rk_ctx *ctx, struct part *part, struct pair pair)
{
    VEC_PUSH(&part->pairs, pair);
    part->n += pair.target_n;
    return RK_OK;
}

/* Where pair i of n goes: to validation at random where there are many, else of the last ones. */
static struct part *part_of(struct data *d, double share, uint64_t i, uint64_t n)
{
    bool kept = data_are_many(n, share) ? data_is_kept(share, i) : i >= n - (uint64_t)(share * (double)n);
    return kept ? &d->validation : &d->train;
}

static rk_status check_sequence(rk_ctx *ctx, uint64_t n, uint64_t number)
{
    return n <= INT32_MAX ? RK_OK : FAIL(RK_E_LIMIT, "sequence %llu has %llu tokens", (unsigned long long)number, (unsigned long long)n);
}

/* All pairs of two rows of tokens; into: NULL: cut into both parts. */
static rk_status add_pairs(rk_ctx *ctx, struct data *d, const rk_tokens *source, const rk_tokens *target, double share, struct part *into)
{
    uint64_t n = count(target, d->document_end), sources = count(source, d->document_end), s = 0, t = 0;
    if (n != sources) {
        (void)FAIL(RK_E_ARG, "there are %llu sources, but %llu targets", (unsigned long long)sources, (unsigned long long)n);
        return ctx_hint(ctx, "sequences are counted by their end token, id %lld: both files need one behind each", (long long)d->document_end);
    }
    if (n > MOST_PAIRS) return FAIL(RK_E_LIMIT, "%llu pairs: at most %d are taken", (unsigned long long)n, MOST_PAIRS);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t source_n = length_at(source, s, d->document_end), target_n = length_at(target, t, d->document_end);
        TRY(check_sequence(ctx, source_n, i));
        TRY(check_sequence(ctx, target_n, i));
        TRY(add(ctx, into != NULL ? into : part_of(d, share, i, n), (struct pair){ s, t, (uint32_t)source_n, (uint32_t)target_n }));
        s += source_n;
        t += target_n;
    }
    return RK_OK;
}

/* Of sizes that nobody gave the longest, as far as the model goes. */
static void find_sizes(struct data *d, const struct data_wanted *w)
{
    const struct part *parts[] = { &d->train, &d->validation };
    int64_t source = 1, target = 1;
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < parts[k]->pairs.n; i++) {
            const struct pair *p = &parts[k]->pairs.at[i];
            if (p->source_n > source) source = p->source_n;
            if (p->target_n > target) target = p->target_n;
        }
    d->seq = w->seq > 0 ? w->seq : target < w->position ? target : w->position;
    d->source_seq = w->source_seq > 0 ? w->source_seq : source < w->position ? source : w->position;
}

static void tell_cut(rk_ctx *ctx, const struct data *d)
{
    const struct part *parts[] = { &d->train, &d->validation };
    long long all = 0, longer = 0;
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < parts[k]->pairs.n; i++, all++) longer += parts[k]->pairs.at[i].source_n > d->source_seq || parts[k]->pairs.at[i].target_n > d->seq;
    if (longer == 0) return;
    ctx_log(ctx, RK_WARNING, "%lld of %lld pairs are longer than a source of %lld and a target of %lld tokens: what is behind that is cut off", longer, all,
            (long long)d->source_seq, (long long)d->seq);
}

static rk_status check(rk_ctx *ctx, const rk_train_data *from, const struct data_wanted *w)
{
    if (from->source == NULL || (from->validation != NULL) != (from->validation_source != NULL)) {
        (void)FAIL(RK_E_ARG, "an encoder and decoder learns from pairs: to every row of tokens belongs one of sources");
        return ctx_hint(ctx, "give a file of pairs (NAME.tsv, NAME.jsonl), or one of sources and one of targets");
    }
    if (from->document_end < 0) {
        (void)FAIL(RK_E_ARG, "where a sequence ends is not known: pairs need a token behind each");
        return ctx_hint(ctx, "the tokenizer has none of <|endoftext|>, </s> and [SEP]: give --end TOKEN");
    }
    if (w->start < w->vocab) return RK_OK;
    (void)FAIL(RK_E_ARG, "the model begins a target with the token %lld, but knows only the ids below %lld", (long long)w->start, (long long)w->vocab);
    return ctx_hint(ctx, "give it one of its own: --model NAME:start=ID");
}

static rk_status check_ids(rk_ctx *ctx, const rk_train_data *from, const struct data_wanted *w, uint32_t *crc)
{
    TRY(data_check_ids(ctx, from->source, w->source_vocab, crc));
    TRY(data_check_ids(ctx, from->tokens, w->vocab, crc));
    if (from->validation == NULL) return RK_OK;
    TRY(data_check_ids(ctx, from->validation_source, w->source_vocab, crc));
    return data_check_ids(ctx, from->validation, w->vocab, crc);
}

static rk_status open(rk_ctx *ctx, const rk_train_data *from, const rk_train_options *o, const struct data_wanted *w, struct data *d)
{
    TRY(check(ctx, from, w));
    TRY(check_ids(ctx, from, w, &d->fingerprint));
    bool apart = from->validation != NULL;
    d->stride = 1;
    d->start = w->start;
    d->train.tokens = from->tokens;
    d->train.source = from->source;
    d->validation.tokens = apart ? from->validation : from->tokens;
    d->validation.source = apart ? from->validation_source : from->source;
    TRY(add_pairs(ctx, d, from->source, from->tokens, o->validation, apart ? &d->train : NULL));
    if (apart) TRY(add_pairs(ctx, d, from->validation_source, from->validation, 0, &d->validation));
    for (int i = 0; i < d->validation.pairs.n; i++) d->fingerprint = crc32c(d->fingerprint, &d->validation.pairs.at[i], sizeof d->validation.pairs.at[i]);
    if (d->train.pairs.n == 0) return FAIL(RK_E_ARG, "there are no pairs to train on");
    find_sizes(d, w);
    tell_cut(ctx, d);
    return RK_OK;
}

static void fill(const struct data *d, const struct part *part, uint64_t place, struct draw draw, struct sample *to)
{
    const struct pair *p = &part->pairs.at[place];
    int32_t *tokens = to->at[DATA_tokens], *labels = to->at[DATA_labels], *source = to->at[DATA_source];
    int64_t target_n = p->target_n < d->seq ? p->target_n : d->seq, source_n = p->source_n < d->source_seq ? p->source_n : d->source_seq;
    (void)draw;
    tokens[0] = (int32_t)d->start;
    for (int64_t t = 0; t < target_n; t++) {
        labels[t] = (int32_t)rk_tokens_at(part->tokens, (size_t)p->target + (size_t)t);
        if (t + 1 < target_n) tokens[t + 1] = labels[t];
    }
    for (int64_t s = 0; s < source_n; s++) source[s] = (int32_t)rk_tokens_at(part->source, (size_t)p->source + (size_t)s);
    to->at[DATA_source_lengths][0] = (int32_t)source_n;
    to->targets = target_n;
}

const struct data_kind data_paired = {
    .objective = LEARNS_TARGET, .head = "lm", .open = open, .fill = fill,
    .inputs = 1 << DATA_tokens | 1 << DATA_labels | 1 << DATA_source | 1 << DATA_source_lengths,
};
