/* count.h: texts cut into words and the words counted, on all threads.
 *
 * Chunks end where both the pattern and the special tokens allow it, so the counts are those of one pass over the whole. Each worker
 * fills its own table; in the end the tables are put together part by part. When they would outgrow what they may take, they go into a
 * file, part after part (counts_file.h), and counting begins anew; such files are added up later, one part at a time. */
#ifndef TOK_COUNT_H
#define TOK_COUNT_H
#include "base/file.h"
#include "reckon/counts.h"
#include "tok/special.h"
#include "tok/split.h"
#include "tok/window.h"

struct count_rules { const struct split *split; const struct specials *specials; rk_units units; };
struct count_report { rk_tok_progress_fn *progress; void *user; uint64_t done, total; double began; };

struct counter {
    struct count_rules  rules;
    struct count_report report;
    uint64_t            hash, memory;                                 /* of the rules; limit, 0: none */
    char               *temporary;
    struct words       *tables;                                       /* one per worker; the first has all once they are put together */
    struct front       *fronts;                                       /* beside each table, while texts are counted */
    int                 n_tables;
    struct file_view   *spilled;
    size_t              n_spilled, room_spilled;
};

/* A place at or after `from` where text may be cut for parallel work: split_safe, and inside no special token. */
size_t count_cut(const struct count_rules *rules, const unsigned char *text, size_t n, size_t from);

RK_CHECK rk_status counter_texts(rk_ctx *ctx, struct counter *c, const rk_text *texts, size_t n);
/* Puts the tables together in the first, or in files once there are some. */
RK_CHECK rk_status counter_reduce(rk_ctx *ctx, struct counter *c);
RK_CHECK rk_status counter_settle(rk_ctx *ctx, struct counter *c);    /* what fronts have counted goes into the tables; there are no fronts then */
RK_CHECK rk_status counter_spill(rk_ctx *ctx, struct counter *c);     /* all that is in tables goes into a file */
RK_CHECK rk_status counter_room(rk_ctx *ctx, struct counter *c, uint64_t bytes);     /* spills if the words of so many bytes might not fit */
uint64_t counter_memory(const struct counter *c);                     /* bytes of its tables and fronts */
size_t counter_limit(const rk_ctx *ctx, const struct counter *c, uint64_t memory);       /* bytes in use when the counter takes so many; 0: any */
bool counter_fits(const struct counter *c, uint64_t bytes);           /* a counts file of so many bytes in memory */
void counter_empty(rk_ctx *ctx, struct counter *c);                   /* ready to count anew */
void counter_clear(rk_ctx *ctx, struct counter *c);

/* One part of all words, after counter_reduce: that of the table, or made of the files in `made`, which counter_part_end clears. NULL: failed. */
const struct word_part *counter_part(struct share *s, const struct counter *c, int part, struct words *made);
void counter_part_end(struct share *s, int part, struct words *made);

#endif
