/* dag.c: see dag.h. Values stay of the order of 1, so that an absolute tolerance means something. */
#include "dag.h"

struct dag { struct sample *s; const struct dag_options *o; int n, n_dims; rk_ref value[MOST_DAG]; rk_dim dim[MOST_DAG_DIMS]; };

enum { WIDEST = 5, LARGEST = 4000 };

static struct node look(const struct dag *d, rk_ref r) { return *node_of(d->s->g, r); }
static rk_ref some(struct dag *d) { return d->value[draw(d->s, (uint64_t)d->n)]; }

static void keep(struct dag *d, rk_ref r)
{
    if (r != 0 && d->n < MOST_DAG) d->value[d->n++] = r;
}

static bool is_live(const struct dag *d, rk_dim dim) { return d->s->g->dims.at[dim].live; }
static bool has(const struct node *n, rk_dim dim) { return graph_find_axis(n, dim) >= 0; }

/* The dims of a, then those only b has; 0 when that is too much. */
static int together(const struct dag *d, const struct node *a, const struct node *b, rk_dim *dims)
{
    int n = 0;
    int64_t size = 1;
    for (int i = 0; i < a->rank; i++) dims[n++] = a->dim[i];
    for (int i = 0; i < b->rank; i++)
        if (!has(a, b->dim[i])) dims[n++] = b->dim[i];
    for (int i = 0; i < n; i++) size *= dim_size(d->s->g, dims[i]);
    return n <= WIDEST && size <= LARGEST ? n : -1;
}

static void add_leaf(struct dag *d)
{
    rk_dim dims[MOST_DAG_DIMS];
    int n = 0;
    for (int i = 0; i < d->n_dims && n < 4; i++)
        if (draw(d->s, 2) == 0) dims[n++] = d->dim[i];
    draw_order(d->s, n, dims);
    keep(d, draw_leaf(d->s, d->o->dtype, ANY_SIGN, n, dims));
}

static void add_unary(struct dag *d)
{
    static const char *const names[] = { "tanh", "sigmoid", "neg", "sin", "cos", "silu", "gelu_tanh", "gelu_erf", "relu" };
    keep(d, rk_map(d->s->g, names[draw(d->s, sizeof names / sizeof *names - d->o->differentiable)], some(d)));
}

static void add_binary(struct dag *d)
{
    static const char *const names[] = { "add", "sub", "mul", "add", "mul", "max", "min" };
    rk_ref a = some(d), b = some(d);
    rk_dim dims[2 * RK_MAX_RANK];
    const struct node na = look(d, a), nb = look(d, b);
    if (together(d, &na, &nb, dims) < 0) return;
    rk_ref y = rk_map2(d->s->g, names[draw(d->s, sizeof names / sizeof *names - 2 * d->o->differentiable)], a, b);
    keep(d, draw(d->s, 2) == 0 ? rk_map(d->s->g, "tanh", y) : rk_scale(d->s->g, y, 0.5));
}

static void add_choice(struct dag *d)
{
    rk_ref a = some(d), b = some(d);
    rk_dim dims[2 * RK_MAX_RANK];
    const struct node na = look(d, a), nb = look(d, b);
    if (d->o->smooth || together(d, &na, &nb, dims) < 0) return;
    keep(d, rk_map3(d->s->g, "where", rk_map2(d->s->g, "less", a, b), a, rk_const(d->s->g, 0.25)));
}

static void add_einsum(struct dag *d)
{
    rk_ref a = some(d), b = some(d);
    rk_dim dims[2 * RK_MAX_RANK], out[2 * RK_MAX_RANK];
    char equation[2048], ta[512], tb[512], to[512];
    const struct node na = look(d, a), nb = look(d, b);
    int n = together(d, &na, &nb, dims), n_out = 0;
    double size = 1;
    if (n < 0) return;
    for (int i = 0; i < n; i++) {
        bool both = has(&na, dims[i]) && has(&nb, dims[i]);
        if (both && draw(d->s, 2) == 0) size *= (double)dim_size(d->s->g, dims[i]);
        else out[n_out++] = dims[i];
    }
    draw_order(d->s, n_out, out);
    dims_names(d->s, na.rank, na.dim, ta);
    dims_names(d->s, nb.rank, nb.dim, tb);
    dims_names(d->s, n_out, out, to);
    (void)snprintf(equation, sizeof equation, "%s, %s -> %s", ta, tb, to);
    rk_ref y = rk_einsum(d->s->g, equation, a, b);
    keep(d, size > 1 ? rk_scale(d->s->g, y, (float)(1 / sqrt(size))) : y);
}

static void add_reduce(struct dag *d)
{
    rk_ref x = some(d);
    rk_dim gone[RK_MAX_RANK];
    char text[512];
    const struct node n = look(d, x);
    int n_gone = 0;
    double size = 1;
    for (int i = 0; i < n.rank; i++)
        if (draw(d->s, 2) == 0) gone[n_gone++] = n.dim[i], size *= (double)dim_size(d->s->g, n.dim[i]);
    dims_names(d->s, n_gone, gone, text);
    bool max = draw(d->s, 3) == 0 && size > 0 && !d->o->differentiable;                  /* the largest of nothing is -inf */
    rk_ref y = rk_reduce(d->s->g, max ? "max" : "sum", x, text);
    keep(d, max || size < 2 ? y : rk_scale(d->s->g, y, (float)(1 / sqrt(size))));
}

static void add_order(struct dag *d)
{
    rk_ref x = some(d);
    char text[512];
    struct node n = look(d, x);
    draw_order(d->s, n.rank, n.dim);
    dims_names(d->s, n.rank, n.dim, text);
    keep(d, rk_order(d->s->g, x, text));
}

static void add_slice(struct dag *d)
{
    rk_ref x = some(d);
    const struct node n = look(d, x);
    if (n.rank == 0 || d->n_dims == MOST_DAG_DIMS) return;
    rk_dim old = n.dim[draw(d->s, (uint64_t)n.rank)];
    if (is_live(d, old)) return;
    int64_t size = dim_size(d->s->g, old), length = size == 0 ? 0 : 1 + (int64_t)draw(d->s, (uint64_t)size), start = (int64_t)draw(d->s, (uint64_t)(size - length) + 1);
    rk_dim into = draw_dim_of(d->s, length);
    d->dim[d->n_dims++] = into;
    keep(d, rk_slice(d->s->g, x, dim_text(d->s, old), start, dim_text(d->s, into)));
}

static void add_select(struct dag *d)
{
    rk_ref x = some(d);
    const struct node n = look(d, x);
    if (n.rank == 0) return;
    rk_dim old = n.dim[draw(d->s, (uint64_t)n.rank)];
    if (is_live(d, old)) return;
    int64_t size = dim_size(d->s->g, old);
    if (size > 0) keep(d, rk_select(d->s->g, x, dim_text(d->s, old), (int64_t)draw(d->s, (uint64_t)size)));
}

static void add_rename(struct dag *d)
{
    rk_ref x = some(d);
    const struct node n = look(d, x);
    if (n.rank == 0 || d->n_dims == MOST_DAG_DIMS) return;
    rk_dim old = n.dim[draw(d->s, (uint64_t)n.rank)], into = draw_dim_of(d->s, dim_size(d->s->g, old));
    if (is_live(d, old)) return;
    d->dim[d->n_dims++] = into;
    keep(d, rk_rename(d->s->g, x, dim_text(d->s, old), dim_text(d->s, into)));
}

static void add_merge(struct dag *d)
{
    rk_ref x = some(d);
    char text[512];
    const struct node n = look(d, x);
    if (n.rank < 2 || d->n_dims == MOST_DAG_DIMS) return;
    int first = (int)draw(d->s, (uint64_t)n.rank - 1);
    if (is_live(d, n.dim[first]) || is_live(d, n.dim[first + 1])) return;
    rk_dim into = draw_dim_of(d->s, dim_size(d->s->g, n.dim[first]) * dim_size(d->s->g, n.dim[first + 1]));
    dims_names(d->s, 2, n.dim + first, text);
    rk_ref y = rk_merge(d->s->g, x, text, dim_text(d->s, into));
    keep(d, y);
    if (draw(d->s, 2) == 0) keep(d, rk_split(d->s->g, rk_map(d->s->g, "tanh", y), dim_text(d->s, into), text));
}

static void add_spread(struct dag *d)
{
    rk_ref x = some(d);
    char text[512];
    struct node n = look(d, x);
    rk_dim fresh = d->dim[draw(d->s, (uint64_t)d->n_dims)];
    if (has(&n, fresh) || n.rank >= WIDEST) return;
    n.dim[n.rank++] = fresh;
    draw_order(d->s, n.rank, n.dim);
    dims_names(d->s, n.rank, n.dim, text);
    keep(d, rk_spread(d->s->g, x, text));
}

static void add_join(struct dag *d)
{
    rk_ref x = some(d), parts[4];
    char text[512];
    struct node n = look(d, x);
    int count = 1 + (int)draw(d->s, 4);
    if (n.rank >= WIDEST) return;
    for (int i = 0; i < count; i++) parts[i] = draw(d->s, 3) == 0 ? x : rk_map(d->s->g, draw(d->s, 2) == 0 ? "tanh" : "sin", x);
    rk_dim along = n.dim[n.rank++] = draw_dim_of(d->s, count);
    draw_order(d->s, n.rank, n.dim);
    dims_names(d->s, n.rank, n.dim, text);
    keep(d, rk_join(d->s->g, dim_text(d->s, along), parts, count, text));
}

static void add_place(struct dag *d)
{
    rk_ref x = some(d);
    char text[512];
    struct node n = look(d, x);
    if (n.rank >= WIDEST) return;
    int64_t size = 1 + (int64_t)draw(d->s, 3);
    rk_dim along = n.dim[n.rank++] = draw_dim_of(d->s, size);
    draw_order(d->s, n.rank, n.dim);
    dims_names(d->s, n.rank, n.dim, text);
    keep(d, rk_place(d->s->g, x, NULL, dim_text(d->s, along), (int64_t)draw(d->s, (uint64_t)size), text));
}

static void add_gather(struct dag *d)
{
    rk_ref x = some(d);
    const struct node n = look(d, x);
    rk_dim dims[2];
    int n_dims = 0;
    if (n.rank == 0 || n.rank > 3) return;
    rk_dim v = n.dim[draw(d->s, (uint64_t)n.rank)];
    for (int i = 0; i < d->n_dims && n_dims < 2; i++)
        if (d->dim[i] != v && draw(d->s, 3) == 0) dims[n_dims++] = d->dim[i];
    rk_ref ids = draw_ids(d->s, dim_size(d->s->g, v), true, n_dims, dims);
    rk_ref y = rk_gather(d->s->g, x, dim_text(d->s, v), ids);
    char like[512];
    dims_names(d->s, n.rank, n.dim, like);
    keep(d, y);
    if (draw(d->s, 2) == 0) keep(d, rk_map(d->s->g, "tanh", rk_scatter(d->s->g, y, dim_text(d->s, v), ids, like)));
}

static void add_rand(struct dag *d)
{
    rk_ref x = some(d);
    char text[512];
    const struct node n = look(d, x);
    dims_names(d->s, n.rank, n.dim, text);
    keep(d, rk_mul(d->s->g, x, rk_rand(d->s->g, "drop", 0.5, text)));
}

/* Values that are made where they are used, used where an array is needed. */
static void add_virtual(struct dag *d)
{
    char text[512];
    const struct node n = look(d, some(d));
    rk_dim along = d->dim[draw(d->s, (uint64_t)d->n_dims)];
    rk_ref x = draw(d->s, 2) == 0 ? rk_const(d->s->g, 0.5) : rk_scale(d->s->g, rk_iota(d->s->g, dim_text(d->s, along), NULL), 0.125);
    dims_names(d->s, n.rank, n.dim, text);
    if (draw(d->s, 3) == 0) x = rk_rand(d->s->g, "mask", 0.5, text);
    if (draw(d->s, 2) == 0) x = rk_copy(d->s->g, x);
    keep(d, rk_cast(d->s->g, x, d->o->dtype));
}

static void add_copy(struct dag *d) { keep(d, rk_copy(d->s->g, some(d))); }

static void add_fused(struct dag *d)
{
    rk_ref x = some(d);
    const struct node n = look(d, x);
    if (!d->o->fused || n.rank == 0) return;
    rk_dim along = n.dim[draw(d->s, (uint64_t)n.rank)];
    const char *dim = dim_text(d->s, along);
    if (is_live(d, along) || draw(d->s, 2) == 0) keep(d, rk_softmax(d->s->g, x, dim));          /* a norm divides by a size that is known */
    else if (draw(d->s, 2) == 0) keep(d, rk_layer_norm(d->s->g, x, dim, 0, 0, 0.5));
    else keep(d, rk_rms_norm(d->s->g, x, dim, 0, 0.5));
}

/* state ← state + something of its dimensions: a gradient being accumulated, a moment; or by a value that nothing else shares. */
static void add_update(struct dag *d, int which)
{
    rk_ref x = some(d);
    char text[512], name[32];
    const struct node n = look(d, x);
    dims_names(d->s, n.rank, n.dim, text);
    (void)snprintf(name, sizeof name, "state%d", which);
    if (d->s->n_leaves == MOST_LEAVES) return;
    rk_ref state = rk_state(d->s->g, RK_OPTIMIZER, name, d->o->dtype, text), fresh = x;
    d->s->leaf[d->s->n_leaves++] = (struct leaf){ .ref = state, .domain = ANY_SIGN };
    uint64_t kind = draw(d->s, 5);
    if (kind == 0) fresh = rk_add(d->s->g, state, x);
    if (kind == 1) fresh = rk_add(d->s->g, x, rk_scale(d->s->g, state, 0.5));
    if (kind == 2) fresh = rk_map(d->s->g, "tanh", state);
    if (kind == 3) keep(d, rk_add(d->s->g, state, x)), fresh = rk_sub(d->s->g, state, rk_scale(d->s->g, x, 0.125));
    rk_update(d->s->g, state, fresh);
}

void draw_dag(struct sample *s, const struct dag_options *options)
{
    static void (*const kinds[])(struct dag *d) = {
        add_unary, add_unary, add_binary, add_binary, add_binary, add_choice, add_einsum, add_einsum, add_einsum, add_reduce, add_reduce, add_order, add_slice,
        add_select, add_rename, add_merge, add_spread, add_join, add_place, add_gather, add_rand, add_virtual, add_copy, add_fused, add_fused,
    };
    struct dag d = { .s = s, .o = options };
    int dims = 2 + (int)draw(s, 3), leaves = 2 + (int)draw(s, 3), updates = (int)draw(s, 4);
    for (int i = 0; i < dims; i++) d.dim[d.n_dims++] = draw_dim(s);
    if (options->live) {
        int64_t bound = 1 + (int64_t)draw(s, (uint64_t)s->largest);
        s->live = d.dim[d.n_dims++] = rk_dim_live(s->g, "live", 'L', bound);
        s->extent = (int64_t)draw(s, (uint64_t)bound + 1);
    }
    for (int i = 0; i < leaves; i++) add_leaf(&d);
    for (int i = 0; i < options->steps && i < s->steps; i++) kinds[draw(s, sizeof kinds / sizeof *kinds)](&d);
    for (int i = 0; i < updates; i++) add_update(&d, i);
    for (int i = 0; i < 3; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "out%d", i);
        rk_output(s->g, name, i == 0 ? d.value[d.n - 1] : some(&d));
    }
}
