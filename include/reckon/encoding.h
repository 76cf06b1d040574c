/* encoding.h: a text, or a pair of texts, as a model takes it: ids with the special tokens around them, cut to a length or filled up to
 * one, and for each token where in the text it stands. */
#ifndef RECKON_ENCODING_H
#define RECKON_ENCODING_H
#include "reckon/tok.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rk_span { size_t begin, end; } rk_span;               /* [begin, end) */

typedef struct rk_encoding {             /* zero it to begin; rk_encoding_free ends */
    uint32_t *ids;
    rk_span  *spans;                     /* in code points of the text it comes from, an invalid subpart of UTF-8 counting as one; 0, 0 for what stands in none */
    uint8_t  *types;                     /* 1 for the second text of a pair and the separator behind it */
    uint8_t  *mask;                      /* 0 for padding */
    size_t    n, room;
} rk_encoding;

typedef struct rk_encoding_rules {       /* zero means: special tokens around, nothing cut, nothing filled up */
    unsigned flags;                      /* RK_TOK_PLAIN, RK_TOK_REPLACE */
    bool     bare;                       /* no [CLS], no [SEP] or the like */
    size_t   truncate;                   /* tokens at most, special ones included: the longer text of a pair is cut first; 0: no limit */
    size_t   pad;                        /* tokens at least */
    uint32_t pad_id;
} rk_encoding_rules;

/* second may be NULL. BERT tokenizers put [CLS] before, [SEP] after each text; the others what their tokenizer.json says, as a rule nothing. A token that is part of a character spans all of
 * it. Equal to Hugging Face tokenizers, positions included.
 * Errors: those of rk_tok_encode; RK_E_ARG when `truncate` has no room for the special tokens. */
RK_API RK_CHECK rk_status rk_encoding_make(rk_ctx *ctx, const rk_tok *tok, const rk_encoding_rules *rules, rk_text first, const rk_text *second, rk_encoding *out);
RK_API void rk_encoding_free(rk_ctx *ctx, rk_encoding *e);

#ifdef __cplusplus
}
#endif
#endif
