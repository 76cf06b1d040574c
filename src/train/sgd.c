/* SGD: the gradient itself, or with momentum what it was lately; decay is a part of the gradient.
 *
 *   g = g + decay·p;  m = μ·m + g;  p = p - lr·(g + μ·m), or plain: p - lr·m;  μ = 0: p - lr·g, and nothing is kept
 *
 * Sources: Polyak 1964; Sutskever et al. 2013 for Nesterov's; in the order of torch.optim.SGD, which sets m to the first
 * gradient: what μ·0 + g is, too. Dampening, which torch has beside it, is not. */
#include "train/optimizer.h"

static const struct step_scalar scalars[] = { { NULL, NULL } };

static void begin(struct update *u) { (void)u; }

static rk_ref with_momentum(const struct update *u, const struct subject *s, rk_ref gradient)
{
    rk_graph *g = u->g;
    double momentum = u->rule->momentum;
    rk_ref m = update_state(u, s, "m", s->dims.at);
    rk_ref sum = rk_add(g, rk_scale(g, m, momentum), gradient);
    update_put(u, m, sum);
    return u->rule->plain_momentum ? sum : rk_add(g, gradient, rk_scale(g, sum, momentum));
}

static void step(const struct update *u, const struct subject *s)
{
    rk_graph *g = u->g;
    double decay = s->parameter->decays ? u->rule->weight_decay : 0;
    rk_ref gradient = update_gradient(u, s);
    if (decay != 0) gradient = rk_add(g, gradient, rk_scale(g, s->value, decay));
    if (u->rule->momentum != 0) gradient = with_momentum(u, s, gradient);
    update_take(u, s, rk_sub(g, s->value, rk_mul(g, gradient, u->learning_rate)));
}

const struct optimizer optimizer_sgd = { scalars, begin, step };
