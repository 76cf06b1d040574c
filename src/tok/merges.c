/* merges.c: the loop itself, step by step. Not here: its start (merges_start.c), counts and heap (pairs.c). */
#include "base/clock.h"
#include "tok/learn.h"

enum { AHEAD = 16, PROGRESS_EVERY = 64 };

/* ---- tokens ---- */

static rk_status add_token(rk_ctx *ctx, struct learn *l, const char *text, size_t n)
{
    struct merged *m = l->out;
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

static rk_status add_bytes(rk_ctx *ctx, struct learn *l)
{
    for (uint32_t id = 0; id < 256; id++) {
        const char *text;
        TRY(arena_text(ctx, &l->out->texts, (const char *)&l->how->byte_of[id], 1, &text));
        TRY(add_token(ctx, l, text, 1));
    }
    return RK_OK;
}

static rk_status add_merge(rk_ctx *ctx, struct learn *l, uint32_t a, uint32_t b, uint32_t *z)
{
    struct merged *m = l->out;
    rk_text left = m->tokens[a], right = m->tokens[b];
    char *text;
    int known;
    TRY(TAKE(&m->texts, text, left.n + right.n));
    memcpy(text, left.at, left.n);
    memcpy(text + left.n, right.at, right.n);
    *z = m->n_ids;
    if (l->how->ties == RK_TIES_HUGGINGFACE && map_get(&l->ids, text, left.n + right.n, &known)) *z = (uint32_t)known;
    else TRY(add_token(ctx, l, text, left.n + right.n));
    if (m->n == m->room) {
        uint32_t room = m->room == 0 ? 1024 : m->room * 2;
        TRY(GROW(m->merges, m->room, room));
        m->room = room;
    }
    m->merges[m->n++] = (struct merge){ a, b, *z };
    return RK_OK;
}

/* ---- one step ---- */

static inline void note(struct learn *l, uint32_t slot, int64_t count, uint32_t word)
{
    struct gain *g = &l->gains[slot];
    g->count += count;
    if (g->n > 0 && g->at == word) return;                            /* a word once per list, or runs of one letter take n^2 steps */
    if (g->n++ == 0) l->touched[l->n_touched++] = slot;
    g->at = word;
    l->events[l->n_events++] = (struct event){ slot, word };
}

/* Merges (a,b) in one word, from its first occurrence `i` on. */
static void rewrite(struct learn *l, uint32_t word, uint32_t i, uint32_t a, uint32_t b, uint32_t z)
{
    uint32_t *r = l->records + word, *x = r + SYMBOLS, n = r[LENGTH], to = i;
    int64_t count = count_of(r);
    uint32_t at_once = (uint32_t)l->n_gains - 1;
    bool was_merged = false;
    while (i < n) {
        bool merges = i + 1 < n && x[i] == a && x[i + 1] == b;
        if (!merges) {
            x[to++] = x[i++];
            was_merged = false;
            continue;
        }
        if (to > 0 && !was_merged) note(l, 2 * x[to - 1], count, word);
        if (i + 2 < n) note(l, i + 3 < n && x[i + 2] == a && x[i + 3] == b ? at_once : 2 * x[i + 2] + 1, count, word);
        x[to++] = z;
        i += 2;
        was_merged = true;
    }
    r[LENGTH] = to;
}

static rk_status visit(rk_ctx *ctx, struct learn *l, const struct candidate *c, uint32_t z)
{
    uint32_t a = (uint32_t)(c->key >> 32), b = (uint32_t)c->key;
    for (size_t q = 0; q < c->n; q++) {
        if (q + AHEAD < c->n) {
            __builtin_prefetch(l->records + c->words[q + AHEAD]);
            __builtin_prefetch(l->records + c->words[q + AHEAD] + 15);
        }
        const uint32_t *r = l->records + c->words[q], *x = r + SYMBOLS;
        uint32_t n = r[LENGTH], i = 0;
        while (i + 1 < n && !(x[i] == a && x[i + 1] == b)) i++;
        if (i + 1 >= n) continue;                                     /* stale: another merge took the pair away */
        size_t want = l->n_events + 2 * (size_t)n;
        if (want > l->room_events) {
            TRY(GROW(l->events, l->room_events, 2 * want));
            l->room_events = 2 * want;
        }
        rewrite(l, c->words[q], i, a, b, z);
    }
    return RK_OK;
}

/* The new pair and the old one that a slot of gains stands for. */
static void slot_keys(const struct learn *l, uint32_t slot, uint64_t merged, uint32_t z, uint64_t *fresh, uint64_t *old)
{
    uint32_t a = (uint32_t)(merged >> 32), b = (uint32_t)merged, x = slot / 2;
    if (slot + 1 == l->n_gains) {
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

/* Slots of one new pair side by side: only (z,z) has several. */
static void group(struct learn *l, uint32_t z)
{
    uint32_t end = (uint32_t)l->n_touched;
    for (uint32_t i = 0; i < end;) {
        uint32_t slot = l->touched[i];
        bool is_double = slot + 1 == l->n_gains || slot / 2 == z;
        if (!is_double) {
            i++;
            continue;
        }
        l->touched[i] = l->touched[--end];
        l->touched[end] = slot;
    }
}

static rk_status spread(rk_ctx *ctx, struct learn *l, uint64_t merged, uint32_t z)
{
    uint32_t *list, at = 0;
    TRY(lists_take(ctx, &l->lists, l->n_events, &list));
    group(l, z);
    for (size_t i = 0; i < l->n_touched; i++) {
        struct gain *g = &l->gains[l->touched[i]];
        uint64_t fresh, old;
        slot_keys(l, l->touched[i], merged, z, &fresh, &old);
        struct pair *p = pairs_find(&l->pairs, old);
        if (p != NULL) p->count -= g->count;
        g->at = at;
        at += g->n;
    }
    for (size_t e = 0; e < l->n_events; e++) list[l->gains[l->events[e].slot].at++] = l->events[e].word;
    if (l->how->ties != RK_TIES_HUGGINGFACE) pairs_find(&l->pairs, merged)->count = 0;
    for (size_t i = 0; i < l->n_touched;) {
        uint64_t key, next, old;
        struct pair *p;
        size_t n = 0;
        slot_keys(l, l->touched[i], merged, z, &key, &old);
        const uint32_t *words = list + l->gains[l->touched[i]].at - l->gains[l->touched[i]].n;
        TRY(pairs_add(ctx, &l->pairs, key, &p));
        do {
            struct gain *g = &l->gains[l->touched[i]];
            p->count += g->count;
            n += g->n;
            *g = (struct gain){ 0, 0, 0 };
            if (++i < l->n_touched) slot_keys(l, l->touched[i], merged, z, &next, &old);
        } while (i < l->n_touched && next == key);
        if (p->count >= (int64_t)l->how->least) TRY(heap_push(ctx, &l->heap, (struct candidate){ p->count, key, words, n }));
    }
    l->n_events = l->n_touched = 0;
    return RK_OK;
}

/* The most frequent pair, by true count; false when none is left that is frequent enough. */
static rk_status next(rk_ctx *ctx, struct learn *l, struct candidate *c, bool *found)
{
    *found = false;
    while (l->heap.n > 0 && !*found) {
        *c = heap_pop(&l->heap);
        int64_t count = pairs_find(&l->pairs, c->key)->count;
        *found = count == c->count;
        c->count = count;
        if (!*found && count >= (int64_t)l->how->least) TRY(heap_push(ctx, &l->heap, *c));
    }
    return RK_OK;
}

static rk_status tell(rk_ctx *ctx, const struct learn *l, double began)
{
    if (l->how->progress == NULL) return RK_OK;
    rk_tok_progress p = { "merge", l->out->n_ids, l->how->most_ids, 0, clock_seconds() - began };
    if (l->how->progress(l->how->user, &p)) return RK_OK;
    return FAIL(RK_E_CANCELLED, "stopped while merging, at %u of %u tokens", l->out->n_ids, l->how->most_ids);
}

static rk_status loop(rk_ctx *ctx, struct learn *l)
{
    double began = clock_seconds();
    for (uint32_t step = 0; l->out->n_ids < l->how->most_ids; step++) {
        struct candidate c;
        bool found;
        uint32_t z = 0;
        TRY(next(ctx, l, &c, &found));
        if (!found) break;
        TRY(add_merge(ctx, l, (uint32_t)(c.key >> 32), (uint32_t)c.key, &z));
        TRY(visit(ctx, l, &c, z));
        TRY(spread(ctx, l, c.key, z));
        if (step % PROGRESS_EVERY == 0) TRY(tell(ctx, l, began));
    }
    return tell(ctx, l, began);
}

rk_status merges_learn(rk_ctx *ctx, const struct merging *how, struct words *words, struct merged *out)
{
    rk_status status;
    struct learn l = { .how = how, .out = out, .heap = { .ties = how->ties }, .n_gains = 2 * (size_t)how->most_ids + 2 };
    GO(add_bytes(ctx, &l));
    GO(learn_words(ctx, &l, words));
    GO(NEW(l.gains, l.n_gains));
    GO(NEW(l.touched, l.n_gains));
    GO(learn_first_pairs(ctx, &l));
    GO(loop(ctx, &l));
out:
    FREE(l.records, l.n_units);
    FREE(l.gains, l.n_gains);
    FREE(l.touched, l.n_gains);
    FREE(l.events, l.room_events);
    map_free(ctx, &l.ids);
    pairs_clear(ctx, &l.pairs);
    heap_clear(ctx, &l.heap);
    lists_clear(ctx, &l.lists);
    return status;
}

void merged_clear(rk_ctx *ctx, struct merged *m)
{
    FREE(m->merges, m->room);
    FREE(m->tokens, m->room_ids);
    arena_clear(ctx, &m->texts);
    *m = (struct merged){ 0 };
}
