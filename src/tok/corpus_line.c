/* corpus_line.c: a line of JSONL is read as a document of its own, so that one bad line is named and nothing of it is kept. */
#include "reckon/corpus.h"
#include "io/json.h"
#include <stdio.h>
#include <string.h>

static rk_status append(rk_ctx *ctx, rk_bytes *to, const char *bytes, size_t n)
{
    if (to->n + n > to->room) {
        size_t room = to->room * 2 > to->n + n ? to->room * 2 : to->n + n;
        TRY(GROW(to->at, to->room, room));
        to->room = room;
    }
    if (n > 0) memcpy(to->at + to->n, bytes, n);
    to->n += n;
    return RK_OK;
}

rk_status rk_corpus_line(rk_ctx *ctx, const char *name, uint64_t number, const char *line, size_t n, const char *field, rk_bytes *text)
{
    rk_status status;
    char where[256], words[JSON_SHOWN];
    struct json_doc doc = { 0 };
    const struct json *value;
    (void)snprintf(where, sizeof where, "%.200s, line %llu", name, (unsigned long long)number);
    GO(json_read(ctx, &doc, where, line, n, 0));
    value = doc.root;
    if (field != NULL) GO(json_get(ctx, doc.root, field, &value));
    if (value->kind == JSON_STRING) GO(append(ctx, text, value->text, value->n));
    else GO(FAIL(RK_E_FORMAT, "%s: %s where a text is expected", where, json_words(value, words)));
out:
    json_clear(ctx, &doc);
    return status;
}
