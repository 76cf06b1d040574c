/* What a person reads: numbers in and out, tables, JSON, the progress line. The command is no part of the library, so the
 * files under test are compiled into this program; how they end a program with a bug is replaced by a jump. */
#include "test.h"
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>

#include "../../cli/json.c"
#include "../../cli/memory.c"
#include "../../cli/number.c"
#include "../../cli/progress.c"
#include "../../cli/say.c"
#include "../../cli/table.c"
#include "../../cli/text.c"

static jmp_buf bug;
static bool    bug_expected;
static bool    watched;

void cli_bug(const char *format, ...)
{
    if (!bug_expected) test_fail(__FILE__, __LINE__, "cli_bug: %s", format);
    if (!bug_expected) test_end();
    longjmp(bug, 1);
}
#define IS_BUG(call) do { bug_expected = true; if (setjmp(bug) == 0) { call; test_fail(__FILE__, __LINE__, "%s went through", #call); } bug_expected = false; } while (0)

void cli_watch(void) { watched = true; }

/* A command that prints into memory. */
static char  *printed;
static size_t n_printed;

static struct cli fresh(int width)
{
    free(printed);
    printed = NULL;
    FILE *to = open_memstream(&printed, &n_printed);
    if (to == NULL) abort();
    return (struct cli){ .out = to, .err = to, .width = width };
}

static const char *text_of(struct cli *c)
{
    (void)fclose(c->out);
    return printed;
}

/* ---- numbers in ---- */

TEST(sizes_are_read_exactly)
{
    static const struct { const char *text; int64_t value; } rows[] = {
        { "0", 0 }, { "4096", 4096 }, { "4k", 4000 }, { "4K", 4000 }, { "4Ki", 4096 }, { "1.5M", 1500000 }, { "1e6", 1000000 },
        { "1.5e3", 1500 }, { "2GiB", 2147483648 }, { "2GB", 2000000000 }, { "15e-1k", 1500 }, { ".5k", 500 }, { "5.k", 5000 },
        { "0.5Ki", 512 }, { "9223372036854775807", INT64_MAX }, { "1T", 1000000000000 }, { "1TiB", 1099511627776 }, { "0e99", 0 },
    };
    static const char *const none[] = {
        "", "k", "-1", "+1", "1.5", "0.1Ki", "1.2.3", "1e", "1e+", "1e100", "9223372036854775808", "10000000T", "99999999999999999999",
        "1 k", "1kk", "1B", "0x10", "1e18k", "nan", "inf", "1,000", "1_000", " 1", "1 ", ".", "1e-1",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t value = -1;
        if (!number_size(rows[i].text, &value) || value != rows[i].value)
            test_fail(__FILE__, __LINE__, "\"%s\" is %" PRId64 ", expected %" PRId64, rows[i].text, value, rows[i].value);
    }
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        int64_t value;
        if (number_size(none[i], &value)) test_fail(__FILE__, __LINE__, "\"%s\" was read as %" PRId64, none[i], value);
    }
}

/* A number of units, written with any number of decimals, is the same number. */
TEST(sizes_do_not_depend_on_how_they_are_written)
{
    for (int i = 0; i < 20000; i++) {
        size_t u = test_random(sizeof units / sizeof *units);
        uint64_t most = (uint64_t)INT64_MAX / units[u].factor, n = test_random(0) >> 1 >> test_random(63);
        if (n > most) n %= most + 1;
        char text[96];
        int zeros = (int)test_random(4), down = (int)test_random(7);
        uint64_t power = 1;
        for (int k = 0; k < down; k++) power *= 10;
        if (test_random(2) == 0 || n > UINT64_MAX / 10000) (void)snprintf(text, sizeof text, "%" PRIu64 "%s", n, units[u].name);
        else (void)snprintf(text, sizeof text, "%" PRIu64 ".%0*" PRIu64 "%.*se%d%s", n / power, down, down > 0 ? n % power : 0,
                            down > 0 ? zeros : 0, "0000", down, units[u].name);
        if (strstr(text, ".0e0") != NULL) continue;
        int64_t value = -1;
        if (!number_size(text, &value) || (uint64_t)value != n * units[u].factor)
            test_fail(__FILE__, __LINE__, "\"%s\" is %" PRId64 ", expected %" PRIu64, text, value, n * units[u].factor);
    }
}

TEST(whole_and_real_numbers_take_nothing_else)
{
    static const char *const not_int[] = { "", "-", "1.0", "1e3", "0x1", " 1", "1 ", "+1", "--1", "9223372036854775808", "-9223372036854775809" };
    static const char *const not_real[] = { "", "e", "1e", "inf", "nan", "0x1p3", "1e999", "-1e999", "1 ", " 1", "1f", "1,5", "--1", "1e5e5" };
    int64_t n;
    double x;
    EXPECT(number_int("-9223372036854775808", &n) && n == INT64_MIN);
    EXPECT(number_int("007", &n) && n == 7);
    EXPECT(number_real("6e-4", &x) && x == 6e-4);
    EXPECT(number_real("-.5", &x) && x == -0.5);
    for (size_t i = 0; i < sizeof not_int / sizeof *not_int; i++)
        if (number_int(not_int[i], &n)) test_fail(__FILE__, __LINE__, "\"%s\" is no whole number", not_int[i]);
    for (size_t i = 0; i < sizeof not_real / sizeof *not_real; i++)
        if (number_real(not_real[i], &x)) test_fail(__FILE__, __LINE__, "\"%s\" is no real number", not_real[i]);
}

TEST(any_text_may_be_tried_as_a_number)
{
    static const char letters[] = "0123456789.eE+-kKMGTiB ";
    for (int i = 0; i < 200000; i++) {
        char text[24];
        size_t n = test_random(sizeof text);
        for (size_t k = 0; k < n; k++) text[k] = letters[test_random(sizeof letters - 1)];
        text[n] = '\0';
        int64_t whole;
        double real;
        if (number_size(text, &whole)) EXPECT(whole >= 0);
        if (number_real(text, &real)) EXPECT(isfinite(real));
        (void)number_int(text, &whole);
    }
}

/* ---- numbers out ---- */

TEST(numbers_are_said_as_people_read_them)
{
    EXPECT_TEXT(say_count(0).at, "0");
    EXPECT_TEXT(say_count(999).at, "999");
    EXPECT_TEXT(say_count(1000).at, "1,000");
    EXPECT_TEXT(say_count(124439808).at, "124,439,808");
    EXPECT_TEXT(say_count(UINT64_MAX).at, "18,446,744,073,709,551,615");
    EXPECT_TEXT(say_bytes(1).at, "1 byte");
    EXPECT_TEXT(say_bytes(1023).at, "1023 bytes");
    EXPECT_TEXT(say_bytes(1024).at, "1.0 KiB");
    EXPECT_TEXT(say_bytes(497759232).at, "474.7 MiB");
    EXPECT_TEXT(say_bytes_si(497759232).at, "497.8 MB");
    EXPECT_TEXT(say_bytes_si(999).at, "999 bytes");
    EXPECT_TEXT(say_bytes((1u << 20) - 1).at, "1.0 MiB");
    EXPECT_TEXT(say_bytes_si(999960).at, "1.0 MB");
    EXPECT_TEXT(say_bytes(UINT64_MAX).at, "16.0 EiB");
    EXPECT_TEXT(say_si(291648307200.0, "FLOP").at, "291.6 GFLOP");
    EXPECT_TEXT(say_si(0, "FLOP").at, "0 FLOP");
    EXPECT_TEXT(say_si(999, "FLOP").at, "999 FLOP");
    EXPECT_TEXT(say_si(1000, "FLOP").at, "1.000 kFLOP");
    EXPECT_TEXT(say_si(999949, "FLOP").at, "999.9 kFLOP");
    EXPECT_TEXT(say_si(999951, "FLOP").at, "1.000 MFLOP");
    EXPECT_TEXT(say_si(-12345, "FLOP").at, "-12.35 kFLOP");
    EXPECT_TEXT(say_si(1.5, "x").at, "1.500 x");
    EXPECT_TEXT(say_percent(0.523).at, "52.3 %");
    EXPECT_TEXT(say_percent(0).at, "0.0 %");
    EXPECT_TEXT(say_percent(0.00012).at, "0.012 %");
    EXPECT_TEXT(say_real(0.1).at, "0.1");
    EXPECT_TEXT(say_real(1e300).at, "1e+300");
}

TEST(durations_have_at_most_two_units)
{
    static const struct { double seconds; const char *text; } rows[] = {
        { 0, "0.0 us" }, { 1.23e-10, "0.12 ns" }, { 42e-9, "42 ns" }, { 99.6e-9, "0.1 us" },
        { 2.5e-6, "2.5 us" }, { 0.0125, "12.5 ms" }, { 0.99996, "1.0 s" }, { 5.24, "5.2 s" }, { 59.94, "59.9 s" },
        { 59.96, "1 min" }, { 125, "2 min 5 s" }, { 3599, "59 min 59 s" }, { 3599.6, "1 h" }, { 3780, "1 h 3 min" }, { 86399, "1 d" },
        { 187200, "2 d 4 h" }, { 40 * 365.25 * 86400, "40.0 years" }, { -5, "-5.0 s" }, { INFINITY, "unknown" }, { NAN, "unknown" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) EXPECT_TEXT(say_seconds(rows[i].seconds).at, rows[i].text);
}

/* What is said about n reads as n to within half of its last digit. */
TEST(what_is_said_is_near)
{
    static const char binary[] = "?KMGTPE";
    for (int i = 0; i < 20000; i++) {
        uint64_t n = test_random(0) >> test_random(64);
        char prefix = 'x';
        double x = 0, unit = 1;
        if (n < 1024) continue;
        if (sscanf(say_bytes(n).at, "%lf %c", &x, &prefix) != 2) test_fail(__FILE__, __LINE__, "%s", say_bytes(n).at);
        for (const char *p = binary; *p != '\0' && *p != prefix; p++) unit *= 1024;
        EXPECT(fabs(x * unit - (double)n) <= 0.0501 * unit && x < 1024);
        if (sscanf(say_si((double)n, "").at, "%lf %c", &x, &prefix) != 2) test_fail(__FILE__, __LINE__, "%s", say_si((double)n, "").at);
        EXPECT(x < 1000 && x >= 1);
    }
}

TEST(doubles_are_shortest_and_read_back)
{
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = test_random(0);
        double x;
        memcpy(&x, &bits, sizeof x);
        if (i % 2 != 0) x = (double)(bits % 100000) / 1000;
        if (!isfinite(x)) continue;
        struct say s = say_real(x);
        EXPECT(strtod(s.at, NULL) == x);
        for (int digits = 1; digits < 17; digits++) {
            char shorter[64];
            (void)snprintf(shorter, sizeof shorter, "%.*g", digits, x);
            if (strtod(shorter, NULL) != x) continue;
            EXPECT(strlen(s.at) <= strlen(shorter));
            break;
        }
    }
}

/* ---- text and tables ---- */

TEST(hostile_text_commands_no_terminal)
{
    static const char text[] = "a\033[31mb\x7f\xc2\x9b" "c\n\xc3\xa9";
    struct cli c = fresh(80);
    text_put(c.out, text, (int)sizeof text - 1);
    EXPECT_TEXT(text_of(&c), "a?[31mb??c?\xc3\xa9");
    EXPECT_INT(text_width("V\xc2\xb7""D", 4), 3);
}

TEST(words_wrap_in_their_column)
{
    struct cli c = fresh(20);
    text_wrap(c.out, "one two three four five six", 5, 20);
    EXPECT_TEXT(text_of(&c), "one two three\n     four five six\n");
    c = fresh(20);
    text_wrap(c.out, "one\n  kept   as it is, however long it may be\nlast", 2, 20);
    EXPECT_TEXT(text_of(&c), "one\n    kept   as it is, however long it may be\n  last\n");
}

TEST(a_table_lines_up)
{
    struct cli c = fresh(80);
    struct table *t = table_new(&c, "module|parameters|bytes", "lrr");
    table_cell(t, "h.*.attn");
    table_cell(t, "%s", say_count(28351488).at);
    table_cell(t, "%s", say_bytes(113405952).at);
    table_cell(t, "wte");
    table_cell(t, "%s", say_count(38597376).at);
    table_cell(t, "%s", "");
    table_rule(t);
    table_cell(t, "V\xc2\xb7""D");
    table_cell(t, "1");
    table_cell(t, "4 bytes");
    table_print(t);
    EXPECT_TEXT(text_of(&c), "module    parameters      bytes\n"
                             "h.*.attn  28,351,488  108.2 MiB\n"
                             "wte       38,597,376\n"
                             "-------------------------------\n"
                             "V\xc2\xb7""D                1    4 bytes\n");
}

/* Whatever is in it, a table with a wrapped column keeps to the width and loses no word. */
TEST(a_wrapped_table_keeps_to_the_width)
{
    for (int round = 0; round < 300; round++) {
        int width = 50 + (int)test_random(60);
        struct cli c = fresh(width);
        struct table *t = table_new(&c, "a|formula|n", "lwr");
        int words = 0, seen = 0;
        for (int row = 0; row < 5; row++) {
            char text[400] = "";
            for (int n = (int)test_random(30); n > 0; n--, words++) (void)strcat(text, &" wwwwwwwww"[test_random(8)]), (void)strcat(text, "| ");
            table_cell(t, "%d", row);
            table_cell(t, "%s", text);
            table_cell(t, "%d", (int)test_random(1000000));
        }
        table_print(t);
        const char *all = text_of(&c);
        for (const char *p = all; *p != '\0'; p++) seen += *p == '|';
        for (const char *line = all; *line != '\0'; line += strcspn(line, "\n") + 1) EXPECT(strcspn(line, "\n") <= (size_t)width);
        EXPECT_INT(seen, words);
    }
}

TEST(half_a_row_is_a_bug)
{
    struct cli c = fresh(80);
    struct table *t = table_new(&c, NULL, "ll");
    table_cell(t, "one");
    IS_BUG(table_rule(t));
    IS_BUG(table_print(t));
    table_cell(t, "two");
    table_print(t);
    EXPECT_TEXT(text_of(&c), "one  two\n");
    IS_BUG(cli_bug("%s", "always"));
}

/* ---- JSON ---- */

TEST(json_is_written_exactly)
{
    struct cli c = fresh(80);
    struct json j;
    json_begin(&j, c.out);
    json_object(&j, NULL);
    json_uint(&j, "most", UINT64_MAX);
    json_int(&j, "least", INT64_MIN);
    json_real(&j, "tenth", 0.1);
    json_real(&j, "nan", NAN);
    json_bool(&j, "yes", true);
    json_text(&j, "none", NULL);
    json_text(&j, "quote\"", "a\\b\n\x01/\xc3\xa9");
    json_bytes(&j, "bad", "\xff\xe2\x82z\0\xed\xa0\x80\xf4\x90\x80\x80", 12);
    json_array(&j, "ids");
    for (uint64_t i = 1; i <= 3; i++) json_uint(&j, NULL, i);
    json_end(&j);
    json_array(&j, "rows");
    json_object(&j, NULL);
    json_end(&j);
    json_array(&j, NULL);
    json_end(&j);
    json_end(&j);
    json_end(&j);
    EXPECT_TEXT(text_of(&c),
        "{\n  \"most\": 18446744073709551615,\n  \"least\": -9223372036854775808,\n  \"tenth\": 0.1,\n  \"nan\": null,\n  \"yes\": true,\n"
        "  \"none\": null,\n  \"quote\\\"\": \"a\\\\b\\n\\u0001/\xc3\xa9\",\n"
        "  \"bad\": \"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\\u0000\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\",\n"
        "  \"ids\": [1, 2, 3],\n  \"rows\": [\n    {},\n    []\n  ]\n}\n");
}

TEST(json_that_would_not_read_is_a_bug)
{
    struct cli c = fresh(80);
    struct json j;
    json_begin(&j, c.out);
    IS_BUG(json_end(&j));
    json_object(&j, NULL);
    IS_BUG(json_uint(&j, NULL, 1));
    json_array(&j, "a");
    IS_BUG(json_uint(&j, "key", 1));
    for (int i = 2; i < JSON_DEPTH; i++) json_array(&j, NULL);
    IS_BUG(json_array(&j, NULL));
    (void)text_of(&c);
}

/* Any bytes at all give a quoted text of valid UTF-8 without control characters. */
TEST(json_texts_are_valid_whatever_goes_in)
{
    for (int round = 0; round < 5000; round++) {
        unsigned char bytes[32];
        size_t n = test_random(sizeof bytes);
        for (size_t i = 0; i < n; i++) bytes[i] = (unsigned char)(test_random(3) == 0 ? test_random(256) : 0x80 + test_random(0x80));
        struct cli c = fresh(80);
        struct json j;
        json_begin(&j, c.out);
        json_bytes(&j, NULL, bytes, n);
        const unsigned char *at = (const unsigned char *)text_of(&c), *end = at + strlen((const char *)at);
        EXPECT(at[0] == '"' && end[-1] == '\n' && end[-2] == '"');
        for (size_t taken; at < end - 1; at += taken) {
            taken = sequence(at, (size_t)(end - at));
            EXPECT(taken > 0 && *at >= 0x20);
            if (taken == 0) break;
        }
    }
}

/* ---- progress ---- */

TEST(progress_without_a_terminal_is_plain_lines)
{
    struct cli c = fresh(80);
    struct progress p;
    watched = false;
    progress_begin(&p, &c, "training", "steps", 1000);
    EXPECT(watched && c.progress == &p);
    for (uint64_t i = 1; i <= 1000; i++) progress_step(&p, i, "loss %.2f", 3.14159);
    progress_hide(&c);
    progress_end(&p);
    EXPECT(c.progress == NULL);
    const char *text = text_of(&c);
    EXPECT(strncmp(text, "training  1,000/1,000 steps  100.0 %  ", 38) == 0);
    EXPECT(strstr(text, "  loss 3.14\n") != NULL && strchr(text, '\n')[1] == '\0' && strchr(text, '\r') == NULL);
}

TEST(progress_on_a_terminal_is_one_line)
{
    struct cli c = fresh(50);
    struct progress p;
    c.live = true;
    progress_begin(&p, &c, "counting", "bytes", 0);
    for (uint64_t i = 1; i <= 100; i++) progress_step(&p, i * 1000, "a field that is far too long for a line of fifty %s", "columns");
    progress_end(&p);
    const char *text = text_of(&c);
    EXPECT(strncmp(text, "\rcounting  1.0 kB", 17) == 0);
    EXPECT(strstr(text, "\rcounting  100.0 kB") != NULL);
    for (const char *line = text; (line = strchr(line, '\r')) != NULL; line++) EXPECT(strcspn(line + 1, "\033") < 50);
    EXPECT(strchr(text, '\n') != NULL && strchr(text, '\n')[1] == '\0');
}

TEST(progress_is_silent_when_asked)
{
    struct cli c = fresh(80);
    struct progress p;
    c.quiet = c.live = true;
    progress_begin(&p, &c, "training", "steps", 10);
    progress_step(&p, 10, "%s", "");
    progress_hide(&c);
    progress_end(&p);
    EXPECT_TEXT(text_of(&c), "");
}
