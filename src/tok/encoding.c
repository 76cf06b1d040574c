/* encoding.c: texts through the engine with places, then cut, joined, filled up. */
#include "base/utf8.h"
#include "tok/encode.h"

struct part { rk_text text; rk_ids ids; rk_span *spans; size_t n, room_spans; };

/* ---- places: from bytes to code points, and without the spaces at the ends ---- */

struct cursor { size_t byte, count; };   /* `count` characters begin before `byte` */

/* Characters of the text that begin before byte `to`. Places rise, as a rule, and so this is linear in all. */
static size_t count_before(rk_text t, struct cursor *c, size_t to)
{
    uint32_t code;
    if (to < c->byte) *c = (struct cursor){ 0, 0 };
    while (c->byte < to) {
        size_t step = utf8_next(t.at + c->byte, t.n - c->byte, &code);
        if (c->byte + step > to) return c->count + 1;                 /* inside a character: it began before */
        c->byte += step;
        c->count++;
    }
    return c->count;
}

static void to_code_points(struct part *p)
{
    struct cursor begin = { 0, 0 }, end = { 0, 0 };
    for (size_t i = 0; i < p->n; i++) {
        rk_span *s = &p->spans[i];
        size_t first = count_before(p->text, &begin, s->begin);
        bool inside = begin.byte < s->begin;                          /* the character at `begin` began before it */
        s->end = count_before(p->text, &end, s->end);
        s->begin = inside ? first - 1 : first;
    }
}

/* U+0020 alone is trimmed, byte by byte of the token; added tokens were trimmed where they were found. */
static void trim(const rk_tok *tok, struct part *p)
{
    for (size_t i = 0; i < p->n; i++) {
        rk_span *s = &p->spans[i];
        rk_text t = tok->vocab.tokens[p->ids.at[i]];
        size_t before = 0, after = 0;
        if (tok->kind[p->ids.at[i]] & KIND_ADDED) continue;
        while (before < t.n && t.at[before] == ' ') before++;
        while (after < t.n && t.at[t.n - 1 - after] == ' ') after++;
        if (before == 1 && tok->frames.keeps_first && (i == 0 || s->begin == 0)) before = 0;
        s->begin = s->begin + before < s->end ? s->begin + before : s->end;
        if (after > 0 && s->end >= after) s->end = s->end - after > s->begin ? s->end - after : s->begin;
    }
}

static rk_status encode_part(rk_ctx *ctx, const rk_tok *tok, unsigned flags, struct part *p)
{
    struct share share;
    struct engine e;
    TRY(share_begin(ctx, &share));
    engine_open(&e, tok, &share, flags);
    e.places = true;
    bool done = engine_encode(&e, (const unsigned char *)p->text.at, p->text.n, 0, &p->ids);
    p->spans = e.spans;
    p->room_spans = e.room_spans;
    p->n = p->ids.n;
    e.spans = NULL;
    e.room_spans = 0;
    engine_close(ctx, &e);
    rk_status status = share_end(&share);
    if (!done) return ctx_pass(ctx, status, __FILE__, __LINE__, __func__);
    to_code_points(p);
    if (tok->frames.trims) trim(tok, p);
    return RK_OK;
}

/* ---- cut, joined, filled up ---- */

/* The longer one first; where that is not enough, half for each, the odd one for the longer. */
static void cut(struct part *a, struct part *b, size_t most)
{
    struct part *little = a->n <= b->n ? a : b, *large = little == a ? b : a;
    if (a->n + b->n <= most) return;
    size_t n1 = little->n, n2 = n1 > most ? n1 : most - n1 > n1 ? most - n1 : n1;
    if (n1 + n2 > most) {
        n1 = most / 2;
        n2 = n1 + most % 2;
    }
    if (n1 < little->n) little->n = n1;
    if (n2 < large->n) large->n = n2;
}

static void put(rk_encoding *e, uint32_t id, rk_span span, unsigned type, unsigned mask)
{
    e->ids[e->n] = id;
    e->spans[e->n] = span;
    e->types[e->n] = (uint8_t)type;
    e->mask[e->n++] = (uint8_t)mask;
}

static rk_status make_room(rk_ctx *ctx, rk_encoding *e, size_t want)
{
    rk_encoding fresh = { .room = want };
    if (want <= e->room) return RK_OK;
    rk_status status = NEW(fresh.ids, want);
    if (status == RK_OK) status = NEW(fresh.spans, want);
    if (status == RK_OK) status = NEW(fresh.types, want);
    if (status == RK_OK) status = NEW(fresh.mask, want);
    rk_encoding_free(ctx, status == RK_OK ? e : &fresh);
    if (status != RK_OK) return ctx_pass(ctx, status, __FILE__, __LINE__, __func__);
    *e = fresh;
    return RK_OK;
}

static rk_status join(rk_ctx *ctx, const rk_tok *tok, const rk_encoding_rules *rules, struct part *parts, bool pair, rk_encoding *e)
{
    const struct frame plain = frame_plain(pair), *f = pair ? &tok->frames.pair : &tok->frames.single;
    size_t around = 0;
    if (f->n == 0) f = &plain;
    for (int i = 0; i < f->n; i++) around += f->at[i].kind == FRAME_SPECIAL && !rules->bare;
    if (rules->truncate > 0 && rules->truncate < around) return FAIL(RK_E_ARG, "%zu tokens have no room for the %zu special ones", rules->truncate, around);
    if (rules->truncate > 0) cut(&parts[0], &parts[1], rules->truncate - around);
    size_t n = parts[0].n + parts[1].n + around;
    TRY(make_room(ctx, e, n > rules->pad ? n : rules->pad));
    e->n = 0;
    for (int i = 0; i < f->n; i++) {
        const struct frame_piece *piece = &f->at[i];
        const struct part *p = &parts[piece->kind == FRAME_SECOND];
        if (piece->kind == FRAME_SPECIAL && !rules->bare) put(e, piece->id, (rk_span){ 0, 0 }, piece->type, 1);
        for (size_t k = 0; k < p->n && piece->kind != FRAME_SPECIAL; k++) put(e, p->ids.at[k], p->spans[k], piece->type, 1);
    }
    while (e->n < rules->pad) put(e, rules->pad_id, (rk_span){ 0, 0 }, 0, 0);
    return RK_OK;
}

rk_status rk_encoding_make(rk_ctx *ctx, const rk_tok *tok, const rk_encoding_rules *rules, rk_text first, const rk_text *second, rk_encoding *out)
{
    rk_status status;
    struct part parts[2] = { { .text = first }, { .text = second != NULL ? *second : (rk_text){ NULL, 0 } } };
    GO(encode_part(ctx, tok, rules->flags, &parts[0]));
    if (second != NULL) GO(encode_part(ctx, tok, rules->flags, &parts[1]));
    GO(join(ctx, tok, rules, parts, second != NULL, out));
out:
    for (int k = 0; k < 2; k++) {
        rk_ids_free(ctx, &parts[k].ids);
        FREE(parts[k].spans, parts[k].room_spans);
    }
    return status;
}

void rk_encoding_free(rk_ctx *ctx, rk_encoding *e)
{
    FREE(e->ids, e->room);
    FREE(e->spans, e->room);
    FREE(e->types, e->room);
    FREE(e->mask, e->room);
    *e = (rk_encoding){ 0 };
}
