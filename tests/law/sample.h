/* sample.h: random small graphs to state laws about: one maker per operation, over random named shapes and views.
 *
 * Everything follows from one number: a failing law prints it with the operation and the shape, after the same number has
 * been tried with smaller sizes ("shrunk"). Sizes 0 and 1 are drawn on purpose. Operands are dense leaves or views of larger
 * ones: ordered, sliced, split, merged, selected, renamed, spread. Values keep away from kinks and poles. */
#ifndef LAW_SAMPLE_H
#define LAW_SAMPLE_H
#include "evaluate.h"
#include "test.h"

enum { MOST_LEAVES = 24, SAMPLE_TEXT = 16384 };

enum domain { ANY_SIGN, POSITIVE, INDEX };                 /* INDEX: integers 0 .. below-1 */

struct leaf { rk_ref ref; enum domain domain; int64_t below; bool loose, ignored; };      /* loose: some ids are outside; ignored: some are -100 */

struct sample {
    rk_ctx *ctx;
    rk_graph *g;
    uint64_t seed, drawn;
    int largest, steps;             /* sizes are drawn up to here; graphs of many operations have so many */
    bool zeros, views, ties;        /* may dims be empty; are operands views; may a view repeat elements (spread) */
    bool distinct;                  /* ids are different from each other where that is possible */
    int fn;                         /* the maker's */
    int n_leaves, n_dims, n_names;
    rk_dim live;                    /* a live dimension, or 0, and its extent in this sample */
    int64_t extent;
    struct leaf leaf[MOST_LEAVES];
    rk_ref y;                       /* what the maker made */
    rk_ref operand[MOST_OPERANDS];  /* of y, as the maker sees them (some are 0) */
    bool failed;
    char message[SAMPLE_TEXT], notes[SAMPLE_TEXT / 2];
};

uint64_t draw(struct sample *s, uint64_t below);
double   draw_unit(struct sample *s);                                   /* [0, 1) */
rk_dim   draw_dim(struct sample *s);                                    /* a fresh dimension of random size */
rk_dim   draw_dim_of(struct sample *s, int64_t size);
void     draw_order(struct sample *s, int n, rk_dim *dims);             /* shuffles */
const char *dim_text(const struct sample *s, rk_dim d);
void     dims_names(const struct sample *s, int n, const rk_dim *dims, char *text);     /* room for 512 */
/* A value of these dimensions: a leaf, or views of a leaf whose elements are laid out otherwise. */
rk_ref   draw_operand(struct sample *s, rk_dtype dtype, enum domain domain, int n, const rk_dim *dims);
rk_ref   draw_ids(struct sample *s, int64_t below, bool loose, int n, const rk_dim *dims);
rk_ref   draw_leaf(struct sample *s, rk_dtype dtype, enum domain domain, int n, const rk_dim *dims);
/* Values for every leaf: the same for the same sample. */
void     sample_fill(struct sample *s, struct values *v);
/* The law does not hold: kept, with the graph; the first one counts. */
/* What else to print when it fails: call it before. */
void     sample_notes(struct sample *s, const char *text);
void     sample_fails(struct sample *s, const char *format, ...) RK_PRINTF(2, 3);
#define HOLDS(s, condition) do { if (!(condition)) sample_fails(s, "%s:%d: %s", __FILE__, __LINE__, #condition); } while (0)
#define NEAR(s, a, b, eps) do { double a_ = (a), b_ = (b), e_ = (eps); if (!(fabs(a_ - b_) <= e_) && !(a_ == b_)) sample_fails(s, "%s:%d: %s is %.17g, expected %.17g within %g", __FILE__, __LINE__, #a, a_, b_, e_); } while (0)

struct maker { const char *name; const struct opdef *op; void (*make)(struct sample *s); unsigned traits; int fn; };     /* fn: of map */
enum traits {
    HAS_GRADIENT = 1,       /* by its floating leaves */
    IS_FUSED = 2,
    HAS_BILL = 4,           /* a reference that can be counted */
};
extern const struct maker makers[];                                     /* makers.c; ends with name NULL */

/* The sample with fused operations written out, but for those `keep` wants (NULL: none); its leaves and y in the new graph, which
 * the caller closes. False: it failed, and s says why. */
bool     sample_write_out(struct sample *s, bool (*keep)(void *user, const rk_graph *g, rk_ref r), void *user, struct sample *out);
/* What went wrong in a derived sample is what went wrong. */
void     sample_blame(struct sample *s, const struct sample *derived);

typedef void law_body(struct sample *s);
struct law { law_body *body; int rounds; int largest; bool zeros, views, ties, distinct; };
/* Makes samples and runs the body on each; shrinks and reports. name NULL: every maker `wanted` says yes to (NULL: all). */
void law_for_makers(const char *file, int line, const struct law *law, const char *name, bool (*wanted)(const struct maker *m));
#define FOR_MAKERS(law, name, wanted) law_for_makers(__FILE__, __LINE__, &(law), (name), (wanted))
void law_for_seeds(const char *file, int line, const char *what, const struct law *law);         /* the body makes its own graph */
#define FOR_SEEDS(what, law) law_for_seeds(__FILE__, __LINE__, (what), &(law))

#endif
