/* device_cuda.c: NVIDIA devices: the back end of backend/cuda where this library was built with it, else the news that it was not. */
#include "device_inner.h"
#include "base/file.h"
#include "base/mem.h"
#include <string.h>

#if RECKON_CUDA
#include "backend/cuda/cuda.h"
#include "backend/cuda/measure.h"

/* Beside what else is known of the machine. */
static rk_status remember(rk_ctx *ctx, rk_device *d)
{
    struct str file = { 0 }, folder = { 0 };
    const char *slash = strrchr(d->cache, '/');
    if (d->cache[0] == '\0') return RK_OK;
    if (slash != NULL && slash != d->cache && str_add(ctx, &folder, d->cache, (size_t)(slash - d->cache)) == RK_OK && file_make_folder(ctx, str_c(&folder)) != RK_OK)
        rk_error_clear(ctx);                        /* then nothing is kept, which is told when it is tried */
    str_free(ctx, &folder);
    rk_status status = str_format(ctx, &file, "%s.products", d->cache);
    if (status == RK_OK) status = cuda_remember(ctx, d->cuda, str_c(&file));
    str_free(ctx, &file);
    return status;
}

rk_status device_open_cuda(rk_ctx *ctx, rk_device *d)
{
    TRY(cuda_open(ctx, d->index, &d->cuda, &d->backend));
    TRY(remember(ctx, d));
    TRY(str_text(ctx, &d->library, cuda_library(d->cuda)));
    if (d->index > 0) TRY(str_format(ctx, &d->text, "cuda:%d %s", d->index, cuda_text(d->cuda)));
    else TRY(str_format(ctx, &d->text, "cuda %s", cuda_text(d->cuda)));
    return str_format(ctx, &d->text, ", products by %s", str_c(&d->library));
}

void device_close_cuda(rk_device *d)
{
    cuda_close(d->cuda);
    d->cuda = NULL;
}

rk_status device_measure_cuda(rk_ctx *ctx, rk_device *d)
{
    struct cuda_rates r;
    TRY(cuda_measure(ctx, d->cuda, &r));
    d->ceilings = (rk_ceilings){ .fma_flops = r.f32_flops, .gemm_flops = r.f32_flops, .read_bytes = r.read_bytes, .copy_bytes = r.copy_bytes, .bf16_flops = r.bf16_flops,
                                 .f16_flops = r.f16_flops, .threads = rk_ctx_threads(ctx) };
    d->known = true;
    return device_cache_write(ctx, d);
}

#else

rk_status device_open_cuda(rk_ctx *ctx, rk_device *d)
{
    (void)d;
    (void)FAIL(RK_E_DECLINED, "this build of reckon has no CUDA back end");
    return ctx_hint(ctx, "`make build CUDA=1` makes one that has, where the CUDA toolkit is installed");
}

void device_close_cuda(rk_device *d) { (void)d; }

rk_status device_measure_cuda(rk_ctx *ctx, rk_device *d) { return device_open_cuda(ctx, d); }

#endif
