/* base.h: the context that every acting call needs, and how calls end.
 *
 * A context carries the allocator, the log, the threads and the last error. It is used by one thread at a time; open
 * as many as you like. The library never prints, exits, reads the environment or keeps a mutable global. */
#ifndef RECKON_BASE_H
#define RECKON_BASE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RK_VERSION "0.1.0"
#define RK_API __attribute__((visibility("default")))
#define RK_CHECK __attribute__((warn_unused_result))
#define RK_PRINTF(text, first) __attribute__((format(printf, text, first)))

typedef enum rk_status {
#define ROW(name, words) RK_##name,
#include "reckon/status.def"
#undef ROW
    RK_STATUS_COUNT
} rk_status;

typedef struct rk_ctx rk_ctx;

/* resize(user, NULL, 0, n) allocates, resize(user, p, old, 0) frees and returns NULL. Results are aligned to 64 bytes.
 * NULL for n > 0 means that there is no memory: the call in progress then ends with RK_E_NOMEM and nothing is lost. */
typedef struct rk_allocator {
    void *(*resize)(void *user, void *old, size_t old_bytes, size_t bytes);
    void *user;
} rk_allocator;

typedef enum rk_level { RK_DEBUG, RK_INFO, RK_WARNING } rk_level;
typedef void rk_log_fn(void *user, rk_level level, const char *line);

/* What became of the tensors of a checkpoint that was loaded, or could not be: model.h. */
typedef struct rk_loaded rk_loaded;
typedef void rk_loaded_fn(void *user, const rk_loaded *loaded);

typedef struct rk_options {              /* zero means the default, everywhere */
    rk_allocator allocator;
    rk_log_fn   *log;
    void        *log_user;
    rk_loaded_fn *loaded;                /* told of every load */
    void        *loaded_user;
    int          threads;                /* default: the processors this process may use */
} rk_options;

/* Opens a context. `options` may be NULL. Returns RK_E_NOMEM or RK_E_ARG with no context to ask for a message. */
RK_API RK_CHECK rk_status rk_ctx_open(const rk_options *options, rk_ctx **ctx);
RK_API void rk_ctx_close(rk_ctx *ctx);

/* The last error: what was being done, on which file, tensor or byte; what to try (may be ""); and the way it came up,
 * one "file:line function" per line. The texts live until the next failing call on this context. */
RK_API const char *rk_error_message(const rk_ctx *ctx);
RK_API const char *rk_error_hint(const rk_ctx *ctx);
RK_API const char *rk_error_trail(const rk_ctx *ctx);
RK_API rk_status   rk_error_status(const rk_ctx *ctx);
RK_API void        rk_error_clear(rk_ctx *ctx);
RK_API const char *rk_status_name(rk_status status);           /* "E_SHAPE" */
RK_API const char *rk_status_words(rk_status status);          /* "shapes disagree" */

RK_API int    rk_ctx_threads(const rk_ctx *ctx);
RK_API const char *rk_threads_of(void);                        /* whose they are: "pthreads" (our own pool), "openmp" or "tbb", as it was built */
RK_API size_t rk_ctx_bytes(const rk_ctx *ctx);                 /* allocated through this context and not yet freed */
RK_API size_t rk_ctx_peak_bytes(const rk_ctx *ctx);
RK_API int64_t rk_process_peak_bytes(void);                    /* most memory that the process has held, by the system's word, pages of files included; -1: it does not say */

#ifdef __cplusplus
}
#endif
#endif
