/* reckon tok stats: how well and how fast a tokenizer fits a text: compression, speed, longest tokens, tokens per character by script. */
#include "input.h"
#include "out.h"
#include "reckon/encoding.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BY_SCRIPT_MOST = 4 << 20, LONGEST = 5 };

static const struct option options[] = {
    { "tokenizer", 'k', OPT_FILE,   NULL,    NULL, "the tokenizer" },
    { "against",   'a', OPT_FILE,   NULL,    NULL, "another one, on the same text" },
    { "separator", 0,   OPT_TEXT,   "LINE",  NULL, "a line between documents, such as %" },
    { "documents", 'd', OPT_SIZE,   "COUNT", "(all)", "only so many documents, drawn by chance" },
    { "seed",      0,   OPT_INT,    NULL,    "0",  "which ones are drawn" },
    { "project",   0,   OPT_SIZE,   "BYTES", NULL, "how many tokens, and how long, for a corpus of this size: 825GB" },
    { "lowercase", 0,   OPT_FLAG,   NULL,    NULL, "a vocab.txt: lower-case the text, and drop accents" },
    { 0 }
};

/* Scripts by the blocks that most of their letters are in. */
static const struct script { const char *name; uint32_t first, last; } scripts[] = {
    { "Latin", 'A', 'Z' }, { "Latin", 'a', 'z' }, { "Latin", 0xc0, 0x24f }, { "Latin", 0x1e00, 0x1eff }, { "Greek", 0x370, 0x3ff }, { "Cyrillic", 0x400, 0x52f },
    { "Hebrew", 0x590, 0x5ff }, { "Arabic", 0x600, 0x77f }, { "Devanagari", 0x900, 0x97f }, { "Thai", 0xe00, 0xe7f }, { "Hangul", 0x1100, 0x11ff }, { "Hangul", 0xac00, 0xd7a3 },
    { "Kana", 0x3040, 0x30ff }, { "Han", 0x3400, 0x4dbf }, { "Han", 0x4e00, 0x9fff }, { "Han", 0x20000, 0x323af }, { "digits", '0', '9' }, { "white space", 9, 13 }, { "white space", ' ', ' ' },
};
enum { N_ROWS = sizeof scripts / sizeof *scripts, OTHER = N_ROWS };

struct counts { uint64_t bytes, tokens, documents; double seconds; uint64_t characters[N_ROWS + 1]; double parts[N_ROWS + 1]; uint32_t longest[LONGEST]; };

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int script_of(uint32_t code)
{
    for (int i = 0; i < N_ROWS; i++)
        if (code >= scripts[i].first && code <= scripts[i].last)
            for (int k = 0; k <= i; k++)
                if (strcmp(scripts[k].name, scripts[i].name) == 0) return k;      /* the first row of that name counts */
    return OTHER;
}

/* The code points of a text; what is invalid counts as it does for offsets. Free it. */
static uint32_t *code_points(struct cli *c, rk_text t, size_t *n)
{
    uint32_t *codes = cli_take((t.n + 1) * sizeof *codes);
    rk_bytes valid = { 0 };
    *n = 0;
    if (cli_try(c, rk_bytes_replace(c->ctx, t.at, t.n, &valid)) != CLI_OK) valid.n = 0;
    for (size_t i = 0; i < valid.n; i++) {
        unsigned char b = (unsigned char)valid.at[i];
        if (b >> 6 == 2) codes[*n - 1] = codes[*n - 1] << 6 | (b & 0x3f);
        else codes[(*n)++] = b < 0x80 ? b : b < 0xe0 ? b & 0x1fu : b < 0xf0 ? b & 0xfu : b & 7u;
    }
    rk_bytes_free(c->ctx, &valid);
    return codes;
}

/* A token counts for the scripts of its characters, in equal parts; several tokens of one character count for it together. */
static int by_script(struct cli *c, const rk_tok *tok, rk_text t, struct counts *k)
{
    rk_encoding e = { 0 };
    size_t n;
    uint32_t *codes = code_points(c, t, &n);
    int code = cli_try(c, rk_encoding_make(c->ctx, tok, &(rk_encoding_rules){ .bare = true }, t, NULL, &e));
    for (size_t i = 0; i < n; i++) k->characters[script_of(codes[i])]++;
    for (size_t i = 0; i < e.n && code == CLI_OK; i++)
        for (size_t at = e.spans[i].begin; at < e.spans[i].end && at < n; at++) k->parts[script_of(codes[at])] += 1.0 / (double)(e.spans[i].end - e.spans[i].begin);
    rk_encoding_free(c->ctx, &e);
    free(codes);
    return code;
}

static void keep_longest(const rk_tok *tok, const rk_ids *ids, struct counts *k)
{
    bool *seen = cli_take(rk_tok_size(tok) + 1);
    int kept = 0;
    for (size_t i = 0; i < ids->n; i++) seen[ids->at[i]] = true;
    for (uint32_t id = 0; id < rk_tok_size(tok); id++) {
        int at = kept < LONGEST ? kept : LONGEST - 1;
        if (!seen[id] || (kept == LONGEST && rk_tok_bytes(tok, id).n <= rk_tok_bytes(tok, k->longest[at]).n)) continue;
        for (; at > 0 && rk_tok_bytes(tok, k->longest[at - 1]).n < rk_tok_bytes(tok, id).n; at--) k->longest[at] = k->longest[at - 1];
        k->longest[at] = id;
        if (kept < LONGEST) kept++;
    }
    for (int i = kept; i < LONGEST; i++) k->longest[i] = UINT32_MAX;
    free(seen);
}

static int count(struct cli *c, const rk_tok *tok, const rk_text *texts, size_t n, struct counts *k)
{
    rk_ids ids = { 0 };
    uint64_t looked = 0;
    double began = now();
    int code = cli_try(c, rk_tok_encode_many(c->ctx, tok, texts, n, 0, &ids, NULL));
    k->seconds = now() - began;
    k->tokens = ids.n;
    k->documents = n;
    if (code == CLI_OK) keep_longest(tok, &ids, k);
    rk_ids_free(c->ctx, &ids);
    for (size_t i = 0; i < n && code == CLI_OK; i++) {
        k->bytes += texts[i].n;
        rk_text part = { texts[i].at, texts[i].n < BY_SCRIPT_MOST - looked ? texts[i].n : BY_SCRIPT_MOST - looked };
        if (part.n > 0) code = by_script(c, tok, part, k);
        looked += part.n;
    }
    return code;
}

static double ratio(uint64_t a, uint64_t b) { return b > 0 ? (double)a / (double)b : 0; }

static void put_json(struct cli *c, struct json *j, const char *name, const rk_tok *tok, const struct counts *k)
{
    json_object(j, NULL);
    json_text(j, "tokenizer", name);
    json_uint(j, "vocab_size", rk_tok_size(tok));
    json_uint(j, "documents", k->documents);
    json_uint(j, "bytes", k->bytes);
    json_uint(j, "tokens", k->tokens);
    json_real(j, "bytes_per_token", ratio(k->bytes, k->tokens));
    json_real(j, "seconds", k->seconds);
    json_object(j, "tokens_per_character");
    for (int i = 0; i <= N_ROWS; i++)
        if (k->characters[i] > 0) json_real(j, i == OTHER ? "other" : scripts[i].name, k->parts[i] / (double)k->characters[i]);
    json_end(j);
    if (cli_given(c, "project")) json_real(j, "project_tokens", (double)cli_int(c, "project") / (k->tokens > 0 ? ratio(k->bytes, k->tokens) : 1));
    if (cli_given(c, "project")) json_real(j, "project_seconds", (double)cli_int(c, "project") * k->seconds / (double)(k->bytes > 0 ? k->bytes : 1));
    json_end(j);
}

static void print(struct cli *c, const char *name, const rk_tok *tok, const struct counts *k)
{
    FILE *to = c->out;
    (void)fprintf(to, "%s: %s tokens in the vocabulary\n", name, say_count(rk_tok_size(tok)).at);
    (void)fprintf(to, "  %s tokens of %s, %.3f bytes per token\n", say_count(k->tokens).at, say_bytes(k->bytes).at, ratio(k->bytes, k->tokens));
    (void)fprintf(to, "  %s tokens per second, %s/s\n", say_si((double)k->tokens / (k->seconds > 0 ? k->seconds : 1), "").at, say_bytes_si((uint64_t)((double)k->bytes / (k->seconds > 0 ? k->seconds : 1))).at);
    (void)fputs("  longest that occur:", to);
    for (int i = 0; i < LONGEST && k->longest[i] != UINT32_MAX; i++) {
        rk_text t = rk_tok_bytes(tok, k->longest[i]);
        (void)fputs(" \"", to);
        text_put(to, t.at, (int)(t.n < 60 ? t.n : 60));
        (void)fprintf(to, "\" (%zu)", t.n);
    }
    (void)fputs("\n  tokens per character:", to);
    for (int i = 0; i <= N_ROWS; i++)
        if (k->characters[i] > 0) (void)fprintf(to, " %s %.3f", i == OTHER ? "other" : scripts[i].name, k->parts[i] / (double)k->characters[i]);
    (void)fputc('\n', to);
    if (!cli_given(c, "project") || k->tokens == 0) return;
    double bytes = (double)cli_int(c, "project");
    (void)fprintf(to, "  a corpus of %s: about %s tokens, %s at this speed\n", say_bytes_si((uint64_t)bytes).at, say_si(bytes / ratio(k->bytes, k->tokens), "").at, say_seconds(bytes * k->seconds / (double)k->bytes).at);
}

/* Draws `want` documents to the front (Fisher and Yates), by a generator of its own so that a seed means the same everywhere. */
static size_t draw(struct input *in, size_t want, uint64_t seed)
{
    for (size_t i = 0; i < want && i < in->n; i++) {
        uint64_t z = (seed += 0x9e3779b97f4a7c15u);
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        size_t k = i + (size_t)((z ^ z >> 31) % (in->n - i));
        rk_text t = in->text[i];
        in->text[i] = in->text[k];
        in->text[k] = t;
    }
    return want < in->n ? want : in->n;
}

static int run(struct cli *c)
{
    struct input in = { 0 };
    struct json j;
    const char *names[2] = { cli_text(c, "tokenizer"), cli_text(c, "against") };
    rk_tok_opening how = { .lowercase = cli_flag(c, "lowercase") };
    if (names[0] == NULL) return cli_usage(c, "--tokenizer is missing");
    if (c->n_args == 0) return cli_usage(c, "INPUT is missing");
    int code = input_add_all(c, &in, cli_text(c, "separator"));
    if (code != CLI_OK) goto out;
    size_t n = cli_given(c, "documents") ? draw(&in, (size_t)cli_int(c, "documents"), (uint64_t)cli_int(c, "seed")) : in.n;
    json_begin(&j, c->out);
    if (c->json) json_array(&j, NULL);
    for (int i = 0; i < 2 && names[i] != NULL && code == CLI_OK; i++) {
        rk_tok *tok = NULL;
        struct counts k = { 0 };
        code = cli_try(c, rk_tok_open_as(c->ctx, names[i], &how, &tok));
        if (code == CLI_OK) code = count(c, tok, in.text, n, &k);
        if (code == CLI_OK && c->json) put_json(c, &j, names[i], tok, &k);
        else if (code == CLI_OK) print(c, names[i], tok, &k);
        rk_tok_close(c->ctx, tok);
    }
    if (c->json) json_end(&j);
out:
    input_free(&in);
    return code;
}

static const struct example examples[] = {
    { "tok stats --tokenizer tok corpus.txt",                           "compression and speed on a text", NULL },
    { "tok stats --tokenizer tok --against tok-again corpus.txt --project 825GB --json", "two tokenizers, and what a corpus would take", NULL },
    { 0 }
};

const struct command cmd_tok_stats = {
    .name = "stats", .arguments = "[INPUT...]", .purpose = "how well and how fast a tokenizer fits a text", .options = options, .examples = examples,
    .json = true, .run = run,
    .notes = "Speed is one pass over the text in memory, on all threads. Tokens per character are counted on the first 4 MiB; a token counts for the "
             "scripts of its characters in equal parts.",
};
