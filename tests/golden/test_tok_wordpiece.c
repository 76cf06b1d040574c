/* WordPiece training against Hugging Face's: whole vocabularies, as make_wordpiece.py (tokenizers 0.23.3) made them; and on shards. */
#include "base/file.h"
#include "reckon/counts.h"
#include "test.h"
#include <stdlib.h>

static const struct row { const char *file; uint32_t size; uint64_t least; uint32_t limit; bool lower; uint32_t tokens; const char *sum; } rows[] = {
    { "data/bpe/corpus.en", 3000, 2, 0, true, 3000, "858cf8ff3146ad09e7a629cdd4a9759d52ec001a3ffb42b85881e50a5524644e" },
    { "data/bpe/corpus.en", 2500, 0, 0, false, 2500, "5c6e0807666ffcbdaab127b00a417a696268a64b9515e657c3ebed294dede0f3" },
    { "data/bpe/corpus.en", 8000, 5, 0, true, 2006, "b31eb4052a40716cf7ad09d0762cb588e44fefdbfe663804d8bcc58b03b5847b" },
    { "data/text/tinyshakespeare.txt", 5000, 2, 30, true, 5000, "43f65c632d4a6670ba5d100aedb967e08dbeac1bacb4a9f7586d7b7c15df41a1" },
    { "data/text/tinyshakespeare.txt", 8000, 5, 0, false, 6719, "398227078c3c66a5cb61f4a3b14c1575d582aa29c9a9b928f75f84b8f4ffd1d9" },
    { "data/text/wagahaiwa_nekodearu.txt", 8000, 2, 0, true, 8000, "87a600b987c45b55659d299fb96ee7172fb8dcdd873d394f14b86300070123d0" },
    { "data/text/zh-huangdi-neijing.txt", 7000, 0, 0, false, 2644, "696257eb3fe786ef04fef71c29e35ba4fa0d10a3ea23d62c43e082d37ea22c2e" },
};

static const char *const specials[] = { "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]" };

static rk_tok_training training(const struct row *r)
{
    return (rk_tok_training){ .vocab_size = r->size, .specials = specials, .n_specials = 5, .min_frequency = r->least, .model = RK_PIECES_WORDPIECE,
                              .lowercase = r->lower, .limit_alphabet = r->limit };
}

static void sum_of(const char *path, char sum[80])
{
    char command[800];
    (void)snprintf(command, sizeof command, "sha256sum '%s'", path);
    FILE *p = popen(command, "r");
    REQUIRE(p != NULL && fgets(sum, 65, p) != NULL);
    (void)pclose(p);
}

TEST(vocabularies_are_hugging_faces)
{
    if (test_shared() == NULL) SKIP("no reference data");
    for (size_t i = 0; i < (TEST_SANITIZED ? 2 : sizeof rows / sizeof *rows); i++) {
        rk_ctx *ctx = test_ctx();
        char path[1024], folder[600], made[700], sum[80] = "";
        const char *file = path;
        rk_tok_training how = training(&rows[i]);
        rk_tok *tok, *back;
        (void)snprintf(path, sizeof path, "%s/%s", test_shared(), rows[i].file);
        (void)snprintf(folder, sizeof folder, "%s/wp", test_temporary());
        (void)snprintf(made, sizeof made, "%s/vocab.txt", folder);
        OK(ctx, rk_tok_train_files(ctx, &how, &file, 1, &tok));
        EXPECT_INT(rk_tok_size(tok), rows[i].tokens);
        OK(ctx, rk_tok_save(ctx, tok, folder));
        sum_of(made, sum);
        EXPECT_TEXT(sum, rows[i].sum);
        OK(ctx, rk_tok_open(ctx, folder, &back));                     /* by its tokenizer.json */
        rk_ids a = { 0 }, b = { 0 };
        OK(ctx, rk_tok_encode(ctx, tok, "The \xe7\x8c\xab caf\xc3\xa9!", 14, 0, &a));
        OK(ctx, rk_tok_encode(ctx, back, "The \xe7\x8c\xab caf\xc3\xa9!", 14, 0, &b));
        EXPECT(a.n == b.n && a.n > 3 && memcmp(a.at, b.at, a.n * sizeof *a.at) == 0);
        rk_ids_free(ctx, &a);
        rk_ids_free(ctx, &b);
        rk_tok_close(ctx, back);
        rk_tok_close(ctx, tok);
    }
}

TEST(shards_make_the_same_pieces)
{
    rk_ctx *ctx = test_ctx();
    static const char text[] = "The cat sat on the mat. The rats sat on cats; caf\xc3\xa9s are Cafes, \xe4\xb8\xad\xe6\x96\x87 too!\n";
    struct row r = { NULL, 60, 0, 0, true, 0, NULL };
    rk_tok_training how = training(&r);
    rk_counting counting = { .specials = specials, .n_specials = 5, .model = RK_PIECES_WORDPIECE };
    rk_text one = { text, sizeof text - 1 }, two[2] = { { text, 24 }, { text + 24, sizeof text - 25 } };
    rk_counts *whole, *parts, *others;
    rk_tok *a, *b;
    OK(ctx, rk_counts_open(ctx, &counting, &whole));
    OK(ctx, rk_counts_open(ctx, &counting, &parts));
    OK(ctx, rk_counts_add(ctx, whole, &one, 1));
    OK(ctx, rk_counts_add(ctx, parts, two, 2));
    OK(ctx, rk_counts_train(ctx, whole, &how, &a));
    OK(ctx, rk_counts_train(ctx, parts, &how, &b));
    EXPECT_INT(rk_tok_size(a), rk_tok_size(b));
    for (uint32_t id = 0; id < rk_tok_size(a); id++) {
        rk_text x = rk_tok_bytes(a, id), y = rk_tok_bytes(b, id);
        EXPECT(x.n == y.n && memcmp(x.at, y.at, x.n) == 0);
    }
    OK(ctx, rk_counts_open(ctx, &(rk_counting){ .pattern = "gpt2" }, &others));
    rk_tok *none;
    FAILS(ctx, rk_counts_train(ctx, others, &how, &none), RK_E_ARG, "not counted for this model");
    how.vocab_size = 20;
    OK(ctx, rk_counts_add(ctx, whole, &one, 1));
    FAILS(ctx, rk_counts_train(ctx, whole, &how, &none), RK_E_ARG, "no room for 5 special tokens and the characters");
    how.n_specials = 1;
    FAILS(ctx, rk_tok_train(ctx, &how, &one, 1, &none), RK_E_ARG, "[UNK]");
    rk_counts_close(ctx, others);
    rk_counts_close(ctx, whole);
    rk_counts_close(ctx, parts);
    rk_tok_close(ctx, a);
    rk_tok_close(ctx, b);
}
