/* bpe.c: the table of merges and the two ways to apply it. */
#include "tok/bpe.h"
#include <string.h>

enum { FIRSTS = 1 << 16, SHORT = 32, FEW = 16, AHEAD = 16 };                     /* pairs of bytes; bytes of a word that needs no heap; of one that is quicker to merge; how long before it is needed a slot is called for */

static inline const struct merge_slot *find(const struct bpe *b, uint32_t left, uint32_t right) { return ranks_find(&b->ranks, left, right); }
static inline uint32_t rank_of(const struct bpe *b, uint32_t left, uint32_t right) { return ranks_of(&b->ranks, left, right); }

rk_status bpe_add_merge(rk_ctx *ctx, struct bpe *b, struct merge m)
{
    if (b->n_merges == b->room_merges) {
        uint32_t room = b->room_merges == 0 ? 1024 : b->room_merges * 2;
        TRY(GROW(b->merges, b->room_merges, room));
        b->room_merges = room;
    }
    b->merges[b->n_merges++] = m;
    return RK_OK;
}

rk_status bpe_expect(rk_ctx *ctx, struct bpe *b, uint32_t merges)
{
    if (merges <= b->room_merges) return RK_OK;
    TRY(mem_widen(ctx, (void **)&b->merges, b->room_merges, merges, sizeof *b->merges, "merges"));
    b->room_merges = merges;
    return RK_OK;
}

/* The pair that the merges below a token's own lead to; false: they lead elsewhere, and only a whole word is this token. */
static bool last_pair(const struct bpe *b, const struct vocab *vocab, uint32_t id, uint32_t pair[2])
{
    uint32_t ids[1024], ranks[1024];
    rk_text t = vocab->tokens[id];
    size_t n = t.n;
    if (n < 2 || n > 1024) return false;
    for (size_t i = 0; i < n; i++) ids[i] = b->byte_id[(unsigned char)t.at[i]];
    for (size_t i = 0; i + 1 < n; i++) ranks[i] = rank_of(b, ids[i], ids[i + 1]);
    while (n > 2) {
        size_t best = 0;
        for (size_t i = 1; i + 1 < n; i++)
            if (ranks[i] < ranks[best]) best = i;
        if (ranks[best] >= id) return false;
        ids[best] = find(b, ids[best], ids[best + 1])->id;
        n--;
        for (size_t i = best + 1; i < n; i++) ids[i] = ids[i + 1];
        for (size_t i = best + 1; i + 1 < n; i++) ranks[i] = ranks[i + 1];
        if (best > 0) ranks[best - 1] = rank_of(b, ids[best - 1], ids[best]);
        if (best + 1 < n) ranks[best] = rank_of(b, ids[best], ids[best + 1]);
    }
    memcpy(pair, ids, 2 * sizeof *ids);
    return ranks[0] == id;
}

/* Of all pairs that make a token, the list of merges keeps one: what formats that list merges can hold. They stand in the order of ids. */
static void keep_canonical(struct bpe *b, const struct vocab *vocab)
{
    uint32_t made = 0;
    for (uint32_t i = 0, end; i < b->n_merges; i = end) {
        uint32_t pair[2], id = b->merges[i].id;
        for (end = i; end < b->n_merges && b->merges[end].id == id; end++);
        if (last_pair(b, vocab, id, pair)) b->merges[made++] = (struct merge){ pair[0], pair[1], id };
    }
    b->n_merges = made;
}

static rk_status make_ranks(rk_ctx *ctx, struct bpe *b)
{
    struct ranks *r = &b->ranks;
    r->room = 16;
    while (r->room < 2 * (size_t)b->n_merges) r->room *= 2;
    TRY(table_make(ctx, &r->table, r->room * sizeof *r->slots, 0xff, "merges by their pairs", (void **)&r->slots));
    for (uint32_t rank = 0; rank < b->n_merges; rank++) {             /* a pair given twice: the last counts, as in Hugging Face's reader */
        struct merge m = b->merges[rank], later = b->merges[rank + AHEAD < b->n_merges ? rank + AHEAD : rank];
        ranks_call(r, later.left, later.right);
        *ranks_find(r, m.left, m.right) = (struct merge_slot){ ranks_key(m.left, m.right), b->by_id ? m.id : rank, m.id };
    }
    return RK_OK;
}

/* The byte that a token is; -1: it is none. */
static int byte_of(const struct bpe *b, const struct vocab *vocab, uint32_t id)
{
    rk_text t = vocab->tokens[id];
    return t.n == 1 && b->byte_id[(unsigned char)t.at[0]] == id ? (unsigned char)t.at[0] : -1;
}

static rk_status make_first(rk_ctx *ctx, struct bpe *b, const struct vocab *vocab)
{
    TRY(mem_raw(ctx, (void **)&b->first, FIRSTS * sizeof *b->first, "pairs of bytes"));
    memset(b->first, 0xff, FIRSTS * sizeof *b->first);                /* NO_TOKEN */
    for (uint32_t i = 0; i < b->n_merges; i++) {
        int left = byte_of(b, vocab, b->merges[i].left), right = left < 0 ? -1 : byte_of(b, vocab, b->merges[i].right);
        if (right >= 0) b->first[left << 8 | right] = rank_of(b, b->merges[i].left, b->merges[i].right);
    }
    return RK_OK;
}

rk_status bpe_seal(rk_ctx *ctx, struct bpe *b, const struct vocab *vocab)
{
    for (unsigned c = 0; c < 256; c++) {
        char byte = (char)c;
        if (!vocab_find(vocab, &byte, 1, &b->byte_id[c])) b->byte_id[c] = NO_TOKEN;
    }
    TRY(make_ranks(ctx, b));
    TRY(make_first(ctx, b, vocab));
    TRY(NEW(b->later, 1));
    b->later->tables.forward.characters = &characters_bodies[isa_best()];
    TRY(quick_later(ctx, b, vocab));
    if (!b->by_id) return RK_OK;
    (void)quick_fill(b, vocab);                                       /* now, since it looks at every pair */
    keep_canonical(b, vocab);
    return RK_OK;
}

void bpe_clear(rk_ctx *ctx, struct bpe *b)
{
    FREE(b->merges, b->room_merges);
    if (b->later != NULL) quick_clear(ctx, b->later);
    FREE(b->later, 1);
    table_clear(ctx, &b->ranks.table);
    FREE(b->first, FIRSTS);
    b->n_merges = b->room_merges = 0;
}

static bool bytes_to_ids(const struct bpe *b, const unsigned char *word, size_t n, uint32_t *ids)
{
    uint32_t worst = 0;
    for (size_t i = 0; i < n; i++) {
        ids[i] = b->byte_id[word[i]];
        worst |= ids[i] == NO_TOKEN;
    }
    return worst == 0;
}

static size_t short_word(const struct bpe *b, const unsigned char *word, size_t n, uint32_t *ids)
{
    uint32_t ranks[SHORT], made[SHORT];                       /* of the pair that begins here; the id it would make, where that was looked up */
    const struct merge_slot *s;
    for (size_t i = 0; i + 1 < n; i++) {
        ranks[i] = b->first[(unsigned)word[i] << 8 | word[i + 1]];
        made[i] = NO_TOKEN;
    }
    while (n > 1) {
        size_t best = 0;
        for (size_t i = 1; i + 1 < n; i++) best = ranks[i] < ranks[best] ? i : best;
        if (ranks[best] == NO_TOKEN) break;
        ids[best] = made[best] != NO_TOKEN ? made[best] : find(b, ids[best], ids[best + 1])->id;
        n--;
        for (size_t i = best + 1; i < n; i++) ids[i] = ids[i + 1];
        for (size_t i = best + 1; i + 1 < n; i++) ranks[i] = ranks[i + 1];
        for (size_t i = best + 1; i + 1 < n; i++) made[i] = made[i + 1];
        if (best > 0) {
            s = find(b, ids[best - 1], ids[best]);
            ranks[best - 1] = s->rank;
            made[best - 1] = s->id;
        }
        if (best + 1 < n) {
            s = find(b, ids[best], ids[best + 1]);
            ranks[best] = s->rank;
            made[best] = s->id;
        }
    }
    return n;
}

/* ---- long words: rank << 32 | position in a binary heap; stale entries are known by their rank ---- */

struct heap { uint64_t *at; size_t n; };

static void push(struct heap *h, uint64_t x)
{
    size_t i = h->n++;
    for (; i > 0 && x < h->at[(i - 1) / 2]; i = (i - 1) / 2) h->at[i] = h->at[(i - 1) / 2];
    h->at[i] = x;
}

static uint64_t pop(struct heap *h)
{
    uint64_t top = h->at[0], last = h->at[--h->n];
    size_t i = 0;
    for (size_t c = 1; c < h->n; c = 2 * i + 1) {
        if (c + 1 < h->n && h->at[c + 1] < h->at[c]) c++;
        if (last <= h->at[c]) break;
        h->at[i] = h->at[c];
        i = c;
    }
    h->at[i] = last;
    return top;
}

static inline void offer(const struct bpe *b, const struct bpe_symbol *x, struct heap *h, uint32_t i, size_t n)
{
    if (x[i].next >= n) return;
    uint32_t rank = rank_of(b, x[i].id, x[x[i].next].id);
    if (rank != NO_TOKEN) push(h, (uint64_t)rank << 32 | i);
}

static void merge_all(const struct bpe *b, struct bpe_symbol *x, struct heap *h, uint32_t n)
{
    while (h->n > 0) {
        uint64_t top = pop(h);
        uint32_t i = (uint32_t)top, right = x[i].next;
        if (x[i].id == NO_TOKEN || right >= n) continue;              /* merged away, or at the end now */
        const struct merge_slot *s = find(b, x[i].id, x[right].id);
        if (s->rank != top >> 32) continue;
        x[i].id = s->id;
        x[i].next = x[right].next;
        x[right].id = NO_TOKEN;
        if (x[i].next < n) x[x[i].next].previous = i;
        if (x[i].previous != NO_TOKEN) offer(b, x, h, x[i].previous, n);
        offer(b, x, h, i, n);
    }
}

static size_t long_word(const struct bpe *b, struct share *s, struct bpe_scratch *scratch, const unsigned char *word, size_t n, uint32_t *out)
{
    if (n >= UINT32_MAX) return (size_t)share_fail(s, RK_E_LIMIT, "a word of %zu bytes; %u are the limit", n, UINT32_MAX - 1);
    /* n - 1 pairs at the start, and two for each of at most n - 1 merges */
    if (!SHARE_ROOM(s, scratch->symbols, scratch->room, n) || !SHARE_ROOM(s, scratch->heap, scratch->room_heap, 3 * n)) return 0;
    struct bpe_symbol *x = scratch->symbols;
    struct heap h = { scratch->heap, 0 };
    for (uint32_t i = 0; i < n; i++) {
        x[i] = (struct bpe_symbol){ b->byte_id[word[i]], i == 0 ? NO_TOKEN : i - 1, i + 1 };
        if (x[i].id == NO_TOKEN) return 0;
    }
    for (uint32_t i = 0; i < n; i++) offer(b, x, &h, i, n);
    merge_all(b, x, &h, (uint32_t)n);
    size_t made = 0;
    for (uint32_t i = 0; i < n; i = x[i].next) out[made++] = x[i].id;
    return made;
}

size_t bpe_merge(const struct bpe *b, struct share *s, struct bpe_scratch *scratch, const unsigned char *word, size_t n, uint32_t *out)
{
    if (n > SHORT) return long_word(b, s, scratch, word, n, out);
    return bytes_to_ids(b, word, n, out) ? short_word(b, word, n, out) : 0;
}

size_t bpe_word(const struct bpe *b, const struct quick *q, struct share *s, struct bpe_scratch *scratch, const unsigned char *word, size_t n, uint32_t *out)
{
    bool asks = b->whole != NULL && (q == NULL || q->asks_whole);
    if (asks && vocab_find(b->whole, (const char *)word, n, out)) return 1;
    bool few = n <= FEW && word[0] < 0xe0 && word[n > 1] < 0xe0;
    return q != NULL && q->forward.ready && !few ? forward_word(&q->forward, s, &scratch->forward, word, n, out) : bpe_merge(b, s, scratch, word, n, out);
}

void bpe_scratch_clear(rk_ctx *ctx, struct bpe_scratch *x)
{
    FREE(x->symbols, x->room);
    FREE(x->heap, x->room_heap);
    forward_work_clear(ctx, &x->forward);
    *x = (struct bpe_scratch){ 0 };
}
