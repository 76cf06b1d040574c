/* What a bench is asked: numbers are whole words within their bounds, and anything else ends it before something is measured. */
#include "../../bench/usage.c"
#include "test.h"
#include <sys/wait.h>
#include <unistd.h>

enum { TAKEN = 40 };                                    /* no code that exit(2) or a signal gives */

/* What becomes of a process that reads this word as a count of 1 to 8. */
static int end_of(const char *word)
{
    int status = 0;
    (void)fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        if (freopen("/dev/null", "w", stderr) == NULL) _exit(1);
        _exit(usage_count("bench N", "N", word, 3, 1, 8) > 0 ? TAKEN : 1);
    }
    REQUIRE(child > 0);
    EXPECT(waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(a_word_that_is_no_count_ends_the_bench)
{
    static const char *const wrong[] = { "--threads", "x", "2x", "", "0", "9", "-1", "1.5", "nan", "inf", "1e30" };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) EXPECT(end_of(wrong[i]) == 2);
    EXPECT(end_of("8") == TAKEN);
}

TEST(numbers_are_read_and_the_standard_stands_where_there_is_none)
{
    EXPECT(usage_count("", "N", "7", 3, 0, 8) == 7);
    EXPECT(usage_count("", "N", NULL, 3, 0, 8) == 3);
    EXPECT(usage_count("", "N", "1e9", 3, 0, INT64_C(1) << 40) == 1000000000);
    EXPECT(usage_real("", "X", "0.25", 1, 0, 8) == 0.25);
    EXPECT(usage_real("", "X", NULL, 0.5, 0, 8) == 0.5);
}

TEST(help_is_found_anywhere)
{
    char *words[] = { "bench", "2", "--help", NULL };
    EXPECT(usage_help(3, words, "bench"));
    EXPECT(!usage_help(2, words, "bench"));
}
