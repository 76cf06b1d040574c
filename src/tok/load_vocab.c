/* load_vocab.c: vocab.json with merges.txt, and what other formats share with them: tokens spelled in GPT-2's characters, merges by the spelling of two. */
#include "tok/load.h"
#include "tok/bytelevel.h"
#include <string.h>

enum { MERGE_BYTES = 8 };                                             /* of a merges.txt, for each of its merges: seldom are there more */

/* A token may be spelled raw when it is an added one; else every character must spell a byte. */
rk_status load_token(rk_ctx *ctx, const struct json *v, int64_t id, bool added, struct str *scratch, rk_tok *tok)
{
    char path[JSON_SHOWN];
    size_t n = 0;
    scratch->n = 0;
    TRY(VEC_ROOM(scratch, (int)v->key.length + 1));
    bool is_spelled = bytelevel_read(v->key.at, v->key.length, scratch->at, &n);
    bool is_raw = is_spelled && n == v->key.length && memcmp(scratch->at, v->key.at, n) == 0;
    if (!is_raw && added)
        return vocab_put(ctx, &tok->vocab, (uint32_t)id, v->key.at, v->key.length, false);
    if (!is_spelled) return FAIL(RK_E_FORMAT, "%s: this token has a character that spells no byte", json_path(v, path));
    return vocab_put_spelled(ctx, &tok->vocab, (uint32_t)id, v->key, scratch->at, n);
}

rk_status load_member(rk_ctx *ctx, const struct json *v, struct str *scratch, rk_tok *tok)
{
    int64_t id;
    TRY(json_as_int(ctx, v, 0, VOCAB_MOST - 1, &id));
    return load_token(ctx, v, id, false, scratch, tok);
}

static rk_status load_vocab(rk_ctx *ctx, const struct json *vocab, rk_tok *tok)
{
    rk_status status = RK_OK;
    struct str scratch = { 0 };
    GO(json_as_object(ctx, vocab));
    for (uint32_t i = 0; i < vocab->n; i++) GO(load_member(ctx, &vocab->at[i], &scratch, tok));
out:
    str_free(ctx, &scratch);
    return status;
}

/* What two names make together: mostly the id behind that of the last merge. */
static rk_status find_made(rk_ctx *ctx, const rk_tok *tok, rk_text left, rk_text right, struct str *scratch, uint32_t *id, bool *found)
{
    const struct bpe *b = &tok->bpe;
    *id = b->n_merges > 0 ? b->merges[b->n_merges - 1].id + 1 : 0;
    *found = vocab_expects(&tok->vocab, *id, left, right);
    if (*found) return RK_OK;
    scratch->n = 0;
    TRY(str_add(ctx, scratch, left.at, left.n));
    TRY(str_add(ctx, scratch, right.at, right.n));
    *found = vocab_named(&tok->vocab, scratch->at, (size_t)scratch->n, id);
    return RK_OK;
}

rk_status load_merge(rk_ctx *ctx, const char *where, uint32_t rank, rk_text left, rk_text right, struct str *scratch, rk_tok *tok)
{
    char shown[NAME_SHOWN];
    const rk_text *sides[] = { &left, &right };
    struct merge m;
    bool made;
    if (left.n + right.n > TOKEN_MOST) return FAIL(RK_E_LIMIT, "%s: merge %u makes a token of %zu characters", where, rank, left.n + right.n);
    for (int i = 0; i < 2; i++)
        if (!vocab_named(&tok->vocab, sides[i]->at, sides[i]->n, i == 0 ? &m.left : &m.right))
            return FAIL(RK_E_FORMAT, "%s: merge %u names %s, which is no token of the vocabulary", where, rank, name_show(shown, sides[i]->at, sides[i]->n));
    if (left.n == 0 || right.n == 0) return FAIL(RK_E_FORMAT, "%s: merge %u has an empty side", where, rank);
    TRY(find_made(ctx, tok, left, right, scratch, &m.id, &made));
    if (!made) return FAIL(RK_E_FORMAT, "%s: merge %u makes %s with what follows it, which is no token of the vocabulary", where, rank, name_show(shown, left.at, left.n));
    return bpe_add_merge(ctx, &tok->bpe, m);
}

rk_status load_merge_line(rk_ctx *ctx, const char *where, uint32_t rank, rk_text line, struct str *scratch, rk_tok *tok)
{
    char shown[NAME_SHOWN];
    size_t at = 0, end;
    while (at < line.n && line.at[at] != ' ') at++;
    for (end = at + 1; end < line.n && line.at[end] != ' ';) end++;
    if (at == line.n || end < line.n) return FAIL(RK_E_FORMAT, "%s: merge %u is %s, expected two tokens with one space between them", where, rank, name_show(shown, line.at, line.n));
    rk_text left = { line.at, at }, right = { line.at + at + 1, line.n - at - 1 };
    return load_merge(ctx, where, rank, left, right, scratch, tok);
}

/* ---- vocab.json and merges.txt ---- */

static rk_status load_merge_lines(rk_ctx *ctx, const char *name, rk_text text, struct str *scratch, rk_tok *tok)
{
    uint32_t rank = 0;
    for (size_t at = 0, end; at < text.n; at = end + 1) {
        const char *feed = memchr(text.at + at, '\n', text.n - at);
        end = feed == NULL ? text.n : (size_t)(feed - text.at);
        rk_text line = { text.at + at, end - at };
        if (line.n > 0 && line.at[line.n - 1] == '\r') line.n--;
        bool is_version = at == 0 && line.n >= 8 && memcmp(line.at, "#version", 8) == 0;
        if (line.n == 0 || is_version) continue;
        TRY(load_merge_line(ctx, name, rank++, line, scratch, tok));
    }
    return RK_OK;
}

/* What neither is a byte nor can be made by a merge was put there by hand. */
static rk_status add_unmade(rk_ctx *ctx, rk_tok *tok)
{
    rk_status status = RK_OK;
    uint32_t size = tok->vocab.size;
    char *made;
    TRY(NEW(made, size));
    for (uint32_t i = 0; i < tok->bpe.n_merges; i++) made[tok->bpe.merges[i].id] = 1;
    for (uint32_t id = 0; id < size; id++) {
        rk_text t = tok->vocab.tokens[id];
        if (t.at == NULL || t.n < 2 || made[id]) continue;
        GO(tok_add_special(ctx, tok, (rk_special){ .text = t, .id = id, .special = true }));
    }
out:
    FREE(made, size);
    return status;
}

rk_status load_merges(rk_ctx *ctx, const char *merges_name, rk_text merges, rk_tok *tok)
{
    struct str scratch = { 0 };
    TRY(vocab_seal(ctx, &tok->vocab));
    TRY(bpe_expect(ctx, &tok->bpe, (uint32_t)(merges.n / MERGE_BYTES < VOCAB_MOST ? merges.n / MERGE_BYTES : VOCAB_MOST)));
    rk_status status = load_merge_lines(ctx, merges_name, merges, &scratch, tok);
    str_free(ctx, &scratch);
    if (status != RK_OK) return ctx_pass(ctx, status, __FILE__, __LINE__, __func__);
    TRY(add_unmade(ctx, tok));
    return tok_seal(ctx, tok);
}

rk_status load_vocab_merges(rk_ctx *ctx, const struct json *root, const char *merges_name, rk_text merges, rk_tok *tok)
{
    TRY(load_vocab(ctx, root, tok));
    return load_merges(ctx, merges_name, merges, tok);
}
