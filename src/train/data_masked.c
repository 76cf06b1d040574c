/* data_masked.c: samples of BERT: tokens of a window are hidden, each with the probability of --mask-rate, and are to be foretold.
 * Of the hidden 80 % become the mask, 10 % any token of the vocabulary, 10 % stay. What is hidden is drawn anew for every sample.
 *
 *   masked      [CLS] text [SEP], or the bare text where the tokenizer has neither
 *   sentences   [CLS] A [SEP] B [SEP], in segments 0 and 1: A and what follows it, cut anywhere; in half of all samples B is as much
 *               text from elsewhere in the part, and `next` says so
 *
 * A window goes on over the ends of documents. The validation's last one is short: the rest is padding. Special tokens are never
 * hidden. Not here: whole words, spans; sentences by their full stops. Sources: Devlin et al. 2018 (arXiv 1810.04805) 3.1, A.1;
 * google-research/bert create_pretraining_data.py; Liu et al. 2019 (arXiv 1907.11692) for drawing anew, and for full windows. */
#include "base/rng.h"
#include "train/data.h"
#include <string.h>

static const double part_masked = 0.8, part_other = 0.1;

/* --- which ids are what --- */

static int64_t find(const rk_tok *tok, const char *const names[2])
{
    uint32_t id;
    for (int i = 0; i < 2; i++)
        if (rk_tok_find(tok, names[i], strlen(names[i]), &id)) return id;
    return -1;
}

static rk_status find_marks(rk_ctx *ctx, const rk_tok *tok, const struct data_wanted *w, struct data *d)
{
    static const char *const mask[2] = { "[MASK]", "<mask>" }, *const begin[2] = { "[CLS]", "<s>" }, *const separator[2] = { "[SEP]", "</s>" };
    if (tok == NULL) {
        (void)FAIL(RK_E_ARG, "which token hides another is not known: masked tokens need the tokenizer that made them");
        return ctx_hint(ctx, "give --tokenizer");
    }
    d->mask = find(tok, mask);
    d->begin = find(tok, begin);
    d->separator = find(tok, separator);
    d->vocab = rk_tok_size(tok) < w->vocab ? rk_tok_size(tok) : w->vocab;
    if (d->mask < 0) {
        (void)FAIL(RK_E_MISSING, "the tokenizer has neither a token [MASK] nor <mask>: nothing can be hidden");
        return ctx_hint(ctx, "reckon tok train ... --special '[PAD]' --special '[UNK]' --special '[CLS]' --special '[SEP]' --special '[MASK]'");
    }
    if (w->pad >= 0 && (d->mask == w->pad || d->begin == w->pad || d->separator == w->pad)) {
        (void)FAIL(RK_E_ARG, "token %lld is [MASK], [CLS] or [SEP] and the model's padding as well, whose vector learns nothing from being read", (long long)w->pad);
        return ctx_hint(ctx, "give the tokenizer a token [PAD], or the model another one: --model NAME:pad=ID");
    }
    if (d->mask < w->vocab && d->begin < w->vocab && d->separator < w->vocab) return RK_OK;
    return FAIL(RK_E_ARG, "the tokenizer's [MASK], [CLS] or [SEP] is no id below %lld, which are all that the model knows", (long long)w->vocab);
}

static rk_status note_specials(rk_ctx *ctx, const rk_tok *tok, const struct data_wanted *w, struct data *d)
{
    TRY(NEW(d->special, w->vocab));
    d->n_special = w->vocab;
    for (size_t i = 0; i < rk_tok_specials(tok); i++) {
        rk_special s = rk_tok_special(tok, i);
        if (s.special && s.id < w->vocab) d->special[s.id] = 1;
    }
    return RK_OK;
}

static rk_status open_windows(rk_ctx *ctx, const rk_train_data *from, const rk_train_options *o, const struct data_wanted *w, int64_t marks, struct data *d)
{
    if (d->seq <= marks) return FAIL(RK_E_ARG, "a sequence of %lld tokens has no room beside its %lld marks", (long long)d->seq, (long long)marks);
    d->stride = (uint64_t)(d->seq - marks);
    TRY(note_specials(ctx, from->tok, w, d));
    TRY(data_check_ids(ctx, from->tokens, w->vocab, &d->fingerprint));
    if (from->validation != NULL) TRY(data_check_ids(ctx, from->validation, w->vocab, &d->fingerprint));
    return data_split(ctx, from, o->validation, d);
}

static rk_status open_masked(rk_ctx *ctx, const rk_train_data *from, const rk_train_options *o, const struct data_wanted *w, struct data *d)
{
    TRY(find_marks(ctx, from->tok, w, d));
    return open_windows(ctx, from, o, w, (d->begin >= 0) + (d->separator >= 0), d);
}

static rk_status open_sentences(rk_ctx *ctx, const rk_train_data *from, const rk_train_options *o, const struct data_wanted *w, struct data *d)
{
    TRY(find_marks(ctx, from->tok, w, d));
    if (d->begin < 0 || d->separator < 0) {
        (void)FAIL(RK_E_MISSING, "the tokenizer lacks [CLS] or [SEP], which stand before and between two texts");
        return ctx_hint(ctx, "the head +mlm does without: it learns from one text at a time");
    }
    if (w->types < 2) return FAIL(RK_E_ARG, "the model has one segment, but two texts have two: type_vocab_size is 2 as a rule");
    if (d->seq < 5) return FAIL(RK_E_ARG, "a sequence of %lld tokens has no room for two texts and their three marks", (long long)d->seq);
    return open_windows(ctx, from, o, w, 3, d);
}

/* --- samples --- */

/* Hides some of what lies there; one word of each stream for every place of every sample. */
static void hide(const struct data *d, struct draw draw, struct sample *to, int64_t n)
{
    int32_t *tokens = to->at[DATA_tokens], *labels = to->at[DATA_labels];
    for (int64_t t = 0; t < n; t++) {
        uint64_t index = draw.index * (uint64_t)d->seq + (uint64_t)t;
        if (d->special[tokens[t]] || rng_uniform(draw.key, STREAM_HIDE, index) >= d->mask_rate) continue;
        double how = rng_uniform(draw.key, STREAM_HOW, index);
        labels[t] = tokens[t];
        if (how < part_masked) tokens[t] = (int32_t)d->mask;
        else if (how < part_masked + part_other) tokens[t] = (int32_t)rng_below(draw.key, STREAM_OTHER, index, (uint64_t)d->vocab);
        to->targets++;
    }
}

static void fill_masked(const struct data *d, const struct part *part, uint64_t place, struct draw draw, struct sample *to)
{
    int32_t *tokens = to->at[DATA_tokens];
    int64_t n = 0;
    if (d->begin >= 0) tokens[n++] = (int32_t)d->begin;
    n += part_read(part, place, (int64_t)d->stride, false, tokens + n);
    if (d->separator >= 0) tokens[n++] = (int32_t)d->separator;
    to->at[DATA_lengths][0] = (int32_t)n;
    hide(d, draw, to, n);
}

/* The second text: what follows, or from any other place, going on at the part's beginning. */
static int64_t second(const struct part *part, uint64_t from, int64_t n, struct draw draw, struct sample *to, int32_t *tokens)
{
    bool other = rng_uniform(draw.key, STREAM_FOLLOWS, draw.index) < 0.5;
    if (other) from = (from + 1 + rng_below(draw.key, STREAM_ELSEWHERE, draw.index, part->n - 1)) % part->n;
    to->at[DATA_next][0] = other;
    to->judged = 1;
    return part_read(part, from, n, true, tokens);
}

static void fill_sentences(const struct data *d, const struct part *part, uint64_t place, struct draw draw, struct sample *to)
{
    int32_t *tokens = to->at[DATA_tokens], *segments = to->at[DATA_segments];
    int64_t n = 0, there = (int64_t)d->stride;
    if (part->n - place < d->stride) there = (int64_t)(part->n - place);
    int64_t first = there < 2 ? there : 1 + (int64_t)rng_below(draw.key, STREAM_CUT, draw.index, (uint64_t)there - 1);
    tokens[n++] = (int32_t)d->begin;
    n += part_read(part, place, first, false, tokens + n);
    tokens[n++] = (int32_t)d->separator;
    int64_t begin = n;
    if (there > first) {
        n += second(part, place + (uint64_t)first, there - first, draw, to, tokens + n);
        tokens[n++] = (int32_t)d->separator;
    }
    for (int64_t t = begin; t < n; t++) segments[t] = 1;
    to->at[DATA_lengths][0] = (int32_t)n;
    hide(d, draw, to, n);
}

enum { INPUTS = 1 << DATA_tokens | 1 << DATA_labels | 1 << DATA_segments | 1 << DATA_lengths };
const struct data_kind data_masked = { .objective = LEARNS_MASKED, .head = "mlm", .inputs = INPUTS, .open = open_masked, .fill = fill_masked };
const struct data_kind data_sentences = {
    .objective = LEARNS_MASKED, .head = "pretraining", .inputs = INPUTS | 1 << DATA_next, .open = open_sentences, .fill = fill_sentences,
};
