/* reckon tok decode: tokens back to the bytes they stand for, exactly. */
#include "command.h"
#include "reckon/tokens.h"
#include "reckon/tok.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 1 << 16 };               /* tokens read at once */

static const struct option options[] = {
    { "tokenizer",    'k', OPT_FOLDER, NULL,      NULL, "the tokenizer" },
    { "ids",          0,   OPT_TEXT,   "1,2,3",   NULL, "decode these ids instead of FILE" },
    { "dtype",        0,   OPT_CHOICE, "u16|u32", "(u16 where all ids fit)", "size of a token in FILE" },
    { "skip-special", 0,   OPT_FLAG,   NULL,      NULL, "special tokens give no text" },
    { 0 }
};

static int print(struct cli *c, const rk_tok *tok, const uint32_t *ids, size_t n)
{
    rk_bytes text = { 0 };
    int code = cli_try(c, rk_tok_decode(c->ctx, tok, ids, n, cli_flag(c, "skip-special") ? RK_TOK_SKIP_SPECIAL : 0, &text));
    if (code == CLI_OK && text.n > 0) (void)fwrite(text.at, 1, text.n, c->out);
    rk_bytes_free(c->ctx, &text);
    return code;
}

/* "1,2 3": numbers apart by commas or blanks. */
static int print_ids(struct cli *c, const rk_tok *tok, const char *text)
{
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
    if (code == CLI_OK) code = print(c, tok, ids, n);
    if (code == CLI_OK) (void)fputc('\n', c->out);
    free(ids);
    return code;
}

/* What cannot be mapped: a stream of tokens without a header. */
static int print_stream(struct cli *c, const rk_tok *tok, size_t size)
{
    unsigned char *bytes = cli_take(CHUNK * size);
    uint32_t *ids = cli_take(CHUNK * sizeof *ids);
    size_t got;
    int code = CLI_OK;
    while (code == CLI_OK && (got = fread(bytes, 1, CHUNK * size, stdin)) > 0) {
        rk_tokens t = { .at = bytes, .n = got / size, .bytes_each = (unsigned)size };
        for (size_t i = 0; i < t.n; i++) ids[i] = rk_tokens_at(&t, i);
        code = print(c, tok, ids, t.n);
        if (code == CLI_OK && got % size != 0) code = cli_fail(c, CLI_DATA, NULL, "standard input: ends within a token of %zu bytes", size);
        if (code == CLI_OK && cli_cancelled(c)) code = cli_fail(c, CLI_INTERRUPTED, NULL, "interrupted");
    }
    if (code == CLI_OK && ferror(stdin)) code = cli_fail(c, CLI_SYSTEM, NULL, "cannot read standard input: %s", strerror(errno));
    free(bytes);
    free(ids);
    return code;
}

static int print_file(struct cli *c, const rk_tok *tok, const char *path)
{
    size_t size = cli_given(c, "dtype") ? (size_t)2 << cli_choice(c, "dtype") : rk_tok_size(tok) <= 65536 ? 2 : 4;
    rk_tokens t;
    cli_watch();
    if (strcmp(path, "-") == 0) return print_stream(c, tok, size);
    CLI_TRY(c, rk_tokens_open(c->ctx, path, (unsigned)size, &t));
    uint32_t *ids = cli_take(CHUNK * sizeof *ids);
    int code = CLI_OK;
    for (size_t at = 0, n; at < t.n && code == CLI_OK; at += n) {
        n = t.n - at < CHUNK ? t.n - at : CHUNK;
        for (size_t i = 0; i < n; i++) ids[i] = rk_tokens_at(&t, at + i);
        code = print(c, tok, ids, n);
        if (code == CLI_OK && cli_cancelled(c)) code = cli_fail(c, CLI_INTERRUPTED, NULL, "interrupted");
    }
    free(ids);
    rk_tokens_close(&t);
    return code;
}

static int run(struct cli *c)
{
    rk_tok *tok = NULL;
    if (!cli_given(c, "tokenizer")) return cli_usage(c, "--tokenizer is missing");
    if (cli_given(c, "ids") == (c->n_args > 0)) return cli_usage(c, c->n_args > 0 ? "either --ids or FILE" : "FILE is missing");
    CLI_TRY(c, rk_tok_open(c->ctx, cli_text(c, "tokenizer"), &tok));
    int code = cli_given(c, "ids") ? print_ids(c, tok, cli_text(c, "ids")) : print_file(c, tok, c->args[0]);
    rk_tok_close(c->ctx, tok);
    return code;
}

static const struct example examples[] = {
    { "tok decode --tokenizer tok corpus.bin",         "the text that was encoded", NULL },
    { "tok decode --tokenizer tok --ids 85,105,102",   "three tokens", NULL },
    { 0 }
};

const struct command cmd_tok_decode = {
    .name = "decode", .arguments = "[FILE]", .purpose = "tokens to text", .options = options, .examples = examples, .run = run,
    .notes = "FILE is what tok encode writes, with the header of llm.c or without, or - for standard input, without.",
};
