/* generation.h: settings of generation as transformers writes them, for whoever has an object of them. */
#ifndef MODEL_GENERATION_H
#define MODEL_GENERATION_H
#include "io/json.h"
#include "reckon/infer.h"

/* Keys that nobody knows are named, or with `strict` refused. rk_generation_config_close ends it. */
rk_status generation_config_read(rk_ctx *ctx, const struct json *object, bool strict, rk_generation_config **out) RK_CHECK;

#endif
