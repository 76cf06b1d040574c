/* corpus.h: an open corpus from the inside. corpus_files.c knows which files it has, corpus.c makes blocks of them. */
#ifndef TOK_CORPUS_H
#define TOK_CORPUS_H
#include "base/file.h"
#include "base/source.h"
#include "reckon/corpus.h"

enum { CORPUS_HELD = 256 };                                           /* files of one block, unless that is all there is */

struct corpus_file { char *path; bool found, known; uint64_t size; }; /* found: in a folder. known: its size */

struct corpus_text { size_t begin, n; uint32_t file; int source; };   /* of held[source]'s window, or of `made` (-1) */

struct rk_corpus {
    bool               jsonl;
    char              *field, *separator;
    size_t             block, most, uncut;
    struct source_stop stop;
    VEC(struct corpus_file) files;
    uint32_t           next;                                          /* file to be opened */
    VEC(struct source) held;                                          /* files that this block's texts lie in; the last may be `live` */
    bool               live;                                          /* the last one is not used up */
    size_t             at, searched;                                  /* in its window: where the next document begins; what holds no end of it */
    uint64_t           line, passed;                                  /* of JSONL, in this file; bytes of it before the window */
    VEC(struct corpus_text) found;                                    /* texts of this block */
    rk_text           *texts;
    uint32_t          *numbers;
    size_t             room;
    rk_bytes           made;                                          /* texts that JSON spells */
    size_t             bytes;                                         /* of this block */
    bool               goes_on;                                       /* its last document */
    rk_corpus_state    state;
};

/* Adds what a path names. */
RK_CHECK rk_status corpus_add(rk_ctx *ctx, rk_corpus *corpus, const char *path);
void corpus_files_clear(rk_ctx *ctx, rk_corpus *corpus);

#endif
