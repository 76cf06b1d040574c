/* file_write.c: a file is written beside its target and takes its name in one step, so that there is always a whole file.
 *
 * The temporary file is locked (flock) while its writer lives. A name left over by a killed process is therefore known as
 * such and used again, and two writers of one target never share it. A write that fails closes and removes the temporary
 * file at once: on a full disk its space is given back, and nothing half written can be committed.
 * Source: the order flush, fsync, rename, fsync of the folder is that of rename(2) and of Pillai et al. 2014, section 2. */
#include "base/file.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER = 1 << 18, MOST_NAMES = 100 };

static void close_writer(rk_ctx *ctx, struct file_writer *w)
{
    if (w->fd >= 0) (void)close(w->fd);
    if (w->path != NULL) FREE(w->path, strlen(w->path) + 1);
    if (w->temporary != NULL) FREE(w->temporary, strlen(w->temporary) + 1);
    if (w->buffer != NULL) FREE(w->buffer, BUFFER);
    *w = (struct file_writer){ .fd = -1 };
}

void file_abandon(rk_ctx *ctx, struct file_writer *w)
{
    if (w->path == NULL) return;                                      /* closed, or never opened */
    if (w->fd >= 0) (void)unlink(w->temporary);
    close_writer(ctx, w);
}

/* Opens `name` if it is new or if nobody holds it: -1 with EEXIST when somebody does. */
static int open_own(const char *name)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    bool fresh = fd >= 0;
    if (!fresh && errno == EEXIST) {
        struct stat s;                                                /* only a plain file can be a left-over of ours */
        if (lstat(name, &s) == 0 && S_ISREG(s.st_mode)) fd = open(name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0) { errno = EEXIST; return -1; }
    }
    if (fd < 0) return -1;
    struct stat there, here;
    bool locked = flock(fd, LOCK_EX | LOCK_NB) == 0;
    bool unlockable = !locked && errno != EWOULDBLOCK;                /* a file system without locks: trust a fresh file */
    if (locked || (fresh && unlockable)) {
        bool same = stat(name, &there) == 0 && fstat(fd, &here) == 0 && there.st_ino == here.st_ino && there.st_dev == here.st_dev;
        if (same && ftruncate(fd, 0) == 0) return fd;                 /* still ours: not renamed away before we had the lock */
    }
    (void)close(fd);
    errno = EEXIST;
    return -1;
}

static rk_status open_temporary(rk_ctx *ctx, struct file_writer *w)
{
    size_t room = strlen(w->path) + 40;
    char *name;
    TRY(NEW(name, room));
    for (int k = 0; k < MOST_NAMES && w->fd < 0; k++) {
        if (k == 0) (void)snprintf(name, room, "%s.tmp.%ld", w->path, (long)getpid());
        else (void)snprintf(name, room, "%s.tmp.%ld.%d", w->path, (long)getpid(), k);
        w->fd = open_own(name);
        if (w->fd < 0 && errno != EEXIST) break;
    }
    rk_status status = RK_OK;
    if (w->fd < 0) GO(FAIL_OS(errno, "write", w->path));              /* by the name that somebody asked for */
    GO(NEW(w->temporary, strlen(name) + 1));
    memcpy(w->temporary, name, strlen(name));
out:
    if (status != RK_OK && w->fd >= 0) (void)unlink(name);
    FREE(name, room);
    return status;
}

/* What stands at the target may only be nothing or a regular file: renaming over /dev/null would be a disaster. */
static rk_status check_target(rk_ctx *ctx, const char *path, mode_t *mode)
{
    struct stat s;
    *mode = 0;
    if (path[0] == '\0') return FAIL(RK_E_ARG, "the name of the file to write is empty");
    if (stat(path, &s) != 0) return RK_OK;                            /* whatever is wrong, opening says it */
    if (S_ISDIR(s.st_mode)) return FAIL_OS(EISDIR, "write", path);
    if (!S_ISREG(s.st_mode)) {
        (void)FAIL(RK_E_IO, "cannot write \"%s\": it is a pipe or a device, not a regular file", path);
        return ctx_hint(ctx, "name a file: it is written beside its target and then renamed");
    }
    *mode = s.st_mode & 0777;
    return RK_OK;
}

static rk_status open_writer(rk_ctx *ctx, struct file_writer *w, const char *path)
{
    char real[PATH_MAX];
    mode_t mode;
    TRY(check_target(ctx, path, &mode));
    if (realpath(path, real) != NULL) path = real;                    /* a symbolic link stays one: what it points to is replaced */
    size_t n = strlen(path);
    TRY(NEW(w->path, n + 1));
    memcpy(w->path, path, n);
    TRY(open_temporary(ctx, w));
    if (mode != 0) (void)fchmod(w->fd, mode);                         /* a private file stays private; where refused, the umask rules */
    return NEW(w->buffer, BUFFER);
}

rk_status file_create(rk_ctx *ctx, struct file_writer *w, const char *path)
{
    *w = (struct file_writer){ .fd = -1, .sum = crc32c_best() };
    rk_status status = open_writer(ctx, w, path);
    if (status == RK_OK) return RK_OK;
    if (w->temporary != NULL) (void)unlink(w->temporary);
    close_writer(ctx, w);
    return status;
}

/* At `offset`, or where the file stands (-1). On failure the writer is gone. */
static rk_status put(rk_ctx *ctx, struct file_writer *w, const unsigned char *bytes, size_t n, int64_t offset)
{
    while (n > 0) {
        size_t part = n < (size_t)1 << 30 ? n : (size_t)1 << 30;
        ssize_t done = offset < 0 ? write(w->fd, bytes, part) : pwrite(w->fd, bytes, part, (off_t)offset);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) {
            char doing[96];
            int error = done < 0 ? errno : EIO;
            (void)snprintf(doing, sizeof doing, "write %zu bytes near byte %llu of", n, (unsigned long long)(offset < 0 ? w->offset : (uint64_t)offset));
            (void)FAIL_OS(error, doing, w->path);
            file_abandon(ctx, w);
            return RK_E_IO;
        }
        bytes += done;
        n -= (size_t)done;
        if (offset >= 0) offset += done;
    }
    return RK_OK;
}

static rk_status flush(rk_ctx *ctx, struct file_writer *w)
{
    size_t n = w->fill;
    w->fill = 0;
    return put(ctx, w, w->buffer, n, -1);
}

rk_status file_write(rk_ctx *ctx, struct file_writer *w, const void *bytes, size_t n)
{
    if (w->path == NULL) return FAIL(RK_E_BUG, "a write of %zu bytes to a file that is closed", n);
    if (n == 0) return RK_OK;
    if (w->sum != NULL) w->crc = w->sum(w->crc, bytes, n);
    if (n > BUFFER - w->fill) TRY(flush(ctx, w));
    if (n >= BUFFER) {
        TRY(put(ctx, w, bytes, n, -1));
    } else {
        memcpy(w->buffer + w->fill, bytes, n);
        w->fill += n;
    }
    w->offset += n;
    return RK_OK;
}

rk_status file_write_at(rk_ctx *ctx, struct file_writer *w, uint64_t offset, const void *bytes, size_t n)
{
    if (w->path == NULL) return FAIL(RK_E_BUG, "a write of %zu bytes to a file that is closed", n);
    if (offset > INT64_MAX || n > INT64_MAX - offset) return FAIL(RK_E_LIMIT, "%zu bytes at byte %llu of \"%s\": beyond any file", n, (unsigned long long)offset, w->path);
    TRY(flush(ctx, w));
    return put(ctx, w, bytes, n, (int64_t)offset);
}

/* Makes the new name durable. Folders that cannot be opened or synced on their file system are left to it. */
static int sync_folder(char *path)
{
    char *slash = strrchr(path, '/');
    char kept = '\0';
    if (slash != NULL) { kept = slash[1]; slash[1] = '\0'; }
    int fd = open(slash != NULL ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (slash != NULL) slash[1] = kept;
    if (fd < 0) return 0;
    int error = fsync(fd) == 0 || errno == EINVAL || errno == EROFS || errno == ENOTSUP ? 0 : errno;
    (void)close(fd);
    return error;
}

rk_status file_commit(rk_ctx *ctx, struct file_writer *w)
{
    if (w->path == NULL) return FAIL(RK_E_BUG, "a commit of a file that is closed");
    TRY(flush(ctx, w));
    rk_status status = RK_OK;
    bool renamed = false;
    if (fsync(w->fd) != 0) GO(FAIL_OS(errno, "bring to disk", w->path));
    renamed = rename(w->temporary, w->path) == 0;                     /* while still locked: see open_own */
    if (!renamed) GO(FAIL_OS(errno, "give its name to", w->path));
    int error = sync_folder(w->path);
    if (error != 0) GO(FAIL_OS(error, "bring to disk the folder of", w->path));
out:
    if (renamed) close_writer(ctx, w);
    else file_abandon(ctx, w);
    return status;
}

/* Whether nobody holds it: a writer locks its temporary file as long as it lives. */
static bool is_left_over(const char *path)
{
    struct stat s;
    int fd = lstat(path, &s) == 0 && S_ISREG(s.st_mode) ? open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC) : -1;
    bool free = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;
    if (fd >= 0) (void)close(fd);
    return free;
}

rk_status file_sweep(rk_ctx *ctx, const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    struct str folder = { 0 }, found = { 0 };
    struct file_names names = { 0 };
    rk_status status;
    GO(str_add(ctx, &folder, slash != NULL ? path : ".", slash != NULL ? (size_t)(slash - path) + 1 : 1));
    GO(file_list(ctx, str_c(&folder), &names));
    for (int i = 0; i < names.n; i++) {
        size_t n = strlen(name);
        if (strncmp(names.at[i], name, n) != 0 || strncmp(names.at[i] + n, ".tmp.", 5) != 0) continue;
        GO(file_join(ctx, &found, str_c(&folder), names.at[i]));
        if (is_left_over(str_c(&found)) && unlink(str_c(&found)) != 0 && errno != ENOENT) GO(FAIL_OS(errno, "remove", str_c(&found)));
    }
out:
    file_names_free(ctx, &names);
    str_free(ctx, &found);
    str_free(ctx, &folder);
    return status;
}
