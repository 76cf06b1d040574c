/* scatter.c: rows added into a table: zeros, unless there is something to add to, and every element of the result with one owner.
 * Ids outside go nowhere. Price: one FLOP per value. */
#include "backend/cuda/scatter.h"
#include "backend/cuda/copy.h"
#include "backend/cuda/kernels.h"
#include <string.h>

enum { FEW_ITEMS = 4, SORT_BLOCKS = 512, MOST_CHUNKS = 2048 };

static bool is_usual(rk_dtype d) { return d == RK_f32 || d == RK_bf16 || d == RK_f16; }

static void add_dim(struct layout *l, const struct layout *y, int i)
{
    l->dim[l->rank] = y->dim[i];
    l->size[l->rank++] = y->size[i];
}

static bool ids_stand_still(const struct cuda_walk *kept)
{
    for (int i = 0; i < kept->rank; i++)
        if (kept->stride[SCATTER_IDS][i] != 0) return false;
    return true;
}

static struct scatter_args scatter_of(const struct problem *p)
{
    const struct layout *y = &p->in[0].at, *to = &p->out[0].at;
    int axis = layout_axis(to, (rk_dim)p->node->at.i[0]);
    struct scatter_args a = { .dtype = p->out[0].dtype, .id_dtype = p->in[1].dtype, .accumulate = p->accumulate, .size = to->size[axis], .step = to->stride[axis], .wide = 1 };
    struct layout rows = *to, kept = { 0 }, summed = { 0 };
    rows.dim[axis] = -1;                                    /* ids choose along it: no loop moves it */
    for (int i = 0; i < y->rank; i++) add_dim(layout_axis(&rows, y->dim[i]) >= 0 ? &kept : &summed, y, i);
    const struct layout *const all[] = { &rows, y, &p->in[1].at };
    cuda_walk_over(&a.kept, &kept, all, 3);
    cuda_walk_over(&a.summed, &summed, all + 1, 2);
    int64_t n = a.summed.count;
    bool sorted = ids_stand_still(&a.kept) && n < INT32_MAX && a.size < INT32_MAX;
    a.how = n == 1 ? SCATTER_ONCE : sorted ? SCATTER_SORTED : SCATTER_SEARCH;
    if (n == 0) return a;
    a.chunk = cuda_parts(cuda_parts(n, MOST_CHUNKS), SCATTER_SLICE) * SCATTER_SLICE;
    a.chunks = cuda_parts(n, a.chunk);
    a.items = cuda_parts(n, (int64_t)SCATTER_SORTERS * SORT_BLOCKS);
    if (a.items < FEW_ITEMS) a.items = FEW_ITEMS;
    a.sorters = cuda_parts(n, a.items * SCATTER_SORTERS);
    return a;
}

/* Parts of the workspace, one behind the other; `at` NULL: only how many bytes. */
static size_t divide(struct scatter_args *a, char *at)
{
    size_t numbers = cuda_aligned((size_t)a->summed.count * sizeof(uint32_t)), counts = cuda_aligned((size_t)(a->sorters * SCATTER_DIGIT) * sizeof(uint32_t));
    size_t shared = cuda_aligned((size_t)(a->chunks * a->kept.count) * (is_usual(a->dtype) ? sizeof(float) : sizeof(double)));
    if (a->how != SCATTER_SORTED || a->summed.count == 0) return 0;
    if (at == NULL) return 4 * numbers + counts + 2 * shared;
    for (int i = 0; i < 2; i++) a->keys[i] = (uint32_t *)(void *)(at + (size_t)i * numbers), a->positions[i] = (uint32_t *)(void *)(at + (size_t)(2 + i) * numbers);
    a->counts = (uint32_t *)(void *)(at + 4 * numbers);
    a->head = at + 4 * numbers + counts;
    a->tail = at + 4 * numbers + counts + shared;
    return 0;
}

bool cuda_scatter_accepts(const struct problem *p) { return p->n_in == 2 && p->n_out == 1 && p->in[0].dtype == p->out[0].dtype && p->in[1].dtype > RK_f8e5m2; }

rk_status cuda_scatter_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out)
{
    struct scatter_args a = scatter_of(p);
    (void)ctx;
    memset(out, 0, sizeof *out);
    out->scratch = divide(&a, NULL);
    out->elementwise_flops = (uint64_t)layout_elements(&p->in[0].at);
    return RK_OK;
}

/* 16 bytes of the result, or half of that, are a thread's where values and result have them side by side. */
static void widen(struct scatter_args *a)
{
    int most = 16 / (int)rk_dtype_bytes(a->dtype);
    a->units = a->kept.count;
    if (a->how != SCATTER_SORTED || !is_usual(a->dtype)) return;
    if (!cuda_is_at(a->to, 16) || !cuda_is_at(a->values, 16) || a->step % most != 0) return;
    for (int i = 0; i < a->summed.rank; i++)
        if (a->summed.stride[SCATTER_SUMMED_VALUES][i] % most != 0) return;
    if (!cuda_walk_in_units(&a->kept, 1u << SCATTER_TO | 1u << SCATTER_VALUES, most)) return;
    a->wide = most;
    a->units = a->kept.count;
}

rk_status cuda_scatter_run(rk_ctx *ctx, const struct call *c)
{
    const struct problem *p = c->problem;
    struct scatter_args a = scatter_of(p);
    const struct cuda_move zeros = { c->out[0], NULL, a.dtype, a.dtype, p->out[0].at, p->out[0].at };
    a.to = cuda_out(c, 0);
    a.values = cuda_in(c, 0);
    a.ids = cuda_in(c, 1);
    if (layout_elements(&p->out[0].at) == 0) return RK_OK;
    if (!p->accumulate && (a.how != SCATTER_SEARCH || a.summed.count == 0)) TRY(cuda_move(ctx, cuda_of(p)->stream, &zeros));
    if (layout_elements(&p->in[0].at) == 0) return RK_OK;
    (void)divide(&a, c->scratch);
    widen(&a);
    scatter_launch(&a, cuda_of(p)->stream);
    return LAUNCHED("scatter");
}
