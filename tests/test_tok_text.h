/* test_tok_text.h: random text in which tokenizers go wrong. */
#ifndef TEST_TOK_TEXT_H
#define TEST_TOK_TEXT_H
#include "test.h"

/* Text that is hard for the pattern: apostrophes, white space of all widths, several scripts, broken UTF-8. */
static inline size_t hard_text(char *out, size_t most)
{
    static const char *const parts[] = { "a", "Z", "the", " ", "  ", "\n", "\t", "\r\n", "'s", "'", "'ll", "'ve", "'LL", "7", "42", "!", "...", "<|endoftext|>", "<|end", "|>",
        "\xc2\xa0", "\xe3\x80\x80", "\xe2\x80\xa8", "\xc3\xa9", "\xcc\x81", "\xe4\xb8\xad", "\xc2\xbd", "\xd9\xa3", "\xf0\x9f\x99\x83", "\xe2\x80\x99", "\x80", "\xff", "\xe4\xb8",
        "\xf0\x9f", "\xc0\xaf", "\xed\xa0\x80", "\x1c", "\x85", "\xc5\xbf", "'\xc5\xbf", "B", "\xc3\x89", "\xca\xb0", "/", "?", "123456", "'Re", "\xcc\xa7", "\xe1\xa0\x8e", "\xc2\x85", "aaaaaaaa", "abcdefghij", "_", "\0" };
    size_t n = 0, want = test_random(most);
    while (n < want) {
        const char *part = parts[test_random(sizeof parts / sizeof *parts)];
        size_t length = part[0] == '\0' ? 1 : strlen(part);
        if (test_random(20) == 0) out[n++] = (char)test_random(256);
        else if (n + length <= want) memcpy(out + n, part, length), n += length;
        else break;
    }
    return n;
}

#endif
