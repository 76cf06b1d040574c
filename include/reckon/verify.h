/* verify.h: is what I run the same model? A checkpoint, and a file of inputs and of what another framework made of them: what
 * is in the file is computed anew and compared.
 *
 * The file is safetensors, with input_ids [B T] and any of: logits, hidden.I, loss, grad.TENSOR, adamw.losses, adamw.TENSOR,
 * greedy; docs/formats.md says what each is, how near is near enough, and how to write one. */
#ifndef RECKON_VERIFY_H
#define RECKON_VERIFY_H
#include "reckon/model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum rk_verdict {
    RK_VERDICT_SAME,
    RK_VERDICT_TIE,                      /* differs where two candidates were as good: counted, and no difference */
    RK_VERDICT_BEYOND,
    RK_VERDICT_NOT_CHECKED               /* nothing here computes what has this name */
} rk_verdict;

typedef struct rk_verify_row {
    const char *name;                    /* the tensor in the file */
    double      error, tolerance;        /* as the format defines them for this kind of tensor; zeros where not checked */
    rk_verdict  verdict;
    const char *note;                    /* what else there is to know, or "" */
} rk_verify_row;
typedef bool rk_verify_fn(void *user, const rk_verify_row *row);        /* false: stop, RK_E_CANCELLED; texts live for the call */

typedef struct rk_verify_options {       /* zero means the default */
    rk_device *device;                   /* the CPU back end */
    double     loosen;                   /* factor on every tolerance; 1 */
} rk_verify_options;

typedef struct rk_verified { int checked, beyond, ties, not_checked; } rk_verified;

/* folder: config.json and weights; io: the file, or NULL for io.safetensors in the folder. A row is told as it is known.
 * A difference is no failure of this call: see result->beyond.
 * Errors: RK_E_MISSING without input_ids; RK_E_SHAPE for tensors that cannot be the model's; RK_E_DECLINED for inputs of a
 * kind that is not done here, by name; RK_E_ARG for ids and labels the model does not have. */
RK_API RK_CHECK rk_status rk_verify(rk_ctx *ctx, const char *folder, const char *io, const rk_verify_options *options, rk_verify_fn *each, void *user,
                                    rk_verified *result);

#ifdef __cplusplus
}
#endif
#endif
