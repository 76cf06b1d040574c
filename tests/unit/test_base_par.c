/* par.h: every task once, on any number of threads; nothing written before is missed, nothing written inside is lost.
 * labels: threads (this program is the one for ThreadSanitizer) */
#include "base/par.h"
#include "base/clock.h"
#include "test.h"
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static rk_ctx *ctx_of(int threads)
{
    rk_options options = { .threads = threads };
    rk_ctx *ctx;
    if (rk_ctx_open(&options, &ctx) != RK_OK) abort();
    return ctx;
}

enum { MOST_THREADS = 9, N = 10007 };

struct visit { rk_ctx *ctx; const int64_t *in; int64_t *out; int64_t per_worker[MOST_THREADS]; int wrong; };

static void square(void *arg, int64_t i, int worker)
{
    struct visit *v = arg;
    if (worker < 0 || worker >= par_workers(v->ctx)) __atomic_store_n(&v->wrong, 1, __ATOMIC_RELAXED);
    else v->per_worker[worker]++;                    /* no lock: a worker number belongs to one thread at a time */
    v->out[i] += v->in[i] * v->in[i];
}

TEST(every_task_is_done_once_on_any_number_of_threads)
{
    static const int64_t sizes[] = { 0, 1, 2, 3, 7, 64, N };
    static int64_t in[N], out[N];
    for (int threads = 1; threads <= MOST_THREADS; threads++) {
        rk_ctx *ctx = ctx_of(threads);
        for (int round = 0; round < 40; round++) {
            int64_t n = sizes[round % 7];
            struct visit v = { .ctx = ctx, .in = in, .out = out };
            for (int i = 0; i < N; i++) in[i] = (int64_t)test_random(1000), out[i] = i;
            par_for(ctx, n, square, &v);
            int64_t visits = 0;
            for (int w = 0; w < MOST_THREADS; w++) visits += v.per_worker[w];
            EXPECT_INT(visits, n);
            EXPECT_INT(v.wrong, 0);
            for (int64_t i = 0; i < N; i++) EXPECT(out[i] == i + (i < n ? in[i] * in[i] : 0));
        }
        EXPECT_INT(par_workers(ctx), threads);
        EXPECT_INT(rk_ctx_bytes(ctx), 0);
        rk_ctx_close(ctx);
    }
}

struct sums { int64_t at[4][16]; };                  /* a line of cache for each worker */

static void add(void *arg, int64_t i, int worker) { ((struct sums *)arg)->at[worker][0] += i; }

TEST(a_million_tiny_tasks)
{
    for (int threads = 1; threads <= 4; threads++) {
        rk_ctx *ctx = ctx_of(threads);
        struct sums s = { 0 };
        par_for(ctx, 1000000, add, &s);
        EXPECT_INT(s.at[0][0] + s.at[1][0] + s.at[2][0] + s.at[3][0], INT64_C(499999500000));
        rk_ctx_close(ctx);
    }
}

/* Loops in quick succession, each reading what the one before has written; now and then a pause lets the workers sleep. */
struct chain { int64_t *from, *to; int n; };

static void neighbours(void *arg, int64_t i, int worker)
{
    struct chain *c = arg;
    (void)worker;
    c->to[i] = c->from[i] + c->from[(i + 1) % c->n];
}

TEST(a_loop_sees_what_the_loop_before_wrote)
{
    static int64_t a[16], b[16], x[16], y[16];
    rk_ctx *ctx = ctx_of(3);
    for (int i = 0; i < 16; i++) a[i] = x[i] = i;
    for (int round = 0; round < 3000; round++) {
        struct chain c = { round & 1 ? b : a, round & 1 ? a : b, 16 };
        struct chain serial = { round & 1 ? y : x, round & 1 ? x : y, 16 };
        par_for(ctx, 16, neighbours, &c);
        for (int i = 0; i < 16; i++) neighbours(&serial, i, 0);
        for (int i = 0; i < 16; i++) c.to[i] &= 0xffffff, serial.to[i] &= 0xffffff;
        if (round % 100 == 0) (void)usleep(300);
        if (memcmp(a, x, sizeof a) != 0 || memcmp(b, y, sizeof b) != 0) { test_fail(__FILE__, __LINE__, "round %d differs", round); break; }
    }
    rk_ctx_close(ctx);
}

struct nest { rk_ctx *ctx; int depth, outer; int64_t count[4][16]; int wrong; };

static void inner(void *arg, int64_t i, int worker)
{
    struct nest *n = arg;
    (void)i;
    if (worker != n->outer) n->wrong = 1;
    n->count[worker][0]++;
}

static void outer(void *arg, int64_t i, int worker)
{
    struct nest *all = arg;
    struct nest mine = { .ctx = all->ctx, .outer = worker };
    (void)usleep(i < 8 ? 500 : 0);                   /* long enough for every worker to come */
    par_for(mine.ctx, 100, inner, &mine);
    par_for(mine.ctx, 1, inner, &mine);
    if (mine.wrong || mine.count[worker][0] != 101) __atomic_store_n(&all->wrong, 1, __ATOMIC_RELAXED);
    all->count[worker][0]++;
}

TEST(a_loop_in_a_task_runs_in_that_task_as_its_worker)
{
    for (int threads = 1; threads <= 4; threads++) {
        rk_ctx *ctx = ctx_of(threads);
        for (int64_t tasks = 1; tasks <= 65; tasks += 16) {
            struct nest n = { .ctx = ctx };
            par_for(ctx, tasks, outer, &n);
            EXPECT_INT(n.wrong, 0);
            EXPECT_INT(n.count[0][0] + n.count[1][0] + n.count[2][0] + n.count[3][0], tasks);
        }
        rk_ctx_close(ctx);
    }
}

/* Tasks that wait for each other end only when as many threads as promised are at work. */
static void meet(void *arg, int64_t i, int worker)
{
    int *here = arg;
    double start = clock_seconds();
    (void)i, (void)worker;
    (void)__atomic_add_fetch(here, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(here, __ATOMIC_SEQ_CST) % 2 != 0 && clock_seconds() - start < 20) (void)usleep(50);
}

TEST(two_threads_really_run_side_by_side)
{
    rk_ctx *ctx = ctx_of(2);
    for (int round = 0; round < 5; round++) {
        int here = 0;
        double start = clock_seconds();
        par_for(ctx, 2, meet, &here);
        EXPECT_INT(here, 2);
        EXPECT(clock_seconds() - start < 15);
        (void)usleep(1000);                          /* asleep when the next one comes */
    }
    rk_ctx_close(ctx);
}

TEST(contexts_do_not_share_their_threads)
{
    rk_ctx *one = ctx_of(2), *two = ctx_of(3);
    struct sums s = { 0 }, t = { 0 };
    for (int i = 0; i < 50; i++) {
        par_for(one, 100, add, &s);
        par_for(two, 100, add, &t);
    }
    EXPECT_INT(s.at[0][0] + s.at[1][0], 50 * 4950);
    EXPECT_INT(t.at[0][0] + t.at[1][0] + t.at[2][0], 50 * 4950);
    rk_ctx_close(one);
    par_for(two, 100, add, &t);
    rk_ctx_close(two);
}

/* A pool whose memory is refused is a loop on one thread. */
static void *refuse_pool(void *user, void *old, size_t old_bytes, size_t bytes)
{
    int *left = user;
    (void)old_bytes;
    if (bytes == 0) { free(old); return NULL; }
    return (*left)-- > 0 ? aligned_alloc(64, (bytes + 63) & ~(size_t)63) : NULL;
}

TEST(without_memory_for_a_pool_the_caller_does_it_all)
{
    for (int allowed = 1; allowed <= 3; allowed++) {
        int left = allowed;
        rk_options options = { .allocator = { refuse_pool, &left }, .threads = 4 };
        rk_ctx *ctx;
        struct sums s = { 0 };
        REQUIRE(rk_ctx_open(&options, &ctx) == RK_OK);
        par_for(ctx, 1000, add, &s);
        EXPECT_INT(s.at[0][0] + s.at[1][0] + s.at[2][0] + s.at[3][0], 499500);
        EXPECT_TEXT(rk_error_message(ctx), "");
        rk_ctx_close(ctx);
    }
}

TEST(after_a_fork_the_child_works_alone)
{
    if (strcmp(rk_threads_of(), "pthreads") != 0) SKIP("%s does not promise to survive a fork", rk_threads_of());
    rk_ctx *ctx = ctx_of(3);
    struct sums s = { 0 };
    par_for(ctx, 100, add, &s);
    pid_t child = fork();
    if (child == 0) {
        struct sums t = { 0 };
        par_for(ctx, 100, add, &t);
        rk_ctx_close(ctx);
        _exit(t.at[0][0] == 4950 ? 0 : 1);
    }
    int status = 0;
    REQUIRE(child > 0 && waitpid(child, &status, 0) == child);
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    rk_ctx_close(ctx);
}

TEST(processors_are_at_least_one)
{
    EXPECT(par_processors() >= 1 && par_processors() <= PAR_MOST);
    rk_ctx *ctx = test_ctx();
    EXPECT_INT(rk_ctx_threads(ctx), par_processors());
    EXPECT(strcmp(rk_threads_of(), "openmp") == 0 || strcmp(rk_threads_of(), "tbb") == 0 || strcmp(rk_threads_of(), "pthreads") == 0);
}

static void put_text(const char *folder, const char *name, const char *text)
{
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/%s", test_temporary(), folder);
    (void)mkdir(path, 0700);
    (void)snprintf(path, sizeof path, "%s/%s/%s", test_temporary(), folder, name);
    FILE *f = fopen(path, "w");
    REQUIRE(f != NULL && fputs(text, f) >= 0 && fclose(f) == 0);
}

TEST(quotas_of_cgroups_are_found_at_every_level)
{
    const char *mount = test_temporary();
    EXPECT_INT(par_quota(mount, "0::/a/b\n"), INT_MAX);
    put_text("a", "cpu.max", "max 100000\n");
    put_text("a/b", "cpu.max", "350000 100000\n");
    EXPECT_INT(par_quota(mount, "0::/a/b\n"), 4);
    EXPECT_INT(par_quota(mount, "0::/a\n"), INT_MAX);
    put_text("a", "cpu.max", "100000 100000\n");
    EXPECT_INT(par_quota(mount, "0::/a/b\n"), 1);
    EXPECT_INT(par_quota(mount, "0::/a/b/none/there\n"), 1);
    put_text("cpu", "cpu.cfs_quota_us", "-1\n");
    put_text("cpu", "cpu.cfs_period_us", "100000\n");
    EXPECT_INT(par_quota(mount, "9:name=systemd:/\n4:cpuset:/x\n3:cpu,cpuacct:/x\n"), INT_MAX);
    put_text("cpu,cpuacct", "cpu.cfs_quota_us", "150000\n");
    put_text("cpu,cpuacct", "cpu.cfs_period_us", "100000\n");
    EXPECT_INT(par_quota(mount, "9:name=systemd:/\n4:cpuset:/x\n3:cpu,cpuacct:/x\n"), 2);
    EXPECT_INT(par_quota(mount, "3:cpuacct:/x\n"), INT_MAX);
}

TEST(malformed_quotas_set_no_bound)
{
    static const char *const texts[] = { "", "max", "-5 100000", "0 0", "100000", "100000 0", "99999999999999999999 1", "x y" };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        put_text("a", "cpu.max", texts[i]);
        EXPECT_INT(par_quota(test_temporary(), "0::/a"), INT_MAX);
    }
    char line[5000];
    memset(line, '/', sizeof line);
    memcpy(line, "0::", 3);
    line[sizeof line - 1] = '\0';
    EXPECT_INT(par_quota(test_temporary(), line), INT_MAX);
    EXPECT_INT(par_quota(test_temporary(), "\n:\n::\n0\n:cpu"), INT_MAX);
}
