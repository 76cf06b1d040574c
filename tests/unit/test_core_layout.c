/* Layouts and the loops over them: whatever is merged or dropped, the same elements are met. */
#include "core/layout.h"
#include "core/arith.h"
#include "test.h"
#include <stdlib.h>

enum { MOST = 4096 };

struct met { int64_t a[MOST], b[MOST]; int n; };

static int by_both(const void *x, const void *y)
{
    const int64_t *p = x, *q = y;
    return p[0] != q[0] ? (p[0] < q[0] ? -1 : 1) : (p[1] > q[1]) - (p[1] < q[1]);
}

static void sort(struct met *m, int64_t (*pairs)[2])
{
    for (int i = 0; i < m->n; i++) pairs[i][0] = m->a[i], pairs[i][1] = m->b[i];
    qsort(pairs, (size_t)m->n, sizeof *pairs, by_both);
}

static void walk_loops(const struct loops *l, struct met *m)
{
    int64_t index[RK_MAX_RANK] = { 0 };
    for (int i = 0; i < l->rank; i++)
        if (l->size[i] == 0) return;
    for (;;) {
        m->a[m->n] = m->b[m->n] = 0;
        for (int i = 0; i < l->rank; i++) m->a[m->n] += index[i] * l->stride[0][i], m->b[m->n] += index[i] * l->stride[1][i];
        m->n++;
        int i = l->rank - 1;
        for (; i >= 0 && ++index[i] == l->size[i]; i--) index[i] = 0;
        if (i < 0) return;
    }
}

/* The element of l at a position, by definition. */
static int64_t element(const struct walk *w, const struct layout *l)
{
    int64_t at = l->offset;
    for (int i = 0; i < w->rank; i++) {
        int axis = layout_axis(l, w->dim[i]);
        at += axis < 0 ? 0 : w->index[i] * l->stride[axis];
    }
    return at;
}

static void walk_dims(const struct layout *space, const struct layout *a, const struct layout *b, struct met *m)
{
    struct walk w;
    walk_begin(&w, space);
    walk_follow(&w, a), walk_follow(&w, b);
    for (; w.valid; walk_next(&w)) {
        EXPECT(w.at[0] == element(&w, a) && w.at[1] == element(&w, b));
        m->a[m->n] = w.at[0] - a->offset;
        m->b[m->n++] = w.at[1] - b->offset;
    }
}

/* A dense layout of some of the space's dims in another order; sometimes with a gap after every row. */
static struct layout random_layout(const struct layout *space)
{
    struct layout l = { .rank = 0, .offset = (int64_t)test_random(5) };
    for (int i = 0; i < space->rank; i++) {
        if (test_random(4) == 0) continue;
        int at = (int)test_random((uint64_t)l.rank + 1);
        for (int k = l.rank; k > at; k--) l.dim[k] = l.dim[k - 1], l.size[k] = l.size[k - 1];
        l.dim[at] = space->dim[i];
        l.size[at] = space->size[i];
        l.rank++;
    }
    int64_t stride = 1;
    for (int i = l.rank - 1; i >= 0; i--) {
        l.stride[i] = stride;
        stride = stride * (l.size[i] > 0 ? l.size[i] : 1) + (int64_t)(test_random(4) == 0);
    }
    return l;
}

TEST(loops_meet_the_elements_that_walks_meet)
{
    static struct met loops, walks;
    static int64_t left[MOST][2], right[MOST][2];
    for (int round = 0; round < 500; round++) {
        struct layout space = { .rank = (int)test_random(5) };
        for (int i = 0; i < space.rank; i++) {
            space.dim[i] = i + 1;
            space.size[i] = test_random(15) == 0 ? 0 : 1 + (int64_t)test_random(5);
        }
        const struct layout a = random_layout(&space), b = random_layout(&space), *const both[] = { &a, &b };
        struct loops l;
        loops.n = walks.n = 0;
        loops_over(&l, &space, both, 2);
        walk_loops(&l, &loops);
        walk_dims(&space, &a, &b, &walks);
        EXPECT_INT(loops.n, walks.n);
        sort(&loops, left);
        sort(&walks, right);
        for (int i = 0; i < loops.n && loops.n == walks.n; i++) EXPECT(left[i][0] == right[i][0] && left[i][1] == right[i][1]);
        for (int i = 0; i < l.rank; i++) EXPECT(l.size[i] != 1);
    }
}

TEST(loops_that_run_together_become_one)
{
    const struct layout space = { .rank = 4, .dim = { 1, 2, 3, 4 }, .size = { 2, 3, 1, 5 } };
    struct layout dense = space;
    const int64_t strides[] = { 15, 5, 5, 1 };
    memcpy(dense.stride, strides, sizeof strides);
    const struct layout *const two[] = { &dense, &dense };
    struct loops l;
    loops_over(&l, &space, two, 2);
    EXPECT_INT(l.rank, 1);
    EXPECT_INT(l.size[0], 30);
    EXPECT_INT(l.stride[0][0], 1);
    struct layout row = { .rank = 1, .dim = { 4 }, .size = { 5 }, .stride = { 1 } };             /* broadcast over the others */
    const struct layout *const mixed[] = { &dense, &row };
    loops_over(&l, &space, mixed, 2);
    EXPECT_INT(l.rank, 2);
    EXPECT(l.size[0] == 6 && l.size[1] == 5 && l.stride[1][0] == 0 && l.stride[1][1] == 1);
}

TEST(dense_is_dense_whatever_has_size_one)
{
    struct layout l = { .rank = 3, .size = { 2, 1, 3 }, .stride = { 3, 77, 1 }, .offset = 9 };
    EXPECT(layout_is_dense(&l));
    EXPECT_INT(layout_elements(&l), 6);
    l.stride[0] = 4;
    EXPECT(!layout_is_dense(&l));
}

/* Two views of one value are the same elements only where nothing but the sizes, which the dims fix, may be told from the other. */
TEST(layouts_are_the_same_when_nothing_tells_them_apart)
{
    const struct layout l = { .rank = 2, .dim = { 1, 2 }, .size = { 3, 4 }, .stride = { 4, 1 }, .offset = 5 };
    struct layout other = l;
    other.dim[2] = 7, other.stride[2] = 7;              /* behind the last dim lies nothing */
    EXPECT(layout_same(&l, &other));
    other.offset = 6;
    EXPECT(!layout_same(&l, &other));
    other = l, other.stride[0] = 1, other.stride[1] = 3;
    EXPECT(!layout_same(&l, &other));
    other = l, other.dim[0] = 2, other.dim[1] = 1;
    EXPECT(!layout_same(&l, &other));
    other = l, other.rank = 1;
    EXPECT(!layout_same(&l, &other));
}
