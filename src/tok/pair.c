/* pair.c: the tokenizer of a translator, as Marian has it: pieces of the source, pieces of the target, and one list of ids for both.
 *
 * source.spm cuts what is read, target.spm what is written; vocab.json says the id of each piece. Files with a list for each side
 * (target_vocab.json) are read as well. A text may begin with a code of the language to come, ">>fra<<", which is one token; so are </s>, <unk>
 * and <pad> wherever they are written, and what stands behind one is read as a text of its own.
 * Source: models/marian/tokenization_marian.py of transformers. */
#include "io/json.h"
#include "tok/pieces.h"
#include <string.h>

struct vocabulary { struct json_doc doc; struct map ids; const char **texts; int64_t n; };     /* texts: by id, NULL for a hole */

struct rk_pair {
    rk_ctx *ctx;
    struct pieces source, target;
    struct vocabulary read, written;        /* written.n 0: the same */
    uint32_t end, unknown;
};

/* --- opening --- */

static rk_status read_vocabulary(rk_ctx *ctx, const char *path, struct vocabulary *v)
{
    TRY(json_load(ctx, &v->doc, path, 0));
    TRY(json_as_object(ctx, v->doc.root));
    for (uint32_t i = 0; i < v->doc.root->n; i++) {
        int64_t id;
        TRY(json_as_int(ctx, &v->doc.root->at[i], 0, 1 << 28, &id));
        v->n = id + 1 > v->n ? id + 1 : v->n;
    }
    if (v->n == 0) return FAIL(RK_E_FORMAT, "%s: no tokens in it", path);
    if (v->n > 16 * (int64_t)v->doc.root->n + 1024) return FAIL(RK_E_FORMAT, "%s: ids up to %lld for %u tokens", path, (long long)v->n - 1, v->doc.root->n);
    TRY(NEW(v->texts, v->n));
    for (uint32_t i = 0; i < v->doc.root->n; i++) {
        const struct json *token = &v->doc.root->at[i];
        TRY(map_put(ctx, &v->ids, token->key.at, token->key.length, (int)token->integer));
        v->texts[token->integer] = token->key.at;
    }
    return RK_OK;
}

static void vocabulary_free(rk_ctx *ctx, struct vocabulary *v)
{
    FREE(v->texts, v->n);
    map_free(ctx, &v->ids);
    json_clear(ctx, &v->doc);
}

static rk_status open_file(rk_ctx *ctx, const char *folder, const char *name, struct pieces *p)
{
    struct str path = { 0 };
    rk_status status = file_join(ctx, &path, folder, name);
    if (status == RK_OK) status = pieces_open(ctx, str_c(&path), p);
    str_free(ctx, &path);
    return status;
}

static rk_status open_list(rk_ctx *ctx, const char *folder, const char *name, bool must, struct vocabulary *v)
{
    struct str path = { 0 };
    bool there = true;
    rk_status status = file_join(ctx, &path, folder, name);
    if (status == RK_OK && !must) status = file_exists(ctx, str_c(&path), &there);
    if (status == RK_OK && there) status = read_vocabulary(ctx, str_c(&path), v);
    str_free(ctx, &path);
    return status;
}

static rk_status special(rk_ctx *ctx, const struct rk_pair *p, const char *folder, const char *text, uint32_t *id)
{
    int value;
    if (!map_get(&p->read.ids, text, strlen(text), &value)) return FAIL(RK_E_FORMAT, "%s/vocab.json: no token %s", folder, text);
    *id = (uint32_t)value;
    return RK_OK;
}

static rk_status pair_open(rk_ctx *ctx, const char *folder, struct rk_pair *p)
{
    TRY(open_file(ctx, folder, "source.spm", &p->source));
    TRY(open_file(ctx, folder, "target.spm", &p->target));
    TRY(open_list(ctx, folder, "vocab.json", true, &p->read));
    TRY(open_list(ctx, folder, "target_vocab.json", false, &p->written));
    TRY(special(ctx, p, folder, "</s>", &p->end));
    return special(ctx, p, folder, "<unk>", &p->unknown);
}

rk_status rk_pair_open(rk_ctx *ctx, const char *folder, rk_pair **out)
{
    struct rk_pair *p;
    *out = NULL;
    TRY(NEW(p, 1));
    p->ctx = ctx;
    rk_status status = pair_open(ctx, folder, p);
    if (status == RK_OK) *out = p;
    else rk_pair_close(p);
    return status == RK_OK ? RK_OK : ctx_pass(ctx, status, __FILE__, __LINE__, __func__);
}

void rk_pair_close(rk_pair *p)
{
    if (p == NULL) return;
    rk_ctx *ctx = p->ctx;
    pieces_close(ctx, &p->source);
    pieces_close(ctx, &p->target);
    vocabulary_free(ctx, &p->read);
    vocabulary_free(ctx, &p->written);
    FREE(p, 1);
}

uint32_t rk_pair_end(const rk_pair *p) { return p->end; }

/* --- reading --- */

struct reading { rk_ctx *ctx; const struct rk_pair *p; rk_ids *ids; };

static rk_status add(rk_ctx *ctx, rk_ids *ids, uint32_t id)
{
    if (ids->n == ids->room) {
        size_t room = ids->room * 2 + 64;
        TRY(GROW(ids->at, ids->room, room));
        ids->room = room;
    }
    ids->at[ids->n++] = id;
    return RK_OK;
}

static rk_status take(void *user, rk_text text, int piece)
{
    struct reading *r = user;
    int id;
    (void)piece;
    return add(r->ctx, r->ids, map_get(&r->p->read.ids, text.at, text.n, &id) ? (uint32_t)id : r->p->unknown);
}

/* ">>...<<" at the beginning; 0: none. */
static size_t code_of(const char *text, size_t n)
{
    if (n < 4 || memcmp(text, ">>", 2) != 0) return 0;
    for (size_t i = 2; i + 2 <= n; i++)
        if (memcmp(text + i, "<<", 2) == 0) return i + 2;
    return 0;
}

/* A text without special tokens. */
static rk_status read_words(rk_ctx *ctx, struct reading *r, const char *text, size_t n)
{
    size_t code = code_of(text, n);
    if (code > 0) TRY(take(r, (rk_text){ text, code }, 0));
    return pieces_encode(ctx, &r->p->source, text + code, n - code, take, r);
}

static const char *const specials[] = { "</s>", "<unk>", "<pad>" };        /* stand for themselves wherever they are written */

static size_t special_at(const char *text, size_t n)
{
    for (size_t i = 0; i < sizeof specials / sizeof *specials; i++) {
        size_t length = strlen(specials[i]);
        if (length <= n && memcmp(text, specials[i], length) == 0) return length;
    }
    return 0;
}

static rk_status read_text(rk_ctx *ctx, struct reading *r, const char *text, size_t n)
{
    size_t from = 0;
    for (size_t at = 0, length; at < n; at += length > 0 ? length : 1) {
        length = special_at(text + at, n - at);
        if (length == 0) continue;
        if (at > from) TRY(read_words(ctx, r, text + from, at - from));
        TRY(take(r, (rk_text){ text + at, length }, 0));
        from = at + length;
    }
    return n > from ? read_words(ctx, r, text + from, n - from) : RK_OK;
}

rk_status rk_pair_encode(rk_ctx *ctx, const rk_pair *p, const char *text, size_t n, rk_ids *ids)
{
    struct reading r = { ctx, p, ids };
    size_t before = ids->n;
    rk_status status = read_text(ctx, &r, text, n);
    if (status == RK_OK) status = add(ctx, ids, p->end);
    if (status != RK_OK) ids->n = before;
    return status;
}

/* --- writing --- */

static bool is_special(const struct rk_pair *p, uint32_t id, const char *text)
{
    return id == p->end || id == p->unknown || strcmp(text, "<pad>") == 0;
}

static rk_status put(rk_ctx *ctx, rk_bytes *to, const char *bytes, size_t n)
{
    if (to->n + n > to->room) {
        size_t room = to->room * 2 + n + 64;
        TRY(GROW(to->at, to->room, room));
        to->room = room;
    }
    memcpy(to->at + to->n, bytes, n);
    to->n += n;
    return RK_OK;
}

/* Blanks at both ends are nobody's. */
static void strip(rk_bytes *text, size_t before)
{
    size_t from = before;
    while (text->n > before && text->at[text->n - 1] == ' ') text->n--;
    while (from < text->n && text->at[from] == ' ') from++;
    if (from > before) memmove(text->at + before, text->at + from, text->n - from);
    text->n -= from - before;
}

rk_status rk_pair_decode(rk_ctx *ctx, const rk_pair *p, const uint32_t *ids, size_t n, rk_bytes *text)
{
    const struct vocabulary *v = p->written.n > 0 ? &p->written : &p->read;
    size_t before = text->n, blank = strlen(PIECES_BLANK);
    for (size_t i = 0; i < n; i++) {
        const char *piece = (int64_t)ids[i] < v->n ? v->texts[ids[i]] : NULL;
        if (piece == NULL || is_special(p, ids[i], piece)) continue;
        for (size_t at = 0, length = strlen(piece), step; at < length; at += step) {
            bool is_blank = length - at >= blank && memcmp(piece + at, PIECES_BLANK, blank) == 0;
            step = is_blank ? blank : 1;
            TRY(put(ctx, text, is_blank ? " " : piece + at, 1));
        }
    }
    if (text->n > before) strip(text, before);
    return RK_OK;
}
