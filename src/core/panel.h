/* panel.h: matrices in the order in which products of few rows read them: integers with scales, and floats.
 *
 * A matrix [out, in] with one scale per 64 neighbours of a row becomes panels of 32 rows each:
 *
 *   integers   [out / 32][in / 64][16][32][4]      number [o, i] stands at [o / 32][i / 64][i % 64 / 4][o % 32][i % 4]
 *   scales     [out / 32][in / 64][32]
 *
 * Where 32 does not divide out, the last panel is filled up with rows of zeros that nobody reads, if they are few beside the matrix.
 * Four neighbours of a row are what one lane of a product of bytes takes (vpdpbusd, a tile of AMX), 32 rows what a product makes at a
 * time; so a panel is read from its first byte to its last, and nothing is turned while a token waits.
 *
 * Floats (f32) become panels of 16 rows, and their last two axes change places, so that of one column all 16 numbers are neighbours, as vectors
 * take them:
 *
 *   floats     [out / 16][in / 64][16][4][16]      number [o, i] stands at [o / 16][i / 64][i % 64 / 4][i % 4][o % 16]
 *
 * Not here: who multiplies (backend/cpu/int8.h, gemm_panels.c), what a node of it means (op/einsum_panels.c), files (model/forms.h). */
#ifndef CORE_PANEL_H
#define CORE_PANEL_H
#include <stdbool.h>
#include <stdint.h>

enum { PANEL_COLUMNS = 32, PANEL_PER_SCALE = 64, PANEL_EACH = 4, PANEL_FOURS = PANEL_PER_SCALE / PANEL_EACH, PANEL_RANK = 5, PANEL_SCALE_RANK = 3 };
enum { EINSUM_PANELS_DIMS = 4 };         /* that a matrix in panels may stand for, at most */

enum { FLOAT_PANEL_COLUMNS = 16 };
static inline int64_t panel_columns(bool floats) { return floats ? FLOAT_PANEL_COLUMNS : PANEL_COLUMNS; }
static inline int64_t panel_count_of(bool floats, int64_t out) { return out / panel_columns(floats) + (out % panel_columns(floats) != 0); }
static inline int64_t panel_count(int64_t out) { return panel_count_of(false, out); }
/* Whether a matrix [out, in] can be cut so: at most an eighth of it is added. */
static inline bool panel_fits(bool floats, int64_t out, int64_t in)
{
    return out > 0 && in > 0 && in % PANEL_PER_SCALE == 0 && panel_count_of(floats, out) * panel_columns(floats) - out <= out / 8;
}
static inline void panel_shape(bool floats, int64_t out, int64_t in, int64_t shape[PANEL_RANK])
{
    shape[0] = panel_count_of(floats, out), shape[1] = in / PANEL_PER_SCALE, shape[2] = PANEL_FOURS;
    shape[3] = floats ? PANEL_EACH : PANEL_COLUMNS, shape[4] = floats ? FLOAT_PANEL_COLUMNS : PANEL_EACH;
}

/* Rows into panels, which are zero before, and back, for a matrix that fits: exact inverses of each other. */
void panel_make(int64_t out, int64_t in, const int8_t *rows, int8_t *panels);
void panel_undo(int64_t out, int64_t in, const int8_t *panels, int8_t *rows);
void panel_make_scales(int64_t out, int64_t in, const void *rows, void *panels);            /* of f32, aligned or not */
void panel_make_floats(int64_t out, int64_t in, const void *rows, void *panels);
void panel_undo_floats(int64_t out, int64_t in, const void *panels, void *rows);
void panel_undo_scales(int64_t out, int64_t in, const void *panels, void *rows);

#endif
