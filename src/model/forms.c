/* forms.c: see forms.h. */
#include "model/forms.h"
#include "core/opdef.h"
#include "core/panel.h"
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

bool forms_in_panels(const struct bundle_entry *q) { return (q->dtype == RK_i8 || q->dtype == RK_f32) && q->rank == PANEL_RANK; }

/* Every file that says anything of panels says the same, and one does. */
static bool panels_are_said(const struct bundle *b, bool floats)
{
    const char *key = floats ? FORMS_FLOAT_PANELS_KEY : FORMS_PANELS_KEY, *note = floats ? FORMS_FLOAT_PANELS_NOTE : FORMS_PANELS_NOTE;
    int said = 0;
    for (int i = 0; i < b->notes.n; i++) {
        if (strcmp(b->notes.at[i].name.at, key) != 0) continue;
        if (strcmp(b->notes.at[i].text, note) != 0) return false;
        said++;
    }
    return said > 0;
}

static bool float_panels_fit(const struct bundle_entry *q)
{
    return q->shape[2] == PANEL_FOURS && q->shape[3] == PANEL_EACH && q->shape[4] == FLOAT_PANEL_COLUMNS;
}

bool forms_readable(const struct bundle *b, const struct bundle_entry *q)
{
    if (q->dtype > RK_f8e5m2) return forms_scale(b, q) != NULL;
    return !forms_in_panels(q) || (panels_are_said(b, true) && float_panels_fit(q));
}

static bool panels_fit(const struct bundle_entry *q, const struct bundle_entry *s)
{
    return q->shape[2] == PANEL_FOURS && q->shape[3] == PANEL_COLUMNS && q->shape[4] == PANEL_EACH
        && s->rank == PANEL_SCALE_RANK && s->shape[0] == q->shape[0] && s->shape[1] == q->shape[1] && s->shape[2] == PANEL_COLUMNS;
}

const char *forms_trouble(const struct bundle *b, const struct bundle_entry *q)
{
    if (q->dtype != RK_i8 && !forms_in_panels(q)) return "";
    if (q->dtype != RK_i8)
        return panels_are_said(b, true) ? "its shape is not one of panels" : "it has the rank of panels, but the metadata does not say " FORMS_FLOAT_PANELS_KEY ": " FORMS_FLOAT_PANELS_NOTE;
    if (forms_in_panels(q) && !panels_are_said(b, false)) return "it has the rank of panels, but the metadata does not say " FORMS_PANELS_KEY ": " FORMS_PANELS_NOTE;
    return forms_in_panels(q) ? "its scales, of f32 and named like it with .scale, do not fit these panels, or are not there"
                              : "its scales, of f32 and named like it with .scale, do not fit it, or are not there";
}

bool forms_panel_shape(bool floats, int *rank, int64_t shape[RK_MAX_RANK])
{
    int64_t out = 1, in = *rank > 0 ? shape[*rank - 1] : 0;
    for (int i = 0; i + 1 < *rank; i++) out *= shape[i];
    if (*rank < 2 || !panel_fits(floats, out, in)) return false;
    panel_shape(floats, out, in, shape);
    *rank = PANEL_RANK;
    return true;
}

const struct bundle_entry *forms_scale(const struct bundle *b, const struct bundle_entry *q)
{
    char name[512];
    if (q->dtype != RK_i8 || q->rank < 1 || q->name.length + 7 > sizeof name) return NULL;
    (void)snprintf(name, sizeof name, "%.*s.scale", (int)q->name.length, q->name.at);
    const struct bundle_entry *s = bundle_find(b, name);
    if (s == NULL || s->dtype != RK_f32) return NULL;
    if (forms_in_panels(q)) return panels_are_said(b, false) && panels_fit(q, s) ? s : NULL;
    if (s->rank != q->rank) return NULL;
    for (int i = 0; i + 1 < q->rank; i++)
        if (s->shape[i] != q->shape[i]) return NULL;
    int64_t size = q->shape[q->rank - 1], blocks = s->shape[q->rank - 1];
    return blocks >= 1 && size % blocks == 0 ? s : NULL;
}

int64_t forms_block(const struct bundle_entry *q, const struct bundle_entry *scale)
{
    return forms_in_panels(q) ? PANEL_PER_SCALE : q->shape[q->rank - 1] / scale->shape[scale->rank - 1];
}

void forms_rows(const struct bundle_entry *q, const struct bundle_entry *scale, int64_t n, int8_t *to, float *scales)
{
    int64_t in = q->shape[1] * PANEL_PER_SCALE;
    if (forms_in_panels(q)) {
        panel_undo(n / in, in, q->data, to);
        panel_undo_scales(n / in, in, scale->data, scales);
    } else {
        memcpy(to, q->data, q->bytes);
        memcpy(scales, scale->data, scale->bytes);
    }
}

rk_status forms_numbers(rk_ctx *ctx, const struct bundle_entry *q, const struct bundle_entry *scale, int64_t n, float *to)
{
    if (scale == NULL) {
        panel_undo_floats(n / (q->shape[1] * PANEL_PER_SCALE), q->shape[1] * PANEL_PER_SCALE, q->data, to);
        return RK_OK;
    }
    int64_t block = forms_block(q, scale);
    float *scales = NULL;
    int8_t *rows = NULL;
    rk_status status;
    GO(NEW(rows, n));
    GO(NEW(scales, n / block));
    forms_rows(q, scale, n, rows, scales);
    for (int64_t k = 0; k < n; k++) to[k] = scales[k / block] * (float)rows[k];
out:
    FREE(rows, n);
    FREE(scales, n / block);
    return status;
}

/* --- what may lie in panels --- */

/* This contraction sums over the last axis, of `in` numbers, and leaves the rest; x has none of what is left. */
static bool sums_rows(const rk_graph *g, rk_ref use, const struct node *w, int64_t in)
{
    const struct node *y = node_of(g, use), *x = node_of(g, y->in[0]);
    int64_t summed = 1;
    bool apart = true;
    for (int i = 0; i < w->rank; i++) {
        bool left = graph_find_axis(y, w->dim[i]) >= 0;
        if (!left) summed *= dim_size(g, w->dim[i]);
        apart = apart && !(left && graph_find_axis(x, w->dim[i]) >= 0);
    }
    return apart && summed == in;
}

/* Kernels of panels do this: a product with the matrix, or rows of a table. */
static bool use_of_panels(const rk_graph *g, rk_ref use, int operand, const struct node *w, int64_t in)
{
    const struct node *n = node_of(g, use);
    if (n->op == &op_einsum) return operand == 1 && w->rank <= EINSUM_PANELS_DIMS && sums_rows(g, use, w, in);
    return n->op == &op_gather && operand == 0 && w->rank == 2 && n->at.i[0] == w->dim[0];
}

static bool uses_of_panels(const rk_graph *g, rk_ref w, int64_t in)
{
    bool fits = true;
    for (rk_ref r = w + 1; r < g->nodes.n && fits; r++)
        for (int i = 0; i < node_of(g, r)->arity && fits; i++)
            if (operand_of(g, r, i) == w) fits = use_of_panels(g, r, i, node_of(g, w), in);
    return fits;
}

const char *forms_no_panels(const rk_graph *g, rk_ref weight, int rank, const int64_t *rows, int64_t block)
{
    int64_t shape[RK_MAX_RANK];
    if (block != 0 && block != PANEL_PER_SCALE) return "its scales are for fewer than 64 neighbours";
    if (!uses_of_panels(g, weight, rows[rank - 1])) return "its parts are used one by one";
    memcpy(shape, rows, (size_t)rank * sizeof *rows);
    if (block == 0 && rows[rank - 1] % PANEL_PER_SCALE != 0) return "its rows are no multiple of 64 numbers";
    return forms_panel_shape(block == 0, &rank, shape) ? NULL : block == 0 ? "it has too few rows for panels of 16" : "it has too few rows for panels of 32";
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
    form.panels = forms_in_panels(e);
    if (form.panels && !uses_of_panels(built->g, p->ref, e->shape[1] * PANEL_PER_SCALE)) return RK_OK;
    if (!floats || form.panels) TRY(forms_axes(ctx, row->axes, dim_name(built->g, n->dim[n->rank - 1]), axes));
    if (!floats) {
        form.scale = forms_scale(b, e);
        /* A row of blocks must be one dimension of the graph: the last. */
        if (form.scale == NULL || !form.scale->aligned) return RK_OK;
        int64_t each = forms_block(e, form.scale), last = dim_size(built->g, n->dim[n->rank - 1]);
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
