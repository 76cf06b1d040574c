/* train_data.c: what a model learns from: a file of tokens, or texts through a tokenizer. */
#include "train.h"
#include <stdlib.h>
#include <string.h>

enum { BATCH = 16 << 20 };                      /* bytes of text between two looks at the progress */

static bool ends_in(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n > m && strcmp(text + n - m, end) == 0;
}

static bool is_tokens(const char *path) { return ends_in(path, ".bin") || ends_in(path, ".u16") || ends_in(path, ".u32"); }

static int put(struct training *t, size_t *room, const uint32_t *ids, size_t n)
{
    t->ids = cli_grow(t->ids, room, t->tokens.n + n + 1, sizeof *t->ids);
    memcpy(t->ids + t->tokens.n, ids, n * sizeof *ids);
    t->tokens.n += n;
    return CLI_OK;
}

/* Documents [from, to), each with its end. */
static int encode(struct training *t, const struct input *in, size_t from, size_t to, size_t *room)
{
    rk_ids ids = { 0 };
    size_t *ends = cli_take((to - from) * sizeof *ends), at = 0;
    int code = cli_try(t->c, rk_tok_encode_many(t->c->ctx, t->tok, in->text + from, to - from, 0, &ids, ends));
    for (size_t i = 0; code == CLI_OK && i < to - from; at = ends[i++]) {
        const uint32_t end = (uint32_t)t->end;
        code = put(t, room, ids.at + at, ends[i] - at);
        if (code == CLI_OK && t->end >= 0 && (ends[i] == at || ids.at[ends[i] - 1] != end)) code = put(t, room, &end, 1);
    }
    free(ends);
    rk_ids_free(t->c->ctx, &ids);
    return code;
}

static int encode_all(struct training *t, const struct input *in)
{
    struct progress line;
    uint64_t done = 0;
    size_t room = 0;
    int code = CLI_OK;
    progress_begin(&line, t->c, "encoding", "bytes", in->bytes);
    for (size_t from = 0, to; from < in->n && code == CLI_OK; from = to) {
        size_t bytes = 0;
        for (to = from; to < in->n && (to == from || bytes + in->text[to].n <= BATCH); to++) bytes += in->text[to].n;
        code = encode(t, in, from, to, &room);
        progress_step(&line, done += bytes, "%s tokens", say_count(t->tokens.n).at);
        if (code == CLI_OK && to < in->n && cli_cancelled(t->c)) code = cli_fail(t->c, CLI_INTERRUPTED, NULL, "interrupted");
    }
    progress_end(&line);
    t->tokens.at = (const unsigned char *)t->ids;
    t->tokens.bytes_each = 4;
    return code;
}

static int texts(struct training *t)
{
    struct cli *c = t->c;
    struct input in = { 0 };
    if (t->tok == NULL) return cli_usage(c, "texts need a --tokenizer (`reckon tok train` makes one); files of tokens are called NAME.bin");
    int code = input_add_all(c, &in, t->options.separator[0] != '\0' ? t->options.separator : NULL);
    if (code == CLI_OK) code = encode_all(t, &in);
    input_free(&in);
    return code;
}

static int token_file(struct training *t)
{
    struct cli *c = t->c;
    unsigned bytes = cli_given(c, "dtype") ? cli_choice(c, "dtype") == 0 ? 2 : 4 : 0;
    if (c->n_args > 1) return cli_usage(c, "one file of tokens, or texts: not both, and not two");
    int code = cli_try(c, rk_tokens_open(c->ctx, c->args[0], bytes, &t->tokens));
    t->mapped = code == CLI_OK;
    return code;
}

int train_data(struct training *t)
{
    struct cli *c = t->c;
    const char *end = cli_given(c, "end") ? cli_text(c, "end") : "<|endoftext|>";
    uint32_t id;
    t->end = -1;
    if (t->options.tokenizer[0] != '\0') CLI_TRY(c, rk_tok_open(c->ctx, t->options.tokenizer, &t->tok));
    if (t->tok != NULL && end[0] != '\0' && rk_tok_find(t->tok, end, strlen(end), &id)) t->end = id;
    if (t->end < 0 && cli_given(c, "end") && end[0] != '\0') return cli_usage(c, "--end: there is no token \"%s\"", end);
    return is_tokens(c->args[0]) ? token_file(t) : texts(t);
}

void train_data_free(struct training *t)
{
    if (t->mapped) rk_tokens_close(&t->tokens);
    free(t->ids);
    rk_tok_close(t->c->ctx, t->tok);
}
