/* tiles.h: AMX for the files that use it: eight tiles of 16 rows by 64 bytes, which are there between tiles_open and tiles_close.
 *
 *   int8   C[16][16] += A[16][64] B[16][16][4]        integers of 32 bits
 *   bf16   C[16][16] += A[16][32] B[16][16][2]        f32, k in pairs
 *
 * A task opens them for itself and closes them before it ends: they are state of a thread, which the system saves only while it is
 * there, and nobody else is to meet it. Included where ISA_AVX512 is; who may run it: isa_tiles(). Source: Intel, Architecture
 * Instruction Set Extensions, chapter 3. */
#ifndef CPU_TILES_H
#define CPU_TILES_H
#include <immintrin.h>
#include <stdint.h>

enum { TILE_ROWS = 16, TILE_BYTES = 64, TILE = TILE_ROWS * TILE_BYTES };
#define TILES __attribute__((target("amx-tile,amx-int8,amx-bf16")))

struct tiles_layout { uint8_t palette, start, none[14]; uint16_t bytes[16]; uint8_t rows[16]; };
_Static_assert(sizeof(struct tiles_layout) == 64, "as LDTILECFG reads it");

static inline TILES void tiles_open(void)
{
    struct tiles_layout all = { .palette = 1 };
    for (int i = 0; i < 8; i++) all.bytes[i] = TILE_BYTES, all.rows[i] = TILE_ROWS;
    __asm__ volatile("" : : "m"(all));               /* gcc's intrinsic says that it reads 8 of the 64 bytes */
    _tile_loadconfig(&all);
}

static inline TILES void tiles_close(void) { _tile_release(); }

#endif
