/* reckon generate: text after a prompt, as it comes. */
#include "device.h"
#include "input.h"
#include "out.h"
#include "reckon/infer.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct option options[] = {
    { "ids",            0,   OPT_TEXT,   "1,2,3",  NULL,              "the prompt as ids; without a tokenizer ids are printed, too" },
    { "source-ids",     0,   OPT_TEXT,   "1,2,3",  NULL,              "with an encoder: what it reads; the prompt is then the start token, if none is given" },
    { "file",           'f', OPT_FILE,   NULL,     NULL,              "the prompt is what is in this file" },
    { "tokenizer",      'k', OPT_FOLDER, NULL,     "(DIR)",           "the tokenizer" },
    { "max-new-tokens", 'm', OPT_SIZE,   NULL,     "64",              "stop after so many tokens" },
    { "samples",        'n', OPT_SIZE,   NULL,     "1",               "so many continuations, one after another" },
    { "greedy",         'g', OPT_FLAG,   NULL,     NULL,              "always the likeliest token" },
    { "temperature",    't', OPT_REAL,   NULL,     "1",               "below 1: bolder on the likely; 0 is --greedy" },
    { "top-k",          0,   OPT_SIZE,   NULL,     "(all)",           "draw from the so many likeliest" },
    { "top-p",          0,   OPT_REAL,   NULL,     "1",               "draw from the fewest that together have this probability" },
    { "min-p",          0,   OPT_REAL,   NULL,     "0",               "draw from those at least so likely as this times the likeliest" },
    { "repetition-penalty", 0, OPT_REAL, NULL,     "1",               "above 1: tokens seen before are less likely" },
    { "seed",           's', OPT_INT,    NULL,     "0",               "another seed, another text" },
    { "stop",           0,   OPT_LIST,   "TEXT",   NULL,              "end before this text; may be given many times" },
    { "end",            0,   OPT_TEXT,   "TOKEN",  "(<|endoftext|> where the tokenizer has it)", "special token that ends a text; \"\" for none" },
    { "echo",           0,   OPT_FLAG,   NULL,     NULL,              "print the prompt, too" },
    OPTION_DEVICE,
    { 0 }
};

struct generating {
    struct cli *c;
    rk_model *model;
    rk_device *device;
    rk_weights *weights;
    rk_session *session;
    rk_tok *tok;
    rk_ids prompt, source;
    uint32_t end;
    bool has_end;
    rk_generating how;
    const char **stops;
    bool some;                          /* an id was printed before */
    char *text;                         /* of one sample, for JSON */
    size_t n, room;
};

/* --- the prompt --- */

/* "1,2 3": numbers apart by commas or blanks. */
static int read_ids(struct generating *g, const char *option, rk_ids *ids)
{
    const char *text = cli_text(g->c, option);
    size_t room = strlen(text) + 1;
    ids->at = cli_take(room * sizeof *ids->at);
    for (const char *at = text; *(at += strspn(at, ", ")) != '\0';) {
        char *end;
        errno = 0;
        unsigned long long id = *at >= '0' && *at <= '9' ? strtoull(at, &end, 10) : UINT64_MAX;
        if (id > UINT32_MAX || errno != 0 || strchr(", ", *end) == NULL) return cli_usage(g->c, "--%s: no id at \"%.20s\"", option, at);
        ids->at[ids->n++] = (uint32_t)id;
        at = end;
    }
    return CLI_OK;
}

/* The ids lie in memory of this command, not of the library: room 0 says so. */
static int take_ids(struct generating *g, const rk_ids *ids)
{
    g->prompt.at = cli_take((ids->n + 1) * sizeof *g->prompt.at);
    if (ids->n > 0) memcpy(g->prompt.at, ids->at, ids->n * sizeof *ids->at);
    g->prompt.n = ids->n;
    if (g->prompt.n == 0 && g->has_end) g->prompt.at[g->prompt.n++] = g->end;       /* a text begins where another ended */
    return g->prompt.n > 0 ? CLI_OK : cli_usage(g->c, "the prompt is empty, and the tokenizer has no end token to begin with");
}

static int encode(struct generating *g, const char *text, size_t n)
{
    rk_ids ids = { 0 };
    int code = cli_try(g->c, rk_tok_encode(g->c->ctx, g->tok, text, n, 0, &ids));
    if (code == CLI_OK) code = take_ids(g, &ids);
    rk_ids_free(g->c->ctx, &ids);
    return code;
}

/* A decoder begins with a token that its model says. */
static int take_start(struct generating *g)
{
    double start;
    CLI_TRY(g->c, rk_model_number(g->model, "start", &start));
    g->prompt.at = cli_take(sizeof *g->prompt.at);
    g->prompt.at[g->prompt.n++] = (uint32_t)start;
    return CLI_OK;
}

static int read_prompt(struct generating *g)
{
    struct cli *c = g->c;
    const char *file = cli_text(c, "file"), *word = c->n_args > 1 ? c->args[1] : NULL;
    struct input in = { 0 };
    int code = CLI_OK, given = (word != NULL) + (file != NULL) + cli_given(c, "ids");
    bool encoder = rk_model_has_encoder(g->model);
    if (encoder != cli_given(c, "source-ids"))
        return cli_usage(c, encoder ? "%s has an encoder: give it something to read by --source-ids" : "--source-ids: %s has no encoder to read them", rk_model_title(g->model));
    if (encoder) code = read_ids(g, "source-ids", &g->source);
    if (code != CLI_OK || (encoder && given == 0)) return code != CLI_OK ? code : take_start(g);
    if (given != 1) return cli_usage(c, "give one of PROMPT, --file and --ids");
    if (cli_given(c, "ids")) return read_ids(g, "ids", &g->prompt);
    if (g->tok == NULL) return cli_usage(c, "there is no tokenizer in %s: give --tokenizer, or a prompt of --ids", c->args[0]);
    if (file == NULL && strcmp(word, "-") != 0) return encode(g, word, strlen(word));
    code = input_add(c, &in, file != NULL ? file : "-", NULL);
    if (code == CLI_OK) code = encode(g, in.n > 0 ? in.text[0].at : "", in.n > 0 ? in.text[0].n : 0);
    input_free(&in);
    return code;
}

/* --- what was asked for --- */

/* Without --tokenizer, a folder that has none is one of ids. */
static int open_tokenizer(struct generating *g)
{
    struct cli *c = g->c;
    const char *end = cli_given(c, "end") ? cli_text(c, "end") : "<|endoftext|>";
    bool asked = cli_given(c, "tokenizer");
    rk_status status = rk_tok_open(c->ctx, asked ? cli_text(c, "tokenizer") : rk_model_folder(g->model), &g->tok);
    if (status == RK_E_MISSING && !asked) rk_error_clear(c->ctx);
    else CLI_TRY(c, status);
    if (g->tok == NULL) return cli_given(c, "end") || cli_list(c, "stop", 0) != NULL ? cli_usage(c, "--end and --stop need a tokenizer") : CLI_OK;
    g->has_end = end[0] != '\0' && rk_tok_find(g->tok, end, strlen(end), &g->end);
    return g->has_end || !cli_given(c, "end") || end[0] == '\0' ? CLI_OK : cli_usage(c, "--end: the tokenizer has no token \"%s\"", end);
}

static bool each(void *user, int64_t row, uint32_t id, rk_text text)
{
    struct generating *g = user;
    if (g->c->json) {
        g->text = cli_grow(g->text, &g->room, g->n + text.n + 1, 1);
        if (text.n > 0) memcpy(g->text + g->n, text.at, text.n);
        g->n += text.n;
    } else if (g->tok != NULL) (void)fwrite(text.at, 1, text.n, g->c->out);
    else (void)fprintf(g->c->out, "%s%u", g->some ? " " : "", id);
    (void)row;
    g->some = true;
    if (!g->c->json) (void)fflush(g->c->out);
    return !cli_cancelled(g->c);
}

static int set_sampling(struct generating *g)
{
    struct cli *c = g->c;
    size_t n = 0;
    while (cli_list(c, "stop", (int)n) != NULL) n++;
    g->stops = cli_take((n + 1) * sizeof *g->stops);
    for (size_t i = 0; i < n; i++) g->stops[i] = cli_list(c, "stop", (int)i);
    if (cli_int(c, "max-new-tokens") < 1) return cli_usage(c, "--max-new-tokens: a number from 1 on");
    if (cli_int(c, "samples") < 1) return cli_usage(c, "--samples: a number from 1 on");
    if (cli_real(c, "top-p") == 0) return cli_usage(c, "--top-p: above 0");
    g->how = (rk_generating){
        .sampling = { .greedy = cli_flag(c, "greedy") || cli_real(c, "temperature") == 0, .temperature = cli_real(c, "temperature"), .top_k = (double)cli_int(c, "top-k"),
                      .top_p = cli_real(c, "top-p"), .min_p = cli_real(c, "min-p"), .repetition = cli_real(c, "repetition-penalty"), .seed = (uint64_t)cli_int(c, "seed") },
        .max_new_tokens = cli_int(c, "max-new-tokens"), .ends = &g->end, .n_ends = g->has_end, .stops = g->stops, .n_stops = n, .each = each, .user = g,
    };
    return CLI_OK;
}

/* The cache is made for what can come, at most the model's positions. */
static int open_session(struct generating *g)
{
    double positions;
    CLI_TRY(g->c, rk_model_number(g->model, "position", &positions));
    double wanted = (double)g->prompt.n + (double)g->how.max_new_tokens;
    rk_session_options sizes = { .context = (int64_t)(wanted < positions ? wanted : positions), .source = (int64_t)g->source.n };
    CLI_TRY(g->c, rk_weights_open(g->c->ctx, g->model, g->device, &g->weights));
    CLI_TRY(g->c, rk_session_open(g->weights, &sizes, &g->session));
    return g->source.n == 0 ? CLI_OK : cli_try(g->c, rk_session_encode(g->session, g->source.at, (int64_t)g->source.n, NULL));
}

/* --- samples --- */

static void print_json(struct generating *g, struct json *j, const rk_ids *ids, const rk_generated *r)
{
    json_object(j, NULL);
    json_array(j, "ids");
    for (size_t i = 0; i < ids->n; i++) json_uint(j, NULL, ids->at[i]);
    json_end(j);
    if (g->tok != NULL) json_bytes(j, "text", g->text, g->n);
    json_text(j, "stop", rk_stop_words(r->stop));
    json_real(j, "first_token_seconds", r->first_seconds);
    json_real(j, "tokens_per_second", r->tokens > 1 && r->seconds > 0 ? (double)(r->tokens - 1) / r->seconds : 0);
    json_end(j);
}

/* What it cost: the machine reads all weights for every token, so bytes per second say how near to its limit it came. */
static int tell_speed(struct generating *g, const rk_generated *r)
{
    struct cli *c = g->c;
    rk_ceilings top = { 0 };
    if (c->quiet || r->tokens < 2 || r->seconds <= 0) return CLI_OK;
    double rate = (double)(r->tokens - 1) / r->seconds, bytes = rate * (double)r->bytes;
    if (strcmp(rk_device_name(g->device), "cpu") == 0) CLI_TRY(c, rk_device_ceilings(g->device, false, &top));
    if (top.read_bytes > 0)
        cli_note(c, "%s tokens (%s), %.1f tokens/s, the first after %s; %s/s of weights and cache, %s of what this machine reads", say_count((uint64_t)r->tokens).at,
                 rk_stop_words(r->stop), rate, say_seconds(r->first_seconds).at, say_bytes_si((uint64_t)bytes).at, say_percent(bytes / top.read_bytes).at);
    else cli_note(c, "%s tokens (%s), %.1f tokens/s, the first after %s", say_count((uint64_t)r->tokens).at, rk_stop_words(r->stop), rate, say_seconds(r->first_seconds).at);
    return CLI_OK;
}

static int sample(struct generating *g, struct json *j, int64_t i)
{
    struct cli *c = g->c;
    rk_generated result;
    rk_ids ids = { 0 };
    int code;
    g->how.stream = (uint64_t)i;
    g->some = false;
    g->n = 0;
    if (cli_flag(c, "echo") && !c->json && g->tok != NULL) {
        rk_bytes text = { 0 };
        CLI_TRY(c, rk_tok_decode(c->ctx, g->tok, g->prompt.at, g->prompt.n, RK_TOK_SKIP_SPECIAL, &text));
        (void)fwrite(text.at, 1, text.n, c->out);
        rk_bytes_free(c->ctx, &text);
    }
    CLI_GO(c, rk_session_rewind(g->session, 0));
    CLI_GO(c, rk_generate(g->session, g->tok, g->prompt.at, g->prompt.n, &g->how, &ids, &result));
    if (c->json) print_json(g, j, &ids, &result);
    else (void)fputc('\n', c->out);
    (void)fflush(c->out);
    code = result.stop == RK_STOP_CALLER ? cli_fail(c, CLI_INTERRUPTED, NULL, "interrupted") : tell_speed(g, &result);
out:
    rk_ids_free(c->ctx, &ids);
    return code;
}

static int all_samples(struct generating *g)
{
    struct cli *c = g->c;
    struct json j;
    int code = CLI_OK;
    json_begin(&j, c->out);
    if (c->json) {
        json_object(&j, NULL);
        json_text(&j, "model", rk_model_name(g->model));
        json_text(&j, "device", rk_device_text(g->device));
        json_array(&j, "prompt");
        for (size_t i = 0; i < g->prompt.n; i++) json_uint(&j, NULL, g->prompt.at[i]);
        json_end(&j);
        json_array(&j, "samples");
    }
    for (int64_t i = 0; i < cli_int(c, "samples") && code == CLI_OK; i++) {
        if (i > 0 && !c->json) (void)fputc('\n', c->out);
        code = sample(g, &j, i);
    }
    if (c->json) {
        json_end(&j);
        json_end(&j);
    }
    return code;
}

static int run(struct cli *c)
{
    struct generating g = { .c = c };
    int code = cli_try(c, rk_model_open(c->ctx, c->args[0], &g.model));
    if (code == CLI_OK) code = open_tokenizer(&g);
    if (code == CLI_OK) code = set_sampling(&g);
    if (code == CLI_OK) code = read_prompt(&g);
    if (code == CLI_OK) code = device_open(c, &g.device);
    if (code == CLI_OK) code = open_session(&g);
    cli_watch();
    if (code == CLI_OK) code = all_samples(&g);
    free(g.text);
    free(g.stops);
    free(g.prompt.at);
    free(g.source.at);
    rk_session_close(g.session);
    rk_weights_close(g.weights);
    rk_device_close(g.device);
    rk_tok_close(c->ctx, g.tok);
    rk_model_close(g.model);
    return code;
}

static const struct example examples[] = {
    { "generate model 'It was' --max-new-tokens 20",     "twenty tokens after a prompt", "model/model.safetensors" },
    { "generate model 'It was' -n 3 -t 0.8 --top-p 0.95 --seed 7",  "three samples, a little bolder", "model/model.safetensors" },
    { "generate marian --source-ids 5,17,9,2 --greedy",  "what an encoder and decoder make of a source", "marian/model.safetensors" },
    { "generate model --ids 1,2,3 --greedy --json",      "ids instead of text, for a program", "model/model.safetensors" },
    { 0 }
};

const struct command cmd_generate = {
    .name = "generate", .arguments = "DIR [PROMPT]", .purpose = "text after a prompt", .options = options, .examples = examples, .json = true, .run = run,
    .notes = "DIR holds config.json, model.safetensors and, unless --tokenizer names another folder, tokenizer.json. PROMPT is text, or - for standard "
             "input; an empty one begins a new text. The text is printed as it comes; the same seed gives the same text.",
};
