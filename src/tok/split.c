/* split.c: patterns by name, and where a text may be cut for parallel work and for streams.
 *
 * Why that cut is safe: no alternative of the pattern goes from a non-space into a space, so a word ends there in any case; and what
 * looks ahead (\s+(?!\S)) stands on white space, which here begins at the cut. A cut after white space would not be safe: at its
 * end of text the left part would see no \S and keep its last space. */
#include "tok/split.h"
#include "base/mem.h"
#include "reckon/tok.h"
#include <string.h>

static const struct split rows[] = {
#define ROW(name, scanner, pattern) { name, scanner, pattern },
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

const struct split *split_of_pattern(const char *pattern, size_t n)
{
    for (int i = 0; i < N_ROWS; i++)
        if (strlen(rows[i].pattern) == n && memcmp(rows[i].pattern, pattern, n) == 0) return &rows[i];
    return NULL;
}

static bool is_space(unsigned char c) { return c == ' ' || (c >= 9 && c <= 13); }
static bool may_cut(const unsigned char *text, size_t i) { return is_space(text[i]) && text[i - 1] < 0x80 && !is_space(text[i - 1]); }

size_t split_safe(const unsigned char *text, size_t n, size_t from)
{
    for (size_t i = from > 0 ? from : 1; i < n; i++)
        if (may_cut(text, i)) return i;
    return n;
}

size_t split_safe_last(const unsigned char *text, size_t n, size_t from)
{
    for (size_t i = n; i > 1 && i > from;)
        if (may_cut(text, --i)) return i;
    return 0;
}

rk_status rk_tok_split(rk_ctx *ctx, const char *pattern, const char *text, size_t n, rk_ids *lengths)
{
    enum { BATCH = 256 };
    const struct split *split = split_find(pattern);
    size_t at = 0, ends[BATCH], made, before = lengths->n;
    if (split == NULL) return FAIL(RK_E_UNKNOWN, "no pattern is called \"%s\"", pattern);
    while ((made = split->scan((const unsigned char *)text, n, at, ends, BATCH)) > 0) {
        if (lengths->n + made > lengths->room) {
            size_t room = lengths->room * 2 + BATCH;
            rk_status status = GROW(lengths->at, lengths->room, room);
            if (status != RK_OK) {
                lengths->n = before;
                return ctx_pass(ctx, status, __FILE__, __LINE__, __func__);
            }
            lengths->room = room;
        }
        for (size_t i = 0; i < made; i++) {
            if (ends[i] - at > UINT32_MAX) return FAIL(RK_E_LIMIT, "a word of %zu bytes", ends[i] - at);
            lengths->at[lengths->n++] = (uint32_t)(ends[i] - at);
            at = ends[i];
        }
    }
    return RK_OK;
}
