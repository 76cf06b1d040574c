/* encdec.h: what encoder-decoder Transformers have in common (encdec.c): two towers, and attention from one to the other.
 *
 * Modules: encoder.h.N.{norm1 attn norm2 mlp}, decoder.h.N.{norm1 attn norm2 cross norm3 mlp}, encoder.norm, decoder.norm; the
 * tables are embed, or embed (or as the family says) and source_embed. Fields that must be there: vocab, source_vocab, position, hidden, layer,
 * source_layer, head, source_head, ff, source_ff, act, eps, bias, scaled, share, tied, pdrop, act_pdrop, attn_pdrop. */
#ifndef MODEL_ENCDEC_H
#define MODEL_ENCDEC_H
#include "model/block.h"

/* How a family differs from the others. */
struct encdec {
    bool pre_norm, final_norm;          /* norms before what is added to x, or after; one more after each tower */
    bool deviation;                     /* norms divide by deviation + eps */
    bool fused_qkv;
    bool embedded;                      /* ids are read, and not vectors [batch seq hidden] */
    bool stored_positions;              /* each tower has a table of its own, encoder.position and decoder.position; else both have one */
    const char *table_name;             /* of the target's table; NULL: embed */
    enum init_kind positions;           /* of the sinusoids; INIT_ZEROS: there are none */
    int64_t pad;                        /* whose row learns nothing from being read; -1: every row learns */
    struct init table, matrix;          /* deviation of `matrix` 0: by fan in and fan out, uniform (Glorot and Bengio 2010) */
};

rk_status encdec_check(rk_ctx *ctx, const struct config *c) RK_CHECK;
/* Inputs, both towers, hidden states (the encoder's, then the decoder's): the last of the decoder's, and its table or 0. Of a graph
 * FOR_ENCODING only what it is for: *memory is kept, and nothing comes back. */
rk_ref encdec_towers(struct builder *b, const struct encdec *e, rk_ref *table);

#endif
