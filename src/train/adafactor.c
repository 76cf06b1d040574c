/* Adafactor: of the squares' mean only that of every row and every column is kept; steps are relative to the weights' size.
 *
 *   w = t^τ, τ = beta2-decay;  ρ = min(lr, 1/√t);  α = max(ε2, rms(p))·ρ;  p = (1 - lr·decay)·p
 *   two axes or more:  row = row + w·(mean of g² along the last axis - row), column likewise along the one before it,
 *                      V = row·column / max(mean of row, ε1);  one axis:  V = v = v + w·(g² - v)
 *   U = g / √max(V, ε1²);  p = p - α·U / max(1, rms(U) / d)
 *
 * Axes are those of the stored tensor: dimensions that lie there as one (three head head_dim) are one row or column index;
 * axes before the last two are many matrices. Source: Shazeer & Stern 2018 (arXiv 1804.04235) as torch.optim.Adafactor has it:
 * means for sums, ε1 on V and not in it, lr as the cap of ρ and the rate of decay. */
#include "train/optimizer.h"
#include <math.h>

static double relative_step(const struct train_rule *rule, double rate, double t) { return (void)rule, fmin(rate, 1 / sqrt(t)); }
static double fresh_part(const struct train_rule *rule, double rate, double t) { return (void)rate, pow(t, rule->beta2_decay); }
static const struct step_scalar scalars[] = { { "relative_step", relative_step }, { "fresh_part", fresh_part }, { NULL, NULL } };

static void begin(struct update *u)
{
    u->relative = rk_input(u->g, "relative_step", RK_f32, "");
    u->fresh = rk_input(u->g, "fresh_part", RK_f32, "");
    update_keep(u);
}

static rk_ref mean(const struct update *u, const struct subject *s, rk_ref x, int axis)
{
    struct dims along = update_axes(u->g, s, 1u << axis);
    return rk_scale(u->g, rk_reduce(u->g, "sum", x, along.at), 1 / (double)s->axis[axis].size);
}

static rk_ref rms(const struct update *u, const struct subject *s, rk_ref x)
{
    return rk_map(u->g, "sqrt", rk_scale(u->g, update_squares(u->g, x), 1 / (double)s->elements));
}

/* The mean of squares that row and column are the margins of. */
static rk_ref factored(const struct update *u, const struct subject *s)
{
    rk_graph *g = u->g;
    int rows = s->axes - 2, columns = s->axes - 1;
    unsigned all = (1u << s->axes) - 1;
    struct dims row_dims = update_axes(g, s, all & ~(1u << columns)), column_dims = update_axes(g, s, all & ~(1u << rows));
    rk_ref square = rk_map(g, "square", update_gradient(u, s));
    rk_ref row = update_mean(u, update_state(u, s, "row", row_dims.at), u->fresh, mean(u, s, square, columns));
    rk_ref column = update_mean(u, update_state(u, s, "column", column_dims.at), u->fresh, mean(u, s, square, rows));
    rk_ref share = rk_map2(g, "div", row, rk_map2(g, "max", mean(u, s, row, rows), rk_const(g, u->rule->eps1)));
    return rk_mul(g, rk_spread(g, share, s->dims.at), column);
}

static rk_ref whole(const struct update *u, const struct subject *s)
{
    return update_mean(u, update_state(u, s, "v", s->dims.at), u->fresh, rk_map(u->g, "square", update_gradient(u, s)));
}

static void step(const struct update *u, const struct subject *s)
{
    rk_graph *g = u->g;
    const struct train_rule *rule = u->rule;
    rk_ref alpha = rk_mul(g, rk_map2(g, "max", rms(u, s, s->value), rk_const(g, rule->eps2)), u->relative);
    rk_ref variance = s->axes >= 2 ? factored(u, s) : whole(u, s), gradient = update_gradient(u, s);
    rk_ref way = rk_mul(g, gradient, rk_map(g, "rsqrt", rk_map2(g, "max", variance, rk_const(g, rule->eps1 * rule->eps1))));
    rk_ref cut = rk_map2(g, "max", rk_scale(g, rms(u, s, way), 1 / rule->threshold), rk_const(g, 1));
    update_take(u, s, rk_sub(g, update_decayed(u, s), rk_mul(g, way, rk_map2(g, "div", alpha, cut))));
}

const struct optimizer optimizer_adafactor = { scalars, begin, step };
