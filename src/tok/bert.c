/* bert.c: the text as characters with their places, each step of BERT's normalizer over all of them, then words, then their pieces. */
#include "tok/bert.h"
#include "base/utf8.h"
#include <string.h>

/* ---- the normalizer ---- */

static bool is_chinese(uint32_t c)
{
    return (c >= 0x4e00 && c <= 0x9fff) || (c >= 0x3400 && c <= 0x4dbf) || (c >= 0x20000 && c <= 0x2a6df) || (c >= 0x2a700 && c <= 0x2b73f)
        || (c >= 0x2b740 && c <= 0x2b81f) || (c >= 0x2b920 && c <= 0x2ceaf) || (c >= 0xf900 && c <= 0xfaff) || (c >= 0x2f800 && c <= 0x2fa1f);
}

/* White space that is a control character too: cleaning removes it. */
static bool is_space(uint32_t c) { return normal_kind(c).flags & NORMAL_SPACE || c == 0x0b || c == 0x0c || c == 0x85; }
static bool is_punctuation(uint32_t c) { return normal_kind(c).flags & NORMAL_PUNCT; }

/* Decoded, cleaned, with spaces around Chinese characters. What is no UTF-8 is U+FFFD, which cleaning removes. */
static bool read_text(const struct bert *b, struct share *s, struct normal_chars *to, const unsigned char *text, size_t n)
{
    for (size_t i = 0, step; i < n; i += step) {
        uint32_t code;
        step = utf8_next((const char *)text + i, n - i, &code);
        if (code == UTF8_INVALID) code = 0xfffd;
        if (b->clean && normal_kind(code).flags & NORMAL_DROP) continue;
        if (b->clean && is_space(code)) code = ' ';
        struct normal_char c = { code, 0, i, i + step }, blank = { ' ', 0, i, i + step };
        bool apart = b->chinese && is_chinese(code);
        if (apart && !normal_add(s, to, blank)) return false;
        if (!normal_add(s, to, c)) return false;
        if (apart && !normal_add(s, to, blank)) return false;
    }
    return true;
}

static void drop_marks(struct normal_chars *c)
{
    size_t made = 0;
    for (size_t i = 0; i < c->n; i++)
        if (!(normal_kind(c->at[i].code).flags & NORMAL_MARK)) c->at[made++] = c->at[i];
    c->n = made;
}

static bool lower(struct share *s, const struct normal_chars *from, struct normal_chars *to)
{
    for (size_t i = 0; i < from->n; i++) {
        struct normal_char c = from->at[i];
        uint32_t self[3];
        unsigned many = 1;
        const uint32_t *codes = &c.code;
        if (c.code - 'A' < 26) c.code += 32;
        else if (c.code >= 0x80 && normal_kind(c.code).flags & NORMAL_LOWERS) codes = normal_lower(c.code, self, &many);
        for (unsigned k = 0; k < many; k++)
            if (!normal_add(s, to, (struct normal_char){ codes[k], 0, c.begin, c.end })) return false;
    }
    return true;
}

static bool is_ascii(const struct normal_chars *c)
{
    size_t i = 0;
    while (i < c->n && c->at[i].code < 0x80) i++;
    return i == c->n;
}

static void swap(struct bert_work *w)
{
    struct normal_chars other = w->a;
    w->a = w->b;
    w->b = other;
    w->b.n = 0;
}

/* The result is in work->a. */
static bool normalize(const struct bert *b, struct share *s, struct bert_work *w, const unsigned char *text, size_t n)
{
    bool strip = b->strip == STRIP_YES || (b->strip == STRIP_AS_LOWER && b->lower);
    w->a.n = w->b.n = 0;
    if (!read_text(b, s, &w->a, text, n)) return false;
    if (strip && !is_ascii(&w->a)) {
        if (!normal_nfd(s, &w->a, &w->b)) return false;
        swap(w);
        drop_marks(&w->a);
    }
    if (!b->lower) return true;
    if (!lower(s, &w->a, &w->b)) return false;
    swap(w);
    return true;
}

/* ---- WordPiece ---- */

struct word { const struct normal_char *at; size_t n; };

static bool put(struct share *s, struct bert_work *w, rk_ids *ids, size_t first, uint32_t id, const struct normal_char *begin, const struct normal_char *last)
{
    if (!SHARE_ROOM(s, ids->at, ids->room, ids->n + 1) || !SHARE_ROOM(s, w->spans, w->room_spans, ids->n + 1 - first)) return false;
    w->spans[ids->n - first] = (rk_span){ begin->begin, last->end };
    ids->at[ids->n++] = id;
    return true;
}

/* The longest piece of the vocabulary that text[0..n) begins with, at a border of a character: its characters. 0: none. `text` begins with the prefix. */
static size_t longest_piece(const struct vocab *vocab, const char *text, const uint16_t *ends, size_t characters, uint32_t *id)
{
    while (characters > 0 && !vocab_find(vocab, text, ends[characters - 1], id)) characters--;
    return characters;
}

/* The word's bytes stand behind the room for a prefix, which is written over what was matched before. */
static bool encode_word(const struct bert *b, const struct vocab *vocab, struct share *s, struct bert_work *w, struct word word, rk_ids *ids, size_t first)
{
    char text[BERT_PREFIX + 4 * BERT_CHARACTERS];
    uint16_t begins[BERT_CHARACTERS + 1], ends[BERT_CHARACTERS];
    size_t before = ids->n, n = BERT_PREFIX;
    uint32_t id;
    if (word.n > b->most_characters) return put(s, w, ids, first, b->unknown, word.at, word.at + word.n - 1);
    for (size_t i = 0; i < word.n; i++) {
        begins[i] = (uint16_t)n;
        n += utf8_put(text + n, word.at[i].code);
    }
    begins[word.n] = (uint16_t)n;
    for (size_t at = 0, took; at < word.n; at += took) {
        size_t from = begins[at] - (at == 0 ? 0 : b->n_prefix);
        if (at > 0) memcpy(text + from, b->prefix, b->n_prefix);
        for (size_t i = at; i < word.n; i++) ends[i - at] = (uint16_t)(begins[i + 1] - from);
        took = longest_piece(vocab, text + from, ends, word.n - at, &id);
        if (took == 0) {
            ids->n = before;
            return put(s, w, ids, first, b->unknown, word.at, word.at + word.n - 1);
        }
        if (!put(s, w, ids, first, id, word.at + at, word.at + at + took - 1)) return false;
    }
    return true;
}

bool bert_encode(const struct bert *b, const struct vocab *vocab, struct share *s, struct bert_work *w, const unsigned char *text, size_t n, rk_ids *ids)
{
    size_t first = ids->n;
    if (!normalize(b, s, w, text, n)) return false;
    const struct normal_char *c = w->a.at;
    for (size_t i = 0, end; i < w->a.n; i = end) {
        end = i + 1;
        if (is_space(c[i].code)) continue;
        if (!is_punctuation(c[i].code))
            while (end < w->a.n && !is_space(c[end].code) && !is_punctuation(c[end].code)) end++;
        if (!encode_word(b, vocab, s, w, (struct word){ c + i, end - i }, ids, first)) return false;
    }
    return true;
}

/* ---- words alone, for training ---- */

static inline bool is_plain(unsigned char c) { return (unsigned)(c | 0x20) - 'a' < 26 || (unsigned)c - '0' < 10; }

/* Most units are spaces and then letters and digits of ASCII: one word, and its case is all there is to normalize. *begin: where it does. */
static bool is_plain_unit(const unsigned char *text, size_t n, size_t *begin)
{
    size_t i = 0;
    while (i < n && text[i] == ' ') i++;
    *begin = i;
    while (i < n && is_plain(text[i])) i++;
    return i == n && *begin < n;
}

bool bert_words_begin(const struct bert *b, struct share *s, struct bert_words *w, const unsigned char *text, size_t n)
{
    size_t begin;
    w->next = 0;
    w->is_plain = is_plain_unit(text, n, &begin);
    if (!w->is_plain) return normalize(b, s, &w->work, text, n);
    w->n = n - begin;
    if (!SHARE_ROOM(s, w->text, w->room, w->n)) return false;
    for (size_t i = 0; i < w->n; i++) w->text[i] = (char)(text[begin + i] | (b->lower && text[begin + i] >= 'A' ? 0x20 : 0));
    return true;
}

bool bert_words_next(struct share *s, struct bert_words *w)
{
    const struct normal_chars *c = &w->work.a;
    size_t i = w->next;
    if (w->is_plain) return w->next++ == 0;
    while (i < c->n && is_space(c->at[i].code)) i++;
    size_t end = i + 1;
    if (i >= c->n) return false;
    if (!is_punctuation(c->at[i].code))
        while (end < c->n && !is_space(c->at[end].code) && !is_punctuation(c->at[end].code)) end++;
    if (!SHARE_ROOM(s, w->text, w->room, 4 * (end - i))) return false;
    for (w->n = 0; i < end; i++) w->n += utf8_put(w->text + w->n, c->at[i].code);
    w->next = end;
    return true;
}

void bert_words_clear(struct share *s, struct bert_words *w)
{
    share_free(s, w->work.a.at, w->work.a.room, sizeof *w->work.a.at);
    share_free(s, w->work.b.at, w->work.b.room, sizeof *w->work.b.at);
    share_free(s, w->text, w->room, 1);
    *w = (struct bert_words){ 0 };
}

/* ---- units ---- */

static inline bool is_blank(unsigned char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/* Length of a character that is a unit of its own; 0: it is not. Nothing that normalizing does goes across it. */
static inline size_t alone(const unsigned char *p, size_t n, bool chinese, size_t *length)
{
    uint32_t code;
    *length = 1;
    if (*p < 0x80) return is_punctuation(*p) ? 1 : 0;
    *length = utf8_next((const char *)p, n, &code);
    if (code == UTF8_INVALID) return 0;
    if (chinese && is_chinese(code)) return *length;
    unsigned flags = normal_kind(code).flags;
    return flags & NORMAL_PUNCT && !(flags & (NORMAL_DECOMPOSES | NORMAL_LOWERS | NORMAL_DROP)) ? *length : 0;
}

static inline size_t units(const unsigned char *text, size_t n, size_t at, size_t *ends, size_t most, bool chinese)
{
    size_t made = 0, length;
    while (made < most && at < n) {
        while (at < n && is_blank(text[at])) at++;
        size_t begin = at, single = at < n ? alone(text + at, n - at, chinese, &length) : 0;
        if (single > 0) at += single;
        while (single == 0 && at < n && !is_blank(text[at]) && (at == begin || alone(text + at, n - at, chinese, &length) == 0)) at += length;
        ends[made++] = at;
    }
    return made;
}

size_t bert_units(const unsigned char *text, size_t n, size_t at, size_t *ends, size_t most) { return units(text, n, at, ends, most, false); }
size_t bert_units_chinese(const unsigned char *text, size_t n, size_t at, size_t *ends, size_t most) { return units(text, n, at, ends, most, true); }

void bert_clear(rk_ctx *ctx, struct bert_work *w)
{
    FREE(w->a.at, w->a.room);
    FREE(w->b.at, w->b.room);
    FREE(w->spans, w->room_spans);
    *w = (struct bert_work){ 0 };
}
