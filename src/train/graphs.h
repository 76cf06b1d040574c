/* graphs.h: the two graphs of a training step, made from the graph of a loss.
 *
 *   micro    loss and gradients of one micro-batch; gradients are states of the parameters' names
 *   update   clipping by the global norm and AdamW, from those gradients
 *
 * A step is micro as often as there are micro-batches, then update, over one store: accumulation is a loop, not a larger
 * graph. Everything is nodes, so bill, plan and receipt see all of it. Not here: numbers, schedules, files. */
#ifndef TRAIN_GRAPHS_H
#define TRAIN_GRAPHS_H
#include "model/arch.h"
#include "pass/pass.h"

/* What AdamW and clipping need to know besides the learning rate. clip 0: gradients are taken as they are. */
struct train_rule { double beta1, beta2, eps, weight_decay, clip; };

/* From a sealed graph with the output "loss", a sum without dimensions, and its parameters: a sealed graph that also writes
 * seed · dloss/dparameter into RK_GRADIENT states, where the seed is the scalar input "inverse_tokens"; with `accumulate` it
 * is added to what they hold. Fused operations stay where `backend` takes them together with their gradients (NULL: none
 * stays). A gradient by an input
 * (parameter.kind) is the output NAME_gradient. Errors: RK_E_ARG for a parameter that the loss does not depend on. */
rk_status train_micro(rk_ctx *ctx, const struct backend *backend, const rk_graph *loss, const struct parameter *parameters, int n, bool accumulate,
                      rk_graph **micro) RK_CHECK;

/* Inputs: the scalars "learning_rate", "correction1" = 1 - beta1^t and "correction2" = 1 - beta2^t, t from 1. States: the
 * parameters, their gradients, m.NAME and v.NAME (RK_OPTIMIZER). Output "gradient_norm", before clipping.
 *
 *   s = min(1, clip / (norm + 1e-6));  g = s·gradient;  p -= lr·decay·p
 *   m = β1·m + (1 - β1)·g;  v = β2·v + (1 - β2)·g²;  p -= lr / correction1 · m / (√v / √correction2 + eps)
 *
 * Decay only where parameter.decays. Source: Loshchilov & Hutter 2019 (arXiv 1711.05101), in the order of torch.optim.AdamW;
 * torch.nn.utils.clip_grad_norm_. Law: ten steps equal torch's on every golden model. */
rk_status train_update(rk_ctx *ctx, const rk_graph *loss, const struct parameter *parameters, int n, const struct train_rule *rule, rk_graph **update) RK_CHECK;

#endif
