/* fold.c: who folds what. */
#include "backend/cuda/fold.h"

enum {
    FEW = 32,                               /* of so few a thread takes care itself */
    FILLS = 2048,                           /* results that keep a device busy by themselves */
    BLOCKS = 1024,                          /* blocks that do */
    LEAST_PART = 2048, LEAST_ROWS = 64,     /* what is worth a part of its own */
    LEAST_COLUMNS = 16, NOMINAL_TILE = 128,
    WHOLE = 8                               /* parts begin at multiples of that, so that 16 bytes are of one part */
};

static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

static void cut(struct fold_args *a, int64_t parts, int64_t least)
{
    int64_t each = a->gone.count;
    a->per_part = cuda_parts(cuda_parts(each, most(1, cuda_least(parts, cuda_parts(each, least)))), WHOLE) * WHOLE;
    a->parts = cuda_parts(each, a->per_part);
}

static bool in_columns(const struct fold_args *a)
{
    const struct cuda_walk *kept = &a->kept;
    return cuda_innermost(kept, FOLD_X) == 1 && cuda_innermost(&a->gone, FOLD_GONE_X) != 1 && kept->size[kept->rank - 1] >= LEAST_COLUMNS;
}

void fold_plan(struct fold_args *a, bool product)
{
    int64_t results = a->kept.count, each = a->gone.count;
    bool side_by_side = cuda_innermost(&a->gone, FOLD_GONE_X) == 1 && (!product || cuda_innermost(&a->gone, FOLD_GONE_W) == 1);
    a->parts = 1;
    a->per_part = each;
    a->how = FOLD_EACH;
    if (results == 0 || each < FEW) return;
    if (!product && in_columns(a)) {
        int64_t across = a->kept.size[a->kept.rank - 1];
        a->how = FOLD_COLUMNS;
        cut(a, BLOCKS / most(1, results / across * cuda_parts(across, NOMINAL_TILE)), LEAST_ROWS);
    } else if (results < FILLS && each >= 8 * FEW) {
        a->how = FOLD_BLOCK;
        cut(a, BLOCKS / results, LEAST_PART);
    } else if (results < FILLS || side_by_side) {
        a->how = FOLD_WARP;
    }
}

size_t fold_scratch(const struct fold_args *a) { return a->parts > 1 ? (size_t)(a->parts * a->kept.count) * sizeof(double) : 0; }

static bool multiples(const struct cuda_walk *w, int k, int first, int end, int n)
{
    for (int i = first; i < end; i++)
        if (w->stride[k][i] % n != 0) return false;
    return true;
}

/* Rows of results: every row of x begins at a multiple of n. */
static bool columns_in(const struct fold_args *a, int n)
{
    int last = a->kept.rank - 1;
    return a->kept.size[last] % n == 0 && multiples(&a->kept, FOLD_X, 0, last, n) && multiples(&a->gone, FOLD_GONE_X, 0, a->gone.rank, n);
}

static bool stretches_in(const struct fold_args *a, bool product, int n)
{
    if (a->gone.rank != 1 || a->gone.count % n != 0 || (a->parts > 1 && a->per_part % n != 0)) return false;
    for (int k = 0; k < 1 + product; k++)
        if (a->gone.stride[FOLD_GONE_X + k][0] != 1 || !multiples(&a->kept, FOLD_X + k, 0, a->kept.rank, n)) return false;
    return true;
}

int fold_wide(const struct fold_args *a, bool product)
{
    int n = 16 / (int)rk_dtype_bytes(a->x_dtype);
    bool usual = a->x_dtype == RK_f32 || a->x_dtype == RK_bf16 || a->x_dtype == RK_f16;
    if (!usual || a->how == FOLD_EACH || !cuda_is_at(a->x, 16)) return 1;
    if (product && (a->w_dtype != a->x_dtype || !cuda_is_at(a->w, 16))) return 1;
    return (a->how == FOLD_COLUMNS ? columns_in(a, n) : stretches_in(a, product, n)) ? n : 1;
}
