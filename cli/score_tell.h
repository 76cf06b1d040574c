/* score_tell.h: how likely a text is, as people and programs read it: sums of texts, and token by token. */
#ifndef CLI_SCORE_TELL_H
#define CLI_SCORE_TELL_H
#include "words.h"

/* What is known of one text, or of all together. */
struct score_sum { rk_scored s; uint64_t tokens, bytes; };      /* bytes: of the tokens that have a score */

void score_add(struct score_sum *all, const struct score_sum *one);
void score_json(struct json *j, const struct score_sum *s, bool whole);
void score_row(struct cli *c, struct table **table, const char *name, const struct score_sum *s);       /* the first opens the table */
/* scores: per id, NaN where it has none. */
void score_tokens_json(const struct words *w, struct json *j, const rk_ids *ids, const double *scores);
void score_tokens(const struct words *w, const rk_ids *ids, const double *scores);

#endif
