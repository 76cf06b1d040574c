/* split_gpt2.isa.c: GPT-2's pattern on 64 bytes at once; white space that is not ASCII is left to the scanner of split_gpt2.c.
 *
 * One bit per byte: letters L, digits D, the space S, all white space W, the rest O; x << 1 brings in, at the lowest bit, what the byte before was.
 * All bytes of a character have its class: those of ASCII by comparison, others one by one.
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
enum { BLOCK = 64, AHEAD = 3, ROOM = BLOCK + 8 };                     /* bytes of a contraction, or of a character behind its first; ends that one block may write */

/* Characters that are not ASCII, by byte: the two bits of their class. */
struct others { uint64_t low, high, all; };
struct carry { uint64_t l, d, o, s, w, set, clear; struct others over; };      /* set, clear, over: bits of the next block */

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

/* First bytes of letters of three bytes that are told by comparison: Chinese characters, most kana and Hangul. Those that reach beyond the block are not. */
BITS uint64_t known_letters(bytes64 v)
{
    uint64_t goes_on = bits_from(v, (char)0x80, 0x40), third = goes_on >> 2, complete = goes_on >> 1 & third;
    uint64_t chinese = bits_from(v, (char)0xe4, 6) | bits_from(v, (char)0xeb, 2), hexagram = bits_equal(v, (char)0xe4) & bits_equal(v, (char)0xb7) >> 1;
    uint64_t kana = bits_equal(v, (char)0xe3) & bits_from(v, (char)0x81, 3) >> 1;
    if (__builtin_expect(kana != 0, 0)) {
        uint64_t in_82 = bits_equal(v, (char)0x82) >> 1, marks = (bits_from(v, (char)0x97, 6) | bits_equal(v, (char)0xa0)) >> 2;
        uint64_t first = bits_equal(v, (char)0x80) >> 2 & bits_equal(v, (char)0x81) >> 1, dot = bits_equal(v, (char)0xbb) >> 2 & bits_equal(v, (char)0x83) >> 1;
        kana &= ~(first | (in_82 & marks) | dot);                     /* U+3040, U+3097 to U+309C and U+30A0, U+30FB */
    }
    return ((chinese & ~hexagram) | kana) & complete;
}

/* The class and length of the character at p, which is not ASCII; four bytes can be read. */
BITS unsigned look_other(const unsigned char *p, size_t left, size_t *length)
{
    uint32_t x;
    memcpy(&x, p, 4);
    if (__builtin_expect((x & 0xc0c0f0) != 0x8080e0 || (uint8_t)x == 0xe0 || (uint8_t)x == 0xed, 0)) return look(p, left, length);
    *length = 3;                                                      /* as is_plain_three */
    return unicode_class((x & 15) << 12 | (x >> 2 & 0xfc0) | (x >> 16 & 63));
}

/* Characters that begin at bits `high` of the block at p, with what the block before left over, up to the first that is white space: its place, or BLOCK. */
BITS unsigned look_at_others(const unsigned char *p, uint64_t high, uint64_t letters3, struct carry *c, struct others *others)
{
    uint64_t known = letters3 | letters3 << 1 | letters3 << 2, low = c->over.low | known, two = c->over.high, all = c->over.all | known, class = 0;
    unsigned i = 0, end = 0, certain = BLOCK;
    for (high &= ~all; high != 0; high &= ~all) {
        size_t length;
        i = (unsigned)__builtin_ctzll(high);
        class = look_other(p + i, BLOCK + AHEAD - i, &length);
        if (__builtin_expect(class == CLASS_SPACE, 0)) {
            certain = i;
            break;
        }
        uint64_t bytes = ((UINT64_C(1) << length) - 1) << i;
        low |= bytes & -(class & 1);
        two |= bytes & -(class >> 1);
        all |= bytes;
        end = i + (unsigned)length;
    }
    *others = (struct others){ low, two, all };
    uint64_t over = end > BLOCK ? (UINT64_C(1) << (end - BLOCK)) - 1 : 0;
    c->over = (struct others){ over & -(class & 1), over & -(class >> 1), over };
    return certain;
}

/* Where words begin in the block at p. *certain: bytes of which that is certain: up to one before white space that is not ASCII. */
BITS uint64_t begins_of(const unsigned char *p, struct carry *c, unsigned *certain)
{
    bytes64 v = bytes64_read(p);
    uint64_t high = bits_high(v), S = bits_equal(v, ' '), W = S | bits_from(v, 9, 5), L = bits_from(bytes64_lower(v), 'a', 26), D = bits_from(v, '0', 10);
    struct others over = { 0 };
    *certain = BLOCK;
    if (high != 0) {
        struct others others;
        *certain = look_at_others(p, high, known_letters(v), c, &others);
        L |= others.low & ~others.high;
        D |= others.high & ~others.low;
        over = c->over;
    }
    size_t length;
    uint64_t O = ~(L | D | W), text_next = class_of_byte[p[BLOCK]] != CLASS_SPACE;
    if (__builtin_expect(p[BLOCK] >= 0x80, 0) && W >> 63) text_next = look(p + BLOCK, AHEAD, &length) != CLASS_SPACE;
    uint64_t goes_on = (L & (L << 1 | c->l)) | (D & (D << 1 | c->d)) | (O & (O << 1 | c->o));
    uint64_t begins = (~W & ~goes_on & ~(S << 1 | c->s)) | (W & (~(W << 1 | c->w) | (~W >> 1 | text_next << 63)));
    uint64_t quotes = bits_equal(v, '\'') & begins;
    begins = (begins & ~c->clear) | c->set;
    *c = (struct carry){ L >> 63, D >> 63, O >> 63, S >> 63, W >> 63, 0, 0, over };
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

/* Words from `at`, where one begins, up to the first that may hold white space that is not ASCII: its begin is left in *at. */
static size_t words(const unsigned char *text, size_t n, size_t *at, size_t *ends, size_t most)
{
    unsigned char tail[BLOCK + AHEAD + BLOCK];
    struct carry c = { 0 };
    size_t made = 0, p = *at;
    uint64_t first = 1;                                               /* the begin that the caller knows */
    for (; p < n && most - made >= ROOM; p += BLOCK, first = 0) {
        size_t left = n - p;
        const unsigned char *block = text + p;
        if (left < BLOCK + AHEAD) {
            memset(tail, ' ', sizeof tail);
            memcpy(tail, block, left);
            block = tail;
        }
        unsigned certain;
        uint64_t begins = begins_of(block, &c, &certain) & ~first;
        if (left < BLOCK) begins &= (UINT64_C(1) << left) - 1;
        if (__builtin_expect(certain < BLOCK, 0)) {
            begins &= certain == 0 ? 0 : (UINT64_C(1) << (certain - 1)) - 1;
            made += put_ends(begins, p, ends + made);
            break;
        }
        made += put_ends(begins, p, ends + made);
    }
    if (p >= n) ends[made++] = n;
    if (made > 0) *at = ends[made - 1];
    return made;
}

static bool is_wide_space(const unsigned char *text, size_t n, size_t at)
{
    size_t length;
    return text[at] >= 0x80 && look(text + at, n - at, &length) == CLASS_SPACE;
}

size_t ISA_NAME(split_gpt2)(const unsigned char *text, size_t n, size_t at, size_t *ends, size_t most)
{
    size_t made = 0;
    while (at < n && most - made >= ROOM) {
        made += words(text, n, &at, ends + made, most - made);
        if (made == most || at == n) break;
        bool room = most - made >= ROOM;
        for (bool go_on = room; go_on; go_on = at < n && made < most && is_wide_space(text, n, at)) ends[made++] = at = gpt2_word_end(text, n, at);
    }
    return made > 0 ? made : split_gpt2(text, n, at, ends, most);
}
#else
size_t ISA_NAME(split_gpt2)(const unsigned char *text, size_t n, size_t at, size_t *ends, size_t most) { return split_gpt2(text, n, at, ends, most); }
#endif
