/* forms.c: see forms.h. */
#include "model/forms.h"
#include "core/opdef.h"
#include "model/bind.h"
#include <stdio.h>
#include <string.h>

void forms_free(rk_ctx *ctx, struct forms *f)
{
    map_free(ctx, &f->names);
    VEC_FREE(f);
    arena_clear(ctx, &f->arena);
    *f = (struct forms){ .n = 0 };
}

const struct form *forms_get(const struct forms *f, const char *name)
{
    int i;
    return f != NULL && map_get(&f->names, name, strlen(name), &i) ? &f->at[i] : NULL;
}

/* --- what may be used as it lies --- */

static bool uses_fit(const rk_graph *g, rk_ref w)
{
    bool fits = true;
    for (rk_ref r = w + 1; r < g->nodes.n && fits; r++) {
        const struct node *n = node_of(g, r);
        for (int i = 0; i < n->arity && fits; i++) {
            if (n->in[i] != w) continue;
            fits = (n->op->takes_stored >> i & 1) != 0 && ((n->op->flags & OP_VIEW) == 0 || uses_fit(g, r));
        }
    }
    return fits;
}

bool forms_fits(const rk_graph *g, rk_ref weight) { return node_of(g, weight)->rank > 1 && uses_fit(g, weight); }

/* --- integers with scales --- */

/* "hidden (three head head_dim)" is stored [in, out]: of two axes, the one with the last dim goes last. */
rk_status forms_axes(rk_ctx *ctx, const char *axes, const char *last, char out[AXES_TEXT])
{
    size_t first = axes[0] == '(' ? strcspn(axes, ")") + 1 : strcspn(axes, " "), n = strlen(axes), size = strlen(last);
    const char *rest = axes + first + strspn(axes + first, " ");
    bool ends = false;
    for (const char *s = axes; s + size <= axes + first && !ends; s++)
        ends = strncmp(s, last, size) == 0 && (s == axes || s[-1] == ' ' || s[-1] == '(') && (s[size] == ' ' || s[size] == ')' || s[size] == '\0');
    if (n + 2 > AXES_TEXT) return FAIL(RK_E_BUG, "axes \"%s\" are too long", axes);
    if (ends && *rest != '\0') (void)snprintf(out, AXES_TEXT, "%s %.*s", rest, (int)first, axes);
    else (void)snprintf(out, AXES_TEXT, "%s", axes);
    return RK_OK;
}

const struct bundle_entry *forms_scale(const struct bundle *b, const struct bundle_entry *q)
{
    char name[512];
    if (q->dtype != RK_i8 || q->rank < 1 || q->name.length + 7 > sizeof name) return NULL;
    (void)snprintf(name, sizeof name, "%.*s.scale", (int)q->name.length, q->name.at);
    const struct bundle_entry *s = bundle_find(b, name);
    if (s == NULL || s->dtype != RK_f32 || s->rank != q->rank) return NULL;
    for (int i = 0; i + 1 < q->rank; i++)
        if (s->shape[i] != q->shape[i]) return NULL;
    int64_t size = q->shape[q->rank - 1], blocks = s->shape[q->rank - 1];
    return blocks >= 1 && size % blocks == 0 ? s : NULL;
}

/* --- finding them --- */

/* "hidden (three head)" as dims: without parentheses. */
static rk_status dims_of(rk_ctx *ctx, struct forms *f, const char *axes, const char **dims)
{
    char text[AXES_TEXT];
    size_t n = 0;
    for (const char *s = axes; *s != '\0' && n + 1 < sizeof text; s++)
        if (*s != '(' && *s != ')') text[n++] = *s;
    return arena_text(ctx, &f->arena, text, n, dims);
}

static rk_status add(rk_ctx *ctx, const struct arch *arch, const struct built *built, const struct bundle *b, int i, const struct bundle_entry *e, struct forms *f)
{
    const struct parameter *p = &built->parameters.at[i];
    const struct node *n = node_of(built->g, p->ref);
    struct word number;
    char axes[AXES_TEXT];
    const struct binding *row = bind_row(arch, p->name, &number);
    struct form form = { .dtype = e->dtype, .entry = e };
    bool floats = e->dtype == RK_f32 || e->dtype == RK_f16 || e->dtype == RK_bf16 || e->dtype == RK_f8e4m3 || e->dtype == RK_f8e5m2;
    if (row == NULL || !e->aligned || !forms_fits(built->g, p->ref) || (!floats && e->dtype != RK_i8)) return RK_OK;
    (void)snprintf(axes, sizeof axes, "%s", row->axes);
    if (!floats) {
        form.scale = forms_scale(b, e);
        TRY(forms_axes(ctx, row->axes, dim_name(built->g, n->dim[n->rank - 1]), axes));
        /* A row of blocks must be one dimension of the graph: the last. */
        if (form.scale == NULL || !form.scale->aligned) return RK_OK;
        int64_t each = e->shape[e->rank - 1] / form.scale->shape[e->rank - 1], last = dim_size(built->g, n->dim[n->rank - 1]);
        if (last % each != 0) return RK_OK;
        form.blocks = last / each;
    }
    TRY(dims_of(ctx, f, axes, &form.dims));
    TRY(arena_text(ctx, &f->arena, p->name, strlen(p->name), &form.name));
    VEC_PUSH(f, form);
    return map_put(ctx, &f->names, form.name, strlen(form.name), f->n - 1);
}

rk_status forms_find(rk_ctx *ctx, const struct arch *arch, const struct built *built, const struct bundle *b, const struct bundle_entry *const *found, struct forms *forms)
{
    for (int i = 0; i < built->parameters.n; i++)
        if (found[i] != NULL) TRY(add(ctx, arch, built, b, i, found[i], forms));
    return RK_OK;
}
