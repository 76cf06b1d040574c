/* device_cache.c: what was measured of this machine, kept in a file. What it says of another machine, build or library is not
 * believed; a damaged file is measured over. */
#include "base/file.h"
#include "base/mem.h"
#include "base/par.h"
#include "device_inner.h"
#include "io/json.h"
#include <string.h>

enum { RACES = 5 };                     /* which way races are run, and which kernels run in them: a higher number, and what was measured before is not believed */
enum { CACHE_BYTES = 1 << 20 };

/* What was asked for by name won no race. */
rk_status device_key(rk_ctx *ctx, rk_device *d)
{
    struct str cpu = { 0 };
    TRY(str_format(ctx, &d->key, "reckon " RK_VERSION ", races %d, %s, ", RACES, isa_rows[d->machine.isa].name));
    if (d->asked) TRY(str_format(ctx, &d->key, "%s as asked for, ", d->blas != NULL ? str_c(&d->library) : "own products"));
    rk_status status = file_read(ctx, "/proc/cpuinfo", 1 << 24, &cpu);
    const char *line = status == RK_OK ? strstr(str_c(&cpu), "model name") : NULL;
    if (status == RK_OK && line != NULL) status = str_add(ctx, &d->key, line, strcspn(line, "\n"));
    str_free(ctx, &cpu);
    if (status == RK_E_NOMEM) return status;
    if (status != RK_OK) rk_error_clear(ctx);               /* no such file here: the rest of the key has to do */
    return RK_OK;
}

/* Races do not depend on the number of threads, rates do: those of another number are measured again when asked for. */
static rk_status take_ceilings(rk_ctx *ctx, rk_device *d, const struct json *c)
{
    int64_t threads;
    TRY(json_get_int(ctx, c, "threads", 1, PAR_MOST, &threads));
    if (threads != rk_ctx_threads(ctx)) return RK_OK;
    TRY(json_get_double(ctx, c, "fma_flops", &d->ceilings.fma_flops));
    TRY(json_get_double(ctx, c, "gemm_flops", &d->ceilings.gemm_flops));
    TRY(json_get_double(ctx, c, "read_bytes", &d->ceilings.read_bytes));
    TRY(json_get_double(ctx, c, "copy_bytes", &d->ceilings.copy_bytes));
    if (json_find(c, "bf16_flops") != NULL) TRY(json_get_double(ctx, c, "bf16_flops", &d->ceilings.bf16_flops));
    if (json_find(c, "f16_flops") != NULL) TRY(json_get_double(ctx, c, "f16_flops", &d->ceilings.f16_flops));
    d->ceilings.threads = rk_ctx_threads(ctx);
    d->known = true;
    return RK_OK;
}

/* The library that won, if it still opens and still runs as what it ran as then. */
static rk_status take_library(rk_ctx *ctx, rk_device *d, const struct json *library)
{
    const char *name, *as;
    struct blas *blas = NULL;
    TRY(json_get_text(ctx, library, "name", &name));
    TRY(json_get_text(ctx, library, "as", &as));
    if (name[0] == '\0') return RK_OK;
    TRY(blas_open(ctx, name, &blas));
    TRY(device_take(ctx, d, blas));
    return strcmp(str_c(&d->library), as) == 0 ? RK_OK : FAIL(RK_E_DIFFERS, "%s: %s was raced, %s is here now", d->cache, as, str_c(&d->library));
}

static rk_status take_cache(rk_ctx *ctx, rk_device *d, const struct json *root, bool *raced)
{
    const char *key;
    const struct json *library, *ceilings = json_find(root, "ceilings");
    TRY(json_get_text(ctx, root, "machine", &key));
    if (strcmp(key, str_c(&d->key)) != 0) return FAIL(RK_E_DIFFERS, "%s: measured on another machine", d->cache);
    TRY(json_get_object(ctx, root, "library", &library));
    if (!d->asked) TRY(take_library(ctx, d, library));
    for (int c = 0; c < GEMM_CLASSES; c++) TRY(json_get_bool(ctx, library, gemm_class_name((enum gemm_class)c), &d->machine.blas_wins[c]));
    *raced = true;
    return ceilings == NULL || ceilings->kind == JSON_NULL ? RK_OK : take_ceilings(ctx, d, ceilings);
}

/* A file that is missing, damaged or of another machine only means that everything is measured. */
rk_status device_cache_read(rk_ctx *ctx, rk_device *d, bool *raced)
{
    struct str text = { 0 };
    struct json_doc doc = { .root = NULL };
    *raced = false;
    if (d->cache[0] == '\0') return RK_OK;
    rk_status status = file_read(ctx, d->cache, CACHE_BYTES, &text);
    if (status == RK_OK) status = json_read(ctx, &doc, d->cache, str_c(&text), (size_t)text.n, 0);
    if (status == RK_OK) status = take_cache(ctx, d, doc.root, raced);
    json_clear(ctx, &doc);
    str_free(ctx, &text);
    if (status == RK_OK || status == RK_E_NOMEM) return status;
    ctx_log(ctx, RK_DEBUG, "%s", rk_error_message(ctx));
    rk_error_clear(ctx);
    return RK_OK;
}

static rk_status cache_text(rk_ctx *ctx, const rk_device *d, struct str *text)
{
    struct json_out o = { .to = text, .indent = 2 };
    TRY(json_open_object(ctx, &o, NULL));
    TRY(json_put_text(ctx, &o, "machine", str_c(&d->key)));
    TRY(json_open_object(ctx, &o, "library"));
    TRY(json_put_text(ctx, &o, "name", d->blas != NULL ? blas_key(d->blas) : ""));
    TRY(json_put_text(ctx, &o, "as", str_c(&d->library)));
    for (int c = 0; c < GEMM_CLASSES; c++) TRY(json_put_bool(ctx, &o, gemm_class_name((enum gemm_class)c), d->machine.blas_wins[c]));
    TRY(json_close(ctx, &o));
    if (d->known) {
        TRY(json_open_object(ctx, &o, "ceilings"));
        TRY(json_put_int(ctx, &o, "threads", d->ceilings.threads));
        TRY(json_put_double(ctx, &o, "fma_flops", d->ceilings.fma_flops));
        TRY(json_put_double(ctx, &o, "gemm_flops", d->ceilings.gemm_flops));
        TRY(json_put_double(ctx, &o, "read_bytes", d->ceilings.read_bytes));
        TRY(json_put_double(ctx, &o, "copy_bytes", d->ceilings.copy_bytes));
        if (d->ceilings.bf16_flops > 0) TRY(json_put_double(ctx, &o, "bf16_flops", d->ceilings.bf16_flops));
        if (d->ceilings.f16_flops > 0) TRY(json_put_double(ctx, &o, "f16_flops", d->ceilings.f16_flops));
        TRY(json_close(ctx, &o));
    }
    TRY(json_close(ctx, &o));
    return str_text(ctx, text, "\n");
}

/* Keeping is a service: where it fails, the work goes on and the log says so. */
rk_status device_cache_write(rk_ctx *ctx, const rk_device *d)
{
    struct str text = { 0 }, folder = { 0 };
    struct file_writer w = { .fd = -1 };
    const char *slash = strrchr(d->cache, '/');
    rk_status status;
    if (d->cache[0] == '\0') return RK_OK;
    GO(cache_text(ctx, d, &text));
    if (slash != NULL && slash != d->cache) {
        GO(str_add(ctx, &folder, d->cache, (size_t)(slash - d->cache)));
        GO(file_make_folder(ctx, str_c(&folder)));
    }
    GO(file_create(ctx, &w, d->cache));
    GO(file_write(ctx, &w, str_c(&text), (size_t)text.n));
    GO(file_commit(ctx, &w));
out:
    file_abandon(ctx, &w);
    str_free(ctx, &text);
    str_free(ctx, &folder);
    if (status == RK_OK || status == RK_E_NOMEM) return status;
    ctx_log(ctx, RK_WARNING, "measurements are not kept: %s", rk_error_message(ctx));
    rk_error_clear(ctx);
    return RK_OK;
}
