/* aho.c: making the automaton, from texts in order: those of a state are neighbours, and so are its children's among them. */
#include "tok/aho.h"
#include <stdlib.h>
#include <string.h>

struct builder {
    struct aho            *a;
    const struct aho_text *texts;
    uint32_t              *low, *high;                                /* by state: its texts */
    bool                   reversed;
};

static int forward(const void *x, const void *y)
{
    const rk_text *a = &((const struct aho_text *)x)->text, *b = &((const struct aho_text *)y)->text;
    int r = memcmp(a->at, b->at, a->n < b->n ? a->n : b->n);
    return r != 0 ? r : (a->n > b->n) - (a->n < b->n);
}

/* How many bytes two texts end with alike; eight at a time. */
static size_t common_end(const rk_text *a, const rk_text *b)
{
    size_t n = a->n < b->n ? a->n : b->n, k = 0;
    while (n - k >= 8 && memcmp(a->at + a->n - k - 8, b->at + b->n - k - 8, 8) == 0) k += 8;
    while (k < n && a->at[a->n - 1 - k] == b->at[b->n - 1 - k]) k++;
    return k;
}

static int backward(const void *x, const void *y)
{
    const rk_text *a = &((const struct aho_text *)x)->text, *b = &((const struct aho_text *)y)->text;
    size_t k = common_end(a, b);
    if (k == a->n || k == b->n) return (a->n > b->n) - (a->n < b->n);
    return (unsigned char)a->at[a->n - 1 - k] - (unsigned char)b->at[b->n - 1 - k];
}

static size_t common_begin(const rk_text *a, const rk_text *b)
{
    size_t n = a->n < b->n ? a->n : b->n, k = 0;
    while (k < n && a->at[k] == b->at[k]) k++;
    return k;
}

static rk_status count_states(rk_ctx *ctx, const struct aho_text *texts, size_t n, bool reversed, size_t *states)
{
    *states = 1;
    for (size_t i = 0; i < n; i++) {
        const rk_text *t = &texts[i].text, *before = &texts[i > 0 ? i - 1 : 0].text;
        *states += t->n - (i == 0 ? 0 : reversed ? common_end(before, t) : common_begin(before, t));
    }
    if (*states < UINT32_MAX) return RK_OK;
    return FAIL(RK_E_LIMIT, "%zu special tokens have %zu different beginnings; %u are the limit", n, *states, UINT32_MAX - 1);
}

static unsigned char byte_at(const struct builder *b, uint32_t i, size_t depth)
{
    const rk_text *t = &b->texts[i].text;
    return (unsigned char)t->at[b->reversed ? t->n - 1 - depth : depth];
}

/* The children of `state`, numbered from `next` on; `depth` bytes lead to it. Shorter states have theirs already: `fail` finds its way. */
static uint32_t expand(const struct builder *b, uint32_t state, size_t depth, uint32_t next)
{
    struct aho *a = b->a;
    uint32_t i = b->low[state];
    a->child[state] = next;
    a->out[state] = a->out[a->fail[state]];
    for (; i < b->high[state] && b->texts[i].text.n == depth; i++)
        if (b->texts[i].told) a->out[state] = b->texts[i].index + 1;
    while (i < b->high[state]) {
        unsigned char byte = byte_at(b, i, depth);
        b->low[next] = i;
        while (i < b->high[state] && byte_at(b, i, depth) == byte) i++;
        b->high[next] = i;
        a->byte[next] = byte;
        if (state == 0) a->first[byte] = next;
        else a->fail[next] = aho_step(a, a->fail[state], byte);
        next++;
    }
    return next;
}

static void expand_all(const struct builder *b, size_t n)
{
    uint32_t next = 1, level = 1;                                     /* level: the first state of the next one */
    size_t depth = 0;
    b->high[0] = (uint32_t)n;
    for (uint32_t state = 0; state < b->a->n; state++) {
        if (state == level) {
            level = next;
            depth++;
        }
        next = expand(b, state, depth, next);
    }
    b->a->child[b->a->n] = next;
}

static rk_status make(rk_ctx *ctx, struct builder *b, size_t n)
{
    struct aho *a = b->a;
    TRY(NEW(a->child, a->n + 1));
    TRY(NEW(a->fail, a->n));
    TRY(NEW(a->out, a->n));
    TRY(NEW(a->byte, a->n));
    TRY(NEW(b->low, a->n));
    TRY(NEW(b->high, a->n));
    expand_all(b, n);
    return RK_OK;
}

rk_status aho_make(rk_ctx *ctx, struct aho *a, struct aho_text *texts, size_t n, bool reversed)
{
    struct builder b = { .a = a, .texts = texts, .reversed = reversed };
    *a = (struct aho){ 0 };
    size_t states;
    if (n > 1) qsort(texts, n, sizeof *texts, reversed ? backward : forward);
    TRY(count_states(ctx, texts, n, reversed, &states));
    a->n = states;
    rk_status status = make(ctx, &b, n);
    FREE(b.low, states);
    FREE(b.high, states);
    if (status != RK_OK) aho_clear(ctx, a);
    return status;
}

void aho_clear(rk_ctx *ctx, struct aho *a)
{
    FREE(a->child, a->n + 1);
    FREE(a->fail, a->n);
    FREE(a->out, a->n);
    FREE(a->byte, a->n);
    a->n = 0;
}
