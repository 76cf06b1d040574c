/* copy.isa.c: squares of a vector's width transposed in registers; casts to and from 16 bits. */
#include "backend/cpu/copy.h"
#include "backend/cpu/cpu.h"
#include "backend/cpu/simd_stored.h"

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

#define CONVERT(type)                                                                                                 \
    static void from_##type(float *to, const uint16_t *from, int64_t n)                                               \
    {                                                                                                                 \
        int64_t i = 0;                                                                                                \
        for (; i + VF_LANES <= n; i += VF_LANES) vf_store(to + i, stored_load_##type(from + i));                      \
        if (i < n) vf_store_n(to + i, stored_load_n_##type(from + i, (int)(n - i)), (int)(n - i));                    \
    }                                                                                                                 \
    static void to_##type(uint16_t *to, const float *from, int64_t n)                                                 \
    {                                                                                                                 \
        int64_t i = 0;                                                                                                \
        for (; i + VF_LANES <= n; i += VF_LANES) stored_store_n_##type(to + i, vf_load(from + i), VF_LANES);          \
        if (i < n) stored_store_n_##type(to + i, vf_load_n(from + i, (int)(n - i)), (int)(n - i));                    \
    }
CONVERT(f16)
CONVERT(bf16)

bool ISA_NAME(copy_convert)(void *to, rk_dtype to_dtype, const void *from, rk_dtype from_dtype, int64_t n)
{
    if (from_dtype == RK_f32 && to_dtype == RK_bf16) to_bf16(to, from, n);
    else if (from_dtype == RK_f32 && to_dtype == RK_f16) to_f16(to, from, n);
    else if (from_dtype == RK_bf16 && to_dtype == RK_f32) from_bf16(to, from, n);
    else if (from_dtype == RK_f16 && to_dtype == RK_f32) from_f16(to, from, n);
    else return false;
    return true;
}

const struct copy_kernels ISA_NAME(copy_kernels) = { transpose, ISA_NAME(copy_convert) };

rk_status ISA_NAME(copy_run)(rk_ctx *ctx, const struct call *c) { return copy_run(ctx, c, &ISA_NAME(copy_kernels)); }
rk_status ISA_NAME(cast_run)(rk_ctx *ctx, const struct call *c) { return copy_run(ctx, c, &ISA_NAME(copy_kernels)); }
rk_status ISA_NAME(place_run)(rk_ctx *ctx, const struct call *c) { return place_run(ctx, c, &ISA_NAME(copy_kernels)); }
rk_status ISA_NAME(append_run)(rk_ctx *ctx, const struct call *c) { return append_run(ctx, c, &ISA_NAME(copy_kernels)); }
