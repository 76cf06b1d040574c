/* diff_align.c: which modules of two models belong together, by their roles; best matches first:
 *
 *   the same role               h.*.attn.out        h.*.attn.out
 *   a fused one and its parts   h.*.attn.qkv        h.*.attn.q  h.*.attn.k  h.*.attn.v
 *   nesting that adds nothing   h.*.mlp.plain.up    h.*.mlp.up
 *   a number that is not there  h.*.norm1           h.*.norm
 *   a stack around one side     decoder.h.*.mlp.up  h.*.mlp.up
 *
 * Of several stacks around one the one that says more of the same. Not here: what is the same about pairs (diff_rows.c). */
#include "model/diff.h"
#include <string.h>

struct aligning { rk_ctx *ctx; rk_diff *d; struct wiring *side; bool *taken[2]; };

static bool free_module(const struct aligning *a, int s, int i) { return a->side[s].modules.at[i].shown && !a->taken[s][i]; }
static const char *role_of(const struct aligning *a, int s, int i) { return a->side[s].modules.at[i].role; }

static rk_status join(rk_ctx *ctx, struct aligning *a, struct pair p)
{
    for (int s = 0; s < 2; s++)
        for (int i = 0; i < p.n[s]; i++) a->taken[s][p.module[s][i]] = true;
    VEC_PUSH(&a->d->pairs, p);
    return RK_OK;
}

/* Joins what a rule says of two roles. */
typedef bool alike_fn(const struct aligning *a, bool leaf, const char *left, const char *right);

static rk_status join_alike(rk_ctx *ctx, struct aligning *a, alike_fn *alike)
{
    for (int l = 0; l < a->side[0].modules.n; l++)
        for (int r = 0; r < a->side[1].modules.n && free_module(a, 0, l); r++) {
            if (!free_module(a, 1, r) || a->side[0].modules.at[l].leaf != a->side[1].modules.at[r].leaf) continue;
            if (alike(a, a->side[0].modules.at[l].leaf, role_of(a, 0, l), role_of(a, 1, r))) TRY(join(ctx, a, (struct pair){ { 1, 1 }, { { l }, { r } } }));
        }
    return RK_OK;
}

/* --- the rules --- */

static bool same(const struct aligning *a, bool leaf, const char *left, const char *right)
{
    (void)a, (void)leaf;
    return strcmp(left, right) == 0;
}

/* A role without the parts of its path around which nothing else stands: their parent has no nodes and no other child. A leaf
 * keeps its own name. */
static void collapse(const struct wiring *w, const char *role, bool leaf, char *to, size_t room)
{
    size_t used = 0, at = 0;
    to[0] = '\0';
    for (const char *s = role; *s != '\0';) {
        size_t n = strcspn(s, ".");
        bool alone = at > 0 && s[0] != '*' && (s[n] == '.' || !leaf);
        for (int i = 0; i < w->modules.n && alone; i++) {
            const char *other = w->modules.at[i].role;
            if (strncmp(other, role, at - 1) != 0 || (other[at - 1] != '\0' && other[at - 1] != '.')) continue;
            alone = other[at - 1] == '.' && strncmp(other + at, s, n) == 0 && (other[at + n] == '.' || other[at + n] == '\0');
        }
        if (!alone && used + n + 2 < room) {
            if (used > 0) to[used++] = '.';
            memcpy(to + used, s, n);
            used += n;
            to[used] = '\0';
        }
        at += n + (s[n] == '.');
        s += n + (s[n] == '.');
    }
}

static bool same_collapsed(const struct aligning *a, bool leaf, const char *left, const char *right)
{
    char l[256], r[256];
    collapse(&a->side[0], left, leaf, l, sizeof l);
    collapse(&a->side[1], right, leaf, r, sizeof r);
    return strcmp(l, r) == 0;
}

static size_t without_digits(const char *role)
{
    size_t n = strlen(role);
    while (n > 0 && role[n - 1] >= '0' && role[n - 1] <= '9') n--;
    return n;
}

static bool same_but_for_number(const struct aligning *a, bool leaf, const char *left, const char *right)
{
    size_t l = without_digits(left), r = without_digits(right);
    (void)a, (void)leaf;
    return l == r && memcmp(left, right, l) == 0;
}

static bool ends_in(const char *text, const char *end)
{
    size_t n = strlen(text), k = strlen(end);
    return n > k && text[n - k - 1] == '.' && strcmp(text + n - k, end) == 0;
}

/* --- fused --- */

struct stack { int side; const char *prefix; size_t n; };       /* one side's roles are the other's with `prefix` around them; n 0: the same */

/* A role without the stack around it; NULL: it is in none. */
static const char *inside(const struct stack *k, int side, const char *role)
{
    if (k->n == 0 || k->side != side) return role;
    return strncmp(role, k->prefix, k->n) == 0 && role[k->n] == '.' ? role + k->n + 1 : NULL;
}

static int find_part(const struct aligning *a, const struct stack *k, int s, const char *whole, const char *part)
{
    struct word last = wiring_last(whole);
    size_t parent = (size_t)(last.at - whole);
    for (int i = 0; i < a->side[s].modules.n; i++) {
        const char *role = inside(k, s, role_of(a, s, i));
        if (role != NULL && free_module(a, s, i) && strncmp(role, whole, parent) == 0 && strcmp(role + parent, part) == 0) return i;
    }
    return -1;
}

/* Fused modules of side s with all their parts on the other. */
static rk_status join_parts(rk_ctx *ctx, struct aligning *a, const struct stack *k, int s)
{
    for (int i = 0; i < a->side[s].modules.n; i++) {
        struct pair p = { { 0, 0 }, { { 0 }, { 0 } } };
        const char *part, *whole = inside(k, s, role_of(a, s, i));
        bool all = whole != NULL && free_module(a, s, i);
        p.n[s] = 1;
        p.module[s][0] = i;
        for (int j = 0; all && (part = wiring_part(whole, j)) != NULL; j++) {
            int found = find_part(a, k, 1 - s, whole, part);
            all = found >= 0;
            p.module[1 - s][p.n[1 - s]++] = found;
        }
        if (all && p.n[1 - s] > 0) TRY(join(ctx, a, p));
    }
    return RK_OK;
}

/* --- stacks --- */

static bool in_stack(const struct aligning *a, const struct stack *k, int l, int r)
{
    int at[2] = { l, r };
    if (!free_module(a, 0, l) || !free_module(a, 1, r) || a->side[0].modules.at[l].leaf != a->side[1].modules.at[r].leaf) return false;
    const char *outer = inside(k, k->side, role_of(a, k->side, at[k->side]));
    return outer != NULL && strcmp(outer, role_of(a, 1 - k->side, at[1 - k->side])) == 0;
}

/* How much speaks for a stack: every pair, and more where both say the same of themselves. joining: they are joined, too. */
static rk_status each_in_stack(rk_ctx *ctx, struct aligning *a, const struct stack *k, bool joining, int *score)
{
    *score = 0;
    for (int l = 0; l < a->side[0].modules.n; l++)
        for (int r = 0; r < a->side[1].modules.n; r++) {
            if (!in_stack(a, k, l, r)) continue;
            const struct wired *x = &a->side[0].modules.at[l], *y = &a->side[1].modules.at[r];
            *score += 1 + 2 * (strcmp(x->computes, y->computes) == 0) + 2 * (strcmp(x->reads, y->reads) == 0);
            if (joining) TRY(join(ctx, a, (struct pair){ { 1, 1 }, { { l }, { r } } }));
        }
    return RK_OK;
}

static bool stack_of(const struct aligning *a, int l, int r, struct stack *k)
{
    const char *left = role_of(a, 0, l), *right = role_of(a, 1, r);
    if (!free_module(a, 0, l) || !free_module(a, 1, r) || (!ends_in(left, right) && !ends_in(right, left))) return false;
    int side = ends_in(left, right) ? 0 : 1;
    *k = (struct stack){ side, side == 0 ? left : right, 0 };
    k->n = strlen(k->prefix) - strlen(side == 0 ? right : left) - 1;
    return true;
}

static rk_status join_stacks(rk_ctx *ctx, struct aligning *a)
{
    for (int best = 1; best > 0;) {
        struct stack k, chosen = { 0, "", 0 };
        int score;
        best = 0;
        for (int l = 0; l < a->side[0].modules.n; l++)
            for (int r = 0; r < a->side[1].modules.n; r++) {
                if (!stack_of(a, l, r, &k)) continue;
                TRY(each_in_stack(ctx, a, &k, false, &score));
                if (score > best) best = score, chosen = k;
            }
        if (best == 0) break;
        TRY(each_in_stack(ctx, a, &chosen, true, &score));
        for (int s = 0; s < 2; s++) TRY(join_parts(ctx, a, &chosen, s));
    }
    return RK_OK;
}

/* --- order and names --- */

/* Those without a partner: on the left where they are, on the right behind the row of the module before them. */
static rk_status place_rest(rk_ctx *ctx, struct aligning *a)
{
    rk_diff *d = a->d;
    for (int l = 0; l < a->side[0].modules.n; l++)
        if (free_module(a, 0, l)) TRY(join(ctx, a, (struct pair){ { 1, 0 }, { { l }, { 0 } } }));
    for (int i = 1; i < d->pairs.n; i++)                        /* few, and nearly in order */
        for (int k = i; k > 0; k--) {
            struct pair x = d->pairs.at[k];
            if (d->pairs.at[k - 1].module[0][0] <= x.module[0][0]) break;
            d->pairs.at[k] = d->pairs.at[k - 1];
            d->pairs.at[k - 1] = x;
        }
    for (int r = 0; r < a->side[1].modules.n; r++) {
        int at = 0;
        if (!free_module(a, 1, r)) continue;
        for (int i = 0; i < d->pairs.n; i++)
            for (int k = 0; k < d->pairs.at[i].n[1]; k++)
                if (d->pairs.at[i].module[1][k] < r && at <= i) at = i + 1;
        TRY(join(ctx, a, (struct pair){ { 0, 1 }, { { 0 }, { r } } }));
        struct pair x = d->pairs.at[d->pairs.n - 1];
        memmove(&d->pairs.at[at + 1], &d->pairs.at[at], (size_t)(d->pairs.n - 1 - at) * sizeof x);
        d->pairs.at[at] = x;
    }
    return RK_OK;
}

static rk_status rename_part(rk_ctx *ctx, struct wiring *w, int module, const char *whole, const char *part)
{
    struct word last = wiring_last(whole);
    size_t parent = (size_t)(last.at - whole), n = strlen(part);
    char *text;
    TRY(TAKE(&w->arena, text, parent + n + 1));
    memcpy(text, whole, parent);
    memcpy(text + parent, part, n);
    w->modules.at[module].alias = text;
    return RK_OK;
}

/* Texts live in the arena of the side whose module is renamed, or of the other, which lives as long. */
static rk_status rename_right(rk_ctx *ctx, struct aligning *a)
{
    for (int i = 0; i < a->d->pairs.n; i++) {
        const struct pair *p = &a->d->pairs.at[i];
        if (p->n[0] == 0 || p->n[1] == 0) continue;
        const char *left = role_of(a, 0, p->module[0][0]);
        if (p->n[0] == 1 && p->n[1] == 1) a->side[1].modules.at[p->module[1][0]].alias = left;
        else if (p->n[1] == 1) TRY(rename_part(ctx, &a->side[1], p->module[1][0], left, wiring_last(role_of(a, 1, p->module[1][0])).at));
        else for (int k = 0; k < p->n[1]; k++) TRY(rename_part(ctx, &a->side[1], p->module[1][k], left, wiring_part(left, k)));
    }
    return RK_OK;
}

static rk_status align(rk_ctx *ctx, struct aligning *a)
{
    static const struct stack none = { 0, "", 0 };
    TRY(join_alike(ctx, a, same));
    for (int s = 0; s < 2; s++) TRY(join_parts(ctx, a, &none, s));
    TRY(join_alike(ctx, a, same_collapsed));
    TRY(join_alike(ctx, a, same_but_for_number));
    TRY(join_stacks(ctx, a));
    TRY(place_rest(ctx, a));
    return rename_right(ctx, a);
}

rk_status diff_align(rk_ctx *ctx, rk_diff *d, struct wiring side[2])
{
    struct aligning a = { .ctx = ctx, .d = d, .side = side };
    rk_status status;
    GO(NEW(a.taken[0], side[0].modules.n));
    GO(NEW(a.taken[1], side[1].modules.n));
    GO(align(ctx, &a));
out:
    FREE(a.taken[0], a.taken[0] == NULL ? 0 : side[0].modules.n);
    FREE(a.taken[1], a.taken[1] == NULL ? 0 : side[1].modules.n);
    return status;
}
