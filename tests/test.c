/* test.c: main of every test program. */
#include "test.h"
#include <dirent.h>
#include <execinfo.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_TESTS = 512, MOST_CTX = 16 };

static struct { const char *file, *name; test_body *body; } tests[MOST_TESTS];
static int      n_tests, n_failures, n_ctx;
static bool     was_skipped;
static jmp_buf  leave;
static uint64_t seed, drawn;
static rk_ctx  *open_ctx[MOST_CTX];
static char     folder[256];
static struct path { struct path *before; char text[]; } *paths;      /* what test_path gave out */

void test_add(const char *file, const char *name, test_body *body)
{
    if (n_tests == MOST_TESTS) abort();
    tests[n_tests].file = file;
    tests[n_tests].name = name;
    tests[n_tests++].body = body;
}

void test_fail(const char *file, int line, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    if (++n_failures <= 20) {
        printf("  %s:%d: ", file, line);
        vprintf(format, list);
        printf("  (seed %llu)\n", (unsigned long long)seed);
    }
    va_end(list);
}

void test_end(void) { longjmp(leave, 1); }

void test_skip(const char *file, int line, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    printf("  %s:%d: skipped: ", file, line);
    vprintf(format, list);
    printf("\n");
    va_end(list);
    was_skipped = true;
    longjmp(leave, 1);
}

uint64_t test_seed(void) { return seed; }

uint64_t test_random(uint64_t below)                /* splitmix64: independent of what is being tested */
{
    uint64_t z = seed + ++drawn * 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return below == 0 ? z : z % below;
}

double test_normal(void)
{
    double u = ((double)(test_random(0) >> 11) + 1) * 0x1p-53, v = (double)(test_random(0) >> 11) * 0x1p-53;
    return sqrt(-2 * log(u)) * cos(6.283185307179586477 * v);
}

const char *test_shared(void)
{
    static const char *const places[] = { "../shared", "../../shared", "../../../shared" };
    const char *named = getenv("RECKON_REFERENCE");
    struct stat s;
    if (named != NULL) return stat(named, &s) == 0 ? named : NULL;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "%s/golden", places[i]);
        if (stat(path, &s) == 0) return places[i];
    }
    return NULL;
}

static void remove_tree(const char *path)
{
    DIR *d = opendir(path);
    if (d == NULL) {
        (void)unlink(path);
        return;
    }
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        char inner[1024];
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
        (void)snprintf(inner, sizeof inner, "%s/%s", path, e->d_name);
        struct stat s;
        if (lstat(inner, &s) == 0 && S_ISDIR(s.st_mode)) remove_tree(inner);
        else (void)unlink(inner);
    }
    (void)closedir(d);
    (void)rmdir(path);
}

const char *test_temporary(void)
{
    if (folder[0] == '\0') {
        const char *base = getenv("TMPDIR");
        (void)snprintf(folder, sizeof folder, "%s/reckon-test-XXXXXX", base != NULL ? base : "/tmp");
        if (mkdtemp(folder) == NULL) abort();
    }
    return folder;
}

const char *test_path(const char *name)
{
    const size_t n = strlen(test_temporary()) + 1;
    if (name[0] == '/' || strncmp(name, folder, n - 1) == 0) return name;
    for (struct path *p = paths; p != NULL; p = p->before)
        if (strcmp(p->text + n, name) == 0) return p->text;
    struct path *fresh = malloc(sizeof *fresh + n + strlen(name) + 1);
    if (fresh == NULL) abort();
    (void)sprintf(fresh->text, "%s/%s", folder, name);
    fresh->before = paths;
    paths = fresh;
    return fresh->text;
}

static void forget_paths(void)
{
    while (paths != NULL) {
        struct path *p = paths;
        paths = p->before;
        free(p);
    }
}

const char *test_write(const char *name, const void *bytes, size_t n)
{
    const char *path = test_path(name);
    FILE *f = fopen(path, "wb");
    REQUIRE(f != NULL && fwrite(bytes, 1, n, f) == n && fclose(f) == 0);
    return path;
}

const char *test_write_text(const char *name, const char *text) { return test_write(name, text, strlen(text)); }

rk_ctx *test_ctx(void)
{
    rk_ctx *ctx;
    if (n_ctx == MOST_CTX || rk_ctx_open(NULL, &ctx) != RK_OK) abort();
    return open_ctx[n_ctx++] = ctx;
}

/* --- allocations that fail --- */

/* Counts allocations; the first from number `from` on (-1: none) fails, or, telling, the first of those that tells something; and every later one too. */
struct fault { int64_t from, n, at; bool telling, struck; };

enum { MOST_FRAMES = 64, MOST_WAYS = 1 << 14 };
static struct { uint64_t way; unsigned times; } ways[MOST_WAYS];       /* how often allocations were reached by the same calls */

/* True the first, second, fourth, eighth ... time that this allocation is reached by the calls that lead to it now. */
static bool tells(void)
{
    void *frame[MOST_FRAMES];
    uint64_t way = 1;
    int n = backtrace(frame, MOST_FRAMES);
    for (int i = 0; i < n; i++) way = (way ^ (uintptr_t)frame[i]) * 0x9e3779b97f4a7c15u, way ^= way >> 29;
    size_t k = way % MOST_WAYS;
    for (size_t seen = 0; ways[k].times > 0 && ways[k].way != way; k = (k + 1) % MOST_WAYS)
        if (++seen == MOST_WAYS) abort();
    ways[k].way = way;
    unsigned times = ++ways[k].times;
    return (times & (times - 1)) == 0;
}

static bool fails_now(struct fault *f)
{
    int64_t i = f->n++;
    if (f->struck || f->from < 0 || i < f->from) return f->struck;
    f->struck = !f->telling || tells();
    f->at = i;
    return f->struck;
}

static void *faulty(void *user, void *old, size_t old_bytes, size_t bytes)
{
    if (bytes == 0) {
        free(old);
        return NULL;
    }
    if (fails_now(user)) return NULL;
    void *fresh = aligned_alloc(64, (bytes + 63) & ~(size_t)63);
    if (fresh != NULL && old != NULL) {
        memcpy(fresh, old, old_bytes < bytes ? old_bytes : bytes);
        free(old);
    }
    return fresh;
}

static struct fault fault;

rk_ctx *test_fault_ctx(int64_t n)
{
    rk_options options = { .allocator = { faulty, &fault }, .threads = 1 };
    rk_ctx *ctx;
    fault = (struct fault){ .from = -1 };
    if (rk_ctx_open(&options, &ctx) != RK_OK) abort();
    fault.n = 0;
    fault.from = n;
    return ctx;
}

bool test_fault_close(rk_ctx *ctx)
{
    if (rk_ctx_bytes(ctx) != 0) test_fail(__FILE__, __LINE__, "%zu bytes were not given back", rk_ctx_bytes(ctx));
    rk_ctx_close(ctx);
    return fault.struck;
}

void test_every_fault(const char *file, int line, rk_status (*body)(rk_ctx *ctx))
{
    memset(ways, 0, sizeof ways);
    for (int64_t n = 0;; n = fault.at + 1) {
        rk_ctx *ctx = test_fault_ctx(n);
        fault.telling = TEST_SANITIZED;
        rk_status status = body(ctx);
        bool named = rk_error_message(ctx)[0] != '\0';
        bool struck = test_fault_close(ctx);
        if (!struck) {
            if (status != RK_OK) test_fail(file, line, "fails with %s though every allocation succeeded", rk_status_name(status));
            return;
        }
        if (status != RK_E_NOMEM || !named) test_fail(file, line, "allocation %lld failed and the call ended with %s", (long long)fault.at, rk_status_name(status));
        if (n_failures > 20) return;
    }
}

/* 0 passed, 1 failed, 2 skipped */
static int run(int i)
{
    int before = n_failures;
    was_skipped = false;
    drawn = 0;
    folder[0] = '\0';
    printf("%s\n", tests[i].name);
    fflush(stdout);
    bool ended = true;
    if (setjmp(leave) == 0) {
        tests[i].body();
        ended = false;
    }
    while (n_ctx > 0) {
        rk_ctx *ctx = open_ctx[--n_ctx];
        if (!ended && rk_ctx_bytes(ctx) != 0) test_fail(tests[i].file, 0, "%zu bytes were not given back", rk_ctx_bytes(ctx));
        rk_ctx_close(ctx);
    }
    if (folder[0] != '\0') remove_tree(folder);
    forget_paths();
    return n_failures > before ? 1 : was_skipped ? 2 : 0;
}

int main(int argc, char **argv)
{
    int count[3] = { 0, 0, 0 };
    const char *text = getenv("TEST_SEED");
    seed = text != NULL ? strtoull(text, NULL, 0) : 1;
    for (int i = 0; i < n_tests; i++) {
        bool wanted = argc < 2;
        for (int k = 1; k < argc; k++) wanted = wanted || strstr(tests[i].name, argv[k]) != NULL;
        if (wanted) count[run(i)]++;
    }
    printf("%d passed, %d failed, %d skipped\n", count[0], count[1], count[2]);
    return count[1] > 0;
}
