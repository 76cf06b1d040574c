/* map.c: linear probing.
 *
 * Slots are chosen by sixteen bytes at a time: hash_bytes goes byte by byte, since what is made of it has to be the same on
 * every machine, and a graph's names cost a tenth of counting it that way. */
#include "base/map.h"
#include <limits.h>
#include <string.h>

uint64_t hash_bytes(const void *bytes, size_t n)
{
    const unsigned char *b = bytes;
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++) h = (h ^ b[i]) * 0x100000001b3u;
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93u;
    return h ^ h >> 32;
}

static uint32_t hash_key(const char *key, size_t length)
{
    const uint64_t odd = 0xd6e8feb86659fd93u, other = 0x9e3779b97f4a7c15u;
    uint64_t h = length, word[2];
    for (; length >= sizeof word; length -= sizeof word, key += sizeof word) {
        memcpy(word, key, sizeof word);
        h = hash_mix(word[0] ^ h ^ odd, word[1] ^ other);
    }
    word[0] = word[1] = 0;
    if (length >= sizeof *word) {                           /* what is left, from both ends */
        memcpy(&word[0], key, sizeof *word);
        memcpy(&word[1], key + length - sizeof *word, sizeof *word);
    } else if (length > 0) memcpy(word, key, length);
    h = hash_mix(word[0] ^ h ^ odd, word[1] ^ other);
    return (uint32_t)(h ^ h >> 32);
}

static struct map_slot *slot_of(const struct map *m, const char *key, size_t length, uint32_t hash)
{
    for (uint32_t i = hash;; i++) {
        struct map_slot *s = &m->slots[i & (uint32_t)(m->room - 1)];
        if (s->key == NULL || (s->hash == hash && s->length == length && memcmp(s->key, key, length) == 0)) return s;
    }
}

static rk_status grow(rk_ctx *ctx, struct map *m)
{
    if (m->room > INT_MAX / 4) return FAIL(RK_E_LIMIT, "a map would grow beyond %d keys", INT_MAX / 4);
    struct map fresh = { NULL, m->n, m->room == 0 ? 16 : m->room * 2 };
    TRY(NEW(fresh.slots, fresh.room));
    for (int i = 0; i < m->room; i++)
        if (m->slots[i].key != NULL) *slot_of(&fresh, m->slots[i].key, m->slots[i].length, m->slots[i].hash) = m->slots[i];
    FREE(m->slots, m->room);
    *m = fresh;
    return RK_OK;
}

rk_status map_put(rk_ctx *ctx, struct map *m, const char *key, size_t length, int value)
{
    if (length > UINT32_MAX) return FAIL(RK_E_LIMIT, "a key of %zu bytes", length);
    if (m->n + 1 > m->room - m->room / 4) TRY(grow(ctx, m));
    uint32_t hash = hash_key(key, length);
    struct map_slot *s = slot_of(m, key, length, hash);
    if (s->key == NULL) m->n++;
    *s = (struct map_slot){ key, (uint32_t)length, hash, value };
    return RK_OK;
}

bool map_get(const struct map *m, const char *key, size_t length, int *value)
{
    if (m->room == 0 || length > UINT32_MAX) return false;
    const struct map_slot *s = slot_of(m, key, length, hash_key(key, length));
    if (s->key == NULL) return false;
    *value = s->value;
    return true;
}

void map_free(rk_ctx *ctx, struct map *m)
{
    FREE(m->slots, m->room);
    m->n = m->room = 0;
}
