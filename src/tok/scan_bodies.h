/* scan_bodies.h: the scanners that are compiled once per instruction set, and what they share with the plain ones. */
#ifndef TOK_SCAN_BODIES_H
#define TOK_SCAN_BODIES_H
#include "base/isa.h"
#include "tok/split.h"

#define X(isa) split_scan split_gpt2_##isa, split_cl100k_##isa, split_o200k_##isa, bert_units_##isa, bert_units_chinese_##isa;
FOR_EVERY_ISA(X)
#undef X

/* The end of the word that begins at i < n. */
size_t gpt2_word_end(const unsigned char *text, size_t n, size_t i);
size_t cl100k_word_end(const unsigned char *text, size_t n, size_t i);
size_t o200k_word_end(const unsigned char *text, size_t n, size_t i);

/* Length of the contraction of GPT-2's pattern at p, which is an apostrophe; 0 when there is none. */
static inline size_t gpt2_contraction(const unsigned char *p, size_t left)
{
    if (left < 2) return 0;
    if (p[1] == 's' || p[1] == 'd' || p[1] == 'm' || p[1] == 't') return 2;
    if (left < 3) return 0;
    return (p[1] == 'l' && p[2] == 'l') || ((p[1] == 'v' || p[1] == 'r') && p[2] == 'e') ? 3 : 0;
}

#endif
