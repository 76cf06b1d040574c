/* test_tok_special.c: special tokens in a text, against trying every token at every place; and the ways of searching against each other. */
#include "test.h"
#include "tok/special.h"
#include <stdlib.h>

enum { TOKENS = 600, TOKEN_BYTES = 80, TEXT = 12000 };

struct made {
    rk_special     tokens[TOKENS];
    char           bytes[TOKENS][TOKEN_BYTES];
    size_t         n;
    unsigned char  text[TEXT];
};

static bool same(const rk_special *t, const unsigned char *text, size_t n) { return t->text.n <= n && memcmp(t->text.at, text, t->text.n) == 0; }

static bool is_there(const struct made *m, const rk_special *t)
{
    for (size_t i = 0; i < m->n; i++)
        if (m->tokens[i].text.n == t->text.n && same(t, (const unsigned char *)m->bytes[i], t->text.n)) return true;
    return false;
}

/* A letter of few, the first one mostly: long runs, which long tokens share; zeros and blanks are among them. */
static char letter(void) { return "aab\0 c"[test_random(test_random(4) == 0 ? 6 : 3)]; }

static void make_tokens(struct made *m, size_t wanted, size_t longest, bool asking)
{
    bool closed = test_random(3) > 0;                                 /* no token is a run: the search is in vain at most places */
    m->n = 0;
    for (size_t tries = 0; tries < wanted; tries++) {
        rk_special t = { .text = { m->bytes[m->n], 1 + (size_t)test_random(longest) }, .id = (uint32_t)m->n };
        size_t run = test_random(2) == 0 ? t.text.n - 1 : 0;          /* a^k and something */
        for (size_t d = 0; d < t.text.n; d++) m->bytes[m->n][d] = d < run ? 'a' : letter();
        if (closed) m->bytes[m->n][t.text.n - 1] = "bc"[test_random(2)];
        if (is_there(m, &t)) continue;
        if (asking) {
            t.lstrip = test_random(4) == 0;
            t.rstrip = test_random(4) == 0;
            t.single_word = test_random(4) == 0;
            t.special = test_random(2) == 0;
        }
        m->tokens[m->n++] = t;
    }
    for (size_t i = 0; i < TEXT;) {
        size_t run = 1 + (size_t)test_random(400);
        for (bool plain = test_random(2) == 0; run > 0 && i < TEXT; run--) m->text[i++] = plain ? 'a' : (unsigned char)letter();
    }
}

static const rk_special *slow_longest(const struct made *m, const unsigned char *text, size_t n)
{
    const rk_special *best = NULL;
    for (size_t i = 0; i < m->n; i++)
        if ((best == NULL || m->tokens[i].text.n > best->text.n) && same(&m->tokens[i], text, n)) best = &m->tokens[i];
    return best;
}

/* Leftmost first, the longest there. */
static void check_matches(const struct made *m, const struct specials *s, size_t n)
{
    struct special_walk w;
    struct special_match found;
    special_begin(&w, false);
    for (size_t i = 0; i < n;) {
        const rk_special *t = slow_longest(m, m->text + i, n - i);
        if (t == NULL) { i++; continue; }
        REQUIRE(specials_next(s, m->text, n, &w, &found));
        REQUIRE(found.token->id == t->id && found.begin == i && found.end == i + t->text.n);
        w.taken = i = found.end;
    }
    EXPECT(!specials_next(s, m->text, n, &w, &found));
}

/* Some token begins before the cut and goes on behind it, or ends there and takes what follows. */
static bool slow_straddle(const struct made *m, size_t cut)
{
    for (size_t i = 0; i < m->n; i++) {
        const rk_special *t = &m->tokens[i];
        if (t->single_word && (unsigned char)t->text.at[0] == m->text[cut]) return true;
        for (size_t k = 1; k < t->text.n && k <= cut; k++)
            if (memcmp(t->text.at, m->text + cut - k, k + 1) == 0) return true;
        if (t->rstrip && t->text.n <= cut && same(t, m->text + cut - t->text.n, t->text.n)) return true;
    }
    return false;
}

static const struct { size_t tokens, longest; } sets[] = { { 1, 3 }, { 4, 8 }, { 40, 32 }, { 1, 80 },
    { 12, 40 }, { 60, 80 }, { TOKENS, 20 }, { TOKENS, 80 } };
enum { SETS = sizeof sets / sizeof sets[0] };

TEST(the_longest_of_those_that_begin_leftmost)
{
    rk_ctx *ctx = test_ctx();
    struct made *m = malloc(sizeof *m);
    struct specials s;
    for (size_t round = 0; round < (TEST_SANITIZED ? 1 : 3) * SETS; round++) {
        make_tokens(m, sets[round % SETS].tokens, sets[round % SETS].longest, false);
        OK(ctx, specials_init(ctx, &s, m->tokens, m->n, false));
        EXPECT((s.backward.n > 0) == (s.longest > SPECIAL_SHORT) && (s.pairs != NULL) == (m->n >= SPECIAL_MANY));
        check_matches(m, &s, test_random(2) == 0 ? TEXT : 1 + (size_t)test_random(TEXT));
        specials_clear(ctx, &s);
    }
    free(m);
}

TEST(a_cut_is_straddled_by_what_begins_before_it)
{
    rk_ctx *ctx = test_ctx();
    struct made *m = malloc(sizeof *m);
    struct specials s;
    size_t yes = 0, no = 0;
    for (size_t round = 0; round < SETS; round++) {
        make_tokens(m, sets[round].tokens, sets[round].longest, true);
        OK(ctx, specials_init(ctx, &s, m->tokens, m->n, false));
        for (size_t i = 0; i < 300; i++) {
            size_t cut = (size_t)test_random(test_random(2) == 0 ? 100 : TEXT);
            bool straddled = slow_straddle(m, cut);
            REQUIRE(specials_straddle(&s, m->text, cut) == straddled);
            *(straddled ? &yes : &no) += 1;
        }
        specials_clear(ctx, &s);
    }
    EXPECT(yes > 100 && no > 100);
    free(m);
}

/* At all places of a block, near the end, and not at all; a buffer that ends where the text does. */
TEST(two_bytes_are_found_by_every_body)
{
    enum { LONGEST = 300 };
    for (size_t round = 0; round < 3000 / TEST_FEWER; round++) {
        size_t n = (size_t)test_random(LONGEST), from = (size_t)test_random(n + 2), want = from;
        const int second = round % 2 == 0 ? '|' : 0xff;
        unsigned char *text = malloc(n > 0 ? n : 1);
        REQUIRE(text != NULL);
        for (size_t i = 0; i < n; i++) text[i] = (unsigned char)"<|a\xff"[test_random(100) == 0 ? test_random(4) : test_random(3) == 0 ? 0 : 2];
        while (want + 1 < n && (text[want] != '<' || text[want + 1] != second)) want++;
        if (want + 1 >= n) want = n;
        for (int isa = 0; isa < ISA_COUNT; isa++)
            if (isa_runs((enum isa)isa)) EXPECT_INT(special_bodies[isa](text, n, from, '<', second), want);
        free(text);
    }
}

/* Tokens that ask for more: with and without automata and tables. */
TEST(ways_of_searching_agree)
{
    rk_ctx *ctx = test_ctx();
    struct made *m = malloc(sizeof *m);
    struct specials s;
    size_t looked = 0;
    for (size_t round = 0; round < 3 * SETS; round++) {
        make_tokens(m, sets[round % SETS].tokens, sets[round % SETS].longest, true);
        OK(ctx, specials_init(ctx, &s, m->tokens, m->n, false));
        struct specials slow = s;
        slow.pairs = NULL;
        slow.keys = NULL;
        slow.backward.n = slow.forward.n = 0;
        struct special_walk a, b;
        struct special_match x = { 0 }, y = { 0 };
        special_begin(&a, round % 2);
        special_begin(&b, round % 2);
        for (bool more = true; more; a.taken = x.end, b.taken = y.end) {
            more = specials_next(&s, m->text, TEXT, &a, &x);
            REQUIRE(specials_next(&slow, m->text, TEXT, &b, &y) == more);
            if (more) REQUIRE(x.token == y.token && x.begin == y.begin && x.end == y.end);
        }
        for (size_t cut = 0; cut < TEXT; cut += 37) REQUIRE(specials_straddle(&s, m->text, cut) == specials_straddle(&slow, m->text, cut));
        looked += a.n_known > 0;
        specials_clear(ctx, &s);
    }
    EXPECT(looked > 3);                                               /* else nothing here was hostile enough */
    free(m);
}

/* a^k b for every k up to the limit, in a text of a: four thousand steps at each place, were they taken, and eight million at a cut. */
TEST(hostile_tokens_take_few_steps)
{
    enum { MOST = SPECIAL_MOST_BYTES, BYTES = 1 << 18 };
    rk_ctx *ctx = test_ctx();
    char *bytes = malloc(MOST);
    unsigned char *text = malloc(BYTES);
    rk_special *tokens = calloc(MOST, sizeof *tokens);
    struct specials s;
    struct special_walk w;
    struct special_match found;
    memset(bytes, 'a', MOST);
    bytes[MOST - 1] = 'b';
    memset(text, 'a', BYTES);
    text[BYTES - 1] = 'b';
    for (size_t i = 1; i < MOST; i++) tokens[i - 1] = (rk_special){ .text = { bytes + MOST - 1 - i, i + 1 }, .id = (uint32_t)i };
    OK(ctx, specials_init(ctx, &s, tokens, MOST - 1, false));
    EXPECT(s.backward.n == MOST + 1 && s.forward.n == 2 * MOST - 1);
    special_begin(&w, false);
    REQUIRE(specials_next(&s, text, BYTES, &w, &found));
    EXPECT_INT(found.begin, BYTES - MOST);
    EXPECT(found.end == BYTES && found.token->text.n == MOST);
    EXPECT(w.n_known > 0);
    EXPECT(w.since >= BYTES - MOST);                                  /* told by the automaton, to the end */
    EXPECT(specials_straddle(&s, text, BYTES - 1) && specials_straddle(&s, text, 1));
    text[BYTES - 1] = ' ';
    EXPECT(!specials_straddle(&s, text, BYTES - 1));
    specials_clear(ctx, &s);
    free(bytes);
    free(text);
    free(tokens);
}

static rk_status open_some(rk_ctx *ctx)
{
    static char bytes[SPECIAL_MANY][40];
    rk_special tokens[SPECIAL_MANY];
    struct specials s;
    for (size_t i = 0; i < SPECIAL_MANY; i++) {
        size_t n = (size_t)snprintf(bytes[i], sizeof bytes[i], "<%zu a long special token of its own>", i);
        tokens[i] = (rk_special){ .text = { bytes[i], n }, .id = (uint32_t)i };
    }
    rk_status status = specials_init(ctx, &s, tokens, SPECIAL_MANY, false);
    specials_clear(ctx, &s);
    return status;
}

TEST(memory_that_ends_is_given_back) { FOR_EVERY_FAILED_ALLOCATION(open_some); }
