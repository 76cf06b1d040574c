/* pickle_stack.c: values wait on the stack until an instruction takes them; a list or dict is a chain of links. */
#include "io/pickle_machine.h"
#include <string.h>

rk_status machine_broken(struct machine *m, const char *why)
{
    rk_ctx *ctx = m->ctx;
    return FAIL(RK_E_FORMAT, "%s: byte %zu of the pickle, %s: %s", m->p->path, m->p->offset, m->instruction, why);
}

rk_status machine_too_much(struct machine *m, const char *of, int most)
{
    rk_ctx *ctx = m->ctx;
    return FAIL(RK_E_LIMIT, "%s: byte %zu of the pickle, %s: %s; the limit is %d", m->p->path, m->p->offset, m->instruction, of, most);
}

static rk_status fresh(struct machine *m, size_t bytes, void **out)
{
    if (m->p->values++ == PICKLE_VALUES) return machine_too_much(m, "too many values", PICKLE_VALUES);
    return arena_take(m->ctx, &m->p->arena, bytes, out);
}

rk_status machine_push(struct machine *m, struct pickled *v)
{
    rk_ctx *ctx = m->ctx;
    if (m->stack.n == PICKLE_STACK) return machine_too_much(m, "too many values wait on the stack", PICKLE_STACK);
    VEC_PUSH(&m->stack, v);
    return RK_OK;
}

rk_status machine_push_value(struct machine *m, struct pickled value)
{
    rk_ctx *ctx = m->ctx;
    void *v;
    TRY(fresh(m, sizeof value, &v));
    memcpy(v, &value, sizeof value);
    return machine_push(m, v);
}

/* How many values there are above the last mark. */
static int above(const struct machine *m) { return m->stack.n - (m->marks.n > 0 ? m->marks.at[m->marks.n - 1] : 0); }

rk_status machine_need(struct machine *m, int values) { return above(m) >= values ? RK_OK : machine_broken(m, "too few values are on the stack"); }
struct pickled *machine_top(struct machine *m, int below) { return m->stack.at[m->stack.n - 1 - below]; }

rk_status machine_to_mark(struct machine *m, struct pickled ***items, int *n)
{
    if (m->marks.n == 0) return machine_broken(m, "there is no mark");
    *n = above(m);
    m->stack.n = m->marks.at[--m->marks.n];
    *items = m->stack.at + m->stack.n;
    return RK_OK;
}

/* --- containers --- */

static rk_status link_to(struct machine *m, struct pickled *to, const struct pickled *key, const struct pickled *value)
{
    rk_ctx *ctx = m->ctx;
    void *place;
    TRY(fresh(m, sizeof(struct pickled_link), &place));
    struct pickled_link *link = place;
    *link = (struct pickled_link){ key, value, NULL };
    if (to->last == NULL) to->first = link;
    else to->last->next = link;
    to->last = link;
    to->n++;
    return RK_OK;
}

rk_status machine_fill(struct machine *m, struct pickled *to, int kind, struct pickled **items, int n)
{
    rk_ctx *ctx = m->ctx;
    int step = kind == PICKLE_DICT ? 2 : 1;
    if (to->kind == PICKLE_OTHER && kind == PICKLE_LIST) return RK_OK;                       /* a set */
    if (to->kind != kind) return machine_broken(m, kind == PICKLE_DICT ? "what is filled is no dict" : "what is filled is no list");
    if (n % step != 0) return machine_broken(m, "a key without a value");
    for (int i = 0; i < n; i += step) TRY(link_to(m, to, step == 2 ? items[i] : NULL, items[i + step - 1]));
    return RK_OK;
}

rk_status machine_push_tuple(struct machine *m, struct pickled *const *items, int n)
{
    rk_ctx *ctx = m->ctx;
    struct pickled **kept = NULL;
    if (n > 0) TRY(TAKE(&m->p->arena, kept, n));
    if (n > 0) memcpy(kept, items, (size_t)n * sizeof *kept);
    return machine_push_value(m, (struct pickled){ .kind = PICKLE_TUPLE, .n = (uint32_t)n, .items = kept });
}
