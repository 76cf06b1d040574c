/* sweep.h: what a sweep is over, what it shows, and what came of it.
 *
 *   cmd_sweep.c   options, the run     sweep_point.c   one model     sweep_print.c   as text, CSV, JSON */
#ifndef CLI_SWEEP_H
#define CLI_SWEEP_H
#include "range.h"
#include "model.h"

enum { SWEEP_KNOBS = 4, SWEEP_COLUMNS = 12, SWEEP_FIELDS = 64 };

/* One number, or the word of a field. */
struct cell { uint64_t number; char word[48]; };
struct row { struct cell cell[SWEEP_COLUMNS]; bool stretched; };   /* stretched: beyond the model's own context */

struct sweep {
    int n_knobs, n_columns;
    size_t n_rows, rows_room;
    struct range knob[SWEEP_KNOBS];
    char *shows, *column[SWEEP_COLUMNS];        /* names of what is shown; the texts are in `shows` */
    struct row *rows;                           /* the last knob changes fastest */
    bool stretched;
    double field[SWEEP_FIELDS];                 /* of the first point */
    bool follows[SWEEP_FIELDS];                 /* fields that changed though nobody swept them */
    rk_bill *kept;                              /* whose program others are sized from, and what it is of; NULL: none yet */
    struct sweep_point { char overrides[512]; rk_bill_settings settings; } kept_of;
    char family[32], title[64];
};

/* The value of a knob in a row. */
const char *sweep_at(const struct sweep *s, size_t row, int knob);
int  sweep_fill(struct cli *c, struct sweep *s, size_t row, const rk_bill_settings *settings);       /* a row; an exit code */
void sweep_print(struct cli *c, const struct sweep *s, bool exact);
void sweep_csv(struct cli *c, const struct sweep *s);
void sweep_json(struct cli *c, const struct sweep *s);

#endif
