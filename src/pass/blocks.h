/* blocks.h: the blocks of a tower, which its nodes know by the names of their modules: h.0, h.1 .. of the pattern "h.*". */
#ifndef PASS_BLOCKS_H
#define PASS_BLOCKS_H
#include "core/opdef.h"

/* The number of the block that a path or a state's name stands in: 3 of h.3.mlp; -1: in none. */
int block_number(const char *pattern, const char *path);
/* That of every path of a graph: room for g->paths.n. */
void blocks_find(const rk_graph *g, const char *pattern, int *block);
/* Two nodes are the same but for the number of their block and for what they read. */
bool blocks_same_node(const rk_graph *g, const char *pattern, rk_ref r, rk_ref q);

#endif
