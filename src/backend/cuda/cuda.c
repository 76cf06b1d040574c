/* cuda.c: a device: opened, its memory, its table of kernels.
 *
 * Memory comes from cudaMalloc, zeroed, and is counted apart from the host's (ctx->device_bytes). Numbers are converted on the host (by backend/ref)
 * where the dtypes differ, through a buffer of fixed size; equal dtypes are copied as they lie. Copies wait for the stream, because
 * it is one that waits for the default stream and the other way round. */
#include "backend/cuda/cuda.h"
#include "backend/cuda/kernels.h"
#include "backend/cuda/lt.h"
#include "backend/cuda/rtc.h"
#include "backend/ref/ref.h"
#include "base/mem.h"
#include <stdio.h>
#include <string.h>

enum { STAGED = 1 << 18 };                  /* elements converted at a time */

rk_status cuda_check(rk_ctx *ctx, cudaError_t error, const char *doing)
{
    if (error == cudaSuccess) return RK_OK;
    if (error != cudaErrorMemoryAllocation) return FAIL(RK_E_DEVICE, "%s: %s", doing, cudaGetErrorString(error));
    (void)cudaGetLastError();               /* not a fault of the device: what comes next may go well */
    return FAIL(RK_E_NOMEM, "%s: %s", doing, cudaGetErrorString(error));
}

/* --- memory --- */

static rk_status alloc(rk_ctx *ctx, size_t bytes, void **at)
{
    size_t free_bytes = 0, all = 0;
    *at = NULL;
    cudaError_t error = cudaMalloc(at, bytes);
    if (error == cudaErrorMemoryAllocation) {
        (void)cudaGetLastError();
        (void)cudaMemGetInfo(&free_bytes, &all);
        *at = NULL;
        (void)FAIL(RK_E_NOMEM, "the device has no %zu bytes for tensors: %zu of its %zu are free", bytes, free_bytes, all);
        return ctx_hint(ctx, "fewer sequences at once, or shorter ones, take less");
    }
    CUDA_TRY(error, "allocating the device's memory");
    CUDA_TRY(cudaMemset(*at, 0, bytes), "clearing the device's memory");
    ctx->device_bytes += bytes;
    return RK_OK;
}

static void release(rk_ctx *ctx, void *at, size_t bytes)
{
    if (at == NULL) return;
    (void)cudaFree(at);
    ctx->device_bytes -= bytes;
}

static rk_status move(rk_ctx *ctx, void *to, rk_dtype to_dtype, const void *from, rk_dtype from_dtype, size_t n, bool in)
{
    const char *words = in ? "writing to the device" : "reading from the device";
    enum cudaMemcpyKind kind = in ? cudaMemcpyHostToDevice : cudaMemcpyDeviceToHost;
    size_t to_bytes = rk_dtype_bytes(to_dtype), from_bytes = rk_dtype_bytes(from_dtype), room = n < STAGED ? n : STAGED;
    size_t staged_bytes = room * (in ? to_bytes : from_bytes);
    char *staged;
    rk_status status = RK_OK;
    if (n == 0) return RK_OK;
    if (to_dtype == from_dtype) return cuda_check(ctx, cudaMemcpy(to, from, n * to_bytes, kind), words);
    TRY(NEW(staged, staged_bytes));
    for (size_t i = 0; i < n && status == RK_OK; i += room) {
        size_t k = n - i < room ? n - i : room;
        char *t = (char *)to + i * to_bytes;
        const char *f = (const char *)from + i * from_bytes;
        if (in) status = host_write(ctx, staged, to_dtype, f, from_dtype, k);
        if (status == RK_OK) status = cuda_check(ctx, cudaMemcpy(in ? t : staged, in ? staged : f, k * (in ? to_bytes : from_bytes), kind), words);
        if (!in && status == RK_OK) status = host_read(ctx, t, to_dtype, staged, from_dtype, k);
    }
    FREE(staged, staged_bytes);
    return status;
}

static rk_status put(rk_ctx *ctx, void *to, rk_dtype dtype, const void *from, rk_dtype from_dtype, size_t n) { return move(ctx, to, dtype, from, from_dtype, n, true); }
static rk_status get(rk_ctx *ctx, void *to, rk_dtype to_dtype, const void *from, rk_dtype dtype, size_t n) { return move(ctx, to, to_dtype, from, dtype, n, false); }

static rk_status copy(rk_ctx *ctx, void *to, const void *from, size_t bytes) { return cuda_check(ctx, cudaMemcpy(to, from, bytes, cudaMemcpyDeviceToDevice), "copying within the device"); }

/* --- rounds: the calls of a run, recorded once and replayed as one graph --- */

struct cuda_round { cudaGraphExec_t exec; int64_t seen; };

/* What is read by kernels that are replayed. */
static rk_status tell_live(rk_ctx *ctx, struct cuda_machine *m, const struct live *live)
{
    struct cuda_live now = { live->seed, live->step };
    if (memcmp(&now, &m->told, sizeof now) == 0) return RK_OK;
    m->told = now;
    return cuda_check(ctx, cudaMemcpyAsync(m->live, &m->told, sizeof now, cudaMemcpyHostToDevice, m->stream), "telling the device its seed");
}

/* The first time everything runs by itself: algorithms are looked for, programs compiled. The second time it is recorded. */
static rk_status begin(rk_ctx *ctx, const struct backend *b, void **kept, const struct live *live, bool same, bool *done)
{
    struct cuda_machine *m = (struct cuda_machine *)(uintptr_t)b->machine;
    struct cuda_round *round = *kept;
    *done = false;
    TRY(tell_live(ctx, m, live));
    if (!same) return RK_OK;
    if (round == NULL) {
        TRY(NEW(round, 1));
        *kept = round;
    }
    if (round->exec != NULL) {
        *done = true;
        return cuda_check(ctx, cudaGraphLaunch(round->exec, m->stream), "replaying a run");
    }
    if (round->seen++ == 0) return RK_OK;
    CUDA_TRY(cudaStreamBeginCapture(m->stream, cudaStreamCaptureModeRelaxed), "recording a run");
    m->recording = true;
    return RK_OK;
}

/* failed: what was recorded is thrown away. */
static rk_status end(rk_ctx *ctx, const struct backend *b, void **kept, bool failed)
{
    struct cuda_machine *m = (struct cuda_machine *)(uintptr_t)b->machine;
    struct cuda_round *round = *kept;
    cudaGraph_t graph = NULL;
    if (!m->recording) return RK_OK;
    m->recording = false;
    cudaError_t error = cudaStreamEndCapture(m->stream, &graph);
    if (failed) {
        if (graph != NULL) (void)cudaGraphDestroy(graph);
        (void)cudaGetLastError();
        return RK_OK;
    }
    CUDA_TRY(error, "recording a run");
    error = cudaGraphInstantiate(&round->exec, graph, 0);
    (void)cudaGraphDestroy(graph);
    CUDA_TRY(error, "making a graph of a run");
    return cuda_check(ctx, cudaGraphLaunch(round->exec, m->stream), "replaying a run");
}

static void forget(rk_ctx *ctx, void *kept)
{
    struct cuda_round *round = kept;
    if (round == NULL) return;
    if (round->exec != NULL) (void)cudaGraphExecDestroy(round->exec);
    FREE(round, 1);
}

static rk_status sync(rk_ctx *ctx, const struct backend *b)
{
    const struct cuda_machine *m = b->machine;
    return cuda_check(ctx, cudaStreamSynchronize(m->stream), "waiting for the device");
}

static rk_status memory(rk_ctx *ctx, const struct backend *b, struct device_memory *out)
{
    const struct cuda_machine *m = b->machine;
    size_t free_bytes;
    *out = (struct device_memory){ .context = m->context_bytes, .libraries = lt_workspace(m->lt) };
    CUDA_TRY(cudaMemGetInfo(&free_bytes, &out->all), "asking the device for its memory");
    out->used = out->all - free_bytes;
    return RK_OK;
}

/* --- opening --- */

/* Programs know every dtype but those of 8-bit floats, which are cast by a kernel of their own. */
enum { GROUPS = (1 << RK_DTYPE_COUNT) - 1 - (1 << RK_f8e4m3) - (1 << RK_f8e5m2) };

static rk_status look(rk_ctx *ctx, struct cuda_machine *m)
{
    struct cudaDeviceProp p;
    size_t free_bytes, all;
    CUDA_TRY(cudaGetDeviceProperties(&p, m->device), "asking the device what it is");
    (void)snprintf(m->name, sizeof m->name, "%s", p.name);
    m->capability = 10 * p.major + p.minor;
    m->multiprocessors = p.multiProcessorCount;
    m->shared_most = p.sharedMemPerBlockOptin;
    if (m->capability < 80) return FAIL(RK_E_DEVICE, "%s has compute capability %d.%d, 8.0 is the least", m->name, p.major, p.minor);
    CUDA_TRY(cudaMemGetInfo(&free_bytes, &all), "asking the device for its memory");
    m->context_bytes = all - free_bytes;
    return RK_OK;
}

static rk_status open_device(rk_ctx *ctx, struct cuda_machine *m, int device)
{
    int n = 0;
    cudaError_t error = cudaGetDeviceCount(&n);
    if (error != cudaSuccess) {
        (void)FAIL(RK_E_MISSING, "there is no CUDA device: %s", cudaGetErrorString(error));
        return ctx_hint(ctx, "the driver has to be there, and new enough for CUDA %d; nvidia-smi tells", CUDART_VERSION / 1000);
    }
    if (device < 0 || device >= n) return FAIL(RK_E_MISSING, "there is no device cuda:%d: %d %s here", device, n, n == 1 ? "is" : "are");
    m->device = device;
    CUDA_TRY(cudaSetDevice(device), "taking the device");
    TRY(look(ctx, m));
    CUDA_TRY(cudaStreamCreate(&m->stream), "making a stream");
    CUDA_TRY(cudaMalloc((void **)&m->live, sizeof *m->live), "allocating the device's memory");
    CUDA_TRY(cudaMemset(m->live, 0, sizeof *m->live), "clearing the device's memory");
    TRY(lt_open(ctx, m->stream, &m->lt));
    return rtc_open(ctx, m->capability, &m->rtc);
}

rk_status cuda_open(rk_ctx *ctx, int device, struct cuda_machine **machine, struct backend *backend)
{
    struct cuda_machine *m;
    *machine = NULL;
    TRY(NEW(m, 1));
    m->ctx = ctx;
    rk_status status = open_device(ctx, m, device);
    if (status != RK_OK) {
        cuda_close(m);
        return status;
    }
    *backend = (struct backend){
        .name = "cuda", .kernels = cuda_kernels, .bytes_of = rk_dtype_bytes, .groups = GROUPS, .casts = true, .machine = m, .strided_results = true,
        .alloc = alloc, .free = release, .write = put, .read = get, .copy = copy, .begin = begin, .end = end, .forget = forget, .sync = sync, .memory = memory,
    };
    *machine = m;
    return RK_OK;
}

rk_status cuda_remember(rk_ctx *ctx, struct cuda_machine *m, const char *file)
{
    size_t n = strlen(file) + 1;
    TRY(NEW(m->products, n));
    memcpy(m->products, file, n);
    return lt_recall(ctx, m->lt, file, m->name);
}

void cuda_close(struct cuda_machine *m)
{
    if (m == NULL) return;
    rk_ctx *ctx = m->ctx;
    if (m->products != NULL) {
        if (lt_keep(ctx, m->lt, m->products, m->name) != RK_OK) rk_error_clear(ctx);
        FREE(m->products, strlen(m->products) + 1);
    }
    rtc_close(ctx, m->rtc);
    lt_close(ctx, m->lt);
    if (m->live != NULL) (void)cudaFree(m->live);
    if (m->stream != NULL) (void)cudaStreamDestroy(m->stream);
    FREE(m, 1);
}

const char *cuda_text(const struct cuda_machine *m) { return m->name; }
const char *cuda_library(const struct cuda_machine *m) { return lt_text(m->lt); }
