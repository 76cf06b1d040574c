/* model.h: what commands that take a MODEL share: how it is opened, in which sizes it is priced, what is said of it. */
#ifndef CLI_MODEL_H
#define CLI_MODEL_H
#include "command.h"
#include "reckon/model.h"

/* Rows for a command's table of options. */
#define OPTIONS_OF_SIZE                                                                                               \
    { "batch", 'b', OPT_SIZE,   NULL,                "1",                     "sequences side by side (B)" },           \
    { "seq",   't', OPT_SIZE,   NULL,                "(the model's context)", "tokens per sequence (T)" },              \
    { "source-seq", 0, OPT_SIZE, NULL,               "(as many as --seq)",    "with an encoder: tokens per source (S)" },        \
    { "dtype", 0,   OPT_CHOICE, "f32|f16|bf16|f64",  "f32",                   "of parameters and activations" }

extern const char model_optimizers[];       /* "|adamw|sgd.." */
#define OPTION_OF_OPTIMIZER { "optimizer", 0, OPT_CHOICE, model_optimizers + 1, "adamw", "what the step ends with, after clipping" }
extern const char model_policies[];         /* which there are */
#define OPTION_OF_POLICY(standard) { "policy", 0, OPT_TEXT, "NAME", standard, model_policies }

/* The model of the first argument, by whoever wants its weights: a preset has none, so that where a folder is called like one, the
 * folder is meant (rk_model_name is then a path that opens it again). An exit code. */
int model_in_folder(struct cli *c, rk_model **model);
int model_no_tokenizer(struct cli *c, const rk_model *m, const char *instead);      /* an exit code, and says what is missing: a tokenizer, or all but sizes */
/* Is it a model that a command can do this with? Asked before weights are read; an exit code. */
enum model_use { MODEL_READS, MODEL_SCORES, MODEL_FILLS, MODEL_WRITES, MODEL_TRANSLATES };
int model_must(struct cli *c, const rk_model *m, enum model_use use);
int model_settings(struct cli *c, rk_bill_settings *s);             /* from those options; an exit code */
uint64_t model_size(const rk_model *m, const char *field);          /* 0 where the family has no such field */
/* "gpt2: GPT-2, V 50,257, P 1,024 ..., B 1, T 1,024, f32" on one or two lines. */
void model_headline(struct cli *c, const rk_model *m, const rk_bill_settings *s);
/* A bill takes a few milliseconds, half of them for memory that comes from the system and goes back to it, again and again: it stays. */
void model_keep_memory(void);
const char *model_complete(int i);                                  /* presets, for the shell */

#define MODEL_NOTES "MODEL is a preset (`reckon list`), a folder with a config.json, a config.json, a file of weights beside one (.safetensors, .bin, .pt, an index of shards), or nanoGPT's ckpt.pt. Fields can be " \
                    "overruled behind a colon, as files spell them or by their own names: gpt2:n_layer=48,n_embd=1600,n_head=25."

#endif
