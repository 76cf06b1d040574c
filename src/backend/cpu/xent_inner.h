/* xent_inner.h: what the files of the head with its loss share: what is decided before it runs, and its three products. */
#ifndef CPU_XENT_INNER_H
#define CPU_XENT_INNER_H
#include "backend/cpu/gemm.h"
#include "backend/cpu/xent_head.h"
#include <stddef.h>

struct head {
    int64_t rows, hidden, vocab, chunk;
    int64_t grid;                           /* columns within which one block begins at most (gemm_done_fn) */
    int x, w, labels, bias, dy;             /* operands, -1: none */
    int loss, dx, dw, dbias;                /* results, -1: not wanted */
    size_t pieces_at, rows_at, losses_at, slopes_at, bias_at, gemm_at;      /* in scratch, bytes; at 0: logits */
    bool tiles, dx_narrow;                  /* x and w are bf16; dx is, too */
    size_t row_floats;                      /* of a worker: most and sum of the pieces of a row */
    enum isa isa;
};

/* xent_product.c: logits = x wᵀ;  dx = dlogits w;  dw (+)= dlogitsᵀ x, of some rows. */
struct gemm_problem xent_logits_product(const struct head *h, int64_t rows);
struct gemm_problem xent_dx_product(const struct head *h, int64_t rows);
struct gemm_problem xent_dw_product(const struct head *h, int64_t rows, bool more);
size_t xent_scratch(const struct head *h, const struct gemm_problem *g, bool narrow, int workers);
/* C from A and B, in the dtype of the head; narrow: C, too. */
void xent_multiply(rk_ctx *ctx, const struct head *h, struct gemm_problem g, bool narrow, const struct gemm_operands *o, void *scratch);

#endif
