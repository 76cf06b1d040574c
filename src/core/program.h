/* program.h: a group of elementwise nodes as one little program: what a map kernel runs over an index space, element by
 * element, with nothing but the group's operands read and its live results written.
 *
 * A group is what its nodes are one by one. So every value has a dtype, that of the node it stands for: of 16 and 8 bits it is
 * rounded to it, to nearest even, once, before anybody reads it, stored or not; f32 and f64 are computed in that, or in more. A
 * function's arguments have its dtype, but for conditions, integers and virtual values, which are taken as they are. Where a back
 * end says that its programs cast (problem.h), casts are members, values of one program may differ in dtype, and a single cast is
 * a program too. One that does not say so (cpu) may keep values of 16 bits in f32 within a group, and rounds what it stores.
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

enum instruction_kind { I_LOAD, I_CONST, I_IOTA, I_RAND, I_MAP, I_CAST };

struct instruction {
    enum instruction_kind kind;
    int    fn;                      /* I_MAP: enum mapfn */
    int    a, b, c;                 /* I_MAP: earlier instructions; I_CAST: a is one; I_LOAD: a is the operand; I_IOTA: a is the dim, b the live dim added or 0 */
    rk_dtype dtype;                 /* of its value. I_LOAD: the operand's; I_CONST and I_RAND: f32, I_IOTA: i32, exact; I_CAST: what it rounds to */
    double value;                   /* I_CONST; I_RAND: keep */
    uint64_t site;                  /* I_RAND: the stream */
    int    store;                   /* result that this value is written to, of the same dtype, or -1 */
    int    rank;                    /* I_RAND: the dims it is drawn over */
    rk_dim dim[RK_MAX_RANK];
};

struct program { int n; struct instruction at[MOST_PROGRAM]; };

/* The mask of a rand node at element `index` of its own dims: 1/keep or 0. */
double rand_value(uint64_t seed, uint64_t step, uint64_t site, uint64_t index, double keep);
uint64_t rand_site(const char *text);

#endif
