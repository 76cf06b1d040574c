/* count_switches.c: what each way of forgetting saves in memory, and what it computes again.
 *
 * The lines are those of a memory convention under every attention and every recomputation that it knows; what is computed
 * again is the difference of two conventions of FLOPs, products only. */
#include "count.h"
#include <string.h>

enum { RECOMPUTES = 5 };
static const char *const attentions[] = { "eager", "flash" }, *const recomputes[RECOMPUTES] = { "none", "gelu", "norm", "attention", "full" };

/* Adds what a convention has beyond the bill. */
static uint64_t plus_beyond(uint64_t n, const struct counted *x, const char *convention)
{
    uint64_t more = number_of(x->bill, convention), bill = number_of(x->bill, "flops.convention.bill");
    if (n == FLOPS_UNKNOWN || !rk_bill_has(x->bill, convention)) return FLOPS_UNKNOWN;
    return n + (more > bill ? more - bill : 0);
}

uint64_t flops_again(const struct counted *x, const char *attention, const char *recompute)
{
    const char *fused = rk_bill_has(x->bill, "flops.convention.torch_sdpa_pairs") ? "flops.convention.torch_sdpa_pairs" : "flops.convention.torch_sdpa";
    uint64_t n = strcmp(attention, "flash") == 0 ? plus_beyond(0, x, fused) : 0;
    if (strcmp(recompute, "attention") == 0) n = plus_beyond(n, x, "flops.convention.hfu_attention");
    return strcmp(recompute, "full") == 0 ? plus_beyond(n, x, "flops.convention.hfu_full") : n;
}

static void print_row(struct counting *k, struct counted *x, struct table *t, const rk_books *books, const rk_books_line *line, uint64_t most)
{
    uint64_t step = number_of(x->bill, "flops.convention.bill"), more = flops_again(x, books->attention, books->recompute);
    table_cell(t, "  %s", books->attention);
    table_cell(t, "%s", books->recompute);
    table_cell(t, "%s", say_count(line->each).at);
    table_cell(t, "%s", say_bytes(line->each).at);
    table_cell(t, "%s", say_percent(most > 0 ? 1 - (double)line->each / (double)most : 0).at);
    table_cell(t, "%s", more == FLOPS_UNKNOWN ? "unknown" : step > 0 ? say_percent((double)more / (double)step).at : "");
    if (k->machine.bytes == 0) return;
    uint64_t batch = rk_books_batch(line, k->machine.bytes);
    table_cell(t, "%s", batch > 0 ? say_count(batch).at : "none");
}

/* The line of one pair of switches; each 0 where the convention says nothing of it. */
static int line_of(struct counting *k, struct counted *x, const char *convention, const rk_books *books, rk_books_line *line)
{
    rk_status status = rk_books_line_of(x->bill, x->model, books, convention, line);
    if (status != RK_E_DECLINED) return cli_try(k->c, status);
    rk_error_clear(k->c->ctx);
    *line = (rk_books_line){ 0, 0, 0 };
    return CLI_OK;
}

/* A switch that changes nothing in this convention has no line: neither against the line before nor against eager's. */
int print_switches(struct counting *k, struct counted *x, const char *convention)
{
    bool fits = k->machine.bytes > 0;
    rk_books_line line;
    uint64_t most = 0, before = 0, eager[RECOMPUTES] = { 0 };
    int code = cli_try(k->c, rk_books_add(x->bill, x->model, &k->books, "flops"));
    struct table *t = table_new(k->c, fits ? "  attention|recompute|bytes of a sequence||saved|computed again|batch" : "  attention|recompute|bytes of a sequence||saved|computed again",
                                fits ? "llrrrrr" : "llrrrr");
    for (int i = 0; i < 2 * RECOMPUTES && code == CLI_OK; i++) {
        int a = i / RECOMPUTES, r = i % RECOMPUTES;
        rk_books books = k->books;
        books.attention = attentions[a];
        books.recompute = recomputes[r];
        code = line_of(k, x, convention, &books, &line);
        bool same = line.each == (r > 0 ? before : 0) || (a > 0 && line.each == eager[r]);
        if (a == 0) eager[r] = line.each;
        if (code != CLI_OK || line.each == 0 || same) continue;
        if (most == 0) most = line.each;
        before = line.each;
        print_row(k, x, t, &books, &line, most);
    }
    table_print(t);
    return code;
}
