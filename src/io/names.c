/* names.c: sorting, searching, and names made fit to be shown. */
#include "io/names.h"
#include "base/utf8.h"
#include <string.h>

enum { FEW = 24 };                      /* up to here inserting beats distributing */

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

/* Eight bytes at a time; for one run of one program, so machines may disagree about it. */
static uint64_t hash_name(const char *at, size_t n)
{
    uint64_t h = n * 0x9e3779b97f4a7c15u, v;
    for (; n >= 8; at += 8, n -= 8) {
        memcpy(&v, at, 8);
        h = (h ^ v) * 0xd6e8feb86659fd93u;
        h ^= h >> 32;
    }
    v = 0;
    if (n > 0) memcpy(&v, at, n);
    h = (h ^ v) * 0xd6e8feb86659fd93u;
    return h ^ h >> 32;
}

rk_status names_index(rk_ctx *ctx, struct arena *a, struct names *names)
{
    struct slot *slots;
    TRY(TAKE(a, slots, names->n));
    for (uint32_t i = 0; i < names->n; i++) slots[i] = (struct slot){ hash_name(name_of(names, i)->at, name_of(names, i)->length), i };
    slots_sort(slots, names->n, names);
    names->slots = slots;
    names->first = NULL;
    return RK_OK;
}

/* A name of its own for each beginning, or so; the last of all is where the slots end. */
rk_status names_shelve(rk_ctx *ctx, struct arena *a, struct names *names)
{
    uint32_t *first, at = 0;
    int bits = 1;
    while (bits < 31 && (uint32_t)1 << bits < names->n) bits++;
    TRY(TAKE(a, first, ((size_t)1 << bits) + 1));
    for (uint64_t beginning = 0; beginning <= (uint64_t)1 << bits; beginning++) {
        while (at < names->n && names->slots[at].key >> (64 - bits) < beginning) at++;
        first[beginning] = at;
    }
    names->first = first;
    names->bits = bits;
    return RK_OK;
}

/* Where this key should lie between two others, hashes being spread evenly: below `n`. */
static uint32_t guess(uint64_t key, uint64_t least, uint64_t most, uint32_t n)
{
    double part = most > least ? (double)(key - least) / (double)(most - least) : 0;
    uint32_t at = (uint32_t)(part * (double)n);
    return at < n ? at : n - 1;
}

/* By guesses and by halves in turns: few steps where hashes are spread, and never many. On a shelf there are few: halves do. */
bool names_find(const struct names *names, const char *name, size_t length, uint32_t *item)
{
    uint64_t key = hash_name(name, length), least = 0, most = UINT64_MAX;
    const uint32_t *first = names->first == NULL ? NULL : names->first + (key >> (64 - names->bits));
    uint32_t low = first == NULL ? 0 : first[0], high = first == NULL ? names->n : first[1];
    for (bool guessing = first == NULL; low < high; guessing = first == NULL && !guessing) {
        uint32_t middle = low + (guessing ? guess(key, least, most, high - low) : (high - low) / 2);
        const struct slot *s = &names->slots[middle];
        int order = s->key != key ? (s->key < key ? -1 : 1) : compare(name_of(names, s->item), name, length);
        if (order == 0) {
            *item = s->item;
            return true;
        }
        if (order < 0) low = middle + 1, least = s->key;
        else high = middle, most = s->key;
    }
    return false;
}

bool names_twins(const struct names *names, uint32_t *first, uint32_t *second)
{
    for (uint32_t i = 1; i < names->n; i++) {
        const struct slot *s = &names->slots[i - 1];
        if (s[0].key != s[1].key || before(&s[0], &s[1], names)) continue;
        *first = s[0].item < s[1].item ? s[0].item : s[1].item;
        *second = s[0].item < s[1].item ? s[1].item : s[0].item;
        return true;
    }
    return false;
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
