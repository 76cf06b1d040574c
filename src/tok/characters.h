/* characters.h: what a worker knows of characters of three bytes and of seams; and characters one after the other, as far as that reaches.
 *
 * In Chinese, Japanese and the like a word is a clause, seldom met twice, while its characters are few thousands. So what each is made of by itself is kept, in
 * eight bytes at a place that its own bits say, and what was said of the seam between two tokens in four. A row of characters, through all words of it, is looked
 * up at once, first what they are, then their seams, sixteen at a time, none of which waits for another. Between two words no seam is asked about.
 * So it is known beforehand where the row stops: where something is not known, or two tokens may not stand side by side. There forward.c goes on. */
#ifndef TOK_CHARACTERS_H
#define TOK_CHARACTERS_H
#include "base/isa.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CHAR_ID_BITS = 20, CHAR_NONE = (1 << CHAR_ID_BITS) - 1, CHARS = 1 << 16 };        /* ids must be below CHAR_NONE; characters of three bytes */
enum { SEAM_ID_BITS = 22, SEAM_WAYS = 2, SEAM_KEY_BITS = 2 * SEAM_ID_BITS, SEAMS_BITS = 16, SEAM_TAG_BITS = SEAM_KEY_BITS - SEAMS_BITS };
#define SEAM_MIX UINT64_C(0x9e3779b97f4a7c15)
enum { SEAM_KNOWN = 1, SEAM_FITS = 2 };

/* What is known. chars: up to three ids from the lowest bits on, CHAR_NONE where there is none, and how many there are; 0: not known.
 * seams: sets of two, the newer first: what is left of the key's hash, which is one to one, then SEAM_FITS, then SEAM_KNOWN; 0: nothing. */
struct characters { uint64_t *chars; uint32_t *seams; };

enum { ROW = 512, ROW_WORDS = ROW / 64, CHARACTERS_ABREAST = 16, CHARACTERS_BEYOND = 16 };

/* Characters, three bytes each. */
struct row {
    const unsigned char *text;
    size_t               n;                                           /* ROW at most */
    uint64_t             begins[ROW_WORDS];                           /* a bit for each that begins a word */
    uint64_t             stops[ROW_WORDS];                            /* for each that does not go: it is not known, or its seam, or it may not stand there */
    uint64_t             known[ROW + 8];                              /* as chars above; eight are read at once */
};

/* What is known of the row: `stops` and `known`. */
typedef void characters_look(const struct characters *known, struct row *r);
/* Appends the ids of characters k to end - 1, all of them known; up to CHARACTERS_BEYOND are written behind. Returns the end. */
typedef uint32_t *characters_put(const struct row *r, size_t k, size_t end, uint32_t *out);
struct characters_body { characters_look *look; characters_put *put; };
extern const struct characters_body characters_bodies[ISA_COUNT];     /* NULL: not for this instruction set, which goes faster character by character */

/* Three bytes that look like a character; which one. */
static inline uint32_t three_bytes(const unsigned char *p) { return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16; }
static inline bool is_character(const unsigned char *p) { return (three_bytes(p) & 0xc0c0f0) == 0x8080e0; }
static inline size_t char_place(const unsigned char *p)
{
    uint32_t x = three_bytes(p);
    return (x & 15) << 12 | (x >> 2 & 0xfc0) | (x >> 16 & 63);
}

static inline uint32_t char_id(uint64_t known, int i) { return (uint32_t)(known >> i * CHAR_ID_BITS) & CHAR_NONE; }
static inline unsigned char_ids(uint64_t known) { return (unsigned)(known >> 3 * CHAR_ID_BITS); }

static inline uint32_t *char_put(uint32_t *out, uint64_t known)       /* and up to two beyond */
{
    out[0] = char_id(known, 0);
    out[1] = char_id(known, 1);
    out[2] = char_id(known, 2);
    return out + char_ids(known);
}

static inline uint64_t seam_hash(uint32_t left, uint32_t right) { return ((uint64_t)left << SEAM_ID_BITS | right) * SEAM_MIX & ((UINT64_C(1) << SEAM_KEY_BITS) - 1); }
static inline size_t seam_place(uint64_t hash) { return SEAM_WAYS * (size_t)(hash >> SEAM_TAG_BITS); }
static inline uint32_t seam_tag(uint64_t hash) { return (uint32_t)(hash << 2) | SEAM_KNOWN; }

/* It is known that they may stand side by side. */
static inline bool seam_fine(const struct characters *known, uint32_t left, uint32_t right)
{
    uint64_t hash = seam_hash(left, right);
    const uint32_t *set = known->seams + seam_place(hash), tag = seam_tag(hash) | SEAM_FITS;
    return set[0] == tag || set[1] == tag;
}

#endif
