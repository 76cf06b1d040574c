/* store.h: where states live between runs: parameters, gradients, moments, caches. Several plans share one store, and a
 * store may look into another: the weights that many sessions read, each with a cache of its own.
 *
 * Declare the states of every graph that will run, then allocate: one arena per kind, in the order of declaration. A lender has
 * memory for some of them already (a mapped file): those lie there, and are only read. */
#ifndef RUN_STORE_H
#define RUN_STORE_H
#include "base/arena.h"
#include "core/plan.h"

struct store_entry {
    const char *name;
    rk_kind kind;
    rk_dtype dtype;
    int rank;
    int64_t shape[RK_MAX_RANK], elements;
    int64_t at;                             /* bytes from the start of its kind's arena */
    void *address;
};

/* NULL: it has none for this one. */
typedef const void *store_lend_fn(const void *user, const struct store_entry *e);

struct store {
    rk_ctx *ctx;
    const struct backend *backend;
    const struct store *shared;             /* states that it has are used there: set before declaring, allocated before running; or NULL */
    struct arena arena;                     /* of names */
    VEC(struct store_entry) entries;
    struct map names[RK_KIND_COUNT];
    void *base[RK_KIND_COUNT];
    int64_t bytes[RK_KIND_COUNT];           /* the size of each arena */
    int allocated;                          /* entries that have an address */
    store_lend_fn *lend;                    /* set before declaring; may be NULL */
    const void *lender;
    int64_t lent[RK_KIND_COUNT];            /* bytes that lie with the lender */
};

rk_status store_open(rk_ctx *ctx, const struct backend *backend, struct store **store) RK_CHECK;
void      store_close(struct store *s);
/* States that are there already must agree in dtype and shape. */
rk_status store_declare(rk_ctx *ctx, struct store *s, const rk_graph *g) RK_CHECK;
rk_status store_allocate(rk_ctx *ctx, struct store *s) RK_CHECK;            /* zeroed; once */
int       store_find(const struct store *s, rk_kind kind, const char *name);       /* -1: none; its own entries only */
const struct store_entry *store_entry(const struct store *s, rk_kind kind, const char *name);      /* its own, or those it shares; NULL: none */
/* Whole states, dense, converted to and from the store's dtype. */
rk_status store_write(rk_ctx *ctx, struct store *s, int entry, const void *from, rk_dtype dtype) RK_CHECK;
rk_status store_read(rk_ctx *ctx, const struct store *s, int entry, void *to, rk_dtype dtype) RK_CHECK;

#endif
