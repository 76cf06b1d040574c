/* BPE training against the merges of the CS336 reference and of Hugging Face's trainer. */
#include "base/file.h"
#include "reckon/tok.h"
#include "test.h"
#include "tok/bytelevel.h"
#include <stdlib.h>

static char path[2][1024];

static const char *shared(int which, const char *name)
{
    if (test_shared() == NULL) SKIP("no reference data");
    (void)snprintf(path[which], sizeof path[which], "%s/%s", test_shared(), name);
    return path[which];
}

static void merges_text(rk_ctx *ctx, const rk_tok *tok, struct str *out)
{
    for (uint32_t i = 0; i < rk_tok_merges(tok); i++) {
        size_t left;
        rk_text m = rk_tok_merge(tok, i, &left);
        OK(ctx, bytelevel_write(ctx, out, m.at, left));
        OK(ctx, str_text(ctx, out, " "));
        OK(ctx, bytelevel_write(ctx, out, m.at + left, m.n - left));
        OK(ctx, str_text(ctx, out, "\n"));
    }
}

static void expect_merges(rk_ctx *ctx, const rk_tok *tok, const char *name)
{
    struct str made = { 0 };
    struct file_view expected;
    OK(ctx, file_map(ctx, shared(1, name), &expected));
    merges_text(ctx, tok, &made);
    EXPECT_INT(made.n, expected.n);
    EXPECT((size_t)made.n == expected.n && memcmp(made.at, expected.at, expected.n) == 0);
    file_unmap(&expected);
    str_free(ctx, &made);
}

static rk_tok_training cs336(uint32_t vocab_size)
{
    static const char *const specials[] = { "<|endoftext|>" };
    return (rk_tok_training){ .vocab_size = vocab_size, .specials = specials, .n_specials = 1 };
}

TEST(corpus_en_gives_the_243_reference_merges)
{
    rk_ctx *ctx = test_ctx();
    rk_tok_training how = cs336(500);
    const char *file = shared(0, "data/bpe/corpus.en");
    rk_tok *tok;
    OK(ctx, rk_tok_train_files(ctx, &how, &file, 1, &tok));
    EXPECT_INT(rk_tok_size(tok), 500);
    EXPECT_INT(rk_tok_merges(tok), 243);
    expect_merges(ctx, tok, "data/bpe/train-bpe-reference-merges.txt");
    uint32_t id;
    EXPECT(rk_tok_find(tok, "<|endoftext|>", 13, &id) && id == 0);
    EXPECT(rk_tok_find(tok, "a", 1, &id) && id == 1 + 'a');
    rk_tok_close(ctx, tok);
}

TEST(tinystories_counts_give_the_743_reference_merges)
{
    rk_ctx *ctx = test_ctx();
    rk_tok_training how = cs336(1000);
    rk_tok *tok;
    OK(ctx, rk_tok_train_counts(ctx, &how, shared(0, "data/bpe/tinystories-5M-words.json"), &tok));
    expect_merges(ctx, tok, "data/bpe/tinystories-5M-merges-743.txt");
    rk_tok_close(ctx, tok);
}

/* The sum of the whole list, taken once from a published result: 9,743 merges, FNV-1a of the text beside its known length. */
TEST(all_of_tinystories_gives_the_published_ten_thousand)
{
    rk_ctx *ctx = test_ctx();
    rk_tok_training how = cs336(10000);
    rk_tok *tok;
    OK(ctx, rk_tok_train_counts(ctx, &how, shared(0, "data/bpe/tinystories-train-words.json"), &tok));
    EXPECT_INT(rk_tok_merges(tok), 9743);
    size_t left;
    rk_text first = rk_tok_merge(tok, 0, &left), last = rk_tok_merge(tok, 9742, &left);
    EXPECT(first.n == 2 && memcmp(first.at, " t", 2) == 0);
    EXPECT(last.n == 5 && left == 3 && memcmp(last.at, " bold", 5) == 0);
    struct str text = { 0 };
    merges_text(ctx, tok, &text);
    char name[1100], command[1400], sum[80] = "";
    (void)snprintf(name, sizeof name, "%s/merges", test_temporary());
    FILE *f = fopen(name, "wb");
    REQUIRE(f != NULL && fwrite(text.at, 1, (size_t)text.n, f) == (size_t)text.n && fclose(f) == 0);
    (void)snprintf(command, sizeof command, "sha256sum '%s'", name);
    FILE *p = popen(command, "r");
    REQUIRE(p != NULL && fgets(sum, 65, p) != NULL);
    (void)pclose(p);
    EXPECT_TEXT(sum, "b6c0ce3ddfcc48b8b2d5b67fe5a911de42e3b0e58010dcdc3ef67b83ad766c26");
    str_free(ctx, &text);
    rk_tok_close(ctx, tok);
}

TEST(huggingface_ties_and_lines_give_its_merges)
{
    static const char *const names[] = { "moby-dick-1MB", "tinyshakespeare", "tinystories-v1-first2MiB", "wagahaiwa_nekodearu", "zh-huangdi-neijing" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        rk_ctx *ctx = test_ctx();
        rk_tok_training how = { .vocab_size = 1000, .ties = RK_TIES_HUGGINGFACE, .units = RK_UNITS_LINES };
        char name[256];
        rk_tok *tok;
        (void)snprintf(name, sizeof name, "data/text/%s.txt", names[i]);
        const char *file = shared(0, name);
        OK(ctx, rk_tok_train_files(ctx, &how, &file, 1, &tok));
        (void)snprintf(name, sizeof name, "golden/tok/train-hf-%s.txt", names[i]);
        expect_merges(ctx, tok, name);
        rk_tok_close(ctx, tok);
    }
}
