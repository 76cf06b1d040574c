/* reckon list: the presets, with their sizes. */
#include "model.h"
#include "out.h"

static int add(struct cli *c, const char *name, struct table *t, struct json *j)
{
    rk_model *m = NULL;
    uint64_t n;
    int code;
    CLI_GO(c, rk_model_open(c->ctx, name, &m));
    CLI_GO(c, rk_model_parameters(m, &n));
    if (t == NULL) {
        json_object(j, NULL);
        json_text(j, "name", name);
        json_text(j, "family", rk_model_family(m));
        json_uint(j, "parameters", n);
        json_uint(j, "bytes_f16", 2 * n);
        json_end(j);
    } else {
        table_cell(t, "%s", name);
        table_cell(t, "%s", rk_model_title(m));
        table_cell(t, "%s", say_count(n).at);
        table_cell(t, "%s", say_bytes(2 * n).at);
    }
out:
    rk_model_close(m);
    return code;
}

static int run(struct cli *c)
{
    struct json j;
    const char *name;
    int code = CLI_OK;
    struct table *t = c->json ? NULL : table_new(c, "preset|family|parameters|f16", "llrr");
    json_begin(&j, c->out);
    if (c->json) json_array(&j, NULL);
    for (int i = 0; code == CLI_OK && (name = rk_model_preset(i)) != NULL; i++) code = add(c, name, t, &j);
    if (c->json) json_end(&j);
    else table_print(t);
    return code;
}

static const struct example examples[] = {
    { "list",        "the presets", NULL },
    { "list --json", "the same, for a program", NULL },
    { 0 }
};

const struct command cmd_list = {
    .name = "list", .purpose = "the models that have a name", .examples = examples, .json = true, .run = run,
    .notes = "A name stands for sizes, not for weights. Sizes of one's own: reckon show gpt2:n_layer=6,n_embd=384,n_head=6.",
};
