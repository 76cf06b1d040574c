/* block_dims.c: the dimensions of models, of one tower or two, and the inputs that go along them. */
#include "model/block_inner.h"
#include "model/model.h"
#include <stddef.h>
#include <stdio.h>

int64_t block_head_dim(const struct config *c) { return config_int(c, "hidden") / config_int(c, "head"); }

rk_status block_check_heads(rk_ctx *ctx, const struct config *c)
{
    int at[2];
    const char *rest[] = { config_field(c, "hidden", &at[0])->spellings, config_field(c, "head", &at[1])->spellings };
    struct word name[2];
    int64_t hidden = config_int(c, "hidden"), heads = config_int(c, "head");
    if (hidden % heads == 0) return RK_OK;
    for (int i = 0; i < 2; i++) PROMISE(word_next(&rest[i], &name[i]));
    return FAIL(RK_E_SHAPE, "%.*s %lld is no multiple of %.*s %lld", (int)name[0].n, name[0].at, (long long)hidden, (int)name[1].n, name[1].at, (long long)heads);
}

static void dim(struct builder *b, const char *name, char letter, int64_t size, bool live)
{
    if (live) (void)rk_dim_live(b->g, name, letter, size);
    else (void)rk_dim_new(b->g, name, letter, size);
}

/* Dims of what is asked for, not of the model, where nothing is decoded. */
static const struct { const char *name; char letter; size_t size; bool source; } asked[] = {
    { "batch",      'B', offsetof(struct builder, batch),  false },
    { "seq",        'T', offsetof(struct builder, seq),    false },
    { "key",        'T', offsetof(struct builder, seq),    false },
    { "source",     'S', offsetof(struct builder, source), true },
    { "source_key", 'S', offsetof(struct builder, source), true },
};
enum { ASKED = sizeof asked / sizeof *asked };
_Static_assert((int)ASKED <= (int)MODEL_EXTENTS, "room for all");

int block_extents(const struct builder *b, bool source, struct dim_extent *out)
{
    int n = 0;
    for (int i = 0; i < ASKED; i++)
        if (source || !asked[i].source) out[n++] = (struct dim_extent){ asked[i].name, *(const int64_t *)((const char *)b + asked[i].size) };
    return n;
}

static void dims_asked(struct builder *b, bool source)
{
    for (int i = 0; i < ASKED; i++)
        if (asked[i].source == source) dim(b, asked[i].name, asked[i].letter, *(const int64_t *)((const char *)b + asked[i].size), false);
}

void block_dims(struct builder *b)
{
    const struct config *c = b->c;
    bool decoding = b->purpose == FOR_DECODING;
    int64_t hidden = config_int(c, "hidden"), heads = config_int(c, "head"), ff = config_int(c, "ff");
    dim(b, "layer", 'L', config_int(c, "layer"), false);
    if (!decoding) dims_asked(b, false);
    else {
        dim(b, "batch", 'B', b->batch, false);
        dim(b, "seq", 'T', b->seq, true);
        dim(b, "key", 'T', b->positions, true);
    }
    if (b->picks > 0) dim(b, "pick", 0, b->picks, false);
    if (decoding) {
        dim(b, "past", 'C', b->positions, true);
        dim(b, "cached", 'P', b->positions, false);
        dim(b, "end", 0, 1, false);
    }
    dim(b, "vocab", 'V', config_int(c, "vocab"), false);               /* before hidden, since people write V·D */
    dim(b, "position", 'P', config_int(c, "position"), false);
    dim(b, "hidden", 'D', hidden, false);
    dim(b, "inner", 'D', hidden, false);
    dim(b, "head", 'H', heads, false);
    dim(b, "head_dim", 'K', hidden / heads, false);
    dim(b, "three", 0, 3, false);
    dim(b, "ff", 'F', ff, false);
    rk_dim_relate(b->g, "head head_dim", 1, "hidden");
    if (ff == 4 * hidden) rk_dim_relate(b->g, "ff", 4, "hidden");
}

const struct stack stack_decoder = { "seq", "key", "head", "head_dim", "ff" };
const struct stack stack_encoder = { "source", "source_key", "source_head", "source_head_dim", "source_ff" };

void block_source_dims(struct builder *b)
{
    const struct config *c = b->c;
    bool decoding = b->purpose == FOR_DECODING || b->purpose == FOR_ENCODING;
    int64_t hidden = config_int(c, "hidden"), heads = config_int(c, "source_head"), ff = config_int(c, "source_ff");
    bool same_heads = heads == config_int(c, "head"), same_ff = ff == config_int(c, "ff");
    if (!decoding) dims_asked(b, true);
    else {
        dim(b, "source", 'S', b->source, true);
        dim(b, "source_key", 'S', b->source, true);
    }
    if (decoding) dim(b, "source_cached", 'S', b->source, false);
    if (b->beams > 1) {
        dim(b, "sources", 0, b->batch / b->beams, false);
        dim(b, "beam", 0, b->beams, false);
    }
    if (b->purpose == FOR_ENCODING) dim(b, "none", 0, 1, true);         /* a source is written from its beginning */
    dim(b, "source_head", same_heads ? 'H' : 'A', heads, false);        /* a letter for each size */
    dim(b, "source_head_dim", same_heads ? 'K' : 'J', hidden / heads, false);
    dim(b, "source_ff", same_ff ? 'F' : 'E', ff, false);
    rk_dim_relate(b->g, "source_head source_head_dim", 1, "hidden");
    if (ff == 4 * hidden) rk_dim_relate(b->g, "source_ff", 4, "hidden");
}

struct block_text block_named(const struct builder *b, const char *dims)
{
    const struct stack *t = b->stack;
    struct block_text out = { "" };
    size_t n = 0;
    for (const char *s = dims; *s != '\0' && n + 1 < sizeof out.at; s++) {
        if (*s != '$') {
            out.at[n++] = *s;
            continue;
        }
        s++;
        const char *name = *s == 's' ? t->seq : *s == 'h' ? t->head : *s == 'k' ? t->head_dim : t->ff;
        n += (size_t)snprintf(out.at + n, sizeof out.at - n, "%s", name);
    }
    return out;
}

rk_ref block_tokens(struct builder *b) { return rk_input(b->g, "tokens", RK_i32, "batch seq"); }

rk_ref block_integers(struct builder *b, const char *name, const char *dims)
{
    rk_ref known = graph_find_source(b->g, &op_input, 0, name);
    return known != 0 ? known : rk_input(b->g, name, RK_i32, dims);
}

rk_ref block_lengths(struct builder *b)        { return b->padded || b->ragged ? block_integers(b, "lengths", "batch") : 0; }
rk_ref block_source_lengths(struct builder *b) { return b->source_padded ? block_integers(b, "source_lengths", "batch") : 0; }
rk_ref block_places(struct builder *b)         { return block_integers(b, "places", "batch"); }
rk_ref block_positions(struct builder *b)      { return block_integers(b, "positions", "batch seq"); }
