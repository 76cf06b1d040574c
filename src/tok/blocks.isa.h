/* blocks.isa.h: what the bodies of the scanners share: 64 bytes as one bit per byte for each class, and the way through a text in such blocks.
 *
 * A pattern is a rule: from the classes of a block, and what those before it left over (carry), to the bits at which words begin. x << 1 brings in, at
 * the lowest bit, what the byte before was. All bytes of a character have its class: those of ASCII by comparison, others one by one. What a rule
 * cannot tell it calls uncertain from some byte on; a word or a few then go by the plain scanner. Scanning may begin at any word as if at
 * the beginning of the text, so nothing is carried from one call to the next. The end of the text looks like blanks. */
#ifndef TOK_BLOCKS_H
#define TOK_BLOCKS_H
#include "tok/bits64.isa.h"
#include "tok/scan.h"
#include "tok/scan_bodies.h"

#if BITS64
enum { BLOCK = 64, AHEAD = 3, ROOM = BLOCK + 8 };                     /* bytes of a contraction, or of a character behind its first; ends that one block may write */

/* Characters that are not ASCII, by byte: the bits of their class; which are not the first of their character. */
struct others { uint64_t plane[3], inner, all; };

struct block {
    const unsigned char *p;                                           /* AHEAD bytes more can be read */
    bool     ends;                                                    /* the text does, in it or with it */
    bool     ascii;                                                   /* all of it is known to be */
    bytes64  v;
    uint64_t L, D, S, W;                                              /* of ASCII: letters, digits, the space, all white space */
    struct others others;
    unsigned bytes;                                                   /* the next block begins behind so many */
    unsigned certain;                                                 /* nothing is known from this byte on; BLOCK: all is */
    uint64_t sure;                                                    /* where that leaves the begins of words certain */
};

/* What a block leaves to the next. One bit: what its last byte was (see the rules). More: set, clear, over, of the next block. */
struct carry { uint64_t l, d, o, s, w, before, eaten, lower, both, mark, set, clear; unsigned digits; struct others over; };

typedef uint64_t block_rule(struct block *b, struct carry *c);
typedef unsigned class_of_code(uint32_t code);
typedef size_t word_end(const unsigned char *text, size_t n, size_t i);

BITS uint64_t first_bits(unsigned n) { return n >= BLOCK ? ~UINT64_C(0) : (UINT64_C(1) << n) - 1; }

/* Bit i of two blocks. */
BITS void mark(uint64_t *here, uint64_t *next, unsigned i)
{
    if (i < BLOCK) *here |= UINT64_C(1) << i;
    else *next |= UINT64_C(1) << (i - BLOCK);
}

/* The bits of `from` that are in `through`, and those of `through` that follow them without a gap. */
BITS uint64_t flood(uint64_t from, uint64_t through) { return (((((from & through) + through) ^ through) | from) & through); }

/* The block, and the bytes behind each of its bytes. */
struct three { bytes64 v, second, third; };

/* First bytes of letters of three bytes that are told by comparison: Chinese characters, most kana and Hangul. */
BITS uint64_t known_letters(struct three t)
{
    uint64_t complete = bits_from(t.second, (char)0x80, 0x40) & bits_from(t.third, (char)0x80, 0x40);
    uint64_t chinese = bits_from(t.v, (char)0xe4, 6) | bits_from(t.v, (char)0xeb, 2), hexagram = bits_equal(t.v, (char)0xe4) & bits_equal(t.second, (char)0xb7);
    uint64_t kana = bits_equal(t.v, (char)0xe3) & bits_from(t.second, (char)0x81, 3);
    if (__builtin_expect(kana != 0, 0)) {
        uint64_t in_82 = bits_equal(t.second, (char)0x82), marks = bits_from(t.third, (char)0x97, 6) | bits_equal(t.third, (char)0xa0);
        uint64_t first = bits_equal(t.third, (char)0x80) & bits_equal(t.second, (char)0x81), dot = bits_equal(t.third, (char)0xbb) & bits_equal(t.second, (char)0x83);
        kana &= ~(first | (in_82 & marks) | dot);                     /* U+3040, U+3097 to U+309C and U+30A0, U+30FB */
    }
    return ((chinese & ~hexagram) | kana) & complete;
}

/* First bytes of marks of three bytes that are neither letters nor digits nor blanks, told by comparison: U+2010 to U+2027,
 * U+3001 to U+3004, U+3008 to U+3020, and the wide ones of ASCII, U+FF01 to U+FF0F, U+FF1A to U+FF20. */
BITS uint64_t known_marks(struct three t)
{
    uint64_t in_80 = bits_equal(t.second, (char)0x80), wide = bits_equal(t.v, (char)0xe3) & in_80, narrow = bits_equal(t.v, (char)0xe2) & in_80;
    uint64_t ascii = bits_equal(t.v, (char)0xef) & bits_equal(t.second, (char)0xbc);
    return (wide & (bits_from(t.third, (char)0x81, 4) | bits_from(t.third, (char)0x88, 25))) | (narrow & bits_from(t.third, (char)0x90, 24))
         | (ascii & (bits_from(t.third, (char)0x81, 15) | bits_from(t.third, (char)0x9a, 7)));
}

/* Of three bytes each that begin there, those that lie in the next block. */
BITS uint64_t beyond(uint64_t firsts) { return firsts >> 62 | firsts >> 63; }

/* The class and length of the character at p, which is not ASCII; four bytes can be read. */
BITS unsigned look_other(const unsigned char *p, size_t left, class_of_code *class, size_t *length)
{
    uint32_t x, code;
    memcpy(&x, p, 4);
    if (__builtin_expect((x & 0xc0c0f0) == 0x8080e0 && (uint8_t)x != 0xe0 && (uint8_t)x != 0xed, 1)) {
        *length = 3;                                                  /* as is_plain_three */
        return class((x & 15) << 12 | (x >> 2 & 0xfc0) | (x >> 16 & 63));
    }
    if ((x & 0xc0e0) == 0x80c0 && (uint8_t)x >= 0xc2) {
        *length = 2;
        return class((x & 31) << 6 | (x >> 8 & 63));
    }
    *length = utf8_next((const char *)p, left, &code);
    return code == UTF8_INVALID ? CLASS_OTHER : class(code);
}

/* Characters that begin at bits `high` of the block, with what the block before left over, up to the first of a class in `stops`: certain. */
BITS void look_at_others(struct block *b, uint64_t high, struct carry *c, class_of_code *class, unsigned stops)
{
    struct three t = { b->v, bytes64_read(b->p + 1), bytes64_read(b->p + 2) };
    uint64_t letters3 = known_letters(t), known = letters3 | letters3 << 1 | letters3 << 2, marks = known_marks(t), behind = marks << 1 | marks << 2, last = 0;
    uint64_t letters_over = beyond(letters3), marks_over = beyond(marks);
    struct others o = { { c->over.plane[0] | known, c->over.plane[1], c->over.plane[2] }, c->over.inner | behind, c->over.all | known | marks | behind };
    unsigned end = 0;
    for (high &= ~o.all; high != 0; high &= ~o.all) {
        size_t length;
        unsigned i = (unsigned)__builtin_ctzll(high), is = look_other(b->p + i, BLOCK + AHEAD - i, class, &length);
        if (__builtin_expect(stops >> is & 1, 0)) {
            b->certain = i;
            break;
        }
        uint64_t first = UINT64_C(1) << i, bytes = ((UINT64_C(1) << length) - 1) << i;
        for (unsigned k = 0; k < 3; k++) o.plane[k] |= bytes & -(uint64_t)(is >> k & 1);
        o.inner |= bytes ^ first;
        o.all |= bytes;
        end = i + (unsigned)length;
        last = is;
    }
    b->others = o;
    uint64_t over = end > BLOCK ? (UINT64_C(1) << (end - BLOCK)) - 1 : 0;
    c->over = (struct others){ { letters_over | (over & -(last & 1)), over & -(last >> 1 & 1), over & -(last >> 2 & 1) }, marks_over | over, letters_over | marks_over | over };
}

/* The classes of the block at b->p, whose bytes are in b->v; c->over is set for the next. */
BITS void read_block(struct block *b, struct carry *c, class_of_code *class, unsigned stops)
{
    b->S = bits_equal(b->v, ' ');
    b->W = b->S | bits_from(b->v, 9, 5);
    b->L = bits_from(bytes64_lower(b->v), 'a', 26);
    b->D = bits_from(b->v, '0', 10);
    b->others = (struct others){ 0 };
    b->bytes = b->certain = BLOCK;
    uint64_t high = b->ascii ? 0 : bits_high(b->v);
    if (high != 0) look_at_others(b, high, c, class, stops);
    else c->over = b->others;
}

/* *bits with the bytes of other characters of a class; most blocks have none, which costs a branch and nothing else. */
BITS void with_others(const struct block *b, unsigned class, uint64_t *bits)
{
    if (b->others.all == 0) return;
    uint64_t others = b->others.all;
    for (unsigned k = 0; k < 3; k++) others &= class >> k & 1 ? b->others.plane[k] : ~b->others.plane[k];
    *bits |= others;
}

/* Whether the byte behind the block is something else than white space; asked where the block ends in that. */
BITS uint64_t text_follows(const struct block *b)
{
    size_t length;
    unsigned char next = b->p[BLOCK];
    if (__builtin_expect(next >= 0x80, 0) && b->W >> 63) return look(b->p + BLOCK, AHEAD, &length) != CLASS_SPACE;
    return class_of_byte[next] != CLASS_SPACE;
}

#if defined(ISA_AVX512)
/* Which bits of a byte are set, the lowest first, a byte each. */
#define PLACE(n, i) ((n) >> (i) & 1 ? (uint64_t)(i) << 8 * __builtin_popcount((n) & ((1 << (i)) - 1)) : 0)
#define PLACES(n) (PLACE(n, 1) | PLACE(n, 2) | PLACE(n, 3) | PLACE(n, 4) | PLACE(n, 5) | PLACE(n, 6) | PLACE(n, 7))
#define PLACES_4(n) PLACES(n), PLACES((n) + 1), PLACES((n) + 2), PLACES((n) + 3)
#define PLACES_16(n) PLACES_4(n), PLACES_4((n) + 4), PLACES_4((n) + 8), PLACES_4((n) + 12)
#define PLACES_64(n) PLACES_16(n), PLACES_16((n) + 16), PLACES_16((n) + 32), PLACES_16((n) + 48)
static const uint64_t places[256] = { PLACES_64(0), PLACES_64(64), PLACES_64(128), PLACES_64(192) };

/* Eight bits at a time, without a branch: `ends` has room for eight more than there are bits. */
BITS size_t put_ends(uint64_t bits, size_t base, size_t *ends)
{
    size_t made = 0;
    __m512i from = _mm512_set1_epi64((long long)base);
    for (unsigned k = 0; k < BLOCK; k += 8, from = _mm512_add_epi64(from, _mm512_set1_epi64(8))) {
        uint8_t part = (uint8_t)(bits >> k);
        _mm512_storeu_si512(ends + made, _mm512_add_epi64(from, _mm512_cvtepu8_epi64(_mm_loadl_epi64((const void *)&places[part]))));
        made += (unsigned)__builtin_popcount(part);
    }
    return made;
}
#else
/* Eight ends at a time, so that there is one branch for as many: room for eight more as well. */
BITS size_t put_ends(uint64_t bits, size_t base, size_t *ends)
{
    unsigned n = (unsigned)__builtin_popcountll(bits);
    for (unsigned k = 0; k < n; k += 8)
        for (unsigned i = 0; i < 8; i++) {
            ends[k + i] = base + bits_first(bits);
            bits &= bits - 1;
        }
    return n;
}
#endif

/* What a rule makes of a block: where words begin, where that is sure, how many bytes and certain ones. */
struct seen { uint64_t begins, sure; unsigned bytes, certain; };
typedef struct seen block_any(const unsigned char *p, size_t left, struct carry *c);

BITS struct seen see(block_rule *rule, struct block *b, struct carry *c)
{
    uint64_t begins = rule(b, c);
    return (struct seen){ begins, b->certain < BLOCK ? b->sure : ~UINT64_C(0), b->bytes, b->certain };
}

/* Any block of the text, of which so many bytes are left. Compiled for itself: what the loop below needs then stays in registers. */
BITS struct seen see_any(block_rule *rule, const unsigned char *p, size_t left, struct carry *c)
{
    unsigned char tail[BLOCK + AHEAD + BLOCK];
    struct block b = { .p = p, .ends = left <= BLOCK };
    if (left < BLOCK + AHEAD) {
        memset(tail, ' ', sizeof tail);
        memcpy(tail, p, left);
        b.p = tail;
    }
    b.v = bytes64_read(b.p);
    struct seen s = see(rule, &b, c);
    if (left < BLOCK) s.begins &= first_bits((unsigned)left);
    return s;
}

/* A block of ASCII, not at the end. */
BITS struct seen see_ascii(block_rule *rule, const unsigned char *p, bytes64 v, struct carry *c)
{
    struct block b = { .p = p, .v = v, .ascii = true };
    return see(rule, &b, c);
}

/* Words from *at, where one begins, up to what is not certain, at *until: the begin of the last is left in *at. */
BITS size_t blocks(block_rule *rule, block_any *any, const unsigned char *text, size_t n, size_t *at, size_t *ends, size_t most, size_t *until)
{
    struct carry c = { 0 };
    struct seen s;
    size_t made = 0, p = *at;
    uint64_t first = 1;                                               /* the begin that the caller knows */
    for (; p < n && most - made >= ROOM; p += s.bytes, first = 0) {
        size_t left = n - p;
        bytes64 v = { 0 };
        bool ascii = left >= BLOCK + AHEAD;
        if (ascii) v = bytes64_read(text + p), ascii = bits_high(v) == 0;
        s = __builtin_expect(ascii, 1) ? see_ascii(rule, text + p, v, &c) : any(text + p, left, &c);
        made += put_ends(s.begins & ~first & s.sure, p, ends + made);
        if (__builtin_expect(s.certain < BLOCK, 0)) {
            *until = p + s.certain;
            break;
        }
    }
    if (p >= n) ends[made++] = n;
    if (made > 0) *at = ends[made - 1];
    return made;
}

/* A scanner by a rule, and by the plain one where that is not enough. */
BITS size_t scan_by(block_rule *rule, block_any *any, word_end *plain_end, split_scan *plain,
                    const unsigned char *text, size_t n, size_t at, size_t *ends, size_t most)
{
    size_t made = 0;
    while (at < n && most - made >= ROOM) {
        size_t until = 0;
        made += blocks(rule, any, text, n, &at, ends + made, most - made, &until);
        if (at == n || most - made < ROOM) break;
        do ends[made++] = at = plain_end(text, n, at);
        while (at <= until && at < n && made < most);
    }
    return made > 0 ? made : plain(text, n, at, ends, most);
}
#endif

#endif
