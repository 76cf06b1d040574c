/* reckon fit: what fits into a memory: the largest batch, the longest context, the cheapest way of running the model; or into
 * which machine it fits. What is searched is in fit_search.c, what is said in fit_print.c. */
#include "fit.h"
#include <string.h>

static const struct option options[] = {
    { "memory", 'm', OPT_SIZE, "BYTES", "(the device's)", "of one device: 80GB, 24GiB; without it and without --device: which machine holds --batch" },
    { "reserve", 0, OPT_SIZE, "BYTES", "0", "what others take of it: the device's context, libraries, gaps between tensors" },
    { "batch", 'b', OPT_SIZE, NULL, "1", "sequences of a step on one device; what does not lie there at once goes in micro-batches" },
    { "seq", 't', OPT_SIZE, NULL, "(the model's context)", "tokens per sequence (T)" },
    { "source-seq", 0, OPT_SIZE, NULL, "(as many as --seq)", "with an encoder: tokens per source (S)" },
    { "convention", 'c', OPT_TEXT, "NAME", "(the most exact that knows the model)", "whose memory: eager llmc cs336 megatron ..., or plan: this program's own" },
    OPTION_OF_OPTIMIZER,
    OPTIONS_OF_RUN("(the cheapest that fits)", "(the cheapest that fits)", "(the cheapest that fits)", "(the cheapest that fits)"),
    OPTIONS_OF_MACHINE,
    OPTIONS_OF_TRAINING,
    { 0 }
};

/* "80 GB" is 80 · 10^9 to one and 80 · 2^30 to another. */
static uint64_t other_reading(uint64_t bytes)
{
    const uint64_t gb = 1000000000, gib = 1 << 30;
    if (bytes > 0 && bytes % gb == 0 && bytes / gb < (UINT64_MAX >> 30)) return bytes / gb * gib;
    return bytes % gib == 0 ? bytes / gib * gb : 0;
}

static int read_memory(struct fit *f)
{
    struct cli *c = f->k.c;
    int code = machine_named(c, &f->device);
    if (code != CLI_OK) return code;
    f->memory = cli_given(c, "memory") ? (uint64_t)cli_int(c, "memory") : f->device != NULL ? f->device->bytes : 0;
    f->reserve = (uint64_t)cli_int(c, "reserve");
    f->other = other_reading(f->memory);
    if (cli_given(c, "memory") && f->memory < 100000) return cli_usage(c, "--memory: %llu bytes hold no model; 80GB and 80GiB are sizes of devices", (unsigned long long)f->memory);
    return CLI_OK;
}

static int read_options(struct fit *f)
{
    struct cli *c = f->k.c;
    f->batch = cli_int(c, "batch");
    f->seq = cli_int(c, "seq");
    if (f->batch < 1) return cli_usage(c, "--batch: at least 1 sequence");
    if (cli_given(c, "seq") && f->seq < 1) return cli_usage(c, "--seq: at least 1 token");
    if (cli_given(c, "source-seq") && cli_int(c, "source-seq") < 1) return cli_usage(c, "--source-seq: at least 1 token");
    f->k.s = (rk_bill_settings){ .batch = 1, .seq = f->seq, .source_seq = cli_int(c, "source-seq"), .dtype = RK_f32, .zero_dtype_is_f64 = true, .totals = true,
                                     .policy = cli_text(c, "policy"), .optimizer = (rk_optimizer)cli_choice(c, "optimizer") };
    f->k.n = 1;
    int code = books_read(&f->k);
    if (code == CLI_OK) code = read_memory(f);
    if (code == CLI_OK && training_asked(&f->k) && f->memory == 0) code = cli_usage(c, "days of a training need a machine: --device, or --memory and --peak");
    if (code == CLI_OK) code = training_check(&f->k);
    if (code == CLI_OK && cli_given(c, "zero") && cli_choice(c, "zero") > 0 && f->k.books.data < 2) code = cli_usage(c, "--zero: over --dp 2 ranks and more");
    return code;
}

static bool fits(const struct fit *f)
{
    const struct answer *last = &f->answer[f->n - 1];
    if (f->memory > 0) return last->best >= 0;
    for (int i = 0; rk_accelerator_at(i) != NULL; i++)
        if (fit_cheapest(last, fit_room(f, rk_accelerator_at(i)->bytes)) != NULL) return true;
    return false;
}

/* Days are those of the way that fits, at the machine's rate for its policy. */
static int read_rate(struct fit *f)
{
    const struct answer *last = &f->answer[f->n - 1];
    if (!training_asked(&f->k) || last->best < 0) return CLI_OK;
    f->k.books.policy = last->way[last->best].policy;
    return machine_read(&f->k);
}

static int run(struct cli *c)
{
    static struct fit f;                        /* too large for a stack */
    struct counted *x = &f.k.all[0];
    int code;
    f.k.c = c;
    code = read_options(&f);
    if (code != CLI_OK) return code;
    model_keep_memory();
    CLI_GO(c, rk_model_open(c->ctx, c->args[0], &x->model));
    if ((code = books_check(&f.k, x->model)) != CLI_OK) goto out;
    if (f.seq == 0) f.seq = (int64_t)model_size(x->model, "position");
    CLI_GO(c, rk_bill_of(x->model, &f.k.s, &x->bill));
    code = fit_search(&f);
    if (code == CLI_OK) code = read_rate(&f);
    if (code == CLI_OK) code = c->json ? fit_json(&f) : fit_print(&f);
    if (code == CLI_OK && !fits(&f)) code = CLI_NO;
out:
    rk_bill_free(x->bill);
    rk_model_close(x->model);
    return code;
}

static const struct example examples[] = {
    { "fit pythia-1.4b --device h100",                         "how many sequences, how many tokens, and by which switches", NULL },
    { "fit pythia-2.8b --device h100 --tokens 300B --mfu 0.4", "does it train on one GPU, and for how many days", NULL },
    { "fit cs336-xl --memory 80GB --convention cs336",         "by the CS336 handout's count: a · batch + b", NULL },
    { "fit gpt2:vocab_size=50304 --memory 81100MiB --reserve 851MiB --convention llmc --attention flash --recompute gelu", "what llm.c's log of an A800 says", NULL },
    { "fit gpt2-xl -b 8",                                      "the smallest machine that holds eight sequences", NULL },
    { "fit pythia-6.9b --device a100 --dp 8",                  "with what ZeRO splits over eight ranks", NULL },
    { "fit cs336-17m --memory 1GiB --convention plan --json",  "what this program itself would take, for a program", NULL },
    { 0 }
};

const struct command cmd_fit = {
    .name = "fit", .arguments = "MODEL", .purpose = "what fits into a memory: batch, context, the cheapest switches; or which machine", .options = options,
    .examples = examples, .complete = model_complete, .json = true, .whole = true, .run = run,
    .notes = MODEL_NOTES
             "\nMemory is counted by a convention, which is named (docs/books.md): eager is what PyTorch keeps, llmc what llm.c allocates, cs336 and megatron "
             "are published rules, plan is what `reckon train` here would allocate, to the byte. Without --convention the most exact that speaks of the "
             "model and of the switches given; where by that nothing fits, Megatron's rule is asked too, which knows recomputation."
             "\nSwitches that were not given are searched: the way that takes the least time at the machine's rates comes first (without a machine, the "
             "fewest FLOPs); further ways are shown where they take less memory. The exit code is 1 where nothing fits.",
};
