/* reckon show: what a model is made of: in our words, as PyTorch prints it, as its checkpoints list it. */
#include "model.h"
#include "out.h"

static const struct option options[] = {
    { "style", 0, OPT_CHOICE, "reckon|torch|tensors", "reckon", "module tree with sizes and einsums; print(model) as PyTorch has it; the tensors of its state dict" },
    OPTIONS_OF_SIZE, { 0 }
};
enum { STYLE_RECKON, STYLE_TORCH, STYLE_TENSORS };

/* What a style cannot answer is refused, so that nobody believes it was answered. */
static int check(struct cli *c, int style)
{
    static const char *const sizes[] = { "batch", "seq", "source-seq", "dtype" };
    for (int i = 0; i < (style == STYLE_TORCH ? 4 : style == STYLE_TENSORS ? 3 : 0); i++)
        if (cli_given(c, sizes[i])) return cli_usage(c, "--%s: changes nothing of --style %s", sizes[i], cli_text(c, "style"));
    if (style == STYLE_TORCH && c->json) return cli_usage(c, "--json: --style torch is the text that PyTorch prints; take --style tensors, or reckon");
    return CLI_OK;
}

static int run(struct cli *c)
{
    rk_bill_settings settings;
    rk_model *m = NULL;
    const char *text;
    int style = cli_choice(c, "style"), code = check(c, style);
    if (code == CLI_OK) code = model_settings(c, &settings);
    if (code != CLI_OK) return code;
    CLI_GO(c, rk_model_open(c->ctx, c->args[0], &m));
    if (style == STYLE_TORCH) CLI_GO(c, rk_model_show_torch(m, &text));
    else if (style == STYLE_TENSORS) CLI_GO(c, rk_model_show_tensors(m, settings.dtype, c->json, &text));
    else CLI_GO(c, rk_model_show(m, &settings, c->json, &text));
    if (style == STYLE_RECKON && !c->json) model_headline(c, m, &settings);
    if (c->json) (void)fprintf(c->out, "{\"schema\": \"reckon.%s/1\", %s\n", style == STYLE_TENSORS ? "tensors" : "show", text + 1);       /* the library's own brace */
    else (void)fputs(text, c->out);
out:
    rk_model_close(m);
    return code;
}

static const struct example examples[] = {
    { "show gpt2",                   "what GPT-2 is made of", NULL },
    { "show gpt2 --style torch",     "the same as PyTorch prints it", NULL },
    { "show gpt2 --style tensors",   "names, kinds, shapes and dtypes of its state dict", NULL },
    { "show cs336-17m --json",       "what a small model is made of, for a program", NULL },
    { "show gpt2:n_layer=2 -t 64",   "with other sizes", NULL },
    { 0 }
};

const struct command cmd_show = {
    .name = "show", .arguments = "MODEL", .purpose = "the module tree of a model: shapes, sizes, einsums; as PyTorch prints it", .options = options, .examples = examples,
    .complete = model_complete, .json = true, .whole = true, .run = run,
    .notes = MODEL_NOTES "\nRepeated blocks stand once, as h.*; their numbers are those of all blocks together, those of tensors and einsums of one.",
};
