/* number.c: numbers as people type them, read exactly or refused.
 *
 * A size is decimal digits, maybe a fraction, an exponent and a unit: 4096, 4k = 4000, 4Ki = 4096, 1.5M, 1e6, 2GiB. The
 * value must be whole: 1.5 is refused, and so is 0.1Ki. */
#include "frame.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct { const char *name; uint64_t factor; } units[] = {
    { "",   1 },
    { "k",  1000 },          { "K",  1000 },          { "kB",  1000 },          { "KB", 1000 },
    { "M",  1000000 },       { "MB", 1000000 },       { "Mi",  1ull << 20 },    { "MiB", 1ull << 20 },
    { "G",  1000000000 },    { "GB", 1000000000 },    { "Gi",  1ull << 30 },    { "GiB", 1ull << 30 },
    { "T",  1000000000000 }, { "TB", 1000000000000 }, { "Ti",  1ull << 40 },    { "TiB", 1ull << 40 },
    { "Ki", 1024 },          { "KiB", 1024 },
};

bool number_int(const char *text, int64_t *value)
{
    const char *digits = text + (text[0] == '-');
    if (digits[0] == '\0' || digits[strspn(digits, "0123456789")] != '\0') return false;
    errno = 0;
    long long x = strtoll(text, NULL, 10);
    *value = x;
    return errno == 0;
}

/* Digits with at most one point among them; *decimals counts those behind it. */
static bool read_mantissa(const char **at, uint64_t *mantissa, int *decimals)
{
    bool point = false, digit = false;
    *mantissa = 0;
    *decimals = 0;
    for (;; ++*at) {
        if (**at == '.' && !point) point = true;
        else if (**at >= '0' && **at <= '9') {
            if (__builtin_mul_overflow(*mantissa, 10u, mantissa) ||
                __builtin_add_overflow(*mantissa, (uint64_t)(**at - '0'), mantissa)) return false;
            digit = true;
            *decimals += point;
        } else return digit;
    }
}

/* "e6", "E+6", "e-3", or nothing. */
static bool read_exponent(const char **at, int *exponent)
{
    *exponent = 0;
    if (**at != 'e' && **at != 'E') return true;
    const char *p = *at + 1;
    bool negative = *p == '-';
    p += *p == '-' || *p == '+';
    if (*p < '0' || *p > '9') return false;
    for (; *p >= '0' && *p <= '9'; p++) {
        *exponent = 10 * *exponent + (*p - '0');
        if (*exponent > 99) return false;
    }
    if (negative) *exponent = -*exponent;
    *at = p;
    return true;
}

bool number_size(const char *text, int64_t *value)
{
    uint64_t mantissa, factor = 0;
    int decimals, exponent;
    if (strlen(text) > 64 || !read_mantissa(&text, &mantissa, &decimals) || !read_exponent(&text, &exponent)) return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(text, units[i].name) == 0) factor = units[i].factor;
    if (factor == 0) return false;
    unsigned __int128 x = (unsigned __int128)mantissa * factor;
    for (exponent -= decimals; exponent < 0 && x != 0; exponent++) {
        if (x % 10 != 0) return false;
        x /= 10;
    }
    for (; exponent > 0 && x != 0; exponent--) {
        if (x > INT64_MAX) return false;
        x *= 10;
    }
    if (x > INT64_MAX) return false;
    *value = (int64_t)x;
    return true;
}

/* A size, or billions: "300B", which of bytes would say something else. */
bool number_count(const char *text, int64_t *value)
{
    char billions[72];
    size_t n = strlen(text);
    bool short_scale = n > 1 && n < sizeof billions - 1 && text[n - 1] == 'B' && strchr("0123456789.", text[n - 2]) != NULL;
    if (!short_scale) return number_size(text, value);
    (void)snprintf(billions, sizeof billions, "%.*sG", (int)n - 1, text);
    return number_size(billions, value);
}

bool number_real(const char *text, double *value)
{
    if (text[0] == '\0' || text[strspn(text, "0123456789+-.eE")] != '\0') return false;       /* no hex, inf or nan */
    char *end;
    double x = strtod(text, &end);
    if (*end != '\0' || x > 1.7976931348623157e308 || x < -1.7976931348623157e308) return false;
    *value = x;
    return true;
}
