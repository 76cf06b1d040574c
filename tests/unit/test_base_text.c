/* utf8.h, str.h: text. Sequences are made by hand from Unicode 15, table 3-7; the law is a round trip of every code point. */
#include "base/str.h"
#include "base/utf8.h"
#include "test.h"

TEST(every_code_point_returns)
{
    for (uint32_t code = 0; code <= 0x110000; code++) {
        char bytes[4];
        uint32_t back;
        size_t n = utf8_put(bytes, code);
        if ((code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff) { EXPECT_INT(n, 0); continue; }
        EXPECT_INT(n, code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4);
        EXPECT(utf8_next(bytes, n, &back) == n && back == code);
        EXPECT_INT(utf8_incomplete(bytes, n), 0);
        for (size_t k = 1; k < n; k++) EXPECT(utf8_incomplete(bytes, k) == k && utf8_next(bytes, k, &back) == k && back == UTF8_INVALID);
    }
    EXPECT_INT(utf8_put((char[4]){ 0 }, UTF8_INVALID), 0);
}

/* Steps that utf8_next takes, as digits: '1'..'4' for a character of so many bytes, 'a'..'c' for an invalid subpart. */
static const char *steps(const char *bytes, size_t n)
{
    static char text[64];
    size_t k = 0;
    for (size_t i = 0; i < n;) {
        uint32_t code;
        size_t step = utf8_next(bytes + i, n - i, &code);
        text[k++] = (char)((code == UTF8_INVALID ? 'a' : '1') + (int)step - 1);
        i += step;
    }
    text[k] = '\0';
    return text;
}

TEST(invalid_sequences_go_by_maximal_subparts)
{
    static const struct { const char *bytes, *steps; } rows[] = {
        { "\x80", "a" }, { "\xbf\x80", "aa" }, { "\xc0\xaf", "aa" }, { "\xc1\xbf", "aa" },
        { "\xe0\x80\xbf", "aaa" }, { "\xe0\x9f\xbf", "aaa" }, { "\xe0\xa0\x80", "3" },
        { "\xed\xa0\x80", "aaa" }, { "\xed\xbf\xbf", "aaa" }, { "\xed\x9f\xbf", "3" },
        { "\xf0\x80\x80\x80", "aaaa" }, { "\xf0\x8f\xbf\xbf", "aaaa" }, { "\xf0\x90\x80\x80", "4" },
        { "\xf4\x90\x80\x80", "aaaa" }, { "\xf4\x8f\xbf\xbf", "4" }, { "\xf5\x80\x80\x80", "aaaa" }, { "\xff\xfe", "aa" },
        { "\xc3", "a" }, { "\xc3" "A", "a1" }, { "\xe2\x82", "b" }, { "\xe2\x82" "A", "b1" }, { "\xe2" "A", "a1" },
        { "\xf0\x9f\x98", "c" }, { "\xf0\x9f\x98" "A", "c1" }, { "\xf0\x9f\xc3\xa9", "b2" }, { "\xf0\x9f\x98\x80", "4" },
        { "\xc3\xc3\xa9", "a2" }, { "\xe2\x82\xe2\x82\xac", "b3" },
        { "\xe1\x80\xe2\xf0\x91\x92\xf1\xbf" "A", "bacb1" },                    /* table 3-10 of the standard */
        { "\xc0\xaf\xe0\x80\xbf\xf0\x81\x82" "A", "aaaaaaaa1" },                /* table 3-8 */
        { "\xed\xa0\x80\xed\xbf\xbf\xed\xaf" "A", "aaaaaaaa1" },                /* table 3-9 */
        { "\xf4\x91\x92\x93\xff" "A\x80\xbf" "B", "aaaaa1aa1" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) EXPECT_TEXT(steps(rows[i].bytes, strlen(rows[i].bytes)), rows[i].steps);
    uint32_t code;
    EXPECT(utf8_next("", 0, &code) == 0 && code == UTF8_INVALID);
}

TEST(unfinished_sequences_are_held_back)
{
    static const struct { const char *bytes; size_t length; } rows[] = {
        { "", 0 }, { "abc", 0 }, { "\xc3", 1 }, { "a\xe2", 1 }, { "a\xe2\x82", 2 }, { "\xe2\x82\xac", 0 }, { "\xf0\x9f\x98", 3 }, { "\xf0\x9f\x98\x80", 0 },
        { "\x80\x80", 0 }, { "\xc0", 0 }, { "\xe0\x80", 0 }, { "\xed\xa0", 0 }, { "\xf4\x90", 0 }, { "\xff", 0 }, { "\xc3\xa9\x80", 0 }, { "\xf0\x80\x80", 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) EXPECT_INT(utf8_incomplete(rows[i].bytes, strlen(rows[i].bytes)), rows[i].length);
}

/* Holding back the unfinished end never changes how a text is read: random bytes from a small alphabet of hard ones. */
TEST(a_text_read_in_pieces_is_the_same_text)
{
    static const char hard[] = "\x41\x80\xbf\x9f\xa0\x90\x8f\xc3\xe0\xe2\xed\xf0\xf4\xf1\xff\xc0";
    for (int round = 0; round < 20000; round++) {
        char bytes[12];
        size_t n = (size_t)test_random(sizeof bytes), cut = (size_t)test_random(n + 1);
        for (size_t i = 0; i < n; i++) bytes[i] = hard[test_random(16)];
        cut -= utf8_incomplete(bytes, cut);
        char whole[64], first[64];
        (void)snprintf(whole, sizeof whole, "%s", steps(bytes, n));
        (void)snprintf(first, sizeof first, "%s", steps(bytes, cut));
        (void)snprintf(first + strlen(first), sizeof first - strlen(first), "%s", steps(bytes + cut, n - cut));
        EXPECT_TEXT(first, whole);
    }
}

TEST(text_grows)
{
    rk_ctx *ctx = test_ctx();
    struct str s = { 0 };
    EXPECT_TEXT(str_c(&s), "");
    OK(ctx, str_text(ctx, &s, ""));
    EXPECT_TEXT(str_c(&s), "");
    for (int i = 0; i < 1000; i++) OK(ctx, str_format(ctx, &s, "%d,", i));
    EXPECT_INT(s.n, 10 * 2 + 90 * 3 + 900 * 4);
    EXPECT(strncmp(s.at, "0,1,2,", 6) == 0);
    EXPECT_TEXT(s.at + s.n - 8, "998,999,");
    OK(ctx, str_add(ctx, &s, "a\0b", 3));
    EXPECT(s.n == 3893 && memcmp(s.at + 3890, "a\0b", 4) == 0);
    str_free(ctx, &s);
    EXPECT_INT(rk_ctx_bytes(ctx), 0);
}

TEST(text_too_long_is_refused_and_nothing_is_lost)
{
    rk_ctx *ctx = test_ctx();
    struct str s = { 0 };
    OK(ctx, str_text(ctx, &s, "kept"));
    FAILS(ctx, str_add(ctx, &s, "x", SIZE_MAX), RK_E_LIMIT, "text");
    FAILS(ctx, str_add(ctx, &s, "x", (size_t)INT32_MAX), RK_E_LIMIT, "text");
    EXPECT_TEXT(str_c(&s), "kept");
    str_free(ctx, &s);
}

TEST(text_is_quoted_as_json)
{
    static const struct { const char *bytes; size_t n; const char *json; } rows[] = {
        { "", 0, "\"\"" }, { "plain", 5, "\"plain\"" }, { "\"\\/", 3, "\"\\\"\\\\/\"" }, { "\n\t\r", 3, "\"\\n\\t\\r\"" },
        { "a\0b\x1f\x7f", 5, "\"a\\u0000b\\u001f\\u007f\"" }, { "\b\f", 2, "\"\\u0008\\u000c\"" },
        { "\xc3\xa9\xf0\x9f\x98\x80", 6, "\"\xc3\xa9\xf0\x9f\x98\x80\"" },
        { "\xff" "a\xe2\x82", 4, "\"\xef\xbf\xbd" "a\xef\xbf\xbd\"" }, { "\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
    };
    rk_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str s = { 0 };
        OK(ctx, str_json(ctx, &s, rows[i].bytes, rows[i].n));
        EXPECT_TEXT(str_c(&s), rows[i].json);
        str_free(ctx, &s);
    }
}
