/* micro.c: loss and gradients of one micro-batch: see graphs.h.
 *
 * rk_grad leaves the gradients strewn over its nodes; each is put away where it arises, so that nothing waits for the end. */
#include "train/graphs.h"
#include <stdio.h>
#include <string.h>

struct micro {
    rk_ctx *ctx;
    const struct backend *backend;
    const struct parameter *parameters;
    int n;
    bool accumulate;
    rk_ref *by, *gradients;                 /* per parameter, in the graph with gradients */
    int *owner;                             /* per node: the parameter whose gradient it is, or -1 */
    int *next;                              /* per parameter: another one with the same gradient, or -1 */
};

static bool keep(void *user, const rk_graph *g, rk_ref r)
{
    const struct micro *m = user;
    return m->backend != NULL && backend_takes(m->backend, g, r, true);
}

/* The graph with fused operations written out where need be and all gradients; *backward is the first node of the latter. */
static rk_status with_gradients(struct micro *m, const rk_graph *loss, rk_graph *g, const rk_ref *map, rk_ref *backward)
{
    rk_ctx *ctx = m->ctx;
    rk_ref of = graph_find_output(loss, "loss");
    if (of == 0) return FAIL(RK_E_MISSING, "the graph to be trained has no output named loss");
    for (int i = 0; i < m->n; i++) m->by[i] = map[m->parameters[i].ref];
    *backward = g->nodes.n;
    rk_grad(g, map[of], rk_input(g, "inverse_tokens", RK_f32, ""), m->by, m->n, m->gradients);
    if (g->status != RK_OK) return FAIL(g->status, "%s", g->message);
    for (int i = 0; i < m->n; i++)
        if (m->gradients[i] == 0) return FAIL(RK_E_ARG, "the loss does not depend on parameter %s", m->parameters[i].name);
    return RK_OK;
}

static void put_away(const struct micro *m, rk_graph *to, const rk_graph *from, int parameter, rk_ref gradient)
{
    const struct node *p = node_of(from, m->by[parameter]);
    char dims[RK_MAX_RANK * 64] = "";
    for (int i = 0; i < p->rank; i++) {
        if (i > 0) (void)strncat(dims, " ", sizeof dims - strlen(dims) - 1);
        (void)strncat(dims, dim_name(from, p->dim[i]), sizeof dims - strlen(dims) - 1);
    }
    if (m->parameters[parameter].kind == RK_INPUT) {                        /* for whoever made it */
        char name[128];
        (void)snprintf(name, sizeof name, "%s_gradient", m->parameters[parameter].name);
        rk_output(to, name, gradient);
        return;
    }
    to->path = p->path;
    rk_ref state = rk_state(to, RK_GRADIENT, m->parameters[parameter].name, graph_gradient_dtype(from, m->by[parameter]), dims);
    rk_update(to, state, m->accumulate ? rk_add(to, state, gradient) : gradient);
    to->path = 0;
}

static rk_status copy(const struct micro *m, const rk_graph *from, rk_graph *to, rk_ref *map)
{
    rk_ctx *ctx = m->ctx;
    for (rk_ref r = 1; r < from->nodes.n; r++) {
        map[r] = graph_repeat(to, from, r, map);
        for (int i = m->owner[r]; i >= 0; i = m->next[i]) put_away(m, to, from, i, map[r]);
    }
    for (int i = 0; i < from->outputs.n; i++) rk_output(to, from->outputs.at[i].name, map[from->outputs.at[i].ref]);
    return to->status == RK_OK ? RK_OK : FAIL(to->status, "%s", to->message);
}

static rk_status put_all_away(struct micro *m, const rk_graph *from, rk_graph **out)
{
    rk_ctx *ctx = m->ctx;
    rk_graph *to = NULL;
    rk_ref *map = NULL;
    rk_status status;
    int n = from->nodes.n;
    GO(NEW(map, n));
    GO(NEW(m->owner, n));
    for (rk_ref r = 0; r < n; r++) m->owner[r] = -1;
    for (int i = m->n - 1; i >= 0; i--) {
        m->next[i] = m->owner[m->gradients[i]];
        m->owner[m->gradients[i]] = i;
    }
    GO(graph_like(ctx, from, &to));
    GO(copy(m, from, to, map));
    *out = to;
    to = NULL;
out:
    FREE(map, n);
    FREE(m->owner, n);
    rk_graph_close(to);
    return status;
}

rk_status train_micro(rk_ctx *ctx, const struct backend *backend, const rk_graph *loss, const struct parameter *parameters, int n, bool accumulate,
                      rk_graph **out)
{
    struct micro m = { .ctx = ctx, .backend = backend, .parameters = parameters, .n = n, .accumulate = accumulate };
    rk_graph *g = NULL, *whole = NULL, *result = NULL;
    rk_ref *map = NULL, backward = 0;
    rk_status status;
    *out = NULL;
    GO(NEW(map, loss->nodes.n));
    GO(NEW(m.by, n));
    GO(NEW(m.gradients, n));
    GO(NEW(m.next, n));
    GO(pass_expand(ctx, loss, keep, &m, &g, map));
    GO(with_gradients(&m, loss, g, map, &backward));
    GO(put_all_away(&m, g, &whole));
    GO(pass_remat(ctx, whole, backward, &result));
    GO(rk_graph_seal(result));
    *out = result;
    result = NULL;
out:
    FREE(map, loss->nodes.n);
    FREE(m.by, n);
    FREE(m.gradients, n);
    FREE(m.next, n);
    rk_graph_close(g);
    rk_graph_close(whole);
    rk_graph_close(result);
    return status;
}
