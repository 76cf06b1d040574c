/* tok_stats.h: how well and how fast a tokenizer fits a text: counted block by block (tok_stats.c), told (tok_stats_tell.c). */
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
void stats_close(struct stats *s);

/* One or two tokenizers on one text; of documents drawn by chance (of `met`) also each. */
enum { STATS_BEGINNING = 40 };                  /* bytes of a document that are shown */
struct stats_sample { char beginning[STATS_BEGINNING]; size_t shown, bytes, tokens[2]; };
struct stats_work { struct cli *c; struct input in; struct stats each[2]; int n; rk_corpus_state told; struct stats_sample *samples; uint64_t met; };
void stats_tell(const struct stats_work *w);    /* as the command was asked to: words, tables, or JSON */

#endif
