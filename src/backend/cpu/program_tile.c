/* program_tile.c: one tile of an elementwise program: operands in, instructions over them, results out. */
#include "backend/cpu/extent.h"
#include "backend/cpu/program_inner.h"
#include "base/num.h"
#include "base/rng.h"
#include <string.h>

enum { LINE = 64 };                     /* bytes */

struct tile {
    const struct ready *r;
    float *slots, *numbers;
    int64_t index[RK_MAX_RANK + 2];     /* of its first element */
    int64_t rows, columns;
    const float *at[MOST_PROGRAM];
};

static int64_t offset_of(const struct tile *t, int source)
{
    int64_t at = 0;
    for (int i = 0; i < t->r->rank; i++) at += t->index[i] * t->r->stride[source][i];
    return at;
}

static int64_t row_stride(const struct tile *t, int source) { return t->r->stride[source][t->r->rank - 2]; }
static int64_t column_stride(const struct tile *t, int source) { return t->r->stride[source][t->r->rank - 1]; }
static float *slot_of(const struct tile *t, int i) { return t->slots + (int64_t)t->r->value[i].slot * CHUNK; }
static float *number_of(const struct tile *t, int i) { return t->numbers + (int64_t)i * PROGRAM_LANES; }

float program_mask_at(const struct program_mask *m, uint64_t index)
{
    return rng_word(m->key, m->site, index) < m->below ? m->value : 0;
}

static void load_row(const struct program_kernels *k, float *to, const char *from, rk_dtype dtype, int64_t stride, int64_t n)
{
    size_t bytes = rk_dtype_bytes(dtype);
    if (stride == 1) {
        if (!k->convert(to, RK_f32, from, dtype, n)) num_load_f32(to, from, (int)dtype, (size_t)n);
    } else if (dtype == RK_f32) {
        const float *x = (const float *)(const void *)from;
        for (int64_t i = 0; i < n; i++) to[i] = x[i * stride];
    } else {
        for (int64_t i = 0; i < n; i++) num_load_f32(to + i, from + i * stride * (int64_t)bytes, (int)dtype, 1);
    }
}

static void store_row(const struct program_kernels *k, char *to, rk_dtype dtype, int64_t stride, const float *from, int step, int64_t n)
{
    size_t bytes = rk_dtype_bytes(dtype);
    if (stride == 1 && step == 1) {
        if (!k->convert(to, dtype, from, RK_f32, n)) num_store_f32(to, (int)dtype, from, (size_t)n);
    } else if (dtype == RK_f32) {
        float *y = (float *)(void *)to;
        for (int64_t i = 0; i < n; i++) y[i * stride] = from[i * step];
    } else {
        for (int64_t i = 0; i < n; i++) num_store_f32(to + i * stride * (int64_t)bytes, (int)dtype, from + i * step, 1);
    }
}

/* --- values, one function per kind --- */

static void do_nothing(struct tile *t, int i) { (void)t, (void)i; }

static void do_memory(struct tile *t, int i)
{
    t->at[i] = (const float *)(const void *)t->r->value[i].from + offset_of(t, i);
}

static void do_rows(struct tile *t, int i)
{
    const struct value *v = &t->r->value[i];
    int64_t at = offset_of(t, i), bytes = (int64_t)rk_dtype_bytes(v->dtype);
    for (int64_t k = 0; k < t->rows; k++)
        load_row(t->r->kernels, slot_of(t, i) + k * t->columns, v->from + (at + k * row_stride(t, i)) * bytes, v->dtype, column_stride(t, i), t->columns);
    t->at[i] = slot_of(t, i);
}

static void copies(float *to, float x)
{
    for (int k = 0; k < PROGRAM_LANES; k++) to[k] = x;
}

static void do_spread(struct tile *t, int i)
{
    const struct value *v = &t->r->value[i];
    float x;
    num_load_f32(&x, v->from + offset_of(t, i) * (int64_t)rk_dtype_bytes(v->dtype), (int)v->dtype, 1);
    copies(number_of(t, i), x);
    t->at[i] = number_of(t, i);
}

static void do_number(struct tile *t, int i) { t->at[i] = number_of(t, i); }

static void do_iota(struct tile *t, int i)
{
    float *to = slot_of(t, i);
    for (int64_t k = 0; k < t->rows; k++) {
        int64_t first = t->r->value[i].start + offset_of(t, i) + k * row_stride(t, i), step = column_stride(t, i);
        for (int64_t j = 0; j < t->columns; j++) *to++ = (float)(first + j * step);
    }
    t->at[i] = slot_of(t, i);
}

static void do_mask(struct tile *t, int i)
{
    const struct program_mask *m = &t->r->value[i].mask;
    float *to = slot_of(t, i);
    for (int64_t k = 0; k < t->rows; k++, to += t->columns) {
        int64_t first = offset_of(t, i) + k * row_stride(t, i), step = column_stride(t, i);
        if (step == 1) t->r->kernels->rand(to, m, (uint64_t)first, t->columns);
        else for (int64_t j = 0; j < t->columns; j++) to[j] = program_mask_at(m, (uint64_t)(first + j * step));
    }
    t->at[i] = slot_of(t, i);
}

static void do_map(struct tile *t, int i)
{
    const struct value *v = &t->r->value[i];
    struct stretch s = { .n = t->rows * t->columns };
    s.y = v->direct ? (float *)(void *)t->r->result[v->result].to + offset_of(t, MOST_PROGRAM + v->result) : slot_of(t, i);
    for (int k = 0; k < v->arity; k++) {
        s.x[k] = t->at[v->arg[k]];
        s.step[k] = t->r->value[v->arg[k]].step;
    }
    v->fn(&s);
    t->at[i] = s.y;
}

static void (*const do_kind[])(struct tile *t, int i) = {
    [V_GONE] = do_nothing, [V_MEMORY] = do_memory, [V_ROWS] = do_rows, [V_SPREAD] = do_spread,
    [V_NUMBER] = do_number, [V_IOTA] = do_iota, [V_MASK] = do_mask, [V_MAP] = do_map,
};

/* --- results --- */

static void store_integers(const struct tile *t, int i, char *to)
{
    int source = MOST_PROGRAM + t->r->value[i].result;
    int32_t *y = (int32_t *)(void *)to;
    for (int64_t k = 0; k < t->rows; k++)
        for (int64_t j = 0; j < t->columns; j++)
            y[k * row_stride(t, source) + j * column_stride(t, source)] =
                (int32_t)(t->r->value[i].start + offset_of(t, i) + k * row_stride(t, i) + j * column_stride(t, i));
}

static void store_result(const struct tile *t, int i)
{
    const struct value *v = &t->r->value[i];
    const struct result *y = &t->r->result[v->result];
    int source = MOST_PROGRAM + v->result;
    int64_t bytes = (int64_t)rk_dtype_bytes(y->dtype);
    char *to = y->to + offset_of(t, source) * bytes;
    if (y->dtype == RK_i32) {
        store_integers(t, i, to);
        return;
    }
    for (int64_t k = 0; k < t->rows; k++)
        store_row(t->r->kernels, to + k * row_stride(t, source) * bytes, y->dtype, column_stride(t, source), t->at[i] + k * t->columns * v->step, v->step, t->columns);
}

/* --- tiles --- */

static void find_tile(struct tile *t, int64_t number)
{
    const struct ready *r = t->r;
    int last = r->rank - 1;
    t->index[last] = number % r->tiles[1] * r->columns;
    number /= r->tiles[1];
    t->index[last - 1] = number % r->tiles[0] * r->rows;
    number /= r->tiles[0];
    for (int i = last - 2; i >= 0; i--) {
        t->index[i] = number % r->size[i];
        number /= r->size[i];
    }
    t->rows = extent_least(r->rows, r->size[last - 1] - t->index[last - 1]);
    t->columns = extent_least(r->columns, r->size[last] - t->index[last]);
}

/* What the next tile reads comes while this one is computed: instructions over what is in cache leave memory idle. */
static void ask_for(const struct ready *r, int64_t number)
{
    struct tile t = { .r = r };
    find_tile(&t, number);
    for (int i = 0; i < r->n; i++) {
        if (r->value[i].kind != V_MEMORY) continue;
        const char *at = r->value[i].from + offset_of(&t, i) * (int64_t)sizeof(float), *end = at + t.rows * t.columns * (int64_t)sizeof(float);
        for (; at < end; at += LINE) __builtin_prefetch(at, 0, 2);
    }
}

void program_task(void *ready, int64_t task, int worker)
{
    const struct ready *r = ready;
    float *own = r->scratch + worker * r->worker_floats;
    struct tile t = { .r = r, .slots = own, .numbers = own + (int64_t)r->n * CHUNK };
    for (int i = 0; i < r->n; i++)
        if (r->value[i].kind == V_NUMBER) copies(number_of(&t, i), r->value[i].mask.value);
    int64_t end = extent_least((task + 1) * r->tiles_per_task, r->n_tiles);
    for (int64_t number = task * r->tiles_per_task; number < end; number++) {
        find_tile(&t, number);
        if (r->asks && number + 1 < end) ask_for(r, number + 1);
        for (int i = 0; i < r->n; i++) do_kind[r->value[i].kind](&t, i);
        for (int i = 0; i < r->n; i++)
            if (r->value[i].result >= 0 && !r->value[i].direct) store_result(&t, i);
    }
}
