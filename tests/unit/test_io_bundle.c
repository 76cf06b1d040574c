/* Bundles: what was written is what is read, and every way in which a file can lie has its own answer. */
#include "io/bundle.h"
#include "base/utf8.h"
#include "test.h"
#include <stdlib.h>

static const size_t sizes[] = {
#define ROW(name, bytes, kind, written, exponent, mantissa) bytes,
#include "reckon/dtype.def"
#undef ROW
};

/* Bytes of array i as a function of its place, so that nothing has to be kept. */
static void fill(unsigned char *to, size_t n, int i)
{
    for (size_t k = 0; k < n; k++) to[k] = (unsigned char)(k * 7 + (size_t)i * 13 + (k >> 8));
}

struct made { char name[80]; rk_dtype dtype; int rank; int64_t shape[RK_MAX_RANK]; size_t bytes; };

static void make(struct made *m, int i)
{
    static const uint32_t bounds[] = { 0x80, 0x800, 0x10000, 0x110000 };
    size_t n = 0;
    for (uint64_t left = test_random(10); left > 0; left--) {
        uint32_t code = (uint32_t)test_random(bounds[test_random(4)]);
        if (code > 0) n += utf8_put(m->name + n, code);
    }
    (void)snprintf(m->name + n, sizeof m->name - n, "%d", i);
    m->dtype = (rk_dtype)test_random(RK_DTYPE_COUNT);
    m->rank = (int)test_random(RK_MAX_RANK + 1);
    m->bytes = sizes[m->dtype];
    for (int k = 0; k < m->rank; k++) m->bytes *= (size_t)(m->shape[k] = (int64_t)test_random(test_random(4) == 0 ? 1 + test_random(2) : 4));
}

static void write_made(rk_ctx *ctx, const char *path, const struct made *all, int n)
{
    struct bundle_writer w = { .begun = false };
    unsigned char *data = malloc(1 << 20);
    OK(ctx, bundle_declare_note(ctx, &w, "format", "pt \"quoted\"\n\xc3\xa9"));
    for (int i = 0; i < n; i++) OK(ctx, bundle_declare(ctx, &w, all[i].name, all[i].dtype, all[i].rank, all[i].shape));
    OK(ctx, bundle_begin(ctx, &w, path));
    for (int i = 0; i < n; i++) {
        size_t half = all[i].bytes == 0 ? 0 : test_random(all[i].bytes);
        fill(data, all[i].bytes, i);
        OK(ctx, bundle_write(ctx, &w, all[i].name, data, half));
        OK(ctx, bundle_write(ctx, &w, all[i].name, data + half, all[i].bytes - half));
    }
    OK(ctx, bundle_commit(ctx, &w));
    free(data);
}

static void check_entry(const struct bundle_entry *e, const struct made *m, int i)
{
    unsigned char *data = malloc(m->bytes + 1);
    REQUIRE(e != NULL);
    EXPECT_TEXT(e->name.at, m->name);
    EXPECT_INT(e->dtype, m->dtype);
    EXPECT_INT(e->rank, m->rank);
    EXPECT(m->rank == 0 || memcmp(e->shape, m->shape, (size_t)m->rank * sizeof *m->shape) == 0);
    EXPECT_INT(e->bytes, m->bytes);
    EXPECT(e->aligned == ((uintptr_t)e->data % sizes[e->dtype] == 0));
    fill(data, m->bytes, i);
    EXPECT(e->data != NULL && memcmp(e->data, data, m->bytes) == 0);
    free(data);
}

TEST(reading_undoes_writing)
{
    rk_ctx *ctx = test_ctx();
    for (int round = 0; round < 100; round++) {
        static struct made all[40];
        struct bundle b;
        int n = (int)test_random(40);
        for (int i = 0; i < n; i++) make(&all[i], i);
        write_made(ctx, test_path("x.safetensors"), all, n);
        OK(ctx, bundle_open(ctx, test_path("x.safetensors"), &b));
        EXPECT_INT(b.entries.n, n);
        EXPECT_TEXT(b.format, "safetensors");
        EXPECT_TEXT(bundle_note(&b, "format"), "pt \"quoted\"\n\xc3\xa9");
        EXPECT(bundle_note(&b, "none") == NULL && bundle_find(&b, "none") == NULL);
        for (int i = 0; i < n; i++) {
            check_entry(&b.entries.at[i], &all[i], i);
            EXPECT(bundle_find(&b, all[i].name) == &b.entries.at[i]);
        }
        bundle_close(ctx, &b);
    }
}

/* A file: length, header, so many zero bytes of data. */
static rk_status open_made(rk_ctx *ctx, uint64_t length, const char *header, size_t data)
{
    size_t n = strlen(header);
    unsigned char *bytes = calloc(1, 8 + n + data);
    struct bundle b;
    for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)(length >> 8 * i);
    memcpy(bytes + 8, header, n);
    const char *path = test_write("x.safetensors", bytes, 8 + n + data);
    free(bytes);
    rk_status status = bundle_open(ctx, path, &b);
    if (status == RK_OK) bundle_close(ctx, &b);
    return status;
}

#define ONE(dtype, shape, offsets) "\"w\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}"
#define TWO(offsets) ",\"v\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":" offsets "}"

static const struct { const char *header; size_t data; rk_status status; const char *words; } lies[] = {
    { "{" ONE("\"F32\"", "[2]", "[0,8]") "}", 8,                         RK_OK,         "" },
    { "{" ONE("\"F32\"", "[2]", "[0,8]") "}   ", 8,                      RK_OK,         "" },
    { "{" ONE("\"F32\"", "[]", "[0,4]") "}", 4,                          RK_OK,         "" },
    { "{" ONE("\"F32\"", "[0,9223372036854775807,9]", "[0,0]") "}", 0,   RK_OK,         "" },
    { "{" ONE("\"U8\"", "[4]", "[4,8]") TWO("[0,4]") "}", 8,             RK_OK,         "" },
    { "{}", 0,                                                           RK_OK,         "" },
    { "", 100,                                                           RK_E_FORMAT,   "byte 8: the header should begin with '{'" },
    { "[]", 0,                                                           RK_E_FORMAT,   "byte 8: the header should begin with '{'" },
    { "{\"w\" 7}", 0,                                                    RK_E_FORMAT,   "(header): byte 5 (line 1, column 6): expected ':'" },
    { "{} {}", 0,                                                        RK_E_FORMAT,   "expected nothing more" },
    { "{\"w\":7}", 0,                                                    RK_E_FORMAT,   "w: expected an object, found the number 7" },
    { "{\"__metadata__\":[]}", 0,                                        RK_E_FORMAT,   "__metadata__: expected an object" },
    { "{\"__metadata__\":{\"a\":1}}", 0,                                 RK_E_FORMAT,   "__metadata__.a: expected a string" },
    { "{" ONE("\"F32\"", "[2]", "[-8,0]") "}", 8,                        RK_E_FORMAT,   "w.data_offsets[0]: expected an integer from 0" },
    { "{" ONE("\"F32\"", "[2]", "[8,0]") "}", 8,                         RK_E_FORMAT,   "the end 0 lies before the begin 8" },
    { "{" ONE("\"F32\"", "[2]", "[0,8]") "}", 7,                         RK_E_FORMAT,   "the end 8 lies beyond the 7 bytes of data" },
    { "{" ONE("\"F32\"", "[2]", "[0,8]") "}", 9,                         RK_E_FORMAT,   "1 bytes after the last tensor belong to none" },
    { "{" ONE("\"F32\"", "[3]", "[0,8]") "}", 8,                         RK_E_FORMAT,   "8 bytes for a dtype and shape of 12" },
    { "{" ONE("\"F32\"", "[2]", "[0,8,9]") "}", 8,                       RK_E_FORMAT,   "expected begin and end, found 3 values" },
    { "{" ONE("\"F32\"", "[2]", "[0,1e1]") "}", 8,                       RK_E_FORMAT,   "expected an integer, found the number 1e1" },
    { "{" ONE("\"F32\"", "[2]", "[0,18446744073709551624]") "}", 8,      RK_E_FORMAT,   "expected an integer, found the number 18446744073709551624" },
    { "{" ONE("\"F32\"", "[-2]", "[0,8]") "}", 8,                        RK_E_FORMAT,   "w.shape[0]: expected an integer from 0" },
    { "{" ONE("\"F64\"", "[4611686018427387904]", "[0,0]") "}", 0,       RK_E_LIMIT,    "more bytes than an address can hold" },
    { "{" ONE("\"F64\"", "[4294967296,4294967296]", "[0,0]") "}", 0,     RK_E_LIMIT,    "more bytes than an address can hold" },
    { "{" ONE("\"U8\"", "[1,1,1,1,1,1,1,1,1]", "[0,1]") "}", 1,          RK_E_LIMIT,    "9 dimensions, more than 8" },
    { "{" ONE("\"F8_E8M0\"", "[1]", "[0,1]") "}", 1,                     RK_E_DECLINED, "w: the dtype F8_E8M0 is not known" },
    { "{" ONE("\"U64\"", "[1]", "[0,8]") "}", 8,                         RK_E_DECLINED, "w: the dtype U64 is not known" },
    { "{" ONE("3", "[1]", "[0,8]") "}", 8,                               RK_E_FORMAT,   "w.dtype: expected a string" },
    { "{\"w\":{\"dtype\":\"U8\",\"shape\":[1]}}", 1,                     RK_E_MISSING,  "w: the key \"data_offsets\" is missing" },
    { "{\"w\":{\"dtype\":\"U8\",\"data_offsets\":[0,1]}}", 1,            RK_E_MISSING,  "w: the key \"shape\" is missing" },
    { "{\"w\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"x\":1}}", 1, RK_E_FORMAT, "found 4 keys" },
    { "{" ONE("\"U8\"", "[4]", "[0,4]") TWO("[2,6]") "}", 6,             RK_E_FORMAT,   "\"v\" begins at byte" },
    { "{" ONE("\"U8\"", "[4]", "[0,4]") TWO("[2,6]") "}", 6,             RK_E_FORMAT,   "overlapping" },
    { "{" ONE("\"U8\"", "[4]", "[0,4]") TWO("[0,4]") "}", 4,             RK_E_FORMAT,   "overlapping" },
    { "{" ONE("\"U8\"", "[4]", "[0,4]") TWO("[5,9]") "}", 9,             RK_E_FORMAT,   "leaving a gap" },
    { "{" ONE("\"U8\"", "[4]", "[1,5]") "}", 5,                          RK_E_FORMAT,   "leaving a gap" },
    { "{" ONE("\"U8\"", "[0]", "[2,2]") TWO("[0,4]") "}", 4,             RK_E_FORMAT,   "overlapping" },
    { "{" ONE("\"U8\"", "[4]", "[0,4]") "," ONE("\"U8\"", "[4]", "[4,8]") "}", 8, RK_E_FORMAT, "tensor \"w\" is also in" },
    { "{\"a\\u0000b\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]}}", 1, RK_E_FORMAT, "a zero byte inside a tensor's name" },
};

TEST(every_lie_has_its_answer)
{
    rk_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        rk_status status = open_made(ctx, strlen(lies[i].header), lies[i].header, lies[i].data);
        if (lies[i].status == RK_OK) OK(ctx, status);
        else FAILS(ctx, status, lies[i].status, lies[i].words);
        EXPECT(status == RK_OK || strstr(rk_error_message(ctx), "x.safetensors") != NULL);
        EXPECT_INT(rk_ctx_bytes(ctx), 0);
    }
}

TEST(lengths_that_lie)
{
    rk_ctx *ctx = test_ctx();
    struct bundle b;
    FAILS(ctx, bundle_open(ctx, test_path("none.safetensors"), &b), RK_E_MISSING, "none.safetensors");
    FAILS(ctx, bundle_open(ctx, test_write("x.safetensors", "", 0), &b), RK_E_FORMAT, "the file is empty");
    FAILS(ctx, bundle_open(ctx, test_write("x.safetensors", "1234567", 7), &b), RK_E_FORMAT, "7 bytes, too short");
    FAILS(ctx, bundle_open(ctx, test_write("x.safetensors", "\0\0\0\0\0\0\0\0", 8), &b), RK_E_FORMAT, "should begin with '{'");
    FAILS(ctx, open_made(ctx, 10000000000, "{}", 0), RK_E_LIMIT, "a header of 10000000000 bytes; the limit is 100000000");
    FAILS(ctx, open_made(ctx, UINT64_MAX, "{}", 0), RK_E_LIMIT, "a header of 18446744073709551615 bytes");
    FAILS(ctx, open_made(ctx, 50, "{}", 3), RK_E_FORMAT, "should have 50 bytes, and the file ends after 5 of them");
    EXPECT_INT(rk_ctx_bytes(ctx), 0);
}

TEST(a_header_of_a_million_brackets)
{
    rk_ctx *ctx = test_ctx();
    size_t n = 5000000;
    char *text = malloc(n + 1);
    for (size_t i = 0; i < n; i += 5) memcpy(text + i, "{\"a\":", 5);
    text[n] = '\0';
    FAILS(ctx, open_made(ctx, n, text, 0), RK_E_LIMIT, "more than 64 deep");
    free(text);
}

TEST(many_tensors)
{
    rk_ctx *ctx = test_ctx();
    struct bundle_writer w = { .begun = false };
    struct bundle b;
    enum { MANY = 100000 };
    char name[32];
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(name, sizeof name, "h.%d.weight", i);
        OK(ctx, bundle_declare(ctx, &w, name, RK_u8, 1, &(int64_t){ 1 }));
    }
    OK(ctx, bundle_begin(ctx, &w, test_path("x.safetensors")));
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(name, sizeof name, "h.%d.weight", i);
        OK(ctx, bundle_write(ctx, &w, name, &(unsigned char){ (unsigned char)i }, 1));
    }
    OK(ctx, bundle_commit(ctx, &w));
    OK(ctx, bundle_open(ctx, test_path("x.safetensors"), &b));
    EXPECT_INT(b.entries.n, MANY);
    const struct bundle_entry *e = bundle_find(&b, "h.77777.weight");
    EXPECT(e != NULL && *(const unsigned char *)e->data == (77777 & 255));
    bundle_close(ctx, &b);
}

TEST(what_is_no_file_of_arrays)
{
    rk_ctx *ctx = test_ctx();
    struct bundle b;
    FAILS(ctx, bundle_open(ctx, test_write("x.bin", "PK\3\4 and more", 13), &b), RK_E_FORMAT, "truncated?");
    FAILS(ctx, bundle_open(ctx, test_write("x.bin", "hello, world", 12), &b), RK_E_FORMAT, "not a file of arrays");
    EXPECT_TEXT(rk_error_hint(ctx), "");
    FAILS(ctx, bundle_open(ctx, test_write("x.safetensors", "and much more", 13), &b), RK_E_LIMIT, "ask for a header of");
}

TEST(the_reader_says_what_is_missing)
{
    rk_ctx *ctx = test_ctx();
    struct made one = { "transformer.h.0.weight", RK_f32, 1, { 2 }, 8 };
    const struct bundle_entry *e;
    struct bundle b;
    write_made(ctx, test_path("x.safetensors"), &one, 1);
    OK(ctx, bundle_open(ctx, test_path("x.safetensors"), &b));
    FAILS(ctx, bundle_get(ctx, &b, "h.0.weight", &e), RK_E_MISSING, "there is no tensor \"h.0.weight\" among its 1");
    EXPECT_TEXT(rk_error_hint(ctx), "there is \"transformer.h.0.weight\"");
    OK(ctx, bundle_get(ctx, &b, "transformer.h.0.weight", &e));
    bundle_close(ctx, &b);
}

TEST(misuse_of_the_writer)
{
    rk_ctx *ctx = test_ctx();
    struct bundle_writer w = { .begun = false };
    int64_t two = 2, huge = INT64_MAX;
    const char *path = test_path("x.safetensors");
    FAILS(ctx, bundle_declare(ctx, &w, "\xff", RK_f32, 1, &two), RK_E_ARG, "is not UTF-8");
    FAILS(ctx, bundle_declare(ctx, &w, "__metadata__", RK_f32, 1, &two), RK_E_ARG, "cannot name a tensor");
    FAILS(ctx, bundle_declare(ctx, &w, "a", RK_f32, 9, &two), RK_E_ARG, "rank 9");
    FAILS(ctx, bundle_declare(ctx, &w, "a", RK_f32, 1, &huge), RK_E_LIMIT, "more bytes than an address can hold");
    OK(ctx, bundle_declare(ctx, &w, "a", RK_u8, 1, &two));
    OK(ctx, bundle_declare(ctx, &w, "a", RK_u8, 1, &two));
    FAILS(ctx, bundle_begin(ctx, &w, path), RK_E_ARG, "\"a\" was declared twice");
    bundle_abandon(ctx, &w);
    OK(ctx, bundle_declare(ctx, &w, "a", RK_u8, 1, &two));
    OK(ctx, bundle_declare(ctx, &w, "b", RK_u8, 1, &two));
    FAILS(ctx, bundle_write(ctx, &w, "a", "12", 2), RK_E_BUG, "broken promise");
    OK(ctx, bundle_begin(ctx, &w, path));
    FAILS(ctx, bundle_write(ctx, &w, "b", "12", 2), RK_E_ARG, "data of \"b\" where tensor a is due");
    FAILS(ctx, bundle_write(ctx, &w, "a", "123", 3), RK_E_ARG, "1 bytes more than its dtype and shape have");
    OK(ctx, bundle_write(ctx, &w, "a", "12", 2));
    OK(ctx, bundle_write(ctx, &w, "b", "1", 1));
    FAILS(ctx, bundle_commit(ctx, &w), RK_E_ARG, "\"b\": 1 of its 2 bytes were given");
    bool there;
    OK(ctx, file_exists(ctx, path, &there));
    EXPECT(!there);
}

/* Two shards and their index in a fresh folder. */
static void write_shards(rk_ctx *ctx, const char *index)
{
    struct made a[] = { { "a", RK_f32, 1, { 2 }, 8 }, { "b", RK_u8, 1, { 3 }, 3 } }, c = { "c", RK_i64, 0, { 0 }, 8 };
    write_made(ctx, test_path("one.safetensors"), a, 2);
    write_made(ctx, test_path("two.safetensors"), &c, 1);
    test_write("model.safetensors.index.json", index, strlen(index));
}

#define INDEX(lines) "{\"metadata\":{\"total_size\":19},\"weight_map\":{" lines "}}"

TEST(shards_are_one_bundle)
{
    rk_ctx *ctx = test_ctx();
    struct bundle b;
    write_shards(ctx, INDEX("\"a\":\"one.safetensors\",\"c\":\"two.safetensors\",\"b\":\"one.safetensors\""));
    OK(ctx, bundle_open(ctx, test_temporary(), &b));
    EXPECT_INT(b.entries.n, 3);
    EXPECT_TEXT(b.format, "index");
    const struct bundle_entry *e = bundle_find(&b, "c");
    REQUIRE(e != NULL);
    EXPECT(strstr(e->path, "/two.safetensors") != NULL && e->rank == 0 && e->bytes == 8);
    bundle_close(ctx, &b);
}

static const struct { const char *index; rk_status status; const char *words; } mixed[] = {
    { "{\"metadata\":{}, \"weight_map\":[]}",                                                     RK_E_FORMAT,  "weight_map: expected an object" },
    { "{\"a\":\"one.safetensors\"}",                                                              RK_E_MISSING, "the key \"weight_map\" is missing" },
    { INDEX("\"a\":\"one.safetensors\",\"b\":\"one.safetensors\",\"c\":\"three.safetensors\""),   RK_E_MISSING, "three.safetensors" },
    { INDEX("\"a\":\"one.safetensors\",\"b\":\"one.safetensors\",\"d\":\"two.safetensors\""),     RK_E_FORMAT,  "tensor \"c\" is in this shard and not in the index" },
    { INDEX("\"a\":\"one.safetensors\",\"c\":\"two.safetensors\""),                               RK_E_FORMAT,  "tensor \"b\" is in this shard and not in the index" },
    { INDEX("\"a\":\"one.safetensors\",\"b\":\"two.safetensors\",\"c\":\"two.safetensors\""),     RK_E_FORMAT,  "says two.safetensors" },
    { INDEX("\"a\":\"one.safetensors\",\"b\":\"one.safetensors\",\"c\":\"two.safetensors\",\"d\":\"one.safetensors\""), RK_E_MISSING, "tensor \"d\" should be in one.safetensors" },
    { INDEX("\"a\":\"../one.safetensors\""),                                                      RK_E_FORMAT,  "weight_map.a: expected the name of a file beside the index" },
    { INDEX("\"a\":\"/etc/passwd\""),                                                             RK_E_FORMAT,  "expected the name of a file beside the index" },
    { INDEX("\"a\":\"..\""),                                                                      RK_E_FORMAT,  "expected the name of a file beside the index" },
    { INDEX("\"a\":\"\""),                                                                        RK_E_FORMAT,  "expected the name of a file beside the index" },
    { INDEX("\"a\":\"x\\n\""),                                                                    RK_E_FORMAT,  "expected the name of a file beside the index" },
    { INDEX("\"a\":1"),                                                                           RK_E_FORMAT,  "weight_map.a: expected a string" },
    { "{\"weight_map\":{\"a\":\"model.safetensors.index.json\"}}",                                RK_E_FORMAT,  "an index of shards among the shards" },
};

TEST(mixed_shards_are_refused)
{
    rk_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof mixed / sizeof *mixed; i++) {
        struct bundle b;
        write_shards(ctx, mixed[i].index);
        FAILS(ctx, bundle_open(ctx, test_temporary(), &b), mixed[i].status, mixed[i].words);
        EXPECT_INT(rk_ctx_bytes(ctx), 0);
    }
}

TEST(which_file_of_a_folder)
{
    rk_ctx *ctx = test_ctx();
    struct made one = { "a", RK_f32, 1, { 2 }, 8 };
    struct bundle b;
    FAILS(ctx, bundle_open(ctx, test_temporary(), &b), RK_E_MISSING, "no file of weights in this folder");
    test_write("other.bin", "PK", 2);
    FAILS(ctx, bundle_open(ctx, test_temporary(), &b), RK_E_MISSING, "no file of weights in this folder");
    EXPECT(strstr(rk_error_hint(ctx), "name the file") != NULL);
    write_made(ctx, test_path("io.safetensors"), &one, 1);
    OK(ctx, bundle_open(ctx, test_temporary(), &b));
    bundle_close(ctx, &b);
    write_made(ctx, test_path("two.safetensors"), &one, 1);
    FAILS(ctx, bundle_open(ctx, test_temporary(), &b), RK_E_MISSING, "2 *.safetensors files");
    write_made(ctx, test_path("model.safetensors"), &one, 1);
    OK(ctx, bundle_open(ctx, test_temporary(), &b));
    EXPECT(strstr(b.path, "/model.safetensors") != NULL);
    bundle_close(ctx, &b);
}

/* Opening reads the header alone: a file with a hole of 64 GiB opens, and nothing of that size is allocated. */
TEST(a_huge_file_opens_at_once)
{
    rk_ctx *ctx = test_ctx();
    struct bundle b;
    char header[200];
    int64_t n = (int64_t)1 << 36;
    int length = snprintf(header, sizeof header, "{\"w\":{\"dtype\":\"U8\",\"shape\":[%lld],\"data_offsets\":[0,%lld]}}", (long long)n, (long long)n);
    FILE *f = fopen(test_path("x.safetensors"), "wb");
    REQUIRE(f != NULL);
    EXPECT(fwrite(&(uint64_t){ (uint64_t)length }, 8, 1, f) == 1 && fwrite(header, (size_t)length, 1, f) == 1);
    bool made = fseeko(f, (off_t)(n - 1), SEEK_CUR) == 0 && fputc(7, f) == 7 && fflush(f) == 0;
    EXPECT(fclose(f) == 0 || !made);
    if (!made) SKIP("no file system with holes");
    OK(ctx, bundle_open(ctx, test_path("x.safetensors"), &b));
    EXPECT(((const unsigned char *)b.entries.at[0].data)[n - 1] == 7 && rk_ctx_peak_bytes(ctx) < 1 << 20);
    bundle_close(ctx, &b);
}
