/* fit_print.c: what fits, with the reason for every verdict, for people. */
#include "fit.h"
#include <string.h>

const char *fit_words(const struct answer *a)
{
    if (strcmp(a->convention, FIT_PLAN) == 0) return fit_plan_words;
    for (int i = 0; rk_convention_at(i).name != NULL; i++)
        if (rk_convention_at(i).is_memory && strcmp(rk_convention_at(i).name, a->convention) == 0) return rk_convention_at(i).words;
    return "";
}

static const char *sequences(uint64_t n) { return n == 1 ? "sequence" : "sequences"; }

/* "policy amp-bf16, attention flash, recompute none, zero 1"; of the plan there is one way. */
static void print_switches_of(const struct fit *f, const struct way *w)
{
    FILE *out = f->k.c->out;
    (void)fprintf(out, "policy %s", w->policy);
    if (w->attention[0] != '\0') (void)fprintf(out, ", attention %s", w->attention);
    if (w->recompute[0] != '\0') (void)fprintf(out, ", recompute %s", w->recompute);
    if (w->zero[0] != '\0' && f->k.books.data > 1) (void)fprintf(out, ", ZeRO %s", w->zero);
}

static void print_line(const struct fit *f, const struct way *w)
{
    FILE *out = f->k.c->out;
    (void)fprintf(out, "memory = %s · batch + %s bytes", say_count(w->line.each).at, say_count(w->line.fixed).at);
    if (!w->is_line) (void)fprintf(out, " near this batch; plans found it, no line");
    (void)fputc('\n', out);
}

/* "3 sequences: 15.3 GB each, 34.0 GB fixed; one more needs 95.3 GB", or why not even one. */
static void print_reason(const struct fit *f, const struct way *w)
{
    FILE *out = f->k.c->out;
    uint64_t room = fit_room(f, f->memory);
    if (w->batch > 0) {
        (void)fprintf(out, "%s %s: %s each, %s fixed", say_count(w->batch).at, sequences(w->batch), say_bytes_si(w->line.each).at, say_bytes_si(w->line.fixed).at);
        (void)fprintf(out, "; one more needs %s\n", say_bytes_si(w->line.fixed + (w->batch + 1) * w->line.each).at);
    } else if (w->line.fixed >= room) (void)fprintf(out, "none: %s fixed, more than %s\n", say_bytes_si(w->line.fixed).at, say_bytes_si(room).at);
    else (void)fprintf(out, "none: %s fixed, and one sequence makes it %s, more than %s\n", say_bytes_si(w->line.fixed).at, say_bytes_si(w->line.one).at, say_bytes_si(room).at);
}

static void print_context(const struct fit *f, const struct way *w)
{
    FILE *out = f->k.c->out;
    uint64_t own = model_size(f->k.all[0].model, "position");
    bool plan = w->attention[0] == '\0', beyond = w->context > (int64_t)own;
    (void)fprintf(out, "longest context of %s %s: %s tokens", say_count((uint64_t)f->batch).at, sequences((uint64_t)f->batch), say_count((uint64_t)w->context).at);
    if (w->context == 1 << 24) (void)fprintf(out, " and more");
    if (beyond) (void)fprintf(out, "; the model itself has %s", say_count(own).at);
    else if (plan && w->context == (int64_t)own) (void)fprintf(out, ", the model's own");
    (void)fputc('\n', out);
}

/* In GB and in GiB, whichever of the two was said. */
static void print_both_readings(const struct fit *f, const struct way *w)
{
    bool gb = f->memory % 1000000000 == 0;
    uint64_t n = gb ? f->memory / 1000000000 : f->memory >> 30;
    if (f->other == 0) return;
    (void)fprintf(f->k.c->out, "in %llu GB: %s; in %llu GiB: %s\n", (unsigned long long)n, say_count(gb ? w->batch : w->other_batch).at, (unsigned long long)n,
                  say_count(gb ? w->other_batch : w->batch).at);
}

static void print_micro_batches(const struct fit *f, const struct way *w)
{
    int64_t micro = fit_micro_batch(f, w->batch);
    if (w->batch >= (uint64_t)f->batch) return;
    (void)fprintf(f->k.c->out, "%s at once do not fit (%s): %s micro-batches of %s do, with no FLOPs more\n", say_count((uint64_t)f->batch).at, say_bytes_si(w->needed).at,
                  say_count((uint64_t)(f->batch / micro)).at, say_count((uint64_t)micro).at);
}

static void print_verdict(struct fit *f, const struct answer *a)
{
    FILE *out = f->k.c->out;
    const struct way *w = &a->way[a->best >= 0 ? a->best : a->n - 1];
    (void)fprintf(out, a->best >= 0 ? "\nyes, with " : "\nno, not even with ");
    print_switches_of(f, w);
    (void)fputc('\n', out);
    print_line(f, w);
    print_reason(f, w);
    if (a->best < 0) return;
    print_both_readings(f, w);
    print_micro_batches(f, w);
    print_context(f, w);
}

/* --- the ways beside each other --- */

static void cell_saved(struct table *t, const struct way *first, const struct way *w)
{
    bool less = w->needed <= first->needed;
    if (w == first) table_cell(t, "%s", "");
    else table_cell(t, "%s%s", less ? "" : "-", say_bytes_si(less ? first->needed - w->needed : w->needed - first->needed).at);
}

static struct table *table_of_ways(struct fit *f)
{
    bool known = f->memory > 0, dp = f->k.books.data > 1;
    char heads[160], align[16];
    (void)snprintf(heads, sizeof heads, "  policy|attention|recompute|%sbytes a sequence|fixed|saved|FLOPs added|%s", dp ? "ZeRO|" : "", known ? "|batch|context" : "");
    (void)snprintf(align, sizeof align, "lll%srrrrr%s", dp ? "l" : "", known ? "rr" : "");
    return table_new(f->k.c, heads, align);
}

static void print_ways(struct fit *f, const struct answer *a)
{
    const struct counted *x = &f->k.all[0];
    double step = (double)(number_of(x->bill, "flops.forward") + number_of(x->bill, "flops.backward"));
    struct table *t = table_of_ways(f);
    for (int i = 0; i < a->n; i++) {
        const struct way *w = &a->way[i];
        table_cell(t, "%s %s", i == a->best ? ">" : " ", w->policy);
        table_cell(t, "%s", w->attention);
        table_cell(t, "%s", w->recompute);
        if (f->k.books.data > 1) table_cell(t, "%s", w->zero);
        table_cell(t, "%s", say_count(w->line.each).at);
        table_cell(t, "%s", say_count(w->line.fixed).at);
        cell_saved(t, &a->way[0], w);
        table_cell(t, "%s", w->again == FLOPS_UNKNOWN ? "unknown" : w->again == 0 ? "0" : say_si((double)w->again, "FLOP").at);
        table_cell(t, "%s", w->again == FLOPS_UNKNOWN || w->again == 0 ? "" : say_percent((double)w->again / step).at);
        if (f->memory == 0) continue;
        table_cell(t, "%s", w->batch > 0 ? say_count(w->batch).at : "none");
        table_cell(t, "%s", w->batch > 0 ? say_count((uint64_t)w->context).at : "");
    }
    (void)fputc('\n', f->k.c->out);
    table_print(t);
}

/* --- every machine of the table --- */

static void print_machines(struct fit *f, const struct answer *a)
{
    FILE *out = f->k.c->out;
    const rk_accelerator *m, *least = NULL;
    const struct way *by = NULL, *w;
    bool dp = f->k.books.data > 1;
    struct table *t = table_new(f->k.c, dp ? "  device||memory|policy|attention|recompute|ZeRO|takes" : "  device||memory|policy|attention|recompute|takes", dp ? "llrllllr" : "llrlllr");
    for (int i = 0; (m = rk_accelerator_at(i)) != NULL; i++) {
        w = fit_cheapest(a, fit_room(f, m->bytes));
        if (w != NULL && (least == NULL || m->bytes < least->bytes)) {
            least = m;
            by = w;
        }
        table_cell(t, "  %s", m->name);
        table_cell(t, "%s", m->words);
        table_cell(t, "%s", say_bytes_si(m->bytes).at);
        table_cell(t, "%s", w != NULL ? w->policy : "none");
        table_cell(t, "%s", w != NULL ? w->attention : "");
        table_cell(t, "%s", w != NULL ? w->recompute : "");
        if (dp) table_cell(t, "%s", w != NULL ? w->zero : "");
        table_cell(t, "%s", w != NULL ? say_bytes_si(w->needed).at : "");
    }
    (void)fprintf(out, "\n%s %s of %s tokens, by the cheapest way that fits\n", say_count((uint64_t)f->batch).at, sequences((uint64_t)f->batch), say_count((uint64_t)f->seq).at);
    table_print(t);
    w = &a->way[a->n - 1];
    if (least == NULL) (void)fprintf(out, "\nno machine of the table: %s are needed at least\n", say_bytes_si(w->needed).at);
    else (void)fprintf(out, "\nthe smallest: %s, %s of %s\n", least->words, say_bytes_si(by->needed).at, say_bytes_si(least->bytes).at);
}

/* --- all of it --- */

static void print_head(struct fit *f)
{
    const struct counted *x = &f->k.all[0];
    FILE *out = f->k.c->out;
    text_put(out, rk_model_name(x->model), (int)strlen(rk_model_name(x->model)));
    (void)fprintf(out, ": %s, %s parameters; training on sequences of %s tokens", rk_model_title(x->model), say_count(number_of(x->bill, "parameters")).at, say_count((uint64_t)f->seq).at);
    if (f->memory > 0) (void)fprintf(out, "\nin %s bytes%s%s", say_count(f->memory).at, f->device != NULL ? " of " : "", f->device != NULL ? f->device->words : "");
    if (f->reserve > 0) (void)fprintf(out, ", %s of them for others", say_count(f->reserve).at);
    (void)fputc('\n', out);
}

int fit_print(struct fit *f)
{
    const struct answer *last = &f->answer[f->n - 1];
    print_head(f);
    for (int i = 0; i < f->n; i++) {
        (void)fprintf(f->k.c->out, "\nby %s: %s\n", f->answer[i].convention, fit_words(&f->answer[i]));
        if (f->memory > 0) print_verdict(f, &f->answer[i]);
        print_ways(f, &f->answer[i]);
    }
    if (f->memory == 0) print_machines(f, last);
    else if (f->reserve == 0) (void)fprintf(f->k.c->out, "\nNot counted: the device's context, libraries, gaps between tensors; --reserve says how much.\n");
    return training_asked(&f->k) && last->best >= 0 ? print_training(&f->k, &f->k.all[0]) : CLI_OK;
}
