/* program_inner.h: an elementwise program made ready for one call: loops, where each value comes from and goes to. */
#ifndef CPU_PROGRAM_INNER_H
#define CPU_PROGRAM_INNER_H
#include "backend/cpu/program.h"

enum {
    CHUNK = 1024,                       /* elements of one value in cache: the slots in use and the streams fit the first two levels */
    LONG_ROW = 256,                     /* from here on a tile is part of one row; below, several rows */
    TASK_ELEMENTS = 1 << 15,
    LONG_PROGRAM = 6,                   /* instructions from which on the processor cannot look ahead to the next tile's operands by itself */
    MOST_SOURCES = MOST_PROGRAM + MOST_PROBLEM_RESULTS
};

enum value_kind {
    V_GONE,                             /* became part of another instruction */
    V_MEMORY,                           /* an operand read where it lies */
    V_ROWS,                             /* an operand brought into a slot: converted, strided or repeated */
    V_SPREAD,                           /* an operand that is one number within a tile */
    V_NUMBER,                           /* a constant */
    V_IOTA, V_MASK, V_MAP
};

struct value {
    enum value_kind kind;
    int slot;                           /* -1: none */
    int step;                           /* 0: one number, PROGRAM_LANES copies */
    int arity, arg[3];
    program_map_fn *fn;
    const char *from;                   /* operands: address of element 0 */
    rk_dtype dtype;
    int result;                         /* -1: none */
    bool direct;                        /* the result is computed where it lies; otherwise copied there after the tile */
    int64_t start;                      /* V_IOTA */
    struct program_mask mask;           /* V_MASK */
};

struct result { char *to; rk_dtype dtype; };

struct ready {
    const struct program_kernels *kernels;
    int n, n_results;
    struct value value[MOST_PROGRAM];
    struct result result[MOST_PROBLEM_RESULTS];
    int rank;                           /* at least 2: the last two loops make tiles */
    int64_t size[RK_MAX_RANK + 2];
    int64_t stride[MOST_SOURCES][RK_MAX_RANK + 2];      /* of values, then of results from MOST_PROGRAM on */
    int64_t rows, columns;              /* of a tile */
    int64_t tiles[2], n_tiles, tiles_per_task;
    bool    asks;                       /* a tile asks for the operands of the next */
    float  *scratch;
    int64_t worker_floats;
};

/* Reads the call; c->scratch is not touched. */
void program_ready(struct ready *r, const struct call *c, const struct program_kernels *k);
void program_task(void *ready, int64_t task, int worker);

#endif
