/* tok_bytes.c: UTF-8 as table 3-7 of the Unicode standard has it: which second byte a lead byte allows tells everything else. */
#include "tok_bytes.h"
#include "out.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* One row per range of first bytes: how many bytes, what the second may be, and what a second byte below or above that would mean. */
static const struct lead { unsigned char first, last, length, low, high; const char *below, *above; } leads[] = {
    { 0x00, 0x7f, 1, 0,    0,    NULL, NULL },
    { 0x80, 0xbf, 0, 0,    0,    "a continuation byte (80 to BF) where a character must begin", NULL },
    { 0xc0, 0xc1, 0, 0,    0,    "C0 and C1 never occur: they would spell ASCII in two bytes", NULL },
    { 0xc2, 0xdf, 2, 0x80, 0xbf, NULL, NULL },
    { 0xe0, 0xe0, 3, 0xa0, 0xbf, "after E0 comes A0 to BF: less would spell in three bytes what fits into two", NULL },
    { 0xe1, 0xec, 3, 0x80, 0xbf, NULL, NULL },
    { 0xed, 0xed, 3, 0x80, 0x9f, NULL, "after ED comes 80 to 9F: more would be a surrogate (U+D800 to U+DFFF)" },
    { 0xee, 0xef, 3, 0x80, 0xbf, NULL, NULL },
    { 0xf0, 0xf0, 4, 0x90, 0xbf, "after F0 comes 90 to BF: less would spell in four bytes what fits into three", NULL },
    { 0xf1, 0xf3, 4, 0x80, 0xbf, NULL, NULL },
    { 0xf4, 0xf4, 4, 0x80, 0x8f, NULL, "after F4 comes 80 to 8F: more would lie beyond U+10FFFF" },
    { 0xf5, 0xff, 0, 0,    0,    "F5 to FF never occur: they would lie beyond U+10FFFF", NULL },
};

/* One character, or a maximal invalid subpart: its bytes, code point, and why it is none (NULL: it is one), with the place of the wrong byte. */
struct character { size_t n; uint32_t code; const char *wrong; size_t wrong_at; bool unfinished; unsigned missing; };

static struct character read_character(const unsigned char *b, size_t n)
{
    const struct lead *l = leads;
    while (b[0] > l->last) l++;
    struct character c = { 1, b[0], l->length == 0 ? l->below : NULL, 0, false, 0 };
    if (l->length < 2) return c;
    c.code = b[0] & (0xffu >> (l->length + 1));
    for (; c.n < l->length && c.n < n; c.n++) {
        unsigned char low = c.n == 1 ? l->low : 0x80, high = c.n == 1 ? l->high : 0xbf, x = b[c.n];
        c.wrong_at = c.n;
        if (x < 0x80 || x > 0xbf) c.wrong = "no continuation byte (80 to BF), which a lead byte asks for";
        else if (x < low) c.wrong = l->below;
        else if (x > high) c.wrong = l->above;
        if (c.wrong != NULL) return c;
        c.code = c.code << 6 | (x & 0x3f);
    }
    if (c.n == l->length) return c;
    c.unfinished = true;
    c.missing = (unsigned)(l->length - c.n);
    c.wrong_at = c.n;
    c.wrong = "the text ends inside a character";
    return c;
}

/* Bytes of a text or of its hexadecimal form; *hex says which. */
static unsigned char *bytes_of(const char *text, size_t *n, bool *hex)
{
    size_t length = strlen(text), digits = 0;
    bool prefixed = length > 2 && text[0] == '0' && (text[1] | 0x20) == 'x', blanks = false, grouped = true;
    unsigned char *out = cli_take(length + 1);
    for (size_t i = prefixed ? 2 : 0; i < length; i++) {
        if (isxdigit((unsigned char)text[i])) digits++;
        else if (text[i] == ' ' && digits % 2 == 0 && digits > 0) blanks = true;
        else grouped = false;
        if (!prefixed && text[i] != ' ' && i + 1 < length && (i % 3 == 1) && text[i + 1] != ' ') grouped = false;
    }
    *hex = grouped && digits > 0 && digits % 2 == 0 && (prefixed || blanks);
    *n = 0;
    if (!*hex) {
        memcpy(out, text, length);
        *n = length;
        return out;
    }
    for (size_t i = prefixed ? 2 : 0; i < length; i++) {
        if (text[i] == ' ') continue;
        char two[3] = { text[i], text[i + 1], '\0' };
        out[(*n)++] = (unsigned char)strtoul(two, NULL, 16);
        i++;
    }
    return out;
}

static void show_one(struct table *t, const unsigned char *b, size_t at, struct character x)
{
    char bytes[32] = "", kinds[64] = "", shown[8] = "";
    for (size_t i = 0; i < x.n; i++) {
        (void)snprintf(bytes + 3 * i, sizeof bytes - 3 * i, "%02X ", b[at + i]);
        (void)snprintf(kinds + strlen(kinds), sizeof kinds - strlen(kinds), "%s%s", i > 0 ? " + " : "", x.n == 1 && x.wrong == NULL ? "single" : i == 0 && (b[at] >> 6 != 2) ? "lead" : "cont.");
    }
    if (x.wrong == NULL && x.code >= 0x20 && x.code != 0x7f && !(x.code >= 0x80 && x.code < 0xa0)) memcpy(shown, b + at, x.n);
    table_cell(t, "%zu", at);
    table_cell(t, "%s", bytes);
    table_cell(t, "%s", kinds);
    if (x.wrong == NULL) table_cell(t, "U+%04X", x.code);
    else table_cell(t, "-");
    table_cell(t, "%s", x.wrong == NULL ? shown : x.unfinished ? "unfinished" : "invalid");
}

static void show_rule(struct cli *c, const unsigned char *b, size_t at, struct character x)
{
    size_t place = at + x.wrong_at;
    if (x.unfinished) (void)fprintf(c->out, "byte %zu: %s: %u more byte%s of the character that begins with %02X would follow\n", place, x.wrong, x.missing, x.missing == 1 ? "" : "s", b[at]);
    else (void)fprintf(c->out, "byte %zu is %02X: %s\n", place, b[place], x.wrong);
}

/* What the text takes in three encodings, with U+FFFD for what is no character, and where the first such thing is. */
struct sizes { size_t characters, utf8, utf16, first_at; struct character first; };

static void add_sizes(struct sizes *s, size_t at, struct character x)
{
    s->characters++;
    s->utf8 += x.wrong == NULL ? x.n : 3;
    s->utf16 += x.wrong == NULL && x.code > 0xffff ? 4 : 2;
    if (x.wrong == NULL || s->first.wrong != NULL) return;
    s->first = x;
    s->first_at = at;
}

static void put_json(struct cli *c, const unsigned char *b, size_t n, bool hex, const struct sizes *s)
{
    struct json j;
    json_begin(&j, c->out);
    json_object(&j, NULL);
    json_text(&j, "schema", "reckon.tok.bytes/1");
    json_bool(&j, "hexadecimal", hex);
    json_uint(&j, "bytes", n);
    json_uint(&j, "utf8", s->utf8);
    json_uint(&j, "utf16", s->utf16);
    json_uint(&j, "utf32", 4 * s->characters);
    if (s->first.wrong != NULL) json_uint(&j, "wrong_byte", s->first_at + s->first.wrong_at);
    json_array(&j, "characters");
    for (size_t at = 0; at < n;) {
        struct character x = read_character(b + at, n - at);
        json_object(&j, NULL);
        json_uint(&j, "byte", at);
        json_uint(&j, "bytes", x.n);
        if (x.wrong == NULL) json_uint(&j, "code_point", x.code);
        else json_text(&j, "wrong", x.wrong);
        json_end(&j);
        at += x.n;
    }
    json_end(&j);
    json_end(&j);
}

int tok_bytes(struct cli *c, const char *text)
{
    size_t n;
    bool hex;
    struct sizes s = { 0 };
    unsigned char *b = bytes_of(text, &n, &hex);
    struct table *t = c->json ? NULL : table_new(c, "byte|bytes|kind|code point|character", "rllll");
    for (size_t at = 0; at < n;) {
        struct character x = read_character(b + at, n - at);
        if (t != NULL) show_one(t, b, at, x);
        add_sizes(&s, at, x);
        at += x.n;
    }
    if (c->json) put_json(c, b, n, hex, &s);
    if (t != NULL) {
        table_print(t);
        (void)fprintf(c->out, "%zu byte%s%s; %zu code point%s: UTF-8 %zu bytes, UTF-16 %zu, UTF-32 %zu%s\n", n, n == 1 ? "" : "s", hex ? " (read as hexadecimal)" : "", s.characters, s.characters == 1 ? "" : "s",
                      s.utf8, s.utf16, 4 * s.characters, s.first.wrong != NULL ? ", with U+FFFD for what is invalid" : "");
        if (s.first.wrong != NULL) show_rule(c, b, s.first_at, s.first);
    }
    free(b);
    return CLI_OK;
}
