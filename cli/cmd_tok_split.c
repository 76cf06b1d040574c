/* reckon tok split: how a pattern cuts text into words, before any vocabulary comes in. */
#include "input.h"
#include "out.h"
#include "reckon/corpus.h"
#include <string.h>

static const struct option options[] = {
    { "pattern",   'p', OPT_TEXT, "gpt2|cl100k|o200k|REGEX", "gpt2", "a known pattern, or a regular expression of one's own" },
    { "text",      't', OPT_TEXT, NULL, NULL, "cut this text instead of INPUT" },
    { "separator", 0,   OPT_TEXT, "LINE", NULL, "a line between documents, such as %" },
    { "field",     0,   OPT_TEXT, "NAME", NULL, "INPUT has a JSON object a line, and this field of it is a document" },
    { "lengths",   0,   OPT_FLAG, NULL, NULL, "the length of each word in bytes instead of its text" },
    { "jsonl",     0,   OPT_FLAG, NULL, NULL, "INPUT has one JSON string a line; one array of lengths a line comes out" },
    { 0 }
};

static void put_words(struct cli *c, struct json *j, rk_text text, const rk_ids *lengths)
{
    const char *at = text.at;
    bool numbers = cli_flag(c, "lengths") || cli_flag(c, "jsonl");
    for (size_t i = 0; i < lengths->n; at += lengths->at[i++]) {
        if (j != NULL && numbers) json_uint(j, NULL, lengths->at[i]);
        else if (j != NULL) json_bytes(j, NULL, at, lengths->at[i]);
        else if (numbers) (void)fprintf(c->out, "%u\n", lengths->at[i]);
        else {
            text_put(c->out, at, (int)lengths->at[i]);
            (void)fputc('\n', c->out);
        }
    }
}

static int split_text(struct cli *c, rk_text text)
{
    rk_ids lengths = { 0 };
    struct json j;
    int code = cli_try(c, rk_tok_split(c->ctx, cli_text(c, "pattern"), text.at, text.n, &lengths));
    bool json = c->json || cli_flag(c, "jsonl");
    if (code == CLI_OK && json) {
        json_begin(&j, c->out);
        j.one_line = true;
        json_array(&j, NULL);
        put_words(c, &j, text, &lengths);
        json_end(&j);
    } else if (code == CLI_OK) put_words(c, NULL, text, &lengths);
    rk_ids_free(c->ctx, &lengths);
    return code;
}

static int split_line(void *user, uint64_t number, const char *line, size_t n)
{
    struct cli *c = user;
    rk_bytes text = { 0 };
    int code = cli_try(c, rk_corpus_line(c->ctx, "the input", number, line, n, NULL, &text));
    if (code == CLI_OK) code = split_text(c, (rk_text){ text.at, text.n });
    rk_bytes_free(c->ctx, &text);
    return code;
}

/* Documents whole: a pattern of one's own may look anywhere. */
static int split_documents(struct cli *c, struct input *in)
{
    int code = input_all(c, in, &(rk_corpus_rules){ .separator = cli_text(c, "separator"), .field = cli_text(c, "field") });
    for (size_t i = 0; i < in->n && code == CLI_OK && !cli_cancelled(c); i++) code = split_text(c, in->text[i]);
    return code == CLI_OK && cli_cancelled(c) ? cli_stopped(c) : code;
}

static int run(struct cli *c)
{
    struct input in = { 0 };
    const char *text = cli_text(c, "text");
    if ((text != NULL) == (c->n_args > 0)) return cli_usage(c, text != NULL ? "either --text or INPUT" : "INPUT is missing");
    if (text != NULL) return split_text(c, (rk_text){ text, strlen(text) });
    cli_watch();
    int code = cli_flag(c, "jsonl") ? input_plain(c, &in) : split_documents(c, &in);
    if (code == CLI_OK && cli_flag(c, "jsonl")) code = input_lines(&in, split_line, c);
    input_free(&in);
    return code;
}

static const struct example examples[] = {
    { "tok split --text \"It's 3.14, isn't it?\"",                  "GPT-2's words, one a line", NULL },
    { "tok split --pattern cl100k --text 'year 2026' --json",       "GPT-4's, as JSON", NULL },
    { "tok split --pattern '\\w+' --lengths corpus.txt",            "lengths in bytes, by a pattern of one's own", NULL },
    { 0 }
};

const struct command cmd_tok_split = {
    .name = "split", .arguments = "[INPUT...]", .purpose = "the words that a pattern cuts a text into", .options = options, .examples = examples,
    .json = true, .run = run,
    .notes = "Put together, the words are the text: what a regular expression does not match stands between its matches as words too. Control "
             "characters are shown as ?; --json gives them exactly. A regular expression is matched by PCRE2, where that is installed: UTF-8 with "
             "Unicode properties, \\s as White_Space, $ as the very end; bytes that are no UTF-8 count as U+FFFD.",
};
