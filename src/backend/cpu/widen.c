/* widen.c: attention and the head with its loss, of operands in 16 bits, by the kernels of f32.
 *
 * Operands are widened into the workspace, exactly; the kernel of f32 does the work; results in 16 bits are rounded from its, once. So
 * attention weights, which other machines round to 16 bits, stay f32 here. What it costs beside f32 is a sweep over what is read and written.
 * Not here: the head by tiles (xent_head.c). */
#include "backend/cpu/copy.h"
#include "backend/cpu/cpu.h"
#include "backend/cpu/machine.h"
#include "core/opdef.h"
#include <string.h>

struct wide_kernel {
    bool (*accepts)(const struct problem *p);
    rk_status (*prepare)(rk_ctx *ctx, const struct problem *p, struct prepared *out);
    rk_status (*run)(rk_ctx *ctx, const struct call *c);
};

/* The same problem in f32: what had 16 bits lies in the workspace, one behind the other from `first` on. */
struct twin { struct problem p; struct problem_room room; size_t in_at[MOST_PROBLEM_OPERANDS], out_at[MOST_PROBLEM_RESULTS], bytes; };

static bool has_16_bits(const struct operand *x) { return x->dtype == RK_bf16 || x->dtype == RK_f16; }

static struct operand widened(const struct operand *x, size_t *bytes)
{
    struct operand wide = { x->ref, RK_f32, x->at };
    int64_t stride = 1;
    wide.at.offset = 0;
    for (int i = wide.at.rank - 1; i >= 0; i--) {
        wide.at.stride[i] = stride;
        stride *= wide.at.size[i];
    }
    *bytes += ((size_t)stride * sizeof(float) + 63) & ~(size_t)63;
    return wide;
}

/* The result of the operation itself, which stands before its gradient: no kernel here reads it. */
static bool is_unread(const struct problem *p, int i) { return p->op == &op_adjoint && i == p->n_in - 2; }

static void twin_of(const struct problem *p, struct twin *t)
{
    t->p = *p;
    t->p.in = t->room.in;
    t->p.out = t->room.out;
    t->bytes = 0;
    for (int i = 0; i < p->n_in; i++) {
        t->in_at[i] = t->bytes;
        t->room.in[i] = p->in[i];
        if (has_16_bits(&p->in[i]) && is_unread(p, i)) t->room.in[i].dtype = RK_f32;
        else if (has_16_bits(&p->in[i])) t->room.in[i] = widened(&p->in[i], &t->bytes);
    }
    for (int i = 0; i < p->n_out; i++) {
        t->out_at[i] = t->bytes;
        t->room.out[i] = has_16_bits(&p->out[i]) ? widened(&p->out[i], &t->bytes) : p->out[i];
    }
}

static bool accepts(const struct problem *p, const struct wide_kernel *k)
{
    struct twin t;
    bool any = false;
    for (int i = 0; i < p->n_in; i++) any = any || has_16_bits(&p->in[i]);
    if (!any || p->live || p->accumulate) return false;
    twin_of(p, &t);
    return k->accepts == NULL || k->accepts(&t.p);
}

static rk_status prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out, const struct wide_kernel *k)
{
    struct twin t;
    twin_of(p, &t);
    TRY(k->prepare(ctx, &t.p, out));
    out->scratch = t.bytes + out->scratch;
    return RK_OK;
}

static void move(rk_ctx *ctx, enum isa isa, const struct operand *to, void *to_address, const struct operand *from, const void *from_address)
{
    copy_move(ctx, &(struct move){ to_address, from_address, to->dtype, from->dtype, to->at, from->at }, copy_kernels(isa));
}

static rk_status run(rk_ctx *ctx, const struct call *c, const struct wide_kernel *k)
{
    const struct problem *p = c->problem;
    struct twin t;
    struct prepared prepared;
    struct call wide = *c;
    void *in[MOST_PROBLEM_OPERANDS], *out[MOST_PROBLEM_RESULTS];
    char *scratch = c->scratch;
    twin_of(p, &t);
    TRY(k->prepare(ctx, &t.p, &prepared));                                  /* it fits no place beside this one's own */
    for (int i = 0; i < p->n_in; i++) {
        bool moves = has_16_bits(&p->in[i]) && !is_unread(p, i);
        in[i] = moves ? scratch + t.in_at[i] : c->in[i];
        if (moves) move(ctx, machine_isa(p), &t.p.in[i], in[i], &p->in[i], c->in[i]);
    }
    for (int i = 0; i < p->n_out; i++) out[i] = has_16_bits(&p->out[i]) ? scratch + t.out_at[i] : c->out[i];
    wide.problem = &t.p;
    wide.prepared = &prepared;
    wide.in = in;
    wide.out = out;
    wide.scratch = scratch + t.bytes;
    TRY(k->run(ctx, &wide));
    for (int i = 0; i < p->n_out; i++)
        if (has_16_bits(&p->out[i])) move(ctx, machine_isa(p), &p->out[i], c->out[i], &t.p.out[i], out[i]);
    return RK_OK;
}

#define WIDENED(name)                                                                                                 \
    static const struct wide_kernel name = { name##_accepts, name##_prepare, name##_run };                            \
    bool name##_16_accepts(const struct problem *p) { return accepts(p, &name); }                                     \
    rk_status name##_16_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out) { return prepare(ctx, p, out, &name); }        \
    rk_status name##_16_run(rk_ctx *ctx, const struct call *c) { return run(ctx, c, &name); }
WIDENED(attend)
WIDENED(attend_adjoint)
WIDENED(xent_head)
WIDENED(xent_head_adjoint)
#undef WIDENED
