/* wholes.h: words that are one token: half of the words that a text of English brings in anew. Of a tokenizer, made once, read by all workers.
 *
 * Only tokens that the merges make of their own bytes (seams.h): an entry of a vocabulary need not be such. Three to a line of the processor's cache, by
 * the key of cache.h; a token for which its line has no room is not here, and is merged like any other word: one in twenty. */
#ifndef TOK_WHOLES_H
#define TOK_WHOLES_H
#include "tok/forward.h"
#include "tok/words.h"

enum { WHOLES_LINE = 3 };
struct wholes_line { uint64_t key[WHOLES_LINE][2]; uint32_t id[WHOLES_LINE], n; };       /* 64 bytes, at a multiple of 64 */
struct wholes { struct wholes_line *lines; size_t room; };        /* room: a power of two, or 0: none are known */

size_t wholes_size(const struct vocab *vocab);                        /* of the block that they are made in */
void wholes_make(struct tok_block *block, struct wholes *w, const struct vocab *vocab, const struct forward *f);

static inline struct wholes_line *wholes_home(const struct wholes *w, const uint64_t key[2]) { return &w->lines[word_mix(key[0], key[1]) & (w->room - 1)]; }

/* The token that a word is, in a table with room; NO_TOKEN: it is none, or is not known. */
static inline uint32_t wholes_find(const struct wholes *w, const uint64_t key[2])
{
    const struct wholes_line *line = wholes_home(w, key);
    uint32_t id = NO_TOKEN;
    for (size_t k = 0; k < WHOLES_LINE; k++) id = line->key[k][0] == key[0] && line->key[k][1] == key[1] ? line->id[k] : id;
    return id;
}

#endif
