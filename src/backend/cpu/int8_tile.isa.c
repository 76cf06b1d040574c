/* int8_tile.isa.c: panels of integers by AMX, for the set of AVX-512.
 *
 * A product of tiles is one block of 64 of the sum, for 16 rows by 16 columns: exact. Scales differ from block to block, so the sums
 * go through memory, a cache line per row, into vectors of f32: three instructions for each vector, beside 16 stores, are what bounds
 * this, not the tiles. A square of the result is finished before the next, its sums in registers; what one product left is scaled
 * two products later, when it has arrived.
 *
 *   X   slivers of 32 rows    [block][32][64]              W   panels: a tile is every other cache line of a block */
#include "backend/cpu/int8.h"
#if defined(ISA_AVX512)
#include "backend/cpu/simd.h"
#include "backend/cpu/tiles.h"

enum { HEIGHT = 2 * TILE_ROWS, SQUARE = TILE_ROWS * 16, SLIVER_BLOCK = HEIGHT * INT8_BLOCK, PANEL_BLOCK = INT8_COLUMNS * INT8_BLOCK };
_Static_assert((int)INT8_BLOCK == (int)TILE_BYTES && (int)INT8_COLUMNS == 2 * (int)TILE_ROWS, "a block of the sum is one product of tiles");

static void sliver(const struct int8_row *row, int64_t blocks, int at, int rows, const struct int8_row *to)
{
    (void)rows;
    for (int64_t b = 0; b < blocks; b++) {
        memcpy(to->q + b * SLIVER_BLOCK + at * INT8_BLOCK, row->q + b * INT8_BLOCK, INT8_BLOCK);
        to->scale[b * HEIGHT + at] = row->scale[b];
    }
}

SIMD vf get_row(const float *y, int64_t step, int columns)
{
    float some[16] = { 0 };
    if (step == 1) return vf_load_n(y, columns);
    for (int j = 0; j < columns; j++) some[j] = y[j * step];
    return vf_load(some);
}

SIMD void put_row(float *y, int64_t step, int columns, vf x)
{
    float some[16];
    if (step == 1) {
        vf_store_n(y, x, columns);
        return;
    }
    vf_store(some, x);
    for (int j = 0; j < columns; j++) y[j * step] = some[j];
}

/* A square of the result, 16 rows of a sliver by half of the columns of a panel. */
struct square { const int8_t *x, *w; const float *x_scale, *w_scale; int64_t blocks; float *y; int64_t y_row, y_step; int rows, columns; bool add; };

#define PRODUCT(tile, a, b)                                                                                           \
    _tile_loadd(a, x, TILE_BYTES);                                                                                    \
    _tile_loadd(b, w, 2 * TILE_BYTES);                                                                                \
    x += SLIVER_BLOCK, w += PANEL_BLOCK;                                                                              \
    _tile_zero(tile);                                                                                                 \
    _tile_dpbssd(tile, a, b);

/* One block is scaled, the one after it stored, the one after that multiplied. */
#define STEP(a, b, next, after, to, from)                                                                             \
    if (i + 2 < s->blocks) {                                                                                          \
        PRODUCT(after, a, b)                                                                                          \
    }                                                                                                                 \
    if (i + 1 < s->blocks) _tile_stored(next, whole + (to) * SQUARE, TILE_BYTES);                                      \
    scale_block(whole + (from) * SQUARE, s->x_scale + i * HEIGHT, s->w_scale + i * INT8_COLUMNS, sum);                 \
    if (++i >= s->blocks) break;

SIMD void scale_block(const int32_t *whole, const float *x_scale, const float *w_scale, vf sum[TILE_ROWS])
{
    const vf column = vf_load(w_scale);
    UNROLL for (int i = 0; i < TILE_ROWS; i++)
        sum[i] = vf_fma(_mm512_cvtepi32_ps(_mm512_load_si512(whole + i * 16)), vf_mul(vf_set1(x_scale[i]), column), sum[i]);
}

static TILES void multiply_square(const struct square *s)
{
    _Alignas(64) int32_t whole[4 * SQUARE];
    const int8_t *x = s->x, *w = s->w;
    vf sum[TILE_ROWS];
    UNROLL for (int i = 0; i < TILE_ROWS; i++) sum[i] = s->add && i < s->rows ? get_row(s->y + i * s->y_row, s->y_step, s->columns) : vf_zero();
    PRODUCT(0, 4, 5)
    if (s->blocks > 1) {
        PRODUCT(1, 6, 7)
    }
    _tile_stored(0, whole, TILE_BYTES);
    for (int64_t i = 0;;) {
        STEP(4, 5, 1, 2, 1, 0)
        STEP(6, 7, 2, 3, 2, 1)
        STEP(4, 5, 3, 0, 3, 2)
        STEP(6, 7, 0, 1, 0, 3)
    }
    UNROLL for (int i = 0; i < TILE_ROWS; i++)
        if (i < s->rows) put_row(s->y + i * s->y_row, s->y_step, s->columns, sum[i]);
}

static TILES void multiply(const struct int8_panel *p)
{
    tiles_open();
    for (int64_t row = 0; row < p->rows; row += TILE_ROWS)
        for (int half = 0; half < 2 && half * 16 < p->columns; half++) {
            int64_t high = row % HEIGHT, at = (row - high) * p->depth + p->from * HEIGHT;
            multiply_square(&(struct square){
                .x = p->x + at * INT8_BLOCK + high * INT8_BLOCK, .w = p->w + half * TILE_BYTES, .x_scale = p->x_scale + at + high, .w_scale = p->w_scale + half * 16,
                .blocks = p->blocks, .y = p->y + row * p->y_row + half * 16 * p->y_step, .y_row = p->y_row, .y_step = p->y_step,
                .rows = p->rows - row < TILE_ROWS ? (int)(p->rows - row) : TILE_ROWS, .columns = p->columns - half * 16 < 16 ? p->columns - half * 16 : 16, .add = p->add });
        }
    tiles_close();
}

const struct int8_kernels int8_kernels_tiles = { int8_quantise_vnni, int8_dots_vnni, HEIGHT, true, sliver, int8_panel_vnni, multiply };
#endif
