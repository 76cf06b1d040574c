/* train.c: from texts or counts to a tokenizer: options checked, merges learned, ids given out. Not here: what is counted (counts.c). */
#include "base/file.h"
#include "base/map.h"
#include "base/utf8.h"
#include "tok/bytelevel.h"
#include "tok/bert.h"
#include "tok/plan.h"
#include "tok/tok.h"

enum { PEAK_PER_BYTE = 100 };            /* of text: a table of words that has just grown, beside another of half its size */

static rk_status check(rk_ctx *ctx, const struct plan *p, const rk_tok_training *how)
{
    size_t least = 256 + p->n_specials;
    if ((unsigned)how->ties > RK_TIES_RANK) return FAIL(RK_E_ARG, "ties %d: no such choice", (int)how->ties);
    if (how->vocab_size < least) {
        (void)FAIL(RK_E_ARG, "a vocabulary of %u has no room for the 256 bytes and %zu special token%s", how->vocab_size, p->n_specials, p->n_specials == 1 ? "" : "s");
        return ctx_hint(ctx, "ask for at least %zu; merges come on top", least);
    }
    if (how->vocab_size > VOCAB_MOST) return FAIL(RK_E_LIMIT, "a vocabulary of %u; %d is the limit", how->vocab_size, VOCAB_MOST);
    return RK_OK;
}

/* Files hold special tokens as JSON text, next to tokens in GPT-2's spelling: one must not be taken for the other. */
static rk_status check_special(rk_ctx *ctx, size_t i, rk_text text)
{
    char shown[NAME_SHOWN], bytes[SPECIAL_MOST_BYTES];
    size_t n;
    uint32_t code;
    if (text.n == 0) return FAIL(RK_E_ARG, "special token %zu is empty", i);
    if (text.n > SPECIAL_MOST_BYTES) return FAIL(RK_E_LIMIT, "special token %zu has %zu bytes; %d are the limit", i, text.n, SPECIAL_MOST_BYTES);
    name_show(shown, text.at, text.n);
    for (size_t at = 0; at < text.n;) {
        at += utf8_next(text.at + at, text.n - at, &code);
        if (code == UTF8_INVALID) return FAIL(RK_E_ARG, "special token %zu, %s, is not UTF-8", i, shown);
    }
    if (bytelevel_read(text.at, text.n, bytes, &n) && n != text.n) return FAIL(RK_E_ARG, "special token %zu, %s, is how files spell other bytes", i, shown);
    return RK_OK;
}

rk_status plan_open(rk_ctx *ctx, const rk_counting *how, struct plan *p)
{
    const char *pattern = how->pattern != NULL ? how->pattern : "gpt2";
    if ((unsigned)how->model > RK_PIECES_WORDPIECE) return FAIL(RK_E_ARG, "model %d: no such choice", (int)how->model);
    if ((unsigned)how->units > RK_UNITS_LINES) return FAIL(RK_E_ARG, "units %d: no such choice", (int)how->units);
    TRY(arena_text(ctx, &p->texts, pattern, strlen(pattern), &p->pattern));
    p->model = how->model;
    if (how->model == RK_PIECES_WORDPIECE)
        p->split = (struct split){ .name = "bert", .pattern = "bert", .scan = bert_units_chinese, .cut = CUT_BEFORE_BLANK, .fast = split_body(bert_units_chinese, isa_best()) };
    else TRY(split_open(ctx, p->pattern, strlen(pattern), &p->split));
    p->units = how->units;
    TRY(NEW(p->specials, how->n_specials));
    p->n_specials = how->n_specials;
    for (size_t i = 0; i < p->n_specials; i++) {
        rk_text text = { NULL, strlen(how->specials[i]) };
        TRY(arena_text(ctx, &p->texts, how->specials[i], text.n, &text.at));
        TRY(check_special(ctx, i, text));
        p->specials[i] = (rk_special){ .text = text, .id = (uint32_t)i, .special = true };
    }
    const rk_special *a, *b;
    TRY(specials_init(ctx, &p->cuts, p->specials, p->n_specials, false));
    if (!specials_twins(&p->cuts, &a, &b)) {
        if (p->model == RK_PIECES_BPE) return RK_OK;
        specials_clear(ctx, &p->cuts);                                /* Hugging Face reads a text before it knows them: they are words like any */
        return specials_init(ctx, &p->cuts, p->specials, 0, false);
    }
    return FAIL(RK_E_ARG, "special tokens %u and %u are the same: \"%.*s\" is given twice", a->id, b->id, (int)a->text.n, a->text.at);
}

void plan_close(rk_ctx *ctx, struct plan *p)
{
    split_close(ctx, &p->split);
    specials_clear(ctx, &p->cuts);
    FREE(p->specials, p->n_specials);
    arena_clear(ctx, &p->texts);
}

/* Bytes in the order of their ids: by value, or as Hugging Face sorts the characters that spell them. */
struct alphabet { char byte_of[256]; uint32_t id_of[256]; rk_text tokens[256]; };

static void order_bytes(rk_ties ties, struct alphabet *a)
{
    int n = 0;
    for (int b = 0; b < 256 && ties != RK_TIES_HUGGINGFACE; b++) a->byte_of[n++] = (char)b;
    for (uint32_t code = 0; n < 256; code++)
        if (bytelevel_byte(code) >= 0) a->byte_of[n++] = (char)bytelevel_byte(code);
    for (uint32_t id = 0; id < 256; id++) {
        a->id_of[(unsigned char)a->byte_of[id]] = id;
        a->tokens[id] = (rk_text){ &a->byte_of[id], 1 };
    }
}

static size_t bytes_of_word(const void *user, const unsigned char *text, size_t n, bool begins, uint32_t *ids, size_t most, size_t *taken)
{
    const struct alphabet *a = user;
    (void)begins;
    *taken = n < most ? n : most;
    for (size_t i = 0; i < *taken; i++) ids[i] = a->id_of[text[i]];
    return *taken;
}

/* Of two ids that spell the same the first is the one that counts. A special token is among these when its spelling in files
 * is its text; in `known` it is -1 - id until some merge makes it. */
static rk_status add_specials(rk_ctx *ctx, const struct plan *p, struct map *known, rk_tok *tok)
{
    char bytes[SPECIAL_MOST_BYTES];
    for (uint32_t i = 0; i < p->n_specials; i++) {
        rk_text t = p->specials[i].text;
        size_t n;
        TRY(tok_add_special(ctx, tok, p->specials[i]));
        if (bytelevel_read(t.at, t.n, bytes, &n)) TRY(map_put(ctx, known, t.at, t.n, -1 - (int)i));
    }
    return RK_OK;
}

static rk_status add_token(rk_ctx *ctx, rk_text t, uint32_t id, struct map *known, rk_tok *tok)
{
    int first = -1 - (int)id;
    if (map_get(known, t.at, t.n, &first) && first >= 0) return RK_OK;
    TRY(map_put(ctx, known, t.at, t.n, -1 - first));
    return vocab_put(ctx, &tok->vocab, (uint32_t)(-1 - first), t.at, t.n, true);
}

/* Ids: specials, then bytes and merges. */
static rk_status fill(rk_ctx *ctx, const struct plan *p, const struct merged *m, struct map *known, rk_tok *tok)
{
    TRY(split_open(ctx, p->pattern, strlen(p->pattern), &tok->split));
    TRY(add_specials(ctx, p, known, tok));
    for (uint32_t id = 0; id < m->n_ids; id++) TRY(add_token(ctx, m->tokens[id], (uint32_t)p->n_specials + id, known, tok));
    for (uint32_t i = 0; i < m->n; i++) {
        struct merge given = m->merges[i];
        uint32_t *ids[3] = { &given.left, &given.right, &given.id };
        for (int k = 0; k < 3; k++) {
            int first = -1;
            rk_text t = m->tokens[*ids[k]];
            PROMISE(map_get(known, t.at, t.n, &first) && first >= 0);
            *ids[k] = (uint32_t)first;
        }
        TRY(bpe_add_merge(ctx, &tok->bpe, given));
    }
    return tok_seal(ctx, tok);
}

uint64_t rk_tok_train_peak(const rk_tok_training *how, uint64_t text, int threads)
{
    uint64_t ids = (uint64_t)how->vocab_size * (uint64_t)(64 + 16 * threads), each = front_memory(FRONT_MOST) + WORD_PARTS * WORD_FIRST * sizeof(struct word_slot);
    uint64_t all = ((uint64_t)64 << 20) + (uint64_t)threads * each + ids + (text < (uint64_t)1 << 50 ? text : (uint64_t)1 << 50) * PEAK_PER_BYTE;
    return how->memory > 0 && how->memory < all ? how->memory : all;
}

uint64_t plan_least(const rk_tok_training *how)
{
    uint64_t least = how->min_frequency > 1 ? how->min_frequency : 1;
    return least < INT64_MAX ? least : INT64_MAX;
}

rk_status plan_train(rk_ctx *ctx, const struct plan *p, struct counter *counter, const rk_tok_training *how, rk_tok **out)
{
    rk_status status;
    struct merged merged = { 0 };
    struct map known = { 0 };
    rk_tok *tok = NULL;
    if (how->model != p->model) return FAIL(RK_E_ARG, "the words were not counted for this model");
    if (how->model == RK_PIECES_WORDPIECE) return wordpiece_train(ctx, p, counter, how, out);
    TRY(check(ctx, p, how));
    struct alphabet bytes;
    order_bytes(how->ties, &bytes);
    struct merging asked = { .most_ids = how->vocab_size - (uint32_t)p->n_specials, .least = plan_least(how), .ties = how->ties, .first = bytes.tokens, .n_first = 256,
                             .symbols = bytes_of_word, .of = &bytes, .memory = how->memory, .progress = how->progress, .user = how->user };
    GO(merges_learn(ctx, &asked, counter, &merged));
    GO(tok_new(ctx, &tok));
    GO(fill(ctx, p, &merged, &known, tok));
    *out = tok;
    tok = NULL;
out:
    map_free(ctx, &known);
    merged_clear(ctx, &merged);
    rk_tok_close(ctx, tok);
    return status;
}

/* ---- all at once ---- */

rk_status rk_tok_train_check(rk_ctx *ctx, const rk_tok_training *how)
{
    const struct plan none = { .n_specials = how->n_specials };
    return how->model == RK_PIECES_BPE ? check(ctx, &none, how) : RK_OK;
}

static rk_status open_counts(rk_ctx *ctx, const rk_tok_training *how, rk_counts **counts)
{
    rk_counting rules = { .pattern = how->pattern, .specials = how->specials, .n_specials = how->n_specials, .units = how->units, .model = how->model,
                          .progress = how->progress, .user = how->user, .memory = how->memory, .temporary = how->temporary };
    TRY(rk_tok_train_check(ctx, how));
    return rk_counts_open(ctx, &rules, counts);
}

rk_status rk_tok_train(rk_ctx *ctx, const rk_tok_training *how, const rk_text *texts, size_t n, rk_tok **tok)
{
    rk_status status;
    rk_counts *counts = NULL;
    *tok = NULL;
    GO(open_counts(ctx, how, &counts));
    GO(rk_counts_add(ctx, counts, texts, n));
    GO(rk_counts_train(ctx, counts, how, tok));
out:
    rk_counts_close(ctx, counts);
    return status;
}

rk_status rk_tok_train_files(rk_ctx *ctx, const rk_tok_training *how, const char *const *paths, size_t n, rk_tok **tok)
{
    rk_status status;
    size_t opened = 0;
    struct file_view *views = NULL;
    rk_text *texts = NULL;
    *tok = NULL;
    GO(NEW(views, n));
    GO(NEW(texts, n));
    for (; opened < n; opened++) {
        GO(file_map(ctx, paths[opened], &views[opened]));
        texts[opened] = (rk_text){ (const char *)views[opened].at, views[opened].n };
    }
    GO(rk_tok_train(ctx, how, texts, n, tok));
out:
    for (size_t i = 0; i < opened; i++) file_unmap(&views[i]);
    FREE(texts, n);
    FREE(views, n);
    return status;
}

rk_status rk_tok_train_counts(rk_ctx *ctx, const rk_tok_training *how, const char *path, rk_tok **tok)
{
    rk_status status;
    rk_counts *counts = NULL;
    *tok = NULL;
    GO(open_counts(ctx, how, &counts));
    GO(rk_counts_read(ctx, counts, path));
    GO(rk_counts_train(ctx, counts, how, tok));
out:
    rk_counts_close(ctx, counts);
    return status;
}
