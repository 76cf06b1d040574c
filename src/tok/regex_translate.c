/* regex_translate.c: a pattern as it is meant, in PCRE2's words: \s and \S by Unicode's own property (PCRE2's has U+180E, which White_Space
 * has not since Unicode 6.3); \w as Oniguruma has it, with marks, whatever the version of PCRE2. What cannot be said so is declined, by its byte. */
#include "tok/regex.h"
#include "base/str.h"

#define WORD "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\x{b2}\\x{b3}\\x{b9}\\x{bc}\\x{bd}\\x{be}"

static rk_status translate_escape(rk_ctx *ctx, char c, bool in_class, size_t at, struct str *out)
{
    const char two[2] = { '\\', c };
    if (c == 'Q') return FAIL(RK_E_DECLINED, "the pattern quotes with \\Q at byte %zu: put a backslash before each character instead", at);
    if (c == 'W' && in_class) return FAIL(RK_E_DECLINED, "the pattern has \\W in a class, at byte %zu: write the class out with \\P{...}", at);
    if (c == 's') return str_text(ctx, out, "\\p{White_Space}");
    if (c == 'S') return str_text(ctx, out, "\\P{White_Space}");
    if (c == 'w') return str_text(ctx, out, in_class ? WORD : "[" WORD "]");
    return c == 'W' ? str_text(ctx, out, "[^" WORD "]") : str_add(ctx, out, two, 2);
}

rk_status regex_translate(rk_ctx *ctx, const char *pattern, size_t n, struct str *out)
{
    bool in_class = false;
    for (size_t i = 0; i < n; i++) {
        if (pattern[i] == '\\' && i + 1 < n) {
            TRY(translate_escape(ctx, pattern[i + 1], in_class, i, out));
            i++;
            continue;
        }
        TRY(str_add(ctx, out, pattern + i, 1));
        if (pattern[i] == ']') in_class = false;
        else if (pattern[i] == '[' && !in_class) {
            in_class = true;
            if (i + 1 < n && pattern[i + 1] == '^') TRY(str_add(ctx, out, pattern + ++i, 1));
            if (i + 1 < n && pattern[i + 1] == ']') TRY(str_add(ctx, out, pattern + ++i, 1));      /* a bracket that comes first is one of the class */
        }
    }
    return RK_OK;
}
