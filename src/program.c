/* program.c: a graph of one's own on a device: lowered, placed, allocated, run. See reckon/plan.h.
 *
 * What models do through their rooms, for anybody's graph, with nothing in between. */
#include "pass/pass.h"
#include "reckon/plan.h"
#include "run/device.h"
#include "run/run.h"
#include <string.h>

struct rk_program {
    rk_ctx *ctx;
    rk_graph *g;
    struct plan *plan;
    struct store *store;
    struct run *run;
    struct str text;
};

void rk_program_close(rk_program *p)
{
    if (p == NULL) return;
    rk_ctx *ctx = p->ctx;
    run_close(p->run);
    store_close(p->store);
    plan_free(p->plan);
    rk_graph_close(p->g);
    str_free(ctx, &p->text);
    FREE(p, 1);
}

/* --- opening --- */

/* What a gradient was already taken of cannot be written out any more. */
static bool has_adjoint(const rk_graph *g, rk_ref r)
{
    for (rk_ref a = r + 1; a < g->nodes.n; a++)
        if (node_of(g, a)->op == &op_adjoint && node_of(g, a)->at.i[1] == r) return true;
    return false;
}

static bool keep(void *user, const rk_graph *g, rk_ref r) { return has_adjoint(g, r) || backend_takes(user, g, r, false); }

static rk_status make(rk_ctx *ctx, rk_program *p, const rk_graph *g, const struct backend *backend, const rk_program *share)
{
    TRY(pass_expand(ctx, g, keep, (void *)(uintptr_t)backend, &p->g, NULL));
    TRY(rk_graph_seal(p->g));
    TRY(pass_lower(ctx, p->g, backend, &p->plan));
    TRY(pass_place(ctx, p->plan, &(struct plan_options){ .reuse = true }));
    TRY(store_open(ctx, backend, &p->store));
    if (share != NULL) p->store->shared = share->store;
    TRY(store_declare(ctx, p->store, p->g));
    TRY(store_allocate(ctx, p->store));
    return run_open(ctx, p->plan, p->store, &p->run);
}

rk_status rk_program_open(rk_ctx *ctx, const rk_graph *graph, rk_device *device, rk_program *share, rk_program **program)
{
    rk_program *p;
    *program = NULL;
    if (!graph->sealed || graph->status != RK_OK) return FAIL(RK_E_ARG, "a program of a graph that is not sealed");
    if (share != NULL && share->store->backend != device_backend(device)) return FAIL(RK_E_ARG, "states are to be shared across devices");
    TRY(NEW(p, 1));
    p->ctx = ctx;
    rk_status status = make(ctx, p, graph, device_backend(device), share);
    if (status == RK_OK) *program = p;
    else rk_program_close(p);
    return status == RK_OK ? RK_OK : ctx_pass(ctx, status, __FILE__, __LINE__, __func__);
}

/* --- running --- */

/* "no input is named y", and those that there are. */
static rk_status unknown(rk_program *p, const char *what, const char *name, const struct plan_slot *slots, int n, rk_kind kind)
{
    rk_ctx *ctx = p->ctx;
    struct str names = { 0 };
    (void)FAIL(RK_E_UNKNOWN, "the program has no %s named \"%.100s\"", what, name);
    for (int i = 0; i < n && names.n < ERROR_HINT; i++)
        if ((kind == RK_KIND_COUNT || slots[i].kind == kind) && str_format(ctx, &names, "%s%s", names.n == 0 ? "" : ", ", slots[i].name) != RK_OK) break;
    rk_status status = ctx_hint(ctx, "there %s: %s", names.n == 0 ? "is none" : "are", str_c(&names));
    str_free(ctx, &names);
    return status;
}

static bool among(const struct plan_slot *slots, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (strcmp(slots[i].name, name) == 0) return true;
    return false;
}

rk_status rk_program_extent(rk_program *p, const char *dim, int64_t extent) { return run_extent(p->ctx, p->run, dim, extent); }

/* An input that the graph declares and nothing reads is accepted: the plan has no place for it. */
rk_status rk_program_input(rk_program *p, const char *name, const void *values, rk_dtype dtype)
{
    if (graph_find_source(p->g, &op_input, 0, name) == 0) return unknown(p, "input", name, p->plan->inputs, p->plan->n_inputs, RK_KIND_COUNT);
    return run_input(p->ctx, p->run, name, values, dtype);
}

rk_status rk_program_output(rk_program *p, const char *name, void *values, rk_dtype dtype)
{
    if (!among(p->plan->outputs, p->plan->n_outputs, name)) return unknown(p, "output", name, p->plan->outputs, p->plan->n_outputs, RK_KIND_COUNT);
    return run_output(p->ctx, p->run, name, values, dtype);
}

/* The store that holds a state: the program's own, or one it shares. */
static struct store *holder(rk_program *p, rk_kind kind, const char *state, int *entry)
{
    for (const struct store *s = p->store; s != NULL; s = s->shared) {
        *entry = (unsigned)kind < RK_KIND_COUNT ? store_find(s, kind, state) : -1;
        if (*entry >= 0) return (struct store *)(uintptr_t)s;
    }
    return NULL;
}

rk_status rk_program_write(rk_program *p, rk_kind kind, const char *state, const void *values, rk_dtype dtype)
{
    int entry;
    struct store *s = holder(p, kind, state, &entry);
    return s == NULL ? unknown(p, "state", state, p->plan->states, p->plan->n_states, kind) : store_write(p->ctx, s, entry, values, dtype);
}

rk_status rk_program_read(rk_program *p, rk_kind kind, const char *state, void *values, rk_dtype dtype)
{
    int entry;
    struct store *s = holder(p, kind, state, &entry);
    return s == NULL ? unknown(p, "state", state, p->plan->states, p->plan->n_states, kind) : store_read(p->ctx, s, entry, values, dtype);
}

rk_status rk_program_run(rk_program *p, uint64_t seed, uint64_t step) { return run_go(p->ctx, p->run, seed, step); }

/* --- what it is --- */

uint64_t rk_program_bytes(const rk_program *p, rk_kind kind)
{
    if (kind == RK_ACTIVATION) return (uint64_t)p->plan->bytes;
    if (kind == RK_WORKSPACE) return (uint64_t)p->plan->workspace;
    if (kind == RK_INPUT) return (uint64_t)p->run->input_bytes;
    return (unsigned)kind < RK_KIND_COUNT ? (uint64_t)p->store->bytes[kind] : 0;
}

rk_status rk_program_text(rk_program *p, const char **text)
{
    rk_ctx *ctx = p->ctx;
    p->text.n = 0;
    TRY(plan_text(ctx, p->plan, &p->text));
    *text = str_c(&p->text);
    return RK_OK;
}
