/* learn_part.h: what one part does for itself. `false`: failed, see share_failed. */
#ifndef TOK_LEARN_PART_H
#define TOK_LEARN_PART_H
#include "tok/learn.h"

RK_CHECK bool part_visit(struct part *p, const struct learn *l);      /* does the batch in its words; entries and events say what came of it */
RK_CHECK bool part_spread(struct part *p, const struct learn *l);     /* events go into the lists of the pairs that live */
RK_CHECK bool part_count(struct part *p, const struct learn *l);      /* all pairs of now: found, entries */
RK_CHECK bool part_list(struct part *p, const struct learn *l);       /* and their lists */

#endif
