/* blas.h: a BLAS found at run time: f32 matrix products by somebody else's kernels.
 *
 * Opened with dlopen, told to use one thread, and called inside our own tasks, in blocks that depend on the shape alone:
 * the same bits on any number of threads. Which core type a library runs is asked, and one that would be slower than the
 * plainest kernels here is declined with a message.
 *
 * OpenBLAS and BLIS choose their core when they are loaded, from an environment variable, and old packages do not know
 * new processors. The library changes no variables: blas_core_wish says which one a program should set, if it is unset,
 * before blas_open. */
#ifndef BLAS_BLAS_H
#define BLAS_BLAS_H
#include "backend/cpu/gemm.h"
#include "backend/cpu/isa.h"
#include "base/ctx.h"

struct blas;

/* The libraries that are known; false past the last. */
struct blas_known { const char *name, *title, *package; };      /* "mkl", "Intel oneMKL", what installs it */
bool blas_at(int i, struct blas_known *known);
const char *blas_asked_for(void);                    /* the name this build was made for (RECKON_BLAS); NULL: none in particular */

/* `name`: a known one, whatever its case, a file, or NULL for the first that opens. RK_E_MISSING where it is not installed,
 * RK_E_UNKNOWN for a name that is none, RK_E_DECLINED for what is no BLAS or would be slower than the plainest kernels here. */
RK_CHECK rk_status blas_open(rk_ctx *ctx, const char *name, struct blas **out);
void blas_close(rk_ctx *ctx, struct blas *b);
const char *blas_name(const struct blas *b);         /* the file that was opened */
const char *blas_title(const struct blas *b);        /* "OpenBLAS" */
const char *blas_key(const struct blas *b);          /* what opens it again: a known name, or the file */
const char *blas_core(const struct blas *b);         /* what it says it runs; "unknown" where it cannot be asked */

struct blas_wish { const char *variable, *value; };
int blas_core_wish(const struct isa_features *f, struct blas_wish *wishes, int most);        /* how many */

/* CBLAS can express a matrix only with one unit stride and rows that do not overlap. */
bool blas_takes(const struct gemm_problem *p);
/* Scratch: none. The problem is one that blas_takes; `done` is called as by gemm_run. */
void blas_gemm_run(rk_ctx *ctx, const struct blas *b, const struct gemm_problem *p, const struct gemm_operands *o);

#endif
