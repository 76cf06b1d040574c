/* Words that stay bytes, since no merge joins any of them, and words that are one byte over and over, short and long, new and met before, by every body: what
 * merging one by one makes of them, whether the whole word is a token or not, before there are tables for long texts (quick.h) and with them; and an error where
 * the vocabulary lacks the byte. */
#include "reckon/tok.h"
#include "test.h"
#include "tok/tok.h"
#include <stdlib.h>

enum { BYTES = 4, MOST = 1 << 15, LONGEST = 150 };
static const char bytes[BYTES] = { ' ', '-', '\t', 'a' };

/* All bytes; merges of "--", "----" and "aa"; and a token of five spaces, which no merge makes. */
static rk_tok *make(rk_ctx *ctx, int without, bool asks_whole)
{
    static const char *const others[] = { "--", "----", "aa", "     " };
    rk_tok *tok;
    uint32_t ids[256], n = 0, joined = 0;
    OK(ctx, tok_new(ctx, &tok));
    for (int c = 0; c < 256; c++) {
        char byte = (char)c;
        if (c != without) OK(ctx, vocab_put(ctx, &tok->vocab, ids[c] = n++, &byte, 1, true));
    }
    for (int i = 0; i < 4; i++, n++) {
        uint32_t half = i == 0 ? ids['-'] : i == 1 ? joined : ids['a'];
        OK(ctx, vocab_put(ctx, &tok->vocab, n, others[i], strlen(others[i]), true));
        if (i < 3) OK(ctx, bpe_add_merge(ctx, &tok->bpe, (struct merge){ half, half, n }));
        joined = n;
    }
    if (asks_whole) tok->bpe.whole = &tok->vocab;
    OK(ctx, split_open(ctx, "gpt2", 4, &tok->split));
    OK(ctx, tok_seal(ctx, tok));
    return tok;
}

/* Runs of 1 to LONGEST, mostly of spaces, some with another byte in them, before something else: each is one word but for the space that what follows takes. */
static size_t write_runs(char *text)
{
    size_t n = 0;
    while (n < MOST - LONGEST - 1) {
        size_t length = 1 + test_random(test_random(3) == 0 ? LONGEST : 20);
        memset(text + n, bytes[test_random(2) * test_random(BYTES)], length);
        if (test_random(3) == 0) text[n + test_random(length)] = "\n-\t."[test_random(4)];
        n += length;
        text[n++] = "x1.\n"[test_random(4)];
    }
    return n;
}

static size_t merge_each(rk_ctx *ctx, rk_tok *tok, const char *text, size_t n, uint32_t *out)
{
    struct share share;
    struct bpe_scratch scratch = { 0 };
    rk_ids lengths = { 0 };
    size_t made = 0, at = 0;
    OK(ctx, share_begin(ctx, &share));
    OK(ctx, rk_tok_split(ctx, "gpt2", text, n, &lengths));
    for (size_t i = 0; i < lengths.n; at += lengths.at[i++]) {
        uint32_t id;
        if (tok->bpe.whole != NULL && vocab_find(tok->bpe.whole, text + at, lengths.at[i], &id)) out[made++] = id;
        else made += bpe_merge(&tok->bpe, &share, &scratch, (const unsigned char *)text + at, lengths.at[i], out + made);
    }
    bpe_scratch_clear(ctx, &scratch);
    rk_ids_free(ctx, &lengths);
    OK(ctx, share_end(&share));
    return made;
}

static void check_runs(bool asks_whole, bool quick)
{
    rk_ctx *ctx = test_ctx();
    rk_tok *tok = make(ctx, -1, asks_whole);
    if (quick) EXPECT(quick_fill(&tok->bpe, &tok->vocab)->asks_whole == asks_whole);
    else tok->bpe.later->state = QUICK_NEVER;
    static char text[MOST];
    static uint32_t expected[MOST];
    for (int round = 0; round < 24 / TEST_FEWER; round++) {
        size_t n = write_runs(text), made = merge_each(ctx, tok, text, n, expected);
        for (int isa = 0; isa < ISA_COUNT; isa++) {
            rk_tok_encoder *e;
            if (!isa_runs((enum isa)isa)) continue;
            tok_use(tok, (enum isa)isa);
            OK(ctx, rk_tok_encoder_open(ctx, tok, 0, &e));
            for (int again = 0; again < 2; again++) {
                rk_ids ids = { 0 };
                OK(ctx, rk_tok_encoder_add(ctx, e, text, n, &ids));
                OK(ctx, rk_tok_encoder_end(ctx, e, &ids));
                EXPECT(ids.n == made && memcmp(ids.at, expected, made * sizeof *expected) == 0);
                rk_ids_free(ctx, &ids);
            }
            rk_tok_encoder_close(ctx, e);
        }
    }
    rk_tok_close(ctx, tok);
}

TEST(runs_are_what_the_merges_make) { check_runs(false, false), check_runs(false, true); }
TEST(runs_that_are_tokens_stay_whole) { check_runs(true, false), check_runs(true, true); }

TEST(a_run_of_a_byte_that_is_missing_is_an_error)
{
    rk_ctx *ctx = test_ctx();
    rk_tok *tok = make(ctx, '=', false);
    static const char text[] = "ab ====================";
    rk_ids ids = { 0 };
    EXPECT_INT(rk_tok_encode(ctx, tok, text, sizeof text - 1, 0, &ids), RK_E_FORMAT);
    EXPECT(strstr(rk_error_message(ctx), "byte 0x3d at byte 3 of the text") != NULL);
    EXPECT_INT(ids.n, 0);
    rk_ids_free(ctx, &ids);
    rk_tok_close(ctx, tok);
}
