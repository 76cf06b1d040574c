/* json_read.c: a recursive descent, at most JSON_DEPTH calls deep, over a copy of the text in which strings are decoded in
 * place (json_string.c).
 *
 * Values wait on a stack until their array or object closes and then move, side by side, into the arena. The original
 * stays untouched, so that a message can count its lines. Source: RFC 8259. */
#include "base/file.h"
#include "io/json_parser.h"
#include <stdio.h>
#include <string.h>

enum { FEW_KEYS = 8,                            /* up to here looking at every key beats searching */
       LONG_VALUE = 32, MANY_VALUES = 1 << 18 };        /* bytes of text, with its key: rarely do more of these wait at once */
_Static_assert(JSON_DEPTH == 64 && JSON_VALUES == 8388608, "messages below name these bounds");

/* "config.json: byte 17 (line 2, column 5)", columns in characters. */
rk_status parser_fail(struct json_parser *p, size_t at, rk_status status, const char *what, const char *shown)
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

rk_status parser_expected(struct json_parser *p, const char *wanted)
{
    char shown[NAME_SHOWN], found[NAME_SHOWN + 160];
    size_t rest = p->n - p->at;
    if (rest == 0) (void)snprintf(found, sizeof found, "expected %s, found the end of the text", wanted);
    else (void)snprintf(found, sizeof found, "expected %s, found \"%s\"", wanted, name_show(shown, p->source + p->at, rest > 12 ? 12 : rest));
    return parser_fail(p, p->at, RK_E_FORMAT, found, "");
}

static void adopt(struct json *parent)
{
    for (uint32_t i = 0; parent->kind >= JSON_ARRAY && i < parent->n; i++) parent->at[i].up = parent;
}

/* The values on the stack from `first` on become the members of v; their own members learn the new addresses. */
static rk_status close_over(struct json_parser *p, struct json *v, int first)
{
    rk_ctx *ctx = p->ctx;
    v->n = (uint32_t)(p->stack.n - first);
    TRY(TAKE(p->trees, v->at, v->n));
    if (v->n > 0) memcpy(v->at, p->stack.at + first, v->n * sizeof *v->at);
    for (uint32_t i = 0; i < v->n; i++) adopt(&v->at[i]);
    p->stack.n = first;
    return RK_OK;
}

static rk_status second_value(struct json_parser *p, const struct name *key)
{
    char shown[NAME_SHOWN];
    return parser_fail(p, (size_t)(key->at - p->text) - 1, RK_E_FORMAT, "a second value for the key ", name_show(shown, key->at, key->length));
}

static rk_status check_keys(struct json_parser *p, struct json *v)
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
    return second_value(p, &v->at[second].key);
}

static rk_status hand_over(struct json_parser *p, const struct json_told *told, struct json *member)
{
    rk_ctx *ctx = p->ctx;
    member->up = p->up;
    adopt(member);
    TRY(told->each(told->user, member));
    if (member->kind >= JSON_ARRAY) arena_reuse(ctx, p->fleeting);
    return RK_OK;
}

static rk_status value(struct json_parser *p, struct json *v);

/* told: NULL: they are kept. */
static rk_status members(struct json_parser *p, bool object, const struct json_told *told)
{
    rk_ctx *ctx = p->ctx;
    char end = object ? '}' : ']';
    parser_skip_space(p);
    if (p->text[p->at] == end) return RK_OK;
    for (;; p->at++) {
        struct json v = { .n = 0 };
        parser_skip_space(p);
        if (object) {
            if (p->text[p->at] != '"') return parser_expected(p, "a key in quotes");
            TRY(parser_string(p, &v.key.at, &v.key.length));
            parser_skip_space(p);
            if (p->text[p->at] != ':') return parser_expected(p, "':' after a key");
            p->at++;
        }
        TRY(value(p, &v));
        if (told != NULL) TRY(hand_over(p, told, &v));
        else VEC_PUSH(&p->stack, v);
        parser_skip_space(p);
        if (p->text[p->at] == end) return RK_OK;
        if (p->text[p->at] != ',') return parser_expected(p, object ? "',' or '}'" : "',' or ']'");
    }
}

static bool is_called(const struct json *v, const char *key) { return v->key.length == strlen(key) && memcmp(v->key.at, key, v->key.length) == 0; }

/* Who is told of the members of what has just begun; NULL: nobody, they are kept. */
static const struct json_told *told_of(const struct json_parser *p, const struct json *v)
{
    const struct json *up = v->up;
    bool below = up != NULL && up->up != NULL && up->up->up == NULL;
    for (int i = 0; i < p->n_told; i++) {
        const struct json_told *t = &p->told[i];
        bool here = t->in == NULL ? up == NULL : below && is_called(v, t->key) && is_called(up, t->in);
        if (here && (int)t->kind == v->kind) return t;
    }
    return NULL;
}

static rk_status container(struct json_parser *p, struct json *v, bool object)
{
    rk_ctx *ctx = p->ctx;
    int first = p->stack.n;
    struct json *up = p->up;
    struct arena *trees = p->trees;
    if (p->depth == JSON_DEPTH) return parser_fail(p, p->at, RK_E_LIMIT, "arrays and objects inside each other more than 64 deep", "");
    v->kind = object ? JSON_OBJECT : JSON_ARRAY;
    v->up = up;
    p->up = v;
    p->depth++;
    p->at++;
    const struct json_told *told = told_of(p, v);
    if (told != NULL) p->trees = p->fleeting;
    TRY(members(p, object, told));
    p->trees = trees;
    p->at++;
    p->depth--;
    p->up = up;
    TRY(close_over(p, v, first));
    return object ? check_keys(p, v) : RK_OK;
}

/* Reads one value, which has its key. */
static rk_status value(struct json_parser *p, struct json *v)
{
    parser_skip_space(p);
    if (++p->values > JSON_VALUES) return parser_fail(p, p->at, RK_E_LIMIT, "more than 8388608 values", "");
    char c = p->text[p->at];
    if (c == '{' || c == '[') return container(p, v, c == '{');
    if (c == '"') {
        v->kind = JSON_STRING;
        return parser_string(p, &v->text, &v->n);
    }
    return (c >= '0' && c <= '9') || !parser_word(p, v) ? parser_number(p, v) : RK_OK;
}

static rk_status whole(struct json_parser *p)
{
    rk_ctx *ctx = p->ctx;
    struct name name = { NULL, (uint32_t)strlen(p->name) };
    if (p->n > JSON_BYTES) return FAIL(RK_E_LIMIT, "%s: %zu bytes of JSON, more than %zu", p->name, p->n, JSON_BYTES);
    TRY(arena_text(ctx, p->texts, p->name, name.length, &name.at));
    TRY(arena_text(ctx, p->texts, p->source, p->n, (const char **)&p->text));
    const size_t waiting = p->n / LONG_VALUE;
    if (p->n_told == 0) TRY(VEC_ROOM(&p->stack, (int)(waiting < MANY_VALUES ? waiting : MANY_VALUES)));
    (void)parser_skip_word(p, "\xef\xbb\xbf");                       /* a byte order mark is allowed, and ignored */
    parser_skip_space(p);
    if (p->n_told > 0 && p->told->in == NULL && p->text[p->at] != '{') return parser_expected(p, "an object");
    struct json v = { .key = name };
    TRY(value(p, &v));
    VEC_PUSH(&p->stack, v);
    parser_skip_space(p);
    return p->at == p->n ? RK_OK : parser_expected(p, "nothing more");
}

static rk_status read(struct json_parser *p, struct json_doc *doc)
{
    rk_ctx *ctx = p->ctx;
    struct json root = { .n = 0 };
    TRY(whole(p));
    TRY(close_over(p, &root, 0));
    adopt(root.at);
    doc->root = root.at;
    return RK_OK;
}

rk_status json_read_telling(rk_ctx *ctx, struct json_doc *doc, const char *name, const char *text, size_t n, unsigned flags, const struct json_told *told, int n_told)
{
    struct arena fleeting = { NULL, 0 };
    *doc = (struct json_doc){ .root = NULL };
    struct json_parser p = { .ctx = ctx, .name = name, .source = text, .n = n, .flags = flags, .texts = &doc->arena, .trees = &doc->arena, .told = told, .n_told = n_told, .fleeting = &fleeting };
    rk_status status = read(&p, doc);
    doc->text = p.text;
    VEC_FREE(&p.stack);
    arena_clear(ctx, &fleeting);
    if (status != RK_OK) json_clear(ctx, doc);
    return status;
}

rk_status json_read(rk_ctx *ctx, struct json_doc *doc, const char *name, const char *text, size_t n, unsigned flags)
{
    return json_read_telling(ctx, doc, name, text, n, flags, NULL, 0);
}

rk_status json_second(rk_ctx *ctx, const struct json_doc *doc, const char *text, size_t n, const struct name *key)
{
    struct json_parser p = { .ctx = ctx, .name = doc->root->key.at, .source = text, .n = n, .text = (char *)doc->text };
    return second_value(&p, key);
}

rk_status json_each(rk_ctx *ctx, const char *name, const char *text, size_t n, unsigned flags, json_member_fn *each, void *user)
{
    struct json_doc doc;
    rk_status status = json_read_telling(ctx, &doc, name, text, n, flags, &(struct json_told){ .kind = JSON_OBJECT, .each = each, .user = user }, 1);
    if (status == RK_OK) json_clear(ctx, &doc);
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
    doc->text = NULL;
}
