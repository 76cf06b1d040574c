/* say.c: numbers as people read them. GiB and GB are told apart; nothing is rounded to something that looks exact. */
#include "out.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct say say_count(uint64_t n)
{
    char digits[24];
    struct say s = { "" };
    int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n), at = 0;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) s.at[at++] = ',';
        s.at[at++] = digits[i];
    }
    return s;
}

/* Four digits and one prefix. Rounds first and chooses the prefix then: 999,960 is 1.000 M, not 1000 k. */
static struct say scaled(double x, double base, const char *const *prefix, int prefixes, const char *unit)
{
    struct say s;
    int i = 0;
    double size = fabs(x);
    while (i + 1 < prefixes && size >= base * (1 - 0.5e-4)) {
        size /= base;
        i++;
    }
    int decimals = size < 9.9995 ? 3 : size < 99.995 ? 2 : size < 999.95 ? 1 : 0;
    (void)snprintf(s.at, sizeof s.at, "%s%.*f %s%.20s", x < 0 ? "-" : "", decimals, size, prefix[i], unit);
    return s;
}

struct say say_si(double x, const char *unit)
{
    static const char *const prefix[] = { "", "k", "M", "G", "T", "P", "E", "Z", "Y", "R", "Q" };
    struct say s;
    if (isfinite(x) && fabs(x) != trunc(fabs(x))) return scaled(x, 1000, prefix, 11, unit);
    if (isfinite(x) && fabs(x) >= 1000) return scaled(x, 1000, prefix, 11, unit);
    (void)snprintf(s.at, sizeof s.at, "%.0f %.20s", x, unit);
    return s;
}

struct say say_bytes(uint64_t bytes)
{
    static const char *const prefix[] = { "", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei" };
    struct say s;
    if (bytes >= 1024) {
        int i = 0;
        double size = (double)bytes;
        for (; size >= 1023.95 && i < 6; i++) size /= 1024;
        (void)snprintf(s.at, sizeof s.at, "%.1f %sB", size, prefix[i]);
    } else (void)snprintf(s.at, sizeof s.at, "%u byte%s", (unsigned)bytes, bytes == 1 ? "" : "s");
    return s;
}

struct say say_bytes_si(uint64_t bytes)
{
    static const char *const prefix[] = { "", "k", "M", "G", "T", "P", "E" };
    struct say s;
    if (bytes < 1000) return say_bytes(bytes);
    int i = 0;
    double size = (double)bytes;
    for (; size >= 999.95 && i < 6; i++) size /= 1000;
    (void)snprintf(s.at, sizeof s.at, "%.1f %sB", size, prefix[i]);
    return s;
}

/* Two units, the larger one first: "2 min 5 s", "3 h". */
static struct say pair(uint64_t n, uint64_t per, const char *large, const char *small)
{
    struct say s;
    if (n % per == 0) (void)snprintf(s.at, sizeof s.at, "%llu %s", (unsigned long long)(n / per), large);
    else (void)snprintf(s.at, sizeof s.at, "%llu %s %llu %s", (unsigned long long)(n / per), large, (unsigned long long)(n % per), small);
    return s;
}

struct say say_seconds(double seconds)
{
    struct say s;
    if (!isfinite(seconds)) (void)snprintf(s.at, sizeof s.at, "unknown");
    else if (seconds < 0) {
        struct say positive = say_seconds(-seconds);
        (void)snprintf(s.at, sizeof s.at, "-%.46s", positive.at);
    } else if (seconds > 0 && seconds < 99.5e-9) (void)snprintf(s.at, sizeof s.at, "%.2g ns", seconds * 1e9);
    else if (seconds < 0.99995e-3) (void)snprintf(s.at, sizeof s.at, "%.1f us", seconds * 1e6);
    else if (seconds < 0.99995) (void)snprintf(s.at, sizeof s.at, "%.1f ms", seconds * 1e3);
    else if (seconds < 59.95) (void)snprintf(s.at, sizeof s.at, "%.1f s", seconds);
    else if (seconds < 3599.5) return pair((uint64_t)(seconds + 0.5), 60, "min", "s");
    else if (seconds < 86370) return pair((uint64_t)(seconds / 60 + 0.5), 60, "h", "min");
    else if (seconds < 365.25 * 86400) return pair((uint64_t)(seconds / 3600 + 0.5), 24, "d", "h");
    else if (seconds < 1e6 * 365.25 * 86400) (void)snprintf(s.at, sizeof s.at, "%.1f years", seconds / (365.25 * 86400));
    else (void)snprintf(s.at, sizeof s.at, "%.3g years", seconds / (365.25 * 86400));
    return s;
}

struct say say_percent(double ratio)
{
    struct say s;
    (void)snprintf(s.at, sizeof s.at, fabs(ratio) < 0.0095 && ratio != 0 ? "%.2g %%" : "%.1f %%", 100 * ratio);
    return s;
}

struct say say_real(double x)
{
    struct say s;
    for (int digits = 1; digits <= 17; digits++) {
        (void)snprintf(s.at, sizeof s.at, "%.*g", digits, x);
        if (strtod(s.at, NULL) == x) break;
    }
    return s;
}
