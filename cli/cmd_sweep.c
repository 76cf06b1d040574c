/* reckon sweep: a table of costs over a range of sizes: what a longer context, a wider model or a larger batch does.
 *
 * Every point is a model of its own, opened and priced: nothing is interpolated. Not here: ranges (range.c), how it is written
 * (sweep_print.c), what one point is (sweep_point.c). */
#include "out.h"
#include "sweep.h"
#include <stdlib.h>
#include <string.h>

#define DEFAULT_SHOW "parameters,flops.forward,flops.backward,bytes.parameters,bytes.cache"
#define FORWARD_SHOW "parameters,flops.forward,bytes.parameters,bytes.cache"        /* where nothing is learned */

static const struct option options[] = {
    { "over",  'o', OPT_LIST, "NAME=VALUES", NULL,         "seq, batch, dtype, policy, optimizer or any field: seq=1Ki..128Ki, batch=1,2,4, hidden=256..1024:256; several: every pair" },
    { "show",  0,   OPT_TEXT, "NAME,...",    DEFAULT_SHOW, "entries of the bill (reckon count MODEL --json) or of conventions (bytes.eager.total), fields, bytes.cache, bytes.state, flops.training" },
    { "mode",  'm', OPT_CHOICE, "train|eval|prefill|decode", "train", "a step of training, scoring, a prompt's logits, or one token at context T" },
    { "csv",   0,   OPT_FLAG, NULL,          NULL,         "lines of exact integers with commas between them" },
    { "exact", 0,   OPT_FLAG, NULL,          NULL,         "exact integers in the table too" },
    OPTIONS_OF_SIZE,
    OPTION_OF_OPTIMIZER,
    OPTION_OF_POLICY("fp32"),
    { 0 }
};

/* --- all of it --- */

static int read_knobs(struct cli *c, struct sweep *s)
{
    const char *text;
    for (int i = 0; (text = cli_list(c, "over", i)) != NULL; i++) {
        if (i == SWEEP_KNOBS) return cli_usage(c, "--over: at most %d at once", SWEEP_KNOBS);
        s->n_knobs = i + 1;
        if (!range_read(text, &s->knob[i])) return cli_usage(c, "--over: %s", s->knob[i].why);
        for (int k = 0; k < i; k++)
            if (strcmp(s->knob[k].name, s->knob[i].name) == 0) return cli_usage(c, "--over: %s twice", s->knob[i].name);
        s->n_rows = (i == 0 ? 1 : s->n_rows) * (size_t)s->knob[i].n;
        if (s->n_rows > RANGE_MOST) return cli_usage(c, "--over: more than %d points", RANGE_MOST);
    }
    return s->n_knobs > 0 ? CLI_OK : cli_usage(c, "--over is missing: what is swept, such as --over seq=1Ki..128Ki");
}

static int read_columns(struct cli *c, struct sweep *s, const rk_bill_settings *settings, bool *plan)
{
    const char *shows = settings->mode != RK_MODE_TRAIN && !cli_given(c, "show") ? FORWARD_SHOW : cli_text(c, "show");
    s->shows = cli_copy(shows);
    for (char *at = strtok(s->shows, ", "); at != NULL; at = strtok(NULL, ", ")) {
        if (s->n_columns == SWEEP_COLUMNS) return cli_usage(c, "--show: at most %d columns", SWEEP_COLUMNS);
        s->column[s->n_columns++] = at;
        *plan = *plan || strncmp(at, "bytes.plan.", 11) == 0 || strncmp(at, "flops.plan.", 11) == 0;
    }
    return s->n_columns > 0 ? CLI_OK : cli_usage(c, "--show: nothing to show");
}

static int fill(struct cli *c, struct sweep *s, const rk_bill_settings *settings)
{
    struct progress progress;
    int code = CLI_OK;
    s->rows = cli_grow(NULL, &s->rows_room, s->n_rows, sizeof *s->rows);
    bool slow = s->n_rows > 64;                 /* a point takes milliseconds */
    if (slow) progress_begin(&progress, c, "sweeping", "points", s->n_rows);
    cli_watch();
    for (size_t i = 0; i < s->n_rows && code == CLI_OK; i++) {
        code = cli_cancelled(c) ? CLI_INTERRUPTED : sweep_fill(c, s, i, settings);
        if (slow) progress_step(&progress, i + 1, "%s", "");
    }
    if (slow) progress_end(&progress);
    return code;
}

static int run(struct cli *c)
{
    struct sweep *s = cli_take(sizeof *s);
    rk_bill_settings settings;
    int code = cli_flag(c, "csv") && c->json ? cli_usage(c, "--csv or --json, not both") : model_settings(c, &settings);
    settings.mode = (rk_bill_mode)cli_choice(c, "mode");
    settings.policy = cli_text(c, "policy");
    settings.optimizer = (rk_optimizer)cli_choice(c, "optimizer");
    if (code == CLI_OK) code = read_knobs(c, s);
    if (code == CLI_OK) code = read_columns(c, s, &settings, &settings.plan);
    if (code == CLI_OK) code = fill(c, s, &settings);
    if (code == CLI_OK && c->json) sweep_json(c, s);
    else if (code == CLI_OK && cli_flag(c, "csv")) sweep_csv(c, s);
    else if (code == CLI_OK) sweep_print(c, s, cli_flag(c, "exact"));
    rk_bill_free(s->kept);
    for (int i = 0; i < s->n_knobs; i++) range_free(&s->knob[i]);
    free(s->rows);
    free(s->shows);
    free(s);
    return code;
}

static const struct example examples[] = {
    { "sweep gpt2:layer=2 --over seq=256..4Ki",                                "what a longer context costs", NULL },
    { "sweep cs336-17m --over hidden=128..512:128 --show ff,parameters,flops.training", "and a wider model: ff follows where it is the default", NULL },
    { "sweep gpt2:layer=2 --over seq=512,1Ki,2Ki --show flops.convention.bill,flops.convention.six_n,bytes.eager.total", "what other people's rules make of it", NULL },
    { "sweep gpt2:layer=2 --over batch=1,2,4 --over seq=128,256 --csv",        "every pair, for a spreadsheet", NULL },
    { "sweep gpt2 --mode decode --over seq=128..1Ki",                          "what one more token costs, by how many stand before it", NULL },
    { "sweep gpt2 --over layer=1..3 --json",                                   "for a program: exact integers", NULL },
    { 0 }
};

const struct command cmd_sweep = {
    .name = "sweep", .arguments = "MODEL", .purpose = "a table of costs over a range of sizes", .options = options, .examples = examples,
    .complete = model_complete, .json = true, .whole = true, .run = run,
    .notes = "VALUES are numbers, words and ranges with commas between them. A..B goes by ones up to 16 and doubles beyond; A..B:S goes in steps of S, A..B:*M in "
             "factors of M. 1k is 1000, 1Ki is 1024. What is no more than its default of other fields follows them: ff where it is 4*hidden. A sequence "
             "longer than the model's context asks for a model with as many positions, and is marked.\n" MODEL_NOTES,
};
