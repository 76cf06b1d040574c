/* loops.h: one walk over several operands as kernels take it, by value: the merged loops of core/layout.h, and their units.
 *
 * A kernel asks for the offsets of step i (loops.cuh). Where neighbours are moved together, a unit of several elements is one step. */
#ifndef CUDA_LOOPS_H
#define CUDA_LOOPS_H
#include "core/layout.h"

enum { CUDA_WALKS = 3 };
struct cuda_walk { int rank; int64_t count, size[RK_MAX_RANK], stride[CUDA_WALKS][RK_MAX_RANK]; };      /* count: steps, the last loop fastest */

#ifdef __cplusplus
extern "C" {
#endif
void cuda_walk_over(struct cuda_walk *w, const struct layout *space, const struct layout *const *operands, int n);
/* Makes `elements` neighbours of the innermost loop one step; strides stay in elements. False, and nothing done, unless they are
 * neighbours in every operand of `moved` (bits), stand still in all others, and units of them begin at whole units everywhere. */
bool cuda_walk_in_units(struct cuda_walk *w, unsigned moved, int elements);
#ifdef __cplusplus
}
#endif

static inline int64_t cuda_innermost(const struct cuda_walk *w, int k) { return w->rank == 0 ? 0 : w->stride[k][w->rank - 1]; }
static inline int64_t cuda_parts(int64_t n, int64_t size) { return (n + size - 1) / size; }     /* how many of `size` cover n */
static inline int64_t cuda_least(int64_t a, int64_t b) { return a < b ? a : b; }
static inline size_t cuda_aligned(size_t bytes) { return (bytes + 255) & ~(size_t)255; }         /* parts of a workspace */
static inline bool cuda_is_at(const void *address, size_t bytes) { return (size_t)address % bytes == 0; }

#endif
