/* decimal.c: strtod and snprintf do the arithmetic; a number is handed to them as digits and exponent only, because the
 * decimal point is the one thing about which locales disagree. */
#include "io/decimal.h"
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SURE_DIGITS = 18 };              /* so many fit into 64 bits, whatever they are */

bool decimal_integer(const char *text, size_t n, int64_t *out)
{
    bool negative = n > 0 && text[0] == '-';
    int64_t value = 0;
    if (n <= SURE_DIGITS) {
        for (size_t i = negative; i < n; i++) value = value * 10 + (text[i] - '0');
        *out = negative ? -value : value;
        return true;
    }
    for (size_t i = negative; i < n; i++) {
        int digit = text[i] - '0';
        if (__builtin_mul_overflow(value, 10, &value)) return false;
        if (__builtin_add_overflow(value, negative ? -digit : digit, &value)) return false;
    }
    *out = value;
    return true;
}

double decimal_read(const char *text, size_t n)
{
    char plain[DECIMAL_MOST + 32];
    size_t used = 0, i = 0;
    long exponent = 0, shift = 0;
    for (bool fraction = false; i < n && text[i] != 'e' && text[i] != 'E'; i++) {
        if (text[i] == '.') fraction = true;
        else {
            plain[used++] = text[i];
            shift += fraction;
        }
    }
    if (i < n) {
        bool negative = text[++i] == '-';
        if (text[i] == '-' || text[i] == '+') i++;
        for (; i < n && exponent < 100000; i++) exponent = exponent * 10 + (text[i] - '0');
        if (negative) exponent = -exponent;
    }
    (void)snprintf(plain + used, sizeof plain - used, "e%ld", exponent - shift);
    return strtod(plain, NULL);
}

/* |x| as `want` digits without a point, and the power of ten of the first one. */
static int digits_of(double x, int want, char digits[20])
{
    char text[64];
    int n = 0, i = 0;
    (void)snprintf(text, sizeof text, "%.*e", want - 1, fabs(x));
    for (; text[i] != 'e' && text[i] != '\0'; i++)
        if (text[i] >= '0' && text[i] <= '9' && n < 18) digits[n++] = text[i];
    digits[n] = '\0';
    return (int)strtol(text + i + 1, NULL, 10);
}

static int shortest(double x, char digits[20])
{
    for (int want = fabs(x) < DBL_MIN ? 1 : 15;; want++) {
        char text[48];
        int power = digits_of(x, want, digits);
        int n = snprintf(text, sizeof text, "%se%d", digits, power - want + 1);
        if (want == 17 || decimal_read(text, (size_t)n) == fabs(x)) return power;
    }
}

size_t decimal_write(double x, char out[DECIMAL_ROOM])
{
    char digits[20];
    int power = shortest(x, digits), n = (int)strlen(digits);
    const char *sign = signbit(x) ? "-" : "";
    while (n > 1 && digits[n - 1] == '0') digits[--n] = '\0';
    int length;
    if (power < -4 || power > 15) length = snprintf(out, DECIMAL_ROOM, "%s%c%s%se%+03d", sign, digits[0], n > 1 ? "." : "", digits + 1, power);
    else if (power < 0) length = snprintf(out, DECIMAL_ROOM, "%s0.%.*s%s", sign, -power - 1, "000", digits);
    else if (n <= power + 1) length = snprintf(out, DECIMAL_ROOM, "%s%s%.*s.0", sign, digits, power + 1 - n, "000000000000000");
    else length = snprintf(out, DECIMAL_ROOM, "%s%.*s.%s", sign, power + 1, digits, digits + power + 1);
    return (size_t)length;
}
