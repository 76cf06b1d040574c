/* split_o200k.isa.c: GPT-4o's pattern on 64 bytes at once (blocks_later.isa.h). Letters U upper, W lower case; B, which is both: caseless ones, and marks.
 *
 *   within letters   a word begins at U & W<<1
 *   not certain      U & B<<1: what comes behind decides;  a mark behind others, which may be of either
 *   behind letters   a contraction, where an apostrophe follows, is of the word, and what follows that begins one; not behind a contraction */
#include "tok/blocks_later.isa.h"

#if BITS64
BITS uint64_t contractions_right(const unsigned char *p, uint64_t begins, uint64_t quotes, struct carry *c)
{
    uint64_t set = c->set, clear = c->clear;
    c->set = c->clear = 0;
    for (; __builtin_expect(quotes != 0, 0); quotes &= quotes - 1) {
        unsigned i = (unsigned)__builtin_ctzll(quotes), k = (unsigned)contraction_any_case(p + i, AHEAD);
        if (k == 0 || set >> i & 1) continue;
        mark(&clear, &c->clear, i);
        mark(&clear, &c->clear, i + k - 1);
        mark(&set, &c->set, i + k);
    }
    return (begins & ~clear) | set;
}

/* The first bit of a mark behind others, or of an upper-case letter behind one that is both. */
BITS uint64_t uncertain(uint64_t upper, uint64_t both, uint64_t marks, uint64_t others, struct carry *c)
{
    return (upper & (both << 1 | c->both)) | (marks & ~(marks << 1 | c->mark) & (others << 1 | c->o));
}

BITS uint64_t rule(struct block *b, struct carry *c)
{
    read_block(b, c, class_cased, LATER_STOPS);
    uint64_t marks = 0, both = 0, upper = bits_from(b->v, 'A', 26), lower = bits_from(b->v, 'a', 26);
    with_others(b, CASED_MARK, &marks);
    with_others(b, CLASS_LETTER, &both);
    with_others(b, CASED_UPPER, &upper);
    with_others(b, CASED_LOWER, &lower);
    both |= marks;
    uint64_t L = upper | lower | both, into = bits_equal(b->v, '\n') | bits_equal(b->v, '\r') | bits_equal(b->v, '/');
    uint64_t not_certain = uncertain(upper, both, marks, ~(L | b->D | b->W), c);
    if (__builtin_expect(not_certain != 0, 0) && (unsigned)__builtin_ctzll(not_certain) < b->certain) b->certain = (unsigned)__builtin_ctzll(not_certain);
    uint64_t quotes = bits_equal(b->v, '\'') & (L << 1 | c->l);
    uint64_t begins = later_begins(b, c, L, into, false) | (upper & (lower << 1 | c->lower));
    unsigned last = b->bytes - 1;
    c->lower = lower >> last & 1, c->both = both >> last & 1, c->mark = marks >> last & 1;
    return contractions_right(b->p, begins, quotes, c) & first_bits(b->bytes);
}

static __attribute__((noinline)) struct seen any(const unsigned char *p, size_t left, struct carry *c) { return see_any(rule, p, left, c); }
#endif

size_t ISA_NAME(split_o200k)(const unsigned char *text, size_t n, size_t at, size_t *ends, size_t most)
{
#if BITS64
    return scan_by(rule, any, o200k_word_end, split_o200k, text, n, at, ends, most);
#else
    return split_o200k(text, n, at, ends, most);
#endif
}
