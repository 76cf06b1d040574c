/* ref.h: the truth as a back end: any single operation, by its own f64 reference, over memory.
 *
 * Two forms of one kernel. `ref` keeps every value as doubles, whatever its dtype says, and computes where they lie: nothing
 * is ever rounded but by a cast. `truth` keeps values in their own dtype, loads them into doubles, and rounds the result
 * once: what stands at the bottom of every other chain for problems that nobody else takes. Integers beyond 2^53 do not fit.
 *
 * Not here: groups of elementwise nodes and fused operations (whoever wants those brings kernels; lower asks first). */
#ifndef REF_REF_H
#define REF_REF_H
#include "core/arith.h"
#include "core/problem.h"

const struct backend *backend_ref(void);
const struct backend *backend_truth(void);
extern const struct backend truth_backend;                 /* the same, as the constant that other back ends name as `next` */

/* Memory of the host, as all back ends here have it. */
rk_status host_alloc(rk_ctx *ctx, size_t bytes, void **at) RK_CHECK;
void      host_free(rk_ctx *ctx, void *at, size_t bytes);
size_t    doubles_bytes_of(rk_dtype dtype);
rk_status doubles_write(rk_ctx *ctx, void *to, rk_dtype dtype, const void *from, rk_dtype from_dtype, size_t n) RK_CHECK;
rk_status doubles_read(rk_ctx *ctx, void *to, rk_dtype to_dtype, const void *from, rk_dtype dtype, size_t n) RK_CHECK;
rk_status host_write(rk_ctx *ctx, void *to, rk_dtype dtype, const void *from, rk_dtype from_dtype, size_t n) RK_CHECK;
rk_status host_read(rk_ctx *ctx, void *to, rk_dtype to_dtype, const void *from, rk_dtype dtype, size_t n) RK_CHECK;

/* The kernel from the inside: the meter is the same with counting operations. */
bool      reference_accepts(const struct problem *p);
rk_status reference_prepare(rk_ctx *ctx, const struct problem *p, bool doubles, struct prepared *out) RK_CHECK;
/* op: the problem's, or its counting twin, which counts into t. Scratch begins at call->scratch + skip. */
void      reference_run(const struct call *c, bool doubles, const struct opdef *op, struct tally *t, size_t skip);
int64_t   reference_span(const struct layout *l);           /* elements from the first to the last */

#endif
