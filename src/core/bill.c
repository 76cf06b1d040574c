/* bill.c: what most ops say of their traffic: every operand read once, the result written once.
 *
 * Elements are distinct ones: an operand that stands twice is read once, and a value that was spread along a dim has no
 * more elements than it had before. Not here: FLOPs, which each op says itself. */
#include "core/bill.h"
#include "core/opdef.h"

struct poly bill_elements(struct polys *p, const rk_graph *g, rk_ref x)
{
    const struct node *n = node_of(g, x);
    return poly_dims(p, 1, n->rank, n->dim);
}

/* Along a dim of stride 0 a view shows the same element again; of a dim of size 0 it shows none. */
static struct poly shown(struct polys *p, const rk_graph *g, rk_ref x)
{
    struct layout l = layout_of(g, x, NULL);
    rk_dim dim[RK_MAX_RANK];
    int rank = 0;
    for (int i = 0; i < l.rank; i++)
        if (l.stride[i] != 0 || l.size[i] == 0) dim[rank++] = l.dim[i];
    return poly_dims(p, 1, rank, dim);
}

static void move(struct bill_line *line, rk_dtype dtype, struct poly elements)
{
    line->moved = poly_add(line->polys, line->moved, poly_scale(line->polys, (int64_t)rk_dtype_bytes(dtype), elements));
}

void bill_reads(struct bill_line *line, rk_dtype dtype, struct poly elements)
{
    line->read = poly_add(line->polys, line->read, elements);
    move(line, dtype, elements);
}

void bill_writes(struct bill_line *line, rk_dtype dtype, struct poly elements)
{
    line->written = poly_add(line->polys, line->written, elements);
    move(line, dtype, elements);
}

static bool stands_before(const struct node *n, int i)
{
    for (int k = 0; k < i; k++)
        if (n->in[k] == n->in[i]) return true;
    return false;
}

void bill_reads_operand(const rk_graph *g, rk_ref y, int i, struct bill_line *line)
{
    rk_ref x = operand_of(g, y, i);
    bool view = (node_of(g, x)->op->flags & OP_VIEW) != 0;
    struct poly elements = view ? shown(line->polys, g, x) : bill_elements(line->polys, g, x);
    bill_reads(line, node_of(g, x)->dtype, elements);
}

void bill_reads_operands(const rk_graph *g, rk_ref y, struct bill_line *line)
{
    const struct node *n = node_of(g, y);
    for (int i = 0; i < n->arity; i++)
        if (!stands_before(n, i)) bill_reads_operand(g, y, i, line);
}

void bill_writes_result(const rk_graph *g, rk_ref y, struct bill_line *line)
{
    bill_writes(line, node_of(g, y)->dtype, bill_elements(line->polys, g, y));
}
