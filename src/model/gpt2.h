/* gpt2.h: what GPT-2 and its relatives have in common (gpt2.c). The fields that gpt2.c has must be there, under any spelling. */
#ifndef MODEL_GPT2_H
#define MODEL_GPT2_H
#include "model/block.h"

/* From the tokens to what leaves the last block, before the final norm; outputs hidden.0 .. hidden.L-1. */
rk_ref gpt2_blocks(struct builder *b, rk_ref *table);
/* The final norm. */
rk_ref gpt2_norm(struct builder *b, rk_ref x);
/* Loss or logits; the head is the embedding where the field `tied` says so. */
void   gpt2_head(struct builder *b, rk_ref x, rk_ref table);

#endif
