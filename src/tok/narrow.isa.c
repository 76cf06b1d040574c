/* narrow.isa.c: a loop that compilers turn into vectors. */
#include "tok/narrow.h"

uint32_t ISA_NAME(narrow)(const uint32_t *ids, size_t n, unsigned char *to)
{
    uint32_t all = 0;
    for (size_t i = 0; i < n; i++) {
        all |= ids[i];
        to[2 * i] = (unsigned char)ids[i];
        to[2 * i + 1] = (unsigned char)(ids[i] >> 8);
    }
    return all;
}
