/* count_bill.c: the bill that customers see: numbers and texts, so that it outlives the graphs it was made of.
 *
 * Not here: where the numbers come from (count_write.c), a plan over time (count_time.c), JSON (count_json.c). */
#include "pass/count_bill.h"
#include <stdio.h>
#include <string.h>

rk_status bill_new(rk_ctx *ctx, rk_bill **bill)
{
    TRY(NEW(*bill, 1));
    (*bill)->ctx = ctx;
    return RK_OK;
}

rk_status bill_keep(rk_bill *bill, const char *text, const char **kept)
{
    rk_ctx *ctx = bill->ctx;
    size_t n = text != NULL ? strlen(text) : 0;
    int id;
    *kept = "";
    if (n == 0) return RK_OK;
    if (map_get(&bill->texts, text, n, &id)) {
        *kept = bill->kept.at[id];
        return RK_OK;
    }
    TRY(arena_text(ctx, &bill->arena, text, n, kept));
    VEC_PUSH(&bill->kept, *kept);
    return map_put(ctx, &bill->texts, *kept, n, bill->kept.n - 1);
}

/* An entry has a number or entries below it, never both: JSON nests them. */
static rk_status check_name(const rk_bill *bill, const char *name)
{
    rk_ctx *ctx = bill->ctx;
    size_t length = strlen(name);
    if (length == 0 || name[0] == '.' || name[length - 1] == '.' || strstr(name, "..") != NULL) return FAIL(RK_E_ARG, "\"%s\" cannot name an entry of a bill", name);
    for (int i = 0; i < bill->entries.n; i++) {
        const char *other = bill->entries.at[i].shown.name;
        size_t n = strlen(other), shorter = n < length ? n : length;
        if (n != length && memcmp(name, other, shorter) == 0 && (n < length ? name : other)[shorter] == '.')
            return FAIL(RK_E_ARG, "the bill cannot have both %s and %s", name, other);
    }
    return RK_OK;
}

rk_status bill_find_entry(rk_bill *bill, const char *name, int *id)
{
    rk_ctx *ctx = bill->ctx;
    struct bill_entry fresh = { .shown = { .formula = "" } };
    if (map_get(&bill->names, name, strlen(name), id)) return RK_OK;
    TRY(check_name(bill, name));
    TRY(bill_keep(bill, name, &fresh.shown.name));
    VEC_PUSH(&bill->entries, fresh);
    *id = bill->entries.n - 1;
    return map_put(ctx, &bill->names, fresh.shown.name, strlen(fresh.shown.name), *id);
}

rk_status bill_set(rk_bill *bill, const char *name, uint64_t number, const char *formula)
{
    rk_ctx *ctx = bill->ctx;
    int id;
    TRY(bill_find_entry(bill, name, &id));
    bill->entries.at[id].shown.number = number;
    return bill_keep(bill, formula, &bill->entries.at[id].shown.formula);
}

rk_status bill_reason(rk_bill *bill, const char *name, const rk_bill_reason *reason)
{
    rk_ctx *ctx = bill->ctx;
    rk_bill_reason r = *reason;
    int id;
    TRY(bill_find_entry(bill, name, &id));
    TRY(bill_keep(bill, reason->module, &r.module));
    TRY(bill_keep(bill, reason->op, &r.op));
    TRY(bill_keep(bill, reason->label, &r.label));
    TRY(bill_keep(bill, reason->formula, &r.formula));
    VEC_PUSH(&bill->entries.at[id].reasons, r);
    return RK_OK;
}

rk_status bill_find_group(rk_bill *bill, rk_bill_by by, const char *name, int depth, int64_t times, int *id)
{
    rk_ctx *ctx = bill->ctx;
    rk_bill_group fresh = { "", depth, times };
    if (map_get(&bill->group_names[by], name, strlen(name), id)) return RK_OK;
    TRY(bill_keep(bill, name, &fresh.name));
    VEC_PUSH(&bill->groups[by], fresh);
    VEC_PUSH(&bill->first_cell[by], 0);
    *id = bill->groups[by].n - 1;
    return map_put(ctx, &bill->group_names[by], fresh.name, strlen(fresh.name), *id);
}

/* Adds a number and its formula to what a graph before this one left there. */
rk_status bill_add_up(rk_bill *bill, rk_bill_entry *e, uint64_t number, const char *formula)
{
    rk_ctx *ctx = bill->ctx;
    struct str sum = { 0 };
    if (__builtin_add_overflow(e->number, number, &e->number)) return FAIL(RK_E_LIMIT, "%s is beyond 2^64", e->name);
    if (number == 0 && e->formula[0] != '\0') return RK_OK;
    if (e->formula[0] == '\0' || e->number == number) return bill_keep(bill, formula, &e->formula);
    rk_status status = str_format(ctx, &sum, "%s + %s", e->formula, formula);
    if (status == RK_OK) status = bill_keep(bill, str_c(&sum), &e->formula);
    str_free(ctx, &sum);
    return status;
}

/* A group has a few entries: a list of them is short. NULL: it has nothing of it. */
static struct bill_cell *find_cell(const rk_bill *bill, rk_bill_by by, int group, int entry)
{
    for (int i = bill->first_cell[by].at[group]; i > 0; i = bill->cells[by].at[i - 1].next)
        if (bill->cells[by].at[i - 1].entry == entry) return &bill->cells[by].at[i - 1];
    return NULL;
}

rk_status bill_add_cell(rk_bill *bill, rk_bill_by by, int group, int entry, uint64_t number, const char *formula)
{
    rk_ctx *ctx = bill->ctx;
    if (number == 0) return RK_OK;
    struct bill_cell *cell = find_cell(bill, by, group, entry);
    if (cell == NULL) {
        struct bill_cell fresh = { entry, bill->first_cell[by].at[group], { bill->entries.at[entry].shown.name, 0, "" } };
        VEC_PUSH(&bill->cells[by], fresh);
        bill->first_cell[by].at[group] = bill->cells[by].n;
        cell = &bill->cells[by].at[bill->cells[by].n - 1];
    }
    return bill_add_up(bill, &cell->shown, number, formula);
}

/* --- asking --- */

void rk_bill_free(rk_bill *bill)
{
    if (bill == NULL) return;
    rk_ctx *ctx = bill->ctx;
    if (bill->planned.at != NULL) bill->planned.close(bill->planned.at);
    for (int i = 0; i < bill->entries.n; i++) VEC_FREE(&bill->entries.at[i].reasons);
    VEC_FREE(&bill->entries);
    for (int by = 0; by < RK_BY_COUNT; by++) {
        VEC_FREE(&bill->groups[by]);
        VEC_FREE(&bill->cells[by]);
        VEC_FREE(&bill->first_cell[by]);
        map_free(ctx, &bill->group_names[by]);
    }
    VEC_FREE(&bill->steps);
    VEC_FREE(&bill->values);
    map_free(ctx, &bill->texts);
    VEC_FREE(&bill->kept);
    map_free(ctx, &bill->names);
    for (int kind = 0; kind < RK_KIND_COUNT; kind++) map_free(ctx, &bill->seen.names[kind]);
    arena_clear(ctx, &bill->seen.arena);
    arena_clear(ctx, &bill->arena);
    str_free(ctx, &bill->json);
    FREE(bill, 1);
}

int rk_bill_entries(const rk_bill *bill) { return bill->entries.n; }

static const struct bill_entry *entry_named(const rk_bill *bill, const char *name)
{
    int id;
    return map_get(&bill->names, name, strlen(name), &id) ? &bill->entries.at[id] : NULL;
}

rk_bill_entry rk_bill_entry_at(const rk_bill *bill, int i)
{
    return i >= 0 && i < bill->entries.n ? bill->entries.at[i].shown : (rk_bill_entry){ "", 0, "" };
}

bool rk_bill_has(const rk_bill *bill, const char *name) { return entry_named(bill, name) != NULL; }

static rk_status unknown(const rk_bill *bill, const char *name)
{
    rk_ctx *ctx = bill->ctx;
    char names[ERROR_HINT - 64];
    size_t used = 0;
    names[0] = '\0';
    for (int i = 0; i < bill->entries.n && used < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i > 0 ? ", " : "", bill->entries.at[i].shown.name);
    (void)FAIL(RK_E_UNKNOWN, "the bill has no entry \"%s\"", name);
    return ctx_hint(ctx, "there are %s", names);
}

rk_status rk_bill_number(const rk_bill *bill, const char *name, uint64_t *number)
{
    const struct bill_entry *e = entry_named(bill, name);
    *number = e != NULL ? e->shown.number : 0;
    return e != NULL ? RK_OK : unknown(bill, name);
}

rk_status rk_bill_formula(const rk_bill *bill, const char *name, const char **formula)
{
    const struct bill_entry *e = entry_named(bill, name);
    *formula = e != NULL ? e->shown.formula : "";
    return e != NULL ? RK_OK : unknown(bill, name);
}

int rk_bill_groups(const rk_bill *bill, rk_bill_by by) { return (unsigned)by < RK_BY_COUNT ? bill->groups[by].n : 0; }

rk_bill_group rk_bill_group_at(const rk_bill *bill, rk_bill_by by, int group)
{
    bool there = group >= 0 && group < rk_bill_groups(bill, by);
    return there ? bill->groups[by].at[group] : (rk_bill_group){ "", 0, 0 };
}

bool rk_bill_share(const rk_bill *bill, rk_bill_by by, int group, const char *name, rk_bill_entry *share)
{
    int entry;
    bool there = group >= 0 && group < rk_bill_groups(bill, by) && map_get(&bill->names, name, strlen(name), &entry);
    const struct bill_cell *cell = there ? find_cell(bill, by, group, entry) : NULL;
    *share = cell != NULL ? cell->shown : (rk_bill_entry){ name, 0, "" };
    return cell != NULL;
}

int rk_bill_reasons(const rk_bill *bill, const char *name)
{
    const struct bill_entry *e = entry_named(bill, name);
    return e != NULL ? e->reasons.n : 0;
}

rk_bill_reason rk_bill_reason_at(const rk_bill *bill, const char *name, int i)
{
    const struct bill_entry *e = entry_named(bill, name);
    return e != NULL && i >= 0 && i < e->reasons.n ? e->reasons.at[i] : (rk_bill_reason){ "", "", "", "", 0, 0, 0, RK_f64 };
}
