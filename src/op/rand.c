/* rand: the mask of dropout: 1/keep with probability keep, else 0 (f32).
 *
 * Drawn from a counter: element i of site s at step t is a function of (seed, t, s, i) alone, so that masks cost no memory,
 * are the same in forward and backward, and do not depend on threads or on how the work is cut (core/mapfn: rand_value).
 * Attributes  f[0] = keep, i[0] = hash of the site. Text: "site: dims". Source: Srivastava et al. 2014; Salmon et al. 2011. */
#include "op/build.h"
#include <stdio.h>
#include <string.h>

static rk_status infer(rk_ctx *ctx, rk_graph *g, struct node *n)
{
    const char *dims = strrchr(n->text, ':');
    if (!(n->at.f[0] > 0 && n->at.f[0] <= 1)) return FAIL(RK_E_ARG, "rand \"%s\": keep is %g, expected within (0, 1]", n->text, n->at.f[0]);
    n->dtype = RK_f32;
    return node_order(ctx, g, n, dims == NULL ? "" : dims + 1);
}

static void ref(const struct refcall *c)
{
    uint64_t index = 0;
    struct walk w;
    for (walk_along(&w, &c->out.l); w.valid; walk_next(&w))
        PUT(c, w.at[0], rand_value(c->live->seed, c->live->step, (uint64_t)c->n->at.i[0], index++, c->n->at.f[0]));
}

OPDEF(rand) = { .name = "rand", .flags = OP_SOURCE | OP_VIRTUAL, .infer = infer, .bill = bill_write, .ref = ref };

#ifndef RECKON_METER
rk_ref rk_rand(rk_graph *g, const char *site, double keep, const char *dims)
{
    char text[2 * DIMS_TEXT];
    if (snprintf(text, sizeof text, "%s: %s", site, dims) >= (int)sizeof text) build_mistake(g, RK_E_LIMIT, "rand: the site %.32s... is too long a name", site);
    return graph_add(g, NODE(op_rand, .text = text, .at.f[0] = keep, .at.i[0] = (int64_t)rand_site(site)));
}
#endif
