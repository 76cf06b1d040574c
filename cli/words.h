/* words.h: what fill, embed and score share, and generate of it the tokenizer: a model with its tokenizer and its device, read by whole texts; lists of ids. */
#ifndef CLI_WORDS_H
#define CLI_WORDS_H
#include "device.h"
#include "input.h"
#include "load.h"
#include "model.h"
#include "out.h"
#include "reckon/encoding.h"
#include "reckon/read.h"

struct words {
    struct cli *c;
    rk_model   *model;
    rk_tok     *tok;                    /* NULL: the folder has none, and none was named */
    rk_device  *device;
    rk_weights *weights;
    rk_reader  *reader;
};

#define OPTION_TOKENIZER                                                                          \
    { "tokenizer", 'k', OPT_FOLDER, NULL, "(DIR)", "the tokenizer" },                            \
    { "lowercase", 0,   OPT_FLAG,   NULL, NULL,    "of a vocab.txt: lower-case the text, and drop accents" }
#define OPTION_IDS       { "ids", 0, OPT_TEXT, "1,2,3", NULL, "a text as ids, special tokens and all; needs no tokenizer" }

/* The tokenizer of --tokenizer, else of the model's folder: one that has none is one of ids, and *tok stays NULL. An exit code. */
int  words_tokenizer(struct cli *c, const rk_model *model, bool lowercase, rk_tok **tok);
/* The first argument and its tokenizer, then, when the command has read what it was given, the weights: each an exit code, and has said why. */
int  words_open(struct words *w, enum model_use use);
int  words_load(struct words *w, rk_reading what);
void words_close(struct words *w);
int  words_need_tokenizer(struct words *w);
/* "1,2 3" of an option: numbers apart by commas or blanks; in memory of the command, which frees ids->at. */
int  words_ids(struct cli *c, const char *option, rk_ids *ids);
/* Has a model of so many tokens all of these ids? An exit code; typed: they came by hand, and not from a tokenizer. */
int  words_within(struct cli *c, const char *name, const uint32_t *ids, size_t n, double vocab, bool typed);
/* A text as the model takes it, [CLS] and [SEP] around it where its tokenizer has them; truncate 0: all of it. */
int  words_encode(struct words *w, rk_text text, size_t truncate, rk_encoding *out);
/* The text of one token, or its number. */
struct word_text { char at[80]; };
struct word_text words_token(const struct words *w, uint32_t id);
/* "model", "device" at the beginning of an object; "loaded" and "profile" at its end. */
void words_head_json(const struct words *w, const char *schema, struct json *j);
void words_tail_json(const struct words *w, struct json *j);

#endif
