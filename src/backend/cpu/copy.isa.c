/* copy.isa.c: squares of a vector's width transposed in registers. */
#include "backend/cpu/copy.h"
#include "backend/cpu/cpu.h"
#include "backend/cpu/simd.h"

static void corner(float *to, int64_t to_row, const float *from, int64_t from_column, int64_t rows, int64_t columns)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) memcpy(to + i * to_row + j, from + j * from_column + i, sizeof *to);
}

static void transpose(float *to, int64_t to_row, const float *from, int64_t from_column, int64_t rows, int64_t columns)
{
    int64_t whole_rows = rows / VF_LANES * VF_LANES, whole_columns = columns / VF_LANES * VF_LANES;
    for (int64_t i = 0; i < whole_rows; i += VF_LANES)
        for (int64_t j = 0; j < whole_columns; j += VF_LANES) {
            vf r[VF_LANES];
            UNROLL for (int k = 0; k < VF_LANES; k++) r[k] = vf_load(from + (j + k) * from_column + i);
            vf_transpose(r);
            UNROLL for (int k = 0; k < VF_LANES; k++) vf_store(to + (i + k) * to_row + j, r[k]);
        }
    corner(to + whole_columns, to_row, from + whole_columns * from_column, from_column, whole_rows, columns - whole_columns);
    corner(to + whole_rows * to_row, to_row, from + whole_rows, from_column, rows - whole_rows, columns);
}

static const struct copy_kernels kernels = { transpose };

rk_status ISA_NAME(copy_run)(rk_ctx *ctx, const struct call *c) { return copy_run(ctx, c, &kernels); }
rk_status ISA_NAME(cast_run)(rk_ctx *ctx, const struct call *c) { return copy_run(ctx, c, &kernels); }
rk_status ISA_NAME(place_run)(rk_ctx *ctx, const struct call *c) { return place_run(ctx, c, &kernels); }
rk_status ISA_NAME(append_run)(rk_ctx *ctx, const struct call *c) { return append_run(ctx, c, &kernels); }
