/* usage.h: what a bench is asked by its words and its environment: --help prints how it is asked, and what is no number where one
 * belongs ends it with exit code 2, so that nothing is measured that nobody meant. */
#ifndef BENCH_USAGE_H
#define BENCH_USAGE_H
#include <stdbool.h>
#include <stdint.h>

enum { USAGE_THREADS = 4096 };                  /* more is a mistake */

/* Is there --help or -h among the words? Then `usage` has been printed. */
bool usage_help(int argc, char **argv, const char *usage);

/* The number that is the whole of a word, within bounds; `standard` where there is no word (NULL). What is none is told by `what`, with the usage. */
int64_t usage_count(const char *usage, const char *what, const char *word, int64_t standard, int64_t least, int64_t most);
double usage_real(const char *usage, const char *what, const char *word, double standard, double least, double most);
/* Threads by BENCH_THREADS: 0, the standard, is all. */
int usage_threads(const char *usage, int standard);

#endif
