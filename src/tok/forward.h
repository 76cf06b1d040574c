/* forward.h: a word into ids from its first byte to its last: the longest token that may stand behind the one before; where none may, one step
 * back, and the next shorter token there. What stands then is what the merges make (seams.h), for there is but one such row; and a place from which one had to
 * go back is no seam of it, so that no place is tried twice and all is linear.
 *
 * Characters of three bytes go by whole (characters.h), as far as each may stand behind the one before; mostly that is a word's end.
 * Not here: tables whose ranks do not rise; they are merged one by one (bpe.c). */
#ifndef TOK_FORWARD_H
#define TOK_FORWARD_H
#include "tok/characters.h"
#include "tok/seams.h"
#include "tok/share.h"
#include "tok/trie.h"

struct forward { struct seams seams; struct trie trie; const struct ranks *ranks; const struct characters_body *characters; bool ready; };        /* never changes once it is made */

struct forward_work {                                                 /* of one worker; zero it to begin */
    struct characters known;                                          /* seams: NULL: nothing is kept; chars: once there was one and seams are kept */
    struct known_pair *pairs;                                         /* as chars */
    uint64_t         *closed;                                         /* places of a long word that are no seams */
    size_t            room_closed;
};

size_t forward_size(const struct vocab *vocab);                       /* of the block that it is made in */
/* `ranks` are kept. Not ready: ranks do not rise, or tokens are too long. */
void forward_make(struct tok_block *block, struct forward *f, const struct ranks *ranks, const struct merge *merges, uint32_t n, bool by_id, const uint32_t byte_id[256], const struct vocab *vocab);
static inline bool forward_makes(const struct forward *f, uint32_t id) { return f->seams.makers[id].order != NO_TOKEN; }        /* from its own bytes */

RK_CHECK bool forward_keep(struct share *s, struct forward_work *work);      /* from now on: worth it for some thousand bytes */
void forward_work_clear(rk_ctx *ctx, struct forward_work *work);

enum { FORWARD_BEYOND = CHARACTERS_BEYOND };                          /* ids that may be written behind the last */
/* Ids of a word of n > 0 bytes, n of them at most, to `out`. 0: a byte is missing or (share_failed) memory is out. */
size_t forward_word(const struct forward *f, struct share *s, struct forward_work *work, const unsigned char *word, size_t n, uint32_t *out);

/* Chinese, Japanese, Korean and the like: words are clauses, and making one is cheaper than keeping it. */
enum { FORWARD_CLAUSE = 0xe3 };                                       /* a byte that begins one, at least: U+3000 and above */
static inline bool forward_is_clause(const unsigned char *word, size_t n) { return word[0] >= FORWARD_CLAUSE || (word[0] == ' ' && n > 1 && word[1] >= FORWARD_CLAUSE); }
/* Clauses of text that end at ends[0..n), the first beginning at `at`, up to the first that is none: their number; *out goes on. Less than that when forward_word fails. */
size_t forward_clauses(const struct forward *f, struct share *s, struct forward_work *work, const unsigned char *text, size_t at, const size_t *ends, size_t n, uint32_t **out);

#endif
