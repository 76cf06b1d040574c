/* build.c: a graph of a model: checks the sizes, lets the family say its wiring, seals. */
#include "base/vec.h"
#include "core/graph.h"
#include "model/model.h"
#include <string.h>

int64_t parameter_elements(const rk_graph *g, const struct parameter *p)
{
    const struct node *n = node_of(g, p->ref);
    int64_t elements = 1;
    for (int i = 0; i < n->rank; i++) elements *= dim_size(g, n->dim[i]);       /* the graph has checked that this fits */
    return elements;
}

void built_close(struct built *b)
{
    rk_ctx *ctx = b->ctx;
    if (ctx == NULL) return;
    VEC_FREE(&b->parameters);
    map_free(ctx, &b->roles);
    rk_graph_close(b->g);
    *b = (struct built){ .ctx = NULL };
}

int built_find(const struct built *b, const char *role, size_t n)
{
    int i;
    return map_get(&b->roles, role, n, &i) ? i : -1;
}

/* The longest sequence: fields called position are a promise of every family. */
static rk_status check_sizes(rk_ctx *ctx, const rk_model *m, const struct builder *b)
{
    int64_t most = config_int(&m->config, "position");
    if (b->batch < 1) return FAIL(RK_E_ARG, "%s: a batch of %lld sequences", m->name, (long long)b->batch);
    if (b->seq < 1) return FAIL(RK_E_ARG, "%s: sequences of %lld tokens", m->name, (long long)b->seq);
    if (b->positions < 1) return FAIL(RK_E_ARG, "%s: a cache of %lld positions", m->name, (long long)b->positions);
    if (b->seq <= most && b->positions <= most) return RK_OK;
    (void)FAIL(RK_E_LIMIT, "%s: %lld positions are asked for, but its context is %lld", m->name, (long long)(b->seq > most ? b->seq : b->positions), (long long)most);
    return ctx_hint(ctx, "take shorter sequences, or a model with a longer context");
}

static struct builder begin(rk_ctx *ctx, const rk_model *m, const struct build_options *o)
{
    int64_t context = config_int(&m->config, "position");
    return (struct builder){
        .ctx = ctx, .c = &m->config, .purpose = o->purpose, .batch = o->batch == 0 ? 1 : o->batch, .seq = o->seq == 0 ? context : o->seq,
        .positions = o->positions == 0 ? context : o->positions, .dropout = o->dropout, .hidden_states = o->hidden_states,
        .dtype = o->dtype == RK_f64 && !o->wide ? RK_f32 : o->dtype,
    };
}

rk_status model_build(rk_ctx *ctx, const rk_model *m, const struct build_options *options, struct built *built)
{
    struct builder b = begin(ctx, m, options);
    rk_status status;
    *built = (struct built){ .ctx = ctx };
    GO(check_sizes(ctx, m, &b));
    if (b.dtype > RK_f8e5m2) {
        status = FAIL(RK_E_DTYPE, "%s: parameters of %s", m->name, rk_dtype_name(b.dtype));
        goto out;
    }
    GO(rk_graph_open(ctx, &b.g));
    m->config.arch->build(&b);
    GO(rk_graph_seal(b.g));
    for (int i = 0; i < b.parameters.n; i++) GO(map_put(ctx, &built->roles, b.parameters.at[i].name, strlen(b.parameters.at[i].name), i));
out:
    built->g = b.g;
    built->parameters.at = b.parameters.at;
    built->parameters.n = b.parameters.n;
    built->parameters.room = b.parameters.room;
    if (status != RK_OK) built_close(built);
    return status;
}

rk_status rk_model_parameters(rk_model *m, uint64_t *parameters)
{
    rk_ctx *ctx = m->ctx;
    struct built built;
    *parameters = 0;
    TRY(model_build(ctx, m, &(struct build_options){ .purpose = FOR_SCORING, .seq = 1 }, &built));
    for (int i = 0; i < built.parameters.n; i++) *parameters += (uint64_t)parameter_elements(built.g, &built.parameters.at[i]);
    built_close(&built);
    return RK_OK;
}
