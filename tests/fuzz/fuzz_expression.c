/* Any text as an expression, with a size for every short name: what opens has shapes whose elements multiply out, and views that
 * own nothing; what does not has a message. */
#include "fuzz.h"
#include "reckon/expression.h"
#include <stdlib.h>
#include <string.h>

static void check(const rk_expression *e)
{
    int n = rk_expression_values(e);
    if (n < 1 || n > 3) abort();
    for (int i = 0; i < n; i++) {
        rk_expression_value v = rk_expression_value_at(e, i);
        uint64_t elements = 1;
        for (int k = 0; k < v.rank; k++) elements *= (uint64_t)v.shape[k];
        if (elements != v.elements || v.bytes != 4 * v.elements || (i + 1 < n && v.view)) abort();
    }
    bool copies = false;
    for (int i = 0; i < rk_expression_steps(e); i++) copies = copies || !rk_expression_step_at(e, i).view;
    if (n < 3 && copies != (rk_expression_cost_of(e).written > 0)) abort();
}

int fuzz_one(const uint8_t *bytes, size_t n)
{
    /* Names of the seeds; those that a text does not have are left out. */
    static const rk_size all[] = { { "a", 2 }, { "b", 3 }, { "c", 1 }, { "d", 5 }, { "ab", 6 }, { "h", 4 }, { "k", 2 }, { "t", 3 } };
    rk_size sizes[8];
    int n_sizes = 0;
    char text[200];
    rk_expression *e = NULL;
    rk_ctx *ctx;
    if (n >= sizeof text || rk_ctx_open(NULL, &ctx) != RK_OK) return 0;
    memcpy(text, bytes, n);
    text[n] = '\0';
    for (int i = 0; i < 8; i++)
        for (const char *s = text; *s != '\0'; s += strcspn(s, " ,()->") + (s[strcspn(s, " ,()->")] != '\0')) {
            size_t length = strcspn(s, " ,()->");
            if (length != strlen(all[i].name) || memcmp(s, all[i].name, length) != 0) continue;
            sizes[n_sizes++] = all[i];
            break;
        }
    if (rk_expression_open(ctx, text, sizes, n_sizes, RK_f32, &e) == RK_OK) check(e);
    else if (rk_error_message(ctx)[0] == '\0' || e != NULL) abort();
    rk_expression_close(e);
    if (rk_ctx_bytes(ctx) != 0) abort();
    rk_ctx_close(ctx);
    return 0;
}
