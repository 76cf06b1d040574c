/* chain.c: who takes a problem: the first kernel that accepts it, from the back end down to those it delegates to.
 *
 * A row names the operation it runs, "adjoint NAME" for the gradients of a fused one, or "*" for any. Of a problem with a bias only those hear that say they add one. */
#include "core/opdef.h"
#include "core/problem.h"
#include <string.h>

/* Asked of every problem and row: nothing is written to be compared. */
static bool is_for(const struct kernel *k, const struct problem *p)
{
    static const char gradients[] = "adjoint ";
    if (strcmp(k->op, "*") == 0) return true;
    if (p->op != &op_adjoint) return strcmp(k->op, p->op->name) == 0;
    return strncmp(k->op, gradients, sizeof gradients - 1) == 0 && strcmp(k->op + sizeof gradients - 1, p->node->text) == 0;
}

const struct kernel *backend_find(const struct backend *b, const struct problem *p, const struct backend **who)
{
    for (; b != NULL; b = b->next)
        for (const struct kernel *k = b->kernels; k->op != NULL; k++) {
            if (!is_for(k, p) || (p->bias && !k->adds_bias) || (k->accepts != NULL && !k->accepts(p))) continue;
            if (who != NULL) *who = b;
            return k;
        }
    return NULL;
}

static struct operand operand(const rk_graph *g, rk_ref r)
{
    return (struct operand){ r, node_of(g, r)->dtype, layout_of(g, r, NULL) };
}

static void begin(struct problem *p, struct problem_room *room, const struct backend *b, const rk_graph *g, const struct opdef *op, const struct node *n, rk_ref r, const rk_ref *nodes, int n_nodes)
{
    *p = (struct problem){ .g = g, .op = op, .node = n, .first = r, .n_nodes = n_nodes, .nodes = nodes, .machine = b->machine, .in = room->in, .out = room->out };
}

static void note_live(struct problem *p)
{
    for (int i = 0; i < p->n_in + p->n_out; i++) {
        const struct layout *l = i < p->n_in ? &p->in[i].at : &p->out[i - p->n_in].at;
        for (int k = 0; k < l->rank; k++) p->live = p->live || p->g->dims.at[l->dim[k]].live;
    }
}

static bool takes_forward(const struct backend *b, const rk_graph *g, rk_ref r)
{
    struct problem p;
    struct problem_room room;
    const struct node *n = node_of(g, r);
    begin(&p, &room, b, g, n->op, n, r, &r, 1);
    for (int i = 0; i < n->arity; i++) p.in[p.n_in++] = operand(g, n->in[i]);
    p.out[p.n_out++] = operand(g, r);
    note_live(&p);
    return backend_find(b, &p, NULL) != NULL;
}

/* The gradients of every floating operand in one call, as grad and lower will make them: operands, result, its gradient. Fewer
 * may be wanted in the end; a kernel that gives all gives some. */
static bool takes_adjoint(const struct backend *b, const rk_graph *g, rk_ref r)
{
    struct problem p;
    struct problem_room room;
    const struct node *n = node_of(g, r);
    struct node adjoint = { .op = &op_adjoint, .text = n->op->name, .at.i = { 0, r } };
    rk_ref nodes[MOST_OPERANDS];
    if (n->arity + 2 > MOST_OPERANDS || n->arity > MOST_PROBLEM_RESULTS) return false;
    begin(&p, &room, b, g, &op_adjoint, &adjoint, r, nodes, 0);
    for (int i = 0; i < n->arity; i++) p.in[p.n_in++] = operand(g, n->in[i]);
    p.in[p.n_in++] = operand(g, r);
    p.in[p.n_in++] = (struct operand){ r, n->dtype, layout_dense(g, n->rank, n->dim) };
    for (int i = 0; i < n->arity; i++) {
        const struct node *x = node_of(g, n->in[i]);
        if (x->dtype > RK_f8e5m2) continue;
        nodes[p.n_nodes++] = r;
        p.out_role[p.n_out] = 1 + i;
        p.out[p.n_out++] = (struct operand){ n->in[i], graph_gradient_dtype(g, n->in[i]), layout_dense(g, x->rank, x->dim) };
    }
    note_live(&p);
    return backend_find(b, &p, NULL) != NULL;
}

bool backend_takes(const struct backend *b, const rk_graph *g, rk_ref fused, bool training)
{
    return takes_forward(b, g, fused) && (!training || takes_adjoint(b, g, fused));
}
