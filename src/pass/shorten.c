/* shorten: a graph whose blocks repeat, with five of them instead of all: enough to count it, too little to run it.
 *
 *   0 | 1 | 2 | .. | n-4 | n-3 | n-2 | n-1      ->      0 | 1, standing for n-4 of them | n-3 | n-2 | n-1
 *
 * A period is one block, or a few that take turns. Periods repeat when each is the one before it, node by node: the same
 * operation, attributes and shapes, reading the same places of itself and of the period before; only the number in its names
 * differs. What lies before the blocks may be read where no state is behind it, so that no gradient goes there; what follows
 * them may read the last period alone. Blocks that differ (a scale by layer, a table that all share) stay as they are.
 *
 * Why this is exact. Expansions and gradients look at a node and its neighbours, so each period gets from the one above it
 * what that one made of what it got itself. Once two neighbours have been treated the same, all further down are: hence
 * pass_shortened_holds looks whether n-3 and 1 are still the same node by node. Not n-1 and n-2: what follows the blocks
 * reaches n-1, and along a residual that is added once, n-2 too. Law: tests/law/test_shorten.c.
 * Not here: counting (count.c weighs every node by node.times). */
#include "pass/pass.h"
#include <string.h>

enum { LONGEST_PERIOD = 8, END = 3, FEWEST = END + 3 };         /* blocks in a period; periods kept at the end; fewest with one to leave out */

struct stretch {
    const rk_graph *g;
    const char *pattern;                            /* "h.*": blocks are the modules h.0, h.1 .. */
    int *block;                                     /* of each path; -1: in none */
    bool *moving;                                   /* of each node: a state is behind it */
    rk_ref start, end;                              /* of what repeats */
    int blocks, length, times;                      /* of a period: blocks and nodes; how many periods */
};

/* The number that stands for the pattern's star, and what follows it; -1: there is none. */
static int number_in(const char *pattern, const char *name, const char **rest)
{
    size_t length = strlen(pattern) - 1;
    int number = 0;
    if (strncmp(name, pattern, length) != 0 || name[length] < '0' || name[length] > '9') return -1;
    for (name += length; *name >= '0' && *name <= '9' && number < 1000000; name++) number = number * 10 + (*name - '0');
    *rest = name;
    return *name == '.' || *name == '\0' ? number : -1;
}

static void find_blocks(const rk_graph *g, const char *pattern, int *block)
{
    const char *rest;
    for (int i = 0; i < g->paths.n; i++) block[i] = number_in(pattern, g->paths.at[i], &rest);
}

static bool same_name(const char *pattern, const char *a, const char *b)
{
    const char *rest_a, *rest_b;
    if (strcmp(a, b) == 0) return true;
    return number_in(pattern, a, &rest_a) >= 0 && number_in(pattern, b, &rest_b) >= 0 && strcmp(rest_a, rest_b) == 0;
}

/* The same but for the number of their block and for what they read. A mask's i[0] is its name once more. */
static bool same_node(const rk_graph *g, const char *pattern, rk_ref r, rk_ref q)
{
    const struct node *a = node_of(g, r), *b = node_of(g, q);
    bool same = a->op == b->op && a->dtype == b->dtype && a->rank == b->rank && a->arity == b->arity;
    for (int i = 0; i < a->rank && same; i++) same = a->dim[i] == b->dim[i];
    for (int i = a->op == &op_rand ? 1 : 0; i < 4 && same; i++) same = a->at.i[i] == b->at.i[i];
    same = same && memcmp(a->at.f, b->at.f, sizeof a->at.f) == 0;
    return same && same_name(pattern, a->text, b->text) && same_name(pattern, g->paths.at[a->path], g->paths.at[b->path]);
}

/* The node one period on is this one again. Periods are counted from the end. */
static bool comes_again(const struct stretch *s, rk_ref r)
{
    const rk_graph *g = s->g;
    rk_ref again = r + s->length, period = s->end - (s->end - r + s->length - 1) / s->length * s->length;
    int block = s->block[node_of(g, r)->path];
    if (block < 0 || s->block[node_of(g, again)->path] != block + s->blocks || !same_node(g, s->pattern, r, again)) return false;
    for (int i = 0; i < node_of(g, r)->arity; i++) {
        rk_ref x = operand_of(g, r, i), y = operand_of(g, again, i);
        bool near = y == x + s->length && x >= period - s->length;
        bool before = y == x && s->block[node_of(g, x)->path] < 0 && !s->moving[x];
        if (!near && !before) return false;
    }
    return true;
}

/* Who comes after the blocks reads what is before them, or their last period. */
static bool is_left_alone(const struct stretch *s)
{
    const rk_graph *g = s->g;
    rk_ref last = s->end - s->length;
    for (rk_ref r = s->end; r < g->nodes.n; r++)
        for (int i = 0; i < node_of(g, r)->arity; i++)
            if (operand_of(g, r, i) >= s->start && operand_of(g, r, i) < last) return false;
    for (int i = 0; i < g->outputs.n; i++)
        if (g->outputs.at[i].ref >= s->start && g->outputs.at[i].ref < last) return false;
    return true;
}

static bool find_period(struct stretch *s)
{
    const rk_graph *g = s->g;
    s->end = g->nodes.n;
    while (s->end > 1 && s->block[node_of(g, s->end - 1)->path] < 0) s->end--;
    if (s->end <= 1) return false;
    int last = s->block[node_of(g, s->end - 1)->path];
    for (s->blocks = 1; s->blocks <= LONGEST_PERIOD && s->blocks * FEWEST <= last + 1; s->blocks++) {
        rk_ref r = s->end - 1;
        while (r > 1 && s->block[node_of(g, r - 1)->path] > last - s->blocks) r--;
        s->length = s->end - r;
        while (r > 1 && comes_again(s, r - 1)) r--;
        s->times = (s->end - r) / s->length;
        s->start = s->end - s->times * s->length;
        if (s->times >= FEWEST) return is_left_alone(s);
    }
    return false;
}

static void find_moving(struct stretch *s)
{
    for (rk_ref r = 1; r < s->g->nodes.n; r++) {
        const struct node *n = node_of(s->g, r);
        s->moving[r] = n->op == &op_state;
        for (int i = 0; i < n->arity && !s->moving[r]; i++) s->moving[r] = s->moving[n->in[i]];
    }
}

/* What is left out is, for its readers, the period before it. */
static rk_status copy(const struct stretch *s, rk_graph *to, rk_ref *map)
{
    map[0] = 0;
    for (rk_ref r = 1; r < s->g->nodes.n; r++) {
        int period = r >= s->start && r < s->end ? (r - s->start) / s->length : 0;
        bool left_out = period > 1 && period < s->times - END;
        map[r] = left_out ? map[r - s->length] : graph_repeat(to, s->g, r, map);
        if (period == 1 && map[r] != 0) to->nodes.at[map[r]].times *= s->times - END - 1;
    }
    for (int i = 0; i < s->g->outputs.n; i++) rk_output(to, s->g->outputs.at[i].name, map[s->g->outputs.at[i].ref]);
    return rk_graph_seal(to);
}

rk_status pass_shorten(rk_ctx *ctx, const rk_graph *from, const char *pattern, struct shortened *how, rk_graph **to, rk_ref *map)
{
    struct stretch s = { .g = from, .pattern = pattern };
    rk_graph *g = NULL;
    rk_status status;
    *to = NULL;
    GO(NEW(s.block, from->paths.n));
    GO(NEW(s.moving, from->nodes.n));
    find_blocks(from, pattern, s.block);
    find_moving(&s);
    if (!find_period(&s)) goto out;
    int last = s.block[node_of(from, s.end - 1)->path];
    *how = (struct shortened){ pattern, last + 1 - (s.times - 1) * s.blocks, last + 1 - END * s.blocks, s.blocks };
    GO(graph_like(ctx, from, &g));
    GO(copy(&s, g, map));
    *to = g;
    g = NULL;
out:
    FREE(s.block, from->paths.n);
    FREE(s.moving, from->nodes.n);
    rk_graph_close(g);
    return status;
}

/* --- does it hold? --- */

struct holding { const rk_graph *g; const struct shortened *how; int *block; rk_ref *twin; };       /* a node near n-3 -> its twin near 1 */

static bool is_of(const struct holding *h, rk_ref r, int first)
{
    int block = h->block[node_of(h->g, r)->path];
    return block >= first && block < first + h->how->blocks;
}

/* The nodes of both periods are twins in the order in which they stand; false: there are more of one. */
static bool pair(struct holding *h)
{
    rk_ref a = 1;
    for (rk_ref r = 1; r < h->g->nodes.n; r++) {
        if (!is_of(h, r, h->how->late)) continue;
        while (a < h->g->nodes.n && !is_of(h, a, h->how->middle)) a++;
        if (a == h->g->nodes.n) return false;
        h->twin[r] = a++;
    }
    while (a < h->g->nodes.n && !is_of(h, a, h->how->middle)) a++;
    return a == h->g->nodes.n;
}

/* Whoever is read from elsewhere becomes a twin where it looks the same, once for all. */
static bool same_reading(struct holding *h, rk_ref r)
{
    const rk_graph *g = h->g;
    if (!same_node(g, h->how->pattern, h->twin[r], r)) return false;
    for (int i = 0; i < node_of(g, r)->arity; i++) {
        rk_ref y = operand_of(g, r, i), x = operand_of(g, h->twin[r], i);
        if (h->twin[y] == 0 && same_node(g, h->how->pattern, x, y)) h->twin[y] = x;
        if (h->twin[y] != x) return false;
    }
    return true;
}

rk_status pass_shortened_holds(rk_ctx *ctx, const rk_graph *g, const struct shortened *how, bool *holds)
{
    struct holding h = { .g = g, .how = how };
    rk_status status;
    *holds = false;
    GO(NEW(h.block, g->paths.n));
    GO(NEW(h.twin, g->nodes.n));
    find_blocks(g, how->pattern, h.block);
    *holds = pair(&h);
    for (rk_ref r = 1; r < g->nodes.n && *holds; r++) *holds = !is_of(&h, r, how->late) || same_reading(&h, r);
out:
    FREE(h.block, g->paths.n);
    FREE(h.twin, g->nodes.n);
    return status;
}
