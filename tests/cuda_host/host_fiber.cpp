/* host_fiber.cpp: see host_fiber.h. On x86-64 a switch is a dozen instructions (what a callee must keep, and the stack pointer, by the
 * System V ABI); elsewhere it is ucontext's, which also asks the kernel for signal masks. AddressSanitizer is told of every switch. */
#include "host_fiber.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#ifndef __x86_64__
#include <ucontext.h>
#endif

#if defined __has_feature
#if __has_feature(address_sanitizer) && !defined __SANITIZE_ADDRESS__
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
static void leaving(void **keep, const void *bottom, size_t bytes) { __sanitizer_start_switch_fiber(keep, bottom, bytes); }
static void arrived(void *keep, const void **bottom, size_t *bytes) { __sanitizer_finish_switch_fiber(keep, bottom, bytes); }
#else
static void leaving(void **, const void *, size_t) {}
static void arrived(void *, const void **, size_t *) {}
#endif

enum : size_t { STACK = 256 << 10 };        /* only what is touched takes memory */

struct context {
#ifdef __x86_64__
    void *sp;
#else
    ucontext_t at;
#endif
};

struct fiber {
    struct context own;
    char *stack;
    void *fake;                             /* the sanitizer's */
    void (*body)(void *of);
    void *of;
    bool yielded;
};

static struct context host;                 /* who resumed: one launch at a time */
static void *host_fake;
static const void *host_bottom;
static size_t host_bytes;
static struct fiber *running;

#ifdef __x86_64__
extern "C" void host_fiber_switch(void **from, void *to);
asm(".text\n.p2align 4\n.globl host_fiber_switch\n.hidden host_fiber_switch\n.type host_fiber_switch,@function\nhost_fiber_switch:\n"
    "push %rbp\npush %rbx\npush %r12\npush %r13\npush %r14\npush %r15\n"
    "mov %rsp,(%rdi)\nmov %rsi,%rsp\n"
    "pop %r15\npop %r14\npop %r13\npop %r12\npop %rbx\npop %rbp\nret\n.size host_fiber_switch,.-host_fiber_switch\n");
static void change(struct context *from, struct context *to) { host_fiber_switch(&from->sp, to->sp); }
#else
static void change(struct context *from, struct context *to) { swapcontext(&from->at, &to->at); }
#endif

static void to_host(struct fiber *f)
{
    leaving(&f->fake, host_bottom, host_bytes);
    change(&f->own, &host);
    arrived(f->fake, &host_bottom, &host_bytes);
}

static void live(void)
{
    arrived(nullptr, &host_bottom, &host_bytes);
    for (;;) {
        struct fiber *f = running;
        f->body(f->of);
        f->yielded = false;
        to_host(f);
    }
}

/* What lies on a new stack: six registers that a switch takes, the address it returns to, and nothing behind it. */
static void begin(struct fiber *f)
{
#ifdef __x86_64__
    void **top = (void **)(f->stack + STACK) - 2;
    *top = (void *)&live;
    f->own.sp = top - 6;
#else
    getcontext(&f->own.at);
    f->own.at.uc_stack.ss_sp = f->stack;
    f->own.at.uc_stack.ss_size = STACK;
    f->own.at.uc_link = nullptr;
    makecontext(&f->own.at, live, 0);
#endif
}

struct fiber *fiber_new(void)
{
    struct fiber *f = (struct fiber *)calloc(1, sizeof *f);
    size_t fence = (size_t)sysconf(_SC_PAGESIZE);
    void *at = mmap(nullptr, fence + STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (f == nullptr || at == MAP_FAILED || mprotect(at, fence, PROT_NONE) != 0) {
        perror("cuda_host: the stack of a thread");
        abort();
    }
    f->stack = (char *)at + fence;
    begin(f);
    return f;
}

bool fiber_resume(struct fiber *f)
{
    running = f;
    leaving(&host_fake, f->stack, STACK);
    change(&host, &f->own);
    arrived(host_fake, nullptr, nullptr);
    running = nullptr;
    return f->yielded;
}

bool fiber_start(struct fiber *f, void (*body)(void *of), void *of)
{
    f->body = body;
    f->of = of;
    return fiber_resume(f);
}

void fiber_yield(void)
{
    struct fiber *f = running;
    f->yielded = true;
    to_host(f);
}
