/* reckon translate: texts of one language into another, by a model with an encoder: a line in, a line out. */
#include "device.h"
#include "generate.h"
#include "input.h"
#include "model.h"
#include <string.h>

static const struct option options[] = {
    { "ids",            0,   OPT_TEXT,   "1,2,3;4,5", NULL,           "what is read as ids, with its end token; ids are printed" },
    { "file",           'f', OPT_FILE,   NULL,     NULL,              "every line of this file is a text" },
    { "tokenizer",      'k', OPT_FOLDER, NULL,     "(DIR)",           "where source.spm, target.spm and vocab.json are" },
    { "alternatives",   'n', OPT_SIZE,   NULL,     "1",               "so many of the best beams for each text" },
    { "greedy",         'g', OPT_FLAG,   NULL,     NULL,              "the likeliest token each time, without beams" },
    OPTIONS_SEARCH,
    OPTION_RUNS,
    { 0 }
};

static int read_ids(struct generating *g)
{
    int code = prompts_add_ids(g, "ids", true);
    for (size_t i = 0; i < g->n && code == CLI_OK; i++) code = prompts_start(g, &g->prompts[i].ids);
    return code;
}

/* An empty line is translated too: as many lines come out as go in. */
static int add_line(void *user, uint64_t number, const char *line, size_t n)
{
    struct generating *g = user;
    rk_ids ids = { 0 };
    if (n > 0 && line[n - 1] == '\r') n--;
    int code = cli_try(g->c, rk_pair_encode(g->c->ctx, g->own, line, n, &ids));
    if (code == CLI_OK) {
        struct asked *p = prompts_new(g);
        p->source.at = cli_take(ids.n * sizeof *p->source.at);
        p->source.n = ids.n;
        memcpy(p->source.at, ids.at, ids.n * sizeof *ids.at);
        p->line = number;
        code = prompts_start(g, &p->ids);
    }
    rk_ids_free(g->c->ctx, &ids);
    return code;
}

static int add_lines(struct generating *g, rk_text text) { return text_lines(g->c, text, &(uint64_t){ 0 }, add_line, g); }

static int read_texts(struct generating *g)
{
    struct cli *c = g->c;
    const char *file = cli_text(c, "file"), *word = c->n_args > 1 ? c->args[1] : NULL;
    struct input in = { 0 };
    if ((word != NULL) + (file != NULL) + cli_given(c, "ids") != 1) return cli_usage(c, "give one of TEXT, --file and --ids");
    if (cli_given(c, "ids")) return read_ids(g);
    if (file == NULL && strcmp(word, "-") != 0) return add_lines(g, (rk_text){ word, strlen(word) });
    const char *path = file != NULL ? file : "-";
    int code = input_paths(c, &in, &path, 1);
    if (code == CLI_OK && in.n > 0) code = add_lines(g, in.text[0]);
    input_free(&in);
    return code == CLI_OK && g->n == 0 ? cli_fail(c, CLI_DATA, NULL, "there is no text in the input") : code;
}

static bool print(struct generating *g, const rk_ids *ids, struct text *text)
{
    rk_bytes out = { 0 };
    bool well = rk_pair_decode(g->c->ctx, g->own, ids->at, ids->n, &out) == RK_OK;
    if (well) {
        text->at = cli_grow(text->at, &text->room, out.n + 1, 1);
        if (out.n > 0) memcpy(text->at, out.at, out.n);
        text->n = out.n;
    }
    rk_bytes_free(g->c->ctx, &out);
    return well;
}

static int open_pair(struct generating *g)
{
    struct cli *c = g->c;
    rk_pair *pair;
    if (cli_given(c, "ids")) return CLI_OK;
    CLI_TRY(c, rk_pair_open(c->ctx, cli_given(c, "tokenizer") ? cli_text(c, "tokenizer") : rk_model_folder(g->model), &pair));
    g->own = pair;
    g->print = print;
    return CLI_OK;
}

/* What is not said: the tokenizer's end; no drawing. */
static int settle(struct generating *g)
{
    g->how = g->config->how;
    int code = generate_search(g);
    if (code == CLI_OK) code = generate_greedy(g);
    if (code != CLI_OK) return code;
    g->how.sampling.greedy = true;
    if (g->how.n_ends == 0 && g->own != NULL) {
        g->ends = cli_take(sizeof *g->ends);
        g->ends[0] = rk_pair_end(g->own);
        g->how.ends = g->ends;
        g->how.n_ends = 1;
    }
    g->how.samples = cli_int(g->c, "alternatives");
    if (g->how.samples < 1) return cli_usage(g->c, "--alternatives: a number from 1 on");
    return g->how.samples == 1 || (g->how.beams != NULL && g->how.samples <= g->beams.n) ? CLI_OK : cli_usage(g->c, "--alternatives: at most as many as --beams");
}

static int run(struct cli *c)
{
    struct generating g = { .c = c };
    int code = generate_open(&g);
    if (code == CLI_OK) code = model_must(c, g.model, MODEL_TRANSLATES);
    if (code == CLI_OK) code = open_pair(&g);
    if (code == CLI_OK) code = settle(&g);
    if (code == CLI_OK) code = cli_try(c, rk_sampling_check(c->ctx, &g.how.sampling));
    if (code == CLI_OK) code = read_texts(&g);
    if (code == CLI_OK) code = prompts_check(&g);
    if (code == CLI_OK) code = device_open(c, &g.device);
    if (code == CLI_OK) code = cli_try(c, rk_weights_open(c->ctx, g.model, g.device, &g.weights));
    cli_watch();
    if (code == CLI_OK) code = generate_rows(&g);
    rk_pair_close(g.own);
    generate_close(&g);
    return code;
}

static const struct example examples[] = {
    { "translate opus-mt-en-de 'The books are open.'",    "a sentence, by the beams that its folder asks for", "opus-mt-en-de/source.spm" },
    { "translate marian --ids 5,17,9,2 --beams 4 -m 8",   "ids instead of text", "marian/model.safetensors" },
    { 0 }
};

const struct command cmd_translate = {
    .name = "translate", .arguments = "DIR [TEXT]", .purpose = "texts into another language", .options = options, .examples = examples, .json = true, .run = run,
    .notes = "DIR holds a model with an encoder and a decoder, such as Marian's opus-mt, with source.spm, target.spm and vocab.json. TEXT is text, or - for "
             "standard input; a line is a text, and comes out as a line. A model of several languages wants to be told: '>>fra<< The books are open.'\n"
             "A generation_config.json in DIR gives the defaults; what is typed wins.",
};
