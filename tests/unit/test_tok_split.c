/* Laws of cutting text into words: scanner = slow reference = regular expression, on any bytes. */
#include "reckon/tok.h"
#include "test.h"
#include "test_tok_reference.h"
#include "test_tok_text.h"
#include "base/utf8.h"
#include "tok/bert.h"
#include <stdlib.h>

enum { MOST = REFERENCE_MOST };

/* Where words end, by the slow reference; fewer than `most` of them. */
static size_t slow_ends(const struct reference *t, const struct pattern *p, size_t *ends)
{
    size_t made = 0;
    for (size_t i = 0; i < t->n; ends[made++] = t->at[i]) i = reference_match(t, p, i);
    return made;
}

TEST(the_scanners_are_the_patterns)
{
    static char bytes[MOST];
    static struct reference t;
    static size_t expected[MOST];
    for (int round = 0; round < 30000; round++) {
        const struct pattern *p = &reference_patterns[round % N_REFERENCES];
        const struct split *split = split_find(p->name);
        size_t n = hard_text(bytes, round % 100 == 0 ? MOST : 40), at = 0, ends[7], made, total = 0;
        char *exact = malloc(n > 0 ? n : 1);                          /* so that reading beyond the end is seen */
        REQUIRE(exact != NULL);
        memcpy(exact, bytes, n);
        reference_read(exact, n, &t);
        size_t words = slow_ends(&t, p, expected);
        while ((made = split->scan((const unsigned char *)exact, n, at, ends, 1 + test_random(7))) > 0) {
            for (size_t k = 0; k < made && total < words && ends[k] == expected[total]; k++) total++;
            at = ends[made - 1];
        }
        if (at != n || total != words) test_fail(__FILE__, __LINE__, "%s, round %d: word %zu of %zu ends elsewhere", p->name, round, total, words);
        free(exact);
    }
}

/* Cut by a body, in batches of a size that lets it take its widest steps. */
static size_t cut_by(split_scan *scan, const unsigned char *text, size_t n, size_t *ends)
{
    size_t made, total = 0;
    for (size_t at = 0; (made = scan(text, n, at, ends + total, 72 + test_random(100))) > 0; total += made) at = ends[total + made - 1];
    return total;
}

/* The last set of instructions that runs here, asked once: in a virtual machine the question is dear. */
static int best_isa(void)
{
    static int best = -1;
    if (best < 0) best = (int)isa_best();
    return best;
}

static void expect_same_words(const struct split *split, const char *text, size_t n)
{
    static size_t expected[MOST + 200], ends[MOST + 200];
    unsigned char *exact = malloc(n > 0 ? n : 1);                     /* so that reading beyond the end is seen */
    REQUIRE(exact != NULL && n <= MOST);
    memcpy(exact, text, n);
    size_t words = cut_by(split->scan, exact, n, expected);
    for (int isa = 0; isa <= best_isa(); isa++) {
        size_t made = cut_by(split_body(split->scan, (enum isa)isa), exact, n, ends);
        if (made != words || memcmp(ends, expected, words * sizeof *ends) != 0) test_fail(__FILE__, __LINE__, "%s, body %d: %zu bytes are cut otherwise", split->name, isa, n);
    }
    free(exact);
}

/* Scanners of which there is a body for each set of instructions: the patterns', and BERT's two. */
enum { N_SCANNERS = N_REFERENCES + 2 };

static const struct split *scanner(int i)
{
    static const struct split berts[] = { { .name = "bert", .scan = bert_units_chinese }, { .name = "bert, Chinese characters together", .scan = bert_units } };
    return i < N_REFERENCES ? split_find(reference_patterns[i].name) : &berts[i - N_REFERENCES];
}

/* Each character there is, alone and among its neighbours, at any place of a block. */
TEST(every_character_is_cut_alike)
{
    static const char *const between[] = { "", "", "", "", "a", " ", "1", ".", "\n", "A", "/" };
    char text[MOST];
    size_t n = 0;
    for (uint32_t code = 0; code <= 0x10ffff; code++) {
        const char *other = between[test_random(code < 0x10000 ? sizeof between / sizeof *between : 4)];
        if (code >= 0xd800 && code < 0xe000) continue;
        n += (size_t)utf8_put(text + n, code);
        memcpy(text + n, other, strlen(other));
        n += strlen(other);
        if (n + 8 < MOST && code < 0x10ffff) continue;
        for (int p = 0; p < N_SCANNERS; p++) expect_same_words(scanner(p), text, n);
        n = 0;
    }
}

TEST(every_body_of_a_scanner_cuts_alike)
{
    static char text[MOST];
    static const char ascii[] = "aZ19 ' \n\t.sdmtlvre  'tes\r/ALe8";
    for (int round = 0; round < 12000 / N_REFERENCES * N_SCANNERS; round++) {
        const struct split *split = scanner(round % N_SCANNERS);
        size_t n = round % 50 == 0 ? hard_text(text, MOST) : test_random(400);
        unsigned foreign = round / N_SCANNERS % 3 == 0 ? 0 : round / N_SCANNERS % 3 == 1 ? 100 : 10;        /* one character in so many is not ASCII */
        for (size_t i = 0; i < n && round % 50 != 0; i++) text[i] = ascii[test_random(sizeof ascii - 1)];
        for (size_t i = 0; i + 3 < n && foreign > 0 && round % 50 != 0; i++)
            if (test_random(foreign) == 0) i += hard_text(text + i, 4);
        expect_same_words(split, text, n);
    }
}

/* What a block of 64 bytes leaves to the next: contractions, white space, runs, at every place and at the very end. */
TEST(every_body_of_a_scanner_crosses_blocks)
{
    static const char *const cases[] = { "'s", "'ll", "'ve a", "'lx", "'", " 's", "  a", " \n a", "   ", "a 1", "1.a", "''s", "'s's", "'re're", "\xe2\x80\x99s", " \xc2\xa0 a", "a\xc2\xa0", "\xff",
        "1234", "12345678", ".\n\n a", "/\n/\n//a", " \n \n\ta", "\r\n  \r\n", "\n", "\t", ".\n", "aB", "ABc", "'LL", "'\xc5\xbf" "A", "a's's", "A'lLb", "\xe2\x80\x99\xe4\xb8\xad", "\xe4\xb8\xad" "A",
        "\xe4\xb8\xad" "Ab", "\xe3\x80\x81\xe3\x81\x82", "\xe3\x81\x82\xef\xbc\x81" "a", "\xe3\x83\xbb\xef\xbc\x8c" "A", " \xe2\x80\xa6\xe4\xb8\xad", "\xcc\x81", ".\xcc\x81", "e\xcc\x81" "A", " \n\xe3\x80\x80\n a", "1\xc2\xbd", "\xe2\x80\x9c" };
    static const char fills[] = "a1. A\n";
    static char text[300];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t before = 0; before <= 130; before += before > 67 && before < 120 ? 7 : 1)
            for (const char *fill = fills; *fill != 0; fill++)
                for (size_t after = 0; after <= 70; after += after < 3 ? 1 : 33) {
                    size_t n = strlen(cases[i]);
                    memset(text, *fill, before);
                    memcpy(text + before, cases[i], n);
                    memset(text + before + n, after == 36 ? ' ' : 'b', after);
                    for (int p = 0; p < N_SCANNERS; p++) expect_same_words(scanner(p), text, before + n + after);
                }
}

/* The words of a text by what was opened: as lengths are asked for, in batches of any size. */
static size_t words_by(rk_ctx *ctx, const struct split *split, const char *text, size_t n, size_t *ends)
{
    struct share share;
    struct split_run run = { 0 };
    size_t made, total = 0;
    OK(ctx, share_begin(ctx, &share));
    REQUIRE(split_begin(&run, split, &share, (const unsigned char *)text, n));
    while ((made = split_next(&run, ends + total, 1 + test_random(9))) > 0) total += made;
    split_end(&run);
    OK(ctx, share_end(&share));
    return total;
}

/* Opened once each: to compile a pattern costs more than to cut hundreds of short texts. */
TEST(the_scanners_are_the_regular_expressions)
{
    rk_ctx *ctx = test_ctx();
    static char bytes[MOST];
    static size_t a[MOST + 10], b[MOST + 10];
    for (int p = 0; p < N_REFERENCES; p++) {
        const struct split *known = split_find(reference_patterns[p].name);
        struct split other;
        char text[2048];
        int length = snprintf(text, sizeof text, "(?:%s)", known->pattern);        /* no longer known by its text */
        rk_status status = split_open(ctx, text, (size_t)length, &other);
        if (status == RK_E_DECLINED) SKIP("no PCRE2");
        OK(ctx, status);
        EXPECT(other.regex != NULL && known->regex == NULL);
        for (int round = 0; round < 3000; round++) {
            size_t n = hard_text(bytes, round % 100 == 0 ? MOST : 60), words = words_by(ctx, known, bytes, n, a), others = words_by(ctx, &other, bytes, n, b);
            EXPECT(words == others && (words == 0 || memcmp(a, b, words * sizeof *a) == 0));
        }
        split_close(ctx, &other);
    }
}

TEST(a_safe_cut_cuts_nothing)
{
    static char bytes[MOST];
    const unsigned char *text = (unsigned char *)bytes;
    int cuts = 0;
    for (int round = 0; round < 30000; round++) {
        const struct split *s = split_find(reference_patterns[round % N_REFERENCES].name);
        size_t n = hard_text(bytes, 60), whole[64], left[64], right[64];
        size_t from = test_random(n + 1), cut = round % 2 ? split_safe(s, text, n, from) : split_safe_last(s, text, n, from);
        size_t a = s->scan(text, n, 0, whole, 64), b = s->scan(text, cut, 0, left, 64), c = s->scan(text + cut, n - cut, 0, right, 64);
        EXPECT_INT(a, b + c);
        for (size_t i = 0; i < c && i + b < 64; i++) left[b + i] = right[i] + cut;
        EXPECT(memcmp(whole, left, a * sizeof *whole) == 0);
        cuts += cut > 0 && cut < n;
    }
    EXPECT(cuts > 1000);
}

/* Every text of up to six characters of an alphabet in which cuts go wrong. */
TEST(a_safe_cut_cuts_nothing_in_any_short_text)
{
    static const char *const letters[] = { "a", "A", "1", "'", " ", "\n", ".", "\xc2\xa0", "s" };
    enum { N = sizeof letters / sizeof *letters };
    for (long long code = 0; code < 9LL * 9 * 9 * 9 * 9 * 9; code++) {
        char text[16];
        size_t n = 0;
        long long rest = code;
        for (int k = 0; k < 6; k++, rest /= N) {
            size_t length = strlen(letters[rest % N]);
            memcpy(text + n, letters[rest % N], length);
            n += length;
        }
        for (int p = 0; p < N_REFERENCES; p++) {
            const struct split *s = split_find(reference_patterns[p].name);
            size_t whole[16], parts[16], cut = split_safe(s, (unsigned char *)text, n, 1);
            if (cut == n) continue;
            size_t a = s->scan((unsigned char *)text, n, 0, whole, 16), b = s->scan((unsigned char *)text, cut, 0, parts, 16);
            size_t c = s->scan((unsigned char *)text + cut, n - cut, 0, parts + b, 16 - b);
            for (size_t i = b; i < b + c; i++) parts[i] += cut;
            if (a != b + c || memcmp(whole, parts, a * sizeof *whole) != 0) test_fail(__FILE__, __LINE__, "%s: \"%.*s\" cut at %zu", s->name, (int)n, text, cut);
        }
    }
}

TEST(a_pattern_of_ones_own_loses_nothing)
{
    rk_ctx *ctx = test_ctx();
    static const struct { const char *pattern, *text; uint32_t lengths[8]; size_t n; } cases[] = {
        { "\\d+", "ab12c3", { 2, 2, 1, 1 }, 4 },                       /* what is between the matches is there too */
        { "[a-c]*", "xxabcyy", { 2, 3, 2 }, 3 },                       /* empty matches are none */
        { "$", "abc\n", { 4 }, 1 },
        { "b$", "ab\nb", { 3, 1 }, 2 },                                /* $ is the very end */
        { "(?<=a)b", "abb", { 1, 1, 1 }, 3 },                          /* looks behind the last match */
        { "\\s", "a\xe1\xa0\x8e\xe2\x80\x83z", { 4, 3, 1 }, 3 },        /* U+180E is no white space, U+2003 is */
        { "[^\\S]", "a b", { 1, 1, 1 }, 3 },
        { "\\p{So}", "a\xff\xff" "b\xe2\x82", { 1, 1, 1, 1, 2 }, 5 },    /* invalid: U+FFFD, one for two bytes that might have been three */
        { ".", "", { 0 }, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rk_ids lengths = { 0 };
        rk_status status = rk_tok_split(ctx, cases[i].pattern, cases[i].text, strlen(cases[i].text), &lengths);
        if (status == RK_E_DECLINED) SKIP("no PCRE2");
        OK(ctx, status);
        if (lengths.n != cases[i].n || (lengths.n > 0 && memcmp(lengths.at, cases[i].lengths, lengths.n * sizeof *lengths.at) != 0))
            test_fail(__FILE__, __LINE__, "%s cuts otherwise: %zu words", cases[i].pattern, lengths.n);
        rk_ids_free(ctx, &lengths);
    }
}

TEST(a_pattern_of_ones_own_that_is_wrong)
{
    rk_ctx *ctx = test_ctx();
    static char long_text[100000];
    static const struct { const char *pattern; rk_status status; const char *words; } cases[] = {
        { "gpt3", RK_E_UNKNOWN, "no pattern is called \"gpt3\"" }, { "", RK_E_UNKNOWN, "no pattern" }, { "(a", RK_E_ARG, "no regular expression" },
        { "[z-a]", RK_E_ARG, "no regular expression" }, { "\\Qa\\E", RK_E_DECLINED, "quotes" }, { "\\C+", RK_E_ARG, "no regular expression" },
        { "(((a{900}){900}){900}){900}", RK_E_ARG, "too large" }, { "(a+)+[bc]", RK_E_LIMIT, "gives up at byte 0" }, { "\\p{Nowhere}", RK_E_ARG, "no regular expression" },
    };
    memset(long_text, 'a', sizeof long_text);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rk_ids lengths = { 0 };
        rk_status status = rk_tok_split(ctx, cases[i].pattern, long_text, sizeof long_text, &lengths);
        if (status == RK_E_DECLINED && cases[i].status != RK_E_DECLINED) SKIP("no PCRE2");
        FAILS(ctx, status, cases[i].status, cases[i].words);
        EXPECT(lengths.n == 0);
        rk_ids_free(ctx, &lengths);
    }
}

/* The same words in a text that comes whole, in pieces and in parallel, and through a file, whatever the pattern. */
TEST(every_pattern_trains_encodes_and_is_saved)
{
    static const char *const patterns[] = { "cl100k", "o200k", "\\w+|[^\\w]" };
    rk_ctx *ctx = test_ctx();
    static char text[60000];
    size_t n = 0;
    while (n < sizeof text - MOST) n += hard_text(text + n, MOST);
    for (int i = 0; i < 3; i++) {
        rk_tok_training how = { .vocab_size = 600, .pattern = patterns[i] };
        rk_text one = { text, n };
        rk_tok *tok, *again;
        rk_tok_encoder *e;
        rk_ids whole = { 0 }, parts = { 0 }, read = { 0 };
        rk_bytes back = { 0 };
        rk_status status = rk_tok_train(ctx, &how, &one, 1, &tok);
        if (status == RK_E_DECLINED) SKIP("no PCRE2");
        OK(ctx, status);
        OK(ctx, rk_tok_encode(ctx, tok, text, n, 0, &whole));
        OK(ctx, rk_tok_encoder_open(ctx, tok, 0, &e));
        for (size_t at = 0, piece; at < n; at += piece) {
            piece = 1 + test_random(300);
            if (piece > n - at) piece = n - at;
            OK(ctx, rk_tok_encoder_add(ctx, e, text + at, piece, &parts));
        }
        OK(ctx, rk_tok_encoder_end(ctx, e, &parts));
        EXPECT(whole.n == parts.n && memcmp(whole.at, parts.at, whole.n * sizeof *whole.at) == 0);
        OK(ctx, rk_tok_decode(ctx, tok, whole.at, whole.n, 0, &back));
        EXPECT(back.n == n && memcmp(back.at, text, n) == 0);
        OK(ctx, rk_tok_save(ctx, tok, test_temporary()));
        OK(ctx, rk_tok_open(ctx, test_temporary(), &again));
        OK(ctx, rk_tok_encode(ctx, again, text, n, 0, &read));
        EXPECT(whole.n == read.n && memcmp(whole.at, read.at, whole.n * sizeof *whole.at) == 0);
        rk_ids_free(ctx, &whole);
        rk_ids_free(ctx, &parts);
        rk_ids_free(ctx, &read);
        rk_bytes_free(ctx, &back);
        rk_tok_encoder_close(ctx, e);
        rk_tok_close(ctx, again);
        rk_tok_close(ctx, tok);
    }
}
