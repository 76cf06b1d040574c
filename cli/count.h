/* count.h: what the files of `reckon count` know of each other: what was asked, the bills, and the parts of what is printed.
 *
 *   cmd_count.c      options, the run            count_table.c    the bill of one model
 *   count_many.c     several side by side        count_why.c      what is behind a number; JSON
 *   count_flops.c    FLOPs and MFU by convention count_memory.c   memory by convention, what fits
 *   count_machine.c  which machine; days, cost   count_roofline.c how long it takes at least (roof.c)
 *   count_switches.c bytes for FLOPs             count_books.c    how others run the model, from the options
 *   count_check.c    a run held against the bill count_timeline.c memory over the steps of the program
 *   count_context.c  over lengths of context     html.h           all of it as a page
 *
 * `reckon fit` asks some of the same: see fit.h. */
#ifndef CLI_COUNT_H
#define CLI_COUNT_H
#include "model.h"
#include "out.h"
#include "reckon/books.h"

enum { MOST_MODELS = 8 };

/* The same model with another length of context, one sequence. FLOPs: forward, of all its tokens; beyond: longer than its own. */
enum { CONTEXTS = 11, SHORTEST_CONTEXT = 128 };
struct context { uint64_t seq, tokens, flops, scores, parameters, cache, state, plan; bool beyond; };     /* state, plan: 0 where there is none */

struct counted { rk_model *model; rk_bill *bill; struct context context[CONTEXTS]; };     /* context: of a page */

/* The machine that was named, or put together from numbers. Zero: not known. */
struct machine { const char *name, *rate, *source; double peak, reached; uint64_t bytes, bandwidth; const rk_accelerator *row; };     /* row: whose rates hold by dtype; NULL: one for all */

struct counting {
    struct cli *c;
    rk_bill_settings s;
    rk_books books;
    struct machine machine;
    const char *letters;                    /* other letters for formulas; NULL: ours */
    int n;
    struct counted all[MOST_MODELS];
};

/* Rows for tables of options. The first four take their defaults. */
#define OPTIONS_OF_RUN(policy_, attention_, recompute_, zero_)                                                                                      \
    OPTION_OF_POLICY(policy_),                                                                                                                      \
    { "attention", 0, OPT_CHOICE, "eager|flash", attention_, "with its scores in memory or without" },                                              \
    { "recompute", 0, OPT_CHOICE, "none|gelu|norm|attention|full", recompute_, "what is forgotten and computed again" },                            \
    { "zero", 0, OPT_CHOICE, "0|1|2|3", zero_, "ZeRO's stage over the data-parallel ranks: optimizer, gradients too, weights too" },                \
    { "tp", 0, OPT_SIZE, NULL, "1", "tensor-parallel ranks (t)" },                                                                                  \
    { "pp", 0, OPT_SIZE, NULL, "1", "pipeline-parallel ranks (p)" },                                                                                \
    { "dp", 0, OPT_SIZE, NULL, "(--gpus over tp · pp, or 1)", "data-parallel ranks (dp)" },                                                         \
    { "interleave", 0, OPT_SIZE, NULL, "1", "pieces of the pipeline on each rank (m)" },                                                            \
    { "sequence-parallel", 0, OPT_FLAG, NULL, NULL, "norms and dropouts over the tensor-parallel ranks too" },                                      \
    { "gpus", 0, OPT_SIZE, NULL, "(tp · pp · dp)", "devices altogether (g)" },                                                                      \
    { "offload", 0, OPT_CHOICE, "none|optimizer|all", "none", "what DeepSpeed keeps on the host" },                                                 \
    { "edition", 0, OPT_INT, "YEAR", "(the model's, or 2025)", "of the CS336 handout: 2024, 2025, 2026" },                                          \
    { "logits", 0, OPT_CHOICE, "reuse|keep|inside", "reuse", "CS336: the loss keeps a number per token, its own copy of the logits, or nothing" },  \
    { "activation", 0, OPT_TEXT, "NAME", "(the family's usual)", "eager: in Hugging Face's spelling, gelu_new or gelu_pytorch_tanh ..." },          \
    { "traced", 0, OPT_FLAG, NULL, NULL, "eager: as tensors without data see it" }
#define OPTIONS_OF_MACHINE                                                                                                                          \
    { "device", 0, OPT_TEXT, "NAME", NULL, "whose peak, memory and bandwidth to use: a100, h100 ... (`reckon list devices`)" },                     \
    { "rate", 0, OPT_CHOICE, "f32|tf32|bf16|fp8|int8", "(that of the dtype or policy)", "which of the device's peaks" },                            \
    { "peak", 0, OPT_REAL, NULL, NULL, "operations per second, of any device: 312e12" }
#define OPTIONS_OF_TRAINING                                                                                                                         \
    { "tokens", 0, OPT_COUNT, NULL, NULL, "of a whole training: its FLOPs, days, cost" },                                                           \
    { "steps", 0, OPT_COUNT, NULL, NULL, "of a whole training, each of B · T tokens" },                                                             \
    { "flops", 0, OPT_TEXT, "NAME", "bill", "the convention that a training's FLOPs are counted by" },                                              \
    { "mfu", 0, OPT_REAL, NULL, "0.4", "the part of the peak that a training reaches" },                                                            \
    { "price", 0, OPT_REAL, NULL, NULL, "of one device for an hour" }

/* A line of the bill: entry NULL begins a part, under these words. */
enum unit { PART, COUNT, FLOPS, BYTES };
struct line { const char *entry, *words; enum unit unit; };

/* count_table.c */
struct say  short_form(enum unit unit, uint64_t n);
uint64_t    number_of(const rk_bill *bill, const char *entry);          /* 0 for an entry that is not there */
const char *formula_of(const rk_bill *bill, const char *entry);         /* "" likewise */
const char *spelled(const struct counting *k, rk_bill *bill, const char *formula);
void        headline(const struct counting *k, const struct counted *x);
const struct line *count_lines(const struct counting *k, int *n);       /* of the mode */
bool        line_shown(const struct counting *k, const struct line *line, const struct line *end);
int         print_one(struct counting *k, struct counted *x);

void print_many(struct counting *k);
void print_parts(struct counting *k);
enum { PARTS = 8, PART_SCORES = 2, PART_OTHER = PARTS - 1 };
int         part_of(const char *module, const char *label);              /* what it is part of, by its last name and what is done there ("" if nothing) */
const char *part_words(int part);                                       /* "feed-forward" */
int  print_why(struct counting *k, struct counted *x);
bool stands_in(const char *formula, const char *letter);                /* as a name of its own */
int  print_json(struct counting *k, struct counted *x);

int  print_conventions(struct counting *k, struct counted *x);
void json_utilisation(const struct counting *k, struct counted *x, struct json *j);
bool utilisation_asked(const struct counting *k);

int  print_memory(struct counting *k, struct counted *x);               /* the conventions of --memory */
int  memory_add(struct counting *k, struct counted *x);                 /* them alone, to the bill */
bool memory_of_plan(struct cli *c);                                     /* plan is among them */
int  print_switches(struct counting *k, struct counted *x, const char *convention);     /* count_switches.c */
/* FLOPs of a step's products that are computed again; "flops" has been added to the bill. Unknown where no convention says. */
#define FLOPS_UNKNOWN UINT64_MAX
uint64_t flops_again(const struct counted *x, const char *attention, const char *recompute);
void json_memory(struct counting *k, struct counted *x, struct json *j);

int  books_read(struct counting *k);                                    /* from OPTIONS_OF_RUN; an exit code */
int  books_check(const struct counting *k, const rk_model *m);          /* whether they can be of this model; likewise */
rk_rate policy_rate(rk_ctx *ctx, const char *policy);                   /* of most products */
int  machine_read(struct counting *k);                                  /* from OPTIONS_OF_MACHINE; likewise */
int  machine_named(struct cli *c, const rk_accelerator **a);            /* by --device; NULL where that was not given */
int  machine_use(struct counting *k, const char *name);                 /* one of the table */
bool roof_known(const struct counting *k);                              /* a peak and a bandwidth */
int  print_training(struct counting *k, struct counted *x);             /* days and cost, where asked */
void json_machine(const struct counting *k, struct json *j);
int  json_training(struct counting *k, struct counted *x, struct json *j);
bool training_asked(const struct counting *k);
int  training_check(const struct counting *k);                          /* its options; an exit code */

int  count_check(struct counting *k);                                   /* opens the model itself */

/* One operation of a phase after the other, each by itself: what it takes at least on the machine. */
struct walk { const rk_bill *bill; char name[64]; int i; };
enum { ROOF_ENTRIES = 3 };
struct roof_walk { const struct counting *k; struct walk entry[ROOF_ENTRIES]; int i; };
struct roof_op { rk_bill_reason what; double flops, bytes, seconds; bool computing; };     /* computing: bound by arithmetic */
static inline double roof_intensity(const struct roof_op *op) { return op->bytes > 0 ? op->flops / op->bytes : 0; }      /* FLOPs for a byte */
extern const char *const roof_phases[];                                  /* ends with NULL */
void roof_begin(struct roof_walk *w, const struct counting *k, const rk_bill *bill, const char *phase);
bool roof_next(struct roof_walk *w, struct roof_op *op);
int  print_roofline(struct counting *k, struct counted *x);
void json_roofline(const struct counting *k, const struct counted *x, struct json *j);

/* What is alive where most is. Free p.at. */
enum { MODULE_ROOM = 96 };
struct alive { char module[MODULE_ROOM]; const char *as; int values; uint64_t bytes; };     /* as: "kept going forward" */
struct peak { int step, forward, n; uint64_t bytes; struct alive *at; };                    /* forward: steps before the backward pass */
struct peak peak_of(const rk_bill *bill);
int  print_timeline(struct counting *k, struct counted *x);
void print_plan_why(struct counting *k, const rk_bill *bill, const char *name);         /* of a number of the plan: over its steps */
void json_timeline(struct counted *x, struct json *j);

int  contexts_of(struct counting *k, struct counted *x, const char *model);         /* fills x->context */
void json_contexts(const struct counted *x, struct json *j);
int  print_html(struct counting *k);                                    /* html_page.c */

#endif
