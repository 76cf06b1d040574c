/* run.h: carries out a plan over a store: when and where. One arena, allocated here; nothing is allocated inside a step. */
#ifndef RUN_RUN_H
#define RUN_RUN_H
#include "run/store.h"

struct run {
    rk_ctx *ctx;
    const struct plan *plan;
    struct store *store;
    const struct backend *backend;
    const struct run *host;                 /* whose arena this one uses, or NULL */
    char *arena, *input_arena;
    int64_t input_bytes;
    int64_t *input_at;                      /* bytes, per input of the plan */
    void **state_at;                        /* per state of the plan: its address in the store, or in one that it shares */
    int64_t *extent;                        /* per dim of the graph */
    struct live live;
    struct step *steps;                     /* the plan's, with current sizes where they are live */
    struct operand *sized;                  /* the operands of those */
    int n_sized;
    bool stale;                             /* an extent changed since the steps were sized */
    bool torn;                              /* sizing them failed halfway: all of them are prepared again */
    char *spare;                            /* workspace for steps that need more at smaller extents than the plan gave them at the bounds */
    size_t spare_bytes;
    void *watch;                            /* for back ends that watch; not owned */
    void *recorded;                         /* the back end's: what it keeps of the run's calls */
    uint64_t *issued;                       /* per step: product FLOPs passed on in all runs */
    int watched;                            /* the id of the profile that watches it; 0: none does */
    int first_watched;                      /* the row there of its first step */
    int64_t runs;
};

rk_status run_open(rk_ctx *ctx, const struct plan *plan, struct store *store, struct run **run) RK_CHECK;
/* The same in the arena of another run, which outlives this one, is as large, and is never halfway when this one goes. */
rk_status run_open_in(rk_ctx *ctx, const struct plan *plan, struct store *store, const struct run *host, struct run **run) RK_CHECK;
void      run_close(struct run *r);
/* The extent of a live dimension for the runs to come: 0 .. its bound. */
rk_status run_extent(rk_ctx *ctx, struct run *r, const char *dim, int64_t extent) RK_CHECK;
/* An input's elements, dense at the current extents; copied and converted. Inputs nobody needs are ignored. */
rk_status run_input(rk_ctx *ctx, struct run *r, const char *name, const void *from, rk_dtype dtype) RK_CHECK;
rk_status run_go(rk_ctx *ctx, struct run *r, uint64_t seed, uint64_t step) RK_CHECK;
/* An output's elements, dense at the current extents. */
rk_status run_output(rk_ctx *ctx, const struct run *r, const char *name, void *to, rk_dtype dtype) RK_CHECK;
/* The same of what its first n axes have at `index`: a row of logits, of hidden states. */
rk_status run_output_row(rk_ctx *ctx, const struct run *r, const char *name, int n, const int64_t *index, void *to, rk_dtype dtype) RK_CHECK;
/* Where an output lies, dense, to be read and written on until the next run; NULL where that is not the host's memory, or it has another dtype. */
void     *run_output_at(const struct run *r, const char *name, rk_dtype dtype);
bool      run_has_output(const struct run *r, const char *name);

/* Where the plan put something. Where there are no elements there may be no memory: any address will do that an offset may be added to. */
char *run_address(const struct run *r, const struct place *p);

#endif
