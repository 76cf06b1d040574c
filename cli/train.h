/* train.h: the parts of `reckon train`: what it learns from (train_data.c, train_pairs.c), what it says (train_show.c,
 * train_receipt.c), and the command. */
#ifndef CLI_TRAIN_H
#define CLI_TRAIN_H
#include "input.h"
#include "out.h"
#include "reckon/train.h"

/* A row of tokens: a file, or made here of texts. */
struct train_row { rk_tokens tokens; uint32_t *ids; size_t room; bool mapped; };

struct training {
    struct cli *c;
    rk_train_options options;
    rk_tok    *tok;                     /* NULL: token files alone */
    rk_model  *model;
    rk_device *device;
    rk_train  *train;
    rk_ceilings ceilings;
    struct train_row text, source;      /* of pairs: targets and sources; else source is empty */
    int64_t    end;                     /* id after a document; -1 */
    char       checkpoint[4096];        /* that is resumed; "" */
    int64_t    first;                   /* steps done before */
    struct progress line;
    struct json json;
    double     loss, validation;        /* the last ones */
};

int  train_tokenizer(struct training *t);                           /* and the token after a document; these give exit codes */
int  train_data(struct training *t);                                /* tokens from the arguments, as the model wants them */
void train_data_free(struct training *t);
bool train_is_tokens(const char *path);
int  train_token_file(struct training *t, const char *path, struct train_row *row);
/* Texts onto a row, an end behind each that has none. */
int  train_encode(struct training *t, const rk_text *texts, size_t n, struct train_row *row);
int  train_pairs(struct training *t);                               /* train_pairs.c: both rows */

int  train_bill(struct training *t);                                /* what it will cost, before the first step */
bool train_each(void *user, const rk_train_report *r);              /* an rk_train_fn */
struct say  train_amount(const char *unit, double x, bool plus);    /* a number of a receipt; plus: with its sign */
const char *train_unit(const char *unit);                           /* as people write it */

int  train_receipt(struct training *t);
uint64_t train_memory(const rk_device *device);                     /* bytes that this process may still take there; 0: not known */

#endif
