/* map.h: from byte strings to ints (interning, lookup). Open addressing, grows at 3/4, no removal. */
#ifndef BASE_MAP_H
#define BASE_MAP_H
#include "base/mem.h"

struct map { struct map_slot *slots; int n, room; };               /* zero it to begin; room is 0 or a power of two */
struct map_slot { const char *key; uint32_t length, hash; int value; };

/* Keys are borrowed: they must outlive the map. */
RK_CHECK rk_status map_put(rk_ctx *ctx, struct map *m, const char *key, size_t length, int value);   /* replaces */
bool map_get(const struct map *m, const char *key, size_t length, int *value);
void map_free(rk_ctx *ctx, struct map *m);
/* Two words into one: both halves of their product; and their sum, so that a zero, which names from outside may bring about, does not hide
 * the other. */
static inline uint64_t hash_mix(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64) ^ (a + b);
}
uint64_t hash_bytes(const void *bytes, size_t n);                  /* FNV-1a, then mixed: the same on every machine */

#endif
