/* test_tok_lanes.c: words merged several at a time are what merging them one by one makes: random tables, small enough that buckets are full, and
 * random words, in batches that know some of them already. */
#include "base/mem.h"
#include "test.h"
#include "tok/cache.h"
#include "tok/tok.h"
#include <stdio.h>
#include <string.h>

enum { WORDS = 48, TABLES = 40, BATCHES = 20 };

/* All bytes, and merges of what begins with few letters. */
static rk_tok *random_tok(rk_ctx *ctx, unsigned letters, uint32_t merges)
{
    struct merge m;
    rk_tok *tok;
    OK(ctx, tok_new(ctx, &tok));
    for (uint32_t c = 0; c < 256; c++) OK(ctx, vocab_put(ctx, &tok->vocab, c, &(char){ (char)c }, 1, true));
    for (uint32_t made = 0; made < merges; made++) {
        char bytes[CACHE_BYTES + 1];
        uint32_t known = letters + made, pick[2], id = 256 + made;
        size_t n;
        do {
            n = 0;
            for (int k = 0; k < 2; k++) {
                uint32_t i = (uint32_t)test_random(known);
                pick[k] = i < letters ? 'a' + i : 256 + i - letters;
                rk_text t = tok->vocab.tokens[pick[k]];
                if (n + t.n <= CACHE_BYTES) memcpy(bytes + n, t.at, t.n);
                n += t.n;
            }
            bool again = n > CACHE_BYTES;
            for (uint32_t i = 256; i < id && !again; i++) again = tok->vocab.tokens[i].n == n && memcmp(tok->vocab.tokens[i].at, bytes, n) == 0;
            if (again) n = 0;
        } while (n == 0);
        OK(ctx, vocab_put(ctx, &tok->vocab, id, bytes, n, true));
        m = (struct merge){ pick[0], pick[1], id };
        OK(ctx, bpe_add_merge(ctx, &tok->bpe, m));
    }
    OK(ctx, tok_seal(ctx, tok));
    return tok;
}

struct bench { struct share share; struct cache cache; struct cache_batch batch; struct bpe_scratch scratch; struct learnt learnt; };

/* Word r of those that are not brief. */
static void check(struct bench *b, const rk_tok *tok, const unsigned char *text, const size_t *ends, size_t r)
{
    uint32_t want[CACHE_BYTES + BPE_BEYOND];
    size_t i = b->batch.rest[r], begin = i == 0 ? 0 : ends[i - 1], k = 0;
    while (k < b->learnt.n && b->learnt.word[k] != r) k++;
    if (k == b->learnt.n) return;
    size_t n = bpe_merge(&tok->bpe, &b->share, &b->scratch, text + begin, ends[i] - begin, want);
    EXPECT_INT(b->learnt.made[k], n);
    EXPECT(memcmp(b->learnt.ids[k], want, n * sizeof *want) == 0);
}

/* The words of the batch that are to be learnt: not in the table, short, and not known to be a token. */
static size_t wanted(struct bench *b)
{
    size_t n = 0;
    for (size_t k = 0; k < b->batch.n_missed; k++) {
        b->batch.known[k] = test_random(4) == 0 ? 7 : NO_TOKEN;
        n += b->batch.known[k] == NO_TOKEN && b->batch.key[b->batch.missed[k]][1] >> 56 <= CACHE_BYTES;
    }
    return n < LANES_WORDS ? n : LANES_WORDS;
}

/* One batch, with or without the first of its words that are not brief in the table: nothing is left out that is new, as far as there is room,
 * and nothing known is made again. Returns the words that were learnt. */
static size_t one_batch(struct bench *b, const rk_tok *tok, unsigned letters)
{
    const struct cache_body *body = &cache_bodies[tok->isa];
    unsigned char text[WORDS * (CACHE_BYTES + 3)];
    size_t ends[WORDS], at = 0, words = test_random(10) == 0 ? 1 : WORDS;
    uint32_t ids[CACHE_IDS] = { 7 };
    for (size_t i = 0; i < words; i++) {
        for (size_t n = 1 + test_random(test_random(10) == 0 ? CACHE_BYTES + 2 : CACHE_BYTES); n > 0; n--) text[at++] = (unsigned char)('a' + test_random(letters));
        ends[i] = at;
    }
    body->seek_brief(&b->cache, &b->batch, text, at, 0, ends, words);
    body->ask(&b->cache, &b->batch, text, at, 0, ends);
    bool known = b->batch.n_rest > 0 && test_random(2);
    if (known) cache_keep(&b->cache, &b->batch, 0, ids, 1);
    body->find(&b->cache, &b->batch);
    cache_find_beside(&b->cache, &b->batch);
    if (known && b->batch.key[0][1] >> 56 <= CACHE_BYTES) EXPECT(b->batch.n_missed == 0 || b->batch.missed[0] > 0);
    size_t want = wanted(b);
    lanes_bodies[tok->isa](&quick_fill(&tok->bpe, &tok->vocab)->lanes, &b->batch, 0, &b->learnt);
    EXPECT_INT(b->learnt.n, want);
    for (size_t k = 1; k < b->learnt.n; k++) EXPECT(b->learnt.word[k] > b->learnt.word[k - 1]);
    for (size_t r = 0; r < b->batch.n_rest; r++) check(b, tok, text, ends, r);
    return b->learnt.n;
}

TEST(words_in_lanes_are_merged_one_by_one)
{
    rk_ctx *ctx = test_ctx();
    if (lanes_bodies[isa_best()] == NULL) return (void)printf("this machine has no lanes: words are merged one by one\n");
    for (int table = 0; table < TABLES / TEST_FEWER; table++) {
        unsigned letters = 2 + (unsigned)test_random(4);
        struct bench *b;
        rk_tok *tok = random_tok(ctx, letters, 1 + (uint32_t)test_random(table % 2 ? 20 : 200));
        size_t learnt = 0;
        EXPECT(quick_fill(&tok->bpe, &tok->vocab)->lanes.ready);
        OK(ctx, NEW(b, 1));
        OK(ctx, share_begin(ctx, &b->share));
        EXPECT(cache_make(&b->share, &b->cache, 64, cache_bodies[tok->isa].hash));
        for (int k = 0; k < BATCHES; k++) learnt += one_batch(b, tok, letters);
        EXPECT(learnt > 10);
        bpe_scratch_clear(ctx, &b->scratch);
        cache_clear(ctx, &b->cache);
        OK(ctx, share_end(&b->share));
        FREE(b, 1);
        rk_tok_close(ctx, tok);
    }
}

/* A vocabulary without some byte, ids that do not follow ranks: no lanes, and the same ids. */
TEST(lanes_are_not_for_every_table)
{
    rk_ctx *ctx = test_ctx();
    rk_tok *tok;
    OK(ctx, tok_new(ctx, &tok));
    for (uint32_t c = 0; c < 255; c++) OK(ctx, vocab_put(ctx, &tok->vocab, c, &(char){ (char)c }, 1, true));
    OK(ctx, vocab_put(ctx, &tok->vocab, 255, "ab", 2, true));
    OK(ctx, bpe_add_merge(ctx, &tok->bpe, (struct merge){ 'a', 'b', 255 }));
    OK(ctx, tok_seal(ctx, tok));
    EXPECT(!quick_fill(&tok->bpe, &tok->vocab)->lanes.ready);
    rk_tok_close(ctx, tok);
    OK(ctx, tok_new(ctx, &tok));
    for (uint32_t c = 0; c < 256; c++) OK(ctx, vocab_put(ctx, &tok->vocab, c, &(char){ (char)c }, 1, true));
    OK(ctx, vocab_put(ctx, &tok->vocab, 300, "ab", 2, true));
    OK(ctx, vocab_put(ctx, &tok->vocab, 299, "cd", 2, true));
    OK(ctx, bpe_add_merge(ctx, &tok->bpe, (struct merge){ 'a', 'b', 300 }));
    OK(ctx, bpe_add_merge(ctx, &tok->bpe, (struct merge){ 'c', 'd', 299 }));
    OK(ctx, tok_seal(ctx, tok));
    EXPECT(!quick_fill(&tok->bpe, &tok->vocab)->lanes.ready);
    rk_tok_close(ctx, tok);
}
