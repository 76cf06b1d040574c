/* diff.h: two described models beside each other, module by module: what is the same, what only lies differently in files, what
 * is another function, what only one of them has.
 *
 * Modules are aligned by role (h.*.attn.q), across families: fused projections with their parts, modules that another nesting or
 * number names differently. What a module computes and reads is said from the graph itself, so nothing that changes the result
 * can be missed: norms and their eps, activations, scales, masks, rotary positions, dropout, biases, ties, and what feeds what. */
#ifndef RECKON_DIFF_H
#define RECKON_DIFF_H
#include "reckon/model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rk_diff rk_diff;

typedef enum rk_diff_verdict {
    RK_SAME,                            /* the same function of the same size, and it lies the same way in files */
    RK_SAME_IN_OTHER_LAYOUT,            /* the same, but for how its parameters are stored */
    RK_SAME_IN_OTHER_SIZE,
    RK_OTHER,                           /* another function */
    RK_ONLY_LEFT, RK_ONLY_RIGHT,
    RK_DIFF_VERDICT_COUNT
} rk_diff_verdict;
RK_API const char *rk_diff_verdict_words(rk_diff_verdict verdict);        /* "same up to layout" */

/* One module, all its repetitions together. Names are those of files, with * for the number of a block: "h.*.attn.q_proj
 * h.*.attn.k_proj ..."; "" for a module without parameters, and for a side that has none such. Parameters: of all repetitions;
 * a tie counts where its table stands. */
typedef struct rk_diff_row {
    const char *role;                   /* "h.*.attn.qkv", in the left model's words where it has such a module */
    rk_diff_verdict verdict;
    const char *left, *right;
    uint64_t left_parameters, right_parameters;
    int details;
} rk_diff_row;
/* Why a row is not the same; of a module that only one side has: what it is. what: "computes", "reads", "bias", "stored" ... */
typedef struct rk_diff_detail { const char *what, *left, *right; } rk_diff_detail;

/* Texts live as long as the diff; the models may be closed before. */
RK_API RK_CHECK rk_status rk_diff_of(rk_model *left, rk_model *right, rk_diff **diff);
RK_API void           rk_diff_free(rk_diff *diff);
RK_API int            rk_diff_rows(const rk_diff *diff);
RK_API rk_diff_row    rk_diff_row_at(const rk_diff *diff, int row);                     /* empty beyond */
RK_API rk_diff_detail rk_diff_detail_at(const rk_diff *diff, int row, int detail);

/* The fields of both by name: what each says, "" where a family lacks it. False past the last. */
typedef struct rk_diff_field { const char *name, *left, *right; bool same, training; } rk_diff_field;
RK_API bool rk_diff_field_at(const rk_diff *diff, int i, rk_diff_field *field);

#ifdef __cplusplus
}
#endif
#endif
