/* wholes.c: the table of wholes.h is filled. */
#include "tok/wholes.h"
#include <string.h>

enum { LINE = sizeof(struct wholes_line), TOKENS_PER_LINE = 2, BYTES = 15, AHEAD = 16 };       /* on the average, at most; of a word of cache.h */

static bool belongs(const struct vocab *vocab, const struct forward *f, uint32_t i)
{
    const struct vocab_entry *e = &vocab->entries[i];
    size_t n = vocab->tokens[e->id].n;
    return n > 0 && n <= BYTES && forward_makes(f, e->id);
}

struct known { uint64_t key[2]; uint32_t id; };

static void put(struct wholes *w, const struct known *k)
{
    struct wholes_line *line = wholes_home(w, k->key);
    if (line->n == WHOLES_LINE) return;
    memcpy(line->key[line->n], k->key, sizeof k->key);
    line->id[line->n++] = k->id;
}

/* Lines are called for some time before they are written. */
static void put_all(struct wholes *w, const struct vocab *vocab, const struct forward *f)
{
    struct known waiting[AHEAD];
    size_t n = 0;
    for (uint32_t i = 0; i < vocab->n_entries; i++) {
        if (!belongs(vocab, f, i)) continue;
        rk_text token = vocab->tokens[vocab->entries[i].id];
        struct word_key k = word_key((const unsigned char *)token.at, token.n, token.n);
        struct known *place = &waiting[n % AHEAD];
        if (n++ >= AHEAD) put(w, place);
        *place = (struct known){ { k.low, k.high }, vocab->entries[i].id };
        __builtin_prefetch(wholes_home(w, place->key), 1);
    }
    for (size_t i = n < AHEAD ? 0 : n - AHEAD; i < n; i++) put(w, &waiting[i % AHEAD]);
}

static size_t room_for(size_t n)
{
    size_t room = 1;
    while (room * TOKENS_PER_LINE < n) room *= 2;
    return room;
}

size_t wholes_size(const struct vocab *vocab)
{
    size_t n = 0;
    for (uint32_t i = 0; i < vocab->n_entries; i++) n += vocab->tokens[vocab->entries[i].id].n <= BYTES;
    return block_size(room_for(n), LINE);
}

void wholes_make(struct tok_block *block, struct wholes *w, const struct vocab *vocab, const struct forward *f)
{
    size_t n = 0;
    *w = (struct wholes){ 0 };
    for (uint32_t i = 0; f->ready && i < vocab->n_entries; i++) n += belongs(vocab, f, i);
    if (n == 0) return;
    w->room = room_for(n);
    w->lines = memset(block_take(block, w->room, LINE), 0, w->room * LINE);
    put_all(w, vocab, f);
}
