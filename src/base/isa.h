/* isa.h: which instruction sets there are, which one this machine can run, and how a body compiled once per set is named.
 *
 * A file NAME.isa.c is compiled once per set with -DISA=<set> -DISA_<SET>=1 and the compiler's flags for it; what it exports
 * is called ISA_NAME(f), which makes f_avx512 and so on. FOR_EVERY_ISA declares them all and makes tables.
 * Chosen by feature bits, never by a vendor's or a model's name. */
#ifndef BASE_ISA_H
#define BASE_ISA_H
#include <stdbool.h>

/* The sets, worst first. X(isa) for declarations and tables of name_##isa. */
#if defined(__x86_64__)
#define FOR_EVERY_ISA(X) X(scalar) X(avx2) X(avx512)
#elif defined(__aarch64__)
#define FOR_EVERY_ISA(X) X(scalar) X(neon)
#else
#define FOR_EVERY_ISA(X) X(scalar)
#endif

#define X(isa) ISA_##isa,
enum isa { FOR_EVERY_ISA(X) ISA_COUNT };
#undef X

bool isa_runs(enum isa isa);             /* may this process execute it? (x86-64: CPUID, and XGETBV: does the system save the registers? AArch64: what the system says) */
enum isa isa_best(void);                 /* the last of them that runs here */

/* AMX, beside the best set: may this process use tiles of integers and bf16? Asks the system for them, which holds for the process from then on. */
bool isa_tiles(void);

/* What the processor offers; the BLAS core table reads it too. */
struct isa_features { bool avx2, fma, f16c, bmi, avx512f, avx512bw, avx512dq, avx512vl, avx512vnni, avx512bf16, amx; };
struct isa_features isa_features(void);

#define ISA_JOIN_(name, isa) name##_##isa
#define ISA_JOIN(name, isa) ISA_JOIN_(name, isa)
#define ISA_NAME(name) ISA_JOIN(name, ISA)           /* inside a *.isa.c, or a header for them */

#endif
