/* count_often.c: how often the rows of a bill stand: L times and 2 more.
 *
 * Rows come in the order of the tree, so that formulas of backward read like those of forward. Who only sums the whole takes
 * rows together that cost the same in several modules of a repetition: a hundred times fewer polynomials are added, and the
 * sum is the same. Not here: what a row costs (count.c), sums (count_sum.c). */
#include "pass/count.h"

/* How often the row stands in more than half of the repetitions (found by majority vote: Boyer & Moore 1981); where there is
 * no such number, in the one that has fewest. */
static int64_t usual(const int64_t *per, const struct count_repeat *r)
{
    int64_t candidate = per[0], votes = 0, same = 0, least = per[0];
    for (int i = 0; i < r->instances.n; i++) {
        int64_t times = r->instances.at[i];
        votes += per[i] == candidate ? times : -times;
        if (votes < 0) {
            candidate = per[i];
            votes = -votes;
        }
        if (per[i] < least) least = per[i];
    }
    for (int i = 0; i < r->instances.n; i++) same += per[i] == candidate ? r->instances.at[i] : 0;
    return 2 * same > r->n ? candidate : least;
}

static rk_status in_order(rk_ctx *ctx, const struct count *count, const int *tree, int n_tree, struct often *often)
{
    const int rows = count->rows.n, modules = count->modules.n;
    int n = 0, *work;
    TRY(NEW(work, modules + rows));
    int *first = work, *next = work + modules;              /* rows of a module, each + 1; 0: no more */
    for (int i = rows - 1; i >= 0; i--) {
        next[i] = first[count->rows.at[i].module];
        first[count->rows.at[i].module] = i + 1;
    }
    for (int k = 0; k < n_tree; k++)
        for (int i = first[tree[k]]; i > 0; i = next[i - 1]) often[n++].row = i - 1;
    FREE(work, modules + rows);
    PROMISE(n == rows);                                     /* every row's module is in the tree */
    return RK_OK;
}

/* Whom a row of this class is taken together with: of the same phase and repetition; NULL: nobody yet. */
static struct often *alike(const struct count *count, const int *first, const int *next, struct often *often, const struct count_row *row)
{
    for (int k = first[row->class]; k > 0; k = next[k - 1]) {
        const struct count_row *other = &count->rows.at[often[k - 1].row];
        if (other->phase == row->phase && other->repeat == row->repeat) return &often[k - 1];
    }
    return NULL;
}

static rk_status take_together(rk_ctx *ctx, const struct count *count, struct often *often)
{
    const int rows = count->rows.n, classes = count->classes.n;
    int *work;
    TRY(NEW(work, classes + rows));
    int *first = work, *next = work + classes;              /* of a class, each + 1 */
    for (int k = 0; k < rows; k++) {
        const struct count_row *row = &count->rows.at[often[k].row];
        struct often *with = often[k].each != 0 ? alike(count, first, next, often, row) : NULL;
        if (often[k].each == 0) continue;
        if (with != NULL) {
            with->each += often[k].each;
            often[k].each = 0;
        } else {
            next[k] = first[row->class];
            first[row->class] = k + 1;
        }
    }
    FREE(work, classes + rows);
    return RK_OK;
}

rk_status count_often(rk_ctx *ctx, const struct count *count, const int *tree, int n_tree, bool together, struct often *often)
{
    TRY(in_order(ctx, count, tree, n_tree, often));
    for (int k = 0; k < count->rows.n; k++) {
        const struct count_row *row = &count->rows.at[often[k].row];
        const struct count_repeat *r = &count->repeats.at[row->repeat];
        often[k].each = row->repeat == 0 ? 0 : usual(row->per, r);
        often[k].outside = row->times - r->n * often[k].each;
    }
    return together ? take_together(ctx, count, often) : RK_OK;
}
