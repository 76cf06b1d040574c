/* reckon tok encode: text to files of tokens, plain numbers of 16 or 32 bits, little end first, that training maps into memory; or to ids on
 * the screen; or lines of JSON to lines of JSON (tok_lines.c). */
#include "end.h"
#include "tok_lines.h"
#include "tok_sink.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct option options[] = {
    { "tokenizer", 'k', OPT_FOLDER, NULL,      NULL,                        "the tokenizer: a folder, tokenizer.json, vocab.txt or .tiktoken" },
    { "output",    'o', OPT_FILE,   NULL,      NULL,                        "file of tokens; without it the ids are printed" },
    { "dtype",     0,   OPT_CHOICE, "u16|u32", "(u16 where all ids fit)",   "size of a token in the file" },
    { "format",    0,   OPT_CHOICE, "raw|llmc|megatron", "raw",             "nothing but tokens; with the header of llm.c before them; or with Megatron-LM's index beside them, NAME.idx of NAME.bin" },
    { "shard-size", 0,  OPT_COUNT,  "TOKENS",  NULL,                        "many files, NAME-00000.bin and so on, each of so many tokens or somewhat more; goes on where it was ended" },
    { "shards",    0,   OPT_COUNT,  "COUNT",   NULL,                        "the same: so many files, from about equal parts of the input" },
    { "memory",    0,   OPT_SIZE,   "BYTES",   "512Mi",                     "about how much may be used for text and tokens on their way, beside the tokenizer and what remembers words; where it is given, a sixteenth of it without a place to cut is refused, by its byte" },
    { "separator", 0,   OPT_TEXT,   "LINE",    NULL,                        "a line between documents, such as %" },
    { "field",     0,   OPT_TEXT,   "NAME",    NULL,                        "INPUT has a JSON object a line, and this field of it is the text" },
    { "end",       0,   OPT_TEXT,   "TOKEN",   CLI_ENDS, "special token after each document; \"\" for none" },
    { "text",      't', OPT_TEXT,   NULL,      NULL,                        "encode this text instead of INPUT" },
    { "plain",     0,   OPT_FLAG,   NULL,      NULL,                        "special tokens that stand in the text are ordinary text" },
    { "replace",   0,   OPT_FLAG,   NULL,      NULL,                        "bytes that are no UTF-8 become U+FFFD" },
    { "pattern",   0,   OPT_TEXT,   "gpt2|cl100k|o200k|REGEX", NULL,        "a .tiktoken: what cuts text into words, where its name does not say" },
    { "lowercase", 0,   OPT_FLAG,   NULL,      NULL,                        "a vocab.txt: lower-case the text, and drop accents" },
    { "jsonl",     0,   OPT_FLAG,   NULL,      NULL,                        "INPUT has a JSON string a line; an object with its ids comes out" },
    { "offsets",   0,   OPT_FLAG,   NULL,      NULL,                        "jsonl: also where each token stands, in code points" },
    { "pairs",     0,   OPT_FLAG,   NULL,      NULL,                        "jsonl: each line together with the next; also type_ids and attention_mask" },
    { "truncate",  0,   OPT_SIZE,   "TOKENS",  "(48 with --pairs, else no limit)", "jsonl: the most tokens, special ones included; 0 for no limit" },
    { "pad",       0,   OPT_SIZE,   "TOKENS",  "(64 with --pairs, else 0)", "jsonl: the least; filled up with [PAD], or with id 0" },
    { "bare",      0,   OPT_FLAG,   NULL,      NULL,                        "jsonl: no [CLS] and [SEP] around the text" },
    { 0 }
};

/* A byte of text makes one token at most, mostly; its four bytes are held by the worker and put together; and the window of a file read in parts
 * may hold as much again. */
enum { MEMORY_OF_TEXT = 16, BLOCK_LEAST = 1 << 12, BLOCK_MOST = 32 << 20 };

struct encoding { struct cli *c; rk_tok *tok; rk_tok_encoder *encoder; struct input in; struct sink sink; unsigned flags; unsigned bytes; };       /* bytes: of a token in the file */

/* ---- texts ---- */

struct taking { struct encoding *e; size_t ended, n; bool goes_on; uint64_t read; int code; };

static bool take(void *user, const uint32_t *ids, size_t n, bool ends)
{
    struct taking *t = user;
    t->code = sink_add(&t->e->sink, ids, n);
    if (t->code == CLI_OK && ends && (++t->ended < t->n || !t->goes_on)) t->code = sink_document(&t->e->sink, t->read);
    return t->code == CLI_OK;
}

static int encode_texts(struct encoding *e, const rk_text *texts, size_t n, bool goes_on, uint64_t read)
{
    struct taking t = { e, 0, n, goes_on, read, CLI_OK };
    rk_status status = rk_tok_encoder_many(e->c->ctx, e->encoder, texts, n, take, &t);
    if (t.code == CLI_OK) return cli_try(e->c, status);
    rk_error_clear(e->c->ctx);                              /* that it was stopped; why, the sink has said */
    return t.code;
}

/* Texts of the block that lie in finished shards. */
static size_t passed_over(struct encoding *e)
{
    size_t i = 0;
    for (; i < e->in.n && e->sink.pass_over > 0; i++) e->sink.pass_over -= i + 1 < e->in.n || !e->in.block.goes_on;
    return i;
}

static int encode_all(struct encoding *e)
{
    struct input *in = &e->in;
    rk_corpus_cut cut = { rk_tok_cut, e->tok };
    int code;
    while ((code = input_next(in, &cut)) == CLI_OK && in->n > 0) {
        size_t from = passed_over(e);
        if (from < in->n) code = encode_texts(e, in->text + from, in->n - from, in->block.goes_on, rk_corpus_told(in->corpus).read);
        if (code != CLI_OK) return code;
        input_step(in, "%s tokens", say_count(e->sink.tokens).at);
    }
    if (code == CLI_OK && e->sink.pass_over > 0) return cli_fail(e->c, CLI_DATA, NULL, "the finished shards have %s documents more than the input", say_count(e->sink.pass_over).at);
    if (code == CLI_OK) input_note(in);
    return code;
}

/* ---- before and after ---- */

static int open_tokenizer(struct encoding *e)
{
    struct cli *c = e->c;
    rk_tok_opening opening = { .lowercase = cli_flag(c, "lowercase"), .pattern = cli_text(c, "pattern") };
    return cli_try(c, rk_tok_open_as(c->ctx, cli_text(c, "tokenizer"), &opening, &e->tok));
}

/* What ends a document, and how many bytes a token takes: Megatron-LM reads u16 only of vocabularies below 65,500. */
static int prepare(struct encoding *e)
{
    struct cli *c = e->c;
    struct sink *s = &e->sink;
    uint32_t size = rk_tok_size(e->tok);
    int64_t end;
    int code = end_token(c, e->tok, &end);
    if (code != CLI_OK) return code;
    s->ends = cli_text(c, "text") == NULL && end >= 0;
    if (s->ends) s->end = (uint32_t)end;
    bool fits = size <= 65536, small = cli_choice(c, "format") == RK_TOKENS_MEGATRON ? size < 65500 : fits;
    e->bytes = cli_given(c, "dtype") ? 2u << cli_choice(c, "dtype") : small ? 2 : 4;
    if (e->bytes == 2 && !fits) return cli_usage(c, "--dtype u16: the tokenizer has ids up to %s", say_count(size - 1).at);
    if (cli_flag(c, "plain")) e->flags |= RK_TOK_PLAIN;
    if (cli_flag(c, "replace")) e->flags |= RK_TOK_REPLACE;
    return CLI_OK;
}

static int open_input(struct encoding *e)
{
    struct cli *c = e->c;
    rk_corpus_rules rules = { .separator = cli_text(c, "separator"), .field = cli_text(c, "field") };
    int64_t memory = cli_int(c, "memory"), shards = cli_given(c, "shards") ? cli_int(c, "shards") : 0;
    int64_t block = memory / MEMORY_OF_TEXT < BLOCK_MOST ? memory / MEMORY_OF_TEXT : BLOCK_MOST;
    if (cli_given(c, "memory")) rules.uncut = (size_t)(memory / MEMORY_OF_TEXT);
    if (memory < (int64_t)MEMORY_OF_TEXT << 16) return cli_usage(c, "--memory: %s is too little to work with; 1Mi is the least", say_bytes((uint64_t)memory).at);
    rules.block = (size_t)block;
    int code = input_open(c, &e->in, &rules, "encoding");
    e->sink.size = code == CLI_OK ? rk_corpus_told(e->in.corpus).size : 0;
    e->sink.of_shards = (uint64_t)shards;
    if (code != CLI_OK || shards == 0) return code;
    if (e->sink.size == 0) return cli_usage(c, "--shards: how long standard input is, is not known: --shard-size does not ask");
    input_free(&e->in);
    int64_t part = (int64_t)e->sink.size / shards / 64;               /* small enough that the parts are about equal */
    rules.block = (size_t)(part < BLOCK_LEAST ? BLOCK_LEAST : part < block ? part : block);
    return input_open(c, &e->in, &rules, "encoding");
}

/* What the ids come from: shards of one thing are not gone on with from another. */
static int open_sink(struct encoding *e)
{
    struct cli *c = e->c;
    char from[1024];
    uint32_t crc = 0;
    bool shards = cli_given(c, "shards") || cli_given(c, "shard-size");
    const char *separator = cli_text(c, "separator"), *field = cli_text(c, "field");
    if (shards && !cli_given(c, "output")) return cli_usage(c, "shards are files: --output is missing");
    if (shards) CLI_TRY(c, rk_tok_fingerprint(c->ctx, e->tok, &crc));
    (void)snprintf(from, sizeof from, "tokenizer %08" PRIx32 "\nplain %d\nreplace %d\nend %" PRId64 "\nseparator %.200s\nfield %.200s\nshards %" PRIu64 "\nfiles %zu\nbytes of files %" PRIu64 "\n",
                   crc, cli_flag(c, "plain"), cli_flag(c, "replace"), e->sink.ends ? (int64_t)e->sink.end : -1, separator != NULL ? separator : "", field != NULL ? field : "",
                   e->sink.of_shards, e->in.corpus != NULL ? rk_corpus_files(e->in.corpus) : 0, e->sink.size);
    rk_shards_rules rules = { (rk_tokens_format)cli_choice(c, "format"), e->bytes, cli_given(c, "shard-size") ? (uint64_t)cli_int(c, "shard-size") : 0, from };
    return sink_open(&e->sink, cli_text(c, "output"), &rules, shards);
}

static void report(struct encoding *e)
{
    struct cli *c = e->c;
    struct sink *s = &e->sink;
    struct json *j = &s->j;
    bool shards = cli_given(c, "shards") || cli_given(c, "shard-size");
    double ratio = s->tokens > 0 ? (double)e->in.bytes / (double)s->tokens : 0;
    if (c->json) {
        json_object(j, NULL);
        json_text(j, "schema", "reckon.tok.encode/1");
        json_text(j, "output", cli_text(c, "output"));
        json_text(j, "dtype", e->bytes == 2 ? "u16" : "u32");
        json_uint(j, "tokens", s->tokens);
        json_uint(j, "documents", e->in.corpus != NULL ? rk_corpus_told(e->in.corpus).documents : 1);
        json_uint(j, "bytes", e->in.bytes);
        json_real(j, "bytes_per_token", ratio);
        if (shards) json_uint(j, "shards", s->of_shards);
        json_end(j);
        return;
    }
    (void)fprintf(c->out, "%s: %s tokens of %s, %.2f bytes of text per token", cli_text(c, "output"), say_count(s->tokens).at, e->bytes == 2 ? "u16" : "u32", ratio);
    if (shards) (void)fprintf(c->out, ", in %s shard%s", say_count(s->of_shards).at, s->of_shards == 1 ? "" : "s");
    (void)fputc('\n', c->out);
}

/* A shard ends where a document does, so few documents are few shards. */
static void note_shards(const struct encoding *e)
{
    uint64_t documents = e->in.corpus != NULL ? rk_corpus_told(e->in.corpus).documents : 1;
    if (!cli_given(e->c, "shards") || e->sink.of_shards >= (uint64_t)cli_int(e->c, "shards")) return;
    cli_note(e->c, "%s shard%s, not %s: none ends inside a document, and INPUT has %s: --separator or --field says what parts documents", say_count(e->sink.of_shards).at,
             e->sink.of_shards == 1 ? "" : "s", say_count((uint64_t)cli_int(e->c, "shards")).at, say_count(documents).at);
}

static int run_lines(struct encoding *e)
{
    struct cli *c = e->c;
    if (cli_given(c, "output") || cli_given(c, "text")) return cli_usage(c, "--jsonl reads INPUT and prints: no --output, no --text");
    int code = input_plain(c, &e->in);
    if (code == CLI_OK) code = open_tokenizer(e);
    return code == CLI_OK ? tok_lines(c, e->tok, &e->in) : code;
}

static int run_texts(struct encoding *e)
{
    struct cli *c = e->c;
    const char *text = cli_text(c, "text");
    rk_text one = { text, text != NULL ? strlen(text) : 0 };
    if (cli_given(c, "shards") && (cli_int(c, "shards") < 1 || cli_int(c, "shards") > 10000)) return cli_usage(c, "--shards: between 1 and 10,000");
    if (cli_given(c, "shard-size") && cli_int(c, "shard-size") < 1) return cli_usage(c, "--shard-size: 1 token at least");
    if (cli_given(c, "shards") && cli_given(c, "shard-size")) return cli_usage(c, "either --shards or --shard-size");
    e->in.bytes = one.n;
    int code = open_tokenizer(e);
    if (code == CLI_OK) code = prepare(e);
    if (code == CLI_OK) code = cli_try(c, rk_tok_encoder_open(c->ctx, e->tok, e->flags, &e->encoder));
    if (code == CLI_OK && text == NULL) code = open_input(e);
    if (code == CLI_OK) code = open_sink(e);
    if (code != CLI_OK) return code;
    code = text != NULL ? encode_texts(e, &one, 1, false, 0) : encode_all(e);
    bool saved = cli_given(c, "output");
    code = sink_close(&e->sink, code);
    if (code == CLI_OK && saved) report(e);
    if (code == CLI_OK && saved) note_shards(e);
    return code;
}

static int run(struct cli *c)
{
    struct encoding e = { .c = c, .sink = { .c = c } };
    bool lines = cli_flag(c, "jsonl");
    if (!cli_given(c, "tokenizer")) return cli_usage(c, "--tokenizer is missing");
    if (cli_given(c, "text") == (c->n_args > 0)) return cli_usage(c, c->n_args > 0 ? "either --text or INPUT" : "INPUT is missing (- is standard input)");
    cli_watch();
    int code = lines ? run_lines(&e) : run_texts(&e);
    input_free(&e.in);
    rk_tok_encoder_close(c->ctx, e.encoder);
    rk_tok_close(c->ctx, e.tok);
    return code;
}

static const struct example examples[] = {
    { "tok encode --tokenizer tok --text 'The quick brown fox'",    "the ids of a text", NULL },
    { "tok encode --tokenizer tok corpus.txt --output corpus.bin",  "a file to train on", NULL },
    { "tok encode --tokenizer tok corpus.txt --output corpus.bin --json", "and what came out, for a program", NULL },
    { "tok encode --tokenizer tok corpus.txt --output many.bin --format megatron --shard-size 1M", "as Megatron-LM has it, in shards", NULL },
    { 0 }
};

const struct command cmd_tok_encode = {
    .name = "encode", .arguments = "[INPUT...]", .purpose = "text to tokens", .options = options, .examples = examples, .json = true, .run = run,
    .notes = "INPUT is a file, a folder of text files, or - for standard input; packed by gzip or Zstandard, or not. The file holds the tokens, each an unsigned "
             "number of 16 or 32 bits, little end first (--format llmc: behind 1,024 bytes that say how many); it replaces an old one only when it is complete.\n"
             "With --shard-size or --shards NAME.shards.json says which shards are finished; the same command again goes on behind them. No shard ends inside a document.",
};
