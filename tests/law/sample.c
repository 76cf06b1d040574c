/* sample.c: see sample.h. */
#include "sample.h"
#include "pass/pass.h"
#include <stdarg.h>
#include <stdlib.h>

uint64_t draw(struct sample *s, uint64_t below)                     /* splitmix64 */
{
    uint64_t z = s->seed * 0xd1342543de82ef95u + ++s->drawn * 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return below == 0 ? z : z % below;
}

double draw_unit(struct sample *s) { return (double)(draw(s, 0) >> 11) * 0x1p-53; }

rk_dim draw_dim_of(struct sample *s, int64_t size)
{
    char name[32];
    (void)snprintf(name, sizeof name, "d%d", ++s->n_dims);
    return rk_dim_new(s->g, name, 'A', size);
}

/* The random number is drawn whatever is done with it, so that shrinking keeps the rest as it is. */
rk_dim draw_dim(struct sample *s)
{
    uint64_t kind = draw(s, 20), size = draw(s, 0);
    if (kind == 0 && s->zeros) return draw_dim_of(s, 0);
    if (kind < 4 || s->largest < 2) return draw_dim_of(s, 1);
    return draw_dim_of(s, 2 + (int64_t)(size % (uint64_t)(s->largest - 1)));
}

void draw_order(struct sample *s, int n, rk_dim *dims)
{
    for (int i = n - 1; i > 0; i--) {
        int k = (int)draw(s, (uint64_t)i + 1);
        rk_dim d = dims[i];
        dims[i] = dims[k];
        dims[k] = d;
    }
}

const char *dim_text(const struct sample *s, rk_dim d) { return dim_name(s->g, d); }

void dims_names(const struct sample *s, int n, const rk_dim *dims, char *text)
{
    text[0] = '\0';
    for (int i = 0; i < n; i++) (void)snprintf(text + strlen(text), 512 - strlen(text), "%s%s", i > 0 ? " " : "", dim_text(s, dims[i]));
}

rk_ref draw_leaf(struct sample *s, rk_dtype dtype, enum domain domain, int n, const rk_dim *dims)
{
    char text[512], name[32];
    dims_names(s, n, dims, text);
    (void)snprintf(name, sizeof name, "x%d", ++s->n_names);
    rk_ref r = draw(s, 3) == 0 ? rk_state(s->g, RK_PARAMETER, name, dtype, text) : rk_input(s->g, name, dtype, text);
    if (r != 0 && s->n_leaves < MOST_LEAVES) s->leaf[s->n_leaves++] = (struct leaf){ .ref = r, .domain = domain };
    return r;
}

/* --- one view more between the leaf and what is asked for: each makes a stranger operand and looks at it --- */

static rk_ref wrapped(struct sample *s, rk_dtype dtype, enum domain domain, int n, const rk_dim *dims, int depth);

static rk_ref by_order(struct sample *s, rk_dtype dtype, enum domain domain, int n, const rk_dim *dims, int depth)
{
    rk_dim other[RK_MAX_RANK];
    char text[512];
    for (int i = 0; i < n; i++) other[i] = dims[i];
    draw_order(s, n, other);
    dims_names(s, n, dims, text);
    return rk_order(s->g, wrapped(s, dtype, domain, n, other, depth), text);
}

static rk_ref by_slice(struct sample *s, rk_dtype dtype, enum domain domain, int n, const rk_dim *dims, int depth)
{
    rk_dim other[RK_MAX_RANK];
    int axis = (int)draw(s, (uint64_t)n);
    int64_t start = (int64_t)draw(s, 3);
    for (int i = 0; i < n; i++) other[i] = dims[i];
    other[axis] = draw_dim_of(s, dim_size(s->g, dims[axis]) + start + (int64_t)draw(s, 2));
    return rk_slice(s->g, wrapped(s, dtype, domain, n, other, depth), dim_text(s, other[axis]), start, dim_text(s, dims[axis]));
}

static rk_ref by_split(struct sample *s, rk_dtype dtype, enum domain domain, int n, const rk_dim *dims, int depth)
{
    rk_dim other[RK_MAX_RANK];
    char text[512];
    int axis = (int)draw(s, (uint64_t)n - 1);
    for (int i = 0; i < n; i++) other[i < axis + 1 ? i : i - 1] = dims[i];
    other[axis] = draw_dim_of(s, dim_size(s->g, dims[axis]) * dim_size(s->g, dims[axis + 1]));
    dims_names(s, 2, dims + axis, text);
    return rk_split(s->g, wrapped(s, dtype, domain, n - 1, other, depth), dim_text(s, other[axis]), text);
}

/* One dimension as the merger of two: its size as 1 times itself, or halved. */
static rk_ref by_merge(struct sample *s, rk_dtype dtype, enum domain domain, int n, const rk_dim *dims, int depth)
{
    rk_dim other[RK_MAX_RANK];
    char text[512];
    int axis = (int)draw(s, (uint64_t)n);
    int64_t size = dim_size(s->g, dims[axis]), outer = size > 0 && size % 2 == 0 ? 2 : 1;
    for (int i = 0; i < n; i++) other[i < axis ? i : i + 1] = dims[i];
    other[axis] = draw_dim_of(s, outer);
    other[axis + 1] = draw_dim_of(s, size / outer);
    dims_names(s, 2, other + axis, text);
    return rk_merge(s->g, wrapped(s, dtype, domain, n + 1, other, depth), text, dim_text(s, dims[axis]));
}

static rk_ref by_select(struct sample *s, rk_dtype dtype, enum domain domain, int n, const rk_dim *dims, int depth)
{
    rk_dim other[RK_MAX_RANK], fresh = draw_dim_of(s, 1 + (int64_t)draw(s, 3));
    int axis = (int)draw(s, (uint64_t)n + 1);
    for (int i = 0; i < n; i++) other[i < axis ? i : i + 1] = dims[i];
    other[axis] = fresh;
    int64_t index = (int64_t)draw(s, (uint64_t)dim_size(s->g, fresh));
    return rk_select(s->g, wrapped(s, dtype, domain, n + 1, other, depth), dim_text(s, fresh), index);
}

static rk_ref by_rename(struct sample *s, rk_dtype dtype, enum domain domain, int n, const rk_dim *dims, int depth)
{
    rk_dim other[RK_MAX_RANK];
    int axis = (int)draw(s, (uint64_t)n);
    for (int i = 0; i < n; i++) other[i] = dims[i];
    other[axis] = draw_dim_of(s, dim_size(s->g, dims[axis]));
    return rk_rename(s->g, wrapped(s, dtype, domain, n, other, depth), dim_text(s, other[axis]), dim_text(s, dims[axis]));
}

static rk_ref by_spread(struct sample *s, rk_dtype dtype, enum domain domain, int n, const rk_dim *dims, int depth)
{
    rk_dim other[RK_MAX_RANK];
    char text[512];
    int axis = (int)draw(s, (uint64_t)n), m = 0;
    for (int i = 0; i < n; i++)
        if (i != axis) other[m++] = dims[i];
    dims_names(s, n, dims, text);
    return rk_spread(s->g, wrapped(s, dtype, domain, m, other, depth), text);
}

static rk_ref wrapped(struct sample *s, rk_dtype dtype, enum domain domain, int n, const rk_dim *dims, int depth)
{
    uint64_t kind = draw(s, 9);
    if (depth == 0 || kind >= 7) return draw_leaf(s, dtype, domain, n, dims);
    if (kind == 0 && n >= 2) return by_order(s, dtype, domain, n, dims, depth - 1);
    if (kind == 1 && n >= 1) return by_slice(s, dtype, domain, n, dims, depth - 1);
    if (kind == 2 && n >= 2) return by_split(s, dtype, domain, n, dims, depth - 1);
    if (kind == 3 && n >= 1 && n < 6) return by_merge(s, dtype, domain, n, dims, depth - 1);
    if (kind == 4 && n < 6) return by_select(s, dtype, domain, n, dims, depth - 1);
    if (kind == 5 && n >= 1) return by_rename(s, dtype, domain, n, dims, depth - 1);
    if (kind == 6 && n >= 1 && s->ties) return by_spread(s, dtype, domain, n, dims, depth - 1);
    return draw_leaf(s, dtype, domain, n, dims);
}

rk_ref draw_operand(struct sample *s, rk_dtype dtype, enum domain domain, int n, const rk_dim *dims)
{
    int depth = (int)draw(s, 4);
    return wrapped(s, dtype, domain, n, dims, s->views ? depth : 0);
}

rk_ref draw_ids(struct sample *s, int64_t below, bool loose, int n, const rk_dim *dims)
{
    int first = s->n_leaves;
    rk_ref r = draw_operand(s, draw(s, 2) == 0 ? RK_i32 : RK_i64, INDEX, n, dims);
    for (int i = first; i < s->n_leaves; i++) {
        s->leaf[i].below = below;
        s->leaf[i].loose = loose;
    }
    return r;
}

/* --- values --- */

/* No two of a leaf are nearer than 0.6 / n to each other, and all keep 0.4 away from 0: differences stay on one side of a
 * kink. Different leaves are shifted against each other. */
static void fill_real(struct sample *s, bool positive, double shift, int64_t n, double *to)
{
    for (int64_t i = 0; i < n; i++) to[i] = 0.4 + 0.6 * ((double)i + shift) / (double)n;
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t k = (int64_t)draw(s, (uint64_t)i + 1);
        double x = to[i];
        to[i] = to[k];
        to[k] = x;
    }
    for (int64_t i = 0; i < n && !positive; i++)
        if (draw(s, 2) == 0) to[i] = -to[i];
    for (int64_t i = 0; i < n; i++) to[i] = (float)to[i];           /* so that f32 holds it too */
}

static void fill_index(struct sample *s, const struct leaf *leaf, int64_t n, double *to)
{
    for (int64_t i = 0; i < n; i++) {
        uint64_t wild = draw(s, 6), any = draw(s, 0);
        to[i] = leaf->below > 0 ? (double)(any % (uint64_t)leaf->below) : 0;
        if (s->distinct && leaf->below > 0) to[i] = (double)(i % leaf->below);
        if (leaf->ignored && wild == 0) to[i] = -100;
        if (leaf->loose && !s->distinct && wild == 0) to[i] = -1 - (double)(any % 100);
        if (leaf->loose && !s->distinct && wild == 1) to[i] = (double)leaf->below + (double)(any % 3);
    }
}

void sample_fill(struct sample *s, struct values *v)
{
    uint64_t drawn = s->drawn;
    s->drawn = 1000000;
    for (int i = 0; i < s->n_leaves; i++) {
        const struct leaf *leaf = &s->leaf[i];
        int64_t n = values_count(v, leaf->ref);
        double *to = values_own(v, leaf->ref);
        if (leaf->domain == INDEX) fill_index(s, leaf, n, to);
        else fill_real(s, leaf->domain == POSITIVE, 0.1 + 0.8 * fmod((i + 1) * 0.7320508, 1), n, to);
    }
    if (s->live != 0) v->extent[s->live] = s->extent;
    s->drawn = drawn;
}

bool sample_write_out(struct sample *s, bool (*keep)(void *user, const rk_graph *g, rk_ref r), void *user, struct sample *out)
{
    rk_ref map[2048];
    *out = *s;
    if (s->g->nodes.n > 2048) abort();
    if (pass_expand(s->ctx, s->g, keep, user, &out->g, map) != RK_OK) {
        sample_fails(s, "not written out: %s", rk_error_message(s->ctx));
        return false;
    }
    for (int i = 0; i < s->n_leaves; i++) out->leaf[i].ref = map[s->leaf[i].ref];
    out->y = map[s->y];
    return true;
}

void sample_blame(struct sample *s, const struct sample *derived)
{
    if (!derived->failed || s->failed) return;
    s->failed = true;
    memcpy(s->message, derived->message, sizeof s->message);
}

/* --- running laws --- */

static void describe(const struct sample *s, char *text, size_t room)
{
    size_t used = 0;
    for (rk_ref r = 1; r < s->g->nodes.n && used + 1 < room; r++) {
        const struct node *n = node_of(s->g, r);
        used += (size_t)snprintf(text + used, room - used, "\n    %d = %s", r, n->op->name);
        if (n->text[0] != '\0' && used < room) used += (size_t)snprintf(text + used, room - used, " \"%s\"", n->text);
        for (int i = 0; i < n->arity && used < room; i++) used += (size_t)snprintf(text + used, room - used, " %d", n->in[i]);
        if (used < room) used += (size_t)snprintf(text + used, room - used, " : %s [", rk_dtype_name(n->dtype));
        for (int i = 0; i < n->rank && used < room; i++)
            used += (size_t)snprintf(text + used, room - used, "%s%s=%lld", i > 0 ? " " : "", dim_text(s, n->dim[i]), (long long)dim_size(s->g, n->dim[i]));
        if (used < room) used += (size_t)snprintf(text + used, room - used, "]");
    }
}

void sample_notes(struct sample *s, const char *text) { (void)snprintf(s->notes, sizeof s->notes, "\n%s", text); }

void sample_fails(struct sample *s, const char *format, ...)
{
    if (s->failed) return;
    s->failed = true;
    va_list list;
    va_start(list, format);
    int n = vsnprintf(s->message, sizeof s->message, format, list);
    va_end(list);
    if (s->g != NULL && n >= 0 && n < (int)sizeof s->message) describe(s, s->message + n, sizeof s->message - (size_t)n);
    size_t used = strlen(s->message);
    (void)snprintf(s->message + used, sizeof s->message - used, "%.*s", (int)(sizeof s->notes), s->notes);
}

static void attempt(struct sample *s, const struct law *law, const struct maker *m, uint64_t seed, int largest, int steps)
{
    *s = (struct sample){ .seed = seed, .fn = m != NULL ? m->fn : -1, .largest = largest, .steps = steps, .zeros = law->zeros, .views = law->views, .ties = law->ties, .distinct = law->distinct };
    if (rk_ctx_open(NULL, &s->ctx) != RK_OK || rk_graph_open(s->ctx, &s->g) != RK_OK) abort();
    if (m != NULL) m->make(s);
    if (!rk_graph_ok(s->g)) sample_fails(s, "the sample is refused: %s", s->g->message);
    else law->body(s);
    rk_graph_close(s->g);
    s->g = NULL;
    if (rk_ctx_bytes(s->ctx) != 0) sample_fails(s, "%zu bytes were not given back", rk_ctx_bytes(s->ctx));
    rk_ctx_close(s->ctx);
}

enum { MOST_STEPS = 48 };

/* The smallest sizes that still fail, then the fewest operations. */
static void try_seed(const char *file, int line, const struct law *law, const struct maker *m, const char *what, uint64_t seed)
{
    static struct sample s, smaller;
    attempt(&s, law, m, seed, law->largest, MOST_STEPS);
    if (!s.failed) return;
    int least = law->largest, steps = MOST_STEPS;
    for (int largest = 1; largest < least; largest++) {
        attempt(&smaller, law, m, seed, largest, MOST_STEPS);
        if (!smaller.failed) continue;
        s = smaller;
        least = largest;
    }
    for (int fewer = 0; fewer < steps; fewer++) {
        attempt(&smaller, law, m, seed, least, fewer);
        if (!smaller.failed) continue;
        s = smaller;
        steps = fewer;
    }
    test_fail(file, line, "%s, sample %llu, sizes up to %d: %s", what, (unsigned long long)seed, least, s.message);
}

static uint64_t seed_of(const char *what, int round)
{
    uint64_t h = test_seed() * 0x9e3779b97f4a7c15u + (uint64_t)round;
    for (const char *c = what; *c != '\0'; c++) h = (h ^ (unsigned char)*c) * 0x100000001b3u;
    return h >> 16;
}

void law_for_makers(const char *file, int line, const struct law *law, const char *name, bool (*wanted)(const struct maker *m))
{
    int seen = 0;
    for (const struct maker *m = makers; m->name != NULL; m++) {
        if ((name != NULL && strcmp(name, m->name) != 0) || (wanted != NULL && !wanted(m))) continue;
        seen++;
        for (int round = 0; round < law->rounds; round++) try_seed(file, line, law, m, m->name, seed_of(m->name, round));
    }
    if (seen == 0) test_fail(file, line, "no maker answers to %s", name != NULL ? name : "the question");
}

void law_for_seeds(const char *file, int line, const char *what, const struct law *law)
{
    for (int round = 0; round < law->rounds; round++) try_seed(file, line, law, NULL, what, seed_of(what, round));
}
