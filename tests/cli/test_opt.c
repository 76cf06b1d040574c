/* What was typed, read by a table made for this test; and the names offered for one that is not known. The files under
 * test are compiled into this program; what they say to a person is kept in `said`. */
#include "test.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#include "../../cli/command.c"
#include "../../cli/memory.c"
#include "../../cli/near.c"
#include "../../cli/number.c"
#include "../../cli/opt.c"
#include "../../cli/value.c"

static jmp_buf bug;
static bool    bug_expected;
static char    said[2048], hinted[512];

void cli_bug(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    (void)vsnprintf(said, sizeof said, format, list);
    va_end(list);
    if (!bug_expected) test_fail(__FILE__, __LINE__, "cli_bug: %s", said);
    if (!bug_expected) test_end();
    longjmp(bug, 1);
}
static void check_bug(const char *call, bool ended, const char *words)
{
    bug_expected = false;
    if (!ended) test_fail(__FILE__, __LINE__, "%s went through", call);
    else if (strstr(said, words) == NULL) test_fail(__FILE__, __LINE__, "\"%s\" does not say \"%s\"", said, words);
}
#define IS_BUG(call, words) do { bug_expected = true; if (setjmp(bug) == 0) { (void)(call); check_bug(#call, false, words); } else check_bug(#call, true, words); } while (0)

int cli_fail(struct cli *c, int code, const char *hint, const char *format, ...)
{
    va_list list;
    (void)c;
    va_start(list, format);
    (void)vsnprintf(said, sizeof said, format, list);
    va_end(list);
    (void)snprintf(hinted, sizeof hinted, "%s", hint != NULL ? hint : "");
    return code;
}

int cli_usage(struct cli *c, const char *format, ...)
{
    va_list list;
    (void)c;
    va_start(list, format);
    (void)vsnprintf(said, sizeof said, format, list);
    va_end(list);
    hinted[0] = '\0';
    return CLI_USAGE;
}

static int run(struct cli *c)
{
    (void)c;
    return CLI_OK;
}

static const struct option options[] = {
    { "batch",   'b', OPT_SIZE,   NULL,          "1",           "sequences" },
    { "seq",     't', OPT_SIZE,   NULL,          "(the context)", "tokens" },
    { "shift",   0,   OPT_INT,    NULL,          "-3",          "a shift" },
    { "rate",    'r', OPT_REAL,   NULL,          "6e-4",        "a rate" },
    { "dtype",   0,   OPT_CHOICE, "u16|u32|u",   "u16",         "a type" },
    { "output",  'o', OPT_FILE,   NULL,          NULL,          "a file" },
    { "special", 's', OPT_LIST,   NULL,          NULL,          "texts" },
    { "greedy",  'g', OPT_FLAG,   NULL,          NULL,          "a flag" },
    { "fast",    'f', OPT_FLAG,   NULL,          NULL,          "another" },
    { "trace",   'x', OPT_PERHAPS, NULL,         NULL,          "a flag that may be given a file" },
    { "policy",  0,   OPT_TEXT,   "NAME",        "fp32",        "in which dtypes: fp32 amp-bf16 fp8, and by module: amp-bf16,head=f32" },
    { "level",   0,   OPT_CHOICE, "low|fp8",     "low",         "of what there is" },
    { 0 }
};
static const struct command cmd_count = { .name = "count", .arguments = "MODEL [FILE]", .options = options, .run = run, .json = true };
static const struct command cmd_train = { .name = "train", .arguments = "INPUT...", .options = options, .run = run };
static const struct command cmd_info = { .name = "info", .run = run };
static const struct command *const below[] = { &cmd_train, NULL };
static const struct command cmd_tok = { .name = "tok", .commands = below };
static const struct command *const all[] = { &cmd_count, &cmd_tok, &cmd_info, NULL };
const struct command command_root = { .name = "reckon", .commands = all };

static struct cli c;

/* Reads words apart by blanks; "_" is an empty word. */
static int typed(const char *line)
{
    static char text[512], *words[64], empty[1];
    int n = 0;
    free(c.values);
    free(c.args);
    c = (struct cli){ .command = &command_root, .path = "reckon" };
    (void)snprintf(text, sizeof text, "reckon %s", line);
    for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " ")) words[n++] = strcmp(word, "_") == 0 ? empty : word;
    words[n] = NULL;
    said[0] = hinted[0] = '\0';
    int code = opt_read(&c, n, words);
    return code == CLI_OK ? opt_check(&c) : code;
}

#define REFUSED(line, message) do { EXPECT_INT(typed(line), CLI_USAGE); EXPECT_TEXT(said, message); } while (0)

TEST(options_are_read_in_every_form)
{
    EXPECT_INT(typed("count gpt2 --batch 4k -t8 --rate=1e-3 -o out.json --dtype u32 -gf --special a -sb --special=c"), CLI_OK);
    EXPECT_TEXT(c.path, "reckon count");
    EXPECT_INT(c.n_args, 1);
    EXPECT_TEXT(c.args[0], "gpt2");
    EXPECT_INT(cli_int(&c, "batch"), 4000);
    EXPECT_INT(cli_int(&c, "seq"), 8);
    EXPECT_NEAR(cli_real(&c, "rate"), 1e-3, 0);
    EXPECT_TEXT(cli_text(&c, "output"), "out.json");
    EXPECT_INT(cli_choice(&c, "dtype"), 1);
    EXPECT_TEXT(cli_text(&c, "dtype"), "u32");
    EXPECT(cli_flag(&c, "greedy") && cli_flag(&c, "fast") && !cli_flag(&c, "quiet"));
    EXPECT_TEXT(cli_list(&c, "special", 0), "a");
    EXPECT_TEXT(cli_list(&c, "special", 1), "b");
    EXPECT_TEXT(cli_list(&c, "special", 2), "c");
    EXPECT(cli_list(&c, "special", 3) == NULL);
    EXPECT(cli_given(&c, "batch") && !cli_given(&c, "shift"));
}

TEST(a_flag_that_may_be_given_a_file)
{
    EXPECT_INT(typed("count gpt2 --trace"), CLI_OK);
    EXPECT(cli_given(&c, "trace"));
    EXPECT_TEXT(cli_text(&c, "trace"), "");
    EXPECT_INT(typed("count gpt2 --trace=out.json --fast"), CLI_OK);
    EXPECT_TEXT(cli_text(&c, "trace"), "out.json");
    EXPECT_INT(typed("count --trace gpt2"), CLI_OK);                /* the word behind it is none of its own */
    EXPECT_TEXT(cli_text(&c, "trace"), "");
    EXPECT_TEXT(c.args[0], "gpt2");
    EXPECT_INT(typed("count gpt2 -fxg"), CLI_OK);
    EXPECT(cli_given(&c, "trace") && cli_flag(&c, "greedy"));
    EXPECT_INT(typed("count gpt2"), CLI_OK);
    EXPECT(!cli_given(&c, "trace") && cli_text(&c, "trace") == NULL);
    EXPECT(cli_offers(&c, "trace") && cli_offers(&c, "json") && !cli_offers(&c, "nothing"));
}

TEST(what_is_not_given_is_its_default)
{
    EXPECT_INT(typed("count gpt2"), CLI_OK);
    EXPECT_INT(cli_int(&c, "batch"), 1);
    EXPECT_INT(cli_int(&c, "seq"), 0);
    EXPECT_INT(cli_int(&c, "shift"), -3);
    EXPECT_NEAR(cli_real(&c, "rate"), 6e-4, 0);
    EXPECT_INT(cli_choice(&c, "dtype"), 0);
    EXPECT(cli_text(&c, "output") == NULL && cli_list(&c, "special", 0) == NULL && !cli_flag(&c, "greedy"));
    EXPECT(!cli_given(&c, "batch"));
}

TEST(order_does_not_matter_and_the_last_one_holds)
{
    EXPECT_INT(typed("--verbose --threads 2 count --batch 2 gpt2 --batch 3 file"), CLI_OK);
    EXPECT_INT(cli_int(&c, "batch"), 3);
    EXPECT_INT(cli_int(&c, "threads"), 2);
    EXPECT(cli_flag(&c, "verbose"));
    EXPECT_INT(c.n_args, 2);
    EXPECT_INT(typed("count -- --batch -b"), CLI_OK);
    EXPECT_TEXT(c.args[0], "--batch");
    EXPECT_TEXT(c.args[1], "-b");
    EXPECT_INT(typed("count -"), CLI_OK);
    EXPECT_TEXT(c.args[0], "-");
    EXPECT_INT(typed("count gpt2 --shift -7 --output --batch"), CLI_OK);
    EXPECT_INT(cli_int(&c, "shift"), -7);
    EXPECT_TEXT(cli_text(&c, "output"), "--batch");
    EXPECT_INT(typed("tok train a b c d"), CLI_OK);
    EXPECT_TEXT(c.path, "reckon tok train");
    EXPECT_INT(c.n_args, 4);
    EXPECT_INT(typed("count --output _ _"), CLI_OK);
    EXPECT_TEXT(cli_text(&c, "output"), "");
}

TEST(what_makes_no_sense_is_refused_by_name)
{
    REFUSED("count gpt2 --bacth 2", "unknown option --bacth");
    EXPECT_TEXT(hinted, "did you mean --batch?");
    REFUSED("count gpt2 --nothing-like-it=3", "unknown option --nothing-like-it");
    EXPECT_TEXT(hinted, "");
    REFUSED("cuont gpt2", "unknown command cuont");
    EXPECT_TEXT(hinted, "did you mean count?");
    REFUSED("tok trian", "unknown command trian");
    EXPECT_TEXT(hinted, "did you mean train?");
    REFUSED("count gpt2 --batch", "--batch: a whole number such as 4096, 4k, 4Ki or 1e6 is missing");
    REFUSED("count gpt2 -b", "-b: a whole number such as 4096, 4k, 4Ki or 1e6 is missing");
    REFUSED("count gpt2 --batch x", "--batch: a whole number such as 4096, 4k, 4Ki or 1e6 expected, not \"x\"");
    REFUSED("count gpt2 --batch=", "--batch: a whole number such as 4096, 4k, 4Ki or 1e6 expected, not \"\"");
    REFUSED("count gpt2 -bx", "-b: a whole number such as 4096, 4k, 4Ki or 1e6 expected, not \"x\"");
    REFUSED("count gpt2 --rate fast", "--rate: a number expected, not \"fast\"");
    REFUSED("count gpt2 --dtype u64", "--dtype: one of u16|u32|u expected, not \"u64\"");
    REFUSED("count gpt2 --dtype u1", "--dtype: one of u16|u32|u expected, not \"u1\"");
    EXPECT_TEXT(hinted, "");
    REFUSED("count gpt2 --dtype amp-bf16", "--dtype: one of u16|u32|u expected, not \"amp-bf16\"");
    EXPECT_TEXT(hinted, "amp-bf16 is a word of --policy");
    REFUSED("count gpt2 --dtype fp8", "--dtype: one of u16|u32|u expected, not \"fp8\"");
    EXPECT_TEXT(hinted, "fp8 is a word of --policy and of --level");
    REFUSED("count gpt2 --level u16", "--level: one of low|fp8 expected, not \"u16\"");
    EXPECT_TEXT(hinted, "u16 is a word of --dtype");
    REFUSED("count gpt2 --batch fp8", "--batch: a whole number such as 4096, 4k, 4Ki or 1e6 expected, not \"fp8\"");
    EXPECT_TEXT(hinted, "fp8 is a word of --policy and of --level");
    for (int i = 0; i < 3; i++) {
        static const char *const lines[] = { "count gpt2 --dtype fp", "count gpt2 --dtype by", "count gpt2 --dtype bf16" };
        EXPECT_INT(typed(lines[i]), CLI_USAGE);
        EXPECT_TEXT(hinted, "");
    }
    REFUSED("count gpt2 --greedy=yes", "--greedy takes no value");
    REFUSED("count gpt2 -z", "unknown option -z");
    REFUSED("count gpt2 -gz", "unknown option -z");
    REFUSED("count", "MODEL is missing");
    REFUSED("tok train", "INPUT is missing");
    REFUSED("count a b c", "one argument too many: c");
    REFUSED("info x", "one argument too many: x");
    REFUSED("tok train x --json", "has no answer in JSON");
}

TEST(asking_for_what_the_table_lacks_is_a_bug)
{
    EXPECT_INT(typed("count gpt2"), CLI_OK);
    IS_BUG(cli_int(&c, "nothing"), "no option --nothing");
    IS_BUG(cli_int(&c, "rate"), "no option --rate of the type");
    IS_BUG(cli_flag(&c, "batch"), "no option --batch of the type");
    IS_BUG(cli_list(&c, "output", 0), "no option --output of the type");
    IS_BUG(cli_given(&c, "nothing"), "no option --nothing");
}

static void contradicts(const struct command *k, const char *words) { IS_BUG((command_check(k), 0), words); }

TEST(tables_that_contradict_themselves_are_bugs)
{
    static const struct { struct option rows[3]; const char *words; } bad[] = {
        { { { "json", 0, OPT_FLAG, NULL, NULL, "" }, { 0 } }, "two options are called --json" },
        { { { "a", 0, OPT_FLAG, NULL, NULL, "" }, { "a", 0, OPT_TEXT, NULL, NULL, "" }, { 0 } }, "two options are called --a" },
        { { { "a", 'x', OPT_FLAG, NULL, NULL, "" }, { "b", 'x', OPT_FLAG, NULL, NULL, "" }, { 0 } }, "two options are called -x" },
        { { { "a", 'q', OPT_FLAG, NULL, NULL, "" }, { 0 } }, "two options are called -q" },
        { { { "a", 0, OPT_SIZE, NULL, "many", "" }, { 0 } }, "the default of --a is \"many\"" },
        { { { "a", 0, OPT_CHOICE, "x|y", "z", "" }, { 0 } }, "the default of --a is \"z\"" },
        { { { "a", 0, OPT_CHOICE, NULL, NULL, "" }, { 0 } }, "--a has no choices" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct command k = { .name = "bad", .options = bad[i].rows, .run = run };
        contradicts(&k, bad[i].words);
    }
    struct command k = { .name = "bad" };
    contradicts(&k, "either run or commands");
    for (int i = 0; all[i] != NULL; i++) command_check(all[i]);
}

/* Whatever is typed ends in a run or in words, and what was read fits the table. */
TEST(anything_may_be_typed)
{
    static const char *const words[] = {
        "count", "tok", "train", "info", "gpt2", "--", "-", "---", "--=", "-b", "--batch", "--batch=3", "-gfb", "-gf", "--special", "-s", "=", "_", "5",
        "--json", "-q", "--dtype", "u32", "--rate=1", "-r1e9", "--no-such", "-\xff", "--threads=0", "--help", "--shift", "-1",
    };
    for (int round = 0; round < 20000; round++) {
        char line[400] = "";
        for (uint64_t n = test_random(12); n > 0; n--) (void)strcat(strcat(line, words[test_random(sizeof words / sizeof *words)]), " ");
        int code = typed(line);
        EXPECT(code == CLI_OK || (code == CLI_USAGE && said[0] != '\0'));
        if (code != CLI_OK || c.command->options != options) continue;
        EXPECT(cli_int(&c, "batch") >= 0 && cli_choice(&c, "dtype") >= 0 && c.n_args >= 1);
    }
}

/* ---- near ---- */

static int plain_distance(const char *a, size_t m, const char *b, size_t n)          /* by the definition, without swaps beyond neighbours */
{
    if (m == 0 || n == 0) return (int)(m + n);
    int d = plain_distance(a, m - 1, b, n - 1) + (a[m - 1] != b[n - 1]);
    d = least(d, least(plain_distance(a, m - 1, b, n), plain_distance(a, m, b, n - 1)) + 1);
    if (m > 1 && n > 1 && a[m - 1] == b[n - 2] && a[m - 2] == b[n - 1]) d = least(d, plain_distance(a, m - 2, b, n - 2) + 1);
    return d;
}

TEST(distance_is_what_it_is_defined_to_be)
{
    for (int round = 0; round < 3000; round++) {
        char a[8] = "", b[8] = "";
        for (uint64_t i = 0, n = test_random(6); i < n; i++) a[i] = (char)('a' + test_random(3));
        for (uint64_t i = 0, n = test_random(6); i < n; i++) b[i] = (char)('a' + test_random(3));
        EXPECT_INT(distance(a, b), plain_distance(a, strlen(a), b, strlen(b)));
    }
}

TEST(near_names_are_offered_best_first)
{
    struct near n;
    static const char *const names[] = { "gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl", "cs336-small" };
    near_begin(&n, "gtp2");
    for (size_t i = 0; i < 5; i++) near_try(&n, names[i]);
    EXPECT_TEXT(near_words(&n, ""), "did you mean gpt2?");
    near_begin(&n, "gpt2-");
    for (size_t i = 0; i < 5; i++) near_try(&n, names[i]);
    EXPECT_TEXT(near_words(&n, ""), "did you mean gpt2, gpt2-medium or gpt2-large?");
    near_begin(&n, "llama");
    for (size_t i = 0; i < 5; i++) near_try(&n, names[i]);
    EXPECT_TEXT(near_words(&n, ""), "");
    near_begin(&n, "");
    near_try(&n, "a");
    EXPECT_TEXT(near_words(&n, ""), "");
    char longest[4096];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    near_begin(&n, longest);
    near_try(&n, "x");
    near_try(&n, longest);
    EXPECT(n.n <= 1 && strlen(near_words(&n, "--")) < sizeof n.words);
    opt_free(&c);
    c = (struct cli){ .command = &command_root };
}
