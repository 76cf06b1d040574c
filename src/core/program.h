/* program.h: a group of elementwise nodes as one little program: what a map kernel runs over an index space, element by
 * element, with nothing but the group's operands read and its live results written.
 *
 * Not here: who forms the groups (pass/lower), who runs them (backend/cpu/map). */
#ifndef CORE_PROGRAM_H
#define CORE_PROGRAM_H
#include "core/layout.h"

enum { MOST_PROBLEM_OPERANDS = 32, MOST_PROBLEM_RESULTS = 8, MOST_PROGRAM = 64 };

/* Extents that change from run to run, and the key of randomness. */
struct live { const int64_t *extent; uint64_t seed, step; };        /* extent[dim]; static dims have their size there too */

enum mapfn {
#define UNARY(name, cost, f, cost_slope, slope) MAP_##name, MAP_d_##name,
#define BINARY(name, cost, f) MAP_##name,
#define TERNARY(name, cost, f) MAP_##name,
#include "core/map.def"
#undef UNARY
#undef BINARY
#undef TERNARY
    MAP_COUNT
};

struct mapfn_info { const char *name; int arity; int cost; };
extern const struct mapfn_info mapfn_table[MAP_COUNT];              /* core/mapfn.c */
int    mapfn_find(const char *name);                                /* -1: none */
double mapfn_eval(int fn, const double *x);                         /* the truth */

enum instruction_kind { I_LOAD, I_CONST, I_IOTA, I_RAND, I_MAP };

struct instruction {
    enum instruction_kind kind;
    int    fn;                      /* I_MAP: enum mapfn */
    int    a, b, c;                 /* I_MAP: earlier instructions; I_LOAD: a is the operand; I_IOTA: a is the dim, b the live dim added or 0 */
    double value;                   /* I_CONST; I_RAND: keep */
    uint64_t site;                  /* I_RAND: the stream */
    int    store;                   /* result that this value is written to, or -1 */
    int    rank;                    /* I_RAND: the dims it is drawn over */
    rk_dim dim[RK_MAX_RANK];
};

struct program { int n; struct instruction at[MOST_PROGRAM]; };

/* The mask of a rand node at element `index` of its own dims: 1/keep or 0. */
double rand_value(uint64_t seed, uint64_t step, uint64_t site, uint64_t index, double keep);
uint64_t rand_site(const char *text);

#endif
