/* load_json.c: tokenizer.json. Every part is either done here exactly or refused by its name; nothing is passed over in silence.
 *
 * Done: model BPE with the normalizer NFC or none, pre-tokenizer ByteLevel without a prefix space, or any pattern by Split and then
 * ByteLevel, decoder ByteLevel; model WordPiece as BERT has it (load_bert.c); post-processors (frame.c); added tokens with all their flags. Not
 * here: other models and normalizers, padding, truncation. Source: huggingface/tokenizers, the serialization of its parts. */
#include "tok/load.h"
#include "tok/pattern.h"
#include <string.h>

rk_status load_decline(rk_ctx *ctx, const struct json *v)
{
    char path[JSON_SHOWN], words[JSON_SHOWN];
    return FAIL(RK_E_DECLINED, "%s: %s is not supported", json_path(v, path), json_words(v, words));
}

bool load_is_text(const struct json *v, const char *text) { return v != NULL && v->kind == JSON_STRING && v->n == strlen(text) && memcmp(v->text, text, v->n) == 0; }

/* Keys outside a list would change the meaning in ways unknown here. */
rk_status load_only(rk_ctx *ctx, const struct json *object, const char *const *keys)
{
    char path[JSON_SHOWN];
    TRY(json_as_object(ctx, object));
    for (uint32_t i = 0; i < object->n; i++) {
        bool known = false;
        for (int k = 0; keys[k] != NULL && !known; k++) known = strcmp(object->at[i].key.at, keys[k]) == 0;
        if (!known) return FAIL(RK_E_DECLINED, "%s: this part is not supported", json_path(&object->at[i], path));
    }
    return RK_OK;
}

static rk_status must_be_null(rk_ctx *ctx, const struct json *root, const char *key)
{
    const struct json *v = json_find(root, key);
    return load_is_null(v) ? RK_OK : load_decline(ctx, v);
}

/* { "type": "ByteLevel", ... } */
static rk_status byte_level(rk_ctx *ctx, const struct json *v, bool splits)
{
    static const char *const keys[] = { "type", "add_prefix_space", "trim_offsets", "use_regex", NULL };
    const struct json *regex = json_find(v, "use_regex"), *prefix = json_find(v, "add_prefix_space");
    TRY(load_only(ctx, v, keys));
    if (!load_is_text(json_find(v, "type"), "ByteLevel")) return load_decline(ctx, json_find(v, "type") != NULL ? json_find(v, "type") : v);
    if (!load_is_bool(prefix, false)) return load_decline(ctx, prefix != NULL ? prefix : v);       /* absent means true there */
    if (splits ? load_is_bool(regex, false) : !load_is_bool(regex, false)) return load_decline(ctx, regex != NULL ? regex : v);
    return RK_OK;
}

/* As decoder it has no choice. */
static rk_status decoder(rk_ctx *ctx, const struct json *root)
{
    const struct json *v = json_find(root, "decoder"), *type = json_find(v, "type");
    if (load_is_null(v) || load_is_text(type, "ByteLevel")) return RK_OK;
    return load_decline(ctx, type != NULL ? type : v);
}

static rk_status normalizer(rk_ctx *ctx, const struct json *root, rk_tok *tok)
{
    static const char *const keys[] = { "type", NULL };
    const struct json *v = json_find(root, "normalizer"), *type = json_find(v, "type");
    if (load_is_null(v)) return RK_OK;
    if (!load_is_text(type, "NFC")) return load_decline(ctx, type != NULL ? type : v);
    TRY(load_only(ctx, v, keys));
    tok->form = NORMAL_NFC;
    return RK_OK;
}

/* { "type": "Split", "pattern": { "Regex": ... }, "behavior": "Isolated", "invert": false }. "Removed" and inverted keeps what matches and nothing
 * else, which is the same for a pattern that matches everything, as the known ones do. */
static rk_status split_part(rk_ctx *ctx, const struct json *v, rk_tok *tok)
{
    static const char *const keys[] = { "type", "pattern", "behavior", "invert", NULL };
    const struct json *regex = json_find(json_find(v, "pattern"), "Regex"), *type = json_find(v, "type");
    TRY(load_only(ctx, v, keys));
    if (!load_is_text(type, "Split")) return load_decline(ctx, type != NULL ? type : v);
    bool isolated = load_is_text(json_find(v, "behavior"), "Isolated") && load_is_bool(json_find(v, "invert"), false);
    bool kept = load_is_text(json_find(v, "behavior"), "Removed") && load_is_bool(json_find(v, "invert"), true);
    if ((!isolated && !kept) || regex == NULL || regex->kind != JSON_STRING) return load_decline(ctx, v);
    struct str ours = { 0 };
    rk_status status = pattern_from_oniguruma(ctx, regex->text, regex->n, &ours);
    if (status == RK_OK) status = split_open_regex(ctx, str_c(&ours), (size_t)ours.n, &tok->split);
    str_free(ctx, &ours);
    TRY(status);
    return kept && tok->split.regex != NULL ? load_decline(ctx, json_find(v, "behavior")) : RK_OK;
}

static rk_status pre_tokenizer(rk_ctx *ctx, const struct json *root, rk_tok *tok)
{
    static const char *const keys[] = { "type", "pretokenizers", NULL };
    const struct json *v, *parts;
    TRY(json_get_object(ctx, root, "pre_tokenizer", &v));
    if (!load_is_text(json_find(v, "type"), "Sequence")) return byte_level(ctx, v, true);
    TRY(load_only(ctx, v, keys));
    TRY(json_get_array(ctx, v, "pretokenizers", &parts));
    if (parts->n != 2) return load_decline(ctx, parts);
    TRY(split_part(ctx, &parts->at[0], tok));
    return byte_level(ctx, &parts->at[1], false);
}

/* ---- added tokens ---- */

struct added { struct name name; rk_special special; };

static rk_status added_token(rk_ctx *ctx, const struct json *v, struct added *out)
{
    static const char *const keys[] = { "id", "content", "single_word", "lstrip", "rstrip", "normalized", "special", NULL };
    const struct json *content;
    int64_t id;
    TRY(load_only(ctx, v, keys));
    TRY(json_get_int(ctx, v, "id", 0, VOCAB_MOST - 1, &id));
    TRY(json_get(ctx, v, "content", &content));
    if (content->kind != JSON_STRING) return load_decline(ctx, content);
    bool special = load_is_bool(json_find(v, "special"), true);
    const struct json *normalized = json_find(v, "normalized");
    rk_text text = { content->text, content->n };
    out->name = (struct name){ content->text, content->n };
    out->special = (rk_special){ text, (uint32_t)id, special, load_is_null(normalized) ? !special : load_is_bool(normalized, true),
                                 load_is_bool(json_find(v, "lstrip"), true), load_is_bool(json_find(v, "rstrip"), true), load_is_bool(json_find(v, "single_word"), true) };
    return RK_OK;
}

static rk_status added_tokens(rk_ctx *ctx, const struct json *root, struct arena *arena, struct names *names)
{
    const struct json *list = json_find(root, "added_tokens");
    struct added *all = NULL;
    *names = (struct names){ .stride = sizeof *all };
    if (load_is_null(list)) return RK_OK;
    TRY(json_as_array(ctx, list));
    TRY(TAKE(arena, all, list->n));
    for (uint32_t i = 0; i < list->n; i++) TRY(added_token(ctx, &list->at[i], &all[i]));
    *names = (struct names){ .items = all, .stride = sizeof *all, .n = list->n };
    return names_index(ctx, arena, names);
}

/* ---- the model ---- */

/* The lengths that added tokens have, up to 63 and more: most others need not be looked for among them. */
static uint64_t lengths_of(const struct names *added)
{
    uint64_t lengths = 0;
    const struct added *all = added->items;
    for (uint32_t i = 0; i < added->n; i++) lengths |= UINT64_C(1) << (all[i].name.length < 63 ? all[i].name.length : 63);
    return lengths;
}

static rk_status tokens(rk_ctx *ctx, const struct listed *l, const struct json *vocab, const struct names *added, struct str *scratch, rk_tok *tok)
{
    uint64_t lengths = lengths_of(added);
    uint32_t item;
    size_t bytes = 0;
    for (int i = 0; i < l->tokens.n; i++) bytes += 2 * l->tokens.at[i].key.length + 1;         /* its bytes, and its spelling where that is longer */
    TRY(vocab_expect(ctx, &tok->vocab, (uint32_t)l->tokens.n, bytes));
    for (int i = 0; i < l->tokens.n; i++) {
        const struct listed_token *t = &l->tokens.at[i];
        struct json v = { .key = t->key, .up = vocab, .kind = JSON_INT };
        bool maybe = lengths >> (t->key.length < 63 ? t->key.length : 63) & 1;
        TRY(load_token(ctx, &v, t->id, maybe && names_find(added, t->key.at, t->key.length, &item), scratch, tok));
    }
    return listed_seal(l, &tok->vocab);
}

static rk_status merges(rk_ctx *ctx, const struct listed *l, const struct json *list, struct str *scratch, rk_tok *tok)
{
    char where[JSON_SHOWN];
    json_path(list, where);
    TRY(bpe_expect(ctx, &tok->bpe, (uint32_t)l->merges.n));
    for (int i = 0; i < l->merges.n; i++) {
        const struct listed_merge *m = &l->merges.at[i];
        if (m->right.at == NULL) TRY(load_merge_line(ctx, where, (uint32_t)i, m->left, scratch, tok));
        else TRY(load_merge(ctx, where, (uint32_t)i, m->left, m->right, scratch, tok));
    }
    return RK_OK;
}

/* What happens to a character that the vocabulary lacks does not matter when it has every byte. */
static bool has_all_bytes(const rk_tok *tok)
{
    bool all = true;
    uint32_t id;
    for (unsigned c = 0; c < 256; c++) {
        char byte = (char)c;
        all = all && vocab_find(&tok->vocab, &byte, 1, &id);
    }
    return all;
}

static rk_status model(rk_ctx *ctx, const struct listed *l, const struct names *added, rk_tok *tok)
{
    static const char *const keys[] = { "type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk",
                                        "byte_fallback", "ignore_merges", "vocab", "merges", NULL };
    static const char *const must_be_empty[] = { "continuing_subword_prefix", "end_of_word_suffix" };
    const struct json *v = json_find(l->doc.root, "model"), *type = json_find(v, "type"), *dropout = json_find(v, "dropout"), *vocab, *list;
    struct str scratch = { 0 };
    rk_status status;
    TRY(load_only(ctx, v, keys));
    if (!load_is_null(type) && !load_is_text(type, "BPE")) return load_decline(ctx, type);
    if (!load_is_null(dropout) && !(dropout->kind == JSON_DOUBLE && dropout->real == 0)) return load_decline(ctx, dropout);
    for (int i = 0; i < 2; i++) {
        const struct json *affix = json_find(v, must_be_empty[i]);
        if (!load_is_null(affix) && !load_is_text(affix, "")) return load_decline(ctx, affix);
    }
    TRY(json_get_array(ctx, v, "merges", &list));
    TRY(json_get_object(ctx, v, "vocab", &vocab));
    GO(tokens(ctx, l, vocab, added, &scratch, tok));
    const struct json *unknown = json_find(v, "unk_token"), *fallback = json_find(v, "byte_fallback");
    if (!load_is_null(unknown) && !has_all_bytes(tok)) GO(load_decline(ctx, unknown));
    if (load_is_bool(fallback, true) && !has_all_bytes(tok)) GO(load_decline(ctx, fallback));
    GO(merges(ctx, l, list, &scratch, tok));
    if (load_is_bool(json_find(v, "ignore_merges"), true)) tok->bpe.whole = &tok->vocab;
out:
    str_free(ctx, &scratch);
    return status;
}

static rk_status bpe_parts(rk_ctx *ctx, const struct listed *l, const struct names *added, rk_tok *tok)
{
    TRY(normalizer(ctx, l->doc.root, tok));
    TRY(decoder(ctx, l->doc.root));
    TRY(pre_tokenizer(ctx, l->doc.root, tok));
    return model(ctx, l, added, tok);
}

static rk_status load(rk_ctx *ctx, const struct listed *l, struct arena *arena, rk_tok *tok)
{
    static const char *const keys[] = { "version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder", "model", NULL };
    const struct json *root = l->doc.root, *what;
    struct names added;
    TRY(load_only(ctx, root, keys));
    TRY(must_be_null(ctx, root, "truncation"));
    TRY(must_be_null(ctx, root, "padding"));
    TRY(added_tokens(ctx, root, arena, &added));
    TRY(json_get_object(ctx, root, "model", &what));
    bool is_bert = load_is_text(json_find(what, "type"), "WordPiece");
    TRY(is_bert ? load_bert_parts(ctx, l, tok) : bpe_parts(ctx, l, &added, tok));
    const struct added *all = added.items;
    for (uint32_t i = 0; i < added.n; i++) TRY(tok_add_special(ctx, tok, all[i].special));
    TRY(frames_load(ctx, root, &tok->vocab, &tok->frames));
    if (is_bert && tok->frames.trims) return load_decline(ctx, json_find(root, "post_processor"));
    return tok_seal(ctx, tok);
}

rk_status load_listed(rk_ctx *ctx, const struct listed *l, rk_tok *tok)
{
    struct arena arena = { 0 };
    rk_status status = load(ctx, l, &arena, tok);
    arena_clear(ctx, &arena);
    return status;
}

rk_status load_tokenizer_json(rk_ctx *ctx, const char *name, const char *text, size_t n, rk_tok *tok)
{
    struct listed l;
    TRY(listed_read(ctx, name, text, n, &l));
    rk_status status = load_listed(ctx, &l, tok);
    listed_clear(ctx, &l);
    return status;
}
