/* blocks_later.isa.h: what the rules of cl100k and o200k have in common, which came later than GPT-2's. Letters L, digits D, all white space W, of it the
 * space S and the line ends E, the rest O:
 *
 *   goes into line ends    what follows O without a gap and is E (o200k: or a slash) is of the word; below, O, W and E are without it
 *   numbers                begin a word, and every third of a run does
 *   others                 O & ~O<<1 & ~S<<1: where no space before it begins the run
 *   before                 one character that begins a word and is no line end: O of the line above, or the last of white space
 *   letters                L & ~L<<1 & ~before<<1: no word begins behind such a one
 *   white space            where it begins, behind its last line end, and its last character where text follows
 *
 * Which line end is the last of its white space is only known where that ends: when the block ends before, the next one begins with the white space.
 * Numbers and white space that are not ASCII are not certain. */
#ifndef TOK_BLOCKS_LATER_H
#define TOK_BLOCKS_LATER_H
#include "tok/blocks.isa.h"

#if BITS64
enum { LATER_STOPS = 1u << CLASS_SPACE | 1u << CLASS_NUMBER };

/* Where numbers begin words. c->digits: of the word that the block before ended in, 0 to 3. */
BITS uint64_t by_three(uint64_t D, struct carry *c, unsigned bytes)
{
    uint64_t begins = D & ~(D << 1 | (c->digits > 0)), three = D & D << 1 & D << 2, rest = first_bits(4 - c->digits);
    if (c->digits > 0 && (D & rest) == rest) begins |= UINT64_C(1) << (3 - c->digits);
    if (begins << 3 & three)
        for (unsigned k = 3; k < BLOCK; k *= 2) {
            begins |= begins << k & three;
            three &= three << k;
        }
    uint64_t here = begins & first_bits(bytes);
    if (D >> (bytes - 1) & 1) c->digits = here != 0 ? bytes - (BLOCK - 1 - (unsigned)__builtin_clzll(here)) : c->digits + bytes;
    else c->digits = 0;
    return begins;
}

/* Where the bits of x that reach up to the highest one without a gap begin; BLOCK where there are none. */
BITS unsigned top_run(uint64_t x) { return x == ~UINT64_C(0) ? 0 : BLOCK - (unsigned)__builtin_clzll(~x); }

/* White space behind a line end, up to where it ends, but not where there is another line end in it. */
BITS uint64_t behind_last_line_end(uint64_t blanks, uint64_t E)
{
    uint64_t begins = blanks & E << 1, not_last = (begins + blanks) & ~blanks & E;
    for (; __builtin_expect(not_last != 0, 0); not_last &= not_last - 1) {
        uint64_t before = begins & ((not_last & -not_last) - 1);
        begins &= ~(UINT64_C(1) << (BLOCK - 1 - (unsigned)__builtin_clzll(before)));
    }
    return begins;
}

/* When the block is not certain to its end: up to white space before that, which may go on. */
BITS uint64_t sure_before(unsigned certain, uint64_t W) { return first_bits(top_run(W | ~first_bits(certain))); }

/* Where words begin, but for what is special within and behind letters. into: characters that others go into behind a line end; whole: white
 * space that ends the text is one word. Sets b->bytes; *others: O. */
BITS uint64_t later_begins(struct block *b, struct carry *c, uint64_t L, uint64_t into, bool whole)
{
    uint64_t E = bits_equal(b->v, '\n') | bits_equal(b->v, '\r'), O = ~(L | b->D | b->W);
    uint64_t eaten = flood((E & (O << 1 | c->o)) | (into & c->eaten), into);
    uint64_t W = b->W & ~eaten, follows = text_follows(b);
    O &= ~eaten, E &= ~eaten;
    if (W >> 63) {
        unsigned top = top_run(W);
        uint64_t unknown = follows ? 0 : E >> top;
        if (b->ends && whole && !follows) E &= first_bits(top);
        else if (!b->ends && unknown != 0 && top > 0) b->bytes = top;
        else if (!b->ends && unknown != 0) b->certain = 0;
    }
    uint64_t blanks = W & ~E, others = O & ~(O << 1 | c->o) & ~(b->S << 1 | c->s);
    uint64_t before = others | (b->others.inner != 0 ? flood(others << 1 | c->before, b->others.inner) : 0) | blanks;
    uint64_t begins = others | (L & ~(L << 1 | c->l) & ~(before << 1 | c->before)) | by_three(b->D, c, b->bytes);
    begins |= (W & ~(W << 1 | c->w)) | (blanks & (~W >> 1) & first_bits(63)) | (blanks & follows << 63) | behind_last_line_end(blanks, E);
    unsigned last = b->bytes - 1;
    c->l = L >> last & 1, c->o = O >> last & 1, c->s = b->S >> last & 1, c->w = W >> last & 1, c->before = before >> last & 1, c->eaten = eaten >> last & 1;
    if (b->certain < BLOCK) b->sure = sure_before(b->certain, W);
    return begins;
}
#endif

#endif
