/* attend_few.c: attention of few queries: every token that is generated. Bound by the reading of keys and values, so both are read once,
 * as they lie: a task is some heads of one sequence, which lie side by side at every position, and goes over the positions in stretches
 * that stay in the first-level cache while all its heads and queries pass.
 *
 * How many heads a task has is a function of the shape; what is computed of a head does not depend on it. */
#include "backend/cpu/attend_inner.h"
#include <string.h>

enum { STRETCH = 16, TASKS = 8, ALIGNED = 16 };                 /* positions; tasks there should be; floats */

struct few_head { const float *q, *k, *v; float *y; int64_t keys; };                /* keys: that the last query sees */
/* Of a worker, in its scratch. */
struct room { struct few_head *heads; float *p, *sums, *queries; size_t bytes; };

static int64_t aligned(int64_t n) { return (n + ALIGNED - 1) / ALIGNED * ALIGNED; }

/* The heads of the innermost dimension are shared out to as many tasks as it takes to have some. */
static int64_t heads_side_by_side(const struct attend *a) { return a->n_outer == 0 ? 1 : a->outer[a->n_outer - 1]; }

static int64_t heads_of_task(const struct attend *a)
{
    int64_t side = heads_side_by_side(a), rows = side > 0 ? a->heads / side : 0, parts = rows < 1 ? 1 : (TASKS + rows - 1) / rows;
    if (parts > side) parts = side;
    return parts < 1 ? 1 : (side + parts - 1) / parts;
}

static int64_t tasks_of_row(const struct attend *a) { return (heads_side_by_side(a) + heads_of_task(a) - 1) / heads_of_task(a); }

int64_t attend_few_tasks(const struct attend *a) { return a->heads == 0 ? 0 : a->heads / heads_side_by_side(a) * tasks_of_row(a); }

static struct room room_of(const struct attend *a, char *base)
{
    int64_t heads = heads_of_task(a), rows = heads * a->seq;
    struct room r = { .heads = (struct few_head *)(void *)base };
    r.bytes = ((size_t)heads * sizeof *r.heads + 63) & ~(size_t)63;
    int64_t floats[3] = { rows * aligned(a->key), rows * aligned(a->width), rows * aligned(a->width) };
    float **at[3] = { &r.p, &r.sums, &r.queries };
    for (int i = 0; i < 3; i++) {
        *at[i] = base == NULL ? NULL : (float *)(void *)(base + r.bytes);
        r.bytes += (size_t)floats[i] * sizeof(float);
    }
    return r;
}

size_t attend_few_bytes(const struct attend *a) { return room_of(a, NULL).bytes; }

uint64_t attend_few_scores(const struct attend *a, int64_t keys) { return (uint64_t)(a->seq * attend_seen(a, a->seq, keys)); }

/* Queries side by side, whatever way they lie. */
static void find_head(const struct attend_work *w, const struct room *r, int64_t i, int64_t head)
{
    const struct attend *a = w->a;
    void *const *in = w->c->in;
    const float *q = attend_at(a, in[0], &a->q, head);
    float *own = r->queries + i * a->seq * aligned(a->width);
    for (int64_t t = 0; t < a->seq; t++)
        for (int64_t j = 0; j < a->width; j++) own[t * aligned(a->width) + j] = q[t * a->q.row + j * a->q.number];
    r->heads[i] = (struct few_head){ own, attend_at(a, in[1], &a->k, head), attend_at(a, in[2], &a->v, head), attend_at(a, w->c->out[0], &a->y, head),
                                     attend_seen(a, a->seq, attend_keys(w, head)) };
}

/* What `each` makes of a stretch of positions of every head and query. */
static void over_stretches(const struct attend_work *w, const struct room *r, int64_t heads, bool values)
{
    const struct attend *a = w->a;
    int64_t wide = aligned(a->width), deep = aligned(a->key);
    for (int64_t from = 0; from < a->key; from += STRETCH)
        for (int64_t i = 0; i < heads; i++) {
            const struct few_head *h = &r->heads[i];
            int64_t n = gemm_least(STRETCH, h->keys - from);
            for (int64_t t = i * a->seq; t < (i + 1) * a->seq && n > 0; t++) {
                if (values) w->kernels->add_rows(r->p + t * deep + from, h->v + from * a->v.row, a->v.row, n, r->sums + t * wide, a->width);
                else w->kernels->dot_rows(r->queries + t * wide, h->k + from * a->k.row, a->k.row, n, r->p + t * deep + from, a->width);
            }
        }
}

static void weights(const struct attend_work *w, const struct room *r, int64_t heads, int64_t first)
{
    const struct attend *a = w->a;
    for (int64_t i = 0; i < heads; i++)
        for (int64_t t = 0; t < a->seq; t++) {
            float *p = r->p + (i * a->seq + t) * aligned(a->key);
            w->kernels->row(p, r->heads[i].keys, attend_seen(a, t + 1, attend_keys(w, first + i)), a->scale);
            for (int64_t s = 0; s < r->heads[i].keys && a->keep < 1; s++) p[s] *= attend_mask(w, first + i, t, s);
        }
}

void attend_few(void *work, int64_t task, int worker)
{
    const struct attend_work *w = work;
    const struct attend *a = w->a;
    int64_t side = heads_side_by_side(a), each = heads_of_task(a), part = task % tasks_of_row(a), first = task / tasks_of_row(a) * side + part * each;
    int64_t heads = gemm_least(each, side - part * each), wide = aligned(a->width);
    struct room r = room_of(a, (char *)w->c->scratch + (size_t)worker * a->worker_bytes);
    for (int64_t i = 0; i < heads; i++) find_head(w, &r, i, first + i);
    memset(r.sums, 0, (size_t)(heads * a->seq * wide) * sizeof *r.sums);
    over_stretches(w, &r, heads, false);
    weights(w, &r, heads, first);
    over_stretches(w, &r, heads, true);
    for (int64_t i = 0; i < heads; i++)
        for (int64_t t = 0; t < a->seq; t++)
            for (int64_t j = 0; j < a->width; j++) r.heads[i].y[t * a->y.row + j * a->y.number] = r.sums[(i * a->seq + t) * wide + j];
}
