/* block_end.c: from the first block to the loss, to logits, or to nothing but hidden states. */
#include "model/block_inner.h"
#include <stdio.h>
#include <string.h>

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

int64_t block_count(const struct builder *b, const char *layers)
{
    int64_t n = config_int(b->c, layers);
    return b->most_blocks > 0 && b->most_blocks < n ? b->most_blocks : n;
}

/* What follows the blocks asks for rows of this dimension alone. While decoding the last query sees all keys there are, or all within its row's
 * length; of those that were picked each does where attention goes both ways. */
static const char *wanted_behind(const struct builder *b)
{
    if (b->hidden_states) return NULL;
    return b->purpose == FOR_DECODING ? "end" : b->picks > 0 && config_ends_in(b->c, "mlm") ? "pick" : NULL;
}

rk_ref blocks(struct builder *b, rk_ref x, rk_ref (*block)(struct builder *b, rk_ref x), bool last)
{
    const int64_t layers = block_count(b, "layer");
    char name[16];
    hidden_state(b, 0, x);
    rk_enter(b->g, "h");
    b->in_block = true;
    for (b->layer = 0; b->layer < layers; b->layer++) {
        (void)snprintf(name, sizeof name, "%d", b->layer);
        rk_enter(b->g, name);
        if (b->layer + 1 == layers) b->wanted = wanted_behind(b);
        x = block(b, x);
        rk_leave(b->g);
        if (last || b->layer + 1 < layers) hidden_state(b, b->layer + 1, x);
    }
    b->in_block = false;
    rk_leave(b->g);
    return x;
}

void add_loss(struct builder *b, rk_ref part) { b->loss = b->loss == 0 ? part : rk_add(b->g, b->loss, part); }

void bare(struct builder *b, const char *name, rk_ref x)
{
    char input[64];
    if (!block_has_loss(b) || graph_broken(b->g)) {
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
    if (block_has_loss(b)) {
        add_loss(b, rk_xent_head(g, x, w, bias, rk_input(g, "labels", RK_i32, "batch seq"), "hidden", "vocab"));
        return;
    }
    bool last = b->purpose == FOR_DECODING, picks = b->picks > 0;
    if (last) x = b->wanted != NULL ? rk_select(g, x, b->wanted, 0) : rk_gather(g, x, "seq", block_integers(b, "last", "batch"));
    if (picks && b->wanted == NULL) x = rk_gather(g, x, "seq", block_integers(b, "picks", "batch pick"));
    rk_ref logits = contract(b, last ? "b d, v d -> b v" : picks ? "b p d, v d -> b p v" : "b t d, v d -> b t v", x, w);
    if (bias != 0) logits = rk_add(g, logits, bias);
    rk_output(g, "logits", logits);
    if (last && b->log_sums) rk_output(g, "log_sum", rk_log_sum_exp(g, logits, "vocab"));
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
