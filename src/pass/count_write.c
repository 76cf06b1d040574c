/* count_write.c: a graph's rows become entries of a bill: each summed as a whole, by module and by op, with what is behind it.
 *
 * An entry is named by what it counts and in which phase (flops.forward) or for what memory is (bytes.gradients). */
#include "pass/count_bill.h"
#include <string.h>

static const char *const quantity_name[QUANTITIES] = {
    [PRODUCTS] = "flops", [ELEMENTWISE] = "flops.elementwise", [READ] = "elements.read", [WRITTEN] = "elements.written", [MOVED] = "traffic",
    [ELEMENTS] = "parameters", [BYTES] = "bytes",
};
static const char *const kind_name[RK_KIND_COUNT] = {
    [RK_PARAMETER] = "parameters", [RK_GRADIENT] = "gradients", [RK_OPTIMIZER] = "optimizer", [RK_MASTER] = "master", [RK_CACHE] = "cache", [RK_COUNTER] = "counters",
    [RK_CONSTANT] = "constants", [RK_INPUT] = "inputs", [RK_ACTIVATION] = "activations", [RK_WORKSPACE] = "workspace",
};

/* Where the rows of one graph go. Accounts are dense: [of][entry], of = modules (0, the root, is the whole and alone has one where
 * nobody wants formulas of the others), then ops; so are numbers, where they are wanted without formulas. */
struct writing {
    rk_bill *bill;
    struct count count;
    int n_entries, n_ops, n_accounts;
    int *entry_id;                          /* local entry -> the bill's */
    struct account *accounts;
    uint64_t *numbers, *values;             /* values: [class][quantity] */
    int n_numbers;
    int *op_of_class;
    int *order, n_order;                    /* modules in the order of the tree */
    VEC(const char *) ops;
    struct map op_names;
    struct str text;
};

enum { PHASED = ELEMENTS };                   /* quantities of nodes, one entry for each phase */
static int entries_of(const struct bill_terms *terms) { return PHASED * terms->n_phases + 1 + RK_KIND_COUNT; }

/* Local entries: five for each phase, then parameters, then bytes by kind; -1: it has no entry. */
static int entry_of(const struct writing *w, const struct count_row *row, enum quantity q)
{
    const struct count_class *class = &w->count.classes.at[row->class];
    int phases = w->count.terms->n_phases;
    if (class->price[q].n == 0) return -1;
    if (q < ELEMENTS) return row->phase < 0 ? -1 : (int)q * phases + row->phase;
    if (row->phase >= 0) return -1;
    if (q == ELEMENTS) return class->kind == RK_PARAMETER ? PHASED * phases : -1;
    return PHASED * phases + 1 + (int)class->kind;
}

static rk_status entry_name(struct writing *w, int entry, const char **name)
{
    rk_ctx *ctx = w->bill->ctx;
    int phases = w->count.terms->n_phases;
    *name = "";
    w->text.n = 0;
    if (entry < PHASED * phases) TRY(str_format(ctx, &w->text, "%s.%s", quantity_name[entry / phases], w->count.terms->phases[entry % phases].name));
    else if (entry == PHASED * phases) TRY(str_text(ctx, &w->text, quantity_name[ELEMENTS]));
    else TRY(str_format(ctx, &w->text, "%s.%s", quantity_name[BYTES], kind_name[entry - PHASED * phases - 1]));
    *name = str_c(&w->text);
    return RK_OK;
}

static struct account *account_at(struct writing *w, int of, int entry) { return &w->accounts[of * w->n_entries + entry]; }

static rk_status find_ops(rk_ctx *ctx, struct writing *w)
{
    for (int i = 0; i < w->count.classes.n; i++) {
        const struct count_class *class = &w->count.classes.at[i];
        bool tensor = class->op == &op_state || class->op == &op_input;
        const char *kept;
        w->text.n = 0;
        TRY(str_text(ctx, &w->text, tensor ? kind_name[class->kind] : class->op->name));
        if ((class->op->flags & OP_MAP) != 0) TRY(str_format(ctx, &w->text, " %s", class->label));
        if (map_get(&w->op_names, str_c(&w->text), (size_t)w->text.n, &w->op_of_class[i])) continue;
        TRY(arena_text(ctx, &w->bill->arena, str_c(&w->text), (size_t)w->text.n, &kept));
        TRY(map_put(ctx, &w->op_names, kept, (size_t)w->text.n, w->ops.n));
        w->op_of_class[i] = w->ops.n;
        VEC_PUSH(&w->ops, kept);
    }
    return RK_OK;
}

static bool is_short(const struct bill_terms *terms) { return terms->totals || terms->numbers; }

/* What a node of each class takes; with totals alone only states and inputs are looked at. */
static rk_status find_values(rk_ctx *ctx, struct writing *w)
{
    TRY(NEW(w->values, w->count.classes.n * QUANTITIES));
    for (int i = 0; i < w->count.classes.n; i++)
        for (int q = w->count.terms->totals ? ELEMENTS : 0; q < QUANTITIES; q++) TRY(poly_value(ctx, w->count.g, w->count.classes.at[i].price[q], NULL, &w->values[i * QUANTITIES + q]));
    return RK_OK;
}

/* What nodes of the row take together. */
static rk_status row_number(struct writing *w, const struct count_row *row, enum quantity q, uint64_t *each, uint64_t *number)
{
    rk_ctx *ctx = w->bill->ctx;
    *each = w->values[row->class * QUANTITIES + (int)q];
    if (__builtin_mul_overflow(*each, (uint64_t)row->times, number)) return FAIL(RK_E_LIMIT, "a number of the bill is beyond 2^64");
    return RK_OK;
}

/* The whole is checked where it is evaluated: no part of it is larger. */
static rk_status add_number(struct writing *w, const struct count_row *row, enum quantity q, int op, int entry)
{
    rk_ctx *ctx = w->bill->ctx;
    uint64_t each, number;
    TRY(row_number(w, row, q, &each, &number));
    w->numbers[op * w->n_entries + entry] += number;
    for (int m = row->module; m != 0; m = w->count.modules.at[m].parent) w->numbers[m * w->n_entries + entry] += number;
    return RK_OK;
}

static rk_status add_row(rk_ctx *ctx, struct writing *w, const struct often *often)
{
    const struct count_row *row = &w->count.rows.at[often->row];
    int modules = w->count.modules.n, op = modules + w->op_of_class[row->class];
    const struct bill_terms *terms = w->count.terms;
    const bool none = often->each == 0 && often->outside == 0;          /* it was added with another */
    struct share share;
    for (int q = 0; q < QUANTITIES && (!none || terms->numbers); q++) {
        int entry = entry_of(w, row, (enum quantity)q);
        if (entry < 0) continue;
        if (terms->numbers) TRY(add_number(w, row, (enum quantity)q, op, entry));
        if (none) continue;
        TRY(account_share(&w->count, often, (enum quantity)q, &share));
        TRY(account_add(&w->count, account_at(w, 0, entry), &share));
        if (is_short(terms)) continue;
        TRY(account_add(&w->count, account_at(w, op, entry), &share));
        for (int m = row->module; m != 0; m = w->count.modules.at[m].parent) TRY(account_add(&w->count, account_at(w, m, entry), &share));
    }
    return RK_OK;
}

static rk_status add_rows(rk_ctx *ctx, struct writing *w)
{
    const int rows = w->count.rows.n;
    struct often *often;
    TRY(NEW(often, rows));
    rk_status status = count_often(ctx, &w->count, w->order, w->n_order, is_short(w->count.terms), often);
    for (int i = 0; i < rows && status == RK_OK; i++) status = add_row(ctx, w, &often[i]);
    FREE(often, rows);
    return status;
}

/* Number and text of one account, in w->text. */
static rk_status evaluate(struct writing *w, const struct account *a, int entry, uint64_t *number)
{
    rk_ctx *ctx = w->bill->ctx;
    w->text.n = 0;
    TRY(account_number(&w->count, a, number));
    bool bytes = entry > PHASED * w->count.terms->n_phases || entry / w->count.terms->n_phases == MOVED;
    return account_text(&w->count, a, bytes, &w->text);
}

/* FLOPs have an entry in every phase, even if it is 0; the rest only where there is something. */
static bool is_there(const struct writing *w, int entry)
{
    return entry <= PHASED * w->count.terms->n_phases || w->accounts[entry].n > 0;
}

static rk_status write_entries(rk_ctx *ctx, struct writing *w)
{
    const char *name;
    uint64_t number;
    for (int e = 0; e < w->n_entries; e++) {
        if (!is_there(w, e)) continue;
        TRY(entry_name(w, e, &name));
        TRY(bill_find_entry(w->bill, name, &w->entry_id[e]));
        TRY(evaluate(w, account_at(w, 0, e), e, &number));
        TRY(bill_add_up(w->bill, &w->bill->entries.at[w->entry_id[e]].shown, number, str_c(&w->text)));
    }
    return RK_OK;
}

/* Numbers as they were added up; the root's is that of the entry. */
static rk_status write_numbers(rk_ctx *ctx, struct writing *w, rk_bill_by by, int group, int of)
{
    uint64_t number;
    for (int e = 0; e < w->n_entries; e++) {
        number = w->numbers[of * w->n_entries + e];
        if (of == 0) TRY(account_number(&w->count, account_at(w, 0, e), &number));
        TRY(bill_add_cell(w->bill, by, group, w->entry_id[e], number, ""));
    }
    return RK_OK;
}

static rk_status write_group(rk_ctx *ctx, struct writing *w, rk_bill_by by, int group, int of)
{
    uint64_t number;
    if (w->count.terms->numbers) return write_numbers(ctx, w, by, group, of);
    for (int e = 0; e < w->n_entries && !w->count.terms->totals; e++) {
        if (account_at(w, of, e)->n == 0) continue;
        TRY(evaluate(w, account_at(w, of, e), e, &number));
        TRY(bill_add_cell(w->bill, by, group, w->entry_id[e], number, str_c(&w->text)));
    }
    return RK_OK;
}

static rk_status write_groups(rk_ctx *ctx, struct writing *w)
{
    int group, modules = w->count.modules.n;
    for (int i = 0; i < w->n_order; i++) {
        const struct count_module *m = &w->count.modules.at[w->order[i]];
        TRY(bill_find_group(w->bill, RK_BY_MODULE, m->path, m->depth, w->count.repeats.at[m->repeat].n, &group));
        TRY(write_group(ctx, w, RK_BY_MODULE, group, w->order[i]));
    }
    for (int i = 0; i < w->ops.n; i++) {
        TRY(bill_find_group(w->bill, RK_BY_OP, w->ops.at[i], 0, 1, &group));
        TRY(write_group(ctx, w, RK_BY_OP, group, modules + i));
    }
    return RK_OK;
}

static rk_status write_reason(rk_ctx *ctx, struct writing *w, const struct count_row *row, enum quantity q)
{
    const struct count_class *class = &w->count.classes.at[row->class];
    int entry = entry_of(w, row, q);
    bool tensor = class->op == &op_state || class->op == &op_input;
    rk_bill_reason r = { w->count.modules.at[row->module].path, tensor ? kind_name[class->kind] : class->op->name, class->label, "", 0, 0, row->times, class->dtype };
    if (entry < 0) return RK_OK;
    TRY(row_number(w, row, q, &r.each, &r.number));
    w->text.n = 0;
    if (!is_short(w->count.terms)) TRY(poly_text(ctx, w->count.g, class->price[q], true, &w->text));
    r.formula = str_c(&w->text);
    return bill_reason(w->bill, w->bill->entries.at[w->entry_id[entry]].shown.name, &r);
}

static rk_status write_all(rk_ctx *ctx, struct writing *w, const rk_graph *g, const struct bill_terms *terms)
{
    TRY(count_graph(ctx, g, terms, &w->count));
    TRY(NEW(w->op_of_class, w->count.classes.n));
    TRY(find_ops(ctx, w));
    TRY(find_values(ctx, w));
    w->n_entries = entries_of(terms);
    TRY(NEW(w->entry_id, w->n_entries));
    w->n_numbers = w->n_entries * (w->count.modules.n + w->ops.n);
    w->n_accounts = is_short(terms) ? w->n_entries : w->n_numbers;
    TRY(NEW(w->accounts, w->n_accounts));
    if (terms->numbers) TRY(NEW(w->numbers, w->n_numbers));
    TRY(NEW(w->order, w->count.modules.n));
    TRY(count_tree(ctx, &w->count, w->order, &w->n_order));
    TRY(add_rows(ctx, w));
    TRY(write_entries(ctx, w));
    TRY(write_groups(ctx, w));
    for (int i = 0; i < w->count.rows.n; i++) {
        const struct count_row *row = &w->count.rows.at[i];
        for (int q = 0; q < QUANTITIES && (!is_short(terms) || row->phase < 0); q++) TRY(write_reason(ctx, w, row, (enum quantity)q));
    }
    return RK_OK;
}

rk_status bill_add_graph(rk_bill *bill, const rk_graph *g, const struct bill_terms *terms)
{
    rk_ctx *ctx = bill->ctx;
    struct writing w = { .bill = bill, .count.ctx = ctx };
    struct bill_terms whole = *terms;
    whole.seen = &bill->seen;
    rk_status status = write_all(ctx, &w, g, &whole);
    FREE(w.accounts, w.n_accounts);
    FREE(w.numbers, w.n_numbers);
    FREE(w.values, w.count.classes.n * QUANTITIES);
    FREE(w.entry_id, w.n_entries);
    FREE(w.order, w.count.modules.n);
    FREE(w.op_of_class, w.count.classes.n);
    VEC_FREE(&w.ops);
    map_free(ctx, &w.op_names);
    str_free(ctx, &w.text);
    count_clear(&w.count);
    return status;
}

rk_status bill_of_graph(rk_ctx *ctx, const rk_graph *g, const struct bill_terms *terms, rk_bill **bill)
{
    TRY(bill_new(ctx, bill));
    rk_status status = bill_add_graph(*bill, g, terms);
    if (status == RK_OK) return RK_OK;
    rk_bill_free(*bill);
    *bill = NULL;
    return status;
}
