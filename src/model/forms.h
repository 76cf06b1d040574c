/* forms.h: how weights lie where they are used, if not as f32 in the order of the graph.
 *
 * A weight that is only multiplied with or looked up in can be read as its file has it: in its dtype and in the order of its
 * axes, so that a mapped file is the memory it is computed from, and nothing is converted, turned or copied. A form says so for
 * one parameter; the builder declares its state accordingly, and wiring never notices (block_stored.c).
 *
 * i8 comes with scales: state NAME.scale of f32, one per `block` neighbours along the last dimension, which is contracted. It lies in
 * rows, or, as f32 may, in the panels of core/panel.h: then the state has the dims of those, and `dims` are the ones that it stands for. */
#ifndef MODEL_FORMS_H
#define MODEL_FORMS_H
#include "base/map.h"
#include "io/bundle.h"
#include "model/arch.h"

struct built;
struct form { const char *name, *dims; rk_dtype dtype; int64_t blocks; bool panels; const struct bundle_entry *entry, *scale; };     /* blocks: scales of a row; 0: none */
struct forms { struct arena arena; struct map names; struct form *at; int n, room; };         /* zero it to begin */

/* Of the weights `found` (bind_match) for a graph built without forms: every one that can be used as it lies. They borrow from
 * the bundle. */
rk_status forms_find(rk_ctx *ctx, const struct arch *arch, const struct built *built, const struct bundle *b, const struct bundle_entry *const *found,
                     struct forms *forms) RK_CHECK;
void forms_free(rk_ctx *ctx, struct forms *forms);
const struct form *forms_get(const struct forms *forms, const char *name);          /* NULL: f32, in the order of the graph; forms may be NULL */

/* Whether every use of a weight in this graph multiplies with it, or looks up rows of it. */
bool forms_fits(const rk_graph *g, rk_ref weight);

/* --- integers with scales, in files: NAME of I8, NAME.scale of F32 (docs/formats.md) --- */

/* The axes of such a tensor: those of the float one, the contracted ones last. `last`: the last dim of the parameter. */
enum { AXES_TEXT = 256 };
rk_status forms_axes(rk_ctx *ctx, const char *axes, const char *last, char out[AXES_TEXT]) RK_CHECK;
/* The scales of an integer tensor, which must fit it; NULL: there are none, or they do not. */
const struct bundle_entry *forms_scale(const struct bundle *b, const struct bundle_entry *q);
/* What keeps integers from being taken where there are no such scales, "" of other tensors. */
const char *forms_trouble(const struct bundle *b, const struct bundle_entry *q);
/* How many numbers of such a tensor share a scale. */
int64_t forms_block(const struct bundle_entry *q, const struct bundle_entry *scale);
/* The same in rows, whichever way it lies: the n integers of a parameter and their scales, or its numbers. Floats in panels have no scale. */
void forms_rows(const struct bundle_entry *q, const struct bundle_entry *scale, int64_t n, int8_t *to, float *scales);
rk_status forms_numbers(rk_ctx *ctx, const struct bundle_entry *q, const struct bundle_entry *scale, int64_t n, float *to) RK_CHECK;

/* --- panels --- */

/* The notes by which a file says that its I8 or F32 tensors of five dimensions are panels, and in which order: files without them hold none. */
#define FORMS_PANELS_KEY  "int8_panels"
#define FORMS_PANELS_NOTE "[out/32][in/64][16][32][4], scales [out/32][in/64][32], out filled up with zeros"
#define FORMS_FLOAT_PANELS_KEY  "f32_panels"
#define FORMS_FLOAT_PANELS_NOTE "[out/16][in/64][16][4][16], out filled up with zeros"
/* Whether this has the rank of panels, which no tensor in rows has. */
bool forms_in_panels(const struct bundle_entry *q);
/* Whether it is read at all: integers have their scales, and what lies in panels has a file that says so. */
bool forms_readable(const struct bundle *b, const struct bundle_entry *q);
/* The shape of a matrix in rows becomes that of its panels. False: there is none. */
bool forms_panel_shape(bool floats, int *rank, int64_t shape[RK_MAX_RANK]);
/* NULL where a matrix that is stored in rows as `rows` says, with its contracted axis last, may lie in panels; else why not. block: numbers of a scale, 0: floats. */
const char *forms_no_panels(const rk_graph *g, rk_ref weight, int rank, const int64_t *rows, int64_t block);

#endif
