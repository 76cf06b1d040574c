/* The cache of words, by every body: what is found are the ids that were kept, in the order of the words, whatever was pushed out; nothing is read behind the text. */
#include "test.h"
#include "tok/cache.h"
#include "tok/cache_long.h"
#include <stdlib.h>

enum { KINDS = 900, ROUNDS = 300, MOST_BYTES = 18, ROOM = 64 };

/* Word number `kind`: its bytes (any, also 0) and its ids follow from the number; numbers below a hundred are three times as frequent and have one or two ids. */
static size_t spell(unsigned kind, unsigned char *text)
{
    size_t n = kind < 16 ? 1 : 2 + kind * 7 % (kind < 100 ? 6 : MOST_BYTES - 1);
    for (size_t i = 0; i < n; i++) text[i] = (unsigned char)(i < 2 ? kind >> 8 * i : kind * (i + 3));
    return n;
}

static size_t ids_of(unsigned kind, uint32_t *ids)
{
    size_t n = 1 + kind % (kind < 100 ? 2 : 6);
    for (size_t i = 0; i < n; i++) ids[i] = kind * 8 + (uint32_t)i;
    return n;
}

struct bench { struct share share; struct cache cache; struct cache_batch batch; unsigned kinds[CACHE_BATCH]; size_t ends[CACHE_BATCH], n, brief, found; };

static void check_run(const struct cache_body *body, struct bench *b, size_t i, size_t to)
{
    static uint32_t got[CACHE_BATCH * CACHE_IDS + CACHE_BEYOND], want[CACHE_BATCH * 6];
    size_t made = (size_t)(body->answer(&b->batch, i, to, got) - got), n = 0;
    for (; i < to; i++) n += ids_of(b->kinds[i], want + n);
    EXPECT_INT(made, n);
    EXPECT(made == n && memcmp(got, want, n * sizeof *got) == 0);
}

static void one_batch(const struct cache_body *body, struct bench *b, size_t words)
{
    unsigned char all[CACHE_BATCH * MOST_BYTES];
    size_t n = 0, i = 0;
    for (b->n = 0; b->n < words; b->ends[b->n++] = n) {
        b->kinds[b->n] = (unsigned)test_random(test_random(4) > 0 ? 100 : KINDS);
        n += spell(b->kinds[b->n], all + n);
    }
    unsigned char *text = malloc(n);                                  /* of its length to the byte, so that AddressSanitizer sees what is read behind it */
    REQUIRE(text != NULL);
    memcpy(text, all, n);
    size_t at = b->ends[0];                                           /* the first word is passed over: words may begin anywhere in a text */
    body->seek_brief(&b->cache, &b->batch, text, n, at, b->ends + 1, words - 1);
    body->ask(&b->cache, &b->batch, text, n, at, b->ends + 1);
    free(text);
    memmove(b->kinds, b->kinds + 1, (words - 1) * sizeof *b->kinds);
    b->brief += words - 1 - b->batch.n_rest;
    body->find(&b->cache, &b->batch);
    cache_find_beside(&b->cache, &b->batch);
    b->found += words - 1 - b->batch.n_missed;
    for (size_t k = 0; k < b->batch.n_missed; k++) {
        size_t to = b->batch.rest[b->batch.missed[k]];
        check_run(body, b, i, to);
        i = to + 1;
    }
    check_run(body, b, i, words - 1);
    for (size_t k = 0; k < b->batch.n_missed; k++) {
        uint32_t ids[6];
        size_t r = b->batch.missed[k], made = ids_of(b->kinds[b->batch.rest[r]], ids);
        cache_keep(&b->cache, &b->batch, r, ids, made);
    }
}

TEST(what_is_found_is_what_was_kept)
{
    rk_ctx *ctx = test_ctx();
    for (int isa = 0; isa < ISA_COUNT; isa++) {
        if (!isa_runs((enum isa)isa)) continue;
        struct bench *b;
        size_t words = 0;
        OK(ctx, NEW(b, 1));
        OK(ctx, share_begin(ctx, &b->share));
        REQUIRE(cache_make(&b->share, &b->cache, ROOM, cache_bodies[isa].hash));
        for (int round = 0; round < ROUNDS / TEST_FEWER; round++) {
            size_t n = 1 + test_random(CACHE_BATCH);
            one_batch(&cache_bodies[isa], b, n);
            words += n - 1;
            if (round == ROUNDS / TEST_FEWER / 2) REQUIRE(cache_make(&b->share, &b->cache, 8 * ROOM, cache_bodies[isa].hash));
        }
        EXPECT(b->brief * 10 > words * 2 && b->found * 10 > words * 4 && b->found < words);
        cache_clear(ctx, &b->cache);
        OK(ctx, share_end(&b->share));
        FREE(b, 1);
    }
}

/* Long words: what is found are the ids that were kept; of two words in one place both are there, and most of as many words as there are places. */
TEST(long_words_are_found_as_they_were_kept)
{
    enum { PLACES = 256, WORDS = 3 * PLACES };
    rk_ctx *ctx = test_ctx();
    struct share share;
    struct cache_long c = { 0 };
    unsigned char word[LONG_BYTES];
    size_t found = 0;
    OK(ctx, share_begin(ctx, &share));
    EXPECT(long_find(&c, word, 0) == LONG_NONE);
    REQUIRE(cache_long_make(&share, &c, PLACES));
    for (int pass = 0; pass < 2; pass++)
        for (unsigned i = 0; i < WORDS; i++) {
            unsigned kind = pass == 0 ? i : WORDS - 1 - i;            /* the newest first */
            size_t n = 4 + kind % (LONG_BYTES - 3), made = 1 + kind % LONG_IDS;
            uint32_t ids[LONG_IDS];
            for (size_t k = 0; k < n; k++) word[k] = (unsigned char)(kind >> 8 * (k % 4));
            for (size_t k = 0; k < LONG_IDS; k++) ids[k] = kind * 16 + (uint32_t)k;
            if (pass == 0) long_keep(&c, word, n, ids, made);
            uint32_t at = long_find(&c, word, n);
            EXPECT(pass == 1 || at != LONG_NONE);
            if (at == LONG_NONE) continue;
            EXPECT(c.at[at].made == made && memcmp(c.at[at].ids, ids, made * sizeof *ids) == 0);
            found += pass == 1;
        }
    EXPECT(found > PLACES / 2 && found <= PLACES);
    cache_long_clear(ctx, &c);
    OK(ctx, share_end(&share));
}
