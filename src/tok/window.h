/* window.h: some words of a text that follow one another, counted at once.
 *
 * Few words make up most of any text. The front is a table for those, small enough to stay near the processor: a place holds the word that was last
 * more frequent there than all others together. What a place counts goes into the table of all words when the word leaves it, or at the end. Most
 * words have few bytes, and places for those have half the size: one integer says which word it is. */
#ifndef TOK_WINDOW_H
#define TOK_WINDOW_H
#include "base/isa.h"
#include "tok/words.h"

enum { WINDOW = 256, WINDOW_READS = 16 };                             /* words; bytes that are read from where each begins */
enum { BRIEF = 7, FRONT_LEAST = 1 << 8, FRONT_MOST = 1 << 16 };       /* bytes of a brief word; room for such in a front */

/* key: the bytes, the first lowest, and the length above them. asked: how often another word was sought here. */
struct brief_slot { uint64_t key; uint32_t count, asked; };
struct front {
    struct brief_slot *brief;                                         /* and one more, for what is not found */
    struct word_slot  *slots;                                         /* of words of up to WORD_INLINE bytes: half as many; at: as asked */
    size_t             room;                                          /* of brief ones; 0: there is no front */
    unsigned           shift;
    uint32_t           counted;                                       /* since what is counted here was last given to the table */
};

#define FRONT_MIX      UINT64_C(0x9e3779b97f4a7c15)
#define FRONT_MIX_HIGH UINT64_C(0xd6e8feb86659fd93)

static inline uint64_t front_memory(size_t room) { return room == 0 ? 0 : (room + 1) * sizeof(struct brief_slot) + room / 2 * sizeof(struct word_slot); }

struct window {
    const unsigned char *text;
    const size_t        *ends;                                        /* of n words, the first from `at` */
    size_t               at, n, n_missed;
    uint8_t              missed[WINDOW + 8];
};

/* Counts the words that are in the front; the numbers of all others go into `missed`. */
typedef void window_count(const struct front *f, struct window *v);
#define X(isa) window_count window_count_##isa;
FOR_EVERY_ISA(X)
#undef X
extern window_count *const window_bodies[ISA_COUNT];

static inline size_t window_begin(const struct window *v, size_t i) { return i == 0 ? v->at : v->ends[i - 1]; }

static inline struct brief_slot *front_brief(const struct front *f, uint64_t key) { return &f->brief[key * FRONT_MIX >> f->shift]; }
static inline struct word_slot *front_slot(const struct front *f, uint64_t low, uint64_t high)
{
    return &f->slots[(low * FRONT_MIX + high * FRONT_MIX_HIGH) >> (f->shift + 1)];
}

RK_CHECK rk_status front_open(rk_ctx *ctx, struct front *f, size_t room);        /* a power of two, from 4 to FRONT_MOST */
void front_close(rk_ctx *ctx, struct front *f);                       /* what it has counted is lost */
/* Counts what the last window missed in the table of all words, whose parts have room (words_prepare); some of it comes into the front. */
RK_CHECK bool window_rest(struct share *s, struct words *w, struct front *f, const struct window *v);
/* What the front has counted goes into the table. */
RK_CHECK bool front_settle(struct share *s, struct words *w, struct front *f);

#endif
