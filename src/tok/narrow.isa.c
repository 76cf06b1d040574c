/* narrow.isa.c: loops that compilers turn into vectors. */
#include "tok/narrow.h"
#include <string.h>

enum { STEP = 32 };

uint32_t ISA_NAME(narrow)(const uint32_t *ids, size_t n, unsigned char *to)
{
    uint32_t all[STEP] = { 0 };
    size_t i = 0;
    for (; __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && n - i >= STEP; i += STEP) {
        uint16_t few[STEP];
        for (size_t k = 0; k < STEP; k++) {
            all[k] |= ids[i + k];
            few[k] = (uint16_t)ids[i + k];
        }
        memcpy(to + 2 * i, few, sizeof few);
    }
    for (; i < n; i++) {
        all[0] |= ids[i];
        to[2 * i] = (unsigned char)ids[i];
        to[2 * i + 1] = (unsigned char)(ids[i] >> 8);
    }
    for (size_t k = 1; k < STEP; k++) all[0] |= all[k];
    return all[0];
}
