/* bind_match.c: the tensors of a checkpoint find their parameters, and every disagreement is noted by name.
 *
 * Nothing is read yet, so a checkpoint that does not fit changes nothing. Not here: what tensors are called (the family's
 * table), moving their numbers (bind.c). */
#include "core/graph.h"
#include "model/bind.h"
#include <stdio.h>
#include <string.h>

/* One tensor of the file: its name without prefixes, and what became of it. */
struct candidate { struct name name; const struct bundle_entry *entry; bool spoken_for; };

struct matching {
    rk_ctx *ctx;
    const struct arch *arch;
    const struct built *built;
    const struct bundle *b;
    struct arena arena;                 /* of the index */
    struct candidate *all;
    struct names index;
    const struct bundle_entry **found;
    struct bind_report *report;
    struct str name;
    char first[4][NAME_SHOWN];          /* per finding: the first that had it */
};
enum finding { MISSING, MISSHAPEN, UNEXPECTED, FINE };

static rk_status note(struct matching *m, enum finding t, int *count, const char *name, size_t n, const char *what)
{
    char shown[NAME_SHOWN];
    rk_ctx *ctx = m->ctx;
    (void)name_show(shown, name, n);
    if ((*count)++ == 0) (void)snprintf(m->first[t], sizeof m->first[t], "%s", shown);
    return str_format(ctx, &m->report->text, "%s: %s\n", shown, what);
}

void bind_report_clear(rk_ctx *ctx, struct bind_report *r)
{
    str_free(ctx, &r->text);
    *r = (struct bind_report){ 0 };
}

static rk_status index_names(rk_ctx *ctx, struct matching *m)
{
    uint32_t one, other;
    char a[NAME_SHOWN], b[NAME_SHOWN];
    TRY(NEW(m->all, m->b->entries.n));
    for (int i = 0; i < m->b->entries.n; i++) {
        const struct bundle_entry *e = &m->b->entries.at[i];
        struct word plain = bind_strip(m->arch, e->name.at, e->name.length);
        m->all[i] = (struct candidate){ { plain.at, (uint32_t)plain.n }, e, false };
    }
    m->index = (struct names){ m->all, sizeof *m->all, (uint32_t)m->b->entries.n, NULL };
    TRY(names_index(ctx, &m->arena, &m->index));
    if (!names_twins(&m->index, &one, &other)) return RK_OK;
    const struct name *x = &m->all[one].entry->name, *y = &m->all[other].entry->name;
    return FAIL(RK_E_FORMAT, "%s: tensors \"%s\" and \"%s\" differ only in their prefix", m->b->path, name_show(a, x->at, x->length), name_show(b, y->at, y->length));
}

/* --- parameters --- */

static rk_status shape_text(rk_ctx *ctx, int rank, const int64_t *shape, struct str *out)
{
    TRY(str_text(ctx, out, "["));
    for (int i = 0; i < rank; i++) TRY(str_format(ctx, out, "%s%lld", i > 0 ? " " : "", (long long)shape[i]));
    return str_text(ctx, out, "]");
}

static rk_status check_shape(rk_ctx *ctx, struct matching *m, const struct binding *row, rk_ref parameter, const struct bundle_entry *e)
{
    struct stored s;
    TRY(bind_axes(ctx, m->built->g, parameter, row->axes, &s));
    if (s.rank == e->rank && memcmp(s.shape, e->shape, (size_t)s.rank * sizeof *s.shape) == 0) return RK_OK;
    m->name.n = 0;
    TRY(shape_text(ctx, e->rank, e->shape, &m->name));
    TRY(str_format(ctx, &m->name, " in the file, but by its config %s = ", row->axes));
    TRY(shape_text(ctx, s.rank, s.shape, &m->name));
    return note(m, MISSHAPEN, &m->report->misshapen, e->name.at, e->name.length, str_c(&m->name));
}

static rk_status match_one(rk_ctx *ctx, struct matching *m, int i)
{
    const struct parameter *p = &m->built->parameters.at[i];
    struct word number;
    uint32_t at;
    const struct binding *row = bind_row(m->arch, p->name, &number);
    if (row == NULL && p->kind == RK_CONSTANT) return RK_OK;                  /* no file has it: it is computed */
    if (row == NULL) return FAIL(RK_E_BUG, "%s has no binding for parameter %s", m->arch->name, p->name);
    const char *names = row->names;
    int k = 0;
    for (struct word w; word_next(&names, &w); k++) {
        m->name.n = 0;
        TRY(bind_name(ctx, row, number, k, &m->name));
        if (!names_find(&m->index, str_c(&m->name), (size_t)m->name.n, &at)) continue;
        m->all[at].spoken_for = true;
        m->found[i] = m->all[at].entry;
        m->report->used++;
        if (m->found[i]->dtype > RK_f8e5m2)
            return FAIL(RK_E_DTYPE, "%s: tensor \"%s\" is a parameter, and of %s", m->found[i]->path, str_c(&m->name), rk_dtype_name(m->found[i]->dtype));
        return check_shape(ctx, m, row, p->ref, m->found[i]);
    }
    m->name.n = 0;
    TRY(bind_name(ctx, row, number, 0, &m->name));
    char name[NAME_SHOWN];
    (void)name_show(name, str_c(&m->name), (size_t)m->name.n);
    if (p->kind == RK_CONSTANT) return note(m, FINE, &m->report->computed, name, strlen(name), "is not in the file: computed");
    return note(m, MISSING, &m->report->missing, name, strlen(name), "is missing");
}

/* --- what is left --- */

/* The role that shares its numbers with this one, for a model that has no such parameter. */
static struct word other_end(const struct arch *arch, const char *role)
{
    const char *ties = arch->ties == NULL ? "" : arch->ties;
    for (struct word t; word_next(&ties, &t);) {
        const char *equals = memchr(t.at, '=', t.n);
        size_t n = equals == NULL ? t.n : (size_t)(equals - t.at);
        if (n < t.n && word_is((struct word){ t.at, n }, role, strlen(role))) return (struct word){ equals + 1, t.n - n - 1 };
    }
    return (struct word){ "", 0 };
}

static const struct bundle_entry *tensor_of(const struct matching *m, struct word role)
{
    for (int i = 0; i < built_stored(m->built); i++)
        if (word_is(role, m->built->parameters.at[i].name, strlen(m->built->parameters.at[i].name))) return m->found[i];
    return NULL;
}

/* The tensor that this one repeats, if it is the second end of a tie, or the second name of one. */
static const struct bundle_entry *tied_to(const struct matching *m, const struct candidate *c)
{
    struct word number;
    for (const struct binding *row = m->arch->bindings; row->names != NULL; row++) {
        const char *names = row->names;
        for (struct word w; row->role != NULL && word_next(&names, &w);) {
            if (!bind_matches(w, c->name.at, c->name.length, false, &number)) continue;
            const struct bundle_entry *e = tensor_of(m, other_end(m->arch, row->role));
            if (e == NULL) e = tensor_of(m, (struct word){ row->role, strlen(row->role) });
            if (e != NULL && e != c->entry) return e;
        }
    }
    return NULL;
}

static bool equal(const struct bundle_entry *a, const struct bundle_entry *b)
{
    return a->dtype == b->dtype && a->rank == b->rank && memcmp(a->shape, b->shape, (size_t)a->rank * sizeof *a->shape) == 0 && a->bytes == b->bytes
        && (a->data == b->data || memcmp(a->data, b->data, a->bytes) == 0);
}

static const char *ignored_why(const struct arch *arch, const struct candidate *c)
{
    struct word number;
    for (const struct binding *row = arch->bindings; row->names != NULL; row++) {
        const char *names = row->names;
        for (struct word w; row->role == NULL && word_next(&names, &w);)
            if (bind_matches(w, c->name.at, c->name.length, true, &number)) return row->axes;
    }
    return NULL;
}

/* A role that other heads of the family have. */
static bool elsewhere(const struct matching *m, const struct candidate *c)
{
    struct word number;
    for (const struct binding *row = m->arch->bindings; row->names != NULL; row++) {
        const char *names = row->names;
        for (struct word w; row->role != NULL && word_next(&names, &w);)
            if (bind_matches(w, c->name.at, c->name.length, false, &number) && word_among(m->built->without, row->role, strlen(row->role))) return true;
    }
    return false;
}

static rk_status look_at_rest(rk_ctx *ctx, struct matching *m)
{
    for (int i = 0; i < m->b->entries.n; i++) {
        const struct candidate *c = &m->all[i];
        const struct name *name = &c->entry->name;
        if (c->spoken_for) continue;
        const char *why = elsewhere(m, c) ? "belongs to another head" : ignored_why(m->arch, c);
        const struct bundle_entry *other = why == NULL ? tied_to(m, c) : NULL;
        char shown[NAME_SHOWN];
        if (why != NULL) TRY(note(m, FINE, &m->report->ignored, name->at, name->length, why));
        else if (other == NULL) TRY(note(m, UNEXPECTED, &m->report->unexpected, name->at, name->length, "is in the file, but not in the model"));
        else if (equal(c->entry, other)) TRY(note(m, FINE, &m->report->tied, name->at, name->length, "the same numbers once more: a tie"));
        else {
            (void)FAIL(RK_E_DIFFERS, "%s: tensor \"%s\" should be tied to another one, but holds other numbers", c->entry->path, name_show(shown, name->at, name->length));
            return ctx_hint(ctx, "if head and embedding are two tables, say \"tie_word_embeddings\": false in config.json");
        }
    }
    return RK_OK;
}

static rk_status verdict(rk_ctx *ctx, const struct matching *m)
{
    const struct bind_report *r = m->report;
    const char *path = m->b->path;
    if (r->misshapen > 0) {
        const char *line = strstr(str_c(&r->text), m->first[MISSHAPEN]);
        (void)FAIL(RK_E_SHAPE, "%s: %d of %d tensors have another shape; %.*s", path, r->misshapen, m->b->entries.n, (int)strcspn(line, "\n"), line);
        return ctx_hint(ctx, "the sizes of config.json and the weights must be of one model");
    }
    if (r->missing > 0) {
        (void)FAIL(RK_E_MISSING, "%s: %d of %d parameters are missing, the first is %s", path, r->missing, m->built->parameters.n, m->first[MISSING]);
        if (r->unexpected == 0) return ctx->status;
        return ctx_hint(ctx, "%d tensors are there that the model does not have, the first is %s", r->unexpected, m->first[UNEXPECTED]);
    }
    if (r->unexpected > 0) {
        (void)FAIL(RK_E_UNKNOWN, "%s: %d tensors are not of this model, the first is %s", path, r->unexpected, m->first[UNEXPECTED]);
        return ctx_hint(ctx, "if they belong to another task, save the model without them; if not, config.json describes another model");
    }
    return RK_OK;
}

static rk_status match_all(rk_ctx *ctx, struct matching *m)
{
    TRY(index_names(ctx, m));
    for (int i = 0; i < built_stored(m->built); i++) TRY(match_one(ctx, m, i));
    TRY(look_at_rest(ctx, m));
    return verdict(ctx, m);
}

rk_status bind_match(rk_ctx *ctx, const struct arch *arch, const struct built *built, const struct bundle *b, const struct bundle_entry **found,
                     struct bind_report *report)
{
    struct matching m = { .ctx = ctx, .arch = arch, .built = built, .b = b, .found = found, .report = report };
    *report = (struct bind_report){ 0 };
    rk_status status = match_all(ctx, &m);
    FREE(m.all, b->entries.n);
    str_free(ctx, &m.name);
    arena_clear(ctx, &m.arena);
    return status;
}
