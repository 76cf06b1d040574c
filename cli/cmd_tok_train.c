/* reckon tok train: a byte-level BPE tokenizer from text, or from the counts of its words. */
#include "input.h"
#include "out.h"
#include <stdlib.h>
#include <string.h>

enum { SAMPLE = 4 << 20 };              /* bytes of text that tell the compression */

static const struct option options[] = {
    { "vocab-size",    'n', OPT_SIZE,   NULL,                "32k",       "tokens: special ones, 256 bytes, merges" },
    { "special",       's', OPT_LIST,   "TOKEN",             "(<|endoftext|>)", "a special token; text is cut where one stands; \"\" for none" },
    { "separator",     0,   OPT_TEXT,   "LINE",              NULL,        "a line between documents, such as %" },
    { "pattern",       'p', OPT_TEXT,   "gpt2|cl100k|o200k|REGEX", "gpt2",  "what cuts text into words: a known pattern, or a regular expression" },
    { "ties",          0,   OPT_CHOICE, "cs336|huggingface|rank", "cs336",     "which of several most frequent pairs goes first: the greater pair of byte strings, or the smaller pair of ids, bytes in Hugging Face's order or by value" },
    { "units",         0,   OPT_CHOICE, "documents|lines",   "documents", "what is cut into words for itself" },
    { "min-frequency", 0,   OPT_SIZE,   NULL,                "1",         "rarer pairs are not merged" },
    { "counts",        0,   OPT_FILE,   NULL,                NULL,        "train from a JSON object of words and their counts instead" },
    { "output",        'o', OPT_FOLDER, NULL,                NULL,        "folder for the tokenizer; made if need be" },
    { 0 }
};

struct watch { struct cli *c; struct progress line; const char *stage; };

static bool on_progress(void *user, const rk_tok_progress *p)
{
    struct watch *w = user;
    bool counting = strcmp(p->stage, "count") == 0;
    if (w->stage != p->stage) {
        if (w->stage != NULL) progress_end(&w->line);
        w->stage = p->stage;
        progress_begin(&w->line, w->c, counting ? "counting words" : "merging", counting ? "bytes" : "tokens", p->total);
        w->line.began -= p->seconds;                        /* the first report comes some time after the beginning */
    }
    progress_step(&w->line, p->done, "%s%s", counting ? say_count(p->words).at : "", counting ? " words" : "");
    return !cli_cancelled(w->c);
}

/* Bytes per token over the beginning of the text. */
static int measure(struct cli *c, const rk_tok *tok, const struct input *in, double *ratio)
{
    rk_ids ids = { 0 };
    size_t n = 0, bytes = 0;
    while (n < in->n && (n == 0 || bytes + in->text[n].n <= SAMPLE)) bytes += in->text[n++].n;
    rk_text first = { in->text[0].at, in->text[0].n < SAMPLE ? in->text[0].n : SAMPLE };       /* alone where it is too long */
    size_t *ends = cli_take(n * sizeof *ends);
    bool alone = bytes > SAMPLE;
    int code = cli_try(c, rk_tok_encode_many(c->ctx, tok, alone ? &first : in->text, alone ? 1 : n, 0, &ids, ends));
    *ratio = ids.n > 0 ? (double)(alone ? first.n : bytes) / (double)ids.n : 0;
    free(ends);
    rk_ids_free(c->ctx, &ids);
    return code;
}

static int report(struct cli *c, const rk_tok *tok, const struct input *in)
{
    double ratio = 0;
    int code = in->n > 0 ? measure(c, tok, in, &ratio) : CLI_OK;
    if (code != CLI_OK) return code;
    if (c->json) {
        struct json j;
        json_begin(&j, c->out);
        json_object(&j, NULL);
        json_text(&j, "output", cli_text(c, "output"));
        json_uint(&j, "vocab_size", rk_tok_size(tok));
        json_uint(&j, "merges", rk_tok_merges(tok));
        if (in->n > 0) json_real(&j, "bytes_per_token", ratio);
        json_end(&j);
        return CLI_OK;
    }
    (void)fprintf(c->out, "%s: %s tokens, %s merges", cli_text(c, "output"), say_count(rk_tok_size(tok)).at, say_count(rk_tok_merges(tok)).at);
    if (in->n > 0) (void)fprintf(c->out, ", %.2f bytes per token", ratio);
    (void)fputc('\n', c->out);
    return CLI_OK;
}

/* The special tokens that were given, or the usual one. An empty one stands for none. */
static const char *const *specials(const struct cli *c, size_t *n)
{
    int given = 0;
    while (cli_list(c, "special", given) != NULL) given++;
    const char **list = cli_take(((size_t)given + 1) * sizeof *list);
    *n = 0;
    if (given == 0) list[(*n)++] = "<|endoftext|>";
    for (int i = 0; i < given; i++)
        if (cli_list(c, "special", i)[0] != '\0') list[(*n)++] = cli_list(c, "special", i);
    return list;
}

static int run(struct cli *c)
{
    struct watch watch = { .c = c };
    struct input in = { 0 };
    rk_tok *tok = NULL;
    const char *counts = cli_text(c, "counts");
    int64_t size = cli_int(c, "vocab-size");
    int code = CLI_OK;
    if (!cli_given(c, "output")) return cli_usage(c, "--output is missing: where shall the tokenizer go?");
    if (size > UINT32_MAX) return cli_usage(c, "--vocab-size: %lld is beyond 32 bits", (long long)size);
    if ((counts == NULL) == (c->n_args == 0)) return cli_usage(c, counts == NULL ? "INPUT is missing" : "either --counts or INPUT");
    rk_tok_training how = {
        .vocab_size = (uint32_t)size, .pattern = cli_text(c, "pattern"), .ties = (rk_ties)cli_choice(c, "ties"), .units = (rk_units)cli_choice(c, "units"),
        .min_frequency = (uint64_t)cli_int(c, "min-frequency"), .progress = on_progress, .user = &watch,
    };
    how.specials = specials(c, &how.n_specials);
    cli_watch();
    if (counts == NULL) code = input_add_all(c, &in, cli_text(c, "separator"));
    if (code != CLI_OK) goto out;
    rk_status status = counts != NULL ? rk_tok_train_counts(c->ctx, &how, counts, &tok) : rk_tok_train(c->ctx, &how, in.text, in.n, &tok);
    if (watch.stage != NULL) progress_end(&watch.line);
    CLI_GO(c, status);
    if (rk_tok_size(tok) < how.vocab_size)
        cli_note(c, "the text has no more pairs to merge: %s tokens instead of %s", say_count(rk_tok_size(tok)).at, say_count(how.vocab_size).at);
    CLI_GO(c, rk_tok_save(c->ctx, tok, cli_text(c, "output")));
    code = report(c, tok, &in);
out:
    rk_tok_close(c->ctx, tok);
    input_free(&in);
    free((void *)how.specials);
    return code;
}

static const struct example examples[] = {
    { "tok train corpus.txt --vocab-size 300 --output tok",                    "300 tokens: one special token, 256 bytes, 43 merges", NULL },
    { "tok train /usr/share/games/fortunes --separator % -n 10k --output tok-fortunes", "from a folder of fortunes, each a document", "/usr/share/games/fortunes" },
    { 0 }
};

const struct command cmd_tok_train = {
    .name = "train", .arguments = "[INPUT...]", .purpose = "train a byte-level BPE tokenizer", .options = options, .examples = examples,
    .json = true, .run = run,
    .notes = "INPUT is a file, a folder of text files, or - for standard input. The tokenizer is written as tokenizer.json, vocab.json and "
             "merges.txt. Special tokens take the first ids.\n"
             "Text that runs out of pairs gives a smaller vocabulary.",
};
