/* diff.h: two wirings beside each other, from the inside. */
#ifndef MODEL_DIFF_H
#define MODEL_DIFF_H
#include "model/wiring.h"
#include "reckon/diff.h"

enum { PAIR_MOST = 3, DETAILS_MOST = 16 };

/* Modules that belong together: one and one, a fused projection and its parts, or one without a partner. */
struct pair { int n[2], module[2][PAIR_MOST]; };
struct diff_row { rk_diff_row row; rk_diff_detail detail[DETAILS_MOST]; };

struct rk_diff {
    rk_ctx *ctx;
    struct arena arena;
    VEC(struct pair) pairs;
    VEC(struct diff_row) rows;
    VEC(rk_diff_field) fields;
};

/* Fills pairs, in the order of the left side, and gives the right side's modules the left's names, for texts that are written
 * after it: diff_align.c. */
rk_status diff_align(rk_ctx *ctx, rk_diff *d, struct wiring side[2]) RK_CHECK;
/* Rows from pairs, once the texts of both are written. */
rk_status diff_rows(rk_ctx *ctx, rk_diff *d, const struct wiring side[2], const struct arch *const arch[2]) RK_CHECK;

#endif
