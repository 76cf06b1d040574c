/* quick.h: the tables that make long texts quick: from left to right (forward.h), words in lanes (lanes.h), words that are one token (wholes.h).
 *
 * Filling them takes longer than a short text does without, and many a tokenizer is opened for a short one. So they are filled when it has been asked for
 * as many bytes as are worth it. Their memory is taken when it is sealed, and so nothing can fail later on; what nobody has touched costs an address and no more.
 * Who comes first fills them, who comes meanwhile goes on without: nobody waits, and what a fork finds half done stays so, in the child. Ids are the same
 * with them and without. */
#ifndef TOK_QUICK_H
#define TOK_QUICK_H
#include "tok/lanes.h"
#include "tok/wholes.h"
#include <stdatomic.h>

enum { QUICK_WORTH = 1 << 17 };                                       /* bytes of text: merging their words without takes about as long as filling the tables */

struct bpe;
struct quick {                                                        /* never changes once it is seen */
    struct forward forward;
    struct lanes   lanes;
    struct wholes  wholes;
    bool           asks_whole;                                        /* some token of bpe.whole is not what the merges make of its bytes */
};
enum quick_state { QUICK_NEVER, QUICK_LATER, QUICK_BEGUN, QUICK_THERE };
struct quick_later { atomic_int state; atomic_size_t asked; struct tok_block block; struct quick tables; };      /* zeroed: never */

/* Takes the memory; quick_fill fills it, and quick_ask does so once n bytes more make the text asked for so far worth it. Both return the tables, or NULL: they are not there (yet). */
RK_CHECK rk_status quick_later(rk_ctx *ctx, const struct bpe *b, const struct vocab *vocab);
const struct quick *quick_fill(const struct bpe *b, const struct vocab *vocab);
const struct quick *quick_ask(const struct bpe *b, const struct vocab *vocab, size_t n);
void quick_clear(rk_ctx *ctx, struct quick_later *q);

#endif
