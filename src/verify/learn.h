/* learn.h: loss, gradients and steps of AdamW on one model and one batch, for those who compare them (weigh.c).
 *
 * A trajectory is the losses before each step and the weights after the last. How much rounding alone moves it is measured,
 * when somebody asks: the same steps again, from weights changed by their last bit, and then with gradients changed by the last
 * bit of their largest, too: of an f32, or of an f64 where both sides compute in that. Where a kink or a division makes much of it, nobody
 * agrees with anybody, and a tolerance that is below it says nothing. */
#ifndef VERIFY_LEARN_H
#define VERIFY_LEARN_H
#include "verify/verify.h"

struct machine { rk_graph *g; struct plan *plan; struct run *run; };
struct learning {
    struct verify *v;
    struct built built;
    int n, trained;                         /* parameters: all, and those before which the file has gradients of (all, if it has none) */
    struct store *store;
    struct machine micro, update;
    int64_t steps;
    double loss;                            /* before anything was learnt */
    double **first;                         /* the first gradient of every parameter */
    double *losses;                         /* before each step */
    double **last;                          /* the weights after the last step */
    enum rounded { NOTHING_ROUNDED, WEIGHTS_ROUNDED, GRADIENTS_ROUNDED } spread;        /* measured: */
    double loss_spread, *weight_spread;     /* how far rounding alone moves the losses, relative, and each parameter, by its norm */
};

/* Everything up to the first gradients; then the steps. learn_close also ends what was only half opened. */
rk_status learn_open(rk_ctx *ctx, struct learning *l, struct verify *v, int64_t steps) RK_CHECK;
rk_status learn_steps(rk_ctx *ctx, struct learning *l) RK_CHECK;
rk_status learn_spread(rk_ctx *ctx, struct learning *l, enum rounded what) RK_CHECK;          /* each once; after the steps */
/* Both sides compute in f64, and all of it. */
bool      learn_exact(const struct learning *l);
void      learn_close(rk_ctx *ctx, struct learning *l);
int64_t   learn_elements(const struct learning *l, int parameter);
/* How far a parameter may be off, by its norm, after the steps of a maker whose gradients are good to 2e-7 of a tensor's largest:
 * AdamW divides a gradient by its size, so an error moves it by as much of the learning rate as it is of the gradient. */
double    learn_unsure(const struct learning *l, int parameter);
/* Of the first gradients so small a part of the tensor's largest is noise, which AdamW divides by noise. */
bool      learn_is_noise(double gradient, double largest);

#endif
