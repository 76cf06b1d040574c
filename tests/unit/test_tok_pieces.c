/* SentencePiece's models: the best of all ways to cut a text, tried one by one; normalization; two models over one vocabulary; and
 * files that are none. Whoever has spm_train and spm_encode compares with them in tests/cli/test_translate.sh. */
#include "base/utf8.h"
#include "test.h"
#include "tok/pieces.h"
#include <stdlib.h>

/* --- a model, written as protocol buffers have it --- */

struct bytes { unsigned char at[4096]; size_t n; };

static void put(struct bytes *b, unsigned char byte) { b->at[b->n++] = byte; }

static void put_bytes(struct bytes *b, unsigned char key, const void *at, size_t n)
{
    REQUIRE(n < 128 * 128 && b->n + n + 4 < sizeof b->at);
    put(b, key);
    if (n >= 128) put(b, (unsigned char)(n & 127) | 128);
    put(b, (unsigned char)(n >= 128 ? n >> 7 : n));
    memcpy(b->at + b->n, at, n);
    b->n += n;
}

static void put_piece(struct bytes *b, const char *text, float score, int type)
{
    struct bytes piece = { .n = 0 };
    put_bytes(&piece, 1 << 3 | 2, text, strlen(text));
    put(&piece, 2 << 3 | 5);
    memcpy(piece.at + piece.n, &score, 4);
    piece.n += 4;
    put(&piece, 3 << 3);
    put(&piece, (unsigned char)type);
    put_bytes(b, 1 << 3 | 2, piece.at, piece.n);
}

static const struct { const char *text; float score; } words[] = {
    { PIECES_BLANK, -3 }, { "a", -4 }, { "b", -4.5f }, { "ab", -5 }, { "ba", -5.5f }, { "aba", -7.25f }, { PIECES_BLANK "a", -5 }, { PIECES_BLANK "ab", -6.5f }, { "bb", -8 }, { "\xc3\xa9", -6 },
    { "a\xc3\xa9", -8.5f }, { "bab", -9 },
};
enum { WORDS = sizeof words / sizeof *words };

static void put_model(struct bytes *b)
{
    put_piece(b, "<unk>", 0, PIECE_UNKNOWN);
    put_piece(b, "</s>", 0, PIECE_CONTROL);
    for (int i = 0; i < WORDS; i++) put_piece(b, words[i].text, words[i].score, PIECE_NORMAL);
}

/* --- the best way --- */

/* All ways, the first of equals first; what no piece covers costs 10 more than the least score. */
static double best(const char *text, size_t n)
{
    double most = -INFINITY;
    uint32_t code;
    if (n == 0) return 0;
    for (int i = 0; i < WORDS; i++) {
        size_t length = strlen(words[i].text);
        if (length <= n && memcmp(text, words[i].text, length) == 0) most = fmax(most, (double)words[i].score + best(text + length, n - length));
    }
    size_t one = utf8_next(text, n, &code);
    return fmax(most, -9 - 10 + best(text + one, n - one));
}

struct cut { const struct pieces *p; char text[256]; double score; int n; };

static rk_status each(void *user, rk_text text, int piece)
{
    struct cut *c = user;
    uint32_t code;
    size_t characters = 0;
    for (size_t at = 0; at < text.n; characters++) at += utf8_next(text.at + at, text.n - at, &code);
    c->score += piece >= 0 ? (double)c->p->at.at[piece].score : -19.0 * (double)characters;
    strncat(c->text, text.at, text.n);
    strcat(c->text, "|");
    c->n++;
    return RK_OK;
}

TEST(the_best_of_all_ways_to_cut_a_text)
{
    rk_ctx *ctx = test_ctx();
    static struct bytes b;
    struct pieces p = { 0 };
    b.n = 0;
    put_model(&b);
    OK(ctx, pieces_read(ctx, "model", b.at, b.n, &p));
    for (int round = 0; round < 400; round++) {
        char text[64] = "";
        struct str normal = { 0 };
        struct cut c = { .p = &p };
        for (uint64_t i = 0, n = test_random(9); i < n; i++) strcat(text, ((const char *[]){ "a", "b", "ab", " ", "\xc3\xa9", "z", "  " })[test_random(7)]);
        OK(ctx, pieces_normalize(ctx, &p, text, strlen(text), &normal));
        OK(ctx, pieces_encode(ctx, &p, text, strlen(text), each, &c));
        EXPECT_NEAR(c.score, best(str_c(&normal), (size_t)normal.n), 1e-4);
        str_free(ctx, &normal);
    }
    pieces_close(ctx, &p);
}

static void expect_cut(rk_ctx *ctx, const struct pieces *p, const char *text, const char *expected)
{
    struct cut c = { .p = p };
    OK(ctx, pieces_encode(ctx, p, text, strlen(text), each, &c));
    EXPECT_TEXT(c.text, expected);
}

TEST(blanks_and_strangers)
{
    rk_ctx *ctx = test_ctx();
    static struct bytes b;
    struct pieces p = { 0 };
    b.n = 0;
    put_model(&b);
    OK(ctx, pieces_read(ctx, "model", b.at, b.n, &p));
    expect_cut(ctx, &p, "", "");
    expect_cut(ctx, &p, "   ", "");
    expect_cut(ctx, &p, "  ab  ab ", PIECES_BLANK "ab|" PIECES_BLANK "ab|");
    expect_cut(ctx, &p, "azzb", PIECES_BLANK "a|zz|b|");
    expect_cut(ctx, &p, "z\xff", PIECES_BLANK "|z\xef\xbf\xbd|");
    EXPECT_INT(pieces_find(&p, "<unk>", 5), -1);
    pieces_close(ctx, &p);
}

/* --- what is none --- */

TEST(files_that_are_no_models_are_refused)
{
    rk_ctx *ctx = test_ctx();
    static struct bytes b;
    static const unsigned char bpe[] = { 2 << 3 | 2, 2, 3 << 3, 2 }, fallback[] = { 2 << 3 | 2, 3, (35 << 3 & 127) | 128, 2, 1 };
    struct { const void *at; size_t n; rk_status status; const char *words; } cases[] = {
        { "", 0, RK_E_FORMAT, "no pieces" }, { "\x0a\xff", 2, RK_E_FORMAT, "within a number" }, { "\x0a\x05" "abc", 5, RK_E_FORMAT, "behind the end" },
        { "\x0f", 1, RK_E_FORMAT, "unknown kind" }, { bpe, sizeof bpe, RK_E_DECLINED, "other than unigram" }, { fallback, sizeof fallback, RK_E_DECLINED, "fall back to bytes" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pieces p = { 0 };
        FAILS(ctx, pieces_read(ctx, "model", cases[i].at, cases[i].n, &p), cases[i].status, cases[i].words);
        pieces_close(ctx, &p);
    }
    b.n = 0;
    put_model(&b);
    put_piece(&b, "ab", -1, PIECE_NORMAL);
    struct pieces twice = { 0 };
    FAILS(ctx, pieces_read(ctx, "model", b.at, b.n, &twice), RK_E_FORMAT, "there twice");
    pieces_close(ctx, &twice);
}

/* --- two over one vocabulary --- */

static const char vocabulary[] = "{\"</s>\": 0, \"<unk>\": 1, \"" PIECES_BLANK "ab\": 2, \"" PIECES_BLANK "a\": 3, \"b\": 4, \">>fra<<\": 5, \"<pad>\": 6, \"" PIECES_BLANK "\": 7}";

TEST(a_pair_reads_one_language_and_writes_another)
{
    rk_ctx *ctx = test_ctx();
    static struct bytes b;
    rk_pair *pair;
    rk_ids ids = { 0 };
    rk_bytes text = { 0 };
    const uint32_t expected[] = { 5, 2, 1, 7, 4, 0 };
    const char read[] = ">>fra<< abzz b";
    b.n = 0;
    put_model(&b);
    FAILS(ctx, rk_pair_open(ctx, test_temporary(), &pair), RK_E_MISSING, "source.spm");
    test_write("source.spm", b.at, b.n);
    test_write("target.spm", b.at, b.n);
    test_write("vocab.json", "{\"a\": 0}", 8);
    FAILS(ctx, rk_pair_open(ctx, test_temporary(), &pair), RK_E_FORMAT, "no token </s>");
    test_write("vocab.json", vocabulary, sizeof vocabulary - 1);
    OK(ctx, rk_pair_open(ctx, test_temporary(), &pair));
    EXPECT_INT(rk_pair_end(pair), 0);
    OK(ctx, rk_pair_encode(ctx, pair, read, sizeof read - 1, &ids));
    EXPECT_INT(ids.n, sizeof expected / sizeof *expected);
    EXPECT(ids.n == sizeof expected / sizeof *expected && memcmp(ids.at, expected, sizeof expected) == 0);
    const uint32_t written[] = { 6, 2, 3, 4, 77, 1, 7, 4, 0 };
    OK(ctx, rk_pair_decode(ctx, pair, written, 9, &text));
    EXPECT(text.n == 7 && memcmp(text.at, "ab ab b", 7) == 0);
    rk_ids_free(ctx, &ids);
    rk_bytes_free(ctx, &text);
    rk_pair_close(pair);
}

/* As transformers' MarianTokenizer reads them: a code ends at its first "<<", blanks behind it are the text's, and special tokens stand for themselves. */
TEST(codes_and_special_tokens_within_a_text)
{
    static const struct { const char *text; uint32_t ids[8]; size_t n; } cases[] = {
        { ">>fra<< ab << b", { 5, 2, 7, 1, 7, 4, 0 }, 7 },
        { ">><< b", { 1, 7, 4, 0 }, 4 },
        { ">>fra< b", { 7, 1, 1, 1, 7, 4, 0 }, 7 },
        { "ab>>fra<<", { 2, 1, 1, 1, 0 }, 5 },
        { "ab</s>b", { 2, 0, 7, 4, 0 }, 5 },
        { "</s></s>", { 0, 0, 0 }, 3 },
        { "<pad>>>fra<<a <unk>", { 6, 5, 3, 1, 0 }, 5 },
        { "<<pad>>", { 7, 1, 6, 7, 1, 0 }, 6 },
        { "", { 0 }, 1 },
    };
    rk_ctx *ctx = test_ctx();
    static struct bytes b;
    rk_pair *pair;
    rk_ids ids = { 0 };
    b.n = 0;
    put_model(&b);
    test_write("source.spm", b.at, b.n);
    test_write("target.spm", b.at, b.n);
    test_write("vocab.json", vocabulary, sizeof vocabulary - 1);
    OK(ctx, rk_pair_open(ctx, test_temporary(), &pair));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ids.n = 0;
        OK(ctx, rk_pair_encode(ctx, pair, cases[i].text, strlen(cases[i].text), &ids));
        EXPECT_INT(ids.n, cases[i].n);
        EXPECT(ids.n == cases[i].n && memcmp(ids.at, cases[i].ids, ids.n * sizeof *ids.at) == 0);
    }
    rk_ids_free(ctx, &ids);
    rk_pair_close(pair);
}

static rk_status pair_once(rk_ctx *ctx)
{
    rk_pair *pair = NULL;
    rk_ids ids = { 0 };
    rk_bytes text = { 0 };
    rk_status status = rk_pair_open(ctx, test_temporary(), &pair);
    if (status == RK_OK) status = rk_pair_encode(ctx, pair, "abzz", 4, &ids);
    if (status == RK_OK) status = rk_pair_decode(ctx, pair, ids.at, ids.n, &text);
    rk_ids_free(ctx, &ids);
    rk_bytes_free(ctx, &text);
    rk_pair_close(pair);
    return status;
}

TEST(a_pair_survives_every_failed_allocation)
{
    static struct bytes b;
    b.n = 0;
    put_model(&b);
    test_write("source.spm", b.at, b.n);
    test_write("target.spm", b.at, b.n);
    test_write("vocab.json", vocabulary, sizeof vocabulary - 1);
    FOR_EVERY_FAILED_ALLOCATION(pair_once);
}
