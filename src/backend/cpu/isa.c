/* isa.c: the rows. */
#include "backend/cpu/isa.h"
#include <string.h>

const struct isa_row isa_rows[ISA_COUNT] = {
    [ISA_scalar] = { "scalar", 4,  "the compiler's own vectors of four" },
#if defined(__x86_64__)
    [ISA_avx2]   = { "avx2",   8,  "AVX2, FMA, F16C, BMI" },
    [ISA_avx512] = { "avx512", 16, "AVX-512 F, BW, DQ, VL" },
#elif defined(__aarch64__)
    [ISA_neon]   = { "neon",   4,  "Advanced SIMD, CRC32" },
#endif
};

bool isa_find(const char *name, enum isa *isa)
{
    for (int i = 0; i < ISA_COUNT; i++)
        if (strcmp(name, isa_rows[i].name) == 0) {
            *isa = (enum isa)i;
            return true;
        }
    return false;
}
