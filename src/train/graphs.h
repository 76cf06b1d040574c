/* graphs.h: the two graphs of a training step, made from the graph of a loss.
 *
 *   micro    loss and gradients of one micro-batch; gradients are states of the parameters' names
 *   update   clipping by the global norm and the optimizer, from those gradients
 *
 * A step is micro as often as there are micro-batches, then update, over one store: accumulation is a loop, not a larger
 * graph. Everything is nodes, so bill, plan and receipt see all of it. Not here: numbers, schedules, files. */
#ifndef TRAIN_GRAPHS_H
#define TRAIN_GRAPHS_H
#include "model/model.h"
#include "pass/pass.h"
#include "pass/policy.h"
#include "reckon/train.h"
#include "run/run.h"

/* What the optimizers and clipping need to know besides the learning rate; each looks at what is its own. clip 0: gradients are
 * taken as they are. All zeros but for AdamW's: AdamW. */
struct train_rule {
    double beta1, beta2, eps, weight_decay, clip;
    rk_optimizer optimizer;
    double momentum;                            /* SGD, Muon */
    bool plain_momentum;                        /* not Nesterov's */
    double beta2_decay, eps1, eps2, threshold;  /* Adafactor */
    rk_muon_rate muon_rate;
    bool master;                                /* parameters are narrow: f32 copies are what is optimized */
    bool scaled;                                /* gradients are of the loss times an input loss_scale: a step whose norm is not finite changes nothing */
};
struct train_rule train_rule_of(const rk_train_options *options);
/* What a policy asks of the update. */
static inline void train_rule_under(struct train_rule *rule, const struct policy *p)
{
    rule->master = p->stored != RK_f32;
    rule->scaled = p->scaled;
}

/* Puts casts into the graph of a model (cast.c); on failure it is as it was. */
rk_status train_cast(rk_ctx *ctx, const struct policy *policy, struct built *built) RK_CHECK;

/* From a sealed graph with the output "loss", a sum without dimensions, and its parameters: a sealed graph that also writes
 * seed · dloss/dparameter into RK_GRADIENT states, where the seed is the scalar input "inverse_tokens"; with `accumulate` it
 * is added to what they hold. Fused operations stay where `backend` takes them together with their gradients (NULL: none
 * stays). A gradient by an input
 * (parameter.kind) is the output NAME_gradient. Errors: RK_E_ARG for a parameter that the loss does not depend on. */
rk_status train_micro(rk_ctx *ctx, const struct backend *backend, const rk_graph *loss, const struct parameter *parameters, int n, bool accumulate,
                      rk_graph **micro) RK_CHECK;

/* Inputs: the scalar "learning_rate" and those of the optimizer (optimizer.h). States: the parameters, their gradients, and
 * what the optimizer keeps (RK_OPTIMIZER): AdamW m.NAME and v.NAME; with masters the
 * parameters once more (RK_MASTER). Output "gradient_norm", before clipping.
 *
 *   s = min(1, clip / (norm + 1e-6));  g = s·gradient;  p, states = optimizer(p, g, states)
 *
 * Decay only where parameter.decays. Sources: of optimizers, in their files; of clipping, torch.nn.utils.clip_grad_norm_.
 * Laws: ten steps equal torch's (tests/golden/test_optimizers.c; of AdamW, on every golden model). */
rk_status train_update(rk_ctx *ctx, const rk_graph *loss, const struct parameter *parameters, int n, const struct train_rule *rule, rk_graph **update) RK_CHECK;
/* Tells a run of it the scalars of step t, from 1. */
rk_status train_feed(rk_ctx *ctx, struct run *update, const struct train_rule *rule, double rate, double t) RK_CHECK;

#endif
