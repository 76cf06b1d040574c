/* Muon: the momentum of a matrix with all its singular values brought near 1, by five products of Newton and Schulz.
 *
 *   m = μ·m + (1 - μ)·g;  u = (1 - μ)·g + μ·m, or plain: m
 *   X = u / max(‖u‖, 1e-7);  five times:  G = X·Xᵀ, X = 3.4445·X + (-4.7750·G + 2.0315·G²)·X
 *   p = (1 - lr·decay)·p - lr·f·X;  f by --muon-rate, of the stored shape [A B]
 *
 * Only matrices of blocks, as they are stored: q, k and v that lie there as one are one matrix. Embeddings, heads, norms and
 * biases are AdamW's. Xᵀ is X under other names; G is of the shorter side, so that nothing is ever turned round.
 * Sources: Jordan et al. 2024 (kellerjordan.github.io/posts/muon) for the method and its polynomial; Liu et al. 2025
 * (arXiv 2502.16982) for match-rms; in the order of torch.optim.Muon, which rounds X and G to bfloat16 where this is f32. */
#include "train/optimizer.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ITERATIONS = 5 };
static const double linear = 3.4445, cubic = -4.7750, quintic = 2.0315, smallest = 1e-7;

static void begin(struct update *u) { optimizer_adamw.begin(u); }

/* --- other names for the shorter side --- */

enum { PLAIN, COPY, INNER };
static const char *const suffixes[] = { [PLAIN] = "", [COPY] = "_copy", [INNER] = "_inner" };
struct alias { char at[96]; };

static struct alias named(const rk_graph *g, rk_dim dim, int as)
{
    struct alias n;
    (void)snprintf(n.at, sizeof n.at, "%s%s", dim_name(g, dim), suffixes[as]);
    return n;
}

/* Dimensions of the same sizes, made where no other matrix has made them. */
static void make_names(rk_graph *g, const struct axis *side, int as)
{
    for (int i = 0; i < side->n; i++) {
        struct alias n = named(g, side->dim[i], as);
        if (graph_dim(g, n.at, strlen(n.at)) == 0) (void)rk_dim_new(g, n.at, g->dims.at[side->dim[i]].letter, dim_size(g, side->dim[i]));
    }
}

static rk_ref renamed(rk_graph *g, rk_ref x, const struct axis *side, int from, int to)
{
    for (int i = 0; i < side->n; i++) {
        struct alias a = named(g, side->dim[i], from), b = named(g, side->dim[i], to);
        x = rk_rename(g, x, a.at, b.at);
    }
    return x;
}

static rk_ref contract(rk_graph *g, rk_ref a, rk_ref b, const char *to)
{
    char equation[3 * sizeof(struct dims) + 16];
    struct dims of_a = update_dims(g, a), of_b = update_dims(g, b);
    (void)snprintf(equation, sizeof equation, "%s, %s -> %s", of_a.at, of_b.at, to);
    return rk_einsum(g, equation, a, b);
}

/* --- Newton and Schulz --- */

/* "hidden hidden_copy" */
static struct dims square_dims(const rk_graph *g, const struct axis *side)
{
    struct dims d = { "" };
    for (int i = 0; i < 2 * side->n; i++) {
        struct alias n = named(g, side->dim[i % side->n], i < side->n ? PLAIN : COPY);
        if (i > 0) (void)strncat(d.at, " ", sizeof d.at - strlen(d.at) - 1);
        (void)strncat(d.at, n.at, sizeof d.at - strlen(d.at) - 1);
    }
    return d;
}

static rk_ref iterate(rk_graph *g, rk_ref x, const struct axis *side, const char *square)
{
    struct dims all = update_dims(g, x);
    rk_ref other = renamed(g, x, side, PLAIN, COPY);
    rk_ref gram = contract(g, x, other, square), left = renamed(g, gram, side, COPY, INNER);
    rk_ref twice = contract(g, left, renamed(g, left, side, PLAIN, COPY), square);          /* G is symmetric: G·G is G·Gᵀ */
    rk_ref factor = rk_add(g, rk_scale(g, gram, cubic), rk_scale(g, twice, quintic));
    return rk_add(g, rk_scale(g, x, linear), contract(g, factor, other, all.at));
}

static const struct axis *shorter(const struct subject *s)
{
    const struct axis *a = &s->axis[0], *b = &s->axis[1];
    if (a->size != b->size) return a->size < b->size ? a : b;
    return b->n < a->n ? b : a;
}

static rk_ref orthogonal(const struct update *u, const struct subject *s, rk_ref x)
{
    rk_graph *g = u->g;
    const struct axis *side = shorter(s);
    struct dims square = square_dims(g, side);
    make_names(g, side, COPY);
    make_names(g, side, INNER);
    x = rk_map2(g, "div", x, rk_map2(g, "max", rk_map(g, "sqrt", update_squares(g, x)), rk_const(g, smallest)));
    for (int i = 0; i < ITERATIONS; i++) x = iterate(g, x, side, square.at);
    return x;
}

/* --- the step --- */

/* Rows of reckon/train_options.def: how far a matrix goes beside an element of AdamW's. */
static double rate_factor(const struct train_rule *rule, double a, double b)
{
    const double factors[] = {
        [RK_MUON_MATCH_RMS] = 0.2 * sqrt(fmax(a, b)), [RK_MUON_ORIGINAL] = sqrt(fmax(1, a / b)), [RK_MUON_SPECTRAL] = sqrt(a / b),
    };
    return factors[rule->muon_rate];
}

static void step(const struct update *u, const struct subject *s)
{
    rk_graph *g = u->g;
    const struct train_rule *rule = u->rule;
    if (!s->parameter->in_block || s->axes != 2) {
        optimizer_adamw.step(u, s);
        return;
    }
    rk_ref gradient = update_gradient(u, s), fresh = rk_const(g, 1 - rule->momentum);
    rk_ref mean = update_mean(u, update_state(u, s, "m", s->dims.at), fresh, gradient);
    rk_ref way = rule->plain_momentum ? mean : rk_add(g, gradient, rk_scale(g, rk_sub(g, mean, gradient), rule->momentum));
    rk_ref rate = rk_scale(g, u->learning_rate, rate_factor(rule, (double)s->axis[0].size, (double)s->axis[1].size));
    update_take(u, s, rk_sub(g, update_decayed(u, s), rk_mul(g, orthogonal(u, s, way), rate)));
}

/* Scalars are those of AdamW, which the rest of the parameters are left to. */
const struct optimizer optimizer_muon = { adamw_scalars, begin, step };
