/* taken.c: which addresses are taken when.
 *
 * A tree over the steps. What is taken from one step to another is the union of few nodes, its *parts*: it fills those from end
 * to end, and meets each node above them. A question about some steps therefore looks at what meets its own parts and at what
 * fills a node above one of them: of n steps, some 4 log n sets of addresses. Values that live together mostly lie side by
 * side, and their set is a few stretches then, be they thousands of values: that is what makes deep models cheap.
 *
 * Not here: who is placed first (place.c). The tree is the usual one without pointers, leaves last: it knows nodes by number
 * alone, and the number of steps need be no power of two. */
#include "pass/taken.h"
#include <string.h>

enum { LEVELS = 32, MOST_NODES = 2 * LEVELS };

rk_status taken_open(rk_ctx *ctx, int steps, struct taken *t)
{
    *t = (struct taken){ .steps = steps };
    TRY(TAKE(&t->arena, t->meet, 2 * (size_t)steps));
    return TAKE(&t->arena, t->fill, 2 * (size_t)steps);
}

void taken_close(rk_ctx *ctx, struct taken *t) { arena_clear(ctx, &t->arena); }

static int find_parts(const struct taken *t, int first, int last, int *node)
{
    int n = 0;
    for (int low = first + t->steps, high = last + 1 + t->steps; low < high; low /= 2, high /= 2) {
        if (low % 2 == 1) node[n++] = low++;
        if (high % 2 == 1) node[n++] = --high;
    }
    return n;
}

/* The first and the last step's leaves and all nodes above them: among them all that are above a part. */
static int find_above(const struct taken *t, int first, int last, int *node)
{
    int n = 0;
    for (int low = first + t->steps, high = last + t->steps; high > 0; low /= 2, high /= 2) {
        if (low > 0) node[n++] = low;
        if (high != low) node[n++] = high;
    }
    return n;
}

static rk_status widen(rk_ctx *ctx, struct arena *a, struct stretches **set)
{
    const int n = *set != NULL ? (*set)->n : 0, room = n > 0 ? 2 * n : 2;
    struct stretches *fresh;
    TRY(arena_take(ctx, a, sizeof *fresh + (size_t)room * sizeof *fresh->at, (void **)&fresh));
    if (n > 0) memcpy(fresh->at, (*set)->at, (size_t)n * sizeof *fresh->at);
    fresh->n = n;
    fresh->room = room;
    *set = fresh;
    return RK_OK;
}

/* The first that ends at an address or behind it. */
static int find_end(const struct stretches *s, int64_t at)
{
    int low = 0, high = s->n;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (s->at[middle].end < at) low = middle + 1;
        else high = middle;
    }
    return low;
}

/* One with all that it meets or touches. *known: it was there already. */
static rk_status join(rk_ctx *ctx, struct arena *a, struct stretches **set, struct stretch fresh, bool *known)
{
    if (*set == NULL || (*set)->n == (*set)->room) TRY(widen(ctx, a, set));
    struct stretches *s = *set;
    const int low = find_end(s, fresh.at);
    int high = low;
    *known = low < s->n && s->at[low].at <= fresh.at && s->at[low].end >= fresh.end;
    if (*known) return RK_OK;
    for (; high < s->n && s->at[high].at <= fresh.end; high++) {
        if (s->at[high].at < fresh.at) fresh.at = s->at[high].at;
        if (s->at[high].end > fresh.end) fresh.end = s->at[high].end;
    }
    if (high != low + 1) memmove(&s->at[low + 1], &s->at[high], sizeof *s->at * (size_t)(s->n - high));
    s->n += low + 1 - high;
    s->at[low] = fresh;
    return RK_OK;
}

/* What meets a node meets all above it: where it is known, it is known from there on. */
static rk_status climb(rk_ctx *ctx, struct taken *t, int node, struct stretch fresh)
{
    bool known = false;
    for (; node > 0 && !known; node /= 2) TRY(join(ctx, &t->arena, &t->meet[node], fresh, &known));
    return RK_OK;
}

rk_status taken_add(rk_ctx *ctx, struct taken *t, int first, int last, struct stretch fresh)
{
    int part[MOST_NODES];
    bool known;
    for (int i = find_parts(t, first, last, part); i-- > 0;) {
        TRY(join(ctx, &t->arena, &t->fill[part[i]], fresh, &known));
        TRY(climb(ctx, t, part[i], fresh));
    }
    return RK_OK;
}

/* A set, of which what ends at or below the address in question has been passed. */
struct passing { const struct stretch *next, *end; };

static int pass_sets(struct stretches *const *sets, const int *node, int n, struct passing *out)
{
    int found = 0;
    for (int i = 0; i < n; i++) {
        const struct stretches *s = sets[node[i]];
        if (s != NULL) out[found++] = (struct passing){ s->at, s->at + s->n };
    }
    return found;
}

/* Each set in turn moves the address behind what is in the way, until none has done so for a whole round. */
int64_t taken_find(const struct taken *t, int first, int last, int64_t bytes)
{
    int node[MOST_NODES], n;
    struct passing set[2 * MOST_NODES];
    int64_t at = 0;
    n = pass_sets(t->meet, node, find_parts(t, first, last, node), set);
    n += pass_sets(t->fill, node, find_above(t, first, last, node), set + n);
    for (int free = 0, i = 0; free < n; free++, i = i + 1 < n ? i + 1 : 0) {
        struct passing *p = &set[i];
        while (p->next < p->end && p->next->end <= at) p->next++;
        for (; p->next < p->end && p->next->at - at < bytes; p->next++, free = 0) at = p->next->end;
    }
    return at;
}
