/* ref.c: see ref.h. */
#include "backend/ref/ref.h"
#include "base/num.h"
#include "core/opdef.h"
#include <string.h>

rk_status host_alloc(rk_ctx *ctx, size_t bytes, void **at) { return mem_new(ctx, at, bytes, 1, "tensors"); }
void      host_free(rk_ctx *ctx, void *at, size_t bytes) { mem_free(ctx, at, bytes, 1); }

static size_t bytes_of(rk_dtype dtype) { return rk_dtype_bytes(dtype); }
size_t doubles_bytes_of(rk_dtype dtype)
{
    (void)dtype;
    return sizeof(double);
}

/* Through doubles, a few at a time; equal dtypes as they are. */
static void convert(char *to, rk_dtype to_dtype, const char *from, rk_dtype from_dtype, size_t n)
{
    double some[256];
    if (to_dtype == from_dtype) {
        if (n > 0) memcpy(to, from, n * rk_dtype_bytes(to_dtype));
        return;
    }
    while (n > 0) {
        size_t k = n < 256 ? n : 256;
        num_load(some, from, (int)from_dtype, k);
        num_store(to, (int)to_dtype, some, k);
        from += k * rk_dtype_bytes(from_dtype);
        to += k * rk_dtype_bytes(to_dtype);
        n -= k;
    }
}

rk_status host_write(rk_ctx *ctx, void *to, rk_dtype dtype, const void *from, rk_dtype from_dtype, size_t n)
{
    (void)ctx;
    convert(to, dtype, from, from_dtype, n);
    return RK_OK;
}

rk_status host_read(rk_ctx *ctx, void *to, rk_dtype to_dtype, const void *from, rk_dtype dtype, size_t n)
{
    (void)ctx;
    convert(to, to_dtype, from, dtype, n);
    return RK_OK;
}

/* What comes in is what its dtype can hold, and is kept as doubles. */
rk_status doubles_write(rk_ctx *ctx, void *to, rk_dtype dtype, const void *from, rk_dtype from_dtype, size_t n)
{
    (void)ctx;
    (void)dtype;
    convert(to, RK_f64, from, from_dtype, n);
    return RK_OK;
}

rk_status doubles_read(rk_ctx *ctx, void *to, rk_dtype to_dtype, const void *from, rk_dtype dtype, size_t n)
{
    (void)ctx;
    (void)dtype;
    convert(to, to_dtype, from, RK_f64, n);
    return RK_OK;
}

static rk_status prepare_doubles(rk_ctx *ctx, const struct problem *p, struct prepared *out) { return reference_prepare(ctx, p, true, out); }
static rk_status prepare_dtypes(rk_ctx *ctx, const struct problem *p, struct prepared *out) { return reference_prepare(ctx, p, false, out); }

static rk_status run(const struct call *c, bool doubles)
{
    reference_run(c, doubles, c->problem->op, NULL, 0);
    if (c->issued != NULL) *c->issued += c->prepared->product_flops;
    return RK_OK;
}

static rk_status run_doubles(rk_ctx *ctx, const struct call *c)
{
    (void)ctx;
    return run(c, true);
}

static rk_status run_dtypes(rk_ctx *ctx, const struct call *c)
{
    (void)ctx;
    return run(c, false);
}

static const struct kernel in_doubles[] = {
    { .op = "*", .name = "ref", .accepts = reference_accepts, .prepare = prepare_doubles, .run = run_doubles, .why = "it is the truth" },
    { .op = NULL },
};

static const struct kernel in_dtypes[] = {
    { .op = "*", .name = "truth", .accepts = reference_accepts, .prepare = prepare_dtypes, .run = run_dtypes, .why = "nobody else takes it" },
    { .op = NULL },
};

static const struct backend ref = {
    .name = "ref", .kernels = in_doubles, .bytes_of = doubles_bytes_of, .strided_results = true,
    .alloc = host_alloc, .free = host_free, .write = doubles_write, .read = doubles_read,
};

const struct backend truth_backend = {
    .name = "truth", .kernels = in_dtypes, .bytes_of = bytes_of, .strided_results = true,
    .alloc = host_alloc, .free = host_free, .write = host_write, .read = host_read,
};

const struct backend *backend_ref(void) { return &ref; }
const struct backend *backend_truth(void) { return &truth_backend; }
