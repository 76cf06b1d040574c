/* run_values.c: the inputs and outputs of a run: copied and converted between the caller's dense arrays and wherever the plan has them,
 * at the current extents. */
#include "run/run.h"
#include <string.h>

/* Calls move for every stretch that is dense on both sides: `at` in elements on the device, `host` on the host. */
static rk_status for_rows(rk_ctx *ctx, const struct run *r, const struct layout *l, char *base, rk_dtype device_dtype, char *host, rk_dtype host_dtype, bool in)
{
    int64_t index[RK_MAX_RANK] = { 0 }, row = 1, host_at = 0;
    size_t bytes = r->backend->bytes_of(device_dtype), host_bytes = rk_dtype_bytes(host_dtype);
    int outer = l->rank;
    while (outer > 0 && l->stride[outer - 1] == row) row *= l->size[--outer];
    for (int i = 0; i < l->rank; i++)
        if (l->size[i] == 0) return RK_OK;
    for (;;) {
        int64_t at = l->offset;
        for (int i = 0; i < outer; i++) at += index[i] * l->stride[i];
        char *d = base + (size_t)at * bytes, *h = host + (size_t)host_at * host_bytes;
        TRY(in ? r->backend->write(ctx, d, device_dtype, h, host_dtype, (size_t)row) : r->backend->read(ctx, h, host_dtype, d, device_dtype, (size_t)row));
        host_at += row;
        int i = outer - 1;
        for (; i >= 0 && ++index[i] == l->size[i]; i--) index[i] = 0;
        if (i < 0) return RK_OK;
    }
}

static struct layout current_layout(const struct run *r, rk_ref x, rk_ref *base)
{
    struct layout l = layout_of(r->plan->g, x, base);
    for (int i = 0; i < l.rank; i++)
        if (r->plan->g->dims.at[l.dim[i]].live) l.size[i] = r->extent[l.dim[i]];
    return l;
}

rk_status run_input(rk_ctx *ctx, struct run *r, const char *name, const void *from, rk_dtype dtype)
{
    for (int i = 0; i < r->plan->n_inputs; i++) {
        const struct plan_slot *s = &r->plan->inputs[i];
        if (strcmp(s->name, name) != 0) continue;
        struct layout l = current_layout(r, s->ref, NULL);
        if (layout_elements(&l) == 0) return RK_OK;
        return for_rows(ctx, r, &l, r->input_arena + r->input_at[i], s->dtype, (char *)(uintptr_t)from, dtype, true);
    }
    return RK_OK;
}

char *run_address(const struct run *r, const struct place *p)
{
    char *base = NULL;
    int64_t at = 0;
    switch (p->kind) {
    case IN_ARENA: base = r->arena, at = p->at; break;
    case IN_STORE: base = r->state_at[p->at]; break;
    case IN_INPUT: base = r->input_arena, at = r->input_at[p->at]; break;
    case IN_NOTHING: break;
    }
    return base != NULL ? base + at : (char *)r->extent;
}

bool run_has_output(const struct run *r, const char *name)
{
    return graph_find_output(r->plan->g, name) != 0;
}

void *run_output_at(const struct run *r, const char *name, rk_dtype dtype)
{
    for (int i = 0; i < r->plan->n_outputs && r->backend->maps; i++) {
        const struct plan_slot *s = &r->plan->outputs[i];
        if (strcmp(s->name, name) != 0 || s->dtype != dtype) continue;
        struct layout l = current_layout(r, s->ref, NULL);
        int64_t step = 1;
        for (int k = l.rank - 1; k >= 0; step *= l.size[k--])
            if (l.size[k] > 1 && l.stride[k] != step) return NULL;
        return run_address(r, &r->plan->output_places[i]) + (size_t)l.offset * r->backend->bytes_of(dtype);
    }
    return NULL;
}

/* The layout without its first axes, each of which stays at one index. */
static struct layout layout_row(const struct layout *whole, int n, const int64_t *index)
{
    struct layout l = { .rank = whole->rank - n, .offset = whole->offset };
    for (int i = 0; i < n; i++) l.offset += index[i] * whole->stride[i];
    for (int i = 0; i < l.rank; i++) {
        l.dim[i] = whole->dim[n + i];
        l.size[i] = whole->size[n + i];
        l.stride[i] = whole->stride[n + i];
    }
    return l;
}

rk_status run_output_row(rk_ctx *ctx, const struct run *r, const char *name, int n, const int64_t *index, void *to, rk_dtype dtype)
{
    for (int i = 0; i < r->plan->n_outputs; i++) {
        const struct plan_slot *s = &r->plan->outputs[i];
        if (strcmp(s->name, name) != 0) continue;
        struct layout l = current_layout(r, s->ref, NULL);
        PROMISE(n <= l.rank);
        for (int k = 0; k < n; k++) PROMISE(index[k] >= 0 && index[k] < l.size[k]);
        l = layout_row(&l, n, index);
        return for_rows(ctx, r, &l, run_address(r, &r->plan->output_places[i]), s->dtype, to, dtype, false);
    }
    return FAIL(RK_E_UNKNOWN, "the graph has no output named %s", name);
}

rk_status run_output(rk_ctx *ctx, const struct run *r, const char *name, void *to, rk_dtype dtype) { return run_output_row(ctx, r, name, 0, NULL, to, dtype); }
