/* json_parser.h: what a reader of JSON knows while it reads (json_read.c), and the values that hold no others (json_string.c, json_number.c). */
#ifndef IO_JSON_PARSER_H
#define IO_JSON_PARSER_H
#include "io/json.h"

struct json_parser {
    rk_ctx     *ctx;
    const char *name, *source;
    char       *text;                           /* the copy, with a zero after it */
    size_t      n, at;
    unsigned    flags;
    int         depth, values;
    struct arena *texts, *trees;                /* of the copy, of values; they may be one */
    struct { struct json *at; int n, room; } stack;
    json_member_fn *each;                       /* NULL: everything is kept */
    void *user;
    struct json root;                           /* what members told one by one are in */
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
    for (;; p->at++) {
        char c = p->text[p->at];
        if (c != ' ' && c != '\n' && c != '\t' && c != '\r') return;
    }
}

#endif
