/* Any bytes as a formula: a value in lowest terms, or a message; spelled in other letters and back it is the same text. */
#include "fuzz.h"
#include "books/formula.h"
#include <stdlib.h>
#include <string.h>

static void spelled(rk_ctx *ctx, const char *text)
{
    static const struct rename there[] = { { "T", "tokens_" } }, back[] = { { "tokens_", "T" } };
    struct str once = { NULL, 0, 0 }, again = { NULL, 0, 0 };
    if (formula_spell(ctx, text, 1, there, &once) != RK_OK || formula_spell(ctx, str_c(&once), 1, back, &again) != RK_OK) abort();
    if (strstr(text, "tokens_") == NULL && strcmp(text, str_c(&again)) != 0) abort();
    str_free(ctx, &once);
    str_free(ctx, &again);
}

static whole common(whole a, whole b)
{
    while (b != 0) {
        whole rest = a % b;
        a = b;
        b = rest;
    }
    return a < 0 ? -a : a;
}

int fuzz_one(const uint8_t *bytes, size_t n)
{
    rk_ctx *ctx;
    struct letters letters = { .n = 0 };
    struct rational r;
    char *text = malloc(n + 1);
    if (text == NULL || rk_ctx_open(NULL, &ctx) != RK_OK) abort();
    memcpy(text, bytes, n);
    text[n] = '\0';
    if (letter_set(ctx, &letters, "T", 1024, "") != RK_OK || letter_set(ctx, &letters, "D", 0, "") != RK_OK || letter_set(ctx, &letters, "B", INT64_MAX, "") != RK_OK) abort();
    if (formula_value(ctx, text, &letters, &r) != RK_OK) {
        if (rk_error_message(ctx)[0] == '\0') abort();
    } else if (r.under < 1 || common(r.over, r.under) != 1) abort();
    spelled(ctx, text);
    if (rk_ctx_bytes(ctx) != 0) abort();
    rk_ctx_close(ctx);
    free(text);
    return 0;
}
