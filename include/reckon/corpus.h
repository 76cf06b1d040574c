/* corpus.h: texts out of files, document by document, in bounded memory.
 *
 *   rk_corpus *corpus;
 *   rk_block block;
 *   if (rk_corpus_open(ctx, paths, n, NULL, &corpus) != RK_OK) ...
 *   do {
 *       if (rk_corpus_next(ctx, corpus, &cut, &block) != RK_OK) ...
 *       ... block.texts[0 .. block.n)
 *   } while (block.n > 0);
 *
 * Files are plain text or JSONL, as they are or packed by gzip or Zstandard (known by their first bytes). Bytes stay what they are, valid UTF-8
 * or not. Every command that reads a corpus reads it through this. */
#ifndef RECKON_CORPUS_H
#define RECKON_CORPUS_H
#include "reckon/tok.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rk_corpus rk_corpus;

typedef struct rk_corpus_rules {         /* zero means the default */
    bool        jsonl;                   /* each line that is not blank is JSON: a text, or with `field` an object; implied by field */
    const char *field;                   /* the member of that object that is the document */
    const char *separator;               /* plain text: a line of its own between documents, which belongs to none; NULL: a file is a document */
    size_t      block;                   /* bytes of text in a block, about; default 32 MiB; SIZE_MAX: one block has it all */
    size_t      most;                    /* bytes of a line, or of text without a place to cut, where it is not mapped; default 2 GiB */
    size_t      uncut;                   /* plain text: so many bytes without a place to cut, or more, are refused by the first of them (RK_E_LIMIT); 0: a block grows until there is one */
    bool      (*stop)(void *user);       /* asked while reading what is not mapped; true: stop, RK_E_CANCELLED */
    void       *user;
} rk_corpus_rules;

/* A path is a file, "-" (standard input), or a folder: its regular files by name, with those below; not what is hidden, a symbolic link, or no
 * text (a zero among its first 8,000 bytes). Nothing is opened yet, but folders are read. Empty documents are left out. */
RK_API RK_CHECK rk_status rk_corpus_open(rk_ctx *ctx, const char *const *paths, size_t n, const rk_corpus_rules *rules, rk_corpus **corpus);
RK_API void rk_corpus_close(rk_ctx *ctx, rk_corpus *corpus);

/* Where a document longer than a block may be cut: the last such place in text[0 .. n), of which more will follow, or 0 for none yet. NULL
 * for `last`: anywhere, also inside a character. rk_tok_cut is one. */
typedef struct rk_corpus_cut { size_t (*last)(const void *user, const char *text, size_t n); const void *user; } rk_corpus_cut;

typedef struct rk_block {
    const rk_text  *texts;               /* documents, in their order; borrowed until the next call */
    const uint32_t *files;               /* the file of each: see rk_corpus_file */
    size_t          n;                   /* 0: there are no more */
    uint64_t        bytes;               /* of all */
    bool            continues;           /* the first text goes on where the last one of the block before stopped */
    bool            goes_on;             /* the document of the last text is not over */
} rk_block;

/* The next documents. `cut` may be NULL: anywhere. Errors: RK_E_FORMAT by file and line for what is no JSON or no text, and for packed bytes
 * that are damaged or end too early; RK_E_MISSING for a line without the field; RK_E_DECLINED, with the package to install, where a file is
 * packed and the library that unpacks it is not there; RK_E_LIMIT beyond `most`, or `uncut`. After an error only closing is left. */
RK_API RK_CHECK rk_status rk_corpus_next(rk_ctx *ctx, rk_corpus *corpus, const rk_corpus_cut *cut, rk_block *block);

typedef struct rk_corpus_state {
    uint64_t files, skipped;             /* opened so far; in a folder and no text */
    uint64_t documents, bytes;           /* given out so far; of text */
    uint64_t packed;                     /* files that are compressed, of those whose size is known; told from the beginning */
    uint64_t read, size;                 /* bytes of the files, packed or not: taken so far; in all, 0 where that is not known */
} rk_corpus_state;
RK_API rk_corpus_state rk_corpus_told(const rk_corpus *corpus);
RK_API size_t rk_corpus_files(const rk_corpus *corpus);
RK_API const char *rk_corpus_file(const rk_corpus *corpus, size_t i);          /* its path */

/* One line of JSONL, appended to `text` as UTF-8: the line is a string (field NULL), or an object whose `field` is one. `name` and
 * `number` of the line (from 1) begin messages. RK_E_FORMAT for a line that is no JSON or no string; RK_E_MISSING without the field. */
RK_API RK_CHECK rk_status rk_corpus_line(rk_ctx *ctx, const char *name, uint64_t number, const char *line, size_t n, const char *field, rk_bytes *text);

#ifdef __cplusplus
}
#endif
#endif
