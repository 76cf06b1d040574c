/* corpus_files.c: which files a list of paths names: folders are walked in the order of names, so that a corpus is the same everywhere. */
#include "tok/corpus.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEEPEST = 32 };

static rk_status copy(rk_ctx *ctx, const char *text, char **out)
{
    TRY(NEW(*out, strlen(text) + 1));
    memcpy(*out, text, strlen(text));
    return RK_OK;
}

/* Read, where it can be: what cannot is said when its turn comes. */
static bool is_packed(const char *path)
{
    unsigned char first[4];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t got = fd >= 0 ? read(fd, first, sizeof first) : 0;
    if (fd >= 0) (void)close(fd);
    return got > 0 && packing_of(first, (size_t)got) != PACKED_NOT;
}

static rk_status add_file(rk_ctx *ctx, rk_corpus *c, const char *path, const struct stat *s, bool found)
{
    bool known = s != NULL && S_ISREG(s->st_mode);
    struct corpus_file file = { NULL, found, known, known ? (uint64_t)s->st_size : 0 };
    if (c->files.n == INT32_MAX / 2) return FAIL(RK_E_LIMIT, "a corpus of more than %d files", INT32_MAX / 2);
    TRY(VEC_ROOM(&c->files, 1));
    TRY(copy(ctx, path, &file.path));
    c->state.packed += known && is_packed(path);
    c->files.at[c->files.n++] = file;
    return RK_OK;
}

static rk_status walk(rk_ctx *ctx, rk_corpus *c, const char *folder, int depth);

static rk_status add_found(rk_ctx *ctx, rk_corpus *c, const char *path, int depth)
{
    struct stat s;
    if (lstat(path, &s) != 0) return FAIL_OS(errno, "examine", path);
    if (S_ISDIR(s.st_mode)) return walk(ctx, c, path, depth + 1);
    return S_ISREG(s.st_mode) ? add_file(ctx, c, path, &s, true) : RK_OK;
}

static rk_status walk(rk_ctx *ctx, rk_corpus *c, const char *folder, int depth)
{
    struct file_names names;
    struct str path = { 0 };
    if (depth > DEEPEST) return FAIL(RK_E_LIMIT, "%s: folders in folders, more than %d deep", folder, DEEPEST);
    TRY(file_list(ctx, folder, &names));
    rk_status status = RK_OK;
    for (int i = 0; i < names.n && status == RK_OK; i++) {
        if (names.at[i][0] == '.') continue;                          /* hidden */
        status = file_join(ctx, &path, folder, names.at[i]);
        if (status == RK_OK) status = add_found(ctx, c, str_c(&path), depth);
    }
    str_free(ctx, &path);
    file_names_free(ctx, &names);
    return status == RK_OK ? RK_OK : ctx_pass(ctx, status, __FILE__, __LINE__, __func__);
}

rk_status corpus_add(rk_ctx *ctx, rk_corpus *c, const char *path)
{
    struct stat s;
    if (strcmp(path, "-") == 0) return add_file(ctx, c, path, NULL, false);
    if (stat(path, &s) != 0) return FAIL_OS(errno, "read", path);
    return S_ISDIR(s.st_mode) ? walk(ctx, c, path, 0) : add_file(ctx, c, path, &s, false);
}

void corpus_files_clear(rk_ctx *ctx, rk_corpus *c)
{
    for (int i = 0; i < c->files.n; i++) FREE(c->files.at[i].path, strlen(c->files.at[i].path) + 1);
    VEC_FREE(&c->files);
}
