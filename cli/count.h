/* count.h: what the files of `reckon count` know of each other: what was asked, the bills, and the parts of what is printed.
 *
 *   cmd_count.c      options, the run            count_table.c    the bill of one model
 *   count_many.c     several side by side        count_why.c      what is behind a number; JSON
 *   count_flops.c    FLOPs and MFU by convention count_memory.c   memory by convention, what fits
 *   count_machine.c  which machine; days, cost   count_roofline.c how long it takes at least
 *   count_switches.c bytes for FLOPs */
#ifndef CLI_COUNT_H
#define CLI_COUNT_H
#include "model.h"
#include "out.h"
#include "reckon/books.h"

enum { MOST_MODELS = 8 };

struct counted { rk_model *model; rk_bill *bill; };

/* The machine that was named, or put together from numbers. Zero: not known. */
struct machine { const char *name, *rate, *source; double peak, reached; uint64_t bytes, bandwidth; };

struct counting {
    struct cli *c;
    rk_bill_settings s;
    rk_books books;
    struct machine machine;
    const char *letters;                    /* other letters for formulas; NULL: ours */
    int n;
    struct counted all[MOST_MODELS];
};

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
int  print_why(struct counting *k, struct counted *x);
int  print_json(struct counting *k, struct counted *x);

int  print_conventions(struct counting *k, struct counted *x);
void json_utilisation(const struct counting *k, struct counted *x, struct json *j);
bool utilisation_asked(const struct counting *k);

int  print_memory(struct counting *k, struct counted *x);               /* the conventions of --memory */
int  print_switches(struct counting *k, struct counted *x, const char *convention);     /* count_switches.c */
void json_memory(struct counting *k, struct counted *x, struct json *j);

int  machine_read(struct counting *k);                                  /* from the options; an exit code */
int  print_training(struct counting *k, struct counted *x);             /* days and cost, where asked */
void json_machine(const struct counting *k, struct json *j);
int  json_training(struct counting *k, struct counted *x, struct json *j);
bool training_asked(const struct counting *k);

int  print_roofline(struct counting *k, struct counted *x);
void json_roofline(const struct counting *k, const struct counted *x, struct json *j);

#endif
