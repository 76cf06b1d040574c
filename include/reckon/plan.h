/* plan.h: a graph of one's own, made into a program of a device and run.
 *
 *   rk_program_open(ctx, graph, device, NULL, &p);
 *   rk_program_write(p, RK_PARAMETER, "w", start, RK_f32);
 *   for (step = 1; step <= n; step++) {
 *       rk_program_input(p, "x", batch, RK_f32);
 *       rk_program_run(p, seed, step);
 *   }
 *   rk_program_output(p, "loss", &loss, RK_f32);
 *
 * Opening plans everything to the byte and allocates it; running allocates nothing. */
#ifndef RECKON_PLAN_H
#define RECKON_PLAN_H
#include "reckon/device.h"
#include "reckon/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rk_program rk_program;

/* From a sealed graph, which may be closed afterwards. The graph's states live in the program, zero at first; those that
 * `share` has (NULL: none) are used there, so that training and evaluation see the same parameters: it must outlive this one.
 * Errors: RK_E_DECLINED where the device has no kernel: it computes every operation, and the gradients of fused operations
 * where it has a kernel for them ("cpu"; "ref" has none). */
RK_API RK_CHECK rk_status rk_program_open(rk_ctx *ctx, const rk_graph *graph, rk_device *device, rk_program *share, rk_program **program);
RK_API void rk_program_close(rk_program *program);

/* The extent of a live dimension for the runs to come; its bound at first. */
RK_API RK_CHECK rk_status rk_program_extent(rk_program *program, const char *dim, int64_t extent);
/* Arrays are dense, last dimension fastest, at the current extents, of any dtype: converted on the way. RK_E_UNKNOWN for a
 * name that the graph has not, with those it has. */
RK_API RK_CHECK rk_status rk_program_input(rk_program *program, const char *name, const void *values, rk_dtype dtype);
RK_API RK_CHECK rk_status rk_program_output(rk_program *program, const char *name, void *values, rk_dtype dtype);
RK_API RK_CHECK rk_status rk_program_write(rk_program *program, rk_kind kind, const char *state, const void *values, rk_dtype dtype);
RK_API RK_CHECK rk_status rk_program_read(rk_program *program, rk_kind kind, const char *state, void *values, rk_dtype dtype);
/* Random nodes draw from (seed, step). */
RK_API RK_CHECK rk_status rk_program_run(rk_program *program, uint64_t seed, uint64_t step);

RK_API uint64_t rk_program_bytes(const rk_program *program, rk_kind kind);      /* RK_ACTIVATION: with workspace */
/* Every step with its kernel, shapes and addresses; the text belongs to the program. */
RK_API RK_CHECK rk_status rk_program_text(rk_program *program, const char **text);

#ifdef __cplusplus
}
#endif
#endif
