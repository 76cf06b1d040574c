/* load.h: tokenizers from files. */
#ifndef TOK_LOAD_H
#define TOK_LOAD_H
#include "io/json.h"
#include "tok/tok.h"

/* A tokenizer.json as Hugging Face tokenizers writes it: read, of which its vocabulary and merges are lists (listed.c) and the rest is a tree; then made into a tokenizer. */
struct listed_token { struct name key; uint32_t id; };
struct listed_merge { rk_text left, right; };                         /* right.at: NULL: left is the line of both */
struct listed {                                                       /* zero it to begin */
    rk_ctx         *ctx;
    struct json_doc doc;
    const char     *text;                                             /* what was read */
    size_t          n;
    struct { struct listed_token *at; int n, room; } tokens;
    struct { struct listed_merge *at; int n, room; } merges;
};
RK_CHECK rk_status listed_read(rk_ctx *ctx, const char *name, const char *text, size_t n, struct listed *l);      /* keeps text */
void listed_clear(rk_ctx *ctx, struct listed *l);
RK_CHECK rk_status listed_seal(const struct listed *l, struct vocab *vocab);        /* two tokens of one key are refused by their byte */
RK_CHECK rk_status load_listed(rk_ctx *ctx, const struct listed *l, rk_tok *tok);
RK_CHECK rk_status load_tokenizer_json(rk_ctx *ctx, const char *name, const char *text, size_t n, rk_tok *tok);     /* both */
/* A vocab.json and the text of its merges.txt. */
RK_CHECK rk_status load_member(rk_ctx *ctx, const struct json *v, struct str *scratch, rk_tok *tok);                /* one token */
RK_CHECK rk_status load_merges(rk_ctx *ctx, const char *merges_name, rk_text merges, rk_tok *tok);                  /* when all tokens are there */
RK_CHECK rk_status load_vocab_merges(rk_ctx *ctx, const struct json *root, const char *merges_name, rk_text merges, rk_tok *tok);

/* A vocab.txt: one piece a line. */
RK_CHECK rk_status load_vocab_txt(rk_ctx *ctx, const char *name, rk_text text, bool lower, rk_tok *tok);
/* WordPiece of these tokens, of which the first n_specials are special, as `lower` says for the rest. Settings: BERT's. */
RK_CHECK rk_status load_pieces(rk_ctx *ctx, const rk_text *tokens, uint32_t n, uint32_t n_specials, bool lower, rk_tok *tok);
void load_bert_defaults(struct bert *b, bool lower);

/* A .tiktoken file; pattern NULL: the one that goes with its name, else GPT-2's. */
RK_CHECK rk_status load_tiktoken(rk_ctx *ctx, const char *name, rk_text text, const char *pattern, rk_tok *tok);

/* For the parts of a tokenizer.json. decline: "... is not supported". only: other keys than these, of which NULL is the last, are refused. */
rk_status load_decline(rk_ctx *ctx, const struct json *v);
RK_CHECK rk_status load_only(rk_ctx *ctx, const struct json *object, const char *const *keys);
bool load_is_text(const struct json *v, const char *text);
static inline bool load_is_null(const struct json *v) { return v == NULL || v->kind == JSON_NULL; }
static inline bool load_is_bool(const struct json *v, bool truth) { return v != NULL && v->kind == JSON_BOOL && v->truth == truth; }
RK_CHECK rk_status load_bert_parts(rk_ctx *ctx, const struct listed *l, rk_tok *tok);        /* all but added tokens */

/* Shared by both: a token; a merge by the spelling of its two tokens. `where` begins messages. */
RK_CHECK rk_status load_token(rk_ctx *ctx, const struct json *v, int64_t id, bool added, struct str *scratch, rk_tok *tok);       /* v: where it stands; added: it may be spelled raw */
RK_CHECK rk_status load_merge(rk_ctx *ctx, const char *where, uint32_t rank, rk_text left, rk_text right, struct str *scratch, rk_tok *tok);
RK_CHECK rk_status load_merge_line(rk_ctx *ctx, const char *where, uint32_t rank, rk_text line, struct str *scratch, rk_tok *tok);

#endif
