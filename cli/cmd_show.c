/* reckon show: the module tree of a model: parameters, shapes, einsums, each with its size and formula. */
#include "model.h"
#include "out.h"

static const struct option options[] = { OPTIONS_OF_SIZE, { 0 } };

static int run(struct cli *c)
{
    rk_bill_settings settings;
    rk_model *m = NULL;
    const char *text;
    int code = model_settings(c, &settings);
    if (code != CLI_OK) return code;
    CLI_GO(c, rk_model_open(c->ctx, c->args[0], &m));
    CLI_GO(c, rk_model_show(m, &settings, c->json, &text));
    if (!c->json) model_headline(c, m, &settings);
    (void)fprintf(c->out, "%s%s", text, c->json ? "\n" : "");
out:
    rk_model_close(m);
    return code;
}

static const struct example examples[] = {
    { "show gpt2",                   "what GPT-2 is made of", NULL },
    { "show cs336-17m --json",       "the same of a small model, for a program", NULL },
    { "show gpt2:n_layer=2 -t 64",   "with other sizes", NULL },
    { 0 }
};

const struct command cmd_show = {
    .name = "show", .arguments = "MODEL", .purpose = "the module tree of a model: shapes, sizes, einsums", .options = options, .examples = examples,
    .complete = model_complete, .json = true, .run = run,
    .notes = MODEL_NOTES "\nRepeated blocks stand once, as h.*; their numbers are those of all blocks together, those of tensors and einsums of one.",
};
