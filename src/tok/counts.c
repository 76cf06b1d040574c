/* counts.c: counts as a customer has them: opened with rules, added to, read, written, trained on. */
#include "base/clock.h"
#include "base/map.h"
#include "base/par.h"
#include "io/json.h"
#include "tok/counts_file.h"
#include "tok/plan.h"

/* ---- opening ---- */

static uint64_t hash_rules(const struct plan *p)
{
    uint64_t h = hash_bytes(p->split.pattern, strlen(p->split.pattern)) + (uint64_t)p->units;
    for (size_t i = 0; i < p->n_specials; i++) h = word_mix(h, hash_bytes(p->specials[i].text.at, p->specials[i].text.n));
    return h;
}

static rk_status open_counter(rk_ctx *ctx, const rk_counting *how, struct rk_counts *r)
{
    struct counter *c = &r->counter;
    TRY(plan_open(ctx, how, &r->plan));
    if (how->memory > 0 && how->memory < RK_COUNTS_LEAST_MEMORY) {
        (void)FAIL(RK_E_ARG, "%llu bytes of memory for words; %llu are the least", (unsigned long long)how->memory, (unsigned long long)RK_COUNTS_LEAST_MEMORY);
        return ctx_hint(ctx, "allow more, or 0: as much as it takes");
    }
    if (how->memory > 0 && how->temporary == NULL) return FAIL(RK_E_ARG, "a limit of memory, but no folder for what does not fit");
    c->rules = (struct count_rules){ &r->plan.split, &r->plan.cuts, r->plan.units };
    c->report = (struct count_report){ how->progress, how->user, 0, 0, clock_seconds() };
    c->hash = hash_rules(&r->plan);
    c->memory = how->memory;
    if (how->temporary != NULL) {
        TRY(NEW(c->temporary, strlen(how->temporary) + 1));
        memcpy(c->temporary, how->temporary, strlen(how->temporary));
    }
    TRY(NEW(c->tables, par_workers(ctx)));
    c->n_tables = par_workers(ctx);
    TRY(NEW(c->fronts, c->n_tables));
    return RK_OK;
}

rk_status rk_counts_open(rk_ctx *ctx, const rk_counting *how, rk_counts **counts)
{
    struct rk_counts *r;
    *counts = NULL;
    TRY(NEW(r, 1));
    rk_status status = open_counter(ctx, how, r);
    if (status == RK_OK) *counts = r;
    else rk_counts_close(ctx, r);
    return status;
}

void rk_counts_close(rk_ctx *ctx, rk_counts *counts)
{
    if (counts == NULL) return;
    counter_clear(ctx, &counts->counter);
    plan_close(ctx, &counts->plan);
    FREE(counts, 1);
}

/* ---- adding ---- */

rk_status rk_counts_add(rk_ctx *ctx, rk_counts *counts, const rk_text *texts, size_t n) { return counter_texts(ctx, &counts->counter, texts, n); }

size_t rk_counts_cut(const void *counts, const char *text, size_t n)
{
    const struct count_rules *r = &((const struct rk_counts *)counts)->counter.rules;
    const unsigned char *t = (const unsigned char *)text;
    size_t i = split_safe_last(r->split, t, n, 0);
    while (i > 0 && specials_straddle(r->specials, t, i)) i = split_safe_last(r->split, t, i, 0);
    return i;
}

static rk_status add_json(rk_ctx *ctx, struct counter *c, struct share *s, const struct json *root)
{
    TRY(json_as_object(ctx, root));
    for (uint32_t i = 0; i < root->n; i++) {
        const struct json *v = &root->at[i];
        int64_t count = 0;
        const unsigned char *text = (const unsigned char *)v->key.at;
        TRY(json_as_int(ctx, v, 0, INT64_MAX, &count));
        if (v->key.length == 0) continue;
        struct word_key key = word_key(text, v->key.length, v->key.length);
        if (!words_add(s, &c->tables[0], &key, text, v->key.length, (uint64_t)count)) break;
    }
    return RK_OK;
}

rk_status counts_add_json(rk_ctx *ctx, struct rk_counts *counts, const struct json *root)
{
    struct share share;
    struct counter *c = &counts->counter;
    TRY(share_begin(ctx, &share));
    share.limit = counter_limit(ctx, c, c->memory);
    rk_status status = add_json(ctx, c, &share, root), shared = share_end(&share);
    return status != RK_OK ? status : shared;
}

static rk_status read_json(rk_ctx *ctx, struct rk_counts *counts, const char *path)
{
    struct json_doc doc = { 0 };
    TRY(json_load(ctx, &doc, path, 0));
    rk_status status = counts_add_json(ctx, counts, doc.root);
    json_clear(ctx, &doc);
    return status == RK_OK ? counter_room(ctx, &counts->counter, 0) : ctx_pass(ctx, status, __FILE__, __LINE__, __func__);
}

struct reading { struct share share; struct counter *c; const struct file_view *view; };

static void read_part(void *arg, int64_t part, int worker)
{
    struct reading *r = arg;
    (void)worker;
    if (!counts_file_add(&r->share, r->view, (int)part, &r->c->tables[0])) return;       /* share_failed says so */
}

static rk_status read_counts(rk_ctx *ctx, struct counter *c, const struct file_view *view)
{
    struct reading r = { .c = c, .view = view };
    TRY(share_begin(ctx, &r.share));
    par_for(ctx, WORD_PARTS, read_part, &r);
    return share_end(&r.share);
}

/* A file whose words might not fit stays a file: it has the form of those that counting itself puts aside. */
static rk_status keep_file(rk_ctx *ctx, struct counter *c, struct file_view *view)
{
    if (c->n_spilled == c->room_spilled) {
        TRY(GROW(c->spilled, c->room_spilled, c->room_spilled * 2 + 8));
        c->room_spilled = c->room_spilled * 2 + 8;
    }
    c->spilled[c->n_spilled++] = *view;
    *view = (struct file_view){ 0 };
    return RK_OK;
}

rk_status rk_counts_read(rk_ctx *ctx, rk_counts *counts, const char *path)
{
    rk_status status;
    struct counter *c = &counts->counter;
    struct file_view view;
    TRY(file_map(ctx, path, &view));
    if (!counts_file_is(&view)) {
        file_unmap(&view);
        return read_json(ctx, counts, path);
    }
    GO(counts_file_check(ctx, path, &view, c->hash));
    if (counter_fits(c, view.n)) GO(read_counts(ctx, c, &view));
    else GO(keep_file(ctx, c, &view));
out:
    if (view.at != NULL) file_unmap(&view);
    return status;
}

/* ---- what there is ---- */

struct whole { struct share share; struct counter *c; struct words made; int last; };

static const struct word_part *whole_part(void *user, int part, int table)
{
    struct whole *w = user;
    (void)table;
    if (w->last >= 0) counter_part_end(&w->share, w->last, &w->made);
    w->last = part;
    return counter_part(&w->share, w->c, part, &w->made);
}

static rk_status whole_begin(rk_ctx *ctx, struct counter *c, struct whole *w)
{
    *w = (struct whole){ .c = c, .last = -1 };
    TRY(counter_reduce(ctx, c));
    return share_begin(ctx, &w->share);
}

static rk_status whole_end(struct whole *w)
{
    if (w->last >= 0) counter_part_end(&w->share, w->last, &w->made);
    return share_end(&w->share);
}

rk_status rk_counts_write(rk_ctx *ctx, rk_counts *counts, const char *path)
{
    struct whole w;
    TRY(whole_begin(ctx, &counts->counter, &w));
    rk_status status = counts_file_write(ctx, path, counts->counter.hash, whole_part, &w, 1);
    rk_status shared = whole_end(&w);
    return shared != RK_OK ? shared : status;
}

rk_status rk_counts_total(rk_ctx *ctx, rk_counts *counts, rk_counts_sum *sum)
{
    struct whole w;
    *sum = (rk_counts_sum){ 0 };
    TRY(whole_begin(ctx, &counts->counter, &w));
    for (int part = 0; part < WORD_PARTS; part++) {
        const struct word_part *p = whole_part(&w, part, 0);
        if (p == NULL) break;
        for (size_t i = 0; i < p->room; i++) {
            char small[16];
            size_t n;
            if (p->slots[i].high == 0 || p->slots[i].count == 0) continue;
            (void)word_text(p, &p->slots[i], small, &n);
            sum->words += p->slots[i].count;
            sum->distinct++;
            sum->bytes += p->slots[i].count * n;
        }
    }
    sum->spilled = counts->counter.n_spilled > 0;
    return whole_end(&w);
}

rk_status rk_counts_train(rk_ctx *ctx, rk_counts *counts, const rk_tok_training *how, rk_tok **tok)
{
    *tok = NULL;
    return plan_train(ctx, &counts->plan, &counts->counter, how, tok);
}
