/* bind_match.c: the tensors of a checkpoint find their parameters; every tensor and every parameter is told of, once.
 *
 * No number is looked at, so headers are enough. Not here: what tensors are called (the family's table), what is made of
 * disagreements (bind_report.c for loading, reconcile.c for people), moving numbers (bind.c). */
#include "core/graph.h"
#include "model/bind.h"
#include "model/forms.h"
#include <stdio.h>
#include <string.h>

/* One tensor of the file: its name without prefixes, and whether it is somebody's. */
struct candidate { struct name name; const struct bundle_entry *entry; bool spoken_for; };

/* One way in which a binding is spelled, found once; and what follows its last *, which few names end in. */
struct spelling { struct word pattern, tail; const struct binding *row; };

struct matching {
    rk_ctx *ctx;
    const struct arch *arch;
    const struct built *built;
    const struct bundle *b;
    struct arena arena;                 /* of the index */
    struct candidate *all;
    struct names index;
    const struct bundle_entry **found;  /* per parameter */
    struct { struct spelling *at; int n, room; } spellings;
    struct str name;
    match_fn *each;
    void *user;
};

static rk_status index_names(rk_ctx *ctx, struct matching *m)
{
    uint32_t one, other;
    char a[NAME_SHOWN], b[NAME_SHOWN];
    struct prefixes prefixes;
    bind_prefixes(m->arch, &prefixes);
    TRY(NEW(m->all, m->b->entries.n));
    for (int i = 0; i < m->b->entries.n; i++) {
        const struct bundle_entry *e = &m->b->entries.at[i];
        struct word plain = bind_strip_with(&prefixes, e->name.at, e->name.length);
        m->all[i] = (struct candidate){ { plain.at, (uint32_t)plain.n }, e, false };
    }
    m->index = (struct names){ .items = m->all, .stride = sizeof *m->all, .n = (uint32_t)m->b->entries.n };
    TRY(names_index(ctx, &m->arena, &m->index));
    if (!names_twins(&m->index, &one, &other)) return RK_OK;
    const struct name *x = &m->all[one].entry->name, *y = &m->all[other].entry->name;
    return FAIL(RK_E_FORMAT, "%s: tensors \"%s\" and \"%s\" differ only in their prefix", m->b->path, name_show(a, x->at, x->length), name_show(b, y->at, y->length));
}

/* --- parameters --- */

static enum match judge(const struct matching *m, const struct match_row *row)
{
    const struct bundle_entry *e = row->entry;
    if (!forms_readable(m->b, e)) return MATCH_DTYPE;
    bool same = row->stored.rank == e->rank && memcmp(row->stored.shape, e->shape, (size_t)e->rank * sizeof *e->shape) == 0;
    return same ? MATCH_FOUND : MATCH_SHAPE;
}

/* Integers and what is in panels lie in an order of their own; scales are spoken for with their integers. */
static rk_status take_scale(rk_ctx *ctx, struct matching *m, int i, struct match_row *row)
{
    const struct bundle_entry *scale = forms_scale(m->b, row->entry);
    if (scale != NULL) m->all[scale - m->b->entries.at].spoken_for = true;
    TRY(bind_stored_as(ctx, m->arch, m->built, i, RK_i8, &row->stored));
    if (forms_in_panels(row->entry)) (void)forms_panel_shape(row->entry->dtype != RK_i8, &row->stored.rank, row->stored.shape);
    return RK_OK;
}

static rk_status match_one(rk_ctx *ctx, struct matching *m, int i)
{
    const struct parameter *p = &m->built->parameters.at[i];
    struct match_row row = { .kind = MATCH_MISSING, .parameter = i };
    uint32_t at;
    row.binding = bind_row(m->arch, p->name, &row.number);
    if (row.binding == NULL && p->kind == RK_CONSTANT) return RK_OK;              /* no file has it: it is computed */
    if (row.binding == NULL) return FAIL(RK_E_BUG, "%s has no binding for parameter %s", m->arch->name, p->name);
    if (p->kind == RK_CONSTANT) row.kind = MATCH_COMPUTED;                          /* unless the file has it */
    TRY(bind_stored(ctx, m->arch, m->built, i, &row.stored));
    const char *names = row.binding->names;
    for (struct word w; row.entry == NULL && word_next(&names, &w);) {
        m->name.n = 0;
        TRY(bind_fill(ctx, w, row.number, &m->name));
        if (!names_find(&m->index, str_c(&m->name), (size_t)m->name.n, &at)) continue;
        m->all[at].spoken_for = true;
        row.pattern = w;
        row.entry = m->found[i] = m->all[at].entry;
        if (row.entry->dtype == RK_i8 || forms_in_panels(row.entry)) TRY(take_scale(ctx, m, i, &row));
        row.kind = judge(m, &row);
    }
    return m->each(m->user, &row);
}

/* --- what is left --- */

/* The role that shares its numbers with this one, for a model that has no such parameter. */
static struct word other_end(const struct matching *m, const char *role)
{
    const char *ties = m->arch->ties == NULL ? "" : m->arch->ties;
    for (struct word t; word_next(&ties, &t);) {
        const char *equals = memchr(t.at, '=', t.n);
        size_t n = equals == NULL ? t.n : (size_t)(equals - t.at);
        struct word end = { equals + 1, n < t.n ? t.n - n - 1 : 0 };
        if (n < t.n && word_is((struct word){ t.at, n }, role, strlen(role)) && built_find(m->built, end.at, end.n) >= 0) return end;
    }
    return (struct word){ "", 0 };
}

static const struct bundle_entry *tensor_of(const struct matching *m, struct word role)
{
    int i = role.n == 0 ? -1 : built_find(m->built, role.at, role.n);
    return i < 0 ? NULL : m->found[i];
}

/* What a second end of a tie repeats, or a second name of one tensor; NULL: nothing. */
static const struct bundle_entry *twin_of(const struct matching *m, const char *role, const struct bundle_entry *e)
{
    const struct bundle_entry *twin = tensor_of(m, other_end(m, role));
    if (twin == NULL) twin = tensor_of(m, (struct word){ role, strlen(role) });
    return twin == e ? NULL : twin;
}

/* What this name stands for, though no parameter took it: nothing at all, a parameter of another head, or a tie's second end. */
static void recognise(const struct matching *m, const struct candidate *c, struct match_row *row)
{
    row->kind = MATCH_UNEXPECTED;
    for (int i = 0; i < m->spellings.n; i++) {
        const struct spelling *s = &m->spellings.at[i];
        const char *role = s->row->role;
        struct word number;
        if (c->name.length < s->tail.n || memcmp(c->name.at + c->name.length - s->tail.n, s->tail.at, s->tail.n) != 0) continue;
        if (!bind_matches(s->pattern, c->name.at, c->name.length, role == NULL, &number)) continue;
        bool elsewhere = role != NULL && word_among(m->built->without, role, strlen(role));
        row->why = elsewhere ? "belongs to another head" : s->row->axes;
        row->other = role == NULL || elsewhere ? NULL : twin_of(m, role, c->entry);
        row->kind = role == NULL || elsewhere ? MATCH_IGNORED : row->other != NULL ? MATCH_TIED : MATCH_UNEXPECTED;
        row->binding = s->row;
        row->pattern = s->pattern;
        row->number = number;
        if (row->kind != MATCH_UNEXPECTED) return;
    }
}

static rk_status look_at_rest(rk_ctx *ctx, struct matching *m)
{
    for (int i = 0; i < m->b->entries.n; i++) {
        struct match_row row = { .parameter = -1, .entry = m->all[i].entry };
        if (m->all[i].spoken_for) continue;
        recognise(m, &m->all[i], &row);
        TRY(m->each(m->user, &row));
    }
    return RK_OK;
}

static rk_status spell(rk_ctx *ctx, struct matching *m)
{
    for (const struct binding *b = m->arch->bindings; b->names != NULL; b++) {
        const char *names = b->names;
        for (struct spelling s = { .row = b }; word_next(&names, &s.pattern);) {
            s.tail = s.pattern;
            for (const char *star; (star = memchr(s.tail.at, '*', s.tail.n)) != NULL;) s.tail = (struct word){ star + 1, s.tail.n - (size_t)(star + 1 - s.tail.at) };
            VEC_PUSH(&m->spellings, s);
        }
    }
    return RK_OK;
}

static rk_status match_all(rk_ctx *ctx, struct matching *m)
{
    TRY(spell(ctx, m));
    TRY(index_names(ctx, m));
    for (int i = 0; i < built_stored(m->built); i++) TRY(match_one(ctx, m, i));
    return look_at_rest(ctx, m);
}

rk_status bind_compare(rk_ctx *ctx, const struct arch *arch, const struct built *built, const struct bundle *b, const struct bundle_entry **found,
                       match_fn *each, void *user)
{
    struct matching m = { .ctx = ctx, .arch = arch, .built = built, .b = b, .found = found, .each = each, .user = user };
    rk_status status = match_all(ctx, &m);
    FREE(m.all, b->entries.n);
    str_free(ctx, &m.name);
    VEC_FREE(&m.spellings);
    arena_clear(ctx, &m.arena);
    return status;
}
