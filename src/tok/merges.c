/* merges.c: the loop itself, batch by batch: which merges go together, and whether memory holds. Not here: its start
 * (merges_words.c, merges_pairs.c), what a batch does (merges_batch.c, merges_visit.c), counts and heap (pairs.c). */
#include "base/clock.h"
#include "tok/learn_part.h"

/* TEXT_MOST: bytes of all tokens, so that each file of them can be read again (JSON_BYTES): twice there, and a byte takes two at most. SAVING: what
 * making those files takes at once, for a byte of a token. */
enum { PROGRESS_EVERY = 64, FORGIVE = 8, TEXT_MOST = 1 << 27, SAVING = 24 };

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

/* Merged to the end, a word of n letters may make n tokens of up to n bytes. */
static rk_status check_text(rk_ctx *ctx, struct learn *l, size_t n)
{
    size_t most = l->how->memory > 0 && l->how->memory / SAVING < TEXT_MOST ? (size_t)(l->how->memory / SAVING) : TEXT_MOST;
    l->n_text += n;
    if (l->n_text <= most) return RK_OK;
    (void)FAIL(RK_E_LIMIT, "merge %u makes a token of %zu bytes; %zu are the limit for all tokens together", l->out->n + 1, n, most);
    return ctx_hint(ctx, most < TEXT_MOST ? "allow more memory, merge only what is more frequent, or ask for fewer tokens"
                                          : "merge only what is more frequent, or ask for fewer tokens: are these words?");
}

static rk_status add_merge(rk_ctx *ctx, struct learn *l, uint32_t a, uint32_t b, uint32_t *z)
{
    struct merged *m = l->out;
    rk_text left = m->tokens[a], right = tail(l, b);
    char *text;
    int known;
    TRY(check_text(ctx, l, left.n + right.n));
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

/* ---- which ---- */

/* The most frequent pair, by true count, taken out; false when none is left that is frequent enough. */
static rk_status next(rk_ctx *ctx, struct learn *l, struct candidate *c, bool *found)
{
    *found = false;
    while (l->heap.n > 0 && !*found) {
        *c = heap_pop(&l->heap);
        int64_t count = pairs_find(&l->pairs, c->key)->count;
        *found = count == c->count && count >= l->least;              /* of rarer ones some may be missing */
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
 * in this way; that one's count bounds what may come between. A new pair as frequent as that is (x,z) or (z,y), and (x,a) or (b,y) is as frequent too and
 * comes later than all of the batch: where ids decide ties, so does the new pair, since z is the greatest id; where texts do, it may come
 * before, so those of the batch that are no more frequent go back; where most did, fewer are tried the next time. A pair of one symbol with itself, and a merge that takes an old id, go alone. */
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
        if (l->n_batch > 0 && (alone || l->n_batch == l->reach || (uint32_t)l->n_batch == left || l->firsts[b] == l->serial || l->seconds[a] == l->serial)) {
            TRY(heap_push(ctx, &l->heap, c));
            bound = c.count;
            break;
        }
        l->batch[l->n_batch++] = c;
        l->firsts[a] = l->seconds[b] = l->serial;
    }
    while (l->how->ties == RK_TIES_CS336 && l->n_batch > 1 && l->batch[l->n_batch - 1].count == bound) TRY(heap_push(ctx, &l->heap, l->batch[--l->n_batch]));
    bool tied = l->how->ties == RK_TIES_CS336 && l->n_batch > 0 && l->batch[l->n_batch - 1].count == bound;
    l->reach = tied ? 2 : l->reach > BATCH_MOST / 2 ? BATCH_MOST : l->reach * 2;
    return RK_OK;
}

/* ---- the loop ---- */

rk_status learn_tell(rk_ctx *ctx, const struct learn *l)
{
    if (l->how->progress == NULL) return RK_OK;
    rk_tok_progress p = { "merge", l->out->n_ids, l->how->most_ids, 0, clock_seconds() - l->began };
    if (l->how->progress(l->how->user, &p)) return RK_OK;
    return FAIL(RK_E_CANCELLED, "stopped while merging, at %u of %u tokens", l->out->n_ids, l->how->most_ids);
}

/* Whether so many more bytes might be too many. */
static bool is_too_much(const rk_ctx *ctx, const struct learn *l, size_t more)
{
    return l->most_bytes > 0 && (ctx->bytes > l->most_bytes - l->most_bytes / 8 || more > l->most_bytes - l->most_bytes / 8 - ctx->bytes);
}

/* All pairs anew, which leaves out places that are no more; and only the more frequent ones where all take too much. What is left free
 * then is filled before it is done again. */
static rk_status list_again(rk_ctx *ctx, struct learn *l)
{
    bool doubled = false;
    TRY(learn_pairs(ctx, l));
    for (; is_too_much(ctx, l, l->most_bytes / 8) && l->heap.n > 1 && l->least < INT64_MAX / 4; doubled = true) {
        l->least *= 2;
        TRY(learn_pairs(ctx, l));
    }
    if (l->heap.n == 0 && doubled) {                                  /* some are needed to go on */
        l->least /= 2;
        TRY(learn_pairs(ctx, l));
    }
    if (!is_too_much(ctx, l, 0)) return RK_OK;
    (void)FAIL(RK_E_LIMIT, "merging needs more than the %llu bytes allowed", (unsigned long long)l->how->memory);
    return ctx_hint(ctx, "allow twice as much");
}

/* Before a batch: places that are no more are given back when memory might run short, and the batch is chosen anew; but once only, since what
 * is reckoned with seldom comes: then fewer go together. Hugging Face's counts keep what merges left behind, and cannot be made anew. */
static rk_status look_at_memory(rk_ctx *ctx, struct learn *l, bool *listed)
{
    bool again = !*listed && !keeps_old(l) && is_too_much(ctx, l, learn_needs(l));
    *listed = again;
    if (again) return list_again(ctx, l);
    while (l->n_batch > 1 && is_too_much(ctx, l, learn_needs(l))) TRY(heap_push(ctx, &l->heap, l->batch[--l->n_batch]));
    return RK_OK;
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
    uint32_t told = 0;
    bool goes_on = true, listed = true;
    while (l->out->n_ids < l->how->most_ids && goes_on) {
        TRY(choose(ctx, l));
        if (l->n_batch == 0) {
            TRY(look_again(ctx, l, &goes_on));
            continue;
        }
        TRY(look_at_memory(ctx, l, &listed));
        if (listed) continue;
        for (int i = 0; i < l->n_batch; i++) TRY(add_merge(ctx, l, (uint32_t)(l->batch[i].key >> 32), (uint32_t)l->batch[i].key, &l->made[i]));
        TRY(learn_merge(ctx, l));
        if (told == 0 || l->out->n - told >= PROGRESS_EVERY) {
            told = l->out->n;
            TRY(learn_tell(ctx, l));
        }
    }
    return learn_tell(ctx, l);
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
    struct learn l = { .how = how, .out = out, .heap = { .ties = how->ties }, .n_slots = 2 * (size_t)how->most_ids + 1, .reach = BATCH_MOST, .began = clock_seconds() };
    TRY(share_begin(ctx, &l.share));
    l.share.limit = l.most_bytes = counter_limit(ctx, counter, how->memory);
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
