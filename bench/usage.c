/* usage.c: see usage.h. */
#include "usage.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool usage_help(int argc, char **argv, const char *usage)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) return (void)printf("usage: %s\n", usage), true;
    return false;
}

static bool number_of(const char *word, double least, double most, bool whole, double *number)
{
    char *end;
    *number = strtod(word, &end);
    return end != word && *end == '\0' && *number >= least && *number <= most && (!whole || *number == floor(*number));
}

double usage_real(const char *usage, const char *what, const char *word, double standard, double least, double most)
{
    double number = standard;
    if (word == NULL || number_of(word, least, most, false, &number)) return number;
    (void)fprintf(stderr, "%s: \"%s\" is no number from %g to %g\nusage: %s\n", what, word, least, most, usage);
    exit(2);
}

int64_t usage_count(const char *usage, const char *what, const char *word, int64_t standard, int64_t least, int64_t most)
{
    double number = (double)standard;
    if (word == NULL || number_of(word, (double)least, (double)most, true, &number)) return (int64_t)number;
    (void)fprintf(stderr, "%s: \"%s\" is no whole number from %lld to %lld\nusage: %s\n", what, word, (long long)least, (long long)most, usage);
    exit(2);
}

int usage_threads(const char *usage, int standard)
{
    return (int)usage_count(usage, "BENCH_THREADS", getenv("BENCH_THREADS"), standard, 0, USAGE_THREADS);
}
