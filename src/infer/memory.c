/* memory.c: what a session takes, as graph and plans predict it, beside what the system says it has given.
 *
 * Predicted is known before the first token: weights by what the graphs read whole, keys and values for all positions of the context,
 * the plan's arena, its inputs. Measured are pages: of a mapped file those that this process reads, of its own memory those that
 * were touched. What is not predicted has a row of its own, so that all rows together are the resident memory of the process, to the byte.
 * Of an accelerator the pages are not to be asked: there stands what was asked of it. */
#include "base/pages.h"
#include "infer/session.h"
#include <math.h>
#include <string.h>

enum row { FILE_WHOLE, FILE_PICKED, OWN, CACHE, CACHE_LEFT, ARENA, ARENA_LEFT, INPUTS, ALL, DESCRIBED, PROCESS, ROWS };

static const struct { const char *entry, *name, *note; } rows[ROWS] = {
    [FILE_WHOLE]  = { "bytes.weights.mapped", "weights, in their file", "what products read, where it lies; pages of it that this process reads" },
    [FILE_PICKED] = { "bytes.weights.picked", " tables", "of which only rows are looked up; their pages, and those that the system maps beside them" },
    [OWN]         = { "bytes.weights.own", "weights, converted", "norms, biases, what no kernel reads as it lies; every one begins at a multiple of 64 bytes" },
    [CACHE]       = { "bytes.cache", "keys and values", "for every position of the session; pages that were touched" },
    [CACHE_LEFT]  = { "bytes.cache.left", " of them not written", "positions that no token came to; what is less than a page, or a large page (2 MiB), is given with the rest of it" },
    [ARENA]       = { "bytes.plan.arena", "activations, workspace", "the plan's arena; its pages that were touched" },
    [ARENA_LEFT]  = { "bytes.plan.left", " of it not touched", "planned for as many tokens at once as the session takes; fewer came" },
    [INPUTS]      = { "bytes.plan.inputs", "inputs", "tokens, places, lengths; pages that were touched" },
    [ALL]         = { "bytes.resident", "resident memory", "all of the above; what the system says this process has" },
    [DESCRIBED]   = { "bytes.descriptions", " descriptions", "graphs, plans, names, tokenizer, logits of the caller: what the context gave besides" },
    [PROCESS]     = { "bytes.process", " the process itself", "its code, libraries, stacks, headers of files; less what was given to the context and never touched" },
};

struct measuring { double predicted[ROWS], measured[ROWS]; bool host; };

/* Adds up what was predicted and what is there, of memory of the process's own. NAN stays NAN: the system does not say. */
static void touch(struct measuring *m, enum row row, const void *at, int64_t bytes)
{
    size_t touched, reach;
    m->predicted[row] += (double)bytes;
    if (bytes == 0) return;
    if (!m->host) m->measured[row] += (double)bytes;
    else m->measured[row] += pages_touched(at, (size_t)bytes, &touched, &reach) ? (double)touched : NAN;
}

/* --- weights --- */

/* Which states of the weights a graph reads whole; of a table that is only picked from, rows. */
static void mark_whole(const rk_graph *g, const struct store *weights, bool *whole)
{
    for (rk_ref r = 1; g != NULL && r < g->nodes.n; r++)
        for (int i = 0; i < node_of(g, r)->arity; i++) {
            const struct node *n = node_of(g, operand_of(g, r, i));
            if (n->op != &op_state || (i == 0 && (node_of(g, r)->op->flags & OP_PICKS) != 0)) continue;
            int entry = store_find(weights, (rk_kind)n->at.i[0], n->text);
            if (entry >= 0) whole[entry] = true;
        }
}

static bool lies_in_file(const struct store *s, const struct store_entry *e)
{
    const char *base = s->base[e->kind], *at = e->address;
    return e->elements > 0 && at != NULL && (base == NULL || at < base || at >= base + s->bytes[e->kind]);
}

static rk_status weights(rk_ctx *ctx, const rk_session *s, struct measuring *m)
{
    const struct store *store = s->weights->store;
    bool *whole;
    TRY(NEW(whole, store->entries.n));
    const rk_session *one = s->alone != NULL ? s->alone[0] : s;
    mark_whole(one->g, store, whole);
    mark_whole(one->encoder_g, store, whole);
    for (int i = 0; i < store->entries.n; i++) {
        const struct store_entry *e = &store->entries.at[i];
        size_t bytes = (size_t)e->elements * store->backend->bytes_of(e->dtype), mine;
        if (!lies_in_file(store, e)) continue;
        enum row row = whole[i] ? FILE_WHOLE : FILE_PICKED;
        if (whole[i]) m->predicted[row] += (double)bytes;
        m->measured[row] += pages_mine(e->address, bytes, &mine) ? (double)mine : NAN;
    }
    for (int k = 0; k < RK_KIND_COUNT; k++) touch(m, OWN, store->base[k], store->bytes[k]);
    FREE(whole, store->entries.n);
    return RK_OK;
}

/* --- a session --- */

/* Bytes of a cache behind what its rows have read. */
static double left_of(const rk_session *s, int entry)
{
    const struct store_entry *e = &s->store->entries.at[entry];
    double width = (double)(e->elements / e->shape[0] / e->shape[1]) * (double)s->store->backend->bytes_of(e->dtype), left = 0;
    for (int64_t b = 0; b < e->shape[0]; b++) left += (double)(e->shape[1] - (s->of_source[entry] ? s->source_n : rk_session_row_past(s, b))) * width;
    return left;
}

static void session(const rk_session *s, struct measuring *m)
{
    for (int64_t b = 0; b <= s->batch && s->alone != NULL; b++) session(s->alone[b], m);
    if (s->alone != NULL) return;
    const struct run *arena = s->run->host != NULL ? s->run->host : s->run;
    touch(m, CACHE, s->store->base[RK_CACHE], s->store->bytes[RK_CACHE]);
    for (int i = 0; i < s->store->entries.n; i++)
        if (s->store->entries.at[i].kind == RK_CACHE) m->predicted[CACHE_LEFT] += left_of(s, i);
    touch(m, ARENA, arena->arena, arena->plan->bytes);
    touch(m, INPUTS, s->run->input_arena, s->run->input_bytes);
    if (s->encoder != NULL) touch(m, INPUTS, s->encoder->input_arena, s->encoder->input_bytes);
}

/* --- all of it --- */

static void settle(rk_ctx *ctx, struct measuring *m)
{
    static const enum row named[] = { FILE_WHOLE, OWN, CACHE, ARENA, INPUTS };
    double in_context = 0, untouched = 0;
    size_t resident;
    m->predicted[FILE_PICKED] = m->predicted[ARENA_LEFT] = m->predicted[DESCRIBED] = m->predicted[PROCESS] = NAN;
    m->measured[CACHE_LEFT] = m->predicted[CACHE] - m->measured[CACHE];
    m->measured[ARENA_LEFT] = m->predicted[ARENA] - m->measured[ARENA];
    for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
        m->predicted[ALL] += m->predicted[named[i]];
        untouched += m->predicted[named[i]] - m->measured[named[i]];
        if (named[i] != FILE_WHOLE) in_context += m->predicted[named[i]];
    }
    m->measured[DESCRIBED] = (double)rk_ctx_bytes(ctx) - (m->host ? in_context : 0);
    m->measured[ALL] = m->host && pages_resident(&resident) ? (double)resident : NAN;
    m->measured[PROCESS] = m->measured[ALL] - (m->predicted[ALL] - untouched) - m->measured[FILE_PICKED] - m->measured[DESCRIBED];
}

rk_status rk_session_memory(const rk_session *s, rk_memory *memory)
{
    rk_ctx *ctx = s->ctx;
    const struct backend *backend = s->weights->backend;
    struct measuring m = { .host = backend->memory == NULL };
    memory->n = ROWS;
    TRY(weights(ctx, s, &m));
    session(s, &m);
    settle(ctx, &m);
    for (int i = 0; i < ROWS; i++) memory->rows[i] = (rk_memory_row){ rows[i].entry, rows[i].name, m.predicted[i], m.measured[i], rows[i].note };
    return RK_OK;
}
