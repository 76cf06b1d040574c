/* ctx.h: the context from the inside, and the two words with which every room reports failure.
 *
 * TRY(f(ctx, ...)) passes a status up and adds this file and line to the trail; FAIL(status, "what was being done ...")
 * records the first message. Both expect a variable `ctx` in scope. The record has a fixed size, so that running out of
 * memory can be reported like anything else. */
#ifndef BASE_CTX_H
#define BASE_CTX_H
#include "reckon/base.h"

struct par;                                   /* the thread pool: base/par.h */
struct rk_profile;

enum { ERROR_TEXT = 1024, ERROR_HINT = 512, ERROR_TRAIL = 2048 };

struct rk_ctx {
    rk_allocator allocator;
    rk_log_fn   *log;
    void        *log_user;
    rk_loaded_fn *loaded;
    void        *loaded_user;
    int          threads;
    struct par  *par;                         /* made at first use */
    struct rk_profile *profile;               /* that watches what runs: run/profile.h; NULL: nobody does */
    int          profiles;                    /* that there were */
    size_t       bytes, peak;
    size_t       device_bytes;                /* of an accelerator's own memory, asked for and not yet given back */
    rk_status    status;
    char         message[ERROR_TEXT], hint[ERROR_HINT], trail[ERROR_TRAIL];
};

rk_status ctx_fail(rk_ctx *ctx, rk_status status, const char *file, int line, const char *function,
                   const char *format, ...) RK_PRINTF(6, 7);
rk_status ctx_pass(rk_ctx *ctx, rk_status status, const char *file, int line, const char *function);
rk_status ctx_hint(rk_ctx *ctx, const char *format, ...) RK_PRINTF(2, 3);      /* returns the status on record */
void      ctx_log(rk_ctx *ctx, rk_level level, const char *format, ...) RK_PRINTF(3, 4);

#define FAIL(status, ...) ctx_fail(ctx, (status), __FILE__, __LINE__, __func__, __VA_ARGS__)
#define TRY(call)                                                                                                     \
    do {                                                                                                              \
        rk_status try_status = (call);                                                                                \
        if (try_status != RK_OK) return ctx_pass(ctx, try_status, __FILE__, __LINE__, __func__);                      \
    } while (0)
/* TRY for a function that owns things: leaves through the label `out` with `status` set. */
#define GO(call)                                                                                                      \
    do {                                                                                                              \
        status = (call);                                                                                              \
        if (status != RK_OK) { (void)ctx_pass(ctx, status, __FILE__, __LINE__, __func__); goto out; }                 \
    } while (0)
/* A promise of this library to itself: checked in every build, since a wrong number is worse than a slow one. */
#define PROMISE(condition)                                                                                            \
    do {                                                                                                              \
        if (!(condition)) return FAIL(RK_E_BUG, "broken promise: %s", #condition);                                    \
    } while (0)

#endif
