/* Training against counting every pair anew for every merge; and what training refuses. */
#include "reckon/tok.h"
#include "test.h"
#include "tok/bytelevel.h"
#include <stdlib.h>

enum { MOST_WORDS = 40, MOST_LENGTH = 24, MOST_IDS = 600 };

struct naive {
    int      symbols[MOST_WORDS][MOST_LENGTH], length[MOST_WORDS], n_words;
    long     count[MOST_WORDS];
    char     text[MOST_IDS][MOST_LENGTH + 1];
    int      bytes[MOST_IDS], n_ids;
    rk_ties  ties;
};

static int compare(const struct naive *n, int a, int b)
{
    int least = n->bytes[a] < n->bytes[b] ? n->bytes[a] : n->bytes[b], r = memcmp(n->text[a], n->text[b], (size_t)least);
    return r != 0 ? r : n->bytes[a] - n->bytes[b];
}

static bool is_better(const struct naive *n, long count, int a, int b, long best, int best_a, int best_b)
{
    if (count != best) return count > best;
    if (n->ties != RK_TIES_CS336) return a != best_a ? a < best_a : b < best_b;
    int r = compare(n, a, best_a);
    if (r == 0) r = compare(n, b, best_b);
    return r != 0 ? r > 0 : a != best_a ? a < best_a : b < best_b;
}

static bool best_pair(const struct naive *n, long least, int *a, int *b)
{
    static long counts[MOST_IDS][MOST_IDS];
    long best = 0;
    memset(counts, 0, sizeof counts);
    for (int w = 0; w < n->n_words; w++)
        for (int i = 0; i + 1 < n->length[w]; i++) counts[n->symbols[w][i]][n->symbols[w][i + 1]] += n->count[w];
    for (int x = 0; x < n->n_ids; x++)
        for (int y = 0; y < n->n_ids; y++)
            if (counts[x][y] >= least && (best == 0 || is_better(n, counts[x][y], x, y, best, *a, *b))) {
                best = counts[x][y];
                *a = x;
                *b = y;
            }
    return best > 0;
}

static void apply(struct naive *n, int a, int b)
{
    int z = n->n_ids++;
    n->bytes[z] = n->bytes[a] + n->bytes[b];
    memcpy(n->text[z], n->text[a], (size_t)n->bytes[a]);
    memcpy(n->text[z] + n->bytes[a], n->text[b], (size_t)n->bytes[b]);
    for (int w = 0; w < n->n_words; w++) {
        int to = 0, *x = n->symbols[w];
        for (int i = 0; i < n->length[w]; to++) {
            bool merges = i + 1 < n->length[w] && x[i] == a && x[i + 1] == b;
            x[to] = merges ? z : x[i];
            i += merges ? 2 : 1;
        }
        n->length[w] = to;
    }
}

/* Words over a small alphabet, runs of one letter among them; written as a counts file too. */
static void make_words(struct naive *n, const unsigned char byte_of[256], const char *path)
{
    int id_of[256];
    FILE *f = fopen(path, "w");
    REQUIRE(f != NULL);
    for (int i = 0; i < 256; i++) {
        id_of[byte_of[i]] = i;
        n->text[i][0] = (char)byte_of[i];
        n->bytes[i] = 1;
    }
    n->n_ids = 256;
    n->n_words = 1 + (int)test_random(MOST_WORDS);
    int letters = 1 + (int)test_random(4);
    for (int w = 0; w < n->n_words; w++) {
        char word[MOST_LENGTH + 1] = { 0 };
        n->length[w] = 1 + (int)test_random(MOST_LENGTH);
        n->count[w] = 1 + (long)test_random(test_random(2) ? 3 : 1000);
        bool is_run = test_random(4) == 0;
        for (int i = 0; i < n->length[w]; i++) word[i] = is_run && i > 0 ? word[0] : "aZ b"[test_random((uint64_t)letters)];
        for (int k = 0; k < w; k++) {                                 /* a key twice is no counts file */
            bool same = n->length[k] == n->length[w];
            for (int i = 0; i < n->length[k] && same; i++) same = n->symbols[k][i] == id_of[(unsigned char)word[i]];
            if (same) n->length[w] = 0;
        }
        if (n->length[w] == 0) {
            n->n_words = w;
            break;
        }
        for (int i = 0; i < n->length[w]; i++) n->symbols[w][i] = id_of[(unsigned char)word[i]];
        (void)fprintf(f, "%s\"%s\": %ld", w == 0 ? "{" : ", ", word, n->count[w]);
    }
    (void)fputs("}", f);
    REQUIRE(fclose(f) == 0);
}

static bool is_spelled(const struct naive *n, int a, int b)
{
    char text[2 * MOST_LENGTH];
    memcpy(text, n->text[a], (size_t)n->bytes[a]);
    memcpy(text + n->bytes[a], n->text[b], (size_t)n->bytes[b]);
    for (int i = 0; i < n->n_ids; i++)
        if (n->bytes[i] == n->bytes[a] + n->bytes[b] && memcmp(n->text[i], text, (size_t)n->bytes[i]) == 0) return true;
    return false;
}

static void expect_same_merges(rk_ties ties)
{
    static struct naive n;
    rk_ctx *ctx = test_ctx();
    char path[700];
    unsigned char byte_of[256];
    int k = 0;
    for (int b = 0; b < 256; b++) byte_of[b] = (unsigned char)b;
    if (ties == RK_TIES_HUGGINGFACE)
        for (uint32_t code = 0; k < 256; code++)
            if (bytelevel_byte(code) >= 0) byte_of[k++] = (unsigned char)bytelevel_byte(code);
    for (int round = 0; round < 150; round++) {
        rk_tok *tok;
        uint64_t least = test_random(3) == 0 ? test_random(50) : 0;
        rk_tok_training how = { .vocab_size = 256 + (uint32_t)test_random(60), .ties = ties, .min_frequency = least };
        n.ties = ties;
        (void)snprintf(path, sizeof path, "%s/counts.json", test_temporary());
        make_words(&n, byte_of, path);
        OK(ctx, rk_tok_train_counts(ctx, &how, path, &tok));
        uint32_t made = 0;
        int a = 0, b = 0;
        bool ended = false;
        while (n.n_ids < (int)how.vocab_size && !ended) {
            ended = !best_pair(&n, least > 0 ? (long)least : 1, &a, &b);
            if (ended || (ties == RK_TIES_HUGGINGFACE && is_spelled(&n, a, b))) break;       /* from here on Hugging Face's rule is another one */
            size_t left = 0;
            rk_text m = rk_tok_merge(tok, made++, &left);
            if (m.at == NULL || left != (size_t)n.bytes[a] || m.n != left + (size_t)n.bytes[b] || memcmp(m.at, n.text[a], left) != 0 || memcmp(m.at + left, n.text[b], m.n - left) != 0) {
                test_fail(__FILE__, __LINE__, "round %d: merge %u differs", round, made - 1);
                break;
            }
            apply(&n, a, b);
        }
        if (ended || n.n_ids == (int)how.vocab_size) EXPECT_INT(made, rk_tok_merges(tok));
        rk_tok_close(ctx, tok);
    }
}

TEST(training_is_counting_anew_cs336) { expect_same_merges(RK_TIES_CS336); }
TEST(training_is_counting_anew_rank) { expect_same_merges(RK_TIES_RANK); }
TEST(training_is_counting_anew_huggingface) { expect_same_merges(RK_TIES_HUGGINGFACE); }

/* The text of some words is its own counts: counting and reading counts are one. */
TEST(text_and_its_counts_train_the_same)
{
    rk_ctx *ctx = test_ctx();
    static const char text[] = "low low low low low lower lower newest newest newest newest newest newest widest widest widest";
    rk_tok_training how = { .vocab_size = 256 + 6 };
    rk_text one = { text, sizeof text - 1 };
    rk_tok *tok;
    OK(ctx, rk_tok_train(ctx, &how, &one, 1, &tok));
    static const char *const expected[] = { "st", "est", "ow", "low", "west", "ne" };    /* the course's example, its words here with a space before them */
    size_t left;
    EXPECT_INT(rk_tok_merges(tok), 6);
    for (uint32_t i = 0; i < 3; i++) {
        rk_text m = rk_tok_merge(tok, i, &left);
        EXPECT(m.n == strlen(expected[i]) && memcmp(m.at, expected[i], m.n) == 0);
    }
    rk_tok_close(ctx, tok);
}

TEST(a_text_without_pairs_gives_the_bytes)
{
    rk_ctx *ctx = test_ctx();
    rk_tok_training how = { .vocab_size = 1000 };
    rk_text texts[] = { { NULL, 0 }, { "a", 1 }, { "!", 1 } };
    rk_tok *tok;
    OK(ctx, rk_tok_train(ctx, &how, texts, 3, &tok));
    EXPECT_INT(rk_tok_size(tok), 256);
    EXPECT_INT(rk_tok_merges(tok), 0);
    rk_tok_close(ctx, tok);
}

TEST(special_tokens_cut_and_are_not_counted)
{
    rk_ctx *ctx = test_ctx();
    static const char *const specials[] = { "<|x|>" };
    rk_tok_training how = { .vocab_size = 1000, .specials = specials, .n_specials = 1 };
    rk_text one = { "q<|x|>q<|x|>q", 13 };
    rk_tok *tok;
    uint32_t id;
    OK(ctx, rk_tok_train(ctx, &how, &one, 1, &tok));
    EXPECT_INT(rk_tok_merges(tok), 0);
    EXPECT(rk_tok_find(tok, "<|x|>", 5, &id) && id == 0);
    rk_tok_close(ctx, tok);
}

/* A special token that merges would spell too stays one token, in memory and in files. */
TEST(a_special_token_that_merges_make_is_one_token)
{
    rk_ctx *ctx = test_ctx();
    static const char *const specials[] = { "ab", "z" };
    rk_tok_training how = { .vocab_size = 280, .specials = specials, .n_specials = 2 };
    rk_tok *tok, *back;
    char path[700], folder[700];
    (void)snprintf(path, sizeof path, "%s/c.json", test_temporary());
    (void)snprintf(folder, sizeof folder, "%s/t", test_temporary());
    FILE *f = fopen(path, "w");
    REQUIRE(f != NULL && fputs("{\"abab\": 5, \"zab\": 3}", f) >= 0 && fclose(f) == 0);
    OK(ctx, rk_tok_train_counts(ctx, &how, path, &tok));
    OK(ctx, rk_tok_save(ctx, tok, folder));
    OK(ctx, rk_tok_open(ctx, folder, &back));
    rk_ids a = { 0 }, b = { 0 };
    OK(ctx, rk_tok_encode(ctx, tok, "ababzab", 7, RK_TOK_PLAIN, &a));
    OK(ctx, rk_tok_encode(ctx, back, "ababzab", 7, RK_TOK_PLAIN, &b));
    EXPECT(a.n == b.n && memcmp(a.at, b.at, a.n * sizeof *a.at) == 0);
    EXPECT_INT(rk_tok_size(tok), rk_tok_size(back));
    rk_ids_free(ctx, &a);
    rk_ids_free(ctx, &b);
    rk_tok_close(ctx, tok);
    rk_tok_close(ctx, back);
}

TEST(training_refuses_what_makes_no_sense)
{
    rk_ctx *ctx = test_ctx();
    rk_tok *tok;
    static const char *const one[] = { "<|x|>" }, *const empty[] = { "" }, *const broken[] = { "\xff" }, *const spelled[] = { "\xc4\xa0t" }, *const twice[] = { "<a>", "<a>" };
    rk_tok_training how = { .vocab_size = 256, .specials = one, .n_specials = 1 };
    FAILS(ctx, rk_tok_train(ctx, &how, NULL, 0, &tok), RK_E_ARG, "a vocabulary of 256 has no room");
    EXPECT(tok == NULL && strstr(rk_error_hint(ctx), "257") != NULL);
    how.vocab_size = 300;
    how.pattern = "gpt5";
    FAILS(ctx, rk_tok_train(ctx, &how, NULL, 0, &tok), RK_E_UNKNOWN, "gpt5");
    how.pattern = NULL;
    how.specials = empty;
    FAILS(ctx, rk_tok_train(ctx, &how, NULL, 0, &tok), RK_E_ARG, "empty");
    how.specials = broken;
    FAILS(ctx, rk_tok_train(ctx, &how, NULL, 0, &tok), RK_E_ARG, "not UTF-8");
    how.specials = spelled;
    FAILS(ctx, rk_tok_train(ctx, &how, NULL, 0, &tok), RK_E_ARG, "spell");
    how.specials = twice;
    how.n_specials = 2;
    FAILS(ctx, rk_tok_train(ctx, &how, NULL, 0, &tok), RK_E_ARG, "twice");
    how.n_specials = 0;
    how.vocab_size = UINT32_MAX;
    FAILS(ctx, rk_tok_train(ctx, &how, NULL, 0, &tok), RK_E_LIMIT, "vocabulary");
    FAILS(ctx, rk_tok_train_files(ctx, &(rk_tok_training){ .vocab_size = 300 }, (const char *const[]){ "/nowhere/at all" }, 1, &tok), RK_E_MISSING, "/nowhere/at all");
}

static bool stop_at(void *user, const rk_tok_progress *p)
{
    return strcmp(p->stage, user) != 0;
}

TEST(progress_can_cancel_in_both_stages)
{
    rk_ctx *ctx = test_ctx();
    rk_tok *tok;
    rk_text one = { "some text for training, some more text", 38 };
    static char count[] = "count", merge[] = "merge";
    rk_tok_training how = { .vocab_size = 300, .progress = stop_at, .user = count };
    FAILS(ctx, rk_tok_train(ctx, &how, &one, 1, &tok), RK_E_CANCELLED, "counting");
    how.user = merge;
    FAILS(ctx, rk_tok_train(ctx, &how, &one, 1, &tok), RK_E_CANCELLED, "merging");
}

/* What needs no text to be refused is refused before a corpus is counted, as training would refuse it. */
TEST(what_is_checked_beforehand_is_what_training_refuses)
{
    rk_ctx *ctx = test_ctx();
    static const char *const one[] = { "<a>" };
    rk_tok *tok;
    const rk_tok_training ways[] = {
        { .vocab_size = 256, .specials = one, .n_specials = 1 }, { .vocab_size = 257, .specials = one, .n_specials = 1 }, { .vocab_size = UINT32_MAX }, { .vocab_size = 255 }, { .vocab_size = 300 },
    };
    const rk_text text = { "low lower lowest", 16 };
    int refused = 0;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        rk_status status = rk_tok_train_check(ctx, &ways[i]);
        EXPECT(status == RK_OK || status == RK_E_ARG || status == RK_E_LIMIT);
        refused += status != RK_OK;
        rk_error_clear(ctx);
        EXPECT(rk_tok_train(ctx, &ways[i], &text, 1, &tok) == status);
        rk_tok_close(ctx, tok);
        rk_error_clear(ctx);
    }
    EXPECT_INT(refused, 3);
}

/* The context's peak stays below what is told, of texts of any size, and no lower limit is told than is given. */
TEST(memory_is_told_beforehand)
{
    static char text[1 << 18];
    for (size_t n = 0; n < sizeof text; n++) text[n] = test_random(5) == 0 ? ' ' : (char)('a' + test_random(26));
    for (size_t n = 1; n <= sizeof text; n *= 8) {
        rk_ctx *ctx;
        rk_tok *tok;
        const rk_tok_training how = { .vocab_size = 2000 };
        const rk_text one = { text, n };
        REQUIRE(rk_ctx_open(&(rk_options){ .threads = 1 }, &ctx) == RK_OK);
        OK(ctx, rk_tok_train(ctx, &how, &one, 1, &tok));
        EXPECT(rk_ctx_peak_bytes(ctx) <= rk_tok_train_peak(&how, n, 1));
        rk_tok_close(ctx, tok);
        rk_ctx_close(ctx);
    }
    const rk_tok_training little = { .vocab_size = 2000, .memory = (uint64_t)64 << 20 };
    EXPECT(rk_tok_train_peak(&little, (uint64_t)1 << 40, 4) == (uint64_t)64 << 20);
    EXPECT(rk_tok_train_peak(&little, (uint64_t)1 << 40, 4) < rk_tok_train_peak(&(rk_tok_training){ .vocab_size = 2000 }, (uint64_t)1 << 40, 4));
    EXPECT(rk_tok_train_peak(&(rk_tok_training){ .vocab_size = 2000 }, UINT64_MAX, 4) > (uint64_t)1 << 40);         /* and does not overflow */
}
