/* update.c: clipping and AdamW as nodes: see graphs.h. */
#include "train/graphs.h"
#include <stdio.h>
#include <string.h>

struct update {
    rk_graph *g;
    const struct train_rule *rule;
    rk_ref rate, scale;                     /* scalars: the step's size, its factor 1 / √correction2; the clipping factor or 0 */
    rk_ref root, kept;                      /* 1 / √correction2; 1 - learning rate · decay, or 0 */
};

struct dims { char at[RK_MAX_RANK * 64]; };

static struct dims dims_of(const rk_graph *g, rk_ref r)
{
    struct dims d = { "" };
    const struct node *n = node_of(g, r);
    for (int i = 0; i < n->rank; i++) {
        if (i > 0) (void)strncat(d.at, " ", sizeof d.at - strlen(d.at) - 1);
        (void)strncat(d.at, dim_name(g, n->dim[i]), sizeof d.at - strlen(d.at) - 1);
    }
    return d;
}

static rk_ref sum_of_squares(rk_graph *g, rk_ref x)
{
    struct dims d = dims_of(g, x);
    char equation[2 * sizeof d.at + 16];
    (void)snprintf(equation, sizeof equation, "%s, %s -> ", d.at, d.at);
    return rk_einsum(g, equation, x, x);
}

/* Σ over all parameters, in their order. */
static rk_ref global_norm(rk_graph *g, const rk_ref *gradients, int n)
{
    rk_ref sum = 0;
    for (int i = 0; i < n; i++) {
        int path = g->path;
        g->path = node_of(g, gradients[i])->path;           /* a square is its parameter's own; only their sum is of all */
        g->times = node_of(g, gradients[i])->times;
        rk_ref square = sum_of_squares(g, gradients[i]);
        g->path = path;
        sum = i == 0 ? square : rk_add(g, sum, square);
        g->times = 1;
    }
    return n == 0 ? rk_const(g, 0) : rk_map(g, "sqrt", sum);
}

static void scalars(struct update *u, rk_ref norm)
{
    rk_graph *g = u->g;
    rk_ref rate = rk_input(g, "learning_rate", RK_f32, "");
    u->rate = rk_map2(g, "div", rate, rk_input(g, "correction1", RK_f32, ""));
    u->root = rk_map(g, "rsqrt", rk_input(g, "correction2", RK_f32, ""));
    if (u->rule->weight_decay != 0) u->kept = rk_sub(g, rk_const(g, 1), rk_scale(g, rate, u->rule->weight_decay));
    if (u->rule->clip > 0)
        u->scale = rk_map2(g, "min", rk_const(g, 1), rk_map2(g, "div", rk_const(g, u->rule->clip), rk_add(g, norm, rk_const(g, 1e-6))));
}

/* moment = β · moment + (1 - β) · fresh */
static rk_ref decaying(rk_graph *g, rk_ref moment, double beta, rk_ref fresh)
{
    rk_ref value = rk_add(g, rk_scale(g, moment, beta), rk_scale(g, fresh, 1 - beta));
    rk_update(g, moment, value);
    return value;
}

static rk_ref moment_state(rk_graph *g, char letter, const char *name, rk_dtype dtype, const char *dims)
{
    char full[640];
    (void)snprintf(full, sizeof full, "%c.%s", letter, name);
    return rk_state(g, RK_OPTIMIZER, full, dtype, dims);
}

static void adamw(const struct update *u, const struct parameter *parameter, const rk_graph *loss, rk_ref gradient)
{
    rk_graph *g = u->g;
    const struct node *n = node_of(loss, parameter->ref);
    struct dims d = dims_of(loss, parameter->ref);
    g->path = n->path;
    g->times = n->times;
    rk_ref p = rk_state(g, RK_PARAMETER, parameter->name, n->dtype, d.at);
    rk_ref m = moment_state(g, 'm', parameter->name, n->dtype, d.at), v = moment_state(g, 'v', parameter->name, n->dtype, d.at);
    rk_ref clipped = u->scale != 0 ? rk_mul(g, gradient, u->scale) : gradient;
    rk_ref first = decaying(g, m, u->rule->beta1, clipped);
    rk_ref second = decaying(g, v, u->rule->beta2, rk_map(g, "square", clipped));
    rk_ref divisor = rk_add(g, rk_mul(g, rk_map(g, "sqrt", second), u->root), rk_const(g, u->rule->eps));
    rk_ref kept = parameter->decays && u->kept != 0 ? rk_mul(g, p, u->kept) : p;
    rk_update(g, p, rk_sub(g, kept, rk_mul(g, rk_map2(g, "div", first, divisor), u->rate)));
    g->path = 0;
    g->times = 1;
}

static void build(struct update *u, const rk_graph *loss, const struct parameter *parameters, int n, rk_ref *gradients)
{
    rk_graph *g = u->g;
    for (int i = 0; i < n; i++) {
        const struct node *p = node_of(loss, parameters[i].ref);
        struct dims d = dims_of(loss, parameters[i].ref);
        g->path = p->path;
        g->times = p->times;
        gradients[i] = rk_state(g, RK_GRADIENT, parameters[i].name, p->dtype, d.at);
    }
    g->path = 0;
    g->times = 1;
    rk_enter(g, "clip");
    rk_ref norm = global_norm(g, gradients, n);
    rk_output(g, "gradient_norm", norm);
    scalars(u, norm);
    rk_leave(g);
    for (int i = 0; i < n; i++) adamw(u, &parameters[i], loss, gradients[i]);
}

rk_status train_update(rk_ctx *ctx, const rk_graph *loss, const struct parameter *parameters, int n, const struct train_rule *rule, rk_graph **out)
{
    struct update u = { .rule = rule };
    rk_ref *gradients = NULL;
    rk_status status;
    *out = NULL;
    GO(graph_like(ctx, loss, &u.g));
    GO(NEW(gradients, n));
    build(&u, loss, parameters, n, gradients);
    GO(rk_graph_seal(u.g));
    *out = u.g;
    u.g = NULL;
out:
    FREE(gradients, n);
    rk_graph_close(u.g);
    return status;
}
