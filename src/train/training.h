/* training.h: a run from the inside.
 *
 *   graphs.h   micro and update (optimizer.h: one file for each)
 *                                          open.c     graphs, plans, memory, first weights
 *   data.h     which tokens a step takes    loop.c     steps
 *   cast.c     a policy of dtypes           master.c   f32 copies of narrow parameters
 *   options.c  the table of options         save.c     checkpoints, resume.c reads them
 *   receipt.h  predicted and measured       bigram.c   what must be beaten
 *                                          trainer_json.c   what a checkpoint says of itself */
#ifndef TRAIN_TRAINING_H
#define TRAIN_TRAINING_H
#include "io/json.h"
#include "model/model.h"
#include "reckon/train.h"
#include "run/run.h"
#include "train/data.h"
#include "train/graphs.h"

/* One graph made ready: micro-batches that assign gradients, those that add to them, the update, and scoring. */
enum stage_name { STAGE_MICRO, STAGE_MORE, STAGE_UPDATE, STAGE_SCORE, STAGES };
struct stage { rk_graph *g; struct plan *plan; struct run *run; };
extern const char *const stage_names[STAGES];

enum { HISTORY = 32 };
struct past { int64_t step; double loss, validation; };         /* validation NaN: there was none */
/* What the loss is multiplied by, steps since it last changed, and how many steps were skipped: those took no optimizer's step. */
struct loss_scale { double now; int64_t good, skipped; };

struct rk_train {
    rk_ctx *ctx;
    rk_model *model;
    rk_device *device;                          /* NULL where only the back end is known */
    const struct backend *backend;
    struct arena arena;                         /* of texts */
    const char *output, *tokenizer;             /* NULL: none */
    rk_train_options options;                   /* with what 0 stands for filled in */
    struct data data;
    struct policy policy;
    struct train_rule rule;                     /* of the options and the policy */
    struct loss_scale scale;                    /* under a policy that scales; else 1 */
    struct built built, scored;
    struct built kept;                          /* built, but of narrow parameters the master copies: what files hold. Borrowed, but for its list */
    struct stage stage[STAGES];
    struct store *store;
    int32_t *batch[DATA_INPUTS];                /* of a whole step, [accumulate batch ...]; NULL: the data have none */
    int64_t step, saved;                        /* done; when it was saved last, -1: never */
    int lock;                                   /* file that says that somebody writes to `output`; -1 */
    struct past history[HISTORY];
    int n_history;
    int64_t timed_steps;                        /* of this process, the first one left out */
    double  timed_seconds, first_seconds, promised_flops;
    uint64_t model_flops;                       /* of a step: products by meaning, forward and backward */
    uint64_t meaning_bytes[RK_KIND_COUNT];      /* of states, by the bill */
    rk_ceilings ceilings;                       /* zeros: not known */
    int64_t resident_before;                    /* bytes of the process when the run was opened */
    size_t  described_before;                   /* bytes of the context then */
};

/* rk_train_open for a back end; setup->device, which may be NULL, then only tells what the machine can do. */
rk_status train_open(rk_ctx *ctx, const rk_train_setup *setup, const struct backend *backend, rk_train **train) RK_CHECK;

int64_t train_states_bytes(const rk_train *t);          /* parameters, gradients, what the optimizer keeps */
int64_t train_arena_bytes(const rk_train *t);           /* the largest stage's */
int64_t train_input_bytes(const rk_train *t);
double  train_peak(const rk_train *t);                  /* products per second that utilization is told against; 0: not measured */
int64_t train_tokens(const rk_train *t);                /* of a step: targets and sources, padding too */
rk_status train_first_weights(rk_ctx *ctx, rk_train *t) RK_CHECK;               /* init.c: from the seed, into what is kept */
rk_status master_keep(rk_ctx *ctx, rk_train *t) RK_CHECK;                       /* master.c: makes t->kept */
rk_status master_round(rk_ctx *ctx, rk_train *t) RK_CHECK;                      /* narrow parameters become their master copies, rounded */
void      master_close(rk_train *t);
rk_status train_price(rk_ctx *ctx, rk_train *t) RK_CHECK;                       /* receipt.c: the bill by meaning */

/* options.c */
rk_status options_write(rk_ctx *ctx, const rk_train_options *options, struct json_out *out, const char *key) RK_CHECK;
const char *options_policy(const rk_train_options *options);     /* nothing said is fp32 */
/* The key of an option by its place in the table, and whether it is as by default; false past the end. */
bool options_row(const rk_train_options *options, int i, const char **key, bool *usual);
rk_status options_check(rk_ctx *ctx, const rk_train_options *options) RK_CHECK;
/* What a resumed run may not change (E_DIFFERS, by name); what else is different is logged. */
rk_status options_compare(rk_ctx *ctx, const rk_train_options *saved, const rk_train_options *now, const char *where) RK_CHECK;

/* receipt_read.c; `name` is what messages call the text */
rk_status receipt_parse(rk_ctx *ctx, const char *name, const char *text, size_t n, rk_receipt *receipt) RK_CHECK;

/* save.c, trainer_json.c, resume.c */
rk_status trainer_text(rk_ctx *ctx, const rk_train *t, struct str *text) RK_CHECK;             /* appends trainer.json */
const char *train_device_text(const rk_train *t);
extern const char *const tokenizer_files[];             /* that go with a model; ends with NULL */
rk_status save_begin(rk_ctx *ctx, rk_train *t) RK_CHECK;                        /* takes the output folder, sweeps what a killed run left */
/* The newest checkpoint below `folder` whose checksums hold, or "" where there is none; damaged ones are logged. */
rk_status resume_find(rk_ctx *ctx, const char *folder, struct str *path) RK_CHECK;
rk_status resume_load(rk_ctx *ctx, rk_train *t, const char *checkpoint, bool any_kernels) RK_CHECK;

#endif
