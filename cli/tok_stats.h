/* tok_stats.h: how well and how fast one tokenizer fits a text, counted block by block. */
#ifndef CLI_TOK_STATS_H
#define CLI_TOK_STATS_H
#include "input.h"

enum { STATS_SCRIPTS = 12, STATS_OTHER = STATS_SCRIPTS - 1, STATS_LONGEST = 5 };
extern const char *const stats_script[STATS_SCRIPTS];

struct stats_file { uint64_t bytes, tokens; };
struct stats {
    struct cli  *c;
    const char  *name;
    rk_tok      *tok;
    uint64_t     bytes, tokens;
    double       seconds;
    uint64_t     looked;                        /* bytes whose scripts were looked at */
    uint64_t     characters[STATS_SCRIPTS], words[STATS_SCRIPTS];       /* a word: characters of one script in a row */
    double       parts[STATS_SCRIPTS];          /* tokens */
    bool        *seen;                          /* ids that occur */
    struct stats_file *files;
    size_t       n_files;
};

int  stats_open(struct stats *s, struct cli *c, const char *name, const rk_tok_opening *how, size_t n_files);
int  stats_add(struct stats *s, const rk_block *block);
void stats_longest(const struct stats *s, uint32_t longest[STATS_LONGEST]);         /* of the tokens that occur; UINT32_MAX where there are fewer */
void stats_put_longest(const struct stats *s, struct json *j);                      /* the same, in JSON */
void stats_close(struct stats *s);

#endif
