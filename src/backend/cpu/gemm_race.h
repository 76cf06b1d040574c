/* gemm_race.h: which of several ways is faster for a class of shapes, by a short measurement.
 *
 * Each candidate runs its product by turns, a burst of multiply-adds beside every run, at most a few milliseconds each; the
 * score is the median of rate / burst, so that a slow moment of a shared machine costs nobody the race. Results differ from run
 * to run: a caller measures once, keeps the answer with the plan, and never measures again while it wants the same bits. */
#ifndef CPU_GEMM_RACE_H
#define CPU_GEMM_RACE_H
#include "backend/cpu/gemm.h"

typedef void gemm_race_fn(rk_ctx *ctx, const void *candidate, const struct gemm_problem *p, const struct gemm_operands *o);

struct gemm_candidate { gemm_race_fn *run; const void *arg; };
/* share: median of rate / burst, which decides; fair: the same in FLOP/s, by the best burst of the race; flops: the best rate seen. */
struct gemm_score { double share, fair, flops; };

/* The classes that decide differently: long forward and both its gradients, few tokens, one token (whose matrix comes from
 * memory, not from a cache). */
enum gemm_class { GEMM_WIDE_NT, GEMM_WIDE_NN, GEMM_WIDE_TN, GEMM_TOKENS, GEMM_ONE, GEMM_CLASSES };
const char *gemm_class_name(enum gemm_class c);
struct gemm_problem gemm_class_problem(enum gemm_class c);        /* of 1 to 100 MFLOP */
enum gemm_class gemm_class_of(const struct gemm_problem *p);

/* Scores each of n candidates; *winner is the first within 3 % of the best, so that order breaks ties. */
RK_CHECK rk_status gemm_race(rk_ctx *ctx, enum gemm_class c, const struct gemm_candidate *candidates, int n, double seconds_each,
                             struct gemm_score *scores, int *winner);

#endif
