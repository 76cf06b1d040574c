/* What a fused operation is written out to equals a formula of it that is written here directly, in f64. */
#include "sample.h"

enum { MOST_DIMS = 256 };

struct formula { const char *maker; double (*at)(struct sample *s, const struct values *v, const struct node *n, int64_t *index); };

/* Calls `term` over index[d] = 0 .. size-1. */
#define SUM_OVER(d) for (index[d] = 0; index[d] < dim_size(v->g, (rk_dim)(d)); index[d]++)

static double softmax(struct sample *s, const struct values *v, const struct node *n, int64_t *index)
{
    (void)s;
    double e = exp(values_at(v, n->in[0], index)), sum = 0;
    SUM_OVER(n->at.i[0]) sum += exp(values_at(v, n->in[0], index));
    return e / sum;
}

static double log_sum_exp(struct sample *s, const struct values *v, const struct node *n, int64_t *index)
{
    double sum = 0;
    (void)s;
    SUM_OVER(n->at.i[0]) sum += exp(values_at(v, n->in[0], index));
    return log(sum);
}

static double layer_norm(struct sample *s, const struct values *v, const struct node *n, int64_t *index)
{
    rk_dim d = (rk_dim)n->at.i[0];
    double x = values_at(v, n->in[0], index), size = (double)dim_size(v->g, d), mean = 0, variance = 0;
    double w = s->operand[1] != 0 ? values_at(v, s->operand[1], index) : 1, b = s->operand[2] != 0 ? values_at(v, s->operand[2], index) : 0;
    SUM_OVER(d) mean += values_at(v, n->in[0], index) / size;
    SUM_OVER(d) variance += pow(values_at(v, n->in[0], index) - mean, 2) / size;
    return (x - mean) / sqrt(variance + 1e-2) * w + b;
}

static double deviation_norm(struct sample *s, const struct values *v, const struct node *n, int64_t *index)
{
    rk_dim d = (rk_dim)n->at.i[0];
    double x = values_at(v, n->in[0], index), size = (double)dim_size(v->g, d), mean = 0, variance = 0;
    double w = s->operand[1] != 0 ? values_at(v, s->operand[1], index) : 1, b = s->operand[2] != 0 ? values_at(v, s->operand[2], index) : 0;
    SUM_OVER(d) mean += values_at(v, n->in[0], index) / size;
    SUM_OVER(d) variance += pow(values_at(v, n->in[0], index) - mean, 2) / (size - 1);
    return (x - mean) / (sqrt(variance) + 1e-2) * w + b;
}

static double rms_norm(struct sample *s, const struct values *v, const struct node *n, int64_t *index)
{
    rk_dim d = (rk_dim)n->at.i[0];
    double x = values_at(v, n->in[0], index), w = s->operand[1] != 0 ? values_at(v, s->operand[1], index) : 1, squares = 0;
    SUM_OVER(d) squares += pow(values_at(v, n->in[0], index), 2);
    return x / sqrt(squares / (double)dim_size(v->g, d) + 1e-2) * w;
}

static double rope(struct sample *s, const struct values *v, const struct node *n, int64_t *index)
{
    rk_dim head = (rk_dim)n->at.i[1];
    int64_t rotary = n->at.i[3] & 0x7fffffff, i = index[head], half = rotary / 2;
    double position = n->arity > 1 ? values_at(v, n->in[1], index) : (double)(index[n->at.i[0]] + (s->live != 0 ? s->extent : 0)), x = values_at(v, n->in[0], index);
    if (i >= rotary) return x;
    bool interleaved = n->at.i[2] == RK_ROPE_INTERLEAVED, first = interleaved ? i % 2 == 0 : i < half;
    int64_t pair = interleaved ? i / 2 : i % half;
    index[head] = interleaved ? i ^ 1 : (i + half) % rotary;
    double other = values_at(v, n->in[0], index), angle = position * pow(n->at.f[0], -2.0 * (double)pair / (double)rotary);
    return first ? x * cos(angle) - other * sin(angle) : other * sin(angle) + x * cos(angle);
}

/* The mask of dropout is drawn over the shared dimensions as the query has them, then queries, then keys. */
static double mask_at(const struct values *v, const struct node *n, const int64_t *index)
{
    const struct node *q = node_of(v->g, n->in[0]);
    rk_dim seq = (rk_dim)n->at.i[0], key = (rk_dim)n->at.i[1];
    uint64_t at = 0;
    if (n->at.f[1] == 1) return 1;
    for (int i = 0; i < q->rank; i++)
        if (q->dim[i] != seq && q->dim[i] != (rk_dim)n->at.i[2]) at = at * (uint64_t)dim_size(v->g, q->dim[i]) + (uint64_t)index[q->dim[i]];
    at = at * (uint64_t)dim_size(v->g, seq) + (uint64_t)index[seq];
    at = at * (uint64_t)dim_size(v->g, key) + (uint64_t)index[key];
    return rand_value(v->seed, v->step, rand_site("attention"), at, n->at.f[1]);
}

static double score(const struct values *v, const struct node *n, int64_t *index)
{
    rk_dim width = (rk_dim)n->at.i[2];
    int64_t queries = dim_size(v->g, (rk_dim)n->at.i[0]), keys = dim_size(v->g, (rk_dim)n->at.i[1]), column = index[width];
    double dot = 0;
    if (n->at.i[3] != 0 && index[n->at.i[1]] > index[n->at.i[0]] + keys - queries) return -INFINITY;
    if (n->arity > 3 && (double)index[n->at.i[1]] >= fmax(1, values_at(v, n->in[3], index))) return -INFINITY;
    SUM_OVER(width) dot += values_at(v, n->in[0], index) * values_at(v, n->in[1], index);
    index[width] = column;
    return dot * n->at.f[0];
}

static double attend(struct sample *s, const struct values *v, const struct node *n, int64_t *index)
{
    (void)s;
    rk_dim key = (rk_dim)n->at.i[1];
    double total = 0, y = 0;
    SUM_OVER(key) total += exp(score(v, n, index));
    SUM_OVER(key) y += exp(score(v, n, index)) / total * mask_at(v, n, index) * values_at(v, n->in[2], index);
    return y;
}

static double position_loss(const struct sample *s, const struct values *v, const struct node *n, int64_t *index)
{
    rk_dim hidden = (rk_dim)n->at.i[0], vocab = (rk_dim)n->at.i[1];
    double label = values_at(v, n->in[2], index), total = 0, chosen = 0;
    if (label < 0) return 0;
    SUM_OVER(vocab) {
        double logit = s->operand[3] != 0 ? values_at(v, s->operand[3], index) : 0;
        SUM_OVER(hidden) logit += values_at(v, n->in[0], index) * values_at(v, n->in[1], index);
        total += exp(logit);
        if (index[vocab] == (int64_t)label) chosen = logit;
    }
    return log(total) - chosen;
}

static double xent_head(struct sample *s, const struct values *v, const struct node *n, int64_t *index)
{
    const struct node *labels = node_of(v->g, n->in[2]);
    struct layout l = layout_dense(v->g, labels->rank, labels->dim);
    double loss = 0;
    struct walk w;
    for (walk_begin(&w, &l); w.valid; walk_next(&w)) {
        for (int i = 0; i < w.rank; i++) index[w.dim[i]] = w.index[i];
        loss += position_loss(s, v, n, index);
    }
    return loss;
}

static double einsum_stored(struct sample *s, const struct values *v, const struct node *n, int64_t *index)
{
    const struct node *w = node_of(v->g, n->in[1]), *x = node_of(v->g, n->in[0]);
    double sum = 0;
    rk_dim contracted = 0;
    for (int i = 0; i < x->rank; i++)
        if (graph_find_axis(n, x->dim[i]) < 0) contracted = x->dim[i];
    SUM_OVER(contracted) {
        double scale = 1;
        if (s->operand[2] != 0) {
            const struct node *q = node_of(v->g, n->in[2]);
            index[q->dim[1]] = index[contracted] / (dim_size(v->g, w->dim[1]) / dim_size(v->g, q->dim[1]));
            scale = values_at(v, n->in[2], index);
        }
        sum += values_at(v, n->in[0], index) * values_at(v, n->in[1], index) * scale;
    }
    return sum;
}

/* Number [o, i] of a matrix in panels. */
static double panels_at(const struct values *v, rk_ref panels, rk_ref scale, int64_t o, int64_t i, int64_t *index)
{
    const struct node *w = node_of(v->g, panels);
    if (scale == 0) {
        const int64_t of_floats[] = { o / 16, i / 64, i % 64 / 4, i % 4, o % 16 };
        for (int k = 0; k < 5; k++) index[w->dim[k]] = of_floats[k];
        return values_at(v, panels, index);
    }
    const int64_t at[] = { o / 32, i / 64, i % 64 / 4, o % 32, i % 4 };
    for (int k = 0; k < 5; k++) index[w->dim[k]] = at[k];
    return values_at(v, panels, index) * values_at(v, scale, index);
}

static double einsum_panels(struct sample *s, const struct values *v, const struct node *n, int64_t *index)
{
    const rk_dim out = (rk_dim)n->at.i[0], head = (rk_dim)n->at.i[1], each = (rk_dim)n->at.i[2];
    double sum = 0;
    (void)s;
    for (int64_t i = 0; i < 64; i++) {
        index[head] = i / dim_size(v->g, each);
        index[each] = i % dim_size(v->g, each);
        sum += values_at(v, n->in[0], index) * panels_at(v, n->in[1], n->arity == 3 ? n->in[2] : 0, index[out], i, index);
    }
    return sum;
}

static double gather_panels(struct sample *s, const struct values *v, const struct node *n, int64_t *index)
{
    const double id = values_at(v, n->in[n->arity - 1], index);
    (void)s;
    if (!(id >= 0 && id < (double)dim_size(v->g, (rk_dim)n->at.i[0]))) return 0;
    return panels_at(v, n->in[0], n->arity == 3 ? n->in[1] : 0, (int64_t)id, index[n->at.i[1]], index);
}

static const struct formula formulas[] = {
    { "softmax", softmax }, { "log_sum_exp", log_sum_exp }, { "layer norm", layer_norm }, { "RMS norm", rms_norm }, { "deviation norm", deviation_norm }, { "rope", rope }, { "attend", attend }, { "xent_head", xent_head },
    { "einsum_stored", einsum_stored }, { "einsum_panels", einsum_panels }, { "gather_panels", gather_panels },
};

static double (*formula_at)(struct sample *, const struct values *, const struct node *, int64_t *);

static void equals_formula(struct sample *s)
{
    static struct sample out;
    struct values v, before;
    if (!sample_write_out(s, NULL, NULL, &out)) return;
    const struct node *n = node_of(s->g, s->y);
    rk_graph *g = out.g;
    values_open(&before, s->ctx, s->g);                     /* the leaves and the views of them, which the formula reads */
    sample_fill(s, &before);
    values_open(&v, s->ctx, g);
    sample_fill(&out, &v);
    evaluate(&v, false);
    struct layout l = layout_dense(s->g, n->rank, n->dim);
    struct walk w;
    before.n = s->y;
    evaluate(&before, false);
    before.n = s->g->nodes.n;
    HOLDS(s, node_of(g, out.y)->rank == n->rank);
    for (walk_begin(&w, &l); w.valid && !s->failed; walk_next(&w)) {
        int64_t index[MOST_DIMS] = { 0 };
        for (int i = 0; i < w.rank; i++) index[w.dim[i]] = w.index[i];
        double y = values_at(&v, out.y, index), expected = formula_at(s, &before, n, index);
        NEAR(s, y, expected, 1e-10 * (1 + fabs(expected)));
    }
    values_close(&v);
    values_close(&before);
    rk_graph_close(g);
}

TEST(fused_operations_equal_their_formulas)
{
    for (size_t i = 0; i < sizeof formulas / sizeof *formulas; i++) {
        const struct law law = { .body = equals_formula, .rounds = 150, .largest = 4, .zeros = true, .views = true, .ties = true };
        formula_at = formulas[i].at;
        FOR_MAKERS(law, formulas[i].maker, NULL);
    }
}

TEST(every_fused_operation_has_a_formula_here)
{
    for (const struct maker *m = makers; m->name != NULL; m++) {
        bool known = (m->traits & IS_FUSED) == 0;
        for (size_t i = 0; i < sizeof formulas / sizeof *formulas; i++) known = known || strcmp(formulas[i].maker, m->name) == 0;
        if (!known) test_fail(__FILE__, __LINE__, "%s has no formula here", m->name);
    }
}
