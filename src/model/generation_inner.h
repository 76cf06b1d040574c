/* generation_inner.h: what generation.c and generation_keys.c share: settings while they are read. */
#ifndef MODEL_GENERATION_INNER_H
#define MODEL_GENERATION_INNER_H
#include "base/arena.h"
#include "model/generation.h"

struct generation {
    rk_generation_config pub;           /* first: what is given away */
    struct arena arena;
    struct str path, unknown;
    rk_beams beams;
    uint32_t first, last;
    double beam_count, start, bos;      /* -1: not there */
    bool says_min_new;
};

/* Keys that nobody knows: of a file that holds other things as well they are expected. */
enum strangers { NAMED, REFUSED, EXPECTED };

/* One key of the object, where its value belongs. */
rk_status generation_key(rk_ctx *ctx, struct generation *g, const struct json *v, enum strangers strangers) RK_CHECK;

#endif
