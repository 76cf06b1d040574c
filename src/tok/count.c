/* count.c: chunks of a text go to workers in waves, so that progress can be told, memory looked at, and a caller can stop between them. */
#include "tok/count.h"
#include "base/clock.h"
#include "base/par.h"
#include "tok/window.h"

enum { CHUNK = 1 << 18, WAVE_CHUNKS = 256, WAVE_BYTES = 64 << 20, FEW = 100 };       /* FEW: parts of the memory that a wave may be */
enum { BATCH = 512, FRONT_PART = 16, FRONT_TEXT = 64 };          /* words cut at once; a slot for so many bytes of text */

struct job {
    struct share              share;
    const struct count_rules *rules;
    window_count             *count;
    rk_text                   chunks[WAVE_CHUNKS];
    int                       n_chunks;
    size_t                    bytes;                                  /* of the chunks */
    struct words             *tables;                                 /* one per worker */
    struct counter           *counter;
    size_t                    wave, chunk;                            /* bytes counted between two looks at memory; of a task */
};

size_t count_cut(const struct count_rules *rules, const unsigned char *text, size_t n, size_t from)
{
    size_t i = split_safe(rules->split, text, n, from);
    while (i < n && specials_straddle(rules->specials, text, i)) i = split_safe(rules->split, text, n, i + 1);
    return i;
}

/* Words so near to the end of what may be read that a window does not look at them. */
static bool count_last(struct job *j, struct words *w, const struct window *v, size_t end)
{
    for (size_t i = 0; i < v->n; i++) {
        size_t begin = window_begin(v, i), n = v->ends[i] - begin;
        struct word_key key = word_key(v->text + begin, n, end - begin);
        if (!words_add(&j->share, w, &key, v->text + begin, n, 1)) return false;
    }
    return true;
}

/* `end`: how much of the text may be read, which may go on behind the run. */
static bool count_run(struct job *j, struct words *w, struct split_run *run, size_t end)
{
    size_t ends[BATCH];
    struct front *front = &j->counter->fronts[w - j->tables];
    struct window v = { .text = run->text };
    for (size_t made; (made = split_next(run, ends, BATCH)) > 0;)
        for (size_t from = 0; from < made; from += v.n) {
            v.ends = ends + from;
            v.n = made - from < WINDOW ? made - from : WINDOW;
            while (v.n > 0 && end - window_begin(&v, v.n - 1) < WINDOW_READS) v.n--;
            if (v.n > 0) {
                j->count(front, &v);
                if (!window_rest(&j->share, w, front, &v)) return false;
            } else {
                v.n = made - from;
                if (!count_last(j, w, &v, end)) return false;
            }
            v.at = v.ends[v.n - 1];
        }
    return !share_failed(&j->share);
}

static bool count_words(struct job *j, struct words *w, const unsigned char *text, size_t n, size_t end)
{
    struct split_run run;
    bool done = split_begin(&run, j->rules->split, &j->share, text, n) && count_run(j, w, &run, end);
    split_end(&run);
    return done;
}

static bool count_unit(struct job *j, struct words *w, const unsigned char *text, size_t n, size_t end)
{
    if (j->rules->units == RK_UNITS_DOCUMENTS) return count_words(j, w, text, n, end);
    for (size_t at = 0; at < n;) {
        const unsigned char *feed = memchr(text + at, '\n', n - at);
        size_t next = feed == NULL ? n : (size_t)(feed - text) + 1;
        if (!count_words(j, w, text + at, next - at, end - at)) return false;
        at = next;
    }
    return true;
}

static void count_chunk(void *arg, int64_t task, int worker)
{
    struct job *j = arg;
    struct words *w = &j->tables[worker];
    const unsigned char *text = (const unsigned char *)j->chunks[task].at;
    size_t n = j->chunks[task].n;
    struct special_walk walk;
    struct special_match found;
    if (!words_prepare(&j->share, w)) return;
    special_begin(&walk, false);
    while (!share_failed(&j->share)) {
        bool more = specials_next(j->rules->specials, text, n, &walk, &found);
        if (!count_unit(j, w, text + walk.taken, (more ? found.begin : n) - walk.taken, n - walk.taken) || !more) return;
        walk.taken = found.end;
    }
}

static rk_status tell(rk_ctx *ctx, struct job *j)
{
    struct count_report *r = &j->counter->report;
    r->done += j->bytes;
    if (r->progress == NULL) return RK_OK;
    rk_tok_progress p = { "count", r->done, r->total, 0, clock_seconds() - r->began };
    for (int i = 0; i < j->counter->n_tables; i++)
        if (words_distinct(&j->counter->tables[i]) > p.words) p.words = words_distinct(&j->counter->tables[i]);
    if (r->progress(r->user, &p)) return RK_OK;
    return FAIL(RK_E_CANCELLED, "stopped while counting words, after %llu of %llu bytes", (unsigned long long)r->done, (unsigned long long)r->total);
}

static rk_status flush(rk_ctx *ctx, struct job *j)
{
    TRY(counter_room(ctx, j->counter, j->bytes));
    if (j->n_chunks > 0) par_for(ctx, j->n_chunks, count_chunk, j);
    if (!share_failed(&j->share)) TRY(tell(ctx, j));
    j->n_chunks = 0;
    j->bytes = 0;
    return RK_OK;
}

static rk_status count_one(rk_ctx *ctx, struct job *j, rk_text text)
{
    const unsigned char *t = (const unsigned char *)text.at;
    for (size_t at = 0, end; at < text.n && !share_failed(&j->share); at = end) {
        end = text.n - at <= j->chunk ? text.n : count_cut(j->rules, t, text.n, at + j->chunk);
        j->chunks[j->n_chunks++] = (rk_text){ text.at + at, end - at };
        j->bytes += end - at;
        if (j->n_chunks == WAVE_CHUNKS || j->bytes >= j->wave) TRY(flush(ctx, j));
    }
    return RK_OK;
}

static rk_status count_all(rk_ctx *ctx, struct job *j, const rk_text *texts, size_t n)
{
    for (size_t i = 0; i < n; i++) TRY(count_one(ctx, j, texts[i]));
    return flush(ctx, j);
}

/* They stay from one call to the next, unless more text comes. Under a limit they are no more than a small part of it. */
static rk_status begin_fronts(rk_ctx *ctx, struct counter *c, uint64_t bytes)
{
    size_t room = FRONT_LEAST;
    while (room < FRONT_MOST && room * FRONT_TEXT < bytes) room *= 2;
    while (room > FRONT_LEAST && c->memory > 0 && front_memory(room) * (uint64_t)c->n_tables > c->memory / FRONT_PART) room /= 2;
    if (c->fronts[0].room < room) TRY(counter_settle(ctx, c));
    for (int i = 0; i < c->n_tables; i++)
        if (c->fronts[i].room == 0) TRY(front_open(ctx, &c->fronts[i], room));
    return RK_OK;
}

rk_status counter_texts(rk_ctx *ctx, struct counter *c, const rk_text *texts, size_t n)
{
    struct job *j;
    if (c->report.total == 0) c->report.began = clock_seconds();
    uint64_t bytes = 0;
    for (size_t i = 0; i < n; i++) bytes += texts[i].n;
    c->report.total += bytes;
    TRY(NEW(j, 1));
    *j = (struct job){ .rules = &c->rules, .count = window_bodies[isa_best()], .counter = c, .tables = c->tables, .wave = WAVE_BYTES, .chunk = CHUNK };
    if (c->memory > 0 && c->memory / FEW / (size_t)c->n_tables < j->wave) j->wave = (size_t)(c->memory / FEW / (size_t)c->n_tables);
    if (j->wave / (size_t)c->n_tables < j->chunk) j->chunk = j->wave / (size_t)c->n_tables + 1;
    rk_status status = share_begin(ctx, &j->share);
    if (status == RK_OK) {
        j->share.limit = counter_limit(ctx, c, c->memory);
        status = begin_fronts(ctx, c, bytes);
        if (status == RK_OK) status = count_all(ctx, j, texts, n);
        rk_status shared = share_end(&j->share);
        if (status == RK_OK) status = shared;
    }
    FREE(j, 1);
    return status == RK_OK ? RK_OK : ctx_pass(ctx, status, __FILE__, __LINE__, __func__);
}
