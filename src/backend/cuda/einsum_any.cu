/* einsum_any.cu: the kernels of fold.cuh with products: typed where both operands are of one usual dtype. */
#include "backend/cuda/fold.cuh"
extern "C" {
#include "backend/cuda/einsum_any.h"
}

extern "C" void einsum_any_launch(const struct fold_args *a, cudaStream_t stream)
{
    if (a->x_dtype != a->w_dtype) fold_by<any_number, true>(a, stream);
    else WITH_DTYPE(a->x_dtype, (fold_by<T, true>(a, stream)))
    if (a->parts > 1) LAUNCH(fold_join, (unsigned)a->kept.count, JOIN_THREADS, 0, stream, *a);
}
