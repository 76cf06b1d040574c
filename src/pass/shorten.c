/* shorten: a graph whose blocks repeat, with four or five of them instead of all: enough to count it, too little to run it.
 *
 *   0 | 1 | 2 | .. | n-3 | n-2 | n-1      ->      0 | 1, standing for n-3 of them | n-2 | n-1
 *
 * A period is one block, or a few that take turns. Periods repeat when each is the one before it, node by node: the same
 * operation, attributes and shapes, reading the same places of itself and of the period before; only the number in its names
 * differs. What lies before the blocks may be read by all of them: the memory of an encoder by every block of a decoder. What
 * follows them may read the last period alone. Blocks that differ (a scale by layer) stay as they are. A graph may have several
 * such stretches, one in each tower, each in modules of its own pattern.
 *
 * Why this is exact. Expansions and gradients look at a node and its neighbours, so each period gets from the one above it
 * what that one made of what it got itself. Once two neighbours have been treated the same, all further down are: hence
 * pass_shortened_holds looks whether the first of the last ones and 1 are still the same node by node. Not n-1: what follows the
 * blocks reaches it; and where all that a block does is added to what it got, once, the gradient goes by on one addition and what
 * follows reaches n-2, too: then three are kept at the end. So a graph of which only these blocks were built tells as much,
 * where somebody knows how many more there would be. What all read (node.shared) gets a gradient from each,
 * and a sum of as many: each of its additions stands for as many blocks as the reader it comes from (grad.c). Law: tests/law/test_shorten.c.
 * Not here: what is the same node (blocks.c), whether it holds (shorten_holds.c), counting (count.c weighs every node by node.times). */
#include "core/program.h"
#include "pass/blocks.h"
#include "pass/pass.h"
#include <string.h>

enum { LONGEST_PERIOD = 8, BEGINNING = 2 };         /* blocks in a period; the first period, and the one that stands for others */

struct stretch {
    const rk_graph *g;
    const char *pattern;                            /* "h.*": blocks are the modules h.0, h.1 .. */
    int64_t more;                                   /* blocks that were not built */
    int *block;                                     /* of each path; -1: in none */
    const bool *moving;                             /* of each node: a state is behind it */
    const int *readers;                             /* of each node */
    rk_ref start, end;                              /* of what repeats */
    int blocks, length, times;                      /* of a period: blocks and nodes; how many periods */
    int kept;                                       /* of them at the end */
};

/* What it gives back to a value is summed by additions; views and what may be made of views give back parts, which may be joined. */
static bool adds_up(const struct node *n) { return (n->op->flags & (OP_VIEW | OP_FUSED)) == 0; }

/* The node one period on is this one again. Periods are counted from the end. */
static bool comes_again(const struct stretch *s, rk_ref r)
{
    const rk_graph *g = s->g;
    rk_ref again = r + s->length, period = s->end - (s->end - r + s->length - 1) / s->length * s->length;
    int block = s->block[node_of(g, r)->path];
    if (block < 0 || s->block[node_of(g, again)->path] != block + s->blocks || !blocks_same_node(g, s->pattern, r, again)) return false;
    for (int i = 0; i < node_of(g, r)->arity; i++) {
        rk_ref x = operand_of(g, r, i), y = operand_of(g, again, i);
        bool near = y == x + s->length && x >= period - s->length;
        bool before = y == x && s->block[node_of(g, x)->path] < 0 && (!s->moving[x] || adds_up(node_of(g, r)));
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

/* y is x and something else, through additions whose results nobody else reads: then their gradient is one. */
static bool is_added_once(const struct stretch *s, rk_ref y, rk_ref x)
{
    const struct node *n = node_of(s->g, y);
    if ((n->op->flags & OP_MAP) == 0 || n->at.i[0] != MAP_add) return false;
    for (int i = 0; i < n->arity; i++)
        if (n->in[i] == x || (s->readers[n->in[i]] == 1 && is_added_once(s, n->in[i], x))) return true;
    return false;
}

/* How far what follows reaches back, by what the last period reads of the one before. */
static int kept_at_the_end(const struct stretch *s)
{
    rk_ref last = s->end - s->length;
    for (rk_ref r = last; r < s->end; r++)
        for (int i = 0; i < node_of(s->g, r)->arity; i++) {
            rk_ref x = operand_of(s->g, r, i);
            if (x >= last - s->length && x < last && is_added_once(s, x + s->length, x)) return 3;
        }
    return 2;
}

static bool find_period(struct stretch *s)
{
    const rk_graph *g = s->g;
    const int beginning = s->more > 0 ? BEGINNING : BEGINNING + 1;              /* one of those that are left out */
    s->end = g->nodes.n;
    while (s->end > 1 && s->block[node_of(g, s->end - 1)->path] < 0) s->end--;
    if (s->end <= 1) return false;
    int last = s->block[node_of(g, s->end - 1)->path];
    for (s->blocks = 1; s->blocks <= LONGEST_PERIOD && s->blocks * (beginning + 2) <= last + 1; s->blocks++) {
        rk_ref r = s->end - 1;
        while (r > 1 && s->block[node_of(g, r - 1)->path] > last - s->blocks) r--;
        s->length = s->end - r;
        while (r > 1 && comes_again(s, r - 1)) r--;
        s->times = (s->end - r) / s->length;
        s->start = s->end - s->times * s->length;
        s->kept = s->times > 1 ? kept_at_the_end(s) : 0;
        if (s->times >= beginning + s->kept && s->kept > 0 && s->more % s->blocks == 0) return is_left_alone(s);
    }
    return false;
}

static void find_moving(const rk_graph *g, bool *moving, int *readers)
{
    for (rk_ref r = 1; r < g->nodes.n; r++) {
        const struct node *n = node_of(g, r);
        moving[r] = n->op == &op_state;
        for (int i = 0; i < n->arity; i++) {
            moving[r] = moving[r] || moving[n->in[i]];
            readers[n->in[i]]++;
        }
    }
}

/* The stretch that a node is in; NULL: none. */
static const struct stretch *stretch_of(const struct stretch *all, int n, rk_ref r)
{
    for (int i = 0; i < n; i++)
        if (r >= all[i].start && r < all[i].end) return &all[i];
    return NULL;
}

/* What a node that stands for others reads, as they do. */
static void mark_shared(const struct stretch *s, rk_ref r, rk_graph *to, const rk_ref *map)
{
    for (int i = 0; i < node_of(s->g, r)->arity; i++) {
        rk_ref x = operand_of(s->g, r, i);
        if (x == operand_of(s->g, r + s->length, i) && s->moving[x] && map[x] != 0) to->nodes.at[map[x]].shared = true;
    }
}

/* What is left out is, for its readers, the period before it. */
static rk_status copy(const rk_graph *from, const struct stretch *all, int n, rk_graph *to, rk_ref *map)
{
    map[0] = 0;
    for (rk_ref r = 1; r < from->nodes.n; r++) {
        const struct stretch *s = stretch_of(all, n, r);
        int period = s != NULL ? (r - s->start) / s->length : 0;
        bool left_out = s != NULL && period > 1 && period < s->times - s->kept;
        map[r] = left_out ? map[r - s->length] : graph_repeat(to, from, r, map);
        if (period != 1 || map[r] == 0) continue;
        to->nodes.at[map[r]].times *= s->times - s->kept - 1 + (int)(s->more / s->blocks);
        mark_shared(s, r, to, map);
    }
    for (int i = 0; i < from->outputs.n; i++) rk_output(to, from->outputs.at[i].name, map[from->outputs.at[i].ref]);
    return rk_graph_seal(to);
}

/* all, n: the stretches that were found, none where one is missing that has to be there; how: the same for whoever asks later
 * whether it holds. */
static rk_status find_all(rk_ctx *ctx, struct stretch *all, int *n, const struct tower *towers, struct shortened *how)
{
    const struct stretch first = all[0];
    bool missing = false;
    for (int i = 0; towers[i].pattern != NULL && !missing; i++) {
        struct stretch *s = &all[*n];
        PROMISE(*n < MOST_STRETCHES && towers[i].more < INT32_MAX);
        *s = first;
        s->pattern = towers[i].pattern;
        s->more = towers[i].more;
        blocks_find(s->g, s->pattern, s->block);
        bool found = find_period(s);
        missing = !found && s->more > 0;
        if (!found) continue;
        int last = s->block[node_of(s->g, s->end - 1)->path];
        how->at[(*n)++] = (struct shortened_stretch){ s->pattern, last + 1 - (s->times - 1) * s->blocks, last + 1 - s->kept * s->blocks, s->blocks };
    }
    if (missing) *n = 0;
    how->n = *n;
    return RK_OK;
}

rk_status pass_shorten(rk_ctx *ctx, const rk_graph *from, const struct tower *towers, struct shortened *how, rk_graph **to, rk_ref *map)
{
    struct stretch all[MOST_STRETCHES] = { { .g = from } };
    bool *moving = NULL;
    int *block = NULL, *readers = NULL, n = 0;
    rk_graph *g = NULL;
    rk_status status;
    *to = NULL;
    GO(NEW(block, from->paths.n));
    GO(NEW(moving, from->nodes.n));
    GO(NEW(readers, from->nodes.n));
    find_moving(from, moving, readers);
    all[0].block = block;
    all[0].moving = moving;
    all[0].readers = readers;
    GO(find_all(ctx, all, &n, towers, how));
    if (n == 0) goto out;
    GO(graph_like(ctx, from, &g));
    GO(copy(from, all, n, g, map));
    *to = g;
    g = NULL;
out:
    FREE(block, from->paths.n);
    FREE(moving, from->nodes.n);
    FREE(readers, from->nodes.n);
    rk_graph_close(g);
    return status;
}
