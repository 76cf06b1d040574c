/* load.h: tokenizers from files. */
#ifndef TOK_LOAD_H
#define TOK_LOAD_H
#include "io/json.h"
#include "tok/tok.h"

/* A tokenizer.json as Hugging Face tokenizers writes it. */
RK_CHECK rk_status load_tokenizer_json(rk_ctx *ctx, const struct json *root, rk_tok *tok);
/* A vocab.json and the text of its merges.txt. */
RK_CHECK rk_status load_vocab_merges(rk_ctx *ctx, const struct json *root, const char *merges_name, rk_text merges, rk_tok *tok);

/* Shared by both: "token": id pairs; a merge by the spelling of its two tokens. `where` begins messages. */
RK_CHECK rk_status load_vocab(rk_ctx *ctx, const struct json *vocab, const struct names *added, rk_tok *tok);
RK_CHECK rk_status load_merge(rk_ctx *ctx, const char *where, uint32_t rank, rk_text left, rk_text right, struct str *scratch, rk_tok *tok);
RK_CHECK rk_status load_merge_line(rk_ctx *ctx, const char *where, uint32_t rank, rk_text line, struct str *scratch, rk_tok *tok);

#endif
