/* device.c: the machines of devices.def. */
#include "reckon/books.h"
#include <ctype.h>
#include <stdbool.h>

#define TERA(x) ((x) * 1e12)
static const rk_accelerator table[] = {
#define DEVICE(name, words, f32, tf32, bf16, fp8, int8, reached, memory, bandwidth, source) \
    { #name, words, { TERA(f32), TERA(tf32), TERA(bf16), TERA(fp8), TERA(int8) }, TERA(reached), (uint64_t)((memory) * 1e9 + 0.5), (bandwidth) * 1000000000ull, source },
#include "books/devices.def"
#undef DEVICE
};
enum { DEVICES = sizeof table / sizeof *table };

const rk_accelerator *rk_accelerator_at(int i) { return i >= 0 && i < DEVICES ? &table[i] : NULL; }

/* "RTX 4090" is rtx4090: case, blanks and hyphens say nothing. */
static bool same_name(const char *a, const char *b)
{
    for (;; a++, b++) {
        while (*a == ' ' || *a == '-') a++;
        while (*b == ' ' || *b == '-') b++;
        if (tolower((unsigned char)*a) != tolower((unsigned char)*b)) return false;
        if (*a == '\0') return true;
    }
}

const rk_accelerator *rk_accelerator_find(const char *name)
{
    for (int i = 0; i < DEVICES; i++)
        if (same_name(table[i].name, name)) return &table[i];
    return NULL;
}

const char *rk_rate_name(rk_rate rate)
{
    static const char *const names[RK_RATES] = { "f32", "tf32", "bf16", "fp8", "int8" };
    return (unsigned)rate < RK_RATES ? names[rate] : "";
}
