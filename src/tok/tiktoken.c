/* tiktoken.c: lines of a token in base64 and its rank, read and written.
 *
 * Such a file lists no merges: any two neighbours whose bytes together are a token may become it, the lowest rank first, and a word that
 * is a token is that token. So every way to cut a token in two is a pair here, with the token's rank; and the one that the merges
 * below it lead to is the merge that other formats get. Which pattern and special tokens go with a file only its name can say. */
#include "tok/load.h"
#include "tok/save.h"
#include <string.h>

enum { MOST_BYTES = 1000 };              /* of a token: each has as many pairs */

static const struct known { const char *part, *pattern, *special; uint32_t id; } rows[] = {
#define ROW(part, pattern, special, id) { part, pattern, special, id },
#include "tok/tiktoken.def"
#undef ROW
};

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* ---- reading ---- */

/* Bytes of base64 text of n characters, n a multiple of 4; false where it is none. */
static bool read_base64(const char *text, size_t n, char *out, size_t *n_out)
{
    size_t made = 0;
    if (n == 0 || n % 4 != 0) return false;
    for (size_t i = 0; i < n; i += 4) {
        uint32_t bits = 0;
        size_t bytes = 3;
        for (size_t k = 0; k < 4; k++) {
            const char *digit = text[i + k] != '\0' ? strchr(digits, text[i + k]) : NULL;
            if (digit == NULL && !(i + 4 == n && text[i + k] == '=' && k >= 2)) return false;
            if (digit != NULL && bytes < 3) return false;             /* something after = */
            if (digit == NULL) bytes--;
            bits = bits << 6 | (digit != NULL ? (uint32_t)(digit - digits) : 0);
        }
        for (size_t k = 0; k < bytes; k++) out[made++] = (char)(bits >> (16 - 8 * k));
    }
    *n_out = made;
    return true;
}

static bool read_rank(const char *text, size_t n, uint32_t *rank)
{
    uint32_t value = 0;
    for (size_t i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9' || value >= VOCAB_MOST) return false;
        value = value * 10 + (uint32_t)(text[i] - '0');
    }
    *rank = value;
    return n > 0 && value < VOCAB_MOST;
}

static rk_status read_line(rk_ctx *ctx, const char *name, uint32_t number, rk_text line, rk_tok *tok)
{
    char bytes[MOST_BYTES + 3];
    size_t n = 0;
    uint32_t rank = 0;
    const char *space = memchr(line.at, ' ', line.n);
    size_t length = space != NULL ? (size_t)(space - line.at) : 0;
    if (length > (MOST_BYTES + 2) / 3 * 4) return FAIL(RK_E_LIMIT, "%s, line %u: a token of more than %d bytes", name, number, MOST_BYTES);
    if (space == NULL || !read_base64(line.at, length, bytes, &n) || !read_rank(space + 1, line.n - length - 1, &rank))
        return FAIL(RK_E_FORMAT, "%s, line %u: expected a token in base64, a space and a rank below %d", name, number, VOCAB_MOST);
    return vocab_put(ctx, &tok->vocab, rank, bytes, n, true);
}

static rk_status read_lines(rk_ctx *ctx, const char *name, rk_text text, rk_tok *tok)
{
    uint32_t number = 0;
    for (size_t at = 0, length; at < text.n; at += length + 1) {
        const char *line = text.at + at, *feed = memchr(line, '\n', text.n - at);
        length = feed == NULL ? text.n - at : (size_t)(feed - line);
        size_t n = length > 0 && line[length - 1] == '\r' ? length - 1 : length;
        number++;
        if (n > 0) TRY(read_line(ctx, name, number, (rk_text){ line, n }, tok));
    }
    return tok->vocab.n_entries > 0 ? RK_OK : FAIL(RK_E_FORMAT, "%s: no token in it", name);
}

static rk_status add_pairs(rk_ctx *ctx, rk_tok *tok)
{
    for (uint32_t id = 0; id < tok->vocab.size; id++) {
        rk_text t = tok->vocab.tokens[id];
        for (size_t k = 1; k < t.n; k++) {
            struct merge m = { .id = id };
            if (!vocab_find(&tok->vocab, t.at, k, &m.left) || !vocab_find(&tok->vocab, t.at + k, t.n - k, &m.right)) continue;
            TRY(bpe_add_merge(ctx, &tok->bpe, m));
        }
    }
    return RK_OK;
}

static bool is_of(const char *name, const struct known *k)
{
    const char *slash = strrchr(name, '/');
    return strstr(slash != NULL ? slash + 1 : name, k->part) != NULL;
}

/* Guessing would give other ids, and nobody would see it. */
static rk_status find_pattern(rk_ctx *ctx, const char *name, const char **pattern)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows && *pattern == NULL; i++)
        if (is_of(name, &rows[i])) *pattern = rows[i].pattern;
    if (*pattern != NULL) return RK_OK;
    (void)FAIL(RK_E_ARG, "%s: nothing says which pattern cuts text for these tokens: neither the file nor a known name (r50k, p50k, cl100k, o200k)", name);
    return ctx_hint(ctx, "give one: reckon tok encode --pattern gpt2, or once and for all reckon tok convert FILE.tiktoken FOLDER --pattern gpt2");
}

static rk_status add_specials(rk_ctx *ctx, const char *name, rk_tok *tok)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        rk_text text = { rows[i].special, strlen(rows[i].special) };
        if (is_of(name, &rows[i])) TRY(tok_add_special(ctx, tok, (rk_special){ .text = text, .id = rows[i].id, .special = true }));
    }
    return RK_OK;
}

rk_status load_tiktoken(rk_ctx *ctx, const char *name, rk_text text, const char *pattern, rk_tok *tok)
{
    TRY(find_pattern(ctx, name, &pattern));
    TRY(read_lines(ctx, name, text, tok));
    TRY(vocab_seal(ctx, &tok->vocab));
    TRY(add_pairs(ctx, tok));
    TRY(add_specials(ctx, name, tok));
    split_close(ctx, &tok->split);
    TRY(split_open(ctx, pattern, strlen(pattern), &tok->split));
    tok->bpe.by_id = true;
    tok->bpe.whole = &tok->vocab;
    return tok_seal(ctx, tok);
}

/* ---- writing ---- */

static rk_status put_rank(rk_ctx *ctx, struct str *text, rk_text t, uint32_t rank)
{
    for (size_t i = 0; i < t.n; i += 3) {
        unsigned char b[3] = { (unsigned char)t.at[i], i + 1 < t.n ? (unsigned char)t.at[i + 1] : 0, i + 2 < t.n ? (unsigned char)t.at[i + 2] : 0 };
        char four[4] = { digits[b[0] >> 2], digits[(b[0] & 3) << 4 | b[1] >> 4], digits[(b[1] & 15) << 2 | b[2] >> 6], digits[b[2] & 63] };
        if (i + 1 >= t.n) four[2] = '=';
        if (i + 2 >= t.n) four[3] = '=';
        TRY(str_add(ctx, text, four, 4));
    }
    return str_format(ctx, text, " %u\n", rank);
}

/* Special tokens are no part of it, though a vocab.json lists them among the others: tiktoken is told of them beside the file. One that merges
 * make, or a byte, is a rank all the same. */
static void mark_specials(const rk_tok *tok, bool *left_out)
{
    for (size_t i = 0; i < tok->n_specials; i++) left_out[tok->specials[i].id] = tok->specials[i].text.n > 1;
    for (uint32_t i = 0; i < tok->bpe.n_merges; i++) left_out[tok->bpe.merges[i].id] = false;
}

rk_status save_tiktoken(rk_ctx *ctx, const rk_tok *tok, struct str *text)
{
    bool *left_out;
    rk_status status = RK_OK;
    if (tok->bert.used) return FAIL(RK_E_DECLINED, "WordPiece cannot be written as .tiktoken");
    TRY(NEW(left_out, tok->vocab.size));
    mark_specials(tok, left_out);
    for (uint32_t id = 0, same; id < tok->vocab.size && status == RK_OK; id++) {
        rk_text t = tok->vocab.tokens[id];
        if (t.at != NULL && !left_out[id] && vocab_find(&tok->vocab, t.at, t.n, &same) && same == id) status = put_rank(ctx, text, t, id);
    }
    FREE(left_out, tok->vocab.size);
    return status;
}
