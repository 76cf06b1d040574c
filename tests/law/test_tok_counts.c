/* Counting in shards is counting the whole, however it is shared out, kept and limited; and words that the merge loop treats otherwise
 * (long ones, counts beyond 55 bits) merge as all others do. labels: threads */
#include "base/file.h"
#include "reckon/counts.h"
#include "test.h"
#include "test_tok_text.h"
#include <stdlib.h>

static const char *const specials[] = { "<|endoftext|>" };

static rk_tok *train_within(rk_ctx *ctx, rk_counts *counts, uint32_t size, rk_ties ties, uint64_t memory)
{
    rk_tok_training how = { .vocab_size = size, .ties = ties, .memory = memory };
    rk_tok *tok;
    OK(ctx, rk_counts_train(ctx, counts, &how, &tok));
    return tok;
}

static rk_tok *train(rk_ctx *ctx, rk_counts *counts, uint32_t size, rk_ties ties) { return train_within(ctx, counts, size, ties, 0); }

static void expect_same(const rk_tok *a, const rk_tok *b)
{
    EXPECT_INT(rk_tok_merges(a), rk_tok_merges(b));
    for (uint32_t i = 0; i < rk_tok_merges(a) && i < rk_tok_merges(b); i++) {
        size_t la, lb;
        rk_text x = rk_tok_merge(a, i, &la), y = rk_tok_merge(b, i, &lb);
        if (la == lb && x.n == y.n && memcmp(x.at, y.at, x.n) == 0) continue;
        test_fail(__FILE__, __LINE__, "merge %u differs", i);
        return;
    }
}

/* ---- shards ---- */

/* Cuts a text at some places where it may be cut, counts each piece by itself, and saves it. */
static int share_out(rk_ctx *ctx, const rk_counting *how, const char *text, size_t n)
{
    int shards = 0;
    for (size_t at = 0; at < n; shards++) {
        rk_counts *counts;
        char name[32];
        size_t most = test_random(n - at) + 1, end = most;
        (void)snprintf(name, sizeof name, "shard%d", shards);
        OK(ctx, rk_counts_open(ctx, how, &counts));
        if (at + most < n) end = rk_counts_cut(counts, text + at, most);
        if (end == 0 || shards == 6) end = n - at;
        rk_text part = { text + at, end };
        OK(ctx, rk_counts_add(ctx, counts, &part, 1));
        OK(ctx, rk_counts_write(ctx, counts, test_path(name)));
        rk_counts_close(ctx, counts);
        at += end;
    }
    return shards;
}

static void expect_sharded(rk_units units, const char *pattern, int threads)
{
    static char text[40000];
    rk_options options = { .threads = threads };
    rk_ctx *ctx = test_ctx(), *other;
    OK(ctx, rk_ctx_open(&options, &other));
    for (int round = 0; round < (TEST_SANITIZED ? 3 : 12); round++) {
        rk_counting how = { .specials = specials, .n_specials = 1, .units = units, .pattern = pattern };
        rk_counts *whole, *parts;
        rk_counts_sum a, b;
        size_t n = hard_text(text, sizeof text - 64);
        rk_text all = { text, n };
        OK(ctx, rk_counts_open(ctx, &how, &whole));
        OK(ctx, rk_counts_add(ctx, whole, &all, 1));
        int shards = share_out(ctx, &how, text, n);
        OK(other, rk_counts_open(other, &how, &parts));
        for (int i = shards; i-- > 0;) {
            char name[32];
            (void)snprintf(name, sizeof name, "shard%d", i);
            OK(other, rk_counts_read(other, parts, test_path(name)));
        }
        OK(ctx, rk_counts_total(ctx, whole, &a));
        OK(other, rk_counts_total(other, parts, &b));
        EXPECT(a.words == b.words && a.distinct == b.distinct && a.bytes == b.bytes);
        rk_tok *one = train(ctx, whole, 400, RK_TIES_CS336), *two = train(other, parts, 400, RK_TIES_CS336);
        expect_same(one, two);
        rk_tok_close(ctx, one);
        rk_tok_close(other, two);
        rk_counts_close(ctx, whole);
        rk_counts_close(other, parts);
    }
    rk_ctx_close(other);
}

TEST(any_sharing_out_is_the_whole) { expect_sharded(RK_UNITS_DOCUMENTS, NULL, 1); }
TEST(any_sharing_out_is_the_whole_on_two_threads) { expect_sharded(RK_UNITS_DOCUMENTS, NULL, 2); }
TEST(lines_may_be_shared_out_too) { expect_sharded(RK_UNITS_LINES, "cl100k", 2); }

/* ---- memory ---- */

static char *random_words(size_t n)
{
    char *text = malloc(n);
    REQUIRE(text != NULL);
    for (size_t i = 0; i < n; i++) text[i] = i % 8 == 0 ? ' ' : (char)('a' + test_random(i % 8 < 4 ? 6 : 20));
    return text;
}

static void count_in(rk_ctx *ctx, const rk_counting *how, const char *text, size_t n, rk_counts **counts)
{
    OK(ctx, rk_counts_open(ctx, how, counts));
    for (size_t at = 0; at < n; at += n / 4) {
        rk_text part = { text + at, n / 4 };
        OK(ctx, rk_counts_add(ctx, *counts, &part, 1));
    }
}

static bool no_merging(void *user, const rk_tok_progress *p)
{
    (void)user;
    return strcmp(p->stage, "merge") != 0;
}

/* Pairs that are counted in many goes: between two of them it can be stopped, before anything was merged. */
static void stop_between_goes(rk_ctx *ctx, const rk_counting *how, uint64_t memory)
{
    rk_counts *counts;
    rk_tok *none;
    OK(ctx, rk_counts_open(ctx, how, &counts));
    OK(ctx, rk_counts_read(ctx, counts, test_path("counts")));
    FAILS(ctx, rk_counts_train(ctx, counts, &(rk_tok_training){ .vocab_size = 300, .memory = memory, .progress = no_merging }, &none), RK_E_CANCELLED, "at 256 of 299 tokens");
    rk_counts_close(ctx, counts);
}

TEST(little_memory_gives_the_same_and_is_kept)
{
    if (TEST_SANITIZED) SKIP("millions of words");
    size_t n = (size_t)3 << 20;
    rk_ctx *ctx = test_ctx(), *small;
    rk_options options = { .threads = 2 };
    char *text = random_words(n);
    rk_counting how = { .specials = specials, .n_specials = 1 }, limited = how;
    rk_counts *free_counts, *counts, *again;
    rk_counts_sum a, b, c;
    const uint64_t merging = (uint64_t)36 << 20;                      /* half of what it takes when free */
    limited.memory = RK_COUNTS_LEAST_MEMORY;
    limited.temporary = test_temporary();
    OK(ctx, rk_ctx_open(&options, &small));
    count_in(ctx, &how, text, n, &free_counts);
    OK(ctx, rk_counts_total(ctx, free_counts, &a));
    count_in(small, &limited, text, n, &counts);
    OK(small, rk_counts_total(small, counts, &b));
    EXPECT(!a.spilled && b.spilled && a.words == b.words && a.distinct == b.distinct && a.bytes == b.bytes);
    OK(small, rk_counts_write(small, counts, test_path("counts")));
    EXPECT(rk_ctx_peak_bytes(small) <= RK_COUNTS_LEAST_MEMORY);
    OK(ctx, rk_counts_open(ctx, &limited, &again));
    OK(ctx, rk_counts_read(ctx, again, test_path("counts")));             /* too much for the limit: stays a file */
    OK(ctx, rk_counts_total(ctx, again, &c));
    EXPECT(c.spilled && c.distinct == a.distinct);
    rk_tok *one = train(ctx, free_counts, 300, RK_TIES_CS336), *two = train_within(small, counts, 300, RK_TIES_CS336, merging), *three = train(ctx, again, 300, RK_TIES_CS336);
    EXPECT(rk_ctx_peak_bytes(small) <= merging);
    expect_same(one, two);
    expect_same(one, three);
    stop_between_goes(small, &limited, merging);
    struct file_names names = { 0 };
    OK(ctx, file_list(ctx, test_temporary(), &names));
    EXPECT_INT(names.n, 1);                                           /* the counts file alone */
    file_names_free(ctx, &names);
    rk_tok_close(ctx, one);
    rk_tok_close(small, two);
    rk_tok_close(ctx, three);
    rk_counts_close(ctx, free_counts);
    rk_counts_close(small, counts);
    rk_counts_close(ctx, again);
    rk_ctx_close(small);
    free(text);
}

/* ---- words of another kind ---- */

struct list { int n; char text[6][10]; int count[6]; };

static void make_list(struct list *l)
{
    l->n = 1 + (int)test_random(6);
    for (int i = 0; i < l->n; i++) {
        size_t n = 1 + test_random(8);
        for (size_t k = 0; k < n; k++) l->text[i][k] = "ab"[test_random(2)];
        l->text[i][n] = '\0';
        l->count[i] = 1 + (int)test_random(3);
        for (int k = 0; k < i; k++)
            if (strcmp(l->text[k], l->text[i]) == 0) l->n = i;
    }
}

static rk_tok *train_list(rk_ctx *ctx, const struct list *l, uint64_t times, rk_ties ties)
{
    rk_counts *counts;
    FILE *f = fopen(test_path("list.json"), "w");
    REQUIRE(f != NULL);
    for (int i = 0; i < l->n; i++) (void)fprintf(f, "%s\"%s\": %llu", i == 0 ? "{" : ", ", l->text[i], (unsigned long long)l->count[i] * times);
    (void)fputs("}", f);
    REQUIRE(fclose(f) == 0);
    OK(ctx, rk_counts_open(ctx, &(rk_counting){ .units = RK_UNITS_DOCUMENTS }, &counts));
    OK(ctx, rk_counts_read(ctx, counts, test_path("list.json")));
    rk_tok *tok = train(ctx, counts, 280, ties);
    rk_counts_close(ctx, counts);
    return tok;
}

/* Counts of 55 bits and more are kept as those of long words are, place by place; the merges are those of the same words as records. */
TEST(large_counts_merge_as_small_ones_do)
{
    rk_ctx *ctx = test_ctx();
    for (int round = 0; round < 300; round++) {
        struct list l;
        rk_ties ties = (rk_ties)(round % 3);
        make_list(&l);
        rk_tok *a = train_list(ctx, &l, 1, ties), *b = train_list(ctx, &l, (uint64_t)1 << 55, ties);
        expect_same(a, b);
        rk_tok_close(ctx, a);
        rk_tok_close(ctx, b);
    }
}

/* A long word and its halves, cut where no merge goes across: the same merges. */
TEST(a_long_word_merges_as_its_parts_do)
{
    rk_ctx *ctx = test_ctx();
    enum { PARTS = 12, PART = 200 };
    for (int round = 0; round < 6; round++) {
        static char text[PARTS * (PART + 1)], joined[PARTS * (PART + 1)];
        rk_counting letters = { .pattern = "gpt2" };
        rk_counts *apart, *together;
        size_t n = 0;
        for (int i = 0; i < PARTS; i++) {
            for (int k = 0; k < PART; k++) text[n++] = "abca"[test_random(round % 2 == 0 ? 4 : 2)];
            text[n++] = ' ';
        }
        memcpy(joined, text, n);
        for (size_t i = PART; i < n; i += PART + 1) joined[i] = (char)('A' + i / (PART + 1));      /* once each: never merged while others are left */
        rk_text one = { joined, n }, many[PARTS];
        for (int i = 0; i < PARTS; i++) many[i] = (rk_text){ text + (size_t)i * (PART + 1), PART };
        OK(ctx, rk_counts_open(ctx, &letters, &apart));
        OK(ctx, rk_counts_open(ctx, &letters, &together));
        OK(ctx, rk_counts_add(ctx, apart, many, PARTS));
        OK(ctx, rk_counts_add(ctx, together, &one, 1));
        rk_tok *a = train(ctx, apart, 290, RK_TIES_CS336), *b = train(ctx, together, 290, RK_TIES_CS336);
        expect_same(a, b);
        rk_tok_close(ctx, a);
        rk_tok_close(ctx, b);
        rk_counts_close(ctx, apart);
        rk_counts_close(ctx, together);
    }
}

/* One word with no place to cut, and less memory than its merges would like: the same merges, or an error that says so; never more. */
TEST(a_word_without_end_keeps_to_its_memory)
{
    if (TEST_SANITIZED) SKIP("millions of places");
    enum { LONG = 2400000, SIZE = 280 };
    rk_ctx *ctx = test_ctx();
    rk_counts *counts;
    rk_tok *toks[2] = { NULL, NULL }, *none;
    char *word = malloc(LONG);
    REQUIRE(word != NULL);
    for (size_t i = 0; i < LONG; i++) word[i] = "eeeeetttaaaoooiiinnsshhrrdlcumwfgypbvk"[test_random(38)];
    rk_text one = { word, LONG };
    rk_ctx *owners[3];
    static const uint64_t memory[3] = { (uint64_t)26 << 20, 0, 20 << 20 };
    for (int i = 0; i < 3; i++) {
        rk_ctx *own;
        rk_options options = { .threads = 2 };
        rk_tok_training how = { .vocab_size = SIZE, .ties = i < 2 ? RK_TIES_CS336 : RK_TIES_HUGGINGFACE, .memory = memory[i] };
        OK(ctx, rk_ctx_open(&options, &own));
        OK(own, rk_counts_open(own, &(rk_counting){ .pattern = "gpt2" }, &counts));
        OK(own, rk_counts_add(own, counts, &one, 1));
        if (i < 2) toks[i] = train_within(own, counts, SIZE, RK_TIES_CS336, memory[i]);
        else FAILS(own, rk_counts_train(own, counts, &how, &none), RK_E_LIMIT, "allowed");
        if (memory[i] > 0) EXPECT(rk_ctx_peak_bytes(own) <= memory[i] + (1 << 20));      /* beside the limit: what is not of the words */
        if (i == 1) expect_same(toks[0], toks[1]);
        rk_counts_close(own, counts);
        owners[i] = own;
    }
    for (int i = 0; i < 3; i++) {
        if (i < 2) rk_tok_close(owners[i], toks[i]);
        rk_ctx_close(owners[i]);
    }
    free(word);
}

/* A run of one letter doubles its token with every merge: what no file could hold is refused while it is merged. */
TEST(tokens_without_end_are_refused)
{
    enum { RUN = 3000000 };
    rk_ctx *ctx = test_ctx();
    rk_counts *counts;
    rk_tok *tok;
    char *run = malloc(RUN);
    REQUIRE(run != NULL);
    memset(run, 'a', RUN);
    rk_text one = { run, RUN };
    OK(ctx, rk_counts_open(ctx, &(rk_counting){ .pattern = "gpt2" }, &counts));
    OK(ctx, rk_counts_add(ctx, counts, &one, 1));
    FAILS(ctx, rk_counts_train(ctx, counts, &(rk_tok_training){ .vocab_size = 400, .memory = 64 << 20 }, &tok), RK_E_LIMIT, "for all tokens together");
    rk_counts_close(ctx, counts);
    free(run);
}

/* ---- what is wrong ---- */

static void damage(const char *from, const char *to, size_t at, unsigned char x, size_t most)
{
    rk_ctx *ctx = test_ctx();
    struct file_view view;
    OK(ctx, file_map(ctx, from, &view));
    FILE *f = fopen(to, "wb");
    REQUIRE(f != NULL);
    for (size_t i = 0; i < view.n && i < most; i++) (void)fputc(i == at ? view.at[i] ^ x : view.at[i], f);
    REQUIRE(fclose(f) == 0);
    file_unmap(&view);
}

TEST(damaged_counts_are_refused)
{
    rk_ctx *ctx = test_ctx();
    rk_counts *counts, *others;
    rk_text one = { "the cat sat on the mat", 22 };
    OK(ctx, rk_counts_open(ctx, &(rk_counting){ .specials = specials, .n_specials = 1 }, &counts));
    OK(ctx, rk_counts_open(ctx, &(rk_counting){ .pattern = "cl100k" }, &others));
    OK(ctx, rk_counts_add(ctx, counts, &one, 1));
    OK(ctx, rk_counts_write(ctx, counts, test_path("good")));
    FAILS(ctx, rk_counts_read(ctx, others, test_path("good")), RK_E_ARG, "another pattern");
    damage(test_path("good"), test_path("bad"), 540, 1, SIZE_MAX);
    FAILS(ctx, rk_counts_read(ctx, counts, test_path("bad")), RK_E_FORMAT, "checksum");
    damage(test_path("good"), test_path("bad"), 30, 0x40, SIZE_MAX);
    FAILS(ctx, rk_counts_read(ctx, counts, test_path("bad")), RK_E_FORMAT, "section");
    damage(test_path("good"), test_path("bad"), 0, 0, 550);
    FAILS(ctx, rk_counts_read(ctx, counts, test_path("bad")), RK_E_FORMAT, "section");
    damage(test_path("good"), test_path("bad"), 0, 0, 100);
    FAILS(ctx, rk_counts_read(ctx, counts, test_path("bad")), RK_E_FORMAT, "bad");
    FAILS(ctx, rk_counts_read(ctx, counts, test_path("nothing")), RK_E_MISSING, "nothing");
    rk_counts_close(ctx, others);
    FAILS(ctx, rk_counts_open(ctx, &(rk_counting){ .memory = 1 << 20, .temporary = "/tmp" }, &others), RK_E_ARG, "the least");
    FAILS(ctx, rk_counts_open(ctx, &(rk_counting){ .memory = 1 << 30 }, &others), RK_E_ARG, "no folder");
    rk_counts_close(ctx, counts);
}
