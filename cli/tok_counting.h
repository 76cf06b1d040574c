/* tok_counting.h: what `tok count` and `tok train` share: which words are counted by which rules, and the progress of it. */
#ifndef CLI_TOK_COUNTING_H
#define CLI_TOK_COUNTING_H
#include "input.h"
#include "out.h"
#include "reckon/counts.h"

#define COUNTING_OPTIONS                                                                                                                                             \
    { "special",       's', OPT_LIST,   "TOKEN",             "(<|endoftext|>; [PAD] [UNK] [CLS] [SEP] [MASK])", "a special token; text is cut where one stands; \"\" for none" },                     \
    { "separator",     0,   OPT_TEXT,   "LINE",              NULL,        "a line between documents, such as %" },                                                   \
    { "field",         0,   OPT_TEXT,   "NAME",              NULL,        "INPUT has a JSON object a line, and this field of it is a document" },                    \
    { "pattern",       'p', OPT_TEXT,   "gpt2|cl100k|o200k|REGEX", "gpt2",  "what cuts text into words: a known pattern, or a regular expression" },                 \
    { "model",         0,   OPT_CHOICE, "bpe|wordpiece",     "bpe",       "byte-level BPE, or WordPiece as BERT has it" },                                           \
    { "units",         0,   OPT_CHOICE, "documents|lines",   "documents", "what is cut into words for itself" },                                                     \
    { "counts",        0,   OPT_FILE,   NULL,                NULL,        "INPUT, and this, are counts files (tok count), or JSON objects of words and their counts" }, \
    { "memory",        'm', OPT_SIZE,   "BYTES",             "(half of the machine's)", "how much to take; words that do not fit go through files" },                \
    { "temporary",     0,   OPT_FOLDER, NULL,                "(the folder of the output)", "where those files are; nothing stays there" }

struct counting { struct cli *c; rk_counting how; char *folder; rk_counts *counts; struct input in; struct progress line; const char *stage; uint32_t vocab_size; uint64_t most, program; char *sample; size_t n_sample; };      /* most: bytes that are told of beforehand, without `program`, which takes some whatever it does; sample: the beginning of the text */

enum { COUNTING_SAMPLE = 4 << 20 };

uint64_t counting_memory(const struct cli *c);              /* what may be taken */
/* Opens, and adds what the arguments name. Returns an exit code, and has said why; counting_end in any case. */
int  counting_begin(struct cli *c, struct counting *k);
int  counting_add(struct counting *k);
bool counting_progress(void *user, const rk_tok_progress *p);
void counting_end(struct counting *k);

#endif
