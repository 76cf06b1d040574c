/* plan.h: what is counted and by which rules: the part of training that all shards share. */
#ifndef TOK_PLAN_H
#define TOK_PLAN_H
#include "base/arena.h"
#include "tok/count.h"

struct plan {
    struct arena    texts;                                            /* own copies of what was given */
    const char     *pattern;
    struct split    split;
    rk_special     *specials;
    size_t          n_specials;
    struct specials cuts;
    rk_units        units;
    rk_pieces        model;
};

struct rk_counts { struct plan plan; struct counter counter; };

struct json;
RK_CHECK rk_status counts_add_json(rk_ctx *ctx, struct rk_counts *counts, const struct json *root);      /* an object of words and counts */
RK_CHECK rk_status plan_open(rk_ctx *ctx, const rk_counting *how, struct plan *p);       /* `p` zeroed; plan_close also after a failure */
void plan_close(rk_ctx *ctx, struct plan *p);
RK_CHECK rk_status plan_train(rk_ctx *ctx, const struct plan *p, struct counter *counter, const rk_tok_training *how, rk_tok **tok);
uint64_t plan_least(const rk_tok_training *how);                      /* the least count that is merged */
RK_CHECK rk_status wordpiece_train(rk_ctx *ctx, const struct plan *p, struct counter *counter, const rk_tok_training *how, rk_tok **tok);

#endif
