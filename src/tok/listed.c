/* listed.c: a tokenizer.json, whose vocabulary and merges, nearly all of it, become lists as they are read: a tree of them, with an index of keys, would take
 * longer than all else. Keys and merges lie in the document's text. */
#include "tok/load.h"

enum { TOKEN_BYTES = 40, MERGE_BYTES = 40 };                          /* of the file, for each of both: seldom are there more */

static rk_status take_token(void *user, const struct json *member)
{
    struct listed *l = user;
    rk_ctx *ctx = l->ctx;
    int64_t id;
    TRY(json_as_int(ctx, member, 0, VOCAB_MOST - 1, &id));
    VEC_PUSH(&l->tokens, ((struct listed_token){ member->key, (uint32_t)id }));
    return RK_OK;
}

static rk_status take_merge(void *user, const struct json *m)
{
    struct listed *l = user;
    rk_ctx *ctx = l->ctx;
    char where[JSON_SHOWN];
    bool is_pair = m->kind == JSON_ARRAY && m->n == 2 && m->at[0].kind == JSON_STRING && m->at[1].kind == JSON_STRING;
    if (is_pair) VEC_PUSH(&l->merges, ((struct listed_merge){ { m->at[0].text, m->at[0].n }, { m->at[1].text, m->at[1].n } }));
    else if (m->kind == JSON_STRING) VEC_PUSH(&l->merges, ((struct listed_merge){ { m->text, m->n }, { NULL, 0 } }));
    else return FAIL(RK_E_FORMAT, "%s: merge %d is neither a text nor a pair of texts", json_path(m->up, where), l->merges.n);
    return RK_OK;
}

static rk_status read(rk_ctx *ctx, const char *name, struct listed *l)
{
    const struct json_told told[] = { { "model", "vocab", JSON_OBJECT, take_token, l }, { "model", "merges", JSON_ARRAY, take_merge, l } };
    size_t tokens = l->n / TOKEN_BYTES, merges = l->n / MERGE_BYTES;
    TRY(VEC_ROOM(&l->tokens, (int)(tokens < VOCAB_MOST ? tokens : VOCAB_MOST)));
    TRY(VEC_ROOM(&l->merges, (int)(merges < VOCAB_MOST ? merges : VOCAB_MOST)));
    return json_read_telling(ctx, &l->doc, name, l->text, l->n, 0, told, 2);
}

rk_status listed_read(rk_ctx *ctx, const char *name, const char *text, size_t n, struct listed *l)
{
    *l = (struct listed){ .ctx = ctx, .text = text, .n = n };
    rk_status status = read(ctx, name, l);
    if (status != RK_OK) listed_clear(ctx, l);
    return status;
}

void listed_clear(rk_ctx *ctx, struct listed *l)
{
    json_clear(ctx, &l->doc);
    VEC_FREE(&l->tokens);
    VEC_FREE(&l->merges);
}

/* Of two tokens with one key, the second. */
static rk_status refuse_twins(const struct listed *l)
{
    rk_ctx *ctx = l->ctx;
    struct arena arena = { NULL, 0 };
    struct names names = { .items = l->tokens.at, .stride = sizeof *l->tokens.at, .n = (uint32_t)l->tokens.n };
    uint32_t first, second = 0;
    rk_status status = names_index(ctx, &arena, &names);
    if (status == RK_OK && names_twins(&names, &first, &second)) status = json_second(ctx, &l->doc, l->text, l->n, &l->tokens.at[second].key);
    arena_clear(ctx, &arena);
    return status;
}

rk_status listed_seal(const struct listed *l, struct vocab *vocab)
{
    rk_ctx *ctx = l->ctx;
    bool twins;
    TRY(vocab_index(ctx, vocab, &twins));
    if (twins || vocab->n_entries < (uint32_t)l->tokens.n) TRY(refuse_twins(l));      /* or none of the model: added tokens, which are not in that index */
    return twins ? vocab_seal(ctx, vocab) : RK_OK;
}
