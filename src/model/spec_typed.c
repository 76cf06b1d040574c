/* spec_typed.c: what is typed behind the colon of a model's name: fields that are to be otherwise, and whose mistake it is where that cannot be. */
#include "model/model.h"

/* What is typed behind a colon is no file: where it cannot be, alone or beside the rest, somebody asked for what makes no sense. */
static rk_status of_what_was_typed(rk_ctx *ctx, rk_status status)
{
    if (status == RK_E_FORMAT || status == RK_E_SHAPE || status == RK_E_LIMIT || status == RK_E_MISSING) status = ctx->status = RK_E_ARG;
    return status;
}

static rk_status set_typed(rk_ctx *ctx, rk_model *m, const char *typed, const char *more)
{
    struct config alone = { .arch = m->config.arch };
    TRY(config_set(ctx, &m->config, m->name, typed));
    if (more == NULL) return RK_OK;
    TRY(config_set(ctx, &alone, m->name, typed));
    TRY(config_follow(ctx, &m->config, &alone, m->name));
    return config_set(ctx, &m->config, m->name, more);
}

/* Whose mistake it is that fields do not go together: that of a file which would not do without what was typed, either. */
rk_status spec_override(rk_ctx *ctx, rk_model *m, const char *typed, const char *more)
{
    struct config given = m->config;
    bool any = typed[0] != '\0' || (more != NULL && more[0] != '\0');
    bool whole = any && config_finish(ctx, &given, m->name) == RK_OK;
    if (any && !whole) rk_error_clear(ctx);
    TRY(of_what_was_typed(ctx, set_typed(ctx, m, typed, more)));
    rk_status status = config_finish(ctx, &m->config, m->name);
    return whole ? of_what_was_typed(ctx, status) : status;
}
