/* names.c: sorting, placing, searching, and names made fit to be shown. */
#include "io/names.h"
#include "base/utf8.h"
#include <string.h>

enum { FEW = 24,                        /* up to here inserting beats distributing */
       AHEAD = 16,                      /* names whose places are called for before they are needed */
       NEAR = 256 };                    /* places from where a hash belongs: seldom a tenth of them are taken */

struct place { uint32_t hash, item; };  /* its lower half; item: counted from 1, 0 where nobody is */
struct names_index {
    const struct slot  *slots;          /* in order; NULL: places are used */
    const struct place *places;         /* 1 << bits, and behind them as many as anybody may go on: nobody comes round */
    int bits;
    uint32_t first, second;             /* items of one name; second 0: there are none */
};

static const struct name *name_of(const struct names *names, uint32_t item)
{
    return (const struct name *)(const void *)((const char *)names->items + names->stride * item);
}

static int compare(const struct name *a, const char *b, size_t length)
{
    if (a->length != length) return a->length < length ? -1 : 1;
    return length == 0 ? 0 : memcmp(a->at, b, length);
}

static bool before(const struct slot *a, const struct slot *b, const struct names *ties)
{
    if (a->key != b->key || ties == NULL) return a->key < b->key;
    const struct name *name = name_of(ties, b->item);
    return compare(name_of(ties, a->item), name->at, name->length) < 0;
}

static void sift(struct slot *slots, size_t root, size_t n, const struct names *ties)
{
    struct slot moving = slots[root];
    for (size_t child; (child = 2 * root + 1) < n; root = child) {
        if (child + 1 < n && before(&slots[child], &slots[child + 1], ties)) child++;
        if (!before(&moving, &slots[child], ties)) break;
        slots[root] = slots[child];
    }
    slots[root] = moving;
}

static void heap_sort(struct slot *slots, size_t n, const struct names *ties)
{
    for (size_t i = n / 2; i-- > 0;) sift(slots, i, n, ties);
    for (size_t i = n; i-- > 1;) {
        struct slot largest = slots[0];
        slots[0] = slots[i];
        slots[i] = largest;
        sift(slots, 0, i, ties);
    }
}

static void insert_sort(struct slot *slots, size_t n, const struct names *ties)
{
    for (size_t i = 1; i < n; i++) {
        struct slot moving = slots[i];
        size_t k = i;
        for (; k > 0 && before(&moving, &slots[k - 1], ties); k--) slots[k] = slots[k - 1];
        slots[k] = moving;
    }
}

/* By the byte of the key at `shift` and then by those below, in place: every slot goes where its byte belongs. */
static void radix_sort(struct slot *slots, size_t n, int shift, const struct names *ties)
{
    size_t end[256] = { 0 }, next[256], at = 0;
    if (n <= FEW) {
        insert_sort(slots, n, ties);
        return;
    }
    if (shift < 0) {                                 /* one key for all of them */
        if (ties != NULL) heap_sort(slots, n, ties);
        return;
    }
    for (size_t i = 0; i < n; i++) end[slots[i].key >> shift & 255]++;
    for (int v = 0; v < 256; v++) {
        next[v] = at;
        end[v] = at += end[v];
    }
    for (int v = 0; v < 256; v++)
        while (next[v] < end[v]) {
            struct slot *s = &slots[next[v]], moving = *s;
            int to = (int)(moving.key >> shift & 255);
            *s = slots[next[to]];
            slots[next[to]++] = moving;
        }
    for (int v = 0; v < 256; v++) {
        size_t first = v > 0 ? end[v - 1] : 0;
        if (end[v] - first > 1) radix_sort(slots + first, end[v] - first, shift - 8, ties);
    }
}

void slots_sort(struct slot *slots, size_t n, const struct names *ties)
{
    size_t i = 1;
    while (i < n && slots[i - 1].key < slots[i].key) i++;
    if (i < n) radix_sort(slots, n, 56, ties);
}

static inline uint64_t load8(const char *at) { uint64_t v; memcpy(&v, at, 8); return v; }
static inline uint64_t load4(const char *at) { uint32_t v; memcpy(&v, at, 4); return v; }

/* All of fewer than eight bytes: two loads that overlap, or three bytes. */
static inline uint64_t few(const char *at, size_t n)
{
    if (n >= 4) return load4(at) | load4(at + n - 4) << 32;
    return n == 0 ? 0 : (uint64_t)(unsigned char)at[0] << 16 | (uint64_t)(unsigned char)at[n / 2] << 8 | (unsigned char)at[n - 1];
}

/* Eight bytes at a time; for one run of one program, so machines may disagree about it. */
uint64_t names_hash(const char *at, size_t n)
{
    uint64_t h = n * 0x9e3779b97f4a7c15u, v = n < 8 ? few(at, n) : load8(at + n - 8);
    for (; n > 8; at += 8, n -= 8) {
        h = (h ^ load8(at)) * 0xd6e8feb86659fd93u;
        h ^= h >> 32;
    }
    h = (h ^ v) * 0xd6e8feb86659fd93u;
    return h ^ h >> 32;
}

static bool equal(const char *a, const char *b, size_t n)
{
    if (n < 8) return few(a, n) == few(b, n);
    for (size_t i = 0; i + 8 < n; i += 8)
        if (load8(a + i) != load8(b + i)) return false;
    return load8(a + n - 8) == load8(b + n - 8);
}

static bool is_named(const struct names *names, uint32_t item, const char *at, size_t n)
{
    const struct name *name = name_of(names, item);
    return name->length == n && equal(name->at, at, n);
}

/* The place of a name, or the first free one where it belongs; NULL: neither is near. */
static struct place *place_of(const struct names *names, const struct place *places, int bits, uint64_t hash, const char *at, size_t n)
{
    struct place *p = (struct place *)places + (hash >> (64 - bits));
    for (int k = 0; k < NEAR; k++, p++)
        if (p->item == 0 || (p->hash == (uint32_t)hash && is_named(names, p->item - 1, at, n))) return p;
    return NULL;
}

/* *all: everybody found a place. */
static rk_status settle(rk_ctx *ctx, struct arena *a, const struct names *names, struct names_index *x, bool *all)
{
    struct place *places;
    x->bits = 1;
    while (x->bits < 33 && (uint64_t)1 << x->bits < (uint64_t)names->n + names->n / 2) x->bits++;
    TRY(TAKE(a, places, ((size_t)1 << x->bits) + (names->n < NEAR ? names->n : NEAR)));
    x->places = places;
    *all = true;
    uint64_t hashes[AHEAD];                                           /* of the names to come; where they belong is called for */
    for (uint32_t i = 0, k = 0; i < names->n; i++) {
        for (; k < names->n && k < i + AHEAD; k++) {
            hashes[k % AHEAD] = names_hash(name_of(names, k)->at, name_of(names, k)->length);
            __builtin_prefetch(&places[hashes[k % AHEAD] >> (64 - x->bits)], 1);
        }
        const struct name *name = name_of(names, i);
        uint64_t hash = hashes[i % AHEAD];
        struct place *p = place_of(names, places, x->bits, hash, name->at, name->length);
        *all = p != NULL;
        if (!*all) return RK_OK;
        if (p->item == 0) *p = (struct place){ (uint32_t)hash, i + 1 };
        else if (x->second == 0) x->first = p->item - 1, x->second = i;
    }
    return RK_OK;
}

static rk_status sort(rk_ctx *ctx, struct arena *a, const struct names *names, struct names_index *x)
{
    struct slot *slots;
    TRY(TAKE(a, slots, names->n));
    for (uint32_t i = 0; i < names->n; i++) slots[i] = (struct slot){ names_hash(name_of(names, i)->at, name_of(names, i)->length), i };
    slots_sort(slots, names->n, names);
    *x = (struct names_index){ .slots = slots };
    for (uint32_t i = 1; i < names->n && x->second == 0; i++) {
        uint32_t one = slots[i - 1].item, other = slots[i].item;
        if (slots[i - 1].key != slots[i].key || before(&slots[i - 1], &slots[i], names)) continue;
        x->first = one < other ? one : other;
        x->second = one < other ? other : one;
    }
    return RK_OK;
}

rk_status names_index(rk_ctx *ctx, struct arena *a, struct names *names)
{
    struct names_index *index;
    bool all = false;
    TRY(TAKE(a, index, 1));
    TRY(settle(ctx, a, names, index, &all));
    if (!all) TRY(sort(ctx, a, names, index));
    names->index = index;
    return RK_OK;
}

/* By halves: names that collide are few, or were chosen to. */
static bool search(const struct names *names, uint64_t key, const char *name, size_t length, uint32_t *item)
{
    for (uint32_t low = 0, high = names->n; low < high;) {
        uint32_t middle = low + (high - low) / 2;
        const struct slot *s = &names->index->slots[middle];
        int order = s->key != key ? (s->key < key ? -1 : 1) : compare(name_of(names, s->item), name, length);
        if (order == 0) *item = s->item;
        if (order == 0) return true;
        if (order < 0) low = middle + 1;
        else high = middle;
    }
    return false;
}

bool names_find(const struct names *names, const char *name, size_t length, uint32_t *item)
{
    uint64_t hash = names_hash(name, length);
    if (names->index == NULL) return false;
    if (names->index->slots != NULL) return search(names, hash, name, length, item);
    const struct place *p = place_of(names, names->index->places, names->index->bits, hash, name, length);
    if (p == NULL || p->item == 0) return false;
    *item = p->item - 1;
    return true;
}

bool names_twins(const struct names *names, uint32_t *first, uint32_t *second)
{
    *first = names->index->first;
    *second = names->index->second;
    return *second != 0;
}

const char *name_show(char out[NAME_SHOWN], const char *at, size_t length)
{
    size_t n = 0, i = 0;
    while (i < length && n < 100) {
        uint32_t code;
        size_t step = utf8_next(at + i, length - i, &code);
        bool plain = code != UTF8_INVALID && code >= 0x20 && (code < 0x7f || code > 0x9f);
        if (plain) memcpy(out + n, at + i, step);
        else out[n] = '?';                       /* what would steer a terminal must not reach one */
        n += plain ? step : 1;
        i += step;
    }
    memcpy(out + n, i < length ? "..." : "", i < length ? 4 : 1);
    return out;
}
