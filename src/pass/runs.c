/* runs.c: where the steps of a plan run through the blocks of a tower: by the modules of their nodes, each block from its first step to that of the next. */
#include "pass/blocks.h"
#include "pass/runs.h"

/* The block of this tower that a step stands in, on one side of the turn; -1: none. */
static int block_of(const struct plan *plan, const char *pattern, rk_ref turn, bool behind, int step)
{
    const struct problem *p = &plan->steps[step].problem;
    return (p->first >= turn) == behind ? block_number(pattern, plan->g->paths.at[node_of(plan->g, p->first)->path]) : -1;
}

/* The first step of every block from a step on; false: there is none of some. */
static bool find_first(const struct plan *plan, const char *pattern, rk_ref turn, bool behind, int from, int *first)
{
    int found = 0;
    for (int i = 0; i < PLANNED_BLOCKS; i++) first[i] = -1;
    for (int i = from; i < plan->n_steps && found < PLANNED_BLOCKS; i++) {
        int block = block_of(plan, pattern, turn, behind, i);
        if (block < 0 || block >= PLANNED_BLOCKS || first[block] >= 0) continue;
        first[block] = i;
        found++;
    }
    return found == PLANNED_BLOCKS;
}

/* A block ends where the next begins. The outermost, which may begin or end otherwise, reach twice as far, on their side. */
static bool find_ends(const struct runs *l, bool behind, struct run *r)
{
    r->down = r->begin[0] > r->begin[1];
    for (int i = 1; i < PLANNED_BLOCKS; i++)
        if ((r->begin[i - 1] > r->begin[i]) != r->down) return false;
    r->length = r->down ? r->begin[1] - r->begin[2] : r->begin[2] - r->begin[1];
    const int earliest = r->down ? PLANNED_BLOCKS - 1 : 0, latest = r->down ? 0 : PLANNED_BLOCKS - 1;
    for (int i = 0; i < PLANNED_BLOCKS; i++) r->end[i] = i == latest ? r->begin[i] + 2 * r->length : r->begin[r->down ? i - 1 : i + 1];
    r->begin[earliest] = r->end[earliest] - 2 * r->length;
    if (behind && r->begin[earliest] < l->turned) r->begin[earliest] = l->turned;
    if (!behind && r->end[latest] > l->turned) r->end[latest] = l->turned;
    return r->end[1] - r->begin[1] == r->length && r->end[2] - r->begin[2] == r->length;
}

/* All runs of a tower on one side. */
static bool find_runs(struct runs *l, int tower, const struct tower *of, bool behind)
{
    struct run r = { .tower = tower, .more = of->more };
    for (int from = 0; find_first(l->plan, of->pattern, l->turn, behind, from, r.begin); from = r.begin[r.down ? 0 : PLANNED_BLOCKS - 1] + r.length) {
        if (l->n == MOST_RUNS || !find_ends(l, behind, &r)) return false;
        l->run[l->n++] = r;
    }
    return true;
}

/* Every step of 1 and 2 is in a run, among its own or beside them. */
static bool covers(const struct runs *l, int tower, const struct tower *of)
{
    for (int i = 0; i < l->plan->n_steps; i++) {
        int block = block_of(l->plan, of->pattern, l->turn, l->plan->steps[i].problem.first >= l->turn, i);
        bool in = block != 1 && block != 2;
        for (int k = 0; k < l->n && !in; k++) in = l->run[k].tower == tower && (run_has(&l->run[k], block - 1, i) || run_has(&l->run[k], block, i) || run_has(&l->run[k], block + 1, i));
        if (!in) return false;
    }
    return true;
}

void runs_shift(struct runs *l)
{
    for (int i = 0; i < l->n; i++)
        for (int k = 0; k < PLANNED_BLOCKS; k++) {
            l->run[i].begin[k]++;
            l->run[i].end[k]++;
        }
}

bool runs_find(struct runs *l, const struct tower *towers)
{
    while (l->turned < l->plan->n_steps && l->plan->steps[l->turned].problem.first < l->turn) l->turned++;
    for (int i = 0; towers[i].pattern != NULL; i++) {
        if (towers[i].more > 0 && !(find_runs(l, i, &towers[i], false) && find_runs(l, i, &towers[i], true) && covers(l, i, &towers[i]))) return false;
    }
    return true;
}

int runs_of(const struct runs *l, int tower, int step, int *block)
{
    static const int order[PLANNED_BLOCKS] = { 1, 2, 0, 3 };
    for (int k = 0; k < PLANNED_BLOCKS; k++)
        for (int i = 0; i < l->n; i++)
            if (l->run[i].tower == tower && run_has(&l->run[i], *block = order[k], step)) return i;
    return -1;
}
