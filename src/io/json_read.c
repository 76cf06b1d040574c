/* json_read.c: a recursive descent, at most JSON_DEPTH calls deep, over a copy of the text in which strings are decoded in
 * place: what a string says is never longer than how it is written.
 *
 * Values wait on a stack until their array or object closes and then move, side by side, into the arena. The original
 * stays untouched, so that a message can count its lines. Source: RFC 8259. */
#include "base/file.h"
#include "base/utf8.h"
#include "io/decimal.h"
#include "io/json.h"
#include <stdio.h>
#include <string.h>

enum { FEW_KEYS = 8,                            /* up to here looking at every key beats searching */
       LONG_VALUE = 32, MANY_VALUES = 1 << 18 };        /* bytes of text, with its key: rarely do more of these wait at once */
_Static_assert(JSON_DEPTH == 64 && JSON_VALUES == 8388608 && DECIMAL_MOST == 1000, "messages below name these bounds");

struct parser {
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

/* "config.json: byte 17 (line 2, column 5)", columns in characters. */
static rk_status fail_at(struct parser *p, size_t at, rk_status status, const char *what, const char *shown)
{
    rk_ctx *ctx = p->ctx;
    size_t line = 1, column = 1;
    for (size_t i = 0; i < at && i < p->n; i++) {
        bool first = ((unsigned char)p->source[i] & 0xc0) != 0x80;
        line += p->source[i] == '\n';
        column = p->source[i] == '\n' ? 1 : column + first;
    }
    return FAIL(status, "%s: byte %zu (line %zu, column %zu): %s%s", p->name, at, line, column, what, shown);
}

static rk_status unexpected(struct parser *p, const char *wanted)
{
    char shown[NAME_SHOWN], found[NAME_SHOWN + 160];
    size_t rest = p->n - p->at;
    if (rest == 0) (void)snprintf(found, sizeof found, "expected %s, found the end of the text", wanted);
    else (void)snprintf(found, sizeof found, "expected %s, found \"%s\"", wanted, name_show(shown, p->source + p->at, rest > 12 ? 12 : rest));
    return fail_at(p, p->at, RK_E_FORMAT, found, "");
}

static void skip_space(struct parser *p)
{
    for (;; p->at++) {
        char c = p->text[p->at];
        if (c != ' ' && c != '\n' && c != '\t' && c != '\r') return;
    }
}

static bool skip_word(struct parser *p, const char *word)
{
    size_t n = strlen(word);
    if (p->n - p->at < n || memcmp(p->text + p->at, word, n) != 0) return false;
    p->at += n;
    return true;
}

static bool hex4(const char *text, size_t n, uint32_t *code)
{
    *code = 0;
    if (n < 4) return false;
    for (int i = 0; i < 4; i++) {
        uint32_t digit = (uint32_t)(unsigned char)text[i] - '0', letter = ((uint32_t)(unsigned char)text[i] | 0x20) - 'a';
        if (digit > 9 && letter > 5) return false;
        *code = *code * 16 + (digit <= 9 ? digit : letter + 10);
    }
    return true;
}

/* \uXXXX, or two of them for a code point beyond U+FFFF; p->at is after the u. */
static rk_status unicode(struct parser *p, size_t *to)
{
    uint32_t code, low;
    size_t from = p->at - 2;
    if (!hex4(p->text + p->at, p->n - p->at, &code)) return fail_at(p, from, RK_E_FORMAT, "expected four hexadecimal digits after \\u", "");
    p->at += 4;
    if (code >= 0xd800 && code < 0xe000) {
        bool pair = code < 0xdc00 && p->n - p->at >= 6 && p->text[p->at] == '\\' && p->text[p->at + 1] == 'u'
                    && hex4(p->text + p->at + 2, 4, &low) && low >= 0xdc00 && low < 0xe000;
        if (!pair) return fail_at(p, from, RK_E_FORMAT, "half of a surrogate pair, which is no character", "");
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        p->at += 6;
    }
    *to += utf8_put(p->text + *to, code);
    return RK_OK;
}

static rk_status escape(struct parser *p, size_t *to)
{
    static const char written[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    char c = p->text[p->at + 1];
    if (c == 'u') {
        p->at += 2;
        return unicode(p, to);
    }
    const char *known = c == '\0' ? NULL : strchr(written, c);
    if (known == NULL) return fail_at(p, p->at, RK_E_FORMAT, "expected one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u after a backslash", "");
    p->text[(*to)++] = meant[known - written];
    p->at += 2;
    return RK_OK;
}

/* One character of a string, from p->at to `to`. */
static rk_status character(struct parser *p, size_t *to)
{
    unsigned char c = (unsigned char)p->text[p->at];
    uint32_t code;
    if (c == '\\') return escape(p, to);
    if (p->at == p->n) return unexpected(p, "the closing quote of a string");
    if (c < 0x20) return fail_at(p, p->at, RK_E_FORMAT, "a control character inside a string: it must be written as \\u00XX", "");
    size_t step = utf8_next(p->text + p->at, p->n - p->at, &code);
    if (code == UTF8_INVALID) return fail_at(p, p->at, RK_E_FORMAT, "invalid UTF-8 inside a string", "");
    memmove(p->text + *to, p->text + p->at, step);
    *to += step;
    p->at += step;
    return RK_OK;
}

/* How many characters from p->at on stand for themselves: eight at a time, until one of them is a quote, a backslash, a
 * control character or no ASCII. Source of the test for a zero byte: Warren, Hacker's Delight 6-1; a borrow goes upwards, so
 * the lowest byte that it finds is one, and the first of the text where the lowest byte lies first. */
static size_t plain_run(const struct parser *p)
{
    const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
    size_t at = p->at;
    for (uint64_t v; at + 8 <= p->n; at += 8) {
        memcpy(&v, p->text + at, 8);
        uint64_t quote = v ^ ones * '"', slash = v ^ ones * '\\';
        uint64_t found = (((quote - ones) & ~quote) | ((slash - ones) & ~slash) | (v - ones * 0x20) | v) & tops;
        if (found != 0) return at - p->at + (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? (size_t)__builtin_ctzll(found) / 8 : 0);
    }
    return at - p->at;
}

static rk_status string(struct parser *p, const char **text, uint32_t *n)
{
    rk_ctx *ctx = p->ctx;
    size_t first = ++p->at, run = plain_run(p), to = first + run;
    p->at += run;
    for (unsigned char c; (c = (unsigned char)p->text[p->at]) != '"';) {
        bool plain = c >= 0x20 && c < 0x80 && c != '\\';
        if (plain) {
            p->text[to++] = (char)c;
            p->at++;
        } else TRY(character(p, &to));
    }
    p->at++;
    p->text[to] = '\0';
    *text = p->text + first;
    *n = (uint32_t)(to - first);
    return RK_OK;
}

static size_t digits(const struct parser *p, size_t at)
{
    size_t n = 0;
    while (p->text[at + n] >= '0' && p->text[at + n] <= '9') n++;
    return n;
}

static rk_status number(struct parser *p, struct json *v)
{
    size_t first = p->at, at = first + (p->text[first] == '-'), n = digits(p, at);
    if (n == 0) return unexpected(p, "a value");
    if (n > 1 && p->text[at] == '0') return fail_at(p, first, RK_E_FORMAT, "a number with a leading zero", "");
    bool whole = true;
    at += n;
    if (p->text[at] == '.') {
        whole = false;
        if ((n = digits(p, at + 1)) == 0) return fail_at(p, at, RK_E_FORMAT, "expected a digit after the decimal point", "");
        at += n + 1;
    }
    if (p->text[at] == 'e' || p->text[at] == 'E') {
        whole = false;
        at += p->text[at + 1] == '-' || p->text[at + 1] == '+' ? 2 : 1;
        if ((n = digits(p, at)) == 0) return fail_at(p, at, RK_E_FORMAT, "expected a digit in the exponent", "");
        at += n;
    }
    if (at - first > DECIMAL_MOST) return fail_at(p, first, RK_E_LIMIT, "a number of more than 1000 characters", "");
    v->text = p->text + first;
    v->n = (uint32_t)(at - first);
    v->kind = JSON_INT;
    p->at = at;
    if (whole && decimal_integer(v->text, v->n, &v->integer)) return RK_OK;
    v->kind = JSON_DOUBLE;
    v->real = decimal_read(v->text, v->n);
    if (v->real - v->real != 0) return fail_at(p, first, RK_E_LIMIT, "a number beyond what a double can hold", "");
    return RK_OK;
}

/* null, true, false, and with JSON_NAN three more. */
static bool word(struct parser *p, struct json *v)
{
    static const struct { const char *text; unsigned flag; int kind; bool truth; double real; } words[] = {
        { "null", 0, JSON_NULL, false, 0 }, { "true", 0, JSON_BOOL, true, 0 }, { "false", 0, JSON_BOOL, false, 0 },
        { "NaN", JSON_NAN, JSON_DOUBLE, false, __builtin_nan("") }, { "Infinity", JSON_NAN, JSON_DOUBLE, false, __builtin_inf() },
        { "-Infinity", JSON_NAN, JSON_DOUBLE, false, -__builtin_inf() },
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if ((words[i].flag & ~p->flags) != 0 || !skip_word(p, words[i].text)) continue;
        v->kind = (uint8_t)words[i].kind;
        v->n = (uint32_t)strlen(words[i].text);
        v->text = words[i].text;
        if (v->kind == JSON_BOOL) v->truth = words[i].truth;
        if (v->kind == JSON_DOUBLE) v->real = words[i].real;
        return true;
    }
    return false;
}

static void adopt(struct json *parent)
{
    for (uint32_t i = 0; parent->kind >= JSON_ARRAY && i < parent->n; i++) parent->at[i].up = parent;
}

/* The values on the stack from `first` on become the members of v; their own members learn the new addresses. */
static rk_status close_over(struct parser *p, struct json *v, int first)
{
    rk_ctx *ctx = p->ctx;
    v->n = (uint32_t)(p->stack.n - first);
    TRY(TAKE(p->trees, v->at, v->n));
    if (v->n > 0) memcpy(v->at, p->stack.at + first, v->n * sizeof *v->at);
    for (uint32_t i = 0; i < v->n; i++) adopt(&v->at[i]);
    p->stack.n = first;
    return RK_OK;
}

static rk_status check_keys(struct parser *p, struct json *v)
{
    rk_ctx *ctx = p->ctx;
    struct names names = { .items = v->at, .stride = sizeof *v->at, .n = v->n };
    uint32_t first, second = 0;
    v->index = NULL;
    if (v->n > FEW_KEYS) {
        TRY(names_index(ctx, p->trees, &names));
        v->index = names.index;
        if (!names_twins(&names, &first, &second)) return RK_OK;
    } else {
        for (uint32_t i = 1; i < v->n && second == 0; i++)
            for (uint32_t k = 0; k < i; k++)
                if (v->at[i].key.length == v->at[k].key.length && memcmp(v->at[i].key.at, v->at[k].key.at, v->at[i].key.length) == 0) second = i;
        if (second == 0) return RK_OK;
    }
    char shown[NAME_SHOWN];
    const struct name *twin = &v->at[second].key;
    return fail_at(p, (size_t)(twin->at - p->text) - 1, RK_E_FORMAT, "a second value for the key ", name_show(shown, twin->at, twin->length));
}

/* The value on top of the stack is told of, and gone. */
static rk_status hand_over(struct parser *p)
{
    rk_ctx *ctx = p->ctx;
    struct json member = p->stack.at[--p->stack.n];
    member.up = &p->root;
    adopt(&member);
    TRY(p->each(p->user, &member));
    arena_reuse(ctx, p->trees);
    return RK_OK;
}

static rk_status value(struct parser *p, struct name key);

static rk_status members(struct parser *p, bool object)
{
    rk_ctx *ctx = p->ctx;
    char end = object ? '}' : ']';
    skip_space(p);
    if (p->text[p->at] == end) return RK_OK;
    for (;; p->at++) {
        struct name key = { NULL, 0 };
        skip_space(p);
        if (object) {
            if (p->text[p->at] != '"') return unexpected(p, "a key in quotes");
            TRY(string(p, &key.at, &key.length));
            skip_space(p);
            if (p->text[p->at] != ':') return unexpected(p, "':' after a key");
            p->at++;
        }
        TRY(value(p, key));
        if (p->each != NULL && p->depth == 1) TRY(hand_over(p));
        skip_space(p);
        if (p->text[p->at] == end) return RK_OK;
        if (p->text[p->at] != ',') return unexpected(p, object ? "',' or '}'" : "',' or ']'");
    }
}

static rk_status container(struct parser *p, struct json *v, bool object)
{
    rk_ctx *ctx = p->ctx;
    int first = p->stack.n;
    if (p->depth == JSON_DEPTH) return fail_at(p, p->at, RK_E_LIMIT, "arrays and objects inside each other more than 64 deep", "");
    p->depth++;
    p->at++;
    TRY(members(p, object));
    p->at++;
    p->depth--;
    v->kind = object ? JSON_OBJECT : JSON_ARRAY;
    TRY(close_over(p, v, first));
    return object ? check_keys(p, v) : RK_OK;
}

/* Reads one value and pushes it. */
static rk_status value(struct parser *p, struct name key)
{
    rk_ctx *ctx = p->ctx;
    struct json v = { .key = key };
    skip_space(p);
    if (++p->values > JSON_VALUES) return fail_at(p, p->at, RK_E_LIMIT, "more than 8388608 values", "");
    char c = p->text[p->at];
    if (c == '{' || c == '[') TRY(container(p, &v, c == '{'));
    else if (c == '"') {
        v.kind = JSON_STRING;
        TRY(string(p, &v.text, &v.n));
    } else if ((c >= '0' && c <= '9') || !word(p, &v)) TRY(number(p, &v));
    VEC_PUSH(&p->stack, v);
    return RK_OK;
}

static rk_status whole(struct parser *p)
{
    rk_ctx *ctx = p->ctx;
    struct name name = { NULL, (uint32_t)strlen(p->name) };
    if (p->n > JSON_BYTES) return FAIL(RK_E_LIMIT, "%s: %zu bytes of JSON, more than %zu", p->name, p->n, JSON_BYTES);
    TRY(arena_text(ctx, p->texts, p->name, name.length, &name.at));
    TRY(arena_text(ctx, p->texts, p->source, p->n, (const char **)&p->text));
    p->root = (struct json){ .key = name, .kind = JSON_OBJECT };
    const size_t waiting = p->n / LONG_VALUE;
    if (p->each == NULL) TRY(VEC_ROOM(&p->stack, (int)(waiting < MANY_VALUES ? waiting : MANY_VALUES)));
    (void)skip_word(p, "\xef\xbb\xbf");                       /* a byte order mark is allowed, and ignored */
    skip_space(p);
    if (p->each != NULL && p->text[p->at] != '{') return unexpected(p, "an object");
    TRY(value(p, name));
    skip_space(p);
    return p->at == p->n ? RK_OK : unexpected(p, "nothing more");
}

static rk_status read(struct parser *p, struct json_doc *doc)
{
    rk_ctx *ctx = p->ctx;
    struct json root = { .n = 0 };
    TRY(whole(p));
    TRY(close_over(p, &root, 0));
    adopt(root.at);
    doc->root = root.at;
    return RK_OK;
}

rk_status json_read(rk_ctx *ctx, struct json_doc *doc, const char *name, const char *text, size_t n, unsigned flags)
{
    *doc = (struct json_doc){ .root = NULL };
    struct parser p = { .ctx = ctx, .name = name, .source = text, .n = n, .flags = flags, .texts = &doc->arena, .trees = &doc->arena };
    rk_status status = read(&p, doc);
    VEC_FREE(&p.stack);
    if (status != RK_OK) json_clear(ctx, doc);
    return status;
}

rk_status json_each(rk_ctx *ctx, const char *name, const char *text, size_t n, unsigned flags, json_member_fn *each, void *user)
{
    struct arena texts = { NULL, 0 }, trees = { NULL, 0 };
    struct parser p = { .ctx = ctx, .name = name, .source = text, .n = n, .flags = flags, .texts = &texts, .trees = &trees, .each = each, .user = user };
    rk_status status = whole(&p);
    VEC_FREE(&p.stack);
    arena_clear(ctx, &texts);
    arena_clear(ctx, &trees);
    return status;
}

rk_status json_load(rk_ctx *ctx, struct json_doc *doc, const char *path, unsigned flags)
{
    struct file_view view;
    *doc = (struct json_doc){ .root = NULL };
    TRY(file_map(ctx, path, &view));
    rk_status status = view.n == 0 ? FAIL(RK_E_FORMAT, "%s: the file is empty, expected JSON", path)
                                   : json_read(ctx, doc, path, (const char *)view.at, view.n, flags);
    file_unmap(&view);
    return status;
}

void json_clear(rk_ctx *ctx, struct json_doc *doc)
{
    arena_clear(ctx, &doc->arena);
    doc->root = NULL;
}
