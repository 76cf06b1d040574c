/* window.c: what is not in the front. Slots of the table are called for first, then the texts of long words, which lie elsewhere; then it is counted. */
#include "tok/window.h"

enum { AHEAD = 16 };

#define X(isa) [ISA_##isa] = window_count_##isa,
window_count *const window_bodies[ISA_COUNT] = { FOR_EVERY_ISA(X) };
#undef X

rk_status front_open(rk_ctx *ctx, struct front *f, size_t room)
{
    *f = (struct front){ .shift = 64 - (unsigned)__builtin_ctzll(room) };
    TRY(NEW(f->brief, room + 1));
    f->room = room;
    rk_status status = NEW(f->slots, room / 2);
    if (status != RK_OK) front_close(ctx, f);
    return status;
}

void front_close(rk_ctx *ctx, struct front *f)
{
    if (f->room == 0) return;
    FREE(f->brief, f->room + 1);
    FREE(f->slots, f->slots != NULL ? f->room / 2 : 0);
    *f = (struct front){ 0 };
}

/* A word leaves the front. */
static bool give_back(struct share *s, struct words *w, uint64_t low, uint64_t high, uint64_t count)
{
    struct word_key key = { low, high, word_mix(low, high) };
    return count == 0 || words_add(s, w, &key, NULL, (size_t)(high >> 56), count);
}

/* A word of the table, as a brief one is there. */
static uint64_t brief_low(uint64_t key) { return key & ~UINT64_C(0) >> 8; }
static uint64_t brief_high(uint64_t key) { return key & (uint64_t)0xff << 56; }

/* A word that has been counted otherwise asks for a place in the front. It may have one: twice in one window. */
static bool ask_brief(struct share *s, struct words *w, const struct front *f, uint64_t key)
{
    struct brief_slot *slot = front_brief(f, key);
    if (slot->key == key) return true;
    if (slot->asked < slot->count) {
        slot->asked++;
        return true;
    }
    if (!give_back(s, w, brief_low(slot->key), brief_high(slot->key), slot->count)) return false;
    *slot = (struct brief_slot){ key, 0, 0 };
    return true;
}

static bool ask(struct share *s, struct words *w, const struct front *f, const struct word_key *key)
{
    struct word_slot *slot = front_slot(f, key->low, key->high);
    if (slot->low == key->low && slot->high == key->high) return true;
    if (slot->at < slot->count) {
        slot->at++;
        return true;
    }
    if (!give_back(s, w, slot->low, slot->high, slot->count)) return false;
    *slot = (struct word_slot){ key->low, key->high, 0, 0 };
    return true;
}

bool window_rest(struct share *s, struct words *w, struct front *f, const struct window *v)
{
    struct word_key keys[WINDOW];
    if (v->n > UINT32_MAX - f->counted && !front_settle(s, w, f)) return false;
    f->counted += (uint32_t)v->n;
    for (size_t k = 0; k < v->n_missed; k++) {
        size_t i = v->missed[k], begin = window_begin(v, i), n = v->ends[i] - begin;
        keys[k] = word_key(v->text + begin, n, n > WINDOW_READS ? n : WINDOW_READS);
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
        if (n <= BRIEF ? !ask_brief(s, w, f, keys[k].low | keys[k].high) : n <= WORD_INLINE && !ask(s, w, f, &keys[k])) return false;
    }
    return true;
}

bool front_settle(struct share *s, struct words *w, struct front *f)
{
    if (!words_prepare(s, w)) return false;
    for (size_t i = 0; i < f->room; i++) {
        struct brief_slot *slot = &f->brief[i];
        if (i + AHEAD < f->room) __builtin_prefetch(word_home(w, word_mix(brief_low(slot[AHEAD].key), brief_high(slot[AHEAD].key))), 1);
        if (!give_back(s, w, brief_low(slot->key), brief_high(slot->key), slot->count)) return false;
        slot->count = slot->asked = 0;
    }
    for (size_t i = 0; i < f->room / 2; i++) {
        struct word_slot *slot = &f->slots[i];
        if (i + AHEAD < f->room / 2) __builtin_prefetch(word_home(w, word_mix(slot[AHEAD].low, slot[AHEAD].high)), 1);
        if (!give_back(s, w, slot->low, slot->high, slot->count)) return false;
        slot->count = slot->at = 0;
    }
    f->counted = 0;
    return true;
}
