/* save.c: tokenizer.json, vocab.json and merges.txt, as Hugging Face tokenizers reads them; for WordPiece tokenizer.json and vocab.txt.
 *
 * Every token is in the vocabulary part, also the special ones: a reader gives those it does not find there new ids of its own. Merges
 * are written as "left right", which readers of all ages understand. Each file is put in place whole or not at all. */
#include "base/file.h"
#include "io/json.h"
#include "tok/bytelevel.h"
#include "tok/pattern.h"
#include "tok/save.h"
#include <string.h>
#include <unistd.h>

/* By id: whether the token is spelled raw. A control or added token is, unless its spelling is the same. */
static rk_status raw_tokens(rk_ctx *ctx, const rk_tok *tok, bool **raw)
{
    TRY(NEW(*raw, tok->vocab.size));
    for (size_t i = 0; i < tok->n_specials; i++) (*raw)[tok->specials[i].id] = true;
    for (uint32_t i = 0; i < tok->vocab.n_entries; i++) (*raw)[tok->vocab.entries[i].id] = false;
    return RK_OK;
}

static rk_status put_vocab(rk_ctx *ctx, struct json_out *o, const char *key, const rk_tok *tok)
{
    rk_status status;
    struct str spelled = { 0 };
    bool *raw = NULL;
    GO(raw_tokens(ctx, tok, &raw));
    GO(json_open_object(ctx, o, key));
    for (uint32_t id = 0; id < tok->vocab.size; id++) {
        rk_text t = tok->vocab.tokens[id];
        if (t.at == NULL) continue;
        spelled.n = 0;
        if (raw[id]) GO(str_add(ctx, &spelled, t.at, t.n));
        else GO(bytelevel_write(ctx, &spelled, t.at, t.n));
        GO(json_key(ctx, o, str_c(&spelled), (size_t)spelled.n));
        GO(json_put_uint(ctx, o, NULL, id));
    }
    GO(json_close(ctx, o));
out:
    str_free(ctx, &spelled);
    FREE(raw, tok->vocab.size);
    return status;
}

static rk_status add_merge(rk_ctx *ctx, struct str *to, const rk_tok *tok, uint32_t rank)
{
    rk_text left = tok->vocab.tokens[tok->bpe.merges[rank].left], right = tok->vocab.tokens[tok->bpe.merges[rank].right];
    TRY(bytelevel_write(ctx, to, left.at, left.n));
    TRY(str_add(ctx, to, " ", 1));
    return bytelevel_write(ctx, to, right.at, right.n);
}

static rk_status put_merges(rk_ctx *ctx, struct json_out *o, const rk_tok *tok)
{
    rk_status status;
    struct str line = { 0 };
    GO(json_open_array(ctx, o, "merges"));
    for (uint32_t i = 0; i < tok->bpe.n_merges; i++) {
        line.n = 0;
        GO(add_merge(ctx, &line, tok, i));
        GO(json_put_bytes(ctx, o, NULL, str_c(&line), (size_t)line.n));
    }
    GO(json_close(ctx, o));
out:
    str_free(ctx, &line);
    return status;
}

static rk_status put_added(rk_ctx *ctx, struct json_out *o, const rk_tok *tok)
{
    TRY(json_open_array(ctx, o, "added_tokens"));
    for (size_t i = 0; i < tok->n_specials; i++) {
        const rk_special *s = &tok->specials[i];
        TRY(json_open_object(ctx, o, NULL));
        TRY(json_put_uint(ctx, o, "id", s->id));
        TRY(json_put_bytes(ctx, o, "content", s->text.at, s->text.n));
        TRY(json_put_bool(ctx, o, "single_word", s->single_word));
        TRY(json_put_bool(ctx, o, "lstrip", s->lstrip));
        TRY(json_put_bool(ctx, o, "rstrip", s->rstrip));
        TRY(json_put_bool(ctx, o, "normalized", s->normalized));
        TRY(json_put_bool(ctx, o, "special", s->special));
        TRY(json_close(ctx, o));
    }
    return json_close(ctx, o);
}

static rk_status put_byte_level(rk_ctx *ctx, struct json_out *o, const char *key, bool splits, bool trims, bool prefix)
{
    TRY(json_open_object(ctx, o, key));
    TRY(json_put_text(ctx, o, "type", "ByteLevel"));
    TRY(json_put_bool(ctx, o, "add_prefix_space", prefix));
    TRY(json_put_bool(ctx, o, "trim_offsets", trims));
    TRY(json_put_bool(ctx, o, "use_regex", splits));                  /* GPT-2's pattern */
    return json_close(ctx, o);
}

/* A known pattern has a spelling that both dialects read alike. */
static rk_status put_regex(rk_ctx *ctx, struct json_out *o, const struct split *split)
{
    struct str theirs = { 0 };
    const char *ours = split->regex == NULL ? split_find(split->name)->pattern : split->pattern;
    rk_status status = pattern_to_oniguruma(ctx, ours, strlen(ours), &theirs);
    if (status == RK_OK) status = json_put_bytes(ctx, o, "Regex", str_c(&theirs), (size_t)theirs.n);
    str_free(ctx, &theirs);
    return status;
}

/* GPT-2's pattern is part of ByteLevel; any other is written out before it. */
static rk_status put_pre_tokenizer(rk_ctx *ctx, struct json_out *o, const struct split *split)
{
    if (split->scan == split_gpt2) return put_byte_level(ctx, o, "pre_tokenizer", true, true, false);
    TRY(json_open_object(ctx, o, "pre_tokenizer"));
    TRY(json_put_text(ctx, o, "type", "Sequence"));
    TRY(json_open_array(ctx, o, "pretokenizers"));
    TRY(json_open_object(ctx, o, NULL));
    TRY(json_put_text(ctx, o, "type", "Split"));
    TRY(json_open_object(ctx, o, "pattern"));
    TRY(put_regex(ctx, o, split));
    TRY(json_close(ctx, o));
    TRY(json_put_text(ctx, o, "behavior", "Isolated"));
    TRY(json_put_bool(ctx, o, "invert", false));
    TRY(json_close(ctx, o));
    TRY(put_byte_level(ctx, o, NULL, false, true, false));
    TRY(json_close(ctx, o));
    return json_close(ctx, o);
}

static rk_status put_model(rk_ctx *ctx, struct json_out *o, const rk_tok *tok)
{
    TRY(json_open_object(ctx, o, "model"));
    TRY(json_put_text(ctx, o, "type", "BPE"));
    TRY(json_put_null(ctx, o, "dropout"));
    TRY(json_put_null(ctx, o, "unk_token"));
    TRY(json_put_null(ctx, o, "continuing_subword_prefix"));
    TRY(json_put_null(ctx, o, "end_of_word_suffix"));
    TRY(json_put_bool(ctx, o, "fuse_unk", false));
    TRY(json_put_bool(ctx, o, "byte_fallback", false));
    TRY(json_put_bool(ctx, o, "ignore_merges", tok->bpe.whole != NULL));
    TRY(put_vocab(ctx, o, "vocab", tok));
    TRY(put_merges(ctx, o, tok));
    return json_close(ctx, o);
}

static rk_status put_post_processor(rk_ctx *ctx, struct json_out *o, const rk_tok *tok)
{
    if (tok->frames.single.n == 0) return put_byte_level(ctx, o, "post_processor", true, tok->frames.trims, tok->frames.keeps_first);
    TRY(json_open_object(ctx, o, "post_processor"));
    TRY(json_put_text(ctx, o, "type", "Sequence"));
    TRY(json_open_array(ctx, o, "processors"));
    TRY(put_byte_level(ctx, o, NULL, true, tok->frames.trims, tok->frames.keeps_first));
    TRY(frames_save(ctx, o, NULL, &tok->frames, &tok->vocab));
    TRY(json_close(ctx, o));
    return json_close(ctx, o);
}

static rk_status put_bpe_parts(rk_ctx *ctx, struct json_out *o, const rk_tok *tok)
{
    if (tok->form == NORMAL_NFC) {
        TRY(json_open_object(ctx, o, "normalizer"));
        TRY(json_put_text(ctx, o, "type", "NFC"));
        TRY(json_close(ctx, o));
    } else TRY(json_put_null(ctx, o, "normalizer"));
    TRY(put_pre_tokenizer(ctx, o, &tok->split));
    TRY(put_post_processor(ctx, o, tok));
    TRY(put_byte_level(ctx, o, "decoder", true, true, false));
    return put_model(ctx, o, tok);
}

static rk_status make_tokenizer_json(rk_ctx *ctx, const rk_tok *tok, struct str *text)
{
    struct json_out o = { .to = text, .indent = 2 };
    TRY(json_open_object(ctx, &o, NULL));
    TRY(json_put_text(ctx, &o, "version", "1.0"));
    TRY(json_put_null(ctx, &o, "truncation"));
    TRY(json_put_null(ctx, &o, "padding"));
    TRY(put_added(ctx, &o, tok));
    TRY(tok->bert.used ? save_bert_parts(ctx, &o, tok) : put_bpe_parts(ctx, &o, tok));
    TRY(json_close(ctx, &o));
    return str_add(ctx, text, "\n", 1);
}

static rk_status make_vocab_json(rk_ctx *ctx, const rk_tok *tok, struct str *text)
{
    struct json_out o = { .to = text };
    TRY(put_vocab(ctx, &o, NULL, tok));
    return str_add(ctx, text, "\n", 1);
}

static rk_status make_merges_txt(rk_ctx *ctx, const rk_tok *tok, struct str *text)
{
    TRY(str_text(ctx, text, "#version: 0.2\n"));
    for (uint32_t i = 0; i < tok->bpe.n_merges; i++) {
        TRY(add_merge(ctx, text, tok, i));
        TRY(str_add(ctx, text, "\n", 1));
    }
    return RK_OK;
}

static rk_status write_path(rk_ctx *ctx, const char *path, const struct str *text)
{
    rk_status status;
    struct file_writer w = { .fd = -1 };
    GO(file_create(ctx, &w, path));
    GO(file_write(ctx, &w, text->at, (size_t)text->n));
    GO(file_commit(ctx, &w));
out:
    if (status != RK_OK) file_abandon(ctx, &w);
    return status;
}

static rk_status write_file(rk_ctx *ctx, const char *folder, const char *name, const struct str *text)
{
    struct str path = { 0 };
    rk_status status = file_join(ctx, &path, folder, name);
    if (status == RK_OK) status = write_path(ctx, str_c(&path), text);
    str_free(ctx, &path);
    return status;
}

rk_status rk_tok_save(rk_ctx *ctx, const rk_tok *tok, const char *folder)
{
    static const struct { const char *name; rk_status (*make)(rk_ctx *ctx, const rk_tok *tok, struct str *text); bool bpe, bert; } files[] = {
        { "vocab.json", make_vocab_json, true, false }, { "merges.txt", make_merges_txt, true, false }, { "vocab.txt", save_vocab_txt, false, true },
        { "tokenizer.json", make_tokenizer_json, true, true },        /* the one that is read, last */
    };
    rk_status status;
    struct str text = { 0 };
    size_t length = strlen(folder);
    bool there = true;
    if (length > 9 && strcmp(folder + length - 9, ".tiktoken") == 0) {
        GO(save_tiktoken(ctx, tok, &text));
        GO(write_path(ctx, folder, &text));
        goto out;
    }
    GO(file_exists(ctx, folder, &there));
    GO(file_make_folder(ctx, folder));
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (!(tok->bert.used ? files[i].bert : files[i].bpe)) continue;
        text.n = 0;
        GO(files[i].make(ctx, tok, &text));
        GO(write_file(ctx, folder, files[i].name, &text));
    }
out:
    if (status != RK_OK && !there) (void)rmdir(folder);               /* where nothing fitted */
    str_free(ctx, &text);
    return status;
}

rk_status rk_tok_fingerprint(rk_ctx *ctx, const rk_tok *tok, uint32_t *crc)
{
    struct str text = { 0 };
    rk_status status = make_tokenizer_json(ctx, tok, &text);
    *crc = crc32c(tok->bpe.by_id ? 1 : 0, text.at, (size_t)text.n);
    str_free(ctx, &text);
    return status;
}
