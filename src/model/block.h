/* block.h: the blocks that families are wired from. Each declares its parameters under the module it stands in.
 *
 * Dimensions (block_dims): batch B, seq T, hidden D, head H, head_dim K, ff F, vocab V, position P; key is T again, as the
 * position of what is attended to. While decoding, seq, key and past are live. */
#ifndef MODEL_BLOCK_H
#define MODEL_BLOCK_H
#include "model/arch.h"

/* --- fields that families share, under the names that their files have for them --- */

#define FIELD_SIZES(positions, width, layers, heads)                                                                  \
    { "vocab",    "vocab_size", FIELD_INT, NULL, 1, 1 << 28, NULL, false },                                             \
    { "position", positions,    FIELD_INT, NULL, 1, 1 << 28, NULL, false },                                             \
    { "hidden",   width,        FIELD_INT, NULL, 1, 1 << 24, NULL, false },                                             \
    { "layer",    layers,       FIELD_INT, NULL, 1, 4096,    NULL, false },                                             \
    { "head",     heads,        FIELD_INT, NULL, 1, 1 << 16, NULL, false }
#define FIELD_FF(spellings, standard)     { "ff",    spellings, FIELD_INT,    standard, 1, 1 << 26,    NULL, false }
#define FIELD_ACT(spellings, standard)    { "act",   spellings, FIELD_CHOICE, standard, 0, 0, ACTIVATIONS,  false }
#define FIELD_EPS(spellings)              { "eps",   spellings, FIELD_REAL,   "1e-5",   0, 1,          NULL, false }
#define FIELD_THETA(spellings)            { "theta", spellings, FIELD_REAL,   "10000",  1e-3, 1e12,    NULL, false }
#define FIELD_TIED(standard)              { "tied",  "tie_word_embeddings", FIELD_FLAG, standard, 0, 1, NULL, false }
#define FIELD_FLAGGED(name, spellings, standard)  { name, spellings, FIELD_FLAG, standard, 0, 1,        NULL, false }
#define FIELD_ALWAYS(name, spellings)     { name,    spellings, FIELD_FLAG,   "true",   1, 1,          NULL, false }
#define FIELD_NEVER(name, spellings)      { name,    spellings, FIELD_FLAG,   "false",  0, 0,          NULL, false }
#define FIELD_DROPOUT(name, spellings, standard)  { name, spellings, FIELD_REAL, standard, 0, 0.999,   NULL, true }
#define FIELD_INIT                        { "init",  "initializer_range",  FIELD_REAL, "0.02", 0, 1e3,  NULL, true }

/* Activations as transformers calls them. */
#define ACTIVATIONS "gelu_new=gelu_tanh gelu=gelu_erf gelu_python=gelu_erf gelu_fast=gelu_tanh gelu_pytorch_tanh=gelu_tanh quick_gelu relu silu swish=silu tanh"

/* --- blocks --- */

/* Refuses heads that do not divide the hidden size. */
rk_status block_check_heads(rk_ctx *ctx, const struct config *c) RK_CHECK;
/* The size of a head. */
int64_t block_head_dim(const struct config *c);

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

/* Of a head the first `numbers`, pair i by position · theta^(-2i/numbers). */
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

/* Every layer in turn, as h.0, h.1 ...: x = block(x), with b->layer its number. hidden.0 is what goes in; what comes out of the
 * last is hidden.L only where `last`: families differ on which side of the final norm that is. */
rk_ref blocks(struct builder *b, rk_ref x, rk_ref (*block)(struct builder *b, rk_ref x), bool last);
void hidden_state(struct builder *b, int i, rk_ref x);
/* Loss or logits, whatever the builder is for, from the last hidden state; `table` is the tied embedding or 0. */
void head(struct builder *b, const char *name, rk_ref x, rk_ref table, bool bias, struct init init);

#endif
