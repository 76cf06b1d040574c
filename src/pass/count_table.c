/* count_table.c: open addressing over keys of 64-bit words, compared in full: a price is never taken from a hash alone.
 *
 * base/map hashes byte by byte, which is right for names; a training graph has ten thousand nodes with keys of a hundred
 * bytes, and the whole bill should take a few milliseconds. */
#include "pass/count_table.h"
#include "base/map.h"
#include "base/vec.h"
#include <string.h>

struct table_slot { uint64_t hash; const uint64_t *key; int n, id; };

rk_status words_begin(rk_ctx *ctx, struct words *w, int most)
{
    w->n = 0;
    return VEC_ROOM(w, most);
}

rk_status words_text(rk_ctx *ctx, struct words *w, const char *text, int most)
{
    size_t length = strlen(text), whole = (length + 7) / 8;
    if (length > INT32_MAX / 2) return FAIL(RK_E_LIMIT, "a text of %zu bytes", length);
    TRY(VEC_ROOM(w, (int)whole + 1 + most));
    words_add(w, length);
    if (whole == 0) return RK_OK;
    w->at[w->n + (int)whole - 1] = 0;
    memcpy(&w->at[w->n], text, length);
    w->n += (int)whole;
    return RK_OK;
}

static uint64_t hash_words(const struct words *key)
{
    const uint64_t odd = 0xd6e8feb86659fd93u, other = 0x9e3779b97f4a7c15u;
    uint64_t h = (uint64_t)key->n;
    int i = 0;
    for (; i + 1 < key->n; i += 2) h = hash_mix(key->at[i] ^ h ^ odd, key->at[i + 1] ^ other);
    if (i < key->n) h = hash_mix(key->at[i] ^ h ^ odd, other);
    return h;
}

static struct table_slot *slot_of(const struct table *t, uint64_t hash, const struct words *key)
{
    for (uint64_t i = hash;; i++) {
        struct table_slot *s = &t->slots[i & (uint64_t)(t->room - 1)];
        if (s->key == NULL || (s->hash == hash && s->n == key->n && memcmp(s->key, key->at, sizeof *s->key * (size_t)key->n) == 0)) return s;
    }
}

static rk_status grow(rk_ctx *ctx, struct table *t)
{
    struct table fresh = { t->n, t->room == 0 ? 64 : t->room * 2, NULL };
    if (t->room > INT32_MAX / 4) return FAIL(RK_E_LIMIT, "a table would grow beyond %d keys", INT32_MAX / 4);
    TRY(NEW(fresh.slots, fresh.room));
    for (int i = 0; i < t->room; i++) {
        uint64_t at = t->slots[i].hash;
        if (t->slots[i].key == NULL) continue;
        while (fresh.slots[at & (uint64_t)(fresh.room - 1)].key != NULL) at++;
        fresh.slots[at & (uint64_t)(fresh.room - 1)] = t->slots[i];
    }
    FREE(t->slots, t->room);
    *t = fresh;
    return RK_OK;
}

rk_status table_find(rk_ctx *ctx, struct table *t, struct arena *arena, const struct words *key, int *id, bool *fresh)
{
    uint64_t *copy;
    if (t->n + 1 > t->room / 2) TRY(grow(ctx, t));
    uint64_t hash = hash_words(key);
    struct table_slot *s = slot_of(t, hash, key);
    *fresh = s->key == NULL;
    if (*fresh) {
        TRY(TAKE(arena, copy, key->n + 1));             /* + 1: an empty key has an address too */
        if (key->n > 0) memcpy(copy, key->at, sizeof *copy * (size_t)key->n);
        *s = (struct table_slot){ hash, copy, key->n, t->n++ };
    }
    *id = s->id;
    return RK_OK;
}

void table_free(rk_ctx *ctx, struct table *t)
{
    FREE(t->slots, t->room);
    *t = (struct table){ 0 };
}

void words_free(rk_ctx *ctx, struct words *w) { VEC_FREE(w); }
