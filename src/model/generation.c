/* generation.c: generation_config.json, or the same keys of config.json: found, read key by key (generation_keys.c), settled.
 *
 * Source: generation/configuration_utils.py of transformers. */
#include "base/file.h"
#include "model/generation_inner.h"

static void settle(struct generation *g)
{
    rk_generation_config *p = &g->pub;
    double start = g->start >= 0 ? g->start : g->bos;
    p->has_start = start >= 0 && start <= UINT32_MAX;
    p->start = p->has_start ? (uint32_t)start : 0;
    if (g->says_min_new) p->how.sampling.min_length = 0;
    g->beams.n = (int64_t)g->beam_count;
    if (g->beams.n > 1) p->how.beams = &g->beams;
    if (p->says_draws && !p->draws) p->how.sampling.greedy = true;
    if (p->how.beams != NULL && !p->draws) p->how.sampling.greedy = true;
    p->unknown = str_c(&g->unknown);
    p->path = str_c(&g->path);
}

static rk_status check(rk_ctx *ctx, const struct generation *g, const struct json *object)
{
    char path[JSON_SHOWN];
    if (!(g->beam_count >= 0 && g->beam_count <= 1 << 16)) return FAIL(RK_E_LIMIT, "%s: num_beams is %g", json_path(object, path), g->beam_count);
    if (g->beam_count != (double)(int64_t)g->beam_count) return FAIL(RK_E_FORMAT, "%s: num_beams is %g, expected a whole number", json_path(object, path), g->beam_count);
    return RK_OK;
}

static rk_status fresh(rk_ctx *ctx, struct generation **out)
{
    struct generation *g;
    TRY(NEW(g, 1));
    g->beams = (rk_beams){ .length_penalty = 1 };
    g->start = g->bos = -1;
    g->pub.path = g->pub.unknown = "";
    *out = g;
    return RK_OK;
}

static rk_status read_all(rk_ctx *ctx, struct generation *g, const struct json *object, enum strangers strangers)
{
    TRY(json_as_object(ctx, object));
    for (uint32_t i = 0; i < object->n; i++) TRY(generation_key(ctx, g, &object->at[i], strangers));
    TRY(check(ctx, g, object));
    settle(g);
    return RK_OK;
}

rk_status generation_config_read(rk_ctx *ctx, const struct json *object, bool strict, rk_generation_config **out)
{
    struct generation *g;
    *out = NULL;
    TRY(fresh(ctx, &g));
    rk_status status = read_all(ctx, g, object, strict ? REFUSED : NAMED);
    if (status == RK_OK) *out = &g->pub;
    else rk_generation_config_close(ctx, &g->pub);
    return status;
}

static rk_status load(rk_ctx *ctx, struct generation *g, const char *folder, const char *name, enum strangers strangers, bool *found)
{
    struct json_doc doc = { 0 };
    rk_status status;
    g->path.n = 0;
    TRY(file_join(ctx, &g->path, folder, name));
    TRY(file_exists(ctx, str_c(&g->path), found));
    if (!*found) return RK_OK;
    g->pub.path = str_c(&g->path);
    GO(json_load(ctx, &doc, str_c(&g->path), 0));
    GO(read_all(ctx, g, doc.root, strangers));
out:
    json_clear(ctx, &doc);
    return status;
}

rk_status rk_generation_config_open(rk_ctx *ctx, const char *folder, rk_generation_config **config)
{
    struct generation *g;
    bool found = false;
    *config = NULL;
    TRY(fresh(ctx, &g));
    rk_status status = folder[0] == '\0' ? RK_OK : load(ctx, g, folder, "generation_config.json", NAMED, &found);
    if (status == RK_OK && !found && folder[0] != '\0') status = load(ctx, g, folder, "config.json", EXPECTED, &found);
    if (status == RK_OK && !found) g->pub.path = "";
    if (status == RK_OK) *config = &g->pub;
    else rk_generation_config_close(ctx, &g->pub);
    return status;
}

void rk_generation_config_close(rk_ctx *ctx, rk_generation_config *config)
{
    struct generation *g = (struct generation *)config;
    if (g == NULL) return;
    arena_clear(ctx, &g->arena);
    str_free(ctx, &g->path);
    str_free(ctx, &g->unknown);
    FREE(g, 1);
}
