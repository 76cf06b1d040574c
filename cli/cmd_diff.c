/* reckon diff: two models beside each other: what is the same function, what only lies differently in files, what it costs.
 *
 * Not here: how it is written (diff_print.c, diff_cost.c, diff_json.c, diff_torch.c). */
#include "diff.h"

static const struct option options[] = {
    OPTIONS_OF_SIZE,
    { "style", 0, OPT_CHOICE, "files|torch", "files", "modules by their names in files, or as PyTorch prints them" },
    OPTIONS_OF_MACHINE,
    { "bandwidth", 0, OPT_SIZE, "BYTES", NULL, "its memory's bytes per second: 2TB" },
    { "mfu", 0, OPT_REAL, NULL, "0.4", "the part of the peak that training reaches" },
    { "check", 0, OPT_FLAG, NULL, NULL, "end with 1 unless everything is the same up to layout" },
    { 0 }
};

/* The machine whose tokens a second are compared, where one is named. */
static int read_machine(struct cli *c, struct both *b)
{
    struct counting k = { .c = c, .s = b->settings };
    int code = machine_read(&k);
    b->machine = k.machine;
    b->mfu = cli_real(c, "mfu");
    if (cli_given(c, "bandwidth")) b->machine.bandwidth = (uint64_t)cli_int(c, "bandwidth");
    return code == CLI_OK && !(b->mfu > 0 && b->mfu <= 1) ? cli_usage(c, "--mfu: above 0 and at most 1") : code;
}

/* Sequences of one length: what was asked for, or the shorter of both contexts. */
static int open_both(struct cli *c, struct both *b)
{
    int code = model_settings(c, &b->settings);
    if (code == CLI_OK) code = read_machine(c, b);
    if (code != CLI_OK) return code;
    b->settings.totals = true;
    for (int s = 0; s < 2; s++) CLI_TRY(c, rk_model_open(c->ctx, c->args[s], &b->model[s]));
    for (int s = 0; s < 2 && !cli_given(c, "seq"); s++) {
        int64_t context = (int64_t)model_size(b->model[s], "position");
        if (s == 0 || context < b->settings.seq) b->settings.seq = context;
    }
    CLI_TRY(c, rk_diff_of(b->model[0], b->model[1], &b->diff));
    b->torch = cli_choice(c, "style") == 1;
    for (int s = 0; s < 2 && b->torch; s++) {
        const char *text;
        CLI_TRY(c, rk_model_show_torch(b->model[s], &text));
        tree_read(text, &b->tree[s]);
    }
    for (int s = 0; s < 2; s++) CLI_TRY(c, rk_bill_of(b->model[s], &b->settings, &b->bill[s]));
    return CLI_OK;
}

static bool all_same(const rk_diff *d)
{
    for (int i = 0; i < rk_diff_rows(d); i++)
        if (rk_diff_row_at(d, i).verdict > RK_SAME_IN_OTHER_LAYOUT) return false;
    return true;
}

static int run(struct cli *c)
{
    struct both b = { .diff = NULL };
    int code = open_both(c, &b);
    if (code == CLI_OK && c->json) diff_json(c, &b);
    else if (code == CLI_OK) {
        diff_print(c, &b);
        diff_print_costs(c, &b);
    }
    if (code == CLI_OK && cli_flag(c, "check") && !all_same(b.diff)) code = CLI_NO;
    rk_diff_free(b.diff);
    for (int s = 0; s < 2; s++) {
        tree_free(&b.tree[s]);
        rk_bill_free(b.bill[s]);
        rk_model_close(b.model[s]);
    }
    return code;
}

static const struct example examples[] = {
    { "diff gpt2 cs336-small",                       "module by module, by fields, by cost", NULL },
    { "diff gpt2 gpt2:activation_function=gelu",     "the commonest mistake: another GELU", NULL },
    { "diff gpt2 gpt2:tie_word_embeddings=false --json", "for a program", NULL },
    { "diff gpt2 nanogpt --style torch",             "in the words of PyTorch", NULL },
    { "diff gpt2-xl pythia-1.4b --device h100 --dtype bf16", "and tokens a second", NULL },
    { "diff gpt2 gpt2 --check",                      "in a script: ends with 1 where something differs", NULL },
    { 0 }
};

const struct command cmd_diff = {
    .name = "diff", .arguments = "MODEL MODEL", .purpose = "two models side by side: modules, layout in files, fields, cost", .options = options,
    .examples = examples, .complete = model_complete, .json = true, .whole = true, .run = run,
    .notes = "Modules are aligned by role, also across families: q, k and v apart beside one fused projection. What a module computes and reads is "
             "written from the graph that trains: x is what comes into a block, K the size of a head. With a machine stand tokens a second: of training, what --mfu of its peak gives; of decoding, what its bandwidth allows "
             "at most for weights and cache.\n" MODEL_NOTES,
};
