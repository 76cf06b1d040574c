/* Laws of WordPiece, normal forms and added tokens, over random input. */
#include "base/utf8.h"
#include "reckon/encoding.h"
#include "test.h"
#include "test_tok_text.h"
#include "tok/bytelevel.h"
#include "tok/load.h"
#include "tok/normal.h"
#include <stdlib.h>

enum { MOST = 4096 };

static const char vocabulary[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\n##a\n##b\nthe\n##the\nz\n##z\n##cd\n'\n##s\ns\n.\n!\n7\n##7\ne\n##e\n\xe4\xb8\xad\nabcd\n##efghij\nabc\n##d\nre\n##re\nve\n,\n?\n"
                                 "don\nt\nunaff\n##able\nab\n##l\n_\n-\n/\n<\n>\n|\nend\n##of\n##text\n\xd9\xa3\n";

static rk_tok *bert(rk_ctx *ctx, bool lower)
{
    rk_tok *tok;
    OK(ctx, tok_new(ctx, &tok));
    OK(ctx, load_vocab_txt(ctx, "vocab.txt", (rk_text){ vocabulary, sizeof vocabulary - 1 }, lower, tok));
    return tok;
}

static rk_tok *from_json(rk_ctx *ctx, const char *text)
{
    rk_tok *tok;
    OK(ctx, tok_new(ctx, &tok));
    OK(ctx, load_tokenizer_json(ctx, "tokenizer.json", text, strlen(text), tok));
    return tok;
}

/* BPE over all bytes without a merge, with NFC and tokens that ask for everything. */
static rk_tok *flagged(rk_ctx *ctx)
{
    static const char tail[] = "],\"normalizer\":{\"type\":\"NFC\"},\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false},"
        "\"post_processor\":{\"type\":\"ByteLevel\",\"trim_offsets\":true},\"model\":{\"type\":\"BPE\",\"vocab\":";
    static const char *const tokens[] = { "\"content\":\"<|end\",\"lstrip\":true,\"special\":true", "\"content\":\"a \",\"normalized\":true,\"rstrip\":true", "\"content\":\"  \",\"normalized\":true",
        "\"content\":\"the\",\"single_word\":true,\"normalized\":true", "\"content\":\" Z\",\"single_word\":true,\"special\":true", "\"content\":\"!!\",\"rstrip\":true,\"special\":true", "\"content\":\"e\\u0301\",\"normalized\":true" };
    struct str s = { 0 };
    OK(ctx, str_text(ctx, &s, "{\"added_tokens\":["));
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) OK(ctx, str_format(ctx, &s, "%s{\"id\":%zu,%s}", i > 0 ? "," : "", 300 + i, tokens[i]));
    OK(ctx, str_text(ctx, &s, tail));
    for (int c = 0; c < 256; c++) {
        struct str spelled = { 0 };
        char byte = (char)c;
        OK(ctx, bytelevel_write(ctx, &spelled, &byte, 1));
        OK(ctx, str_text(ctx, &s, c == 0 ? "{" : ","));
        OK(ctx, str_json(ctx, &s, str_c(&spelled), (size_t)spelled.n));
        OK(ctx, str_format(ctx, &s, ":%d", c));
        str_free(ctx, &spelled);
    }
    OK(ctx, str_text(ctx, &s, "},\"merges\":[]}}"));
    rk_tok *tok = from_json(ctx, str_c(&s));
    str_free(ctx, &s);
    return tok;
}

static bool equal(const rk_ids *a, const rk_ids *b) { return a->n == b->n && (a->n == 0 || memcmp(a->at, b->at, a->n * sizeof *a->at) == 0); }

/* Whole = in pieces = in parallel = what the places say. */
static void check(rk_ctx *ctx, rk_ctx *parallel, const rk_tok *tok, const char *text, size_t n)
{
    rk_ids whole = { 0 }, parts = { 0 }, many = { 0 };
    rk_tok_encoder *e;
    rk_encoding with_places = { 0 };
    rk_encoding_rules bare = { .bare = true };
    OK(ctx, rk_tok_encode(ctx, tok, text, n, 0, &whole));
    OK(parallel, rk_tok_encode(parallel, tok, text, n, 0, &many));
    OK(ctx, rk_tok_encoder_open(ctx, tok, 0, &e));
    for (size_t at = 0, piece; at < n; at += piece) {
        piece = 1 + test_random(40);
        if (piece > n - at) piece = n - at;
        OK(ctx, rk_tok_encoder_add(ctx, e, text + at, piece, &parts));
    }
    OK(ctx, rk_tok_encoder_end(ctx, e, &parts));
    EXPECT(equal(&whole, &parts) && equal(&whole, &many));
    OK(ctx, rk_encoding_make(ctx, tok, &bare, (rk_text){ text, n }, NULL, &with_places));
    EXPECT(with_places.n == whole.n && (whole.n == 0 || memcmp(with_places.ids, whole.at, whole.n * sizeof *whole.at) == 0));
    for (size_t i = 0; i < with_places.n; i++) EXPECT(with_places.spans[i].begin <= with_places.spans[i].end && with_places.spans[i].end <= n);
    rk_tok_encoder_close(ctx, e);
    rk_encoding_free(ctx, &with_places);
    rk_ids_free(ctx, &whole);
    rk_ids_free(ctx, &parts);
    rk_ids_free(parallel, &many);
}

TEST(whole_is_pieces_is_parallel)
{
    rk_ctx *ctx = test_ctx(), *parallel;
    rk_options options = { .threads = 2 };
    static char text[700000];
    REQUIRE(rk_ctx_open(&options, &parallel) == RK_OK);
    rk_tok *toks[] = { bert(ctx, true), bert(ctx, false), flagged(ctx) };
    for (int k = 0; k < 3; k++) {
        for (int round = 0; round < 700 / TEST_FEWER; round++) check(ctx, parallel, toks[k], text, hard_text(text, round % 100 == 0 ? MOST : 80));
        size_t n = 0;
        while (n < sizeof text - MOST) n += hard_text(text + n, MOST);
        check(ctx, parallel, toks[k], text, n);
        rk_tok_close(ctx, toks[k]);
    }
    rk_ctx_close(parallel);
}

static bool encodes(rk_ctx *ctx, const rk_tok *tok, const char *text, const char *expected)
{
    rk_ids ids = { 0 };
    char said[1024] = "";
    OK(ctx, rk_tok_encode(ctx, tok, text, strlen(text), 0, &ids));
    for (size_t i = 0; i < ids.n; i++) {
        rk_text t = rk_tok_bytes(tok, ids.at[i]);
        (void)snprintf(said + strlen(said), sizeof said - strlen(said), "%s%.*s", i > 0 ? "|" : "", (int)t.n, t.at);
    }
    if (strcmp(said, expected) != 0) test_fail(__FILE__, __LINE__, "\"%s\" is %s, expected %s", text, said, expected);
    rk_ids_free(ctx, &ids);
    return true;
}

TEST(words_are_the_longest_pieces)
{
    rk_ctx *ctx = test_ctx();
    rk_tok *lower = bert(ctx, true), *cased = bert(ctx, false);
    EXPECT(encodes(ctx, lower, "abcdefghij abcdd abd", "abcd|##efghij|abcd|##d|ab|##d"));
    EXPECT(encodes(ctx, lower, "The th\xc3\x89 x", "the|the|[UNK]"));
    EXPECT(encodes(ctx, cased, "The the", "[UNK]|the"));
    EXPECT(encodes(ctx, lower, "Unaffable,don't[MASK]a\xe4\xb8\xad" "b", "unaff|##able|,|don|'|t|[MASK]|a|\xe4\xb8\xad|b"));
    EXPECT(encodes(ctx, lower, "a\x0b" "b a\xe2\x80\x8b" "b a\xff" "b", "ab|ab|ab"));
    rk_tok_close(ctx, lower);
    rk_tok_close(ctx, cased);
}

/* A vocabulary may hold what cleaning takes away, or lower-casing changes: such a token is never made, also where a word of the text is spelled so. */
TEST(tokens_that_no_word_becomes_are_never_used)
{
    static const char vocab[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n\x0e\nA\na\n##b\n";
    rk_ctx *ctx = test_ctx();
    rk_tok *tok;
    OK(ctx, tok_new(ctx, &tok));
    OK(ctx, load_vocab_txt(ctx, "vocab.txt", (rk_text){ vocab, sizeof vocab - 1 }, true, tok));
    EXPECT(encodes(ctx, tok, "A\n\x0e Ab a \x0e", "a|a|##b|a"));
    rk_tok_close(ctx, tok);
}

TEST(decoded_words_have_spaces_between)
{
    rk_ctx *ctx = test_ctx();
    rk_tok *tok = bert(ctx, true);
    rk_encoding e = { 0 };
    rk_bytes whole = { 0 };
    struct str streamed = { 0 };
    rk_tok_decoder d;
    rk_text ready;
    OK(ctx, rk_encoding_make(ctx, tok, &(rk_encoding_rules){ .pad = 14 }, (rk_text){ "Unaffable, a.b!", 15 }, NULL, &e));
    EXPECT(e.n == 14 && e.mask[e.n - 1] == 0 && e.ids[e.n - 1] == 0);
    OK(ctx, rk_tok_decode(ctx, tok, e.ids, e.n, RK_TOK_SKIP_SPECIAL, &whole));
    EXPECT(whole.n == 16 && memcmp(whole.at, "unaffable, a. b!", 16) == 0);
    rk_tok_decoder_init(&d, tok, RK_TOK_SKIP_SPECIAL);
    for (size_t i = 0; i < e.n; i++) {
        OK(ctx, rk_tok_decoder_push(ctx, &d, e.ids[i], &ready));
        OK(ctx, str_add(ctx, &streamed, ready.at, ready.n));
    }
    EXPECT((size_t)streamed.n == whole.n && memcmp(streamed.at, whole.at, whole.n) == 0);
    rk_tok_decoder_clear(ctx, &d);
    str_free(ctx, &streamed);
    rk_bytes_free(ctx, &whole);
    rk_encoding_free(ctx, &e);
    rk_tok_close(ctx, tok);
}

TEST(what_is_saved_opens_equal)
{
    rk_ctx *ctx = test_ctx();
    static char text[MOST];
    char file[1100];
    rk_tok *toks[] = { bert(ctx, true), bert(ctx, false), flagged(ctx) };
    for (int k = 0; k < 3; k++) {
        rk_tok *again[2] = { NULL, NULL };
        OK(ctx, rk_tok_save(ctx, toks[k], test_temporary()));
        OK(ctx, rk_tok_open(ctx, test_temporary(), &again[0]));
        (void)snprintf(file, sizeof file, "%s/vocab.txt", test_temporary());
        if (k < 2) OK(ctx, rk_tok_open_as(ctx, file, &(rk_tok_opening){ .lowercase = k == 0 }, &again[1]));
        for (int round = 0; round < 300 / TEST_FEWER; round++) {
            rk_encoding a = { 0 }, b = { 0 };
            rk_text one = { text, hard_text(text, 100) };
            OK(ctx, rk_encoding_make(ctx, toks[k], &(rk_encoding_rules){ 0 }, one, &one, &a));
            for (int i = 0; i < 2 && again[i] != NULL; i++) {
                OK(ctx, rk_encoding_make(ctx, again[i], &(rk_encoding_rules){ 0 }, one, &one, &b));
                EXPECT(a.n == b.n && (a.n == 0 || (memcmp(a.ids, b.ids, a.n * sizeof *a.ids) == 0 && memcmp(a.spans, b.spans, a.n * sizeof *a.spans) == 0)));
            }
            rk_encoding_free(ctx, &a);
            rk_encoding_free(ctx, &b);
        }
        for (int i = 0; i < 2; i++) rk_tok_close(ctx, again[i]);
        rk_tok_close(ctx, toks[k]);
    }
}

TEST(a_length_that_is_asked_for_is_kept)
{
    rk_ctx *ctx = test_ctx();
    rk_tok *tok = bert(ctx, true);
    static const char letters[] = "a b a b a b a b a b a b a b a b";
    for (size_t na = 0; na < 16; na++)
        for (size_t nb = 0; nb < 16; nb++)
            for (size_t most = 3; most < 20; most++) {
                rk_encoding e = { 0 };
                rk_text a = { letters, na * 2 }, b = { letters, nb * 2 };
                OK(ctx, rk_encoding_make(ctx, tok, &(rk_encoding_rules){ .truncate = most }, a, &b, &e));
                EXPECT_INT(e.n, na + nb + 3 < most ? na + nb + 3 : most);
                rk_encoding_free(ctx, &e);
            }
    FAILS(ctx, rk_encoding_make(ctx, tok, &(rk_encoding_rules){ .truncate = 1 }, (rk_text){ "a", 1 }, NULL, &(rk_encoding){ 0 }), RK_E_ARG, "no room");
    rk_tok_close(ctx, tok);
}

/* NFC by its definition: decomposed, sorted, composed, twice is once; and stable text is not touched. */
TEST(normal_forms_are_kept)
{
    rk_ctx *ctx = test_ctx();
    struct share share;
    static const uint32_t few[] = { 'a', 'e', ' ', 0x301, 0x327, 0x323, 0xe9, 0x1e69, 0x1100, 0x1161, 0x11a8, 0xac00, 0xac01, 0x3099, 0x304b, 0x344, 0xf73, 0x212b, 0x9c7, 0x9be };
    OK(ctx, share_begin(ctx, &share));
    for (int round = 0; round < 5000 / TEST_FEWER; round++) {
        struct normal_text once = { 0 }, twice = { 0 };
        unsigned char text[256];
        size_t n = 0;
        for (size_t i = test_random(round % 50 == 0 ? 60 : 12); i > 0; i--) n += utf8_put((char *)text + n, few[test_random(sizeof few / sizeof *few)]);
        REQUIRE(normal_make(&share, &once, text, n, NORMAL_NFC, true));
        REQUIRE(normal_make(&share, &twice, once.at, once.n, NORMAL_NFC, true));
        EXPECT(once.n == twice.n && memcmp(once.at, twice.at, once.n) == 0);
        if (once.at != text)
            for (size_t i = 0; i < once.n; i++) EXPECT(once.places[i].begin <= once.places[i].end && once.places[i].end <= n);
        normal_clear(ctx, &once);
        normal_clear(ctx, &twice);
    }
    OK(ctx, share_end(&share));
}

TEST(one_mark_after_another_is_linear)
{
    rk_ctx *ctx = test_ctx();
    enum { N = 400000 };
    rk_tok *toks[] = { bert(ctx, true), flagged(ctx) };
    char *text = malloc(2 * N + 1);
    REQUIRE(text != NULL);
    text[0] = 'a';
    for (int i = 0; i < N; i++) memcpy(text + 1 + 2 * i, i % 2 ? "\xcc\x81" : "\xcc\xa7", 2);
    for (int k = 0; k < 2; k++) {
        rk_ids ids = { 0 };
        OK(ctx, rk_tok_encode(ctx, toks[k], text, 2 * N + 1, 0, &ids));
        EXPECT_INT(ids.n, k == 0 ? 1 : 2 * N);
        rk_ids_free(ctx, &ids);
        rk_tok_close(ctx, toks[k]);
    }
    free(text);
}
