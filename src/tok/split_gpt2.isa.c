/* split_gpt2.isa.c: GPT-2's pattern on 64 bytes at once; white space that is not ASCII is left to the scanner of split_gpt2.c.
 *
 * Letters L, digits D, the space S, all white space W, the rest O:
 *
 *   goes on  = L & L<<1 | D & D<<1 | O & O<<1        a run of one class
 *   begins   = ~W & ~(goes on) & ~S<<1               a run, where no space before it begins it
 *            | W & (~(W<<1) | ~(W>>1))               a run of white space; its last character stands alone where text follows
 *
 * and a contraction, where an apostrophe begins a word, is put right one by one. */
#include "tok/blocks.isa.h"

#if BITS64
BITS uint64_t contractions_right(const unsigned char *p, uint64_t begins, uint64_t quotes, struct carry *c)
{
    uint64_t set = c->set, clear = c->clear;
    c->set = c->clear = 0;
    for (; __builtin_expect(quotes != 0, 0); quotes &= quotes - 1) {
        unsigned i = (unsigned)__builtin_ctzll(quotes), k = (unsigned)gpt2_contraction(p + i, AHEAD);
        if (k == 0) continue;
        mark(&clear, &c->clear, i + 1);
        mark(&set, &c->set, i + k);
    }
    return (begins & ~clear) | set;
}

BITS uint64_t rule(struct block *b, struct carry *c)
{
    read_block(b, c, unicode_class, 1u << CLASS_SPACE);
    uint64_t S = b->S, W = b->W, L = b->L, D = b->D;
    with_others(b, CLASS_LETTER, &L);
    with_others(b, CLASS_NUMBER, &D);
    uint64_t O = ~(L | D | W);
    uint64_t goes_on = (L & (L << 1 | c->l)) | (D & (D << 1 | c->d)) | (O & (O << 1 | c->o));
    uint64_t begins = (~W & ~goes_on & ~(S << 1 | c->s)) | (W & (~(W << 1 | c->w) | (~W >> 1 | text_follows(b) << 63)));
    c->l = L >> 63, c->d = D >> 63, c->o = O >> 63, c->s = S >> 63, c->w = W >> 63;
    if (b->certain < BLOCK) b->sure = b->certain == 0 ? 0 : first_bits(b->certain - 1);
    return contractions_right(b->p, begins, bits_equal(b->v, '\'') & begins, c);
}

static __attribute__((noinline)) struct seen any(const unsigned char *p, size_t left, struct carry *c) { return see_any(rule, p, left, c); }
#endif

size_t ISA_NAME(split_gpt2)(const unsigned char *text, size_t n, size_t at, size_t *ends, size_t most)
{
#if BITS64
    return scan_by(rule, any, gpt2_word_end, split_gpt2, text, n, at, ends, most);
#else
    return split_gpt2(text, n, at, ends, most);
#endif
}
