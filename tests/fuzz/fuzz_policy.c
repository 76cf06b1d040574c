/* Any bytes as a policy: rows that speak of modules, or a message. */
#include "fuzz.h"
#include "pass/policy.h"
#include <stdlib.h>
#include <string.h>

int fuzz_one(const uint8_t *bytes, size_t n)
{
    static const char *const paths[] = { "", "h.0.attn.q", "encoder.h.11.norm2", "head", "h..0." };
    rk_ctx *ctx;
    struct policy p;
    char *text = malloc(n + 1);
    if (text == NULL || rk_ctx_open(NULL, &ctx) != RK_OK) abort();
    memcpy(text, bytes, n);
    text[n] = '\0';
    if (policy_read(ctx, text, &p) != RK_OK) {
        if (rk_error_message(ctx)[0] == '\0') abort();
    } else {
        for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
            const struct policy_role *role = policy_of(&p, paths[i]);
            if (role != NULL && (role < p.at || role >= p.at + p.n || role->dtype > RK_f8e5m2)) abort();
        }
        if (policy_products(&p) > RK_f8e5m2) abort();
    }
    if (rk_ctx_bytes(ctx) != 0) abort();
    rk_ctx_close(ctx);
    free(text);
    return 0;
}
