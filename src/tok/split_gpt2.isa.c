/* split_gpt2.isa.c: GPT-2's pattern on 64 bytes of ASCII at once; any other character is left to the scanner of split_gpt2.c.
 *
 * One bit per byte: letters L, digits D, the space S, all white space W, the rest O; x << 1 brings in, at the lowest bit, what the byte before was.
 *
 *   goes on  = L & L<<1 | D & D<<1 | O & O<<1        a run of one class
 *   begins   = ~W & ~(goes on) & ~S<<1               a run, where no space before it begins it
 *            | W & (~(W<<1) | ~(W>>1))               a run of white space; its last character stands alone where text follows
 *
 * and a contraction, where an apostrophe begins a word, is put right one by one. Scanning may begin at any word as if at the beginning
 * of the text, so nothing is carried from one call to the next. The end of the text looks like white space. */
#include "tok/bits64.isa.h"
#include "tok/scan.h"
#include "tok/scan_bodies.h"

#if BITS64
enum { BLOCK = 64, AHEAD = 3, ROOM = BLOCK + 8 };                     /* bytes of a contraction; ends that one block may write */

struct carry { uint64_t l, d, o, s, w, set, clear; };                 /* set, clear: bits of the next block */

/* In the block at p, which can be read for AHEAD bytes more. */
BITS void put_contractions_right(const unsigned char *p, uint64_t quotes, uint64_t *begins, struct carry *c)
{
    while (__builtin_expect(quotes != 0, 0)) {
        unsigned i = (unsigned)__builtin_ctzll(quotes), k = (unsigned)gpt2_contraction(p + i, AHEAD);
        quotes &= quotes - 1;
        if (k == 0) continue;
        if (i + 1 < BLOCK) *begins &= ~(UINT64_C(1) << (i + 1));
        else c->clear |= UINT64_C(1) << (i + 1 - BLOCK);
        if (i + k < BLOCK) *begins |= UINT64_C(1) << (i + k);
        else c->set |= UINT64_C(1) << (i + k - BLOCK);
    }
}

/* Where words begin in the block at p. *high: bytes that are not ASCII; what is said of the byte before one is not certain (it may be white space
 * that ends here or goes on), also where the next block begins with one. */
BITS uint64_t begins_of(const unsigned char *p, struct carry *c, uint64_t *high)
{
    bytes64 v = bytes64_read(p);
    *high = bits_high(v);
    uint64_t L = bits_from(bytes64_lower(v), 'a', 26), D = bits_from(v, '0', 10), S = bits_equal(v, ' '), W = S | bits_from(v, 9, 5), O = ~(L | D | W);
    uint64_t text_next = class_of_byte[p[BLOCK]] != CLASS_SPACE;
    uint64_t goes_on = (L & (L << 1 | c->l)) | (D & (D << 1 | c->d)) | (O & (O << 1 | c->o));
    uint64_t begins = (~W & ~goes_on & ~(S << 1 | c->s)) | (W & (~(W << 1 | c->w) | (~W >> 1 | text_next << 63)));
    uint64_t quotes = bits_equal(v, '\'') & begins;
    begins = (begins & ~c->clear) | c->set;
    *c = (struct carry){ L >> 63, D >> 63, O >> 63, S >> 63, W >> 63, 0, 0 };
    put_contractions_right(p, quotes, &begins, c);
    return begins;
}

/* Eight at a time, so that there is one branch for as many: `ends` has room for eight more than there are bits. */
BITS size_t put_ends(uint64_t bits, size_t base, size_t *ends)
{
    unsigned n = (unsigned)__builtin_popcountll(bits);
    for (unsigned k = 0; k < n; k += 8)
        for (unsigned i = 0; i < 8; i++) {
            ends[k + i] = base + (unsigned)_tzcnt_u64(bits);
            bits &= bits - 1;
        }
    return n;
}

/* Words from `at`, where one begins, up to the first that may hold what is not ASCII: its begin is left in *at. */
static size_t ascii_words(const unsigned char *text, size_t n, size_t *at, size_t *ends, size_t most)
{
    unsigned char tail[BLOCK + AHEAD + BLOCK];
    struct carry c = { 0 };
    size_t made = 0, p = *at;
    uint64_t first = 1, high;                                         /* the begin that the caller knows */
    for (; p < n && most - made >= ROOM; p += BLOCK, first = 0) {
        size_t left = n - p;
        const unsigned char *block = text + p;
        if (left < BLOCK + AHEAD) {
            memset(tail, ' ', sizeof tail);
            memcpy(tail, block, left);
            block = tail;
        }
        uint64_t begins = begins_of(block, &c, &high) & ~first;
        if (left < BLOCK) begins &= (UINT64_C(1) << left) - 1;
        if (high != 0 || block[BLOCK] >= 0x80) {
            unsigned k = high != 0 ? (unsigned)__builtin_ctzll(high) : BLOCK;
            begins &= k == 0 ? 0 : (UINT64_C(1) << (k - 1)) - 1;
            made += put_ends(begins, p, ends + made);
            break;
        }
        made += put_ends(begins, p, ends + made);
    }
    if (p >= n) ends[made++] = n;
    if (made > 0) *at = ends[made - 1];
    return made;
}

static bool is_foreign(const unsigned char *text, size_t n, size_t at) { return text[at] >= 0x80 || (text[at] == ' ' && at + 1 < n && text[at + 1] >= 0x80); }

size_t ISA_NAME(split_gpt2)(const unsigned char *text, size_t n, size_t at, size_t *ends, size_t most)
{
    size_t made = 0;
    while (at < n && most - made >= ROOM) {
        made += ascii_words(text, n, &at, ends + made, most - made);
        if (made == most || at == n) break;
        bool room = most - made >= ROOM;
        for (bool go_on = room; go_on; go_on = at < n && made < most && is_foreign(text, n, at)) ends[made++] = at = gpt2_word_end(text, n, at);
    }
    return made > 0 ? made : split_gpt2(text, n, at, ends, most);
}
#else
size_t ISA_NAME(split_gpt2)(const unsigned char *text, size_t n, size_t at, size_t *ends, size_t most) { return split_gpt2(text, n, at, ends, most); }
#endif
