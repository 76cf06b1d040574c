/* same_plan.c: see same_plan.h. Graphs and plans that were made apart have nothing in common but what they say. */
#include "same_plan.h"
#include "core/opdef.h"
#include <string.h>

/* --- graphs --- */

static bool same_ids(const int *a, const int *b, int n) { return n == 0 || memcmp(a, b, sizeof *a * (size_t)n) == 0; }

static bool same_node(const struct node *a, const struct node *b)
{
    bool same = a->op == b->op && a->dtype == b->dtype && a->rank == b->rank && a->arity == b->arity && a->path == b->path && a->times == b->times && a->alike == b->alike && a->shared == b->shared;
    return same && same_ids(a->dim, b->dim, a->rank) && same_ids(a->in, b->in, a->arity) && strcmp(a->text, b->text) == 0 && memcmp(&a->at, &b->at, sizeof a->at) == 0;
}

static bool same_dim(const struct dim_info *a, const struct dim_info *b) { return strcmp(a->name, b->name) == 0 && a->letter == b->letter && a->size == b->size && a->live == b->live; }

const char *graph_difference(const rk_graph *a, const rk_graph *b)
{
    if (a->nodes.n != b->nodes.n || a->dims.n != b->dims.n || a->outputs.n != b->outputs.n || a->paths.n != b->paths.n) return "how many nodes, dims, paths or outputs there are";
    for (int i = 1; i < a->dims.n; i++)
        if (!same_dim(&a->dims.at[i], &b->dims.at[i])) return a->dims.at[i].name;
    for (rk_ref r = 1; r < a->nodes.n; r++)
        if (!same_node(node_of(a, r), node_of(b, r))) return node_of(a, r)->op->name;
    for (int i = 0; i < a->paths.n; i++)
        if (strcmp(a->paths.at[i], b->paths.at[i]) != 0) return a->paths.at[i];
    for (int i = 0; i < a->outputs.n; i++)
        if (a->outputs.at[i].ref != b->outputs.at[i].ref || strcmp(a->outputs.at[i].name, b->outputs.at[i].name) != 0) return a->outputs.at[i].name;
    return NULL;
}

/* --- plans --- */

static bool same_layout(const struct layout *a, const struct layout *b)
{
    bool same = a->rank == b->rank && a->offset == b->offset;
    for (int i = 0; i < a->rank && same; i++) same = a->dim[i] == b->dim[i] && a->size[i] == b->size[i] && a->stride[i] == b->stride[i];
    return same;
}

static bool same_operands(const struct operand *a, const struct operand *b, int n)
{
    bool same = true;
    for (int i = 0; i < n && same; i++) same = a[i].ref == b[i].ref && a[i].dtype == b[i].dtype && same_layout(&a[i].at, &b[i].at);
    return same;
}

static bool same_instruction(const struct instruction *a, const struct instruction *b)
{
    bool same = a->kind == b->kind && a->fn == b->fn && a->a == b->a && a->b == b->b && a->c == b->c && a->dtype == b->dtype && memcmp(&a->value, &b->value, sizeof a->value) == 0;
    return same && a->site == b->site && a->store == b->store && a->rank == b->rank && same_ids(a->dim, b->dim, a->rank);
}

static bool same_program(const struct program *a, const struct program *b)
{
    if (a == NULL || b == NULL) return a == b;
    bool same = a->n == b->n;
    for (int i = 0; i < a->n && same; i++) same = same_instruction(&a->at[i], &b->at[i]);
    return same;
}

static rk_ref id_of(const struct problem *p) { return p->node >= p->g->nodes.at && p->node < p->g->nodes.at + p->g->nodes.n ? (rk_ref)(p->node - p->g->nodes.at) : 0; }

static const char *problem_difference(const struct problem *a, const struct problem *b)
{
    if (a->op != b->op || a->first != b->first || id_of(a) != id_of(b) || a->n_nodes != b->n_nodes || !same_ids(a->nodes, b->nodes, a->n_nodes)) return "nodes of a problem";
    if (a->n_in != b->n_in || !same_operands(a->in, b->in, a->n_in)) return "operands of a problem";
    if (a->n_out != b->n_out || !same_operands(a->out, b->out, a->n_out) || !same_ids(a->out_role, b->out_role, a->n_out)) return "results of a problem";
    if (!same_program(a->program, b->program)) return "a program";
    return a->accumulate == b->accumulate && a->live == b->live && a->machine == b->machine ? NULL : "how a problem is to be solved";
}

static bool same_places(const struct place *a, const struct place *b, int n)
{
    bool same = true;
    for (int i = 0; i < n && same; i++) same = a[i].kind == b[i].kind && a[i].index == b[i].index && a[i].at == b[i].at;
    return same;
}

static const char *step_difference(const struct step *a, const struct step *b)
{
    const struct prepared *x = &a->prepared, *y = &b->prepared;
    const char *other = problem_difference(&a->problem, &b->problem);
    if (other != NULL) return other;
    if (a->kernel != b->kernel || a->backend != b->backend) return "a kernel";
    if (x->scratch != y->scratch || x->product_flops != y->product_flops || x->elementwise_flops != y->elementwise_flops || x->tasks != y->tasks) return "what a kernel takes and issues";
    if (memcmp(x->own, y->own, sizeof x->own) != 0) return "what a kernel has prepared";
    if (!same_places(a->in, b->in, a->problem.n_in) || !same_places(a->out, b->out, a->problem.n_out)) return "a place";
    return a->scratch == b->scratch && a->part == b->part ? NULL : "a step";
}

static bool same_slots(const struct plan_slot *a, const struct plan_slot *b, int n)
{
    bool same = true;
    for (int i = 0; i < n && same; i++) same = a[i].ref == b[i].ref && strcmp(a[i].name, b[i].name) == 0 && a[i].kind == b[i].kind && a[i].dtype == b[i].dtype && a[i].elements == b[i].elements;
    return same;
}

static bool same_values(const struct plan *a, const struct plan *b)
{
    bool same = a->n_values == b->n_values;
    for (int i = 0; i < a->n_values && same; i++) {
        const struct plan_value *x = &a->values[i], *y = &b->values[i];
        same = x->ref == y->ref && x->tag == y->tag && x->first == y->first && x->last == y->last && x->bytes == y->bytes && x->at == y->at;
    }
    return same;
}

static bool same_part(const struct plan_part *a, const struct plan_part *b) { return a->value == b->value && a->whole == b->whole && a->part == b->part; }

/* What structure rests on: the questions, if not the sizes that they were asked with. */
static bool same_asked(const struct plan *a, const struct plan *b)
{
    bool same = a->n_parts == b->n_parts && a->n_asked == b->n_asked;
    for (int i = 0; i < a->n_parts && same; i++) same = same_part(&a->parts[i], &b->parts[i]);
    for (int i = 0; i < a->n_asked && same; i++) {
        const struct plan_asked *x = &a->asked[i], *y = &b->asked[i];
        same = x->answer == y->answer && x->n_parts == y->n_parts && same_part(&x->trial, &y->trial) && x->problem.first == y->problem.first && x->problem.n_in == y->problem.n_in && x->problem.n_out == y->problem.n_out;
    }
    return same;
}

const char *plan_difference(const struct plan *a, const struct plan *b)
{
    const char *other = graph_difference(a->g, b->g);
    if (other != NULL) return other;
    if (a->backend != b->backend || a->n_steps != b->n_steps) return "how many steps there are";
    for (int i = 0; i < a->n_steps && other == NULL; i++) other = step_difference(&a->steps[i], &b->steps[i]);
    if (other != NULL) return other;
    if (a->n_states != b->n_states || !same_slots(a->states, b->states, a->n_states)) return "states";
    if (a->n_inputs != b->n_inputs || !same_slots(a->inputs, b->inputs, a->n_inputs)) return "inputs";
    if (a->n_outputs != b->n_outputs || !same_slots(a->outputs, b->outputs, a->n_outputs) || !same_places(a->output_places, b->output_places, a->n_outputs)) return "outputs";
    if (!same_values(a, b)) return "values";
    if (!same_asked(a, b)) return "what was asked";
    bool same = a->bytes == b->bytes && a->workspace == b->workspace && a->peak_step == b->peak_step && a->peak_bytes == b->peak_bytes;
    return same ? NULL : "bytes of the arena";
}
