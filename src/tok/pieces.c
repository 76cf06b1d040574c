/* pieces.c: a .spm or .model file of SentencePiece: protocol buffers, of which only a few fields matter.
 *
 * ModelProto: 1 pieces { 1 text, 2 score, 3 type }, 2 trainer { 3 kind of model, 35 bytes as pieces }, 3 normalizer { 2 replacements, 3 blank in
 * front, 4 runs of blanks, 5 blanks escaped }. Everything else is passed over by its length. */
#include "tok/pieces.h"
#include <float.h>
#include <string.h>

enum { UNIGRAM = 1, MOST_PIECES = 1 << 24, LONGEST = 1 << 16 };
enum wire { WIRE_VARINT, WIRE_64, WIRE_BYTES, WIRE_32 = 5 };

struct proto { const char *name; const unsigned char *start, *at, *end; };
struct field { uint32_t number, wire; uint64_t value; const unsigned char *bytes; size_t n; };

static rk_status bad(rk_ctx *ctx, const struct proto *p, const char *what)
{
    return FAIL(RK_E_FORMAT, "%s: byte %zu: %s; this is no model of SentencePiece", p->name, (size_t)(p->at - p->start), what);
}

static rk_status read_varint(rk_ctx *ctx, struct proto *p, uint64_t *out)
{
    *out = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        if (p->at == p->end) return bad(ctx, p, "the file ends within a number");
        unsigned char byte = *p->at++;
        *out |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) return RK_OK;
    }
    return bad(ctx, p, "a number of more than 64 bits");
}

static rk_status read_field(rk_ctx *ctx, struct proto *p, struct field *f)
{
    uint64_t key, n = 0;
    TRY(read_varint(ctx, p, &key));
    *f = (struct field){ .number = (uint32_t)(key >> 3), .wire = (uint32_t)(key & 7) };
    if (f->wire == WIRE_VARINT) return read_varint(ctx, p, &f->value);
    if (f->wire == WIRE_64) n = 8;
    else if (f->wire == WIRE_32) n = 4;
    else if (f->wire == WIRE_BYTES) TRY(read_varint(ctx, p, &n));
    else return bad(ctx, p, "a field of an unknown kind");
    if (n > (uint64_t)(p->end - p->at)) return bad(ctx, p, "a field goes on behind the end");
    f->bytes = p->at;
    f->n = (size_t)n;
    p->at += n;
    return RK_OK;
}

static struct proto inside(const struct proto *p, const struct field *f) { return (struct proto){ p->name, p->start, f->bytes, f->bytes + f->n }; }

static float real_of(const struct field *f)
{
    uint32_t bits = (uint32_t)f->bytes[0] | (uint32_t)f->bytes[1] << 8 | (uint32_t)f->bytes[2] << 16 | (uint32_t)f->bytes[3] << 24;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static rk_status read_piece(rk_ctx *ctx, struct pieces *p, struct proto m)
{
    struct piece piece = { "", 0, 0, PIECE_NORMAL };
    struct field f;
    while (m.at < m.end) {
        TRY(read_field(ctx, &m, &f));
        if (f.number == 1 && f.wire == WIRE_BYTES) {
            if (f.n > LONGEST) return bad(ctx, &m, "a piece of more than 65536 bytes");
            TRY(arena_text(ctx, &p->arena, (const char *)f.bytes, f.n, &piece.text));
            piece.n = (uint32_t)f.n;
        }
        if (f.number == 2 && f.wire == WIRE_32) piece.score = real_of(&f);
        if (f.number == 3 && f.wire == WIRE_VARINT) piece.type = f.value <= PIECE_BYTE ? (uint8_t)f.value : 0;
    }
    if (piece.n == 0 || piece.type == 0 || !(piece.score > -1e30f && piece.score < 1e30f)) return bad(ctx, &m, "a piece without text, of no type or with no score");
    if (p->at.n == MOST_PIECES) return bad(ctx, &m, "more than 2^24 pieces");
    VEC_PUSH(&p->at, piece);
    return RK_OK;
}

static rk_status read_trainer(rk_ctx *ctx, struct proto m)
{
    struct field f;
    uint64_t kind = UNIGRAM, bytes = 0;
    while (m.at < m.end) {
        TRY(read_field(ctx, &m, &f));
        if (f.number == 3 && f.wire == WIRE_VARINT) kind = f.value;
        if (f.number == 35 && f.wire == WIRE_VARINT) bytes = f.value;
    }
    if (kind != UNIGRAM) return FAIL(RK_E_DECLINED, "%s: SentencePiece models other than unigram are not done here", m.name);
    return bytes == 0 ? RK_OK : FAIL(RK_E_DECLINED, "%s: SentencePiece models that fall back to bytes are not done here", m.name);
}

/* Size of the trie in bytes, the trie, and then what it points to. */
static rk_status read_replacements(rk_ctx *ctx, struct pieces *p, const struct proto *m, const struct field *f)
{
    uint32_t *trie;
    char *rest;
    if (f->n == 0) return RK_OK;
    if (f->n < 4) return bad(ctx, m, "replacements without a size");
    uint32_t size = (uint32_t)f->bytes[0] | (uint32_t)f->bytes[1] << 8 | (uint32_t)f->bytes[2] << 16 | (uint32_t)f->bytes[3] << 24;
    if (size % 4 != 0 || size > f->n - 4) return bad(ctx, m, "replacements of a size that cannot be");
    p->n_trie = size / 4;
    p->n_replaced = f->n - 4 - size;
    TRY(TAKE(&p->arena, trie, p->n_trie + 1));
    TRY(TAKE(&p->arena, rest, p->n_replaced + 1));
    for (size_t i = 0; i < p->n_trie; i++) {
        const unsigned char *at = f->bytes + 4 + 4 * i;
        trie[i] = (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
    }
    if (p->n_replaced > 0) memcpy(rest, f->bytes + 4 + size, p->n_replaced);
    p->trie = trie;
    p->replaced = rest;
    return RK_OK;
}

static rk_status read_normalizer(rk_ctx *ctx, struct pieces *p, struct proto m)
{
    struct field f;
    while (m.at < m.end) {
        TRY(read_field(ctx, &m, &f));
        if (f.number == 2 && f.wire == WIRE_BYTES) TRY(read_replacements(ctx, p, &m, &f));
        if (f.number == 3 && f.wire == WIRE_VARINT) p->prefix = f.value != 0;
        if (f.number == 4 && f.wire == WIRE_VARINT) p->squeeze = f.value != 0;
        if (f.number == 5 && f.wire == WIRE_VARINT) p->escape = f.value != 0;
    }
    return RK_OK;
}

static rk_status index_pieces(rk_ctx *ctx, struct pieces *p, const struct proto *m)
{
    int known;
    bool any = false;
    p->most = FLT_MIN;                                  /* as the original has it: no score of a logarithm is larger */
    for (int i = 0; i < p->at.n; i++) {
        const struct piece *q = &p->at.at[i];
        if (q->type != PIECE_NORMAL && q->type != PIECE_USER) continue;
        if (map_get(&p->names, q->text, q->n, &known)) return FAIL(RK_E_FORMAT, "%s: the piece \"%.40s\" is there twice", m->name, q->text);
        TRY(map_put(ctx, &p->names, q->text, q->n, i));
        p->longest = q->n > p->longest ? q->n : p->longest;
        p->user = p->user || q->type == PIECE_USER;
        if (q->type == PIECE_USER) continue;
        p->least = !any || q->score < p->least ? q->score : p->least;
        p->most = q->score > p->most ? q->score : p->most;
        any = true;
    }
    return any ? RK_OK : FAIL(RK_E_FORMAT, "%s: no pieces in it; this is no model of SentencePiece", m->name);
}

rk_status pieces_read(rk_ctx *ctx, const char *name, const void *bytes, size_t n, struct pieces *p)
{
    struct proto m = { name, bytes, bytes, (const unsigned char *)bytes + n };
    struct field f;
    p->prefix = p->squeeze = p->escape = true;
    while (m.at < m.end) {
        TRY(read_field(ctx, &m, &f));
        if (f.wire != WIRE_BYTES) continue;
        if (f.number == 1) TRY(read_piece(ctx, p, inside(&m, &f)));
        if (f.number == 2) TRY(read_trainer(ctx, inside(&m, &f)));
        if (f.number == 3) TRY(read_normalizer(ctx, p, inside(&m, &f)));
    }
    return index_pieces(ctx, p, &m);
}

rk_status pieces_open(rk_ctx *ctx, const char *path, struct pieces *p)
{
    struct file_view view;
    TRY(file_map(ctx, path, &view));
    rk_status status = pieces_read(ctx, path, view.at, view.n, p);
    file_unmap(&view);
    return status;
}

void pieces_close(rk_ctx *ctx, struct pieces *p)
{
    VEC_FREE(&p->at);
    map_free(ctx, &p->names);
    arena_clear(ctx, &p->arena);
}

int pieces_find(const struct pieces *p, const char *text, size_t n)
{
    int i;
    return map_get(&p->names, text, n, &i) ? i : -1;
}
