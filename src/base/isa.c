/* isa.c: what this processor can do, and what its operating system saves across a switch of threads. */
#include "base/isa.h"
#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

#if defined(__x86_64__)
static unsigned long long saved_registers(void)      /* XCR0: bits 1, 2 for ymm; 5, 6, 7 for zmm and masks; 17, 18 for tiles */
{
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (unsigned long long)high << 32 | low;
}

static bool bit(unsigned word, int i) { return (word >> i & 1) != 0; }

struct isa_features isa_features(void)
{
    struct isa_features f = { 0 };
    unsigned a, b, c, d, c1;
    if (!__get_cpuid(1, &a, &b, &c1, &d) || !bit(c1, 27)) return f;                   /* 27: OSXSAVE */
    unsigned long long saved = saved_registers();
    if ((saved & 6) != 6 || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return f;
    f.fma  = bit(c1, 12);
    f.f16c = bit(c1, 29);
    f.avx2 = bit(b, 5);
    f.bmi  = bit(b, 3) && bit(b, 8);
    f.amx  = bit(d, 22) && bit(d, 24) && bit(d, 25) && (saved >> 17 & 3) == 3;        /* bf16, tiles, int8 */
    if ((saved & 0xe6) != 0xe6) return f;
    f.avx512f    = bit(b, 16);
    f.avx512dq   = bit(b, 17);
    f.avx512bw   = bit(b, 30);
    f.avx512vl   = bit(b, 31);
    f.avx512vnni = bit(c, 11);
    f.avx512bf16 = __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && bit(a, 5);
    return f;
}

bool isa_runs(enum isa isa)
{
    struct isa_features f = isa_features();
    bool avx2 = f.avx2 && f.fma && f.f16c && f.bmi;
    if (isa == ISA_avx2) return avx2;
    if (isa == ISA_avx512) return avx2 && f.avx512f && f.avx512bw && f.avx512dq && f.avx512vl;
    return isa == ISA_scalar;
}

/* 8 KiB more of every thread's registers to save: Linux wants to be asked, for the whole process. Asking again changes nothing. */
static bool tiles_granted(void)
{
#if defined(SYS_arch_prctl)
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
    return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
#else
    return false;
#endif
}

bool isa_tiles(void)
{
    struct isa_features f = isa_features();
    return isa_runs(ISA_avx512) && f.avx512vnni && f.amx && tiles_granted();
}
#else
struct isa_features isa_features(void) { return (struct isa_features){ 0 }; }
bool isa_tiles(void) { return false; }

#if defined(__aarch64__)
/* Vectors are in every AArch64; the checksum came a little later. Only Linux runs on processors without it. */
static bool has_crc32(void)
{
#if defined(__linux__)
    return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0;
#else
    return true;
#endif
}

bool isa_runs(enum isa isa) { return isa == ISA_scalar || has_crc32(); }
#else
bool isa_runs(enum isa isa) { return isa == ISA_scalar; }
#endif
#endif

enum isa isa_best(void)
{
    int best = ISA_COUNT - 1;
    while (best > 0 && !isa_runs((enum isa)best)) best--;
    return (enum isa)best;
}
