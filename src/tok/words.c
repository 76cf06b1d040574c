/* words.c: linear probing inside each part, which grows at 3/4. A word that is found beyond its home, and is more frequent than what is there,
 * changes places with that: both are found still, and most of what is counted comes to be where it is sought first. */
#include "tok/words.h"

#define FIRST(n) (~(uint64_t)0 >> (64 - 8 * (n)))
const uint64_t word_keep[WORD_INLINE + 1][2] = {
    { 0, 0 }, { FIRST(1), 0 }, { FIRST(2), 0 }, { FIRST(3), 0 }, { FIRST(4), 0 }, { FIRST(5), 0 }, { FIRST(6), 0 }, { FIRST(7), 0 }, { FIRST(8), 0 },
    { FIRST(8), FIRST(1) }, { FIRST(8), FIRST(2) }, { FIRST(8), FIRST(3) }, { FIRST(8), FIRST(4) }, { FIRST(8), FIRST(5) }, { FIRST(8), FIRST(6) }, { FIRST(8), FIRST(7) },
};
#undef FIRST

uint64_t word_hash_long(const unsigned char *text, size_t n)
{
    uint64_t h = n;
    size_t i = 0;
    for (; n - i >= 8; i += 8) {
        uint64_t x;
        memcpy(&x, text + i, 8);
        h = word_mix(h, x);
    }
    uint64_t rest = 0;
    for (; i < n; i++) rest = rest << 8 | text[i];
    return word_mix(h, rest);
}

const char *word_text(const struct word_part *part, const struct word_slot *slot, char small[16], size_t *n)
{
    if (slot->high >> 56 == 0xff) {
        *n = (size_t)(slot->high & ~((uint64_t)0xff << 56));
        return part->bytes + slot->at;
    }
    *n = (size_t)(slot->high >> 56);
    for (int i = 0; i < 8; i++) {
        small[i] = (char)(slot->low >> 8 * i & 0xff);
        small[8 + i] = (char)(slot->high >> 8 * i & 0xff);
    }
    return small;
}

static inline void move(struct word_slot *to, size_t room, const struct word_slot *slot)
{
    size_t k = (size_t)word_mix(slot->low, slot->high) & (room - 1);
    while (to[k].high != 0) k = (k + 1) & (room - 1);
    to[k] = *slot;
}

/* Frequent words move first, so that most of what is counted is where it is sought first. */
static bool grow(struct share *s, struct word_part *p)
{
    size_t room = p->room == 0 ? WORD_FIRST : p->room * 2;
    struct word_slot *fresh = share_zeroed(s, room, sizeof *fresh, "a table of words");
    if (fresh == NULL) return false;
    uint64_t sum = 0;
    for (size_t i = 0; i < p->room; i++) sum += p->slots[i].count;
    for (int rare = 0; rare < 2; rare++)
        for (size_t i = 0; i < p->room; i++)
            if (p->slots[i].high != 0 && (p->slots[i].count * p->n <= sum) == rare) move(fresh, room, &p->slots[i]);
    share_free(s, p->slots, p->room, sizeof *p->slots);
    p->slots = fresh;
    p->room = room;
    return true;
}

bool words_prepare(struct share *s, struct words *w)
{
    for (int i = 0; i < WORD_PARTS; i++)
        if (w->part[i].room == 0 && !grow(s, &w->part[i])) return false;
    return true;
}

static bool keep_text(struct share *s, struct word_part *p, struct word_slot *slot, const unsigned char *text, size_t n)
{
    if (!SHARE_ROOM(s, p->bytes, p->room_bytes, p->n_bytes + n)) return false;
    memcpy(p->bytes + p->n_bytes, text, n);
    slot->at = p->n_bytes;
    p->n_bytes += n;
    return true;
}

static inline bool is_same(const struct word_part *p, const struct word_slot *slot, const struct word_key *key, const unsigned char *text, size_t n)
{
    if (slot->low != key->low || slot->high != key->high) return false;
    return n <= WORD_INLINE || memcmp(p->bytes + slot->at, text, n) == 0;
}

/* Between the two all slots are taken, so what was at home is found where the word was. */
static inline void come_home(struct word_slot *home, struct word_slot *slot)
{
    if (slot->count <= home->count) return;
    struct word_slot word = *slot;
    *slot = *home;
    *home = word;
}

bool words_add(struct share *s, struct words *w, const struct word_key *key, const unsigned char *text, size_t n, uint64_t count)
{
    struct word_part *p = &w->part[key->hash >> 58];
    if (p->n + 1 > p->room - p->room / 4 && !grow(s, p)) return false;
    for (size_t home = key->hash & (p->room - 1), i = home;; i = (i + 1) & (p->room - 1)) {
        struct word_slot *slot = &p->slots[i];
        if (is_same(p, slot, key, text, n)) {
            slot->count += count;
            come_home(&p->slots[home], slot);
            return true;
        }
        if (slot->high != 0) continue;
        struct word_slot made = { key->low, key->high, count, 0 };
        if (n > WORD_INLINE && !keep_text(s, p, &made, text, n)) return false;
        *slot = made;
        p->n++;
        return true;
    }
}

bool words_add_part(struct share *s, struct words *to, const struct words *from, int part)
{
    const struct word_part *p = &from->part[part];
    for (size_t i = 0; i < p->room; i++) {
        const struct word_slot *slot = &p->slots[i];
        if (slot->high == 0) continue;
        char small[16];
        size_t n;
        const unsigned char *text = (const unsigned char *)word_text(p, slot, small, &n);
        struct word_key key = { slot->low, slot->high, word_mix(slot->low, slot->high) };
        if (!words_add(s, to, &key, text, n, slot->count)) return false;
    }
    return true;
}

void words_clear(rk_ctx *ctx, struct words *w)
{
    for (int i = 0; i < WORD_PARTS; i++) {
        FREE(w->part[i].slots, w->part[i].room);
        FREE(w->part[i].bytes, w->part[i].room_bytes);
        w->part[i] = (struct word_part){ 0 };
    }
}

uint64_t words_distinct(const struct words *w)
{
    uint64_t n = 0;
    for (int i = 0; i < WORD_PARTS; i++) n += w->part[i].n;
    return n;
}

uint64_t words_memory(const struct words *w)
{
    uint64_t bytes = 0;
    for (int i = 0; i < WORD_PARTS; i++) bytes += w->part[i].room * sizeof *w->part[i].slots + w->part[i].room_bytes;
    return bytes;
}

void words_free_part(struct share *s, struct words *w, int part)
{
    struct word_part *p = &w->part[part];
    share_free(s, p->slots, p->room, sizeof *p->slots);
    share_free(s, p->bytes, p->room_bytes, 1);
    *p = (struct word_part){ 0 };
}
