/* books.h: what others would count of the same model, and what it takes on their machines.
 *
 * A convention is a name, formulas over letters, and a source: FLOP counts behind published MFU numbers (flops.convention.palm,
 * .llmc, .megatron ..), and memory as others keep it (bytes.eager.*, bytes.cs336.*, bytes.megatron.*, bytes.llmc.* ..). They
 * are added to a bill as entries with formula and reasons, and never mixed with its own.
 *
 *   rk_books books = { .seq = 1024, .policy = "amp-bf16" };
 *   rk_books_add(bill, model, &books, "eager");     bytes.eager.probabilities = L·6·B·H·T², .. bytes.eager.total
 *
 * Not here: what this program counts of itself (bill.h). docs/books.md has all conventions and their sources. */
#ifndef RECKON_BOOKS_H
#define RECKON_BOOKS_H
#include "reckon/model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How somebody else runs the model. Zero and NULL: the first of the words, 1, the model's own. */
typedef struct rk_books {
    int64_t batch, seq, source;             /* sequences, tokens of each; tokens of an encoder's sequence (0: seq) */
    const char *policy;                     /* fp32 amp-bf16 mixed; of others (rk_policy_at) no convention speaks that tells these apart */
    const char *attention;                  /* eager flash */
    const char *recompute;                  /* none gelu norm attention full */
    const char *logits;                     /* reuse keep inside: has the loss its own copy of them, a number per token, nothing? (CS336) */
    const char *offload;                    /* none optimizer all (DeepSpeed) */
    const char *zero;                       /* 0 1 2 3: ZeRO's stage, over `data` ranks */
    const char *optimizer;                  /* adamw sgd ..: that of the bill */
    const char *activation;                 /* in Hugging Face's spelling: one function has several, which keep different amounts */
    int64_t edition;                        /* of the CS336 handout: 2024 2025 2026 */
    int64_t tensor, pipeline, interleave, data, gpus, micro_batch;     /* gpus: of all; micro_batch 0: batch */
    bool sequence_parallel;
    bool traced;                            /* eager: as tensors without data see it, which build a mask that others need not */
} rk_books;

typedef struct rk_convention { const char *name, *families, *words, *source; bool is_memory; } rk_convention;      /* families: by blanks, "*" all */
RK_API rk_convention rk_convention_at(int i);                            /* name NULL past the end */
RK_API rk_convention rk_convention_of(const char *entry);                /* whose it is: "bytes.eager.total" is eager's; name NULL: the bill's own */

/* Adds entries of conventions, named by blanks; "flops" are all of FLOPs; NULL: every one that the family has. Where one has rules of
 * both kinds ("llmc") its memory is meant; an entry's whole name says which, "flops.convention.llmc". A second call replaces numbers. E_UNKNOWN for a name or a word that is none, E_DECLINED for a convention that says nothing of the family. */
RK_API RK_CHECK rk_status rk_books_add(rk_bill *bill, rk_model *model, const rk_books *books, const char *conventions);

/* memory = each · batch + fixed under a memory convention, states included; exact from two sequences on. One sequence alone
 * may take more, where copies of it are views: `one` is what it takes, fixed included. What is not whole is rounded up. */
typedef struct rk_books_line { uint64_t each, fixed, one; } rk_books_line;
RK_API RK_CHECK rk_status rk_books_line_of(const rk_bill *bill, rk_model *model, const rk_books *books, const char *convention, rk_books_line *line);

/* How many sequences lie in so many bytes; UINT64_MAX for a line that does not grow. */
RK_API uint64_t rk_books_batch(const rk_books_line *line, uint64_t bytes);
/* The most tokens of each of books->batch sequences that lie in so many bytes, at most `most`; 0: not even one. Positions
 * that the model has learned are those of the bill: a longer table is not counted. */
RK_API RK_CHECK rk_status rk_books_context(const rk_bill *bill, rk_model *model, const rk_books *books, const char *convention, uint64_t bytes, int64_t most, int64_t *tokens);

/* The words of a setting (policy, attention, recompute, zero ..) that a memory convention tells apart, by blanks; the others
 * change nothing in it. "" for what is no setting of words, and no memory convention. Whether the convention speaks of a
 * model run like that, rk_books_line_of says. */
RK_API const char *rk_books_switch(const char *convention, const char *name);

/* A formula of one's own over the same letters (docs/books.md lists them). over/under in lowest terms, E_LIMIT beyond 2^64. */
typedef struct rk_quotient { uint64_t over, under; } rk_quotient;
RK_API RK_CHECK rk_status rk_books_formula(const rk_bill *bill, rk_model *model, const rk_books *books, const char *formula, rk_quotient *value);
/* The letters themselves: NULL past the end. */
typedef struct rk_books_letter { const char *name, *words; } rk_books_letter;
RK_API rk_books_letter rk_books_letter_at(int i);
/* A formula in other letters, "L=positions,N=layers": the word names what the letter stands for. A letter that then stood for
 * two things is refused. The text belongs to the bill. */
RK_API RK_CHECK rk_status rk_books_spell(rk_bill *bill, const char *formula, const char *letters, const char **text);

/* Machines by name, from their makers' data sheets: dense rates (no structured sparsity) in operations per second, 0: has
 * none; bytes of memory and bytes per second as the maker counts them. `reached`: the most a real product was seen to reach
 * in bf16, 0: not known. */
typedef enum rk_rate { RK_RATE_F32, RK_RATE_TF32, RK_RATE_BF16, RK_RATE_FP8, RK_RATE_INT8, RK_RATES } rk_rate;
typedef struct rk_accelerator { const char *name, *words; double rate[RK_RATES], reached; uint64_t bytes, bandwidth; const char *source; } rk_accelerator;
RK_API const rk_accelerator *rk_accelerator_at(int i);                   /* NULL past the end */
RK_API const rk_accelerator *rk_accelerator_find(const char *name);      /* "h100-pcie", "H100 PCIe"; NULL: not known, and then nothing is made up */
RK_API const char *rk_rate_name(rk_rate rate);                           /* "bf16" */

#ifdef __cplusplus
}
#endif
#endif
