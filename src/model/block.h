/* block.h: the blocks that families are wired from. Each declares its parameters under the module it stands in.
 *
 * Dimensions (block_dims): batch B, seq T, hidden D, head H, head_dim K, ff F, vocab V, position P; key is T again, as the
 * position of what is attended to. While decoding, seq, key and past are live. */
#ifndef MODEL_BLOCK_H
#define MODEL_BLOCK_H
#include "model/arch.h"

/* Declares the dimensions from the fields vocab, position, hidden, head, ff and layer; says that H·K is D, and F = 4·D where
 * it is. */
void block_dims(struct builder *b);
/* tokens [batch seq] */
rk_ref block_tokens(struct builder *b);

rk_ref parameter(struct builder *b, const char *name, const char *dims, struct init init, bool decays);

rk_ref embedding(struct builder *b, const char *name, rk_ref tokens, struct init init, rk_ref *table);     /* rows of [vocab hidden] */
rk_ref positions(struct builder *b, const char *name, rk_ref x, struct init init);                          /* x + rows of [position hidden] */
rk_ref layer_norm(struct builder *b, const char *name, rk_ref x, double eps, bool bias);
rk_ref rms_norm(struct builder *b, const char *name, rk_ref x, double eps);
rk_ref dropout(struct builder *b, const char *name, rk_ref x, double rate);

struct rotary { bool on; rk_rope_style style; int64_t numbers; double theta; };
struct attention {
    bool fused_qkv, bias;               /* one projection [three head head_dim hidden], or q, k and v */
    struct rotary rotary;
    double scale, dropout;
    struct init init, out_init;
};
rk_ref attention(struct builder *b, const char *name, rk_ref x, const struct attention *a);     /* causal */

struct mlp { const char *act; bool gate, bias; struct init init, out_init; };
rk_ref mlp(struct builder *b, const char *name, rk_ref x, const struct mlp *m);                 /* down(act(up x)), or down(act(gate x) · up x) */

void hidden_state(struct builder *b, int i, rk_ref x);
/* Loss or logits, whatever the builder is for, from the last hidden state; `table` is the tied embedding or 0. */
void head(struct builder *b, const char *name, rk_ref x, rk_ref table, bool bias, struct init init);

#endif
