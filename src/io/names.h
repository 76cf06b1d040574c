/* names.h: things put in order and found by name, with no input that makes it slow.
 *
 * An index is a table of hashes, in which a name lies within so many places of where it belongs. Names chosen to collide would
 * drive such a table into n^2 steps, and the names here come from files that anybody may have written: where one finds no place
 * near enough, the index becomes a list of (hash, item) in order instead, and bytes are compared only where hashes agree.
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
    const struct names_index *index;    /* lives in an arena; NULL: nothing is found */
};

RK_CHECK rk_status names_index(rk_ctx *ctx, struct arena *a, struct names *names);       /* items, stride and n are given; makes index */
bool names_find(const struct names *names, const char *name, size_t length, uint32_t *item);
bool names_twins(const struct names *names, uint32_t *first, uint32_t *second);          /* two items of one name, if there are any */
uint64_t names_hash(const char *name, size_t n);
void slots_sort(struct slot *slots, size_t n, const struct names *ties);                 /* by key, then by name where ties are given */

/* A name as a message may show it: one line, printable, at most 100 bytes of it. Returns `out`. */
enum { NAME_SHOWN = 112 };
const char *name_show(char out[NAME_SHOWN], const char *at, size_t length);

#endif
