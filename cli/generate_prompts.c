/* generate_prompts.c: what is to be gone on from: ids or texts, one or many. */
#include "generate.h"
#include "input.h"
#include "model.h"
#include "words.h"
#include <string.h>

struct asked *prompts_new(struct generating *g)
{
    g->prompts = cli_grow(g->prompts, &g->room, g->n + 1, sizeof *g->prompts);
    return &g->prompts[g->n++];
}

/* Sources come first, and prompts beside them. */
int prompts_add_ids(struct generating *g, const char *option, bool source)
{
    const char *text = cli_text(g->c, option);
    size_t i = 0;
    do {
        struct asked *p = source || i >= g->n ? prompts_new(g) : &g->prompts[i];
        struct list *ids = source ? &p->source : &p->ids;
        if (ids->at != NULL) return cli_usage(g->c, "--%s: more lists than --source-ids has", option);
        int code = text_ids(g->c, option, &text, &ids->at, &ids->n);
        if (code != CLI_OK) return code;
        if (ids->n == 0) return cli_usage(g->c, "--%s: list %zu is empty", option, i + 1);
        i++;
    } while (*text != '\0');
    return CLI_OK;
}

int prompts_start(struct generating *g, struct list *ids)
{
    double start;
    ids->at = cli_take(sizeof *ids->at);
    ids->n = 1;
    if (rk_model_has_encoder(g->model)) {
        CLI_TRY(g->c, rk_model_number(g->model, "start", &start));
        ids->at[0] = (uint32_t)start;
    } else if (g->config->has_start) ids->at[0] = g->config->start;
    else if (g->how.n_ends > 0) ids->at[0] = g->how.ends[0];                            /* a text begins where another ended */
    else return cli_usage(g->c, "the prompt is empty, and there is neither a start token nor an end token to begin with");
    return CLI_OK;
}

int prompts_add_text(struct generating *g, const char *text, size_t n)
{
    rk_ids ids = { 0 };
    struct list *to = &prompts_new(g)->ids;
    int code = cli_try(g->c, rk_tok_encode(g->c->ctx, g->tok, text, n, 0, &ids));
    if (code == CLI_OK && ids.n == 0) code = prompts_start(g, to);
    else if (code == CLI_OK) {
        to->at = cli_take(ids.n * sizeof *to->at);
        to->n = ids.n;
        memcpy(to->at, ids.at, ids.n * sizeof *to->at);
    }
    rk_ids_free(g->c->ctx, &ids);
    return code;
}

/* A prompt a line; empty lines are none. */
static int add_line(void *user, uint64_t number, const char *line, size_t n)
{
    struct generating *g = user;
    if (n > 0 && line[n - 1] == '\r') n--;
    if (n == 0) return CLI_OK;
    int code = prompts_add_text(g, line, n);
    g->prompts[g->n - 1].line = number;
    return code;
}

static int read_lines(struct generating *g, const char *file, rk_text text)
{
    int code = text_lines(g->c, text, &(uint64_t){ 0 }, add_line, g);
    return code == CLI_OK && g->n == 0 ? cli_fail(g->c, CLI_DATA, "every line that is not empty is a prompt", "there is no prompt in %s", file) : code;
}

static int read_input(struct generating *g, const char *file)
{
    struct input in = { 0 };
    const char *path = file != NULL ? file : "-";
    int code = input_paths(g->c, &in, &path, 1);
    rk_text text = in.n > 0 ? in.text[0] : (rk_text){ "", 0 };
    if (code == CLI_OK) code = file != NULL ? read_lines(g, file, text) : prompts_add_text(g, text.at, text.n);
    input_free(&in);
    return code;
}

/* Which prompt is meant, as whoever gave it counts. */
struct place { char text[64]; };
static struct place place_of(const struct generating *g, size_t i)
{
    struct place p = { "the prompt" };
    if (g->prompts[i].line > 0) (void)snprintf(p.text, sizeof p.text, "line %llu", (unsigned long long)g->prompts[i].line);
    else if (g->n > 1) (void)snprintf(p.text, sizeof p.text, "prompt %zu of %zu", i + 1, g->n);
    return p;
}

static bool given(const struct generating *g, const char *option) { return cli_offers(g->c, option) && cli_given(g->c, option); }

static int check_list(struct generating *g, size_t i, const struct list *ids, double context, double vocab)
{
    if ((double)ids->n > context)
        return cli_fail(g->c, CLI_DATA, "take a shorter one, or a model with a longer context", "%s has %zu tokens; the context of this model is %.0f", place_of(g, i).text, ids->n, context);
    bool typed = given(g, "ids") || given(g, "source-ids");             /* by hand, and not made of a text */
    return words_within(g->c, place_of(g, i).text, ids->at, ids->n, vocab, typed);
}

int prompts_check(struct generating *g)
{
    double context, vocab, source = 0;
    int code = CLI_OK;
    CLI_TRY(g->c, rk_model_number(g->model, "position", &context));
    CLI_TRY(g->c, rk_model_number(g->model, "vocab", &vocab));
    if (rk_model_has_encoder(g->model)) CLI_TRY(g->c, rk_model_number(g->model, "source_vocab", &source));
    for (size_t i = 0; i < g->n && code == CLI_OK; i++) {
        code = check_list(g, i, &g->prompts[i].source, context, source);
        if (code == CLI_OK) code = check_list(g, i, &g->prompts[i].ids, context, vocab);
    }
    return code;
}

/* A source ends as a text does: what `reckon train` learns from pairs. */
static int encode_source(struct generating *g, const char *text)
{
    rk_ids ids = { 0 };
    struct list *to = &prompts_new(g)->source;
    CLI_TRY(g->c, rk_tok_encode(g->c->ctx, g->tok, text, strlen(text), 0, &ids));
    to->at = cli_take((ids.n + 1) * sizeof *to->at);
    if (ids.n > 0) memcpy(to->at, ids.at, ids.n * sizeof *ids.at);
    to->n = ids.n;
    if (g->how.n_ends > 0) to->at[to->n++] = g->how.ends[0];
    rk_ids_free(g->c->ctx, &ids);
    return to->n > 0 ? CLI_OK : cli_usage(g->c, "--source is empty");
}

static int read_sources(struct generating *g)
{
    struct cli *c = g->c;
    bool encoder = rk_model_has_encoder(g->model);
    int given = cli_given(c, "source") + cli_given(c, "source-ids");
    if (!encoder && given > 0) return cli_usage(c, "--source, --source-ids: %s has no encoder to read them", rk_model_title(g->model));
    if (encoder && given != 1) return cli_usage(c, "%s has an encoder: give it something to read by %s", rk_model_title(g->model), given == 0 ? "--source-ids or --source" : "one of --source-ids and --source");
    if (!encoder) return CLI_OK;
    if (cli_given(c, "source-ids")) return prompts_add_ids(g, "source-ids", true);
    return g->tok != NULL ? encode_source(g, cli_text(c, "source")) : model_no_tokenizer(c, g->model, "--source-ids");
}

int prompts_read(struct generating *g)
{
    struct cli *c = g->c;
    const char *file = cli_text(c, "file"), *word = c->n_args > 1 ? c->args[1] : NULL;
    bool encoder = rk_model_has_encoder(g->model);
    int code = read_sources(g), given = (word != NULL) + (file != NULL) + cli_given(c, "ids");
    if (code != CLI_OK) return code;
    if (encoder && (word != NULL || file != NULL)) return cli_usage(c, "what %s reads is given by --source or --source-ids; reckon translate takes lines of text", rk_model_title(g->model));
    if (!encoder && given != 1) return cli_usage(c, "give one of PROMPT, --file and --ids");
    if (cli_given(c, "ids")) code = prompts_add_ids(g, "ids", false);
    else if (!encoder && g->tok == NULL) return model_no_tokenizer(c, g->model, "a prompt of --ids");
    else if (!encoder) code = file == NULL && strcmp(word, "-") != 0 ? prompts_add_text(g, word, strlen(word)) : read_input(g, file);
    for (size_t i = 0; i < g->n && code == CLI_OK; i++)
        if (g->prompts[i].ids.at == NULL) code = prompts_start(g, &g->prompts[i].ids);
    return code == CLI_OK ? prompts_check(g) : code;
}
