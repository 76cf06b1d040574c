/* file.h: files read by mapping and written so that a crash never costs data.
 *
 * A writer fills NAME.tmp.PID beside the target; commit does flush, fsync, rename, fsync of the folder. Until then the old
 * file is intact. Every message names the path, the offset and the operating system's reason. */
#ifndef BASE_FILE_H
#define BASE_FILE_H
#include "base/ctx.h"
#include "base/str.h"

struct file_view { const unsigned char *at; size_t n; int kept; };       /* read-only; at is NULL only for an empty file */

RK_CHECK rk_status file_map(rk_ctx *ctx, const char *path, struct file_view *view);       /* regular files; mmap, or read where mmap is refused */
void file_unmap(struct file_view *view);
void file_pass(const struct file_view *view, const void *from, size_t n);      /* these bytes leave this process's memory, and come back when read */
RK_CHECK rk_status file_read(rk_ctx *ctx, const char *path, size_t most, struct str *text);   /* whole file; also pipes and "-" (stdin) */

typedef uint32_t crc32c_body(uint32_t crc, const void *bytes, size_t n);
/* sum: NULL, set after creation: nobody wants the crc. */
struct file_writer { int fd; uint64_t offset; uint32_t crc; crc32c_body *sum; char *path, *temporary; unsigned char *buffer; size_t fill; };

RK_CHECK rk_status file_create(rk_ctx *ctx, struct file_writer *w, const char *path);
RK_CHECK rk_status file_write(rk_ctx *ctx, struct file_writer *w, const void *bytes, size_t n);
RK_CHECK rk_status file_write_at(rk_ctx *ctx, struct file_writer *w, uint64_t offset, const void *bytes, size_t n);   /* after a flush; not in the crc */
RK_CHECK rk_status file_commit(rk_ctx *ctx, struct file_writer *w);      /* w is closed afterwards, whatever happened */
void file_abandon(rk_ctx *ctx, struct file_writer *w);                   /* removes the temporary file; harmless on a closed writer */
RK_CHECK rk_status file_sweep(rk_ctx *ctx, const char *path);            /* removes what writers of `path` that were killed have left beside it */

RK_CHECK rk_status file_exists(rk_ctx *ctx, const char *path, bool *yes);       /* E_IO when one cannot know */
RK_CHECK rk_status file_make_folder(rk_ctx *ctx, const char *path);             /* with parents; fine if it is there */
bool file_is_folder(const char *path);
bool file_same(const char *a, const char *b);                                   /* both are there, and are one */
/* Names in a folder, sorted by bytes, without . and .. ; freed with file_names_free. */
struct file_names { char **at; int n, room; };
RK_CHECK rk_status file_list(rk_ctx *ctx, const char *folder, struct file_names *names);
void file_names_free(rk_ctx *ctx, struct file_names *names);
RK_CHECK rk_status file_join(rk_ctx *ctx, struct str *path, const char *folder, const char *name);   /* replaces *path */

/* "cannot DOING "PATH": reason", with a hint for the common reasons; DOING ends so that a path can follow. */
rk_status file_fail(rk_ctx *ctx, int error, const char *doing, const char *path, const char *file, int line, const char *function);
#define FAIL_OS(error, doing, path) file_fail(ctx, (error), (doing), (path), __FILE__, __LINE__, __func__)

crc32c_body crc32c;                                                      /* Castagnoli; start with 0 */
crc32c_body *crc32c_best(void);                                          /* the same, for this machine; asking takes longer than a few hundred bytes */

#endif
