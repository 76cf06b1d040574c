/* host_num.cpp: numbers of 16 bits, as the device rounds them: to nearest, ties to even; what is no number becomes 0x7fff. */
#include "cuda_host.h"

extern "C" float host_from_bf16(uint16_t bits) { return host_bits<float>((unsigned)bits << 16); }

extern "C" uint16_t host_to_bf16(float x)
{
    unsigned bits = host_bits<unsigned>(x);
    if (x != x) return 0x7fff;
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

extern "C" float host_from_f16(uint16_t bits)
{
    int exponent = bits >> 10 & 31, fraction = bits & 1023;
    float size = exponent == 31 ? (fraction != 0 ? NAN : INFINITY) : exponent == 0 ? ldexpf((float)fraction, -24) : ldexpf((float)(1024 + fraction), exponent - 25);
    return bits & 0x8000 ? -size : size;
}

extern "C" uint16_t host_to_f16(float x)
{
    unsigned sign = host_bits<unsigned>(x) >> 16 & 0x8000;
    float size = fabsf(x);
    int exponent;
    if (x != x) return 0x7fff;
    if (size >= 65520) return (uint16_t)(sign | 0x7c00);
    if (size < 0x1p-14f) return (uint16_t)(sign | (unsigned)rintf(size * 0x1p24f));     /* 1024: the smallest normal number */
    (void)frexpf(size, &exponent);
    return (uint16_t)(sign | (((unsigned)(exponent + 13) << 10) + (unsigned)rintf(ldexpf(size, 11 - exponent))));
}
