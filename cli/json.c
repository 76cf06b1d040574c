/* json.c: JSON written as it comes (RFC 8259). Members on lines of their own; an array of plain values stays on one line. */
#include "out.h"
#include <math.h>
#include <string.h>

void json_begin(struct json *j, FILE *out)
{
    memset(j, 0, sizeof *j);
    j->out = out;
}

static void indent(struct json *j, int depth) { (void)fprintf(j->out, "\n%*s", 2 * depth, ""); }

/* Bytes of the valid UTF-8 sequence at the beginning, 0 if there is none (Unicode 15, table 3-7). */
static size_t sequence(const unsigned char *s, size_t n)
{
    static const struct { unsigned char first, last, low, high, length; } rows[] = {
        { 0x00, 0x7f, 0,    0,    1 }, { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
        { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
        { 0xf4, 0xf4, 0x80, 0x8f, 4 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (s[0] < rows[i].first || s[0] > rows[i].last) continue;
        if (rows[i].length > n) return 0;
        if (rows[i].length > 1 && (s[1] < rows[i].low || s[1] > rows[i].high)) return 0;
        for (size_t k = 2; k < rows[i].length; k++)
            if ((s[k] & 0xc0) != 0x80) return 0;
        return rows[i].length;
    }
    return 0;
}

static void quote(FILE *out, const unsigned char *s, size_t n)
{
    static const char plain[] = "\"\\\b\f\n\r\t", letter[] = "\"\\bfnrt";
    (void)fputc('"', out);
    for (size_t taken; n > 0; s += taken, n -= taken) {
        taken = sequence(s, n);
        const char *found = *s != '\0' ? strchr(plain, *s) : NULL;
        if (taken == 0) {
            taken = 1;
            (void)fputs("\xef\xbf\xbd", out);
        } else if (found != NULL) (void)fprintf(out, "\\%c", letter[found - plain]);
        else if (*s < 0x20 || *s == 0x7f) (void)fprintf(out, "\\u%04x", *s);
        else (void)fwrite(s, 1, taken, out);
    }
    (void)fputc('"', out);
}

/* What stands before a value: a comma, a new line, the key. */
static void lead(struct json *j, const char *key, bool container)
{
    if (j->depth == 0) return;
    char kind = j->level[j->depth - 1].kind;
    bool some = j->level[j->depth - 1].some, line = (kind == '{' || container) && !j->one_line;
    if ((kind == '{') != (key != NULL)) cli_bug("JSON: a key in an array or none in an object");
    if (some) (void)fputc(',', j->out);
    if (line) indent(j, j->depth);
    else if (some) (void)fputc(' ', j->out);
    j->level[j->depth - 1].some = true;
    if (line) j->level[j->depth - 1].broken = true;
    if (key == NULL) return;
    quote(j->out, (const unsigned char *)key, strlen(key));
    (void)fputs(": ", j->out);
}

static void tail(struct json *j)
{
    if (j->depth > 0) return;
    (void)fputc('\n', j->out);
    (void)fflush(j->out);                               /* a note that follows stands behind it, not within, where both go to a terminal */
}

static void opened(struct json *j, const char *key, char kind)
{
    if (j->depth == JSON_DEPTH) cli_bug("JSON deeper than %d", JSON_DEPTH);
    lead(j, key, true);
    (void)fputc(kind, j->out);
    memset(&j->level[j->depth], 0, sizeof j->level[0]);
    j->level[j->depth++].kind = kind;
}

void json_object(struct json *j, const char *key) { opened(j, key, '{'); }
void json_array(struct json *j, const char *key)  { opened(j, key, '['); }

void json_end(struct json *j)
{
    if (j->depth == 0) cli_bug("JSON ended twice");
    j->depth--;
    if (j->level[j->depth].broken) indent(j, j->depth);
    (void)fputc(j->level[j->depth].kind == '{' ? '}' : ']', j->out);
    tail(j);
}

/* A value that is already JSON. */
static void raw(struct json *j, const char *key, const char *text)
{
    lead(j, key, false);
    (void)fputs(text, j->out);
    tail(j);
}

void json_uint(struct json *j, const char *key, uint64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    raw(j, key, text);
}

void json_int(struct json *j, const char *key, int64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%lld", (long long)value);
    raw(j, key, text);
}

/* A whole number that a double holds exactly is written in all its digits: readers tell integers by them. */
void json_real(struct json *j, const char *key, double value)
{
    char text[32];
    bool whole = isfinite(value) && fabs(value) < 9007199254740992.0 && value == trunc(value);
    (void)snprintf(text, sizeof text, "%.0f", whole ? value + 0.0 : 0.0);
    raw(j, key, whole ? text : isfinite(value) ? say_real(value).at : "null");
}

void json_number(struct json *j, const char *key, const char *digits) { raw(j, key, digits); }
void json_bool(struct json *j, const char *key, bool value)   { raw(j, key, value ? "true" : "false"); }

void json_bytes(struct json *j, const char *key, const void *bytes, size_t n)
{
    lead(j, key, false);
    quote(j->out, bytes, n);
    tail(j);
}

void json_text(struct json *j, const char *key, const char *value)
{
    if (value != NULL) json_bytes(j, key, value, strlen(value));
    else raw(j, key, "null");
}
