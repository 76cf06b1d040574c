/* train.h: a training run: a model, a device, tokens, and what happens over steps.
 *
 *   rk_train_options o = rk_train_defaults();
 *   rk_train *t;
 *   rk_train_setup s = { .model = model, .device = device, .data = { .tokens = &tokens, .document_end = -1 }, .options = &o, .output = "out" };
 *   if (rk_train_open(ctx, &s, &t) == RK_OK && rk_train_run(t, NULL, NULL) == RK_OK) ...
 *
 * A step is a function of (options, data, step): a run that was killed and resumed ends with the same bits as one that was
 * not, on the same device, with any number of threads. */
#ifndef RECKON_TRAIN_H
#define RECKON_TRAIN_H
#include "reckon/model.h"
#include "reckon/tok.h"
#include "reckon/tokens.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- options ---- */

typedef enum rk_schedule {
#define ROW(name, word, reads, rate) RK_SCHEDULE_##name,
#include "reckon/schedule.def"
#undef ROW
    RK_SCHEDULE_COUNT
} rk_schedule;
/* The learning rate of step t = 0, 1 .. ; a cycle not beyond the warm-up has no middle part. */
RK_API double rk_schedule_rate(rk_schedule schedule, double t, double high, double low, double warmup, double cycle);

/* How far Muon moves a matrix: like AdamW; by its shape, at least 1; by its shape. */
typedef enum rk_muon_rate { RK_MUON_MATCH_RMS, RK_MUON_ORIGINAL, RK_MUON_SPECTRAL } rk_muon_rate;

typedef enum rk_data_order { RK_ORDER_SHUFFLED, RK_ORDER_RANDOM } rk_data_order;

enum { RK_TRAIN_TEXT = 512 };
typedef struct rk_train_options {                        /* see train_options.def */
#define INT(field, key, standard, least, most, help) int64_t field;
#define AUTO(field, key, zero, most, help)           int64_t field;
#define REAL(field, key, standard, least, most, help) double field;
#define CHOICE(field, key, standard, words, help)    int field;
#define FLAG(field, key, help)                       bool field;
#define TEXT(field, key, help)                       char field[RK_TRAIN_TEXT];
#include "reckon/train_options.def"
#undef INT
#undef AUTO
#undef REAL
#undef CHOICE
#undef FLAG
#undef TEXT
} rk_train_options;

RK_API rk_train_options rk_train_defaults(void);
/* Sets what a JSON file names: an object of keys, or a checkpoint (its folder or its trainer.json). RK_E_FORMAT, by file and
 * key, for a key that is none and a value beyond its bounds; `options` is then as it was. */
RK_API RK_CHECK rk_status rk_train_options_read(rk_ctx *ctx, const char *path, rk_train_options *options);
/* The i-th option that nobody reads as long as another one is as it is: "momentum" is for optimizers "sgd, muon". A key of NULL past the end. */
typedef struct rk_train_unread { const char *key, *by; char readers[64]; bool usual; } rk_train_unread;       /* by: "optimizer", "schedule" or "policy"; usual: as rk_train_defaults has it */
RK_API rk_train_unread rk_train_unread_at(const rk_train_options *options, int i);

/* ---- a run ---- */

typedef struct rk_train rk_train;

/* The newest checkpoint below a folder whose checksums hold, "" where there is none; damaged ones are logged. */
RK_API RK_CHECK rk_status rk_train_newest(rk_ctx *ctx, const char *folder, char *path, size_t room);

/* What is learned from them follows from the model's head: the next token; with a masked one (BERT) tokens that are hidden, and with
 * +pretraining whether the second of two texts follows the first; with an encoder and decoder, targets of sources. */
typedef struct rk_train_data {
    const rk_tokens *tokens;             /* borrowed until rk_train_close; may lie in memory. Of pairs: the targets */
    const rk_tokens *source;             /* of pairs: as many sequences as there are targets; else NULL */
    const rk_tokens *validation, *validation_source;     /* NULL: options.validation of these: of documents or pairs at random, or of the end where there are few */
    int64_t          document_end;       /* the id after each document, or each sequence of a pair; -1: none */
    const rk_tok    *tok;                /* of the tokens, for masked ones: knows [MASK] and what is special; borrowed likewise */
    const char      *tokenizer;          /* folder whose tokenizer is copied into what is saved; NULL: none */
} rk_train_data;

typedef struct rk_train_setup {
    rk_model               *model;       /* both borrowed until rk_train_close */
    rk_device              *device;
    rk_train_data           data;
    const rk_train_options *options;     /* NULL: rk_train_defaults */
    const char             *output;      /* folder of checkpoints; NULL: nothing is saved */
    bool                    resume;      /* from the newest intact checkpoint in `output`; without one the run begins anew */
    bool                    any_kernels; /* also when this machine would compute otherwise than the one that saved it */
    uint64_t                memory_limit;       /* bytes that may be used, checked before anything is allocated; 0: not checked */
    const rk_ceilings      *ceilings;    /* what the device can do, measured (rk_device_ceilings); NULL: no MFU, no expected time */
    double                  promised_flops;     /* per second, of the device's data sheet (reckon/books.h); 0: none */
} rk_train_setup;

/* Weights come from the checkpoint when resuming, else from the model's folder where it has weights, else from the seed.
 * Errors: RK_E_NOMEM, with what would help, when the plan needs more than memory_limit; RK_E_ARG for tokens that the model
 * does not know or that are fewer than a sequence; RK_E_DIFFERS, by name, for a checkpoint of other options, data, kernels or policy;
 * RK_E_UNKNOWN for a policy that is none, or speaks of a module that is none;
 * RK_E_DECLINED for a model without a head; RK_E_MISSING for a tokenizer without [MASK]. */
RK_API RK_CHECK rk_status rk_train_open(rk_ctx *ctx, const rk_train_setup *setup, rk_train **train);
RK_API void rk_train_close(rk_train *train);
/* With what 0 stands for filled in: seq, source_seq, cycle. */
RK_API const rk_train_options *rk_train_options_of(const rk_train *train);

typedef struct rk_train_report {
    int64_t step, steps;                 /* done; altogether */
    double  loss;                        /* mean over the step's target tokens, nats; +pretraining: and the mean over its pairs of texts */
    double  learning_rate, gradient_norm;        /* the norm before clipping */
    double  validation_loss;             /* NaN where this step had none */
    bool    saved;                       /* a checkpoint was written */
    bool    skipped;                     /* the scaled gradients overflowed: nothing was changed, and the scale is halved */
    double  loss_scale;                  /* of this step; 1: the policy scales nothing */
    double  seconds, tokens_per_second;  /* of this step */
    double  mfu;                         /* model FLOPs (full attention, no recomputation) per second / measured peak of the products' dtype; 0: not measured */
    double  promised_mfu;                /* the same over promised_flops; 0: none */
    double  seconds_left;
} rk_train_report;
typedef bool rk_train_fn(void *user, const rk_train_report *report);      /* false: save and stop, RK_E_CANCELLED */

/* One step, or all that are left with validations and checkpoints between them. RK_E_LIMIT when the loss is not finite any
 * more, or the gradients are not though their scale is 1: what was saved before is intact. */
RK_API RK_CHECK rk_status rk_train_step(rk_train *train, rk_train_report *report);
RK_API RK_CHECK rk_status rk_train_run(rk_train *train, rk_train_fn *each, void *user);
RK_API int64_t rk_train_steps_done(const rk_train *train);

/* Mean loss over the validation tokens, without dropout; NaN where there are none. */
RK_API RK_CHECK rk_status rk_train_validate(rk_train *train, double *loss);
/* The loss of an interpolated bigram model on the same validation tokens, counted on the same training tokens: what a
 * network of the next token must beat; NaN for others. Its weight is found by EM on the last twentieth of the training tokens. */
RK_API RK_CHECK rk_status rk_train_bigram(rk_train *train, double *loss);

/* Writes output/step-NNNNNN (see docs/formats.md), all or nothing, and removes the oldest beyond `keep`. */
RK_API RK_CHECK rk_status rk_train_save(rk_train *train);
/* Writes config.json, model.safetensors (f32: of narrow parameters their master copies) and the tokenizer into a folder: what
 * generate reads. */
RK_API RK_CHECK rk_status rk_train_export(rk_train *train, const char *folder);
/* One parameter's gradient or value, dense, in the order of its dims in `rk_model_show`, as f32; for tests and tools. */
RK_API RK_CHECK rk_status rk_train_read(rk_train *train, rk_kind kind, const char *name, float *to, size_t elements);

/* ---- the receipt ---- */

/* What was predicted from the graphs and plans before the first step, and what was measured; NaN: not (yet) known. A row
 * whose name begins with a blank names a difference: how much of it is predicted, and how much was found. Units: "bytes",
 * "FLOP", "FLOP/s", "s", "1" (a ratio), "tokens/s". */
typedef struct rk_receipt_row { const char *name, *unit; double predicted, measured; const char *note, *entry; } rk_receipt_row;      /* entry: docs/json.md */
RK_API int            rk_receipt_rows(const rk_train *train);
RK_API rk_receipt_row rk_receipt_at(const rk_train *train, int i);

/* The same as `reckon train --receipt FILE.json` wrote it, read again: schema reckon.receipt/1. NaN where the file says null. */
enum { RK_RECEIPT_MOST = 64 };
typedef struct rk_receipt {
    char model[RK_TRAIN_TEXT], device[RK_TRAIN_TEXT];
    int64_t batch, accumulate, seq, source_seq, parameters;      /* source_seq 0: there is no encoder */
    bool dropout;
    rk_optimizer optimizer;
    bool no_momentum;                    /* its momentum was 0 */
    char policy[RK_TRAIN_TEXT];          /* "": fp32 */
    int n;
    struct { char entry[48], unit[16]; double predicted, measured; } row[RK_RECEIPT_MOST];
} rk_receipt;
/* RK_E_FORMAT, RK_E_MISSING by file and key. */
RK_API RK_CHECK rk_status rk_receipt_read(rk_ctx *ctx, const char *path, rk_receipt *receipt);

#ifdef __cplusplus
}
#endif
#endif
