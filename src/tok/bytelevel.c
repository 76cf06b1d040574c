/* bytelevel.c: the map in closed form, so that there is no table to keep in step. */
#include "tok/bytelevel.h"
#include "base/utf8.h"

static bool is_printable(uint32_t b) { return (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b <= 0xff && b != 0xad); }

uint32_t bytelevel_code(unsigned char byte)
{
    if (is_printable(byte)) return byte;
    if (byte <= 0x20) return 0x100u + byte;                           /* 33 of them */
    if (byte <= 0xa0) return 0x121u + byte - 0x7f;                    /* 34: 0x7f..0xa0 */
    return 0x143;                                                     /* 0xad, the soft hyphen */
}

int bytelevel_byte(uint32_t code)
{
    if (code <= 0xff) return is_printable(code) ? (int)code : -1;
    if (code <= 0x120) return (int)(code - 0x100);
    if (code <= 0x142) return (int)(code - 0x121 + 0x7f);
    return code == 0x143 ? 0xad : -1;
}

size_t bytelevel_spell(const char *bytes, size_t n, char *out)
{
    size_t made = 0;
    for (size_t i = 0; i < n; i++) made += utf8_put(out + made, bytelevel_code((unsigned char)bytes[i]));
    return made;
}

rk_status bytelevel_write(rk_ctx *ctx, struct str *to, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char spelled[4];
        TRY(str_add(ctx, to, spelled, bytelevel_spell(&bytes[i], 1, spelled)));
    }
    return RK_OK;
}

/* ASCII stands for itself, but for spaces and control characters; the rest is two bytes long, with leads C2 to C5. */
bool bytelevel_read(const char *spelling, size_t n, char *out, size_t *n_out)
{
    const unsigned char *s = (const unsigned char *)spelling, *end = s + n;
    char *to = out;
    while (s < end) {
        if (*s - 0x21u < 0x7fu - 0x21u) {
            *to++ = (char)*s++;
            continue;
        }
        bool two = *s >= 0xc2 && *s <= 0xc5 && end - s > 1 && (s[1] & 0xc0) == 0x80;
        int byte = two ? bytelevel_byte((*s & 0x1fu) << 6 | (s[1] & 0x3fu)) : -1;
        if (byte < 0) return false;
        *to++ = (char)byte;
        s += 2;
    }
    *n_out = (size_t)(to - out);
    return true;
}
