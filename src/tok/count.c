/* count.c: chunks of a text go to workers in waves, so that progress can be told, memory looked at, and a caller can stop between them. */
#include "tok/count.h"
#include "base/clock.h"
#include "base/par.h"

enum { CHUNK = 1 << 20, WAVE_CHUNKS = 256, WAVE_BYTES = 32 << 20, BATCH = 256, FEW = 100 };       /* FEW: parts of the memory that a wave may be */

struct job {
    struct share              share;
    const struct count_rules *rules;
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

/* Keys of a batch first, and where each is sought; then the counting: the misses of one hide behind the work of the others. */
struct batch { size_t ends[BATCH]; struct word_key keys[BATCH]; struct word_slot *home[BATCH]; };

static void make_keys(const struct words *w, struct batch *b, const unsigned char *text, size_t n, size_t at, size_t made)
{
    for (size_t i = 0; i < made; at = b->ends[i++]) {
        b->keys[i] = word_key(text + at, b->ends[i] - at, n - at);
        b->home[i] = word_home(w, b->keys[i].hash);
        __builtin_prefetch(b->home[i], 1);
    }
}

static bool count_batch(struct job *j, struct words *w, struct batch *b, const unsigned char *text, size_t at, size_t made)
{
    for (size_t i = 0; i < made; at = b->ends[i++]) {
        if (word_hit(b->home[i], &b->keys[i])) continue;
        const struct word_part *part = word_part(w, b->keys[i].hash);
        const struct word_slot *slots = part->slots;
        if (!words_add(&j->share, w, &b->keys[i], text + at, b->ends[i] - at, 1)) return false;
        for (size_t k = i + 1; k < made && part->slots != slots; k++) b->home[k] = word_home(w, b->keys[k].hash);       /* it grew, and moved */
    }
    return true;
}

static bool count_run(struct job *j, struct words *w, struct split_run *run, const unsigned char *text, size_t n)
{
    struct batch b;
    for (size_t at = 0, made; (made = split_next(run, b.ends, BATCH)) > 0; at = b.ends[made - 1]) {
        make_keys(w, &b, text, n, at, made);
        if (!count_batch(j, w, &b, text, at, made)) return false;
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

rk_status counter_texts(rk_ctx *ctx, struct counter *c, const rk_text *texts, size_t n)
{
    struct job *j;
    if (c->report.total == 0) c->report.began = clock_seconds();
    for (size_t i = 0; i < n; i++) c->report.total += texts[i].n;
    TRY(NEW(j, 1));
    *j = (struct job){ .rules = &c->rules, .counter = c, .tables = c->tables, .wave = WAVE_BYTES, .chunk = CHUNK };
    if (c->memory > 0 && c->memory / FEW / (size_t)c->n_tables < j->wave) j->wave = (size_t)(c->memory / FEW / (size_t)c->n_tables);
    if (j->wave / (size_t)c->n_tables < j->chunk) j->chunk = j->wave / (size_t)c->n_tables + 1;
    rk_status status = share_begin(ctx, &j->share);
    if (status == RK_OK) {
        status = count_all(ctx, j, texts, n);
        rk_status shared = share_end(&j->share);
        if (status == RK_OK) status = shared;
    }
    FREE(j, 1);
    return status == RK_OK ? RK_OK : ctx_pass(ctx, status, __FILE__, __LINE__, __func__);
}
