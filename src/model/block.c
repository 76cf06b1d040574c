/* block.c: see block.h. */
#include "model/block.h"
#include "base/vec.h"
#include "core/graph.h"
#include "model/config.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

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
    dim(b, "head", 'H', heads, false);
    dim(b, "head_dim", 'K', hidden / heads, false);
    dim(b, "three", 0, 3, false);
    dim(b, "ff", 'F', ff, false);
    rk_dim_relate(b->g, "head head_dim", 1, "hidden");
    if (ff == 4 * hidden) rk_dim_relate(b->g, "ff", 4, "hidden");
}

rk_ref block_tokens(struct builder *b) { return rk_input(b->g, "tokens", RK_i32, "batch seq"); }

/* --- parameters --- */

static rk_status note(rk_ctx *ctx, struct builder *b, struct parameter p)
{
    VEC_PUSH(&b->parameters, p);
    return RK_OK;
}

rk_ref parameter(struct builder *b, const char *name, const char *dims, struct init init, bool decays)
{
    char full[512];
    if (graph_broken(b->g)) return 0;
    (void)path_below(b->g, name, full, sizeof full);
    rk_ref ref = rk_state(b->g, RK_PARAMETER, full, b->dtype, dims);
    if (ref == 0) return 0;
    rk_status status = note(b->ctx, b, (struct parameter){ ref, node_of(b->g, ref)->text, init, decays });
    if (status != RK_OK) graph_mistake(b->g, status);
    return ref;
}

static const struct init ones = { INIT_ONES, 0 }, zeros = { INIT_ZEROS, 0 };

static rk_ref linear(struct builder *b, const char *name, const char *equation, const char *weight_dims, const char *bias_dims, rk_ref x, struct init init)
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
    rk_enter(b->g, name);
    *table = parameter(b, "weight", "vocab hidden", init, true);
    rk_ref x = rk_gather(b->g, *table, "vocab", tokens);
    rk_leave(b->g);
    return x;
}

rk_ref positions(struct builder *b, const char *name, rk_ref x, struct init init)
{
    rk_enter(b->g, name);
    rk_ref table = parameter(b, "weight", "position hidden", init, true);
    rk_ref rows = rk_gather(b->g, table, "position", rk_iota(b->g, "seq", b->purpose == FOR_DECODING ? "past" : NULL));
    x = rk_add(b->g, x, rows);
    rk_leave(b->g);
    return x;
}

static const char *site_of(struct builder *b, const char *name, char *text, size_t room)
{
    (void)snprintf(text, room, "%s.%s", b->g->paths.at[b->g->path], name);
    return text;
}

rk_ref dropout(struct builder *b, const char *name, rk_ref x, double rate)
{
    char site[512];
    if (b->purpose != FOR_TRAINING || !b->dropout || rate <= 0) return x;
    return rk_mul(b->g, x, rk_rand(b->g, site_of(b, name, site, sizeof site), 1 - rate, "batch seq hidden"));
}

/* --- attention --- */

static void project(struct builder *b, rk_ref x, const struct attention *a, rk_ref qkv[3])
{
    static const char *const names[] = { "q", "k", "v" };
    if (a->fused_qkv) {
        rk_ref all = linear(b, "qkv", "b t d, c h k d -> b t c h k", "three head head_dim hidden", a->bias ? "three head head_dim" : NULL, x, a->init);
        for (int i = 0; i < 3; i++) qkv[i] = rk_select(b->g, all, "three", i);
        return;
    }
    for (int i = 0; i < 3; i++) qkv[i] = linear(b, names[i], "b t d, h k d -> b t h k", "head head_dim hidden", a->bias ? "head head_dim" : NULL, x, a->init);
}

/* k or v with all its past: written into the cache, and read back from its beginning. */
static rk_ref with_past(struct builder *b, const char *name, rk_ref x)
{
    char full[512];
    if (b->purpose != FOR_DECODING) return rk_rename(b->g, x, "seq", "key");
    (void)path_below(b->g, name, full, sizeof full);
    rk_ref cache = rk_state(b->g, RK_CACHE, full, b->dtype, "batch cached head head_dim");
    return rk_slice(b->g, rk_append(b->g, cache, x, "cached", "past"), "cached", 0, "key");
}

rk_ref attention(struct builder *b, const char *name, rk_ref x, const struct attention *a)
{
    char site[512];
    rk_ref qkv[3];
    const char *past = b->purpose == FOR_DECODING ? "past" : NULL;
    rk_enter(b->g, name);
    project(b, x, a, qkv);
    for (int i = 0; i < 2 && a->rotary.on; i++) qkv[i] = rk_rope(b->g, qkv[i], "seq", past, "head_dim", a->rotary.style, a->rotary.numbers, a->rotary.theta);
    rk_ref k = with_past(b, "k", qkv[1]), v = with_past(b, "v", qkv[2]);
    (void)path_below(b->g, "weights", site, sizeof site);
    bool drops = b->purpose == FOR_TRAINING && b->dropout && a->dropout > 0;
    rk_attend_options options = { .causal = true, .scale = a->scale, .keep = drops ? 1 - a->dropout : 1, .site = site };
    rk_ref y = rk_attend(b->g, qkv[0], k, v, "seq", "key", "head_dim", &options);
    y = linear(b, "out", "b t h k, d h k -> b t d", "hidden head head_dim", a->bias ? "hidden" : NULL, y, a->out_init);
    rk_leave(b->g);
    return y;
}

rk_ref mlp(struct builder *b, const char *name, rk_ref x, const struct mlp *m)
{
    rk_enter(b->g, name);
    rk_ref up = linear(b, "up", "b t d, f d -> b t f", "ff hidden", m->bias ? "ff" : NULL, x, m->init);
    rk_ref y = 0;
    if (m->gate) y = rk_mul(b->g, rk_map(b->g, m->act, linear(b, "gate", "b t d, f d -> b t f", "ff hidden", m->bias ? "ff" : NULL, x, m->init)), up);
    else y = rk_map(b->g, m->act, up);
    y = linear(b, "down", "b t f, d f -> b t d", "hidden ff", m->bias ? "hidden" : NULL, y, m->out_init);
    rk_leave(b->g);
    return y;
}

/* --- the end --- */

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

void head(struct builder *b, const char *name, rk_ref x, rk_ref table, bool bias, struct init init)
{
    rk_graph *g = b->g;
    rk_enter(g, name);
    rk_ref w = table != 0 ? table : parameter(b, "weight", "vocab hidden", init, true);
    rk_ref add = bias ? parameter(b, "bias", "vocab", zeros, false) : 0;
    if (b->purpose == FOR_TRAINING || b->purpose == FOR_SCORING) {
        rk_output(g, "loss", rk_xent_head(g, x, w, add, rk_input(g, "labels", RK_i32, "batch seq"), "hidden", "vocab"));
    } else {
        bool last = b->purpose == FOR_DECODING;
        if (last) x = rk_gather(g, x, "seq", rk_input(g, "last", RK_i32, "batch"));       /* one position per sequence */
        rk_ref logits = rk_einsum(g, last ? "b d, v d -> b v" : "b t d, v d -> b t v", x, w);
        if (add != 0) logits = rk_add(g, logits, add);
        rk_output(g, "logits", logits);
    }
    rk_leave(g);
}
