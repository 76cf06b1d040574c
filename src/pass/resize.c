/* resize.c: a graph and a plan of it for other sizes, in place: what has a size gets it anew (dims, layouts, values, workspace, what
 * kernels issue), what has none stays as it is (nodes, groups, their order, lifetimes, shared memory).
 *
 * Sizes decide little, and what they decide is decided again:
 *
 *   a shape          of two dims that have to fit: every operation says its shape again
 *   a copy           before a view that has none without it: every view is taken again, and without the copy before it
 *   an expansion     that has a size in it: of fused operations, which say themselves over what they may not vary
 *   a kernel         of a step: it is found and prepared again
 *   shared memory    and what runs together, where that depended on a kernel: all that lowering asked is asked again
 *
 * If any of it comes out otherwise, *holds is false. Law: tests/law/test_resize.c: equal to the plan lowered at that size, in
 * every field. Not here: addresses (place.c); which fused operations were written out, since that is not in the graph any more
 * (price_plan.c). */
#include "pass/lowering.h"
#include <string.h>

/* --- graphs --- */

static struct layout layout_without(const rk_graph *g, rk_ref copy) { return layout_of(g, operand_of(g, copy, 0), NULL); }

/* Views that would do without the copy that they are of. */
static void find_spared(const rk_graph *g, bool *spared)
{
    for (rk_ref r = 1; r < g->nodes.n; r++) {
        const struct node *n = node_of(g, r);
        if ((n->op->flags & OP_VIEW) == 0 || node_of(g, n->in[0])->op != &op_copy) continue;
        struct layout out, from = layout_without(g, n->in[0]);
        spared[r] = n->op->view(g, r, &from, &out);
    }
}

static void set_sizes(rk_graph *g, const struct dim_extent *sizes, int n, bool *changed, bool *holds)
{
    for (int i = 0; i < n; i++) {
        rk_dim d = graph_dim(g, sizes[i].dim, strlen(sizes[i].dim));
        *holds = *holds && d != 0 && !g->dims.at[d].live;
        if (!*holds) return;
        changed[d] = g->dims.at[d].size != sizes[i].size;
        g->dims.at[d].size = sizes[i].size;
    }
}

static bool relations_hold(const rk_graph *g)
{
    bool hold = true;
    for (int i = 0; i < g->relations.n && hold; i++) {
        const struct dim_relation *r = &g->relations.at[i];
        int64_t left = 1, right = r->times;
        for (int k = 0; k < r->n; k++) hold = hold && extent_mul(left, dim_size(g, r->of[k]), &left);
        for (int k = 0; k < r->n_is; k++) hold = hold && extent_mul(right, dim_size(g, r->is[k]), &right);
        hold = hold && left == right;
    }
    return hold;
}

static bool any_changed(const bool *changed, const struct node *n)
{
    bool any = false;
    for (int i = 0; i < n->rank; i++) any = any || changed[n->dim[i]];
    return any;
}

static bool says_the_same(rk_ctx *ctx, rk_graph *g, const struct node *n)
{
    struct node again = *n;
    again.rank = 0;
    if (n->op->infer(ctx, g, &again) != RK_OK) {
        rk_error_clear(ctx);                                /* an answer, and nobody's mistake */
        return false;
    }
    return again.dtype == n->dtype && again.rank == n->rank && memcmp(again.dim, n->dim, sizeof *n->dim * (size_t)n->rank) == 0 && memcmp(&again.at, &n->at, sizeof n->at) == 0;
}

static void let_live(rk_graph *g, const bool *changed, bool live)
{
    for (int d = 1; d < g->dims.n; d++)
        if (changed[d]) g->dims.at[d].live = live;
}

/* An operation that writes a size into its expansion does not let it live. */
static bool may_vary(rk_ctx *ctx, rk_graph *g, const bool *changed, const struct node *n)
{
    if ((n->op->flags & OP_FUSED) == 0) return true;
    let_live(g, changed, true);
    bool may = says_the_same(ctx, g, n);
    let_live(g, changed, false);
    return may;
}

static bool has_view(const rk_graph *g, rk_ref r)
{
    struct layout from = layout_of(g, operand_of(g, r, 0), NULL), out;
    return node_of(g, r)->op->view(g, r, &from, &out);
}

/* Shapes of elementwise nodes and of products are names alone; sources have theirs by name. */
static bool is_named(const struct node *n) { return (n->op->flags & (OP_MAP | OP_SOURCE | OP_CASTS)) != 0 || n->op == &op_einsum; }

static bool node_holds(rk_ctx *ctx, rk_graph *g, const bool *changed, rk_ref r)
{
    const struct node *n = node_of(g, r);
    bool any = any_changed(changed, n), lies_elsewhere = n->op == &op_state && any;       /* states lie in stores, which others share */
    for (int i = 0; i < n->arity && !any; i++) any = any_changed(changed, node_of(g, n->in[i]));
    if (!any) return true;
    if (lies_elsewhere || !graph_fits(g, n)) return false;
    return is_named(n) || (says_the_same(ctx, g, n) && may_vary(ctx, g, changed, n) && ((n->op->flags & OP_VIEW) == 0 || has_view(g, r)));
}

rk_status pass_resize_graph(rk_ctx *ctx, rk_graph *g, const struct dim_extent *sizes, int n, bool *holds)
{
    bool *changed = NULL, *spared = NULL;
    rk_status status;
    *holds = true;
    GO(NEW(changed, g->dims.n));
    GO(NEW(spared, 2 * g->nodes.n));
    find_spared(g, spared);
    set_sizes(g, sizes, n, changed, holds);
    *holds = *holds && relations_hold(g);
    for (rk_ref r = 1; r < g->nodes.n && *holds; r++) *holds = node_holds(ctx, g, changed, r);
    if (!*holds) goto out;
    find_spared(g, spared + g->nodes.n);
    *holds = memcmp(spared, spared + g->nodes.n, (size_t)g->nodes.n * sizeof *spared) == 0;
out:
    FREE(changed, g->dims.n);
    FREE(spared, 2 * g->nodes.n);
    return status;
}

/* --- plans --- */

struct resizing { const rk_graph *g; struct plan *plan; int *part_of; int n_parts; };     /* part_of: per node, where it lies, by parts from 1 on; 0: in its own place */

/* Within the memory of its home. */
static struct layout layout_at(const struct resizing *z, rk_ref x)
{
    const struct node *n = node_of(z->g, x);
    struct layout out = { 0 };
    if ((n->op->flags & OP_VIEW) != 0) {
        const struct layout inner = layout_at(z, n->in[0]);
        (void)n->op->view(z->g, x, &inner, &out);           /* all have one: pass_resize_graph */
        return out;
    }
    const struct plan_part *p = z->part_of[x] > 0 && z->part_of[x] <= z->n_parts ? &z->plan->parts[z->part_of[x] - 1] : NULL;
    if (p == NULL) return layout_dense(z->g, n->rank, n->dim);
    const struct layout whole = layout_at(z, p->whole);
    (void)lowering_part(z->g, p->whole, p->part, &whole, &out);
    return out;
}

static void size_problem(const struct resizing *z, struct problem *p)
{
    for (int i = 0; i < p->n_in; i++) p->in[i].at = layout_at(z, p->in[i].ref);
    for (int i = 0; i < p->n_out; i++) p->out[i].at = layout_at(z, p->out[i].ref);
}

static rk_status size_step(rk_ctx *ctx, const struct resizing *z, struct step *s)
{
    struct problem *p = &s->problem;
    size_problem(z, p);
    if (s->part >= 0) {
        const struct layout whole = p->out[0].at;
        node_of(z->g, p->first)->op->part(z->g, p->first, s->part, &whole, &p->out[0].at);
    }
    s->kernel = backend_find(z->plan->backend, p, &s->backend);
    if (s->kernel == NULL) return FAIL(RK_E_DECLINED, "back end %s has no kernel for %s at %s", z->plan->backend->name, p->op->name, z->g->paths.at[p->node->path]);
    memset(&s->prepared, 0, sizeof s->prepared);
    s->scratch = 0;
    return s->kernel->prepare(ctx, p, &s->prepared);
}

/* The same answer as when the plan was lowered. */
static bool answers_the_same(struct resizing *z, const struct plan_asked *asked)
{
    struct problem p = asked->problem;
    z->n_parts = asked->n_parts;
    size_problem(z, &p);
    if (asked->trial.value != 0) {                          /* one result: what would be born there */
        const struct layout whole = layout_at(z, asked->trial.whole);
        for (int i = 0; i < p.n_out; i++)
            if (p.out[i].ref == asked->trial.value) (void)lowering_part(z->g, asked->trial.whole, asked->trial.part, &whole, &p.out[i].at);
    }
    return backend_find(z->plan->backend, &p, NULL) == asked->answer;
}

static int64_t elements_of(const struct plan *plan, rk_ref r)
{
    const struct layout at = layout_dense(plan->g, node_of(plan->g, r)->rank, node_of(plan->g, r)->dim);
    return layout_elements(&at);
}

static void size_slots(const struct plan *plan, struct plan_slot *slots, int n)
{
    for (int i = 0; i < n; i++) slots[i].elements = elements_of(plan, slots[i].ref);
}

/* Places are indices again, until there are addresses. */
static void forget_addresses(struct plan *plan)
{
    for (int i = 0; i < plan->n_steps; i++) {
        const struct step *s = &plan->steps[i];
        for (int k = 0; k < s->problem.n_in; k++)
            if (s->in[k].kind == IN_ARENA) s->in[k].at = -1;
        for (int k = 0; k < s->problem.n_out; k++)
            if (s->out[k].kind == IN_ARENA) s->out[k].at = -1;
    }
    for (int i = 0; i < plan->n_outputs; i++)
        if (plan->output_places[i].kind == IN_ARENA) plan->output_places[i].at = -1;
    plan->bytes = plan->workspace = plan->peak_bytes = 0;
    plan->peak_step = 0;
}

static void size_values(struct plan *plan)
{
    plan_add_workspaces(plan);
    for (int i = 0; i < plan->n_values; i++) {
        struct plan_value *v = &plan->values[i];
        v->at = -1;
        if (v->tag != RK_WORKSPACE) v->bytes = elements_of(plan, v->ref) * (int64_t)plan->backend->bytes_of(node_of(plan->g, v->ref)->dtype);
    }
}

rk_status pass_resize(rk_ctx *ctx, struct plan *plan, bool *holds)
{
    struct resizing z = { .g = plan->g, .plan = plan };
    rk_status status;
    *holds = true;
    GO(NEW(z.part_of, plan->g->nodes.n));
    for (int i = 0; i < plan->n_parts; i++) z.part_of[plan->parts[i].value] = i + 1;
    for (int i = 0; i < plan->n_asked && *holds; i++) *holds = answers_the_same(&z, &plan->asked[i]);
    if (!*holds) goto out;
    z.n_parts = plan->n_parts;
    for (int i = 0; i < plan->n_steps; i++) GO(size_step(ctx, &z, &plan->steps[i]));
    size_values(plan);
    size_slots(plan, plan->states, plan->n_states);
    size_slots(plan, plan->inputs, plan->n_inputs);
    size_slots(plan, plan->outputs, plan->n_outputs);
    forget_addresses(plan);
out:
    FREE(z.part_of, plan->g->nodes.n);
    return status;
}
