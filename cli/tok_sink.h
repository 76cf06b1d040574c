/* tok_sink.h: where tokens go: onto the screen, into a file, or into shards; with a token behind each document. */
#ifndef CLI_TOK_SINK_H
#define CLI_TOK_SINK_H
#include "input.h"
#include "reckon/tokens.h"

struct sink {
    struct cli       *c;
    rk_tokens_writer *file;
    rk_shards        *shards;                   /* neither: the screen */
    struct json       j;                        /* of the screen, with --json */
    bool              ends;                     /* documents with the token `end` */
    uint32_t          end, last;
    uint64_t          tokens, begun;            /* so far; before the document at hand */
    uint64_t          pass_over;                /* documents that are in finished shards */
    uint64_t          of_shards, size;          /* --shards: how many, of how many bytes of input; 0: not asked */
};

int sink_open(struct sink *s, const char *output, const rk_shards_rules *rules, bool shards);      /* output NULL: the screen */
/* Ids of one document, or of a part of it; then its end. `read`: bytes of input taken so far. */
int sink_add(struct sink *s, const uint32_t *ids, size_t n);
int sink_document(struct sink *s, uint64_t read);
int sink_close(struct sink *s, int code);       /* commits where code is CLI_OK; frees in any case. Finished shards stay. */

#endif
