/* block.h: the blocks that families are wired from. Each declares its parameters under the module it stands in.
 *
 * Dimensions (block_dims): batch B, seq T, hidden D, head H, head_dim K, ff F, vocab V, position P; key is T again, as the
 * position of what is attended to; inner is D again, for square matrices. While decoding, seq, key and past are live. */
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
#define ACTIVATIONS "gelu_new=gelu_tanh gelu=gelu_erf gelu_python=gelu_erf gelu_fast=gelu_tanh gelu_pytorch_tanh=gelu_tanh quick_gelu gelu_10 relu silu swish=silu tanh"

/* --- blocks --- */

/* Refuses heads that do not divide the hidden size. */
rk_status block_check_heads(rk_ctx *ctx, const struct config *c) RK_CHECK;
/* The size of a head. */
int64_t block_head_dim(const struct config *c);
/* The dimensions of a tower of blocks. Of an encoder apart (block_source_dims): source S, source_key; heads and width of its own. */
struct stack { const char *seq, *key, *head, *head_dim, *ff; };
extern const struct stack stack_decoder, stack_encoder;

/* Declares the dimensions from the fields vocab, position, hidden, head, ff and layer; says that H·K is D, and F = 4·D where
 * it is. */
void block_dims(struct builder *b);
/* Those of the encoder, from the fields source_head, source_ff, source_layer. While decoding source and source_key are live. */
void block_source_dims(struct builder *b);
/* tokens [batch seq] */
rk_ref block_tokens(struct builder *b);
/* lengths [batch], where sequences are of different lengths; else 0. */
rk_ref block_lengths(struct builder *b);
rk_ref block_source_lengths(struct builder *b);

rk_ref parameter(struct builder *b, const char *name, const char *dims, struct init init, bool decays);

/* weight and bias of a module: einsum of the equation; bias_dims NULL: none. */
rk_ref constant(struct builder *b, const char *name, const char *dims, struct init init);      /* a table that is loaded or computed, not trained */

/* What is made of weights, however they lie: a contraction with one, rows of one by their numbers, and one of several in one. */
rk_ref contract(struct builder *b, const char *equation, rk_ref x, rk_ref w);
rk_ref rows_of(struct builder *b, rk_ref table, const char *dim, rk_ref ids);
rk_ref chosen(struct builder *b, rk_ref w, const char *dim, int64_t i);

rk_ref linear(struct builder *b, const char *name, const char *equation, const char *weight_dims, const char *bias_dims, rk_ref x, struct init init);
rk_ref embedding(struct builder *b, const char *name, rk_ref tokens, struct init init, rk_ref *table);     /* rows of [vocab hidden] */
/* Rows of a table of any dims, "types hidden". */
rk_ref lookup(struct builder *b, const char *name, const char *dims, rk_ref ids, struct init init, rk_ref *table);
/* x as it is, but where the token is `pad` no gradient passes on to its table, as torch has it; pad < 0: everywhere it does. */
rk_ref unpadded(struct builder *b, rk_ref x, rk_ref tokens, int64_t pad);
rk_ref positions(struct builder *b, const char *name, rk_ref x, struct init init);                          /* x + rows of [position hidden] */
/* x + the rows of a table [position hidden] that its places have. */
rk_ref add_rows(struct builder *b, rk_ref x, rk_ref table);
rk_ref deviation_norm(struct builder *b, const char *name, rk_ref x, double eps);
rk_ref layer_norm(struct builder *b, const char *name, rk_ref x, double eps, bool bias);
rk_ref rms_norm(struct builder *b, const char *name, rk_ref x, double eps);
rk_ref dropout(struct builder *b, const char *name, rk_ref x, double rate);

/* Of a head the first `numbers`, pair i by position · theta^(-2i/numbers). */
struct rotary { bool on; rk_rope_style style; int64_t numbers; double theta; };
struct attention {
    bool fused_qkv, bias;               /* one projection [three head head_dim hidden], or q, k and v */
    struct rotary rotary;
    bool both_ways;                     /* every key is seen, not only those before */
    rk_ref lengths;                     /* [batch]: keys from there on are padding; 0: none is */
    double scale, dropout;
    struct init init, out_init;
};
rk_ref attention(struct builder *b, const char *name, rk_ref x, const struct attention *a);
/* x of the rows that go on from attention: in a block that is the last, behind which only some are asked for, those; else x as it is. */
rk_ref wanted(struct builder *b, rk_ref x);
/* Attention of x to the memory [batch source hidden] that an encoder left; lengths: of the sources. While decoding the memory is 0:
 * keys and values lie in caches, where cross_remember put them. */
rk_ref cross_attention(struct builder *b, const char *name, rk_ref x, rk_ref memory, const struct attention *a);
void   cross_remember(struct builder *b, const char *name, rk_ref memory, const struct attention *a);

struct mlp { const char *act; bool gate, bias; double dropout; struct init init, out_init; };     /* dropout: behind act */
rk_ref mlp(struct builder *b, const char *name, rk_ref x, const struct mlp *m);                 /* down(act(up x)), or down(act(gate x) · up x) */

/* How many blocks of a tower are built: as many as the field says, but for what is to be priced (builder.most_blocks). */
int64_t block_count(const struct builder *b, const char *layers);
/* Every layer in turn, as h.0, h.1 ...: x = block(x), with b->layer its number. hidden.0 is what goes in; what comes out of the
 * last is hidden.L only where `last`: families differ on which side of the final norm that is. */
rk_ref blocks(struct builder *b, rk_ref x, rk_ref (*block)(struct builder *b, rk_ref x), bool last);
void hidden_state(struct builder *b, int i, rk_ref x);
/* Loss or logits, whatever the builder is for, from the last hidden state; `table` is the tied embedding or 0. A model that ends in
 * "model" has neither: bare(b, "hidden", x). */
void head(struct builder *b, const char *name, rk_ref x, rk_ref table, bool bias, struct init init);
void predict(struct builder *b, rk_ref x, rk_ref w, rk_ref bias);       /* what a head does, with its matrix [vocab hidden]; bias 0: none */
/* A value that a model without a head ends in. What comes behind it is somebody else's: to a loss it adds its products with the
 * input NAME_gradient, so that its gradient is what was given; else it is an output. */
void bare(struct builder *b, const char *name, rk_ref x);
/* One more part of the output "loss". */
void add_loss(struct builder *b, rk_ref part);

#endif
