/* counts_file.h: words and their counts in a file of 64 sections, those of the parts of a table (words.h).
 *
 *   "RKCOUNT1"  u64 hash of the rules  u64 CRC-32C of all that follows  u64 ends[64], bytes from here on  then words: count, length (LEB128), bytes
 *
 * Little-endian. The section of a word is the top six bits of its word_key hash, which is part of the format. */
#ifndef TOK_COUNTS_FILE_H
#define TOK_COUNTS_FILE_H
#include "base/file.h"
#include "tok/words.h"

enum { COUNTS_HEAD = 24 + 8 * WORD_PARTS };

/* Parts of all tables, one after the other; a word that is in two tables is written twice. */
typedef const struct word_part *part_source(void *user, int part, int table);        /* NULL: failed */
RK_CHECK rk_status counts_file_write(rk_ctx *ctx, const char *path, uint64_t rules, part_source *source, void *user, int n_tables);

bool counts_file_is(const struct file_view *view);
/* RK_E_FORMAT for what is damaged, RK_E_ARG for other rules. */
RK_CHECK rk_status counts_file_check(rk_ctx *ctx, const char *path, const struct file_view *view, uint64_t rules);
/* Adds one section of a file that has been checked; false: failed, and the share says why. */
RK_CHECK bool counts_file_add(struct share *s, const struct file_view *view, int part, struct words *words);

#endif
