/* vocab.h: ids and the bytes they stand for, both ways. */
#ifndef TOK_VOCAB_H
#define TOK_VOCAB_H
#include "io/names.h"
#include "reckon/tok.h"

enum { VOCAB_MOST = 1 << 22, TOKEN_MOST = 1 << 28 };                  /* ids; bytes of one token */
#define NO_TOKEN UINT32_MAX

struct vocab_entry { struct name name; uint32_t id; };                /* what BPE may make: found by its bytes */
struct vocab {
    const char         *source;                                       /* what messages call it: the file it was read from; NULL: this tokenizer */
    rk_text            *tokens;                                       /* by id; at is NULL where there is none */
    uint32_t            size, room;                                   /* largest id + 1 */
    struct vocab_entry *entries;
    uint32_t            n_entries, room_entries;
    struct names        index;
    struct arena        texts;
};

const char *vocab_source(const struct vocab *v);

/* Id `id` stands for these bytes (copied). Only a `model` token is found by vocab_find. RK_E_FORMAT when it stands for others already. */
RK_CHECK rk_status vocab_put(rk_ctx *ctx, struct vocab *v, uint32_t id, const char *bytes, size_t n, bool model);
RK_CHECK rk_status vocab_seal(rk_ctx *ctx, struct vocab *v);          /* after the last put; two ids of the same bytes are refused */
bool vocab_find(const struct vocab *v, const char *bytes, size_t n, uint32_t *id);
bool vocab_expects(const struct vocab *v, uint32_t expected, const char *bytes, size_t n, uint32_t *id);      /* the same, quick where it is the expected one and ids have no holes */
void vocab_clear(rk_ctx *ctx, struct vocab *v);

#endif
