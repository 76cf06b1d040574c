/* reconcile.c: what every byte of a checkpoint is: header, parameter, tie, buffer, trouble, or left over.
 *
 * Tensors may share bytes (PyTorch: two names of one storage): a byte is counted for the first tensor that has it, parameters
 * before ties before buffers. Only headers are read; whether the numbers of a tie agree is for loading to find. */
#include "model/reconcile.h"
#include <stdio.h>
#include <string.h>

/* --- bytes --- */

/* Parameters come first, then what stands for one, then what is none. */
static uint64_t rank_of(enum match kind)
{
    static const uint8_t ranks[MATCH_KINDS] = { [MATCH_FOUND] = 0, [MATCH_TIED] = 1, [MATCH_IGNORED] = 2, [MATCH_SHAPE] = 3, [MATCH_DTYPE] = 3, [MATCH_UNEXPECTED] = 3 };
    return ranks[kind];
}

/* Tensors first .. end are of one file: in the order of their bytes, each counts what none before it has. */
static rk_status count_file(rk_ctx *ctx, struct reconcile *r, int first, int end)
{
    struct slot *slots;
    uint64_t reached = 0;
    size_t n = (size_t)(end - first);
    TRY(NEW(slots, n));
    for (int i = first; i < end; i++) slots[i - first] = (struct slot){ r->b.entries.at[i].offset << 2 | rank_of(r->seen[i].kind), (uint32_t)i };
    slots_sort(slots, n, NULL);
    for (size_t k = 0; k < n; k++) {
        const struct bundle_entry *e = &r->b.entries.at[slots[k].item];
        uint64_t from = e->offset > reached ? e->offset : reached, to = e->offset + e->span;
        r->fresh[slots[k].item] = to > from ? to - from : 0;
        if (to > reached) reached = to;
    }
    FREE(slots, n);
    return RK_OK;
}

static rk_status count_bytes(rk_ctx *ctx, struct reconcile *r)
{
    rk_checked *c = r->result;
    uint64_t *const places[MATCH_KINDS] = { [MATCH_FOUND] = &c->parameter_bytes, [MATCH_MISSING] = &c->wrong_bytes, [MATCH_SHAPE] = &c->wrong_bytes,
        [MATCH_DTYPE] = &c->wrong_bytes, [MATCH_IGNORED] = &c->buffer_bytes, [MATCH_TIED] = &c->tie_bytes, [MATCH_UNEXPECTED] = &c->wrong_bytes };
    for (int first = 0, end; first < r->b.entries.n; first = end) {
        for (end = first + 1; end < r->b.entries.n && r->b.entries.at[end].path == r->b.entries.at[first].path; end++) {}
        TRY(count_file(ctx, r, first, end));
    }
    for (int i = 0; i < r->b.entries.n; i++) {
        *places[r->seen[i].kind] += r->fresh[i];
        if (r->seen[i].kind == MATCH_FOUND) c->found += r->b.entries.at[i].bytes / rk_dtype_bytes(r->b.entries.at[i].dtype);
    }
    for (int i = 0; i < r->b.files.n; i++) {
        c->file_bytes += r->b.files.at[i].bytes;
        c->header_bytes += r->b.files.at[i].header;
    }
    c->left_bytes = c->file_bytes - c->header_bytes - c->parameter_bytes - c->tie_bytes - c->buffer_bytes - c->wrong_bytes;
    return RK_OK;
}

/* --- rows --- */

/* Tensors of one kind, dtype and name but for the number in it. shape: of the first; NULL: they have several. */
struct group { struct seen seen; rk_check_row row; const struct bundle_entry *first; bool one_shape; };
struct groups { struct group *at; int n, room; };

static rk_status group_of(rk_ctx *ctx, struct groups *all, const struct seen *s, const struct bundle_entry *e, struct group **found)
{
    static const rk_finding kinds[MATCH_KINDS] = { [MATCH_FOUND] = RK_CHECK_PARAMETERS, [MATCH_TIED] = RK_CHECK_TIES, [MATCH_IGNORED] = RK_CHECK_BUFFERS };
    for (int i = 0; i < all->n; i++) {
        struct group *g = *found = &all->at[i];
        if (g->seen.kind == s->kind && g->row.dtype == e->dtype && (s->kind == MATCH_FOUND || g->seen.pattern.at == s->pattern.at)) return RK_OK;
    }
    struct group fresh = { *s, { .finding = kinds[s->kind], .name = "", .text = "", .has_dtype = true, .dtype = e->dtype, .rank = -1 }, e, true };
    VEC_PUSH(all, fresh);
    *found = &all->at[all->n - 1];
    return RK_OK;
}

static rk_status gather(rk_ctx *ctx, const struct reconcile *r, struct groups *all)
{
    for (int i = 0; i < r->b.entries.n; i++) {
        const struct bundle_entry *e = &r->b.entries.at[i];
        const struct seen *s = &r->seen[i];
        struct group *g = NULL;
        if (s->kind != MATCH_FOUND && s->kind != MATCH_TIED && s->kind != MATCH_IGNORED) continue;
        TRY(group_of(ctx, all, s, e, &g));
        g->row.tensors++;
        g->row.numbers += e->bytes / rk_dtype_bytes(e->dtype);
        g->row.bytes += r->fresh[i];
        g->one_shape = g->one_shape && e->rank == g->first->rank && memcmp(e->shape, g->first->shape, (size_t)e->rank * sizeof *e->shape) == 0;
    }
    return RK_OK;
}

/* A tie: whose numbers it repeats, and whether the file holds them twice. A buffer: why it is no parameter. */
static rk_status say_group(rk_ctx *ctx, struct reconcile *r, struct group *g)
{
    char shown[NAME_SHOWN];
    str_clear(&r->name);
    str_clear(&r->text);
    if (g->seen.kind == MATCH_FOUND) return RK_OK;
    TRY(str_add(ctx, &r->name, g->seen.pattern.at, g->seen.pattern.n));
    if (g->seen.kind == MATCH_IGNORED) return str_text(ctx, &r->text, g->seen.why);
    const struct name *other = &g->seen.other->name;
    return str_format(ctx, &r->text, "%s \"%s\"", g->row.bytes == 0 ? "on the bytes of" : "a second copy of", name_show(shown, other->at, other->length));
}

static rk_status tell_groups(rk_ctx *ctx, struct reconcile *r, struct groups *all)
{
    for (rk_finding f = RK_CHECK_PARAMETERS; f <= RK_CHECK_BUFFERS; f++)
        for (int i = 0; i < all->n; i++) {
            struct group *g = &all->at[i];
            if (g->row.finding != f) continue;
            TRY(say_group(ctx, r, g));
            g->row.name = str_c(&r->name);
            g->row.text = str_c(&r->text);
            if (g->one_shape && f != RK_CHECK_PARAMETERS) g->row.rank = g->first->rank, g->row.shape = g->first->shape;
            TRY(reconcile_tell(r, g->row));
        }
    return RK_OK;
}

/* "1011781632 parameters + 512 buffers": what a header's count of one dtype is made of. */
static rk_status tell_dtypes(rk_ctx *ctx, struct reconcile *r, const struct groups *all)
{
    for (int d = 0; d < RK_DTYPE_COUNT; d++) {
        rk_check_row row = { .finding = RK_CHECK_ALL, .name = "", .has_dtype = true, .dtype = (rk_dtype)d, .rank = -1 };
        r->text.n = 0;
        for (int i = 0; i < all->n; i++) {
            const rk_check_row *g = &all->at[i].row;
            if (g->dtype != row.dtype) continue;
            TRY(str_format(ctx, &r->text, "%s%llu %s", r->text.n > 0 ? " + " : "", (unsigned long long)g->numbers, rk_finding_words(g->finding)));
            row.tensors += g->tensors;
            row.numbers += g->numbers;
            row.bytes += g->bytes;
        }
        row.text = str_c(&r->text);
        if (row.tensors > 0) TRY(reconcile_tell(r, row));
    }
    return RK_OK;
}

static rk_status tell_note(struct reconcile *r, const char *text)
{
    return reconcile_tell(r, (rk_check_row){ .finding = RK_CHECK_NOTE, .name = "", .text = text, .rank = -1 });
}

static rk_status tell_notes(rk_ctx *ctx, struct reconcile *r, const struct groups *all)
{
    int dtypes = 0;
    for (int i = 0; i < all->n; i++) dtypes += all->at[i].row.finding == RK_CHECK_PARAMETERS;
    if (dtypes > 1) TRY(tell_note(r, "the parameters are of several dtypes: each is converted when it is loaded"));
    return reconcile_fit(ctx, r);
}

static rk_status tell_files(rk_ctx *ctx, struct reconcile *r)
{
    for (int i = 0; i < r->b.troubles.n; i++) {
        const struct bundle_trouble *t = &r->b.troubles.at[i];
        TRY(reconcile_tell(r, (rk_check_row){ .finding = RK_CHECK_INDEX, .name = t->name, .text = t->text, .rank = -1 }));
    }
    for (int i = 0; i < r->b.files.n; i++) {
        const struct bundle_file *f = &r->b.files.at[i];
        TRY(reconcile_tell(r, (rk_check_row){ .finding = RK_CHECK_FILE, .name = f->path, .text = "", .rank = -1, .bytes = f->bytes, .header = f->header }));
    }
    return RK_OK;
}

/* --- all of it --- */

static rk_status check(rk_ctx *ctx, struct reconcile *r, struct groups *all)
{
    TRY(bundle_examine(ctx, r->m->weights, &r->b));
    TRY(model_build(ctx, r->m, &(struct build_options){ .purpose = FOR_SCORING, .seq = 1 }, &r->built));
    for (int i = 0; i < r->built.parameters.n; i++) r->result->described += (uint64_t)parameter_elements(r->built.g, &r->built.parameters.at[i]);
    TRY(NEW(r->found, built_stored(&r->built)));
    TRY(NEW(r->seen, r->b.entries.n));
    TRY(NEW(r->fresh, r->b.entries.n));
    TRY(reconcile_match(ctx, r));
    TRY(count_bytes(ctx, r));
    TRY(gather(ctx, r, all));
    TRY(tell_files(ctx, r));
    TRY(tell_groups(ctx, r, all));
    TRY(tell_dtypes(ctx, r, all));
    return tell_notes(ctx, r, all);
}

static void end(rk_ctx *ctx, struct reconcile *r)
{
    FREE(r->found, built_stored(&r->built));
    FREE(r->seen, r->b.entries.n);
    FREE(r->fresh, r->b.entries.n);
    built_close(&r->built);
    bundle_close(ctx, &r->b);
    str_free(ctx, &r->name);
    str_free(ctx, &r->text);
}

rk_status rk_model_check(rk_model *model, rk_check_fn *each, void *user, rk_checked *result)
{
    rk_ctx *ctx = model->ctx;
    struct reconcile r = { .ctx = ctx, .m = model, .each = each, .user = user, .result = result };
    struct groups all = { NULL, 0, 0 };
    *result = (rk_checked){ 0 };
    if (!rk_model_has_weights(model)) return FAIL(RK_E_MISSING, "%s: there are no weights to hold the description against", model->name);
    rk_status status = check(ctx, &r, &all);
    VEC_FREE(&all);
    end(ctx, &r);
    return status;
}
