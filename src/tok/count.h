/* count.h: texts cut into words and the words counted, on all threads.
 *
 * Chunks end where both the pattern and the special tokens allow it, so the counts are those of one pass over the whole. Each worker
 * fills its own table; in the end the tables are put together part by part. Shards counted elsewhere are added the same way. */
#ifndef TOK_COUNT_H
#define TOK_COUNT_H
#include "tok/special.h"
#include "tok/split.h"
#include "tok/words.h"

struct count_rules { const struct split *split; const struct specials *specials; rk_units units; };
struct count_report { rk_tok_progress_fn *progress; void *user; uint64_t done, total; double began; };

/* A place at or after `from` where text may be cut for parallel work: split_safe, and inside no special token. */
size_t count_cut(const struct count_rules *rules, const unsigned char *text, size_t n, size_t from);

/* Adds the words of the texts to `words`, which may hold others already. */
RK_CHECK rk_status count_texts(rk_ctx *ctx, const struct count_rules *rules, const rk_text *texts, size_t n, struct words *words, struct count_report *report);

#endif
