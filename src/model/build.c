/* build.c: a graph of a model: checks the sizes, lets the family say its wiring, seals. */
#include "base/vec.h"
#include "core/graph.h"
#include "model/bind.h"
#include "model/block.h"
#include "model/block_inner.h"
#include "model/model.h"
#include <string.h>

enum { LONGEST_BLOCK = 64 };                        /* parameters of one */

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

rk_status built_index(rk_ctx *ctx, struct built *b)
{
    map_free(ctx, &b->roles);
    for (int i = 0; i < built_stored(b); i++) TRY(map_put(ctx, &b->roles, b->parameters.at[i].name, strlen(b->parameters.at[i].name), i));
    return RK_OK;
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
    if (b->batch % b->beams != 0) return FAIL(RK_E_ARG, "%s: %lld rows, %lld to a source", m->name, (long long)b->batch, (long long)b->beams);
    if (b->source < 0) return FAIL(RK_E_ARG, "%s: sources of %lld tokens", m->name, (long long)b->source);
    int64_t longest = b->seq > b->positions ? b->seq : b->positions;
    if (b->source > longest) longest = b->source;
    if (longest <= most) return RK_OK;
    (void)FAIL(RK_E_ARG, "%s: %lld positions are asked for, but its context is %lld", m->name, (long long)longest, (long long)most);
    return ctx_hint(ctx, "take shorter sequences, or a model with a longer context");
}

bool model_has_encoder(const rk_model *m) { return m->config.arch->objective == LEARNS_TARGET; }
bool model_decodes(const rk_model *m) { return m->config.arch->objective != LEARNS_MASKED && !config_ends_in(&m->config, "model"); }

/* What goes on from what was said needs a head, and may not look ahead. */
static rk_status check_decoding(rk_ctx *ctx, const rk_model *m)
{
    if (model_decodes(m)) return RK_OK;
    if (m->config.arch->objective == LEARNS_MASKED) {
        (void)FAIL(RK_E_DECLINED, "%s: %s fills in what is masked; it does not continue a text", m->name, m->config.arch->title);
        return ctx_hint(ctx, "`reckon fill` tells what it puts in the place of a mask");
    }
    (void)FAIL(RK_E_DECLINED, "%s: a model without a head says no next token", m->name);
    return ctx_hint(ctx, "open it as +%s", m->config.arch->heads[0].name);
}

static struct builder begin(rk_ctx *ctx, const rk_model *m, const struct build_options *o)
{
    int64_t context = config_int(&m->config, "position");
    bool decoding = o->purpose == FOR_DECODING || o->purpose == FOR_ENCODING;
    return (struct builder){
        .ctx = ctx, .c = &m->config, .purpose = o->purpose, .batch = o->batch == 0 ? 1 : o->batch, .seq = o->seq == 0 ? context : o->seq,
        .positions = o->positions == 0 ? context : o->positions, .dropout = o->dropout, .hidden_states = o->hidden_states,
        .padded = o->padded, .ragged = o->ragged && o->purpose == FOR_DECODING, .log_sums = o->log_sums,
        .source_padded = o->source_padded || decoding, .source = !model_has_encoder(m) ? 0 : o->source != 0 ? o->source : o->seq == 0 ? context : o->seq,
        .beams = o->purpose == FOR_DECODING && o->beams > 1 && model_has_encoder(m) ? o->beams : 1,
        .picks = o->purpose == FOR_LOGITS ? o->picks : 0, .most_blocks = o->most_blocks, .stack = &stack_decoder, .forms = o->forms, .dtype = o->dtype == RK_f64 && !o->wide ? RK_f32 : o->dtype,
    };
}

rk_status model_extents(rk_ctx *ctx, const rk_model *m, const struct build_options *options, struct dim_extent *extents, int *n)
{
    const struct builder b = begin(ctx, m, options);
    TRY(check_sizes(ctx, m, &b));
    *n = block_extents(&b, model_has_encoder(m), extents);
    return RK_OK;
}

/* Behind those that are trained; parameters.n stays. */
static rk_status append(rk_ctx *ctx, struct built *built, const struct parameters *more, int *n)
{
    struct parameters *p = &built->parameters;
    int at = p->n + built->n_constants + built->n_inputs;
    TRY(vec_reserve(ctx, (void **)&p->at, &p->room, at + more->n, sizeof *p->at, "parameters"));
    for (int i = 0; i < more->n; i++) p->at[at + i] = more->at[i];
    *n = more->n;
    return RK_OK;
}

/* A parameter that is called and shaped like an earlier one of another block: "h.3.mlp.up.bias" after "h.2.mlp.up.bias". Blocks
 * are built one after the other, so it stands as far back as there are parameters in a block. */
static const struct parameter *twin_of(const rk_graph *g, const struct parameters *list, int i, int back)
{
    const struct parameter *p = &list->at[i], *q = &list->at[i - back];
    const struct node *x = node_of(g, p->ref), *y = node_of(g, q->ref);
    size_t same = 0, n = strlen(p->name), m = strlen(q->name);
    while (p->name[same] != '\0' && p->name[same] == q->name[same]) same++;
    while (same > 0 && p->name[same - 1] >= '0' && p->name[same - 1] <= '9') same--;
    size_t digits = strspn(p->name + same, "0123456789"), others = strspn(q->name + same, "0123456789");
    bool part = same > 0 && p->name[same - 1] == '.' && p->name[same + digits] == '.';      /* "h.3.", not "norm3" */
    bool alike = part && digits > 0 && others > 0 && n - digits == m - others && strcmp(p->name + same + digits, q->name + same + others) == 0;
    alike = alike && x->rank == y->rank && memcmp(x->dim, y->dim, sizeof *x->dim * (size_t)x->rank) == 0;
    return alike ? q : NULL;
}

/* How the tensors of parameters lie in files: optimizers that see rows and columns see those. */
static rk_status find_axes(rk_ctx *ctx, const struct arch *arch, const rk_graph *g, struct parameters *list)
{
    int back = 0;                                           /* the parameters of a block, once there was a second one */
    for (int i = 0; i < list->n; i++) {
        struct parameter *p = &list->at[i];
        struct word number;
        const struct parameter *twin = NULL;
        for (int k = back > 0 ? back : 1; k <= i && k <= (back > 0 ? back : LONGEST_BLOCK) && twin == NULL; k++)
            if ((twin = twin_of(g, list, i, k)) != NULL) back = k;
        if (twin != NULL) {
            p->axes = twin->axes;
            memcpy(p->axis, twin->axis, sizeof p->axis);
            continue;
        }
        back = 0;
        const struct binding *row = bind_row(arch, p->name, &number);
        if (row != NULL) TRY(bind_groups(ctx, g, p->ref, row->axes, &p->axes, p->axis));
    }
    return RK_OK;
}

rk_status model_build(rk_ctx *ctx, const rk_model *m, const struct build_options *options, struct built *built)
{
    struct builder b = begin(ctx, m, options);
    rk_status status;
    *built = (struct built){ .ctx = ctx, .without = m->config.arch->heads[m->config.head].without };
    GO(check_sizes(ctx, m, &b));
    if (b.purpose == FOR_DECODING || b.purpose == FOR_ENCODING) GO(check_decoding(ctx, m));
    if (b.dtype > RK_f8e5m2) {
        status = FAIL(RK_E_DTYPE, "%s: parameters of %s", m->name, rk_dtype_name(b.dtype));
        goto out;
    }
    GO(rk_graph_open(ctx, &b.g));
    m->config.arch->build(&b);
    if (b.loss != 0) rk_output(b.g, "loss", b.loss);
    GO(rk_graph_seal(b.g));
    if (b.purpose == FOR_TRAINING || b.purpose == FOR_SCORING) GO(find_axes(ctx, m->config.arch, b.g, &b.parameters));
out:
    built->g = b.g;
    built->parameters = b.parameters;
    if (status == RK_OK) status = append(ctx, built, &b.constants, &built->n_constants);
    if (status == RK_OK) status = append(ctx, built, &b.inputs, &built->n_inputs);
    if (status == RK_OK) status = built_index(ctx, built);
    VEC_FREE(&b.constants);
    VEC_FREE(&b.inputs);
    VEC_FREE(&b.kept);
    if (status != RK_OK) built_close(built);
    return status;
}

rk_status model_wanted(rk_ctx *ctx, const struct built *b, struct parameter **wanted)
{
    int n = b->parameters.n;
    TRY(NEW(*wanted, n + b->n_inputs));
    for (int i = 0; i < n + b->n_inputs; i++) (*wanted)[i] = b->parameters.at[i < n ? i : i + b->n_constants];
    return RK_OK;
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
