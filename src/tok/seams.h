/* seams.h: how each token is made, and which two tokens may stand side by side in what the merges make of a text.
 *
 * A token may stand in a result when the merges make its own bytes into it. Two tokens may stand side by side when no merge joins across
 * the seam between them while they come into being. Then, and only then, their bytes together encode to those two; and a row of tokens is
 * what the merges make of its bytes when each two neighbours may stand side by side: as long as nothing crosses a seam, what is on its two sides
 * does not see each other. So of all ways to cut a word into tokens one is such a row, and whoever finds it, in whichever order, has encoded the word.
 *
 * All that holds where ranks rise: where no merge waits for a token that a later one makes. Of such tables (none was ever trained) nothing is
 * said here: seams_make finds that out. Of several merges that make one token, one is what its bytes lead to; the others never happen.
 * Source of the idea: github/rust-gems, crates/bpe (2024), told in its README; the case of several makers is ours. */
#ifndef TOK_SEAMS_H
#define TOK_SEAMS_H
#include "tok/merges.h"
#include "tok/ranks.h"
#include "tok/vocab.h"

/* Of a token. order: 0 of a byte, rank + 1, or NO_TOKEN: the merges never make it. joins: bits of those with which some merge joins it, the lower half behind it, the upper before it. */
struct seam_maker { uint32_t left, right, order, joins; };
struct seams { struct seam_maker *makers; uint32_t n; };              /* by id; n: 0, or the size of the vocabulary */

size_t seams_size(uint32_t size);                                     /* of the block that they are made in, for a vocabulary of `size` */
/* by_id: a merge's rank is its id, and merges stand in the order of their ids; else in the order of their ranks. false: ranks do not rise, and there are no seams. */
bool seams_make(struct tok_block *block, struct seams *s, const struct ranks *ranks, const struct merge *merges, uint32_t n, bool by_id, const uint32_t byte_id[256], uint32_t size);

/* Whether these two may stand side by side; both must be made by merges, or bytes. Steps: as many as they have bytes, at most. */
bool seams_fit(const struct seams *s, const struct ranks *ranks, uint32_t left, uint32_t right);

#endif
