/* reckon tok diff: what distinguishes two tokenizers: tokens, ids, merges, special tokens; and, given text, where they cut it differently. */
#include "input.h"
#include "out.h"
#include <stdlib.h>
#include <string.h>

static const struct option options[] = {
    { "text",      't', OPT_TEXT, NULL, NULL, "also encode this text with both" },
    { "show",      'n', OPT_SIZE, "COUNT", "10", "examples of each kind" },
    { "lowercase", 0,   OPT_FLAG, NULL, NULL, "a vocab.txt: lower-case the text, and drop accents" },
    { "check",     0,   OPT_FLAG, NULL, NULL, "end with exit code 1 where they differ" },
    { 0 }
};

struct pair { struct cli *c; rk_tok *tok[2]; struct json j; uint64_t differences; };

static void put_number(struct pair *p, const char *key, const char *words, uint64_t n)
{
    if (p->c->json) json_uint(&p->j, key, n);
    else (void)fprintf(p->c->out, "%-44s %s\n", words, say_count(n).at);
}

/* Tokens of `a` that `b` has not, or has under another id. */
static void compare_tokens(struct pair *p, int a)
{
    const rk_tok *one = p->tok[a], *other = p->tok[1 - a];
    uint64_t missing = 0, moved = 0, show = (uint64_t)cli_int(p->c, "show");
    for (uint32_t id = 0; id < rk_tok_size(one); id++) {
        rk_text t = rk_tok_bytes(one, id);
        uint32_t there;
        if (t.at == NULL) continue;
        bool found = rk_tok_find(other, t.at, t.n, &there);
        missing += !found;
        moved += found && there != id;
        if (found || missing > show || p->c->json) continue;
        (void)fprintf(p->c->out, "  only in %s: %u \"", p->c->args[a], id);
        text_put(p->c->out, t.at, (int)(t.n < 80 ? t.n : 80));
        (void)fputs("\"\n", p->c->out);
    }
    put_number(p, a == 0 ? "only_in_first" : "only_in_second", a == 0 ? "tokens only in the first" : "tokens only in the second", missing);
    if (a == 0) put_number(p, "other_ids", "tokens of both with another id", moved);
    p->differences += missing + (a == 0 ? moved : 0);
}

static void compare_merges(struct pair *p)
{
    uint32_t n[2] = { rk_tok_merges(p->tok[0]), rk_tok_merges(p->tok[1]) }, i = 0;
    for (; i < n[0] && i < n[1]; i++) {
        size_t left[2] = { 0, 0 };
        rk_text x = rk_tok_merge(p->tok[0], i, &left[0]), y = rk_tok_merge(p->tok[1], i, &left[1]);
        if (left[0] != left[1] || x.n != y.n || memcmp(x.at, y.at, x.n) != 0) break;
    }
    put_number(p, "equal_merges", "merges that are equal, from the first on", i);
    p->differences += n[0] - i + (n[1] - i);
}

static void compare_specials(struct pair *p)
{
    size_t n[2] = { rk_tok_specials(p->tok[0]), rk_tok_specials(p->tok[1]) }, equal = 0;
    for (size_t i = 0; i < n[0] && i < n[1]; i++) {
        rk_special x = rk_tok_special(p->tok[0], i), y = rk_tok_special(p->tok[1], i);
        equal += x.id == y.id && x.text.n == y.text.n && memcmp(x.text.at, y.text.at, x.text.n) == 0 && x.special == y.special && x.normalized == y.normalized && x.lstrip == y.lstrip
              && x.rstrip == y.rstrip && x.single_word == y.single_word;
    }
    put_number(p, "equal_specials", "special and added tokens that are equal", equal);
    p->differences += n[0] - equal + (n[1] - equal);
}

/* What is left: normalizer, pattern, post-processor, flags of the model. */
static int compare_rest(struct pair *p)
{
    uint32_t crc[2];
    for (int k = 0; k < 2; k++) CLI_TRY(p->c, rk_tok_fingerprint(p->c->ctx, p->tok[k], &crc[k]));
    bool equal = crc[0] == crc[1], rest = p->differences == 0 && !equal;
    if (p->c->json) json_bool(&p->j, "same_fingerprint", equal);
    else if (rest) (void)fputs("tokens, merges and special tokens are equal; the normalizer, the pattern or another part is not\n", p->c->out);
    p->differences += rest;
    return CLI_OK;
}

/* Byte at which the tokens of a text first differ; its length where they don't. */
static size_t first_difference(const struct pair *p, const rk_ids ids[2], size_t n)
{
    size_t at = 0;
    for (size_t i = 0; i < ids[0].n && i < ids[1].n; i++) {
        rk_text x = rk_tok_bytes(p->tok[0], ids[0].at[i]), y = rk_tok_bytes(p->tok[1], ids[1].at[i]);
        if (x.n != y.n || memcmp(x.at, y.at, x.n) != 0) return at;
        at += x.n;
    }
    return ids[0].n == ids[1].n ? n : at;
}

static int compare_text(struct pair *p, const rk_text *texts, size_t n)
{
    uint64_t tokens[2] = { 0, 0 }, other = 0;
    int code = CLI_OK;
    for (size_t i = 0; i < n && code == CLI_OK; i++) {
        rk_ids ids[2] = { { 0 }, { 0 } };
        for (int k = 0; k < 2 && code == CLI_OK; k++) {
            code = cli_try(p->c, rk_tok_encode(p->c->ctx, p->tok[k], texts[i].at, texts[i].n, 0, &ids[k]));
            tokens[k] += ids[k].n;
        }
        size_t at = code == CLI_OK ? first_difference(p, ids, texts[i].n) : 0;
        bool differs = code == CLI_OK && at < texts[i].n;
        if (differs && other++ < (uint64_t)cli_int(p->c, "show") && !p->c->json) {
            size_t from = at > 20 ? at - 20 : 0, to = texts[i].n - at > 40 ? at + 40 : texts[i].n;
            (void)fprintf(p->c->out, "  document %zu differs after about %zu bytes: ...", i, at);
            text_put(p->c->out, texts[i].at + from, (int)(to - from));
            (void)fputs("...\n", p->c->out);
        }
        for (int k = 0; k < 2; k++) rk_ids_free(p->c->ctx, &ids[k]);
    }
    put_number(p, "tokens_first", "tokens of the text by the first", tokens[0]);
    put_number(p, "tokens_second", "tokens of the text by the second", tokens[1]);
    put_number(p, "documents_that_differ", "documents cut differently", other);
    p->differences += other;
    return code;
}

static int compare(struct pair *p)
{
    struct cli *c = p->c;
    struct input in = { 0 };
    int code = CLI_OK;
    json_begin(&p->j, c->out);
    if (c->json) json_object(&p->j, NULL);
    if (c->json) json_text(&p->j, "schema", "reckon.tok.diff/1");
    compare_tokens(p, 0);
    compare_tokens(p, 1);
    compare_merges(p);
    compare_specials(p);
    code = compare_rest(p);
    if (code == CLI_OK && c->n_args > 2) code = input_paths(c, &in, (const char *const *)c->args + 2, c->n_args - 2);
    const char *text = cli_text(c, "text");
    rk_text one = { text, text != NULL ? strlen(text) : 0 };
    if (code == CLI_OK && text != NULL) code = compare_text(p, &one, 1);
    else if (code == CLI_OK && in.n > 0) code = compare_text(p, in.text, in.n);
    if (c->json) json_bool(&p->j, "equal", p->differences == 0);
    if (c->json) json_end(&p->j);
    else (void)fputs(p->differences == 0 ? "no difference\n" : "", c->out);
    input_free(&in);
    return code;
}

static int run(struct cli *c)
{
    struct pair p = { .c = c };
    rk_tok_opening how = { .lowercase = cli_flag(c, "lowercase") };
    int code = cli_try(c, rk_tok_open_as(c->ctx, c->args[0], &how, &p.tok[0]));
    if (code == CLI_OK) code = cli_try(c, rk_tok_open_as(c->ctx, c->args[1], &how, &p.tok[1]));
    if (code == CLI_OK && c->n_args > 2) code = input_check(c, (const char *const *)c->args + 2, c->n_args - 2);
    if (code == CLI_OK) code = compare(&p);
    if (code == CLI_OK && cli_flag(c, "check") && p.differences > 0) code = CLI_NO;
    for (int k = 0; k < 2; k++) rk_tok_close(c->ctx, p.tok[k]);
    return code;
}

static const struct example examples[] = {
    { "tok diff tok tok-again",                  "one and the same?", NULL },
    { "tok diff tok tok-again corpus.txt --json", "and on this text?", NULL },
    { "tok diff tok tok --check",                 "in a script: ends with 1 where something differs", NULL },
    { 0 }
};

const struct command cmd_tok_diff = {
    .name = "diff", .arguments = "TOKENIZER TOKENIZER [INPUT...]", .purpose = "what distinguishes two tokenizers", .options = options, .examples = examples,
    .json = true, .run = run,
    .notes = "Tokens are compared by their bytes. With text, the first difference of each document is shown. Patterns and normalizers show only in text. Without --check the exit "
             "code says that the two could be compared, as reckon diff has it.",
};
