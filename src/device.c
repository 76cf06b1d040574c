/* device.c: devices: a back end of list.def, the library that won its races, and the machine's ceilings.
 *
 * What is measured (races, ceilings) is measured once and kept in a file, if the caller names one; what it says of another
 * machine or build is not believed. A damaged file is measured over. The library reads no environment: which core type a
 * BLAS runs is the caller's wish (backend/blas/blas.h).
 *
 * Not here: kernels, and how a race is run (backend/cpu). */
#include "backend/blas/blas.h"
#include "backend/cpu/burst.h"
#include "backend/cpu/cpu.h"
#include "backend/cpu/machine.h"
#include "backend/guard/guard.h"
#include "backend/meter/meter.h"
#include "backend/ref/ref.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/par.h"
#include "io/json.h"
#include "run/device.h"
#include <string.h>

enum { RACES = 2 };                     /* which way races are run: a higher number, and what was measured before is not believed */
enum { CACHE_BYTES = 1 << 20, SWEEP_BYTES = 128 << 20, BURSTS = 20 };
static const double RACE_SECONDS = 0.02, LONG_RACE_SECONDS = 0.1, LONGEST_RACE_SECONDS = 0.2, BURST_SECONDS = 0.01;

struct rk_device {
    rk_ctx *ctx;
    struct backend backend;
    struct backend inner;               /* of guard */
    struct machine machine;
    struct blas *blas;
    rk_ceilings ceilings;
    bool known;                         /* the ceilings have been measured */
    struct arena arena;
    const char *name, *cache;           /* cache: "" for none */
    struct str key, text, library;
};

const struct backend *device_backend(const rk_device *d) { return &d->backend; }
rk_ctx *device_ctx(const rk_device *d) { return d->ctx; }
const char *rk_device_name(const rk_device *d) { return d->name; }
const char *rk_device_library(const rk_device *d) { return str_c(&d->library); }
const char *rk_device_text(const rk_device *d) { return str_c(&d->text); }

void rk_device_close(rk_device *d)
{
    if (d == NULL) return;
    rk_ctx *ctx = d->ctx;
    if (d->blas != NULL) blas_close(ctx, d->blas);
    str_free(ctx, &d->key);
    str_free(ctx, &d->text);
    str_free(ctx, &d->library);
    arena_clear(ctx, &d->arena);
    FREE(d, 1);
}

/* --- what was measured before --- */

/* Which machine and which library the numbers are of; what was asked for by name won no race. */
static rk_status write_key(rk_ctx *ctx, rk_device *d, bool asked)
{
    struct str cpu = { 0 };
    TRY(str_format(ctx, &d->key, "reckon " RK_VERSION ", races %d, %s, ", RACES, isa_rows[d->machine.isa].name));
    if (d->blas != NULL) TRY(str_format(ctx, &d->key, "%s%s, ", str_c(&d->library), asked ? " as asked for" : ""));
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
    d->ceilings.threads = rk_ctx_threads(ctx);
    d->known = true;
    return RK_OK;
}

static rk_status take_cache(rk_ctx *ctx, rk_device *d, const struct json *root, bool *raced)
{
    const char *key;
    const struct json *library, *ceilings = json_find(root, "ceilings");
    TRY(json_get_text(ctx, root, "machine", &key));
    if (strcmp(key, str_c(&d->key)) != 0) return FAIL(RK_E_DIFFERS, "%s: measured on another machine", d->cache);
    TRY(json_get_object(ctx, root, "library", &library));
    for (int c = 0; c < GEMM_CLASSES; c++) TRY(json_get_bool(ctx, library, gemm_class_name((enum gemm_class)c), &d->machine.blas_wins[c]));
    *raced = true;
    return ceilings == NULL || ceilings->kind == JSON_NULL ? RK_OK : take_ceilings(ctx, d, ceilings);
}

/* A file that is missing, damaged or of another machine only means that everything is measured. */
static rk_status read_cache(rk_ctx *ctx, rk_device *d, bool *raced)
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
    for (int c = 0; c < GEMM_CLASSES; c++) TRY(json_put_bool(ctx, &o, gemm_class_name((enum gemm_class)c), d->machine.blas_wins[c]));
    TRY(json_close(ctx, &o));
    if (d->known) {
        TRY(json_open_object(ctx, &o, "ceilings"));
        TRY(json_put_int(ctx, &o, "threads", d->ceilings.threads));
        TRY(json_put_double(ctx, &o, "fma_flops", d->ceilings.fma_flops));
        TRY(json_put_double(ctx, &o, "gemm_flops", d->ceilings.gemm_flops));
        TRY(json_put_double(ctx, &o, "read_bytes", d->ceilings.read_bytes));
        TRY(json_put_double(ctx, &o, "copy_bytes", d->ceilings.copy_bytes));
        TRY(json_close(ctx, &o));
    }
    TRY(json_close(ctx, &o));
    return str_text(ctx, text, "\n");
}

/* Keeping is a service: where it fails, the work goes on and the log says so. */
static rk_status write_cache(rk_ctx *ctx, const rk_device *d)
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

/* --- races --- */

struct own { enum isa isa; void *scratch; };

static void run_own(rk_ctx *ctx, const void *candidate, const struct gemm_problem *p, const struct gemm_operands *o)
{
    const struct own *own = candidate;
    struct gemm_plan plan = gemm_plan(p, own->isa);
    gemm_run(ctx, &plan, o, own->scratch);
}

static void run_library(rk_ctx *ctx, const void *candidate, const struct gemm_problem *p, const struct gemm_operands *o)
{
    blas_gemm_run(ctx, candidate, p, o);
}

/* Our own product, scores[0], against the library's, scores[1], if there is one. winner 1: the library. */
static rk_status race(rk_ctx *ctx, const rk_device *d, enum gemm_class c, double seconds, struct gemm_score scores[2], int *winner)
{
    struct gemm_problem p = gemm_class_problem(c);
    struct gemm_plan plan = gemm_plan(&p, d->machine.isa);
    struct own own = { .isa = d->machine.isa };
    struct gemm_candidate both[] = { { run_own, &own }, { run_library, d->blas } };
    unsigned char *scratch;
    size_t bytes = gemm_scratch(&plan, par_workers(ctx));
    scores[0] = scores[1] = (struct gemm_score){ 0, 0 };
    TRY(NEW(scratch, bytes));
    own.scratch = scratch;
    rk_status status = gemm_race(ctx, c, both, d->blas != NULL ? 2 : 1, seconds, scores, winner);
    FREE(scratch, bytes);
    TRY(status);
    ctx_log(ctx, RK_DEBUG, "products %s: own %.0f GFLOP/s, library %.0f", gemm_class_name(c), scores[0].flops * 1e-9, scores[1].flops * 1e-9);
    return RK_OK;
}

static rk_status race_all(rk_ctx *ctx, rk_device *d)
{
    for (int c = 0; c < GEMM_CLASSES; c++) {
        struct gemm_score scores[2];
        int winner;
        TRY(race(ctx, d, (enum gemm_class)c, RACE_SECONDS, scores, &winner));
        d->machine.blas_wins[c] = winner == 1;
    }
    return RK_OK;
}

/* --- the processor --- */

static rk_status open_library(rk_ctx *ctx, rk_device *d, const char *wanted)
{
    if (wanted != NULL && strcmp(wanted, "own") == 0) return RK_OK;
    rk_status status = blas_open(ctx, wanted, &d->blas);
    if (status == RK_OK) {
        d->machine.blas = d->blas;
        return str_format(ctx, &d->library, "%s (%s)", blas_name(d->blas), blas_core(d->blas));
    }
    if (wanted != NULL || status == RK_E_NOMEM) return status;
    ctx_log(ctx, RK_DEBUG, "%s", rk_error_message(ctx));
    rk_error_clear(ctx);                                    /* nobody asked for one */
    return RK_OK;
}

static rk_status describe(rk_ctx *ctx, rk_device *d)
{
    int won = 0;
    for (int c = 0; c < GEMM_CLASSES; c++) won += d->machine.blas_wins[c];
    TRY(str_format(ctx, &d->text, "%s %s", d->name, isa_rows[d->machine.isa].name));
    if (d->blas == NULL || won == 0) TRY(str_text(ctx, &d->text, ", own products"));
    else TRY(str_format(ctx, &d->text, ", products by %s%s", str_c(&d->library), won < GEMM_CLASSES ? " and own" : ""));
    return str_format(ctx, &d->text, ", %d thread%s", rk_ctx_threads(ctx), rk_ctx_threads(ctx) == 1 ? "" : "s");
}

static rk_status open_cpu(rk_ctx *ctx, rk_device *d, const rk_device_options *options)
{
    bool raced = false;
    d->machine.isa = isa_best();
    d->backend = *backend_cpu();
    d->backend.machine = &d->machine;
    TRY(open_library(ctx, d, options->blas));
    TRY(write_key(ctx, d, options->blas != NULL));
    TRY(read_cache(ctx, d, &raced));
    if (d->blas != NULL && options->blas != NULL) {
        for (int c = 0; c < GEMM_CLASSES; c++) d->machine.blas_wins[c] = true;        /* asked for by name: no race */
    } else if (d->blas != NULL && !raced) {
        TRY(race_all(ctx, d));
        TRY(write_cache(ctx, d));
    }
    return describe(ctx, d);
}

static rk_status open_ref(rk_ctx *ctx, rk_device *d, const rk_device_options *options)
{
    (void)options;
    d->machine.isa = isa_best();
    d->backend = *backend_ref();
    TRY(write_key(ctx, d, false));
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

static const struct device_row { const char *name; rk_status (*open)(rk_ctx *ctx, rk_device *d, const rk_device_options *options); } rows[] = {
#define ROW(name, words) { #name, open_##name },
#include "backend/list.def"
#undef ROW
};

static rk_status find_row(rk_ctx *ctx, const char *name, const struct device_row **row)
{
    char list[ERROR_HINT] = "";
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        *row = &rows[i];
        if (strcmp(rows[i].name, name) == 0) return RK_OK;
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
    *device = NULL;
    GO(find_row(ctx, name != NULL ? name : "cpu", &row));
    GO(NEW(d, 1));
    *d = (rk_device){ .ctx = ctx, .name = row->name, .cache = "" };
    GO(arena_text(ctx, &d->arena, cache, strlen(cache), &d->cache));
    GO(row->open(ctx, d, options != NULL ? options : &standard));
    *device = d;
    d = NULL;
out:
    rk_device_close(d);
    return status;
}

/* --- ceilings --- */

/* A ceiling is the best of many moments: on a machine that others use too, the mean says what they do. */
static double best_burst(rk_ctx *ctx, const rk_device *d)
{
    double best = 0;
    for (int i = 0; i < BURSTS; i++) {
        double rate = burst_flops(ctx, d->machine.isa, rk_ctx_threads(ctx), BURST_SECONDS);
        if (rate > best) best = rate;
    }
    return best;
}

static rk_status measure_all(rk_ctx *ctx, rk_device *d)
{
    struct burst_bandwidth bytes;
    struct gemm_score scores[2];
    int winner, threads = rk_ctx_threads(ctx);
    TRY(race(ctx, d, GEMM_WIDE_NT, LONGEST_RACE_SECONDS, scores, &winner));
    TRY(burst_bandwidth(ctx, d->machine.isa, threads, SWEEP_BYTES, &bytes));
    d->ceilings = (rk_ceilings){ best_burst(ctx, d), scores[winner].flops, bytes.read, bytes.copy, threads };
    d->known = true;
    return write_cache(ctx, d);
}

rk_status rk_device_ceilings(rk_device *d, bool measure, rk_ceilings *ceilings)
{
    rk_ctx *ctx = d->ctx;
    if (!d->known || measure) TRY(measure_all(ctx, d));
    *ceilings = d->ceilings;
    return RK_OK;
}

rk_status rk_device_race(rk_device *d, int i, rk_race *out)
{
    rk_ctx *ctx = d->ctx;
    struct gemm_score scores[2];
    int winner;
    if (i < 0 || i >= GEMM_CLASSES) return FAIL(RK_E_UNKNOWN, "there is no class %d of products", i);
    struct gemm_problem p = gemm_class_problem((enum gemm_class)i);
    TRY(race(ctx, d, (enum gemm_class)i, LONG_RACE_SECONDS, scores, &winner));
    d->machine.blas_wins[i] = winner == 1;
    *out = (rk_race){ .name = gemm_class_name((enum gemm_class)i), .rows = p.m, .columns = p.n, .depth = p.k, .own_flops = scores[0].flops, .library_flops = scores[1].flops, .library = winner == 1 };
    return RK_OK;
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
