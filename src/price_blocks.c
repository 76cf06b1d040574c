/* price_blocks: a model as it is priced by meaning: of few blocks, one of which stands for all that are left out; of all where they
 * are not alike.
 *
 * Not here: which nodes repeat (pass/shorten); a plan of few blocks (price_cost.c). */
#include "pass/pass.h"
#include "price.h"
#include <string.h>

struct price_towers price_towers(const rk_model *model, int64_t most)
{
    static const struct { const char *pattern, *layers; } rows[] = { { "h.*", "layer" }, { "encoder.h.*", "source_layer" }, { "decoder.h.*", "layer" } };
    struct price_towers t = { .n = 0 };
    for (int i = model_has_encoder(model) ? 1 : 0; i < (model_has_encoder(model) ? 3 : 1); i++) {
        int64_t blocks = config_int(&model->config, rows[i].layers), more = most > 0 && most < blocks ? blocks - most : 0;
        t.at[t.n++] = (struct tower){ rows[i].pattern, more };
        t.deep = t.deep || more > 0;
    }
    return t;
}

/* What a shortened graph still has of parameters, constants and inputs. */
static rk_status keep_parameters(rk_ctx *ctx, const struct built *from, const rk_ref *map, struct built *to)
{
    int trained = from->parameters.n, constants = trained + from->n_constants, all = constants + from->n_inputs, n = 0;
    for (int i = 0; i < all; i++) {
        struct parameter p = from->parameters.at[i];
        const char *name = node_of(to->g, map[p.ref])->text;
        if (strcmp(name, p.name) != 0) continue;
        p.ref = map[p.ref];
        p.name = name;
        VEC_PUSH(&to->parameters, p);
        n += i < trained;
        to->n_constants += i >= trained && i < constants;
        to->n_inputs += i >= constants;
    }
    to->parameters.n = n;
    return RK_OK;
}

void priced_close(struct priced *x)
{
    built_close(&x->built);
    built_close(&x->fewer);
}

/* x->fewer.g stays NULL where nothing repeats. most: of the blocks of a tower that were built; 0: all. */
static rk_status shorten(rk_ctx *ctx, const struct pricing *p, int64_t most, struct priced *x)
{
    const struct price_towers towers = price_towers(p->model, most);
    rk_ref *map;
    x->fewer = (struct built){ .ctx = ctx };
    TRY(NEW(map, x->built.g->nodes.n));
    rk_status status = pass_shorten(ctx, x->built.g, towers.at, &x->how, &x->fewer.g, map);
    if (status == RK_OK && x->fewer.g != NULL) status = keep_parameters(ctx, &x->built, map, &x->fewer);
    FREE(map, x->built.g->nodes.n);
    x->used = x->fewer.g != NULL ? &x->fewer : &x->built;
    return status;
}

/* What is left out may be left out of the building, too, where blocks are alike. */
rk_status price_short(rk_ctx *ctx, const struct pricing *p, const struct build_options *options, struct priced *x)
{
    struct build_options few = *options;
    *x = (struct priced){ .used = NULL };
    few.most_blocks = !policy_names_a_block(&p->policy) && price_towers(p->model, FEW_BLOCKS).deep ? FEW_BLOCKS : 0;
    TRY(price_build(ctx, p, &few, &x->built));
    TRY(shorten(ctx, p, few.most_blocks, x));
    if (x->fewer.g != NULL || few.most_blocks == 0) return RK_OK;
    built_close(&x->built);
    TRY(price_build(ctx, p, options, &x->built));
    return shorten(ctx, p, 0, x);
}
