/* machine.h: what the processor's back end knows of the machine it runs on: problem->machine of its problems.
 *
 * Found once, by a race (gemm_race.h) or from what was remembered of one, and then fixed: the same plan, the same bits. */
#ifndef CPU_MACHINE_H
#define CPU_MACHINE_H
#include "backend/cpu/gemm_race.h"
#include "core/problem.h"

struct blas;
struct machine {
    enum isa isa;
    bool tiles;                             /* products of integers and of bf16 by AMX: isa_tiles() */
    const struct blas *blas;                /* NULL: none is open */
    bool blas_wins[GEMM_CLASSES];           /* the BLAS won this class of products */
};

/* Without a machine: the best instruction set, no tiles, no library. */
static inline enum isa machine_isa(const struct problem *p)
{
    const struct machine *m = p->machine;
    return m != NULL ? m->isa : isa_best();
}

static inline bool machine_tiles(const struct problem *p)
{
    const struct machine *m = p->machine;
    return m != NULL && m->tiles;
}

#endif
