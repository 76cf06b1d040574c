/* int8_tile.isa.c: panels of integers by AMX, for the set of AVX-512.
 *
 * A product of tiles is one block of 64 of the sum, for 16 rows by 16 columns: exact. Scales differ from block to block, so the sums
 * go through memory, a cache line per row, into vectors of f32: three instructions for each vector are what bounds this, not the tiles. The
 * tiles of one group of blocks are multiplied while the group before is scaled.
 *
 *   X   slivers of 32 rows    [block][32][64]              W   [block][half][16 fours][16 columns][4] */
#include "backend/cpu/int8.h"
#if defined(ISA_AVX512)
#include "backend/cpu/simd.h"
#include "backend/cpu/tiles.h"

enum { HEIGHT = 2 * TILE_ROWS, GROUP = 2, SQUARE = TILE_ROWS * 16, SQUARES = 4, SLIVER_BLOCK = HEIGHT * INT8_BLOCK, PANEL_BLOCK = INT8_COLUMNS * INT8_BLOCK };
_Static_assert((int)INT8_BLOCK == (int)TILE_BYTES && (int)INT8_COLUMNS == 2 * (int)TILE_ROWS, "a block of the sum is one product of tiles");

static void sliver(const struct int8_row *row, int64_t blocks, int at, int rows, const struct int8_row *to)
{
    (void)rows;
    for (int64_t b = 0; b < blocks; b++) {
        memcpy(to->q + b * SLIVER_BLOCK + at * INT8_BLOCK, row->q + b * INT8_BLOCK, INT8_BLOCK);
        to->scale[b * HEIGHT + at] = row->scale[b];
    }
}

/* Sixteen rows of a block, a dword of each after the other: a square of dwords, turned. */
static void panel(const int8_t *w, int64_t w_row, int columns, int64_t blocks, uint8_t *to)
{
    for (int64_t b = 0; b < blocks; b++)
        for (int half = 0; half < 2; half++, to += TILE) {
            vf square[16];
            UNROLL for (int i = 0; i < 16; i++) {
                int j = half * 16 + i;
                square[i] = _mm512_castsi512_ps(j < columns ? _mm512_loadu_si512(w + j * w_row + b * INT8_BLOCK) : _mm512_setzero_si512());
            }
            vf_transpose(square);
            UNROLL for (int q = 0; q < 16; q++) _mm512_storeu_ps(to + q * TILE_BYTES, square[q]);
        }
}

/* One square of the result: its sums so far, and those of some blocks, each times its scales. */
SIMD void scale_square(const int32_t *whole, const float *x_scale, const float *w_scale, int64_t blocks, float *sum, bool first)
{
    __m512 all[TILE_ROWS];
    UNROLL for (int i = 0; i < TILE_ROWS; i++) all[i] = first ? vf_zero() : vf_load(sum + i * 16);
    for (int64_t b = 0; b < blocks; b++, whole += SQUARES * SQUARE, x_scale += HEIGHT, w_scale += INT8_COLUMNS) {
        __m512 column = vf_load(w_scale);
        UNROLL for (int i = 0; i < TILE_ROWS; i++)
            all[i] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(_mm512_loadu_si512(whole + i * 16)), _mm512_mul_ps(_mm512_set1_ps(x_scale[i]), column), all[i]);
    }
    UNROLL for (int i = 0; i < TILE_ROWS; i++) vf_store(sum + i * 16, all[i]);
}

/* A group of blocks on its way: what is multiplied now, and what was before and is scaled meanwhile. */
struct group {
    const int8_t *x;
    const uint8_t *w;
    int32_t *to;                                 /* [block][row half][column half][16][16] */
    int64_t blocks, scaled;                      /* 0: none */
    const int32_t *whole;
    const float *x_scale, *w_scale;
    float *sum;
    bool first;
};

/* One square. What was just multiplied is stored after the scaling, which is long enough for it to be there. */
#define SQUARE_STEP(g, s, c0, c1, load)                                                                               \
    load                                                                                                              \
    if ((g)->blocks > 0) {                                                                                            \
        _tile_zero(c0);                                                                                               \
        _tile_dpbssd(c0, 4, 6);                                                                                       \
    }                                                                                                                 \
    if ((g)->blocks > 1) {                                                                                            \
        _tile_zero(c1);                                                                                               \
        _tile_dpbssd(c1, 5, 7);                                                                                       \
    }                                                                                                                 \
    if ((g)->scaled > 0)                                                                                              \
        scale_square((g)->whole + (s) * SQUARE, (g)->x_scale + (s) / 2 * TILE_ROWS, (g)->w_scale + (s) % 2 * 16, (g)->scaled, (g)->sum + (s) * SQUARE, (g)->first); \
    if ((g)->blocks > 0) _tile_stored(c0, (g)->to + (s) * SQUARE, TILE_BYTES);                                         \
    if ((g)->blocks > 1) _tile_stored(c1, (g)->to + (SQUARES + (s)) * SQUARE, TILE_BYTES);
#define LOAD(t, u, from, step)                                                                                           \
    if (g->blocks > 0) _tile_loadd(t, from, TILE_BYTES);                                                               \
    if (g->blocks > 1) _tile_loadd(u, (from) + (step), TILE_BYTES);

/* The squares in an order in which each takes one operand over from the one before. */
static TILES void multiply_group(const struct group *g, bool both)
{
    SQUARE_STEP(g, 0, 0, 1, LOAD(4, 5, g->x, SLIVER_BLOCK) LOAD(6, 7, g->w, PANEL_BLOCK))
    SQUARE_STEP(g, 1, 2, 3, LOAD(6, 7, g->w + TILE, PANEL_BLOCK))
    if (!both) return;
    SQUARE_STEP(g, 3, 0, 1, LOAD(4, 5, g->x + TILE, SLIVER_BLOCK))
    SQUARE_STEP(g, 2, 2, 3, LOAD(6, 7, g->w, PANEL_BLOCK))
}

/* A sliver's part of the result. */
static void put(const struct int8_panel *p, const float *sum, float *y, int rows)
{
    for (int half = 0; half < 2; half++) {
        int columns = p->columns - half * 16 < 16 ? p->columns - half * 16 : 16;
        for (int i = 0; i < rows && columns > 0; i++) {
            const float *from = sum + (i / TILE_ROWS * 2 + half) * SQUARE + i % TILE_ROWS * 16;
            float *to = y + i * p->y_row + half * 16 * p->y_step;
            if (p->y_step == 1) {
                vf x = vf_load(from);
                vf_store_n(to, p->add ? vf_add(vf_load_n(to, columns), x) : x, columns);
            } else {
                for (int j = 0; j < columns; j++) to[j * p->y_step] = p->add ? to[j * p->y_step] + from[j] : from[j];
            }
        }
    }
}

static TILES void multiply_sliver(const struct int8_panel *p, int64_t row)
{
    _Alignas(64) int32_t whole[2][GROUP * SQUARES * SQUARE];
    _Alignas(64) float sum[SQUARES * SQUARE];
    int rows = p->rows - row < HEIGHT ? (int)(p->rows - row) : HEIGHT, turn = 0;
    int64_t at = row * p->depth + p->from * HEIGHT;
    const int8_t *x = p->x + at * INT8_BLOCK;
    const float *x_scale = p->x_scale + at;
    struct group g = { .sum = sum };
    for (int64_t b = 0, before = 0; b < p->blocks || g.blocks > 0; before = b, b += GROUP, turn ^= 1) {
        int64_t left = p->blocks - b;
        g = (struct group){ .x = x + b * SLIVER_BLOCK, .w = p->w + b * PANEL_BLOCK, .to = whole[turn], .blocks = left < 0 ? 0 : left < GROUP ? left : GROUP, .scaled = g.blocks,
                            .whole = whole[turn ^ 1], .x_scale = x_scale + before * HEIGHT, .w_scale = p->w_scale + before * INT8_COLUMNS, .sum = sum, .first = before == 0 };
        multiply_group(&g, rows > TILE_ROWS);
    }
    put(p, sum, p->y + row * p->y_row, rows);
}

static TILES void multiply(const struct int8_panel *p)
{
    tiles_open();
    for (int64_t row = 0; row < p->rows; row += HEIGHT) multiply_sliver(p, row);
    tiles_close();
}

const struct int8_kernels int8_kernels_tiles = { int8_quantise_vnni, int8_dots_vnni, HEIGHT, true, sliver, panel, multiply };
#endif
