/* window.c: what is not in the front. Slots of the table are called for first, then the texts of long words, which lie elsewhere; then it is counted. */
#include "tok/window.h"

enum { AHEAD = 16 };

#define X(isa) [ISA_##isa] = window_count_##isa,
window_count *const window_bodies[ISA_COUNT] = { FOR_EVERY_ISA(X) };
#undef X

static inline struct word_key slot_key(const struct word_slot *slot) { return (struct word_key){ slot->low, slot->high, word_mix(slot->low, slot->high) }; }

/* A word leaves the front. */
static bool give_back(struct share *s, struct words *w, const struct word_slot *slot)
{
    struct word_key key = slot_key(slot);
    return slot->count == 0 || words_add(s, w, &key, NULL, (size_t)(key.high >> 56), slot->count);
}

/* A word that has been counted otherwise asks for a place in the front. */
static bool ask_for(struct share *s, struct words *w, const struct window_word *word)
{
    struct word_slot *slot = word->slot;
    if (slot->low == word->low && slot->high == word->high) return true;      /* twice in one window */
    if (slot->at < slot->count) {
        slot->at++;
        return true;
    }
    if (!give_back(s, w, slot)) return false;
    *slot = (struct word_slot){ word->low, word->high, 0, 0 };
    return true;
}

bool window_rest(struct share *s, struct words *w, const struct window *v)
{
    struct word_key keys[WINDOW];
    for (size_t k = 0; k < v->n_missed; k++) {
        size_t i = v->missed[k], begin = window_begin(v, i), n = v->ends[i] - begin;
        const struct window_word *word = &v->words[i];
        keys[k] = n > WORD_INLINE ? word_key(v->text + begin, n, n) : (struct word_key){ word->low, word->high, word_mix(word->low, word->high) };
        __builtin_prefetch(word_home(w, keys[k].hash), 1);
    }
    for (size_t k = 0; k < v->n_missed; k++) {
        if ((int64_t)keys[k].high >= 0) continue;
        const struct word_slot *home = word_home(w, keys[k].hash);
        if (home->low == keys[k].low && home->high == keys[k].high) __builtin_prefetch(word_part(w, keys[k].hash)->bytes + home->at);
    }
    for (size_t k = 0; k < v->n_missed; k++) {
        size_t i = v->missed[k], begin = window_begin(v, i), n = v->ends[i] - begin;
        if (!words_add(s, w, &keys[k], v->text + begin, n, 1)) return false;
        if (n <= WORD_INLINE && !ask_for(s, w, &v->words[i])) return false;
    }
    return true;
}

bool front_settle(struct share *s, struct words *w, struct front f)
{
    if (!words_prepare(s, w)) return false;
    for (size_t i = 0; i < f.room; i++) {
        if (i + AHEAD < f.room) __builtin_prefetch(word_home(w, slot_key(&f.slots[i + AHEAD]).hash), 1);
        if (!give_back(s, w, &f.slots[i])) return false;
        f.slots[i].count = 0;
    }
    return true;
}
