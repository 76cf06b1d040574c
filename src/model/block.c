/* block.c: parameters, and what has no memory of its own: linear maps, norms, tables, dropout, the MLP. */
#include "model/block_inner.h"
#include "base/vec.h"
#include <stdio.h>
#include <string.h>

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
    rk_ref ref, seen = block_state(b, kind, full, dims, &ref);
    if (ref == 0) return 0;
    rk_status status = note(b->ctx, list, (struct parameter){ .ref = ref, .name = node_of(b->g, ref)->text, .init = init, .decays = decays, .kind = kind, .in_block = b->in_block });
    if (status != RK_OK) graph_mistake(b->g, status);
    return seen;
}

rk_ref parameter(struct builder *b, const char *name, const char *dims, struct init init, bool decays)
{
    return state(b, &b->parameters, RK_PARAMETER, name, dims, init, decays);
}

rk_ref constant(struct builder *b, const char *name, const char *dims, struct init init) { return state(b, &b->constants, RK_CONSTANT, name, dims, init, false); }

static const struct init ones = { INIT_ONES, 0 };

rk_ref linear(struct builder *b, const char *name, const char *equation, const char *weight_dims, const char *bias_dims, rk_ref x, struct init init)
{
    rk_enter(b->g, name);
    rk_ref y = contract(b, equation, x, parameter(b, "weight", weight_dims, init, true));
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
    rk_ref x = rows_of(b, *table, first, ids);
    rk_leave(b->g);
    return x;
}

rk_ref unpadded(struct builder *b, rk_ref x, rk_ref tokens, int64_t pad)
{
    if (pad < 0 || !block_has_loss(b)) return x;
    return rk_map3(b->g, "where", rk_map2(b->g, "equal", tokens, rk_const(b->g, (double)pad)), rk_detach(b->g, x), x);
}

rk_ref add_rows(struct builder *b, rk_ref x, rk_ref table)
{
    rk_ref places = b->ragged ? block_positions(b) : rk_iota(b->g, b->stack->seq, b->purpose == FOR_DECODING ? "past" : NULL);
    return rk_add(b->g, x, rows_of(b, table, "position", places));
}

rk_ref positions(struct builder *b, const char *name, rk_ref x, struct init init)
{
    rk_enter(b->g, name);
    x = add_rows(b, x, parameter(b, "weight", "position hidden", init, true));
    rk_leave(b->g);
    return x;
}

rk_ref block_drop(struct builder *b, const char *name, rk_ref x, double rate, const char *dims)
{
    char site[512];
    (void)path_below(b->g, name, site, sizeof site);
    if (b->purpose != FOR_TRAINING || !b->dropout || rate <= 0) return x;
    return rk_mul(b->g, x, rk_rand(b->g, site, 1 - rate, block_named(b, dims).at));
}

rk_ref dropout(struct builder *b, const char *name, rk_ref x, double rate) { return block_drop(b, name, x, rate, "batch $s hidden"); }

/* --- the MLP --- */

rk_ref mlp(struct builder *b, const char *name, rk_ref x, const struct mlp *m)
{
    rk_enter(b->g, name);
    struct block_text in = block_named(b, "$f hidden"), bias = block_named(b, "$f"), out = block_named(b, "hidden $f");
    rk_ref up = linear(b, "up", "b t d, f d -> b t f", in.at, m->bias ? bias.at : NULL, x, m->init);
    rk_ref y = 0;
    if (m->gate) y = rk_mul(b->g, rk_map(b->g, m->act, linear(b, "gate", "b t d, f d -> b t f", in.at, m->bias ? bias.at : NULL, x, m->init)), up);
    else y = rk_map(b->g, m->act, up);
    y = block_drop(b, "inner", y, m->dropout, "batch $s $f");
    y = linear(b, "down", "b t f, d f -> b t d", out.at, m->bias ? "hidden" : NULL, y, m->out_init);
    rk_leave(b->g);
    return y;
}
