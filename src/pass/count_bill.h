/* count_bill.h: a bill from the inside: entries, the same by group, and the reasons behind them. */
#ifndef PASS_COUNT_BILL_H
#define PASS_COUNT_BILL_H
#include "pass/count.h"

struct bill_entry { rk_bill_entry shown; VEC(rk_bill_reason) reasons; };
struct bill_cell { int entry, next; rk_bill_entry shown; };      /* next: of the same group, + 1; 0: the last */

/* Of a plan: the update's share, which is the same for batches and sequences of any size (price_plan.c). */
struct bill_update { bool known; uint64_t activations, workspace, inputs, products, elementwise, states[RK_KIND_COUNT]; };     /* states: that micro-batches do not have */

/* Something that later bills go on from, and its end; at NULL: nothing. */
struct bill_kept { void *at; void (*close)(void *at); };

struct rk_bill {
    rk_ctx *ctx;
    struct arena arena;                             /* all texts, each once */
    struct map texts;                               /* text -> its place in kept */
    VEC(const char *) kept;
    VEC(struct bill_entry) entries;
    VEC(rk_bill_group) groups[RK_BY_COUNT];
    VEC(struct bill_cell) cells[RK_BY_COUNT];
    VEC(int) first_cell[RK_BY_COUNT];               /* of each group, + 1; 0: it has none */
    struct map names, group_names[RK_BY_COUNT];
    VEC(rk_bill_step) steps;                        /* count_time.c */
    VEC(rk_bill_value) values;
    struct bill_update update;
    struct bill_kept planned;                       /* the plan, where others may be sized from it (price_plan.c) */
    struct bill_seen seen;
    struct str json;
};

rk_status bill_keep(rk_bill *bill, const char *text, const char **kept) RK_CHECK;                                  /* NULL is "" */
rk_status bill_find_entry(rk_bill *bill, const char *name, int *id) RK_CHECK;                                      /* made if it is not there */
rk_status bill_find_group(rk_bill *bill, rk_bill_by by, const char *name, int depth, int64_t times, int *id) RK_CHECK;
rk_status bill_add_up(rk_bill *bill, rk_bill_entry *e, uint64_t number, const char *formula) RK_CHECK;
rk_status bill_add_cell(rk_bill *bill, rk_bill_by by, int group, int entry, uint64_t number, const char *formula) RK_CHECK;

#endif
