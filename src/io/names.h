/* names.h: things put in order and found by name, with no input that makes it slow.
 *
 * An index sorts (hash, item) pairs and compares bytes only where hashes agree. A hash table would be a little quicker,
 * but names chosen to collide drive it into n^2 steps, and the names here come from files that anybody may have written.
 * Sorting goes byte by byte from the top of the key (McIlroy, Bostic, McIlroy 1993, "American flag"): in place, at most eight
 * passes whatever the input; what has one key for all is sorted by name on a heap, in at most 2 n log2 n comparisons. */
#ifndef IO_NAMES_H
#define IO_NAMES_H
#include "base/arena.h"

struct name { const char *at; uint32_t length; };        /* the first member of every item that is indexed */
struct slot { uint64_t key; uint32_t item; };
struct names {
    const void *items;
    size_t stride;
    uint32_t n;
    const struct slot *slots;           /* these live in an arena */
    const uint32_t *first;              /* where the slots begin whose hashes begin with so many bits; NULL: one searches all of them */
    int bits;
};

RK_CHECK rk_status names_index(rk_ctx *ctx, struct arena *a, struct names *names);       /* items, stride and n are given; makes slots */
RK_CHECK rk_status names_shelve(rk_ctx *ctx, struct arena *a, struct names *names);      /* for who looks up as many as there are: at most 8 bytes each more */
bool names_find(const struct names *names, const char *name, size_t length, uint32_t *item);
bool names_twins(const struct names *names, uint32_t *first, uint32_t *second);          /* two items of one name, if there are any */
void slots_sort(struct slot *slots, size_t n, const struct names *ties);                 /* by key, then by name where ties are given */

/* A name as a message may show it: one line, printable, at most 100 bytes of it. Returns `out`. */
enum { NAME_SHOWN = 112 };
const char *name_show(char out[NAME_SHOWN], const char *at, size_t length);

#endif
