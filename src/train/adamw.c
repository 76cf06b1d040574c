/* AdamW: both moments of the gradient, bias-corrected; decay apart from them.
 *
 *   m = β1·m + (1 - β1)·g;  v = β2·v + (1 - β2)·g²
 *   p = (1 - lr·decay)·p - lr / (1 - β1^t) · m / (√v / √(1 - β2^t) + eps)
 *
 * Source: Loshchilov & Hutter 2019 (arXiv 1711.05101), in the order of torch.optim.AdamW. */
#include "train/optimizer.h"
#include <math.h>

static double correction1(const struct train_rule *rule, double rate, double t) { return (void)rate, 1 - pow(rule->beta1, t); }
static double correction2(const struct train_rule *rule, double rate, double t) { return (void)rate, 1 - pow(rule->beta2, t); }
const struct step_scalar adamw_scalars[] = { { "correction1", correction1 }, { "correction2", correction2 }, { NULL, NULL } };

static void begin(struct update *u)
{
    rk_graph *g = u->g;
    u->rate = rk_map2(g, "div", u->learning_rate, rk_input(g, "correction1", RK_f32, ""));
    u->root = rk_map(g, "rsqrt", rk_input(g, "correction2", RK_f32, ""));
    update_keep(u);
}

/* moment = β · moment + (1 - β) · fresh */
static rk_ref decaying(const struct update *u, rk_ref moment, double beta, rk_ref fresh)
{
    rk_graph *g = u->g;
    rk_ref value = rk_add(g, rk_scale(g, moment, beta), rk_scale(g, fresh, 1 - beta));
    update_put(u, moment, value);
    return value;
}

static void step(const struct update *u, const struct subject *s)
{
    rk_graph *g = u->g;
    rk_ref m = update_state(u, s, "m", s->dims.at), v = update_state(u, s, "v", s->dims.at);
    rk_ref gradient = update_gradient(u, s);
    rk_ref first = decaying(u, m, u->rule->beta1, gradient);
    rk_ref second = decaying(u, v, u->rule->beta2, rk_map(g, "square", gradient));
    rk_ref divisor = rk_add(g, rk_mul(g, rk_map(g, "sqrt", second), u->root), rk_const(g, u->rule->eps));
    update_take(u, s, rk_sub(g, update_decayed(u, s), rk_mul(g, rk_map2(g, "div", first, divisor), u->rate)));
}

const struct optimizer optimizer_adamw = { adamw_scalars, begin, step };
