/* save.h: files and parts of files beside those of save.c. */
#ifndef TOK_SAVE_H
#define TOK_SAVE_H
#include "io/json.h"
#include "tok/tok.h"

RK_CHECK rk_status save_bert_parts(rk_ctx *ctx, struct json_out *o, const rk_tok *tok);      /* normalizer, pre_tokenizer, post_processor, decoder, model */
RK_CHECK rk_status save_tiktoken(rk_ctx *ctx, const rk_tok *tok, struct str *text);
RK_CHECK rk_status save_vocab_txt(rk_ctx *ctx, const rk_tok *tok, struct str *text);

#endif
