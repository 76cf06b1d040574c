/* mem.h, vec.h, map.h, arena.h, ctx.h: memory is counted, zeroed, aligned, and bounded. */
#include "base/arena.h"
#include "base/file.h"
#include "base/map.h"
#include "base/pages.h"
#include "base/vec.h"
#include "test.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

TEST(memory_is_counted_zeroed_and_aligned)
{
    rk_ctx *ctx = test_ctx();
    double *p = NULL;
    OK(ctx, NEW(p, 100));
    EXPECT_INT(rk_ctx_bytes(ctx), 800);
    EXPECT((uintptr_t)p % 64 == 0);
    for (int i = 0; i < 100; i++) EXPECT(p[i] == 0);
    for (int i = 0; i < 100; i++) p[i] = i;
    OK(ctx, GROW(p, 100, 1000));
    EXPECT_INT(rk_ctx_bytes(ctx), 8000);
    for (int i = 0; i < 1000; i++) EXPECT(p[i] == (i < 100 ? i : 0));
    OK(ctx, GROW(p, 1000, 10));
    EXPECT(rk_ctx_bytes(ctx) == 80 && p[9] == 9 && rk_ctx_peak_bytes(ctx) == 8000);
    FREE(p, 10);
    EXPECT(p == NULL && rk_ctx_bytes(ctx) == 0);
    OK(ctx, NEW(p, 0));
    EXPECT(p == NULL);
}

TEST(impossible_amounts_are_refused)
{
    rk_ctx *ctx = test_ctx();
    double *p;
    int64_t e;
    size_t s;
    FAILS(ctx, NEW(p, SIZE_MAX / 4), RK_E_NOMEM, "p");
    EXPECT(p == NULL && !extent_mul(INT64_MAX / 2, 3, &e) && extent_mul(-4, 5, &e) && e == -20);
    EXPECT(!size_mul(SIZE_MAX, 2, &s) && !size_add(SIZE_MAX, 1, &s) && size_add(SIZE_MAX, 0, &s));
}

static rk_status push_many(rk_ctx *ctx, int n)
{
    VEC(int64_t) v = { 0 };
    for (int i = 0; i < n; i++) VEC_PUSH(&v, (int64_t)i * i);
    EXPECT(v.n == n && v.room >= n && rk_ctx_bytes(ctx) == (size_t)v.room * 8);
    for (int i = 0; i < n; i++) EXPECT(v.at[i] == (int64_t)i * i);
    VEC_FREE(&v);
    return RK_OK;
}

TEST(vectors_grow_and_keep_what_they_hold)
{
    rk_ctx *ctx = test_ctx();
    for (int n = 0; n < 3000; n = n * 2 + 1) OK(ctx, push_many(ctx, n));
    VEC(char) v = { 0 };
    FAILS(ctx, VEC_ROOM(&v, INT32_MAX), RK_E_LIMIT, "elements");
    EXPECT_INT(rk_ctx_bytes(ctx), 0);
}

/* Against a plain array of what was put: keys are numbers written in few digits, so that they repeat. */
TEST(maps_answer_like_an_array)
{
    enum { KEYS = 5000 };
    static char keys[KEYS][8];
    static int values[KEYS];
    rk_ctx *ctx = test_ctx();
    struct map m = { 0 };
    int distinct = 0, value;
    EXPECT(!map_get(&m, "", 0, &value));
    for (int i = 0; i < KEYS; i++) {
        (void)snprintf(keys[i], sizeof keys[i], "%d", i);
        values[i] = -1;
    }
    for (int round = 0; round < 20000; round++) {
        int k = (int)test_random(KEYS);
        distinct += values[k] < 0;
        values[k] = round;
        OK(ctx, map_put(ctx, &m, keys[k], strlen(keys[k]), round));
    }
    EXPECT_INT(m.n, distinct);
    EXPECT(m.n <= m.room - m.room / 4 && (m.room & (m.room - 1)) == 0);
    for (int k = 0; k < KEYS; k++) {
        bool there = map_get(&m, keys[k], strlen(keys[k]), &value);
        EXPECT(there == (values[k] >= 0) && (!there || value == values[k]));
    }
    map_free(ctx, &m);
    EXPECT(rk_ctx_bytes(ctx) == 0 && !map_get(&m, "1", 1, &value));
}

TEST(keys_are_bytes_not_texts)
{
    rk_ctx *ctx = test_ctx();
    struct map m = { 0 };
    int value = 0;
    OK(ctx, map_put(ctx, &m, "a\0b", 3, 1));
    OK(ctx, map_put(ctx, &m, "a\0c", 3, 2));
    OK(ctx, map_put(ctx, &m, "a", 1, 3));
    OK(ctx, map_put(ctx, &m, "", 0, 4));
    EXPECT(map_get(&m, "a\0b", 3, &value) && value == 1);
    EXPECT(map_get(&m, "a\0c", 3, &value) && value == 2);
    EXPECT(map_get(&m, "ab", 1, &value) && value == 3);
    EXPECT(map_get(&m, "x", 0, &value) && value == 4);
    EXPECT(!map_get(&m, "a\0", 2, &value));
    map_free(ctx, &m);
}

TEST(arenas_give_apart_zeroed_and_aligned)
{
    rk_ctx *ctx = test_ctx();
    struct arena a = { 0 };
    enum { N = 400 };
    static unsigned char *at[N];
    static size_t bytes[N];
    for (int i = 0; i < N; i++) {
        bytes[i] = (size_t)test_random(i % 50 == 0 ? 100000 : 200);
        OK(ctx, TAKE(&a, at[i], bytes[i]));
        EXPECT((uintptr_t)at[i] % 16 == 0);
        for (size_t k = 0; k < bytes[i]; k++) EXPECT(at[i][k] == 0);
        if (bytes[i] > 0) memset(at[i], i & 0xff, bytes[i]);
    }
    for (int i = 0; i < N; i++)
        for (size_t k = 0; k < bytes[i]; k++) EXPECT(at[i][k] == (i & 0xff));
    const char *text;
    OK(ctx, arena_text(ctx, &a, "abcdef", 3, &text));
    EXPECT_TEXT(text, "abc");
    void *p;
    FAILS(ctx, arena_take(ctx, &a, SIZE_MAX, &p), RK_E_NOMEM, "arena");
    arena_clear(ctx, &a);
    EXPECT_INT(rk_ctx_bytes(ctx), 0);
    OK(ctx, arena_text(ctx, &a, "", 0, &text));
    EXPECT_TEXT(text, "");
    arena_clear(ctx, &a);
}

static rk_status third(rk_ctx *ctx) { return FAIL(RK_E_SHAPE, "reading \"%s\" at byte %d", "x.bin", 7); }
static rk_status second(rk_ctx *ctx) { TRY(third(ctx)); return RK_OK; }
static rk_status first(rk_ctx *ctx)
{
    rk_status status;
    GO(second(ctx));
out:
    return status;
}

TEST(an_arena_used_again_is_zeroed_and_keeps_one_chunk)
{
    rk_ctx *ctx = test_ctx();
    struct arena arena = { NULL, 0 };
    unsigned char *p;
    arena_reuse(ctx, &arena);
    for (int round = 0; round < 50; round++) {
        size_t before = rk_ctx_bytes(ctx);
        for (int i = 0; i < 40; i++) {
            size_t n = 1 + test_random(700);
            OK(ctx, TAKE(&arena, p, n));
            for (size_t k = 0; k < n; k++) EXPECT(p[k] == 0);
            memset(p, 0xee, n);
        }
        arena_reuse(ctx, &arena);
        if (round > 8) EXPECT(rk_ctx_bytes(ctx) <= before + 65536);
    }
    arena_clear(ctx, &arena);
    EXPECT_INT(rk_ctx_bytes(ctx), 0);
}

TEST(errors_keep_message_hint_and_trail)
{
    rk_ctx *ctx = test_ctx();
    FAILS(ctx, first(ctx), RK_E_SHAPE, "reading \"x.bin\" at byte 7");
    EXPECT(ctx_hint(ctx, "try %d", 8) == RK_E_SHAPE);
    EXPECT_TEXT(rk_error_hint(ctx), "try 8");
    const char *trail = rk_error_trail(ctx), *a = strstr(trail, "third"), *b = strstr(trail, "second"), *c = strstr(trail, "first");
    EXPECT(a != NULL && b != NULL && c != NULL && a < b && b < c);
    for (int i = 0; i < 1000; i++) (void)ctx_pass(ctx, RK_E_SHAPE, "src/far/away.c", i, "deep");        /* the record is bounded */
    EXPECT(strlen(rk_error_trail(ctx)) < ERROR_TRAIL);
    rk_error_clear(ctx);
    EXPECT(rk_error_status(ctx) == RK_OK && rk_error_message(ctx)[0] == '\0' && rk_error_trail(ctx)[0] == '\0');
    EXPECT_TEXT(rk_status_name(RK_E_NOMEM), "E_NOMEM");
    EXPECT_TEXT(rk_status_words(RK_E_SHAPE), "shapes disagree");
    EXPECT_TEXT(rk_status_name(RK_STATUS_COUNT), "?");
}

TEST(options_out_of_range_open_nothing)
{
    rk_ctx *ctx;
    rk_options options = { .threads = -1 };
    EXPECT(rk_ctx_open(&options, &ctx) == RK_E_ARG && ctx == NULL);
    options.threads = 1 << 20;
    EXPECT(rk_ctx_open(&options, &ctx) == RK_E_ARG && ctx == NULL);
    EXPECT(rk_ctx_open(NULL, NULL) == RK_E_ARG);
    rk_ctx_close(NULL);
}

/* Small pages, so that what is touched is known to the byte. */
TEST(pages_count_once_they_are_touched)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = 1, reach = 1, whole = 9000 * page;         /* more than one portion */
    unsigned char *at = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(at != MAP_FAILED);
    (void)madvise(at, whole, MADV_NOHUGEPAGE);
    EXPECT(pages_touched(at, whole, &bytes, &reach) && bytes == 0 && reach == 0);
    at[3 * page + 5] = 1;
    at[8000 * page] = 1;
    EXPECT(pages_touched(at, whole, &bytes, &reach) && bytes == 2 * page && reach == 8001 * page);
    EXPECT(pages_touched(at + 3 * page + 100, 200, &bytes, &reach) && bytes == 200 && reach == 200);
    EXPECT(pages_touched(at + 2 * page + 100, page, &bytes, &reach) && bytes == 100 && reach == page);
    EXPECT(pages_touched(at, 0, &bytes, &reach) && bytes == 0 && reach == 0);
    (void)munmap(at, whole);
    EXPECT(!pages_touched(at, whole, &bytes, &reach));
}

/* Those of a file lie in the system's cache as soon as it is written; ours they are when we read them, with some beside them. */
TEST(pages_of_a_file_are_ours_once_we_read_them)
{
    enum { PAGES = 256 };
    rk_ctx *ctx = test_ctx();
    size_t page = (size_t)sysconf(_SC_PAGESIZE), whole = PAGES * page - 100, bytes = 1, before, after;
    char path[4096];
    struct file_writer w;
    unsigned char *text = calloc(whole, 1);
    volatile unsigned sum = 0;
    REQUIRE(text != NULL);
    (void)snprintf(path, sizeof path, "%s/pages", test_temporary());
    OK(ctx, file_create(ctx, &w, path));
    OK(ctx, file_write(ctx, &w, text, whole));
    OK(ctx, file_commit(ctx, &w));
    free(text);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    unsigned char *at = mmap(NULL, whole, PROT_READ, MAP_SHARED, file, 0);
    REQUIRE(file >= 0 && at != MAP_FAILED);
    (void)close(file);
    if (!pages_mine(at, whole, &bytes) || !pages_resident(&before)) SKIP("this system does not say which pages a process has");
    EXPECT(bytes == 0);
    sum += at[200 * page];
    EXPECT(pages_mine(at, whole, &bytes) && bytes >= page && bytes < whole);
    EXPECT(pages_mine(at + 200 * page + 1, page - 1, &bytes) && bytes == page - 1);
    for (size_t i = 0; i < PAGES; i++) sum += at[i * page];
    EXPECT(pages_mine(at, whole, &bytes) && bytes == whole);
    EXPECT(pages_mine(at + 7, 0, &bytes) && bytes == 0);
    EXPECT(pages_resident(&after) && after > PAGES * page / 2 && sum == 0);
    (void)munmap(at, whole);
}
