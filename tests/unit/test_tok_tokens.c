/* Files of ids: Megatron's index as its reader would find it; shards that go on to the same bytes wherever the work was ended. */
#include "base/file.h"
#include "reckon/tokens.h"
#include "test.h"
#include <stdlib.h>
#include <unistd.h>

static uint64_t number(const unsigned char *p, int bytes)
{
    uint64_t x = 0;
    for (int k = bytes; k-- > 0;) x = x << 8 | p[k];
    return x;
}

/* ---- Megatron ---- */

static void write_documents(rk_ctx *ctx, const char *path, unsigned bytes_each, const uint32_t *ids, const size_t *lengths, size_t n)
{
    rk_tokens_writer *w;
    OK(ctx, rk_tokens_create_as(ctx, path, RK_TOKENS_MEGATRON, bytes_each, &w));
    for (size_t i = 0; i < n; ids += lengths[i++]) {
        OK(ctx, rk_tokens_add(ctx, w, ids, lengths[i] / 2));
        OK(ctx, rk_tokens_add(ctx, w, ids + lengths[i] / 2, lengths[i] - lengths[i] / 2));
        OK(ctx, rk_tokens_document(ctx, w));
    }
    OK(ctx, rk_tokens_commit(ctx, w));
}

TEST(the_index_is_megatrons)
{
    rk_ctx *ctx = test_ctx();
    uint32_t ids[700];
    for (uint32_t i = 0; i < 700; i++) ids[i] = i * 7;
    for (unsigned bytes = 2; bytes <= 4; bytes += 2) {
        struct file_view v;
        rk_tokens t;
        write_documents(ctx, test_path("a.bin"), bytes, ids, (size_t[]){ 3, 0, 600, 97 }, 4);
        OK(ctx, file_map(ctx, test_path("a.idx"), &v));
        REQUIRE(v.n == 34 + 3 * 4 + 3 * 8 + 4 * 8);                   /* a document without ids is none */
        EXPECT(memcmp(v.at, "MMIDIDX\0\0\1\0\0\0\0\0\0\0", 17) == 0 && v.at[17] == (bytes == 2 ? 8 : 4));
        EXPECT(number(v.at + 18, 8) == 3 && number(v.at + 26, 8) == 4);
        static const uint64_t lengths[] = { 3, 600, 97 }, offsets[] = { 0, 3, 603 };
        for (uint64_t i = 0; i < 3; i++) {
            EXPECT(number(v.at + 34 + 4 * i, 4) == lengths[i]);
            EXPECT(number(v.at + 46 + 8 * i, 8) == offsets[i] * bytes);
        }
        for (uint64_t i = 0; i < 4; i++) EXPECT(number(v.at + 70 + 8 * i, 8) == i);
        file_unmap(&v);
        OK(ctx, rk_tokens_open(ctx, test_path("a.bin"), 0, &t));        /* the index says how many bytes each takes */
        EXPECT(t.n == 700 && t.bytes_each == bytes && rk_tokens_at(&t, 699) == 699 * 7);
        rk_tokens_close(&t);
    }
}

TEST(an_index_that_does_not_fit_is_refused)
{
    rk_ctx *ctx = test_ctx();
    static const uint32_t ids[10] = { 1, 2, 3 };
    rk_tokens t;
    unsigned char index[200];
    write_documents(ctx, test_path("b.bin"), 2, ids, (size_t[]){ 4, 6 }, 2);
    FILE *f = fopen(test_path("b.idx"), "rb");
    REQUIRE(f != NULL);
    size_t n = fread(index, 1, sizeof index, f);
    (void)fclose(f);
    for (int round = 0; round < 400; round++) {
        unsigned char changed[200];
        memcpy(changed, index, n);
        size_t at = round < (int)n ? (size_t)round : test_random(n), cut = round % 7 == 0 ? test_random(n) : n;
        changed[at] ^= (unsigned char)(1 + test_random(255));
        f = fopen(test_path("b.idx"), "wb");
        REQUIRE(f != NULL && fwrite(changed, 1, cut, f) == cut && fclose(f) == 0);
        rk_status status = rk_tokens_open(ctx, test_path("b.bin"), 0, &t);
        EXPECT(status == RK_E_FORMAT || status == RK_E_DECLINED || (status == RK_OK && t.n == 10));
        if (status == RK_OK) rk_tokens_close(&t);
    }
    rk_tokens_writer *w;
    FAILS(ctx, rk_tokens_create_as(ctx, test_path("b"), RK_TOKENS_MEGATRON, 2, &w), RK_E_ARG, ".bin");
}

/* ---- shards ---- */

enum { DOCUMENTS = 36 };

/* Writes documents until `stop` of them were written in this life: -1: to the end. Returns how many shards there are. */
static uint64_t write_shards(rk_ctx *ctx, const char *output, rk_tokens_format format, int stop)
{
    rk_shards *s;
    rk_shards_rules rules = { format, 2, 100, "text a\nseed 1\n" };
    OK(ctx, rk_shards_open(ctx, output, &rules, &s));
    rk_shards_state told = rk_shards_told(s);
    int written = 0;
    for (uint32_t d = (uint32_t)told.documents; d < DOCUMENTS && written != stop; d++, written++) {
        uint32_t ids[64];
        size_t n = d * 37 % 50;
        for (uint32_t i = 0; i < n; i++) ids[i] = d * 100 + i;
        OK(ctx, rk_shards_add(ctx, s, ids, n));
        OK(ctx, rk_shards_document(ctx, s));
    }
    if (stop < 0) OK(ctx, rk_shards_commit(ctx, s));
    told = rk_shards_told(s);
    EXPECT(told.complete == (stop < 0));
    rk_shards_close(ctx, s);
    return told.shards;
}

static bool same_file(rk_ctx *ctx, const char *a, const char *b)
{
    struct file_view x, y;
    OK(ctx, file_map(ctx, a, &x));
    OK(ctx, file_map(ctx, b, &y));
    bool same = x.n == y.n && memcmp(x.at, y.at, x.n) == 0;
    file_unmap(&x);
    file_unmap(&y);
    return same;
}

TEST(shards_go_on_to_the_same_bytes)
{
    rk_ctx *ctx = test_ctx();
    char a[40], b[40];
    for (int format = RK_TOKENS_RAW; format <= RK_TOKENS_MEGATRON; format++) {
        (void)snprintf(a, sizeof a, "whole%d.bin", format);
        (void)snprintf(b, sizeof b, "parts%d.bin", format);
        uint64_t whole = write_shards(ctx, test_path(a), (rk_tokens_format)format, -1), parts = 0;
        EXPECT(whole > 4);
        for (int life = 0; parts < 4; life++) {
            REQUIRE(life < 40);
            parts = write_shards(ctx, test_path(b), (rk_tokens_format)format, 5 + life);
        }
        EXPECT(write_shards(ctx, test_path(b), (rk_tokens_format)format, -1) == whole);
        EXPECT(write_shards(ctx, test_path(b), (rk_tokens_format)format, -1) == whole);             /* nothing is left to do */
        for (uint64_t i = 0; i < whole; i++) {
            (void)snprintf(a, sizeof a, "whole%d-%05d.bin", format, (int)i);
            (void)snprintf(b, sizeof b, "parts%d-%05d.bin", format, (int)i);
            EXPECT(same_file(ctx, test_path(a), test_path(b)));
        }
    }
}

TEST(a_damaged_shard_is_made_again)
{
    rk_ctx *ctx = test_ctx();
    uint64_t n = write_shards(ctx, test_path("c.bin"), RK_TOKENS_RAW, -1);
    (void)write_shards(ctx, test_path("d.bin"), RK_TOKENS_RAW, -1);
    FILE *f = fopen(test_path("d-00002.bin"), "r+b");
    REQUIRE(f != NULL && fputc('x', f) == 'x' && fclose(f) == 0);
    REQUIRE(unlink(test_path("d-00003.bin")) == 0);
    rk_shards *s;
    rk_shards_rules rules = { RK_TOKENS_RAW, 2, 100, "text a\nseed 1\n" };
    OK(ctx, rk_shards_open(ctx, test_path("d.bin"), &rules, &s));
    EXPECT(rk_shards_told(s).shards == 2 && !rk_shards_told(s).complete);
    rk_shards_close(ctx, s);
    EXPECT(write_shards(ctx, test_path("d.bin"), RK_TOKENS_RAW, -1) == n);
    for (int i = 2; i < 5; i++) {
        char a[40], b[40];
        (void)snprintf(a, sizeof a, "c-%05d.bin", i);
        (void)snprintf(b, sizeof b, "d-%05d.bin", i);
        EXPECT(same_file(ctx, test_path(a), test_path(b)));
    }
    rules.made_from = "text a\nseed 2\n";
    FAILS(ctx, rk_shards_open(ctx, test_path("d.bin"), &rules, &s), RK_E_DIFFERS, "made with \"seed 1\", these would be with \"seed 2\"");
    rules.least = 50;
    FAILS(ctx, rk_shards_open(ctx, test_path("d.bin"), &rules, &s), RK_E_DIFFERS, "50 ids a shard");
    f = fopen(test_path("d.shards.json"), "wb");
    REQUIRE(f != NULL && fputs("{\"schema\": \"reckon.shards/1\", \"format\": 3}", f) >= 0 && fclose(f) == 0);
    FAILS(ctx, rk_shards_open(ctx, test_path("d.bin"), &rules, &s), RK_E_FORMAT, "d.shards.json: format");
    FAILS(ctx, rk_shards_open(ctx, test_path("d"), &rules, &s), RK_E_ARG, ".bin");
}

static const char *faulty;

static rk_status write_faulty(rk_ctx *ctx)
{
    static const uint32_t ids[3] = { 1, 2, 3 };
    rk_shards *s = NULL;
    rk_shards_rules rules = { RK_TOKENS_MEGATRON, 2, 3, "x" };
    rk_status status = rk_shards_open(ctx, faulty, &rules, &s);
    for (uint64_t i = status == RK_OK ? rk_shards_told(s).documents : 3; i < 3 && status == RK_OK; i++) {
        status = rk_shards_add(ctx, s, ids, 3);
        if (status == RK_OK) status = rk_shards_document(ctx, s);
    }
    if (status == RK_OK) status = rk_shards_commit(ctx, s);
    rk_shards_close(ctx, s);
    return status;
}

TEST(memory_may_run_out_anywhere)
{
    faulty = test_path("f.bin");
    FOR_EVERY_FAILED_ALLOCATION(write_faulty);
}

TEST(bytes_that_are_no_whole_number_of_ids_are_counted)
{
    rk_ctx *ctx = test_ctx();
    rk_tokens t;
    FAILS(ctx, rk_tokens_open(ctx, test_write("odd.bin", "1234567", 7), 0, &t), RK_E_FORMAT, "7 bytes are no whole number of ids of 2 bytes");
    EXPECT(strstr(rk_error_hint(ctx), "tok encode") != NULL);
}

/* A shard that is ended by its writer ends there, however few its tokens are; after nothing, or twice, no empty one comes of it. */
TEST(shards_end_where_they_are_split)
{
    rk_ctx *ctx = test_ctx();
    rk_shards *s;
    rk_tokens t;
    rk_shards_rules rules = { RK_TOKENS_RAW, 2, 0, "by hand\n" };
    OK(ctx, rk_shards_open(ctx, test_path("s.bin"), &rules, &s));
    OK(ctx, rk_shards_split(ctx, s));
    EXPECT_INT(rk_shards_told(s).shards, 0);
    for (uint32_t d = 0; d < 5; d++) {
        OK(ctx, rk_shards_add(ctx, s, &d, 1));
        OK(ctx, rk_shards_document(ctx, s));
        if (d == 0 || d == 3) OK(ctx, rk_shards_split(ctx, s));
        if (d == 3) OK(ctx, rk_shards_split(ctx, s));
    }
    OK(ctx, rk_shards_commit(ctx, s));
    EXPECT(rk_shards_told(s).shards == 3 && rk_shards_told(s).documents == 5 && rk_shards_told(s).tokens == 5 && rk_shards_told(s).complete);
    rk_shards_close(ctx, s);
    static const struct { const char *name; uint64_t n, first; } parts[] = { { "s-00000.bin", 1, 0 }, { "s-00001.bin", 3, 1 }, { "s-00002.bin", 1, 4 } };
    for (size_t i = 0; i < 3; i++) {
        OK(ctx, rk_tokens_open(ctx, test_path(parts[i].name), 2, &t));
        EXPECT_INT(t.n, parts[i].n);
        EXPECT_INT(rk_tokens_at(&t, 0), parts[i].first);
        rk_tokens_close(&t);
    }
}
