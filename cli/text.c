/* text.c: text on a screen: how wide it is, made safe, wrapped; and what a name ends in. */
#include "out.h"
#include <string.h>

int text_width(const char *text, int bytes)
{
    int n = 0;
    for (int i = 0; i < bytes; i++) n += ((unsigned char)text[i] & 0xc0) != 0x80;      /* not a continuation byte of UTF-8 */
    return n;
}

/* C0, DEL, and C1 (U+0080 to U+009F: c2 80 to c2 9f), by which some terminals can be commanded. */
void text_put(FILE *to, const char *text, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        unsigned char byte = (unsigned char)text[i], next = i + 1 < bytes ? (unsigned char)text[i + 1] : 0;
        bool c1 = byte == 0xc2 && next >= 0x80 && next <= 0x9f;
        (void)fputc(byte < 32 || byte == 127 || c1 ? '?' : byte, to);
        i += c1;
    }
}

/* One paragraph: words apart by one blank. */
static void wrap(FILE *to, const char *text, int bytes, int column, int width)
{
    for (int i = 0, n, at = column; i < bytes; i += n) {
        n = (int)strspn(text + i, " ");
        if (n > 0) continue;
        n = (int)strcspn(text + i, " ");
        if (n > bytes - i) n = bytes - i;
        int wide = text_width(text + i, n);
        bool first = at == column, fits = at + 1 + wide <= width;
        if (!first && fits) (void)fputc(' ', to);
        if (!first && !fits) (void)fprintf(to, "\n%*s", column, "");
        at = first || !fits ? column + wide : at + 1 + wide;
        text_put(to, text + i, n);
    }
    (void)fputc('\n', to);
}

void text_wrap(FILE *to, const char *text, int column, int width)
{
    for (bool first = true; *text != '\0'; first = false) {
        int n = (int)strcspn(text, "\n");
        if (!first && n > 0) (void)fprintf(to, "%*s", column, "");
        if (text[0] != ' ') wrap(to, text, n, column, width);
        else (void)fprintf(to, "%.*s\n", n, text);
        text += n + (text[n] == '\n');
    }
}

bool text_ends_in(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && memcmp(text + n - m, end, m) == 0;
}
