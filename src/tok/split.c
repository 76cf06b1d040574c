/* split.c: patterns by name, one pass over a text, and where a text may be cut for parallel work and for streams.
 *
 * Why those cuts are safe. GPT-2's pattern: no alternative goes from a non-space into a space, so a word ends there in any case; and what
 * looks ahead (\s+(?!\S)) stands on white space, which here begins at the cut. A cut after white space would not be safe: at its end of
 * text the left part would see no \S and keep its last space. The later patterns let punctuation go on into line feeds, so there a
 * letter or digit must come before, and a space that a letter takes must follow. BERT cuts at blanks; other white space it removes. Of other patterns nothing is known: they get the text whole. */
#include "tok/bert.h"
#include "tok/regex.h"
#include "tok/scan.h"
#include "tok/scan_bodies.h"
#include <ctype.h>
#include <string.h>

static const struct split rows[] = {
#define ROW(name, scanner, cut, pattern) { name, scanner, cut, pattern, NULL, NULL },
#include "tok/split.def"
#undef ROW
};

enum { N_ROWS = sizeof rows / sizeof *rows };

const struct split *split_find(const char *name)
{
    for (int i = 0; i < N_ROWS; i++)
        if (strcmp(rows[i].name, name) == 0) return &rows[i];
    return NULL;
}

split_scan *split_body(split_scan *scan, enum isa isa)
{
#define X(set) [ISA_##set] = { split_gpt2_##set, split_cl100k_##set, split_o200k_##set, bert_units_##set, bert_units_chinese_##set },
    static split_scan *const plain[] = { split_gpt2, split_cl100k, split_o200k, bert_units, bert_units_chinese };
    static split_scan *const bodies[ISA_COUNT][sizeof plain / sizeof *plain] = { FOR_EVERY_ISA(X) };
#undef X
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (scan == plain[i]) return bodies[isa][i];
    return scan;
}

/* A word of letters and digits is a misspelled name and no regular expression that anybody means. */
static bool is_plain_word(const char *text, size_t n)
{
    size_t i = 0;
    while (i < n && isalnum((unsigned char)text[i])) i++;
    return i == n;
}

static bool is(const char *text, const char *pattern, size_t n) { return strlen(text) == n && memcmp(text, pattern, n) == 0; }

rk_status split_open(rk_ctx *ctx, const char *pattern, size_t n, struct split *split)
{
    *split = (struct split){ 0 };
    for (int i = 0; i < N_ROWS; i++) {
        if (!is(rows[i].name, pattern, n)) continue;
        *split = rows[i];
        split->fast = split_body(split->scan, isa_best());
        return RK_OK;
    }
    if (is_plain_word(pattern, n)) {
        (void)FAIL(RK_E_UNKNOWN, "no pattern is called \"%.*s\"", (int)(n < 64 ? n : 64), pattern);
        return ctx_hint(ctx, "known: gpt2, cl100k, o200k; or a regular expression");
    }
    return split_open_regex(ctx, pattern, n, split);
}

rk_status split_open_regex(rk_ctx *ctx, const char *pattern, size_t n, struct split *split)
{
    *split = (struct split){ 0 };
    for (int i = 0; i < N_ROWS; i++) {
        if (!is(rows[i].pattern, pattern, n)) continue;
        *split = rows[i];
        split->fast = split_body(split->scan, isa_best());
        return RK_OK;
    }
    TRY(regex_open(ctx, pattern, n, &split->regex));
    split->name = split->pattern = regex_pattern(split->regex);
    return RK_OK;
}

void split_close(rk_ctx *ctx, struct split *split)
{
    regex_close(ctx, split->regex);
    *split = (struct split){ 0 };
}

/* ---- one pass ---- */

bool split_begin(struct split_run *r, const struct split *split, struct share *share, const unsigned char *text, size_t n)
{
    *r = (struct split_run){ split, share, text, n, 0, NULL };
    return split->regex == NULL || regex_begin(split->regex, share, text, n, &r->regex);
}

size_t split_next(struct split_run *r, size_t *ends, size_t most)
{
    split_scan *scan = r->split->fast != NULL ? r->split->fast : r->split->scan;
    size_t made = r->regex != NULL ? regex_next(r->regex, ends, most) : scan(r->text, r->n, r->at, ends, most);
    if (made > 0) r->at = ends[made - 1];
    return made;
}

void split_end(struct split_run *r)
{
    regex_end(r->regex);
    r->regex = NULL;
}

/* ---- cuts ---- */

static bool is_space(unsigned char c) { return c == ' ' || (c >= 9 && c <= 13); }
static bool is_blank(unsigned char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
static bool is_letter(unsigned char c) { return (unsigned)(c | 0x20) - 'a' < 26; }
static bool is_digit(unsigned char c) { return (unsigned)c - '0' < 10; }

/* Something that is no white space ends before i > 0: by ASCII, or by the three bytes before, which are white space when they end in it. */
static bool ends_text(const unsigned char *text, size_t i)
{
    size_t length;
    if (text[i - 1] < 0x80) return !is_space(text[i - 1]);
    for (size_t k = 2; k <= 3 && k <= i; k++)
        if (look(text + i - k, k, &length) == CLASS_SPACE && length == k) return false;
    return true;
}

static bool may_cut(enum split_cut cut, const unsigned char *text, size_t n, size_t i)       /* 0 < i < n */
{
    if (cut == CUT_BEFORE_SPACE) return is_space(text[i]) && ends_text(text, i);
    if (cut == CUT_BEFORE_BLANK) return is_blank(text[i]) && text[i - 1] < 0x80 && !is_space(text[i - 1]);
    return text[i] == ' ' && i + 1 < n && is_letter(text[i + 1]) && (is_letter(text[i - 1]) || is_digit(text[i - 1]));
}

size_t split_safe(const struct split *split, const unsigned char *text, size_t n, size_t from)
{
    for (size_t i = from > 0 ? from : 1; i < n && split->cut != CUT_NOWHERE; i++)
        if (may_cut(split->cut, text, n, i)) return i;
    return n;
}

size_t split_safe_last(const struct split *split, const unsigned char *text, size_t n, size_t from)
{
    for (size_t i = n; i > 1 && i > from && split->cut != CUT_NOWHERE;)
        if (may_cut(split->cut, text, n, --i)) return i;
    return 0;
}

/* ---- the public question ---- */

static rk_status split_all(rk_ctx *ctx, struct split_run *r, rk_ids *lengths)
{
    enum { BATCH = 256 };
    size_t at = 0, ends[BATCH], made;
    while ((made = split_next(r, ends, BATCH)) > 0) {
        if (!SHARE_ROOM(r->share, lengths->at, lengths->room, lengths->n + made)) break;
        for (size_t i = 0; i < made; i++) {
            if (ends[i] - at > UINT32_MAX) return FAIL(RK_E_LIMIT, "a word of %zu bytes", ends[i] - at);
            lengths->at[lengths->n++] = (uint32_t)(ends[i] - at);
            at = ends[i];
        }
    }
    return RK_OK;
}

rk_status rk_tok_split(rk_ctx *ctx, const char *pattern, const char *text, size_t n, rk_ids *lengths)
{
    struct split split;
    struct share share;
    struct split_run run = { 0 };
    size_t before = lengths->n;
    TRY(split_open(ctx, pattern, strlen(pattern), &split));
    rk_status status = share_begin(ctx, &share);
    if (status == RK_OK) {
        if (split_begin(&run, &split, &share, (const unsigned char *)text, n)) status = split_all(ctx, &run, lengths);
        split_end(&run);
        rk_status shared = share_end(&share);
        if (status == RK_OK) status = shared;
    }
    split_close(ctx, &split);
    if (status == RK_OK) return RK_OK;
    lengths->n = before;
    return ctx_pass(ctx, status, __FILE__, __LINE__, __func__);
}
