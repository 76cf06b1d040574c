/* diff_torch.h: the lines of print(model) by module, as PyTorch users know them. */
#ifndef CLI_DIFF_TORCH_H
#define CLI_DIFF_TORCH_H
#include "command.h"
#include "reckon/model.h"

struct printed_line { char path[256], text[256]; };      /* "transformer.h.*.attn.c_attn", "Conv1D(nf=2304, nx=768)" */
struct printed_tree { struct printed_line *line; size_t room; int n; };

/* From rk_model_show_torch's text, which is copied. */
void tree_read(const char *text, struct printed_tree *tree);
void tree_free(struct printed_tree *tree);
/* The lines of modules by names in files, apart by blanks; of equal ones "3 × Linear(..)". Empty where there are none. */
void tree_lines(const struct printed_tree *tree, const char *names, char *to, size_t room);

#endif
