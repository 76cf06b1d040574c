/* count_books.c: how others run the model, from the options that count and fit share. */
#include "count.h"

int books_read(struct counting *k)
{
    static const char *const ranks[] = { "tp", "pp", "dp", "interleave", "gpus" };
    struct cli *c = k->c;
    for (size_t i = 0; i < sizeof ranks / sizeof *ranks; i++)
        if (cli_given(c, ranks[i]) && cli_int(c, ranks[i]) < 1) return cli_usage(c, "--%s: at least 1", ranks[i]);
    k->books = (rk_books){
        .batch = k->s.batch, .seq = k->s.seq, .source = k->s.source_seq,
        .policy = cli_text(c, "policy"), .attention = cli_text(c, "attention"), .recompute = cli_text(c, "recompute"), .zero = cli_text(c, "zero"), .optimizer = cli_text(c, "optimizer"),
        .logits = cli_text(c, "logits"), .offload = cli_text(c, "offload"), .activation = cli_text(c, "activation"), .edition = cli_int(c, "edition"),
        .tensor = cli_int(c, "tp"), .pipeline = cli_int(c, "pp"), .interleave = cli_int(c, "interleave"), .data = cli_int(c, "dp"), .gpus = cli_int(c, "gpus"),
        .sequence_parallel = cli_flag(c, "sequence-parallel"), .traced = cli_flag(c, "traced"),
    };
    if (k->books.gpus > 0) return CLI_OK;
    bool many = __builtin_mul_overflow(k->books.tensor, k->books.pipeline, &k->books.gpus) || __builtin_mul_overflow(k->books.gpus, k->books.data, &k->books.gpus);
    return many ? cli_usage(c, "--tp, --pp, --dp: more devices together than can be counted") : CLI_OK;
}
