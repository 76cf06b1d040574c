/* json_parser.h: what a reader of JSON knows while it reads (json_read.c), and the values that hold no others (json_string.c, json_number.c). */
#ifndef IO_JSON_PARSER_H
#define IO_JSON_PARSER_H
#include "io/json.h"
#include <string.h>

struct json_parser {
    rk_ctx     *ctx;
    const char *name, *source;
    char       *text;                           /* the copy, with a zero after it */
    size_t      n, at;
    unsigned    flags;
    int         depth, values;
    struct arena *texts, *trees;                /* of the copy, of values; they may be one */
    struct { struct json *at; int n, room; } stack;
    const struct json_told *told;               /* what is told and not kept: of a document, or (in NULL) the root */
    int         n_told;
    struct arena *fleeting;                     /* for members that are told */
    struct json *up;                            /* the array or object that is being read */
};

/* Records "config.json: byte 17 (line 2, column 5): ", columns in characters, and what and shown behind it. Returns the status. */
rk_status parser_fail(struct json_parser *p, size_t at, rk_status status, const char *what, const char *shown);
rk_status parser_expected(struct json_parser *p, const char *wanted);          /* .. and what was found instead */

/* From p->at on, which is behind the value afterwards. */
RK_CHECK rk_status parser_string(struct json_parser *p, const char **text, uint32_t *n);            /* p->at: its first quote */
RK_CHECK rk_status parser_number(struct json_parser *p, struct json *v);
bool parser_word(struct json_parser *p, struct json *v);                       /* false: no such word begins here */
bool parser_skip_word(struct json_parser *p, const char *word);

static inline void parser_skip_space(struct json_parser *p)
{
    const char *t = p->text + p->at, *end = p->text + p->n;
    for (; (unsigned char)*t <= ' ' && (*t == ' ' || *t == '\n' || *t == '\t' || *t == '\r'); t++) {
        uint64_t v;
        if (*t != '\n' || end - t <= 8) continue;
        memcpy(&v, t + 1, 8);                                         /* a line that is indented: eight spaces at once, or as many as there are */
        v ^= 0x2020202020202020u;
        t += v == 0 ? 8 : __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_ctzll(v) / 8 : 0;
    }
    p->at = (size_t)(t - p->text);
}

#endif
