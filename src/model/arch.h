/* arch.h: what a family of models is: its fields, its wiring, its names in checkpoints; and the builder its wiring speaks to.
 *
 * A family is one file (gpt2.c) and one row (list.def). Its wiring is written once, in blocks (block.h), and gives every graph:
 * training, evaluation, cached decoding. Differences between checkpoints are texts in a table, not ifs in a loader. */
#ifndef MODEL_ARCH_H
#define MODEL_ARCH_H
#include "base/str.h"
#include "reckon/graph.h"

enum { MOST_FIELDS = 40 };

enum field_kind { FIELD_INT, FIELD_REAL, FIELD_FLAG, FIELD_CHOICE };

/* One hyper-parameter. `spellings`: how config.json may call it, the one we write first; "rope_parameters.rope_theta" stands
 * inside an object, and is never the first. `standard`: what it is when the key is missing or null: NULL: it must be there;
 * else "1e-5", "true", "gelu_new", "4*hidden", "hidden/head", or "hidden"; "64|hidden": missing, and null where that is not the
 * same. `choices` of FIELD_CHOICE: "file spelling=ours", or a word that is both, by spaces. Numbers and flags lie within
 * [least, most]. A field that can have one value only says what is not done here, and is not written. */
struct field {
    const char *name, *spellings;
    enum field_kind kind;
    const char *standard;
    double least, most;
    const char *choices;
    bool training;                      /* only training asks: dropout rates, initialisation */
};

struct arch;
struct torch_row;
struct config {
    const struct arch *arch;
    int head;                           /* which of arch->heads */
    double value[MOST_FIELDS];          /* numbers and flags, per field */
    char text[MOST_FIELDS][24];         /* our word of a choice */
    const char *spelled[MOST_FIELDS];   /* where the field's choices have the word that the file took for it */
    bool given[MOST_FIELDS];            /* it stood in the file or on the command line */
    bool null[MOST_FIELDS];             /* it stood there as null */
};
int64_t     config_int(const struct config *c, const char *name);
double      config_real(const struct config *c, const char *name);
bool        config_flag(const struct config *c, const char *name);
const char *config_text(const struct config *c, const char *name);
bool        config_ends_in(const struct config *c, const char *head);          /* the model ends in this head: "lm", "model" ... */

/* What may stand at the end of a model, by the word behind a +, "bert-base-chinese+pretraining"; the first is meant where nobody
 * says. "model" is no head at all: hidden states. `classes`: what architectures in config.json calls it, the one we write first,
 * by spaces. `without`: roles of other heads, which files may hold and this one does not need, by spaces. */
struct head { const char *name, *classes, *without; };

/* What a model learns. Of what follows: labels are its own tokens, shifted by one. Of what is missing: labels stand where tokens
 * were masked; it reads both ways and continues nothing. Of another sequence: it has an encoder and a decoder. */
enum objective { LEARNS_NEXT, LEARNS_MASKED, LEARNS_TARGET };

/* Where a parameter is in files: role ("h.*.attn.q.weight"), names there ("a | b", the one we write first, * is the same
 * number), and the axes as stored ("hidden (three head head_dim)": one group per stored dimension). role NULL: known names
 * that are no parameters, with the reason in `axes`. A binding whose role the model does not have is skipped. */
struct binding { const char *role, *names, *axes; };

/* A named size: fields as "n_embd=768 n_layer=12 ...", in the spelling of files; "+model" in front where its head is not the
 * family's first. */
struct preset { const char *name, *aliases, *fields; };

/* Truncated: at 3 standard deviations. Uniform: within ± deviation. Sinusoids: row t of a table of positions has sin and cos of
 * t / 10000^(2i/D) in pairs, or all sines and then all cosines. */
enum init_kind { INIT_ZEROS, INIT_ONES, INIT_NORMAL, INIT_TRUNCATED, INIT_UNIFORM, INIT_SINUSOID_PAIRS, INIT_SINUSOID_HALVES };
struct init { enum init_kind kind; double deviation; };
/* Number i of a table with rows of `width` that is no matter of chance: zeros, ones, sinusoids. */
double init_known(enum init_kind kind, uint64_t i, int64_t width);


/* Decoding of an encoder and decoder takes two graphs: encoding reads the source once and keeps what every later token attends
 * to; decoding goes on from there. */
enum purpose { FOR_TRAINING, FOR_SCORING, FOR_LOGITS, FOR_DECODING, FOR_ENCODING };

/* What is built, and what comes of it. kind: a parameter is trained; a constant is a table that is loaded or computed, and stays;
 * an input is a value from outside by which gradients are wanted. in_block: it stands in a block, neither embedding nor head.
 * axes, axis: the axes of the stored tensor, and on which of them each of its dims lies; axes 0: as many as dims, in order. */
struct parameter {
    rk_ref ref;
    const char *name;
    struct init init;
    bool decays;
    rk_kind kind;
    bool in_block;
    int axes, axis[RK_MAX_RANK];
    int like;                           /* 0; where only a price is wanted: which one before it, + 1, is stepped for both (price_update) */
};
struct parameters { struct parameter *at; int n, room; };
/* A weight as wiring sees it, and what it is behind that: a state in its own order and dtype, and its scales or 0; of one in panels the
 * dims that it stands for, in the order of its rows. */
struct kept { rk_ref seen, state, scale; const char *panels; bool turned; };
struct forms;
struct builder {
    rk_ctx *ctx;
    rk_graph *g;
    const struct config *c;
    enum purpose purpose;
    int64_t batch, seq, positions;      /* positions: the bound of the cache when decoding */
    int64_t source;                     /* tokens of the source, where there is an encoder */
    int64_t beams;                      /* rows that go by one source; more than 1 only FOR_DECODING: batch is sources times beam */
    int64_t picks;                      /* positions of a sequence that get logits; 0: all, or while decoding the last */
    int64_t most_blocks;                /* of a tower; 0: all that it has */
    bool padded, source_padded;         /* sequences, sources are of different lengths: inputs lengths, source_lengths [batch] */
    bool ragged;                        /* decoding, each row from a place of its own: inputs places, positions, lengths */
    bool log_sums;                      /* decoding gives log_sum, too: what logits lack to be logarithms of probabilities */
    const struct stack *stack;          /* the dimensions of the tower that is being built: block.h */
    bool dropout;                       /* only FOR_TRAINING with rates above 0 */
    bool hidden_states;                 /* outputs hidden.0 .. hidden.L */
    rk_dtype dtype;                     /* of parameters and activations */
    int layer;                          /* the block that is being built */
    bool in_block;                      /* one is being built: neither embeddings nor heads */
    const char *wanted;                 /* the dimension that goes on instead of seq, in the last block and behind it: rows of it alone are asked for; NULL: all are */
    rk_ref loss;                        /* what was added to it so far, or 0 */
    struct parameters parameters, constants, inputs;
    const struct forms *forms;          /* of weights that lie as their files have them; NULL: none do */
    struct { struct kept *at; int n, room; } kept;
};

struct arch {
    const char *name, *title;           /* "gpt2", "GPT-2" */
    const char *model_types;            /* config.json's model_type, by spaces */
    const struct head *heads;           /* ends with name NULL */
    enum objective objective;
    const char *tell;                   /* keys without any of which a file that names no model_type is not of this family; NULL: none */
    const char *mistaken;               /* "TYPE: advice": a model_type that files of this family wrongly bear; NULL: none */
    const struct field *fields;         /* ends with name NULL */
    const struct preset *presets;
    const struct binding *bindings;
    const char *prefix;                 /* put before names in files that we write */
    const char *bare;                   /* those of them that get no prefix, by spaces: "lm_head.*" */
    const char *ties;                   /* "head.weight=embed.weight": a role that the model lacks is this other one; by spaces */
    bool parts_in_f32;                  /* its makers' f64 is good to 1e-7: rotary tables or scores are made in f32 whatever the rest is */
    const char *echoes;                 /* "rope_theta=theta": keys that say a field's number again, and may not say another; by spaces; NULL: none */
    const char *harmless;               /* keys of config.json that change nothing here, by spaces; a trailing * stands for any ending */
    /* Refuses what the fields cannot say: combinations, keys set to what is not done. NULL: nothing to refuse. */
    rk_status (*check)(rk_ctx *ctx, const struct config *c);
    /* Dimensions, inputs, wiring, outputs: everything from tokens to logits or loss. */
    void (*build)(struct builder *b);
    const struct torch_row *torch;      /* the modules of the class that PyTorch users have for it (torch.h); NULL: there is none */
};

extern const struct arch *const arch_list[];        /* model/list.c; ends with NULL */

#endif
