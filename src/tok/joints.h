/* joints.h: where no merge can join what stands before with what stands behind, so that a long word falls into parts that are encoded each
 * for itself, exactly: merges of different parts do not see each other.
 *
 * A merge (L, R) joins at a place only where L's last bytes stand before it and R's first bytes behind. Asked are two bytes on each side,
 * of those merges whose two tokens are that long; of the others, one on each side. So a cut is always right; a joint may be none.
 * What for: in Chinese and Japanese a word is a whole clause, seldom met again, and its parts are one to three characters. */
#ifndef TOK_JOINTS_H
#define TOK_JOINTS_H
#include "tok/merges.h"
#include "tok/vocab.h"

enum { JOINTS_WORDS = 1 << 10, JOINTS_WIDE = 1 << 13 };               /* of 64 bits */
struct joints {
    uint64_t near[JOINTS_WORDS];                                      /* by the byte before and the byte behind: merges with a token of one byte */
    uint64_t some[JOINTS_WORDS];                                      /* the same: all merges */
    uint64_t wide[JOINTS_WIDE];                                       /* by a hash of two bytes before and two behind: the others */
};

void joints_add(struct joints *j, rk_text left, rk_text right);

static inline unsigned joints_bit(const uint64_t *bits, uint32_t i) { return (unsigned)(bits[i >> 6] >> (i & 63) & 1); }
static inline uint32_t joints_hash(unsigned a, unsigned b, unsigned c, unsigned d)
{
    return ((a | b << 8 | c << 16 | (uint32_t)d << 24) * 0x9e3779b1u) >> 13;         /* 19 bits: JOINTS_WIDE * 64 */
}

/* Whether some merge may join word[i - 1] and word[i], 0 < i < n. Nobody can foretell it, so there is one branch, the caller's. */
static inline bool joints_at(const struct joints *j, const unsigned char *word, size_t n, size_t i)
{
    uint32_t pair = (uint32_t)word[i - 1] << 8 | word[i];
    unsigned inside = i > 1 && i + 1 < n;
    unsigned wide = inside & joints_bit(j->wide, joints_hash(word[inside ? i - 2 : 0], word[i - 1], word[i], word[inside ? i + 1 : 0]));
    return (joints_bit(j->some, pair) & (joints_bit(j->near, pair) | wide)) != 0;
}

/* Bytes of a character, by what its first one promises. */
static inline size_t joints_step(unsigned char c) { return (size_t)1 + (c >= 0xc0) + (c >= 0xe0) + (c >= 0xf0); }

/* A place after `at` where a character that is not ASCII begins and nothing joins; n when there is none. */
static inline size_t joints_cut(const struct joints *j, const unsigned char *word, size_t n, size_t at)
{
    size_t i = at + joints_step(word[at]);
    while (i < n && (word[i] < 0xc0 || joints_at(j, word, n, i))) i += joints_step(word[i]);
    return i < n ? i : n;
}

#endif
