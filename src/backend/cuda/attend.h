/* attend.h: what attend.c asks of the kernels of attention.
 *
 *   attend_tensor.cu, attend_tensor_adjoint.cu      numbers of 16 bits, on tensor cores
 *   attend_plain.cu, attend_plain_adjoint.cu        f32, and what is not aligned, on CUDA cores
 *   attend_few.cu                                   few queries and many keys: the tokens of a decode */
#ifndef CUDA_ATTEND_H
#define CUDA_ATTEND_H
#include "core/layout.h"
#include <cuda_runtime_api.h>

enum { ATTEND_OUTER = RK_MAX_RANK - 2, ATTEND_WIDEST = 256, ATTEND_TENSOR_WIDEST = 128, ATTEND_TENSOR_STEP = 32, ATTEND_GROUP_WIDEST = 64, ATTEND_GROUP_STEP = 64, ATTEND_FEW = 4 };

/* An operand or a result: element (query or key i, number j) of a head at at[i * row + j], heads `outer` apart. */
struct attend_operand { void *at; int64_t row, outer[ATTEND_OUTER]; };

struct attend_args {
    rk_dtype dtype;                             /* RK_f32, RK_bf16, RK_f16: of all but the lengths */
    int   heads, seq, key, width;               /* heads: product of the dims in front */
    int   n_outer, outer[ATTEND_OUTER];
    bool  causal;
    bool  group;                                /* tensor cores: by groups of four warps (capability 9.0, width 33 .. 64) */
    float scale;
    struct attend_operand q, k, v, y, dy, dq, dk, dv, lengths;     /* at NULL: not there, or not wanted */
    /* Dropout, where drops: a weight stays where its random word is at most `last`, and is multiplied by `over`. */
    bool  drops;
    float over;
    uint32_t last;
    uint64_t site;
    const unsigned long long *seed, *step;      /* on the device */
    float *high, *slope;                        /* gradients: of every row of queries the logarithm of the sum of its weights; Σ y dy */
    int   splits, chunk;                        /* few queries: parts of the keys, and keys of one */
    float *parts;                               /* of them: [row][split][width + 2] */
};

#ifdef __cplusplus
extern "C" {
#endif
void attend_tensor_launch(const struct attend_args *a, cudaStream_t stream);
void attend_tensor_adjoint_launch(const struct attend_args *a, cudaStream_t stream);
void attend_plain_launch(const struct attend_args *a, cudaStream_t stream);
void attend_plain_adjoint_launch(const struct attend_args *a, cudaStream_t stream);
void attend_few_launch(const struct attend_args *a, cudaStream_t stream);
/* Bytes of shared memory that a block asks for; how many queries (of gradients also keys) make or skip their scores together. */
size_t attend_tensor_shared(int width, bool group);
size_t attend_tensor_adjoint_shared(int width, bool group);
size_t attend_plain_shared(int width);
size_t attend_plain_adjoint_shared(int width);
int    attend_tensor_rows(int width, bool group);
int    attend_tensor_adjoint_rows(int width, bool group);
int    attend_plain_rows(int width);
int    attend_plain_adjoint_rows(int width);
#ifdef __cplusplus
}
#endif
#endif
