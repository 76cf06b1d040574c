/* merges.c: the loop itself, batch by batch: which merges go together, and what they do to the counts. Not here: its start
 * (merges_start.c), what each part does in its words (merges_visit.c), counts and heap (pairs.c). */
#include "base/clock.h"
#include "base/par.h"
#include "tok/learn_part.h"

enum { PROGRESS_EVERY = 64, WORTH_THREADS = 4096, FORGIVE = 8 };

/* ---- tokens ---- */

/* What is left of a token behind another one. */
static rk_text tail(const struct learn *l, uint32_t id)
{
    rk_text t = l->out->tokens[id];
    return (rk_text){ t.at + l->how->n_prefix, t.n - l->how->n_prefix };
}

static rk_status add_token(rk_ctx *ctx, struct learn *l, const char *text, size_t n)
{
    struct merged *m = l->out;
    if (m->n_ids == l->room_widths) {
        uint32_t room = l->room_widths == 0 ? 1024 : l->room_widths * 2;
        TRY(GROW(l->widths, l->room_widths, room));
        l->room_widths = room;
    }
    if (m->n_ids == m->room_ids) {
        uint32_t room = m->room_ids == 0 ? 1024 : m->room_ids * 2;
        TRY(GROW(m->tokens, m->room_ids, room));
        m->room_ids = room;
        l->heap.tokens = m->tokens;
    }
    if (l->how->ties == RK_TIES_HUGGINGFACE) TRY(map_put(ctx, &l->ids, text, n, (int)m->n_ids));
    m->tokens[m->n_ids++] = (rk_text){ text, n };
    return RK_OK;
}

static rk_status add_first(rk_ctx *ctx, struct learn *l)
{
    for (uint32_t id = 0; id < l->how->n_first; id++) {
        const char *text;
        TRY(arena_text(ctx, &l->out->texts, l->how->first[id].at, l->how->first[id].n, &text));
        TRY(add_token(ctx, l, text, l->how->first[id].n));
        l->widths[id] = 1;
    }
    return RK_OK;
}

static rk_status add_merge(rk_ctx *ctx, struct learn *l, uint32_t a, uint32_t b, uint32_t *z)
{
    struct merged *m = l->out;
    rk_text left = m->tokens[a], right = tail(l, b);
    char *text;
    int known;
    TRY(TAKE(&m->texts, text, left.n + right.n));
    memcpy(text, left.at, left.n);
    memcpy(text + left.n, right.at, right.n);
    *z = m->n_ids;
    if (keeps_old(l) && map_get(&l->ids, text, left.n + right.n, &known)) *z = (uint32_t)known;
    else TRY(add_token(ctx, l, text, left.n + right.n));
    l->widths[*z] = l->widths[a] + l->widths[b];
    if (m->n == m->room) {
        uint32_t room = m->room == 0 ? 1024 : m->room * 2;
        TRY(GROW(m->merges, m->room, room));
        m->room = room;
    }
    m->merges[m->n++] = (struct merge){ a, b, *z };
    return RK_OK;
}

/* ---- a batch ---- */

static void visit_task(void *arg, int64_t task, int worker)
{
    struct learn *l = arg;
    struct part *p = &l->parts[task];
    (void)worker;
    if (part_spread(p, l) && !part_visit(p, l)) return;                 /* share_failed says so */
}

/* All parts, on all threads where there is enough to do. */
static rk_status visit(rk_ctx *ctx, struct learn *l)
{
    size_t places = 0;
    for (int p = 0; p < l->n_parts; p++) {
        places += l->parts[p].n_events;
        for (int i = 0; i < l->n_batch; i++)
            if ((size_t)l->batch[i].pair < l->parts[p].room_lists) places += l->parts[p].lists_of[l->batch[i].pair].n;
    }
    if (places >= WORTH_THREADS) par_for(ctx, l->n_parts, visit_task, l);
    else for (int p = 0; p < l->n_parts; p++) visit_task(l, p, 0);
    l->n_spread = 0;
    return (rk_status)atomic_load(&l->share.status);
}

/* The new pair and the old one that a slot stands for. */
static void slot_keys(const struct learn *l, uint64_t slot, uint64_t merged, uint32_t z, uint64_t *fresh, uint64_t *old)
{
    uint32_t a = (uint32_t)(merged >> 32), b = (uint32_t)merged, x = (uint32_t)(slot / 2);
    if (slot + 1 == l->n_slots) {
        *fresh = pair_key(z, z);
        *old = pair_key(b, a);
    } else if (slot % 2 == 0) {
        *fresh = pair_key(x, z);
        *old = pair_key(x, a);
    } else {
        *fresh = pair_key(z, x);
        *old = pair_key(b, x);
    }
}

/* The entries of all parts for one merge, slot by slot. */
static rk_status add_up(struct learn *l, int i)
{
    l->n_sums = 0;
    for (int k = 0; k < l->n_parts; k++) {
        const struct part *p = &l->parts[k];
        size_t from = i == 0 ? 0 : p->entry_end[i - 1], end = p->entry_end[i];
        if (!SHARE_ROOM(&l->share, l->sums, l->room_sums, l->n_sums + (end - from))) return (rk_status)atomic_load(&l->share.status);
        for (size_t e = from; e < end; e++) {
            uint32_t *at = &l->sum_of[p->entries[e].slot];
            if (*at == 0) {
                l->sums[l->n_sums] = (struct sum){ p->entries[e].slot, 0, NO_PAIR };
                *at = (uint32_t)++l->n_sums;
            }
            l->sums[*at - 1].count += p->entries[e].count;
        }
    }
    return RK_OK;
}

/* Slots of one new pair have one count and one list between them: only (z,z) has several. */
static void join_doubles(struct learn *l, uint32_t z)
{
    const uint64_t slots[3] = { l->n_slots - 1, 2 * (uint64_t)z, 2 * (uint64_t)z + 1 };
    int64_t count = 0;
    struct sum *first = NULL;
    for (int k = 0; k < 3; k++) {
        if (l->sum_of[slots[k]] == 0) continue;
        struct sum *s = &l->sums[l->sum_of[slots[k]] - 1];
        if (first == NULL) first = s;
        count += s->count;
        s->count = 0;
    }
    if (first == NULL) return;
    first->count = count;
    for (int k = 0; k < 3; k++)
        if (l->sum_of[slots[k]] != 0) l->sum_of[slots[k]] = (uint32_t)(first - l->sums) + 1;
}

static void lose(struct learn *l, int i)
{
    uint64_t fresh, old, merged = l->batch[i].key;
    for (size_t k = 0; k < l->n_sums; k++) {
        slot_keys(l, l->sums[k].slot, merged, l->made[i], &fresh, &old);
        pairs_prefetch(&l->pairs, old);
    }
    for (size_t k = 0; k < l->n_sums; k++) {
        slot_keys(l, l->sums[k].slot, merged, l->made[i], &fresh, &old);
        struct pair *p = pairs_find(&l->pairs, old);
        if (p != NULL) p->count -= l->sums[k].count;
    }
    if (!keeps_old(l)) pairs_find(&l->pairs, merged)->count = 0;
}

/* Pairs that are born frequent enough live; of the others nothing is kept. */
static rk_status gain(rk_ctx *ctx, struct learn *l, int i)
{
    uint64_t fresh, old;
    for (size_t k = 0; k < l->n_sums; k++) {
        struct sum *s = &l->sums[k];
        struct pair *p;
        if (s->count == 0 || (s->count < l->least && !keeps_old(l))) continue;
        slot_keys(l, s->slot, l->batch[i].key, l->made[i], &fresh, &old);
        if (!pairs_add(&l->share, &l->pairs, fresh, &p)) return (rk_status)atomic_load(&l->share.status);
        p->count += s->count;
        if (p->count < l->least) continue;
        if (l->n_pairs == INT32_MAX) return FAIL(RK_E_LIMIT, "more than %d pairs of tokens live at once", INT32_MAX);
        s->pair = (int32_t)l->n_pairs++;
        TRY(heap_push(ctx, &l->heap, (struct candidate){ p->count, fresh, s->pair }));
    }
    return RK_OK;
}

static void tell_parts(struct learn *l, int i)
{
    for (int k = 0; k < l->n_parts; k++) {
        struct part *p = &l->parts[k];
        for (size_t e = i == 0 ? 0 : p->entry_end[i - 1]; e < p->entry_end[i]; e++) p->entries[e].pair = l->sums[l->sum_of[p->entries[e].slot] - 1].pair;
    }
    for (size_t k = 0; k < l->n_sums; k++) l->sum_of[l->sums[k].slot] = 0;
}

rk_status learn_merge(rk_ctx *ctx, struct learn *l)
{
    TRY(visit(ctx, l));
    for (int i = 0; i < l->n_batch; i++) {
        TRY(add_up(l, i));
        lose(l, i);
        join_doubles(l, l->made[i]);
        TRY(gain(ctx, l, i));
        tell_parts(l, i);
    }
    l->n_spread = l->n_batch;
    return RK_OK;
}

/* ---- which ---- */

/* The most frequent pair, by true count, taken out; false when none is left that is frequent enough. */
static rk_status next(rk_ctx *ctx, struct learn *l, struct candidate *c, bool *found)
{
    *found = false;
    while (l->heap.n > 0 && !*found) {
        *c = heap_pop(&l->heap);
        int64_t count = pairs_find(&l->pairs, c->key)->count;
        *found = count == c->count;
        c->count = count;
        if (!*found && count >= l->least && count > 0) TRY(heap_push(ctx, &l->heap, *c));
    }
    return RK_OK;
}

static bool same_spelling(const struct learn *l, uint64_t x, uint64_t y)
{
    rk_text a = l->out->tokens[x >> 32], b = tail(l, (uint32_t)x), c = l->out->tokens[y >> 32], d = tail(l, (uint32_t)y);
    if (a.n + b.n != c.n + d.n) return false;
    for (size_t i = 0; i < a.n + b.n; i++)
        if ((i < a.n ? a.at[i] : b.at[i - a.n]) != (i < c.n ? c.at[i] : d.at[i - c.n])) return false;
    return true;
}

/* huggingface: does the merge of a pair take an old id, or that of a merge before it in the batch? */
static rk_status takes_old_id(struct learn *l, uint64_t key, bool *yes)
{
    rk_text a = l->out->tokens[key >> 32], b = tail(l, (uint32_t)key);
    int known;
    *yes = false;
    if (!keeps_old(l)) return RK_OK;
    if (!SHARE_ROOM(&l->share, l->spelling, l->room_spelling, a.n + b.n)) return (rk_status)atomic_load(&l->share.status);
    memcpy(l->spelling, a.at, a.n);
    memcpy(l->spelling + a.n, b.at, b.n);
    *yes = map_get(&l->ids, l->spelling, a.n + b.n, &known);
    for (int i = 0; i < l->n_batch && !*yes; i++) *yes = same_spelling(l, l->batch[i].key, key);
    return RK_OK;
}

/* The next merges, as many as come out the same at once as one after the other. Merging (a,b) changes the counts of (x,a) and of
 * (b,y) alone, and its new pairs are no more frequent than those were. So pairs are taken in their order until one touches an earlier one
 * in this way; that one's count bounds what may come between, so those that are no more frequent go back. A pair of
 * one symbol with itself, and a merge that takes an old id, go alone. */
static rk_status choose(rk_ctx *ctx, struct learn *l)
{
    uint32_t left = l->how->most_ids - l->out->n_ids;
    int64_t bound = 0;
    l->n_batch = 0;
    l->serial++;
    for (bool alone = false; !alone;) {
        struct candidate c;
        bool found, old;
        TRY(next(ctx, l, &c, &found));
        if (!found) break;
        uint32_t a = (uint32_t)(c.key >> 32), b = (uint32_t)c.key;
        TRY(takes_old_id(l, c.key, &old));
        alone = a == b || old;
        if (l->n_batch > 0 && (alone || l->n_batch == BATCH_MOST || (uint32_t)l->n_batch == left || l->firsts[b] == l->serial || l->seconds[a] == l->serial)) {
            TRY(heap_push(ctx, &l->heap, c));
            bound = c.count;
            break;
        }
        l->batch[l->n_batch++] = c;
        l->firsts[a] = l->seconds[b] = l->serial;
    }
    while (l->n_batch > 1 && l->batch[l->n_batch - 1].count == bound) TRY(heap_push(ctx, &l->heap, l->batch[--l->n_batch]));
    return RK_OK;
}

/* ---- the loop ---- */

static rk_status tell(rk_ctx *ctx, const struct learn *l, double began)
{
    if (l->how->progress == NULL) return RK_OK;
    rk_tok_progress p = { "merge", l->out->n_ids, l->how->most_ids, 0, clock_seconds() - began };
    if (l->how->progress(l->how->user, &p)) return RK_OK;
    return FAIL(RK_E_CANCELLED, "stopped while merging, at %u of %u tokens", l->out->n_ids, l->how->most_ids);
}

static bool is_too_much(const rk_ctx *ctx, const struct learn *l) { return l->most_bytes > 0 && ctx->bytes > l->most_bytes - l->most_bytes / 8; }

/* All pairs anew, which leaves out places that are no more; and only the more frequent ones where all take too much. */
static rk_status list_again(rk_ctx *ctx, struct learn *l)
{
    TRY(learn_pairs(ctx, l));
    while (is_too_much(ctx, l) && l->heap.n > 0 && l->least < INT64_MAX / 4) {
        l->least *= 2;
        TRY(learn_pairs(ctx, l));
    }
    if (!is_too_much(ctx, l)) return RK_OK;
    (void)FAIL(RK_E_LIMIT, "merging needs more than the %llu bytes allowed", (unsigned long long)l->how->memory);
    return ctx_hint(ctx, "allow twice as much");
}

/* Between two batches: places that are no more are given back when memory runs short. Hugging Face's counts keep what merges left behind, and cannot
 * be made anew. */
static rk_status look_at_memory(rk_ctx *ctx, struct learn *l)
{
    if (!is_too_much(ctx, l)) return RK_OK;
    if (!keeps_old(l)) return list_again(ctx, l);
    (void)FAIL(RK_E_LIMIT, "merging by Hugging Face's rule needs more than the %llu bytes allowed", (unsigned long long)l->how->memory);
    return ctx_hint(ctx, "allow twice as much");
}

/* No pair is left: of those that were forgotten some may be frequent enough after all. */
static rk_status look_again(rk_ctx *ctx, struct learn *l, bool *found)
{
    *found = l->least > (int64_t)l->how->least;
    if (!*found) return RK_OK;
    l->least = l->least / FORGIVE > (int64_t)l->how->least ? l->least / FORGIVE : (int64_t)l->how->least;
    return list_again(ctx, l);
}

static rk_status loop(rk_ctx *ctx, struct learn *l)
{
    double began = clock_seconds();
    uint32_t told = 0;
    bool goes_on = true;
    while (l->out->n_ids < l->how->most_ids && goes_on) {
        TRY(choose(ctx, l));
        if (l->n_batch == 0) {
            TRY(look_again(ctx, l, &goes_on));
            continue;
        }
        for (int i = 0; i < l->n_batch; i++) TRY(add_merge(ctx, l, (uint32_t)(l->batch[i].key >> 32), (uint32_t)l->batch[i].key, &l->made[i]));
        TRY(learn_merge(ctx, l));
        TRY(look_at_memory(ctx, l));
        if (told == 0 || l->out->n - told >= PROGRESS_EVERY) {
            told = l->out->n;
            TRY(tell(ctx, l, began));
        }
    }
    return tell(ctx, l, began);
}

static rk_status begin(rk_ctx *ctx, struct learn *l, struct counter *counter)
{
    TRY(add_first(ctx, l));
    TRY(learn_words(ctx, l, counter));
    TRY(NEW(l->sum_of, l->n_slots));
    TRY(NEW(l->firsts, l->how->most_ids));
    TRY(NEW(l->seconds, l->how->most_ids));
    for (int k = 0; k < l->n_parts; k++) TRY(NEW(l->parts[k].entry_of, l->n_slots));
    return list_again(ctx, l);
}

rk_status merges_learn(rk_ctx *ctx, const struct merging *how, struct counter *counter, struct merged *out)
{
    struct learn l = { .how = how, .out = out, .heap = { .ties = how->ties }, .n_slots = 2 * (size_t)how->most_ids + 1, .least = 0 };
    if (how->memory > 0) l.most_bytes = ctx->bytes - (size_t)counter_memory(counter) + how->memory;
    TRY(share_begin(ctx, &l.share));
    rk_status status = begin(ctx, &l, counter);
    if (status == RK_OK) status = loop(ctx, &l);
    learn_clear(ctx, &l);
    rk_status shared = share_end(&l.share);
    if (status == RK_OK) status = shared;
    return status == RK_OK ? RK_OK : ctx_pass(ctx, status, __FILE__, __LINE__, __func__);
}

void merged_clear(rk_ctx *ctx, struct merged *m)
{
    FREE(m->merges, m->room);
    FREE(m->tokens, m->room_ids);
    arena_clear(ctx, &m->texts);
    *m = (struct merged){ 0 };
}
