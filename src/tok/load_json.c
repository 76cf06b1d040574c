/* load_json.c: tokenizer.json. Every part is either done here exactly or refused by its name; nothing is passed over in silence.
 *
 * Done: model BPE; pre-tokenizer ByteLevel without a prefix space, or any pattern by Split and then ByteLevel; decoder and post-processor
 * ByteLevel (it moves offsets, not ids); added tokens, normalized or not. Not here: normalizers, padding, truncation, templates,
 * tokens that strip what is beside them. Source: huggingface/tokenizers, the serialization of its parts. */
#include "tok/load.h"
#include <string.h>

static rk_status decline(rk_ctx *ctx, const struct json *v)
{
    char path[JSON_SHOWN], words[JSON_SHOWN];
    return FAIL(RK_E_DECLINED, "%s: %s is not supported", json_path(v, path), json_words(v, words));
}

static bool is_null(const struct json *v) { return v == NULL || v->kind == JSON_NULL; }
static bool is_text(const struct json *v, const char *text) { return v != NULL && v->kind == JSON_STRING && v->n == strlen(text) && memcmp(v->text, text, v->n) == 0; }
static bool is_bool(const struct json *v, bool truth) { return v != NULL && v->kind == JSON_BOOL && v->truth == truth; }

/* Keys outside a list would change the meaning in ways unknown here. */
static rk_status only(rk_ctx *ctx, const struct json *object, const char *const *keys)
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
    return is_null(v) ? RK_OK : decline(ctx, v);
}

/* { "type": "ByteLevel", ... } */
static rk_status byte_level(rk_ctx *ctx, const struct json *v, bool splits)
{
    static const char *const keys[] = { "type", "add_prefix_space", "trim_offsets", "use_regex", NULL };
    const struct json *regex = json_find(v, "use_regex"), *prefix = json_find(v, "add_prefix_space");
    TRY(only(ctx, v, keys));
    if (!is_text(json_find(v, "type"), "ByteLevel")) return decline(ctx, json_find(v, "type") != NULL ? json_find(v, "type") : v);
    if (!is_bool(prefix, false)) return decline(ctx, prefix != NULL ? prefix : v);       /* absent means true there */
    if (splits ? is_bool(regex, false) : !is_bool(regex, false)) return decline(ctx, regex != NULL ? regex : v);
    return RK_OK;
}

/* The same as decoder and post-processor, where the fields do not matter to ids and bytes. */
static rk_status byte_level_or_null(rk_ctx *ctx, const struct json *root, const char *key)
{
    const struct json *v = json_find(root, key);
    if (is_null(v) || (v->kind == JSON_OBJECT && is_text(json_find(v, "type"), "ByteLevel"))) return RK_OK;
    const struct json *type = json_find(v, "type");
    return decline(ctx, type != NULL ? type : v);
}

/* { "type": "Split", "pattern": { "Regex": ... }, "behavior": "Isolated", "invert": false } */
static rk_status split_part(rk_ctx *ctx, const struct json *v, rk_tok *tok)
{
    static const char *const keys[] = { "type", "pattern", "behavior", "invert", NULL };
    const struct json *regex = json_find(json_find(v, "pattern"), "Regex"), *type = json_find(v, "type");
    TRY(only(ctx, v, keys));
    if (!is_text(type, "Split")) return decline(ctx, type != NULL ? type : v);
    if (!is_text(json_find(v, "behavior"), "Isolated") || !is_bool(json_find(v, "invert"), false) || regex == NULL || regex->kind != JSON_STRING) return decline(ctx, v);
    return split_open_regex(ctx, regex->text, regex->n, &tok->split);
}

static rk_status pre_tokenizer(rk_ctx *ctx, const struct json *root, rk_tok *tok)
{
    static const char *const keys[] = { "type", "pretokenizers", NULL };
    const struct json *v, *parts;
    TRY(json_get_object(ctx, root, "pre_tokenizer", &v));
    if (!is_text(json_find(v, "type"), "Sequence")) return byte_level(ctx, v, true);
    TRY(only(ctx, v, keys));
    TRY(json_get_array(ctx, v, "pretokenizers", &parts));
    if (parts->n != 2) return decline(ctx, parts);
    TRY(split_part(ctx, &parts->at[0], tok));
    return byte_level(ctx, &parts->at[1], false);
}

/* ---- added tokens ---- */

struct added { struct name name; rk_special special; };

static rk_status added_token(rk_ctx *ctx, const struct json *v, struct added *out)
{
    static const char *const keys[] = { "id", "content", "single_word", "lstrip", "rstrip", "normalized", "special", NULL };
    static const char *const refused[] = { "single_word", "lstrip", "rstrip" };
    const struct json *content;
    int64_t id;
    TRY(only(ctx, v, keys));
    for (int i = 0; i < 3; i++) {
        const struct json *flag = json_find(v, refused[i]);
        if (!is_null(flag) && !is_bool(flag, false)) return decline(ctx, flag);
    }
    TRY(json_get_int(ctx, v, "id", 0, VOCAB_MOST - 1, &id));
    TRY(json_get(ctx, v, "content", &content));
    if (content->kind != JSON_STRING) return decline(ctx, content);
    bool special = is_bool(json_find(v, "special"), true);
    const struct json *normalized = json_find(v, "normalized");
    rk_text text = { content->text, content->n };
    out->name = (struct name){ content->text, content->n };
    out->special = (rk_special){ text, (uint32_t)id, special, is_null(normalized) ? !special : is_bool(normalized, true) };
    return RK_OK;
}

static rk_status added_tokens(rk_ctx *ctx, const struct json *root, struct arena *arena, struct names *names)
{
    const struct json *list = json_find(root, "added_tokens");
    struct added *all = NULL;
    *names = (struct names){ NULL, sizeof *all, 0, NULL };
    if (is_null(list)) return RK_OK;
    TRY(json_as_array(ctx, list));
    TRY(TAKE(arena, all, list->n));
    for (uint32_t i = 0; i < list->n; i++) TRY(added_token(ctx, &list->at[i], &all[i]));
    *names = (struct names){ all, sizeof *all, list->n, NULL };
    return names_index(ctx, arena, names);
}

/* ---- the model ---- */

static rk_status merges(rk_ctx *ctx, const struct json *list, struct str *scratch, rk_tok *tok)
{
    char where[JSON_SHOWN];
    TRY(json_as_array(ctx, list));
    json_path(list, where);
    for (uint32_t i = 0; i < list->n; i++) {
        const struct json *m = &list->at[i];
        bool is_pair = m->kind == JSON_ARRAY && m->n == 2 && m->at[0].kind == JSON_STRING && m->at[1].kind == JSON_STRING;
        if (is_pair) TRY(load_merge(ctx, where, i, (rk_text){ m->at[0].text, m->at[0].n }, (rk_text){ m->at[1].text, m->at[1].n }, scratch, tok));
        else if (m->kind == JSON_STRING) TRY(load_merge_line(ctx, where, i, (rk_text){ m->text, m->n }, scratch, tok));
        else return FAIL(RK_E_FORMAT, "%s: merge %u is neither a text nor a pair of texts", where, i);
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

static rk_status model(rk_ctx *ctx, const struct json *v, const struct names *added, rk_tok *tok)
{
    static const char *const keys[] = { "type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk",
                                        "byte_fallback", "ignore_merges", "vocab", "merges", NULL };
    static const char *const must_be_empty[] = { "continuing_subword_prefix", "end_of_word_suffix" };
    struct str scratch = { 0 };
    const struct json *type = json_find(v, "type"), *dropout = json_find(v, "dropout"), *list;
    TRY(only(ctx, v, keys));
    if (!is_null(type) && !is_text(type, "BPE")) return decline(ctx, type);
    if (!is_null(dropout) && !(dropout->kind == JSON_DOUBLE && dropout->real == 0)) return decline(ctx, dropout);
    for (int i = 0; i < 2; i++) {
        const struct json *affix = json_find(v, must_be_empty[i]);
        if (!is_null(affix) && !is_text(affix, "")) return decline(ctx, affix);
    }
    TRY(json_get_array(ctx, v, "merges", &list));
    TRY(json_get(ctx, v, "vocab", &type));
    TRY(load_vocab(ctx, type, added, tok));
    TRY(vocab_seal(ctx, &tok->vocab));
    const struct json *unknown = json_find(v, "unk_token"), *fallback = json_find(v, "byte_fallback");
    if (!is_null(unknown) && !has_all_bytes(tok)) return decline(ctx, unknown);
    if (is_bool(fallback, true) && !has_all_bytes(tok)) return decline(ctx, fallback);
    rk_status status = merges(ctx, list, &scratch, tok);
    str_free(ctx, &scratch);
    if (is_bool(json_find(v, "ignore_merges"), true)) tok->bpe.whole = &tok->vocab;
    return status;
}

static rk_status load(rk_ctx *ctx, const struct json *root, struct arena *arena, rk_tok *tok)
{
    static const char *const keys[] = { "version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder", "model", NULL };
    struct names added;
    TRY(only(ctx, root, keys));
    TRY(must_be_null(ctx, root, "truncation"));
    TRY(must_be_null(ctx, root, "padding"));
    TRY(must_be_null(ctx, root, "normalizer"));
    TRY(byte_level_or_null(ctx, root, "post_processor"));
    TRY(byte_level_or_null(ctx, root, "decoder"));
    TRY(pre_tokenizer(ctx, root, tok));
    TRY(added_tokens(ctx, root, arena, &added));
    TRY(model(ctx, json_find(root, "model"), &added, tok));
    const struct added *all = added.items;
    for (uint32_t i = 0; i < added.n; i++) TRY(tok_add_special(ctx, tok, all[i].special));
    return tok_seal(ctx, tok);
}

rk_status load_tokenizer_json(rk_ctx *ctx, const struct json *root, rk_tok *tok)
{
    struct arena arena = { 0 };
    rk_status status = load(ctx, root, &arena, tok);
    arena_clear(ctx, &arena);
    return status;
}
