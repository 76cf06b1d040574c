/* lowering.h: what the parts of lower share while they work: who reads whom, and which nodes run together. */
#ifndef PASS_LOWERING_H
#define PASS_LOWERING_H
#include "core/opdef.h"
#include "pass/pass.h"

/* Nodes that become one step. Members are a list through next_member; the group runs at `position` (an id). */
struct group {
    int first, last, members;       /* node ids; members counts them */
    int position;
    int reads, instructions;        /* upper bounds, for the limits of a program */
    bool open;                      /* nobody outside has read a result yet: more may join */
    bool map;
    bool dead;                      /* merged into another */
    int step;                       /* its place in the order, once ordered */
    rk_ref into;                    /* not 0: its sum is added into this value's memory */
    rk_ref biased;                  /* not 0: its sum with a bias is this value, and only that is stored */
    int part;                       /* not -1: copies operand `part` of `first` into its place there */
};

struct lowering {
    rk_ctx *ctx;
    const rk_graph *g;
    const struct backend *backend;
    struct plan *plan;
    bool resizable;                 /* the plan is to know what it rests on: */
    VEC(struct plan_part) parts;
    VEC(struct plan_asked) asked;
    int n;                          /* nodes */
    bool *needed;
    rk_ref *storage;                /* the node in whose memory a value lies: through views and appends */
    bool *stored;                   /* computed into memory of its own */
    bool *looks_through;            /* per node: its kernel reads what casts among its operands widen (lower_cast.c) */
    rk_ref *narrowed, *narrows;     /* per node: the cast that its kernel makes of its result, or 0; and the other way round */
    int *reader_head, *reader_next; /* readers of a storage, ascending: edges */
    int *reader;
    int n_edges;
    int *group_of, *next_member;    /* per node; -1: none */
    VEC(struct group) groups;
    rk_ref *home;                   /* storage whose memory is shared: chains end in a root; 0: its own */
    rk_ref *updates;                /* per state: the value it takes; 0: none */
    const struct layout **inside;   /* per node: layout within its home, where it is a part of it; else NULL */
    bool *is_output, *is_value;     /* per storage: an output shows it; it is the new value of a state */
    bool *is_taken;                 /* per storage: a sum is added into it */
    bool *is_whole;                 /* per storage: parts of it are born in it */
    int *first_step;                /* per storage that owns memory: the first step that writes into it; -1: none */
    int *map_reader;                /* per storage: the last elementwise group that read it; -1: none */
    int *bucket;                    /* room for ordering: 2n */
};

rk_status lowering_begin(struct lowering *l) RK_CHECK;
void      lowering_end(struct lowering *l);
rk_status lowering_casts(struct lowering *l) RK_CHECK;          /* lower_cast.c: before anybody counts readers */
rk_status lowering_group(struct lowering *l) RK_CHECK;          /* lower_group.c */
rk_status lowering_share(struct lowering *l) RK_CHECK;          /* lower_share.c */
rk_status lowering_biases(struct lowering *l) RK_CHECK;         /* lower_bias.c: among what is shared, behind the sums */
rk_status lowering_emit(struct lowering *l) RK_CHECK;           /* lower_emit.c */

static inline const struct node *lowering_node(const struct lowering *l, rk_ref r) { return node_of(l->g, r); }
static inline bool is_virtual(const struct lowering *l, rk_ref r) { return (node_of(l->g, r)->op->flags & OP_VIRTUAL) != 0; }
static inline bool is_map(const struct lowering *l, rk_ref r) { return (node_of(l->g, r)->op->flags & OP_MAP) != 0; }
/* A cast to more bits of a floating value that lies somewhere. */
static inline bool lowering_widens(const struct lowering *l, rk_ref c)
{
    const struct node *to = node_of(l->g, c), *from = (to->op->flags & OP_CASTS) != 0 ? node_of(l->g, to->in[0]) : NULL;
    return from != NULL && from->dtype <= RK_f8e5m2 && to->dtype <= RK_f8e5m2 && rk_dtype_bytes(from->dtype) < rk_dtype_bytes(to->dtype) && !is_virtual(l, l->storage[to->in[0]]);
}
/* What node r reads as operand i, and what its kernel writes as its result. */
static inline rk_ref lowering_operand(const struct lowering *l, rk_ref r, int i)
{
    rk_ref x = node_of(l->g, r)->in[i];
    return l->looks_through[r] && lowering_widens(l, x) ? node_of(l->g, x)->in[0] : x;
}
/* What y adds to a sum. */
static inline rk_ref lowering_bias(const struct lowering *l, rk_ref y, rk_ref sum) { return node_of(l->g, y)->in[node_of(l->g, y)->in[0] == sum]; }
static inline rk_ref lowering_result(const struct lowering *l, rk_ref r) { return l->narrowed[r] != 0 ? l->narrowed[r] : r; }
bool lowering_groups(const struct lowering *l, rk_ref r);       /* the back end runs this node, a map, a cast or a virtual value, in a program */
rk_ref lowering_home(const struct lowering *l, rk_ref storage); /* the end of the chain */
int  lowering_last_reader(const struct lowering *l, rk_ref storage);       /* the last step that reads it; -1: none */

int  lowering_step(const struct lowering *l, rk_ref r);             /* where a node runs; -1: nowhere */
void lowering_order(struct lowering *l);                            /* gives every live group its step */
struct layout lowering_layout(const struct lowering *l, rk_ref x);  /* within the memory of its home */
/* Who would take a problem, *k NULL: nobody; whatever is decided by asking the back end is asked here. trial: see plan_asked; NULL: none. */
rk_status lowering_ask(struct lowering *l, const struct problem *p, const struct plan_part *trial, const struct kernel **k) RK_CHECK;
rk_status lowering_keep(rk_ctx *ctx, struct plan *plan, struct problem *p) RK_CHECK;
/* Where operand i of y, which puts its operands side by side, lies within y's memory: the layout of the value behind it; false:
 * that cannot be seen there. */
bool lowering_part(const rk_graph *g, rk_ref y, int i, const struct layout *whole, struct layout *at);
rk_status lowering_group_new(struct lowering *l, rk_ref r, bool map) RK_CHECK;

/* What the problem of any group may need while it is being stated. */
struct stating { struct problem_room room; struct program program; rk_ref nodes[MOST_OPERANDS + MOST_PROGRAM]; };
/* The problem of one group: operands and results with their layouts; it points into `s`. */
rk_status problem_of_group(struct lowering *l, int group, struct problem *p, struct stating *s) RK_CHECK;

#endif
