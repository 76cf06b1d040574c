/* bind_axes.c: "hidden (three head head_dim)": which number of a file stands where in a parameter, and moving them there.
 *
 * Any order of dims, any grouping. Numbers move box by box, each box small enough for the second cache; within a box in tiles,
 * so that a transposition uses whole cache lines on both sides. Not here: conversion of dtypes (the back end's). */
#include "core/graph.h"
#include "model/bind.h"
#include <string.h>

enum { TILE = 16 };                     /* 16 × 4 bytes: a cache line */

/* Dims in the order of the file, with their group, which is their axis there. */
struct axes { int n, groups; rk_dim dim[RK_MAX_RANK]; int group[RK_MAX_RANK]; };

static rk_status parse(rk_ctx *ctx, const rk_graph *g, const char *text, struct axes *a)
{
    bool open = false;
    *a = (struct axes){ 0 };
    for (const char *s = text; *s != '\0'; s++) {
        if (*s == ' ') continue;
        if (*s == '(' || *s == ')') {
            a->groups += *s == ')';
            open = *s == '(';
            continue;
        }
        size_t n = strcspn(s, " ()");
        PROMISE(a->n < RK_MAX_RANK);
        a->dim[a->n] = graph_dim(g, s, n);
        if (a->dim[a->n] == 0) return FAIL(RK_E_BUG, "axes \"%s\": this model has no dimension \"%.*s\"", text, (int)n, s);
        a->group[a->n++] = a->groups;
        a->groups += !open;
        s += n - 1;
    }
    return RK_OK;
}

/* Neighbours that are walked as one become one; axes of one element vanish. */
static void merge(struct reorder *r)
{
    int n = 0;
    for (int i = 0; i < r->rank; i++) {
        if (r->size[i] == 1) continue;
        if (n > 0 && r->stride[n - 1] == r->stride[i] * r->size[i]) {
            r->size[n - 1] *= r->size[i];
            r->stride[n - 1] = r->stride[i];
            continue;
        }
        r->size[n] = r->size[i];
        r->stride[n++] = r->stride[i];
    }
    r->rank = n;
}

/* Strides that `from` gives to its dims, in the order in which `to` has them. */
static rk_status order(rk_ctx *ctx, const rk_graph *g, int n, const rk_dim *from, const rk_dim *to, struct reorder *r)
{
    r->rank = n;
    for (int i = 0; i < n; i++) {
        int64_t stride = 1;
        int at = 0;
        while (at < n && from[at] != to[i]) at++;
        PROMISE(at < n);
        for (int k = at + 1; k < n; k++) stride *= dim_size(g, from[k]);
        r->size[i] = dim_size(g, to[i]);
        r->stride[i] = stride;
    }
    merge(r);
    return RK_OK;
}

rk_status bind_axes(rk_ctx *ctx, const rk_graph *g, rk_ref parameter, const char *axes, struct stored *stored)
{
    const struct node *n = node_of(g, parameter);
    struct axes a;
    TRY(parse(ctx, g, axes, &a));
    if (a.n != n->rank) return FAIL(RK_E_BUG, "axes \"%s\" for parameter %s of %d dimensions", axes, n->text, n->rank);
    stored->rank = a.groups;
    for (int i = 0; i < a.groups; i++) stored->shape[i] = 1;
    for (int i = 0; i < a.n; i++) stored->shape[a.group[i]] *= dim_size(g, a.dim[i]);
    TRY(order(ctx, g, a.n, a.dim, n->dim, &stored->read));
    return order(ctx, g, a.n, n->dim, a.dim, &stored->write);
}

rk_status bind_groups(rk_ctx *ctx, const rk_graph *g, rk_ref parameter, const char *axes, int *groups, int axis[RK_MAX_RANK])
{
    const struct node *n = node_of(g, parameter);
    struct axes a;
    TRY(parse(ctx, g, axes, &a));
    if (a.n != n->rank) return FAIL(RK_E_BUG, "axes \"%s\" for parameter %s of %d dimensions", axes, n->text, n->rank);
    *groups = a.groups;
    for (int i = 0; i < a.n; i++) {
        int at = graph_find_axis(n, a.dim[i]);
        if (at < 0) return FAIL(RK_E_BUG, "axes \"%s\": parameter %s has no dimension %s", axes, n->text, dim_name(g, a.dim[i]));
        axis[at] = a.group[i];
    }
    return RK_OK;
}

bool reorder_is_none(const struct reorder *r) { return r->rank == 0 || (r->rank == 1 && r->stride[0] == 1); }

/* --- boxes --- */

/* The axis along which boxes are cut, and how many elements one step along it has. */
static int cut(const struct reorder *r, int64_t most, int64_t *inner)
{
    int axis = r->rank;
    *inner = 1;
    while (axis > 0 && *inner * r->size[axis - 1] <= most) *inner *= r->size[--axis];
    return axis - 1;                                    /* -1: all of it is one box */
}

int64_t reorder_box(const struct reorder *r, int64_t first, int64_t most)
{
    int64_t inner;
    int axis = cut(r, most, &inner);
    if (axis < 0) return inner;
    int64_t rows = most / inner < 1 ? 1 : most / inner, left = r->size[axis] - first / inner % r->size[axis];
    return (rows < left ? rows : left) * inner;
}

#define MOVE(type)                                                                                                    \
    static void move_##type(type *to, int64_t to_u, int64_t to_w, const char *from, int64_t from_u, int64_t from_w, int64_t nu, int64_t nw) \
    {                                                                                                                 \
        for (int64_t w0 = 0; w0 < nw; w0 += TILE)                                                                     \
            for (int64_t u0 = 0; u0 < nu; u0 += TILE)                                                                 \
                for (int64_t w = w0; w < nw && w < w0 + TILE; w++)                                                    \
                    for (int64_t u = u0; u < nu && u < u0 + TILE; u++)                                                \
                        memcpy(to + u * to_u + w * to_w, from + (u * from_u + w * from_w) * (int64_t)sizeof(type), sizeof(type)); \
    }
MOVE(uint8_t)
MOVE(uint16_t)
MOVE(uint32_t)
MOVE(uint64_t)
#undef MOVE

struct plane { int64_t to_u, to_w, from_u, from_w, nu, nw; };

static void move(void *to, const char *from, const struct plane *p, size_t width)
{
    if (width == 1) move_uint8_t(to, p->to_u, p->to_w, from, p->from_u, p->from_w, p->nu, p->nw);
    else if (width == 2) move_uint16_t(to, p->to_u, p->to_w, from, p->from_u, p->from_w, p->nu, p->nw);
    else if (width == 4) move_uint32_t(to, p->to_u, p->to_w, from, p->from_u, p->from_w, p->nu, p->nw);
    else move_uint64_t(to, p->to_u, p->to_w, from, p->from_u, p->from_w, p->nu, p->nw);
}

/* The box [first, first + count) of the destination as sizes per axis, and where it begins in the source. */
static int64_t box_of(const struct reorder *r, int64_t first, int64_t count, struct reorder *box)
{
    int64_t offset = 0, inner = 1;
    *box = *r;
    for (int i = r->rank - 1; i >= 0; i--) {
        int64_t whole = inner * r->size[i];
        offset += first / inner % r->size[i] * r->stride[i];
        if (count < whole) box->size[i] = count > inner ? count / inner : 1;
        inner = whole;
    }
    return offset;
}

void reorder_copy(const struct reorder *r, void *to, const void *from, int64_t first, int64_t count, size_t width)
{
    struct reorder box;
    const char *source = (const char *)from + box_of(r, first, count, &box) * (int64_t)width;
    int64_t to_stride[RK_MAX_RANK + 1], index[RK_MAX_RANK] = { 0 }, step = 1;
    int unit = box.rank - 1;                            /* the axis along which the source is read in one piece */
    if (count == 0) return;
    if (reorder_is_none(r)) {
        memcpy(to, source, (size_t)count * width);
        return;
    }
    for (int i = box.rank - 1; i >= 0; i--, step *= box.size[i + 1]) to_stride[i] = step;
    for (int i = 0; i < box.rank; i++)
        if (box.stride[i] < box.stride[unit]) unit = i;
    int last = unit == box.rank - 1 ? box.rank - 2 : box.rank - 1;         /* and the one along which the destination is written */
    struct plane p = { to_stride[unit], last < 0 ? 0 : to_stride[last], box.stride[unit], last < 0 ? 0 : box.stride[last],
                       box.size[unit], last < 0 ? 1 : box.size[last] };
    for (;;) {
        int64_t at_to = 0, at_from = 0;
        for (int i = 0; i < box.rank; i++) at_to += index[i] * to_stride[i], at_from += index[i] * box.stride[i];
        move((char *)to + at_to * (int64_t)width, source + at_from * (int64_t)width, &p, width);
        int i = box.rank - 1;
        for (; i >= 0; i--) {
            if (i == unit || i == last) continue;
            if (++index[i] < box.size[i]) break;
            index[i] = 0;
        }
        if (i < 0) return;
    }
}
