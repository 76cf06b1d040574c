/* json.h: JSON (RFC 8259) read into a tree and written from calls.
 *
 * Reading: one copy of the text, strings decoded inside it, 48 bytes per value. Objects keep their order; a key twice is
 * refused, as are lone surrogates, invalid UTF-8, and anything after the value. Every bound is announced below. Every
 * value knows the way up, so that a message names file and key: config.json: n_layer: expected an integer, found the
 * string "12". Arrays and objects of which a tree would be large are told member by member. Not here: comments, trailing commas. */
#ifndef IO_JSON_H
#define IO_JSON_H
#include "base/str.h"
#include "io/names.h"

enum { JSON_DEPTH = 64, JSON_VALUES = 1 << 23 };        /* arrays and objects inside each other; values in a text */
#define JSON_BYTES ((size_t)1 << 30)
enum { JSON_NAN = 1 };                          /* a flag: NaN, Infinity and -Infinity as Python writes them */

enum json_kind { JSON_NULL, JSON_BOOL, JSON_INT, JSON_DOUBLE, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
    struct name        key;                     /* its name in an object, ends in a zero; of the root: the name of the text */
    const struct json *up;                      /* the array or object that it is in; NULL for the root */
    union {
        const char  *text;                      /* string: UTF-8 that ends in a zero; number: as it was written, n bytes */
        struct json *at;                        /* array, object: n values */
    };
    union {
        bool               truth;
        int64_t            integer;             /* JSON_INT: written without fraction or exponent, and it fits */
        double             real;                /* JSON_DOUBLE: every other number, correctly rounded */
        const struct names_index *index;        /* object of many keys: where they are */
    };
    uint32_t n;
    uint8_t  kind;
};

struct json_doc { struct arena arena; const struct json *root; const char *text; };         /* zero it to begin */

/* `name` is what messages call the text. On failure nothing is kept. Errors: RK_E_FORMAT, RK_E_LIMIT with byte, line and
 * column of the text and what was expected. */
RK_CHECK rk_status json_read(rk_ctx *ctx, struct json_doc *doc, const char *name, const char *text, size_t n, unsigned flags);
RK_CHECK rk_status json_load(rk_ctx *ctx, struct json_doc *doc, const char *path, unsigned flags);
void json_clear(rk_ctx *ctx, struct json_doc *doc);

/* The members of the one object that the text is, each as it is read, for headers of many: a member lives for the call.
 * A key that comes twice in it is for the caller to notice. Members know the way up; not which one of an array they are. */
typedef rk_status json_member_fn(void *user, const struct json *member);
RK_CHECK rk_status json_each(rk_ctx *ctx, const char *name, const char *text, size_t n, unsigned flags, json_member_fn *each, void *user);

/* A tree but for the members of some objects or arrays, which are empty in it: `key` of `in` of the root, where it is of this kind. Texts and keys
 * of what is told live as long as the document. */
struct json_told { const char *in, *key; enum json_kind kind; json_member_fn *each; void *user; };
RK_CHECK rk_status json_read_telling(rk_ctx *ctx, struct json_doc *doc, const char *name, const char *text, size_t n, unsigned flags, const struct json_told *told, int n_told);
/* The message for a key that was told of and came before: by its byte. The text is what was read; never RK_OK. */
rk_status json_second(rk_ctx *ctx, const struct json_doc *doc, const char *text, size_t n, const struct name *key);

/* NULL when there is no such key, and when `object` is NULL or none. O(log n). */
const struct json *json_find(const struct json *object, const char *key);
const struct json *json_find_bytes(const struct json *object, const char *key, size_t length);

/* A value as what it must be, or RK_E_FORMAT. Integers within [low, high]. Text as C sees it: a zero inside is refused. */
RK_CHECK rk_status json_as_int(rk_ctx *ctx, const struct json *value, int64_t low, int64_t high, int64_t *out);
RK_CHECK rk_status json_as_double(rk_ctx *ctx, const struct json *value, double *out);          /* an integer will do */
RK_CHECK rk_status json_as_bool(rk_ctx *ctx, const struct json *value, bool *out);
RK_CHECK rk_status json_as_text(rk_ctx *ctx, const struct json *value, const char **out);
RK_CHECK rk_status json_as_array(rk_ctx *ctx, const struct json *value);
RK_CHECK rk_status json_as_object(rk_ctx *ctx, const struct json *value);

/* The same for a key that must be there: RK_E_MISSING when it is not. */
RK_CHECK rk_status json_get(rk_ctx *ctx, const struct json *object, const char *key, const struct json **out);
RK_CHECK rk_status json_get_int(rk_ctx *ctx, const struct json *object, const char *key, int64_t low, int64_t high, int64_t *out);
RK_CHECK rk_status json_get_double(rk_ctx *ctx, const struct json *object, const char *key, double *out);
RK_CHECK rk_status json_get_bool(rk_ctx *ctx, const struct json *object, const char *key, bool *out);
RK_CHECK rk_status json_get_text(rk_ctx *ctx, const struct json *object, const char *key, const char **out);
RK_CHECK rk_status json_get_array(rk_ctx *ctx, const struct json *object, const char *key, const struct json **out);
RK_CHECK rk_status json_get_object(rk_ctx *ctx, const struct json *object, const char *key, const struct json **out);

/* For messages of one's own: "config.json: rope.factor", and "the string \"12\"". Both return `out`. */
enum { JSON_SHOWN = 384 };
const char *json_path(const struct json *value, char out[JSON_SHOWN]);
const char *json_words(const struct json *value, char out[JSON_SHOWN]);

/* Writing, onto the end of `to`. indent 0: on one line, as Python's json.dumps writes; else so many spaces per level.
 * Inside an object each value needs a key: the argument, or a call of json_key before it and NULL; outside NULL.
 * Misuse is RK_E_BUG. Text must be UTF-8 (else U+FFFD stands for what is none). */
struct json_out {
    struct str *to;
    int         indent;
    unsigned    flags;
    bool        compact;                        /* no space after ',' and ':' (only with indent 0) */
    int         depth;                          /* from here on: zero */
    bool        keyed, object[JSON_DEPTH], filled[JSON_DEPTH];
};

RK_CHECK rk_status json_key(rk_ctx *ctx, struct json_out *o, const char *key, size_t length);
RK_CHECK rk_status json_open_object(rk_ctx *ctx, struct json_out *o, const char *key);
RK_CHECK rk_status json_open_array(rk_ctx *ctx, struct json_out *o, const char *key);
RK_CHECK rk_status json_close(rk_ctx *ctx, struct json_out *o);
RK_CHECK rk_status json_put_null(rk_ctx *ctx, struct json_out *o, const char *key);
RK_CHECK rk_status json_put_bool(rk_ctx *ctx, struct json_out *o, const char *key, bool value);
RK_CHECK rk_status json_put_int(rk_ctx *ctx, struct json_out *o, const char *key, int64_t value);
RK_CHECK rk_status json_put_uint(rk_ctx *ctx, struct json_out *o, const char *key, uint64_t value);
RK_CHECK rk_status json_put_double(rk_ctx *ctx, struct json_out *o, const char *key, double value);    /* reads back as the same bits */
RK_CHECK rk_status json_put_text(rk_ctx *ctx, struct json_out *o, const char *key, const char *text);
RK_CHECK rk_status json_put_bytes(rk_ctx *ctx, struct json_out *o, const char *key, const char *text, size_t length);
RK_CHECK rk_status json_put_tree(rk_ctx *ctx, struct json_out *o, const char *key, const struct json *value);   /* numbers as they were written */

#endif
