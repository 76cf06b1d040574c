/* profile.h: where the time goes: every step that is carried out, timed, beside its bill.
 *
 *   rk_profile *p;
 *   rk_profile_open(ctx, NULL, &p);                  from now on, programs of this context are watched
 *   ... open sessions, generate, train ...
 *   rk_profile_rows(p, RK_PROFILE_BY_OP, each, user);
 *   rk_profile_trace(p, "trace.json");               to be looked at in Perfetto or chrome://tracing
 *   rk_profile_close(p);                             before the context; programs that it watched may go on, unwatched
 *
 * The bill of a step is what its kernel is asked to do at the sizes of that moment: FLOPs as the plan counts them, bytes as the distinct
 * elements of its operands and results. Nothing is sampled, nothing guessed. While no profile is open, a step costs one
 * comparison more. */
#ifndef RECKON_PROFILE_H
#define RECKON_PROFILE_H
#include "reckon/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rk_profile rk_profile;
typedef struct rk_profile_options {      /* zero means the default */
    bool    trace;                       /* keep every step by itself, for rk_profile_trace */
    int64_t most_events;                 /* that are kept then; 2^20. What comes after is counted, and not kept */
} rk_profile_options;

/* One at a time per context: RK_E_ARG for a second. Programs that were opened before are not watched. */
RK_API RK_CHECK rk_status rk_profile_open(rk_ctx *ctx, const rk_profile_options *options, rk_profile **profile);
RK_API void rk_profile_close(rk_profile *profile);

typedef struct rk_profile_row {
    const char *op;                      /* "einsum", "map", "adjoint attend" */
    const char *kernel;                  /* that carried it out; "" where several did */
    const char *module;                  /* "h.3.attn"; "h.*.attn" where alike ones are one row; "" in none, or in several */
    const char *text;                    /* an einsum's equation, a name; "" where several are one row */
    uint64_t calls;
    double   seconds;
    uint64_t product_flops, elementwise_flops, bytes;       /* of all calls together */
    uint64_t bf16_flops, f16_flops;      /* of product_flops, those whose factors are of 16 bits: they have ceilings of their own (device.h) */
} rk_profile_row;

/* Rows with the most time first. By op: one for each op and kernel; by module: for each module, its number starred; by step: for each step
 * of each program, in the order of the programs instead. false: stop, RK_E_CANCELLED. */
typedef enum rk_profile_by { RK_PROFILE_BY_OP, RK_PROFILE_BY_MODULE, RK_PROFILE_BY_STEP } rk_profile_by;
typedef bool rk_profile_fn(void *user, const rk_profile_row *row);      /* texts live for the call */
RK_API RK_CHECK rk_status rk_profile_rows(rk_profile *profile, rk_profile_by by, rk_profile_fn *each, void *user);

typedef struct rk_profiled {
    uint64_t programs, runs, calls;
    double   seconds;                    /* in steps */
    double   span;                       /* from the first run's beginning to the last one's end: what is more than `seconds` was spent between steps */
    uint64_t product_flops, elementwise_flops, bytes;
    uint64_t events, lost;               /* kept for the trace; not kept, for want of room */
} rk_profiled;
RK_API void rk_profile_total(const rk_profile *profile, rk_profiled *total);

/* The trace-event format of Chrome, as JSON: runs, and the steps in them, with their bills. RK_E_ARG without `trace`. */
RK_API RK_CHECK rk_status rk_profile_trace(rk_profile *profile, const char *path);

#ifdef __cplusplus
}
#endif
#endif
