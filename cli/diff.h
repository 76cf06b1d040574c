/* diff.h: what `reckon diff` knows of both sides, and how it is written. */
#ifndef CLI_DIFF_H
#define CLI_DIFF_H
#include "diff_torch.h"
#include "model.h"
#include "reckon/diff.h"

/* torch: modules are shown as PyTorch prints them, from the trees. */
struct both { rk_model *model[2]; rk_bill *bill[2]; rk_diff *diff; rk_bill_settings settings; bool torch; struct printed_tree tree[2]; };

void diff_print(struct cli *c, const struct both *b);
void diff_json(struct cli *c, const struct both *b);

#endif
