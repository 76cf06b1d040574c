/* fit.h: what the files of `reckon fit` know of each other: what was asked, and the ways of running a model that were tried.
 *
 *   cmd_fit.c     options, the run           fit_search.c   which switches, in which order
 *   fit_print.c   what is said               fit_plan.c     the convention "plan": what this program itself allocates
 *   fit_json.c    the same for programs
 *
 * Memory by convention, machines, days and cost are those of `reckon count` (count.h). */
#ifndef CLI_FIT_H
#define CLI_FIT_H
#include "count.h"

enum { MOST_WAYS = 128, MOST_ANSWERS = 2 };
#define FIT_PLAN "plan"                       /* the convention of this program itself */

/* One way of running the model under a convention, and what it takes. */
struct way {
    const char *policy, *attention, *recompute, *zero;  /* "" where the convention has one way alone (plan) */
    int rank[4];                                /* which of the words: the order in which equals are tried */
    rk_books_line line;
    bool is_line;                               /* plan: memory is a line in the batch; the conventions': always */
    uint64_t again;                             /* FLOPs of products computed again, of one sequence */
    double cost;                                /* seconds at the machine's rates, or FLOPs without one, of one sequence */
    uint64_t needed;                            /* bytes of the sequences asked for */
    uint64_t batch, other_batch;                /* sequences at once: in the memory, and in as many GiB (or GB) */
    int64_t context;                            /* most tokens, of the sequences asked for */
};

/* What a convention says: the ways that are worth their price, the cheapest first, each taking less memory than those before. */
struct answer { const char *convention; struct way way[MOST_WAYS]; int n, best; };       /* best -1: none fits */

struct fit {
    struct counting k;
    const rk_accelerator *device;               /* NULL: none was named */
    uint64_t memory, reserve;                   /* memory 0: every machine of the table is asked */
    uint64_t other;                             /* as many GiB as memory has GB, or the other way round; 0: it is neither */
    int64_t batch, seq;                         /* sequences of a step on one device, 1 where it was not said; tokens of each */
    struct answer answer[MOST_ANSWERS];
    int n;
    rk_bill *plan;                              /* fit_plan.c: the first that was made, whose update all share */
};

static inline uint64_t fit_room(const struct fit *f, uint64_t memory) { return memory > f->reserve ? memory - f->reserve : 0; }

/* fit_search.c */
int fit_search(struct fit *f);                                          /* fills in the answers; an exit code */
const struct way *fit_cheapest(const struct answer *a, uint64_t room);  /* the first that takes no more than the room; NULL */
int64_t fit_micro_batch(const struct fit *f, uint64_t at_once);         /* the largest that divides the batch; 0: none */

/* fit_plan.c */
extern const char fit_plan_words[];
int fit_plan(struct fit *f, struct way *w);

/* fit_print.c, fit_json.c */
const char *fit_words(const struct answer *a);                          /* whose memory it is */
int fit_print(struct fit *f);
int fit_json(struct fit *f);

#endif
