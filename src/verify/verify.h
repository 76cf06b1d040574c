/* verify.h: one comparison of a model with a file of expectations, from the inside.
 *
 *   inputs.c   ids, masks and labels, as the model's graphs take them
 *   expect.c   what else the file gives: arrays as f64, tolerances; and the rows that are told
 *   forward.c  logits and hidden states        greedy.c  continuation
 *   generate.c continuations by settings: beams, penalties ...
 *   learn.c    loss, gradients, AdamW steps    weigh.c   and their comparison
 *   verify.c   the order of these, and what was left over */
#ifndef VERIFY_VERIFY_H
#define VERIFY_VERIFY_H
#include "base/vec.h"
#include "infer/session.h"
#include "model/bind.h"
#include "reckon/verify.h"

/* An input of a graph by its name there, and what is fed. */
struct verify_input { const char *name; int32_t *values; int64_t n; };

struct verify {
    rk_ctx *ctx;
    rk_model *model;
    const struct backend *backend;
    rk_weights *weights;
    struct bundle io;
    bool *checked;                          /* per entry of io */
    double loosen;
    rk_verify_fn *each;
    void *user;
    rk_verified *result;
    int64_t batch, seq, source, vocab;      /* source 0: there is no encoder apart */
    VEC(struct verify_input) inputs;        /* of the model's graphs, from the file */
    bool padded, source_padded;             /* some sequence, some source is shorter than the longest */
    bool labelled;
    int64_t targets;                        /* labels that count */
};

/* What of a tolerance table a tensor falls under. */
enum rule { RULE_VALUES, RULE_LOSS, RULE_GRADIENT, RULE_LOSSES, RULE_WEIGHTS };

rk_status verify_run(rk_ctx *ctx, const char *folder, const char *io, const struct backend *backend, double loosen, rk_verify_fn *each, void *user,
                     rk_verified *result) RK_CHECK;

/* inputs.c */
rk_status verify_inputs(rk_ctx *ctx, struct verify *v) RK_CHECK;               /* reads them */
rk_status verify_feed(rk_ctx *ctx, const struct verify *v, struct run *run) RK_CHECK;       /* all that a graph may want, but for what only training does */
const int32_t *verify_input(const struct verify *v, const char *name);         /* NULL: the file has none */
void      verify_inputs_free(rk_ctx *ctx, struct verify *v);
struct build_options verify_sizes(const struct verify *v, enum purpose purpose);

/* expect.c */
const struct bundle_entry *expect_find(const struct verify *v, const char *name);              /* NULL: not in the file */
rk_status expect_shape(rk_ctx *ctx, const struct bundle_entry *e, int rank, const int64_t *shape) RK_CHECK;
rk_status expect_values(rk_ctx *ctx, const struct bundle_entry *e, double **values, int64_t *n) RK_CHECK;     /* the caller frees n */
double    expect_tolerance(const struct verify *v, enum rule rule, const struct bundle_entry *e);
double    expect_own(const struct verify *v, enum rule rule);           /* what the file says that its maker's f32 is off by; 0: nothing */
rk_status expect_tell(rk_ctx *ctx, struct verify *v, const struct bundle_entry *e, double error, double tolerance, const char *note) RK_CHECK;
rk_status expect_tell_tie(rk_ctx *ctx, struct verify *v, const struct bundle_entry *e, const char *note) RK_CHECK;
rk_status expect_leftovers(rk_ctx *ctx, struct verify *v) RK_CHECK;

rk_status verify_forward(rk_ctx *ctx, struct verify *v) RK_CHECK;
rk_status verify_learning(rk_ctx *ctx, struct verify *v) RK_CHECK;
rk_status verify_greedy(rk_ctx *ctx, struct verify *v) RK_CHECK;
rk_status verify_generate(rk_ctx *ctx, struct verify *v) RK_CHECK;

#endif
