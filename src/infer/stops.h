/* stops.h: texts that end a generation: what may be the beginning of one is held back until it is known.
 *
 * All that `stops_push` and `stops_end` give, put together, is the text up to the first place where one of the texts stands;
 * of several at one place it makes no difference which. Pieces are valid UTF-8 if the text and the stops are. */
#ifndef INFER_STOPS_H
#define INFER_STOPS_H
#include "base/str.h"
#include "reckon/tok.h"

struct stops { const char *const *texts; size_t n; struct str held; int given; bool found; };    /* zero it, but for texts and n */

/* *ready lives until the next call. After one was found nothing more is given. */
rk_status stops_push(rk_ctx *ctx, struct stops *s, rk_text piece, rk_text *ready) RK_CHECK;
rk_text   stops_end(struct stops *s);                           /* what was held back for nothing */
void      stops_clear(rk_ctx *ctx, struct stops *s);

#endif
