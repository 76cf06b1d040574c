/* panels.c: see panels.h. */
#include "backend/cpu/panels.h"
#include "backend/cpu/einsum.h"
#include "core/panel.h"

void panels_in_rows(const struct problem *p, struct panels_in_rows *r)
{
    struct operand *w = &r->in[1];
    rk_dim dim[EINSUM_PANELS_DIMS];
    int rank = 0;
    while (rank < EINSUM_PANELS_DIMS && p->node->at.i[rank] != 0) dim[rank] = (rk_dim)p->node->at.i[rank], rank++;
    for (int i = 0; i < p->n_in; i++) r->in[i] = p->in[i];
    w->at = layout_dense(p->g, rank, dim);
    w->at.offset = p->in[1].at.offset;
    r->p = *p;
    r->p.in = r->in;
}

bool panels_are_one_product(const struct problem *p)
{
    struct panels_in_rows r;
    struct contraction c;
    if (!layout_is_dense(&p->in[1].at)) return false;
    panels_in_rows(p, &r);
    if (!contraction_of(&r.p, &c) || c.n_extra != 0 || gemm_refuse(&c.product) != NULL) return false;
    const struct gemm_problem *g = &c.product;
    return g->batch[0] == 1 && g->batch[1] == 1 && g->b_k == 1 && g->b_n == g->k && (!p->bias || contraction_takes_bias(&r.p, &c));
}
