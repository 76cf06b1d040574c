/* count_books.c: how others run the model, from the options that count and fit share. */
#include "count.h"

/* Devices altogether are tp · pp · dp: where they and not dp were said, dp is what is left. */
static int share_devices(struct counting *k)
{
    struct cli *c = k->c;
    int64_t one, all, pieces;
    bool many = __builtin_mul_overflow(k->books.tensor, k->books.pipeline, &one) || __builtin_mul_overflow(one, k->books.data, &all) ||
                __builtin_mul_overflow(k->books.pipeline, k->books.interleave, &pieces);
    if (many) return cli_usage(c, "--tp, --pp, --dp: more devices together than can be counted");
    if (k->books.gpus == 0) k->books.gpus = all;
    if (k->books.gpus % one != 0) return cli_usage(c, "--gpus: %lld devices are no multiple of --tp %lld times --pp %lld", (long long)k->books.gpus, (long long)k->books.tensor, (long long)k->books.pipeline);
    if (cli_given(c, "gpus") && cli_given(c, "dp") && k->books.gpus != all)
        return cli_usage(c, "--gpus: %lld devices, but --tp, --pp and --dp are %lld together; leave one of them out", (long long)k->books.gpus, (long long)all);
    k->books.data = k->books.gpus / one;
    return CLI_OK;
}

int books_read(struct counting *k)
{
    static const char *const ranks[] = { "tp", "pp", "dp", "interleave", "gpus" };
    struct cli *c = k->c;
    for (size_t i = 0; i < sizeof ranks / sizeof *ranks; i++)
        if (cli_given(c, ranks[i]) && cli_int(c, ranks[i]) < 1) return cli_usage(c, "--%s: at least 1", ranks[i]);
    if (cli_given(c, "edition") && cli_int(c, "edition") == 0) return cli_usage(c, "--edition: a year of the handout, not 0");       /* which would be the usual one */
    k->books = (rk_books){
        .batch = k->s.batch, .seq = k->s.seq, .source = k->s.source_seq,
        .policy = cli_text(c, "policy"), .attention = cli_text(c, "attention"), .recompute = cli_text(c, "recompute"), .zero = cli_text(c, "zero"), .optimizer = cli_text(c, "optimizer"),
        .logits = cli_text(c, "logits"), .offload = cli_text(c, "offload"), .activation = cli_text(c, "activation"), .edition = cli_int(c, "edition"),
        .tensor = cli_int(c, "tp"), .pipeline = cli_int(c, "pp"), .interleave = cli_int(c, "interleave"), .data = cli_int(c, "dp"), .gpus = cli_int(c, "gpus"),
        .sequence_parallel = cli_flag(c, "sequence-parallel"), .traced = cli_flag(c, "traced"),
    };
    return share_devices(k);
}

/* Heads are shared by tensor-parallel ranks, blocks by pieces of the pipeline: evenly, or not at all. */
int books_check(const struct counting *k, const rk_model *m)
{
    const struct { const char *words, *what, *option; const char *field[2]; uint64_t over; } shared[] = {
        { "heads",  "ranks",                  "tp",                   { "head", "source_head" },   (uint64_t)k->books.tensor },
        { "blocks", "pieces of the pipeline", "pp times --interleave", { "layer", "source_layer" }, (uint64_t)(k->books.pipeline * k->books.interleave) },
    };
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++)
        for (int f = 0; f < 2; f++) {
            uint64_t size = model_size(m, shared[i].field[f]);
            if (size % shared[i].over != 0)
                return cli_usage(k->c, "--%s: the %llu %s of %s cannot be shared evenly by %llu %s", shared[i].option, (unsigned long long)size, shared[i].words,
                                 rk_model_name(m), (unsigned long long)shared[i].over, shared[i].what);
        }
    return CLI_OK;
}
