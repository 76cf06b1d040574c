/* walk.c: the walk; what is kept of seams, of characters, and of two that do not go one by one. */
#include "tok/walk.h"
#include <string.h>

bool walk_may_stand(const struct walk *w, uint32_t left, uint32_t right)
{
    const struct forward *f = w->f;
    if (w->work->known.seams == NULL) return seams_fit(&f->seams, f->ranks, left, right);
    uint64_t hash = seam_hash(left, right);
    uint32_t *set = w->work->known.seams + seam_place(hash), tag = seam_tag(hash);
    for (int way = 0; way < SEAM_WAYS; way++)
        if ((set[way] & ~(uint32_t)SEAM_FITS) == tag) return set[way] & SEAM_FITS;
    set[1] = set[0];
    set[0] = tag | (seams_fit(&f->seams, f->ranks, left, right) ? SEAM_FITS : 0);
    return set[0] & SEAM_FITS;
}

static inline bool is_closed(const struct walk *w, size_t at) { return at <= w->last_closed && w->closed[at >> 6] >> (at & 63) & 1; }

static void close_place(struct walk *w, size_t at)
{
    w->closed[at >> 6] |= UINT64_C(1) << (at & 63);
    if (at > w->last_closed) w->last_closed = at;
}

static inline uint32_t shorter(const struct walk *w, uint32_t id, size_t *bytes)
{
    id = w->f->trie.tokens[id].shorter;
    *bytes = id == NO_TOKEN ? 0 : w->f->trie.tokens[id].n;
    return id;
}

static inline uint32_t longest(const struct walk *w, size_t *bytes) { return trie_longest(&w->f->trie, w->word + w->at, w->n - w->at, bytes); }

/* One token further, back and forth as often as that takes. Going back begins anew with the longest token: characters went by without asking for
 * it. false: there is no way, since a byte is missing. */
bool walk_step(struct walk *w)
{
    size_t bytes;
    uint32_t id = longest(w, &bytes);
    while (id == NO_TOKEN || is_closed(w, w->at + bytes) || !walk_fits(w, id)) {
        if (id != NO_TOKEN) id = shorter(w, id, &bytes);
        if (id != NO_TOKEN) continue;
        if (w->made == 0) return false;
        close_place(w, w->at);
        w->at -= w->f->trie.tokens[w->out[--w->made]].n;
        id = longest(w, &bytes);
    }
    w->out[w->made++] = id;
    w->at += bytes;
    return true;
}

static size_t walk_all(struct walk *w)
{
    while (w->at < w->n)
        if (!walk_step(w)) return 0;
    return w->made;
}

/* ---- characters ---- */

/* Keeps what three bytes are made of, by themselves. false: they cannot be made. */
static bool keep_character(const struct walk *w, const unsigned char *p)
{
    uint32_t ids[3];
    uint64_t closed = 0;
    struct walk alone = { .f = w->f, .work = w->work, .word = p, .n = 3, .out = ids, .closed = &closed };
    size_t n = walk_all(&alone);
    if (n == 0) return false;
    uint64_t second = n > 1 ? ids[1] : CHAR_NONE, third = n > 2 ? ids[2] : CHAR_NONE;
    w->work->known.chars[char_place(p)] = ids[0] | second << CHAR_ID_BITS | third << 2 * CHAR_ID_BITS | (uint64_t)n << 3 * CHAR_ID_BITS;
    return true;
}

uint64_t walk_character(const struct walk *w, const unsigned char *p, bool begins, uint32_t last)
{
    if (!is_character(p)) return 0;
    const uint64_t *known = &w->work->known.chars[char_place(p)];
    if (*known == 0 && !keep_character(w, p)) return 0;
    return begins || walk_may_stand(w, last, char_id(*known, 0)) ? *known : 0;
}

/* What two characters that do not go one by one are made of, by themselves. NULL: they cannot be made. */
static const struct known_pair *find_pair(const struct walk *w, const unsigned char *p)
{
    uint32_t which = (uint32_t)(char_place(p) << 16 | char_place(p + 3));
    struct known_pair *known = &w->work->pairs[which * 0x9e3779b1u >> (32 - KNOWN_PAIRS_BITS)];
    if (known->n > 0 && known->which == which) return known;
    uint64_t closed = 0;
    struct walk alone = { .f = w->f, .work = w->work, .word = p, .n = 6, .out = known->ids, .closed = &closed };
    known->which = which;
    known->n = (uint32_t)walk_all(&alone);
    return known->n > 0 ? known : NULL;
}

bool walk_pair(struct walk *w)
{
    const unsigned char *p = w->word + w->at - 3;
    if (w->at <= w->last_closed || w->n - w->at < 3 || !is_character(p + 3)) return false;
    const struct known_pair *pair = find_pair(w, p);
    unsigned before = char_ids(w->work->known.chars[char_place(p)]);
    if (pair == NULL) return false;
    w->made -= before;
    if (!walk_fits(w, pair->ids[0])) {
        w->made += before;
        return false;
    }
    memcpy(w->out + w->made, pair->ids, pair->n * sizeof *pair->ids);
    w->made += pair->n;
    w->at += 3;
    return true;
}
