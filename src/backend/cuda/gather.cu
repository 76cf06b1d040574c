/* gather.cu: one unit of a row for each thread. */
#include "backend/cuda/loops.cuh"
#include "backend/cuda/numbers.cuh"
extern "C" {
#include "backend/cuda/gather.h"
}

template <typename U> KERNEL(WALKERS) gather_units(struct gather_args a)
{
    int64_t i = thread_number(), at[3];
    if (i >= a.walk.count) return;
    walk_at(a.walk, i, at);
    int64_t id = load_integer(a.ids, at[GATHER_IDS], a.dtype);
    U *to = (U *)((char *)a.to + at[GATHER_TO] * a.element);
    if (id >= 0 && id < a.size) *to = *(const U *)((const char *)a.table + (at[GATHER_TABLE] + id * a.step) * a.element);
    else *to = U{};
}

extern "C" void gather_launch(const struct gather_args *a, cudaStream_t stream)
{
    unsigned blocks = blocks_for(a->walk.count, WALKERS);
    WITH_BYTES(a->unit, LAUNCH(gather_units<U>, blocks, WALKERS, 0, stream, *a))
}
