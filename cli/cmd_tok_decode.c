/* reckon tok decode: tokens back to the bytes they stand for, exactly. */
#include "command.h"
#include "reckon/tokens.h"
#include "reckon/tok.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 1 << 15 };               /* tokens read at once */

static const struct option options[] = {
    { "tokenizer",    'k', OPT_FOLDER, NULL,      NULL, "the tokenizer: a folder, tokenizer.json, vocab.txt or .tiktoken" },
    { "ids",          0,   OPT_TEXT,   "1,2,3",   NULL, "decode these ids instead of FILE" },
    { "dtype",        0,   OPT_CHOICE, "u16|u32", "(u16 where all ids fit)", "size of a token in FILE" },
    { "skip-special", 0,   OPT_FLAG,   NULL,      NULL, "special tokens give no text" },
    { "output",       'o', OPT_FILE,   NULL,      "(the screen)", "file for the text; it replaces an old one only when it is complete" },
    { "errors",       0,   OPT_CHOICE, "bytes|replace|strict", "bytes", "what is no UTF-8: as it is, as U+FFFD, or an error" },
    { 0 }
};

/* Ids that follow one another, part by part. */
struct decoding { struct cli *c; rk_tok *tok; rk_tok_decoder stream; unsigned flags; int errors; bool began; uint32_t before; rk_bytes raw; };     /* before: the last id that gave text; raw: its room serves again */

static void put(struct cli *c, const char *text, size_t n)
{
    if (n > 0) (void)fwrite(text, 1, n, c->out);
}

/* Characters may lie across two parts. */
static int print_replaced(struct decoding *d, const uint32_t *ids, size_t n, bool last)
{
    struct cli *c = d->c;
    rk_text ready;
    CLI_TRY(c, rk_tok_decoder_add(c->ctx, &d->stream, ids, n, &ready));
    put(c, ready.at, ready.n);
    if (!last) return CLI_OK;
    CLI_TRY(c, rk_tok_decoder_end(c->ctx, &d->stream, &ready));
    put(c, ready.at, ready.n);
    return CLI_OK;
}

/* WordPiece puts a space before a word if there is something before it: so a part is decoded behind the last id of the part before. */
static int print_bytes(struct decoding *d, const uint32_t *ids, size_t n)
{
    struct cli *c = d->c;
    rk_bytes one = { 0 };
    uint32_t *all = cli_take((n + 1) * sizeof *all);
    size_t had = d->began;
    d->raw.n = 0;
    all[0] = d->before;
    if (n > 0) memcpy(all + had, ids, n * sizeof *ids);
    int code = CLI_OK;
    if (had > 0) code = cli_try(c, rk_tok_decode(c->ctx, d->tok, all, 1, d->flags, &one));
    size_t before = one.n;
    if (code == CLI_OK) code = cli_try(c, rk_tok_decode(c->ctx, d->tok, all, had + n, d->flags, &d->raw));
    if (code == CLI_OK) put(c, d->raw.at + before, d->raw.n - before);
    for (size_t i = n; i-- > 0 && code == CLI_OK;) {
        one.n = 0;
        code = cli_try(c, rk_tok_decode(c->ctx, d->tok, ids + i, 1, d->flags, &one));
        if (one.n == 0) continue;
        d->before = ids[i];
        d->began = true;
        break;
    }
    rk_bytes_free(c->ctx, &one);
    free(all);
    return code;
}

static int print(struct decoding *d, const uint32_t *ids, size_t n, bool last)
{
    struct cli *c = d->c;
    rk_bytes text = { 0 };
    if (d->errors == 0) return print_bytes(d, ids, n);
    if (d->errors == 1) return print_replaced(d, ids, n, last);
    int code = cli_try(c, rk_tok_decode_text(c->ctx, d->tok, ids, n, d->flags, RK_ERRORS_STRICT, &text));
    put(c, text.at, text.n);
    rk_bytes_free(c->ctx, &text);
    return code;
}

/* "1,2 3": numbers apart by commas or blanks. */
static int print_ids(struct decoding *d, const char *text)
{
    struct cli *c = d->c;
    uint32_t *ids = cli_take((strlen(text) + 1) * sizeof *ids);
    size_t n = 0;
    int code = CLI_OK;
    for (const char *at = text; *(at += strspn(at, ", ")) != '\0' && code == CLI_OK;) {
        char *end;
        errno = 0;
        unsigned long long id = *at >= '0' && *at <= '9' ? strtoull(at, &end, 10) : UINT64_MAX;
        if (id > UINT32_MAX || errno != 0 || strchr(", ", *end) == NULL) code = cli_usage(c, "--ids: no id at \"%.20s\"", at);
        else {
            ids[n++] = (uint32_t)id;
            at = end;
        }
    }
    if (code == CLI_OK) code = print(d, ids, n, true);
    if (code == CLI_OK) (void)fputc('\n', c->out);
    free(ids);
    return code;
}

/* What cannot be mapped: a stream of tokens without a header. */
static int print_stream(struct decoding *d, size_t size)
{
    struct cli *c = d->c;
    unsigned char *bytes = cli_take(CHUNK * size);
    uint32_t *ids = cli_take(CHUNK * sizeof *ids);
    size_t got;
    int code = CLI_OK;
    while (code == CLI_OK && (got = fread(bytes, 1, CHUNK * size, stdin)) > 0) {
        rk_tokens t = { .at = bytes, .n = got / size, .bytes_each = (unsigned)size };
        for (size_t i = 0; i < t.n; i++) ids[i] = rk_tokens_at(&t, i);
        code = print(d, ids, t.n, false);
        if (code == CLI_OK && got % size != 0) code = cli_fail(c, CLI_DATA, NULL, "standard input: ends within a token of %zu bytes", size);
        if (code == CLI_OK && cli_cancelled(c)) code = cli_stopped(c);
    }
    if (code == CLI_OK && ferror(stdin)) code = cli_fail(c, CLI_SYSTEM, NULL, "cannot read standard input: %s", strerror(errno));
    if (code == CLI_OK) code = print(d, NULL, 0, true);
    free(bytes);
    free(ids);
    return code;
}

/* --errors strict looks at the whole file at once, before a byte of it is printed. */
static int print_file(struct decoding *d, const char *path)
{
    struct cli *c = d->c;
    size_t size = cli_given(c, "dtype") ? (size_t)2 << cli_choice(c, "dtype") : rk_tok_size(d->tok) <= 65536 ? 2 : 4;
    rk_tokens t;
    cli_watch();
    if (strcmp(path, "-") == 0) return d->errors == 2 ? cli_usage(c, "--errors strict looks at all of a file: name one") : print_stream(d, size);
    CLI_TRY(c, rk_tokens_open(c->ctx, path, (unsigned)size, &t));
    size_t chunk = d->errors == 2 ? t.n : CHUNK;
    uint32_t *ids = cli_take((chunk + 1) * sizeof *ids);
    int code = CLI_OK;
    for (size_t at = 0, n; at < t.n && code == CLI_OK; at += n) {
        n = t.n - at < chunk ? t.n - at : chunk;
        for (size_t i = 0; i < n; i++) ids[i] = rk_tokens_at(&t, at + i);
        code = print(d, ids, n, at + n == t.n);
        if (code == CLI_OK && cli_cancelled(c)) code = cli_stopped(c);
    }
    free(ids);
    rk_tokens_close(&t);
    return code;
}

/* The text goes where results go; that may be a file. */
static int decode(struct decoding *d)
{
    struct cli *c = d->c;
    FILE *screen = c->out, *file;
    struct save *save;
    if (!cli_given(c, "output")) return cli_given(c, "ids") ? print_ids(d, cli_text(c, "ids")) : print_file(d, c->args[0]);
    int code = cli_save_begin(c, cli_text(c, "output"), &save, &file);
    if (code != CLI_OK) return code;
    c->out = file;
    code = cli_given(c, "ids") ? print_ids(d, cli_text(c, "ids")) : print_file(d, c->args[0]);
    c->out = screen;
    return cli_save_end(c, save, file, code);
}

/* How text is cut matters for encoding alone: a .tiktoken need not say it here. */
static const char *pattern_for(const char *tokenizer)
{
    size_t n = strlen(tokenizer);
    return n >= 9 && strcmp(tokenizer + n - 9, ".tiktoken") == 0 ? "gpt2" : NULL;
}

static int run(struct cli *c)
{
    struct decoding d = { .c = c, .flags = cli_flag(c, "skip-special") ? RK_TOK_SKIP_SPECIAL : 0u, .errors = cli_choice(c, "errors") };
    if (!cli_given(c, "tokenizer")) return cli_usage(c, "--tokenizer is missing");
    if (cli_given(c, "ids") == (c->n_args > 0)) return cli_usage(c, c->n_args > 0 ? "either --ids or FILE" : "FILE is missing");
    CLI_TRY(c, rk_tok_open_as(c->ctx, cli_text(c, "tokenizer"), &(rk_tok_opening){ .pattern = pattern_for(cli_text(c, "tokenizer")) }, &d.tok));
    rk_tok_decoder_init(&d.stream, d.tok, d.flags);
    int code = decode(&d);
    rk_tok_decoder_clear(c->ctx, &d.stream);
    rk_bytes_free(c->ctx, &d.raw);
    rk_tok_close(c->ctx, d.tok);
    return code;
}

static const struct example examples[] = {
    { "tok decode --tokenizer tok corpus.bin",         "the text that was encoded", NULL },
    { "tok decode --tokenizer tok corpus.bin --output again.txt",  "and into a file, whole or not at all", NULL },
    { "tok decode --tokenizer tok --ids 85,105,102",   "three tokens", NULL },
    { 0 }
};

const struct command cmd_tok_decode = {
    .name = "decode", .arguments = "[FILE]", .purpose = "tokens to text", .options = options, .examples = examples, .run = run,
    .notes = "FILE is what tok encode writes, with the header of llm.c or without, or - for standard input, without.",
};
