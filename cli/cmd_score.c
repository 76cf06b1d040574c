/* reckon score: how likely a model finds a text: perplexity, bits per byte, token by token. How that looks: score_tell.c. */
#include "reckon/corpus.h"
#include "score_tell.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct option options[] = {
    { "window",    0,   OPT_SIZE, "TOKENS", "(the model's context)", "most tokens read at once" },
    { "stride",    's', OPT_SIZE, "TOKENS", "(half a window)",       "from one window to the next: the smaller, the more a token has to go by" },
    { "tokens",    't', OPT_FLAG, NULL,     NULL,     "a row for every token" },
    { "jsonl",     0,   OPT_FLAG, NULL,     NULL,     "the file holds a text a line, as JSON" },
    { "field",     0,   OPT_TEXT, "NAME",   NULL,     "with --jsonl: lines are objects, and this field of each is the text; without, they are strings" },
    { "begin",     0,   OPT_TEXT, "TOKEN",  NULL,     "special token to put before each text, so that its first token has a score, too" },
    OPTION_IDS,
    OPTION_TOKENIZER,
    OPTION_RUNS,
    { 0 }
};

struct scoring {
    struct words w;
    rk_scoring how;
    struct input in;
    uint32_t begin;
    bool begins;
    double vocab;
    struct score_sum all;
    uint64_t texts;
    struct table *table;
    struct json j;
    struct progress line;
};

/* --- one text --- */

static uint64_t scored_bytes(const struct scoring *s, const rk_ids *ids, const double *scores)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < ids->n && s->w.tok != NULL; i++)
        if (!isnan(scores[i])) bytes += rk_tok_bytes(s->w.tok, ids->at[i]).n;
    return bytes;
}

static void tell_text(struct scoring *s, const char *name, const rk_ids *ids, const double *scores, const struct score_sum *one)
{
    if (s->w.c->json) {
        json_object(&s->j, NULL);
        json_text(&s->j, "name", name);
        score_json(&s->j, one, false);
        if (cli_flag(s->w.c, "tokens")) score_tokens_json(&s->w, &s->j, ids, scores);
        json_end(&s->j);
        return;
    }
    if (cli_flag(s->w.c, "tokens")) score_tokens(&s->w, ids, scores);
    score_row(s->w.c, &s->table, name, one);
}

static bool each(void *user, int64_t done, int64_t n)
{
    struct scoring *s = user;
    (void)n;
    progress_step(&s->line, s->all.tokens + (uint64_t)done, "%s", "");
    return !cli_cancelled(s->w.c);
}

static int score_ids(struct scoring *s, const char *name, const rk_ids *ids, bool typed)
{
    struct cli *c = s->w.c;
    struct score_sum one = { .tokens = ids->n };
    double *scores = cli_take(ids->n * sizeof *scores);
    int code = words_within(c, name, ids->at, ids->n, s->vocab, typed);
    if (code == CLI_OK) code = cli_try(c, rk_score_text(s->w.reader, ids->at, (int64_t)ids->n, &s->how, scores, &one.s));
    if (code == CLI_OK) {
        one.bytes = scored_bytes(s, ids, scores);
        tell_text(s, name, ids, scores, &one);
        score_add(&s->all, &one);
        s->texts++;
    }
    free(scores);
    return code;
}

static int score_text(struct scoring *s, const char *name, rk_text text)
{
    struct cli *c = s->w.c;
    rk_ids body = { 0 }, ids = { 0 };
    int code = cli_try(c, rk_tok_encode(c->ctx, s->w.tok, text.at, text.n, 0, &body));
    if (code == CLI_OK) {
        ids.at = cli_take((body.n + 1) * sizeof *ids.at);
        if (s->begins) ids.at[ids.n++] = s->begin;
        for (size_t i = 0; i < body.n; i++) ids.at[ids.n++] = body.at[i];
        code = ids.n > 0 ? score_ids(s, name, &ids, false) : cli_fail(c, CLI_DATA, NULL, "%s: there is no text", name);
    }
    free(ids.at);
    rk_ids_free(c->ctx, &body);
    return code;
}

/* --- files --- */

struct lines { struct scoring *s; const char *path; rk_bytes text; };

static int score_line(void *user, uint64_t number, const char *line, size_t n)
{
    struct lines *l = user;
    struct cli *c = l->s->w.c;
    char name[32];
    if (n == 0) return CLI_OK;
    (void)snprintf(name, sizeof name, "line %llu", (unsigned long long)number);
    l->text.n = 0;
    CLI_TRY(c, rk_corpus_line(c->ctx, l->path, number, line, n, cli_text(c, "field"), &l->text));
    return score_text(l->s, name, (rk_text){ l->text.at, l->text.n });
}

static int score_lines(struct scoring *s, const char *path, rk_text all)
{
    struct lines l = { .s = s, .path = path };
    int code = text_lines(s->w.c, all, &(uint64_t){ 0 }, score_line, &l);
    rk_bytes_free(s->w.c->ctx, &l.text);
    return code;
}

static int score_file(struct scoring *s, const char *path)
{
    int code = input_paths(s->w.c, &s->in, &path, 1);
    if (code == CLI_OK && s->in.n == 0) code = cli_fail(s->w.c, CLI_DATA, NULL, "%s: there is no text", path);
    for (size_t i = 0; i < s->in.n && code == CLI_OK; i++) {
        const char *name = rk_corpus_file(s->in.corpus, s->in.block.files[i]);      /* of a folder: the file below it */
        code = cli_flag(s->w.c, "jsonl") ? score_lines(s, name, s->in.text[i]) : score_text(s, name, s->in.text[i]);
    }
    input_free(&s->in);
    return code;
}

static int score_given(struct scoring *s)
{
    struct cli *c = s->w.c;
    rk_ids ids = { 0 };
    int code = CLI_OK;
    if (cli_given(c, "ids")) {
        code = words_ids(c, "ids", &ids);
        if (code == CLI_OK) code = score_ids(s, "ids", &ids, true);
        free(ids.at);
    }
    for (int i = 1; i < c->n_args && code == CLI_OK; i++) code = score_file(s, c->args[i]);
    return code;
}

/* --- all of them --- */

static int score_all(struct scoring *s)
{
    struct cli *c = s->w.c;
    json_begin(&s->j, c->out);
    if (c->json) {
        words_head_json(&s->w, "reckon.score/1", &s->j);
        json_int(&s->j, "window", s->how.window);
        json_int(&s->j, "stride", s->how.stride);
        json_array(&s->j, "texts");
    }
    progress_begin(&s->line, c, "scoring", "tokens", 0);
    int code = score_given(s);
    progress_end(&s->line);
    if (c->json) {
        json_end(&s->j);
        json_object(&s->j, "all");
        score_json(&s->j, &s->all, true);
        json_end(&s->j);
        words_tail_json(&s->w, &s->j);
        return code;
    }
    if (s->texts > 1) {
        table_rule(s->table);
        score_row(c, &s->table, "all", &s->all);
    }
    if (s->table != NULL) table_print(s->table);
    return code;
}

static int check(struct scoring *s)
{
    struct cli *c = s->w.c;
    double context;
    CLI_TRY(c, rk_model_number(s->w.model, "position", &context));
    CLI_TRY(c, rk_model_number(s->w.model, "vocab", &s->vocab));
    s->how = (rk_scoring){ .window = cli_given(c, "window") ? cli_int(c, "window") : (int64_t)context, .each = each, .user = s };
    s->how.stride = cli_given(c, "stride") ? cli_int(c, "stride") : (s->how.window + 1) / 2;
    if ((c->n_args > 1) == cli_given(c, "ids")) return cli_usage(c, "give a FILE, or --ids");
    int code = input_check(c, (const char *const *)c->args + 1, c->n_args - 1);
    if (code != CLI_OK) return code;
    if (cli_given(c, "field") && !cli_flag(c, "jsonl")) return cli_usage(c, "--field is of --jsonl");
    if (s->how.window < 2 || (double)s->how.window > context) return cli_usage(c, "--window: 2 to %.0f tokens", context);
    if (s->how.stride < 1 || s->how.stride > s->how.window) return cli_usage(c, "--stride: 1 to %lld tokens, a window", (long long)s->how.window);
    code = cli_given(c, "ids") ? CLI_OK : words_need_tokenizer(&s->w);
    const char *begin = cli_text(c, "begin");
    if (code != CLI_OK || begin == NULL) return code;
    s->begins = s->w.tok != NULL && rk_tok_find(s->w.tok, begin, strlen(begin), &s->begin);
    return s->begins ? CLI_OK : cli_usage(c, "--begin: the tokenizer has no token \"%s\"", begin);
}

static int run(struct cli *c)
{
    struct scoring s = { .w = { .c = c } };
    cli_watch();
    int code = words_open(&s.w, MODEL_SCORES);
    if (code == CLI_OK) code = check(&s);
    if (code == CLI_OK) code = words_load(&s.w, RK_READ_LOGITS);
    if (code == CLI_OK) code = score_all(&s);
    words_close(&s.w);
    return code;
}

static const struct example examples[] = {
    { "score model corpus.txt",                          "perplexity, bits per token, bits per byte", "model/model.safetensors" },
    { "score model corpus.txt --stride 1 --window 8 --tokens", "token by token, each with seven before it", "model/model.safetensors" },
    { "score model --ids 1,2,3 --json",                  "ids instead of text, for a program", "model/model.safetensors" },
    { 0 }
};

const struct command cmd_score = {
    .name = "score", .arguments = "DIR [FILE]...", .purpose = "how likely a model finds a text: perplexity, bits per byte, token by token", .options = options,
    .examples = examples, .json = true, .run = run,
    .notes = "FILE is a text, a folder of texts, or - for standard input; with --jsonl each line is one. A text longer than the window is read in windows that begin every --stride "
             "tokens; each token is scored once, in the first window that holds it. The first token of a text has nothing to go by and no score, unless --begin "
             "puts one before it. Perplexity is exp of the mean negative log-probability of a token; bits per byte are over the bytes of the tokens that have a score. "
             "--json also has recipe_perplexity: what transformers' page on perplexity computes with this window and stride.",
};
