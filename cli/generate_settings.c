/* generate_settings.c: how it is generated: what the folder's generation_config.json says, and options over it. */
#include "device.h"
#include "end.h"
#include "generate.h"
#include "model.h"
#include "words.h"
#include <stdlib.h>
#include <string.h>

int generate_open(struct generating *g)
{
    struct cli *c = g->c;
    int code = model_in_folder(c, &g->model);
    if (code != CLI_OK) return code;
    CLI_TRY(c, rk_generation_config_open(c->ctx, cli_flag(c, "plain") ? "" : rk_model_folder(g->model), &g->config));
    if (g->config->unknown[0] != '\0') cli_note(c, "%s: passed over, since nobody here knows them: %s", g->config->path, g->config->unknown);
    return CLI_OK;
}

/* Tokens that end a text: --end, else what the folder says, else the usual one that the tokenizer has. */
static int find_ends(struct generating *g)
{
    struct cli *c = g->c;
    int64_t end;
    if (!cli_given(c, "end") && g->how.n_ends > 0) return CLI_OK;
    int code = end_token(c, g->tok, &end);
    if (code != CLI_OK) return code;
    g->ends = cli_take(sizeof *g->ends);
    g->ends[0] = end >= 0 ? (uint32_t)end : 0;
    g->how.ends = g->ends;
    g->how.n_ends = end >= 0;
    return CLI_OK;
}

static int find_stops(struct generating *g)
{
    struct cli *c = g->c;
    size_t n = 0;
    while (cli_list(c, "stop", (int)n) != NULL) n++;
    if (n > 0 && g->tok == NULL) return cli_usage(c, "--stop needs a tokenizer");
    g->stops = cli_take((n + 1) * sizeof *g->stops);
    for (size_t i = 0; i < n; i++) {
        g->stops[i] = cli_list(c, "stop", (int)i);
        if (g->stops[i][0] == '\0') return cli_usage(c, "--stop: an empty text stands everywhere");
    }
    g->how.stops = g->stops;
    g->how.n_stops = n;
    return CLI_OK;
}

int generate_search(struct generating *g)
{
    struct cli *c = g->c;
    rk_sampling *s = &g->how.sampling;
    g->beams = g->how.beams != NULL ? *g->how.beams : (rk_beams){ .n = 1, .length_penalty = 1 };
    if (cli_given(c, "max-new-tokens")) g->how.max_new_tokens = cli_int(c, "max-new-tokens");
    if (cli_given(c, "max-new-tokens") && g->how.max_new_tokens < 1) return cli_usage(c, "--max-new-tokens: a number from 1 on");
    if (cli_given(c, "beams")) g->beams.n = cli_int(c, "beams");
    if (cli_given(c, "beams") && g->beams.n < 1) return cli_usage(c, "--beams: a number from 1 on");
    if (cli_given(c, "length-penalty")) g->beams.length_penalty = cli_real(c, "length-penalty");
    if (cli_given(c, "early-stopping")) g->beams.early = (rk_early)cli_choice(c, "early-stopping");
    if (cli_given(c, "repetition-penalty")) s->repetition = cli_real(c, "repetition-penalty");
    if (cli_given(c, "repetition-penalty") && s->repetition == 0) return cli_usage(c, "--repetition-penalty: above 0");
    if (cli_given(c, "no-repeat")) s->no_repeat = (double)cli_int(c, "no-repeat");
    if (cli_given(c, "min-new-tokens")) s->min_new = (double)cli_int(c, "min-new-tokens");
    if (cli_int(c, "batch") < 1) return cli_usage(c, "--batch: a number from 1 on");
    g->how.invariant = cli_flag(c, "batch-invariant");
    g->how.beams = g->beams.n > 1 ? &g->beams : NULL;
    if (g->how.beams != NULL) s->greedy = true;
    return CLI_OK;
}

int generate_greedy(struct generating *g)
{
    static const char *const of_beams[] = { "length-penalty", "early-stopping" };
    struct cli *c = g->c;
    if (cli_flag(c, "greedy") && cli_given(c, "beams") && g->beams.n > 1) return cli_usage(c, "--greedy takes the likeliest token, --beams searches: give one of them");
    if (cli_flag(c, "greedy")) g->how.sampling.greedy = true, g->how.beams = NULL;
    for (size_t i = 0; i < sizeof of_beams / sizeof *of_beams; i++)
        if (cli_given(c, of_beams[i]) && g->how.beams == NULL) return cli_usage(c, "--%s is of beams, and there are none: give --beams", of_beams[i]);
    return CLI_OK;
}

int generate_settle(struct generating *g)
{
    g->how = g->config->how;
    int code = words_tokenizer(g->c, g->model, false, &g->tok);
    if (code == CLI_OK) code = find_ends(g);
    if (code == CLI_OK) code = find_stops(g);
    return code == CLI_OK ? generate_search(g) : code;
}

void generate_close(struct generating *g)
{
    for (size_t i = 0; i < g->n; i++) free(g->prompts[i].ids.at), free(g->prompts[i].source.at);
    free(g->prompts);
    free(g->ends);
    free(g->stops);
    rk_weights_close(g->weights);
    rk_device_close(g->device);
    rk_tok_close(g->c->ctx, g->tok);
    rk_generation_config_close(g->c->ctx, g->config);
    rk_model_close(g->model);
}
