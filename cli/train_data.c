/* train_data.c: what a model learns from: a file of tokens, or texts through a tokenizer. Not here: pairs (train_pairs.c). */
#include "end.h"
#include "input.h"
#include "train.h"
#include <stdlib.h>
#include <string.h>

enum { BATCH = 16 << 20 };                      /* bytes of text between two looks at the progress */

bool train_is_tokens(const char *path) { return text_ends_in(path, ".bin") || text_ends_in(path, ".u16") || text_ends_in(path, ".u32"); }

/* --- texts --- */

static void put(struct train_row *row, const uint32_t *ids, size_t n)
{
    row->ids = cli_grow(row->ids, &row->room, row->tokens.n + n + 1, sizeof *row->ids);
    memcpy(row->ids + row->tokens.n, ids, n * sizeof *ids);
    row->tokens.n += n;
}

/* Some of the documents, each with its end; the last may go on. `begun`: where in the row the one at hand began. */
static int encode(struct training *t, const rk_text *texts, size_t n, bool goes_on, struct train_row *row, uint64_t *begun)
{
    rk_ids ids = { 0 };
    size_t *ends = cli_take((n + 1) * sizeof *ends), at = 0;
    const uint32_t end = (uint32_t)t->end;
    int code = cli_try(t->c, rk_tok_encode_many(t->c->ctx, t->tok, texts, n, 0, &ids, ends));
    for (size_t i = 0; code == CLI_OK && i < n; at = ends[i++]) {
        put(row, ids.at + at, ends[i] - at);
        if (i + 1 == n && goes_on) continue;
        if (t->end >= 0 && (row->tokens.n == *begun || row->ids[row->tokens.n - 1] != end)) put(row, &end, 1);
        *begun = row->tokens.n;
    }
    free(ends);
    rk_ids_free(t->c->ctx, &ids);
    return code;
}

static void whole(struct train_row *row)
{
    row->tokens.at = (const unsigned char *)row->ids;
    row->tokens.bytes_each = 4;
}

int train_encode(struct training *t, const rk_text *texts, size_t n, struct train_row *row)
{
    struct progress line;
    uint64_t done = 0, all = 0, begun = row->tokens.n;
    int code = CLI_OK;
    for (size_t i = 0; i < n; i++) all += texts[i].n;
    progress_begin(&line, t->c, "encoding", "bytes", all);
    for (size_t from = 0, to; from < n && code == CLI_OK; from = to) {
        size_t bytes = 0;
        for (to = from; to < n && (to == from || bytes + texts[to].n <= BATCH); to++) bytes += texts[to].n;
        code = encode(t, texts + from, to - from, false, row, &begun);
        progress_step(&line, done += bytes, "%s tokens", say_count(row->tokens.n).at);
        if (code == CLI_OK && to < n && cli_cancelled(t->c)) code = cli_stopped(t->c);
    }
    progress_end(&line);
    whole(row);
    return code;
}

static int texts(struct training *t)
{
    struct input in = { 0 };
    const rk_train_options *o = &t->options;
    rk_corpus_rules rules = { .separator = o->separator[0] != '\0' ? o->separator : NULL, .field = o->field[0] != '\0' ? o->field : NULL };
    rk_corpus_cut cut = { rk_tok_cut, t->tok };
    uint64_t begun = t->text.tokens.n;
    int code = input_open(t->c, &in, &rules, "encoding");
    while (code == CLI_OK && (code = input_next(&in, &cut)) == CLI_OK && in.n > 0) {
        code = encode(t, in.text, in.n, in.block.goes_on, &t->text, &begun);
        input_step(&in, "%s tokens", say_count(t->text.tokens.n).at);
    }
    if (code == CLI_OK) input_note(&in);
    whole(&t->text);
    input_free(&in);
    return code;
}

/* --- files of tokens --- */

int train_token_file(struct training *t, const char *path, struct train_row *row)
{
    struct cli *c = t->c;
    unsigned bytes = cli_given(c, "dtype") ? cli_choice(c, "dtype") == 0 ? 2 : 4 : 0;
    int code = cli_try(c, rk_tokens_open(c->ctx, path, bytes, &row->tokens));
    row->mapped = code == CLI_OK;
    return code;
}

int train_tokenizer(struct training *t)
{
    struct cli *c = t->c;
    if (t->options.tokenizer[0] != '\0') CLI_TRY(c, rk_tok_open(c->ctx, t->options.tokenizer, &t->tok));
    if (t->tok == NULL && !train_is_tokens(c->args[0])) return cli_usage(c, "texts need a --tokenizer (`reckon tok train` makes one); files of tokens are called NAME.bin");
    return end_token(c, t->tok, &t->end);
}

/* Options that only some models have a use for. */
enum { NEXT = 1, MASKED = 2, PAIRED = 4 };
static const struct { const char *name; int use; const char *words; } options_of_some[] = {
    { "mask-ends",    NEXT,   "models of the next token" },
    { "mask-rate",    MASKED, "models that learn what is hidden" },
    { "source-seq",   PAIRED, "models with an encoder" },
    { "source-field", PAIRED, "models with an encoder" },
    { "target-field", PAIRED, "models with an encoder" },
};

static int check_options(const struct training *t)
{
    int use = rk_model_has_encoder(t->model) ? PAIRED : rk_model_fills(t->model) ? MASKED : NEXT;
    for (size_t i = 0; i < sizeof options_of_some / sizeof *options_of_some; i++)
        if (cli_given(t->c, options_of_some[i].name) && (options_of_some[i].use & use) == 0)
            return cli_usage(t->c, "--%s is for %s; this is %s", options_of_some[i].name, options_of_some[i].words, rk_model_title(t->model));
    return CLI_OK;
}

int train_data(struct training *t)
{
    struct cli *c = t->c;
    int code = check_options(t);
    if (code != CLI_OK) return code;
    if (rk_model_has_encoder(t->model)) return train_pairs(t);
    if (!train_is_tokens(c->args[0])) return texts(t);
    if (c->n_args > 1) return cli_usage(c, "one file of tokens, or texts: not both, and not two");
    return train_token_file(t, c->args[0], &t->text);
}

void train_data_free(struct training *t)
{
    struct train_row *rows[] = { &t->text, &t->source };
    for (int i = 0; i < 2; i++) {
        if (rows[i]->mapped) rk_tokens_close(&rows[i]->tokens);
        free(rows[i]->ids);
    }
    rk_tok_close(t->c->ctx, t->tok);
}
