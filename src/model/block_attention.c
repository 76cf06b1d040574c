/* block_attention.c: attention of a sequence to itself and to the memory of an encoder, with caches while decoding. */
#include "model/block_inner.h"

static void project(struct builder *b, rk_ref x, const struct attention *a, rk_ref qkv[3])
{
    static const char *const names[] = { "q", "k", "v" };
    struct block_text w = block_named(b, a->fused_qkv ? "three $h $k hidden" : "$h $k hidden"), bias = block_named(b, a->fused_qkv ? "three $h $k" : "$h $k");
    const char *add = a->bias ? bias.at : NULL;
    if (a->fused_qkv) {
        rk_ref all = linear(b, "qkv", "b t d, c h k d -> b t c h k", w.at, add, x, a->init);
        for (int i = 0; i < 3; i++) qkv[i] = rk_select(b->g, all, "three", i);
        return;
    }
    for (int i = 0; i < 3; i++) qkv[i] = linear(b, names[i], "b t d, h k d -> b t h k", w.at, add, x, a->init);
}

static rk_ref cache_of(struct builder *b, const char *name, const char *dims)
{
    char full[512];
    (void)path_below(b->g, name, full, sizeof full);
    return rk_state(b->g, RK_CACHE, full, b->dtype, dims);
}

/* k or v with all its past: written into the cache, and read back from its beginning. */
static rk_ref with_past(struct builder *b, const char *name, rk_ref x)
{
    if (b->purpose != FOR_DECODING) return rk_rename(b->g, x, b->stack->seq, b->stack->key);
    rk_ref cache = cache_of(b, name, "batch cached head head_dim");
    rk_ref grown = b->ragged ? rk_append_at(b->g, cache, x, "cached", block_places(b)) : rk_append(b->g, cache, x, "cached", "past");
    return rk_slice(b->g, grown, "cached", 0, "key");
}

/* What queries make of keys and values, before the last projection. */
static rk_ref seen(struct builder *b, rk_ref q, rk_ref k, rk_ref v, const char *key, bool causal, const struct attention *a)
{
    char site[512];
    (void)path_below(b->g, "weights", site, sizeof site);
    bool drops = b->purpose == FOR_TRAINING && b->dropout && a->dropout > 0;
    rk_attend_options options = { .causal = causal, .scale = a->scale, .keep = drops ? 1 - a->dropout : 1, .site = site, .lengths = a->lengths };
    return rk_attend(b->g, q, k, v, b->wanted != NULL ? b->wanted : b->stack->seq, key, b->stack->head_dim, &options);
}

static rk_ref projected(struct builder *b, rk_ref y, const struct attention *a)
{
    struct block_text w = block_named(b, "hidden $h $k");
    return linear(b, "out", "b t h k, d h k -> b t d", w.at, a->bias ? "hidden" : NULL, y, a->out_init);
}

static rk_ref turned(struct builder *b, rk_ref x, const struct rotary *r)
{
    if (b->ragged) return rk_rope_at(b->g, x, b->stack->seq, block_positions(b), b->stack->head_dim, r->style, r->numbers, r->theta);
    return rk_rope(b->g, x, b->stack->seq, b->purpose == FOR_DECODING ? "past" : NULL, b->stack->head_dim, r->style, r->numbers, r->theta);
}

/* One position per sequence while decoding, or those that were picked. */
static rk_ref wanted_rows(struct builder *b)
{
    if (b->purpose != FOR_DECODING) return block_integers(b, "picks", "batch pick");
    return rk_spread(b->g, block_integers(b, "last", "batch"), "batch end");
}

rk_ref wanted(struct builder *b, rk_ref x) { return b->wanted == NULL ? x : rk_gather(b->g, x, b->stack->seq, wanted_rows(b)); }

rk_ref attention(struct builder *b, const char *name, rk_ref x, const struct attention *a)
{
    rk_ref qkv[3];
    rk_enter(b->g, name);
    project(b, x, a, qkv);
    for (int i = 0; i < 2 && a->rotary.on; i++) qkv[i] = turned(b, qkv[i], &a->rotary);
    rk_ref k = with_past(b, "k", qkv[1]), v = with_past(b, "v", qkv[2]);
    struct attention all = *a;
    if (b->ragged) all.lengths = block_lengths(b);
    rk_ref y = projected(b, seen(b, wanted(b, qkv[0]), k, v, b->stack->key, !a->both_ways && b->wanted == NULL, &all), a);
    rk_leave(b->g);
    return y;
}

/* --- attention to a memory --- */

/* q, k or v of it: i = 0, 1, 2. One matrix for all three is taken apart; the name of its bias alike. */
static rk_ref cross_project(struct builder *b, int i, rk_ref x, const struct attention *a, const rk_ref fused[2])
{
    static const char *const names[] = { "q", "k", "v" };
    if (!a->fused_qkv) return linear(b, names[i], "b t d, h k d -> b t h k", "head head_dim hidden", a->bias ? "head head_dim" : NULL, x, a->init);
    rk_enter(b->g, "qkv");
    rk_ref y = contract(b, "b t d, h k d -> b t h k", x, chosen(b, fused[0], "three", i));
    if (a->bias) y = rk_add(b->g, y, rk_select(b->g, fused[1], "three", i));
    rk_leave(b->g);
    return y;
}

static void cross_fused(struct builder *b, const struct attention *a, rk_ref fused[2])
{
    if (!a->fused_qkv) return;
    rk_enter(b->g, "qkv");
    fused[0] = parameter(b, "weight", "three head head_dim hidden", a->init, true);
    if (a->bias) fused[1] = parameter(b, "bias", "three head head_dim", zeros, false);
    rk_leave(b->g);
}

/* Rows that go by one source have its keys and values once. */
static rk_ref from_memory(struct builder *b, int i, rk_ref memory, const struct attention *a, const rk_ref fused[2])
{
    if (b->purpose != FOR_DECODING) return cross_project(b, i, memory, a, fused);
    const char *dims = b->beams > 1 ? "sources source_cached head head_dim" : "batch source_cached head head_dim";
    rk_ref x = rk_slice(b->g, cache_of(b, i == 1 ? "k" : "v", dims), "source_cached", 0, "source");
    return b->beams > 1 ? rk_spread(b->g, x, "sources beam source head head_dim") : x;
}

static rk_ref by_source(struct builder *b, rk_ref x) { return b->beams > 1 && x != 0 ? rk_split(b->g, x, "batch", "sources beam") : x; }

rk_ref cross_attention(struct builder *b, const char *name, rk_ref x, rk_ref memory, const struct attention *a)
{
    rk_ref fused[2] = { 0 };
    rk_enter(b->g, name);
    cross_fused(b, a, fused);
    rk_ref q = cross_project(b, 0, x, a, fused), k = from_memory(b, 1, memory, a, fused), v = from_memory(b, 2, memory, a, fused);
    struct attention shared = *a;
    shared.lengths = by_source(b, a->lengths);
    rk_ref y = seen(b, by_source(b, q), k, v, "source", false, &shared);
    if (b->beams > 1) y = rk_merge(b->g, y, "sources beam", "batch");
    y = projected(b, y, a);
    rk_leave(b->g);
    return y;
}

void cross_remember(struct builder *b, const char *name, rk_ref memory, const struct attention *a)
{
    rk_ref fused[2] = { 0 };
    rk_enter(b->g, name);
    cross_fused(b, a, fused);
    for (int i = 1; i < 3; i++)
        (void)rk_append(b->g, cache_of(b, i == 1 ? "k" : "v", "batch source_cached head head_dim"), cross_project(b, i, memory, a, fused), "source_cached", "none");
    rk_leave(b->g);
}
