/* par_pthreads.c: the body of par.h on plain threads: a pool made at first use, tickets from one atomic counter.
 *
 * A loop is opened by one store and closed by the caller when no ticket is left. A worker that arrives while it is open
 * takes part; one that is still waking up is not waited for, so that a short loop costs no more than the caller's own work.
 * `state` says it all: bit 63 open, bits 62..16 the number of the loop, bits 15..0 how many workers are inside.
 * Waiting is spinning for a while (loops follow each other closely in a model), then sleeping on a condition variable.
 * The pool does not outlive a fork: in the child its loops run on the calling thread. */
#if !defined RECKON_PAR_OPENMP && !defined RECKON_PAR_TBB
#include "base/clock.h"
#include "base/par_team.h"
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

static const double   spin_seconds = 40e-6;
static const uint64_t open_bit = (uint64_t)1 << 63, one_loop = (uint64_t)1 << 16, inside_mask = 0xffff;

struct seat { struct team *team; pthread_t thread; int worker; };

struct team {
    rk_allocator     allocator;
    size_t           bytes;
    pid_t            pid;
    int              workers;                              /* that were really made; the caller, worker 0, is not among them */
    struct loop      loop;                                 /* written while closed and empty, read while inside */
    _Atomic uint64_t state;
    _Atomic int64_t  ticket;
    _Atomic int      sleepers;
    _Atomic bool     caller_sleeps, quit;
    pthread_mutex_t  lock;
    pthread_cond_t   opened, emptied;
    struct seat      seats[];
};

const char *const team_name = "pthreads";

static inline void pause_briefly(void)
{
#if defined __x86_64__ || defined __i386__
    __builtin_ia32_pause();
#elif defined __aarch64__
    __asm__ volatile("yield");
#endif
}

static void work(struct team *t, int worker)
{
    const struct loop *l = &t->loop;
    for (int64_t i; (i = atomic_fetch_add_explicit(&t->ticket, 1, memory_order_relaxed)) < l->tasks;) l->body(l->arg, i, worker);
}

static bool something_new(struct team *t, uint64_t *state, uint64_t seen)
{
    *state = atomic_load(&t->state);
    return atomic_load(&t->quit) || ((*state & open_bit) != 0 && (*state & ~inside_mask) != seen);
}

/* Until a loop is open that this worker has not seen, or the pool ends. */
static uint64_t await_loop(struct team *t, uint64_t seen)
{
    uint64_t state;
    double until = clock_seconds() + spin_seconds;
    do {
        for (int i = 0; i < 32; i++) {
            if (something_new(t, &state, seen)) return state;
            pause_briefly();
        }
    } while (clock_seconds() < until);
    (void)pthread_mutex_lock(&t->lock);
    (void)atomic_fetch_add(&t->sleepers, 1);               /* before looking again: the caller opens first, then looks for sleepers */
    while (!something_new(t, &state, seen)) (void)pthread_cond_wait(&t->opened, &t->lock);
    (void)atomic_fetch_sub(&t->sleepers, 1);
    (void)pthread_mutex_unlock(&t->lock);
    return state;
}

static void leave(struct team *t)
{
    uint64_t left = atomic_fetch_sub(&t->state, 1) - 1;
    if ((left & (open_bit | inside_mask)) != 0 || !atomic_load(&t->caller_sleeps)) return;
    (void)pthread_mutex_lock(&t->lock);
    (void)pthread_cond_signal(&t->emptied);
    (void)pthread_mutex_unlock(&t->lock);
}

static void *live(void *arg)
{
    struct seat *s = arg;
    struct team *t = s->team;
    for (uint64_t seen = 0;;) {
        uint64_t state = await_loop(t, seen);
        if (atomic_load(&t->quit)) return NULL;
        if (!atomic_compare_exchange_strong(&t->state, &state, state + 1)) continue;      /* closed meanwhile, or another came in */
        seen = state & ~inside_mask;
        work(t, s->worker);
        leave(t);
    }
}

/* As many workers as the system gives; they leave signals to the program's own threads. */
static void hire(struct team *t, int wanted)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0) return;
    for (; t->workers < wanted; t->workers++) {
        struct seat *s = &t->seats[t->workers];
        s->team = t;
        s->worker = t->workers + 1;
        if (pthread_create(&s->thread, NULL, live, s) != 0) break;
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct team *team_open(const rk_allocator *allocator, int threads)
{
    size_t bytes = sizeof(struct team) + (size_t)threads * sizeof(struct seat);
    struct team *t = allocator->resize(allocator->user, NULL, 0, bytes);
    if (t == NULL) return NULL;
    memset(t, 0, bytes);
    t->allocator = *allocator;
    t->bytes = bytes;
    t->pid = getpid();
    (void)pthread_mutex_init(&t->lock, NULL);
    (void)pthread_cond_init(&t->opened, NULL);
    (void)pthread_cond_init(&t->emptied, NULL);
    hire(t, threads - 1);
    return t;
}

void team_close(struct team *t)
{
    if (t->pid == getpid()) {                              /* in a forked child the workers are not there to be joined */
        atomic_store(&t->quit, true);
        (void)pthread_mutex_lock(&t->lock);
        (void)pthread_cond_broadcast(&t->opened);
        (void)pthread_mutex_unlock(&t->lock);
        for (int i = 0; i < t->workers; i++) (void)pthread_join(t->seats[i].thread, NULL);
        (void)pthread_cond_destroy(&t->emptied);
        (void)pthread_cond_destroy(&t->opened);
        (void)pthread_mutex_destroy(&t->lock);
    }
    t->allocator.resize(t->allocator.user, t, t->bytes, 0);
}

static void wake(struct team *t, int64_t useful)
{
    if (atomic_load(&t->sleepers) == 0) return;
    (void)pthread_mutex_lock(&t->lock);
    if (useful >= t->workers) (void)pthread_cond_broadcast(&t->opened);
    else for (int64_t i = 0; i < useful; i++) (void)pthread_cond_signal(&t->opened);
    (void)pthread_mutex_unlock(&t->lock);
}

static void await_empty(struct team *t)
{
    double until = clock_seconds() + spin_seconds;
    do {
        for (int i = 0; i < 32; i++) {
            if ((atomic_load(&t->state) & inside_mask) == 0) return;
            pause_briefly();
        }
    } while (clock_seconds() < until);
    (void)pthread_mutex_lock(&t->lock);
    atomic_store(&t->caller_sleeps, true);                 /* before looking again: the last worker leaves first, then looks for this */
    while ((atomic_load(&t->state) & inside_mask) != 0) (void)pthread_cond_wait(&t->emptied, &t->lock);
    atomic_store(&t->caller_sleeps, false);
    (void)pthread_mutex_unlock(&t->lock);
}

void team_run(struct team *t, const struct loop *loop)
{
    if (t == NULL || t->workers == 0 || t->pid != getpid()) {
        for (int64_t i = 0; i < loop->tasks; i++) loop->body(loop->arg, i, 0);
        return;
    }
    t->loop = *loop;
    atomic_store(&t->ticket, 0);
    atomic_store(&t->state, open_bit | ((atomic_load(&t->state) + one_loop) & ~open_bit));
    wake(t, loop->tasks - 1);
    work(t, 0);
    (void)atomic_fetch_and(&t->state, ~open_bit);
    await_empty(t);
}

int team_worker(const struct team *t)
{
    if (t == NULL || t->pid != getpid()) return 0;
    for (int i = 0; i < t->workers; i++)
        if (pthread_equal(t->seats[i].thread, pthread_self())) return t->seats[i].worker;
    return 0;
}
#else
typedef int par_pthreads_is_not_in_this_build;             /* C wants a declaration in every file */
#endif
