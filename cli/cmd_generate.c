/* reckon generate: text after prompts, as it comes. */
#include "device.h"
#include "end.h"
#include "generate.h"
#include "model.h"

static const struct option options[] = {
    { "ids",            0,   OPT_TEXT,   "1,2,3;4,5", NULL,           "prompts as ids; without a tokenizer ids are printed, too" },
    { "source",         0,   OPT_TEXT,   NULL,     NULL,              "with an encoder: the text that it reads; the prompt is then the start token, if none is given" },
    { "source-ids",     0,   OPT_TEXT,   "1,2,3;4,5", NULL,           "the same as ids, with the end token where the model wants one" },
    { "file",           'f', OPT_FILE,   NULL,     NULL,              "every line of this file that is not empty is a prompt" },
    { "tokenizer",      'k', OPT_FOLDER, NULL,     "(DIR)",           "the tokenizer" },
    { "samples",        'n', OPT_SIZE,   NULL,     "(generation_config.json, or 1)", "so many continuations of each prompt" },
    { "greedy",         'g', OPT_FLAG,   NULL,     NULL,              "always the likeliest token" },
    { "temperature",    't', OPT_REAL,   NULL,     "(generation_config.json, or 1)", "below 1: bolder on the likely; 0 is --greedy" },
    { "top-k",          0,   OPT_SIZE,   NULL,     "(generation_config.json, or all)", "draw from the so many likeliest" },
    { "top-p",          0,   OPT_REAL,   NULL,     "(generation_config.json, or 1)", "draw from the fewest that together have this probability" },
    { "min-p",          0,   OPT_REAL,   NULL,     "(generation_config.json, or 0)", "draw from those at least so likely as this times the likeliest" },
    { "seed",           's', OPT_INT,    NULL,     "0",               "another seed, another text" },
    OPTIONS_SEARCH,
    { "stop",           0,   OPT_LIST,   "TEXT",   NULL,              "end before this text" },
    { "end",            0,   OPT_TEXT,   "TOKEN",  "(generation_config.json, or " CLI_ENDS_OF ")", "special token that ends a text; \"\" for none" },
    { "echo",           0,   OPT_FLAG,   NULL,     NULL,              "print the prompt, too" },
    OPTION_RUNS,
    { 0 }
};

/* Of the likeliest tokens there is one row, whatever the folder says of samples. */
static int set_samples(struct generating *g, bool likeliest)
{
    struct cli *c = g->c;
    if (cli_given(c, "samples")) g->how.samples = cli_int(c, "samples");
    if (cli_given(c, "samples") && g->how.samples < 1) return cli_usage(c, "--samples: a number from 1 on");
    if (!likeliest || g->how.beams != NULL) return CLI_OK;
    if (cli_given(c, "samples") && g->how.samples > 1) return cli_usage(c, "--samples: the likeliest tokens are one text; leave --greedy away, or give --beams");
    g->how.samples = 1;
    return CLI_OK;
}

static int set_sampling(struct generating *g)
{
    struct cli *c = g->c;
    rk_sampling *s = &g->how.sampling;
    if (cli_given(c, "top-p") && cli_real(c, "top-p") == 0) return cli_usage(c, "--top-p: above 0");
    if (cli_given(c, "temperature")) s->temperature = cli_real(c, "temperature");
    if (cli_given(c, "top-k")) s->top_k = (double)cli_int(c, "top-k");
    if (cli_given(c, "top-p")) s->top_p = cli_real(c, "top-p");
    if (cli_given(c, "min-p")) s->min_p = cli_real(c, "min-p");
    s->seed = (uint64_t)cli_int(c, "seed");
    bool draws = cli_given(c, "temperature") || cli_given(c, "top-k") || cli_given(c, "top-p") || cli_given(c, "min-p"), cold = cli_given(c, "temperature") && s->temperature == 0;
    if (cli_given(c, "beams") && g->beams.n > 1 && draws) return cli_usage(c, "--beams searches; it does not draw: leave --temperature, --top-k, --top-p and --min-p away");
    if (cli_flag(c, "greedy") && draws && !cold) return cli_usage(c, "--greedy takes the likeliest token; it does not draw: leave --temperature, --top-k, --top-p and --min-p away");
    if (draws) s->greedy = cold, g->how.beams = NULL;           /* what was typed wins over the folder's search */
    int code = generate_greedy(g);
    return code == CLI_OK ? set_samples(g, cli_flag(c, "greedy") || cold) : code;
}

static int run(struct cli *c)
{
    struct generating g = { .c = c };
    int code = generate_open(&g);
    if (code == CLI_OK) code = model_must(c, g.model, MODEL_WRITES);
    if (code == CLI_OK) code = generate_settle(&g);
    if (code == CLI_OK) code = set_sampling(&g);
    if (code == CLI_OK) code = cli_try(c, rk_sampling_check(c->ctx, &g.how.sampling));
    if (code == CLI_OK) code = prompts_read(&g);
    if (code == CLI_OK) code = device_open(c, &g.device);
    if (code == CLI_OK) code = cli_try(c, rk_weights_open(c->ctx, g.model, g.device, &g.weights));
    cli_watch();
    if (code == CLI_OK) code = generate_rows(&g);
    generate_close(&g);
    return code;
}

static const struct example examples[] = {
    { "generate model 'It was' --max-new-tokens 20",     "twenty tokens after a prompt", "model/model.safetensors" },
    { "generate model 'It was' -n 3 -t 0.8 --top-p 0.95 --seed 7",  "three samples, a little bolder", "model/model.safetensors" },
    { "generate model --ids '1,2,3;4,5' --beams 4 -m 8", "the best of four beams, for two prompts", "model/model.safetensors" },
    { "generate marian --source-ids 5,17,9,2 --greedy",  "what an encoder and decoder make of a source", "marian/model.safetensors" },
    { "generate model --ids 1,2,3 --greedy --json",      "ids instead of text, for a program", "model/model.safetensors" },
    { 0 }
};

const struct command cmd_generate = {
    .name = "generate", .arguments = "DIR [PROMPT]", .purpose = "text after prompts", .options = options, .examples = examples, .json = true, .run = run,
    .notes = "DIR holds config.json, model.safetensors and, unless --tokenizer names another folder, tokenizer.json. PROMPT is text, or - for standard "
             "input, all of it, a last newline too; an empty one begins a new text. The first text is printed as it comes; the same seed gives the same text.\n"
             "A generation_config.json in DIR gives the defaults, as transformers writes it; what is typed wins. docs/generation.md tells the rules and their order.",
};
