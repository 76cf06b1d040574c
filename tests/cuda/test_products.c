/* Products by cuBLASLt: which algorithm was the fastest is kept in a file, and what a file says is not believed blindly. */
#include "backend/cuda/lt.h"
#include "base/file.h"
#include "base/str.h"
#include "device.h"
#include "test.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SIDE = 384 };                            /* large enough to be timed */

static const struct lt_product square = { .m = SIDE, .n = SIDE, .k = SIDE, .a_m = SIDE, .a_k = 1, .b_k = SIDE, .b_n = 1, .c_m = SIDE, .c_n = 1, .batch = 1, .in = RK_f32,
                                          .in_b = RK_f32, .out = RK_f32, .alpha = 1 };
static char path[] = "/tmp/reckon-products-XXXXXX";

/* One process's life: what is there is read, the product is prepared and made once, and what was learned is kept. Returns y[0] of x = w = 1. */
static float live(rk_ctx *ctx)
{
    struct cuda_machine *m;
    struct backend b;
    struct lt *lt;
    float *x, *y, ones[SIDE], first;
    size_t bytes = sizeof(float) * SIDE * SIDE;
    device_of_test(ctx, &m, &b);
    for (int i = 0; i < SIDE; i++) ones[i] = 1;
    OK(ctx, lt_open(ctx, NULL, &lt));
    OK(ctx, lt_recall(ctx, lt, path, "this device"));
    OK(ctx, b.alloc(ctx, bytes, (void **)&x));
    OK(ctx, b.alloc(ctx, bytes, (void **)&y));
    for (int i = 0; i < SIDE; i++) OK(ctx, b.write(ctx, x + i * SIDE, RK_f32, ones, RK_f32, SIDE));
    OK(ctx, lt_prepare(ctx, lt, &square));
    OK(ctx, lt_run(ctx, lt, &square, x, x, y));
    OK(ctx, b.read(ctx, &first, RK_f32, y, RK_f32, 1));
    OK(ctx, lt_keep(ctx, lt, path, "this device"));
    b.free(ctx, x, bytes);
    b.free(ctx, y, bytes);
    lt_close(ctx, lt);
    cuda_close(m);
    return first;
}

static struct str kept(rk_ctx *ctx)
{
    struct str text = { 0 };
    OK(ctx, file_read(ctx, path, 1 << 20, &text));
    return text;
}

static void put(rk_ctx *ctx, const char *text)
{
    struct file_writer w;
    OK(ctx, file_create(ctx, &w, path));
    OK(ctx, file_write(ctx, &w, text, strlen(text)));
    OK(ctx, file_commit(ctx, &w));
}

TEST(choices_are_kept_and_only_believed_where_they_can_be)
{
    rk_ctx *ctx;
    int fd = mkstemp(path);
    REQUIRE(fd >= 0 && rk_ctx_open(NULL, &ctx) == RK_OK);
    (void)close(fd);
    EXPECT(live(ctx) == SIDE);
    struct str first = kept(ctx);
    EXPECT(strncmp(str_c(&first), "reckon products 1, cuBLASLt ", 28) == 0 && strstr(str_c(&first), "this device\n384 384 384 ") != NULL);

    EXPECT(live(ctx) == SIDE);                          /* nothing is learned: the file is what it was */
    struct str second = kept(ctx);
    EXPECT(strcmp(str_c(&first), str_c(&second)) == 0);

    struct str damaged = { 0 };                         /* the last words of an algorithm become others, which nobody offers */
    size_t n = (size_t)first.n;
    for (int words = 0; words < 2; n--) words += str_c(&first)[n - 1] == ' ';
    OK(ctx, str_add(ctx, &damaged, str_c(&first), n));
    OK(ctx, str_text(ctx, &damaged, " bad bad\n"));
    put(ctx, str_c(&damaged));
    EXPECT(live(ctx) == SIDE);
    struct str third = kept(ctx);
    EXPECT(strstr(str_c(&third), "bad bad") == NULL && strstr(str_c(&third), "this device\n384 384 384 ") != NULL);

    put(ctx, "reckon products 1, another library, this device\n384 nonsense\n");
    EXPECT(live(ctx) == SIDE);
    put(ctx, "");
    EXPECT(live(ctx) == SIDE);
    str_free(ctx, &damaged), str_free(ctx, &first), str_free(ctx, &second), str_free(ctx, &third);
    (void)unlink(path);
    EXPECT(rk_ctx_bytes(ctx) == 0);
    rk_ctx_close(ctx);
}
