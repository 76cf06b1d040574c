/* load_bert.c: WordPiece as BERT has it, from a vocab.txt or from the parts of a tokenizer.json.
 *
 * Not here: pieces of other models (no normalizer, another pre-tokenizer): refused by name. */
#include "base/map.h"
#include "base/utf8.h"
#include "tok/load.h"
#include "tok/unicode.h"
#include <string.h>

void load_bert_defaults(struct bert *b, bool lower)
{
    *b = (struct bert){ .used = true, .clean = true, .chinese = true, .lower = lower, .cleanup = true, .strip = STRIP_AS_LOWER, .most_characters = 100,
                        .unknown = NO_TOKEN, .prefix = "##", .n_prefix = 2 };
}

/* ---- vocab.txt ---- */

static size_t without_space_at_end(const char *line, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n;) {
        uint32_t code;
        i += utf8_next(line + i, n - i, &code);
        if (code == UTF8_INVALID || unicode_class(code) != CLASS_SPACE) kept = i;
    }
    return kept;
}

/* A piece that is there twice is found by its last id; the others stand for it too, when decoding. */
static rk_status put_lines(rk_ctx *ctx, const char *name, rk_text text, struct map *last, rk_tok *tok, bool put)
{
    uint32_t id = 0;
    for (size_t at = 0, length; at < text.n; at += length + 1, id++) {
        const char *line = text.at + at, *feed = memchr(line, '\n', text.n - at);
        length = feed == NULL ? text.n - at : (size_t)(feed - line);
        size_t n = without_space_at_end(line, length);
        int of = 0;
        if (id >= VOCAB_MOST) return FAIL(RK_E_LIMIT, "%s: more than %d lines", name, VOCAB_MOST);
        if (n > TOKEN_MOST) return FAIL(RK_E_LIMIT, "%s: line %u has %zu bytes", name, id + 1, n);
        if (!put) TRY(map_put(ctx, last, line, n, (int)id));
        else TRY(vocab_put(ctx, &tok->vocab, id, line, n, map_get(last, line, n, &of) && of == (int)id));
    }
    return RK_OK;
}

static rk_status add_specials(rk_ctx *ctx, const char *name, rk_tok *tok)
{
    uint32_t begin = NO_TOKEN, separator = NO_TOKEN;
    struct { const char *text; uint32_t *id; } rows[] = {
        { "[PAD]", NULL }, { "[UNK]", &tok->bert.unknown }, { "[CLS]", &begin }, { "[SEP]", &separator }, { "[MASK]", NULL },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint32_t id;
        rk_text text = { rows[i].text, strlen(rows[i].text) };
        if (!vocab_find(&tok->vocab, text.at, text.n, &id)) continue;
        if (rows[i].id != NULL) *rows[i].id = id;
        TRY(tok_add_special(ctx, tok, (rk_special){ .text = text, .id = id, .special = true }));
    }
    tok->frames = frames_bert(begin, separator);
    if (tok->bert.unknown != NO_TOKEN) return RK_OK;
    (void)FAIL(RK_E_FORMAT, "%s: no line is [UNK], the token for words that the vocabulary lacks", name);
    return ctx_hint(ctx, "a vocab.txt has one piece of WordPiece a line, as BERT's has");
}

rk_status load_vocab_txt(rk_ctx *ctx, const char *name, rk_text text, bool lower, rk_tok *tok)
{
    struct map last = { 0 };
    load_bert_defaults(&tok->bert, lower);
    rk_status status = put_lines(ctx, name, text, &last, tok, false);
    if (status == RK_OK) status = put_lines(ctx, name, text, &last, tok, true);
    map_free(ctx, &last);
    if (status != RK_OK) return ctx_pass(ctx, status, __FILE__, __LINE__, __func__);
    TRY(vocab_seal(ctx, &tok->vocab));
    TRY(add_specials(ctx, name, tok));
    return tok_seal(ctx, tok);
}

rk_status load_pieces(rk_ctx *ctx, const rk_text *tokens, uint32_t n, uint32_t n_specials, bool lower, rk_tok *tok)
{
    load_bert_defaults(&tok->bert, lower);
    for (uint32_t id = 0; id < n; id++) TRY(vocab_put(ctx, &tok->vocab, id, tokens[id].at, tokens[id].n, true));
    TRY(vocab_seal(ctx, &tok->vocab));
    TRY(add_specials(ctx, "the tokens trained", tok));
    size_t known = tok->n_specials;
    for (uint32_t id = 0; id < n_specials; id++) {
        size_t i = 0;
        while (i < known && tok->specials[i].id != id) i++;
        if (i == known) TRY(tok_add_special(ctx, tok, (rk_special){ .text = tokens[id], .id = id, .special = true }));
    }
    return tok_seal(ctx, tok);
}

/* ---- tokenizer.json ---- */

static rk_status type_is(rk_ctx *ctx, const struct json *root, const char *part, const char *type, const struct json **v)
{
    TRY(json_get_object(ctx, root, part, v));
    const struct json *given = json_find(*v, "type");
    return load_is_text(given, type) ? RK_OK : load_decline(ctx, given != NULL ? given : *v);
}

static rk_status normalizer(rk_ctx *ctx, const struct json *root, struct bert *b)
{
    static const char *const keys[] = { "type", "clean_text", "handle_chinese_chars", "strip_accents", "lowercase", NULL };
    const struct json *v;
    TRY(type_is(ctx, root, "normalizer", "BertNormalizer", &v));
    TRY(load_only(ctx, v, keys));
    const struct json *strip = json_find(v, "strip_accents");
    TRY(json_get_bool(ctx, v, "clean_text", &b->clean));
    TRY(json_get_bool(ctx, v, "handle_chinese_chars", &b->chinese));
    TRY(json_get_bool(ctx, v, "lowercase", &b->lower));
    b->strip = load_is_null(strip) ? STRIP_AS_LOWER : load_is_bool(strip, true) ? STRIP_YES : STRIP_NO;
    return RK_OK;
}

static rk_status find_id(rk_ctx *ctx, const rk_tok *tok, const struct json *text, uint32_t *id)
{
    char path[JSON_SHOWN], words[JSON_SHOWN];
    if (text != NULL && text->kind == JSON_STRING && vocab_find(&tok->vocab, text->text, text->n, id)) return RK_OK;
    if (text == NULL) return FAIL(RK_E_FORMAT, "the tokenizer does not name a special token that it needs");
    return FAIL(RK_E_FORMAT, "%s: %s is no token of the vocabulary", json_path(text, path), json_words(text, words));
}

static rk_status decoder(rk_ctx *ctx, const struct json *root, struct bert *b)
{
    const struct json *v = json_find(root, "decoder"), *prefix = json_find(v, "prefix");
    if (load_is_null(v)) return RK_OK;
    if (!load_is_text(json_find(v, "type"), "WordPiece")) return load_decline(ctx, json_find(v, "type") != NULL ? json_find(v, "type") : v);
    if (prefix != NULL && !load_is_text(prefix, b->prefix)) return load_decline(ctx, prefix);
    b->cleanup = !load_is_bool(json_find(v, "cleanup"), false);
    return RK_OK;
}

static rk_status model(rk_ctx *ctx, const struct listed *l, rk_tok *tok)
{
    static const char *const keys[] = { "type", "unk_token", "continuing_subword_prefix", "max_input_chars_per_word", "vocab", NULL };
    const struct json *v = json_find(l->doc.root, "model"), *prefix = json_find(v, "continuing_subword_prefix"), *vocab;
    struct bert *b = &tok->bert;
    int64_t most = 100;
    TRY(load_only(ctx, v, keys));
    if (json_find(v, "max_input_chars_per_word") != NULL) TRY(json_get_int(ctx, v, "max_input_chars_per_word", 1, BERT_CHARACTERS, &most));
    b->most_characters = (uint32_t)most;
    if (prefix != NULL && (prefix->kind != JSON_STRING || prefix->n == 0 || prefix->n > BERT_PREFIX)) return load_decline(ctx, prefix);
    if (prefix != NULL) {
        TRY(arena_text(ctx, &tok->vocab.texts, prefix->text, prefix->n, &b->prefix));
        b->n_prefix = prefix->n;
    }
    TRY(json_get_object(ctx, v, "vocab", &vocab));
    for (int i = 0; i < l->tokens.n; i++) TRY(vocab_put(ctx, &tok->vocab, l->tokens.at[i].id, l->tokens.at[i].key.at, l->tokens.at[i].key.length, true));
    TRY(listed_seal(l, &tok->vocab));
    return find_id(ctx, tok, json_find(v, "unk_token"), &b->unknown);
}

rk_status load_bert_parts(rk_ctx *ctx, const struct listed *l, rk_tok *tok)
{
    const struct json *root = l->doc.root, *v;
    load_bert_defaults(&tok->bert, false);
    TRY(normalizer(ctx, root, &tok->bert));
    TRY(type_is(ctx, root, "pre_tokenizer", "BertPreTokenizer", &v));
    TRY(model(ctx, l, tok));
    return decoder(ctx, root, &tok->bert);
}
