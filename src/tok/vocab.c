/* vocab.c: tokens by id in an array, by bytes through io/names (no input makes that slow). */
#include "tok/vocab.h"
#include <string.h>

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

static rk_status add_entry(rk_ctx *ctx, struct vocab *v, uint32_t id, rk_text text)
{
    if (v->n_entries == v->room_entries) {
        uint32_t room = v->room_entries == 0 ? 1024 : v->room_entries * 2;
        TRY(GROW(v->entries, v->room_entries, room));
        v->room_entries = room;
    }
    v->entries[v->n_entries++] = (struct vocab_entry){ { text.at, (uint32_t)text.n }, id };
    return RK_OK;
}

rk_status vocab_put(rk_ctx *ctx, struct vocab *v, uint32_t id, const char *bytes, size_t n, bool model)
{
    char shown[NAME_SHOWN], old[NAME_SHOWN];
    if (n > TOKEN_MOST) return FAIL(RK_E_LIMIT, "%s: token %u has %zu bytes; %d are the limit", vocab_source(v), id, n, TOKEN_MOST);
    TRY(make_room(ctx, v, id));
    rk_text *t = &v->tokens[id];
    if (t->at == NULL) {
        const char *copy;
        TRY(arena_text(ctx, &v->texts, bytes, n, &copy));
        *t = (rk_text){ copy, n };
    } else if (t->n != n || memcmp(t->at, bytes, n) != 0) {
        return FAIL(RK_E_FORMAT, "%s: id %u is given to two tokens, \"%s\" and \"%s\"", vocab_source(v), id, name_show(old, t->at, t->n), name_show(shown, bytes, n));
    }
    return model ? add_entry(ctx, v, id, *t) : RK_OK;
}

rk_status vocab_seal(rk_ctx *ctx, struct vocab *v)
{
    uint32_t a, b;
    char shown[NAME_SHOWN];
    if (v->index.n == v->n_entries && v->n_entries > 0) return RK_OK;
    v->index = (struct names){ .items = v->entries, .stride = sizeof *v->entries, .n = v->n_entries };
    TRY(names_index(ctx, &v->texts, &v->index));
    if (!names_twins(&v->index, &a, &b)) return RK_OK;
    name_show(shown, v->entries[a].name.at, v->entries[a].name.length);
    return FAIL(RK_E_FORMAT, "%s: the token \"%s\" is there twice, as ids %u and %u", vocab_source(v), shown, v->entries[a].id, v->entries[b].id);
}

bool vocab_find(const struct vocab *v, const char *bytes, size_t n, uint32_t *id)
{
    uint32_t item;
    if (!names_find(&v->index, bytes, n, &item)) return false;
    *id = v->entries[item].id;
    return true;
}

bool vocab_expects(const struct vocab *v, uint32_t expected, const char *bytes, size_t n, uint32_t *id)
{
    const struct vocab_entry *e = expected < v->n_entries ? &v->entries[expected] : NULL;
    if (e == NULL || e->id != expected || e->name.length != n || memcmp(e->name.at, bytes, n) != 0) return vocab_find(v, bytes, n, id);
    *id = expected;
    return true;
}

void vocab_clear(rk_ctx *ctx, struct vocab *v)
{
    FREE(v->tokens, v->room);
    FREE(v->entries, v->room_entries);
    arena_clear(ctx, &v->texts);
    *v = (struct vocab){ 0 };
}
