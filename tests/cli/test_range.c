/* Ranges as people type them: what they stand for, and what is refused. The command is no part of the library, so the files
 * under test are compiled into this program. */
#include "test.h"
#include <stdlib.h>

#include "../../cli/memory.c"
#include "../../cli/number.c"
#include "../../cli/range.c"

void cli_bug(const char *format, ...)
{
    test_fail(__FILE__, __LINE__, "cli_bug: %s", format);
    test_end();
}

static const char *joined(const struct range *r)
{
    static char text[1024];
    text[0] = '\0';
    for (int i = 0; i < r->n && i < 20; i++) (void)strcat(strcat(text, i > 0 ? " " : ""), r->point[i].at);
    return text;
}

TEST(what_ranges_stand_for)
{
    static const struct { const char *text, *name, *points; } cases[] = {
        { "seq=1k..16k",          "seq",    "1000 2000 4000 8000 16000" },
        { "seq=1Ki..4Ki",         "seq",    "1024 2048 4096" },
        { "seq=100..500",         "seq",    "100 200 400" },
        { "layer=1..8",           "layer",  "1 2 3 4 5 6 7 8" },
        { "layer=14..16",         "layer",  "14 15 16" },
        { "layer=14..17",         "layer",  "14" },
        { "layer=14..17:1",       "layer",  "14 15 16 17" },
        { "hidden=64..256:64",    "hidden", "64 128 192 256" },
        { "hidden=64..300:100",   "hidden", "64 164 264" },
        { "x=1..100:*10",         "x",      "1 10 100" },
        { "batch=1,2,4",          "batch",  "1 2 4" },
        { "batch=8,1..3,1Ki",     "batch",  "8 1 2 3 1024" },
        { "x=7..7",               "x",      "7" },
        { "x=0..2",               "x",      "0 1 2" },
        { "act=relu,gelu_new",    "act",    "relu gelu_new" },
        { "eps=1e-5,1e-6",        "eps",    "1e-5 1e-6" },
        { "bias=true,false",      "bias",   "true false" },
        { "x=9223372036854775806..9223372036854775807:5", "x", "9223372036854775806" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct range r;
        if (!range_read(cases[i].text, &r)) test_fail(__FILE__, __LINE__, "%s: %s", cases[i].text, r.why);
        EXPECT_TEXT(r.name, cases[i].name);
        EXPECT_TEXT(joined(&r), cases[i].points);
        range_free(&r);
    }
}

TEST(what_is_no_range)
{
    static const struct { const char *text, *why; } cases[] = {
        { "seq", "NAME=VALUES expected" },          { "=1..2", "NAME=VALUES expected" },      { "seq=", "NAME=VALUES expected" },
        { "seq=1,,2", "missing between commas" },   { "seq=1,", "missing between commas" },   { "seq=4..2", "4 is more than 2" },
        { "seq=1..x", "whole numbers expected" },   { "seq=..4", "whole numbers expected" },  { "seq=1.5..4", "whole numbers expected" },
        { "seq=1..9:0", "no step of at least 1" },  { "seq=1..9:*1", "no factor of at least 2" }, { "seq=1..9:", "no step" },
        { "seq=0..64", "0 times something" },       { "seq=1..1M:1", "more than 4096 values" },
        { "x=0123456789012345678901234567890123456789x", "too long" },
        { "0123456789012345678901234567890123456789012345678901=1", "too long a name" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct range r;
        if (range_read(cases[i].text, &r)) test_fail(__FILE__, __LINE__, "%s went through", cases[i].text);
        if (strstr(r.why, cases[i].why) == NULL) test_fail(__FILE__, __LINE__, "%s: \"%s\" does not say \"%s\"", cases[i].text, r.why, cases[i].why);
        range_free(&r);
    }
}

TEST(any_text_ends_well)
{
    static const char letters[] = "=,.:*019kKi-x";
    for (int trial = 0; trial < 20000; trial++) {
        char text[24];
        int n = (int)test_random(sizeof text);
        struct range r;
        for (int i = 0; i < n; i++) text[i] = letters[test_random(sizeof letters - 1)];
        text[n] = '\0';
        bool fine = range_read(text, &r);
        EXPECT(fine ? r.n > 0 && r.n <= RANGE_MOST : r.why[0] != '\0');
        range_free(&r);
    }
}
