/* Words from left to right (tok/forward.h) equal words merged one by one, for any table of merges: random ones, trained ones, such as no trainer makes. */
#include "tok/tok.h"
#include "test.h"
#include <stdlib.h>

enum { MOST_TOKENS = 400, MOST = 700, MOST_BLOCK = 1 << 24 };

struct table { rk_tok *tok; uint32_t n; };

static const struct quick *tables_of(const struct table *t) { return quick_fill(&t->tok->bpe, &t->tok->vocab); }

static struct table table_new(rk_ctx *ctx, unsigned letters)
{
    struct table t = { 0 };
    OK(ctx, tok_new(ctx, &t.tok));
    for (unsigned c = 0; c < letters; c++) {
        char byte = (char)('a' + c);
        OK(ctx, vocab_put(ctx, &t.tok->vocab, t.n++, &byte, 1, true));
    }
    return t;
}

static uint32_t find(const struct table *t, const char *bytes, size_t n)
{
    for (uint32_t id = 0; id < t->n; id++)
        if (t->tok->vocab.tokens[id].n == n && memcmp(t->tok->vocab.tokens[id].at, bytes, n) == 0) return id;
    return NO_TOKEN;
}

/* A merge of two tokens; what it makes may be there already. */
static void join(rk_ctx *ctx, struct table *t, uint32_t left, uint32_t right)
{
    char bytes[64];
    rk_text l = t->tok->vocab.tokens[left], r = t->tok->vocab.tokens[right];
    if (l.n + r.n > sizeof bytes) return;
    memcpy(bytes, l.at, l.n);
    memcpy(bytes + l.n, r.at, r.n);
    uint32_t id = find(t, bytes, l.n + r.n);
    if (id == NO_TOKEN) OK(ctx, vocab_put(ctx, &t->tok->vocab, id = t->n++, bytes, l.n + r.n, true));
    OK(ctx, bpe_add_merge(ctx, &t->tok->bpe, (struct merge){ left, right, id }));
}

static void mix(struct bpe *b)
{
    for (uint32_t i = b->n_merges; i > 1; i--) {
        size_t k = test_random(i);
        struct merge m = b->merges[i - 1];
        b->merges[i - 1] = b->merges[k];
        b->merges[k] = m;
    }
}

/* Random merges of what there is; some given twice, some of one token made in two ways. mixed: in an order in which merges wait for each other. */
static struct table random_table(rk_ctx *ctx, unsigned letters, uint32_t merges, bool mixed)
{
    struct table t = table_new(ctx, letters);
    for (uint32_t i = 0; i < merges; i++) join(ctx, &t, (uint32_t)test_random(t.n), (uint32_t)test_random(test_random(2) ? letters : t.n));
    if (mixed) mix(&t.tok->bpe);
    OK(ctx, tok_seal(ctx, t.tok));
    return t;
}

struct coder { struct share share; struct bpe_scratch scratch, plain; };

static void equal_words(const struct table *t, struct coder *c, const unsigned char *word, size_t n)
{
    static uint32_t forward[MOST + BPE_BEYOND], again[MOST + BPE_BEYOND], merged[MOST];
    const struct bpe *b = &t->tok->bpe;
    const struct quick *q = tables_of(t);
    size_t want = bpe_merge(b, &c->share, &c->scratch, word, n, merged);
    for (int kept = 0; kept < 2; kept++) {
        struct bpe_scratch *x = kept ? &c->scratch : &c->plain;
        size_t made = q->forward.ready ? forward_word(&q->forward, &c->share, &x->forward, word, n, forward) : want;
        if (!q->forward.ready) memcpy(forward, merged, want * sizeof *merged);
        for (int later = 0; later < 2; later++)                       /* and before there are tables */
            if (made == want && bpe_word(b, later ? q : NULL, &c->share, x, word, n, again) == want && memcmp(again, merged, want * sizeof *merged) != 0) made = 0;
        if (made != want || memcmp(forward, merged, want * sizeof *merged) != 0) test_fail(__FILE__, __LINE__, "left to right is not merge by merge");
    }
}

static void random_words(rk_ctx *ctx, const struct table *t, unsigned letters, int rounds)
{
    unsigned char word[MOST];
    struct coder c = { 0 };
    OK(ctx, share_begin(ctx, &c.share));
    EXPECT(forward_keep(&c.share, &c.scratch.forward));
    for (int round = 0; round < rounds; round++) {
        size_t n = 1 + test_random(round % 40 == 0 ? MOST : round % 4 == 0 ? 60 : 12);
        unsigned few = 1 + (unsigned)test_random(letters);
        for (size_t i = 0; i < n; i++) word[i] = (unsigned char)('a' + test_random(few));
        equal_words(t, &c, word, n);
    }
    bpe_scratch_clear(ctx, &c.scratch);
    bpe_scratch_clear(ctx, &c.plain);
    OK(ctx, share_end(&c.share));
}

/* A token is found whole where it is what merging makes of its bytes, and nearly always. Returns how many there are. */
static size_t whole_tokens(rk_ctx *ctx, const struct table *t, size_t *found)
{
    struct share share;
    struct bpe_scratch scratch = { 0 };
    uint32_t ids[WORD_INLINE + BPE_BEYOND];
    size_t n = 0;
    OK(ctx, share_begin(ctx, &share));
    for (uint32_t id = 0; id < t->n && tables_of(t)->wholes.room > 0; id++) {
        rk_text text = t->tok->vocab.tokens[id];
        const unsigned char *word = (const unsigned char *)text.at;
        if (text.n > WORD_INLINE) continue;
        struct word_key k = word_key(word, text.n, text.n);
        uint32_t is = wholes_find(&tables_of(t)->wholes, (uint64_t[2]){ k.low, k.high });
        bool one = bpe_merge(&t->tok->bpe, &share, &scratch, word, text.n, ids) == 1;
        EXPECT(is == NO_TOKEN || (one && is == ids[0]));
        n += one;
        *found += is != NO_TOKEN;
    }
    bpe_scratch_clear(ctx, &scratch);
    OK(ctx, share_end(&share));
    return n;
}

TEST(random_merges_from_left_to_right)
{
    rk_ctx *ctx = test_ctx();
    int ready = 0, slow = 0;
    size_t wholes = 0, found = 0;
    for (int round = 0; round < 300; round++) {
        unsigned letters = 1 + (unsigned)test_random(4);
        struct table t = random_table(ctx, letters, 1 + (uint32_t)test_random(round % 10 == 0 ? 150 : 20), round % 3 == 0);
        *(tables_of(&t)->forward.ready ? &ready : &slow) += 1;
        EXPECT(t.tok->bpe.later->block.left <= MOST_BLOCK);           /* no more was taken than was there */
        random_words(ctx, &t, letters, 60);
        wholes += whole_tokens(ctx, &t, &found);
        rk_tok_close(ctx, t.tok);
    }
    EXPECT(wholes > 500 && found <= wholes && found > wholes / 10 * 8);
    if (ready < 50 || slow < 20) test_fail(__FILE__, __LINE__, "one way was hardly gone: %d from left to right, %d one by one", ready, slow);
}

/* A token that its own merges do not make: bc comes first, so that abc, made of ab and c, never is. */
TEST(tokens_that_merges_never_make_are_never_used)
{
    rk_ctx *ctx = test_ctx();
    struct table t = table_new(ctx, 3);
    join(ctx, &t, 1, 2);
    join(ctx, &t, 0, 1);
    join(ctx, &t, find(&t, "ab", 2), 2);
    OK(ctx, tok_seal(ctx, t.tok));
    EXPECT(tables_of(&t)->forward.ready);
    EXPECT(forward_makes(&tables_of(&t)->forward, find(&t, "ab", 2)) && !forward_makes(&tables_of(&t)->forward, find(&t, "abc", 3)));
    size_t found = 0;
    EXPECT_INT(whole_tokens(ctx, &t, &found), t.n - 1);
    random_words(ctx, &t, 3, 200);
    rk_tok_close(ctx, t.tok);
}

/* (ab, c) has a lower rank than what makes ab: it is applied at once, and nothing is said of such tables but merge by merge. */
TEST(merges_that_wait_are_merged_one_by_one)
{
    rk_ctx *ctx = test_ctx();
    struct table t = table_new(ctx, 3);
    join(ctx, &t, 0, 1);
    join(ctx, &t, find(&t, "ab", 2), 2);
    struct merge first = t.tok->bpe.merges[0];
    t.tok->bpe.merges[0] = t.tok->bpe.merges[1];
    t.tok->bpe.merges[1] = first;
    OK(ctx, tok_seal(ctx, t.tok));
    EXPECT(!tables_of(&t)->forward.ready);
    random_words(ctx, &t, 3, 200);
    rk_tok_close(ctx, t.tok);
}

/* Every token by ranks that are ids, in any order of ids: as a .tiktoken file has them. */
TEST(ranks_that_are_ids)
{
    rk_ctx *ctx = test_ctx();
    for (int round = 0; round < 60; round++) {
        unsigned letters = 1 + (unsigned)test_random(3);
        struct table t = table_new(ctx, letters);
        for (int i = 0; i < 15; i++) {
            char bytes[6];
            size_t n = 2 + test_random(round % 2 ? 4 : 2);
            for (size_t k = 0; k < n; k++) bytes[k] = (char)('a' + test_random(letters));
            if (find(&t, bytes, n) == NO_TOKEN) OK(ctx, vocab_put(ctx, &t.tok->vocab, t.n++, bytes, n, true));
        }
        for (uint32_t id = 0; id < t.n; id++)
            for (size_t k = 1; k < t.tok->vocab.tokens[id].n; k++) {
                uint32_t left = find(&t, t.tok->vocab.tokens[id].at, k), right = find(&t, t.tok->vocab.tokens[id].at + k, t.tok->vocab.tokens[id].n - k);
                if (left != NO_TOKEN && right != NO_TOKEN) OK(ctx, bpe_add_merge(ctx, &t.tok->bpe, (struct merge){ left, right, id }));
            }
        t.tok->bpe.by_id = true;
        OK(ctx, tok_seal(ctx, t.tok));
        random_words(ctx, &t, letters, 60);
        rk_tok_close(ctx, t.tok);
    }
}

/* Three bytes at a time: characters, and what only looks like one. */
static const unsigned char some[] = { 0xe3, 0x81, 0x82, 0xe4, 0xb8, 0xad, 'a', ' ', 0xef, 0x80, 0xe0 };

static struct table table_of_characters(rk_ctx *ctx, int merges)
{
    struct table t = { 0 };
    OK(ctx, tok_new(ctx, &t.tok));
    for (size_t i = 0; i < sizeof some; i++) OK(ctx, vocab_put(ctx, &t.tok->vocab, t.n++, (const char *)&some[i], 1, true));
    for (int i = 0; i < merges; i++) join(ctx, &t, (uint32_t)test_random(t.n), (uint32_t)test_random(t.n));
    OK(ctx, tok_seal(ctx, t.tok));
    return t;
}

static size_t put_character(unsigned char *to)
{
    size_t at = test_random(4) != 0 ? 3 * test_random(2) : test_random(sizeof some - 2), many = test_random(8) != 0 ? 3 : 1 + test_random(2), n = many < sizeof some - at ? many : sizeof some - at;
    memcpy(to, some + at, n);
    return n;
}

TEST(characters_go_by_whole)
{
    rk_ctx *ctx = test_ctx();
    struct coder c = { 0 };
    OK(ctx, share_begin(ctx, &c.share));
    for (int round = 0; round < 60; round++) {
        struct table t = table_of_characters(ctx, 40);
        unsigned char word[90];
        EXPECT(forward_keep(&c.share, &c.scratch.forward));
        for (int i = 0; i < 100; i++) {
            size_t n = 0, want = 3 + test_random(60);
            while (n < want) n += put_character(word + n);
            equal_words(&t, &c, word, n);
        }
        rk_tok_close(ctx, t.tok);
        bpe_scratch_clear(ctx, &c.scratch);                           /* what was kept is true of one tokenizer */
        bpe_scratch_clear(ctx, &c.plain);
    }
    OK(ctx, share_end(&c.share));
}

/* A text of words that are clauses, and where they end. */
struct clauses { unsigned char text[1 << 13]; size_t ends[300], n; };

static void make_clauses(struct clauses *c)
{
    size_t at = 0;
    for (c->n = 0; c->n < 300 && at < sizeof c->text - 2100;) {
        size_t want = at + 1 + test_random(test_random(30) == 0 ? 2000 : test_random(4) == 0 ? 60 : 9);
        at += test_random(20) == 0;                                   /* perhaps a space */
        memcpy(c->text + at, some, 3);                                /* begins as a clause does */
        if (at > 0 && (c->n == 0 || at > c->ends[c->n - 1])) c->text[at - 1] = ' ';
        for (at += 3; at < want;) at += put_character(c->text + at);
        c->ends[c->n++] = at;
    }
}

/* Ids of all clauses, by the bodies of a set of instructions, from left to right; the same merge by merge. */
static void equal_clauses(const struct table *t, struct coder *c, const struct clauses *x, enum isa isa)
{
    static uint32_t ids[(1 << 13) + BPE_BEYOND], merged[1 << 13];
    const struct bpe *b = &t->tok->bpe;
    size_t want = 0, at = 0, done = 0;
    uint32_t *end = ids;
    for (size_t i = 0; i < x->n; at = x->ends[i++]) want += bpe_merge(b, &c->share, &c->plain, x->text + at, x->ends[i] - at, merged + want);
    struct forward f = tables_of(t)->forward;
    f.characters = &characters_bodies[isa];
    done = forward_clauses(&f, &c->share, &c->scratch.forward, x->text, 0, x->ends, x->n, &end);
    EXPECT_INT(done, x->n);
    EXPECT_INT((size_t)(end - ids), want);
    EXPECT(memcmp(ids, merged, want * sizeof *ids) == 0);
}

/* Rows of clauses: by every body that runs here, with little known, and again. */
TEST(rows_of_clauses_are_merged_word_by_word)
{
    rk_ctx *ctx = test_ctx();
    struct coder c = { 0 };
    static struct clauses x;
    int ready = 0;
    OK(ctx, share_begin(ctx, &c.share));
    for (int round = 0; round < 120; round++) {
        struct table t = table_of_characters(ctx, (int)test_random(60));
        for (int isa = 0; isa < ISA_COUNT && tables_of(&t)->forward.ready; isa++) {
            if (!isa_runs((enum isa)isa)) continue;
            EXPECT(forward_keep(&c.share, &c.scratch.forward));
            for (int i = 0; i < 6; i++) {
                make_clauses(&x);
                for (int again = 0; again < 2; again++) equal_clauses(&t, &c, &x, (enum isa)isa);
            }
            ready++;
            bpe_scratch_clear(ctx, &c.scratch);
            bpe_scratch_clear(ctx, &c.plain);
        }
        rk_tok_close(ctx, t.tok);
    }
    EXPECT(ready > 30);
    OK(ctx, share_end(&c.share));
}

/* A clause that cannot be made, since the vocabulary lacks a byte: those before it are, and no other. */
TEST(clauses_before_one_that_lacks_a_byte)
{
    static const char text[] = "\343\201\202\343\201\202\343\201\202\343\201\377\343\201\202";
    static const size_t ends[] = { 6, 9, 12, 15 };
    rk_ctx *ctx = test_ctx();
    struct coder c = { 0 };
    OK(ctx, share_begin(ctx, &c.share));
    struct table t = table_of_characters(ctx, 0);
    EXPECT(tables_of(&t)->forward.ready && forward_keep(&c.share, &c.scratch.forward));
    for (int again = 0; again < 2; again++) {
        uint32_t ids[15 + BPE_BEYOND], *end = ids;
        EXPECT_INT(forward_clauses(&tables_of(&t)->forward, &c.share, &c.scratch.forward, (const unsigned char *)text, 0, ends, 4, &end), 2);
        EXPECT_INT(end - ids, 9);
    }
    bpe_scratch_clear(ctx, &c.scratch);
    rk_tok_close(ctx, t.tok);
    OK(ctx, share_end(&c.share));
}

/* One word of half a million bytes that goes back and forth is linear. */
TEST(long_words_take_no_longer)
{
    enum { LONG = 1 << 19 };
    rk_ctx *ctx = test_ctx();
    struct table t = table_new(ctx, 2);
    for (int i = 0; i < 5; i++) join(ctx, &t, i == 0 ? 0 : t.n - 1, i == 0 ? 0 : t.n - 1);        /* runs of 2, 4, ..., 32 */
    join(ctx, &t, 0, 1);
    OK(ctx, tok_seal(ctx, t.tok));
    struct coder c = { 0 };
    OK(ctx, share_begin(ctx, &c.share));
    unsigned char *word = malloc(LONG);
    uint32_t *ids = malloc((LONG + BPE_BEYOND) * sizeof *ids), *merged = malloc(LONG * sizeof *ids);
    for (size_t i = 0; i < LONG; i++) word[i] = i % 1000 == 999 ? 'b' : 'a';
    size_t made = bpe_word(&t.tok->bpe, tables_of(&t), &c.share, &c.scratch, word, LONG, ids), want = bpe_merge(&t.tok->bpe, &c.share, &c.scratch, word, LONG, merged);
    EXPECT(made == want && memcmp(ids, merged, made * sizeof *ids) == 0);
    free(word);
    free(ids);
    free(merged);
    bpe_scratch_clear(ctx, &c.scratch);
    OK(ctx, share_end(&c.share));
    rk_tok_close(ctx, t.tok);
}
