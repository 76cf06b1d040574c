/* Counts that others print, each as the formula that gives it, over the letters of a model here: file sizes, shares, what
 * estimators leave out or count twice. As many digits as were printed; integers 0 off. */
#include "reckon/books.h"
#include "reckon/expression.h"
#include "test.h"

/* within: half of the last digit printed; 0: the number itself. T is the model's context unless seq says otherwise. */
struct printed { const char *spec; int64_t seq; const char *formula; double number, within; };

static void holds(rk_ctx *ctx, const struct printed *p)
{
    rk_model *model;
    rk_bill *bill;
    rk_quotient q;
    const rk_bill_settings settings = { .batch = 1, .seq = p->seq };
    const rk_books books = { .batch = 1, .seq = p->seq };
    OK(ctx, rk_model_open(ctx, p->spec, &model));
    OK(ctx, rk_bill_of(model, &settings, &bill));
    OK(ctx, rk_books_formula(bill, model, &books, p->formula, &q));
    double found = (double)q.over / (double)q.under;
    if (!(fabs(found - p->number) <= p->within) || (p->within <= 0 && q.under != 1))
        test_fail(__FILE__, __LINE__, "%s: %s is %.10g, expected %.10g", p->spec, p->formula, found, p->number);
    rk_bill_free(bill);
    rk_model_close(model);
}

#define ALL_HOLD(rows) do { rk_ctx *ctx = test_ctx(); for (size_t i = 0; i < sizeof (rows) / sizeof *(rows); i++) holds(ctx, &(rows)[i]); } while (0)

#define LLAMA_2_7B "cs336-17m:vocab_size=32000,d_model=4096,num_layers=32,num_heads=32,d_ff=11008,context_length=4096"
#define LLAMA2_C_42M "cs336-17m:vocab_size=32000,d_model=512,num_layers=8,num_heads=8,d_ff=1376"

TEST(parameters_and_files)
{
    static const struct printed rows[] = {
        { "gpt2:bias=false", 0, "1542470366 − 12·N", 50418398, 0 },               /* nanoGPT's notebook: its checkpoint beyond weights and moments */
        { "gpt2:bias=false", 0, "1542470366 − 12·N − L·4·T²", 86750, 0 },         /* and beyond the masks */
        { "gpt2:bias=false", 0, "100·1542470366/(12·N)", 103.38, 5e-3 },
        { "gpt-j-6b", 0, "7·(L·3 + 2) + 8", 610, 0 },                             /* the model card: vectors of 8 TPU shards, each of D numbers */
        { "gpt-j-6b", 0, "D·(7·(L·3 + 2) + 8)", 2498560, 0 },
        { "cs336-xl", 0, "4·N/2^30", 7.924, 5e-4 },
        { "cs336-small-2026", 0, "F", 2048, 0 }, { "cs336-medium-2026", 0, "F", 2752, 0 }, { "cs336-large-2026", 0, "F", 3392, 0 },
        { "cs336-xl-2026", 0, "F", 4288, 0 }, { "cs336-xl-2026", 0, "64·floor(8·D/(3·64) + 1/2)", 4288, 0 },      /* the nearest multiple of 64 */
        { "pythia-2.8b", 0, "V", 50304, 0 }, { "pythia-6.9b", 0, "V", 50432, 0 }, { "pythia-12b", 0, "V", 50688, 0 }, { "gpt-j-6b", 0, "V", 50400, 0 },
        /* 65M and 213M of Vaswani et al. 2017 ask for two vocabularies. */
        { "transformer-base", 0, "(65000000 − (N − V·D))/D", 40.7e3, 50 },  { "transformer-base", 0, "(65000000 − (N − V·D − (4·Le + 8·L)·D))/D", 40.8e3, 50 },
        { "transformer-big",  0, "(213000000 − (N − V·D))/D", 35.8e3, 50 }, { "transformer-big",  0, "(213000000 − (N − V·D − (4·Le + 8·L)·D))/D", 35.9e3, 50 },
        { LLAMA_2_7B, 0, "N", 6738415616, 0 },
        { LLAMA2_C_42M, 0, "N", 58073600, 0 }, { LLAMA2_C_42M, 0, "N − V·D", 41689600, 0 },      /* llama2.c issue 378: the tied head is stored twice */
        { "bert-base-cased+model", 0, "(4·N + 2·8·P)/2^20", 413.18, 5e-3 },       /* accelerate's pages: MiB, printed as MB */
        { "bert-base-cased+model", 0, "2·(4·N + 2·8·P)/2^20", 826.36, 5e-3 },
        { "bert-base-cased+model", 0, "4·(4·N + 2·8·P)/2^30", 1.61, 5e-3 },
        { "bert-base-cased+model", 0, "9·(4·N + 2·8·P)/(2·2^30)", 1.82, 5e-3 },
        { "gpt2", 0, "(2·V·D + P·D + L·(12·D² + 8·D) + 2·D)/10^6", 162.99, 5e-3 },                            /* EleutherAI's cookbook of memory, always untied: without biases */
    };
    ALL_HOLD(rows);
}

TEST(flops_and_shares)
{
    static const struct printed rows[] = {
        { "cs336-xl", 0, "100·L·8·T·D²/forward", 22.30, 5e-3 },    { "cs336-small", 0, "100·L·8·T·D²/forward", 16.58, 5e-3 },
        { "cs336-medium", 0, "100·L·8·T·D²/forward", 19.96, 5e-3 }, { "cs336-large", 0, "100·L·8·T·D²/forward", 21.40, 5e-3 },
        { "cs336-xl:context_length=16384", 0, "100·L·8·T·D²/forward", 10.77, 5e-3 },
        { "cs336-xl-2024", 0, "100·L·4·T²·D/forward", 9.186, 5e-4 },
        { "gpt2", 0, "3·forward/T", 854438400, 0 },
        { LLAMA_2_7B, 128, "forward", 1.7e12, 5e9 },                              /* calflops' README, and its two parts */
        { LLAMA_2_7B, 128, "forward − L·4·T²·D", 1.691e12, 5e8 }, { LLAMA_2_7B, 128, "L·4·T²·D", 0.0086e12, 5e7 },
        { "bert-base-uncased+model", 128, "forward − 2·D²", 22347251712, 0 },
        { "bert-large-uncased+model", 128, "80·(3·T·D² + 2·T²·D)", 34.90e9, 5e6 },      /* MACs of a block's attention that DeepSpeed's README has without its scores */
        /* Vaswani et al. 2017: a peak times a time. */
        { "transformer-base", 0, "12·3600·8·9500000000000", 3.283e18, 5e14 }, { "transformer-big", 0, "7·12·3600·8·9500000000000/10^19", 2.298, 5e-4 },
    };
    ALL_HOLD(rows);
}

/* Others' rules in their own words, in percent of what is there. */
#define COOKBOOK(tables) "100·(" tables "·V·D + T·D + L·(12·D² + 8·D) + 2·D)/N"
#define LLM_ANALYSIS     "100·(V·D + L·(12·D² + 2·D) + D)/N"
#define MEGATRON         "100·(e·V·D + L·(12·D² + 4·D) + 2·D)/N"
#define LOGITS_ONCE      "100·(3·forward − 4·T·D·V)/(3·forward)"

TEST(what_estimators_leave_out)
{
    static const struct printed rows[] = {
        { "gpt2", 0, "V·D + P·D + L·(12·D² + 8·D) + 2·D", 124393728, 0 },         /* EleutherAI/cookbook: norms twice, no biases */
        { "gpt2", 0, COOKBOOK("1"), 100 - 0.037, 5e-4 },       { "gpt2-xl", 0, COOKBOOK("1"), 100 - 0.025, 5e-4 },
        { "gpt-neox-20b", 0, COOKBOOK("2"), 100 + 0.055, 5e-4 }, { "gpt-j-6b", 0, COOKBOOK("2"), 100 + 0.140, 5e-4 }, { "pythia-70m", 0, COOKBOOK("2"), 100 + 1.467, 5e-4 },
        /* its FLOPs: the head of training counted once, not three times */
        { "gpt2", 0, LOGITS_ONCE, 100 - 18.1, 0.05 },          { "pythia-70m", 0, LOGITS_ONCE, 100 - 30.0, 0.05 },
        { "gpt-j-6b", 0, LOGITS_ONCE, 100 - 2.2, 0.05 },       { "gpt-neox-20b", 0, LOGITS_ONCE, 100 - 1.0, 0.05 },
        { LLAMA_2_7B, 0, "2·n·D·F·L", 8.66e9, 5e6 },           { LLAMA_2_7B, 0, "2·n·D·4·D·L", 12.88e9, 5e6 },      /* a feed-forward width that is never read */
        { "gpt2", 0, LLM_ANALYSIS, 100 - 0.714, 5e-4 },        { "gpt-neox-20b", 0, LLM_ANALYSIS, 100 - 1.52, 5e-3 },
        { "gpt-j-6b", 0, LLM_ANALYSIS, 100 - 3.42, 5e-3 },     { "pythia-70m", 0, LLM_ANALYSIS, 100 - 36.6, 0.05 },
        { "gpt2", 0, MEGATRON, 100 - 0.70, 5e-3 },             { "gpt-neox-20b", 0, MEGATRON, 100 - 0.012, 5e-4 },
    };
    ALL_HOLD(rows);
}

TEST(memory_in_the_units_that_were_printed)
{
    static const struct printed rows[] = {
        { "cs336-xl", 0, "(80·10^9 − 16·N)/(4·(L·(16·T·D + 2·H·T²) + T·D + T·V))", 3.002, 5e-4 },        /* sequences in 80 GB, loss on the logits */
        { "cs336-xl", 0, "(80·10^9 − 16·N)/(4·(L·(16·T·D + 2·H·T²) + T·D + 2·T·V))", 2.96, 5e-3 },       /* and on a copy of them */
        { "gpt2-xl", 0, "2·12·D·32·T·L/10^9", 60.4, 0.05 },                                              /* ZeRO's "about 60 GB" */
        { "gpt2-xl", 0, "34·T·32·D·L/10^9", 85.6, 0.05 },                                                /* Korthikanti's rule without scores */
        { "gpt2-xl", 0, "T·32·D·L·(34 + 5·H·T/D)/10^9", 286.9, 0.05 },
    };
    ALL_HOLD(rows);
}

/* Scaled dot-product attention of (1, 12, 64, 64), as FlopCounterMode has it. */
TEST(attention_of_one_shape)
{
    rk_ctx *ctx = test_ctx();
    static const rk_size sizes[] = { { "b", 1 }, { "h", 12 }, { "t", 64 }, { "u", 64 }, { "k", 64 } };
    static const char *const products[] = { "b h t k, b h u k -> b h t u", "b h t u, b h u k -> b h t k" };
    uint64_t flops = 0;
    for (int i = 0; i < 2; i++) {
        rk_expression *e;
        OK(ctx, rk_expression_open(ctx, products[i], sizes, 5, RK_f32, &e));
        flops += rk_expression_cost_of(e).flops;
        rk_expression_close(e);
    }
    EXPECT_INT(flops, 12582912);
}
