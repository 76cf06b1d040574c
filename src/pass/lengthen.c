/* lengthen: when the values of a deep graph live, from the plan of one that has four blocks of each tower: the counterpart of
 * shorten.c for what is lowered.
 *
 *   0 | 1 | 2 | 3      ->      0 | 1 | 1 .. 1 | 2 | 3          and backward      3 | 2 | 1 .. 1 | 1 | 0
 *
 * Steps run through the blocks of a tower once before the node `turn` and once behind it, up or down (runs.c). Lowering looks at nodes
 * and their neighbours, and hands to each block what the one beside it made of what it got: where 1, beside the first, and 2, beside
 * the last, came out alike, step by step and value by value, so does every block between two like them. Then 1 is put in as often as
 * blocks are missing: a value that is made in one block and dies in the block before, the same or the next, does so for each of them;
 * what dies elsewhere does so there. Addresses are then given to all values as if all had been lowered (place_values): no growth is
 * guessed. Where 1 and 2 differ, *holds is false, and the whole has to be lowered. Law: tests/law/test_lengthen.c.
 *
 * Not here: which blocks were built (model_build); states and inputs, which have no time (price_plan.c). */
#include "pass/runs.h"
#include <string.h>

enum { MOST_SHIFT = 3 };

static int where_put_in(const struct run *r) { return r->begin[r->down ? 1 : 2]; }

/* Nothing of another run is put in between 1 and 2. */
static bool is_apart(const struct runs *l, const struct run *r)
{
    const int low = r->begin[r->down ? 2 : 1], high = low + 2 * r->length;
    for (int i = 0; i < l->n; i++) {
        const struct run *other = &l->run[i];
        if (other != r && where_put_in(other) > low && where_put_in(other) < high) return false;
    }
    return true;
}

static bool same_step(const struct plan *plan, int a, int b)
{
    const struct step *x = &plan->steps[a], *y = &plan->steps[b];
    bool same = x->kernel == y->kernel && x->backend == y->backend && x->problem.op == y->problem.op && x->problem.n_in == y->problem.n_in && x->problem.n_out == y->problem.n_out;
    return same && x->prepared.product_flops == y->prepared.product_flops && x->prepared.elementwise_flops == y->prepared.elementwise_flops && x->prepared.scratch == y->prepared.scratch;
}

/* Steps of 1 are those of 2. */
static bool same_steps(const struct plan *plan, const struct run *r)
{
    for (int i = 0; i < r->length; i++)
        if (!same_step(plan, r->begin[1] + i, r->begin[2] + i)) return false;
    return true;
}

/* Where a value of block 1 or 2 dies, seen from there: so many blocks on, at such a step of a run; or at a step outside. */
struct death { int run, on, at; };
static struct death death_of(const struct runs *l, const struct run *born, int block, int last)
{
    int in, r = runs_of(l, born->tower, last, &in);
    bool near = r >= 0 && in >= block - 1 && in <= block + 1;
    return near ? (struct death){ r, in - block, last - l->run[r].begin[in] } : (struct death){ -1, 0, last };
}

/* The like, but that steps of the outermost blocks go by what they are, not by their number. */
static bool same_death(const struct runs *l, const struct run *born, int last1, int last2)
{
    const struct death a = death_of(l, born, 1, last1), b = death_of(l, born, 2, last2);
    bool outermost = a.run >= 0 && a.on != 0;
    return a.run == b.run && a.on == b.on && (outermost ? same_step(l->plan, last1, last2) : a.at == b.at);
}

/* The next value from `from` on that is made in this block; n: none. */
static int next_made(const struct plan *plan, const struct run *r, int block, int from)
{
    while (from < plan->n_values && !run_has(r, block, plan->values[from].first)) from++;
    return from;
}

/* Values of 1 are those of 2, in the order in which they are listed. */
static bool same_values(const struct runs *l, const struct run *r)
{
    const struct plan *plan = l->plan;
    int a = 0, b = 0;
    for (;; a++, b++) {
        a = next_made(plan, r, 1, a);
        b = next_made(plan, r, 2, b);
        if (a == plan->n_values || b == plan->n_values) return a == b;
        const struct plan_value *x = &plan->values[a], *y = &plan->values[b];
        bool same = x->bytes == y->bytes && x->tag == y->tag && x->first - r->begin[1] == y->first - r->begin[2];
        if (!same || !same_death(l, r, x->last, y->last)) return false;
    }
}

/* --- putting in --- */

/* A step that stays what it was, after all that is put in before it. */
static int64_t moved(const struct runs *l, int step)
{
    int64_t at = step;
    for (int i = 0; i < l->n; i++)
        if (step >= where_put_in(&l->run[i])) at += l->run[i].more * l->run[i].length;
    return at;
}

/* Step `at` of block b of the deep graph, 1 .. more + 2, the last of which was block 2. */
static int64_t step_of(const struct runs *l, const struct run *r, int64_t b, int at)
{
    int64_t begin = moved(l, r->begin[1]);
    return begin + (r->down ? -1 : 1) * (b - 1) * r->length + at;
}

/* When the like of a value that dies so dies, made in block b. */
static int64_t last_of(const struct runs *l, struct death d, int64_t b) { return d.run < 0 ? moved(l, d.at) : step_of(l, &l->run[d.run], b + d.on, d.at); }

/* What was there, at its new time: what 1 gave to 2 now goes to the first that was put in, what 2 gave to 1 to the last. */
static void move_value(const struct runs *l, const struct run *born, int block, struct plan_value *v)
{
    struct death d = born != NULL ? death_of(l, born, block, v->last) : (struct death){ .run = -1 };
    if (d.run >= 0 && d.on == (block == 1 ? 1 : -1)) v->last = (int)last_of(l, d, block == 1 ? 1 : born->more + 2);
    else if (v->last >= 0) v->last = (int)moved(l, v->last);
    if (v->first >= 0) v->first = (int)moved(l, v->first);
}

static void move_values(const struct runs *l, struct plan_value *values, int n)
{
    for (int i = 0; i < n; i++) {
        const struct run *born = NULL;
        int block = 0;
        for (int k = 0; k < l->n; k++)
            for (int b = 1; b <= 2; b++)
                if (run_has(&l->run[k], b, values[i].first)) born = &l->run[k], block = b;
        move_value(l, born, block, &values[i]);
    }
}

/* The values of block b, 2 .. more + 1: as those of 1, but that what goes to the block before dies as that of 2. */
static struct plan_value *put_block(const struct runs *l, const struct run *r, int64_t b, struct plan_value *next)
{
    const struct plan *plan = l->plan;
    int one = next_made(plan, r, 1, 0), two = next_made(plan, r, 2, 0);
    for (; one < plan->n_values; one = next_made(plan, r, 1, one + 1), two = next_made(plan, r, 2, two + 1)) {
        const struct plan_value *v = &plan->values[one];
        struct death d = death_of(l, r, 1, v->last);
        if (d.run >= 0 && d.on < 0) d = death_of(l, r, 2, plan->values[two].last);
        *next = *v;
        next->first = (int)step_of(l, r, b, v->first - r->begin[1]);
        next++->last = (int)last_of(l, d, b);
    }
    return next;
}

/* *values, *steps: of all blocks. */
static void count_longer(const struct runs *l, int64_t *values, int64_t *steps)
{
    *values = l->plan->n_values;
    *steps = l->plan->n_steps;
    for (int i = 0; i < l->n; i++) {
        const struct run *r = &l->run[i];
        int64_t made = 0;
        for (int v = next_made(l->plan, r, 1, 0); v < l->plan->n_values; v = next_made(l->plan, r, 1, v + 1)) made++;
        *values += r->more * made;
        *steps += r->more * r->length;
    }
}

static rk_status put_in(rk_ctx *ctx, const struct runs *l, struct longer *out)
{
    const struct plan *plan = l->plan;
    int64_t n, steps;
    count_longer(l, &n, &steps);
    if (n > INT32_MAX / 2 || steps > INT32_MAX / 2) return FAIL(RK_E_LIMIT, "a plan of %lld steps", (long long)steps);
    TRY(NEW(out->values, n));
    out->n_values = (int)n;
    memcpy(out->values, plan->values, sizeof *out->values * (size_t)plan->n_values);
    move_values(l, out->values, plan->n_values);
    struct plan_value *next = out->values + plan->n_values;
    for (int i = 0; i < l->n; i++) {
        const struct run *r = &l->run[i];
        for (int s = r->begin[1]; s < r->end[1]; s++) out->times[s] += r->more;
        for (int64_t b = 2; b <= r->more + 1; b++) next = put_block(l, r, b, next);
    }
    return RK_OK;
}

/* 1 and 2 came out alike. */
static bool is_alike(const struct runs *l)
{
    bool alike = true;
    for (int i = 0; i < l->n && alike; i++) alike = is_apart(l, &l->run[i]) && same_steps(l->plan, &l->run[i]) && same_values(l, &l->run[i]);
    return alike;
}

rk_status pass_lengthen(rk_ctx *ctx, const struct plan *plan, const struct tower *towers, rk_ref turn, struct longer *out, bool *holds)
{
    struct runs l = { .plan = plan, .turn = turn };
    *out = (struct longer){ .n_steps = plan->n_steps };
    for (int i = 0; towers[i].pattern != NULL; i++) PROMISE(i < MOST_STRETCHES && towers[i].more < INT32_MAX);
    *holds = runs_find(&l, towers);
    if (!*holds) return RK_OK;
    *holds = is_alike(&l);
    for (int i = 0; i < MOST_SHIFT && !*holds; i++) {
        runs_shift(&l);
        *holds = is_alike(&l);
    }
    if (!*holds) return RK_OK;
    TRY(NEW(out->times, plan->n_steps));
    for (int i = 0; i < plan->n_steps; i++) out->times[i] = 1;
    return put_in(ctx, &l, out);
}

void longer_free(rk_ctx *ctx, struct longer *l)
{
    FREE(l->values, l->n_values);
    FREE(l->times, l->n_steps);
    l->n_values = 0;
}
