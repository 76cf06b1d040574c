/* model.h: a described model: its family, its sizes, what it looks like and what it costs. No weights are needed.
 *
 * MODEL texts: a preset ("gpt2", "cs336-17m"), a directory with a config.json, a config.json, a file of weights beside one
 * (.safetensors, .bin, .pt, an index of shards), nanoGPT's ckpt.pt or the directory that holds it; each with a head behind a
 * plus, where it is not to be the usual one or that of the config.json: "bert-base-chinese+pretraining", "gpt2+model" (no head:
 * hidden states); each with overrides, in the spelling of files or by our names: "gpt2:n_layer=48,hidden=1600". A preset wins
 * over a directory of its name ("./gpt2"). Every key of a config.json is known, harmless, or refused by name. */
#ifndef RECKON_MODEL_H
#define RECKON_MODEL_H
#include "reckon/bill.h"
#include "reckon/device.h"
#include "reckon/dim.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rk_model rk_model;

RK_API RK_CHECK rk_status rk_model_open(rk_ctx *ctx, const char *spec, rk_model **model);
/* The same with more overrides, "hidden=1024,layer=8", as a sweep over sizes needs them: what the file or the preset says
 * without being asked to, and what is no more than its default of other fields (ff = 4*hidden), follows those. */
RK_API RK_CHECK rk_status rk_model_open_with(rk_ctx *ctx, const char *spec, const char *overrides, rk_model **model);
RK_API void        rk_model_close(rk_model *model);
RK_API const char *rk_model_name(const rk_model *model);                /* the preset's name, or the path */
RK_API const char *rk_model_family(const rk_model *model);              /* "gpt2" */
RK_API const char *rk_model_head(const rk_model *model);                /* "lm", "mlm", "model" ... */
RK_API const char *rk_model_title(const rk_model *model);               /* "GPT-2" */
/* Fields by reckon's own names: vocab position hidden layer head ff ...; "" or RK_E_UNKNOWN for what the family lacks. */
RK_API RK_CHECK rk_status rk_model_number(const rk_model *model, const char *field, double *value);
RK_API const char *rk_model_text(const rk_model *model, const char *field);
RK_API bool        rk_model_fills(const rk_model *model);               /* it learns what is hidden in a text, and fills it in: rk_fill */
RK_API bool        rk_model_has_encoder(const rk_model *model);         /* it reads a source first: rk_session_encode */
/* What a tensor became, and lost by it: the largest difference, and the root of the sum of squares by that of the numbers. in_rows: why
 * a matrix that was to be packed is not; "" of other tensors, NULL of what is packed. trained: it is a parameter, not a constant. */
typedef struct rk_converted { const char *name; rk_dtype from, to; int64_t block, elements; double worst, relative; bool packed, trained; const char *in_rows; } rk_converted;
/* How matrices lie: in rows, or in the panels that products of few rows read faster (i8 and f32). */
typedef enum rk_layout { RK_LAYOUT_PLAIN, RK_LAYOUT_PACKED } rk_layout;
typedef bool rk_converted_fn(void *user, const rk_converted *tensor);                   /* after each; false stops all */
/* Writes the weights into FOLDER as f32, f16, bf16 or i8 (integers with a scale per block: docs/formats.md), with config.json and the
 * files of the tokenizer. each may be NULL. Integers in blocks of the same size only change places: whatever was packed and is
 * unpacked is what it was. Errors: RK_E_ARG, by name, for a folder with a file of another model's tokenizer, which nothing would replace; RK_E_DECLINED where the dtype has no packed layout; RK_E_LIMIT for numbers that the dtype cannot hold; RK_E_CANCELLED, RK_E_IO,
 * and then what was there before is still there, and nothing else. */
RK_API RK_CHECK rk_status rk_model_convert(rk_model *model, const char *folder, rk_dtype dtype, rk_layout layout, rk_converted_fn *each, void *user);
RK_API bool        rk_model_has_weights(const rk_model *model);         /* the directory holds them */
RK_API const char *rk_model_folder(const rk_model *model);              /* "" for a preset */
/* How many numbers are trained; a tie counts once. Law: the same as the bill's. */
RK_API RK_CHECK rk_status rk_model_parameters(rk_model *model, uint64_t *parameters);
/* All presets, in order; NULL past the end. */
RK_API const char *rk_model_preset(int index);

/* All families, and the fields of each: our name, how files spell it ("n_embd | hidden_size"), its default (NULL: none) and,
 * of words, the choices. False past the last. */
typedef struct rk_family { const char *name, *title, *model_types; int presets; } rk_family;
typedef struct rk_field { const char *name, *spellings, *standard, *choices; bool word, training; } rk_field;
RK_API bool rk_family_at(int index, rk_family *family);
RK_API bool rk_family_field(const char *family, int index, rk_field *field);

/* What is priced. Zero: batch 1, seq the context, f32; a step of training with clipping and AdamW (in f32, whatever the
 * dtype); in the other modes the phase "forward" alone. Beside the entries of bill.h: bytes.cache_per_token, what decoding keeps for each token of one sequence; with plan:
 * bytes.plan.{parameters,gradients,optimizer,activations,workspace,update,inputs}, bytes.plan.{master,constants} where there are
 * any, bytes.plan.arena, the memory that step and update take in turn, and bytes.plan.total; flops.plan.{step,update} and flops.plan.elementwise.{step,update} (what is made
 * again counts again), in f32 or under a policy. */
typedef enum rk_bill_mode {
    RK_MODE_TRAIN,                      /* forward with its loss, backward, update */
    RK_MODE_EVAL,                       /* forward with its loss */
    RK_MODE_PREFILL,                    /* logits of every position */
    RK_MODE_DECODE                      /* one token of each sequence, seq positions with it: seq - 1 are in the cache */
} rk_bill_mode;
/* What a step is taken by; the words of `--optimizer`. */
typedef enum rk_optimizer {
#define ROW(name, word, title, reads) RK_OPTIMIZER_##name,
#include "reckon/optimizer.def"
#undef ROW
    RK_OPTIMIZERS
} rk_optimizer;
RK_API const char *rk_optimizer_word(rk_optimizer optimizer);       /* "adamw"; "" for none */
RK_API const char *rk_optimizer_title(rk_optimizer optimizer);      /* "AdamW"; likewise */
/* In which dtypes it is computed: a policy, and modules that differ: "amp-bf16,head=f32" (docs/policies.md). NULL past the end. */
typedef struct rk_policy { const char *word, *roles, *words; bool scaled; } rk_policy;       /* scaled: the loss is (rk_train_options.loss_scale) */
RK_API rk_policy rk_policy_at(int i);
RK_API RK_CHECK rk_status rk_policy_check(rk_ctx *ctx, const char *policy);                         /* RK_E_UNKNOWN, RK_E_ARG: what is wrong with it */
RK_API RK_CHECK rk_status rk_policy_products(rk_ctx *ctx, const char *policy, rk_dtype *dtype);     /* in which most products are computed */
typedef struct rk_bill_settings {
    rk_bill_mode mode;
    int64_t batch, seq;
    int64_t source_seq;                 /* tokens of the source, where there is an encoder; 0: as many as seq */
    bool padded;                        /* sequences may be of different lengths, as a training run has them where that makes a difference */
    rk_dtype dtype;
    bool zero_dtype_is_f64;             /* dtype 0 is f64: say so, or f32 is taken */
    bool plan;                          /* also what the program of this machine will allocate and issue (bytes.plan.*, flops.plan.*) */
    bool plan_alone;                    /* with plan: nothing but bytes.plan.* and flops.plan.*, sooner, and without time */
    bool plan_untimed;                  /* with plan: without its steps and values over time (rk_bill_step_at), sooner */
    bool plan_kept;                     /* with plan: the bill keeps its program, for those that are like it */
    rk_bill *like;                      /* with plan: a bill of the same model, whose settings differ in batch and lengths alone: sooner, by what they share, or NULL.
                                         * The program that it keeps is sized anew for this one, where nothing but sizes differs; the bill itself stays as it is */
    rk_device *device;                  /* for plan; NULL: the CPU back end */
    int64_t accumulate;                 /* for plan: micro-batches of a step (0: 1); more than one take an arena and inputs of their own size */
    rk_optimizer optimizer;
    bool no_momentum;                   /* SGD as with momentum 0: nothing is kept */
    const char *policy;                 /* NULL: "fp32". Another one: casts are nodes of the graph that is priced; dtype is f32 then */
    bool dropout;
    bool totals;                        /* sooner: no shares of groups, and no reasons but those of parameters and bytes, without formulas */
    bool numbers;                       /* nearly as soon: shares of groups too, without formulas; no more reasons than with totals */
} rk_bill_settings;
RK_API RK_CHECK rk_status rk_bill_of(rk_model *model, const rk_bill_settings *settings, rk_bill **bill);

/* The module tree: as text, or as JSON. The text belongs to the model until the next call. */
RK_API RK_CHECK rk_status rk_model_show(rk_model *model, const rk_bill_settings *settings, bool json, const char **text);

/* print(model) of the class that PyTorch users have for it, to the letter. RK_E_DECLINED where they have none. */
RK_API RK_CHECK rk_status rk_model_show_torch(rk_model *model, const char **text);
/* Its tensors in PyTorch's order, a line for each: name, kind (parameter, buffer, tie=NAME), shape (768x2304), dtype, apart by
 * tabs; ties after what they are tied to, buffers at the end, in the dtype that the class gives them. As JSON also `role`, our
 * name, and `bytes`, 0 for a tie. dtype: of the parameters. */
RK_API RK_CHECK rk_status rk_model_show_tensors(rk_model *model, rk_dtype dtype, bool json, const char **text);

/* Writes config.json into a folder, in the family's own spelling. */
RK_API RK_CHECK rk_status rk_model_save_config(rk_model *model, const char *folder);

/* --- what a load did: told to rk_options.loaded --- */

/* Every tensor of the files is one of used, ignored, tied, unexpected, misshapen; every parameter is used, missing or
 * misshapen. A load with missing, unexpected or misshapen ones fails. Texts live for the call. */
struct rk_loaded {
    const char *path;                   /* the file, the index, or the folder */
    const char *format;                 /* "safetensors" ... */
    uint64_t tensors;                   /* in the files */
    uint64_t used;
    uint64_t converted;                 /* of those used: stored in another dtype than it is computed in */
    uint64_t turned;                    /* of those used: stored in another order of its numbers */
    uint64_t ignored, tied;             /* known and of no use (buffers, other heads); the same numbers once more */
    uint64_t computed;                  /* in no file, and no matter of chance (sinusoids) */
    uint64_t missing, unexpected, misshapen;
    uint64_t bytes;                     /* of those used, as stored */
    const char *dtypes;                 /* that they are stored in, "f16", "f16 f32" */
    const char *notes;                  /* "NAME: what became of it", a line for each that was not just used */
};

/* --- the description held against a checkpoint, to the byte, by headers alone --- */

typedef enum rk_finding {
#define ROW(name, words, trouble) RK_CHECK_##name,
#include "reckon/check.def"
#undef ROW
    RK_CHECK_COUNT
} rk_finding;
RK_API const char *rk_finding_words(rk_finding finding);
RK_API bool        rk_finding_is_trouble(rk_finding finding);

typedef struct rk_check_row {
    rk_finding finding;
    const char *name;                   /* of a file, a tensor, or many tensors ("h.*.attn.bias"); "" */
    const char *text;                   /* what there is to say, or "" */
    bool has_dtype;
    rk_dtype dtype;
    int rank;                           /* -1: there is no one shape */
    const int64_t *shape;
    uint64_t tensors, numbers;          /* how many */
    uint64_t bytes;                     /* of a file; bytes that no row before it has counted */
    uint64_t header;                    /* of a file: bytes that no array has: headers, names, padding */
} rk_check_row;
typedef bool rk_check_fn(void *user, const rk_check_row *row);          /* false: stop, RK_E_CANCELLED; texts live for the call */

/* Law: file_bytes = header + parameters + ties + buffers + wrong + left, all in bytes. */
typedef struct rk_checked {
    uint64_t file_bytes, header_bytes, parameter_bytes, tie_bytes, buffer_bytes;
    uint64_t wrong_bytes;               /* of tensors that are trouble */
    uint64_t left_bytes;                /* of arrays that none of the tensors has: an optimizer's state beside the weights */
    uint64_t described;                 /* parameters of the description */
    uint64_t found;                     /* parameters that the files hold as described */
    int troubles;
} rk_checked;

/* Of a model with weights. Rows are told of as they are known: troubles first, then what the bytes are, then notes. Troubles are no
 * failure of this call: see result->troubles. No weight is read. Errors: RK_E_MISSING without weights, and what opening a file says. */
RK_API RK_CHECK rk_status rk_model_check(rk_model *model, rk_check_fn *each, void *user, rk_checked *result);

#ifdef __cplusplus
}
#endif
#endif
