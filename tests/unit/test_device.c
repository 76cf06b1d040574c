/* Devices: each opens and says what it is; what was measured is kept and believed only of this machine; promises are those
 * of data sheets. labels: threads */
#include "base/ctx.h"
#include "run/device.h"
#include "test.h"
#include <stdlib.h>

static char place[600];
static const char *cache_file(void)
{
    (void)snprintf(place, sizeof place, "%s/below/machine.json", test_temporary());
    return place;
}

static size_t read_file(const char *path, char *text, size_t room)
{
    FILE *f = fopen(path, "rb");
    size_t n = f == NULL ? 0 : fread(text, 1, room - 1, f);
    if (f != NULL) (void)fclose(f);
    text[n] = '\0';
    return n;
}

TEST(every_device_opens)
{
    static const char *const names[] = { "cpu", "ref", "meter", "guard" };
    rk_ctx *ctx = test_ctx();
    rk_device *d;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        OK(ctx, rk_device_open(ctx, names[i], &(rk_device_options){ .blas = "own" }, &d));
        EXPECT_TEXT(rk_device_name(d), names[i]);
        EXPECT(strncmp(rk_device_text(d), names[i], strlen(names[i])) == 0);
        EXPECT(device_backend(d)->alloc != NULL && device_ctx(d) == ctx);
        rk_device_close(d);
    }
    FAILS(ctx, rk_device_open(ctx, "tpu", NULL, &d), RK_E_UNKNOWN, "tpu");
    EXPECT(d == NULL && strstr(rk_error_hint(ctx), "cpu") != NULL);
    rk_device_close(NULL);
}

TEST(what_was_measured_is_kept)
{
    static char first[20000], second[20000];
    rk_ctx *ctx = test_ctx();
    rk_device *d;
    rk_ceilings a, b;
    const rk_device_options options = { .cache = cache_file() };
    OK(ctx, rk_device_open(ctx, "cpu", &options, &d));
    OK(ctx, rk_device_ceilings(d, false, &a));
    EXPECT(a.fma_flops > 1e8 && a.gemm_flops > 1e7 && a.read_bytes > 1e7 && a.copy_bytes > 1e7 && a.threads == rk_ctx_threads(ctx));
    rk_device_close(d);
    EXPECT(read_file(cache_file(), first, sizeof first) > 0);
    OK(ctx, rk_device_open(ctx, "cpu", &options, &d));
    OK(ctx, rk_device_ceilings(d, false, &b));
    EXPECT(a.fma_flops == b.fma_flops && a.gemm_flops == b.gemm_flops && a.read_bytes == b.read_bytes && a.copy_bytes == b.copy_bytes);     /* read, not measured again */
    rk_device_close(d);
    EXPECT(read_file(cache_file(), second, sizeof second) > 0);
    EXPECT_TEXT(second, first);
}

TEST(a_file_that_says_nonsense_is_measured_over)
{
    static const char *const wrong[] = { "", "{", "[]", "{\"machine\": 3}", "{\"machine\": \"another one\", \"library\": {}}", "\xff\xfe" };
    rk_ctx *ctx = test_ctx();
    rk_device *d;
    const rk_device_options options = { .cache = cache_file(), .blas = NULL };
    OK(ctx, rk_device_open(ctx, "cpu", &options, &d));
    rk_device_close(d);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        FILE *f = fopen(cache_file(), "wb");
        if (f == NULL) SKIP("no library is raced here, so nothing is kept");
        (void)fputs(wrong[i], f);
        (void)fclose(f);
        OK(ctx, rk_device_open(ctx, "cpu", &options, &d));
        EXPECT_TEXT(rk_error_message(ctx), "");
        rk_device_close(d);
    }
}

TEST(a_cache_that_cannot_be_written_is_no_error)
{
    rk_ctx *ctx = test_ctx();
    rk_device *d;
    OK(ctx, rk_device_open(ctx, "cpu", &(rk_device_options){ .cache = "/proc/nothing/here.json" }, &d));
    rk_device_close(d);
}

/* Who is told to make the products is who makes them: a library that was asked for, all of them; our own, where none is wanted. */
TEST(races_tell_who_makes_the_products)
{
    rk_ctx *ctx = test_ctx();
    rk_race races[16];
    rk_library library;
    rk_device *d;
    int n = 0;
    OK(ctx, rk_device_open(ctx, "cpu", &(rk_device_options){ .blas = "own" }, &d));
    OK(ctx, rk_device_races(d, 16, races, &n));
    EXPECT(n > 0);
    for (int i = 0; i < n; i++) EXPECT(races[i].n == 1 && races[i].winner == 0 && races[i].flops[0] > 0);
    rk_device_close(d);
    for (int k = 0; rk_library_at(k, &library); k++) {
        if (rk_device_open(ctx, "cpu", &(rk_device_options){ .blas = library.name }, &d) != RK_OK) {
            rk_error_clear(ctx);                            /* not installed */
            continue;
        }
        OK(ctx, rk_device_races(d, 16, races, &n));
        for (int i = 0; i < n; i++) EXPECT(races[i].n == 2 && races[i].winner == 1 && races[i].flops[1] > 0);
        EXPECT_TEXT(races[0].racer[1], library.name);
        rk_device_close(d);
        break;                                              /* one is enough: it takes half a second */
    }
}

static rk_status open_close(rk_ctx *ctx)
{
    rk_device *d;
    TRY(rk_device_open(ctx, "cpu", &(rk_device_options){ .blas = "own", .cache = cache_file() }, &d));
    rk_device_close(d);
    return RK_OK;
}

TEST(opening_with_no_memory) { FOR_EVERY_FAILED_ALLOCATION(open_close); }

TEST(what_a_device_says_of_itself)
{
    rk_ctx *ctx = test_ctx();
    rk_device *d;
    rk_ceilings a = { .threads = -1 }, b;
    uint64_t all = 1, free_bytes = 2;
    OK(ctx, rk_device_open(ctx, "cpu", &(rk_device_options){ .blas = "own" }, &d));
    EXPECT_TEXT(rk_device_library(d), "");
    EXPECT(!rk_device_memory(d, &all, &free_bytes) && all == 1 && free_bytes == 2);      /* it is the host's */
    EXPECT(!rk_device_measured(d, &a) && a.threads == -1);              /* nothing is made up before it is measured */
    OK(ctx, rk_device_ceilings(d, true, &b));
    EXPECT(rk_device_measured(d, &a) && a.gemm_flops == b.gemm_flops && a.read_bytes == b.read_bytes);
    rk_device_close(d);
}

/* A wish is of a variable that some library here reads, each once; and it is the same however often it is asked. */
TEST(wishes_are_told_apart)
{
    rk_wish w, before;
    int n = 0;
    for (; rk_device_wish(n, &w); n++) {
        EXPECT(w.variable[0] != '\0' && w.value[0] != '\0');
        for (int k = 0; k < n; k++) EXPECT(rk_device_wish(k, &before) && strcmp(before.variable, w.variable) != 0);
    }
    EXPECT(n <= 8 && !rk_device_wish(-1, &w) && !rk_device_wish(n, &w));
}

TEST(a_process_has_held_what_it_holds)
{
    enum { BYTES = 64 << 20 };
    int64_t before = rk_process_peak_bytes();
    if (before < 0) SKIP("the system does not say");
    char *held = malloc(BYTES);
    REQUIRE(held != NULL);
    memset(held, 1, BYTES);
    EXPECT(rk_process_peak_bytes() >= BYTES + (int64_t)(held[BYTES - 1] - 1));
    free(held);
    EXPECT(rk_process_peak_bytes() >= BYTES && rk_process_peak_bytes() >= before);
}
