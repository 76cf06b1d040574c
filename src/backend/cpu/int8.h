/* int8.h: products with a matrix of small integers that have a scale per block of 64 along the sum.
 *
 * The other operand is rounded to integers too, 64 numbers at a time: q = round(x / s), s = max |x| / 127. What a result is does not
 * depend on who computes it: within a block the sum is exact in 32 bits (64 · 127 · 128 < 2^21), and blocks are added in f32, in
 * their order:   y = fma(sum of block, x.scale · w.scale, y).   So every kernel that has fma gives the same bits, for any number of rows.
 * |y - exact| <= sum over k of |w[k]| s[k] / 2, beside the rounding of f32. Law: tests/unit/test_cpu_int8.c.
 *
 *   rows < INT8_FEW   every row of W once, as it lies, against all of X: the speed of memory
 *   more              W in panels of 32 rows, [block][16 fours][32 rows][4], made, used and forgotten (needs VNNI, or AMX for many)
 *   einsum_panels     W lies in such panels (core/panel.h): read as they are, for any number of rows, on any set
 *
 * vpdpbusd multiplies unsigned with signed (int8_vnni.isa.c says what is taken off for that); tiles multiply signed with signed. Blocks of
 * other sizes, and scales that lie otherwise, are left to whoever writes the operation out. */
#ifndef CPU_INT8_H
#define CPU_INT8_H
#include "backend/cpu/gemm.h"

enum { INT8_FEW = 3, INT8_TILES_FROM = 32 };

/* How one product is done: a function of its shape and of what the machine can do alone. It allocates nothing and may be made anywhere. */
struct int8_plan {
    struct gemm_problem p;                       /* A is X, B is W: b_k = 1, k and b_n whole blocks; one product of alpha 1 */
    enum isa isa;
    bool vnni, tiles;                            /* with vpdpbusd; with AMX */
    bool panels, packed;                         /* W is multiplied in panels; it lies in them already */
    int64_t blocks, scale_n, group;              /* of k; scales from one row of W to the next; columns of a task */
    size_t less_at, scale_at, own_at, own_bytes; /* in the workspace: where X's parts begin, and the rooms of workers */
};

struct int8_operands {
    const float  *x;
    const int8_t *w;
    const float  *scale;                         /* they lie as the integers do, one for INT8_BLOCK */
    float        *y;                             /* overlaps none of them */
    bool          add;                           /* += */
};

/* Is it a product that can be done so? Where W lies in panels, b_n is to be k. */
bool int8_accepts(const struct gemm_problem *p);
struct int8_plan int8_plan(const struct gemm_problem *p, enum isa isa, bool tiles, bool packed);       /* of one that can; tiles: there are some (isa_tiles) */
size_t int8_scratch(const struct int8_plan *plan, int workers);                                        /* bytes */
void int8_run(rk_ctx *ctx, const struct int8_plan *plan, const struct int8_operands *o, void *scratch);

#endif
