/* count_parts.c: the tables of all workers put together, in memory or, where they would not fit, in files of 64 parts that are put together
 * one part at a time. */
#include "base/clock.h"
#include "base/par.h"
#include "tok/count.h"
#include "tok/counts_file.h"
#include <stdio.h>
#include <unistd.h>

enum { LEAST_PER_WORD = 3 };

struct reduction { struct share share; struct counter *c; };

static void add_part(void *arg, int64_t part, int worker)
{
    struct reduction *r = arg;
    (void)worker;
    for (int i = 1; i < r->c->n_tables; i++) {
        if (!words_add_part(&r->share, &r->c->tables[0], &r->c->tables[i], (int)part)) return;
        words_free_part(&r->share, &r->c->tables[i], (int)part);
    }
}

static void free_fronts(rk_ctx *ctx, struct counter *c)
{
    for (int i = 0; i < c->n_tables && c->fronts != NULL; i++) front_close(ctx, &c->fronts[i]);
}

static uint64_t fronts_memory(const struct counter *c)
{
    uint64_t bytes = 0;
    for (int i = 0; i < c->n_tables && c->fronts != NULL; i++) bytes += front_memory(c->fronts[i].room);
    return bytes;
}

uint64_t counter_memory(const struct counter *c)
{
    uint64_t bytes = fronts_memory(c);
    for (int i = 0; i < c->n_tables; i++) bytes += words_memory(&c->tables[i]);
    return bytes;
}

size_t counter_limit(const rk_ctx *ctx, const struct counter *c, uint64_t memory)
{
    uint64_t others = ctx->bytes - counter_memory(c);
    return memory == 0 || memory > SIZE_MAX - others ? 0 : (size_t)(others + memory);
}

static void settle(void *arg, int64_t table, int worker)
{
    struct reduction *r = arg;
    (void)worker;
    if (r->c->fronts[table].room > 0 && !front_settle(&r->share, &r->c->tables[table], &r->c->fronts[table])) return;       /* share_failed says so */
}

/* What fronts have counted goes into the tables. */
static rk_status settle_all(rk_ctx *ctx, struct counter *c)
{
    struct reduction r = { .c = c };
    if (c->fronts == NULL) return RK_OK;
    TRY(share_begin(ctx, &r.share));
    par_for(ctx, c->n_tables, settle, &r);
    return share_end(&r.share);
}

rk_status counter_settle(rk_ctx *ctx, struct counter *c)
{
    TRY(settle_all(ctx, c));
    free_fronts(ctx, c);
    return RK_OK;
}

rk_status counter_reduce(rk_ctx *ctx, struct counter *c)
{
    struct reduction r = { .c = c };
    TRY(counter_settle(ctx, c));
    if (c->n_spilled > 0) return counter_memory(c) > 0 ? counter_spill(ctx, c) : RK_OK;
    if (c->n_tables > 1 && c->memory > 0 && counter_memory(c) > c->memory / 2) return counter_spill(ctx, c);      /* the first could double */
    TRY(share_begin(ctx, &r.share));
    r.share.limit = counter_limit(ctx, c, c->memory);
    par_for(ctx, WORD_PARTS, add_part, &r);
    return share_end(&r.share);
}

/* ---- files ---- */

static const struct word_part *part_of_table(void *user, int part, int table) { return &((struct counter *)user)->tables[table].part[part]; }

rk_status counter_spill(rk_ctx *ctx, struct counter *c)
{
    char path[4096];
    struct file_view view;
    TRY(settle_all(ctx, c));
    int n = snprintf(path, sizeof path, "%s/reckon-counts-%ld-%p-%zu", c->temporary, (long)getpid(), (void *)c, c->n_spilled);
    if (n < 0 || (size_t)n >= sizeof path) return FAIL(RK_E_LIMIT, "a folder for temporary files with a name of %zu bytes", strlen(c->temporary));
    if (c->n_spilled == c->room_spilled) {
        TRY(GROW(c->spilled, c->room_spilled, c->room_spilled * 2 + 8));
        c->room_spilled = c->room_spilled * 2 + 8;
    }
    TRY(counts_file_write(ctx, path, c->hash, part_of_table, c, c->n_tables));
    rk_status status = file_map(ctx, path, &view);
    (void)unlink(path);                                               /* what is mapped stays until it is unmapped; nothing is left behind */
    TRY(status);
    c->spilled[c->n_spilled++] = view;
    for (int i = 0; i < c->n_tables; i++) words_clear(ctx, &c->tables[i]);
    return RK_OK;
}

/* What a table may grow by when it is given so many bytes of text or of a counts file: no new word has less than three of them for long (words of
 * one or two bytes are few). Parts double; while one does, it is there twice. */
static uint64_t growth(const struct words *w, uint64_t bytes)
{
    uint64_t more = 0, largest = 0, new_words = bytes / LEAST_PER_WORD / WORD_PARTS + 64;
    for (int i = 0; i < WORD_PARTS; i++) {
        const struct word_part *p = &w->part[i];
        uint64_t room = p->room > 0 ? p->room : 64, old = p->room * sizeof *p->slots;
        while (p->n + new_words > room - room / 4) room *= 2;
        more += room * sizeof *p->slots - old;
        if (room > p->room && old > largest) largest = old;
    }
    return more + largest + bytes;
}

bool counter_fits(const struct counter *c, uint64_t bytes)
{
    return c->memory == 0 || counter_memory(c) + growth(&c->tables[0], bytes) < c->memory;
}

rk_status counter_room(rk_ctx *ctx, struct counter *c, uint64_t bytes)
{
    uint64_t most = counter_memory(c);
    if (c->memory == 0 || most == fronts_memory(c)) return RK_OK;        /* there is nothing to put aside */
    for (int i = 0; i < c->n_tables; i++) most += growth(&c->tables[i], bytes);
    return most > c->memory ? counter_spill(ctx, c) : RK_OK;
}

const struct word_part *counter_part(struct share *s, const struct counter *c, int part, struct words *made)
{
    if (c->n_spilled == 0) return &c->tables[0].part[part];
    for (size_t i = 0; i < c->n_spilled; i++)
        if (!counts_file_add(s, &c->spilled[i], part, made)) return NULL;
    return &made->part[part];
}

void counter_part_end(struct share *s, int part, struct words *made) { words_free_part(s, made, part); }

void counter_empty(rk_ctx *ctx, struct counter *c)
{
    for (int i = 0; i < c->n_tables && c->tables != NULL; i++) words_clear(ctx, &c->tables[i]);
    free_fronts(ctx, c);
    for (size_t i = 0; i < c->n_spilled; i++) file_unmap(&c->spilled[i]);
    c->n_spilled = 0;
    c->report.done = c->report.total = 0;
}

void counter_clear(rk_ctx *ctx, struct counter *c)
{
    counter_empty(ctx, c);
    FREE(c->tables, c->n_tables);
    FREE(c->fronts, c->n_tables);
    FREE(c->spilled, c->room_spilled);
    if (c->temporary != NULL) FREE(c->temporary, strlen(c->temporary) + 1);
}
