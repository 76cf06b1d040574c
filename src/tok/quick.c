/* quick.c: what is filled later, and once. */
#include "tok/bpe.h"

rk_status quick_later(rk_ctx *ctx, const struct bpe *b, const struct vocab *vocab)
{
    struct quick_later *q = b->later;
    TRY(block_make(ctx, &q->block, forward_size(vocab) + lanes_size(b->n_merges) + wholes_size(vocab), "tables for long texts"));
    atomic_store(&q->state, QUICK_LATER);
    return RK_OK;
}

/* Whether some token of `whole` is not what the merges make of its bytes. */
static bool must_ask(const struct bpe *b, const struct forward *f)
{
    if (b->whole == NULL || !f->ready) return b->whole != NULL;
    uint32_t i = 0;
    while (i < b->whole->n_entries && forward_makes(f, b->whole->entries[i].id)) i++;
    return i < b->whole->n_entries;
}

static void fill(const struct bpe *b, const struct vocab *vocab, struct tok_block *block, struct quick *q)
{
    forward_make(block, &q->forward, &b->ranks, b->merges, b->n_merges, b->by_id, b->byte_id, vocab);
    q->asks_whole = must_ask(b, &q->forward);
    lanes_make(block, &q->lanes, &b->ranks, b->first, b->byte_id);
    wholes_make(block, &q->wholes, vocab, &q->forward);
}

static const struct quick *get(struct quick_later *q) { return atomic_load_explicit(&q->state, memory_order_acquire) == QUICK_THERE ? &q->tables : NULL; }

const struct quick *quick_fill(const struct bpe *b, const struct vocab *vocab)
{
    struct quick_later *q = b->later;
    int later = QUICK_LATER;
    if (!atomic_compare_exchange_strong(&q->state, &later, QUICK_BEGUN)) return get(q);
    fill(b, vocab, &q->block, &q->tables);
    atomic_store_explicit(&q->state, QUICK_THERE, memory_order_release);
    return &q->tables;
}

const struct quick *quick_ask(const struct bpe *b, const struct vocab *vocab, size_t n)
{
    struct quick_later *q = b->later;
    int state = atomic_load_explicit(&q->state, memory_order_acquire);
    if (state != QUICK_LATER) return state == QUICK_THERE ? &q->tables : NULL;
    size_t before = atomic_fetch_add_explicit(&q->asked, n, memory_order_relaxed);
    return before + n >= QUICK_WORTH || before + n < n ? quick_fill(b, vocab) : NULL;
}

void quick_clear(rk_ctx *ctx, struct quick_later *q) { block_clear(ctx, &q->block); }
