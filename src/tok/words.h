/* words.h: distinct words and how often each occurs: what BPE is trained on.
 *
 * A word of up to 15 bytes is its own key: the bytes and the length in 16 bytes, compared as two integers. A longer one is known by a
 * 64-bit hash and its length, and compared in full. The table is 64 tables by hash, so that tables filled by several
 * workers (or machines) are put together part by part, in parallel, and so that growing moves one part at a time.
 * Counts have 64 bits: 32 overflow on real corpora and lose the most frequent word. */
#ifndef TOK_WORDS_H
#define TOK_WORDS_H
#include "tok/share.h"
#include <string.h>

enum { WORD_PARTS = 64, WORD_INLINE = 15, WORD_FIRST = 64 };          /* FIRST: slots that a part begins with */

struct word_slot { uint64_t low, high, count, at; };                  /* high: length << 56; long: 0xff << 56 | length, text at bytes[at] */
struct word_part { struct word_slot *slots; size_t n, room; char *bytes; size_t n_bytes, room_bytes; };
struct words { struct word_part part[WORD_PARTS]; };                  /* zero it to begin */

struct word_key { uint64_t low, high, hash; };

RK_CHECK bool words_prepare(struct share *s, struct words *w);           /* gives every part some room */
bool words_add(struct share *s, struct words *w, const struct word_key *key, const unsigned char *text, size_t n, uint64_t count);
bool words_add_part(struct share *s, struct words *to, const struct words *from, int part);        /* counts of one part added up */
void words_clear(rk_ctx *ctx, struct words *w);
uint64_t words_distinct(const struct words *w);
uint64_t words_memory(const struct words *w);                         /* bytes taken */
void words_free_part(struct share *s, struct words *w, int part);

/* The text and length of a slot; `small` has room for WORD_INLINE bytes. */
const char *word_text(const struct word_part *part, const struct word_slot *slot, char small[16], size_t *n);

static inline const struct word_part *word_part(const struct words *w, uint64_t hash) { return &w->part[hash >> 58]; }

static inline struct word_slot *word_home(const struct words *w, uint64_t hash)        /* where a key is sought first, until its part moves; in a part with room */
{
    const struct word_part *p = word_part(w, hash);
    return p->slots + (hash & (p->room - 1));
}

/* ---- keys ---- */

uint64_t word_hash_long(const unsigned char *text, size_t n);

static inline uint64_t word_mix(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 wide;
    wide m = (wide)(a ^ 0x9e3779b97f4a7c15u) * (b ^ 0xd6e8feb86659fd93u);
    return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static inline uint64_t word_bytes(const unsigned char *p)             /* eight, the first lowest */
{
    uint64_t x;
    memcpy(&x, p, 8);
    return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? __builtin_bswap64(x) : x;
}

extern const uint64_t word_keep[WORD_INLINE + 1][2];                  /* the first n bytes of two words */

/* The key of text[0..n), n > 0. `readable`: bytes that may be read from text on. */
static inline struct word_key word_key(const unsigned char *text, size_t n, size_t readable)
{
    struct word_key k = { 0, 0, 0 };
    if (n > WORD_INLINE) {
        k.low = word_hash_long(text, n);
        k.high = (uint64_t)0xff << 56 | n;
    } else if (readable >= 16) {
        k.low = word_bytes(text) & word_keep[n][0];
        k.high = (word_bytes(text + 8) & word_keep[n][1]) | (uint64_t)n << 56;
    } else {
        unsigned char copy[16] = { 0 };
        for (size_t i = 0; i < n; i++) copy[i] = text[i];
        k.low = word_bytes(copy);
        k.high = word_bytes(copy + 8) | (uint64_t)n << 56;
    }
    k.hash = word_mix(k.low, k.high);
    return k;
}

#endif
