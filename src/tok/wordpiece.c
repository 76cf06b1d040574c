/* wordpiece.c: WordPiece trained as Hugging Face's WordPieceTrainer does it: BPE over characters.
 *
 * What was counted is units of raw text (bert_units); normalizing goes over each distinct unit once. Then: an alphabet, each of its characters
 * as one that begins a word and as one that does not, words as their characters, and the merge loop. Not here: pieces that are found by likelihood,
 * as Google's trainer, which was never published, did. Source: tokenizers, models/wordpiece/trainer.rs and models/bpe/trainer.rs, as to what. */
#include "base/map.h"
#include "base/par.h"
#include "base/utf8.h"
#include "tok/bert.h"
#include "tok/load.h"
#include "tok/plan.h"
#include "tok/tok.h"
#include <stdlib.h>

static const char prefix[] = "##";

struct alphabet { uint32_t *first, *next; };                          /* by code point: the id that begins a word, and that goes on; NO_TOKEN: left out */

struct training {
    struct share          share;
    const struct plan    *plan;
    const struct counter *units;
    struct counter        words;
    struct bert           bert;
    unsigned char         greatest[WORD_PARTS];                       /* byte of the words, by parts of the units */
    uint32_t              codes;                                      /* no character of the words is as great */
    uint64_t             *seen, *later;                               /* by code point: how often; behind another character of its word */
    struct alphabet       alphabet;
    rk_text              *first;                                      /* tokens that are no merge */
    uint32_t              n_first, room_first;
    struct arena          texts;
};

/* ---- words ---- */

static bool add_words(struct training *t, struct words *to, struct bert_words *w, const struct word_part *p, size_t i, unsigned char *greatest)
{
    char small[16];
    size_t n;
    const char *text = word_text(p, &p->slots[i], small, &n);
    if (!bert_words_begin(&t->bert, &t->share, w, (const unsigned char *)text, n)) return false;
    while (bert_words_next(&t->share, w)) {
        struct word_key key = word_key((const unsigned char *)w->text, w->n, w->n);
        for (size_t k = 0; k < w->n; k++) *greatest = (unsigned char)w->text[k] > *greatest ? (unsigned char)w->text[k] : *greatest;
        if (!words_add(&t->share, to, &key, (const unsigned char *)w->text, w->n, p->slots[i].count)) return false;
    }
    return !share_failed(&t->share);
}

static void words_task(void *arg, int64_t part, int worker)
{
    struct training *t = arg;
    struct words made = { 0 };
    struct bert_words w = { 0 };
    const struct word_part *p = counter_part(&t->share, t->units, (int)part, &made);
    for (size_t i = 0; p != NULL && i < p->room; i++)
        if (p->slots[i].high != 0 && p->slots[i].count != 0 && !add_words(t, &t->words.tables[worker], &w, p, i, &t->greatest[part])) break;
    bert_words_clear(&t->share, &w);
    counter_part_end(&t->share, (int)part, &made);
}

/* What characters of UTF-8 can be, by the greatest byte of all. */
static uint32_t codes_below(unsigned char greatest) { return greatest < 0x80 ? 0x80 : greatest < 0xe0 ? 0x800 : greatest < 0xf0 ? 0x10000 : 0x110000; }

static rk_status make_words(rk_ctx *ctx, struct training *t, struct counter *units)
{
    TRY(counter_reduce(ctx, units));
    TRY(NEW(t->words.tables, par_workers(ctx)));
    t->words.n_tables = par_workers(ctx);
    par_for(ctx, WORD_PARTS, words_task, t);
    TRY((rk_status)atomic_load(&t->share.status));
    counter_empty(ctx, units);
    t->codes = 0;
    for (int part = 0; part < WORD_PARTS; part++)
        if (codes_below(t->greatest[part]) > t->codes) t->codes = codes_below(t->greatest[part]);
    return counter_reduce(ctx, &t->words);
}

/* ---- the alphabet ---- */

static void see(struct training *t)
{
    for (int part = 0; part < WORD_PARTS; part++) {
        const struct word_part *p = &t->words.tables[0].part[part];
        for (size_t i = 0; i < p->room; i++) {
            char small[16];
            size_t n = 0;
            const char *text = p->slots[i].high != 0 ? word_text(p, &p->slots[i], small, &n) : NULL;
            for (size_t at = 0; at < n;) {
                uint32_t code;
                size_t step = utf8_next(text + at, n - at, &code);
                t->seen[code] += p->slots[i].count;
                if (at > 0) t->later[code] += p->slots[i].count;
                at += step;
            }
        }
    }
}

struct letter { uint32_t code; uint64_t count; };

static int rarer_first(const void *a, const void *b)
{
    const struct letter *x = a, *y = b;
    return x->count != y->count ? (x->count > y->count) - (x->count < y->count) : (x->code > y->code) - (x->code < y->code);
}

static rk_status limit(rk_ctx *ctx, struct training *t, uint32_t most)
{
    struct letter *letters;
    size_t n = 0;
    TRY(NEW(letters, t->codes));
    for (uint32_t code = 0; code < t->codes; code++)
        if (t->seen[code] > 0) letters[n++] = (struct letter){ code, t->seen[code] };
    qsort(letters, n, sizeof *letters, rarer_first);
    for (size_t i = 0; i + most < n; i++) t->seen[letters[i].code] = t->later[letters[i].code] = 0;
    FREE(letters, t->codes);
    return RK_OK;
}

/* A first token, unless it is one already; specials may be characters too. */
static rk_status add_first(rk_ctx *ctx, struct training *t, struct map *known, const char *text, size_t n, uint32_t *id)
{
    int old;
    if (map_get(known, text, n, &old)) {
        *id = (uint32_t)old;
        return RK_OK;
    }
    if (t->n_first == t->room_first) {
        uint32_t room = t->room_first * 2 + 256;
        TRY(GROW(t->first, t->room_first, room));
        t->room_first = room;
    }
    rk_text *to = &t->first[t->n_first];
    TRY(arena_text(ctx, &t->texts, text, n, &to->at));
    to->n = n;
    *id = t->n_first++;
    return map_put(ctx, known, to->at, n, (int)*id);
}

static rk_status add_letters(rk_ctx *ctx, struct training *t, struct map *known, bool begins, uint32_t *ids)
{
    const uint64_t *seen = begins ? t->seen : t->later;
    char text[sizeof prefix + 4];
    memcpy(text, prefix, sizeof prefix - 1);
    for (uint32_t code = 0; code < t->codes; code++) {
        ids[code] = NO_TOKEN;
        if (seen[code] == 0) continue;
        size_t n = sizeof prefix - 1 + (size_t)utf8_put(text + sizeof prefix - 1, code), from = begins ? sizeof prefix - 1 : 0;
        TRY(add_first(ctx, t, known, text + from, n - from, &ids[code]));
    }
    return RK_OK;
}

static rk_status make_alphabet(rk_ctx *ctx, struct training *t, uint32_t most)
{
    rk_status status = RK_OK;
    struct map known = { 0 };
    uint32_t id;
    TRY(NEW(t->seen, t->codes));
    TRY(NEW(t->later, t->codes));
    TRY(NEW(t->alphabet.first, t->codes));
    TRY(NEW(t->alphabet.next, t->codes));
    see(t);
    if (most > 0) TRY(limit(ctx, t, most));
    for (size_t i = 0; i < t->plan->n_specials && status == RK_OK; i++) status = add_first(ctx, t, &known, t->plan->specials[i].text.at, t->plan->specials[i].text.n, &id);
    if (status == RK_OK) status = add_letters(ctx, t, &known, true, t->alphabet.first);
    if (status == RK_OK) status = add_letters(ctx, t, &known, false, t->alphabet.next);
    map_free(ctx, &known);
    return status;
}

/* ---- pieces ---- */

static size_t letters_of_word(const void *user, const unsigned char *text, size_t n, bool begins, uint32_t *ids, size_t most, size_t *taken)
{
    const struct alphabet *a = user;
    size_t made = 0, at = 0;
    while (at < n && made < most) {
        uint32_t code, id;
        size_t step = utf8_next((const char *)text + at, n - at, &code);
        id = begins && at == 0 ? a->first[code] : a->next[code];
        if (id != NO_TOKEN) ids[made++] = id;
        at += step;
    }
    *taken = at;
    return made;
}

static rk_status check(rk_ctx *ctx, const struct plan *p, const rk_tok_training *how)
{
    size_t unknown = 0;
    for (size_t i = 0; i < p->n_specials; i++) {
        unknown += p->specials[i].text.n == 5 && memcmp(p->specials[i].text.at, "[UNK]", 5) == 0;
        if (memchr(p->specials[i].text.at, '\n', p->specials[i].text.n) != NULL) return FAIL(RK_E_ARG, "special token %zu holds a line feed, which a vocab.txt cannot", i);
    }
    if (how->vocab_size > VOCAB_MOST) return FAIL(RK_E_LIMIT, "a vocabulary of %u; %d is the limit", how->vocab_size, VOCAB_MOST);
    if (unknown > 0) return RK_OK;
    (void)FAIL(RK_E_ARG, "[UNK] is not among the special tokens: WordPiece needs it for words that it lacks");
    return ctx_hint(ctx, "BERT has [PAD] [UNK] [CLS] [SEP] [MASK]");
}

static rk_status learn(rk_ctx *ctx, struct training *t, const rk_tok_training *how, struct merged *merged)
{
    if (how->vocab_size < t->n_first) {
        (void)FAIL(RK_E_ARG, "a vocabulary of %u has no room for %zu special tokens and the characters of the text, which make %u tokens", how->vocab_size, t->plan->n_specials, t->n_first);
        return ctx_hint(ctx, "ask for more, or limit the alphabet");
    }
    struct merging asked = { .most_ids = how->vocab_size, .least = plan_least(how), .ties = RK_TIES_HUGGINGFACE, .first = t->first, .n_first = t->n_first,
                             .symbols = letters_of_word, .of = &t->alphabet, .n_prefix = sizeof prefix - 1, .memory = how->memory, .progress = how->progress, .user = how->user };
    return merges_learn(ctx, &asked, &t->words, merged);
}

static rk_status train(rk_ctx *ctx, struct training *t, struct counter *units, const rk_tok_training *how, rk_tok **out)
{
    rk_status status;
    struct merged merged = { 0 };
    rk_tok *tok = NULL;
    TRY(make_words(ctx, t, units));
    TRY(make_alphabet(ctx, t, how->limit_alphabet));
    GO(learn(ctx, t, how, &merged));
    GO(tok_new(ctx, &tok));
    GO(load_pieces(ctx, merged.tokens, merged.n_ids, (uint32_t)t->plan->n_specials, how->lowercase, tok));
    *out = tok;
    tok = NULL;
out:
    rk_tok_close(ctx, tok);
    merged_clear(ctx, &merged);
    return status;
}

rk_status wordpiece_train(rk_ctx *ctx, const struct plan *p, struct counter *counter, const rk_tok_training *how, rk_tok **out)
{
    struct training t = { .plan = p, .units = counter };
    TRY(check(ctx, p, how));
    load_bert_defaults(&t.bert, how->lowercase);
    TRY(share_begin(ctx, &t.share));
    t.share.limit = counter_limit(ctx, counter, how->memory);
    rk_status status = train(ctx, &t, counter, how, out);
    counter_clear(ctx, &t.words);
    FREE(t.seen, t.codes);
    FREE(t.later, t.codes);
    FREE(t.alphabet.first, t.codes);
    FREE(t.alphabet.next, t.codes);
    FREE(t.first, t.room_first);
    arena_clear(ctx, &t.texts);
    rk_status shared = share_end(&t.share);
    if (status == RK_OK) status = shared;
    return status == RK_OK ? RK_OK : ctx_pass(ctx, status, __FILE__, __LINE__, __func__);
}
