#include "base/clock.h"
#include <time.h>

static double seconds_of(clockid_t id)
{
    struct timespec t;
    return clock_gettime(id, &t) == 0 ? (double)t.tv_sec + 1e-9 * (double)t.tv_nsec : 0;
}

double clock_seconds(void) { return seconds_of(CLOCK_MONOTONIC); }
double clock_process_seconds(void) { return seconds_of(CLOCK_PROCESS_CPUTIME_ID); }
