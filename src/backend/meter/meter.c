/* meter.c: see meter.h. The tally of a call stands at the front of its workspace, before one bit per element of every operand. */
#include "backend/meter/meter.h"
#include "backend/ref/ref.h"
#include "core/opdef.h"
#include <string.h>

enum { ALIGNED = 64, OF_RESULT = MOST_PROBLEM_OPERANDS - 1 };

static size_t round_up(size_t bytes) { return (bytes + ALIGNED - 1) & ~(size_t)(ALIGNED - 1); }
static size_t bits(const struct layout *l) { return round_up((size_t)reference_span(l) / 8 + 1); }

static size_t front(const struct problem *p)
{
    size_t bytes = round_up(sizeof(struct tally)) + bits(&p->out[0].at);
    for (int i = 0; i < p->n_in; i++) bytes += bits(&p->in[i].at);
    return bytes;
}

static rk_status prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out)
{
    TRY(reference_prepare(ctx, p, true, out));
    out->scratch += front(p);
    return RK_OK;
}

static struct tally *begin(const struct problem *p, void *scratch)
{
    struct tally *t = scratch;
    unsigned char *next = (unsigned char *)scratch + round_up(sizeof *t);
    memset(scratch, 0, front(p));
    for (int i = 0; i < p->n_in; i++) {
        int same = 0;
        while (p->in[same].ref != p->in[i].ref) same++;
        t->seen[i] = same < i ? t->seen[same] : next;
        next += bits(&p->in[i].at);
    }
    t->seen[OF_RESULT] = next;
    return t;
}

static const struct opdef *twin(const struct opdef *op)
{
    int i = 0;
    while (op_list[i] != op) i++;
    return meter_list[i];
}

static rk_status run(rk_ctx *ctx, const struct call *c)
{
    (void)ctx;
    struct tally *t = begin(c->problem, c->scratch);
    reference_run(c, true, twin(c->problem->op), t, front(c->problem));
    if (c->issued != NULL) *c->issued += t->product_flops;
    return RK_OK;
}

static void add(struct tally *to, const struct tally *t)
{
    to->product_flops += t->product_flops;
    to->elementwise_flops += t->elementwise_flops;
    to->read += t->read;
    to->written += t->written;
}

static rk_status after(rk_ctx *ctx, void *watch, const struct call *c)
{
    struct meter *m = watch;
    const struct tally *t = c->scratch;
    if (m == NULL) return RK_OK;
    PROMISE(c->problem->first > 0 && c->problem->first < m->n);
    if (c->problem->op != c->problem->node->op) {
        m->moved += t->written;
        return RK_OK;
    }
    add(&m->node[c->problem->first], t);
    add(&m->total, t);
    return RK_OK;
}

static const struct kernel kernels[] = {
    { .op = "*", .name = "meter", .accepts = reference_accepts, .prepare = prepare, .run = run, .why = "it counts" },
    { .op = NULL },
};

static const struct backend meter = {
    .name = "meter", .kernels = kernels, .bytes_of = doubles_bytes_of, .after = after,
    .alloc = host_alloc, .free = host_free, .write = doubles_write, .read = doubles_read,
};

const struct backend *backend_meter(void) { return &meter; }

rk_status meter_open(rk_ctx *ctx, const rk_graph *g, struct meter **out)
{
    struct meter *m;
    *out = NULL;
    TRY(NEW(m, 1));
    m->ctx = ctx;
    m->n = g->nodes.n;
    rk_status status = NEW(m->node, m->n);
    if (status == RK_OK) *out = m;
    else FREE(m, 1);
    return status;
}

void meter_close(struct meter *m)
{
    if (m == NULL) return;
    rk_ctx *ctx = m->ctx;
    FREE(m->node, m->n);
    FREE(m, 1);
}
