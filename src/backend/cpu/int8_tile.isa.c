/* int8_tile.isa.c: panels of integers by AMX, for the set of AVX-512.
 *
 * A product of tiles is one block of 64 of the sum, for 16 rows by 16 columns: exact. Scales differ from block to block, so the sums
 * go through memory, a cache line per row, into vectors of f32: three instructions for each vector. While tiles multiply or are stored, vectors
 * wait for one of their two units, and each change from one to the other costs: so a strip of the result, 16 rows by the columns of a panel, makes the
 * products of some blocks first, and then scales them all, its sums in registers. What is at work meanwhile fits the first-level cache: the panel's
 * blocks, tile after tile, a sliver's, and what was stored.
 *
 *   X   slivers of 16 rows    [block][16][64]              W   panels, taken apart: [half][block][16 fours][16][4] */
#include "backend/cpu/int8_kernel.h"
#if defined(ISA_AVX512)
#include "backend/cpu/simd.h"
#include "backend/cpu/tiles.h"

enum { HEIGHT = TILE_ROWS, SQUARE = TILE_ROWS * 16, PANEL_BLOCK = INT8_COLUMNS * INT8_BLOCK, AT_ONCE = 6, HALF = AT_ONCE * TILE, STRIP = TILE_ROWS * INT8_COLUMNS, PAGE = 4096 };
_Static_assert((int)INT8_BLOCK == (int)TILE_BYTES && (int)INT8_COLUMNS == 2 * (int)TILE_ROWS, "a block of the sum is one product of tiles");

/* As they are: tiles multiply signed with signed. */
static void sliver(const float *x, int64_t blocks, const struct int8_row *to) { int8_kernels_avx512.sliver(x, blocks, to); }

/* A strip of the result. `next`: the sliver after this one, 1024 bytes a block. `whole`: [half][block][16][16]. */
struct strip { const int8_t *x, *w, *next; const float *x_scale, *w_scale; int64_t blocks; float *y; int64_t y_row; bool add; int32_t *whole; };

#define PRODUCT(sum, a, b, half, block)                                                                               \
    _tile_loadd(b, s->w + (half) * HALF + (block) * TILE, TILE_BYTES);                                                \
    _tile_zero(sum);                                                                                                  \
    _tile_dpbssd(sum, a, b);
#define STORE(sum, half, block) _tile_stored(sum, s->whole + ((half) * AT_ONCE + (block)) * SQUARE, TILE_BYTES)

/* Both halves of a block; each product is stored when the next is on its way. */
#define BLOCK(a, left, right, block)                                                                                  \
    _tile_loadd(a, s->x + (block) * TILE, TILE_BYTES);                                                                \
    PRODUCT(0, a, left, 0, block)                                                                                     \
    if ((block) > 0) STORE(1, 1, (block) - 1);                                                                        \
    PRODUCT(1, a, right, 1, block)                                                                                    \
    STORE(0, 0, block);

static inline TILES void products(const struct strip *s)
{
    int64_t b = 0;
    for (; b + 2 <= s->blocks; b += 2) {
        BLOCK(2, 3, 4, b)
        BLOCK(5, 6, 7, b + 1)
    }
    if (b < s->blocks) {
        BLOCK(2, 3, 4, b)
    }
    STORE(1, 1, s->blocks - 1);
}

SIMD void scale_block(const int32_t *whole, const float *x_scale, const float *w_scale, vf sum[TILE_ROWS])
{
    const vf column = vf_load(w_scale);
    UNROLL for (int i = 0; i < TILE_ROWS; i++)
        sum[i] = vf_fma(_mm512_cvtepi32_ps(_mm512_load_si512(whole + i * 16)), vf_mul(vf_set1(x_scale[i]), column), sum[i]);
}

/* What the next strip reads is asked for meanwhile, half of it by each half. */
static inline TILES void scale_half(const struct strip *s, int half)
{
    vf sum[TILE_ROWS];
    float *y = s->y + half * 16;
    UNROLL for (int i = 0; i < TILE_ROWS; i++) sum[i] = s->add ? vf_load(y + i * s->y_row) : vf_zero();
    for (int64_t b = 0; b < s->blocks; b++) {
        UNROLL for (int i = 0; i < TILE / 2; i += TILE_BYTES) __builtin_prefetch(s->next + (half * s->blocks + b) * (TILE / 2) + i);
        scale_block(s->whole + (half * AT_ONCE + b) * SQUARE, s->x_scale + b * HEIGHT, s->w_scale + b * INT8_COLUMNS + half * 16, sum);
    }
    UNROLL for (int i = 0; i < TILE_ROWS; i++) vf_store(y + i * s->y_row, sum[i]);
}

static TILES void multiply_strip(const struct strip *s)
{
    UNROLL for (int i = 0; i < TILE_ROWS; i++) {
        __builtin_prefetch(s->y + i * s->y_row, 1);
        __builtin_prefetch(s->y + i * s->y_row + 16, 1);
    }
    products(s);
    scale_half(s, 0);
    scale_half(s, 1);
}

/* At the edges of a result, and where its columns are not neighbours. */
static TILES void multiply_part(const struct strip *s, int64_t rows, int64_t columns, int64_t step)
{
    float all[STRIP] = { 0 };
    struct strip strip = *s;
    for (int64_t i = 0; i < rows && s->add; i++)
        for (int64_t j = 0; j < columns; j++) all[i * INT8_COLUMNS + j] = s->y[i * s->y_row + j * step];
    strip.y = all, strip.y_row = INT8_COLUMNS;
    multiply_strip(&strip);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) s->y[i * s->y_row + j * step] = all[i * INT8_COLUMNS + j];
}

static void take_apart(const int8_t *w, int64_t blocks, int8_t *to)
{
    for (int64_t b = 0; b < blocks; b++)
        for (int i = 0; i < TILE_ROWS; i++)
            for (int half = 0; half < 2; half++)
                _mm512_store_si512(to + half * HALF + b * TILE + i * TILE_BYTES, _mm512_loadu_si512(w + b * PANEL_BLOCK + (2 * i + half) * TILE_BYTES));
}

static TILES void multiply_some(const struct int8_panel *p, int64_t from, int64_t blocks, const int8_t *w, int32_t *whole)
{
    for (int64_t row = 0; row < p->rows; row += TILE_ROWS) {
        const int64_t at = row * p->depth + (p->from + from) * HEIGHT, rows = p->rows - row;
        const int8_t *x = p->x + at * INT8_BLOCK;
        const struct strip s = { .x = x, .w = w, .next = rows > TILE_ROWS ? x + p->depth * TILE : x, .x_scale = p->x_scale + at, .w_scale = p->w_scale + from * INT8_COLUMNS,
                                 .blocks = blocks, .y = p->y + row * p->y_row, .y_row = p->y_row, .add = p->add || from > 0, .whole = whole };
        if (rows >= TILE_ROWS && p->columns == INT8_COLUMNS && p->y_step == 1) multiply_strip(&s);
        else multiply_part(&s, rows < TILE_ROWS ? rows : TILE_ROWS, p->columns, p->y_step);
    }
}

static TILES void multiply(const struct int8_panel *p)
{
    _Alignas(PAGE) int8_t w[2 * HALF];
    _Alignas(PAGE) int32_t whole[2 * AT_ONCE * SQUARE];
    tiles_open();
    for (int64_t from = 0; from < p->blocks; from += AT_ONCE) {
        const int64_t blocks = p->blocks - from < AT_ONCE ? p->blocks - from : AT_ONCE;
        take_apart(p->w + from * PANEL_BLOCK, blocks, w);
        multiply_some(p, from, blocks, w, whole);
    }
    tiles_close();
}

const struct int8_kernels int8_kernels_tiles = { .quantise = int8_quantise_vnni, .sliver = sliver, .dots = int8_dots_vnni, .height = HEIGHT, .padded = true, .columns = INT8_COLUMNS, .at_once = 2 * AT_ONCE,
                                                 .panel = int8_panel_avx512, .multiply = multiply };
#endif
