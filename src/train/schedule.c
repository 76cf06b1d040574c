/* schedule.c: the learning rate of a step. Rows and sources: reckon/schedule.def. */
#include "reckon/train.h"
#include <math.h>

#define PI 3.14159265358979323846

double rk_schedule_rate(rk_schedule schedule, double t, double high, double low, double warm, double cycle)
{
    if (t < warm) return high * t / warm;
    double x = t >= cycle ? 1 : (t - warm) / (cycle - warm);
    switch (schedule) {
#define ROW(name, word, reads, rate) case RK_SCHEDULE_##name: return rate;
#include "reckon/schedule.def"
#undef ROW
    case RK_SCHEDULE_COUNT: break;
    }
    return high;
}
