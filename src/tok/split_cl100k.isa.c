/* split_cl100k.isa.c: GPT-4's pattern on 64 bytes at once (blocks_later.isa.h). A contraction, where an apostrophe begins a word, ends that word. */
#include "tok/blocks_later.isa.h"

#if BITS64
BITS uint64_t contractions_right(const unsigned char *p, uint64_t begins, uint64_t quotes, struct carry *c)
{
    uint64_t set = c->set;
    c->set = 0;
    for (; __builtin_expect(quotes != 0, 0); quotes &= quotes - 1) {
        unsigned i = (unsigned)__builtin_ctzll(quotes), k = (unsigned)contraction_any_case(p + i, AHEAD);
        if (k > 0) mark(&set, &c->set, i + k);
    }
    return begins | set;
}

BITS uint64_t rule(struct block *b, struct carry *c)
{
    read_block(b, c, unicode_class, LATER_STOPS);
    uint64_t L = b->L, lines = bits_equal(b->v, '\n') | bits_equal(b->v, '\r');
    with_others(b, CLASS_LETTER, &L);
    uint64_t begins = later_begins(b, c, L, lines, true);
    return contractions_right(b->p, begins, bits_equal(b->v, '\'') & begins, c) & first_bits(b->bytes);
}

static __attribute__((noinline)) struct seen any(const unsigned char *p, size_t left, struct carry *c) { return see_any(rule, p, left, c); }
#endif

size_t ISA_NAME(split_cl100k)(const unsigned char *text, size_t n, size_t at, size_t *ends, size_t most)
{
#if BITS64
    return scan_by(rule, any, cl100k_word_end, split_cl100k, text, n, at, ends, most);
#else
    return split_cl100k(text, n, at, ends, most);
#endif
}
