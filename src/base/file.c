/* file.c: files that are read: mapped, read whole, looked for, listed.
 *
 * Not here: writing (file_write.c). A mapped file that another process cuts short while it is in use kills the reader
 * with SIGBUS: that is the price of mapping, and the writer here never does it to a reader, since it renames. */
#include "base/file.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct { int error; const char *hint; } hints[] = {
    { ENOENT,  "check the spelling of the path; folders on the way to it must exist" },
    { ENOTDIR, "a part of the path that should be a folder is a file" },
    { EACCES,  "check the permissions of the file and of the folders on the way to it" },
    { EISDIR,  "name a file inside this folder" },
    { ENOSPC,  "free some space on this disk, or write to another" },
    { EDQUOT,  "the disk quota is used up: free some space, or write elsewhere" },
    { EFBIG,   "the file would be larger than the limit of this process (ulimit -f) or of the file system" },
    { EROFS,   "this file system is read-only: write elsewhere" },
    { EMFILE,  "too many files are open in this process (ulimit -n)" },
};

rk_status file_fail(rk_ctx *ctx, int error, const char *doing, const char *path, const char *file, int line, const char *function)
{
    rk_status status = error == ENOENT ? RK_E_MISSING : RK_E_IO;
    (void)ctx_fail(ctx, status, file, line, function, "cannot %s \"%s\": %s", doing, path, strerror(error));
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
        if (hints[i].error == error) return ctx_hint(ctx, "%s", hints[i].hint);
    return status;
}

/* Reads at `offset`, or onward where the file has no offsets (-1). 0 bytes at the end of the file, -1 with errno. */
static ssize_t read_some(int fd, void *to, size_t n, int64_t offset)
{
    ssize_t got;
    if (n > (size_t)1 << 30) n = (size_t)1 << 30;
    do got = offset < 0 ? read(fd, to, n) : pread(fd, to, n, (off_t)offset);
    while (got < 0 && errno == EINTR);
    return got;
}

/* Where mapping the file is refused (some network and special file systems): anonymous memory, filled by reading. */
static rk_status map_copy(rk_ctx *ctx, int fd, const char *path, size_t n, void **at)
{
    unsigned char *copy = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (copy == MAP_FAILED) return FAIL(RK_E_NOMEM, "no memory to read \"%s\": %zu bytes wanted", path, n);
    for (size_t done = 0; done < n;) {
        ssize_t got = read_some(fd, copy + done, n - done, (int64_t)done);
        if (got <= 0) {
            int error = errno;
            (void)munmap(copy, n);
            if (got < 0) return FAIL_OS(error, "read", path);
            return FAIL(RK_E_IO, "\"%s\" ended at byte %zu of %zu while it was being read", path, done, n);
        }
        done += (size_t)got;
    }
    *at = copy;
    return RK_OK;
}

static rk_status map_open(rk_ctx *ctx, int fd, const char *path, struct file_view *view)
{
    struct stat s;
    if (fstat(fd, &s) != 0) return FAIL_OS(errno, "examine", path);
    if (S_ISDIR(s.st_mode)) return FAIL_OS(EISDIR, "read", path);
    if (!S_ISREG(s.st_mode)) return FAIL(RK_E_IO, "cannot map \"%s\": it is a pipe or a device, not a regular file", path);
    if ((uint64_t)s.st_size > SIZE_MAX / 2) return FAIL(RK_E_LIMIT, "\"%s\" is larger than an address can hold", path);
    if (s.st_size == 0) return RK_OK;
    size_t n = (size_t)s.st_size;
    void *at = mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0);
    if (at == MAP_FAILED) TRY(map_copy(ctx, fd, path, n, &at));
    *view = (struct file_view){ at, n, 1 };
    return RK_OK;
}

rk_status file_map(rk_ctx *ctx, const char *path, struct file_view *view)
{
    *view = (struct file_view){ NULL, 0, 0 };
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);           /* O_NONBLOCK: opening a pipe does not hang */
    if (fd < 0) return FAIL_OS(errno, "open", path);
    rk_status status = map_open(ctx, fd, path, view);
    (void)close(fd);
    return status;
}

void file_unmap(struct file_view *view)
{
    if (view->kept) (void)munmap((void *)(uintptr_t)view->at, view->n);
    *view = (struct file_view){ NULL, 0, 0 };
}

void file_pass(const struct file_view *view, const void *from, size_t n)
{
    long page = sysconf(_SC_PAGESIZE);
    if (!view->kept || page <= 0) return;
    uintptr_t begin = (uintptr_t)from / (uintptr_t)page * (uintptr_t)page, end = ((uintptr_t)from + n) / (uintptr_t)page * (uintptr_t)page;
    if (end > begin) (void)madvise((void *)begin, end - begin, MADV_DONTNEED);
}

static rk_status too_long(rk_ctx *ctx, const char *path, size_t most)
{
    return FAIL(RK_E_LIMIT, "\"%s\" is longer than %zu bytes, the most that is read of such a file", path, most);
}

/* One byte more than `most` is asked for, so that a longer pipe is noticed without reading it all. */
static rk_status read_all(rk_ctx *ctx, int fd, const char *path, size_t most, struct str *text)
{
    struct stat s;
    size_t total = 0, size = fstat(fd, &s) == 0 && S_ISREG(s.st_mode) && s.st_size > 0 ? (size_t)s.st_size : 0;
    if (size > most) return too_long(ctx, path, most);
    for (;;) {
        size_t want = size > total ? size - total + 1 : 65536;        /* the rest of a regular file, else a chunk */
        if (want > most - total) want = most - total + 1;
        TRY(VEC_ROOM(text, (int)want + 1));
        ssize_t got = read_some(fd, text->at + text->n, want, -1);
        if (got < 0) return FAIL_OS(errno, "read", path);
        total += (size_t)got;
        if (total > most) return too_long(ctx, path, most);
        text->n += (int)got;
        text->at[text->n] = '\0';
        if (got == 0) return RK_OK;
    }
}

rk_status file_read(rk_ctx *ctx, const char *path, size_t most, struct str *text)
{
    int before = text->n;
    size_t room = (size_t)(INT_MAX / 2 - before - 2);                 /* a str counts in ints */
    bool stdin_meant = strcmp(path, "-") == 0;
    int fd = stdin_meant ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return FAIL_OS(errno, "open", path);
    rk_status status = read_all(ctx, fd, stdin_meant ? "standard input" : path, most < room ? most : room, text);
    if (!stdin_meant) (void)close(fd);
    if (status != RK_OK && text->at != NULL && text->room > before) text->at[text->n = before] = '\0';
    return status;
}

rk_status file_exists(rk_ctx *ctx, const char *path, bool *yes)
{
    struct stat s;
    *yes = stat(path, &s) == 0;
    if (!*yes && errno != ENOENT && errno != ENOTDIR) return FAIL_OS(errno, "look for", path);
    return RK_OK;
}

bool file_is_folder(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

bool file_same(const char *a, const char *b)
{
    struct stat s, t;
    return stat(a, &s) == 0 && stat(b, &t) == 0 && s.st_dev == t.st_dev && s.st_ino == t.st_ino;
}

/* Makes every folder named by a prefix of `path`, which is cut at each slash and mended again. */
static rk_status make_each(rk_ctx *ctx, char *path, size_t n)
{
    for (size_t i = 1; i <= n; i++) {
        char cut = path[i];
        if (cut != '/' && cut != '\0') continue;
        path[i] = '\0';
        int error = mkdir(path, 0777) == 0 ? 0 : errno;
        if (error != 0 && !file_is_folder(path)) return FAIL_OS(error == EEXIST ? ENOTDIR : error, "make the folder", path);
        path[i] = cut;
    }
    return RK_OK;
}

rk_status file_make_folder(rk_ctx *ctx, const char *path)
{
    size_t n = strlen(path);
    char *copy;
    if (n == 0) return FAIL(RK_E_ARG, "the name of the folder to make is empty");
    TRY(NEW(copy, n + 1));
    memcpy(copy, path, n);
    rk_status status = make_each(ctx, copy, n);
    FREE(copy, n + 1);
    return status;
}

static int by_bytes(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static rk_status add_name(rk_ctx *ctx, struct file_names *names, const char *name)
{
    size_t n = strlen(name) + 1;
    char *copy;
    TRY(VEC_ROOM(names, 1));
    TRY(NEW(copy, n));
    memcpy(copy, name, n);
    names->at[names->n++] = copy;
    return RK_OK;
}

rk_status file_list(rk_ctx *ctx, const char *folder, struct file_names *names)
{
    *names = (struct file_names){ NULL, 0, 0 };
    DIR *d = opendir(folder);
    if (d == NULL) return FAIL_OS(errno, "list the folder", folder);
    rk_status status = RK_OK;
    for (;;) {
        errno = 0;
        struct dirent *e = readdir(d);
        if (e == NULL && errno != 0) status = FAIL_OS(errno, "list the folder", folder);
        if (e == NULL) break;
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) GO(add_name(ctx, names, e->d_name));
    }
    if (names->n > 0) qsort(names->at, (size_t)names->n, sizeof *names->at, by_bytes);
out:
    (void)closedir(d);
    if (status != RK_OK) file_names_free(ctx, names);
    return status;
}

void file_names_free(rk_ctx *ctx, struct file_names *names)
{
    for (int i = 0; i < names->n; i++) FREE(names->at[i], strlen(names->at[i]) + 1);
    VEC_FREE(names);
}

rk_status file_join(rk_ctx *ctx, struct str *path, const char *folder, const char *name)
{
    struct str fresh = { NULL, 0, 0 };                                /* made first: `folder` may lie in *path */
    size_t n = strlen(folder);
    rk_status status = RK_OK;
    GO(str_add(ctx, &fresh, folder, n));
    if (n > 0 && folder[n - 1] != '/') GO(str_add(ctx, &fresh, "/", 1));
    GO(str_text(ctx, &fresh, name));
    str_free(ctx, path);
    *path = fresh;
    return RK_OK;
out:
    str_free(ctx, &fresh);
    return status;
}
