/* device.c: devices: a back end of list.def, and the library that makes its matrix products: the one that was asked for, or the
 * one that won the races (device_race.c), which are run once and remembered (device_cache.c).
 *
 * The library reads no environment: which core type a BLAS runs is the caller's wish (backend/blas/blas.h). */
#include "backend/cpu/cpu.h"
#include "backend/guard/guard.h"
#include "backend/meter/meter.h"
#include "backend/ref/ref.h"
#include "base/mem.h"
#include "device_inner.h"
#include <string.h>
#include <strings.h>

static const double RACE_SECONDS = 0.02;

const struct backend *device_backend(const rk_device *d) { return &d->backend; }
rk_ctx *device_ctx(const rk_device *d) { return d->ctx; }
const char *rk_device_name(const rk_device *d) { return d->name; }
const char *rk_device_library(const rk_device *d) { return str_c(&d->library); }
bool rk_device_memory(const rk_device *d, uint64_t *all, uint64_t *free)
{
    struct device_memory memory;
    if (d->backend.memory == NULL) return false;
    if (d->backend.memory(d->ctx, &d->backend, &memory) != RK_OK) {
        rk_error_clear(d->ctx);
        return false;
    }
    *all = memory.all;
    *free = memory.all - memory.used;
    return true;
}

const char *rk_device_text(const rk_device *d) { return str_c(&d->text); }

void rk_device_close(rk_device *d)
{
    if (d == NULL) return;
    rk_ctx *ctx = d->ctx;
    device_close_cuda(d);
    if (d->blas != NULL) blas_close(ctx, d->blas);
    str_free(ctx, &d->key);
    str_free(ctx, &d->text);
    str_free(ctx, &d->library);
    arena_clear(ctx, &d->arena);
    FREE(d, 1);
}

/* --- the processor --- */

rk_status device_take(rk_ctx *ctx, rk_device *d, struct blas *blas)
{
    if (d->blas != NULL) blas_close(ctx, d->blas);
    d->machine.blas = d->blas = blas;
    str_free(ctx, &d->library);
    return blas == NULL ? RK_OK : str_format(ctx, &d->library, "%s (%s)", blas_name(blas), blas_core(blas));
}

/* Asked for by name: it makes whatever it can express, and no race is run. */
static rk_status take_asked(rk_ctx *ctx, rk_device *d, const char *name)
{
    struct blas *blas;
    d->asked = true;
    if (strcasecmp(name, "own") == 0) return RK_OK;
    TRY(blas_open(ctx, name, &blas));
    for (int c = 0; c < GEMM_CLASSES; c++) d->machine.blas_wins[c] = true;
    return device_take(ctx, d, blas);
}

rk_status device_describe(rk_ctx *ctx, rk_device *d)
{
    int won = 0;
    d->text.n = 0;
    for (int c = 0; c < GEMM_CLASSES; c++) won += d->machine.blas_wins[c];
    TRY(str_format(ctx, &d->text, "%s %s%s", d->name, isa_rows[d->machine.isa].name, d->machine.tiles ? "+amx" : ""));
    if (d->blas == NULL || won == 0) TRY(str_text(ctx, &d->text, ", own products"));
    else TRY(str_format(ctx, &d->text, ", products by %s%s", str_c(&d->library), won < GEMM_CLASSES ? " and own" : ""));
    return str_format(ctx, &d->text, ", %d thread%s", rk_ctx_threads(ctx), rk_ctx_threads(ctx) == 1 ? "" : "s");
}

static rk_status open_cpu(rk_ctx *ctx, rk_device *d, const rk_device_options *options)
{
    const char *asked = options->blas != NULL ? options->blas : blas_asked_for();
    bool raced = false;
    d->machine.isa = isa_best();
    d->machine.tiles = isa_tiles();
    d->backend = *backend_cpu();
    d->backend.machine = &d->machine;
    if (asked != NULL && strcasecmp(asked, "any") != 0) TRY(take_asked(ctx, d, asked));
    TRY(device_key(ctx, d));
    TRY(device_cache_read(ctx, d, &raced));
    if (!d->asked && !raced) {
        TRY(device_race(ctx, d, RACE_SECONDS, NULL));
        TRY(device_cache_write(ctx, d));
    }
    return device_describe(ctx, d);
}

static rk_status open_ref(rk_ctx *ctx, rk_device *d, const rk_device_options *options)
{
    (void)options;
    d->machine.isa = isa_best();
    d->backend = *backend_ref();
    TRY(device_key(ctx, d));
    return str_text(ctx, &d->text, "ref, f64");
}

static rk_status open_meter(rk_ctx *ctx, rk_device *d, const rk_device_options *options)
{
    TRY(open_ref(ctx, d, options));
    d->backend = *backend_meter();
    d->text.n = 0;
    return str_text(ctx, &d->text, "meter, f64");
}

static rk_status open_guard(rk_ctx *ctx, rk_device *d, const rk_device_options *options)
{
    TRY(open_cpu(ctx, d, options));
    d->inner = d->backend;
    guard_over(&d->inner, &d->backend);
    return RK_OK;
}

static rk_status open_cuda(rk_ctx *ctx, rk_device *d, const rk_device_options *options)
{
    bool raced;
    struct str cache = { 0 };
    (void)options;
    TRY(device_open_cuda(ctx, d));
    if (d->cache[0] != '\0') TRY(str_format(ctx, &cache, "%s.cuda", d->cache));            /* beside what was measured of the processor */
    rk_status status = arena_text(ctx, &d->arena, str_c(&cache), (size_t)cache.n, &d->cache);
    str_free(ctx, &cache);
    TRY(status);
    TRY(str_format(ctx, &d->key, "reckon " RK_VERSION ", %s", str_c(&d->text)));
    return device_cache_read(ctx, d, &raced);
}

static const struct device_row { const char *name; rk_status (*open)(rk_ctx *ctx, rk_device *d, const rk_device_options *options); } rows[] = {
#define ROW(name, words) { #name, open_##name },
#include "backend/list.def"
#undef ROW
};

/* "cuda:1": the row, and which one of its devices. */
static bool is_named(const char *name, const char *row, int *index)
{
    size_t n = strlen(row);
    *index = 0;
    if (strncmp(name, row, n) != 0) return false;
    if (name[n] == '\0') return true;
    if (strcmp(row, "cuda") != 0 || name[n] != ':' || name[n + 1] < '0' || name[n + 1] > '9' || name[n + 2] != '\0') return false;
    *index = name[n + 1] - '0';
    return true;
}

static rk_status find_row(rk_ctx *ctx, const char *name, const struct device_row **row, int *index)
{
    char list[ERROR_HINT] = "";
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        *row = &rows[i];
        if (is_named(name, rows[i].name, index)) return RK_OK;
        (void)strncat(list, i > 0 ? ", " : "", sizeof list - strlen(list) - 1);
        (void)strncat(list, rows[i].name, sizeof list - strlen(list) - 1);
    }
    (void)FAIL(RK_E_UNKNOWN, "there is no device \"%.60s\"", name);
    return ctx_hint(ctx, "devices: %s", list);
}

rk_status rk_device_open(rk_ctx *ctx, const char *name, const rk_device_options *options, rk_device **device)
{
    static const rk_device_options standard = { 0 };
    const struct device_row *row;
    const char *cache = options != NULL && options->cache != NULL ? options->cache : "";
    rk_device *d = NULL;
    rk_status status;
    int index;
    *device = NULL;
    GO(find_row(ctx, name != NULL ? name : "cpu", &row, &index));
    GO(NEW(d, 1));
    *d = (rk_device){ .ctx = ctx, .name = row->name, .cache = "", .index = index };
    GO(arena_text(ctx, &d->arena, cache, strlen(cache), &d->cache));
    GO(row->open(ctx, d, options != NULL ? options : &standard));
    *device = d;
    d = NULL;
out:
    rk_device_close(d);
    return status;
}

bool rk_library_at(int i, rk_library *library)
{
    struct blas_known known;
    if (!blas_at(i, &known)) return false;
    *library = (rk_library){ known.name, known.title, known.package };
    return true;
}

bool rk_device_wish(int i, rk_wish *wish)
{
    struct isa_features f = isa_features();
    struct blas_wish wishes[8];
    int n = blas_core_wish(&f, wishes, 8);
    if (i < 0 || i >= n) return false;
    *wish = (rk_wish){ wishes[i].variable, wishes[i].value };
    return true;
}
