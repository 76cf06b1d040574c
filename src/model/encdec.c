/* encdec.c: see encdec.h.
 *
 *   memory = encoder(source):  x = norm(x + attn x);  x = norm(x + mlp x)
 *   decoder(tokens, memory):   x = norm(x + attn x);  x = norm(x + cross(x, memory));  x = norm(x + mlp x)
 *
 * or with the norms in front: x += attn(norm x). While decoding, the encoder is not there: what it left lies in caches.
 * Source: Vaswani et al. 2017 (arXiv 1706.03762). */
#include "model/encdec.h"
#include "core/graph.h"
#include "model/config.h"
#include <math.h>
#include <stdio.h>

struct towers { struct builder *b; const struct encdec *e; rk_ref memory, positions; };        /* positions: of both towers, or 0 */

rk_status encdec_check(rk_ctx *ctx, const struct config *c)
{
    static const char *const heads[] = { "head", "source_head" };
    int64_t hidden = config_int(c, "hidden");
    for (int i = 0; i < 2; i++)
        if (hidden % config_int(c, heads[i]) != 0)
            return FAIL(RK_E_SHAPE, "the width %lld is no multiple of %lld heads of the %s", (long long)hidden, (long long)config_int(c, heads[i]), i == 0 ? "decoder" : "encoder");
    if (config_flag(c, "share") && config_int(c, "vocab") != config_int(c, "source_vocab"))
        return FAIL(RK_E_SHAPE, "source and target share one table, but have vocabularies of %lld and %lld", (long long)config_int(c, "source_vocab"), (long long)config_int(c, "vocab"));
    return RK_OK;
}

/* --- parts of a block --- */

static struct init glorot(const struct encdec *e, int64_t in, int64_t out)
{
    return e->matrix.deviation > 0 ? e->matrix : (struct init){ INIT_UNIFORM, sqrt(6 / (double)(in + out)) };
}

static rk_ref norm(const struct towers *t, const char *name, rk_ref x)
{
    double eps = config_real(t->b->c, "eps");
    return t->e->deviation ? deviation_norm(t->b, name, x, eps) : layer_norm(t->b, name, x, eps, config_flag(t->b->c, "bias"));
}

static rk_ref before(const struct towers *t, const char *name, rk_ref x) { return t->e->pre_norm ? norm(t, name, x) : x; }

static rk_ref after(const struct towers *t, const char *name, const char *site, rk_ref x, rk_ref y)
{
    x = rk_add(t->b->g, x, dropout(t->b, site, y, config_real(t->b->c, "pdrop")));
    return t->e->pre_norm ? x : norm(t, name, x);
}

static struct attention attention_of(const struct towers *t, bool source, rk_ref lengths)
{
    const struct config *c = t->b->c;
    int64_t hidden = config_int(c, "hidden"), width = hidden / config_int(c, source ? "source_head" : "head");
    return (struct attention){ .fused_qkv = t->e->fused_qkv, .bias = config_flag(c, "bias"), .both_ways = source, .lengths = lengths, .scale = 1 / sqrt((double)width),
                               .dropout = config_real(c, "attn_pdrop"), .init = glorot(t->e, hidden, t->e->fused_qkv ? 3 * hidden : hidden), .out_init = glorot(t->e, hidden, hidden) };
}

static rk_ref feed_forward(const struct towers *t, bool source, rk_ref x)
{
    const struct config *c = t->b->c;
    struct init init = glorot(t->e, config_int(c, "hidden"), config_int(c, source ? "source_ff" : "ff"));
    return mlp(t->b, "mlp", x, &(struct mlp){ .act = config_text(c, "act"), .bias = config_flag(c, "bias"), .dropout = config_real(c, "act_pdrop"), .init = init, .out_init = init });
}

static rk_ref encoder_block(const struct towers *t, rk_ref x)
{
    struct attention a = attention_of(t, true, block_source_lengths(t->b));
    x = after(t, "norm1", "attn", x, attention(t->b, "attn", before(t, "norm1", x), &a));
    return after(t, "norm2", "mlp", x, feed_forward(t, true, before(t, "norm2", x)));
}

static rk_ref decoder_block(const struct towers *t, rk_ref x)
{
    struct attention a = attention_of(t, false, block_lengths(t->b)), cross = attention_of(t, false, block_source_lengths(t->b));
    if (t->b->purpose == FOR_ENCODING) {
        cross_remember(t->b, "cross", t->memory, &cross);
        return 0;
    }
    x = after(t, "norm1", "attn", x, attention(t->b, "attn", before(t, "norm1", x), &a));
    x = after(t, "norm2", "cross", x, cross_attention(t->b, "cross", before(t, "norm2", x), t->memory, &cross));
    return after(t, "norm3", "mlp", x, feed_forward(t, false, before(t, "norm3", x)));
}

/* --- towers --- */

static rk_ref tower(const struct towers *t, const char *layers, int first_hidden, rk_ref x, rk_ref (*block)(const struct towers *t, rk_ref x))
{
    struct builder *b = t->b;
    rk_enter(b->g, "h");
    b->in_block = true;
    for (b->layer = 0; b->layer < block_count(b, layers); b->layer++) {
        char name[16];
        (void)snprintf(name, sizeof name, "%d", b->layer);
        rk_enter(b->g, name);
        x = block(t, x);
        rk_leave(b->g);
        if (x != 0) hidden_state(b, first_hidden + b->layer + 1, x);
    }
    b->in_block = false;
    rk_leave(b->g);
    return x != 0 && t->e->final_norm ? norm(t, "norm", x) : x;
}

/* Vectors from outside, by which whoever made them wants gradients. */
static rk_ref vectors(struct builder *b, const char *name, const char *dims)
{
    rk_ctx *ctx = b->ctx;
    rk_ref x = rk_input(b->g, name, b->dtype, dims);
    if (x == 0) return 0;
    rk_status status = VEC_ROOM(&b->inputs, 1);
    if (status != RK_OK) graph_mistake(b->g, status);
    else b->inputs.at[b->inputs.n++] = (struct parameter){ .ref = x, .name = node_of(b->g, x)->text, .kind = RK_INPUT };
    return x;
}

/* Rows of the table that `ids` name, times √D, with positions. */
static rk_ref read_ids(const struct towers *t, const char *name, rk_ref table, const char *vocab, rk_ref ids)
{
    struct builder *b = t->b;
    rk_enter(b->g, name);
    rk_ref x = unpadded(b, rows_of(b, table, vocab, ids), ids, t->e->pad);
    rk_leave(b->g);
    return config_flag(b->c, "scaled") ? rk_scale(b->g, x, sqrt((double)config_int(b->c, "hidden"))) : x;
}

/* In the module where it stands. */
static rk_ref position_table(const struct towers *t)
{
    rk_enter(t->b->g, "position");
    rk_ref table = constant(t->b, "weight", "position hidden", (struct init){ t->e->positions, 0 });
    rk_leave(t->b->g);
    return table;
}

static rk_ref with_positions(const struct towers *t, rk_ref x)
{
    if (t->e->positions == INIT_ZEROS) return x;
    return add_rows(t->b, x, t->positions != 0 ? t->positions : position_table(t));
}

static rk_ref table_of(const struct towers *t, const char *name, const char *dims)
{
    rk_enter(t->b->g, name);
    rk_ref table = parameter(t->b, "weight", dims, t->e->table, true);
    rk_leave(t->b->g);
    return table;
}

static const char *table_name(const struct encdec *e) { return e->table_name != NULL ? e->table_name : "embed"; }

static rk_ref source_of(const struct towers *t, rk_ref table)
{
    struct builder *b = t->b;
    if (!t->e->embedded) return vectors(b, "source", "batch source hidden");
    rk_ref ids = rk_input(b->g, "source", RK_i32, "batch source");
    if (!config_flag(b->c, "share")) return read_ids(t, "source_embed", table_of(t, "source_embed", "source_vocab hidden"), "source_vocab", ids);
    return read_ids(t, "embed", table, "vocab", ids);
}

static rk_ref encode(struct towers *t, rk_ref table)
{
    struct builder *b = t->b;
    b->stack = &stack_encoder;
    rk_ref x = source_of(t, table);
    rk_enter(b->g, "encoder");
    x = dropout(b, "embed", with_positions(t, x), config_real(b->c, "pdrop"));
    hidden_state(b, 0, x);
    x = tower(t, "source_layer", 0, x, encoder_block);
    rk_leave(b->g);
    b->stack = &stack_decoder;
    return x;
}

static rk_ref decode(const struct towers *t, rk_ref table)
{
    struct builder *b = t->b;
    int first = (int)config_int(b->c, "source_layer") + 1;
    rk_ref x = 0;
    if (b->purpose != FOR_ENCODING) x = t->e->embedded ? read_ids(t, table_name(t->e), table, "vocab", block_tokens(b)) : vectors(b, "tokens", "batch seq hidden");
    rk_enter(b->g, "decoder");
    if (x != 0) {
        x = dropout(b, "embed", with_positions(t, x), config_real(b->c, "pdrop"));
        hidden_state(b, first, x);
    }
    x = tower(t, "layer", first, x, decoder_block);
    rk_leave(b->g);
    return x;
}

rk_ref encdec_towers(struct builder *b, const struct encdec *e, rk_ref *table)
{
    struct towers t = { .b = b, .e = e };
    block_dims(b);
    block_source_dims(b);
    (void)rk_dim_new(b->g, "source_vocab", config_flag(b->c, "share") ? 'V' : 'W', config_int(b->c, "source_vocab"));
    *table = e->embedded ? table_of(&t, table_name(e), "vocab hidden") : 0;
    if (e->positions != INIT_ZEROS && !e->stored_positions) t.positions = position_table(&t);
    if (b->purpose != FOR_DECODING) t.memory = encode(&t, *table);
    return decode(&t, *table);
}
