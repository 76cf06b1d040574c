/* price_cache.c: what decoding keeps for each token, with a reason for every cache: read from the graph that decodes, of one block
 * where all are alike. */
#include "pass/count.h"
#include "price.h"
#include <stdio.h>
#include <string.h>

/* What is kept for each token: of the sequence itself, and of the source that it is made from; by the dim that caches are along. */
static const struct { const char *along, *entry; } caches[] = { { "cached", "bytes.cache_per_token" }, { "source_cached", "bytes.cache_per_source_token" } };

/* One cache per token of one sequence: its dims without the batch and the positions, in bytes; nothing for one along another dim. */
static struct poly per_token(struct polys *p, const rk_graph *g, const struct node *n, const char *along)
{
    rk_dim dims[RK_MAX_RANK];
    int rank = 0;
    bool fits = false;
    for (int i = 0; i < n->rank; i++) {
        const char *name = dim_name(g, n->dim[i]);
        if (strcmp(name, along) == 0) fits = true;
        else if (strcmp(name, "batch") != 0) dims[rank++] = n->dim[i];
    }
    return fits ? poly_dims(p, (int64_t)rk_dtype_bytes(n->dtype), rank, dims) : poly_zero();
}

/* "8·L·D" where every block keeps the same, else the sum as it is. */
static rk_status token_text(rk_ctx *ctx, struct polys *p, const rk_graph *g, struct poly each, struct poly sum, int64_t layers, struct str *out)
{
    struct poly block = each.n == 1 && sum.n == 1 && layers > 0 && sum.term[0].factor % layers == 0 ? poly_scale(p, sum.term[0].factor / layers / each.term[0].factor, each) : poly_zero();
    struct poly folded = poly_fold(p, g, block);
    TRY(p->status);
    if (folded.n != 1 || !poly_equal(poly_scale(p, layers, block), sum)) return poly_text(ctx, g, sum, true, out);
    return term_write(ctx, g, &folded.term[0], 'L', out);
}

/* One cache of "h.0.attn.k" stands for those of all blocks, unless a policy tells them apart. */
static rk_status cache_reason(rk_ctx *ctx, const struct pricing *p, const rk_graph *g, const struct node *state, struct poly own, int64_t blocks, const char *entry)
{
    char module[256];
    struct str text = { 0 };
    uint64_t bytes;
    rk_status status;
    const char *name = state->text, *last = strrchr(name, '.'), *first = strstr(name, ".0.");
    if (last == NULL || strlen(name) >= sizeof module) return FAIL(RK_E_BUG, "a cache \"%.60s\" of no block", name);
    if (first == NULL || policy_names_a_block(&p->policy)) (void)snprintf(module, sizeof module, "%.*s", (int)(last - name), name);
    else (void)snprintf(module, sizeof module, "%.*s.*%.*s", (int)(first - name), name, (int)(last - first - 2), first + 2);
    GO(poly_value(ctx, g, own, NULL, &bytes));
    GO(poly_text(ctx, g, own, true, &text));
    rk_bill_reason why = { .module = module, .op = "cache", .label = last + 1, .formula = str_c(&text), .each = bytes, .number = bytes * (uint64_t)blocks, .times = blocks, .dtype = state->dtype };
    GO(bill_reason(p->bill, entry, &why));
out:
    str_free(ctx, &text);
    return status;
}

static rk_status cache_reasons(rk_ctx *ctx, const struct pricing *p, const rk_graph *g, int64_t blocks, int cache, struct polys *polys)
{
    for (rk_ref r = 1; r < g->nodes.n; r++) {
        const struct node *n = node_of(g, r);
        if (n->op != &op_state || n->at.i[0] != RK_CACHE) continue;
        struct poly own = per_token(polys, g, n, caches[cache].along);
        TRY(polys->status);
        if (own.n > 0) TRY(cache_reason(ctx, p, g, n, own, blocks, caches[cache].entry));
    }
    return RK_OK;
}

/* blocks: for how many the graph stands. */
static rk_status cache_entry(rk_ctx *ctx, const struct pricing *p, const rk_graph *g, int64_t blocks, int cache, struct arena *arena, struct str *text)
{
    struct polys polys = { ctx, arena, RK_OK };
    struct poly sum = poly_zero(), each = poly_zero();
    uint64_t bytes;
    for (rk_ref r = 1; r < g->nodes.n; r++) {
        const struct node *n = node_of(g, r);
        if (n->op != &op_state || n->at.i[0] != RK_CACHE) continue;
        struct poly own = per_token(&polys, g, n, caches[cache].along);
        if (own.n > 0) each = own;
        sum = poly_add(&polys, sum, own);
    }
    sum = poly_scale(&polys, blocks, sum);
    TRY(polys.status);
    if (sum.n == 0) return RK_OK;
    TRY(poly_value(ctx, g, sum, NULL, &bytes));
    TRY(token_text(ctx, &polys, g, each, sum, config_int(&p->model->config, "layer"), text));
    TRY(bill_set(p->bill, caches[cache].entry, bytes, str_c(text)));
    return cache_reasons(ctx, p, g, blocks, cache, &polys);
}

/* Blocks keep the same, each for itself, and nothing else keeps anything. Law: every preset, tests/law/test_shorten.c. */
static void model_of_one_block(const rk_model *m, rk_model *one)
{
    static const char *const counts[] = { "layer", "source_layer" };
    int at;
    *one = *m;
    for (int i = 0; i < 2; i++)
        if (config_field(&m->config, counts[i], &at) != NULL) one->config.value[at] = 1;
}

rk_status price_cache(rk_ctx *ctx, const struct pricing *p)
{
    const bool alike = !policy_names_a_block(&p->policy);
    const int64_t layers = config_int(&p->model->config, "layer");
    rk_model one = *p->model;
    struct build_options options = price_options(p->settings, FOR_DECODING);
    struct built built = { .ctx = NULL };
    struct arena arena = { NULL, 0 };
    struct str text = { 0 };
    rk_status status;
    if (!model_decodes(p->model)) return RK_OK;
    options.seq = options.batch = 1;
    if (alike) model_of_one_block(p->model, &one);
    GO(price_build(ctx, &(struct pricing){ .ctx = ctx, .model = &one, .policy = p->policy }, &options, &built));
    for (int i = 0; i < 2; i++) {
        text.n = 0;
        GO(cache_entry(ctx, p, built.g, alike ? layers : 1, i, &arena, &text));
    }
out:
    str_free(ctx, &text);
    arena_clear(ctx, &arena);
    built_close(&built);
    return status;
}
