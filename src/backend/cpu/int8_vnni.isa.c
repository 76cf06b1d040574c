/* int8_vnni.isa.c: products of integers by vpdpbusd, for the set of AVX-512: unsigned bytes times signed ones, four to a lane.
 *
 * Rows of W as they lie are read once, as w + 128, and 128 times the sum of x is taken off. Against panels, slivers of X hold x + 128, and 128 times
 * the sum of w is taken off: known after one look at a panel, by all rows. Either way the sums are the same integers.
 *
 * A tile of the result is 6 rows by 4 vectors, two panels. Loads of 512 bits, broadcasts among them, come at little more than one a cycle on some
 * machines that multiply twice a cycle, and this tile needs 10 for 24 products. Its sums in f32 do not fit beside its integers; they are
 * touched once in a block, in the first-level cache. */
#include "backend/cpu/int8_kernel.h"
#if defined(ISA_AVX512)
#include "backend/cpu/int8_round.h"

#define VNNI __attribute__((target("avx512vnni")))
enum { DOTS_AHEAD = 2048, PANEL_AHEAD = 4096, SQUARE = 16 };
enum { HEIGHT = 6, VECTORS = 4, WIDE = VECTORS * VF_LANES, PANEL_VECTORS = INT8_COLUMNS / VF_LANES, PANEL_BLOCK = INT8_COLUMNS * INT8_BLOCK, STEP = 4 * INT8_COLUMNS, AT_ONCE = 48, WEIGHED = 2 };

/* ---- rows of W as they lie ---- */

/* And what adding 128 to every weight will have added. */
VNNI void int8_quantise_vnni(const float *x, int64_t blocks, const struct int8_row *to)
{
    int8_kernels_avx512.quantise(x, blocks, to);
    for (int64_t b = 0; b < blocks; b++) {
        __m512i sum = _mm512_dpbusd_epi32(_mm512_setzero_si512(), _mm512_set1_epi8(1), _mm512_loadu_si512(to->q + b * INT8_BLOCK));
        to->less[b] = -128 * _mm512_reduce_add_epi32(sum);
    }
}

/* Lanes of four registers, added four times less: vf_sums, of integers, in two parts. */
SIMD __m512i sums_of_four(const __m512i *p)
{
    __m512i t[2];
    UNROLL for (int i = 0; i < 2; i++) t[i] = _mm512_add_epi32(_mm512_unpacklo_epi32(p[2 * i], p[2 * i + 1]), _mm512_unpackhi_epi32(p[2 * i], p[2 * i + 1]));
    return _mm512_add_epi32(_mm512_unpacklo_epi64(t[0], t[1]), _mm512_unpackhi_epi64(t[0], t[1]));
}
SIMD __m512i sums_of_sums(const __m512i *u)
{
    __m512i t[2];
    UNROLL for (int i = 0; i < 2; i++) t[i] = _mm512_add_epi32(_mm512_shuffle_i32x4(u[2 * i], u[2 * i + 1], 0x88), _mm512_shuffle_i32x4(u[2 * i], u[2 * i + 1], 0xdd));
    return _mm512_add_epi32(_mm512_shuffle_i32x4(t[0], t[1], 0x88), _mm512_shuffle_i32x4(t[0], t[1], 0xdd));
}

/* Sums of up to 16 blocks of one row of W, a lane for each. */
static inline VNNI __attribute__((always_inline)) __m512i block_sums(const int8_t *w, const int8_t *x, int blocks)
{
    const __m512i flip = _mm512_set1_epi8((char)0x80);
    __m512i four[4];
    UNROLL for (int q = 0; q < 4; q++) {
        __m512i part[4];
        UNROLL for (int i = 0; i < 4; i++) {
            int b = 4 * q + i;
            part[i] = _mm512_setzero_si512();
            if (b >= blocks) continue;
            __builtin_prefetch(w + b * INT8_BLOCK + DOTS_AHEAD);
            part[i] = _mm512_dpbusd_epi32(part[i], _mm512_xor_si512(_mm512_loadu_si512(w + b * INT8_BLOCK), flip), _mm512_loadu_si512(x + b * INT8_BLOCK));
        }
        four[q] = sums_of_four(part);
    }
    return sums_of_sums(four);
}

/* Sixteen rows of W, one after the other, and then their blocks: so memory is read in its order, and sums are added in theirs. */
static VNNI vf dots_square(const struct int8_dots *d, int64_t column, int columns, vf sum)
{
    for (int64_t from = 0; from < d->blocks; from += SQUARE) {
        const int blocks = d->blocks - from < SQUARE ? (int)(d->blocks - from) : SQUARE;
        const __mmask16 some = (__mmask16)((1u << blocks) - 1);
        const __m512i less = _mm512_maskz_loadu_epi32(some, d->x.less + from);
        const vf x_scale = _mm512_maskz_loadu_ps(some, d->x.scale + from);
        vf whole[SQUARE], scale[SQUARE];
        for (int j = 0; j < SQUARE; j++) {
            whole[j] = scale[j] = vf_zero();
            if (j >= columns) continue;
            whole[j] = _mm512_cvtepi32_ps(_mm512_add_epi32(less, block_sums(d->w + (column + j) * d->w_row + from * INT8_BLOCK, d->x.q + from * INT8_BLOCK, blocks)));
            scale[j] = vf_mul(x_scale, _mm512_maskz_loadu_ps(some, d->scale + (column + j) * d->scale_row + from));
        }
        vf_transpose(whole);
        vf_transpose(scale);
        for (int b = 0; b < blocks; b++) sum = vf_fma(whole[b], scale[b], sum);
    }
    return sum;
}

VNNI void int8_dots_vnni(const struct int8_dots *d)
{
    for (int64_t j = 0; j < d->columns; j += SQUARE) {
        const int columns = d->columns - j < SQUARE ? (int)(d->columns - j) : SQUARE;
        float some[SQUARE] = { 0 }, *y = d->y + j * d->y_step;
        for (int i = 0; i < columns && d->add; i++) some[i] = y[i * d->y_step];
        vf_store(some, dots_square(d, j, columns, vf_load(some)));
        for (int i = 0; i < columns; i++) y[i * d->y_step] = some[i];
    }
}

/* ---- panels ---- */

/* x + 128: unsigned. */
static void sliver(const float *x, int64_t blocks, const struct int8_row *to)
{
    for (int64_t b = 0; b < blocks; b++) to->scale[b * to->apart] = round_block(x + b * INT8_BLOCK, to->q + b * to->apart * INT8_BLOCK, INT8_MIN);
}

/* A tile of the result: rows of a sliver by the columns of one panel or two. */
struct tile {
    const int8_t *x, *next;                      /* [blocks][rows][64]; where the next tile begins to read */
    const float *x_scale;                        /* [blocks][rows] */
    const int8_t *w;
    const float *w_scale;
    const int32_t *less;                         /* [blocks][columns]: -128 times the sums of w */
    int64_t second, blocks;
    float *y;
    int64_t y_row, y_step;
    int columns;
    bool add;
};

/* As an instruction of its own: compilers copy every sum at every step when they see the intrinsic in a loop. */
SIMD void add_products(__m512i *sum, __m512i x, __m512i w) { __asm__("vpdpbusd %2, %1, %0" : "+v"(*sum) : "v"(x), "v"(w)); }

/* -128 times the sums of a block, of all columns of a panel. */
static VNNI void weigh(const int8_t *w, int32_t *less)
{
    const __m512i one = _mm512_set1_epi8(1);
    __m512i sum[PANEL_VECTORS] = { _mm512_setzero_si512(), _mm512_setzero_si512() };
    for (int q = 0; q < INT8_FOURS; q++, w += STEP)
        UNROLL for (int j = 0; j < PANEL_VECTORS; j++) {
            __builtin_prefetch(w + j * 64 + PANEL_AHEAD);
            add_products(&sum[j], one, _mm512_loadu_si512(w + j * 64));
        }
    UNROLL for (int j = 0; j < PANEL_VECTORS; j++)
        _mm512_storeu_si512(less + j * VF_LANES, _mm512_sub_epi32(_mm512_setzero_si512(), _mm512_slli_epi32(sum[j], 7)));
}

/* A tile of Y into `all`, and back. At the edges of a result, and where its columns are not neighbours, number by number. */
static bool whole_vectors(const struct tile *t, int vectors) { return t->columns == vectors * VF_LANES && t->y_step == 1; }

SIMD void tile_fetch(const struct tile *t, int rows, int vectors, float *all)
{
    const bool whole = t->add && whole_vectors(t, vectors);
    UNROLL for (int i = 0; i < rows; i++)
        UNROLL for (int j = 0; j < vectors; j++) vf_store(all + (i * vectors + j) * VF_LANES, whole ? vf_load(t->y + i * t->y_row + j * VF_LANES) : vf_zero());
    for (int i = 0; i < rows && t->add && !whole; i++)
        for (int j = 0; j < t->columns; j++) all[i * vectors * VF_LANES + j] = t->y[i * t->y_row + j * t->y_step];
}

SIMD void tile_put(const struct tile *t, int rows, int vectors, const float *all)
{
    if (whole_vectors(t, vectors)) {
        UNROLL for (int i = 0; i < rows; i++)
            UNROLL for (int j = 0; j < vectors; j++) vf_store(t->y + i * t->y_row + j * VF_LANES, vf_load(all + (i * vectors + j) * VF_LANES));
        return;
    }
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < t->columns; j++) t->y[i * t->y_row + j * t->y_step] = all[i * vectors * VF_LANES + j];
}

/* The lines of Y that tile_put writes are asked for in the last blocks, half a row in each: they come when there is other work, and are not pushed out again. */
SIMD void fetch_half(const struct tile *t, int vectors, int64_t half)
{
    const float *y = t->y + (half > 0 ? half / 2 * t->y_row : 0) + (half & 1) * (vectors / 2) * VF_LANES;
    UNROLL for (int j = 0; j < vectors / 2; j++) __builtin_prefetch(y + j * VF_LANES, 1);
}

/* The sums in integers of one block: rows by vectors, in registers. Then each is added, with its scales. `weighs`: w is weighed meanwhile, as one more row. */
static inline VNNI __attribute__((always_inline)) void tile(const struct tile *t, const int rows, const int vectors, const bool weighs)
{
    const __m512i one = _mm512_set1_epi8(1);
    const int64_t blocks = t->blocks, second = t->second;
    const int8_t *x = t->x, *next = t->next, *left = t->w, *right = left + second * PANEL_BLOCK;
    const float *x_scale = t->x_scale, *w_scale = t->w_scale;
    const int32_t *less = t->less;
    _Alignas(64) float all[HEIGHT * WIDE];
    tile_fetch(t, rows, vectors, all);
    for (int64_t b = 0; b < blocks; b++, x_scale += rows, w_scale += INT8_COLUMNS, less += WIDE, next += rows * INT8_BLOCK, x += (rows - 1) * INT8_BLOCK) {
        __m512i whole[HEIGHT][VECTORS], weight[VECTORS];
        UNROLL for (int i = 0; i < rows; i++) __builtin_prefetch(next + i * INT8_BLOCK);
        fetch_half(t, vectors, b - (blocks - 2 * rows));
        UNROLL for (int j = 0; j < vectors; j++) {
            const __m512i begin = weighs ? _mm512_setzero_si512() : _mm512_loadu_si512(less + j * VF_LANES);
            weight[j] = begin;
            UNROLL for (int i = 0; i < rows; i++) whole[i][j] = begin;
        }
        for (int q = 0; q < INT8_FOURS; q += 2, x += 8, left += 2 * STEP, right += 2 * STEP)
            UNROLL for (int half = 0; half < 2; half++) {
                __m512i four[VECTORS];
                UNROLL for (int j = 0; j < vectors; j++) {
                    const int8_t *at = (j < PANEL_VECTORS ? left : right) + half * STEP + j % 2 * 64;
                    four[j] = _mm512_loadu_si512(at);
                    if (!weighs) continue;
                    __builtin_prefetch(at + PANEL_AHEAD);
                    add_products(&weight[j], one, four[j]);
                }
                UNROLL for (int i = 0; i < rows; i++) {
                    int32_t same;
                    memcpy(&same, x + i * INT8_BLOCK + half * 4, sizeof same);
                    const __m512i in_all = _mm512_set1_epi32(same);
                    UNROLL for (int j = 0; j < vectors; j++) add_products(&whole[i][j], in_all, four[j]);
                }
            }
        UNROLL for (int j = 0; j < vectors; j++) {
            const vf column = vf_load(w_scale + j / 2 * second * INT8_COLUMNS + j % 2 * VF_LANES);
            const __m512i added = _mm512_slli_epi32(weight[j], 7);
            UNROLL for (int i = 0; i < rows; i++) {
                float *sum = all + (i * vectors + j) * VF_LANES;
                vf_store(sum, vf_fma(_mm512_cvtepi32_ps(weighs ? _mm512_sub_epi32(whole[i][j], added) : whole[i][j]), vf_mul(vf_set1(x_scale[i]), column), vf_load(sum)));
            }
        }
    }
    tile_put(t, rows, vectors, all);
}

#define FOR_FEW_ROWS(X) X(1) X(2) X(3) X(4) X(5)
#define FOR_EVERY_HEIGHT(X) FOR_FEW_ROWS(X) X(6)
#define X(rows)                                                                                       \
    static VNNI void tile_##rows##x2(const struct tile *t) { tile(t, rows, PANEL_VECTORS, false); }   \
    static VNNI void tile_##rows##x4(const struct tile *t) { tile(t, rows, VECTORS, false); }
FOR_EVERY_HEIGHT(X)
#undef X

/* Rows that are one sliver alone, and leave registers for weights. */
#define X(rows)                                                                                       \
    static VNNI void alone_##rows##x2(const struct tile *t) { tile(t, rows, PANEL_VECTORS, true); }   \
    static VNNI void alone_##rows##x4(const struct tile *t) { tile(t, rows, VECTORS, true); }
FOR_FEW_ROWS(X)
#undef X

/* Blocks b .. b + n of `rows` rows from row i. */
static struct tile tile_of(const struct int8_panel *p, int64_t i, int64_t rows, int64_t b, int64_t n)
{
    const int64_t at = i * p->depth + (p->from + b) * rows, next = p->rows - i >= 2 * HEIGHT ? at + HEIGHT * p->depth : at;
    return (struct tile){ .x = p->x + at * INT8_BLOCK, .next = p->x + next * INT8_BLOCK, .x_scale = p->x_scale + at, .w = p->w + b * PANEL_BLOCK, .w_scale = p->w_scale + b * INT8_COLUMNS,
                          .less = p->less + b * WIDE, .second = p->second, .blocks = n, .y = p->y + i * p->y_row, .y_row = p->y_row, .y_step = p->y_step, .columns = p->columns,
                          .add = p->add || b > 0 };
}

/* The first sliver goes through the panel in small steps: as it comes from memory, it is weighed and multiplied. The others find it in the cache. */
static void multiply(const struct int8_panel *p)
{
#define X(rows) { tile_##rows##x2, tile_##rows##x4 },
    static void (*const tiles[HEIGHT][2])(const struct tile *t) = { FOR_EVERY_HEIGHT(X) };
#undef X
#define X(rows) { alone_##rows##x2, alone_##rows##x4 },
    static void (*const alone[HEIGHT - 1][2])(const struct tile *t) = { FOR_FEW_ROWS(X) };
#undef X
    const int panels = p->columns > INT8_COLUMNS ? 2 : 1;
    if (p->rows < HEIGHT) {
        const struct tile t = tile_of(p, 0, p->rows, 0, p->blocks);
        alone[p->rows - 1][panels - 1](&t);
        return;
    }
    for (int64_t i = 0; i < p->rows; i += HEIGHT) {
        const int64_t rows = p->rows - i < HEIGHT ? p->rows - i : HEIGHT, step = i == 0 ? WEIGHED : p->blocks;
        for (int64_t b = 0; b < p->blocks; b += step) {
            const struct tile t = tile_of(p, i, rows, b, p->blocks - b < step ? p->blocks - b : step);
            for (int64_t k = b; k < b + t.blocks && i == 0; k++)
                for (int j = 0; j < panels; j++) weigh(p->w + (j * p->second + k) * PANEL_BLOCK, p->less + k * WIDE + j * INT8_COLUMNS);
            tiles[rows - 1][panels - 1](&t);
        }
    }
}

const struct int8_kernels int8_kernels_vnni = { .quantise = int8_quantise_vnni, .sliver = sliver, .dots = int8_dots_vnni, .height = HEIGHT, .columns = WIDE, .at_once = AT_ONCE,
                                                .panel = int8_panel_avx512, .multiply = multiply };
#endif
