/* block.c: see block.h. */
#include "model/block.h"
#include "base/vec.h"
#include "core/opdef.h"
#include "model/config.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static bool has_loss(const struct builder *b) { return b->purpose == FOR_TRAINING || b->purpose == FOR_SCORING; }

int64_t block_head_dim(const struct config *c) { return config_int(c, "hidden") / config_int(c, "head"); }

rk_status block_check_heads(rk_ctx *ctx, const struct config *c)
{
    int at[2];
    const char *rest[] = { config_field(c, "hidden", &at[0])->spellings, config_field(c, "head", &at[1])->spellings };
    struct word name[2];
    int64_t hidden = config_int(c, "hidden"), heads = config_int(c, "head");
    if (hidden % heads == 0) return RK_OK;
    for (int i = 0; i < 2; i++) PROMISE(word_next(&rest[i], &name[i]));
    return FAIL(RK_E_SHAPE, "%.*s %lld is no multiple of %.*s %lld", (int)name[0].n, name[0].at, (long long)hidden, (int)name[1].n, name[1].at, (long long)heads);
}

static void dim(struct builder *b, const char *name, char letter, int64_t size, bool live)
{
    if (live) (void)rk_dim_live(b->g, name, letter, size);
    else (void)rk_dim_new(b->g, name, letter, size);
}

void block_dims(struct builder *b)
{
    const struct config *c = b->c;
    bool decoding = b->purpose == FOR_DECODING;
    int64_t hidden = config_int(c, "hidden"), heads = config_int(c, "head"), ff = config_int(c, "ff");
    dim(b, "layer", 'L', config_int(c, "layer"), false);
    dim(b, "batch", 'B', b->batch, false);
    dim(b, "seq", 'T', b->seq, decoding);
    dim(b, "key", 'T', decoding ? b->positions : b->seq, decoding);
    if (decoding) {
        dim(b, "past", 'C', b->positions, true);
        dim(b, "cached", 'P', b->positions, false);
    }
    dim(b, "vocab", 'V', config_int(c, "vocab"), false);               /* before hidden, since people write V·D */
    dim(b, "position", 'P', config_int(c, "position"), false);
    dim(b, "hidden", 'D', hidden, false);
    dim(b, "inner", 'D', hidden, false);
    dim(b, "head", 'H', heads, false);
    dim(b, "head_dim", 'K', hidden / heads, false);
    dim(b, "three", 0, 3, false);
    dim(b, "ff", 'F', ff, false);
    rk_dim_relate(b->g, "head head_dim", 1, "hidden");
    if (ff == 4 * hidden) rk_dim_relate(b->g, "ff", 4, "hidden");
}

const struct stack stack_decoder = { "seq", "key", "head", "head_dim", "ff" };
const struct stack stack_encoder = { "source", "source_key", "source_head", "source_head_dim", "source_ff" };

void block_source_dims(struct builder *b)
{
    const struct config *c = b->c;
    bool decoding = b->purpose == FOR_DECODING || b->purpose == FOR_ENCODING;
    int64_t hidden = config_int(c, "hidden"), heads = config_int(c, "source_head"), ff = config_int(c, "source_ff");
    bool same_heads = heads == config_int(c, "head"), same_ff = ff == config_int(c, "ff");
    dim(b, "source", 'S', b->source, decoding);
    dim(b, "source_key", 'S', b->source, decoding);
    if (decoding) dim(b, "source_cached", 'S', b->source, false);
    if (b->purpose == FOR_ENCODING) dim(b, "none", 0, 1, true);         /* a source is written from its beginning */
    dim(b, "source_head", same_heads ? 'H' : 'A', heads, false);        /* a letter for each size */
    dim(b, "source_head_dim", same_heads ? 'K' : 'J', hidden / heads, false);
    dim(b, "source_ff", same_ff ? 'F' : 'E', ff, false);
    rk_dim_relate(b->g, "source_head source_head_dim", 1, "hidden");
    if (ff == 4 * hidden) rk_dim_relate(b->g, "source_ff", 4, "hidden");
}

struct text { char at[256]; };

/* "batch $s hidden" with the names of the tower: $s seq, $h head, $k head_dim, $f ff. */
static struct text named(const struct builder *b, const char *dims)
{
    const struct stack *t = b->stack;
    struct text out = { "" };
    size_t n = 0;
    for (const char *s = dims; *s != '\0' && n + 1 < sizeof out.at; s++) {
        if (*s != '$') {
            out.at[n++] = *s;
            continue;
        }
        s++;
        const char *name = *s == 's' ? t->seq : *s == 'h' ? t->head : *s == 'k' ? t->head_dim : t->ff;
        n += (size_t)snprintf(out.at + n, sizeof out.at - n, "%s", name);
    }
    return out;
}

rk_ref block_tokens(struct builder *b) { return rk_input(b->g, "tokens", RK_i32, "batch seq"); }

static rk_ref lengths_named(struct builder *b, const char *name)
{
    rk_ref known = graph_find_source(b->g, &op_input, 0, name);
    return known != 0 ? known : rk_input(b->g, name, RK_i32, "batch");
}

rk_ref block_lengths(struct builder *b)        { return b->padded ? lengths_named(b, "lengths") : 0; }
rk_ref block_source_lengths(struct builder *b) { return b->source_padded ? lengths_named(b, "source_lengths") : 0; }

/* --- parameters --- */

static rk_status note(rk_ctx *ctx, struct parameters *list, struct parameter p)
{
    VEC_PUSH(list, p);
    return RK_OK;
}

static rk_ref state(struct builder *b, struct parameters *list, rk_kind kind, const char *name, const char *dims, struct init init, bool decays)
{
    char full[512];
    if (graph_broken(b->g)) return 0;
    (void)path_below(b->g, name, full, sizeof full);
    rk_ref ref = rk_state(b->g, kind, full, b->dtype, dims);
    if (ref == 0) return 0;
    rk_status status = note(b->ctx, list, (struct parameter){ ref, node_of(b->g, ref)->text, init, decays, kind });
    if (status != RK_OK) graph_mistake(b->g, status);
    return ref;
}

rk_ref parameter(struct builder *b, const char *name, const char *dims, struct init init, bool decays)
{
    return state(b, &b->parameters, RK_PARAMETER, name, dims, init, decays);
}

rk_ref constant(struct builder *b, const char *name, const char *dims, struct init init) { return state(b, &b->constants, RK_CONSTANT, name, dims, init, false); }

static const struct init ones = { INIT_ONES, 0 }, zeros = { INIT_ZEROS, 0 };

rk_ref linear(struct builder *b, const char *name, const char *equation, const char *weight_dims, const char *bias_dims, rk_ref x, struct init init)
{
    rk_enter(b->g, name);
    rk_ref y = rk_einsum(b->g, equation, x, parameter(b, "weight", weight_dims, init, true));
    if (bias_dims != NULL) y = rk_add(b->g, y, parameter(b, "bias", bias_dims, zeros, false));
    rk_leave(b->g);
    return y;
}

rk_ref layer_norm(struct builder *b, const char *name, rk_ref x, double eps, bool bias)
{
    rk_enter(b->g, name);
    rk_ref w = parameter(b, "weight", "hidden", ones, false), add = bias ? parameter(b, "bias", "hidden", zeros, false) : 0;
    rk_ref y = rk_layer_norm(b->g, x, "hidden", w, add, eps);
    rk_leave(b->g);
    return y;
}

rk_ref deviation_norm(struct builder *b, const char *name, rk_ref x, double eps)
{
    rk_enter(b->g, name);
    rk_ref w = parameter(b, "weight", "hidden", ones, false), bias = parameter(b, "bias", "hidden", zeros, false);
    rk_ref y = rk_deviation_norm(b->g, x, "hidden", w, bias, eps);
    rk_leave(b->g);
    return y;
}

rk_ref rms_norm(struct builder *b, const char *name, rk_ref x, double eps)
{
    rk_enter(b->g, name);
    rk_ref y = rk_rms_norm(b->g, x, "hidden", parameter(b, "weight", "hidden", ones, false), eps);
    rk_leave(b->g);
    return y;
}

/* --- tokens to vectors --- */

rk_ref embedding(struct builder *b, const char *name, rk_ref tokens, struct init init, rk_ref *table)
{
    return lookup(b, name, "vocab hidden", tokens, init, table);
}

rk_ref lookup(struct builder *b, const char *name, const char *dims, rk_ref ids, struct init init, rk_ref *table)
{
    char first[64];
    (void)snprintf(first, sizeof first, "%.*s", (int)strcspn(dims, " "), dims);
    rk_enter(b->g, name);
    *table = parameter(b, "weight", dims, init, true);
    rk_ref x = rk_gather(b->g, *table, first, ids);
    rk_leave(b->g);
    return x;
}

rk_ref unpadded(struct builder *b, rk_ref x, rk_ref tokens, int64_t pad)
{
    if (pad < 0 || !has_loss(b)) return x;
    return rk_map3(b->g, "where", rk_map2(b->g, "equal", tokens, rk_const(b->g, (double)pad)), rk_detach(b->g, x), x);
}

rk_ref add_rows(struct builder *b, rk_ref x, rk_ref table)
{
    return rk_add(b->g, x, rk_gather(b->g, table, "position", rk_iota(b->g, b->stack->seq, b->purpose == FOR_DECODING ? "past" : NULL)));
}

rk_ref positions(struct builder *b, const char *name, rk_ref x, struct init init)
{
    rk_enter(b->g, name);
    x = add_rows(b, x, parameter(b, "weight", "position hidden", init, true));
    rk_leave(b->g);
    return x;
}

static const char *site_of(struct builder *b, const char *name, char *text, size_t room)
{
    (void)snprintf(text, room, "%s.%s", b->g->paths.at[b->g->path], name);
    return text;
}

static rk_ref drop(struct builder *b, const char *name, rk_ref x, double rate, const char *dims)
{
    char site[512];
    if (b->purpose != FOR_TRAINING || !b->dropout || rate <= 0) return x;
    return rk_mul(b->g, x, rk_rand(b->g, site_of(b, name, site, sizeof site), 1 - rate, named(b, dims).at));
}

rk_ref dropout(struct builder *b, const char *name, rk_ref x, double rate) { return drop(b, name, x, rate, "batch $s hidden"); }

/* --- attention --- */

static void project(struct builder *b, rk_ref x, const struct attention *a, rk_ref qkv[3])
{
    static const char *const names[] = { "q", "k", "v" };
    struct text w = named(b, a->fused_qkv ? "three $h $k hidden" : "$h $k hidden"), bias = named(b, a->fused_qkv ? "three $h $k" : "$h $k");
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
    return rk_slice(b->g, rk_append(b->g, cache, x, "cached", "past"), "cached", 0, "key");
}

static rk_ref attend(struct builder *b, rk_ref q, rk_ref k, rk_ref v, const char *key, bool causal, const struct attention *a)
{
    char site[512];
    struct text w = named(b, "hidden $h $k");
    bool drops = b->purpose == FOR_TRAINING && b->dropout && a->dropout > 0;
    rk_attend_options options = { .causal = causal, .scale = a->scale, .keep = drops ? 1 - a->dropout : 1, .site = site_of(b, "weights", site, sizeof site), .lengths = a->lengths };
    rk_ref y = rk_attend(b->g, q, k, v, b->stack->seq, key, b->stack->head_dim, &options);
    return linear(b, "out", "b t h k, d h k -> b t d", w.at, a->bias ? "hidden" : NULL, y, a->out_init);
}

rk_ref attention(struct builder *b, const char *name, rk_ref x, const struct attention *a)
{
    rk_ref qkv[3];
    const char *past = b->purpose == FOR_DECODING ? "past" : NULL;
    rk_enter(b->g, name);
    project(b, x, a, qkv);
    for (int i = 0; i < 2 && a->rotary.on; i++) qkv[i] = rk_rope(b->g, qkv[i], b->stack->seq, past, b->stack->head_dim, a->rotary.style, a->rotary.numbers, a->rotary.theta);
    rk_ref k = with_past(b, "k", qkv[1]), v = with_past(b, "v", qkv[2]);
    rk_ref y = attend(b, qkv[0], k, v, b->stack->key, !a->both_ways, a);
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
    rk_ref y = rk_einsum(b->g, "b t d, h k d -> b t h k", x, rk_select(b->g, fused[0], "three", i));
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

static rk_ref from_memory(struct builder *b, int i, rk_ref memory, const struct attention *a, const rk_ref fused[2])
{
    rk_ref cache = b->purpose == FOR_DECODING ? cache_of(b, i == 1 ? "k" : "v", "batch source_cached head head_dim") : 0;
    return cache != 0 ? rk_slice(b->g, cache, "source_cached", 0, "source") : cross_project(b, i, memory, a, fused);
}

rk_ref cross_attention(struct builder *b, const char *name, rk_ref x, rk_ref memory, const struct attention *a)
{
    rk_ref fused[2] = { 0 };
    rk_enter(b->g, name);
    cross_fused(b, a, fused);
    rk_ref q = cross_project(b, 0, x, a, fused), k = from_memory(b, 1, memory, a, fused), v = from_memory(b, 2, memory, a, fused);
    rk_ref y = attend(b, q, k, v, "source", false, a);
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

rk_ref mlp(struct builder *b, const char *name, rk_ref x, const struct mlp *m)
{
    rk_enter(b->g, name);
    struct text in = named(b, "$f hidden"), bias = named(b, "$f"), out = named(b, "hidden $f");
    rk_ref up = linear(b, "up", "b t d, f d -> b t f", in.at, m->bias ? bias.at : NULL, x, m->init);
    rk_ref y = 0;
    if (m->gate) y = rk_mul(b->g, rk_map(b->g, m->act, linear(b, "gate", "b t d, f d -> b t f", in.at, m->bias ? bias.at : NULL, x, m->init)), up);
    else y = rk_map(b->g, m->act, up);
    y = drop(b, "inner", y, m->dropout, "batch $s $f");
    y = linear(b, "down", "b t f, d f -> b t d", out.at, m->bias ? "hidden" : NULL, y, m->out_init);
    rk_leave(b->g);
    return y;
}

/* --- the end --- */

struct dims_text { char at[RK_MAX_RANK * 64]; };
static struct dims_text dims_of(const rk_graph *g, const struct node *n)
{
    struct dims_text names = { "" };
    for (int i = 0; i < n->rank; i++) {
        if (i > 0) (void)strcat(names.at, " ");
        (void)strncat(names.at, dim_name(g, n->dim[i]), 62);
    }
    return names;
}

void hidden_state(struct builder *b, int i, rk_ref x)
{
    char name[32];
    if (!b->hidden_states) return;
    (void)snprintf(name, sizeof name, "hidden.%d", i);
    rk_output(b->g, name, x);
}

rk_ref blocks(struct builder *b, rk_ref x, rk_ref (*block)(struct builder *b, rk_ref x), bool last)
{
    int64_t layers = config_int(b->c, "layer");
    char name[16];
    hidden_state(b, 0, x);
    rk_enter(b->g, "h");
    for (b->layer = 0; b->layer < layers; b->layer++) {
        (void)snprintf(name, sizeof name, "%d", b->layer);
        rk_enter(b->g, name);
        x = block(b, x);
        rk_leave(b->g);
        if (last || b->layer + 1 < layers) hidden_state(b, b->layer + 1, x);
    }
    rk_leave(b->g);
    return x;
}

void add_loss(struct builder *b, rk_ref part) { b->loss = b->loss == 0 ? part : rk_add(b->g, b->loss, part); }

void bare(struct builder *b, const char *name, rk_ref x)
{
    char input[64];
    if (!has_loss(b) || graph_broken(b->g)) {
        rk_output(b->g, name, x);
        return;
    }
    const struct node *n = node_of(b->g, x);
    struct dims_text dims = dims_of(b->g, n);
    (void)snprintf(input, sizeof input, "%s_gradient", name);
    add_loss(b, rk_reduce(b->g, "sum", rk_mul(b->g, x, rk_input(b->g, input, n->dtype, dims.at)), dims.at));
}

void predict(struct builder *b, rk_ref x, rk_ref w, rk_ref bias)
{
    rk_graph *g = b->g;
    if (has_loss(b)) {
        add_loss(b, rk_xent_head(g, x, w, bias, rk_input(g, "labels", RK_i32, "batch seq"), "hidden", "vocab"));
        return;
    }
    bool last = b->purpose == FOR_DECODING;
    if (last) x = rk_gather(g, x, "seq", rk_input(g, "last", RK_i32, "batch"));           /* one position per sequence */
    rk_ref logits = rk_einsum(g, last ? "b d, v d -> b v" : "b t d, v d -> b t v", x, w);
    rk_output(g, "logits", bias != 0 ? rk_add(g, logits, bias) : logits);
}

void head(struct builder *b, const char *name, rk_ref x, rk_ref table, bool bias, struct init init)
{
    if (config_ends_in(b->c, "model")) {
        bare(b, "hidden", x);
        return;
    }
    rk_enter(b->g, name);
    rk_ref w = table != 0 ? table : parameter(b, "weight", "vocab hidden", init, true);
    predict(b, x, w, bias ? parameter(b, "bias", "vocab", zeros, false) : 0);
    rk_leave(b->g);
}
