/* int8_kernel.h: what an instruction set does of a product of integers (int8.h): rows rounded, dots, panels. */
#ifndef CPU_INT8_KERNEL_H
#define CPU_INT8_KERNEL_H
#include "backend/cpu/isa.h"
#include "core/panel.h"
#include <stddef.h>
#include <stdint.h>

enum { INT8_BLOCK = PANEL_PER_SCALE, INT8_COLUMNS = PANEL_COLUMNS, INT8_FOURS = PANEL_FOURS };

/* One row of X: its integers, a scale per block, and per block -128 times their sum (for `dots` of VNNI alone). Of `apart` rows, blocks lie beside one another. */
struct int8_row { int8_t *q; float *scale; int32_t *less; int64_t apart; };

/* y[j] = sum over blocks of x.scale · scale[j][block] · (integers of the block), for `columns` rows of W. */
struct int8_dots { const int8_t *w; const float *scale; int64_t w_row, scale_row, blocks, columns; struct int8_row x; float *y; int64_t y_step; bool add; };

/* Some blocks of some rows of W, at most INT8_COLUMNS, that become a panel. */
struct int8_rows { const int8_t *w; const float *scale; int64_t w_row, scale_row, blocks; int columns; };

/* All of X against some blocks of a panel, or of two where the kernels take two. */
struct int8_panel {
    const int8_t *x;                             /* slivers, one after the other: [sliver][block][row][64], as `sliver` made them */
    const float *x_scale;                        /* [sliver][block][row] */
    int64_t rows, depth;                         /* of X: rows, and blocks of a sliver */
    int64_t from, blocks;                        /* those that are multiplied */
    const int8_t *w;                             /* [block][16][32][4] */
    const float *w_scale;                        /* [block][32] */
    int64_t second;                              /* the second panel lies so many blocks behind the first */
    int32_t *less;                               /* room for the kernels: a number for each column and block */
    float *y;
    int64_t y_row, y_step;
    int columns;
    bool add;
};

struct int8_kernels {
    void (*quantise)(const float *x, int64_t blocks, const struct int8_row *to);                      /* for dots */
    void (*sliver)(const float *x, int64_t blocks, const struct int8_row *to);                        /* for panels */
    void (*dots)(const struct int8_dots *d);
    int height;                                                                                       /* rows of a sliver: those that are multiplied at a time */
    bool padded;                                                                                      /* the last sliver is as high as the others */
    int columns, at_once;                                                                             /* of panels made at a time: all their columns, and blocks at most */
    void (*panel)(const struct int8_rows *from, int8_t *to, float *scale);                            /* NULL: dots are as good */
    void (*multiply)(const struct int8_panel *p);
};

#define X(isa) extern const struct int8_kernels int8_kernels_##isa;
FOR_EVERY_ISA(X)
#undef X
#if defined(__x86_64__)
extern const struct int8_kernels int8_kernels_vnni;                /* avx512 with vpdpbusd */
extern const struct int8_kernels int8_kernels_tiles;               /* and with AMX: those of VNNI, but for slivers and products with panels */
void int8_quantise_vnni(const float *x, int64_t blocks, const struct int8_row *to);
void int8_dots_vnni(const struct int8_dots *d);
void int8_panel_avx512(const struct int8_rows *from, int8_t *to, float *scale);
#endif

#endif
