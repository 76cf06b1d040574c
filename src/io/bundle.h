/* bundle.h: a bundle is a set of named arrays, in whatever files they lie.
 *
 * Opening looks at headers only and maps the rest, so 10 GB open as fast as 10 kB. `data` points into the file, lives until
 * bundle_close, and may be unaligned (`aligned` says so; then memcpy). A file that another program
 * shortens while it is mapped ends this process with SIGBUS, as with every mapping. Formats: list.def. */
#ifndef IO_BUNDLE_H
#define IO_BUNDLE_H
#include "base/file.h"
#include "io/names.h"
#include "reckon/dim.h"

struct bundle_entry {
    struct name    name;                        /* UTF-8, ends in a zero */
    rk_dtype       dtype;
    int            rank;
    int64_t        shape[RK_MAX_RANK];
    const void    *data;                        /* row-major, little-endian; not NULL even when there are no elements */
    size_t         bytes;                       /* product of shape × bytes of dtype */
    bool           aligned;                     /* data may be read as an array of dtype */
    const char    *path;                        /* of its file */
    uint64_t       offset;                      /* of its first element in its file, bytes */
    size_t         span;                        /* bytes from there to the end of its last element: `bytes` where it is row-major there */
    const int64_t *strides;                     /* in elements; NULL: row-major. Only bundle_peek leaves any */
};

struct bundle_note { struct name name; const char *text; };          /* metadata: a key and its text */

/* One of the files that were opened: its size, and how much of it is not there for numbers (headers, names, padding). */
struct bundle_file { const char *path; uint64_t bytes, header; };

struct bundle_trouble { const char *name, *text; };                  /* an index and its shards disagree about this tensor or file */

struct bundle {                                                      /* zero it to begin */
    const char *path, *format;
    struct { struct bundle_file *at; int n, room; } files;
    struct { struct bundle_entry *at; int n, room; } entries;        /* in the order of the files */
    struct { struct bundle_note *at; int n, room; } notes;
    struct { struct file_view *at; int n, room; } views;
    struct { struct bundle_trouble *at; int n, room; } troubles;      /* only bundle_examine leaves any */
    bool lenient;
    struct names index;
    struct arena arena;
};

/* Opens a file, an index of shards, or what bundle_choose finds in a folder; recognised by content. Arrays that are not row-major
 * in their file (PyTorch) are copied into memory, all others are not. Errors: RK_E_MISSING, RK_E_IO, RK_E_FORMAT (it lies), RK_E_LIMIT, RK_E_DECLINED (understood, and not read here);
 * on failure nothing stays open. */
RK_CHECK rk_status bundle_open(rk_ctx *ctx, const char *path, struct bundle *b);
/* The same, for headers alone: no number is read or copied, and entries may have strides. */
RK_CHECK rk_status bundle_peek(rk_ctx *ctx, const char *path, struct bundle *b);
/* And where an index and its shards disagree, that is noted, and the rest is opened. */
RK_CHECK rk_status bundle_examine(rk_ctx *ctx, const char *path, struct bundle *b);
/* Which of these names of a folder is the one with the weights: the usual ones, then a single *.safetensors; NULL: none. */
const char *bundle_choose(const struct file_names *names);
/* The same for a file that lies in memory, borrowed until bundle_close. */
RK_CHECK rk_status bundle_open_bytes(rk_ctx *ctx, const char *name, const void *bytes, size_t n, struct bundle *b);
void bundle_close(rk_ctx *ctx, struct bundle *b);

const struct bundle_entry *bundle_find(const struct bundle *b, const char *name);                 /* NULL when there is none */
RK_CHECK rk_status bundle_get(rk_ctx *ctx, const struct bundle *b, const char *name, const struct bundle_entry **entry);      /* RK_E_MISSING */
const char *bundle_note(const struct bundle *b, const char *key);                                 /* NULL when there is none */

/* Writing safetensors: declare everything, begin, then the data in the order declared, in pieces of any size, then commit.
 * The file appears under its name at commit, whole and flushed, or not at all. Notes are written first, as __metadata__. */
struct bundle_writer {                                               /* zero it to begin; abandon ends it at any time */
    struct { struct bundle_entry *at; int n, room; } entries;
    struct { struct bundle_note *at; int n, room; } notes;
    struct arena arena;
    struct file_writer file;
    bool     lines;                             /* the first array begins a line of the cache: 64 bytes; set before begin */
    bool     begun;
    int      next;                              /* the array that is being written */
    uint64_t done;                              /* bytes of it so far */
};

RK_CHECK rk_status bundle_declare(rk_ctx *ctx, struct bundle_writer *w, const char *name, rk_dtype dtype, int rank, const int64_t *shape);
RK_CHECK rk_status bundle_declare_note(rk_ctx *ctx, struct bundle_writer *w, const char *key, const char *text);
RK_CHECK rk_status bundle_begin(rk_ctx *ctx, struct bundle_writer *w, const char *path);
RK_CHECK rk_status bundle_write(rk_ctx *ctx, struct bundle_writer *w, const char *name, const void *data, size_t bytes);
RK_CHECK rk_status bundle_commit(rk_ctx *ctx, struct bundle_writer *w);      /* w is closed afterwards, whatever happened */
void bundle_abandon(rk_ctx *ctx, struct bundle_writer *w);                   /* harmless on a closed one */

/* One array as .npy: begin, then file_write its bytes and file_commit; or all at once. */
RK_CHECK rk_status npy_begin(rk_ctx *ctx, struct file_writer *w, const char *path, rk_dtype dtype, int rank, const int64_t *shape);
RK_CHECK rk_status npy_write(rk_ctx *ctx, const char *path, rk_dtype dtype, int rank, const int64_t *shape, const void *data);

#endif
