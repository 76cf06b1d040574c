/* vocab.h: ids and the bytes they stand for, both ways. */
#ifndef TOK_VOCAB_H
#define TOK_VOCAB_H
#include "io/names.h"
#include "reckon/tok.h"
#include <string.h>

enum { VOCAB_MOST = 1 << 22, TOKEN_MOST = 1 << 28 };                  /* ids; bytes of one token */
#define NO_TOKEN UINT32_MAX

struct vocab_entry { struct name name; uint32_t id; };                /* what BPE may make: found by its bytes, or by how these are spelled */
struct vocab {
    const char         *source;                                       /* what messages call it: the file it was read from; NULL: this tokenizer */
    rk_text            *tokens;                                       /* by id; at is NULL where there is none */
    uint32_t            size, room;                                   /* largest id + 1 */
    struct vocab_entry *entries;
    uint32_t            n_entries, room_entries;
    bool                spelled;                                      /* entries have their spellings (bytelevel.h) for names: as files have them, whose merges are then found without spelling them out */
    size_t              longest;                                      /* name */
    struct names        index;
    struct arena        texts;
    char               *ahead;                                        /* of texts: room for what is to be put, n_ahead bytes */
    size_t              n_ahead;
};

const char *vocab_source(const struct vocab *v);

RK_CHECK rk_status vocab_expect(rk_ctx *ctx, struct vocab *v, uint32_t tokens, size_t bytes);     /* room for so many tokens of so many bytes in all: a hint */
/* Id `id` stands for these bytes (copied). Only a `model` token is found by vocab_find. RK_E_FORMAT when it stands for others already. */
RK_CHECK rk_status vocab_put(rk_ctx *ctx, struct vocab *v, uint32_t id, const char *bytes, size_t n, bool model);
/* The same of a model token by how its bytes are spelled, too; then all of those must be put so. */
RK_CHECK rk_status vocab_put_spelled(rk_ctx *ctx, struct vocab *v, uint32_t id, struct name spelling, const char *bytes, size_t n);
RK_CHECK rk_status vocab_seal(rk_ctx *ctx, struct vocab *v);          /* after the last put; two ids of the same bytes are refused */
RK_CHECK rk_status vocab_index(rk_ctx *ctx, struct vocab *v, bool *twins);      /* the same, but that they are told of */
bool vocab_find(const struct vocab *v, const char *bytes, size_t n, uint32_t *id);
/* By the name of an entry; whether two such names make that of the expected id, where ids have no holes. */
static inline bool vocab_named(const struct vocab *v, const char *name, size_t n, uint32_t *id)
{
    uint32_t item = 0;
    bool found = names_find(&v->index, name, n, &item);
    if (found) *id = v->entries[item].id;
    return found;
}
static inline bool vocab_expects(const struct vocab *v, uint32_t expected, rk_text left, rk_text right)
{
    const struct vocab_entry *e = expected < v->n_entries ? &v->entries[expected] : NULL;
    return e != NULL && e->id == expected && e->name.length == left.n + right.n && memcmp(e->name.at, left.at, left.n) == 0 && memcmp(e->name.at + left.n, right.at, right.n) == 0;
}
void vocab_clear(rk_ctx *ctx, struct vocab *v);

#endif
