/* array.c: one array into a file of the format that its name asks for. */
#include "reckon/array.h"
#include "io/bundle.h"
#include <string.h>

static rk_status write_safetensors(rk_ctx *ctx, const char *path, const char *name, rk_dtype dtype, int rank, const int64_t *shape, const void *data)
{
    struct bundle_writer w = { 0 };
    rk_status status;
    GO(bundle_declare(ctx, &w, name, dtype, rank, shape));
    GO(bundle_begin(ctx, &w, path));
    GO(bundle_write(ctx, &w, name, data, w.entries.at[0].bytes));
    GO(bundle_commit(ctx, &w));
out:
    bundle_abandon(ctx, &w);
    return status;
}

rk_status rk_array_write(rk_ctx *ctx, const char *path, const char *name, rk_dtype dtype, int rank, const int64_t *shape, const void *data)
{
    if (str_ends_in(path, ".npy")) return npy_write(ctx, path, dtype, rank, shape, data);
    if (str_ends_in(path, ".safetensors")) return write_safetensors(ctx, path, name, dtype, rank, shape, data);
    (void)FAIL(RK_E_UNKNOWN, "writing %s: the name says no format", path);
    return ctx_hint(ctx, "it may end in .npy or .safetensors");
}
