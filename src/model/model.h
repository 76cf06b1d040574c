/* model.h: a described model from the inside, and the graphs that are built of it.
 *
 *   spec   "gpt2:n_layer=48", a folder, a file       -> a model          (rk_model_open)
 *   build  a model, for a purpose                    -> a sealed graph and its parameters
 *   bind   parameters and a bundle                   -> weights in a store (bind.h)
 *
 * Not here: bills, plans, devices (src/reckon.c puts those together with this). */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H
#include "base/map.h"
#include "core/graph.h"
#include "model/config.h"
#include "reckon/model.h"

struct rk_model {
    rk_ctx *ctx;
    struct arena arena;
    const char *name;                   /* the preset, or the path, with its overrides */
    const char *folder;                 /* "" for a preset */
    const char *weights;                /* file or folder for bundle_open; "" where there are none */
    struct config config;
    struct word head;                   /* that was asked for behind a plus; of no length while opening: none was */
    bool any_head;                      /* nobody has named one: the weights may tell */
    struct str shown;                   /* rk_model_show's text */
};

/* spec_head.c: of a model of which nobody has named the head: the first that has all tensors of its weights. */
rk_status spec_head(rk_ctx *ctx, rk_model *m) RK_CHECK;
/* spec_like.c: fails: the n bytes of text, the first `name` of them without a head, are no model; says which presets are called
 * much like it, or which there are. */
rk_status spec_unknown(rk_ctx *ctx, const char *text, size_t n, size_t name) RK_CHECK;
/* spec_typed.c: what is typed behind the colon, then what is asked for on top of it (more may be NULL), and all that follows from it. RK_E_ARG
 * for what cannot be, where preset or file alone would do. */
rk_status spec_override(rk_ctx *ctx, rk_model *m, const char *typed, const char *more) RK_CHECK;
/* A preset by its name or an alias; NULL: none. */
const struct preset *preset_find(const char *name, size_t length, const struct arch **arch);

/* What is built. Zeros: training is not assumed, batch 1, seq the context, parameters of f32 (dtype is RK_f64 only where
 * `wide` says that zero is meant). padded, source_padded: sequences, sources of a batch are of different
 * lengths. source: tokens of the source where there is an encoder, 0: as many as seq. positions: the bound of the cache when decoding, 0: the context.
 * ragged: when decoding, every row of the batch goes on from a place of its own: inputs places [batch], positions [batch seq] and lengths
 * [batch], places with what is new; several tokens at once only from equal places. log_sums: when decoding, the output log_sum [batch], too.
 * picks: FOR_LOGITS, logits of only so many positions of each sequence, which the input picks [batch pick] names; 0: of all.
 * most_blocks: of each tower, the first alone, to be priced as what stands for all (pass/shorten); 0: all are built. */
struct build_options {
    enum purpose purpose;
    int64_t batch, seq, positions, source, picks, most_blocks;
    int64_t beams;                      /* decoding: so many rows, side by side, go by one source; 0 or 1: each by its own */
    bool dropout, hidden_states, padded, source_padded, wide, ragged, log_sums;
    rk_dtype dtype;
    const struct forms *forms;          /* of weights that lie as their files have them (forms.h); not with a loss */
};

/* A graph of a model. refs are ids of `g`; names are those of its states and live as long as it does. */
struct built {
    rk_ctx *ctx;
    rk_graph *g;
    struct parameters parameters;       /* n that are trained; behind them constants, behind those inputs */
    int n_constants, n_inputs;
    const char *without;                /* roles of other heads of the family, which files may hold */
    struct map roles;                   /* name → its place in parameters, of all that are kept in files */
};

/* What is kept in files: parameters and constants. */
static inline int built_stored(const struct built *b) { return b->parameters.n + b->n_constants; }

/* Runs the family's wiring: inputs tokens [batch seq], lengths [batch] where padded, labels for a loss, last for decoding, of an
 * encoder source [batch source] and source_lengths where padded, which they always are when decoding, and what the family has
 * besides; outputs loss (a sum over labels >= 0), logits, hidden.0 .. E_ARG for sizes that make no sense, E_LIMIT for more positions than the model has. */
rk_status model_build(rk_ctx *ctx, const rk_model *m, const struct build_options *options, struct built *built) RK_CHECK;
/* The dims of such a graph whose sizes are the options' alone, and these sizes; errors as of model_build. Not for decoding. */
enum { MODEL_EXTENTS = 8 };
rk_status model_extents(rk_ctx *ctx, const rk_model *m, const struct build_options *options, struct dim_extent *extents, int *n) RK_CHECK;
void      built_close(struct built *b);
/* The parameter of this name; -1: none. */
int       built_find(const struct built *b, const char *role, size_t n);
/* Again, for whoever put them in another order. */
rk_status built_index(rk_ctx *ctx, struct built *b) RK_CHECK;
/* Those by which a training step has gradients: parameters, then inputs; the caller frees as many. */
rk_status model_wanted(rk_ctx *ctx, const struct built *b, struct parameter **wanted) RK_CHECK;
/* Whether it continues what it has read: FOR_DECODING is E_DECLINED where it does not. */
bool      model_decodes(const rk_model *m);
/* Whether it has an encoder, which reads a source. */
bool      model_has_encoder(const rk_model *m);
/* How many numbers a parameter has, by the sizes of its dims. */
int64_t   parameter_elements(const rk_graph *g, const struct parameter *p);

#endif
