/* model.c: what may be asked of a described model without building it. */
#include "model/model.h"
#include <string.h>

void rk_model_close(rk_model *m)
{
    if (m == NULL) return;
    rk_ctx *ctx = m->ctx;
    str_free(ctx, &m->shown);
    arena_clear(ctx, &m->arena);
    FREE(m, 1);
}

const char *rk_model_name(const rk_model *m)        { return m->name; }
const char *rk_model_family(const rk_model *m)      { return m->config.arch->name; }
const char *rk_model_head(const rk_model *m)        { return m->config.arch->heads[m->config.head].name; }
const char *rk_model_title(const rk_model *m)       { return m->config.arch->title; }
const char *rk_model_folder(const rk_model *m)      { return m->folder; }
bool        rk_model_fills(const rk_model *m) { return m->config.arch->objective == LEARNS_MASKED; }
bool        rk_model_has_encoder(const rk_model *m) { return model_has_encoder(m); }
bool        rk_model_has_weights(const rk_model *m) { return m->weights[0] != '\0'; }

rk_status rk_model_number(const rk_model *m, const char *field, double *value)
{
    rk_ctx *ctx = m->ctx;
    int i;
    const struct field *f = config_field(&m->config, field, &i);
    *value = 0;
    if (f == NULL) return FAIL(RK_E_UNKNOWN, "%s has no field \"%s\"", m->config.arch->title, field);
    if (f->kind == FIELD_CHOICE) return FAIL(RK_E_ARG, "field %s of %s is a word, not a number", field, m->config.arch->title);
    *value = m->config.value[i];
    return RK_OK;
}

const char *rk_model_text(const rk_model *m, const char *field)
{
    int i;
    return config_field(&m->config, field, &i) != NULL ? m->config.text[i] : "";
}
