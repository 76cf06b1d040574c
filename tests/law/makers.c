/* makers.c: for every operation, how to make a random well-formed one. A fresh operation adds a row here: a law demands it. */
#include "op/build.h"
#include "sample.h"

enum { MOST_DRAWN = 5 };

static int draw_dims(struct sample *s, int least, int most, rk_dim *dims)
{
    int n = least + (int)draw(s, (uint64_t)(most - least) + 1);
    for (int i = 0; i < n; i++) dims[i] = draw_dim(s);
    return n;
}

/* A random part of some dims, in random order. */
static int draw_some(struct sample *s, int n, const rk_dim *dims, rk_dim *some)
{
    int m = 0;
    for (int i = 0; i < n; i++)
        if (draw(s, 3) != 0) some[m++] = dims[i];
    draw_order(s, m, some);
    return m;
}

static rk_ref draw_value(struct sample *s, int least, int most, int *n, rk_dim *dims)
{
    *n = draw_dims(s, least, most, dims);
    return s->operand[0] = draw_operand(s, RK_f64, ANY_SIGN, *n, dims);
}

static void make_const(struct sample *s) { s->y = rk_const(s->g, draw_unit(s) - 0.5); }

static void draw_live(struct sample *s, int64_t bound)
{
    s->live = rk_dim_live(s->g, "past", 'P', bound);
    s->extent = (int64_t)draw(s, (uint64_t)bound + 1);
}

static void make_iota(struct sample *s)
{
    rk_dim d = draw_dim(s);
    if (draw(s, 2) == 0) draw_live(s, 3);
    s->y = rk_iota(s->g, dim_text(s, d), s->live != 0 ? "past" : NULL);
}

static void make_rand(struct sample *s)
{
    rk_dim dims[RK_MAX_RANK];
    char text[512];
    dims_names(s, draw_dims(s, 0, 3, dims), dims, text);
    s->y = rk_rand(s->g, "site", 0.25 + draw_unit(s) / 2, text);
}

/* Names in both operands and the result, in both and not in the result, in one operand only. */
static void make_einsum(struct sample *s)
{
    rk_dim all[8], a[RK_MAX_RANK], b[RK_MAX_RANK], y[RK_MAX_RANK];
    char equation[2048], ta[512], tb[512], ty[512];
    int na = 0, nb = 0, ny = 0, n = draw_dims(s, 0, 6, all);
    for (int i = 0; i < n; i++) {
        uint64_t kind = draw(s, 4);
        if (kind != 3) a[na++] = all[i];
        if (kind != 2) b[nb++] = all[i];
        if (kind != 1) y[ny++] = all[i];
    }
    draw_order(s, na, a);
    draw_order(s, nb, b);
    draw_order(s, ny, y);
    s->operand[0] = draw_operand(s, RK_f64, ANY_SIGN, na, a);
    s->operand[1] = draw_operand(s, RK_f64, ANY_SIGN, nb, b);
    dims_names(s, na, a, ta);
    dims_names(s, nb, b, tb);
    dims_names(s, ny, y, ty);
    (void)snprintf(equation, sizeof equation, draw(s, 2) == 0 ? "%s, %s -> %s" : "  %s ,%s->%s ", ta, tb, ty);
    s->y = rk_einsum(s->g, equation, s->operand[0], s->operand[1]);
}

static void make_map(struct sample *s)
{
    rk_dim all[4], some[4];
    int arity = mapfn_table[s->fn].arity, n = draw_dims(s, 0, 4, all);
    bool positive = s->fn == MAP_log || s->fn == MAP_sqrt || s->fn == MAP_rsqrt || s->fn == MAP_d_log || s->fn == MAP_d_sqrt || s->fn == MAP_d_rsqrt;
    for (int i = 0; i < arity; i++) s->operand[i] = draw_operand(s, RK_f64, positive ? POSITIVE : ANY_SIGN, draw_some(s, n, all, some), some);
    if (s->fn == MAP_where) s->operand[0] = rk_map2(s->g, "less", s->operand[0], draw_operand(s, RK_f64, ANY_SIGN, 0, NULL));
    s->y = build_map(s->g, s->fn, s->operand);
}

static void make_cast(struct sample *s)
{
    rk_dim dims[RK_MAX_RANK];
    int n = draw_dims(s, 0, 3, dims);
    rk_dtype from = (rk_dtype)draw(s, RK_DTYPE_COUNT), to = (rk_dtype)draw(s, RK_DTYPE_COUNT - 1);
    if (to >= from) to = (rk_dtype)(to + 1);
    s->operand[0] = from > RK_f8e5m2 ? draw_ids(s, 2, false, n, dims) : draw_operand(s, from, ANY_SIGN, n, dims);
    if (from > RK_f8e5m2 && node_of(s->g, s->operand[0])->dtype == to) to = RK_f32;
    s->y = rk_cast(s->g, s->operand[0], to);
}

static void make_widen(struct sample *s)                /* exact, so that differences see its gradient */
{
    rk_dim dims[RK_MAX_RANK];
    int n = draw_dims(s, 0, 3, dims);
    s->operand[0] = draw_operand(s, RK_f32, ANY_SIGN, n, dims);
    s->y = rk_cast(s->g, s->operand[0], RK_f64);
}

static void make_detach(struct sample *s)
{
    rk_dim dims[RK_MAX_RANK];
    int n;
    s->y = rk_detach(s->g, draw_value(s, 0, 3, &n, dims));
}

static void make_copy(struct sample *s)
{
    rk_dim dims[RK_MAX_RANK];
    int n;
    s->y = rk_copy(s->g, draw_value(s, 0, 4, &n, dims));
}

static void reduce(struct sample *s, const char *function)
{
    rk_dim dims[RK_MAX_RANK], some[RK_MAX_RANK];
    char text[512];
    int n;
    rk_ref x = draw_value(s, 0, 4, &n, dims);
    dims_names(s, draw_some(s, n, dims, some), some, text);
    s->y = rk_reduce(s->g, function, x, text);
}

static void make_sum(struct sample *s) { reduce(s, "sum"); }

static void make_max(struct sample *s)
{
    s->ties = false;                                    /* several largest: a kink */
    reduce(s, "max");
}

/* dims: of the ids and of the table without v, some shared. */
static void make_gather(struct sample *s)
{
    rk_dim all[4], ids[4], x[RK_MAX_RANK], v = draw_dim(s);
    int n = draw_dims(s, 0, 4, all), n_ids = 0, n_x = 0;
    for (int i = 0; i < n; i++) {
        uint64_t kind = draw(s, 3);
        if (kind != 0) ids[n_ids++] = all[i];
        if (kind != 1) x[n_x++] = all[i];
    }
    x[n_x++] = v;
    draw_order(s, n_ids, ids);
    draw_order(s, n_x, x);
    s->operand[0] = draw_operand(s, RK_f64, ANY_SIGN, n_x, x);
    s->operand[1] = draw_ids(s, dim_size(s->g, v), true, n_ids, ids);
    s->y = rk_gather(s->g, s->operand[0], dim_text(s, v), s->operand[1]);
}

static void make_scatter(struct sample *s)
{
    rk_dim all[4], ids[4], z[RK_MAX_RANK], v = draw_dim(s);
    char like[512];
    int n = draw_dims(s, 0, 4, all), n_ids = 0, n_z = 0;
    for (int i = 0; i < n; i++) {
        uint64_t kind = draw(s, 3);
        if (kind != 0) ids[n_ids++] = all[i];
        if (kind != 1) z[n_z++] = all[i];
    }
    z[n_z++] = v;
    draw_order(s, n_ids, ids);
    draw_order(s, n_z, z);
    draw_order(s, n, all);
    dims_names(s, n_z, z, like);
    s->operand[0] = draw_operand(s, RK_f64, ANY_SIGN, n, all);
    s->operand[1] = draw_ids(s, dim_size(s->g, v), true, n_ids, ids);
    s->y = rk_scatter(s->g, s->operand[0], dim_text(s, v), s->operand[1], like);
}

static void make_rename(struct sample *s)
{
    rk_dim dims[RK_MAX_RANK];
    int n;
    rk_ref x = draw_value(s, 1, 4, &n, dims);
    rk_dim from = dims[draw(s, (uint64_t)n)], to = draw_dim_of(s, dim_size(s->g, from));
    s->y = rk_rename(s->g, x, dim_text(s, from), dim_text(s, to));
}

static void make_split(struct sample *s)
{
    rk_dim dims[RK_MAX_RANK], into[3];
    char text[512];
    int n = draw_dims(s, 0, 3, dims), parts = draw_dims(s, 1, 3, into), axis = (int)draw(s, (uint64_t)n + 1);
    int64_t size = 1;
    for (int i = 0; i < parts; i++) size *= dim_size(s->g, into[i]);
    for (int i = n; i > axis; i--) dims[i] = dims[i - 1];
    dims[axis] = draw_dim_of(s, size);
    s->operand[0] = draw_operand(s, RK_f64, ANY_SIGN, n + 1, dims);
    dims_names(s, parts, into, text);
    s->y = rk_split(s->g, s->operand[0], dim_text(s, dims[axis]), text);
}

static void make_merge(struct sample *s)
{
    rk_dim dims[RK_MAX_RANK];
    char text[512];
    int n;
    rk_ref x = draw_value(s, 1, 4, &n, dims);
    int first = (int)draw(s, (uint64_t)n), count = 1 + (int)draw(s, (uint64_t)(n - first));
    int64_t size = 1;
    for (int i = first; i < first + count; i++) size *= dim_size(s->g, dims[i]);
    dims_names(s, count, dims + first, text);
    rk_dim into = draw_dim_of(s, size);
    s->y = rk_merge(s->g, x, text, dim_text(s, into));
}

static void make_slice(struct sample *s)
{
    rk_dim dims[RK_MAX_RANK];
    int n;
    rk_ref x = draw_value(s, 1, 4, &n, dims);
    rk_dim d = dims[draw(s, (uint64_t)n)];
    int64_t length = (int64_t)draw(s, (uint64_t)dim_size(s->g, d) + 1), start = (int64_t)draw(s, (uint64_t)(dim_size(s->g, d) - length) + 1);
    if (length == 0 && !s->zeros) length = 1, start = 0;
    rk_dim into = draw_dim_of(s, length);
    s->y = rk_slice(s->g, x, dim_text(s, d), start, dim_text(s, into));
}

static void make_select(struct sample *s)
{
    rk_dim dims[RK_MAX_RANK];
    int n = draw_dims(s, 0, 3, dims), axis = (int)draw(s, (uint64_t)n + 1);
    for (int i = n; i > axis; i--) dims[i] = dims[i - 1];
    dims[axis] = draw_dim_of(s, 1 + (int64_t)draw(s, (uint64_t)s->largest));
    s->operand[0] = draw_operand(s, RK_f64, ANY_SIGN, n + 1, dims);
    s->y = rk_select(s->g, s->operand[0], dim_text(s, dims[axis]), (int64_t)draw(s, (uint64_t)dim_size(s->g, dims[axis])));
}

static void make_order(struct sample *s)
{
    rk_dim dims[RK_MAX_RANK];
    char text[512];
    int n;
    rk_ref x = draw_value(s, 0, 5, &n, dims);
    draw_order(s, n, dims);
    dims_names(s, n, dims, text);
    s->y = rk_order(s->g, x, text);
}

static void make_spread(struct sample *s)
{
    rk_dim all[4], some[4];
    char text[512];
    int n = draw_dims(s, 0, 4, all);
    s->operand[0] = draw_operand(s, RK_f64, ANY_SIGN, draw_some(s, n, all, some), some);
    dims_names(s, n, all, text);
    s->y = rk_spread(s->g, s->operand[0], text);
}

static void make_join(struct sample *s)
{
    rk_dim dims[RK_MAX_RANK];
    char text[512];
    int n = draw_dims(s, 0, 3, dims), parts = 1 + (int)draw(s, MOST_DRAWN);
    for (int i = 0; i < parts; i++) {
        draw_order(s, n, dims);
        s->operand[i] = draw_operand(s, RK_f64, ANY_SIGN, n, dims);
    }
    rk_dim d = dims[n] = draw_dim_of(s, parts);
    draw_order(s, n + 1, dims);
    dims_names(s, n + 1, dims, text);
    s->y = rk_join(s->g, dim_text(s, d), s->operand, parts, text);
}

static void make_place(struct sample *s)
{
    rk_dim dims[RK_MAX_RANK];
    char text[512];
    int n = draw_dims(s, 0, 3, dims), extra = (int)draw(s, 3);
    rk_dim part = draw(s, 2) == 0 ? draw_dim(s) : 0;
    if (part != 0) dims[n] = part;
    draw_order(s, n + (part != 0), dims);
    s->operand[0] = draw_operand(s, RK_f64, ANY_SIGN, n + (part != 0), dims);
    int64_t length = part == 0 ? 1 : dim_size(s->g, part), start = (int64_t)draw(s, (uint64_t)extra + 1);
    rk_dim d = draw_dim_of(s, length + extra);
    for (int i = 0; i < n + (part != 0); i++)
        if (dims[i] == part) dims[i] = dims[n];
    dims[n] = d;
    draw_order(s, n + 1, dims);
    dims_names(s, n + 1, dims, text);
    s->y = rk_place(s->g, s->operand[0], part == 0 ? NULL : dim_text(s, part), dim_text(s, d), start, text);
}

static void make_update(struct sample *s)
{
    rk_dim dims[RK_MAX_RANK];
    char text[512];
    int n;
    rk_ref x = draw_value(s, 0, 3, &n, dims);
    dims_names(s, n, dims, text);
    rk_update(s->g, s->operand[1] = rk_state(s->g, RK_OPTIMIZER, "moment", RK_f64, text), x);
    s->y = s->g->nodes.n - 1;
}

static void make_append(struct sample *s)
{
    rk_dim dims[RK_MAX_RANK];
    char text[512];
    int n = draw_dims(s, 0, 3, dims), axis = (int)draw(s, (uint64_t)n + 1);
    for (int i = n; i > axis; i--) dims[i] = dims[i - 1];
    rk_dim part = dims[axis] = draw_dim(s);
    s->operand[1] = draw_operand(s, RK_f64, ANY_SIGN, n + 1, dims);
    draw_live(s, 4);
    dims[axis] = draw_dim_of(s, dim_size(s->g, part) + s->extent);
    dims_names(s, n + 1, dims, text);
    s->operand[0] = rk_state(s->g, RK_CACHE, "cache", RK_f64, text);
    if (n > 0 && draw(s, 2) == 0) {                         /* each row from a place of its own */
        rk_dim row = dims[axis == 0 ? 1 : 0];
        s->operand[2] = draw_ids(s, s->extent + 1, false, 1, &row);
        s->y = rk_append_at(s->g, s->operand[0], s->operand[1], dim_text(s, dims[axis]), s->operand[2]);
        return;
    }
    s->y = rk_append(s->g, s->operand[0], s->operand[1], dim_text(s, dims[axis]), "past");
}

static void make_softmax(struct sample *s)
{
    rk_dim dims[RK_MAX_RANK];
    int n;
    s->ties = false;
    rk_ref x = draw_value(s, 1, 4, &n, dims);
    s->y = rk_softmax(s->g, x, dim_text(s, dims[draw(s, (uint64_t)n)]));
}

static void make_log_sum_exp(struct sample *s)
{
    rk_dim dims[RK_MAX_RANK];
    int n;
    s->ties = false;
    rk_ref x = draw_value(s, 1, 4, &n, dims);
    s->y = rk_log_sum_exp(s->g, x, dim_text(s, dims[draw(s, (uint64_t)n)]));
}

static void norm(struct sample *s, bool rms)
{
    rk_dim dims[RK_MAX_RANK];
    int n;
    rk_ref x = draw_value(s, 1, 4, &n, dims);
    rk_dim d = dims[draw(s, (uint64_t)n)];
    if (draw(s, 3) != 0) s->operand[1] = draw_operand(s, RK_f64, ANY_SIGN, 1, &d);
    if (draw(s, 3) != 0 && !rms) s->operand[2] = draw_operand(s, RK_f64, ANY_SIGN, 1, &d);
    if (rms) s->y = rk_rms_norm(s->g, x, dim_text(s, d), s->operand[1], 1e-2);
    else s->y = rk_layer_norm(s->g, x, dim_text(s, d), s->operand[1], s->operand[2], 1e-2);
}

static void make_layer_norm(struct sample *s) { norm(s, false); }

static void make_deviation_norm(struct sample *s)
{
    rk_dim dims[RK_MAX_RANK];
    int n = draw_dims(s, 0, 3, dims);
    rk_dim d = dims[n] = draw_dim_of(s, 2 + (int64_t)draw(s, (uint64_t)s->largest));
    s->ties = false;                                        /* equal numbers have no deviation: a kink */
    draw_order(s, n + 1, dims);
    s->operand[0] = draw_operand(s, RK_f64, ANY_SIGN, n + 1, dims);
    if (draw(s, 3) != 0) s->operand[1] = draw_operand(s, RK_f64, ANY_SIGN, 1, &d);
    if (draw(s, 3) != 0) s->operand[2] = draw_operand(s, RK_f64, ANY_SIGN, 1, &d);
    s->y = rk_deviation_norm(s->g, s->operand[0], dim_text(s, d), s->operand[1], s->operand[2], 1e-2);
}

static void make_rms_norm(struct sample *s) { norm(s, true); }

static void make_rope(struct sample *s)
{
    rk_dim dims[RK_MAX_RANK];
    int n = draw_dims(s, 1, 3, dims);
    rk_dim position = dims[0];
    int64_t rotary = 2 + 2 * (int64_t)draw(s, 3), passing = draw(s, 2) == 0 ? 0 : (int64_t)draw(s, 4);
    rk_dim head = dims[n] = draw_dim_of(s, rotary + passing);
    draw_order(s, n + 1, dims);
    if (draw(s, 2) == 0) draw_live(s, 5);
    s->operand[0] = draw_operand(s, RK_f64, ANY_SIGN, n + 1, dims);
    if (draw(s, 3) == 0) {                                  /* positions of their own */
        rk_dim at[RK_MAX_RANK];
        int m = 0;
        for (int i = 0; i <= n; i++)
            if (dims[i] != head && draw(s, 2) == 0) at[m++] = dims[i];
        s->operand[1] = draw_ids(s, 50, false, m, at);
        s->y = rk_rope_at(s->g, s->operand[0], dim_text(s, position), s->operand[1], dim_text(s, head), draw(s, 2) == 0 ? RK_ROPE_INTERLEAVED : RK_ROPE_HALVES, rotary, 100);
        return;
    }
    s->y = rk_rope(s->g, s->operand[0], dim_text(s, position), s->live != 0 ? "past" : NULL, dim_text(s, head),
                   draw(s, 2) == 0 ? RK_ROPE_INTERLEAVED : RK_ROPE_HALVES, rotary, 100);
}

static void make_attend(struct sample *s)
{
    rk_dim q[RK_MAX_RANK], k[RK_MAX_RANK];
    int n = draw_dims(s, 0, 2, q);
    rk_attend_options options = { .causal = draw(s, 2) == 0, .scale = 0.5 + draw_unit(s), .keep = draw(s, 2) == 0 ? 1 : 0.5, .site = "attention" };
    rk_dim seq = draw_dim(s), width = draw_dim(s), key = draw_dim_of(s, dim_size(s->g, seq) + (int64_t)draw(s, 3));
    q[n] = seq;
    q[n + 1] = width;
    for (int i = 0; i < 3; i++) {
        draw_order(s, n + 2, q);
        for (int a = 0; a < n + 2; a++) k[a] = q[a] == seq ? key : q[a];
        s->operand[i] = draw_operand(s, RK_f64, ANY_SIGN, n + 2, i == 0 ? q : k);
    }
    if (draw(s, 2) == 0) {
        rk_dim sharing[RK_MAX_RANK];
        int shared = 0;
        for (int a = 0; a < n + 2; a++)
            if (q[a] != seq && q[a] != width && draw(s, 3) != 0) sharing[shared++] = q[a];
        s->operand[3] = options.lengths = draw_leaf(s, RK_i32, INDEX, shared, sharing);
        s->leaf[s->n_leaves - 1].below = dim_size(s->g, key) + 3;                           /* 0, and beyond the keys, too */
    }
    s->y = rk_attend(s->g, s->operand[0], s->operand[1], s->operand[2], dim_text(s, seq), dim_text(s, key), dim_text(s, width), &options);
}

static void make_xent_head(struct sample *s)
{
    rk_dim x[RK_MAX_RANK], w[2], labels[3];
    int n = draw_dims(s, 0, 2, x);
    rk_dim hidden = draw_dim(s), vocab = draw_dim_of(s, 1 + (int64_t)draw(s, (uint64_t)s->largest));
    for (int i = 0; i < n; i++) labels[i] = x[i];
    x[n] = hidden;
    w[0] = hidden;
    w[1] = vocab;
    draw_order(s, n + 1, x);
    draw_order(s, 2, w);
    draw_order(s, n, labels);
    s->ties = false;
    s->operand[0] = draw_operand(s, RK_f64, ANY_SIGN, n + 1, x);
    s->operand[1] = draw_operand(s, RK_f64, ANY_SIGN, 2, w);
    s->operand[2] = draw_leaf(s, RK_i32, INDEX, n, labels);
    s->leaf[s->n_leaves - 1].below = dim_size(s->g, vocab);
    s->leaf[s->n_leaves - 1].ignored = true;
    if (draw(s, 2) == 0) s->operand[3] = draw_operand(s, RK_f64, ANY_SIGN, 1, &vocab);
    s->y = rk_xent_head(s->g, s->operand[0], s->operand[1], s->operand[3], s->operand[2], dim_text(s, hidden), dim_text(s, vocab));
}

/* A matrix of a narrower dtype, or of integers in blocks along a sum with a scale each. */
static void make_einsum_stored(struct sample *s)
{
    rk_dim x[2], w[2], blocks;
    char equation[2048], tx[512], tw[512], ty[512];
    bool integers = draw(s, 2) == 0;
    int64_t block = 1 + (int64_t)draw(s, 3), many = (int64_t)draw(s, (uint64_t)s->largest) + 1;
    rk_dim rows = draw_dim(s), out = draw_dim(s), sum = integers ? draw_dim_of(s, block * many) : draw_dim(s);
    x[0] = rows, x[1] = sum;
    w[0] = out, w[1] = sum;
    draw_order(s, 2, x);
    if (!integers) draw_order(s, 2, w);
    s->operand[0] = draw_operand(s, RK_f64, ANY_SIGN, 2, x);
    s->operand[1] = integers ? draw_operand(s, RK_i8, INDEX, 2, w) : draw_operand(s, draw(s, 2) == 0 ? RK_f16 : RK_bf16, ANY_SIGN, 2, w);
    if (integers) {
        blocks = draw_dim_of(s, many);
        w[1] = blocks;
        s->operand[2] = draw_operand(s, RK_f64, ANY_SIGN, 2, w);
        w[1] = sum;
    }
    dims_names(s, 2, x, tx);
    dims_names(s, 2, w, tw);
    dims_names(s, 2, (rk_dim[]){ rows, out }, ty);
    (void)snprintf(equation, sizeof equation, "%s, %s -> %s", tx, tw, ty);
    s->y = rk_einsum_stored(s->g, equation, s->operand[0], s->operand[1], s->operand[2]);
}

/* One panel, of which up to three rows are padding: [1 1 16 32 4], and its scales; or two of floats: [2 1 16 4 16], and 0. */
static void draw_panels(struct sample *s, rk_ref *panels, rk_ref *scale)
{
    if (draw(s, 2) == 0) {
        const rk_dim of_floats[] = { draw_dim_of(s, 2), draw_dim_of(s, 1), draw_dim_of(s, 16), draw_dim_of(s, 4), draw_dim_of(s, 16) };
        *panels = draw_operand(s, draw(s, 2) == 0 ? RK_f64 : RK_f32, ANY_SIGN, 5, of_floats);
        *scale = 0;
        return;
    }
    const rk_dim w[] = { draw_dim_of(s, 1), draw_dim_of(s, 1), draw_dim_of(s, 16), draw_dim_of(s, 32), draw_dim_of(s, 4) }, of_scale[] = { w[0], w[1], w[3] };
    *panels = draw_operand(s, RK_i8, INDEX, 5, w);
    s->leaf[s->n_leaves - 1].below = 128;
    *scale = draw_operand(s, RK_f64, ANY_SIGN, 3, of_scale);
}

static void make_einsum_panels(struct sample *s)
{
    int64_t heads = (int64_t[]){ 1, 4, 32 }[draw(s, 3)];
    rk_dim rows = draw_dim(s), out = draw_dim_of(s, 29 + (int64_t)draw(s, 4)), head = draw_dim_of(s, heads), each = draw_dim_of(s, 64 / heads);
    rk_dim x[] = { rows, head, each }, w[] = { out, head, each }, y[] = { rows, out };
    char equation[2048], tx[512], tw[512], ty[512];
    draw_order(s, 3, x);
    draw_order(s, 2, y);
    s->operand[0] = draw_operand(s, RK_f64, ANY_SIGN, 3, x);
    draw_panels(s, &s->operand[1], &s->operand[2]);
    dims_names(s, 3, x, tx);
    dims_names(s, 3, w, tw);
    dims_names(s, 2, y, ty);
    (void)snprintf(equation, sizeof equation, "%s, %s -> %s", tx, tw, ty);
    s->y = rk_einsum_panels(s->g, equation, s->operand[0], s->operand[1], s->operand[2], tw);
}

static void make_gather_panels(struct sample *s)
{
    const rk_dim table[] = { draw_dim_of(s, 29 + (int64_t)draw(s, 4)), draw_dim_of(s, 64) };
    rk_dim ids[2];
    char text[512];
    int n = draw_dims(s, 0, 2, ids);
    draw_panels(s, &s->operand[0], &s->operand[1]);
    s->operand[2] = draw_ids(s, dim_size(s->g, table[0]), true, n, ids);
    dims_names(s, 2, table, text);
    s->y = rk_gather_panels(s->g, s->operand[0], s->operand[1], text, s->operand[2]);
}

enum { PLAIN = HAS_GRADIENT | HAS_BILL, FUSED = HAS_GRADIENT | IS_FUSED };

const struct maker makers[] = {
    { "const", &op_const, make_const, HAS_BILL, -1 },
    { "iota", &op_iota, make_iota, HAS_BILL, -1 },
    { "rand", &op_rand, make_rand, HAS_BILL, -1 },
    { "einsum", &op_einsum, make_einsum, PLAIN, -1 },
#define UNARY(name, cost, f, cost_slope, slope) \
    { "map " #name, &op_map, make_map, PLAIN, MAP_##name }, { "map d_" #name, &op_map, make_map, HAS_BILL, MAP_d_##name },
#define BINARY(name, cost, f) { "map " #name, &op_map, make_map, PLAIN, MAP_##name },
#define TERNARY(name, cost, f) BINARY(name, cost, f)
#include "core/map.def"
#undef UNARY
#undef BINARY
#undef TERNARY
    { "cast", &op_cast, make_cast, HAS_BILL, -1 },
    { "cast to wider", &op_cast, make_widen, PLAIN, -1 },
    { "detach", &op_detach, make_detach, 0, -1 },
    { "reduce sum", &op_reduce, make_sum, PLAIN, -1 },
    { "reduce max", &op_reduce, make_max, PLAIN, -1 },
    { "gather", &op_gather, make_gather, PLAIN, -1 },
    { "scatter", &op_scatter, make_scatter, PLAIN, -1 },
    { "rename", &op_rename, make_rename, HAS_GRADIENT, -1 },
    { "split", &op_split, make_split, HAS_GRADIENT, -1 },
    { "merge", &op_merge, make_merge, HAS_GRADIENT, -1 },
    { "slice", &op_slice, make_slice, HAS_GRADIENT, -1 },
    { "select", &op_select, make_select, HAS_GRADIENT, -1 },
    { "order", &op_order, make_order, HAS_GRADIENT, -1 },
    { "spread", &op_spread, make_spread, HAS_GRADIENT, -1 },
    { "copy", &op_copy, make_copy, PLAIN, -1 },
    { "join", &op_join, make_join, PLAIN, -1 },
    { "place", &op_place, make_place, PLAIN, -1 },
    { "update", &op_update, make_update, 0, -1 },
    { "append", &op_append, make_append, HAS_BILL, -1 },
    { "softmax", &op_softmax, make_softmax, FUSED, -1 },
    { "log_sum_exp", &op_log_sum_exp, make_log_sum_exp, FUSED, -1 },
    { "layer norm", &op_norm, make_layer_norm, FUSED, -1 },
    { "RMS norm", &op_norm, make_rms_norm, FUSED, -1 },
    { "deviation norm", &op_norm, make_deviation_norm, FUSED, -1 },
    { "rope", &op_rope, make_rope, FUSED, -1 },
    { "attend", &op_attend, make_attend, FUSED, -1 },
    { "xent_head", &op_xent_head, make_xent_head, FUSED, -1 },
    { "einsum_stored", &op_einsum_stored, make_einsum_stored, IS_FUSED, -1 },
    { "einsum_panels", &op_einsum_panels, make_einsum_panels, IS_FUSED, -1 },
    { "gather_panels", &op_gather_panels, make_gather_panels, IS_FUSED, -1 },
    { NULL, NULL, NULL, 0, -1 },
};
