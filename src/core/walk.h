/* walk.h: a position in a space of named dims, moved in order (the last dim fastest), and where it lies in several layouts.
 *
 *   struct walk w;
 *   walk_begin(&w, &y);                                  over y's dims
 *   walk_follow(&w, &y), walk_follow(&w, &x);            w.at[0] is the element of y, w.at[1] that of x
 *   for (; w.valid; walk_next(&w)) to[w.at[0]] = from[w.at[1]];
 *
 * A step adds one number per layout, whichever dims it wraps around: how far each layout goes then is worked out once. */
#ifndef CORE_WALK_H
#define CORE_WALK_H
#include "core/layout.h"

enum { WALK_DIMS = 2 * RK_MAX_RANK, WALK_LAYOUTS = 4 };

struct walk {
    bool    valid;                                          /* false: past the last position; a space without elements has none */
    int     rank, n;                                        /* n: layouts that are followed */
    int64_t at[WALK_LAYOUTS];                               /* element of each there */
    int64_t step[WALK_DIMS][WALK_LAYOUTS];                  /* what advancing this dim, and starting those after it anew, adds */
    int64_t index[WALK_DIMS], size[WALK_DIMS];
    rk_dim  dim[WALK_DIMS];
};

void walk_begin(struct walk *w, const struct layout *space);
void walk_along(struct walk *w, const struct layout *l);        /* over l's dims, and following it */
/* Over the dims of a, and of b, that `outer` lacks: the space that is summed over at one position of `outer`. b may be NULL. */
void walk_within(struct walk *w, const struct walk *outer, const struct layout *a, const struct layout *b);
/* w->at[k] is l's element from now on, k counting calls; dims that l lacks do not move it. Before the first step. */
void walk_follow(struct walk *w, const struct layout *l);
/* A walk that ended, or never moved, starts again from these elements. */
void walk_from(struct walk *w, const int64_t at[WALK_LAYOUTS]);

static inline void walk_next(struct walk *w)
{
    for (int i = w->rank - 1; i >= 0; i--) {
        if (++w->index[i] < w->size[i]) {
            for (int k = 0; k < WALK_LAYOUTS; k++) w->at[k] += w->step[i][k];
            return;
        }
        w->index[i] = 0;
    }
    w->valid = false;
}

#endif
