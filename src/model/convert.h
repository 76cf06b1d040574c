/* convert.h: a conversion from the inside: what becomes of each tensor (convert.c), and of its numbers (convert_numbers.c). */
#ifndef MODEL_CONVERT_H
#define MODEL_CONVERT_H
#include "io/bundle.h"
#include "model/forms.h"
#include "model/model.h"

/* What becomes of a tensor: how many neighbours share a scale (0: it does not become integers), how it will lie in rows, and why it
 * does; NULL: it will lie in panels, which of floats have no scales. */
struct fate { int64_t block; struct stored stored; const char *in_rows; };

struct conversion {
    const rk_model *m;
    rk_dtype dtype;
    bool packed;
    rk_converted_fn *each;
    void *user;
    struct built built;
    struct bundle b;
    const struct bundle_entry **found;
    struct fate *fate;
    struct bundle_writer w;
    struct str name;
};

/* Largest difference, and sums of squares: of differences, of numbers. Infinite where the new dtype cannot hold a number. */
struct loss { double worst, wrong, size; };

/* Writes tensor i, whose name is c->name, as `told` says. */
rk_status convert_numbers(rk_ctx *ctx, struct conversion *c, int i, const rk_converted *told, struct loss *l) RK_CHECK;
/* Writes what is to become integers, with its scales. x: its numbers; NULL: it is integers already, in blocks of the same size. */
rk_status convert_integers(rk_ctx *ctx, struct conversion *c, int i, const float *x, int64_t n, struct loss *l) RK_CHECK;

#endif
