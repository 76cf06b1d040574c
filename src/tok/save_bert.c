/* save_bert.c: WordPiece as Hugging Face tokenizers writes it. An id without a piece is an empty line in vocab.txt. */
#include "tok/save.h"

static rk_status put_normalizer(rk_ctx *ctx, struct json_out *o, const struct bert *b)
{
    TRY(json_open_object(ctx, o, "normalizer"));
    TRY(json_put_text(ctx, o, "type", "BertNormalizer"));
    TRY(json_put_bool(ctx, o, "clean_text", b->clean));
    TRY(json_put_bool(ctx, o, "handle_chinese_chars", b->chinese));
    if (b->strip == STRIP_AS_LOWER) TRY(json_put_null(ctx, o, "strip_accents"));
    else TRY(json_put_bool(ctx, o, "strip_accents", b->strip == STRIP_YES));
    TRY(json_put_bool(ctx, o, "lowercase", b->lower));
    return json_close(ctx, o);
}

static rk_status put_post_processor(rk_ctx *ctx, struct json_out *o, const rk_tok *tok)
{
    return tok->frames.single.n > 0 ? frames_save(ctx, o, "post_processor", &tok->frames, &tok->vocab) : json_put_null(ctx, o, "post_processor");
}

static rk_status put_model(rk_ctx *ctx, struct json_out *o, const rk_tok *tok)
{
    const struct bert *b = &tok->bert;
    const struct vocab *v = &tok->vocab;
    TRY(json_open_object(ctx, o, "model"));
    TRY(json_put_text(ctx, o, "type", "WordPiece"));
    TRY(json_put_bytes(ctx, o, "unk_token", v->tokens[b->unknown].at, v->tokens[b->unknown].n));
    TRY(json_put_bytes(ctx, o, "continuing_subword_prefix", b->prefix, b->n_prefix));
    TRY(json_put_uint(ctx, o, "max_input_chars_per_word", b->most_characters));
    TRY(json_open_object(ctx, o, "vocab"));
    for (uint32_t i = 0; i < v->n_entries; i++) {
        TRY(json_key(ctx, o, v->entries[i].name.at, v->entries[i].name.length));
        TRY(json_put_uint(ctx, o, NULL, v->entries[i].id));
    }
    TRY(json_close(ctx, o));
    return json_close(ctx, o);
}

rk_status save_bert_parts(rk_ctx *ctx, struct json_out *o, const rk_tok *tok)
{
    TRY(put_normalizer(ctx, o, &tok->bert));
    TRY(json_open_object(ctx, o, "pre_tokenizer"));
    TRY(json_put_text(ctx, o, "type", "BertPreTokenizer"));
    TRY(json_close(ctx, o));
    TRY(put_post_processor(ctx, o, tok));
    TRY(json_open_object(ctx, o, "decoder"));
    TRY(json_put_text(ctx, o, "type", "WordPiece"));
    TRY(json_put_bytes(ctx, o, "prefix", tok->bert.prefix, tok->bert.n_prefix));
    TRY(json_put_bool(ctx, o, "cleanup", tok->bert.cleanup));
    TRY(json_close(ctx, o));
    return put_model(ctx, o, tok);
}

rk_status save_vocab_txt(rk_ctx *ctx, const rk_tok *tok, struct str *text)
{
    for (uint32_t id = 0; id < tok->vocab.size; id++) {
        rk_text t = tok->vocab.tokens[id];
        if (t.at != NULL) TRY(str_add(ctx, text, t.at, t.n));
        TRY(str_add(ctx, text, "\n", 1));
    }
    return RK_OK;
}
