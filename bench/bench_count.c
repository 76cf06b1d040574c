/* bench_count: what it costs to ask what a model costs, or what of it fits: `reckon count` and `reckon fit` as whole processes,
 * from fork to exit.
 *
 *   bench_count [COMMAND [MODEL...]]          COMMAND: the one this bench was built with; MODEL: every preset and one as large
 *                                             as any; BENCH_RUNS runs of each (21)
 *
 * Processor time is user and system time of the process as the kernel counts it, page faults and loading included; the goal
 * is 5 ms and 20 MB for a bill, 20 ms for a fit over eight ranks, which tries every switch. --json also lowers and places the
 * plan of a training step, which knows no shortcut. The median is what a person waits for, the best what a busy machine
 * hides. At the end of each question stands the worst. */
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "reckon/model.h"
#include "usage.h"

enum { MOST_RUNS = 1001 };
static const char usage[] = "bench_count [COMMAND [MODEL...]]    environment: BENCH_RUNS";
static const double goal_mb = 20;
static const struct question { const char *command, *words[4]; double goal_ms; } questions[] = {
    { "count", { NULL }, 5 }, { "count", { "--json" }, 5 }, { "fit", { "--device", "h100", "--dp", "8" }, 20 },
};
enum { QUESTIONS = sizeof questions / sizeof *questions };

struct measured { double best, median, system, megabytes; long faults; };

static double milliseconds(struct timeval t) { return (double)t.tv_sec * 1e3 + (double)t.tv_usec * 1e-3; }

static int ascending(const void *a, const void *b) { return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b); }

/* Runs the command once, its output thrown away; false: it could not, or it failed. That nothing fits is an answer. */
static bool run_once(const char *command, const char *model, const struct question *q, struct rusage *used)
{
    char *const words[] = { (char *)command, (char *)q->command, (char *)model, (char *)q->words[0], (char *)q->words[1], (char *)q->words[2], (char *)q->words[3], NULL };
    posix_spawn_file_actions_t actions;
    int code;
    pid_t child;
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    int failed = posix_spawn(&child, command, &actions, NULL, words, (char *const[]){ NULL });
    (void)posix_spawn_file_actions_destroy(&actions);
    return failed == 0 && wait4(child, &code, 0, used) == child && WIFEXITED(code) && WEXITSTATUS(code) <= (strcmp(q->command, "fit") == 0);
}

static bool measure(const char *command, const char *model, const struct question *q, int runs, struct measured *m)
{
    static double total[MOST_RUNS], system[MOST_RUNS];
    struct rusage used;
    if (!run_once(command, model, q, &used)) return false;               /* the first reads the file */
    for (int i = 0; i < runs; i++) {
        if (!run_once(command, model, q, &used)) return false;
        system[i] = milliseconds(used.ru_stime);
        total[i] = milliseconds(used.ru_utime) + system[i];
    }
    qsort(total, (size_t)runs, sizeof *total, ascending);
    qsort(system, (size_t)runs, sizeof *system, ascending);
    *m = (struct measured){ total[0], total[runs / 2], system[runs / 2], (double)used.ru_maxrss * 1024e-6, used.ru_minflt };
    return true;
}

/* What of all models took longest and most, so far. */
struct worst { const char *model; double median, best, megabytes; };

static bool print_one(const char *command, const char *model, const struct question *q, int runs, struct worst *worst)
{
    struct measured m;
    if (!measure(command, model, q, runs, &m)) {
        fprintf(stderr, "bench_count: %s %s %s failed\n", command, q->command, model);
        return false;
    }
    if (m.megabytes > worst->megabytes) worst->megabytes = m.megabytes;
    if (m.best > worst->best) worst->model = model, worst->best = m.best, worst->median = m.median;
    const char *verdict = m.median <= q->goal_ms && m.megabytes <= goal_mb ? "within" : m.best <= q->goal_ms && m.megabytes <= goal_mb ? "at best within" : "beyond";
    printf("%-5s %-28s %-8s  median %6.2f ms (%5.2f of it system)  best %6.2f ms  %5.1f MB  %6ld page faults  %s %.0f ms\n", q->command, model,
           q->words[0] != NULL ? q->words[0] : "", m.median, m.system, m.best, m.megabytes, m.faults, verdict, q->goal_ms);
    return true;
}

static bool ask_all(const char *command, const struct question *q, const char *const *models, int n, int runs)
{
    struct worst worst = { "", 0, 0, 0 };
    for (int i = 0; i < n; i++)
        if (!print_one(command, models[i], q, runs, &worst)) return false;
    printf("%-5s worst: %s %s  median %.2f ms, best %.2f ms; most memory %.1f MB; goal %.0f ms\n\n", q->command, worst.model, q->words[0] != NULL ? q->words[0] : "", worst.median, worst.best,
           worst.megabytes, q->goal_ms);
    return true;
}

int main(int argc, char **argv)
{
    const char *models[256] = { "gpt2:n_layer=96,n_embd=12288,n_head=96" }, *slash = strrchr(argv[0], '/');
    char beside[4096];
    if (usage_help(argc, argv, usage)) return 0;
    int runs = (int)usage_count(usage, "BENCH_RUNS", getenv("BENCH_RUNS"), 21, 1, MOST_RUNS), n = 1;
    for (; n < 256 && rk_model_preset(n - 1) != NULL; n++) models[n] = rk_model_preset(n - 1);
    (void)snprintf(beside, sizeof beside, "%.*s/../reckon", slash != NULL ? (int)(slash - argv[0]) : 1, slash != NULL ? argv[0] : ".");
    printf("goal: processor time as at the end of each line, and %.0f MB; %d runs each\n", goal_mb, runs);
    for (int q = 0; q < QUESTIONS; q++)
        if (!ask_all(argc > 1 ? argv[1] : beside, &questions[q], argc > 2 ? (const char *const *)argv + 2 : models, argc > 2 ? argc - 2 : n, runs)) return 1;
    return 0;
}
