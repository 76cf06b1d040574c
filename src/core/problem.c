/* problem.c: which operation a problem is of. */
#include "core/problem.h"
#include "core/opdef.h"

bool problem_is_adjoint(const struct problem *p) { return p->op == &op_adjoint; }

const struct node *problem_operation(const struct problem *p) { return problem_is_adjoint(p) ? node_of(p->g, (rk_ref)p->node->at.i[1]) : p->node; }
