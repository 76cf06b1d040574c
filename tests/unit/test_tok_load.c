/* vocab.json with merges.txt, token by token as the file is read: what it must be, and what it is told apart from. */
#include "reckon/tok.h"
#include "test.h"
#include <stdio.h>
#include <stdlib.h>

/* Nothing that is a tokenizer, and no merges beside it: what it was taken for is said. */
TEST(what_is_neither_is_said_to_be_taken_for_a_vocabulary)
{
    rk_ctx *ctx = test_ctx();
    rk_tok *tok;
    FAILS(ctx, rk_tok_open(ctx, test_write_text("other.json", "{\"hello\": 1}"), &tok), RK_E_MISSING, "merges.txt");
    EXPECT(strstr(rk_error_hint(ctx), "other.json has no \"model\"") != NULL);
}

static rk_status open_with(rk_ctx *ctx, const char *vocab, rk_tok **tok)
{
    test_write_text("vocab.json", vocab);
    return rk_tok_open(ctx, test_temporary(), tok);
}

TEST(a_vocab_json_and_its_merges)
{
    rk_ctx *ctx = test_ctx();
    rk_tok *tok;
    rk_ids ids = { 0 };
    test_write_text("merges.txt", "#version: 0.2\nb c\na bc\n");
    OK(ctx, open_with(ctx, "{\"a\": 0, \"b\": 2, \"c\": 1, \"bc\": 3, \"abc\": 4, \"<e>\": 5}", &tok));
    EXPECT_INT(rk_tok_size(tok), 6);
    EXPECT_INT(rk_tok_merges(tok), 2);
    EXPECT_INT(rk_tok_specials(tok), 1);
    OK(ctx, rk_tok_encode(ctx, tok, "abc<e>bcb", 9, 0, &ids));
    EXPECT(ids.n == 4 && ids.at[0] == 4 && ids.at[1] == 5 && ids.at[2] == 3 && ids.at[3] == 2);
    rk_ids_free(ctx, &ids);
    rk_tok_close(ctx, tok);
}

TEST(a_vocab_json_that_is_none)
{
    rk_ctx *ctx = test_ctx();
    rk_tok *tok;
    test_write_text("merges.txt", "a b\n");
    FAILS(ctx, open_with(ctx, "", &tok), RK_E_FORMAT, "the file is empty");
    FAILS(ctx, open_with(ctx, "[0]", &tok), RK_E_FORMAT, "expected an object");
    FAILS(ctx, open_with(ctx, "{\"a\": 0, \"b\": 1} x", &tok), RK_E_FORMAT, "expected nothing more");
    FAILS(ctx, open_with(ctx, "{\"a\": 0, \"b\": \"1\"}", &tok), RK_E_FORMAT, "b: expected an integer");
    FAILS(ctx, open_with(ctx, "{\"a\": 0, \"b\": -1}", &tok), RK_E_FORMAT, "b");
    FAILS(ctx, open_with(ctx, "{\"a\": 0, \"b\": 1, \"a\": 2}", &tok), RK_E_FORMAT, "\"a\" is there twice, as ids 0 and 2");
    FAILS(ctx, open_with(ctx, "{\"a\": 0, \"b\": 0}", &tok), RK_E_FORMAT, "vocab.json: id 0 is given to two tokens, \"a\" and \"b\"");
    FAILS(ctx, open_with(ctx, "{\"a\": 0, \"b\": 1}", &tok), RK_E_FORMAT, "merge 0 makes");
    FAILS(ctx, open_with(ctx, "{\"a\": 0, \"c\": 1}", &tok), RK_E_FORMAT, "merge 0 names b");
}

/* Of a tokenizer.json: what is wrong with a key, by its byte or its way down, and the name of the file. */
#define TOKENIZER(vocab, merges) "{\"pre_tokenizer\": {\"type\": \"ByteLevel\", \"add_prefix_space\": false}, \"model\": {\"merges\": " merges ",\n \"vocab\": " vocab "}}"
TEST(a_tokenizer_json_that_is_none)
{
    rk_ctx *ctx = test_ctx();
    rk_tok *tok;
    FAILS(ctx, open_with(ctx, TOKENIZER("{\"a\": 0, \"b\": 0}", "[]"), &tok), RK_E_FORMAT, "vocab.json: id 0 is given to two tokens, \"a\" and \"b\"");
    FAILS(ctx, open_with(ctx, TOKENIZER("{\"a\": 0, \"b\": 1, \"a\": 0}", "[]"), &tok), RK_E_FORMAT, "byte 119 (line 2, column 28): a second value for the key a");
    FAILS(ctx, open_with(ctx, TOKENIZER("{\"a\": 0, \"b\": \"1\"}", "[]"), &tok), RK_E_FORMAT, "vocab.json: model.vocab.b: expected an integer");
    FAILS(ctx, open_with(ctx, TOKENIZER("{\"a\": 0, \"a b\": 1}", "[]"), &tok), RK_E_FORMAT, "vocab.json: model.vocab.a b: this token has a character that spells no byte");
    FAILS(ctx, open_with(ctx, TOKENIZER("{\"a\": 0, \"b\": 1}", "[\"a b\"]"), &tok), RK_E_FORMAT, "vocab.json: model.merges: merge 0 makes a with what follows it");
    FAILS(ctx, open_with(ctx, TOKENIZER("{\"a\": 0}", "[[\"a\", \"b\"]]"), &tok), RK_E_FORMAT, "vocab.json: model.merges: merge 0 names b");
    FAILS(ctx, open_with(ctx, TOKENIZER("{\"a\": 0}", "[[\"a\"]]"), &tok), RK_E_FORMAT, "vocab.json: model.merges: merge 0 is neither a text nor a pair");
    FAILS(ctx, open_with(ctx, TOKENIZER("[\"a\"]", "[]"), &tok), RK_E_FORMAT, "vocab.json: model.vocab: expected an object");
    FAILS(ctx, open_with(ctx, TOKENIZER("{\"a\": 0}", "{}"), &tok), RK_E_FORMAT, "vocab.json: model.merges: expected an array");
    OK(ctx, open_with(ctx, TOKENIZER("{\"a\": 0, \"b\": 1, \"ab\": 2}", "[[\"a\", \"b\"]]"), &tok));
    EXPECT_INT(rk_tok_merges(tok), 1);
    rk_tok_close(ctx, tok);
}

/* Whatever its name: a tokenizer.json says what it is. */
TEST(a_tokenizer_json_called_otherwise)
{
    rk_ctx *ctx = test_ctx();
    rk_tok *tok;
    OK(ctx, open_with(ctx, "{\"version\": \"1.0\", \"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0, \"b\": 1, \"ab\": 2}, \"merges\": [\"a b\"]}, "
                           "\"pre_tokenizer\": {\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true, \"use_regex\": true}, \"decoder\": {\"type\": \"ByteLevel\"}}", &tok));
    EXPECT_INT(rk_tok_size(tok), 3);
    EXPECT_INT(rk_tok_merges(tok), 1);
    rk_tok_close(ctx, tok);
}
