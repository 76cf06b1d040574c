/* diff.h: what `reckon diff` knows of both sides, and how it is written. */
#ifndef CLI_DIFF_H
#define CLI_DIFF_H
#include "count.h"
#include "diff_torch.h"
#include "reckon/diff.h"

/* machine, mfu: for tokens a second; zeros: none was named. torch: modules are shown as PyTorch prints them, from the trees. */
struct both { rk_model *model[2]; rk_bill *bill[2]; rk_diff *diff; rk_bill_settings settings; struct machine machine; double mfu; bool torch; struct printed_tree tree[2]; };

void diff_print(struct cli *c, const struct both *b);                   /* modules, reasons, fields */
void diff_json(struct cli *c, const struct both *b);                    /* diff_json.c: all of it, costs among it */
struct table *diff_table(struct cli *c, const struct both *b, const char *format, const char *align);     /* two %s in format: what the sides are called */
void diff_print_costs(struct cli *c, const struct both *b);             /* diff_cost.c */
void diff_json_costs(struct json *j, const struct both *b);

#endif
