/* copy.cu: elements moved as they are. Neighbours go in units of up to 16 bytes; where what is near on one side is far on the other,
 * tiles of both go through shared memory, so that each side is read and written in neighbours. */
#include "backend/cuda/loops.cuh"
extern "C" {
#include "backend/cuda/copy.h"
}

template <typename U> KERNEL(WALKERS) move_units(struct copy_args a)
{
    int64_t i = thread_number(), at[2];
    if (i >= a.walk.count) return;
    walk_at(a.walk, i, at);
    U *to = (U *)((char *)a.to + at[COPY_TO] * a.element);
    if (a.from != NULL) *to = *(const U *)((const char *)a.from + at[COPY_FROM] * a.element);
    else *to = U{};
}

/* A block of 32 × 8 threads, a tile of 32 rows and columns. */
template <typename U> KERNEL(WALKERS) move_tile(struct tile_args a)
{
    SHARED U tile[COPY_TILE][COPY_TILE + 1];
    int64_t number = blockIdx.x, at[2];
    int64_t column = number % a.tiles[1] * COPY_TILE, row = number / a.tiles[1] % a.tiles[0] * COPY_TILE;
    walk_at(a.rest, number / a.tiles[1] / a.tiles[0], at);
    const U *from = (const U *)a.from + at[COPY_FROM];
    U *to = (U *)a.to + at[COPY_TO];
    int x = threadIdx.x % COPY_TILE, y = threadIdx.x / COPY_TILE;
    for (int c = y; c < COPY_TILE; c += WALKERS / COPY_TILE)
        if (row + x < a.rows && column + c < a.columns) tile[c][x] = from[(column + c) * a.from_column + row + x];
    __syncthreads();
    for (int r = y; r < COPY_TILE; r += WALKERS / COPY_TILE)
        if (row + r < a.rows && column + x < a.columns) to[(row + r) * a.to_row + column + x] = tile[x][r];
}

extern "C" void copy_launch(const struct copy_args *a, cudaStream_t stream)
{
    unsigned blocks = blocks_for(a->walk.count, WALKERS);
    WITH_BYTES(a->unit, LAUNCH(move_units<U>, blocks, WALKERS, 0, stream, *a))
}

extern "C" void tile_launch(const struct tile_args *a, cudaStream_t stream)
{
    unsigned blocks = (unsigned)(a->tiles[0] * a->tiles[1] * a->rest.count);
    WITH_BYTES(a->element, LAUNCH(move_tile<U>, blocks, WALKERS, 0, stream, *a))
}
