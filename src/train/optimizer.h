/* optimizer.h: what an optimizer is: the numbers that a step hands it, and the nodes that make of a parameter the next one.
 *
 * An optimizer is a file (sgd.c) and a row (reckon/optimizer.def). The gradient that it asks for is clipped (update_gradient).
 * What it keeps are states of kind RK_OPTIMIZER named LETTERS.NAME: m. and v. moments, row. and column. factors of one. */
#ifndef TRAIN_OPTIMIZER_H
#define TRAIN_OPTIMIZER_H
#include "model/model.h"
#include "train/graphs.h"

struct dims { char at[RK_MAX_RANK * 64]; };

/* One graph of an update while it is made. Scalars are 0 where the optimizer has no use for them. */
struct update {
    rk_graph *g;
    const struct train_rule *rule;
    rk_ref learning_rate;
    rk_ref rate, root;                      /* AdamW: learning rate / correction1; 1 / √correction2 */
    rk_ref relative, fresh;                 /* Adafactor: ρ; what a moment takes of a new gradient */
    rk_ref kept;                            /* 1 - learning rate · decay, or 0 */
    rk_ref scale;                           /* the clipping factor, over the loss scale where there is one; or 0 */
    rk_ref sound;                           /* 1 where the gradients are finite, or 0: not asked */
};

/* One parameter. A stored axis is a dimension of its tensor in files: one of ours, or several that lie there as one. */
struct axis { int n; rk_dim dim[RK_MAX_RANK]; int64_t size; };
struct subject {
    const struct parameter *parameter;
    rk_ref value, whole;                    /* the state, or its master copy; the gradient before it is clipped */
    rk_ref stored;                          /* the narrow state that a master copy stands for, or 0 */
    rk_dtype dtype;
    int64_t elements;
    struct dims dims;                       /* all of them, in order */
    int axes;
    struct axis axis[RK_MAX_RANK];
};

/* A scalar input of the update in step t, from 1. */
struct step_scalar { const char *name; double (*value)(const struct train_rule *rule, double rate, double t); };

struct optimizer {
    const struct step_scalar *scalars;      /* besides learning_rate; ends with name NULL */
    void (*begin)(struct update *u);        /* makes scalars of them */
    void (*step)(const struct update *u, const struct subject *s);         /* ends in update_take(u, s, ..) */
};
#define ROW(name, word, title, reads) extern const struct optimizer optimizer_##name;
#include "reckon/optimizer.def"
#undef ROW

extern const struct step_scalar adamw_scalars[];                   /* which optimizers need that leave some parameters to it */

struct dims update_dims(const rk_graph *g, rk_ref r);
/* The dims of the stored axes whose bit is set in `which`, in the order of the parameter. */
struct dims update_axes(const rk_graph *g, const struct subject *s, unsigned which);
rk_ref update_state(const struct update *u, const struct subject *s, const char *letters, const char *dims);
/* The gradient, clipped. Made anew in each call: what goes to two sweeps is cheaper to make twice than to keep. */
rk_ref update_gradient(const struct update *u, const struct subject *s);
rk_ref update_squares(rk_graph *g, rk_ref x);                       /* Σ x² */
void   update_keep(struct update *u);                               /* makes u->kept, where the rule has a decay */
rk_ref update_decayed(const struct update *u, const struct subject *s);     /* the value, less its decoupled decay */
/* The state becomes the value, or stays where the gradients are not finite. All that an optimizer writes goes through here. */
void   update_put(const struct update *u, rk_ref state, rk_ref value);
/* The parameter becomes the value, and what it is stored in with it. */
void   update_take(const struct update *u, const struct subject *s, rk_ref value);
/* (1 - weight) · a + weight · b, written down in state a. */
rk_ref update_mean(const struct update *u, rk_ref state, rk_ref weight, rk_ref fresh);

#endif
