/* reckon tok count: the words of one shard of a corpus, counted and saved, so that many machines can count for one tokenizer. */
#include "tok_counting.h"

static const struct option options[] = {
    COUNTING_OPTIONS,
    { "output", 'o', OPT_FILE, NULL, NULL, "the counts file" },
    { 0 }
};

static void report(struct cli *c, const rk_counts_sum *s)
{
    if (c->json) {
        struct json j;
        json_begin(&j, c->out);
        json_object(&j, NULL);
        json_text(&j, "schema", "reckon.tok.count/1");
        json_text(&j, "output", cli_text(c, "output"));
        json_uint(&j, "words", s->words);
        json_uint(&j, "distinct", s->distinct);
        json_uint(&j, "bytes", s->bytes);
        json_uint(&j, "peak_memory", rk_ctx_peak_bytes(c->ctx));
        json_end(&j);
        return;
    }
    (void)fprintf(c->out, "%s: %s words, %s distinct, of %s bytes; peak %s%s\n", cli_text(c, "output"), say_count(s->words).at, say_count(s->distinct).at,
                  say_count(s->bytes).at, say_bytes(rk_ctx_peak_bytes(c->ctx)).at, s->spilled ? ", through files" : "");
}

static int run(struct cli *c)
{
    struct counting k = { .c = c };
    rk_counts_sum sum;
    int code = counting_begin(c, &k);
    if (code == CLI_OK) code = counting_add(&k);
    if (code == CLI_OK) code = cli_try(c, rk_counts_write(c->ctx, k.counts, cli_text(c, "output")));
    if (code == CLI_OK) code = cli_try(c, rk_counts_total(c->ctx, k.counts, &sum));
    if (code == CLI_OK) report(c, &sum);
    counting_end(&k);
    return code;
}

static const struct example examples[] = {
    { "tok count corpus.txt --output corpus.counts", "one shard; others can be counted elsewhere", NULL },
    { "tok count --counts corpus.counts --output all.counts", "counts files added up into one", NULL },
    { 0 }
};

const struct command cmd_tok_count = {
    .name = "count", .arguments = "[INPUT...]", .purpose = "count words, for training from many shards", .options = options, .examples = examples,
    .json = true, .run = run,
    .notes = "INPUT is a file, a folder of text files, or - for standard input. `tok train --counts FILE...` adds counts files up and trains on them: any way of "
             "sharing a corpus out gives the tokenizer of the whole. All shards need the same --pattern, --units and --special.",
};
