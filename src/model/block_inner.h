/* block_inner.h: what the files of blocks share. */
#ifndef MODEL_BLOCK_INNER_H
#define MODEL_BLOCK_INNER_H
#include "core/opdef.h"
#include "model/block.h"
#include "model/config.h"

static const struct init zeros = { INIT_ZEROS, 0 };

/* "batch $s hidden" with the names of the tower that is being built: $s seq, $h head, $k head_dim, $f ff. */
struct block_text { char at[256]; };
struct block_text block_named(const struct builder *b, const char *dims);
/* Dropout over dims that are named so. */
rk_ref block_drop(struct builder *b, const char *name, rk_ref x, double rate, const char *dims);
/* Of a ragged graph: where each row goes on [batch], and the position of each new token [batch seq]. */
rk_ref block_places(struct builder *b);
rk_ref block_positions(struct builder *b);
/* An input of integers that several blocks read. */
rk_ref block_integers(struct builder *b, const char *name, const char *dims);
/* The dims that are sized by what is asked for; source: of an encoder too. How many. */
int block_extents(const struct builder *b, bool source, struct dim_extent *out);
/* A state of these dims as wiring will see it; *state is the one behind it. */
rk_ref block_state(struct builder *b, rk_kind kind, const char *full, const char *dims, rk_ref *state);
static inline bool block_has_loss(const struct builder *b) { return b->purpose == FOR_TRAINING || b->purpose == FOR_SCORING; }

#endif
