/* contraction.c: see einsum.h.
 *
 * A name in both operands and the result is a batch, in A and the result a row, in B and the result a column, in both
 * operands alone a sum. Names of one kind that lie behind each other in both places are one; of what is left over the largest
 * goes into the product, two batches are the product's own, the rest are loops. */
#include "backend/cpu/einsum.h"

enum axis_kind { BATCH, ROW_AXIS, COLUMN, SUM, KINDS };

struct axis { int64_t size, a, b, c; };
struct axes { int n; struct axis at[2 * RK_MAX_RANK]; };

static int64_t stride_of(const struct layout *l, rk_dim d, bool *there)
{
    int axis = layout_axis(l, d);
    *there = axis >= 0;
    return axis < 0 ? 0 : l->stride[axis];
}

static void add_dim(struct axes kinds[KINDS], const struct problem *p, rk_dim d, int64_t size)
{
    bool in_a, in_b, in_c;
    struct axis x = { size, stride_of(&p->in[0].at, d, &in_a), stride_of(&p->in[1].at, d, &in_b), stride_of(&p->out[0].at, d, &in_c) };
    struct axes *k = &kinds[!in_c ? SUM : in_a && in_b ? BATCH : in_a ? ROW_AXIS : COLUMN];
    if (size != 1) k->at[k->n++] = x;
}

/* Larger strides first, by the result, or by A for sums; then neighbours become one. */
static void merge(struct axes *x)
{
    for (int i = 1; i < x->n; i++)
        for (int j = i; j > 0; j--) {
            struct axis *u = &x->at[j - 1], *v = &x->at[j];
            int64_t first = u->c != 0 || v->c != 0 ? u->c : u->a, second = u->c != 0 || v->c != 0 ? v->c : v->a;
            if (first >= second) break;
            struct axis t = *u;
            *u = *v;
            *v = t;
        }
    int n = 0;
    for (int i = 0; i < x->n; i++) {
        struct axis *last = n > 0 ? &x->at[n - 1] : NULL, now = x->at[i];
        bool joins = last != NULL && last->a == now.a * now.size && last->b == now.b * now.size && last->c == now.c * now.size;
        if (joins) *last = (struct axis){ last->size * now.size, now.a, now.b, now.c };
        else x->at[n++] = now;
    }
    x->n = n;
}

static struct axis take_largest(struct axes *x)
{
    struct axis best = { 1, 0, 0, 0 };
    int at = -1;
    for (int i = 0; i < x->n; i++)
        if (at < 0 || x->at[i].size > best.size) best = x->at[at = i];
    if (at >= 0) x->at[at] = x->at[--x->n];
    return best;
}

static bool put_loop(struct contraction *c, struct axis x)
{
    if (c->n_extra == MOST_EXTRA) return false;
    c->extra[c->n_extra] = x.size;
    c->extra_a[c->n_extra] = x.a;
    c->extra_b[c->n_extra] = x.b;
    c->extra_c[c->n_extra++] = x.c;
    return true;
}

bool contraction_of(const struct problem *p, struct contraction *c)
{
    struct axes kinds[KINDS] = { 0 };
    *c = (struct contraction){ .product = { .batch = { 1, 1 }, .alpha = 1, .accumulate = p->accumulate } };
    for (int i = 0; i < p->in[0].at.rank; i++) add_dim(kinds, p, p->in[0].at.dim[i], p->in[0].at.size[i]);
    for (int i = 0; i < p->in[1].at.rank; i++)
        if (layout_axis(&p->in[0].at, p->in[1].at.dim[i]) < 0) add_dim(kinds, p, p->in[1].at.dim[i], p->in[1].at.size[i]);
    for (int k = 0; k < KINDS; k++) merge(&kinds[k]);
    bool only_batch = kinds[BATCH].n > 0 && kinds[ROW_AXIS].n + kinds[COLUMN].n + kinds[SUM].n == 0;
    if (only_batch && !p->live) return false;              /* a live dimension may be 1 today and a row tomorrow */
    struct axis m = take_largest(&kinds[ROW_AXIS]), n = take_largest(&kinds[COLUMN]), k = take_largest(&kinds[SUM]);
    struct gemm_problem *g = &c->product;
    g->m = m.size, g->a_m = m.a, g->c_m = m.c;
    g->n = n.size, g->b_n = n.b, g->c_n = n.c;
    g->k = k.size, g->a_k = k.a, g->b_k = k.b;
    if (m.size == 1) g->a_m = g->k * g->a_k, g->c_m = g->n * (g->c_n != 0 ? g->c_n : 1);
    if (n.size == 1) g->b_n = g->k * g->b_k, g->c_n = g->m == 1 ? 1 : g->m * g->c_m;
    for (int i = 1; i >= 0 && kinds[BATCH].n > 0; i--) {
        struct axis b = kinds[BATCH].at[--kinds[BATCH].n];
        g->batch[i] = b.size, g->a_batch[i] = b.a, g->b_batch[i] = b.b, g->c_batch[i] = b.c;
    }
    c->dot = kinds[BATCH].n == 0 && g->batch[1] == 1 && g->m == 1 && g->n == 1;
    for (int kind = 0; kind < KINDS; kind++)
        for (int i = 0; i < kinds[kind].n; i++)
            if (!put_loop(c, kinds[kind].at[i])) return false;
    for (int i = 0; i < c->n_extra; i++)
        if (c->extra[i] == 0 && c->extra_c[i] == 0) c->extra[i] = 1, g->k = 0;      /* a sum over nothing is still a result */
    return true;
}

bool contraction_takes_bias(const struct problem *p, const struct contraction *c)
{
    const struct operand *bias = &p->in[p->n_in - 1];
    const struct gemm_problem *g = &c->product;
    bool takes = bias->dtype == RK_f32 && !c->dot && c->n_extra == 0 && g->batch[0] == 1 && g->batch[1] == 1 && g->n > 1 && layout_elements(&bias->at) == g->n;
    for (int i = 0; i < bias->at.rank && takes; i++) {
        rk_dim d = bias->at.dim[i];
        int axis = layout_axis(&p->out[0].at, d);
        takes = axis >= 0 && layout_axis(&p->in[0].at, d) < 0 && layout_axis(&p->in[1].at, d) >= 0 && !p->g->dims.at[d].live
             && (bias->at.size[i] == 1 || p->out[0].at.stride[axis] == bias->at.stride[i] * g->c_n);
    }
    return takes;
}

int64_t contraction_repeats(const struct contraction *c)
{
    int64_t n = 1;
    for (int i = 0; i < c->n_extra; i++) n *= c->extra[i];
    return n;
}

void contraction_each(const struct contraction *c, contraction_fn *one, void *arg)
{
    int64_t n = contraction_repeats(c), index[MOST_EXTRA] = { 0 };
    for (int64_t i = 0; i < n; i++) {
        int64_t a = 0, b = 0, y = 0;
        bool more = false;
        for (int k = 0; k < c->n_extra; k++) {
            a += index[k] * c->extra_a[k];
            b += index[k] * c->extra_b[k];
            y += index[k] * c->extra_c[k];
            more = more || (c->extra_c[k] == 0 && index[k] > 0);
        }
        one(arg, a, b, y, more);
        for (int k = c->n_extra - 1; k >= 0 && ++index[k] == c->extra[k]; k--) index[k] = 0;
    }
}
