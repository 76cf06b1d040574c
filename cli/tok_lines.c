/* tok_lines.c: one JSON text a line in, one object a line out: ids, and on request offsets, types and the mask. */
#include "tok_lines.h"
#include "reckon/corpus.h"
#include "reckon/encoding.h"
#include <string.h>

struct lines {
    struct cli       *c;
    const rk_tok     *tok;
    const char       *field;
    bool              pairs, offsets;
    rk_encoding_rules rules;
    rk_encoding       encoding;
    rk_bytes          text, next;                           /* of this line and, with pairs, of the one after it */
};

static void put_bytes(FILE *to, const char *key, const uint8_t *at, size_t n)
{
    (void)fprintf(to, ",\"%s\":[", key);
    for (size_t i = 0; i < n; i++) (void)fprintf(to, "%s%u", i > 0 ? "," : "", at[i]);
    (void)fputc(']', to);
}

static void put_object(const struct lines *l)
{
    FILE *to = l->c->out;
    const rk_encoding *e = &l->encoding;
    (void)fputs("{\"ids\":[", to);
    for (size_t i = 0; i < e->n; i++) (void)fprintf(to, "%s%u", i > 0 ? "," : "", e->ids[i]);
    (void)fputc(']', to);
    if (l->offsets) {
        (void)fputs(",\"offsets\":[", to);
        for (size_t i = 0; i < e->n; i++) (void)fprintf(to, "%s[%zu,%zu]", i > 0 ? "," : "", e->spans[i].begin, e->spans[i].end);
        (void)fputc(']', to);
    }
    if (l->pairs) {
        put_bytes(to, "type_ids", e->types, e->n);
        put_bytes(to, "attention_mask", e->mask, e->n);
    }
    (void)fputs("}\n", to);
}

static int encode(struct lines *l, const rk_bytes *first, const rk_bytes *second)
{
    rk_text a = { first->at, first->n }, b = { second != NULL ? second->at : NULL, second != NULL ? second->n : 0 };
    int code = cli_try(l->c, rk_encoding_make(l->c->ctx, l->tok, &l->rules, a, second != NULL ? &b : NULL, &l->encoding));
    if (code == CLI_OK) put_object(l);
    return code;
}

static int one_line(void *user, uint64_t number, const char *line, size_t n)
{
    struct lines *l = user;
    rk_bytes *to = l->pairs ? &l->next : &l->text;
    to->n = 0;
    int code = cli_try(l->c, rk_corpus_line(l->c->ctx, "the input", number, line, n, l->field, to));
    if (code != CLI_OK) return code;
    if (!l->pairs) return encode(l, &l->text, NULL);
    if (number > 1) code = encode(l, &l->text, &l->next);
    rk_bytes old = l->text;
    l->text = l->next;
    l->next = old;
    return code;
}

int tok_lines(struct cli *c, const rk_tok *tok, struct input *in)
{
    struct lines l = { .c = c, .tok = tok, .field = cli_text(c, "field"), .pairs = cli_flag(c, "pairs"), .offsets = cli_flag(c, "offsets") };
    int64_t truncate = cli_given(c, "truncate") ? cli_int(c, "truncate") : l.pairs ? 48 : 0, pad = cli_given(c, "pad") ? cli_int(c, "pad") : l.pairs ? 64 : 0;
    uint32_t pad_id = 0;
    if (pad > 1 << 24) return cli_usage(c, "--pad: %lld tokens a line; %d are the limit", (long long)pad, 1 << 24);
    (void)rk_tok_find(tok, "[PAD]", 5, &pad_id);
    l.rules = (rk_encoding_rules){ .flags = (cli_flag(c, "plain") ? RK_TOK_PLAIN : 0u) | (cli_flag(c, "replace") ? RK_TOK_REPLACE : 0u),
                                   .bare = cli_flag(c, "bare"), .truncate = (size_t)truncate, .pad = (size_t)pad, .pad_id = pad_id };
    int code = input_lines(in, one_line, &l);
    rk_encoding_free(c->ctx, &l.encoding);
    rk_bytes_free(c->ctx, &l.text);
    rk_bytes_free(c->ctx, &l.next);
    return code;
}
