/* reckon tok train: a byte-level BPE tokenizer from text, or from the counts of its words. */
#include "tok_counting.h"
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 5, SHOWN = 60, PIECE = 1 << 16 };       /* tokens; bytes of one that are shown; of the text that are encoded at once */

static const struct option options[] = {
    { "vocab-size",    'n', OPT_SIZE,   NULL,                "32k",       "tokens: special ones, 256 bytes, merges" },
    COUNTING_OPTIONS,
    { "ties",          0,   OPT_CHOICE, "cs336|huggingface|rank", "cs336",     "which of several most frequent pairs goes first: the greater pair of byte strings, or the smaller pair of ids, bytes in Hugging Face's order or by value" },
    { "min-frequency", 0,   OPT_SIZE,   NULL,                "1",         "rarer pairs are not merged" },
    { "lowercase",     0,   OPT_FLAG,   NULL,                NULL,        "wordpiece: lower-case the text, and drop accents" },
    { "limit-alphabet", 0,  OPT_SIZE,   NULL,                "(all)",     "wordpiece: only so many characters, the most frequent ones" },
    { "output",        'o', OPT_FOLDER, NULL,                NULL,        "folder for the tokenizer; made if need be" },
    { 0 }
};

/* Bytes per token over the beginning of the text. */
static int measure(struct cli *c, const rk_tok *tok, rk_text text, double *ratio)
{
    rk_ids ids = { 0 };
    rk_tok_encoder *encoder = NULL;
    size_t tokens = 0;
    int code = cli_try(c, rk_tok_encoder_open(c->ctx, tok, 0, &encoder));
    for (size_t at = 0; at < text.n && code == CLI_OK; at += PIECE) {
        code = cli_try(c, rk_tok_encoder_add(c->ctx, encoder, text.at + at, text.n - at < PIECE ? text.n - at : PIECE, &ids));
        tokens += ids.n;
        ids.n = 0;
    }
    if (code == CLI_OK) code = cli_try(c, rk_tok_encoder_end(c->ctx, encoder, &ids));
    tokens += ids.n;
    *ratio = tokens > 0 ? (double)text.n / (double)tokens : 0;
    rk_tok_encoder_close(c->ctx, encoder);
    rk_ids_free(c->ctx, &ids);
    return code;
}

/* The longest tokens, the longest first; special ones have the first ids. */
static int longest(const rk_tok *tok, rk_text found[LONGEST])
{
    int n = 0;
    for (uint32_t id = (uint32_t)rk_tok_specials(tok); id < rk_tok_size(tok); id++) {
        rk_text t = rk_tok_bytes(tok, id);
        int k = n;
        for (; k > 0 && found[k - 1].n < t.n; k--)
            if (k < LONGEST) found[k] = found[k - 1];
        if (k == LONGEST) continue;
        found[k] = t;
        if (n < LONGEST) n++;
    }
    return n;
}

static int report(const struct counting *k, const rk_tok *tok, double seconds)
{
    struct cli *c = k->c;
    rk_text sample = { k->sample, k->n_sample };
    double ratio = 0;
    rk_text words[LONGEST];
    int code = sample.n > 0 ? measure(c, tok, sample, &ratio) : CLI_OK, n = longest(tok, words);
    uint64_t peak = rk_ctx_peak_bytes(c->ctx);
    int64_t resident = rk_process_peak_bytes();
    if (code != CLI_OK) return code;
    if (c->json) {
        struct json j;
        json_begin(&j, c->out);
        json_object(&j, NULL);
        json_text(&j, "schema", "reckon.tok.train/1");
        json_text(&j, "output", cli_text(c, "output"));
        json_uint(&j, "vocab_size", rk_tok_size(tok));
        json_uint(&j, "merges", rk_tok_merges(tok));
        if (sample.n > 0) json_real(&j, "bytes_per_token", ratio);
        json_real(&j, "seconds", seconds);
        json_uint(&j, "peak_memory", peak);
        if (k->most > 0 && k->program > 0) json_uint(&j, "predicted_memory", k->most + k->program);
        if (resident >= 0) json_uint(&j, "peak_resident", (uint64_t)resident);
        json_array(&j, "longest");
        for (int i = 0; i < n; i++) json_bytes(&j, NULL, words[i].at, words[i].n);
        json_end(&j);
        json_end(&j);
        return CLI_OK;
    }
    (void)fprintf(c->out, "%s: %s tokens, %s merges", cli_text(c, "output"), say_count(rk_tok_size(tok)).at, say_count(rk_tok_merges(tok)).at);
    if (sample.n > 0) (void)fprintf(c->out, ", %.2f bytes per token", ratio);
    (void)fprintf(c->out, "; %s, peak %s\n", say_seconds(seconds).at, say_bytes(peak).at);
    for (int i = 0; i < n; i++) {
        (void)fputs(i == 0 ? "longest: \"" : "\", \"", c->out);
        text_put(c->out, words[i].at, (int)(words[i].n < SHOWN ? words[i].n : SHOWN));
    }
    if (n > 0) (void)fputs("\"\n", c->out);
    return CLI_OK;
}

static int train(struct cli *c, struct counting *k, const rk_tok_training *how)
{
    rk_tok *tok = NULL;
    double began = cli_seconds();
    int code = counting_add(k);
    if (code != CLI_OK) return code;
    rk_status status = rk_counts_train(c->ctx, k->counts, how, &tok);
    if (k->stage != NULL) progress_end(&k->line);
    CLI_GO(c, status);
    double seconds = cli_seconds() - began;
    if (rk_tok_size(tok) < how->vocab_size)
        cli_note(c, "the text has no more pairs to merge: %s tokens instead of %s", say_count(rk_tok_size(tok)).at, say_count(how->vocab_size).at);
    CLI_GO(c, rk_tok_save(c->ctx, tok, cli_text(c, "output")));
    code = report(k, tok, seconds);
out:
    rk_tok_close(c->ctx, tok);
    return code;
}

static int run(struct cli *c)
{
    int64_t size = cli_int(c, "vocab-size");
    int64_t alphabet = cli_int(c, "limit-alphabet");
    if (alphabet > UINT32_MAX) return cli_usage(c, "--limit-alphabet: %lld is beyond 32 bits", (long long)alphabet);
    if (size > UINT32_MAX) return cli_usage(c, "--vocab-size: %lld is beyond 32 bits", (long long)size);
    struct counting k = { .c = c, .vocab_size = (uint32_t)size };
    rk_tok_training how = { .vocab_size = (uint32_t)size, .ties = (rk_ties)cli_choice(c, "ties"), .min_frequency = (uint64_t)cli_int(c, "min-frequency"),
                            .progress = counting_progress, .user = &k, .memory = counting_memory(c), .model = (rk_pieces)cli_choice(c, "model"),
                            .lowercase = cli_flag(c, "lowercase"), .limit_alphabet = (uint32_t)alphabet };
    int code = counting_begin(c, &k);
    if (code == CLI_OK) code = text_ends_in(cli_text(c, "output"), ".tiktoken") ? cli_can_save(c, cli_text(c, "output")) : cli_can_make_folder(c, cli_text(c, "output"));
    how.specials = k.how.specials, how.n_specials = k.how.n_specials;
    if (code == CLI_OK) code = cli_try(c, rk_tok_train_check(c->ctx, &how));
    if (code == CLI_OK) code = train(c, &k, &how);
    counting_end(&k);
    return code;
}

static const struct example examples[] = {
    { "tok train corpus.txt --vocab-size 300 --output tok",                    "300 tokens: one special token, 256 bytes, 43 merges", NULL },
    { "tok train /usr/share/games/fortunes --separator % -n 10k --output tok-fortunes", "from a folder of fortunes, each a document", "/usr/share/games/fortunes" },
    { 0 }
};

const struct command cmd_tok_train = {
    .name = "train", .arguments = "[INPUT...]", .purpose = "train a tokenizer: byte-level BPE, or WordPiece", .options = options, .examples = examples,
    .json = true, .run = run,
    .notes = "INPUT is a file, a folder of text files, or - for standard input. The tokenizer is written as tokenizer.json, vocab.json and "
             "merges.txt (wordpiece: vocab.txt). Special tokens take the first ids. With --counts, train on what tok count counted: --counts a.counts b.counts.\n"
             "Text that runs out of pairs gives a smaller vocabulary.",
};
