/* reconcile.h: a description against a checkpoint, from the inside.
 *
 *   reconcile.c        opens both, and says what every byte of the files is
 *   reconcile_match.c  tells of each tensor that is trouble, and keeps what it says about the fields
 *   reconcile_fit.c    which fields would make it fit
 *   reconcile_tell.c   what can be found, and telling of it */
#ifndef MODEL_RECONCILE_H
#define MODEL_RECONCILE_H
#include "model/bind.h"

/* What a tensor turned out to be. */
struct seen { enum match kind; const struct binding *binding; struct word pattern; const struct bundle_entry *other; const char *why; };

/* What tensors say about fields: sizes that stand alone in a dimension, and how many blocks there are. */
struct evidence { int64_t value[MOST_FIELDS]; bool given[MOST_FIELDS]; int64_t blocks; };

struct reconcile {
    rk_ctx *ctx;
    rk_model *m;
    struct bundle b;
    struct built built;
    const struct bundle_entry **found;      /* per parameter */
    struct seen *seen;                      /* per tensor */
    uint64_t *fresh;                        /* per tensor: bytes that no tensor before it counts */
    struct evidence evidence;
    int unmatched;                          /* troubles that other fields might mend */
    struct str name, text;
    rk_check_fn *each;
    void *user;
    rk_checked *result;
};

/* One finding, to whoever asked; RK_E_CANCELLED where they want no more. */
rk_status reconcile_tell(struct reconcile *r, rk_check_row row) RK_CHECK;
rk_status reconcile_match(rk_ctx *ctx, struct reconcile *r) RK_CHECK;
/* "n_layer=11 would fit" as a note, if trying says so. */
rk_status reconcile_fit(rk_ctx *ctx, struct reconcile *r) RK_CHECK;

/* The axes of a binding one by one: the dimensions of one axis, by blanks. */
bool axis_next(const char **rest, struct word *dims);

#endif
