/* vocab.c: tokens by id in an array, by bytes through io/names (no input makes that slow). */
#include "tok/vocab.h"
#include "tok/bytelevel.h"

enum { SPELLED = 4096 };                        /* bytes of a spelling that is looked up: longer tokens are not met with */

const char *vocab_source(const struct vocab *v) { return v->source != NULL ? v->source : "this tokenizer"; }

static rk_status make_room(rk_ctx *ctx, struct vocab *v, uint32_t id)
{
    if (id >= VOCAB_MOST) return FAIL(RK_E_LIMIT, "%s: a token has id %u; ids end at %d", vocab_source(v), id, VOCAB_MOST - 1);
    if (id >= v->room) {
        uint32_t room = v->room * 2 > id ? v->room * 2 : id + 64;
        TRY(GROW(v->tokens, v->room, room));
        v->room = room;
    }
    if (id >= v->size) v->size = id + 1;
    return RK_OK;
}

rk_status vocab_expect(rk_ctx *ctx, struct vocab *v, uint32_t tokens, size_t bytes)
{
    if (tokens == 0 || tokens > VOCAB_MOST || v->room > 0 || v->room_entries > 0) return RK_OK;
    TRY(make_room(ctx, v, tokens - 1));
    v->size = 0;
    TRY(mem_widen(ctx, (void **)&v->entries, 0, tokens, sizeof *v->entries, "entries of a vocabulary"));
    v->room_entries = tokens;
    v->n_ahead = bytes + tokens;                                      /* each ends in a zero */
    return arena_raw(ctx, &v->texts, v->n_ahead, (void **)&v->ahead);
}

/* A copy that ends in a zero. */
static rk_status keep_text(rk_ctx *ctx, struct vocab *v, const char *bytes, size_t n, const char **copy)
{
    if (n >= v->n_ahead) return arena_text(ctx, &v->texts, bytes, n, copy);
    *copy = v->ahead;
    if (n > 0) memcpy(v->ahead, bytes, n);
    v->ahead[n] = '\0';
    v->ahead += n + 1;
    v->n_ahead -= n + 1;
    return RK_OK;
}

static rk_status add_entry(rk_ctx *ctx, struct vocab *v, uint32_t id, struct name name)
{
    if (v->n_entries == v->room_entries) {
        uint32_t room = v->room_entries == 0 ? 1024 : v->room_entries * 2;
        TRY(GROW(v->entries, v->room_entries, room));
        v->room_entries = room;
    }
    if (name.length > v->longest) v->longest = name.length;
    v->entries[v->n_entries++] = (struct vocab_entry){ name, id };
    return RK_OK;
}

static rk_status put_bytes(rk_ctx *ctx, struct vocab *v, uint32_t id, const char *bytes, size_t n)
{
    char shown[NAME_SHOWN], old[NAME_SHOWN];
    if (n > TOKEN_MOST) return FAIL(RK_E_LIMIT, "%s: token %u has %zu bytes; %d are the limit", vocab_source(v), id, n, TOKEN_MOST);
    TRY(make_room(ctx, v, id));
    rk_text *t = &v->tokens[id];
    if (t->at == NULL) {
        t->n = n;
        return keep_text(ctx, v, bytes, n, &t->at);
    }
    if (t->n == n && memcmp(t->at, bytes, n) == 0) return RK_OK;
    return FAIL(RK_E_FORMAT, "%s: id %u is given to two tokens, \"%s\" and \"%s\"", vocab_source(v), id, name_show(old, t->at, t->n), name_show(shown, bytes, n));
}

rk_status vocab_put(rk_ctx *ctx, struct vocab *v, uint32_t id, const char *bytes, size_t n, bool model)
{
    TRY(put_bytes(ctx, v, id, bytes, n));
    return model ? add_entry(ctx, v, id, (struct name){ v->tokens[id].at, (uint32_t)n }) : RK_OK;
}

rk_status vocab_put_spelled(rk_ctx *ctx, struct vocab *v, uint32_t id, struct name spelling, const char *bytes, size_t n)
{
    v->spelled = true;
    TRY(put_bytes(ctx, v, id, bytes, n));
    if (spelling.length == n) spelling.at = v->tokens[id].at;         /* only letters that stand for themselves */
    else TRY(keep_text(ctx, v, spelling.at, spelling.length, &spelling.at));
    return add_entry(ctx, v, id, spelling);
}

rk_status vocab_index(rk_ctx *ctx, struct vocab *v, bool *twins)
{
    uint32_t a, b;
    *twins = false;
    if (v->index.n == v->n_entries && v->n_entries > 0) return RK_OK;
    v->index = (struct names){ .items = v->entries, .stride = sizeof *v->entries, .n = v->n_entries };
    TRY(names_index(ctx, &v->texts, &v->index));
    *twins = names_twins(&v->index, &a, &b);
    return RK_OK;
}

rk_status vocab_seal(rk_ctx *ctx, struct vocab *v)
{
    uint32_t a, b;
    bool twins;
    char shown[NAME_SHOWN];
    TRY(vocab_index(ctx, v, &twins));
    if (!twins || !names_twins(&v->index, &a, &b)) return RK_OK;
    name_show(shown, v->entries[a].name.at, v->entries[a].name.length);
    return FAIL(RK_E_FORMAT, "%s: the token \"%s\" is there twice, as ids %u and %u", vocab_source(v), shown, v->entries[a].id, v->entries[b].id);
}

/* By looking at all of them: none of a length that occurs. */
static bool look_for(const struct vocab *v, const char *bytes, size_t n, uint32_t *id)
{
    for (uint32_t i = 0; i < v->n_entries; i++) {
        *id = v->entries[i].id;
        if (v->tokens[*id].n == n && memcmp(v->tokens[*id].at, bytes, n) == 0) return true;
    }
    return false;
}

bool vocab_find(const struct vocab *v, const char *bytes, size_t n, uint32_t *id)
{
    char spelled[SPELLED];
    if (n > v->longest) return false;
    if (!v->spelled) return vocab_named(v, bytes, n, id);
    if (n > SPELLED / BYTELEVEL_MOST) return look_for(v, bytes, n, id);
    return vocab_named(v, spelled, bytelevel_spell(bytes, n, spelled), id);
}

void vocab_clear(rk_ctx *ctx, struct vocab *v)
{
    FREE(v->tokens, v->room);
    FREE(v->entries, v->room_entries);
    arena_clear(ctx, &v->texts);
    *v = (struct vocab){ 0 };
}
