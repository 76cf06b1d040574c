/* counts.h: the words of texts and how often each occurs: what a tokenizer is trained on.
 *
 * Counting may be shared out: each shard of a corpus is counted by itself, by any program on any machine, and saved; the files are
 * added up, and the tokenizer is that of the whole corpus. Law: any way of sharing out gives the same tokenizer.
 *
 * A counts file (docs/formats.md) holds its words in 64 sections by a hash, so that files are added up section by section: that is how more
 * distinct words than fit into memory are counted. A JSON object of words and counts is read too. */
#ifndef RECKON_COUNTS_H
#define RECKON_COUNTS_H
#include "reckon/tok.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rk_counts rk_counts;

typedef struct rk_counting {             /* zero means the default */
    const char         *pattern;         /* what follows is as in rk_tok_training */
    const char *const  *specials;
    size_t              n_specials;
    rk_units            units;
    rk_pieces            model;
    rk_tok_progress_fn *progress;        /* stage "count"; total is of the texts given so far */
    void               *user;
    uint64_t            memory;          /* bytes of words at once, at least RK_COUNTS_LEAST_MEMORY; 0: as they come */
    const char         *temporary;       /* a folder for what does not fit; needed with `memory`; nothing stays there */
} rk_counting;

#define RK_COUNTS_LEAST_MEMORY ((uint64_t)32 << 20)

/* Strings of `how` are copied. RK_E_ARG as for rk_tok_train. */
RK_API RK_CHECK rk_status rk_counts_open(rk_ctx *ctx, const rk_counting *how, rk_counts **counts);
RK_API void rk_counts_close(rk_ctx *ctx, rk_counts *counts);

/* Adds the words of texts, each cut for itself, on all threads. After a failure the counts are of no use. */
RK_API RK_CHECK rk_status rk_counts_add(rk_ctx *ctx, rk_counts *counts, const rk_text *texts, size_t n);
/* For rk_corpus_next: the last place in text[0 .. n), which more text follows, where it may be cut and each part be counted for itself with
 * the same words; 0: none is known. `counts` is an rk_counts. */
RK_API size_t rk_counts_cut(const void *counts, const char *text, size_t n);

/* Adds a counts file, or a JSON object of words and counts. RK_E_ARG for one that was counted with another pattern, other units or special tokens. */
RK_API RK_CHECK rk_status rk_counts_read(rk_ctx *ctx, rk_counts *counts, const char *path);
/* Writes a counts file, all or nothing. The counts stay, and may be added to. */
RK_API RK_CHECK rk_status rk_counts_write(rk_ctx *ctx, rk_counts *counts, const char *path);

typedef struct rk_counts_sum { uint64_t words, distinct, bytes; bool spilled; } rk_counts_sum;       /* bytes of all words */
RK_API RK_CHECK rk_status rk_counts_total(rk_ctx *ctx, rk_counts *counts, rk_counts_sum *sum);       /* adds up what the workers have: not for every text */

/* A tokenizer of these words; of `how` what concerns counting is not looked at. The counts are empty afterwards. */
RK_API RK_CHECK rk_status rk_counts_train(rk_ctx *ctx, rk_counts *counts, const rk_tok_training *how, rk_tok **tok);

#ifdef __cplusplus
}
#endif
#endif
