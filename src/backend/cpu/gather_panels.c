/* gather_panels.c: rows of a table that lies in panels (core/panel.h), made f32. A row is four bytes of every line of its panel, a float of floats, and
 * few are asked for: by one thread, four at a time. An id outside the table reads 0. */
#include "backend/cpu/cpu.h"
#include "backend/cpu/extent.h"
#include "core/panel.h"
#include <string.h>

bool gather_panels_accepts(const struct problem *p)
{
    if (p->n_in == 2 && p->in[0].dtype != RK_f32) return false;
    if (p->n_in == 3 && (p->in[1].dtype != RK_f32 || !layout_is_dense(&p->in[1].at))) return false;
    return p->out[0].dtype == RK_f32 && p->in[p->n_in - 1].dtype == RK_i32 && !p->accumulate && layout_is_dense(&p->in[0].at) && layout_stride(&p->out[0].at, (rk_dim)p->node->at.i[1]) == 1;
}

rk_status gather_panels_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out)
{
    (void)ctx, (void)p;
    memset(out, 0, sizeof *out);
    return RK_OK;
}

/* Row `id` of floats. */
static void take_floats(const float *panels, int64_t width, int64_t id, float *to)
{
    const float *from = panels + id / FLOAT_PANEL_COLUMNS * width * FLOAT_PANEL_COLUMNS + id % FLOAT_PANEL_COLUMNS;
    for (int64_t k = 0; k < width; k++) to[k] = from[k * FLOAT_PANEL_COLUMNS];
}

/* Row `column` of a panel of so many blocks. */
static void take_row(const int8_t *panel, const float *scale, int64_t blocks, int64_t column, float *to)
{
    for (int64_t b = 0; b < blocks; b++)
        for (int q = 0; q < PANEL_FOURS; q++, to += PANEL_EACH) {
            const int8_t *four = panel + ((b * PANEL_FOURS + q) * PANEL_COLUMNS + column) * PANEL_EACH;
            for (int i = 0; i < PANEL_EACH; i++) to[i] = scale[b * PANEL_COLUMNS + column] * (float)four[i];
        }
}

rk_status gather_panels_run(rk_ctx *ctx, const struct call *c)
{
    const struct problem *p = c->problem;
    const int64_t rows = dim_size(p->g, (rk_dim)p->node->at.i[0]), width = dim_size(p->g, (rk_dim)p->node->at.i[1]), blocks = width / PANEL_PER_SCALE;
    const bool floats = p->n_in == 2;
    const struct layout *both[] = { &p->in[p->n_in - 1].at, &p->out[0].at };
    const int32_t *ids = (const int32_t *)c->in[p->n_in - 1];
    const int8_t *panels = floats ? NULL : (const int8_t *)c->in[0] + p->in[0].at.offset;
    const float *numbers = floats ? (const float *)c->in[0] + p->in[0].at.offset : NULL, *scale = floats ? NULL : (const float *)c->in[1] + p->in[1].at.offset;
    struct loops loops;
    (void)ctx;
    loops_over(&loops, both[0], both, 2);
    for (int64_t i = 0, n = loops_count(&loops); i < n; i++) {
        const int64_t id = ids[both[0]->offset + loops_at(&loops, 0, i)], panel = id / PANEL_COLUMNS * blocks;
        float *y = (float *)c->out[0] + both[1]->offset + loops_at(&loops, 1, i);
        if (id < 0 || id >= rows) memset(y, 0, (size_t)width * sizeof *y);
        else if (floats) take_floats(numbers, width, id, y);
        else take_row(panels + panel * PANEL_PER_SCALE * PANEL_COLUMNS, scale + panel * PANEL_COLUMNS, blocks, id % PANEL_COLUMNS, y);
    }
    return RK_OK;
}
