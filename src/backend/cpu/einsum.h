/* einsum.h: a contraction of names as matrix products: which names are rows, columns, sums and batches. */
#ifndef CPU_EINSUM_H
#define CPU_EINSUM_H
#include "backend/cpu/machine.h"

enum { MOST_EXTRA = 8 };

/* One product, repeated over `extra` loops. A loop that neither operand's result has (a further sum) adds up. */
struct contraction {
    struct gemm_problem product;
    int     n_extra;
    int64_t extra[MOST_EXTRA], extra_a[MOST_EXTRA], extra_b[MOST_EXTRA], extra_c[MOST_EXTRA];
    bool    dot;                            /* everything is summed: no matrix at all */
};

/* False: not a product of matrices (every name is in both operands and the result). */
bool contraction_of(const struct problem *p, struct contraction *c);
int64_t contraction_repeats(const struct contraction *c);

/* Of a problem with a bias: it is one number for each column of one product, of sizes that stay. */
bool contraction_takes_bias(const struct problem *p, const struct contraction *c);

/* Every product of it: where its operands and its result begin, in elements; more: it adds to what another has written. */
typedef void contraction_fn(void *arg, int64_t a, int64_t b, int64_t y, bool more);
void contraction_each(const struct contraction *c, contraction_fn *one, void *arg);

/* NULL: there is none. */
static inline const float *einsum_bias(const struct call *c)
{
    const struct problem *p = c->problem;
    return p->bias ? (const float *)c->in[p->n_in - 1] + p->in[p->n_in - 1].at.offset : NULL;
}

/* How an operand lies that products read as it is; false: not a type that they read. */
bool einsum_type(rk_dtype dtype, enum gemm_type *type);

#endif
