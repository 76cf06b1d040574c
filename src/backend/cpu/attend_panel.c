/* attend_panel.c: attention and its gradients with one query per lane.
 *
 * Of a head, keys and values are packed once. Queries come in panels as wide as a register tile. Scores are made transposed,
 * [key][query]: so a softmax has no sums across lanes, and its result is a packed operand for what comes next as it lies.
 *
 *   forward     Sᵀ = K Qᵀ, P = softmax, Yᵀ = Vᵀ Pᵀ / sum
 *   gradients   Sᵀ and P again;  dPᵀ = V dYᵀ;  dS = P (dP - Σ P dP);  dQᵀ = Kᵀ dSᵀ;  dK += dSᵀ Q;  dV += Pᵀ dY
 *
 * Panels of the gradients come from the last to the first: the last one sees every key that is no padding, so it writes dK
 * and dV, and the others add. One owner, one order: the same bits on any number of threads. */
#include "backend/cpu/attend_inner.h"

/* Packed rows: slivers of a register tile's height, each `depth` deep, with a vector of slack. */
struct slivers { float *at; int64_t extent, depth; };

/* Of one head, in a worker's scratch, in floats. What only gradients need has no room in the forward pass. */
struct room {
    struct slivers keys, values, turned;        /* [key][width] twice; [width][key]: values forward, keys backward */
    float *queries, *slopes;                    /* panels [width][lanes]: Qᵀ and dYᵀ */
    float *query_rows, *slope_rows;             /* panels [lanes][width]: Q and dY */
    float *p, *dp, *dropped, *result, *over, *sliver;
    size_t floats;
};

static int lanes_of(const struct gemm_kernels *k) { return k->lanes * k->vectors; }

static float *take(struct room *r, float *base, int64_t floats)
{
    float *at = base == NULL ? NULL : base + r->floats;
    r->floats += ((size_t)floats + 15) & ~(size_t)15;
    return at;
}

static struct slivers take_slivers(struct room *r, float *base, const struct gemm_kernels *k, int64_t extent, int64_t depth)
{
    int64_t n = (extent + k->rows - 1) / k->rows;
    return (struct slivers){ take(r, base, n * (k->rows * depth + k->lanes)), extent, depth };
}

static struct room room_of(const struct attend *a, const struct gemm_kernels *k, float *base)
{
    struct room r = { .floats = 0 };
    int64_t wide = lanes_of(k), keys = a->key * wide, padded = (a->width + k->lanes - 1) / k->lanes * k->lanes;
    r.keys = take_slivers(&r, base, k, a->key, a->width);
    r.turned = take_slivers(&r, base, k, a->width, a->key);
    r.queries = take(&r, base, a->width * wide + k->lanes);
    r.p = take(&r, base, keys);
    r.result = take(&r, base, (a->width + k->lanes) * wide);            /* squares of lanes are read */
    r.over = take(&r, base, wide);
    if (!a->gradients) return r;
    r.values = take_slivers(&r, base, k, a->key, a->width);
    r.slopes = take(&r, base, a->width * wide + k->lanes);
    r.query_rows = take(&r, base, (padded + wide) * wide);
    r.slope_rows = take(&r, base, (padded + wide) * wide);
    r.dp = take(&r, base, keys);
    r.dropped = a->keep < 1 ? take(&r, base, keys) : r.p;
    r.sliver = take(&r, base, k->rows * wide + k->lanes);
    return r;
}

size_t attend_panel_bytes(const struct attend *a)
{
    return room_of(a, gemm_kernels(a->isa), NULL).floats * sizeof(float);
}

uint64_t attend_panel_scores(const struct attend *a, int64_t keys)
{
    int64_t wide = lanes_of(gemm_kernels(a->isa)), pairs = 0;
    for (int64_t from = 0; from < a->seq; from += wide) {
        int64_t n = gemm_least(wide, a->seq - from);
        pairs += n * attend_seen(a, from + n, keys);
    }
    return (uint64_t)pairs;
}

/* --- packing and products --- */

static float *sliver(const struct slivers *s, const struct gemm_kernels *k, int64_t first) { return s->at + first / k->rows * (k->rows * s->depth + k->lanes); }

static void pack_slivers(const struct gemm_kernels *k, const struct slivers *s, const float *from, int64_t step_w, int64_t step_k)
{
    for (int64_t i = 0; i < s->extent; i += k->rows) {
        int n = (int)gemm_least(k->rows, s->extent - i);
        k->pack[GEMM_f32](sliver(s, k, i), n, from + i * step_w, step_w, step_k, n, s->depth);
    }
}

/* c[0 .. extent)[lanes] = alpha · slivers · panel, over the first `depth` of k. */
static void multiply(const struct gemm_kernels *k, const struct slivers *s, int64_t extent, int64_t depth, const float *panel, float *c, float alpha)
{
    int wide = lanes_of(k);
    for (int64_t i = 0; i < extent; i += k->rows) {
        int n = (int)gemm_least(k->rows, s->extent - i);
        k->tile[n - 1][k->vectors - 1](&(struct gemm_tile){ .a = sliver(s, k, i), .b = panel, .k = depth, .b_step = wide,
            .c = c + i * wide, .c_m = wide, .c_n = 1, .columns = wide, .alpha = alpha });
    }
}

/* Rows [n][width] as panels of a tile's width, one after the other; each is `lanes_of` rows long. */
static void pack_rows(const struct gemm_kernels *k, float *to, const float *from, const struct attend_strides *s, int64_t n, int64_t width)
{
    int wide = lanes_of(k);
    for (int64_t j = 0; j < width; j += wide) {
        int columns = (int)gemm_least(wide, width - j), pad = (columns + k->lanes - 1) / k->lanes * k->lanes;
        k->pack[GEMM_f32](to + j * wide, pad, from + j * s->number, s->number, s->row, columns, n);
    }
}

/* to[s][j] (=, +=) Σ over the n queries weights[s][query] rows[query][j], for all seen keys s. */
static void collect(const struct attend_work *w, const struct room *r, const float *weights, const float *rows, int64_t seen, int64_t n, float *to,
                    const struct attend_strides *strides, bool more)
{
    const struct gemm_kernels *k = w->products;
    int wide = lanes_of(k);
    for (int64_t i = 0; i < seen; i += k->rows) {
        int height = (int)gemm_least(k->rows, seen - i);
        k->pack[GEMM_f32](r->sliver, height, weights + i * wide, wide, 1, height, n);
        for (int64_t j = 0; j < w->a->width; j += wide) {
            int columns = (int)gemm_least(wide, w->a->width - j), vectors = (columns + k->lanes - 1) / k->lanes;
            k->tile[height - 1][vectors - 1](&(struct gemm_tile){ .a = r->sliver, .b = rows + j * wide, .k = n, .b_step = vectors * k->lanes, .columns = columns,
                .c = to + i * strides->row + j * strides->number, .c_m = strides->row, .c_n = strides->number, .alpha = 1, .add = more });
        }
    }
}

/* --- a panel of queries --- */

struct panel { int64_t head, from, n, seen, keys; };

static struct panel panel_of(const struct attend *a, int64_t head, int64_t from, int64_t wide, int64_t keys)
{
    int64_t n = gemm_least(wide, a->seq - from);
    return (struct panel){ head, from, n, attend_seen(a, from + n, keys), keys };
}

static void weights_of(const struct attend_work *w, const struct room *r, const struct panel *b, const float *q, bool divide)
{
    const struct attend *a = w->a;
    const struct gemm_kernels *k = w->products;
    k->pack[GEMM_f32](r->queries, lanes_of(k), q + b->from * a->q.row, a->q.row, a->q.number, (int)b->n, a->width);
    multiply(k, &r->keys, b->seen, a->width, r->queries, r->p, a->scale);
    w->kernels->lanes(r->p, b->seen, attend_seen(a, b->from + 1, b->keys), !a->causal, divide, r->over);
}

static void drop(const struct attend_work *w, const struct panel *b, const float *p, float *out)
{
    int64_t wide = lanes_of(w->products);
    for (int64_t s = 0; s < b->seen; s++)
        for (int64_t i = 0; i < wide; i++) out[s * wide + i] = i < b->n ? p[s * wide + i] * attend_mask(w, b->head, b->from + i, s) : 0;
}

void attend_panel(void *work, int64_t head, int worker)
{
    const struct attend_work *w = work;
    const struct attend *a = w->a;
    const struct gemm_kernels *k = w->products;
    void *const *in = w->c->in;
    int wide = lanes_of(k);
    int64_t keys = attend_keys(w, head);
    const float *q = attend_at(a, in[0], &a->q, head);
    float *y = attend_at(a, w->c->out[0], &a->y, head);
    struct room r = room_of(a, k, (float *)((char *)w->c->scratch + (size_t)worker * a->worker_bytes));
    pack_slivers(k, &r.keys, attend_at(a, in[1], &a->k, head), a->k.row, a->k.number);
    pack_slivers(k, &r.turned, attend_at(a, in[2], &a->v, head), a->v.number, a->v.row);
    for (int64_t from = 0; from < a->seq; from += wide) {
        struct panel b = panel_of(a, head, from, wide, keys);
        weights_of(w, &r, &b, q, false);
        if (a->keep < 1) drop(w, &b, r.p, r.p);
        multiply(k, &r.turned, a->width, b.seen, r.p, r.result, 1);
        w->kernels->put(r.result, r.over, &(struct attend_target){ y + from * a->y.row, a->y.row, a->y.number, b.n, a->width });
    }
}

/* --- gradients --- */

struct gradients { const float *q, *dy; float *dq, *dk, *dv; };

static void panel_adjoint(const struct attend_work *w, const struct room *r, const struct panel *b, const struct gradients *g)
{
    const struct attend *a = w->a;
    const struct gemm_kernels *k = w->products;
    bool more = b->from + b->n < a->seq;
    const float *dy = g->dy + b->from * a->dy.row;
    weights_of(w, r, b, g->q, true);
    if (a->keep < 1) drop(w, b, r->p, r->dropped);
    if (g->dv != NULL) {
        pack_rows(k, r->slope_rows, dy, &a->dy, b->n, a->width);
        collect(w, r, r->dropped, r->slope_rows, b->seen, b->n, g->dv, &a->dv, more);
    }
    k->pack[GEMM_f32](r->slopes, lanes_of(k), dy, a->dy.row, a->dy.number, (int)b->n, a->width);
    multiply(k, &r->values, b->seen, a->width, r->slopes, r->dp, 1);
    if (a->keep < 1) drop(w, b, r->dp, r->dp);
    w->kernels->slope(r->p, r->dp, b->seen, a->scale);
    if (g->dq != NULL) {
        multiply(k, &r->turned, a->width, b->seen, r->dp, r->result, 1);
        w->kernels->put(r->result, NULL, &(struct attend_target){ g->dq + b->from * a->dq.row, a->dq.row, a->dq.number, b->n, a->width });
    }
    if (g->dk != NULL) {
        pack_rows(k, r->query_rows, g->q + b->from * a->q.row, &a->q, b->n, a->width);
        collect(w, r, r->dp, r->query_rows, b->seen, b->n, g->dk, &a->dk, more);
    }
}

static float *gradient(const struct attend_work *w, int result, const struct attend_strides *s, int64_t head)
{
    return result < 0 ? NULL : attend_at(w->a, w->c->out[result], s, head);
}

/* What no query sees has no gradient. */
static void clear(const struct attend *a, int64_t from, float *x, const struct attend_strides *s)
{
    for (int64_t t = from; t < a->key && x != NULL; t++)
        for (int64_t i = 0; i < a->width; i++) x[t * s->row + i * s->number] = 0;
}

void attend_panel_adjoint(void *work, int64_t head, int worker)
{
    const struct attend_work *w = work;
    const struct attend *a = w->a;
    const struct gemm_kernels *k = w->products;
    void *const *in = w->c->in;
    int wide = lanes_of(k);
    const float *keys = attend_at(a, in[1], &a->k, head);
    struct gradients g = { attend_at(a, in[0], &a->q, head), attend_at(a, in[a->dy_in], &a->dy, head), gradient(w, a->q_out, &a->dq, head),
                           gradient(w, a->k_out, &a->dk, head), gradient(w, a->v_out, &a->dv, head) };
    struct room r = room_of(a, k, (float *)((char *)w->c->scratch + (size_t)worker * a->worker_bytes));
    int64_t all = attend_keys(w, head), unseen = a->seq == 0 ? 0 : all;
    clear(a, unseen, g.dk, &a->dk);
    clear(a, unseen, g.dv, &a->dv);
    pack_slivers(k, &r.keys, keys, a->k.row, a->k.number);
    pack_slivers(k, &r.turned, keys, a->k.number, a->k.row);
    pack_slivers(k, &r.values, attend_at(a, in[2], &a->v, head), a->v.row, a->v.number);
    for (int64_t panels = (a->seq + wide - 1) / wide; panels > 0; panels--) {
        struct panel b = panel_of(a, head, (panels - 1) * wide, wide, all);
        panel_adjoint(w, &r, &b, &g);
    }
}
