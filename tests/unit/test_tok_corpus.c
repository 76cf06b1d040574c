/* Corpora: whatever the packing, the size of blocks and the places to cut, the documents put together are the same bytes; what is damaged is said. */
#include "base/unpack.h"
#include "reckon/corpus.h"
#include "test.h"
#include "test_tok_packed.h"
#include "test_tok_text.h"
#include <stdlib.h>
#include <sys/stat.h>

enum { MOST = 20000 };

static void put_packed(const char *path, packer *pack, const char *bytes, size_t n)
{
    unsigned char *packed = malloc(2 * n + 4096);
    REQUIRE(packed != NULL);
    test_write(path, (const char *)packed, pack(bytes, n, packed));
    free(packed);
}

/* All documents, each behind a byte 1 (which the texts here have not). */
struct all { rk_bytes bytes; size_t documents, blocks, largest; };

static rk_status read_all(rk_ctx *ctx, const char *const *paths, size_t n, const rk_corpus_rules *rules, const rk_corpus_cut *cut, struct all *all)
{
    rk_corpus *corpus;
    rk_block block = { .n = 1 };
    rk_status status = rk_corpus_open(ctx, paths, n, rules, &corpus);
    *all = (struct all){ { 0 }, 0, 0, 0 };
    all->bytes.at = malloc(1 << 22);
    bool goes_on = false;
    while (status == RK_OK && block.n > 0) {
        status = rk_corpus_next(ctx, corpus, cut, &block);
        if (status != RK_OK || block.n == 0) break;
        EXPECT(block.continues == goes_on);
        goes_on = block.goes_on;
        all->blocks++;
        if (block.bytes > all->largest) all->largest = (size_t)block.bytes;
        for (size_t i = 0; i < block.n; i++) {
            if (i > 0 || !block.continues) all->bytes.at[all->bytes.n++] = 1;
            if (block.texts[i].n > 0) memcpy(all->bytes.at + all->bytes.n, block.texts[i].at, block.texts[i].n);
            all->bytes.n += block.texts[i].n;
            all->documents += i + 1 < block.n || !block.goes_on;
        }
    }
    if (status == RK_OK) {
        rk_corpus_state told = rk_corpus_told(corpus);
        EXPECT(!goes_on && told.documents == all->documents);
        EXPECT(told.read == told.size || told.size == 0);
    }
    rk_corpus_close(ctx, corpus);
    return status;
}

static size_t at_space(const void *user, const char *text, size_t n)
{
    (void)user;
    for (size_t i = n; i-- > 1;)
        if (text[i] == ' ') return i;
    return 0;
}

static size_t make_text(char *text, size_t most)
{
    size_t n = hard_text(text, most);
    for (size_t i = 0; i < n; i++)
        if (text[i] == 1 || text[i] == 0) text[i] = 'x';
    for (int k = 0; k < 20 && n > 10; k++) memcpy(text + test_random(n - 5), "\n%\n", 3);
    return n;
}

static packer *const packers[] = { pack_not, pack_gzip, pack_zstd };

static void need_libraries(rk_ctx *ctx)
{
    struct unpacker *u[2] = { NULL, NULL };
    bool there = unpack_open(ctx, PACKED_GZIP, "", &u[0]) == RK_OK && unpack_open(ctx, PACKED_ZSTD, "", &u[1]) == RK_OK;
    for (int k = 0; k < 2; k++) unpack_close(ctx, u[k]);
    if (!there) SKIP("zlib or libzstd is not here");
}

TEST(blocks_put_together_are_the_documents)
{
    rk_ctx *ctx = test_ctx();
    need_libraries(ctx);
    static char text[MOST];
    const char *path = test_path("text");
    for (int round = 0; round < 60; round++) {
        size_t n = make_text(text, round % 10 == 0 ? 50 : MOST);
        put_packed(path, packers[round % 3], text, n);
        rk_corpus_rules rules = { .separator = round % 2 ? "%" : NULL };
        struct all whole, part;
        const char *paths[] = { path, path };
        rk_corpus_cut cut = { at_space, NULL };
        OK(ctx, read_all(ctx, paths, 2, &rules, NULL, &whole));
        rules.block = 1 + test_random(round % 4 == 0 ? 10 : 5000);
        OK(ctx, read_all(ctx, paths, 2, &rules, round % 5 == 0 ? NULL : &cut, &part));
        EXPECT(whole.documents == part.documents && whole.bytes.n == part.bytes.n && memcmp(whole.bytes.at, part.bytes.at, whole.bytes.n) == 0);
        EXPECT(round % 5 != 0 || rules.separator != NULL || part.largest <= rules.block);
        if (rules.separator == NULL && n > 0) {
            EXPECT_INT(whole.documents, 2);
            EXPECT(whole.bytes.n == 2 * n + 2 && memcmp(whole.bytes.at + 1, text, n) == 0);
        }
        free(whole.bytes.at);
        free(part.bytes.at);
    }
}

TEST(lines_of_json_are_documents)
{
    rk_ctx *ctx = test_ctx();
    need_libraries(ctx);
    static const char lines[] = "{\"id\":1,\"text\":\"one \\u00e9\"}\n\n  \r\n{\"text\":\"\"}\n{\"text\":\"two\\nlines\",\"text2\":3}\r\n{\"text\":\"three\"}";
    const char *path = test_path("lines.jsonl");
    for (int k = 0; k < 3; k++) {
        struct all all;
        put_packed(path, packers[k], lines, sizeof lines - 1);
        OK(ctx, read_all(ctx, &path, 1, &(rk_corpus_rules){ .field = "text", .block = 4 }, NULL, &all));
        EXPECT_INT(all.documents, 3);
        EXPECT(all.bytes.n == 23 && memcmp(all.bytes.at, "\1one \xc3\xa9\1two\nlines\1three", 23) == 0);
        free(all.bytes.at);
    }
    rk_corpus *corpus;
    rk_block block;
    OK(ctx, rk_corpus_open(ctx, &path, 1, &(rk_corpus_rules){ .field = "body" }, &corpus));
    FAILS(ctx, rk_corpus_next(ctx, corpus, NULL, &block), RK_E_MISSING, "lines.jsonl, line 1");
    rk_corpus_close(ctx, corpus);
    FAILS(ctx, rk_corpus_open(ctx, &path, 1, &(rk_corpus_rules){ .field = "body", .separator = "%" }, &corpus), RK_E_ARG, "separator");
}

TEST(folders_are_walked_by_name)
{
    rk_ctx *ctx = test_ctx();
    struct all all;
    const char *below = test_path("b");
    REQUIRE(mkdir(below, 0777) == 0);
    test_write("c", "third", 5);
    test_write("a", "first", 5);
    test_write("b/x", "second", 6);
    test_write("b/.hidden", "not this", 8);
    test_write("b/zero", "not\0this", 8);
    test_write("empty", "", 0);
    const char *folder = test_temporary();
    OK(ctx, read_all(ctx, &folder, 1, NULL, NULL, &all));
    EXPECT(all.blocks == 1 && all.bytes.n == 19 && memcmp(all.bytes.at, "\1first\1second\1third", 19) == 0);
    free(all.bytes.at);
    const char *none = test_path("none");
    rk_corpus *corpus;
    FAILS(ctx, rk_corpus_open(ctx, &none, 1, NULL, &corpus), RK_E_MISSING, "none");
}

/* More files than lie in one block at once. */
TEST(many_small_files)
{
    rk_ctx *ctx = test_ctx();
    need_libraries(ctx);
    struct all all;
    for (int i = 0; i < 600; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "f%04d", i);
        if (i % 3 == 0) put_packed(test_path(name), pack_gzip, name, strlen(name));
        else test_write(name, name, strlen(name));
    }
    const char *folder = test_temporary();
    OK(ctx, read_all(ctx, &folder, 1, NULL, NULL, &all));
    EXPECT(all.documents == 600 && all.bytes.n == 600 * 6 && memcmp(all.bytes.at + 6 * 599, "\1f0599", 6) == 0);
    free(all.bytes.at);
    OK(ctx, read_all(ctx, &folder, 1, &(rk_corpus_rules){ .block = SIZE_MAX }, NULL, &all));
    EXPECT(all.documents == 600 && all.blocks == 1);
    free(all.bytes.at);
}

/* ---- hostile ---- */

/* Where a library that unpacks is not there, that is what is said. */
TEST(a_missing_library_is_named)
{
    rk_ctx *ctx = test_ctx();
    static const enum packing kinds[] = { PACKED_GZIP, PACKED_ZSTD };
    for (int k = 0; k < 2; k++) {
        struct unpacker *u;
        rk_status status = unpack_open(ctx, kinds[k], "a file", &u);
        if (status == RK_E_DECLINED) EXPECT(strstr(rk_error_hint(ctx), k == 0 ? "zlib1g" : "libzstd1") != NULL);
        else OK(ctx, status);
        unpack_close(ctx, u);
    }
}

static rk_status read_file(rk_ctx *ctx, const char *path, const rk_corpus_rules *rules)
{
    struct all all;
    rk_status status = read_all(ctx, &path, 1, rules, NULL, &all);
    free(all.bytes.at);
    return status;
}

TEST(damaged_and_short_files_are_refused)
{
    rk_ctx *ctx = test_ctx();
    need_libraries(ctx);
    static char text[3000];
    static unsigned char packed[8000];
    const char *path = test_path("packed");
    size_t n = make_text(text, sizeof text);
    for (int k = 1; k < 3; k++) {
        size_t whole = packers[k](text, n, packed);
        for (size_t cut = 5; cut < whole; cut += 1 + whole / 40) {
            test_write(path, (const char *)packed, cut);
            FAILS(ctx, read_file(ctx, path, NULL), RK_E_FORMAT, "cut short");
        }
        packed[whole] = 'x';
        test_write(path, (const char *)packed, whole + 1);
        rk_status status = read_file(ctx, path, NULL);
        EXPECT(status == RK_E_FORMAT);
        packed[k == 1 ? whole - 8 : 4] ^= 0x55;                       /* the checksum; the frame's descriptor */
        test_write(path, (const char *)packed, whole);
        FAILS(ctx, read_file(ctx, path, NULL), RK_E_FORMAT, "packed: damaged");
    }
    for (int round = 0; round < 300; round++) {                       /* any byte: refused, or some text, and nothing else */
        size_t whole = packers[1 + round % 2](text, n, packed);
        packed[4 + test_random(whole - 4)] ^= (unsigned char)(1 + test_random(255));
        test_write(path, (const char *)packed, whole);
        rk_status status = read_file(ctx, path, NULL);
        EXPECT(status == RK_OK || status == RK_E_FORMAT || status == RK_E_NOMEM);
    }
}

/* A few kilobytes that say "this byte, millions of times": memory stays that of the window. */
TEST(bombs_stay_within_bounds)
{
    rk_ctx *ctx = test_ctx();
    need_libraries(ctx);
    static unsigned char packed[8192];
    const char *path = test_path("bomb");
    size_t n = pack_zstd_run('\n', 256, packed);                      /* 256 blocks of 128 KiB: 32 MiB */
    test_write(path, (const char *)packed, n);
    size_t before = rk_ctx_peak_bytes(ctx);
    rk_corpus *corpus;
    rk_block block = { .n = 1 };
    uint64_t bytes = 0;
    OK(ctx, rk_corpus_open(ctx, &path, 1, &(rk_corpus_rules){ .block = 1 << 18 }, &corpus));
    while (block.n > 0) {
        OK(ctx, rk_corpus_next(ctx, corpus, NULL, &block));
        bytes += block.bytes;
    }
    rk_corpus_close(ctx, corpus);
    EXPECT_INT(bytes, 256 << 17);
    EXPECT(rk_ctx_peak_bytes(ctx) - before < 4 << 20);
    n = pack_zstd_run('x', 256, packed);                              /* one line without an end */
    test_write(path, (const char *)packed, n);
    FAILS(ctx, read_file(ctx, path, &(rk_corpus_rules){ .jsonl = true, .most = 1 << 20 }), RK_E_LIMIT, "bomb: more than 1048576 bytes");
    EXPECT(rk_ctx_peak_bytes(ctx) - before < 8 << 20);
}

/* Never in the letters x. */
static size_t before_x(const void *user, const char *text, size_t n)
{
    (void)user;
    while (n > 0 && text[n - 1] == 'x') n--;
    return n > 0 ? n - 1 : 0;
}

/* What has no place to cut is one text, however long; or refused, where it begins, mapped or not. */
TEST(a_block_without_a_place_to_cut)
{
    rk_ctx *ctx = test_ctx();
    static char text[10000];
    const char *path = test_path("long");
    const rk_corpus_cut cut = { before_x, NULL };
    memset(text, 'x', sizeof text);
    memset(text, 'a', 3000);
    memset(text + 9000, 'b', 1000);
    test_write(path, text, sizeof text);
    for (int bounded = 0; bounded < 2; bounded++) {
        rk_corpus *corpus;
        rk_block block = { .n = 1 };
        rk_status status = RK_OK;
        uint64_t bytes = 0;
        OK(ctx, rk_corpus_open(ctx, &path, 1, &(rk_corpus_rules){ .block = 1000, .uncut = bounded ? 1000 : 0 }, &corpus));
        for (; status == RK_OK && block.n > 0; bytes += block.bytes) status = rk_corpus_next(ctx, corpus, &cut, &block);
        if (!bounded) OK(ctx, status);
        else FAILS(ctx, status, RK_E_LIMIT, "long: 1000 bytes and more, from byte 2999 on, have no place to cut; 1000 are the limit");
        if (bounded) EXPECT_TEXT(rk_error_hint(ctx), "allow 8 times as much memory, or more");
        EXPECT_INT(bytes, bounded ? 2999 : sizeof text);
        rk_corpus_close(ctx, corpus);
    }
}

static const char *faulty;

static rk_status read_faulty(rk_ctx *ctx) { return read_file(ctx, faulty, &(rk_corpus_rules){ .field = "t", .block = 10 }); }

TEST(memory_may_run_out_anywhere)
{
    need_libraries(test_ctx());
    static const char lines[] = "{\"t\":\"one\"}\n{\"t\":\"two and more\"}\n";
    faulty = test_path("lines");
    for (int k = 0; k < 3; k++) {
        put_packed(faulty, packers[k], lines, sizeof lines - 1);
        FOR_EVERY_FAILED_ALLOCATION(read_faulty);
    }
}

TEST(files_are_those_of_the_texts)
{
    rk_ctx *ctx = test_ctx();
    rk_corpus *corpus;
    rk_block block;
    REQUIRE(mkdir(test_path("folder"), 0700) == 0);
    (void)test_write_text("folder/b.txt", "second");
    (void)test_write_text("folder/a.txt", "first");
    (void)test_write("folder/c.bin", "\0\1", 2);
    (void)test_write_text("third", "third");
    const char *paths[] = { test_path("folder"), test_path("third") };
    OK(ctx, rk_corpus_open(ctx, paths, 2, NULL, &corpus));
    REQUIRE(rk_corpus_files(corpus) >= 3);
    size_t texts = 0;
    for (block.n = 1; block.n > 0;) {
        OK(ctx, rk_corpus_next(ctx, corpus, NULL, &block));
        for (size_t i = 0; i < block.n; i++, texts++) {
            static const char *const names[] = { "folder/a.txt", "folder/b.txt", "third" }, *const words[] = { "first", "second", "third" };
            REQUIRE(texts < 3 && block.files[i] < rk_corpus_files(corpus));
            EXPECT_TEXT(rk_corpus_file(corpus, block.files[i]), test_path(names[texts]));
            EXPECT(block.texts[i].n == strlen(words[texts]) && memcmp(block.texts[i].at, words[texts], block.texts[i].n) == 0);
        }
    }
    EXPECT_INT(texts, 3);
    rk_corpus_close(ctx, corpus);
}

/* A line that is no text is named by file and number, and nothing of it is kept. */
TEST(lines_of_json_are_texts)
{
    rk_ctx *ctx = test_ctx();
    rk_bytes text = { 0 };
    const char *string = "\"a\\u00e9\\n\"", *object = "{\"id\": 3, \"text\": \"b\"}";
    OK(ctx, rk_corpus_line(ctx, "f", 1, string, strlen(string), NULL, &text));
    OK(ctx, rk_corpus_line(ctx, "f", 2, object, strlen(object), "text", &text));
    EXPECT(text.n == 5 && memcmp(text.at, "a\xc3\xa9\nb", 5) == 0);
    FAILS(ctx, rk_corpus_line(ctx, "f.jsonl", 7, object, strlen(object), NULL, &text), RK_E_FORMAT, "f.jsonl, line 7");
    FAILS(ctx, rk_corpus_line(ctx, "f.jsonl", 8, object, strlen(object), "body", &text), RK_E_MISSING, "body");
    FAILS(ctx, rk_corpus_line(ctx, "f.jsonl", 9, object, strlen(object), "id", &text), RK_E_FORMAT, "where a text is expected");
    FAILS(ctx, rk_corpus_line(ctx, "f.jsonl", 10, object, strlen(object) - 1, "text", &text), RK_E_FORMAT, "line 10");
    EXPECT_INT(text.n, 5);
    rk_bytes_free(ctx, &text);
}
