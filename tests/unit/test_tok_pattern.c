/* Patterns between dialects: what is translated, what is refused, and that every spelling of a known pattern cuts the same words. */
#include "reckon/tok.h"
#include "test.h"
#include "test_tok_text.h"
#include "tok/pattern.h"
#include "tok/split.h"

static const struct { const char *theirs, *ours, *back; } rows[] = {     /* NULL: refused */
    { "\\s+$", "\\s+(?=\\n|\\z)", "\\s+\\z" },
    { "^a", "(?<![^\\n])a", "\\Aa" },
    { "[^$^]+", "[^$^]+", "[^$^]+" },
    { "\\p{N}{1,3}| ?\\p{L}++", "\\p{N}{1,3}| ?\\p{L}++", "\\p{N}{1,3}| ?\\p{L}++" },
    { "\\$\\^\\[", "\\$\\^\\[", "\\$\\^\\[" },
    { "\\p{N}{1,3}+", NULL, NULL }, { "a{2}?", NULL, NULL }, { "a{,2}", NULL, NULL }, { "[a[b]]", NULL, NULL }, { "[a&&b]", NULL, NULL }, { "[]a]", NULL, NULL },
    { "\\h", NULL, NULL }, { "\\bword", NULL, NULL }, { "a\\", NULL, NULL }, { "(?m:.)", NULL, NULL }, { "(?<n>a)", NULL, NULL }, { "(*UTF)a", NULL, NULL }, { "(a)\\1", NULL, NULL },
};

TEST(what_differs_is_translated_or_refused)
{
    rk_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str ours = { 0 }, theirs = { 0 };
        size_t n = strlen(rows[i].theirs);
        if (rows[i].ours == NULL) {
            FAILS(ctx, pattern_from_oniguruma(ctx, rows[i].theirs, n, &ours), RK_E_DECLINED, "at byte");
            FAILS(ctx, pattern_to_oniguruma(ctx, rows[i].theirs, n, &theirs), RK_E_DECLINED, "at byte");
        } else {
            OK(ctx, pattern_from_oniguruma(ctx, rows[i].theirs, n, &ours));
            OK(ctx, pattern_to_oniguruma(ctx, rows[i].theirs, n, &theirs));
            EXPECT_TEXT(str_c(&ours), rows[i].ours);
            EXPECT_TEXT(str_c(&theirs), rows[i].back);
            theirs.n = 0;
            OK(ctx, pattern_to_oniguruma(ctx, ours.at, (size_t)ours.n, &theirs));        /* what was read is written as it is */
            EXPECT_TEXT(str_c(&theirs), str_c(&ours));
        }
        str_free(ctx, &ours);
        str_free(ctx, &theirs);
    }
}

TEST(known_patterns_are_written_so_that_both_read_them_alike)
{
    rk_ctx *ctx = test_ctx();
    static const char *const names[] = { "cl100k", "o200k" };
    for (int i = 0; i < 2; i++) {
        struct str theirs = { 0 };
        const char *ours = split_find(names[i])->pattern;
        OK(ctx, pattern_to_oniguruma(ctx, ours, strlen(ours), &theirs));
        EXPECT_TEXT(str_c(&theirs), ours);
        str_free(ctx, &theirs);
    }
}

/* The first spelling of cl100k by PCRE2, kept from being recognized by a group around it, against the scanner. */
TEST(the_written_spelling_is_the_scanner)
{
    rk_ctx *ctx = test_ctx();
    char grouped[400], text[200];
    rk_ids a = { 0 }, b = { 0 };
    (void)snprintf(grouped, sizeof grouped, "(?:%s)", split_find("cl100k")->pattern);
    for (int round = 0; round < 3000 / (1 + 9 * TEST_SANITIZED); round++) {
        size_t n = hard_text(text, sizeof text);
        a.n = b.n = 0;
        rk_status status = rk_tok_split(ctx, grouped, text, n, &a);
        if (status == RK_E_DECLINED) SKIP("no PCRE2 here");
        OK(ctx, status);
        OK(ctx, rk_tok_split(ctx, "cl100k", text, n, &b));
        EXPECT(a.n == b.n && (a.n == 0 || memcmp(a.at, b.at, a.n * sizeof *a.at) == 0));
    }
    rk_ids_free(ctx, &a);
    rk_ids_free(ctx, &b);
}

TEST(words_have_marks)
{
    rk_ctx *ctx = test_ctx();
    rk_ids lengths = { 0 };
    rk_status status = rk_tok_split(ctx, "\\w+", "n\xcc\x83o \xe0\xa4\xb9\xe0\xa4\xbf-x_1", 14, &lengths);
    if (status == RK_E_DECLINED) SKIP("no PCRE2 here");
    OK(ctx, status);
    EXPECT(lengths.n == 5 && lengths.at[0] == 4 && lengths.at[1] == 1 && lengths.at[2] == 6 && lengths.at[3] == 1);
    rk_ids_free(ctx, &lengths);
    FAILS(ctx, rk_tok_split(ctx, "[\\W]", "a", 1, &lengths), RK_E_DECLINED, "\\W in a class");
}
