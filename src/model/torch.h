/* torch.h: a model as PyTorch tells it: the modules that print(model) shows, and the tensors by their names, in their order.
 *
 * A family's modules are rows of a table in its own file, indented as PyTorch prints them. The tensors need no table: they
 * are the family's bindings, each in the module that its name says; only buffers, which are no parameters here, have rows.
 *
 *   { "",              "GPT2LMHeadModel" },
 *   { "transformer",   "GPT2Model" },
 *   { "  h",           "ModuleList" },
 *   { "    *layer",    "GPT2Block" },
 *   { "      ln_1",    "LayerNorm(({hidden},), eps={eps}, elementwise_affine=True, bias=True)" }, */
#ifndef MODEL_TORCH_H
#define MODEL_TORCH_H
#include "model/model.h"

/* name: two blanks for each module around it, and
 *   ""          the whole model. Several one after the other: the first whose condition holds; what follows is of them all,
 *               up to the next "", which begins another model
 *   "wte"       a module; without its condition it is not there, with all that stands in it
 *   "~bert"     a module whose condition takes away only itself: what stands in it moves up
 *   "*layer"    as many modules as the formula says, called 0, 1 ..
 *   ".inv_freq" a buffer of the module that it stands in
 * class: NULL of a whole model that PyTorch has no class for: it has tensors, but cannot be printed;
 *        what is printed, {..} filled in: {eps} as Python writes it, {3*hidden} a formula, {act} the class of an activation;
 *        of a buffer dtype and shape: "float32 {position}x{rotary}"
 * when:  the condition (config_holds); NULL: always
 * role:  what we would call a buffer, "h.*.attn.positions": where `show` mentions it */
struct torch_row { const char *name, *class, *when, *role; };

#define TORCH_NORM             "LayerNorm(({hidden},), eps={eps}, elementwise_affine=True, bias=True)"
#define TORCH_DROPOUT(rate)    "Dropout(p={" rate "}, inplace=False)"
#define TORCH_LINEAR(in, out, bias) "Linear(in_features={" in "}, out_features={" out "}, bias=" bias ")"

/* --- text: torch_text.c --- */

/* Puts a row's text with its {..} filled in. E_DECLINED for an activation that has no class in PyTorch. */
rk_status torch_fill(rk_ctx *ctx, const struct config *c, const char *text, struct str *out) RK_CHECK;
const char *torch_dtype(rk_dtype dtype);                        /* "float32" */

/* --- modules: torch_tree.c --- */

/* A module that is there, in the order in which PyTorch walks: each before what stands in it. */
struct torch_module {
    const struct torch_row *row;
    int end;                            /* the index behind the last module that stands in it */
    const char *name, *path;            /* "ln_1", "transformer.h.3.ln_1" */
    const char *pattern;                /* "transformer.h.*.ln_1": with modules that moved up, as the bindings' names */
    const char *number;                 /* of the repetition that it stands in; "" */
};
struct torch_tree {
    rk_ctx *ctx;
    const struct config *config;
    struct arena arena;
    const struct torch_row *first, *last;       /* the rows of this model, from first up to last */
    VEC(struct torch_module) modules;           /* [0]: the whole model */
};
/* E_DECLINED where there is no table for it. Call torch_tree_close in any case. */
rk_status torch_tree_open(rk_ctx *ctx, const struct config *c, struct torch_tree *t) RK_CHECK;
void      torch_tree_close(struct torch_tree *t);
/* print(model), to the letter. E_DECLINED where PyTorch users have no such class. */
rk_status torch_tree_print(const struct torch_tree *t, struct str *out) RK_CHECK;
int       torch_level(const struct torch_row *row);             /* modules around it; of the whole model 0 */
const char *torch_name(const struct torch_row *row);            /* without its blanks */

/* --- tensors: torch_tensors.c --- */

enum torch_kind { TORCH_PARAMETER, TORCH_TIE, TORCH_BUFFER };
struct torch_tensor {
    const char *name, *role;            /* role: ours; NULL for a buffer that we have no name for */
    enum torch_kind kind;
    const char *tie;                    /* the name under which it came first */
    const char *dtype;                  /* PyTorch's word */
    int rank;
    int64_t shape[RK_MAX_RANK];
    uint64_t bytes;
};
struct torch_tensors { rk_ctx *ctx; struct arena arena; VEC(struct torch_tensor) at; };
/* named_parameters() with ties, then named_buffers(). Buffers keep their own dtype. Call torch_tensors_close in any case. */
rk_status torch_tensors_open(rk_ctx *ctx, const rk_model *m, rk_dtype dtype, struct torch_tensors *list) RK_CHECK;
void      torch_tensors_close(struct torch_tensors *list);
/* The buffers alone. */
rk_status torch_buffers_open(rk_ctx *ctx, const struct config *c, struct torch_tensors *list) RK_CHECK;
/* "float32 2048x64", "int64 scalar": dtype, shape and bytes of a buffer (torch_text.c). */
rk_status torch_shape(rk_ctx *ctx, const char *text, struct torch_tensor *t) RK_CHECK;
/* A line for each: name, kind (parameter, buffer, tie=NAME), shape (768x2304), dtype, apart by tabs; and as JSON. */
rk_status torch_tensors_print(const struct torch_tensors *list, struct str *out) RK_CHECK;
rk_status torch_tensors_json(const struct torch_tensors *list, struct str *out) RK_CHECK;

#endif
