/* progress.c: one line that tells how far long work is. On a terminal it is drawn over itself up to ten times a second;
 * elsewhere a plain line appears every five seconds; --quiet silences both. */
#include "out.h"
#include <stdarg.h>
#include <string.h>
#include <time.h>

static const double live_seconds = 0.1, plain_seconds = 5;

double cli_seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void progress_begin(struct progress *p, struct cli *c, const char *what, const char *unit, uint64_t total)
{
    *p = (struct progress){ .c = c, .what = what, .unit = unit, .total = total, .began = cli_seconds() };
    p->shown = p->began - live_seconds;
    if (!c->live) p->shown = p->began;
    if (!c->quiet) c->progress = p;
    cli_watch();
}

/* Cuts at the width of the screen, between characters. */
static void cut(char *line, int width)
{
    for (int wide = 0; *line != '\0'; line++) {
        wide += ((unsigned char)*line & 0xc0) != 0x80;
        if (wide > width) *line = '\0';
        if (wide > width) return;
    }
}

static void draw(struct progress *p)
{
    FILE *err = p->c->err;
    if (p->c->live) (void)fputs("\r", err);
    text_put(err, p->line, (int)strlen(p->line));
    (void)fputs(p->c->live ? "\033[K" : "\n", err);
    (void)fflush(err);
    p->stale = false;
}

/* Bytes are told in MB and MB/s. */
static struct say amount(const struct progress *p, uint64_t n) { return strcmp(p->unit, "bytes") == 0 ? say_bytes_si(n) : say_count(n); }

static void compose(struct progress *p, uint64_t done, double seconds)
{
    size_t room = sizeof p->line;
    double rate = seconds > 0 ? (double)done / seconds : 0;
    const char *unit = strcmp(p->unit, "bytes") == 0 ? "" : p->unit, *gap = unit[0] != '\0' ? " " : "";
    size_t used = (size_t)snprintf(p->line, room, "%.60s  %s", p->what, amount(p, done).at);
    if (p->total > 0) used += (size_t)snprintf(p->line + used, room - used, "/%s", amount(p, p->total).at);
    used += (size_t)snprintf(p->line + used, room - used, "%s%.20s", gap, unit);
    if (p->total > 0) used += (size_t)snprintf(p->line + used, room - used, "  %s", say_percent((double)done / (double)p->total).at);
    if (rate >= 100) used += (size_t)snprintf(p->line + used, room - used, "  %s%s%.20s/s", amount(p, (uint64_t)rate).at, gap, unit);
    else if (rate > 0) used += (size_t)snprintf(p->line + used, room - used, "  %.3g %.20s/s", rate, p->unit);
    if (p->total > done && rate > 0) (void)snprintf(p->line + used, room - used, "  ETA %s", say_seconds((double)(p->total - done) / rate).at);
    else (void)snprintf(p->line + used, room - used, "  %s", say_seconds(seconds).at);
}

void progress_step(struct progress *p, uint64_t done, const char *fields, ...)
{
    double time = cli_seconds();
    bool due = time - p->shown >= (p->c->live ? live_seconds : plain_seconds);
    if (p->c->quiet) return;
    p->stale = true;
    compose(p, done, time - p->began);
    size_t used = strlen(p->line);
    char more[256];
    va_list list;
    va_start(list, fields);
    (void)vsnprintf(more, sizeof more, fields, list);
    va_end(list);
    if (more[0] != '\0') (void)snprintf(p->line + used, sizeof p->line - used, "  %s", more);
    if (p->c->live) cut(p->line, p->c->width - 1);
    if (!due) return;
    p->shown = time;
    draw(p);
}

void progress_end(struct progress *p)
{
    if (p->c->progress != p) return;
    p->c->progress = NULL;
    if (p->stale && p->line[0] != '\0') draw(p);
    if (p->c->live && p->line[0] != '\0') (void)fputc('\n', p->c->err);
}

void progress_hide(struct cli *c)
{
    if (!c->live || c->progress == NULL || c->progress->line[0] == '\0') return;
    (void)fputs("\r\033[K", c->err);
    (void)fflush(c->err);                   /* before what is printed instead */
}
