/* frame.c: frames from and to tokenizer.json. Source: huggingface/tokenizers, processors/template.rs, bert.rs, sequence.rs. */
#include "tok/frame.h"
#include "tok/load.h"
#include <string.h>

struct frame frame_plain(bool pair)
{
    return (struct frame){ pair ? 2 : 1, { { FRAME_FIRST, 0, 0 }, { FRAME_SECOND, 1, 0 } } };
}

static void add(struct frame *f, enum frame_kind kind, unsigned type, uint32_t id)
{
    if (kind != FRAME_SPECIAL || id != NO_TOKEN) f->at[f->n++] = (struct frame_piece){ (uint8_t)kind, (uint8_t)type, id };
}

struct frames frames_bert(uint32_t begin, uint32_t separator)
{
    struct frames f = { .trims = false };
    for (int pair = 0; pair < 2; pair++) {
        struct frame *to = pair ? &f.pair : &f.single;
        add(to, FRAME_SPECIAL, 0, begin);
        add(to, FRAME_FIRST, 0, 0);
        add(to, FRAME_SPECIAL, 0, separator);
        if (pair) add(to, FRAME_SECOND, 1, 0);
        if (pair) add(to, FRAME_SPECIAL, 1, separator);
    }
    return f;
}

/* ---- reading ---- */

static rk_status put_special(rk_ctx *ctx, const struct json *id, unsigned type, const struct json *specials, const struct vocab *vocab, struct frame *f)
{
    const struct json *entry = id->kind == JSON_STRING ? json_find_bytes(specials, id->text, id->n) : NULL, *ids;
    if (entry == NULL) return load_decline(ctx, id);
    TRY(json_get_array(ctx, entry, "ids", &ids));
    for (uint32_t i = 0; i < ids->n; i++) {
        int64_t token;
        char path[JSON_SHOWN];
        TRY(json_as_int(ctx, &ids->at[i], 0, VOCAB_MOST - 1, &token));
        if (token >= vocab->size || vocab->tokens[token].at == NULL) return FAIL(RK_E_FORMAT, "%s: %lld is no token of the vocabulary", json_path(&ids->at[i], path), (long long)token);
        if (f->n == FRAME_MOST) return load_decline(ctx, id);
        add(f, FRAME_SPECIAL, type, (uint32_t)token);
    }
    return RK_OK;
}

/* [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, ...]: each text once. */
static rk_status read_template(rk_ctx *ctx, const struct json *v, bool pair, const struct vocab *vocab, struct frame *f)
{
    const struct json *list, *specials;
    int texts[2] = { 0, 0 };
    TRY(json_get_array(ctx, v, pair ? "pair" : "single", &list));
    TRY(json_get_object(ctx, v, "special_tokens", &specials));
    for (uint32_t i = 0; i < list->n; i++) {
        const struct json *special = json_find(&list->at[i], "SpecialToken"), *text = json_find(&list->at[i], "Sequence"), *of = special != NULL ? special : text, *id;
        int64_t type;
        if (of == NULL || f->n == FRAME_MOST) return load_decline(ctx, &list->at[i]);
        TRY(json_get(ctx, of, "id", &id));
        TRY(json_get_int(ctx, of, "type_id", 0, UINT8_MAX, &type));
        if (special != NULL) {
            TRY(put_special(ctx, id, (unsigned)type, specials, vocab, f));
            continue;
        }
        bool second = load_is_text(id, "B");
        if ((!second && !load_is_text(id, "A")) || texts[second]++ > 0) return load_decline(ctx, id);
        add(f, second ? FRAME_SECOND : FRAME_FIRST, (unsigned)type, 0);
    }
    return texts[0] == 1 && texts[1] == pair ? RK_OK : load_decline(ctx, list);
}

static rk_status read_pair(rk_ctx *ctx, const struct json *v, const char *key, const struct vocab *vocab, uint32_t *id)
{
    const struct json *pair = json_find(v, key);
    char path[JSON_SHOWN], words[JSON_SHOWN];
    if (pair == NULL || pair->kind != JSON_ARRAY || pair->n != 2 || pair->at[0].kind != JSON_STRING) return load_decline(ctx, pair != NULL ? pair : v);
    if (vocab_find(vocab, pair->at[0].text, pair->at[0].n, id)) return RK_OK;
    return FAIL(RK_E_FORMAT, "%s: %s is no token of the vocabulary", json_path(&pair->at[0], path), json_words(&pair->at[0], words));
}

static rk_status read_one(rk_ctx *ctx, const struct json *v, const struct vocab *vocab, struct frames *f)
{
    const struct json *type = json_find(v, "type");
    uint32_t begin, separator;
    bool frames = load_is_text(type, "BertProcessing") || load_is_text(type, "TemplateProcessing");
    if (load_is_text(type, "ByteLevel") && !f->trims) {
        f->trims = !load_is_bool(json_find(v, "trim_offsets"), false);
        f->keeps_first = f->trims && !load_is_bool(json_find(v, "add_prefix_space"), false);
        return RK_OK;
    }
    if (!frames || f->single.n > 0) return load_decline(ctx, type != NULL ? type : v);
    if (load_is_text(type, "TemplateProcessing")) {
        TRY(read_template(ctx, v, false, vocab, &f->single));
        return read_template(ctx, v, true, vocab, &f->pair);
    }
    TRY(read_pair(ctx, v, "cls", vocab, &begin));
    TRY(read_pair(ctx, v, "sep", vocab, &separator));
    struct frames bert = frames_bert(begin, separator);
    f->single = bert.single;
    f->pair = bert.pair;
    return RK_OK;
}

rk_status frames_load(rk_ctx *ctx, const struct json *root, const struct vocab *vocab, struct frames *frames)
{
    const struct json *v = json_find(root, "post_processor"), *list;
    *frames = (struct frames){ .trims = false };
    if (load_is_null(v)) return RK_OK;
    if (!load_is_text(json_find(v, "type"), "Sequence")) return read_one(ctx, v, vocab, frames);
    TRY(json_get_array(ctx, v, "processors", &list));
    for (uint32_t i = 0; i < list->n; i++) TRY(read_one(ctx, &list->at[i], vocab, frames));
    return RK_OK;
}

/* ---- writing ---- */

static rk_status put_frame(rk_ctx *ctx, struct json_out *o, const char *key, const struct frame *f, const struct vocab *vocab)
{
    TRY(json_open_array(ctx, o, key));
    for (int i = 0; i < f->n; i++) {
        bool special = f->at[i].kind == FRAME_SPECIAL;
        rk_text text = special ? vocab->tokens[f->at[i].id] : (rk_text){ f->at[i].kind == FRAME_FIRST ? "A" : "B", 1 };
        TRY(json_open_object(ctx, o, NULL));
        TRY(json_open_object(ctx, o, special ? "SpecialToken" : "Sequence"));
        TRY(json_put_bytes(ctx, o, "id", text.at, text.n));
        TRY(json_put_uint(ctx, o, "type_id", f->at[i].type));
        TRY(json_close(ctx, o));
        TRY(json_close(ctx, o));
    }
    return json_close(ctx, o);
}

static bool is_first(const struct frame_piece *all, int i)
{
    for (int k = 0; k < i; k++)
        if (all[k].kind == FRAME_SPECIAL && all[k].id == all[i].id) return false;
    return all[i].kind == FRAME_SPECIAL;
}

static rk_status put_special_tokens(rk_ctx *ctx, struct json_out *o, const struct frames *frames, const struct vocab *vocab)
{
    struct frame_piece all[2 * FRAME_MOST];
    int n = frames->single.n;
    TRY(json_open_object(ctx, o, "special_tokens"));
    memcpy(all, frames->single.at, sizeof frames->single.at);
    for (int i = 0; i < frames->pair.n; i++) all[n++] = frames->pair.at[i];
    for (int i = 0; i < n; i++) {
        if (!is_first(all, i)) continue;
        rk_text text = vocab->tokens[all[i].id];
        TRY(json_key(ctx, o, text.at, text.n));
        TRY(json_open_object(ctx, o, NULL));
        TRY(json_put_bytes(ctx, o, "id", text.at, text.n));
        TRY(json_open_array(ctx, o, "ids"));
        TRY(json_put_uint(ctx, o, NULL, all[i].id));
        TRY(json_close(ctx, o));
        TRY(json_open_array(ctx, o, "tokens"));
        TRY(json_put_bytes(ctx, o, NULL, text.at, text.n));
        TRY(json_close(ctx, o));
        TRY(json_close(ctx, o));
    }
    return json_close(ctx, o);
}

rk_status frames_save(rk_ctx *ctx, struct json_out *o, const char *key, const struct frames *frames, const struct vocab *vocab)
{
    TRY(json_open_object(ctx, o, key));
    TRY(json_put_text(ctx, o, "type", "TemplateProcessing"));
    TRY(put_frame(ctx, o, "single", &frames->single, vocab));
    TRY(put_frame(ctx, o, "pair", &frames->pair, vocab));
    TRY(put_special_tokens(ctx, o, frames, vocab));
    return json_close(ctx, o);
}
