/* NeoX and BERT against Hugging Face tokenizers: ids, places, types and masks, case by case, and sums over whole files. RECKON_TOK_CASES
 * names another folder of cases of the same form. */
#include "base/file.h"
#include "io/json.h"
#include "reckon/encoding.h"
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
    char inner[256];
    (void)snprintf(inner, sizeof inner, "golden/tok/%s", name);
    if (getenv("RECKON_TOK_CASES") == NULL) return shared(inner);
    (void)snprintf(path, sizeof path, "%s/%s", getenv("RECKON_TOK_CASES"), name);
    return path;
}

/* All lines of a file as JSON. */
struct rows { struct json_doc *doc; int n; };

static struct rows read_rows(rk_ctx *ctx, const char *name)
{
    enum { MOST = 8192 };
    struct rows r = { calloc(MOST, sizeof *r.doc), 0 };
    struct file_view file;
    OK(ctx, file_map(ctx, name, &file));
    for (size_t at = 0, length; at < file.n; at += length + 1) {
        const char *line = (const char *)file.at + at, *feed = memchr(line, '\n', file.n - at);
        REQUIRE(feed != NULL && r.n < MOST && r.doc != NULL);
        length = (size_t)(feed - line);
        OK(ctx, json_read(ctx, &r.doc[r.n++], name, line, length, 0));
    }
    file_unmap(&file);
    return r;
}

static void free_rows(rk_ctx *ctx, struct rows *r)
{
    for (int i = 0; i < r->n; i++) json_clear(ctx, &r->doc[i]);
    free(r->doc);
}

static bool same_numbers(const struct json *list, const uint8_t *bytes, size_t n)
{
    bool same = list == NULL || list->n == n;
    for (uint32_t i = 0; same && list != NULL && i < n; i++) same = list->at[i].integer == bytes[i];
    return same;
}

static bool same(const rk_encoding *e, const struct json *expected)
{
    const struct json *ids = json_find(expected, "ids"), *places = json_find(expected, "offsets");
    if (ids->n != e->n || places->n != e->n) return false;
    for (uint32_t i = 0; i < e->n; i++) {
        const struct json *p = &places->at[i];
        if (ids->at[i].integer != e->ids[i] || (size_t)p->at[0].integer != e->spans[i].begin || (size_t)p->at[1].integer != e->spans[i].end) return false;
    }
    return same_numbers(json_find(expected, "type_ids"), e->types, e->n) && same_numbers(json_find(expected, "attention_mask"), e->mask, e->n);
}

static void check(const char *tokenizer, bool lowercase, const char *expected_name, bool pairs)
{
    rk_ctx *ctx = test_ctx();
    rk_tok_opening how = { .lowercase = lowercase };
    rk_encoding_rules single = { 0 }, pair = { .truncate = 48, .pad = 64 };
    rk_encoding e = { 0 };
    rk_tok *tok;
    OK(ctx, rk_tok_open_as(ctx, shared(tokenizer), &how, &tok));
    struct rows cases = read_rows(ctx, case_file("cases.jsonl")), expected = read_rows(ctx, case_file(expected_name));
    EXPECT(cases.n > 500 && expected.n == cases.n - pairs);
    for (int i = 0; i < expected.n; i++) {
        rk_text a = { cases.doc[i].root->text, cases.doc[i].root->n }, b = { NULL, 0 };
        if (pairs) b = (rk_text){ cases.doc[i + 1].root->text, cases.doc[i + 1].root->n };
        OK(ctx, rk_encoding_make(ctx, tok, pairs ? &pair : &single, a, pairs ? &b : NULL, &e));
        if (!same(&e, expected.doc[i].root)) test_fail(__FILE__, __LINE__, "case %d differs", i);
    }
    free_rows(ctx, &cases);
    free_rows(ctx, &expected);
    rk_encoding_free(ctx, &e);
    rk_tok_close(ctx, tok);
}

TEST(neox_is_hugging_faces) { check("data/tokenizers/gpt-neox/tokenizer.json", false, "gpt-neox.jsonl", false); }
TEST(gpt2_places_are_hugging_faces) { check("data/tokenizers/gpt2", false, "gpt2-hf.jsonl", false); }
TEST(bert_uncased_is_hugging_faces) { check("data/tokenizers/bert/bert-base-uncased-vocab.txt", true, "bert-base-uncased.jsonl", false); }
TEST(bert_chinese_is_hugging_faces) { check("data/tokenizers/bert/bert-base-chinese-vocab.txt", false, "bert-base-chinese.jsonl", false); }
TEST(bert_chinese_in_lower_case_is_hugging_faces) { check("data/tokenizers/bert/bert-base-chinese-vocab.txt", true, "bert-base-chinese-lower.jsonl", false); }
TEST(bert_pairs_are_hugging_faces) { check("data/tokenizers/bert/bert-base-uncased-vocab.txt", true, "bert-pairs.jsonl", true); }

/* GPT-2's tokens written as .tiktoken and read back under a name that is known, and from there into a folder: the same ids, the same merges. */
TEST(gpt2_by_way_of_tiktoken_is_tiktokens)
{
    rk_ctx *ctx = test_ctx();
    char file[1100], folder[1100];
    rk_tok *tok, *ranks, *again;
    (void)snprintf(file, sizeof file, "%s/r50k_base.tiktoken", test_temporary());
    (void)snprintf(folder, sizeof folder, "%s/folder", test_temporary());
    OK(ctx, rk_tok_open(ctx, shared("data/tokenizers/gpt2"), &tok));
    OK(ctx, rk_tok_save(ctx, tok, file));
    OK(ctx, rk_tok_open(ctx, file, &ranks));
    OK(ctx, rk_tok_save(ctx, ranks, folder));
    OK(ctx, rk_tok_open(ctx, folder, &again));
    EXPECT_INT(rk_tok_merges(ranks), 50000);
    for (uint32_t i = 0; i < rk_tok_merges(tok) && i < rk_tok_merges(ranks); i++) {
        size_t a, b;
        rk_text x = rk_tok_merge(tok, i, &a), y = rk_tok_merge(ranks, i, &b);
        EXPECT(a == b && x.n == y.n && memcmp(x.at, y.at, x.n) == 0);
    }
    struct rows cases = read_rows(ctx, case_file("cases.jsonl")), expected = read_rows(ctx, case_file("gpt2-tiktoken.jsonl"));
    for (int i = 0; i < cases.n; i++)
        for (int k = 0; k < 2; k++) {
            const struct json *ids = json_find(expected.doc[i].root, "ids");
            rk_ids made = { 0 };
            OK(ctx, rk_tok_encode(ctx, k == 0 ? ranks : again, cases.doc[i].root->text, cases.doc[i].root->n, 0, &made));
            bool same_ids = made.n == ids->n;
            for (uint32_t j = 0; same_ids && j < ids->n; j++) same_ids = ids->at[j].integer == made.at[j];
            if (!same_ids) test_fail(__FILE__, __LINE__, "case %d differs", i);
            rk_ids_free(ctx, &made);
        }
    free_rows(ctx, &cases);
    free_rows(ctx, &expected);
    rk_tok_close(ctx, tok);
    rk_tok_close(ctx, ranks);
    rk_tok_close(ctx, again);
}

/* Lines `text => id,id,...`. */
static void published(const char *tokenizer, const char *name, int lines)
{
    rk_ctx *ctx = test_ctx();
    struct file_view file;
    rk_tok *tok;
    int checked = 0;
    OK(ctx, rk_tok_open(ctx, shared(tokenizer), &tok));
    OK(ctx, file_map(ctx, shared(name), &file));
    for (size_t at = 0, n; at < file.n; at += n + 1) {
        const char *line = (const char *)file.at + at, *feed = memchr(line, '\n', file.n - at);
        n = feed != NULL ? (size_t)(feed - line) : file.n - at;
        size_t arrow = n;
        while (arrow >= 4 && memcmp(line + arrow - 4, " => ", 4) != 0) arrow--;
        if (arrow < 4) continue;
        rk_ids ids = { 0 };
        char numbers[4096];
        (void)snprintf(numbers, sizeof numbers, "%.*s", (int)(n - arrow), line + arrow);
        OK(ctx, rk_tok_encode(ctx, tok, line, arrow - 4, 0, &ids));
        char *p = numbers;
        for (size_t i = 0; i < ids.n; i++) {
            EXPECT_INT(ids.at[i], strtoul(p, &p, 10));
            p += *p == ',';
        }
        EXPECT(*p == '\0');
        rk_ids_free(ctx, &ids);
        checked++;
    }
    EXPECT_INT(checked, lines);
    file_unmap(&file);
    rk_tok_close(ctx, tok);
}

TEST(neox_ids_of_the_published_prompts) { published("data/tokenizers/gpt-neox/tokenizer.json", "data/tokenizers/expected/gpt-neox.txt", 100); }
TEST(chinese_ids_of_the_published_prompt) { published("data/tokenizers/bert/bert-base-chinese-vocab.txt", "data/tokenizers/expected/gpt-2-chinese.txt", 1); }

static void check_sum(rk_ctx *ctx, const rk_ids *ids, const struct json *expected, const char *what)
{
    char file[1100], command[1400], sum[80] = "";
    REQUIRE(expected != NULL);
    if ((int64_t)ids->n != json_find(expected, "count")->integer) test_fail(__FILE__, __LINE__, "%s: %zu ids, expected %lld", what, ids->n, (long long)json_find(expected, "count")->integer);
    (void)snprintf(file, sizeof file, "%s/ids", test_temporary());
    (void)snprintf(command, sizeof command, "sha256sum '%s'", file);
    FILE *f = fopen(file, "wb");
    REQUIRE(f != NULL && fwrite(ids->at, 4, ids->n, f) == ids->n && fclose(f) == 0);
    FILE *p = popen(command, "r");
    REQUIRE(p != NULL && fgets(sum, 65, p) != NULL);
    (void)pclose(p);
    EXPECT_TEXT(sum, json_find(expected, "sha256")->text);
    (void)ctx;
}

/* Whole files at once, in parallel. */
TEST(ids_of_whole_files)
{
    static const char *const names[] = { "moby-dick-1MB.txt", "tinyshakespeare.txt", "tinystories-v1-first2MiB.txt", "wagahaiwa_nekodearu.txt", "zh-huangdi-neijing.txt" };
    static const struct { const char *name, *path; bool lowercase; } toks[] = {
        { "gpt-neox", "data/tokenizers/gpt-neox/tokenizer.json", false }, { "bert-base-uncased", "data/tokenizers/bert/bert-base-uncased-vocab.txt", true },
        { "bert-base-chinese", "data/tokenizers/bert/bert-base-chinese-vocab.txt", false }, { "bert-base-chinese-lower", "data/tokenizers/bert/bert-base-chinese-vocab.txt", true },
    };
    rk_ctx *ctx = test_ctx();
    struct json_doc sums = { 0 };
    OK(ctx, json_load(ctx, &sums, case_file("sha256.json"), 0));
    for (size_t k = 0; k < sizeof toks / sizeof *toks; k++) {
        rk_tok_opening how = { .lowercase = toks[k].lowercase };
        rk_tok *tok;
        OK(ctx, rk_tok_open_as(ctx, shared(toks[k].path), &how, &tok));
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            char name[256];
            struct file_view view;
            rk_ids ids = { 0 };
            (void)snprintf(name, sizeof name, "data/text/%s", names[i]);
            OK(ctx, file_map(ctx, shared(name), &view));
            OK(ctx, rk_tok_encode(ctx, tok, (const char *)view.at, view.n, 0, &ids));
            file_unmap(&view);
            check_sum(ctx, &ids, json_find(json_find(sums.root, names[i]), toks[k].name), names[i]);
            rk_ids_free(ctx, &ids);
        }
        rk_tok_close(ctx, tok);
    }
    json_clear(ctx, &sums);
}
