/* hand_gpt2.c: see hand_gpt2.h. Written with builders alone, so that passes are tested before any model is there. */
#include "hand_gpt2.h"
#include "pass/pass.h"
#include "test.h"
#include <stdlib.h>

static void named(char text[64], const char *format, int layer, const char *part) { (void)snprintf(text, 64, format, layer, part); }

struct built { rk_graph *g; const struct hand_gpt2 *m; rk_ref parameter[2048]; int n; };

static rk_ref parameter(struct built *b, const char *name, const char *dims)
{
    rk_ref p = rk_state(b->g, RK_PARAMETER, name, RK_f32, dims);
    b->parameter[b->n++] = p;
    return p;
}

static rk_ref block_parameter(struct built *b, int layer, const char *part, const char *dims)
{
    char name[64];
    named(name, "h.%d.%s", layer, part);
    return parameter(b, name, dims);
}

static rk_ref norm(struct built *b, int layer, const char *module, rk_ref x)
{
    char weight[32], bias[32];
    (void)snprintf(weight, sizeof weight, "%s.weight", module);
    (void)snprintf(bias, sizeof bias, "%s.bias", module);
    rk_enter(b->g, module);
    rk_ref w = layer < 0 ? parameter(b, weight, "hidden") : block_parameter(b, layer, weight, "hidden"), c = 0;
    if (b->m->bias) c = layer < 0 ? parameter(b, bias, "hidden") : block_parameter(b, layer, bias, "hidden");
    x = rk_layer_norm(b->g, x, "hidden", w, c, 1e-5);
    rk_leave(b->g);
    return x;
}

static rk_ref biased(struct built *b, int layer, const char *part, const char *dims, rk_ref x)
{
    return b->m->bias ? rk_add(b->g, x, block_parameter(b, layer, part, dims)) : x;
}

static rk_ref attention(struct built *b, int layer, rk_ref x)
{
    rk_graph *g = b->g;
    static const struct rk_attend_options options = { .causal = true, .scale = 0.125, .keep = 1 };
    rk_enter(g, "attn");
    rk_ref qkv = rk_einsum(g, "b t d, s h k d -> b t s h k", x, block_parameter(b, layer, "attn.qkv.weight", "side head head_dim hidden"));
    qkv = biased(b, layer, "attn.qkv.bias", "side head head_dim", qkv);
    rk_ref q = rk_select(g, qkv, "side", 0), k = rk_rename(g, rk_select(g, qkv, "side", 1), "seq", "key"), v = rk_rename(g, rk_select(g, qkv, "side", 2), "seq", "key");
    rk_ref y = rk_attend(g, rk_order(g, q, "batch head seq head_dim"), k, v, "seq", "key", "head_dim", &options);
    y = rk_einsum(g, "b h t k, d h k -> b t d", y, block_parameter(b, layer, "attn.out.weight", "hidden head head_dim"));
    y = biased(b, layer, "attn.out.bias", "hidden", y);
    rk_leave(g);
    return y;
}

static rk_ref mlp(struct built *b, int layer, rk_ref x)
{
    rk_graph *g = b->g;
    rk_enter(g, "mlp");
    x = rk_einsum(g, "b t d, f d -> b t f", x, block_parameter(b, layer, "mlp.up.weight", "ff hidden"));
    x = rk_map(g, "gelu_tanh", biased(b, layer, "mlp.up.bias", "ff", x));
    x = rk_einsum(g, "b t f, d f -> b t d", x, block_parameter(b, layer, "mlp.down.weight", "hidden ff"));
    x = biased(b, layer, "mlp.down.bias", "hidden", x);
    rk_leave(g);
    return x;
}

static rk_ref body(struct built *b)
{
    rk_graph *g = b->g;
    rk_ref tokens = rk_input(g, "tokens", RK_i32, "batch seq"), labels = rk_input(g, "labels", RK_i32, "batch seq");
    rk_ref table = parameter(b, "wte.weight", "vocab hidden"), where = parameter(b, "wpe.weight", "position hidden");
    rk_ref x = rk_add(g, rk_gather(g, table, "vocab", tokens), rk_gather(g, where, "position", rk_iota(g, "seq", NULL)));
    for (int i = 0; i < b->m->layers; i++) {
        char number[16];
        (void)snprintf(number, sizeof number, "%d", i);
        rk_enter(g, "h");
        rk_enter(g, number);
        x = rk_add(g, x, attention(b, i, norm(b, i, "ln_1", x)));
        x = rk_add(g, x, mlp(b, i, norm(b, i, "ln_2", x)));
        rk_leave(g);
        rk_leave(g);
    }
    rk_enter(g, "head");
    rk_ref loss = rk_xent_head(g, norm(b, -1, "ln_f", x), table, 0, labels, "hidden", "vocab");
    rk_leave(g);
    return loss;
}

static void declare(rk_graph *g, const struct hand_gpt2 *m)
{
    (void)rk_dim_new(g, "batch", 'B', m->batch);
    (void)rk_dim_new(g, "seq", 'T', m->positions);
    (void)rk_dim_new(g, "key", 'T', m->positions);
    (void)rk_dim_new(g, "vocab", 'V', m->vocab);
    (void)rk_dim_new(g, "position", 'P', m->positions);
    (void)rk_dim_new(g, "hidden", 'D', m->hidden);
    (void)rk_dim_new(g, "ff", 'F', 4 * m->hidden);
    (void)rk_dim_new(g, "head", 'H', m->head);
    (void)rk_dim_new(g, "head_dim", 'K', m->hidden / m->head);
    (void)rk_dim_new(g, "side", 0, 3);
    rk_dim_relate(g, "head head_dim", 1, "hidden");
    rk_dim_relate(g, "ff", 4, "hidden");
}

/* A parameter's step: momentum, as many nodes as a small optimiser has. */
static void step(rk_graph *g, rk_ref p, rk_ref dp)
{
    char name[128], dims[128] = "";
    const struct node n = *node_of(g, p);
    for (int i = 0; i < n.rank; i++) (void)snprintf(dims + strlen(dims), sizeof dims - strlen(dims), " %s", dim_name(g, n.dim[i]));
    (void)snprintf(name, sizeof name, "%s", n.text);
    g->path = n.path;
    rk_ref m = rk_state(g, RK_OPTIMIZER, name, RK_f32, dims);
    rk_ref next = rk_add(g, rk_scale(g, m, 0.9), dp);
    rk_update(g, m, next);
    rk_update(g, p, rk_sub(g, p, rk_scale(g, next, 0.01)));
    g->path = 0;
}

rk_status hand_gpt2_build(rk_ctx *ctx, const struct hand_gpt2 *m, rk_graph **out, rk_ref ends[2])
{
    struct built *b = calloc(1, sizeof *b);
    rk_graph *g = NULL;
    rk_ref *map = NULL, *gradient = NULL;
    REQUIRE(b != NULL);
    *out = NULL;
    b->m = m;
    rk_status status = rk_graph_open(ctx, &b->g);
    if (status == RK_OK) {
        declare(b->g, m);
        rk_output(b->g, "loss", body(b));
        status = b->g->status;
    }
    int nodes = b->g == NULL ? 0 : b->g->nodes.n;
    map = calloc((size_t)nodes + 1, sizeof *map);
    gradient = calloc((size_t)b->n + 1, sizeof *gradient);
    if (status == RK_OK) status = pass_expand(ctx, b->g, NULL, NULL, &g, map);
    rk_graph_close(b->g);
    if (status == RK_OK) {
        ends[0] = ends[1] = g->nodes.n;
        for (int i = 0; i < b->n; i++) b->parameter[i] = map[b->parameter[i]];
        if (m->update) {
            rk_grad(g, graph_find_output(g, "loss"), 0, b->parameter, b->n, gradient);
            ends[1] = g->nodes.n;
            for (int i = 0; i < b->n && g->status == RK_OK; i++) step(g, b->parameter[i], gradient[i]);
        }
        status = rk_graph_seal(g);
    }
    free(map);
    free(gradient);
    free(b);
    *out = g;
    return status;
}
