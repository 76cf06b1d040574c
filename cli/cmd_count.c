/* reckon count: the bill of a model, without running it: every number exact, each with the formula it comes from; beside it
 * what others would count, and what it takes on their machines. What is printed is in count_*.c. */
#include "count.h"
#include <string.h>

static const struct option options[] = {
    OPTIONS_OF_SIZE,
    { "why",  'w', OPT_TEXT,   "NAME", NULL, "what is behind one number: flops.forward, parameters, bytes.eager.total ..." },
    { "mode", 'm', OPT_CHOICE, "train|eval|prefill|decode", "train", "a step of training, scoring, a prompt's logits, or one token at context T" },
    OPTION_OF_OPTIMIZER,
    { "plan", 'p', OPT_FLAG,   NULL,   NULL, "also what this program will allocate and compute on this machine" },
    { "timeline", 0, OPT_FLAG, NULL, NULL, "memory over the steps of this program, and what is alive where most is" },
    { "html", 0, OPT_FILE, "FILE", NULL, "all of it as a page to look at, in one file" },
    { "parts", 0,  OPT_FLAG,   NULL,   NULL, "parameters and forward products by part, with shares; always with several models" },
    { "formula", 0, OPT_TEXT,  "TEXT", NULL, "the value of a formula over the model's letters: \"12·L·D²\" or 12*L*D^2" },
    { "letters", 0, OPT_TEXT,  "LIST", NULL, "formulas in other letters: L=positions,N=layers,W=parameters" },

    { "conventions", 'c', OPT_FLAG, NULL, NULL, "FLOPs of a token by every convention (PaLM, llm.c, Megatron ...)" },
    { "tokens-per-second", 0, OPT_REAL, NULL, NULL, "measured on all --gpus: utilisation by every convention, with --device or --peak" },
    { "memory", 0, OPT_TEXT,   "NAMES", NULL, "memory as others keep it: eager, cs336, megatron, llm.c, zero0 .. zero3, states, kv ..., or all; as this program does: plan" },
    { "switches", 0, OPT_FLAG, NULL,   NULL, "with --memory: under every attention and recomputation, bytes for FLOPs" },
    { "micro-batch", 0, OPT_SIZE, NULL, "(the batch)", "sequences at once on one device (b)" },
    OPTIONS_OF_RUN("fp32", "eager", "none", "0"),

    OPTIONS_OF_MACHINE,
    { "device-memory", 0, OPT_SIZE, "BYTES", NULL, "its memory: 80GB, 80GiB" },
    { "bandwidth", 0, OPT_SIZE, "BYTES", NULL, "its memory's bytes per second: 2TB" },
    { "roofline", 0, OPT_FLAG, NULL,   NULL, "arithmetic intensity and least time of every module and operation on the device" },
    OPTIONS_OF_TRAINING,

    { "check", 0, OPT_FILE, "FILE", NULL, "the receipt of a run (reckon train --receipt FILE.json): ends with 1 where it used more than predicted" },
    { "tolerance", 0, OPT_LIST, "PART", "(none)", "how much more is allowed: 1%, or of one entry: bytes.resident=20%; may be given again" },
    { 0 }
};

/* --- what was asked --- */

static int check_asked(struct counting *k)
{
    struct cli *c = k->c;
    bool roof = cli_flag(c, "roofline");
    if (k->n > MOST_MODELS) return cli_usage(c, "at most %d models side by side", MOST_MODELS);
    if (cli_given(c, "tokens-per-second") && !(cli_real(c, "tokens-per-second") > 0)) return cli_usage(c, "--tokens-per-second: above 0");
    if (roof && !roof_known(k)) return cli_usage(c, "--roofline needs a machine: --device, or --peak and --bandwidth");
    if (cli_given(c, "tolerance") && !cli_given(c, "check")) return cli_usage(c, "--tolerance is of a run: --check FILE.json");
    if (cli_flag(c, "switches") && !cli_given(c, "memory")) return cli_usage(c, "--switches is of a convention of memory: --memory llmc, megatron or eager");
    if (k->s.mode != RK_MODE_TRAIN && cli_flag(c, "timeline")) return cli_usage(c, "--timeline is of a training: --mode train");
    if (cli_given(c, "html") && (c->json || cli_given(c, "why") || cli_given(c, "formula") || cli_given(c, "check") || cli_flag(c, "timeline")))
        return cli_usage(c, "--html is a page of all of it: without --json, --why, --formula, --check and --timeline");
    if (k->s.mode != RK_MODE_TRAIN && cli_given(c, "optimizer")) return cli_usage(c, "--optimizer is of a training: --mode train");
    if (k->s.mode != RK_MODE_TRAIN && k->s.plan) return cli_usage(c, "--plan is of a training: --mode train");
    return CLI_OK;
}

static int read_options(struct counting *k)
{
    struct cli *c = k->c;
    int code = model_settings(c, &k->s);
    k->n = c->n_args;
    k->s.mode = (rk_bill_mode)cli_choice(c, "mode");
    k->s.policy = cli_text(c, "policy");
    k->s.optimizer = (rk_optimizer)cli_choice(c, "optimizer");
    const bool all = c->json || cli_given(c, "html");
    const bool behind = cli_given(c, "html") || cli_given(c, "why") || cli_flag(c, "parts") || cli_flag(c, "roofline");      /* those look behind the FLOPs */
    const bool why_plan = cli_given(c, "why") && (strncmp(cli_text(c, "why"), "bytes.plan.", 11) == 0 || strncmp(cli_text(c, "why"), "flops.plan.", 11) == 0);
    k->s.plan = why_plan || cli_flag(c, "plan") || cli_flag(c, "timeline") || memory_of_plan(c) || (all && k->s.dtype == RK_f32 && k->s.mode == RK_MODE_TRAIN);     /* what is done here is done in f32 */
    k->s.plan_untimed = !cli_flag(c, "timeline") && !cli_given(c, "html") && !why_plan;
    k->s.totals = k->n == 1 && !all && !behind;
    k->s.numbers = c->json && !behind;
    k->letters = cli_text(c, "letters");
    if (code == CLI_OK && cli_given(c, "micro-batch") && cli_int(c, "micro-batch") < 1) code = cli_usage(c, "--micro-batch: at least 1");
    if (code == CLI_OK) code = books_read(k);
    if (code == CLI_OK) code = machine_read(k);
    if (code == CLI_OK) code = training_check(k);
    bool own = cli_given(c, "device") || cli_given(c, "peak");
    if (code == CLI_OK && cli_given(c, "html") && !own && k->s.dtype != RK_f64) code = machine_use(k, "h100");     /* whose roofline a page has */
    k->books.micro_batch = cli_int(c, "micro-batch");
    if (cli_given(c, "device-memory")) k->machine.bytes = (uint64_t)cli_int(c, "device-memory");
    if (cli_given(c, "bandwidth")) k->machine.bandwidth = (uint64_t)cli_int(c, "bandwidth");
    return code == CLI_OK ? check_asked(k) : code;
}

/* --- a formula --- */

static int print_formula(struct counting *k, struct counted *x)
{
    struct cli *c = k->c;
    const char *text = cli_text(c, "formula");
    rk_quotient q;
    CLI_TRY(c, rk_books_formula(x->bill, x->model, &k->books, text, &q));
    if (c->json) {
        struct json j;
        json_begin(&j, c->out);
        json_object(&j, NULL);
        json_text(&j, "schema", "reckon.formula/1");
        json_text(&j, "model", rk_model_name(x->model));
        json_text(&j, "formula", text);
        json_uint(&j, "number", q.over);
        json_uint(&j, "under", q.under);
        json_end(&j);
        return CLI_OK;
    }
    headline(k, x);
    (void)fprintf(c->out, "\n%s = %s", spelled(k, x->bill, text), say_count(q.over).at);
    if (q.under != 1) (void)fprintf(c->out, " / %s = %s", say_count(q.under).at, say_real((double)q.over / (double)q.under).at);
    (void)fputc('\n', c->out);
    return CLI_OK;
}

/* --- what is printed --- */

/* One model alone: the bill, and whatever was asked for beside it. */
static int print_alone(struct counting *k, struct counted *x)
{
    struct cli *c = k->c;
    bool memory = cli_given(c, "memory"), roof = cli_flag(c, "roofline");
    int code = CLI_OK;
    if (memory) code = print_memory(k, x);
    if (code == CLI_OK && roof) code = print_roofline(k, x);
    if (code == CLI_OK && !memory && !roof) code = print_one(k, x);
    if (code == CLI_OK && cli_flag(c, "parts") && k->n == 1) print_parts(k);
    if (code == CLI_OK && training_asked(k)) code = print_training(k, x);
    return code;
}

static int print_each(struct counting *k, struct counted *x)
{
    struct cli *c = k->c;
    if (cli_given(c, "formula")) return print_formula(k, x);
    if (cli_given(c, "why")) return print_why(k, x);
    if (cli_flag(c, "timeline") && !c->json) return print_timeline(k, x);
    return c->json ? print_json(k, x) : print_alone(k, x);
}

/* Several models stand side by side, but for what has a table of its own. */
static int print(struct counting *k)
{
    struct cli *c = k->c;
    bool own = c->json || k->n == 1 || cli_given(c, "why") || cli_given(c, "formula") || cli_flag(c, "timeline") || cli_given(c, "memory") || cli_flag(c, "roofline") ||
               training_asked(k) || utilisation_asked(k) || cli_flag(c, "conventions");
    int code = CLI_OK;
    if (cli_given(c, "html")) return print_html(k);
    if (c->json && k->n > 1) (void)fputs("[\n", c->out);
    for (int i = 0; own && i < k->n && code == CLI_OK; i++) {
        if (i > 0) (void)fputs(c->json ? ",\n" : "\n", c->out);
        code = print_each(k, &k->all[i]);
    }
    if (c->json && k->n > 1) (void)fputs("]\n", c->out);
    if (own) return code;
    print_many(k);
    print_parts(k);
    return code;
}

static int run(struct cli *c)
{
    struct counting k = { .c = c };
    const char *checked;
    int code = read_options(&k);
    if (code != CLI_OK) return code;
    model_keep_memory();
    if (cli_given(c, "check")) {
        code = count_check(&k);
        k.n = 1;
        goto out;
    }
    for (int i = 0; i < k.n; i++) {
        CLI_GO(c, rk_model_open(c->ctx, c->args[i], &k.all[i].model));
        if ((code = books_check(&k, k.all[i].model)) != CLI_OK) goto out;
        CLI_GO(c, rk_bill_of(k.all[i].model, &k.s, &k.all[i].bill));
        if (k.letters != NULL) CLI_GO(c, rk_books_spell(k.all[i].bill, "", k.letters, &checked));
    }
    code = print(&k);
out:
    for (int i = 0; i < k.n; i++) {
        rk_bill_free(k.all[i].bill);
        rk_model_close(k.all[i].model);
    }
    return code;
}

static const struct example examples[] = {
    { "count gpt2",                               "what is in GPT-2", NULL },
    { "count gpt2 --why flops.forward",           "and why", NULL },
    { "count cs336-small cs336-small-2024",       "two models side by side", NULL },
    { "count cs336-17m -b 32 --plan",             "also what training it here will allocate", NULL },
    { "count gpt2:n_layer=2 --json",              "for a program: exact integers, formulas, modules, operations", NULL },
    { "count gpt2-xl --mode decode -t 512",       "what one more token costs at position 512", NULL },
    { "count gpt2 --conventions",                 "FLOPs of a token by everybody's rule", NULL },
    { "count gpt2:vocab_size=50304 --tokens-per-second 191500 --device a100 --rate bf16", "one run, many utilisations", NULL },
    { "count gpt2 -b 2 --memory eager --policy amp-bf16", "what PyTorch would keep for the backward pass", NULL },
    { "count cs336-xl --memory cs336 --device-memory 80GB", "what fits by the handout's count", NULL },
    { "count gpt2:vocab_size=50304 --memory llmc --switches --device-memory 40GB", "what forgetting saves, and what it costs", NULL },
    { "count cs336-xl -b 1024 --steps 400k --device a100 --mfu 0.5", "days of a whole training", NULL },
    { "count gpt2 -b 8 --roofline --device h100 --dtype bf16", "where the time would go", NULL },
    { "count model --check run.json --tolerance 1% --tolerance bytes.resident=50%", "in a script: did a run use more than predicted?", "run.json" },
    { "count gpt2 --formula '12*L*D^2 + 13*L*D'", "a formula of one's own", NULL },
    { "count cs336-17m -b 32 --timeline",         "what fills the memory while it trains", NULL },
    { "count gpt2 cs336-small --html bills.html", "two models as one page to look at", NULL },
    { "count gpt2 --why parameters --letters L=positions,N=layers,W=parameters", "in other people's letters", NULL },
    { 0 }
};

const struct command cmd_count = {
    .name = "count", .arguments = "MODEL...", .purpose = "the bill of a model: parameters, FLOPs, bytes, each with its formula", .options = options,
    .examples = examples, .complete = model_complete, .json = true, .whole = true, .run = run,
    .notes = MODEL_NOTES
             "\nBy meaning, unless the words say that this program does it: products in full, attention without regard to its mask, nothing fused, one "
             "multiply-add is 2 FLOPs. The step ends with clipping by the global norm and AdamW, or another --optimizer."
             "\nConventions of others never replace these numbers: they stand beside them, by name, with formula and source (docs/books.md).",
};
