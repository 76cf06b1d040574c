/* bind.h: parameters by role and tensors by the name that a file gives them, brought together both ways.
 *
 * All differences between checkpoints are texts in the family's table: names, axes as stored, what is to be ignored. A tensor
 * that is missing is an error, one that nobody knows too: nothing is silently made up or left out. */
#ifndef MODEL_BIND_H
#define MODEL_BIND_H
#include "io/bundle.h"
#include "model/model.h"
#include "run/store.h"

/* --- names: bind_names.c --- */

/* One name or role held against a pattern in which * is a number; loose: a * at the end stands for anything. */
bool bind_matches(struct word pattern, const char *text, size_t n, bool loose, struct word *number);
/* What is left of a name in a file without "transformer.", "model.", "module.", "_orig_mod." in any order. */
struct word bind_strip(const struct arch *arch, const char *name, size_t n);
enum { MOST_PREFIXES = 8 };
struct prefixes { struct word at[MOST_PREFIXES]; int n; };
void        bind_prefixes(const struct arch *arch, struct prefixes *all);                       /* once, for many names */
struct word bind_strip_with(const struct prefixes *all, const char *name, size_t n);
/* The row of this role, and the number in it; NULL: none. */
const struct binding *bind_row(const struct arch *arch, const char *role, struct word *number);
/* A pattern with its number filled in, added to out. */
rk_status bind_fill(rk_ctx *ctx, struct word pattern, struct word number, struct str *out) RK_CHECK;
/* The k-th name that a role may have in files, without prefix; E_MISSING past the last. */
rk_status bind_name(rk_ctx *ctx, const struct binding *row, struct word number, int k, struct str *out) RK_CHECK;
/* The parameter of `built` that a name in a file stands for; -1: none. For files of gradients, moments, activations. */
rk_status bind_find(rk_ctx *ctx, const struct arch *arch, const struct built *built, const char *name, size_t n, int *parameter) RK_CHECK;

/* --- axes: bind_axes.c --- */

/* An array read in another order: sizes in the order of the destination, strides of the source, in elements. */
struct reorder { int rank; int64_t size[RK_MAX_RANK], stride[RK_MAX_RANK]; };
/* How a parameter is stored: the shape, and the orders to read it and to write it. */
struct stored { int rank; int64_t shape[RK_MAX_RANK]; struct reorder read, write; };
rk_status bind_axes(rk_ctx *ctx, const rk_graph *g, rk_ref parameter, const char *axes, struct stored *stored) RK_CHECK;
/* The same without sizes: how many axes, and of each of its dims the axis that it lies on. */
rk_status bind_groups(rk_ctx *ctx, const rk_graph *g, rk_ref parameter, const char *axes, int *n, int axis[RK_MAX_RANK]) RK_CHECK;
rk_status bind_stored(rk_ctx *ctx, const struct arch *arch, const struct built *built, int parameter, struct stored *stored) RK_CHECK;     /* by its binding */
/* The same for a tensor of this dtype: i8 lies with its contracted axis last (forms.h). */
rk_status bind_stored_as(rk_ctx *ctx, const struct arch *arch, const struct built *built, int parameter, rk_dtype dtype, struct stored *stored) RK_CHECK;
bool    reorder_is_none(const struct reorder *r);
/* How many elements from `first` on make a box of at most `most` (or of one element); first is where the last box ended. */
int64_t reorder_box(const struct reorder *r, int64_t first, int64_t most);
/* Elements first .. first + count of the destination; count from reorder_box; width: bytes of an element: 1, 2, 4 or 8. */
void    reorder_copy(const struct reorder *r, void *to, const void *from, int64_t first, int64_t count, size_t width);

/* --- tensors against parameters, by headers alone: bind_match.c --- */

enum match { MATCH_FOUND, MATCH_COMPUTED, MATCH_MISSING, MATCH_SHAPE, MATCH_DTYPE, MATCH_IGNORED, MATCH_TIED, MATCH_UNEXPECTED, MATCH_KINDS };
struct match_row {
    enum match kind;
    int parameter;                              /* in built->parameters; -1: it is none */
    const struct bundle_entry *entry;           /* NULL: it is missing, or computed */
    const struct bundle_entry *other;           /* of a tie: the tensor that it repeats */
    const struct binding *binding;              /* NULL: nobody knows this name; unexpected and known: the model lacks this parameter */
    struct word pattern, number;                /* the name that fitted, and the number in it */
    const char *why;                            /* ignored: for what reason */
    struct stored stored;                       /* of a parameter: how it should be stored */
};
static inline bool match_is_trouble(enum match kind) { return kind != MATCH_FOUND && kind != MATCH_COMPUTED && kind != MATCH_IGNORED && kind != MATCH_TIED; }
typedef rk_status match_fn(void *user, const struct match_row *row);
/* Tells of every parameter, in order, then of every tensor that is none; fills found[parameter]. E_FORMAT: two tensors are one
 * but for their prefix. */
rk_status bind_compare(rk_ctx *ctx, const struct arch *arch, const struct built *built, const struct bundle *b, const struct bundle_entry **found,
                       match_fn *each, void *user) RK_CHECK;
rk_status bind_shape_text(rk_ctx *ctx, int rank, const int64_t *shape, struct str *out) RK_CHECK;       /* "[2 3]" */

/* --- reading and writing: bind_report.c, bind.c, bind_save.c --- */

/* text: a line for each that was not just used; converted, turned: of those used, stored in another dtype, in another order; dtypes:
 * bits of those that they are stored in. */
struct bind_report { int used, ignored, tied, computed, missing, unexpected, misshapen, converted, turned; unsigned dtypes; uint64_t bytes; struct str text; };
void bind_report_clear(rk_ctx *ctx, struct bind_report *r);

/* The tensor of every parameter and constant, found[i] for parameters.at[i], NULL for a constant that no file need have; nothing is read yet but tensors that stand for a tie. Errors,
 * with every name in the report: E_MISSING, E_SHAPE, E_DTYPE, E_DECLINED for leftovers, E_DIFFERS for a tie stored as two. */
rk_status bind_match(rk_ctx *ctx, const struct arch *arch, const struct built *built, const struct bundle *b, const struct bundle_entry **found,
                     struct bind_report *report) RK_CHECK;
/* Matches, then fills the parameters and constants of the store, converted to its dtypes. report may be NULL. */
rk_status bind_load(rk_ctx *ctx, const struct arch *arch, const struct built *built, const struct bundle *b, struct store *store, struct bind_report *report) RK_CHECK;
/* The second half: what was found, into the store; what the store has from a lender stays where it lies. */
rk_status bind_fill_store(rk_ctx *ctx, const struct arch *arch, const struct built *built, const struct bundle *b, const struct bundle_entry *const *found,
                          struct store *store) RK_CHECK;
/* Computes one that is no matter of chance: a constant that is in no file. */
rk_status bind_compute(rk_ctx *ctx, const struct built *built, int parameter, struct store *store) RK_CHECK;
/* A tensor that is stored like a parameter, in the order of that parameter's dims: f32 or f64. */
rk_status bind_read(rk_ctx *ctx, const struct arch *arch, const struct built *built, int parameter, const struct bundle_entry *e, rk_dtype dtype, void *to) RK_CHECK;

/* The name that a parameter is saved under. */
rk_status bind_written(rk_ctx *ctx, const struct config *c, const struct built *built, int parameter, struct str *out) RK_CHECK;
/* FOLDER/config.json; no dtype is named there of RK_DTYPE_COUNT or integers. */
rk_status bind_save_config(rk_ctx *ctx, const rk_model *m, const char *folder, rk_dtype dtype) RK_CHECK;
/* FOLDER/model.safetensors and FOLDER/config.json, as the family writes them; a tie is stored once. */
rk_status bind_save(rk_ctx *ctx, const rk_model *m, const struct built *built, const struct store *store, const char *folder, rk_dtype dtype) RK_CHECK;

#endif
