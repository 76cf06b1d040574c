/* split_bert.isa.c: BERT's units on 64 bytes at once; characters that are not ASCII are left to the scanner of bert.c.
 *
 * Blanks B, punctuation P, the rest X. A unit ends before a byte
 *
 *   ends     = ~B<<1 & (P<<1 | B | P)                 behind what is no blank: behind punctuation, or before a blank or punctuation
 *
 * which two neighbours tell alone: so up to a byte that is not ASCII all ends before it are known, and a unit or a few then go by the plain scanner. */
#include "tok/bert.h"
#include "tok/blocks.isa.h"

#if BITS64
struct neighbour { uint64_t blank, single; };                         /* one bit: what the byte before the block was */

BITS uint64_t ends_of(bytes64 v, struct neighbour *c)
{
    uint64_t B = bits_equal(v, ' ') | bits_from(v, '\t', 2) | bits_equal(v, '\r');
    uint64_t P = bits_from(v, '!', 15) | bits_from(v, ':', 7) | bits_from(v, '[', 6) | bits_from(v, '{', 4);
    uint64_t ends = ~(B << 1 | c->blank) & (P << 1 | c->single | B | P);
    *c = (struct neighbour){ B >> 63, P >> 63 };
    return ends;
}

/* Units from *at on, up to the first byte that is not ASCII, at *until; the end of the last is left in *at. */
BITS size_t ascii_units(const unsigned char *text, size_t n, size_t *at, size_t *ends, size_t most, size_t *until)
{
    unsigned char tail[BLOCK];
    struct neighbour c = { 1, 0 };                                    /* a unit begins here, whatever was before */
    size_t made = 0, p = *at;
    for (; p < n && most - made >= ROOM; p += BLOCK) {
        const unsigned char *from = text + p;
        if (n - p < BLOCK) {
            memset(tail, ' ', sizeof tail);
            memcpy(tail, from, n - p);
            from = tail;
        }
        bytes64 v = bytes64_read(from);
        uint64_t high = bits_high(v), found = ends_of(v, &c);
        if (n - p < BLOCK) found &= first_bits((unsigned)(n - p));
        if (__builtin_expect(high != 0, 0)) {
            unsigned first = (unsigned)__builtin_ctzll(high);
            made += put_ends(found & first_bits(first), p, ends + made);
            *until = p + first;
            break;
        }
        made += put_ends(found, p, ends + made);
    }
    if (p >= n) ends[made++] = n;
    if (made > 0) *at = ends[made - 1];
    return made;
}

BITS size_t scan(split_scan *plain, const unsigned char *text, size_t n, size_t at, size_t *ends, size_t most)
{
    size_t made = 0;
    while (at < n && most - made >= ROOM) {
        size_t until = 0;
        made += ascii_units(text, n, &at, ends + made, most - made, &until);
        if (at == n || most - made < ROOM) break;
        do {
            made += plain(text, n, at, ends + made, 1);
            at = ends[made - 1];
        } while (at < n && made < most && (at <= until || text[at] >= 0x80));
    }
    return made > 0 ? made : plain(text, n, at, ends, most);
}
#else
#define scan(plain, text, n, at, ends, most) plain(text, n, at, ends, most)
#endif

size_t ISA_NAME(bert_units)(const unsigned char *text, size_t n, size_t at, size_t *ends, size_t most) { return scan(bert_units, text, n, at, ends, most); }
size_t ISA_NAME(bert_units_chinese)(const unsigned char *text, size_t n, size_t at, size_t *ends, size_t most) { return scan(bert_units_chinese, text, n, at, ends, most); }
