/* test.h: the harness of every test program here. A program is files of TESTs linked with test.c, which has main.
 *
 *   TEST(sum_of_nothing_is_zero) { EXPECT(sum(NULL, 0) == 0); }
 *
 * A failed EXPECT is reported and the test goes on; a failed REQUIRE ends it. SKIP("why") ends it as skipped. The program
 * takes parts of test names as arguments, closes with "N passed, N failed, N skipped" and exits with 1 if any failed.
 * Seeds: TEST_SEED in the environment changes test_seed(), whose value every failure prints. */
#ifndef TEST_H
#define TEST_H
#include "reckon/base.h"
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

typedef void test_body(void);
void test_add(const char *file, const char *name, test_body *body);
void test_fail(const char *file, int line, const char *format, ...) RK_PRINTF(3, 4);
_Noreturn void test_end(void);                                  /* ends the running test as it stands */
_Noreturn void test_skip(const char *file, int line, const char *format, ...) RK_PRINTF(3, 4);
uint64_t test_seed(void);
uint64_t test_random(uint64_t below);                           /* a fresh one each call, from the seed; restarts with every test */
double   test_normal(void);
const char *test_shared(void);                                  /* the folder of reference data, or NULL where there is none */
const char *test_temporary(void);                               /* a fresh folder for this test, removed afterwards */
const char *test_path(const char *name);                        /* of a name in it (of a whole path: itself); the text lives as long as the test */
const char *test_write(const char *name, const void *bytes, size_t n);      /* such a file; its path */
const char *test_write_text(const char *name, const char *text);

#define TEST(name)                                                                                                    \
    static void name(void);                                                                                           \
    __attribute__((constructor)) static void add_##name(void) { test_add(__FILE__, #name, name); }                     \
    static void name(void)
#define EXPECT(condition) do { if (!(condition)) test_fail(__FILE__, __LINE__, "%s", #condition); } while (0)
#define REQUIRE(condition) do { if (!(condition)) { test_fail(__FILE__, __LINE__, "%s", #condition); test_end(); } } while (0)
#define EXPECT_INT(a, b) do { long long a_ = (long long)(a), b_ = (long long)(b); if (a_ != b_) test_fail(__FILE__, __LINE__, "%s is %lld, expected %lld", #a, a_, b_); } while (0)
#define EXPECT_TEXT(a, b) do { const char *a_ = (a), *b_ = (b); if (strcmp(a_, b_) != 0) test_fail(__FILE__, __LINE__, "%s is \"%s\", expected \"%s\"", #a, a_, b_); } while (0)
#define EXPECT_NEAR(a, b, eps) do { double a_ = (a), b_ = (b), e_ = (eps); if (!(fabs(a_ - b_) <= e_)) test_fail(__FILE__, __LINE__, "%s is %.17g, expected %.17g within %g", #a, a_, b_, e_); } while (0)
/* A call that must succeed, and one that must fail with this status and a message that holds `words`. */
#define OK(ctx, call) do { rk_status s_ = (call); if (s_ != RK_OK) { test_fail(__FILE__, __LINE__, "%s: %s\n%s\n%s", #call, rk_error_message(ctx), rk_error_hint(ctx), rk_error_trail(ctx)); test_end(); } } while (0)
#define FAILS(ctx, call, expected, words) do { rk_status s_ = (call); if (s_ != (expected)) test_fail(__FILE__, __LINE__, "%s ended with %s, expected %s: %s", #call, rk_status_name(s_), rk_status_name(expected), rk_error_message(ctx)); else if (strstr(rk_error_message(ctx), (words)) == NULL) test_fail(__FILE__, __LINE__, "the message \"%s\" does not say \"%s\"", rk_error_message(ctx), (words)); } while (0)
/* Under a sanitizer everything is slower, references most of all: tests that take long there try less. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
enum { TEST_SANITIZED = true };
#else
enum { TEST_SANITIZED = false };
#endif
/* ThreadSanitizer looks for races, which any round may have, and not for numbers. */
#ifdef __SANITIZE_THREAD__
enum { TEST_RACES = true };
#else
enum { TEST_RACES = false };
#endif
enum { TEST_FEWER = TEST_RACES ? 20 : TEST_SANITIZED ? 5 : 1 };  /* by which rounds of random cases may be divided */

#define SKIP(...) test_skip(__FILE__, __LINE__, __VA_ARGS__)

rk_ctx *test_ctx(void);                    /* a context for this test; closed afterwards, and then nothing may still be allocated */
/* A context whose n-th allocation (from 0) fails, and every later one too; -1: none. Closed with test_fault_close, which
 * returns true if an allocation failed, and fails the test when something was not given back. */
rk_ctx *test_fault_ctx(int64_t n);
bool    test_fault_close(rk_ctx *ctx);

/* Runs `body(ctx)` with the n-th allocation failing for n = 0, 1, 2 ... until it is never reached. The body returns the
 * status of the work it tried and leaves nothing behind. Under a sanitizer, where each takes its time: of allocations that
 * the same calls lead to, the first, second, fourth, eighth ... */
#define FOR_EVERY_FAILED_ALLOCATION(body) test_every_fault(__FILE__, __LINE__, (body))
void test_every_fault(const char *file, int line, rk_status (*body)(rk_ctx *ctx));

#endif
