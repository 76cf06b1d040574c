/* policy.c: a policy is rows of reckon/policy.def and of the command line, in one list: later rows count. See policy.h. */
#include "pass/policy.h"
#include "reckon/model.h"
#include <stdio.h>
#include <string.h>

struct row { const char *word, *roles, *words; rk_dtype stored; bool scaled; };
static const struct row rows[] = {
#define ROW(name, word, roles, stored, scaled, words) { word, roles, words, stored, scaled },
#include "reckon/policy.def"
#undef ROW
};
enum { ROWS = sizeof rows / sizeof *rows };

rk_policy rk_policy_at(int i)
{
    return i >= 0 && i < ROWS ? (rk_policy){ rows[i].word, rows[i].roles, rows[i].words, rows[i].scaled } : (rk_policy){ NULL, NULL, NULL, false };
}

/* --- dtypes --- */

static const struct { const char *word; rk_dtype dtype; } dtypes[] = {
    { "f32", RK_f32 }, { "fp32", RK_f32 }, { "bf16", RK_bf16 }, { "f16", RK_f16 }, { "fp16", RK_f16 }, { "fp8", RK_f8e4m3 }, { "f8e4m3", RK_f8e4m3 },
};

static bool same(const char *word, const char *text, size_t n) { return strlen(word) == n && memcmp(word, text, n) == 0; }

static rk_status read_dtype(rk_ctx *ctx, const char *text, size_t n, rk_dtype *dtype)
{
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
        *dtype = dtypes[i].dtype;
        if (same(dtypes[i].word, text, n)) return RK_OK;
    }
    (void)FAIL(RK_E_UNKNOWN, "a policy computes in no dtype \"%.*s\"", (int)(n > 40 ? 40 : n), text);
    return ctx_hint(ctx, "there are: f32 bf16 f16 fp8 (f8e4m3)");
}

/* --- rows --- */

static rk_status add(rk_ctx *ctx, struct policy *p, const char *role, size_t n, rk_dtype dtype, bool asked)
{
    if (p->n == MOST_ROLES) return FAIL(RK_E_LIMIT, "a policy of more than %d roles", MOST_ROLES);
    if (n == 0 || n >= LONGEST_ROLE) return FAIL(RK_E_ARG, "a role of a policy is the name of a module, of at most %d letters", LONGEST_ROLE - 1);
    struct policy_role *r = &p->at[p->n++];
    *r = (struct policy_role){ .dtype = dtype, .asked = asked };
    memcpy(r->role, role, n);
    return RK_OK;
}

/* "attn=f32" */
static rk_status read_role(rk_ctx *ctx, struct policy *p, const char *text, size_t n, bool asked)
{
    const char *equals = memchr(text, '=', n);
    rk_dtype dtype;
    size_t role = (size_t)(equals - text);
    TRY(read_dtype(ctx, equals + 1, n - role - 1, &dtype));
    return add(ctx, p, text, role, dtype, asked);
}

static rk_status read_base(rk_ctx *ctx, struct policy *p, const char *text, size_t n)
{
    char words[128] = "";
    for (int i = 0; i < ROWS; i++) {
        if (same(rows[i].word, text, n)) {
            *p = (struct policy){ .stored = rows[i].stored, .scaled = rows[i].scaled };
            for (const char *at = rows[i].roles; *at != '\0'; at += strspn(at, " ")) {
                TRY(read_role(ctx, p, at, strcspn(at, " "), false));
                at += strcspn(at, " ");
            }
            return RK_OK;
        }
        (void)snprintf(words + strlen(words), sizeof words - strlen(words), "%s%s", i > 0 ? " " : "", rows[i].word);
    }
    (void)FAIL(RK_E_UNKNOWN, "there is no policy \"%.*s\"", (int)(n > 60 ? 60 : n), text);
    return ctx_hint(ctx, "there are: %s; and of modules: attn=f32,mlp=bf16", words);
}

rk_status policy_read(rk_ctx *ctx, const char *text, struct policy *p)
{
    *p = (struct policy){ .stored = RK_f32 };
    for (bool first = true; text != NULL && *text != '\0'; first = false) {
        size_t n = strcspn(text, ",");
        bool role = memchr(text, '=', n) != NULL;
        if (!role && !first) return FAIL(RK_E_ARG, "policy \"%.*s\": a policy stands first, roles (attn=f32) behind it", (int)(n > 60 ? 60 : n), text);
        TRY(role ? read_role(ctx, p, text, n, true) : read_base(ctx, p, text, n));
        text += n + (text[n] == ',');
    }
    return RK_OK;
}

rk_status rk_policy_check(rk_ctx *ctx, const char *policy)
{
    struct policy p;
    return policy_read(ctx, policy, &p);
}

rk_status rk_policy_products(rk_ctx *ctx, const char *policy, rk_dtype *dtype)
{
    struct policy p;
    *dtype = RK_f32;
    TRY(policy_read(ctx, policy, &p));
    *dtype = policy_products(&p);
    return RK_OK;
}

/* --- modules --- */

/* "norm" is norm, norm1 and norm2; "*" is any. */
static bool same_part(const char *role, size_t n, const char *path, size_t length)
{
    if (n == 1 && role[0] == '*') return true;
    if (n > length || memcmp(role, path, n) != 0) return false;
    while (length > n && path[length - 1] >= '0' && path[length - 1] <= '9') length--;
    return n == length;
}

/* The role from this part of the path on. */
static bool stands_here(const char *role, const char *path)
{
    for (;;) {
        size_t n = strcspn(role, "."), length = strcspn(path, ".");
        if (length == 0 || !same_part(role, n, path, length)) return false;
        if (role[n] == '\0') return true;
        if (path[length] == '\0') return false;
        role += n + 1;
        path += length + 1;
    }
}

static bool speaks_of(const char *role, const char *path)
{
    if (strcmp(role, "*") == 0) return true;
    for (;; path++) {
        if (stands_here(role, path)) return true;
        path += strcspn(path, ".");
        if (*path == '\0') return false;
    }
}

const struct policy_role *policy_of(const struct policy *p, const char *path)
{
    for (int i = p->n - 1; i >= 0; i--)
        if (speaks_of(p->at[i].role, path)) return &p->at[i];
    return NULL;
}

bool policy_names_a_block(const struct policy *p)
{
    for (int i = 0; i < p->n; i++)
        for (const char *part = p->at[i].role; *part != '\0'; part += strcspn(part, "."), part += *part == '.')
            if (*part >= '0' && *part <= '9') return true;
    return false;
}

rk_dtype policy_products(const struct policy *p)
{
    rk_dtype least = RK_f32;
    for (int i = 0; i < p->n; i++)
        if (!p->at[i].asked && rk_dtype_bytes(p->at[i].dtype) < rk_dtype_bytes(least)) least = p->at[i].dtype;
    for (int i = 0; i < p->n; i++)
        if (p->at[i].asked && least == RK_f32) least = p->at[i].dtype;
    return least;
}
