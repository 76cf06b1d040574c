/* tok.c: putting a tokenizer together, and asking it about its vocabulary. */
#include "tok/tok.h"
#include <stdlib.h>
#include <string.h>

rk_status tok_new(rk_ctx *ctx, rk_tok **tok)
{
    TRY(NEW(*tok, 1));
    (*tok)->split = *split_find("gpt2");
    return RK_OK;
}

void rk_tok_close(rk_ctx *ctx, rk_tok *tok)
{
    if (tok == NULL) return;
    FREE(tok->kind, tok->vocab.size);
    FREE(tok->pieces, tok->vocab.size);
    vocab_clear(ctx, &tok->vocab);
    bpe_clear(ctx, &tok->bpe);
    split_close(ctx, &tok->split);
    specials_clear(ctx, &tok->first);
    specials_clear(ctx, &tok->second);
    FREE(tok->specials, tok->room_specials);
    FREE(tok, 1);
}

rk_status tok_add_special(rk_ctx *ctx, rk_tok *tok, rk_special special)
{
    if (special.text.n == 0) return FAIL(RK_E_FORMAT, "%s: special token %u has no text", vocab_source(&tok->vocab), special.id);
    if (special.text.n > SPECIAL_MOST_BYTES) return FAIL(RK_E_LIMIT, "%s: special token %u has %zu bytes; %d are the limit", vocab_source(&tok->vocab), special.id, special.text.n, SPECIAL_MOST_BYTES);
    if (tok->n_specials == SPECIALS_MOST) return FAIL(RK_E_LIMIT, "%s: more than %d special tokens", vocab_source(&tok->vocab), SPECIALS_MOST);
    TRY(vocab_put(ctx, &tok->vocab, special.id, special.text.at, special.text.n, false));
    if (tok->n_specials == tok->room_specials) {
        size_t room = tok->room_specials == 0 ? 8 : tok->room_specials * 2;
        TRY(GROW(tok->specials, tok->room_specials, room));
        tok->room_specials = room;
    }
    special.text = tok->vocab.tokens[special.id];
    tok->specials[tok->n_specials++] = special;
    return RK_OK;
}

static int by_id(const void *a, const void *b)
{
    const rk_special *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

/* A text that is sought must have one id. */
static rk_status check_twins(rk_ctx *ctx, const rk_tok *tok, const struct specials *s)
{
    char shown[NAME_SHOWN];
    const rk_special *a, *b;
    if (!specials_twins(s, &a, &b)) return RK_OK;
    return FAIL(RK_E_FORMAT, "%s: the special token \"%s\" is given twice, as ids %u and %u", vocab_source(&tok->vocab), name_show(shown, a->text.at, a->text.n), a->id, b->id);
}

/* What is sought in normalized text is normalized too. A token with both white space and a character that may change might lie across a cut. */
static rk_status normalize_special(rk_ctx *ctx, rk_tok *tok, struct share *share, struct normal_text *t, rk_special *s)
{
    bool space = false, ascii = true;
    for (size_t i = 0; i < s->text.n; i++) {
        unsigned char c = (unsigned char)s->text.at[i];
        space |= c == ' ' || (c >= 9 && c <= 13);
        ascii &= c < 0x80;
    }
    if (space && !ascii) tok->split.cut = CUT_NOWHERE;
    if (!normal_make(share, t, (const unsigned char *)s->text.at, s->text.n, tok->form, false)) return (rk_status)atomic_load(&share->status);
    if (t->n > SPECIAL_MOST_BYTES) return FAIL(RK_E_LIMIT, "%s: special token %u has %zu bytes when normalized; %d are the limit", vocab_source(&tok->vocab), s->id, t->n, SPECIAL_MOST_BYTES);
    TRY(arena_text(ctx, &tok->vocab.texts, (const char *)t->at, t->n, &s->text.at));
    s->text.n = t->n;
    return RK_OK;
}

static rk_status seal_specials(rk_ctx *ctx, rk_tok *tok, rk_special *sought)
{
    struct share share;
    struct normal_text t = { 0 };
    rk_status status = RK_OK;
    TRY(share_begin(ctx, &share));
    for (size_t i = 0; i < tok->n_specials && status == RK_OK; i++) {
        sought[i] = tok->specials[i];
        if (sought[i].normalized && tok->form != NORMAL_NONE) status = normalize_special(ctx, tok, &share, &t, &sought[i]);
    }
    normal_clear(ctx, &t);
    (void)share_end(&share);
    if (status != RK_OK) return status;
    TRY(specials_init(ctx, &tok->first, sought, tok->n_specials, false));
    TRY(specials_init(ctx, &tok->second, sought, tok->n_specials, true));
    if (tok->bert.used && tok->second.n > 0)
        return FAIL(RK_E_DECLINED, "%s: token %u is sought in normalized text: not supported beside WordPiece", vocab_source(&tok->vocab), tok->second.at[0].id);
    TRY(check_twins(ctx, tok, &tok->first));
    return check_twins(ctx, tok, &tok->second);
}

static rk_status make_pieces(rk_ctx *ctx, rk_tok *tok)
{
    TRY(mem_widen(ctx, (void **)&tok->pieces, 0, tok->vocab.size, sizeof *tok->pieces, "bytes of tokens"));
    for (uint32_t id = 0; id < tok->vocab.size; id++) {
        rk_text t = tok->vocab.tokens[id];
        struct piece *p = &tok->pieces[id];
        bool plain = t.at != NULL && t.n <= PIECE_BYTES && !(tok->kind[id] & KIND_CONTROL);
        p->n = plain ? (uint8_t)t.n : PIECE_OTHER;
        if (plain) memcpy(p->text, t.at, t.n);
    }
    return RK_OK;
}

void tok_use(rk_tok *tok, enum isa isa)
{
    tok->isa = isa;
    tok->split.fast = split_body(tok->split.scan, isa);
    tok->first.find = tok->second.find = special_bodies[isa];
    if (tok->bpe.later != NULL) tok->bpe.later->tables.forward.characters = &characters_bodies[isa];
}

void tok_fill(const rk_tok *tok)
{
    if (tok->bpe.later != NULL) (void)quick_fill(&tok->bpe, &tok->vocab);
}

rk_status tok_seal(rk_ctx *ctx, rk_tok *tok)
{
    TRY(vocab_seal(ctx, &tok->vocab));
    if (!tok->bert.used) TRY(bpe_seal(ctx, &tok->bpe, &tok->vocab));
    else tok->split = (struct split){ .name = "bert", .scan = tok->bert.chinese ? bert_units_chinese : bert_units, .cut = CUT_BEFORE_BLANK };
    if (tok->n_specials > 1) qsort(tok->specials, tok->n_specials, sizeof *tok->specials, by_id);
    rk_special *sought;
    TRY(NEW(sought, tok->n_specials));
    rk_status status = seal_specials(ctx, tok, sought);
    FREE(sought, tok->n_specials);
    if (status != RK_OK) return ctx_pass(ctx, status, __FILE__, __LINE__, __func__);
    tok_use(tok, isa_best());
    TRY(NEW(tok->kind, tok->vocab.size));
    for (size_t i = 0; i < tok->n_specials; i++) tok->kind[tok->specials[i].id] = tok->specials[i].special ? KIND_ADDED | KIND_CONTROL : KIND_ADDED;
    return make_pieces(ctx, tok);
}

/* ---- questions ---- */

uint32_t   rk_tok_size(const rk_tok *tok)                 { return tok->vocab.size; }
uint32_t   rk_tok_merges(const rk_tok *tok)               { return tok->bpe.n_merges; }
size_t     rk_tok_specials(const rk_tok *tok)             { return tok->n_specials; }
rk_special rk_tok_special(const rk_tok *tok, size_t i)    { return tok->specials[i]; }

rk_text rk_tok_bytes(const rk_tok *tok, uint32_t id)
{
    return id < tok->vocab.size ? tok->vocab.tokens[id] : (rk_text){ NULL, 0 };
}

bool rk_tok_find(const rk_tok *tok, const char *bytes, size_t n, uint32_t *id)
{
    for (size_t i = 0; i < tok->n_specials; i++) {
        rk_text t = tok->specials[i].text;
        if (t.n != n || memcmp(t.at, bytes, n) != 0) continue;
        *id = tok->specials[i].id;
        return true;
    }
    return vocab_find(&tok->vocab, bytes, n, id);
}

rk_text rk_tok_merge(const rk_tok *tok, uint32_t rank, size_t *left)
{
    if (rank >= tok->bpe.n_merges) return (rk_text){ NULL, 0 };
    struct merge m = tok->bpe.merges[rank];
    *left = tok->vocab.tokens[m.left].n;
    return tok->vocab.tokens[m.id];
}
