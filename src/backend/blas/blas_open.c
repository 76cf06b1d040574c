/* blas_open.c: finds a library, makes it single-threaded, asks what it runs, and declines what would only look like a BLAS.
 *
 * The library stays mapped once opened (RTLD_NODELETE): its own threads may outlive our last call. Which libraries there are
 * is blas_rows.c's. */
#include "backend/blas/blas_inner.h"
#include "base/mem.h"
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct blas_row unknown_library = { .name = "", .title = "a library", .product = "cblas_sgemm", .multiply = blas_by_cblas };

/* Cores without 256-bit multiply-adds: right where the processor has none either, several times too slow where it has. */
static const char *const old_cores[] = {
    "generic", "prescott", "core2", "penryn", "dunnington", "nehalem", "westmere", "sandybridge", "atom", "opteron", "opteron_sse3", "barcelona",
    "bobcat", "katmai", "coppermine", "northwood", "banias", "athlon",
};

/* What OpenBLAS and BLIS should run, best first: by feature bits, never by a model's name. */
static const struct wish_row { bool wide; struct blas_wish wish; } wish_rows[] = {
    { true,  { "OPENBLAS_CORETYPE", "SkylakeX" } },
    { true,  { "BLIS_ARCH_TYPE",    "skx" } },
    { false, { "OPENBLAS_CORETYPE", "Haswell" } },
    { false, { "BLIS_ARCH_TYPE",    "haswell" } },
};

int blas_core_wish(const struct isa_features *f, struct blas_wish *wishes, int most)
{
    bool narrow = f->avx2 && f->fma, wide = narrow && f->avx512f && f->avx512bw && f->avx512dq && f->avx512vl;
    int n = 0;
    for (size_t i = 0; i < sizeof wish_rows / sizeof *wish_rows && n < most; i++)
        if (narrow && wish_rows[i].wide == wide) wishes[n++] = wish_rows[i].wish;
    return n;
}

/* dlsym gives a pointer to an object; this makes it one to a function without pretending that they are the same. */
static bool symbol(void *handle, const char *name, void *function, size_t size)
{
    void *at = name != NULL ? dlsym(handle, name) : NULL;
    if (at == NULL || size != sizeof at) return false;
    memcpy(function, &at, size);
    return true;
}

static void one_thread(struct blas *b, const struct blas_row *row)
{
    int (*layer)(int);
    void (*narrow)(int);
    void (*wide)(int64_t);
    if (symbol(b->handle, row->set_layer, &layer, sizeof layer)) (void)layer(1);
    if (row->wide_threads && symbol(b->handle, row->set_threads, &wide, sizeof wide)) wide(1);
    else if (!row->wide_threads && symbol(b->handle, row->set_threads, &narrow, sizeof narrow)) narrow(1);
    if (!row->openmp || !symbol(b->handle, "omp_get_max_threads", &b->openmp_threads, sizeof b->openmp_threads)) return;
    if (!symbol(b->handle, "omp_set_num_threads", &b->set_openmp_threads, sizeof b->set_openmp_threads)) b->openmp_threads = NULL;
}

static const char *core_of(const struct blas_core *cores, int id)
{
    for (; cores != NULL && cores->name != NULL; cores++)
        if (cores->id == id) return cores->name;
    return NULL;
}

static void ask_core(struct blas *b, const struct blas_row *row)
{
    const char *(*name)(void), *(*name_of)(int), *said = NULL;
    int (*id)(void);
    if (symbol(b->handle, row->core_name, &name, sizeof name)) said = name();
    else if (symbol(b->handle, row->core_id, &id, sizeof id))
        said = symbol(b->handle, row->core_of_id, &name_of, sizeof name_of) ? name_of(id()) : core_of(row->cores, id());
    (void)snprintf(b->core, sizeof b->core, "%s", said != NULL && said[0] != '\0' ? said : "unknown");
}

static bool too_old(const char *core)
{
    struct isa_features f = isa_features();
    for (size_t i = 0; f.avx2 && f.fma && i < sizeof old_cores / sizeof *old_cores; i++)
        if (strcasecmp(core, old_cores[i]) == 0) return true;
    return false;
}

static const struct blas_row *row_of_file(const char *file)         /* a path that contains a known name behaves like it */
{
    for (const struct blas_row *r = blas_rows; r->name != NULL; r++)
        for (size_t i = 0; i < sizeof r->files / sizeof *r->files && r->files[i] != NULL; i++)
            if (strncmp(strrchr(file, '/') != NULL ? strrchr(file, '/') + 1 : file, r->files[i], strcspn(r->files[i], ".")) == 0) return r;
    return &unknown_library;
}

static bool find_product(struct blas *b, const struct blas_row *row)
{
    b->row = row;
    b->multiply = row->multiply;
    return row->multiply == blas_by_dnnl ? symbol(b->handle, row->product, &b->dnnl, sizeof b->dnnl) : symbol(b->handle, row->product, &b->cblas, sizeof b->cblas);
}

/* Opens one file. E_MISSING: it is not there or not a library; E_DECLINED: it is, and will not be used. */
static rk_status open_file(rk_ctx *ctx, struct blas *b, const struct blas_row *row, const char *file)
{
    b->handle = dlopen(file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (b->handle == NULL) {
        const char *why = dlerror();
        return FAIL(RK_E_MISSING, "opening the BLAS library %s: %s", file, why != NULL ? why : "no reason given");
    }
    (void)snprintf(b->name, sizeof b->name, "%s", file);
    if (!find_product(b, row)) return FAIL(RK_E_DECLINED, "the library %s has no %s", file, row->product);
    one_thread(b, row);
    ask_core(b, row);
    if (!too_old(b->core)) return RK_OK;
    (void)FAIL(RK_E_DECLINED, "the BLAS library %s runs its kernels for \"%s\", several times slower than this processor allows", file, b->core);
    struct isa_features f = isa_features();
    struct blas_wish wish[4];
    int n = blas_core_wish(&f, wish, 4);
    for (int i = 0; i < n; i++)
        if (row->variable != NULL && strcmp(row->variable, wish[i].variable) == 0)
            return ctx_hint(ctx, "set %s=%s in the environment", wish[i].variable, wish[i].value);
    return RK_E_DECLINED;
}

static void let_go(struct blas *b)
{
    if (b->handle != NULL) (void)dlclose(b->handle);
    b->handle = NULL;
}

/* "libdnnl.so.3, libdnnl.so.2, libdnnl.so": what was looked for. */
static void put_files(char *to, size_t room, const struct blas_row *row)
{
    size_t used = 0;
    for (size_t i = 0; i < sizeof row->files / sizeof *row->files && row->files[i] != NULL && used < room; i++)
        used += (size_t)snprintf(to + used, room - used, "%s%s", i > 0 ? ", " : "", row->files[i]);
}

static rk_status open_row(rk_ctx *ctx, struct blas *b, const struct blas_row *row)
{
    char files[128] = "";
    rk_status status = RK_E_MISSING;
    for (size_t i = 0; i < sizeof row->files / sizeof *row->files && row->files[i] != NULL && status == RK_E_MISSING; i++) {
        status = open_file(ctx, b, row, row->files[i]);
        if (status != RK_OK) let_go(b);
    }
    if (status != RK_E_MISSING) return status;
    put_files(files, sizeof files, row);
    (void)FAIL(RK_E_MISSING, "%s (%s) is not installed here, or not where libraries are looked for", row->title, files);
    return ctx_hint(ctx, "it comes with %s", row->package);
}

/* A name that is neither known nor a file's. */
static rk_status unknown(rk_ctx *ctx, const char *name)
{
    char list[128] = "";
    for (const struct blas_row *r = blas_rows; r->name != NULL; r++) {
        (void)strncat(list, r->name, sizeof list - strlen(list) - 1);
        (void)strncat(list, ", ", sizeof list - strlen(list) - 1);
    }
    (void)FAIL(RK_E_UNKNOWN, "no BLAS library \"%.80s\" is known", name);
    return ctx_hint(ctx, "known are %sown (no library), and files like libopenblas.so.0", list);
}

/* NULL: the first that opens. A declined one is remembered in the message if nothing better is found. */
static rk_status open_any(rk_ctx *ctx, struct blas *b, const char *name)
{
    rk_status status = RK_E_MISSING;
    if (name != NULL) {
        const struct blas_row *row = blas_row_find(name);
        if (row != NULL) return open_row(ctx, b, row);
        return strchr(name, '/') != NULL || strstr(name, ".so") != NULL ? open_file(ctx, b, row_of_file(name), name) : unknown(ctx, name);
    }
    for (const struct blas_row *r = blas_rows; r->name != NULL && status == RK_E_MISSING; r++) status = open_row(ctx, b, r);
    return status;
}

rk_status blas_open(rk_ctx *ctx, const char *name, struct blas **out)
{
    struct blas *b = NULL;
    *out = NULL;
    TRY(NEW(b, 1));
    rk_status status = open_any(ctx, b, name);
    if (status == RK_OK) {
        *out = b;
        rk_error_clear(ctx);
        return RK_OK;
    }
    let_go(b);
    FREE(b, 1);
    return ctx_pass(ctx, status, __FILE__, __LINE__, __func__);
}

void blas_close(rk_ctx *ctx, struct blas *b)
{
    if (b == NULL) return;
    let_go(b);
    FREE(b, 1);
}

const char *blas_name(const struct blas *b) { return b->name; }
const char *blas_title(const struct blas *b) { return b->row->title; }
const char *blas_key(const struct blas *b) { return b->row->name[0] != '\0' ? b->row->name : b->name; }
const char *blas_core(const struct blas *b) { return b->core; }
