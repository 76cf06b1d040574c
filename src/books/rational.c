/* rational.c: see rational.h. Products are checked by division, since not every compiler's library has the checked
 * multiplication of 128-bit integers. */
#include "books/rational.h"

static const whole most = (whole)(~(unsigned __int128)0 >> 1);

static whole magnitude(whole a) { return a < 0 ? -a : a; }              /* never of the least value: it is not let in */

static whole common(whole a, whole b)
{
    if (a == 1 || b == 1) return 1;                                     /* whole numbers: nearly always */
    for (a = magnitude(a), b = magnitude(b); b != 0;) {
        whole rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static bool add(whole a, whole b, whole *sum)
{
    if (b > 0 ? a > most - b : a < -most - b) return false;
    *sum = a + b;
    return true;
}

static bool multiply(whole a, whole b, whole *product)
{
    bool narrow = a == (int64_t)a && b == (int64_t)b;                   /* dividing 128 bits takes longer than all else here */
    if (!narrow && a != 0 && magnitude(b) > most / magnitude(a)) return false;
    *product = a * b;
    return true;
}

bool rational_add(struct rational *r, struct rational by)
{
    whole shared = common(r->under, by.under), left, right, over, under;
    if (!multiply(r->over, by.under / shared, &left) || !multiply(by.over, r->under / shared, &right)) return false;
    if (!add(left, right, &over) || !multiply(r->under, by.under / shared, &under)) return false;
    shared = common(over, under);
    *r = (struct rational){ over / shared, under / shared };
    return true;
}

bool rational_subtract(struct rational *r, struct rational by)
{
    by.over = -by.over;
    return rational_add(r, by);
}

bool rational_multiply(struct rational *r, struct rational by)
{
    whole a = common(r->over, by.under), b = common(by.over, r->under), over, under;
    if (!multiply(r->over / a, by.over / b, &over) || !multiply(r->under / b, by.under / a, &under)) return false;
    *r = (struct rational){ over, under };
    return true;
}

bool rational_divide(struct rational *r, struct rational by)
{
    if (by.over == 0) return false;
    struct rational turned = by.over < 0 ? (struct rational){ -by.under, -by.over } : (struct rational){ by.under, by.over };
    return rational_multiply(r, turned);
}

bool rational_compare(struct rational a, struct rational b, int *order)
{
    if (!rational_subtract(&a, b)) return false;
    *order = a.over < 0 ? -1 : a.over > 0;
    return true;
}

struct rational rational_floor(struct rational r)
{
    whole n = r.over / r.under;
    return (struct rational){ r.over % r.under < 0 ? n - 1 : n, 1 };
}

bool rational_ceil(struct rational *r)
{
    struct rational n = rational_floor(*r);
    if (r->under != 1 && !add(n.over, 1, &n.over)) return false;
    *r = n;
    return true;
}

bool rational_to_u64(struct rational r, uint64_t *n, bool *exact)
{
    *exact = r.under == 1;
    if (!rational_ceil(&r) || r.over < 0 || r.over > (whole)UINT64_MAX) return false;
    *n = (uint64_t)r.over;
    return true;
}

double rational_to_real(struct rational r) { return (double)r.over / (double)r.under; }
