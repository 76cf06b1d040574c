/* generate.h: what generate and translate share: prompts, settings, rows as they are made, and what it all cost.
 *
 *   generate_prompts.c   ids and texts, one prompt after another     generate_settings.c  options over what the folder says
 *   generate_rows.c      runs them in batches; the first row of each is printed as it comes, the others when it is through
 *   generate_memory.c    what memory it took */
#ifndef CLI_GENERATE_H
#define CLI_GENERATE_H
#include "command.h"
#include "reckon/device.h"
#include "reckon/infer.h"
#include "out.h"

struct list { uint32_t *at; size_t n; };                        /* ids, in memory of this command */
struct asked { struct list ids, source; uint64_t line; };        /* a prompt; of an encoder also what it reads; of a file its line */
struct text { char *at; size_t n, room; };

struct generating {
    struct cli *c;
    rk_model *model;
    rk_device *device;
    rk_weights *weights;
    rk_tok *tok;                                                 /* NULL: ids alone */
    rk_generation_config *config;
    rk_generating how;
    rk_beams beams;
    uint32_t *ends;
    const char **stops;
    struct asked *prompts;
    size_t n, room;
    bool (*print)(struct generating *g, const rk_ids *ids, struct text *text);      /* ids as text where there is no tokenizer; NULL: numbers */
    void *own;
    /* of the batch that runs: */
    struct text *rows;
    size_t live;                                                 /* the row that is printed as it comes */
    rk_generated spent;                                          /* of all */
    struct receipt *receipt;                                     /* with --receipt; or NULL */
    int64_t firsts;                                              /* rows so far that have a token: the first of each took no step */
};

/* "1,2 3": numbers apart by commas or blanks; prompts apart by semicolons. */
int prompts_add_ids(struct generating *g, const char *option, bool source);
int prompts_add_text(struct generating *g, const char *text, size_t n);
int prompts_read(struct generating *g);                          /* from PROMPT, --file and --ids */
struct asked *prompts_new(struct generating *g);
int prompts_start(struct generating *g, struct list *ids);       /* what a text begins with when nothing else does */
int prompts_check(struct generating *g);                         /* that the model can read them, before anything runs */
int  generate_open(struct generating *g);                        /* model, the folder's settings */
int  generate_settle(struct generating *g);                      /* tokenizer, and options over what the folder says */
int  generate_search(struct generating *g);                      /* the options of OPTIONS_SEARCH alone */
int  generate_greedy(struct generating *g);                      /* --greedy was typed: no beams; and nothing that is only of beams */
int  generate_rows(struct generating *g);
void receipt_begin(struct generating *g);                        /* generate_memory.c: nothing unless --receipt was typed */
void receipt_keep(struct generating *g);                         /* after each batch */
void receipt_json(const struct generating *g, struct json *j);
void receipt_table(struct generating *g);
void receipt_end(struct generating *g);
void generate_close(struct generating *g);

/* Rows for the tables of options. */
#define OPTIONS_SEARCH                                                                                                \
    { "max-new-tokens", 'm', OPT_SIZE,   NULL,     "(generation_config.json, or 64)", "stop after so many tokens" },   \
    { "beams",          'b', OPT_SIZE,   NULL,     "(generation_config.json, or 1)",  "search with so many beams; nothing is drawn" }, \
    { "length-penalty", 0,   OPT_REAL,   NULL,     "(generation_config.json, or 1)",  "of beams: sums are divided by new tokens to this power" }, \
    { "early-stopping", 0,   OPT_CHOICE, "false|true|never", "(generation_config.json, or false)", "of beams: when a search is through, as transformers has it" }, \
    { "repetition-penalty", 0, OPT_REAL, NULL,     "(generation_config.json, or 1)",  "above 1: tokens seen before are less likely" }, \
    { "no-repeat",      0,   OPT_SIZE,   NULL,     "(generation_config.json, or 0)",  "no sequence of so many tokens comes twice" }, \
    { "min-new-tokens", 0,   OPT_SIZE,   NULL,     "(generation_config.json, or 0)",  "no end before so many" },          \
    { "batch",          0,   OPT_SIZE,   NULL,     "16",    "rows side by side: prompts times samples or beams" },       \
    { "batch-invariant", 0,  OPT_FLAG,   NULL,     NULL,    "the same bits in any batch: rows go one by one, a token at a time" }, \
    { "plain",          0,   OPT_FLAG,   NULL,     NULL,    "leave generation_config.json aside" },                \
    { "receipt",        0,   OPT_FLAG,   NULL,     NULL,    "memory as it was predicted, beside what was measured" }

#endif
