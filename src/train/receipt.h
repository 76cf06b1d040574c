/* receipt.h: rows of the receipt: who is asked for what was predicted, and who for what was measured. */
#ifndef TRAIN_RECEIPT_H
#define TRAIN_RECEIPT_H
#include "train/training.h"
#include <math.h>

typedef double receipt_number(const rk_train *t);           /* NaN: not known of this run */
struct receipt_ask { const char *name, *entry, *unit; receipt_number *predicted, *measured; const char *note; };
struct receipt_part { const struct receipt_ask *rows; int n; };

extern const struct receipt_part receipt_memory, receipt_work;         /* receipt_memory.c, receipt_work.c */

static inline double receipt_unknown(const rk_train *t)
{
    (void)t;
    return NAN;
}

#endif
