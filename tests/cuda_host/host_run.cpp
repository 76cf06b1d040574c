/* host_run.cpp: kernels, block after block, warp after warp, lane after lane.
 *
 * The lanes of a warp run until each waits or is done; when all 32 wait for an exchange it happens, when all threads of the block wait at
 * a barrier they pass it. Anything else that waits can never go on: that is the message. */
#include "host_fiber.h"
#include "host_inner.h"
#include <mutex>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <vector>

enum state { FRESH, READY, AT_BARRIER, AT_EXCHANGE, DONE };
static const unsigned LANES = 32, MOST_THREADS = 1024;

struct copy { void *to; unsigned char bytes[16]; const void *from; int n, valid; bool committed; };

struct lane {
    struct fiber *fiber;
    enum state state;
    uint3 at;
    size_t offered;                         /* bytes of the exchange it waits for */
    int turn;                               /* exchanges it took part in: two are told apart */
    int groups;
    std::vector<struct copy> copies;        /* under way, oldest first; a committed one ends a group */
};

struct host_place host_at;
static struct lane lanes[MOST_THREADS];
static struct lane *now;
static unsigned n_threads;
static unsigned char exchange[MOST_THREADS / LANES][2][LANES][HOST_EXCHANGE];
static std::vector<struct fiber *> &idle = *new std::vector<struct fiber *>;      /* for as long as the process: no leak */
static const char *kernel_name = "no kernel";
static const std::function<void()> *kernel_body;
static unsigned char *dynamic_shared;
static size_t dynamic_bytes;
static std::recursive_mutex one_at_a_time;
static std::vector<std::pair<char *, char *>> shared_ranges;

extern "C" void host_stop(const char *format, ...)
{
    va_list rest;
    fprintf(stderr, "cuda_host: %s, block %u %u %u, thread %u %u %u: ", kernel_name, host_at.block.x, host_at.block.y, host_at.block.z, host_at.thread.x, host_at.thread.y, host_at.thread.z);
    va_start(rest, format);
    vfprintf(stderr, format, rest);
    va_end(rest);
    fputc('\n', stderr);
    abort();
}

static struct lane *here(const char *what)
{
    if (now == nullptr) host_stop("%s outside a kernel", what);
    return now;
}

/* --- shared memory --- */

extern "C" void host_shared_range(char *from, char *to) { shared_ranges.push_back({ from, to }); }

/* Between variables lies what a sanitizer keeps from being touched: written past it. */
__attribute__((no_sanitize_address, noinline)) static void poison(char *from, char *to)
{
#ifdef __x86_64__
    size_t n = (size_t)(to - from);
    asm volatile("rep stosb" : "+D"(from), "+c"(n) : "a"(0xff) : "memory");
#else
    for (volatile char *p = from; p < to; p++) *p = (char)0xff;
#endif
}

static void poison_shared(void)
{
    for (auto &range : shared_ranges) poison(range.first, range.second);
    if (dynamic_bytes > 0) memset(dynamic_shared, 0xff, dynamic_bytes);
}

extern "C" void *host_dynamic_shared(void)
{
    if (dynamic_bytes == 0) host_stop("dynamic shared memory, and none was asked for at the launch");
    return dynamic_shared;
}

/* --- what threads do together --- */

static void wait_in(enum state state)
{
    now->state = state;
    fiber_yield();
}

extern "C" void host_sync(void)
{
    (void)here("a barrier");
    wait_in(AT_BARRIER);
}

/* Where the warp's offers lie once all lanes have made theirs. */
static const unsigned char (*offer(const void *mine, size_t bytes))[HOST_EXCHANGE]
{
    struct lane *l = here("an exchange");
    size_t thread = (size_t)(l - lanes);
    if (bytes > HOST_EXCHANGE) host_stop("an exchange of %zu bytes; %d are the most", bytes, HOST_EXCHANGE);
    unsigned char (*room)[HOST_EXCHANGE] = exchange[thread / LANES][l->turn++ % 2];
    if (bytes > 0) memcpy(room[thread % LANES], mine, bytes);
    l->offered = bytes;
    wait_in(AT_EXCHANGE);
    return room;
}

extern "C" void host_warp_exchange(const void *mine, size_t bytes, void *all_32)
{
    const unsigned char (*room)[HOST_EXCHANGE] = offer(mine, bytes);
    for (size_t i = 0; i < LANES && bytes > 0; i++) memcpy((char *)all_32 + i * bytes, room[i], bytes);
}

extern "C" void host_warp_shuffle(const void *mine, size_t bytes, int lane, void *theirs) { memcpy(theirs, offer(mine, bytes)[lane], bytes); }

/* --- copies under way --- */

extern "C" void host_async_copy(void *to, const void *from, int bytes, int valid)
{
    struct lane *l = here("cp.async");
    if (bytes != 4 && bytes != 8 && bytes != 16) host_stop("cp.async of %d bytes", bytes);
    if ((uintptr_t)to % (unsigned)bytes != 0 || (valid > 0 && (uintptr_t)from % (unsigned)bytes != 0)) host_stop("cp.async of %d bytes, and an address is no multiple of that", bytes);
    struct copy c = { to, {}, from, bytes, valid < 0 ? 0 : valid < bytes ? valid : bytes, false };
    memset(to, 0xff, (size_t)bytes);
    l->copies.push_back(c);
}

/* A group may be empty: it is counted all the same. */
extern "C" void host_async_commit(void)
{
    struct lane *l = here("cp.async.commit_group");
    l->copies.push_back({ nullptr, {}, nullptr, 0, 0, true });
    l->groups++;
}

extern "C" void host_async_wait(int groups_left)
{
    struct lane *l = here("cp.async.wait_group");
    size_t n = 0;
    for (; l->groups > groups_left; n++) {
        const struct copy &c = l->copies[n];
        if (c.committed) l->groups--;
        else {
            memcpy(c.to, c.from, (size_t)c.valid);
            memset((char *)c.to + c.valid, 0, (size_t)(c.n - c.valid));
        }
    }
    l->copies.erase(l->copies.begin(), l->copies.begin() + (long)n);
}

/* --- a block --- */

static void thread_body(void *)
{
    (*kernel_body)();
    if (!now->copies.empty()) host_stop("ends with a cp.async that nobody waited for");
    now->state = DONE;
}

static void run_lane(struct lane *l)
{
    bool fresh = l->state == FRESH;
    if (fresh) {
        if (idle.empty()) idle.push_back(fiber_new());
        l->fiber = idle.back();
        idle.pop_back();
    }
    now = l;
    host_at.thread = l->at;
    l->state = READY;
    if (!(fresh ? fiber_start(l->fiber, thread_body, nullptr) : fiber_resume(l->fiber))) idle.push_back(l->fiber);
    now = nullptr;
}

/* True: all lanes of the warp wait for the same exchange, and go on. */
static bool exchanged(struct lane *warp, unsigned n)
{
    unsigned waiting = 0;
    for (unsigned i = 0; i < n; i++) waiting += warp[i].state == AT_EXCHANGE;
    if (waiting == 0) return false;
    for (unsigned i = 0; i < n; i++) host_at.thread = warp[i].state != AT_EXCHANGE ? warp[i].at : host_at.thread;
    if (waiting < LANES) host_stop("%u of 32 lanes of a warp are at a shuffle or the like; this thread is not", waiting);
    for (unsigned i = 0; i < LANES; i++) {
        host_at.thread = warp[i].at;
        if (warp[i].offered != warp[0].offered || warp[i].turn != warp[0].turn)
            host_stop("its warp exchanges %zu bytes, and it %zu: they are at different shuffles", warp[0].offered, warp[i].offered);
        warp[i].state = READY;
    }
    return true;
}

static void run_warp(struct lane *warp, unsigned n, bool backwards)
{
    do {
        for (unsigned k = 0; k < n; k++) {
            struct lane *l = &warp[backwards ? n - 1 - k : k];
            if (l->state == FRESH || l->state == READY) run_lane(l);
        }
    } while (exchanged(warp, n));
}

/* True: all threads are at a barrier, and pass it. */
static bool passed(void)
{
    unsigned waiting = 0;
    for (unsigned i = 0; i < n_threads; i++) waiting += lanes[i].state == AT_BARRIER;
    if (waiting == 0) return false;
    for (unsigned i = 0; i < n_threads; i++) {
        host_at.thread = lanes[i].at;
        if (lanes[i].state == DONE) host_stop("%u of %u threads are at a barrier; this thread has returned", waiting, n_threads);
        lanes[i].state = READY;
    }
    return true;
}

static void run_block(bool backwards)
{
    unsigned warps = (n_threads + LANES - 1) / LANES;
    poison_shared();
    for (unsigned i = 0; i < n_threads; i++) {
        lanes[i].state = FRESH;
        lanes[i].turn = lanes[i].groups = 0;
        lanes[i].at = { i % host_at.threads.x, i / host_at.threads.x % host_at.threads.y, i / host_at.threads.x / host_at.threads.y };
    }
    do {
        for (unsigned k = 0; k < warps; k++) {
            unsigned w = backwards ? warps - 1 - k : k, left = n_threads - w * LANES;
            run_warp(&lanes[w * LANES], left < LANES ? left : LANES, backwards);
        }
    } while (passed());
}

static void run_grid(const char *name, dim3 blocks, dim3 threads, size_t shared, const std::function<void()> &body)
{
    std::lock_guard<std::recursive_mutex> alone(one_at_a_time);
    if (now != nullptr) host_stop("launches %s from within a kernel", name);
    kernel_name = name;
    kernel_body = &body;
    host_at.threads = threads;
    host_at.blocks = blocks;
    n_threads = threads.x * threads.y * threads.z;
    dynamic_bytes = shared;
    if (shared > 0 && posix_memalign((void **)&dynamic_shared, 1024, shared) != 0) host_stop("no memory for %zu bytes of shared memory", shared);
    uint64_t number = 0;
    for (unsigned z = 0; z < blocks.z; z++)
        for (unsigned y = 0; y < blocks.y; y++)
            for (unsigned x = 0; x < blocks.x; x++) {
                host_at.block = { x, y, z };
                run_block(number++ % 2 == 1);
            }
    if (shared > 0) free(dynamic_shared);
    dynamic_bytes = 0;
    kernel_name = "no kernel";
}

static bool possible(dim3 blocks, dim3 threads)
{
    if (blocks.x == 0 || blocks.y == 0 || blocks.z == 0 || threads.x == 0 || threads.y == 0 || threads.z == 0) return false;
    if (blocks.x > INT32_MAX || blocks.y > 65535 || blocks.z > 65535 || threads.x > MOST_THREADS || threads.y > MOST_THREADS || threads.z > 64) return false;
    return (uint64_t)threads.x * threads.y * threads.z <= MOST_THREADS;
}

void host_launch_body(const char *name, const void *kernel, dim3 blocks, dim3 threads, size_t shared, cudaStream_t stream, std::function<void()> body)
{
    if (!possible(blocks, threads)) (void)host_fail(cudaErrorInvalidConfiguration);
    else if (shared > host_shared_allowed(kernel)) (void)host_fail(cudaErrorInvalidValue);
    else (void)host_do(stream, [=]() { run_grid(name, blocks, threads, shared, body); });
}
