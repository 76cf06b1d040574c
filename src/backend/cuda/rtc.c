/* rtc.c: see rtc.h. */
#include "backend/cuda/rtc.h"
#include "backend/cuda/machine.h"
#include "base/arena.h"
#include "base/library.h"
#include "base/map.h"
#include "base/vec.h"
#include <nvrtc.h>
#include <stdio.h>
#include <string.h>

/* Their signatures are the header's. */
struct nvrtc {
    nvrtcResult (*create)(nvrtcProgram *, const char *, const char *, int, const char *const *, const char *const *);
    nvrtcResult (*compile)(nvrtcProgram, int, const char *const *);
    nvrtcResult (*destroy)(nvrtcProgram *);
    nvrtcResult (*log_size)(nvrtcProgram, size_t *);
    nvrtcResult (*log)(nvrtcProgram, char *);
    nvrtcResult (*cubin_size)(nvrtcProgram, size_t *);
    nvrtcResult (*cubin)(nvrtcProgram, char *);
    const char *(*error)(nvrtcResult);
};
static const char *const symbols[] = {
    "nvrtcCreateProgram", "nvrtcCompileProgram", "nvrtcDestroyProgram", "nvrtcGetProgramLogSize", "nvrtcGetProgramLog", "nvrtcGetCUBINSize", "nvrtcGetCUBIN",
    "nvrtcGetErrorString",
};
enum { SYMBOLS = sizeof symbols / sizeof *symbols };
_Static_assert(sizeof(struct nvrtc) == SYMBOLS * sizeof(void *), "a name for each function");

#ifdef RECKON_CUDA_HOST
static const char *const files[] = { RECKON_CUDA_HOST_LIBRARY };
#else
#define OF(version) "libnvrtc.so." #version
static const char *const files[] = { OF(13), OF(12), "libnvrtc.so" };
#endif

struct made { const char *text; cudaLibrary_t module; cudaKernel_t kernel; };
struct rtc {
    void *library;
    struct nvrtc f;
    char architecture[32];
    struct arena arena;                     /* of texts */
    VEC(struct made) made;
    struct map by_text, by_key;             /* to an index of made */
};

rk_status rtc_open(rk_ctx *ctx, int capability, struct rtc **out)
{
    struct rtc *r;
    *out = NULL;
    TRY(NEW(r, 1));
    for (size_t i = 0; i < sizeof files / sizeof *files && r->library == NULL; i++) (void)library_open(files[i], symbols, SYMBOLS, &r->f, &r->library);
    if (r->library == NULL) {
        FREE(r, 1);
        (void)FAIL(RK_E_MISSING, "NVRTC, which compiles elementwise kernels, is not here");
        return ctx_hint(ctx, "libnvrtc.so is part of the CUDA toolkit; LD_LIBRARY_PATH says where it lies");
    }
    (void)snprintf(r->architecture, sizeof r->architecture, "--gpu-architecture=sm_%d", capability);
    *out = r;
    return RK_OK;
}

void rtc_close(rk_ctx *ctx, struct rtc *r)
{
    if (r == NULL) return;
    for (int i = 0; i < r->made.n; i++) (void)cudaLibraryUnload(r->made.at[i].module);
    VEC_FREE(&r->made);
    map_free(ctx, &r->by_text);
    map_free(ctx, &r->by_key);
    arena_clear(ctx, &r->arena);
    library_close(r->library);
    FREE(r, 1);
}

/* A text that does not compile is a mistake of ours: the compiler's first words are in the message. */
static rk_status refused(rk_ctx *ctx, const struct rtc *r, nvrtcProgram program, nvrtcResult result, const char *name)
{
    char *log;
    size_t n = 0;
    (void)r->f.log_size(program, &n);
    TRY(NEW(log, n + 1));
    if (n > 0) (void)r->f.log(program, log);
    rk_status status = FAIL(RK_E_BUG, "compiling the kernel %s: %s: %.600s", name, r->f.error(result), log);
    FREE(log, n + 1);
    return status;
}

static rk_status compile(rk_ctx *ctx, const struct rtc *r, nvrtcProgram program, const char *name, struct made *made)
{
    const char *options[] = { r->architecture, "--std=c++17", "--fmad=false", "-default-device" };
    char *cubin;
    size_t n = 0;
    nvrtcResult result = r->f.compile(program, sizeof options / sizeof *options, options);
    if (result != NVRTC_SUCCESS) return refused(ctx, r, program, result, name);
    if (r->f.cubin_size(program, &n) != NVRTC_SUCCESS || n == 0) return FAIL(RK_E_DEVICE, "compiling the kernel %s gave no code for %s", name, r->architecture);
    TRY(NEW(cubin, n));
    rk_status status = r->f.cubin(program, cubin) == NVRTC_SUCCESS ? RK_OK : FAIL(RK_E_DEVICE, "the code of the kernel %s cannot be read", name);
    if (status == RK_OK) status = cuda_check(ctx, cudaLibraryLoadData(&made->module, cubin, NULL, NULL, 0, NULL, NULL, 0), "loading a kernel made at run time");
    if (status == RK_OK) status = cuda_check(ctx, cudaLibraryGetKernel(&made->kernel, made->module, name), "finding a kernel made at run time");
    FREE(cubin, n);
    return status;
}

rk_status rtc_kernel(rk_ctx *ctx, struct rtc *r, const char *text, const char *name, cudaKernel_t *kernel)
{
    int at;
    struct made made = { .module = NULL };
    nvrtcProgram program;
    if (map_get(&r->by_text, text, strlen(text), &at)) {
        *kernel = r->made.at[at].kernel;
        return RK_OK;
    }
    nvrtcResult result = r->f.create(&program, text, "elementwise.cu", 0, NULL, NULL);
    if (result != NVRTC_SUCCESS) return FAIL(RK_E_DEVICE, "compiling the kernel %s: %s", name, r->f.error(result));
    rk_status status = compile(ctx, r, program, name, &made);
    (void)r->f.destroy(&program);
    TRY(status);
    TRY(arena_text(ctx, &r->arena, text, strlen(text), &made.text));
    VEC_PUSH(&r->made, made);
    TRY(map_put(ctx, &r->by_text, made.text, strlen(made.text), r->made.n - 1));
    *kernel = made.kernel;
    return RK_OK;
}

bool rtc_recall(const struct rtc *r, const void *key, size_t bytes, cudaKernel_t *kernel)
{
    int at;
    if (!map_get(&r->by_key, key, bytes, &at)) return false;
    *kernel = r->made.at[at].kernel;
    return true;
}

rk_status rtc_remember(rk_ctx *ctx, struct rtc *r, const void *key, size_t bytes, cudaKernel_t kernel)
{
    const char *kept;
    int at = 0;
    while (at < r->made.n && r->made.at[at].kernel != kernel) at++;
    PROMISE(at < r->made.n);
    TRY(arena_text(ctx, &r->arena, key, bytes, &kept));
    return map_put(ctx, &r->by_key, kept, bytes, at);
}
