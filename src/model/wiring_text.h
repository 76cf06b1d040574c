/* wiring_text.h: what those who write a wiring's texts share. */
#ifndef MODEL_WIRING_TEXT_H
#define MODEL_WIRING_TEXT_H
#include "model/wiring.h"

/* What is being written: from the point of view of one path. In a leaf, `inputs` collects what it reads. */
struct writing {
    rk_ctx *ctx;
    const struct wiring *w;
    int self;                           /* nodes here are written out */
    bool leaf, dropout;                 /* dropout: it is written too */
    bool apart;                         /* a part of a fused module, as if its parameters were its own */
    int n_inputs;
    rk_ref input[WIRED_INPUTS];
    int depth;
};

/* A value: by name, or written out. within: in a product, so that a sum needs parentheses. */
rk_status wiring_expression(rk_ctx *ctx, struct writing *t, rk_ref r, bool within, struct str *out) RK_CHECK;
bool      wiring_stays(const struct writing *t, rk_ref r);                 /* written out here, and not as somebody's name */
/* Text i of the parts of a fused module, behind those before it; what the first has said is not said again. */
rk_status wiring_join(rk_ctx *ctx, struct str *out, int i, const char *first, const char *text) RK_CHECK;
/* What the module of a path goes by here, or a part of it. */
rk_status wiring_name(rk_ctx *ctx, const struct writing *t, int path, const char *part, struct str *out) RK_CHECK;
rk_status wiring_node(rk_ctx *ctx, struct writing *t, rk_ref r, bool within, struct str *out) RK_CHECK;     /* written out: wiring_ops.c */

#endif
