/* forward.c: words, and rows of clauses: by characters, and where those stop by the walk. */
#include "tok/walk.h"
#include <string.h>

#if defined(__x86_64__)
characters_look characters_look_avx512;
characters_put characters_put_avx512;
const struct characters_body characters_bodies[ISA_COUNT] = { [ISA_avx512] = { characters_look_avx512, characters_put_avx512 } };
#else
const struct characters_body characters_bodies[ISA_COUNT] = { { NULL, NULL } };
#endif

size_t forward_size(const struct vocab *vocab) { return seams_size(vocab->size) + block_size(vocab->size, sizeof(uint32_t)) + trie_size(vocab); }

void forward_make(struct tok_block *block, struct forward *f, const struct ranks *ranks, const struct merge *merges, uint32_t n, bool by_id, const uint32_t byte_id[256], const struct vocab *vocab)
{
    uint32_t *begins = block_take(block, vocab->size, sizeof *begins);
    f->ranks = ranks;
    f->ready = seams_make(block, &f->seams, ranks, merges, n, by_id, byte_id, vocab->size);
    if (!f->ready) return;
    const struct seam_maker *makers = f->seams.makers;
    for (uint32_t id = 0; id < vocab->size; id++) begins[id] = makers[id].order == 0 ? id : makers[id].order == NO_TOKEN ? NO_TOKEN : makers[id].left;
    f->ready = trie_make(block, &f->trie, vocab, begins, byte_id);
}

enum { SEAMS = SEAM_WAYS << SEAMS_BITS };

bool forward_keep(struct share *s, struct forward_work *work)
{
    return work->known.seams != NULL || share_resize(s, (void **)&work->known.seams, 0, SEAMS, sizeof *work->known.seams, "what is known of seams");
}

void forward_work_clear(rk_ctx *ctx, struct forward_work *work)
{
    FREE(work->known.seams, work->known.seams != NULL ? SEAMS : 0);
    FREE(work->known.chars, work->known.chars != NULL ? CHARS : 0);
    FREE(work->pairs, work->pairs != NULL ? KNOWN_PAIRS : 0);
    FREE(work->closed, work->room_closed);
    *work = (struct forward_work){ 0 };
}

static inline bool bit(const uint64_t bits[ROW_WORDS], size_t k) { return bits[k >> 6] >> (k & 63) & 1; }

/* The first of the bits from k on, or n; k < n. */
static inline size_t next_bit(const uint64_t bits[ROW_WORDS], size_t k, size_t n)
{
    size_t i = k >> 6;
    uint64_t word = bits[i] & ~UINT64_C(0) << (k & 63);
    while (word == 0 && 64 * ++i < n) word = bits[i];
    size_t at = word == 0 ? n : 64 * i + (size_t)__builtin_ctzll(word);
    return at < n ? at : n;
}

/* Characters of the word, as far as each may stand behind the one before. */
static inline void go_by_characters(struct walk *w)
{
    const struct characters *known = &w->work->known;
    const unsigned char *p = w->word + w->at, *end = w->word + w->n;
    uint32_t *out = w->out + w->made;
    for (; end - p >= 3 && is_character(p); p += 3) {
        uint64_t is = known->chars[char_place(p)];
        bool begins = out == w->out, fine = is != 0 && (begins || seam_fine(known, out[-1], char_id(is, 0)));
        if (__builtin_expect(!fine, 0) && (is = walk_character(w, p, begins, begins ? NO_TOKEN : out[-1])) == 0) break;
        out = char_put(out, is);
    }
    w->at = (size_t)(p - w->word);
    w->made = (size_t)(out - w->out);
}

/* Room for `chars`, where they are worth it, before the first; not where ids are too great for it. */
static bool expect_characters(const struct forward *f, struct share *s, struct forward_work *work, const unsigned char *word, size_t n)
{
    struct characters *known = &work->known;
    if (known->chars != NULL || known->seams == NULL || f->trie.size > CHAR_NONE || !(word[0] >= 0xe0 || (n > 1 && word[1] >= 0xe0))) return true;
    if (work->pairs == NULL && !share_resize(s, (void **)&work->pairs, 0, KNOWN_PAIRS, sizeof *work->pairs, "pairs of characters")) return false;
    return share_resize(s, (void **)&known->chars, 0, CHARS, sizeof *known->chars, "characters");
}

enum { CLOSED_HERE = 4 };

size_t forward_word(const struct forward *f, struct share *s, struct forward_work *work, const unsigned char *word, size_t n, uint32_t *out)
{
    uint64_t here[CLOSED_HERE] = { 0 };
    struct walk w = { .f = f, .work = work, .word = word, .n = n, .out = out, .closed = here };
    if (!expect_characters(f, s, work, word, n)) return 0;
    if (n / 64 >= CLOSED_HERE) {
        if (!SHARE_ROOM(s, work->closed, work->room_closed, n / 64 + 1)) return 0;
        memset(work->closed, 0, (n / 64 + 1) * sizeof *work->closed);
        w.closed = work->closed;
    }
    while (w.at < n) {
        if (work->known.chars != NULL && w.at >= w.last_closed && word[w.at] >= 0xe0) go_by_characters(&w);
        if (w.at < n && !walk_step(&w)) return 0;
    }
    return w.made;
}

/* ---- rows of clauses ---- */

/* Words of three bytes for each character, if they are such, one after the other, as many as there are and fit: their number. */
static size_t take_row(struct row *r, const unsigned char *text, size_t at, const size_t *ends, size_t n)
{
    size_t i = 0;
    r->text = text + at;
    r->n = 0;
    memset(r->begins, 0, sizeof r->begins);
    for (; i < n && text[at] >= FORWARD_CLAUSE; at = ends[i++]) {
        size_t bytes = ends[i] - at;
        if (bytes % 3 != 0 || bytes / 3 > ROW - r->n) break;
        r->begins[r->n >> 6] |= UINT64_C(1) << (r->n & 63);
        r->n += bytes / 3;
    }
    return i;
}

/* The word that character k is in: where it begins, where it ends, and how many are before it. */
static size_t word_begin(const struct row *r, size_t k)
{
    size_t i = k >> 6;
    uint64_t bits = r->begins[i] & ~UINT64_C(0) >> (63 - (k & 63));
    while (bits == 0) bits = r->begins[--i];
    return 64 * i + 63 - (size_t)__builtin_clzll(bits);
}

static size_t word_end(const struct row *r, size_t k) { return k + 1 < r->n ? next_bit(r->begins, k + 1, r->n) : r->n; }

static size_t words_before(const struct row *r, size_t begin)
{
    size_t n = 0;
    for (size_t k = 0; k < begin; k++) n += bit(r->begins, k);
    return n;
}

/* The word of character k, where that cannot go on; those of the word before it have gone to *out. Not anew where it is the same as the last time: what is closed stays so. */
static void enter_word(struct walk *w, const struct row *r, size_t k, uint64_t *closed, uint32_t *out)
{
    size_t begin = word_begin(r, k), made = 0;
    const unsigned char *word = r->text + 3 * begin;
    if (w->word != word) {
        for (size_t i = begin; i < k; i++) made += char_ids(w->work->known.chars[char_place(r->text + 3 * i)]);
        *w = (struct walk){ .f = w->f, .work = w->work, .word = word, .n = 3 * (word_end(r, k) - begin), .out = out - made, .closed = closed };
        memset(closed, 0, (w->n / 64 + 1) * sizeof *closed);
    }
    w->made = (size_t)(out - w->out);
    w->at = 3 * (k - begin);
}

/* To the next place where characters may go on. false: there is no way. */
static bool walk_on(struct walk *w)
{
    do
        if (!walk_step(w)) return false;
    while (w->at < w->n && (w->at % 3 != 0 || w->at < w->last_closed));
    return true;
}

/* How many of the row's words went to *out: all, or those before one that has no way. */
static size_t go_row(const struct forward *f, struct forward_work *work, struct row *r, size_t words, uint32_t **out)
{
    uint64_t closed[3 * ROW / 64 + 1], known;
    struct walk w = { .f = f, .work = work };
    uint32_t *to = *out;
    f->characters->look(&work->known, r);
    for (size_t k = 0, stop, plain = 0; k < r->n;) {                  /* from character `plain` on each went by itself */
        stop = next_bit(r->stops, k, r->n);
        to = f->characters->put(r, k, stop, to);
        for (k = stop; k < r->n; plain = k = ((size_t)(w.word - r->text) + w.at) / 3) {
            bool begins = bit(r->begins, k);
            if ((known = walk_character(&w, r->text + 3 * k, begins, begins ? NO_TOKEN : to[-1])) != 0) {
                to = char_put(to, known);
                k++;
                break;
            }
            enter_word(&w, r, k, closed, to);
            bool goes = (k > plain && !begins && walk_pair(&w)) || walk_on(&w);
            *out = to = goes ? w.out + w.made : w.out;
            if (!goes) return words_before(r, word_begin(r, k));
        }
    }
    *out = to;
    return words;
}

/* One clause; 0: there is no way. */
static inline size_t go_clause(const struct forward *f, struct share *s, struct forward_work *work, const unsigned char *word, size_t n, uint32_t *out)
{
    struct walk w = { .f = f, .work = work, .word = word, .n = n, .out = out };
    if (work->known.chars != NULL) go_by_characters(&w);
    return w.at == n ? w.made : forward_word(f, s, work, word, n, out);
}

size_t forward_clauses(const struct forward *f, struct share *s, struct forward_work *work, const unsigned char *text, size_t at, const size_t *ends, size_t n, uint32_t **out)
{
    size_t i = 0, made;
    bool rows = f->characters->look != NULL;
    while (i < n && forward_is_clause(text + at, ends[i] - at)) {
        struct row row;
        size_t words = !rows || work->known.chars == NULL ? 0 : take_row(&row, text, at, ends + i, n - i), done = 1;
        if (words > 0) done = go_row(f, work, &row, words, out);
        else if ((made = go_clause(f, s, work, text + at, ends[i] - at, *out)) > 0) *out += made;
        else break;
        i += done;
        if (done > 0) at = ends[i - 1];
        if (done < words) break;
    }
    return i;
}
