/* count.c: chunks of a text go to workers in waves, so that progress can be told and a caller can stop between them. */
#include "tok/count.h"
#include "base/clock.h"
#include "base/par.h"

enum { CHUNK = 1 << 20, WAVE_CHUNKS = 256, WAVE_BYTES = 32 << 20, BATCH = 256 };

struct job {
    struct share              share;
    const struct count_rules *rules;
    rk_text                   chunks[WAVE_CHUNKS];
    int                       n_chunks;
    size_t                    bytes;                                  /* of the chunks */
    struct words             *tables;                                 /* one per worker */
    int                       n_tables;
    struct words             *all;
};

size_t count_cut(const struct count_rules *rules, const unsigned char *text, size_t n, size_t from)
{
    size_t i = split_safe(rules->split, text, n, from);
    while (i < n && specials_straddle(rules->specials, text, i)) i = split_safe(rules->split, text, n, i + 1);
    return i;
}

/* Keys and prefetches of a batch first, then the counting: the misses of one hide behind the work of the others. */
static bool count_run(struct job *j, struct words *w, struct split_run *run, const unsigned char *text, size_t n)
{
    size_t at = 0, ends[BATCH], made;
    struct word_key keys[BATCH];
    while ((made = split_next(run, ends, BATCH)) > 0) {
        size_t begin = at;
        for (size_t i = 0; i < made; i++) {
            keys[i] = word_key(text + begin, ends[i] - begin, n - begin);
            __builtin_prefetch(word_home(w, keys[i].hash));
            begin = ends[i];
        }
        for (size_t i = 0; i < made; i++) {
            if (!words_add(&j->share, w, &keys[i], text + at, ends[i] - at, 1)) return false;
            at = ends[i];
        }
    }
    return !share_failed(&j->share);
}

static bool count_words(struct job *j, struct words *w, const unsigned char *text, size_t n)
{
    struct split_run run;
    bool done = split_begin(&run, j->rules->split, &j->share, text, n) && count_run(j, w, &run, text, n);
    split_end(&run);
    return done;
}

static bool count_unit(struct job *j, struct words *w, const unsigned char *text, size_t n)
{
    if (j->rules->units == RK_UNITS_DOCUMENTS) return count_words(j, w, text, n);
    for (size_t at = 0; at < n;) {
        const unsigned char *feed = memchr(text + at, '\n', n - at);
        size_t end = feed == NULL ? n : (size_t)(feed - text) + 1;
        if (!count_words(j, w, text + at, end - at)) return false;
        at = end;
    }
    return true;
}

static void count_chunk(void *arg, int64_t task, int worker)
{
    struct job *j = arg;
    struct words *w = &j->tables[worker];
    const unsigned char *text = (const unsigned char *)j->chunks[task].at;
    size_t n = j->chunks[task].n;
    struct special_walk walk = { 0 };
    struct special_match found;
    while (!share_failed(&j->share)) {
        bool more = specials_next(j->rules->specials, text, n, &walk, &found);
        if (!count_unit(j, w, text + walk.taken, (more ? found.begin : n) - walk.taken) || !more) return;
        walk.taken = found.end;
    }
}

static void add_part(void *arg, int64_t part, int worker)
{
    struct job *j = arg;
    (void)worker;
    for (int i = 0; i < j->n_tables; i++)
        if (!words_add_part(&j->share, j->all, &j->tables[i], (int)part)) return;
}

static rk_status tell(rk_ctx *ctx, struct job *j, struct count_report *r)
{
    r->done += j->bytes;
    if (r->progress == NULL) return RK_OK;
    rk_tok_progress p = { "count", r->done, r->total, 0, clock_seconds() - r->began };
    for (int i = 0; i < j->n_tables; i++)
        if (words_distinct(&j->tables[i]) > p.words) p.words = words_distinct(&j->tables[i]);
    if (r->progress(r->user, &p)) return RK_OK;
    return FAIL(RK_E_CANCELLED, "stopped while counting words, after %llu of %llu bytes", (unsigned long long)r->done, (unsigned long long)r->total);
}

static rk_status flush(rk_ctx *ctx, struct job *j, struct count_report *report)
{
    if (j->n_chunks > 0) par_for(ctx, j->n_chunks, count_chunk, j);
    if (!share_failed(&j->share)) TRY(tell(ctx, j, report));
    j->n_chunks = 0;
    j->bytes = 0;
    return RK_OK;
}

static rk_status count_one(rk_ctx *ctx, struct job *j, rk_text text, struct count_report *report)
{
    const unsigned char *t = (const unsigned char *)text.at;
    for (size_t at = 0, end; at < text.n && !share_failed(&j->share); at = end) {
        end = text.n - at <= CHUNK ? text.n : count_cut(j->rules, t, text.n, at + CHUNK);
        j->chunks[j->n_chunks++] = (rk_text){ text.at + at, end - at };
        j->bytes += end - at;
        if (j->n_chunks == WAVE_CHUNKS || j->bytes >= WAVE_BYTES) TRY(flush(ctx, j, report));
    }
    return RK_OK;
}

static rk_status count_all(rk_ctx *ctx, struct job *j, const rk_text *texts, size_t n, struct count_report *report)
{
    for (size_t i = 0; i < n; i++) TRY(count_one(ctx, j, texts[i], report));
    TRY(flush(ctx, j, report));
    if (!share_failed(&j->share)) par_for(ctx, WORD_PARTS, add_part, j);
    return RK_OK;
}

rk_status count_texts(rk_ctx *ctx, const struct count_rules *rules, const rk_text *texts, size_t n, struct words *words, struct count_report *report)
{
    rk_status status, shared;
    struct job *j;
    TRY(NEW(j, 1));
    *j = (struct job){ .rules = rules, .n_tables = par_workers(ctx), .all = words };
    status = NEW(j->tables, j->n_tables);
    if (status == RK_OK) status = share_begin(ctx, &j->share);
    if (status == RK_OK) {
        status = count_all(ctx, j, texts, n, report);
        for (int i = 0; i < j->n_tables; i++) words_clear(ctx, &j->tables[i]);
        shared = share_end(&j->share);
        if (status == RK_OK) status = shared;
    }
    FREE(j->tables, j->n_tables);
    FREE(j, 1);
    return status == RK_OK ? RK_OK : ctx_pass(ctx, status, __FILE__, __LINE__, __func__);
}
