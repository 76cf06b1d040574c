/* walk.c: the dims of a walk, and the steps of the layouts that it follows. */
#include "core/walk.h"
#include <string.h>

static bool has(const struct walk *w, rk_dim dim)
{
    for (int i = 0; i < w->rank; i++)
        if (w->dim[i] == dim) return true;
    return false;
}

static void add_dims(struct walk *w, const struct walk *outer, const struct layout *l)
{
    for (int i = 0; i < l->rank; i++) {
        if (has(w, l->dim[i]) || (outer != NULL && has(outer, l->dim[i]))) continue;
        w->dim[w->rank] = l->dim[i];
        w->size[w->rank] = l->size[i];
        w->index[w->rank++] = 0;
        if (l->size[i] == 0) w->valid = false;
    }
}

static void begin(struct walk *w)
{
    w->valid = true;
    w->rank = w->n = 0;
    memset(w->at, 0, sizeof w->at);
}

void walk_begin(struct walk *w, const struct layout *space)
{
    begin(w);
    add_dims(w, NULL, space);
    memset(w->step, 0, sizeof *w->step * (size_t)w->rank);
}

void walk_within(struct walk *w, const struct walk *outer, const struct layout *a, const struct layout *b)
{
    begin(w);
    add_dims(w, outer, a);
    if (b != NULL) add_dims(w, outer, b);
    memset(w->step, 0, sizeof *w->step * (size_t)w->rank);
}

void walk_follow(struct walk *w, const struct layout *l)
{
    int64_t wrapped = 0;                                    /* how far the dims after this one have gone when they start anew */
    int k = w->n++;
    w->at[k] = l->offset;
    for (int i = w->rank - 1; i >= 0; i--) {
        int axis = layout_axis(l, w->dim[i]);
        int64_t stride = axis < 0 ? 0 : l->stride[axis];
        w->step[i][k] = stride - wrapped;
        wrapped += (w->size[i] - 1) * stride;
    }
}

void walk_along(struct walk *w, const struct layout *l)
{
    walk_begin(w, l);
    walk_follow(w, l);
}

void walk_from(struct walk *w, const int64_t at[WALK_LAYOUTS])
{
    memcpy(w->at, at, sizeof w->at);
    w->valid = true;
    for (int i = 0; i < w->rank; i++) w->valid = w->valid && w->size[i] > 0;
}
