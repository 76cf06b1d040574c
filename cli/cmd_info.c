/* reckon info: what this build is and what it found here. One row per fact: a name, its key in JSON, and who knows it. */
#include "device.h"
#include "out.h"
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#if defined __aarch64__ && defined __linux__
#include <sys/auxv.h>
#endif

/* A fact is a text, or a number with a way to say it. */
struct fact {
    const char *name, *key;
    void (*tell)(struct cli *c, char *text, size_t room);
    uint64_t (*number)(struct cli *c);
    struct say (*say)(uint64_t number);
};

static void version(struct cli *c, char *text, size_t room)
{
    (void)c;
    (void)snprintf(text, room, "%s", RK_VERSION);
}

static void compiler(struct cli *c, char *text, size_t room)
{
    (void)c;
#if defined __clang__
    (void)snprintf(text, room, "clang %s", __clang_version__);
#elif defined __GNUC__
    (void)snprintf(text, room, "gcc %s", __VERSION__);
#else
    (void)snprintf(text, room, "unknown");
#endif
}

static void build(struct cli *c, char *text, size_t room)
{
    (void)c;
#if defined __OPTIMIZE__
    const char *made = "optimized";
#else
    const char *made = "not optimized";
#endif
    (void)snprintf(text, room, "%s, %zu-bit", made, 8 * sizeof(void *));
}

static void operating_system(struct cli *c, char *text, size_t room)
{
    struct utsname u;
    (void)c;
    if (uname(&u) != 0) (void)snprintf(text, room, "unknown");
    else (void)snprintf(text, room, "%s %s %s", u.sysname, u.release, u.machine);
}

static uint64_t threads(struct cli *c) { return (uint64_t)rk_ctx_threads(c->ctx); }

/* Which body of the threads this build has: make USE_OPENMP=1, USE_TBB=1. */
static void threads_of(struct cli *c, char *text, size_t room)
{
    (void)c;
    (void)snprintf(text, room, "%s", rk_threads_of());
}

static uint64_t memory(struct cli *c)
{
    long pages = sysconf(_SC_PHYS_PAGES), bytes = sysconf(_SC_PAGESIZE);
    (void)c;
    return pages < 0 || bytes < 0 ? 0 : (uint64_t)pages * (uint64_t)bytes;
}

static void vector_features(struct cli *c, char *text, size_t room)
{
    (void)c;
    text[0] = '\0';
#if defined __x86_64__ && defined __GNUC__
#define FEATURE(name) if (__builtin_cpu_supports(name)) (void)strncat(text, text[0] != '\0' ? " " name : name, room - strlen(text) - 1);
    __builtin_cpu_init();
    FEATURE("sse4.2") FEATURE("avx") FEATURE("avx2") FEATURE("fma") FEATURE("avx512f") FEATURE("avx512bw") FEATURE("avx512vl")
    FEATURE("avx512vnni") FEATURE("avx512bf16")
#undef FEATURE
#elif defined __aarch64__ && defined __linux__
    static const struct { unsigned long bit; const char *name; } known[] = {
        { HWCAP_ASIMD, "asimd" }, { HWCAP_CRC32, "crc32" }, { HWCAP_ASIMDHP, "asimdhp" }, { HWCAP_ASIMDDP, "asimddp" }, { HWCAP_SVE, "sve" } };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if ((getauxval(AT_HWCAP) & known[i].bit) != 0) (void)snprintf(text + strlen(text), room - strlen(text), text[0] != '\0' ? " %s" : "%s", known[i].name);
#endif
    if (text[0] == '\0') (void)snprintf(text, room, "unknown");
}

/* The device is opened as any command would, without complaint: that was made once. */
static void device(struct cli *c, char *text, size_t room)
{
    rk_device *d = NULL;
    char *cache = cli_cache("machine.json");
    rk_status status = rk_device_open(c->ctx, cli_text(c, "device"), &(rk_device_options){ .blas = cli_blas(c), .cache = cache }, &d);
    (void)snprintf(text, room, "%s", status == RK_OK ? rk_device_text(d) : "none, by what was asked for");
    rk_error_clear(c->ctx);
    rk_device_close(d);
    free(cache);
}

/* With its memory; or why there is none. */
static void accelerator(struct cli *c, char *text, size_t room)
{
    rk_device *d = NULL;
    uint64_t all = 0, free_bytes = 0;
    if (rk_device_open(c->ctx, "cuda", NULL, &d) != RK_OK) (void)snprintf(text, room, "none: %s", rk_error_message(c->ctx));
    else if (rk_device_memory(d, &all, &free_bytes)) (void)snprintf(text, room, "%s, %s", rk_device_text(d), say_bytes(all).at);
    rk_error_clear(c->ctx);
    rk_device_close(d);
}

/* Every library that opens here, with the core type it chose. */
static void libraries(struct cli *c, char *text, size_t room)
{
    rk_library library;
    text[0] = '\0';
    for (int i = 0; rk_library_at(i, &library); i++) {
        rk_device *d = NULL;
        size_t n = strlen(text);
        if (rk_device_open(c->ctx, "cpu", &(rk_device_options){ .blas = library.name }, &d) == RK_OK)
            (void)snprintf(text + n, room - n, "%s%s: %s", n > 0 ? ", " : "", library.name, rk_device_library(d));
        rk_error_clear(c->ctx);
        rk_device_close(d);
    }
    if (text[0] == '\0') (void)snprintf(text, room, "none is installed: products are our own");
}

static uint64_t processors(struct cli *c)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    (void)c;
    return n < 0 ? 0 : (uint64_t)n;
}

static void cache(struct cli *c, char *text, size_t room)
{
    char *path = cli_cache("");
    (void)c;
    (void)snprintf(text, room, "%s", path != NULL ? path : "nowhere: neither RECKON_CACHE nor HOME is set");
    free(path);
}

static const struct fact facts[] = {
    { "version",         "version",      version,          NULL,    NULL },
    { "compiler",        "compiler",     compiler,         NULL,    NULL },
    { "build",           "build",        build,            NULL,    NULL },
    { "system",          "system",       operating_system, NULL,    NULL },
    { "memory",          "memory_bytes", NULL,             memory,  say_bytes },
    { "processors",      "processors",   NULL,             processors, say_count },
    { "threads",         "threads",      NULL,             threads, say_count },
    { "threads of",      "threads_of",   threads_of,       NULL,    NULL },
    { "vector features", "features",     vector_features,  NULL,    NULL },
    { "device",          "device",       device,           NULL,    NULL },
    { "GPU",             "cuda",         accelerator,      NULL,    NULL },
    { "BLAS",            "blas",         libraries,        NULL,    NULL },
    { "kept in",         "cache",        cache,            NULL,    NULL },
};

static void print_fact(struct cli *c, const struct fact *f, struct table *t)
{
    char text[512];
    if (f->tell != NULL) f->tell(c, text, sizeof text);
    else (void)snprintf(text, sizeof text, "%s", f->say(f->number(c)).at);
    table_cell(t, "%s", f->name);
    table_cell(t, "%s", text);
}

static void print_json(struct cli *c, const struct fact *f, struct json *j)
{
    char text[512];
    if (f->number != NULL) json_uint(j, f->key, f->number(c));
    else {
        f->tell(c, text, sizeof text);
        json_text(j, f->key, text);
    }
}

static int run(struct cli *c)
{
    struct json j;
    size_t n = sizeof facts / sizeof *facts;
    rk_device *d = NULL;
    int code = device_open(c, &d);          /* what was asked for and is not here, also when building, is an error; the rest is told, for whoever looks why */
    rk_device_close(d);
    if (c->json) {
        json_begin(&j, c->out);
        json_object(&j, NULL);
        json_text(&j, "schema", "reckon.info/1");
        for (size_t i = 0; i < n; i++) print_json(c, &facts[i], &j);
        json_end(&j);
        return code;
    }
    struct table *t = table_new(c, NULL, "lw");
    for (size_t i = 0; i < n; i++) print_fact(c, &facts[i], t);
    table_print(t);
    return code;
}

static const struct example examples[] = {
    { "info",        "this build and this machine", NULL },
    { "info --json", "the same, for a program", NULL },
    { 0 }
};

static const struct option options[] = { OPTION_DEVICE, { 0 } };

const struct command cmd_info = { .name = "info", .options = options, .purpose = "this build and what it found on this machine", .examples = examples, .json = true, .run = run };
