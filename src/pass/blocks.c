/* blocks.c: the number of a block, in names; and nodes that are one another's like in two blocks. */
#include "pass/blocks.h"
#include <string.h>

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

int block_number(const char *pattern, const char *path)
{
    const char *rest;
    return number_in(pattern, path, &rest);
}

void blocks_find(const rk_graph *g, const char *pattern, int *block)
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

/* A mask's i[0] is its name once more. */
bool blocks_same_node(const rk_graph *g, const char *pattern, rk_ref r, rk_ref q)
{
    const struct node *a = node_of(g, r), *b = node_of(g, q);
    bool same = a->op == b->op && a->dtype == b->dtype && a->rank == b->rank && a->arity == b->arity;
    for (int i = 0; i < a->rank && same; i++) same = a->dim[i] == b->dim[i];
    for (int i = a->op == &op_rand ? 1 : 0; i < 4 && same; i++) same = a->at.i[i] == b->at.i[i];
    same = same && memcmp(a->at.f, b->at.f, sizeof a->at.f) == 0;
    return same && same_name(pattern, a->text, b->text) && same_name(pattern, g->paths.at[a->path], g->paths.at[b->path]);
}
