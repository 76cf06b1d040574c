/* npy: read as numpy writes it, refused by name where not, and written so that it reads back. */
#include "io/bundle.h"
#include "test.h"
#include <stdlib.h>

/* A file of some version around a literal; the length field may lie. */
static rk_status open_made(rk_ctx *ctx, int version, const char *literal, long lie, size_t data, struct bundle *b)
{
    unsigned char bytes[1024] = "\x93NUMPY";
    size_t n = strlen(literal), start = version == 1 ? 10 : 12, length = lie >= 0 ? (size_t)lie : n;
    bytes[6] = (unsigned char)version;
    for (size_t i = 8; i < start; i++) bytes[i] = (unsigned char)(length >> 8 * (i - 8));
    memcpy(bytes + start, literal, n);
    for (size_t i = 0; i < data; i++) bytes[start + n + i] = (unsigned char)(i + 1);
    return bundle_open(ctx, test_write("array.npy", bytes, start + n + data), b);
}

TEST(three_versions_are_read)
{
    rk_ctx *ctx = test_ctx();
    for (int version = 1; version <= 3; version++) {
        struct bundle b;
        OK(ctx, open_made(ctx, version, "{'descr': '<i2', 'fortran_order': False, 'shape': (2, 3), }   \n", -1, 12, &b));
        const struct bundle_entry *e = bundle_find(&b, "array");
        REQUIRE(e != NULL && b.entries.n == 1);
        EXPECT(e->dtype == RK_i16 && e->rank == 2 && e->shape[0] == 2 && e->shape[1] == 3 && e->bytes == 12);
        EXPECT(((const unsigned char *)e->data)[11] == 12);
        EXPECT_TEXT(b.format, "npy");
        bundle_close(ctx, &b);
    }
}

#define LITERAL(descr, order, shape) "{'descr': " descr ", 'fortran_order': " order ", 'shape': " shape "}"

static const struct { int version; const char *literal; long lie; size_t data; rk_status status; const char *words; } cases[] = {
    { 1, LITERAL("'<f4'", "False", "()"), -1, 4,                        RK_OK,         "" },
    { 1, LITERAL("'<f4'", "False", "(0, 9223372036854775807)"), -1, 0,  RK_OK,         "" },
    { 1, "{'shape':(1,),'descr':'<u1','fortran_order':False,}", -1, 1,  RK_OK,         "" },
    { 1, LITERAL("'<f4'", "True", "(1,)"), -1, 4,                       RK_E_DECLINED, "Fortran order" },
    { 1, LITERAL("'>f4'", "False", "(1,)"), -1, 4,                      RK_E_DECLINED, "'>f4' is big-endian" },
    { 1, LITERAL("'<U5'", "False", "(1,)"), -1, 20,                     RK_E_DECLINED, "the dtype '<U5' is not known" },
    { 1, LITERAL("'|O'", "False", "(1,)"), -1, 8,                       RK_E_DECLINED, "the dtype '|O' is not known" },
    { 1, LITERAL("'|f4'", "False", "(1,)"), -1, 4,                      RK_E_DECLINED, "the dtype '|f4' is not known" },
    { 1, LITERAL("[('a', '<f4')]", "False", "(1,)"), -1, 4,             RK_E_DECLINED, "records" },
    { 1, LITERAL("'<f4'", "False", "(2,)"), -1, 7,                      RK_E_FORMAT,   "7 bytes of data for a dtype and shape of 8: truncated?" },
    { 1, LITERAL("'<f4'", "False", "(2,)"), -1, 9,                      RK_E_FORMAT,   "9 bytes of data for a dtype and shape of 8" },
    { 1, LITERAL("'<f4'", "False", "(-2,)"), -1, 8,                     RK_E_FORMAT,   "expected a size, found \"-2,)}\"" },
    { 1, LITERAL("'<f4'", "False", "(2 3)"), -1, 8,                     RK_E_FORMAT,   "expected ',' or ')'" },
    { 1, LITERAL("'<f4'", "False", "(,)"), -1, 4,                       RK_E_FORMAT,   "expected a size" },
    { 1, LITERAL("'<f4'", "False", "2"), -1, 8,                         RK_E_FORMAT,   "a shape in parentheses" },
    { 1, LITERAL("'<f4'", "None", "(1,)"), -1, 4,                       RK_E_FORMAT,   "True or False" },
    { 1, LITERAL("f4", "False", "(1,)"), -1, 4,                         RK_E_FORMAT,   "a dtype in quotes" },
    { 1, "{'descr': '<f4", -1, 0,                                       RK_E_FORMAT,   "its closing quote" },
    { 1, LITERAL("'<f4'", "False", "(99999999999999999999,)"), -1, 4,   RK_E_LIMIT,    "does not fit 64 bits" },
    { 1, LITERAL("'<f8'", "False", "(4611686018427387904,)"), -1, 0,    RK_E_LIMIT,    "more bytes than an address can hold" },
    { 1, LITERAL("'|u1'", "False", "(1,1,1,1,1,1,1,1,1)"), -1, 1,       RK_E_LIMIT,    "more than 8 dimensions" },
    { 1, "{'descr': '<f4', 'fortran_order': False}", -1, 0,             RK_E_FORMAT,   "expected descr, fortran_order and shape" },
    { 1, "{'descr': '<f4', 'descr': '<f4'}", -1, 0,                     RK_E_FORMAT,   "each once" },
    { 1, "{'descr': '<f4' 'shape': ()}", -1, 0,                         RK_E_FORMAT,   "',' or '}'" },
    { 1, LITERAL("'<f4'", "False", "(1,)") " x", -1, 4,                 RK_E_FORMAT,   "expected nothing more" },
    { 1, "", -1, 0,                                                     RK_E_FORMAT,   "expected '{'" },
    { 2, "{}", 1000, 0,                                                 RK_E_FORMAT,   "should have 1000 bytes, and the file ends after 2 of them" },
    { 2, "{}", 4000000000, 0,                                           RK_E_LIMIT,    "a header of 4000000000 bytes; the limit is 65536" },
    { 4, "{}", -1, 0,                                                   RK_E_DECLINED, "version 4 of npy is not known" },
};

TEST(every_case_has_its_answer)
{
    rk_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bundle b;
        rk_status status = open_made(ctx, cases[i].version, cases[i].literal, cases[i].lie, cases[i].data, &b);
        if (cases[i].status == RK_OK) OK(ctx, status);
        else FAILS(ctx, status, cases[i].status, cases[i].words);
        EXPECT(status == RK_OK || strstr(rk_error_message(ctx), "array.npy") != NULL);
        if (status == RK_OK) bundle_close(ctx, &b);
        EXPECT_INT(rk_ctx_bytes(ctx), 0);
    }
}

TEST(short_files)
{
    rk_ctx *ctx = test_ctx();
    for (size_t n = 0; n < 10; n++) {
        struct bundle b;
        FILE *f = fopen(test_path("array.npy"), "wb");
        REQUIRE(f != NULL && fwrite("\x93NUMPY\1\0\5", 1, n, f) == n && fclose(f) == 0);
        FAILS(ctx, bundle_open(ctx, test_path("array.npy"), &b), RK_E_FORMAT, n == 0 ? "empty" : "too short for an npy header");
    }
}

TEST(reading_undoes_writing)
{
    static const rk_dtype able[] = { RK_f64, RK_f32, RK_f16, RK_i64, RK_i32, RK_i16, RK_i8, RK_u16, RK_u8, RK_bool };
    static const size_t sizes[] = { 8, 4, 2, 8, 4, 2, 1, 2, 1, 1 };
    rk_ctx *ctx = test_ctx();
    for (int round = 0; round < 200; round++) {
        int64_t shape[RK_MAX_RANK], n = 1;
        unsigned char data[8 * 6561];
        struct bundle b;
        int rank = (int)test_random(RK_MAX_RANK + 1);
        size_t which = (size_t)test_random(10);
        for (int k = 0; k < rank; k++) n *= shape[k] = (int64_t)test_random(4);
        for (size_t i = 0; i < sizes[which] * (size_t)n; i++) data[i] = (unsigned char)test_random(256);
        OK(ctx, npy_write(ctx, test_path("array.npy"), able[which], rank, shape, data));
        OK(ctx, bundle_open(ctx, test_path("array.npy"), &b));
        const struct bundle_entry *e = bundle_find(&b, "array");
        REQUIRE(e != NULL);
        EXPECT(e->dtype == able[which] && e->rank == rank && memcmp(e->shape, shape, (size_t)rank * sizeof *shape) == 0);
        EXPECT(e->bytes == sizes[which] * (size_t)n && memcmp(e->data, data, e->bytes) == 0);
        EXPECT(e->aligned && e->offset % 64 == 0);
        bundle_close(ctx, &b);
    }
    FAILS(ctx, npy_write(ctx, test_path("array.npy"), RK_bf16, 0, NULL, ""), RK_E_DECLINED, "npy has no dtype for BF16");
    FAILS(ctx, npy_write(ctx, test_path("array.npy"), RK_f32, 9, NULL, ""), RK_E_ARG, "an array of rank 9");
    FAILS(ctx, npy_write(ctx, test_path("no/array.npy"), RK_f32, 0, NULL, "1234"), RK_E_MISSING, "no/array.npy");
}
