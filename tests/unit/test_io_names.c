/* Sorting and finding by name: the order is right whatever the keys, and every name is found, none that is not there. */
#include "io/names.h"
#include "test.h"
#include <stdlib.h>

/* Keys that are all over the place, in clusters, few, one, in order, in reverse. */
static uint64_t key_of(int kind, size_t i)
{
    const uint64_t spread = test_random(UINT64_MAX);
    const uint64_t keys[] = { spread, spread & 0xff000000000000ffu, spread & 3, 7, i, UINT64_MAX - i, spread >> 40 };
    return keys[kind];
}

static int by_key(const void *a, const void *b)
{
    const struct slot *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return (x->item > y->item) - (x->item < y->item);
}

TEST(slots_are_sorted_whatever_the_keys)
{
    for (int kind = 0; kind < 7; kind++)
        for (int round = 0; round < 40; round++) {
            size_t n = test_random(round % 4 == 0 ? 3000 : 60);
            struct slot *slots = malloc((n + 1) * sizeof *slots), *expected = malloc((n + 1) * sizeof *slots);
            for (size_t i = 0; i < n; i++) expected[i] = slots[i] = (struct slot){ key_of(kind, i), (uint32_t)i };
            slots_sort(slots, n, NULL);
            qsort(expected, n, sizeof *expected, by_key);
            bool same = true, *seen = calloc(n + 1, 1);
            for (size_t i = 0; i < n; i++) {
                same = same && slots[i].key == expected[i].key && !seen[slots[i].item];
                seen[slots[i].item] = true;
            }
            EXPECT(same);
            free(seen);
            free(slots);
            free(expected);
        }
}

/* One key for all: the names decide, and there may be many of them. */
TEST(ties_are_sorted_by_name)
{
    enum { N = 500 };
    static char texts[N][8];
    struct name items[N];
    struct slot slots[N];
    struct names names = { .items = items, .stride = sizeof *items, .n = N };
    for (uint32_t i = 0; i < N; i++) {
        int length = snprintf(texts[i], sizeof texts[i], "%u", (i * 7919u) % 100000u);
        items[i] = (struct name){ texts[i], (uint32_t)length };
        slots[i] = (struct slot){ 42, i };
    }
    slots_sort(slots, N, &names);
    for (int i = 1; i < N; i++) {
        const struct name *a = &items[slots[i - 1].item], *b = &items[slots[i].item];
        EXPECT(a->length < b->length || (a->length == b->length && memcmp(a->at, b->at, a->length) < 0));
    }
}

TEST(every_name_is_found_and_no_other)
{
    rk_ctx *ctx = test_ctx();
    for (int round = 0; round < 20; round++) {
        struct arena arena = { NULL, 0 };
        uint32_t n = (uint32_t)test_random(2000), item = 0, first, second;
        char (*texts)[40] = malloc((n + 1) * sizeof *texts);
        struct name *items = malloc((n + 1) * sizeof *items);
        for (uint32_t i = 0; i < n; i++)
            items[i] = (struct name){ texts[i], (uint32_t)snprintf(texts[i], sizeof texts[i], "%.*s%u", (int)test_random(20), "layers.attention.weight", i) };
        struct names names = { .items = items, .stride = sizeof *items, .n = n };
        OK(ctx, names_index(ctx, &arena, &names));
        EXPECT(!names_twins(&names, &first, &second));
        for (uint32_t i = 0; i < n; i++) EXPECT(names_find(&names, items[i].at, items[i].length, &item) && item == i);
        EXPECT(!names_find(&names, "nobody", 6, &item) && !names_find(&names, "", 0, &item));
        if (n > 1) {
            items[n - 1] = items[0];
            OK(ctx, names_index(ctx, &arena, &names));
            EXPECT(names_twins(&names, &first, &second) && first == 0 && second == n - 1);
        }
        arena_clear(ctx, &arena);
        free(texts);
        free(items);
    }
}

/* The hash of io/names.c for 16 bytes, undone: names that all belong at one place, as one who knows the program may choose them. */
static void colliding(uint64_t wanted, uint64_t first, char out[16])
{
    const uint64_t odd = 0xd6e8feb86659fd93u;
    uint64_t inverse = odd, h;
    for (int i = 0; i < 6; i++) inverse *= 2 - odd * inverse;
    h = (16 * 0x9e3779b97f4a7c15u ^ first) * odd;
    h ^= h >> 32;                                                     /* after it the second word comes in: (h ^ second) * odd, xored with its upper half, is wanted */
    uint64_t second = h ^ (wanted ^ wanted >> 32) * inverse;
    memcpy(out, &first, 8);
    memcpy(out + 8, &second, 8);
}

/* Where names collide the index is in order, and finds them as well. The time is that of sorting; a table would take n^2 / 2 comparisons. */
TEST(names_that_collide_are_found)
{
    enum { N = 20000 };
    rk_ctx *ctx = test_ctx();
    static char texts[N][16];
    static struct name items[N];
    struct arena arena = { NULL, 0 };
    uint32_t item, first, second;
    for (uint32_t i = 0; i < N; i++) {
        colliding(UINT64_C(0x1234567800000000) + i % 3, 1000 + i, texts[i]);
        items[i] = (struct name){ texts[i], 16 };
        EXPECT(names_hash(texts[i], 16) >> 32 == 0x12345678);
    }
    struct names names = { .items = items, .stride = sizeof *items, .n = N };
    OK(ctx, names_index(ctx, &arena, &names));
    EXPECT(!names_twins(&names, &first, &second));
    bool all = true;
    for (uint32_t i = 0; i < N; i++) all = all && names_find(&names, texts[i], 16, &item) && item == i;
    EXPECT(all);
    char other[16];
    colliding(UINT64_C(0x1234567800000000), 7, other);
    EXPECT(!names_find(&names, other, 16, &item));
    items[N - 1] = items[5];
    OK(ctx, names_index(ctx, &arena, &names));
    EXPECT(names_twins(&names, &first, &second) && first == 5 && second == N - 1);
    arena_clear(ctx, &arena);
}
