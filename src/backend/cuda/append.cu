/* append.cu: units of what is new, each to the place of its row. */
#include "backend/cuda/loops.cuh"
#include "backend/cuda/numbers.cuh"
extern "C" {
#include "backend/cuda/append.h"
}

template <typename U> KERNEL(WALKERS) append_units(struct append_args a)
{
    int64_t i = thread_number(), at[3];
    if (i >= a.copy.walk.count) return;
    walk_at(a.copy.walk, i, at);
    int64_t place = load_integer(a.places, at[COPY_PLACES], a.dtype);
    if (place < 0 || place > a.most) return;
    *(U *)((char *)a.copy.to + (at[COPY_TO] + place * a.step) * a.copy.element) = *(const U *)((const char *)a.copy.from + at[COPY_FROM] * a.copy.element);
}

extern "C" void append_launch(const struct append_args *a, cudaStream_t stream)
{
    unsigned blocks = blocks_for(a->copy.walk.count, WALKERS);
    WITH_BYTES(a->copy.unit, LAUNCH(append_units<U>, blocks, WALKERS, 0, stream, *a))
}
