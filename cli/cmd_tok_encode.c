/* reckon tok encode: text to a file of tokens, plain numbers of 16 or 32 bits, little end first, that training maps into
 * memory; or to ids on the screen. */
#include "out.h"
#include "tok_lines.h"
#include "reckon/tokens.h"
#include <stdlib.h>
#include <string.h>

enum { HELD = 4096 };                       /* ids written at once */

static const struct option options[] = {
    { "tokenizer", 'k', OPT_FOLDER, NULL,      NULL,                        "the tokenizer" },
    { "output",    'o', OPT_FILE,   NULL,      NULL,                        "file of tokens; without it the ids are printed" },
    { "dtype",     0,   OPT_CHOICE, "u16|u32", "(u16 where all ids fit)",   "size of a token in the file" },
    { "format",    0,   OPT_CHOICE, "raw|llmc", "raw",                      "nothing but tokens, or with the header of llm.c before them" },
    { "separator", 0,   OPT_TEXT,   "LINE",    NULL,                        "a line between documents, such as %" },
    { "end",       0,   OPT_TEXT,   "TOKEN",   "(<|endoftext|> where the tokenizer has it)", "special token after each document; \"\" for none" },
    { "text",      't', OPT_TEXT,   NULL,      NULL,                        "encode this text instead of INPUT" },
    { "plain",     0,   OPT_FLAG,   NULL,      NULL,                        "special tokens that stand in the text are ordinary text" },
    { "replace",   0,   OPT_FLAG,   NULL,      NULL,                        "bytes that are no UTF-8 become U+FFFD" },
    { "pattern",   0,   OPT_TEXT,   "gpt2|cl100k|o200k|REGEX", NULL,        "a .tiktoken: what cuts text into words, where its name does not say" },
    { "lowercase", 0,   OPT_FLAG,   NULL,      NULL,                        "a vocab.txt: lower-case the text, and drop accents" },
    { "jsonl",     0,   OPT_FLAG,   NULL,      NULL,                        "INPUT has a JSON string a line; an object with its ids comes out" },
    { "field",     0,   OPT_TEXT,   "NAME",    NULL,                        "INPUT has a JSON object a line, and this field of it is the text" },
    { "offsets",   0,   OPT_FLAG,   NULL,      NULL,                        "jsonl: also where each token stands, in code points" },
    { "pairs",     0,   OPT_FLAG,   NULL,      NULL,                        "jsonl: each line together with the next; also type_ids and attention_mask" },
    { "truncate",  0,   OPT_SIZE,   "TOKENS",  "(48 with --pairs, else no limit)", "jsonl: the most tokens, special ones included; 0 for no limit" },
    { "pad",       0,   OPT_SIZE,   "TOKENS",  "(64 with --pairs, else 0)", "jsonl: the least; filled up with [PAD], or with id 0" },
    { "bare",      0,   OPT_FLAG,   NULL,      NULL,                        "jsonl: no [CLS] and [SEP] around the text" },
    { 0 }
};

struct encoding {
    struct cli *c;
    rk_tok     *tok;
    struct input in;
    bool        ends;                   /* with the token `end` after each document */
    uint32_t    end, last;              /* last: the token before the next */
    unsigned    flags;
    uint64_t    tokens, begun;          /* so far; before the document at hand */
    int         bytes;                  /* of a token in the file */
    rk_tokens_writer *to;               /* the file, or NULL: the screen */
    uint32_t    ids[HELD];              /* on their way into the file */
    size_t      n;
    struct json j;
};

static int flush(struct encoding *e)
{
    int code = e->n > 0 ? cli_try(e->c, rk_tokens_add(e->c->ctx, e->to, e->ids, e->n)) : CLI_OK;
    e->n = 0;
    return code;
}

static int put(struct encoding *e, uint32_t id)
{
    e->tokens++;
    e->last = id;
    if (e->to != NULL) {
        e->ids[e->n++] = id;
        return e->n == HELD ? flush(e) : CLI_OK;
    }
    if (e->c->json) json_uint(&e->j, NULL, id);
    else (void)fprintf(e->c->out, "%s%u", e->tokens > 1 ? " " : "", id);
    return CLI_OK;
}

/* Texts, the last of which may go on; a document that closes with the end token gets no second one. */
static int encode_texts(struct encoding *e, const rk_text *texts, size_t n, bool goes_on)
{
    rk_ids ids = { 0 };
    size_t *ends = cli_take(n * sizeof *ends), at = 0;
    int code = cli_try(e->c, rk_tok_encode_many(e->c->ctx, e->tok, texts, n, e->flags, &ids, ends));
    for (size_t i = 0; code == CLI_OK && i < n; i++) {
        for (; at < ends[i] && code == CLI_OK; at++) code = put(e, ids.at[at]);
        if (code != CLI_OK || (i + 1 == n && goes_on)) continue;
        if (e->ends && (e->tokens == e->begun || e->last != e->end)) code = put(e, e->end);
        e->begun = e->tokens;
    }
    free(ends);
    rk_ids_free(e->c->ctx, &ids);
    return code;
}

static int encode_all(struct encoding *e)
{
    struct input *in = &e->in;
    rk_corpus_cut cut = { rk_tok_cut, e->tok };
    int code;
    while ((code = input_next(in, &cut)) == CLI_OK && in->n > 0) {
        code = encode_texts(e, in->text, in->n, in->block.goes_on);
        if (code != CLI_OK) return code;
        input_step(in, "%s tokens", say_count(e->tokens).at);
    }
    if (code == CLI_OK) input_note(in);
    return code;
}

/* Opens the tokenizer and finds what ends a document and how many bytes a token takes. */
static int prepare(struct encoding *e)
{
    struct cli *c = e->c;
    const char *end = cli_given(c, "end") ? cli_text(c, "end") : "<|endoftext|>";
    rk_tok_opening opening = { .lowercase = cli_flag(c, "lowercase"), .pattern = cli_text(c, "pattern") };
    CLI_TRY(c, rk_tok_open_as(c->ctx, cli_text(c, "tokenizer"), &opening, &e->tok));
    e->ends = cli_text(c, "text") == NULL && end[0] != '\0' && rk_tok_find(e->tok, end, strlen(end), &e->end);
    if (!e->ends && cli_given(c, "end") && end[0] != '\0') return cli_usage(c, "--end: the tokenizer has no token \"%s\"", end);
    bool fits = rk_tok_size(e->tok) <= 65536;
    e->bytes = cli_given(c, "dtype") ? 2 << cli_choice(c, "dtype") : fits ? 2 : 4;
    if (e->bytes == 2 && !fits) return cli_usage(c, "--dtype u16: the tokenizer has ids up to %s", say_count(rk_tok_size(e->tok) - 1).at);
    if (cli_flag(c, "plain")) e->flags |= RK_TOK_PLAIN;
    if (cli_flag(c, "replace")) e->flags |= RK_TOK_REPLACE;
    return CLI_OK;
}

static int open_output(struct encoding *e)
{
    const char *path = cli_text(e->c, "output");
    rk_tokens_format format = cli_choice(e->c, "format") == 1 ? RK_TOKENS_LLMC : RK_TOKENS_RAW;
    return path == NULL ? CLI_OK : cli_try(e->c, rk_tokens_create_as(e->c->ctx, path, format, (unsigned)e->bytes, &e->to));
}

/* The file appears under its name only when it is whole and on the disk. */
static int close_output(struct encoding *e, int code)
{
    if (e->to == NULL) return code;
    if (code == CLI_OK) code = flush(e);
    if (code == CLI_OK) return cli_try(e->c, rk_tokens_commit(e->c->ctx, e->to));
    rk_tokens_abandon(e->c->ctx, e->to);
    return code;
}

static void report(struct encoding *e)
{
    struct cli *c = e->c;
    double ratio = e->tokens > 0 ? (double)e->in.bytes / (double)e->tokens : 0;
    if (c->json) {
        json_object(&e->j, NULL);
        json_text(&e->j, "output", cli_text(c, "output"));
        json_text(&e->j, "dtype", e->bytes == 2 ? "u16" : "u32");
        json_uint(&e->j, "tokens", e->tokens);
        json_uint(&e->j, "documents", e->in.corpus != NULL ? rk_corpus_told(e->in.corpus).documents : 1);
        json_uint(&e->j, "bytes", e->in.bytes);
        json_real(&e->j, "bytes_per_token", ratio);
        json_end(&e->j);
    } else (void)fprintf(c->out, "%s: %s tokens of %s, %.2f bytes of text per token\n", cli_text(c, "output"), say_count(e->tokens).at,
                         e->bytes == 2 ? "u16" : "u32", ratio);
}

static int run_lines(struct cli *c)
{
    struct input in = { 0 };
    rk_tok *tok = NULL;
    rk_tok_opening opening = { .lowercase = cli_flag(c, "lowercase"), .pattern = cli_text(c, "pattern") };
    if (cli_given(c, "output") || cli_given(c, "text")) return cli_usage(c, "--jsonl reads INPUT and prints: no --output, no --text");
    cli_watch();
    int code = input_all(c, &in, &(rk_corpus_rules){ 0 });
    if (code == CLI_OK) code = cli_try(c, rk_tok_open_as(c->ctx, cli_text(c, "tokenizer"), &opening, &tok));
    if (code == CLI_OK) code = tok_lines(c, tok, &in);
    rk_tok_close(c->ctx, tok);
    input_free(&in);
    return code;
}

static int run(struct cli *c)
{
    struct encoding e = { .c = c };
    if (!cli_given(c, "tokenizer")) return cli_usage(c, "--tokenizer is missing");
    if (cli_flag(c, "jsonl")) return c->n_args > 0 ? run_lines(c) : cli_usage(c, "INPUT is missing");
    if (cli_given(c, "text") == (c->n_args > 0)) return cli_usage(c, c->n_args > 0 ? "either --text or INPUT" : "INPUT is missing");
    json_begin(&e.j, c->out);
    cli_watch();
    int code = prepare(&e);
    const char *text = cli_text(c, "text");
    rk_text one = { text, text != NULL ? strlen(text) : 0 };
    e.in.bytes = one.n;
    if (code == CLI_OK && text == NULL) code = input_open(c, &e.in, &(rk_corpus_rules){ .separator = cli_text(c, "separator"), .field = cli_text(c, "field") }, "encoding");
    if (code == CLI_OK) code = open_output(&e);
    if (code == CLI_OK) {
        if (e.to == NULL && c->json) json_array(&e.j, NULL);
        code = text != NULL ? encode_texts(&e, &one, 1, false) : encode_all(&e);
        if (e.to == NULL && c->json) json_end(&e.j);
        else if (e.to == NULL) (void)fputc('\n', c->out);
        bool saved = e.to != NULL;
        code = close_output(&e, code);
        if (code == CLI_OK && saved) report(&e);
    }
    input_free(&e.in);
    rk_tok_close(c->ctx, e.tok);
    return code;
}

static const struct example examples[] = {
    { "tok encode --tokenizer tok --text 'The quick brown fox'",    "the ids of a text", NULL },
    { "tok encode --tokenizer tok corpus.txt --output corpus.bin",  "a file to train on", NULL },
    { "tok encode --tokenizer tok corpus.txt --output corpus.bin --json", "and what came out, for a program", NULL },
    { 0 }
};

const struct command cmd_tok_encode = {
    .name = "encode", .arguments = "[INPUT...]", .purpose = "text to tokens", .options = options, .examples = examples, .json = true, .run = run,
    .notes = "INPUT is a file, a folder of text files, or - for standard input. The file holds the tokens, each an unsigned number of 16 "
             "or 32 bits, little end first (--format llmc: behind 1,024 bytes that say how many); it replaces an old one only when it is complete.",
};
