/* par_processors.c: how many processors this process may really use: its affinity mask, and the quotas of its cgroups.
 *
 * A quota of 1.5 processors counts as 2. Quotas are inherited, so every level up to the root is looked at; whatever
 * cannot be read sets no bound. Sources: cgroups(7), Linux Documentation/admin-guide/cgroup-v2.rst (cpu.max) and
 * Documentation/scheduler/sched-bwc.rst (cfs_quota_us). */
#include "base/par.h"
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SMALL = 4096 };                                      /* enough for each of these files, and for a path in them */

/* The text of a small file; "" when there is none. */
static void slurp(const char *path, char text[SMALL])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, SMALL - 1);
    if (fd >= 0) (void)close(fd);
    text[n > 0 ? n : 0] = '\0';
}

static int quotient(long long quota, long long period)
{
    if (quota <= 0 || period <= 0) return INT_MAX;          /* -1, "max", or not a number: no bound */
    long long n = quota / period + (quota % period != 0);
    return n < INT_MAX ? (int)n : INT_MAX;
}

/* The bound set by this one folder, in the files of cgroup v2 and of v1. */
static int quota_v2(const char *folder)
{
    char path[2 * SMALL + 32], text[SMALL];
    long long quota, period;
    (void)snprintf(path, sizeof path, "%s/cpu.max", folder);
    slurp(path, text);
    return sscanf(text, "%lld %lld", &quota, &period) == 2 ? quotient(quota, period) : INT_MAX;
}

static int quota_v1(const char *folder)
{
    char path[2 * SMALL + 32], text[SMALL];
    (void)snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", folder);
    slurp(path, text);
    long long quota = atoll(text);
    if (quota <= 0) return INT_MAX;
    (void)snprintf(path, sizeof path, "%s/cpu.cfs_period_us", folder);
    slurp(path, text);
    return quotient(quota, atoll(text));
}

/* The least quota from `path` (under the mount point `root`) up to the mount point itself. */
static int least(const char *root, const char *path, int (*quota)(const char *folder))
{
    char folder[2 * SMALL];
    int n = INT_MAX;
    size_t stop = strlen(root);
    (void)snprintf(folder, sizeof folder, "%s%s", root, strcmp(path, "/") == 0 ? "" : path);
    for (;;) {
        int here = quota(folder);
        if (here < n) n = here;
        char *slash = strrchr(folder + stop, '/');
        if (slash == NULL) return n;
        *slash = '\0';
    }
}

static bool has_word(const char *list, const char *word)    /* "cpu" in "cpu,cpuacct" */
{
    size_t n = strlen(word);
    for (const char *at = list; (at = strstr(at, word)) != NULL; at += n)
        if ((at == list || at[-1] == ',') && (at[n] == ',' || at[n] == '\0')) return true;
    return false;
}

/* Text of /proc/self/cgroup, one line each: number:controllers:path. Of the same cgroup in v1, "cpu" may be a link that is missing. */
int par_quota(const char *mount, const char *cgroups)
{
    char text[SMALL], root[SMALL], *rest = text;
    int n = INT_MAX;
    (void)snprintf(text, sizeof text, "%s", cgroups);
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        (void)strsep(&line, ":");
        const char *controllers = strsep(&line, ":");
        if (line == NULL) continue;
        bool unified = controllers[0] == '\0';
        if (!unified && !has_word(controllers, "cpu")) continue;
        (void)snprintf(root, sizeof root, "%s%s%s", mount, unified ? "" : "/", controllers);
        int here = least(root, line, unified ? quota_v2 : quota_v1);
        if (here < n) n = here;
        if (unified || strcmp(controllers, "cpu") == 0) continue;
        (void)snprintf(root, sizeof root, "%s/cpu", mount);
        here = least(root, line, quota_v1);
        if (here < n) n = here;
    }
    return n;
}

static int affinity(void)
{
    cpu_set_t sets[16];                                     /* 16,384 processors: more than the kernel can be built for */
    if (sched_getaffinity(0, sizeof sets, sets) == 0) return CPU_COUNT_S(sizeof sets, sets);
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 && n < PAR_MOST ? (int)n : 1;
}

int par_processors(void)
{
    char cgroups[SMALL];
    slurp("/proc/self/cgroup", cgroups);
    int n = affinity(), quota = par_quota("/sys/fs/cgroup", cgroups);
    if (quota < n) n = quota;
    return n < 1 ? 1 : n > PAR_MOST ? PAR_MOST : n;
}
