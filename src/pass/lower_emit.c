/* lower_emit.c: groups become problems, problems become steps. */
#include "pass/lowering.h"
#include <stddef.h>
#include <string.h>

/* --- programs of elementwise groups --- */

struct writing { struct lowering *l; struct problem *p; struct program *program; int group; int at[MOST_PROGRAM]; rk_ref of[MOST_PROGRAM]; };

static int append(struct writing *w, struct instruction i, rk_ref of)
{
    if (w->program->n == MOST_PROGRAM) return -1;
    w->of[w->program->n] = of;
    i.store = -1;
    w->program->at[w->program->n] = i;
    return w->program->n++;
}

static int written(const struct writing *w, rk_ref x)
{
    for (int i = 0; i < w->program->n; i++)
        if (w->of[i] == x) return i;
    return -1;
}

static int write_virtual(struct writing *w, rk_ref x)
{
    const struct node *n = lowering_node(w->l, x);
    struct instruction i = { .kind = I_CONST, .value = n->at.f[0] };
    if (n->op == &op_iota) i = (struct instruction){ .kind = I_IOTA, .a = (int)n->at.i[0], .b = (int)n->at.i[1], .c = (int)n->at.i[2] };
    if (n->op == &op_rand) i = (struct instruction){ .kind = I_RAND, .value = n->at.f[0], .site = (uint64_t)n->at.i[0], .rank = n->rank };
    if (n->op == &op_rand) memcpy(i.dim, n->dim, sizeof i.dim);
    i.dtype = n->dtype;
    return append(w, i, x);
}

static int add_input(struct lowering *l, struct problem *p, rk_ref x)
{
    if (p->n_in == MOST_PROBLEM_OPERANDS) return -1;
    p->in[p->n_in] = (struct operand){ x, lowering_node(l, x)->dtype, lowering_layout(l, x) };
    return p->n_in++;
}

static int write_operand(struct writing *w, rk_ref x)
{
    int i = written(w, x);
    if (i >= 0) return i;
    if (is_virtual(w->l, w->l->storage[x]) && w->l->storage[x] == x) return write_virtual(w, x);
    int input = add_input(w->l, w->p, x);
    return input < 0 ? -1 : append(w, (struct instruction){ .kind = I_LOAD, .a = input, .dtype = lowering_node(w->l, x)->dtype }, x);
}

static rk_status write_program(struct writing *w)
{
    rk_ctx *ctx = w->l->ctx;
    for (int r = w->l->groups.at[w->group].first; r >= 0; r = w->l->next_member[r]) {
        const struct node *n = lowering_node(w->l, r);
        int args[3] = { 0, 0, 0 }, at;
        if (is_virtual(w->l, r)) {
            at = write_virtual(w, r);
        } else {
            for (int i = 0; i < n->arity; i++) PROMISE((args[i] = write_operand(w, n->in[i])) >= 0);
            bool cast = (n->op->flags & OP_CASTS) != 0;
            at = append(w, (struct instruction){ .kind = cast ? I_CAST : I_MAP, .fn = cast ? 0 : (int)n->at.i[0], .a = args[0], .b = args[1], .c = args[2], .dtype = n->dtype }, r);
        }
        PROMISE(at >= 0);
        if (!w->l->stored[r]) continue;
        PROMISE(w->p->n_out < MOST_PROBLEM_RESULTS);
        w->program->at[at].store = w->p->n_out;
        w->p->out[w->p->n_out++] = (struct operand){ r, n->dtype, lowering_layout(w->l, r) };
    }
    return RK_OK;
}

/* --- problems --- */

static bool any_live(const rk_graph *g, const struct problem *p)
{
    for (int i = 0; i < p->n_in + p->n_out; i++) {
        const struct layout *l = i < p->n_in ? &p->in[i].at : &p->out[i - p->n_in].at;
        for (int k = 0; k < l->rank; k++)
            if (g->dims.at[l->dim[k]].live) return true;
    }
    return false;
}

static rk_status copy_problem(struct lowering *l, struct problem *p, rk_ref from, rk_ref to, const struct layout *at)
{
    p->op = &op_copy;
    (void)add_input(l, p, from);
    p->n_out = 1;
    p->out[0] = (struct operand){ to, lowering_node(l, to)->dtype, *at };
    return RK_OK;
}

/* The gradients of one operation, and perhaps its own result. */
static rk_status adjoint_problem(struct lowering *l, const struct group *a, struct problem *p)
{
    rk_ctx *ctx = l->ctx;
    for (int r = a->first; r >= 0; r = l->next_member[r]) {
        const struct node *n = lowering_node(l, r);
        bool gradient = n->op == &op_adjoint;
        if (gradient && p->n_in == 0) {
            p->op = &op_adjoint;
            p->node = n;
            p->first = r;
            for (int i = 0; i < n->arity; i++) PROMISE(add_input(l, p, lowering_operand(l, r, i)) >= 0);
        }
        const rk_ref y = lowering_result(l, r);
        if (!l->stored[y]) continue;
        p->out_role[p->n_out] = gradient ? 1 + (int)n->at.i[0] : 0;
        p->out[p->n_out++] = (struct operand){ y, lowering_node(l, y)->dtype, lowering_layout(l, y) };
    }
    return RK_OK;
}

static bool has_adjoint(const struct lowering *l, const struct group *a)
{
    for (int r = a->first; r >= 0; r = l->next_member[r])
        if (lowering_node(l, r)->op == &op_adjoint) return true;
    return false;
}

rk_status problem_of_group(struct lowering *l, int group, struct problem *p, struct stating *s)
{
    rk_ctx *ctx = l->ctx;
    const struct group *a = &l->groups.at[group];
    const struct node *n = lowering_node(l, a->first);
    memset(p, 0, sizeof *p);
    p->g = l->g;
    p->op = n->op;
    p->node = n;
    p->first = a->first;
    p->machine = l->backend->machine;
    p->in = s->room.in;
    p->out = s->room.out;
    for (int r = a->first; r >= 0; r = l->next_member[r]) s->nodes[p->n_nodes++] = r;
    p->nodes = s->nodes;
    if (a->part >= 0) {
        struct layout whole = lowering_layout(l, a->first), at;
        n->op->part(l->g, a->first, a->part, &whole, &at);
        TRY(copy_problem(l, p, n->in[a->part], a->first, &at));
    } else if (n->op == &op_update) {
        struct layout at = lowering_layout(l, n->in[0]);
        TRY(copy_problem(l, p, n->in[1], n->in[0], &at));
    } else if (a->map) {
        struct writing w = { .l = l, .p = p, .program = &s->program, .group = group };
        s->program.n = 0;
        p->op = &op_map;                                /* a const, an iota or a mask alone is a program too */
        TRY(write_program(&w));
        p->program = &s->program;
    } else if (has_adjoint(l, a)) {
        TRY(adjoint_problem(l, a, p));
    } else {
        for (int i = 0; i < n->arity; i++) PROMISE(add_input(l, p, lowering_operand(l, a->first, i)) >= 0);
        if (a->biased != 0) PROMISE(add_input(l, p, lowering_bias(l, a->biased, a->first)) >= 0);
        rk_ref y = a->into != 0 ? a->into : a->biased != 0 ? a->biased : l->storage[lowering_result(l, a->first)];
        p->n_out = 1;
        p->accumulate = a->into != 0;
        p->bias = a->biased != 0;
        p->out[0] = (struct operand){ y, lowering_node(l, y)->dtype, lowering_layout(l, y) };
    }
    p->live = any_live(l->g, p);
    return RK_OK;
}

/* --- steps --- */

static rk_status place_of(struct lowering *l, rk_ref x, int *index, struct place *out)
{
    rk_ctx *ctx = l->ctx;
    rk_ref root = lowering_home(l, l->storage[x]);
    const struct node *n = lowering_node(l, root);
    PROMISE(index[root] >= 0);
    out->kind = n->op == &op_state ? IN_STORE : n->op == &op_input ? IN_INPUT : IN_ARENA;
    out->index = index[root];
    out->at = out->kind == IN_ARENA ? -1 : out->index;
    return RK_OK;
}

static rk_status list_slots(struct lowering *l, int *index)
{
    rk_ctx *ctx = l->ctx;
    struct plan *plan = l->plan;
    TRY(TAKE(&plan->arena, plan->states, l->n));
    TRY(TAKE(&plan->arena, plan->inputs, l->n));
    TRY(TAKE(&plan->arena, plan->values, l->n + l->groups.n));
    for (rk_ref r = 0; r < l->n; r++) index[r] = -1;
    for (rk_ref r = 1; r < l->n; r++) {
        const struct node *n = lowering_node(l, r);
        struct layout at = layout_dense(l->g, n->rank, n->dim);
        struct plan_slot slot = { r, n->text, (rk_kind)n->at.i[0], n->dtype, layout_elements(&at) };
        if (l->needed[r] && n->op == &op_state) {
            index[r] = plan->n_states;
            plan->states[plan->n_states++] = slot;
        } else if (l->needed[r] && n->op == &op_input) {
            index[r] = plan->n_inputs;
            plan->inputs[plan->n_inputs++] = slot;
        } else if (l->stored[r] && l->home[r] == 0) {
            index[r] = plan->n_values;
            plan->values[plan->n_values++] = (struct plan_value){ r, RK_ACTIVATION, -1, -1, slot.elements * (int64_t)l->backend->bytes_of(n->dtype), -1 };
        }
    }
    return RK_OK;
}

/* What a problem points to while it is being stated, from now on in the plan. */
rk_status lowering_keep(rk_ctx *ctx, struct plan *plan, struct problem *p)
{
    const struct problem stated = *p;
    rk_ref *nodes;
    void *room;
    TRY(TAKE(&plan->arena, nodes, p->n_nodes));
    TRY(TAKE(&plan->arena, p->in, p->n_in));
    TRY(TAKE(&plan->arena, p->out, p->n_out));
    memcpy(nodes, stated.nodes, (size_t)p->n_nodes * sizeof *nodes);
    memcpy(p->in, stated.in, (size_t)p->n_in * sizeof *p->in);
    memcpy(p->out, stated.out, (size_t)p->n_out * sizeof *p->out);
    p->nodes = nodes;
    if (stated.program == NULL) return RK_OK;
    const size_t bytes = offsetof(struct program, at) + (size_t)stated.program->n * sizeof *stated.program->at;     /* few have as many instructions as there may be */
    TRY(arena_take(ctx, &plan->arena, bytes, &room));
    memcpy(room, stated.program, bytes);
    p->program = room;
    return RK_OK;
}

static rk_status emit(struct lowering *l, int group, int *index)
{
    rk_ctx *ctx = l->ctx;
    struct plan *plan = l->plan;
    struct step *s = &plan->steps[l->groups.at[group].step];
    struct stating stating;
    TRY(problem_of_group(l, group, &s->problem, &stating));
    TRY(lowering_keep(ctx, plan, &s->problem));
    s->part = l->groups.at[group].part;
    TRY(TAKE(&plan->arena, s->in, s->problem.n_in));
    TRY(TAKE(&plan->arena, s->out, s->problem.n_out));
    for (int i = 0; i < s->problem.n_in; i++)
        if (s->problem.op != &op_adjoint || adjoint_reads(l->g, s->problem.node, i)) TRY(place_of(l, s->problem.in[i].ref, index, &s->in[i]));
    for (int i = 0; i < s->problem.n_out; i++) TRY(place_of(l, s->problem.out[i].ref, index, &s->out[i]));
    s->kernel = backend_find(l->backend, &s->problem, &s->backend);
    if (s->kernel == NULL)
        return FAIL(RK_E_DECLINED, "back end %s has no kernel for %s at %s", l->backend->name, s->problem.op->name, l->g->paths.at[s->problem.node->path]);
    return s->kernel->prepare(ctx, &s->problem, &s->prepared);
}

static void live_at(struct plan_value *v, int step)
{
    if (v->first < 0 || step < v->first) v->first = step;
    if (step > v->last) v->last = step;
}

static rk_status list_outputs(struct lowering *l, int *index)
{
    rk_ctx *ctx = l->ctx;
    struct plan *plan = l->plan;
    int n = l->g->outputs.n;
    TRY(TAKE(&plan->arena, plan->outputs, n));
    TRY(TAKE(&plan->arena, plan->output_places, n));
    for (int i = 0; i < n; i++) {
        const struct named_ref *o = &l->g->outputs.at[i];
        const struct node *node = lowering_node(l, o->ref);
        struct layout at = layout_dense(l->g, node->rank, node->dim);
        plan->outputs[i] = (struct plan_slot){ o->ref, o->name, RK_ACTIVATION, node->dtype, layout_elements(&at) };
        TRY(place_of(l, o->ref, index, &plan->output_places[i]));
        if (plan->output_places[i].kind == IN_ARENA) live_at(&plan->values[plan->output_places[i].index], plan->n_steps);
    }
    plan->n_outputs = n;
    return RK_OK;
}

rk_status lowering_emit(struct lowering *l)
{
    rk_ctx *ctx = l->ctx;
    struct plan *plan = l->plan;
    int *index;
    rk_status status;
    for (int i = 0; i < l->groups.n; i++) plan->n_steps += !l->groups.at[i].dead;
    TRY(NEW(index, l->n));
    GO(TAKE(&plan->arena, plan->steps, plan->n_steps));
    GO(list_slots(l, index));
    for (int i = 0; i < l->groups.n; i++)
        if (!l->groups.at[i].dead) GO(emit(l, i, index));
    for (int i = 0; i < plan->n_steps; i++) {
        const struct step *s = &plan->steps[i];
        for (int k = 0; k < s->problem.n_in; k++)
            if (s->in[k].kind == IN_ARENA) live_at(&plan->values[s->in[k].index], i);
        for (int k = 0; k < s->problem.n_out; k++)
            if (s->out[k].kind == IN_ARENA) live_at(&plan->values[s->out[k].index], i);
    }
    plan_add_workspaces(plan);
    GO(list_outputs(l, index));
out:
    FREE(index, l->n);
    return status;
}
