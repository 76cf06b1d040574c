/* GPT-2's tokenizer against Hugging Face tokenizers, tiktoken, the module regex and published lists. RECKON_TOK_CASES names another
 * folder of cases of the same form. */
#include "base/file.h"
#include "io/json.h"
#include "reckon/tok.h"
#include "test.h"
#include <stdlib.h>

static char path[1024];

static const char *shared(const char *name)
{
    if (test_shared() == NULL) SKIP("no reference data");
    (void)snprintf(path, sizeof path, "%s/%s", test_shared(), name);
    return path;
}

static const char *case_file(const char *name)
{
    const char *folder = getenv("RECKON_TOK_CASES");
    if (folder == NULL) {
        char inner[256];
        (void)snprintf(inner, sizeof inner, "golden/tok/%s", name);
        return shared(inner);
    }
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

struct lines { struct file_view file; size_t at; };

static bool next_line(struct lines *l, const char **line, size_t *n)
{
    if (l->at >= l->file.n) return false;
    *line = (const char *)l->file.at + l->at;
    const char *feed = memchr(*line, '\n', l->file.n - l->at);
    REQUIRE(feed != NULL);
    *n = (size_t)(feed - *line);
    l->at += *n + 1;
    return true;
}

static void each_case(const char *expected_name, void (*check)(rk_ctx *ctx, const rk_tok *tok, const struct json *text, const struct json *expected, int number))
{
    rk_ctx *ctx = test_ctx();
    struct lines cases = { 0 }, expected = { 0 };
    const char *line;
    size_t n;
    rk_tok *tok;
    int number = 0;
    OK(ctx, rk_tok_open(ctx, shared("data/tokenizers/gpt2"), &tok));
    OK(ctx, file_map(ctx, case_file("cases.jsonl"), &cases.file));
    OK(ctx, file_map(ctx, case_file(expected_name), &expected.file));
    for (; next_line(&cases, &line, &n); number++) {
        struct json_doc text = { 0 }, answer = { 0 };
        OK(ctx, json_read(ctx, &text, "case", line, n, 0));
        REQUIRE(next_line(&expected, &line, &n));
        OK(ctx, json_read(ctx, &answer, "answer", line, n, 0));
        check(ctx, tok, text.root, answer.root, number);
        json_clear(ctx, &text);
        json_clear(ctx, &answer);
    }
    EXPECT(number > 500);
    file_unmap(&cases.file);
    file_unmap(&expected.file);
    rk_tok_close(ctx, tok);
}

static bool same(const rk_ids *ids, const struct json *expected)
{
    if (ids->n != expected->n) return false;
    for (uint32_t i = 0; i < expected->n; i++)
        if ((int64_t)ids->at[i] != expected->at[i].integer) return false;
    return true;
}

static void check_ids(rk_ctx *ctx, const rk_tok *tok, const struct json *text, const struct json *expected, int number)
{
    rk_ids ids = { 0 };
    rk_bytes back = { 0 };
    OK(ctx, rk_tok_encode(ctx, tok, text->text, text->n, 0, &ids));
    if (!same(&ids, json_find(expected, "ids"))) test_fail(__FILE__, __LINE__, "case %d has other ids", number);
    OK(ctx, rk_tok_decode(ctx, tok, ids.at, ids.n, 0, &back));
    EXPECT(back.n == text->n && (back.n == 0 || memcmp(back.at, text->text, back.n) == 0));
    rk_ids_free(ctx, &ids);
    rk_bytes_free(ctx, &back);
}

static void check_split(rk_ctx *ctx, const char *pattern, const struct json *text, const struct json *expected, int number)
{
    rk_ids lengths = { 0 };
    OK(ctx, rk_tok_split(ctx, pattern, text->text, text->n, &lengths));
    if (!same(&lengths, expected)) test_fail(__FILE__, __LINE__, "case %d is split otherwise", number);
    rk_ids_free(ctx, &lengths);
}

static void check_gpt2(rk_ctx *ctx, const rk_tok *tok, const struct json *text, const struct json *expected, int number)
{
    (void)tok;
    check_split(ctx, "gpt2", text, expected, number);
}

static void check_cl100k(rk_ctx *ctx, const rk_tok *tok, const struct json *text, const struct json *expected, int number)
{
    (void)tok;
    check_split(ctx, "cl100k", text, expected, number);
}

static void check_o200k(rk_ctx *ctx, const rk_tok *tok, const struct json *text, const struct json *expected, int number)
{
    (void)tok;
    check_split(ctx, "o200k", text, expected, number);
}

TEST(gpt2_ids_are_hugging_faces) { each_case("gpt2-hf.jsonl", check_ids); }
TEST(gpt2_ids_are_tiktokens) { each_case("gpt2-tiktoken.jsonl", check_ids); }
TEST(gpt2_splits_are_the_regular_expressions) { each_case("split-gpt2.jsonl", check_gpt2); }
TEST(cl100k_splits_are_the_regular_expressions) { each_case("split-cl100k.jsonl", check_cl100k); }
TEST(o200k_splits_are_the_regular_expressions) { each_case("split-o200k.jsonl", check_o200k); }

TEST(gpt2_decodes_like_python_with_replacement)
{
    rk_ctx *ctx = test_ctx();
    struct lines l = { 0 };
    const char *line;
    size_t n;
    rk_tok *tok;
    OK(ctx, rk_tok_open(ctx, shared("data/tokenizers/gpt2"), &tok));
    OK(ctx, file_map(ctx, case_file("decode-gpt2.jsonl"), &l.file));
    while (next_line(&l, &line, &n)) {
        struct json_doc doc = { 0 };
        rk_bytes raw = { 0 }, text = { 0 };
        rk_tok_decoder d;
        rk_text ready;
        OK(ctx, json_read(ctx, &doc, "case", line, n, 0));
        const struct json *list = json_find(doc.root, "ids"), *expected = json_find(doc.root, "text");
        struct str all = { 0 };
        rk_tok_decoder_init(&d, tok, 0);
        uint32_t *numbers = calloc(list->n + 1, sizeof *numbers);
        for (uint32_t i = 0; i < list->n; i++) {
            numbers[i] = (uint32_t)list->at[i].integer;
            OK(ctx, rk_tok_decoder_push(ctx, &d, numbers[i], &ready));
            OK(ctx, str_add(ctx, &all, ready.at, ready.n));
        }
        OK(ctx, rk_tok_decoder_end(ctx, &d, &ready));
        OK(ctx, str_add(ctx, &all, ready.at, ready.n));
        OK(ctx, rk_tok_decode(ctx, tok, numbers, list->n, 0, &raw));
        OK(ctx, rk_bytes_replace(ctx, raw.at, raw.n, &text));
        EXPECT(text.n == expected->n && text.n > 0 && memcmp(text.at, expected->text, text.n) == 0);
        EXPECT((size_t)all.n == expected->n && memcmp(all.at, expected->text, expected->n) == 0);
        free(numbers);
        str_free(ctx, &all);
        rk_tok_decoder_clear(ctx, &d);
        rk_bytes_free(ctx, &raw);
        rk_bytes_free(ctx, &text);
        json_clear(ctx, &doc);
    }
    file_unmap(&l.file);
    rk_tok_close(ctx, tok);
}

/* Lines `text => id,id,...`. */
TEST(gpt2_ids_of_the_published_prompts)
{
    rk_ctx *ctx = test_ctx();
    struct lines l = { 0 };
    const char *line;
    size_t n;
    rk_tok *tok;
    int checked = 0;
    OK(ctx, rk_tok_open(ctx, shared("data/tokenizers/gpt2"), &tok));
    OK(ctx, file_map(ctx, shared("data/tokenizers/expected/gpt-2.txt"), &l.file));
    while (next_line(&l, &line, &n)) {
        size_t arrow = n;
        while (arrow >= 4 && memcmp(line + arrow - 4, " => ", 4) != 0) arrow--;
        if (arrow < 4) continue;
        rk_ids ids = { 0 };
        OK(ctx, rk_tok_encode(ctx, tok, line, arrow - 4, 0, &ids));
        const char *p = line + arrow;
        for (size_t i = 0; i < ids.n; i++) {
            char *end;
            EXPECT_INT(ids.at[i], strtoul(p, &end, 10));
            p = end + (*end == ',');
        }
        EXPECT(p == line + n);
        rk_ids_free(ctx, &ids);
        checked++;
    }
    EXPECT_INT(checked, 100);
    file_unmap(&l.file);
    rk_tok_close(ctx, tok);
}

/* Whole files at once and in parallel: the number of ids and the sum of the file. */
TEST(gpt2_ids_of_whole_files)
{
    static const char *const names[] = { "moby-dick-1MB.txt", "tinyshakespeare.txt", "tinystories-v1-first2MiB.txt", "wagahaiwa_nekodearu.txt", "zh-huangdi-neijing.txt" };
    rk_ctx *ctx = test_ctx();
    struct json_doc sums = { 0 };
    rk_tok *tok;
    OK(ctx, rk_tok_open(ctx, shared("data/tokenizers/gpt2"), &tok));
    OK(ctx, json_load(ctx, &sums, case_file("sha256.json"), 0));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct json *expected = json_find(json_find(sums.root, names[i]), "gpt2-hf");
        char name[256], file[1100], command[1400], sum[80] = "";
        struct file_view view;
        rk_ids ids = { 0 };
        (void)snprintf(name, sizeof name, "data/text/%s", names[i]);
        OK(ctx, file_map(ctx, shared(name), &view));
        OK(ctx, rk_tok_encode(ctx, tok, (const char *)view.at, view.n, 0, &ids));
        file_unmap(&view);
        REQUIRE(expected != NULL);
        EXPECT_INT(ids.n, json_find(expected, "count")->integer);
        (void)snprintf(file, sizeof file, "%s/ids", test_temporary());
        FILE *f = fopen(file, "wb");
        REQUIRE(f != NULL && fwrite(ids.at, 4, ids.n, f) == ids.n && fclose(f) == 0);
        (void)snprintf(command, sizeof command, "sha256sum '%s'", file);
        FILE *p = popen(command, "r");
        REQUIRE(p != NULL && fgets(sum, 65, p) != NULL);
        (void)pclose(p);
        EXPECT_TEXT(sum, json_find(expected, "sha256")->text);
        rk_ids_free(ctx, &ids);
    }
    json_clear(ctx, &sums);
    rk_tok_close(ctx, tok);
}
