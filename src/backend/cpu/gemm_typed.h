/* gemm_typed.h: what reads an operand as it is stored, written once for every type: GEMM_TYPE, GEMM_ELEMENT. No include guard:
 * gemm.isa.c includes it once per type.
 *
 * Packing makes f32 of it. The kernels of few rows are bound by reading B, so they read it in the order in which it lies, one
 * stream of memory per thread, and ask for it ahead: row for row of B, along k (dots) or across (lines). */
#define TYPED_JOIN_(name, type) name##_##type
#define TYPED_JOIN(name, type) TYPED_JOIN_(name, type)
#define T(name) TYPED_JOIN(name, GEMM_TYPE)

/* ---- packing: strips of at most VF_LANES wide; a full store may spill into the next k's row, which is written after it. Along k a strip asks for
 * the one beside it: too many rows at once for the processor to see where each goes on. ---- */

static void T(strip_across)(float *to, int pad, const GEMM_ELEMENT *from, int64_t step_k, int w, int64_t k)       /* w is contiguous */
{
    if (w == VF_LANES)
        for (int64_t j = 0; j < k; j++) vf_store(to + j * pad, T(stored_load)(from + j * step_k));
    else
        for (int64_t j = 0; j < k; j++) vf_store(to + j * pad, T(stored_load_n)(from + j * step_k, w));
}

static void T(strip_along)(float *to, int pad, const GEMM_ELEMENT *from, int64_t step_w, int w, int64_t k)        /* k is contiguous */
{
    int64_t j = 0;
    for (; j + VF_LANES <= k; j += VF_LANES) {
        vf square[VF_LANES];
        UNROLL for (int i = 0; i < VF_LANES; i++) square[i] = i < w ? T(stored_load)(from + i * step_w + j) : vf_zero();
        UNROLL for (int i = 0; i < VF_LANES; i++) __builtin_prefetch(from + (i + VF_LANES) * step_w + j, 0, 2);
        vf_transpose(square);
        UNROLL for (int i = 0; i < VF_LANES; i++) vf_store(to + (j + i) * pad, square[i]);
    }
    for (; j < k; j++) vf_store(to + j * pad, T(stored_load_step)(from + j, step_w, w));
}

static void T(strip_any)(float *to, int pad, const GEMM_ELEMENT *from, int64_t step_w, int64_t step_k, int w, int64_t k)
{
    for (int64_t j = 0; j < k; j++) vf_store(to + j * pad, T(stored_load_step)(from + j * step_k, step_w, w));
}

/* Those from i on. */
static void T(strip)(float *to, int pad, const GEMM_ELEMENT *from, int64_t step_w, int64_t step_k, int w, int64_t k, int i)
{
    int here = w - i < VF_LANES ? w - i : VF_LANES;
    if (here < 0) here = 0;
    const GEMM_ELEMENT *at = here > 0 ? from + i * step_w : from;
    if (step_w == 1 || here == 1) T(strip_across)(to + i, pad, at, step_k, here, k);
    else if (step_k == 1) T(strip_along)(to + i, pad, at, step_w, here, k);
    else T(strip_any)(to + i, pad, at, step_w, step_k, here, k);
}

/* A strip that is not whole comes first: what it spills belongs to others, which are written after it. */
static void T(pack)(float *to, int pad, const void *operand, int64_t step_w, int64_t step_k, int w, int64_t k)
{
    const int whole = pad / VF_LANES * VF_LANES;
    if (whole < pad) T(strip)(to, pad, operand, step_w, step_k, w, k, whole);
    for (int i = 0; i < whole; i += VF_LANES) T(strip)(to, pad, operand, step_w, step_k, w, k, i);
}

/* ---- dots: one row of B after the other, against the rows of A; DEEP sums per row of A, added at its end ---- */

enum { T(DEEP) = 4, T(DOTS_AHEAD) = 3072 / (int)sizeof(GEMM_ELEMENT) };

SIMD void T(dot_row)(const struct gemm_dots *d, const GEMM_ELEMENT *b, float *c, const int rows)
{
    vf sum[DOT_ROWS][T(DEEP)];
    const float *a = d->a;
    int64_t k = 0;
    UNROLL for (int i = 0; i < rows; i++)
        UNROLL for (int u = 0; u < T(DEEP); u++) sum[i][u] = vf_zero();
    for (; k + T(DEEP) * VF_LANES <= d->k; k += T(DEEP) * VF_LANES) {
        vf w[T(DEEP)];
        UNROLL for (int u = 0; u < T(DEEP); u++) {
            if (u * VF_LANES * (int)sizeof(GEMM_ELEMENT) % 64 == 0) __builtin_prefetch(b + k + T(DOTS_AHEAD) + u * VF_LANES);
            w[u] = T(stored_load)(b + k + u * VF_LANES);
        }
        UNROLL for (int i = 0; i < rows; i++)
            UNROLL for (int u = 0; u < T(DEEP); u++) sum[i][u] = vf_fma(vf_load(a + i * d->a_row + k + u * VF_LANES), w[u], sum[i][u]);
    }
    for (; k < d->k; k += VF_LANES) {
        int n = d->k - k < VF_LANES ? (int)(d->k - k) : VF_LANES;
        vf w = T(stored_load_n)(b + k, n);
        UNROLL for (int i = 0; i < rows; i++) sum[i][0] = vf_fma(vf_load_n(a + i * d->a_row + k, n), w, sum[i][0]);
    }
    UNROLL for (int i = 0; i < rows; i++) {
        float *to = c + i * d->c_m, x = d->alpha * vf_reduce_add(vf_add(vf_add(sum[i][0], sum[i][1]), vf_add(sum[i][2], sum[i][3])));
        *to = d->add ? *to + x : x;
    }
}

/* Several rows of B against several of A: fewer loads per product. Each row of B asks for the one ahead, or, in turns, one of them does
 * and the others in other calls. */
SIMD void T(dot_rest)(const struct gemm_dots *d, const GEMM_ELEMENT *b, vf *sum, int64_t k, const int rows, const int columns)
{
    const int n = (int)(d->k - k);
    vf x[DOT_TALL];
    UNROLL for (int i = 0; i < rows; i++) x[i] = vf_load_n(d->a + i * d->a_row + k, n);
    UNROLL for (int j = 0; j < columns; j++) {
        vf w = T(stored_load_n)(b + j * d->b_row + k, n);
        UNROLL for (int i = 0; i < rows; i++) sum[i * columns + j] = vf_fma(x[i], w, sum[i * columns + j]);
    }
}

SIMD void T(dot_block)(const struct gemm_dots *d, const GEMM_ELEMENT *b, float *c, const int rows, const int columns, const bool turns)
{
    vf sum[DOT_SUMS];
    const GEMM_ELEMENT *one = turns ? b + d->turn % columns * d->b_row + d->ahead : b;
    int64_t k = 0;
    UNROLL for (int i = 0; i < DOT_SUMS; i++) sum[i] = vf_zero();
    for (; k + VF_LANES <= d->k; k += VF_LANES) {
        vf w[DOT_COLUMNS];
        if (turns) __builtin_prefetch(one + k, 0, 2);
        UNROLL for (int j = 0; j < columns; j++) {
            if (!turns) __builtin_prefetch(b + j * d->b_row + k + d->ahead);
            w[j] = T(stored_load)(b + j * d->b_row + k);
        }
        UNROLL for (int i = 0; i < rows; i++) {
            vf x = vf_load(d->a + i * d->a_row + k);
            vf_keep(&x);
            UNROLL for (int j = 0; j < columns; j++) sum[i * columns + j] = vf_fma(x, w[j], sum[i * columns + j]);
        }
    }
    if (k < d->k) T(dot_rest)(d, b, sum, k, rows, columns);
    float all[DOT_SUMS];
    UNROLL for (int i = 0; i < DOT_SUMS; i += VF_LANES) vf_store(all + i, vf_mul(vf_set1(d->alpha), vf_sums(sum + i)));
    UNROLL for (int i = 0; i < rows; i++)
        UNROLL for (int j = 0; j < columns; j++) {
            float *to = c + i * d->c_m + j * d->c_n, y = all[i * columns + j];
            *to = d->add ? *to + y : y;
        }
}

SIMD void T(dot_rows)(const struct gemm_dots *d, const int rows, const int columns, const bool turns)
{
    const GEMM_ELEMENT *b = d->b;
    int64_t j = 0;
    for (; rows > 2 && j + columns <= d->columns; j += columns) T(dot_block)(d, b + j * d->b_row, d->c + j * d->c_n, rows, columns, turns);
    for (; j < d->columns; j++) {
        if (rows > DOT_ROWS) T(dot_block)(d, b + j * d->b_row, d->c + j * d->c_n, rows, 1, false);
        else T(dot_row)(d, b + j * d->b_row, d->c + j * d->c_n, rows > DOT_ROWS ? 1 : rows);
    }
}

#define TALL(n)                                                                                                       \
    static void T(dots_##n)(const struct gemm_dots *d)                                                                \
    {                                                                                                                 \
        if (d->turn < 0) T(dot_rows)(d, n, DOT_TALL_COLUMNS, false);                                               \
        else T(dot_rows)(d, n, DOT_TALL_COLUMNS, true);                                                            \
    }
FOR_TALL(TALL)
#undef TALL

static void T(dots)(const struct gemm_dots *d)
{
#define TALL(n) T(dots_##n),
    static gemm_dots_fn *const tall[] = { FOR_TALL(TALL) };
#undef TALL
    if (d->rows == 1) T(dot_rows)(d, 1, 1, false);
    else if (d->rows == 2) T(dot_rows)(d, 2, 1, false);
    else if (!d->tall && d->rows == 3) T(dot_rows)(d, 3, DOT_COLUMNS, false);
    else if (!d->tall && d->rows == 4) T(dot_rows)(d, 4, DOT_COLUMNS, false);
    else tall[d->rows - 3](d);
}

/* ---- lines: some rows of B side by side into the rows of Y, which stay in the first-level cache ---- */

SIMD void T(line_block)(const struct gemm_lines *l, const float *a, const GEMM_ELEMENT *b, const int rows, const int deep, int64_t columns)
{
    vf x[LINE_ROWS][8];
    UNROLL for (int i = 0; i < rows; i++)
        UNROLL for (int u = 0; u < deep; u++) x[i][u] = vf_set1(a[i * l->a_row + u]);
    int64_t j = 0;
    for (; j + VF_LANES <= columns; j += VF_LANES) {
        vf y[LINE_ROWS];
        UNROLL for (int i = 0; i < rows; i++) y[i] = vf_load(l->y + i * l->y_row + j);
        UNROLL for (int u = 0; u < deep; u++) {
            __builtin_prefetch(b + (u + deep) * l->b_k + j, 0, 2);
            vf w = T(stored_load)(b + u * l->b_k + j);
            UNROLL for (int i = 0; i < rows; i++) y[i] = vf_fma(x[i][u], w, y[i]);
        }
        UNROLL for (int i = 0; i < rows; i++) vf_store(l->y + i * l->y_row + j, y[i]);
    }
    int n = (int)(columns - j);
    for (int i = 0; i < rows && n > 0; i++) {
        vf y = vf_load_n(l->y + i * l->y_row + j, n);
        UNROLL for (int u = 0; u < deep; u++) y = vf_fma(x[i][u], T(stored_load_n)(b + u * l->b_k + j, n), y);
        vf_store_n(l->y + i * l->y_row + j, y, n);
    }
}

SIMD void T(line_rows)(const struct gemm_lines *l, const int rows, const int deep)
{
    const GEMM_ELEMENT *b = l->b;
    int64_t k = 0;
    for (; k + deep <= l->k; k += deep) T(line_block)(l, l->a + k, b + k * l->b_k, rows, deep, l->columns);
    for (; k < l->k; k++) T(line_block)(l, l->a + k, b + k * l->b_k, rows, 1, l->columns);
}

static void T(lines)(const struct gemm_lines *l)
{
    if (l->rows == 1) T(line_rows)(l, 1, VF_REGISTERS / 4);
    else if (l->rows == 2) T(line_rows)(l, 2, 4);
    else if (l->rows == 3) T(line_rows)(l, 3, VF_REGISTERS / 8);
    else T(line_rows)(l, 4, VF_REGISTERS / 8);
}

#undef T
#undef TYPED_JOIN
#undef TYPED_JOIN_
#undef GEMM_TYPE
#undef GEMM_ELEMENT
