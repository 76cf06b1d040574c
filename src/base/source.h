/* source.h: the bytes of a file in their order, through a window: a regular file is mapped and is all in the window at once; a pipe, standard
 * input, and what gzip or Zstandard has packed come into it as they are asked for, so that memory is what the window has grown to. */
#ifndef BASE_SOURCE_H
#define BASE_SOURCE_H
#include "base/file.h"
#include "base/unpack.h"

/* Asked before a file that is not mapped is read on, and when a signal interrupts that: true ends the call with RK_E_CANCELLED. */
struct source_stop { bool (*asks)(void *user); void *user; };

struct source {
    const char          *name;                                        /* for messages; "standard input" for "-" */
    const unsigned char *at;                                          /* the window: n bytes */
    size_t               n;
    bool                 ended;                                       /* nothing follows the window */
    uint64_t             read, size;                                  /* bytes of the file so far, in all; size 0: not known */
    /* its own */
    struct file_view     view;                                        /* the file, or what is packed, where it is mapped */
    int                  fd;
    struct source_stop   stop;
    struct unpacker     *unpacker;
    unsigned char       *packed, *text;                               /* buffers: of packed bytes that were read; of the window */
    size_t               packed_at, packed_n, begin, room;
};

/* `path` is borrowed. "-" is standard input. What is compressed is known by its first bytes. */
RK_CHECK rk_status source_open(rk_ctx *ctx, const char *path, struct source_stop stop, struct source *s);
/* Widens the window by something, or finds that the file has ended. The window moves. RK_E_LIMIT beyond `most` bytes. */
RK_CHECK rk_status source_more(rk_ctx *ctx, struct source *s, size_t most);
void source_take(struct source *s, size_t n);                         /* the first n bytes leave the window; it moves */
void source_close(rk_ctx *ctx, struct source *s);                     /* harmless on a closed one */

#endif
