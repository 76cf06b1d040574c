/* save.c: a page or a table goes into its file whole or not at all: beside it first, and then by its name in one step.
 *
 * The library's own files are written by src/base/file_write.c; this is for what the command says about them. What is no regular file (a pipe, a
 * terminal) is written to as it is, and a symbolic link stays one. */
#include "command.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int not_whole(struct cli *c, const char *path, int why)
{
    return cli_fail(c, CLI_SYSTEM, why == ENOENT ? "the folder it lies in has to be there" : NULL, "%s: cannot be written: %s", path, strerror(why));
}

/* Does a path lie in the folder that the command makes itself, and perhaps has not made yet? */
static bool in_output(struct cli *c, const char *path)
{
    const char *output = cli_offers(c, "output") && cli_given(c, "output") ? cli_text(c, "output") : NULL;
    size_t n = output != NULL ? strlen(output) : 0;
    return n > 0 && strncmp(path, output, n) == 0 && (path[n] == '/' || output[n - 1] == '/');
}

int cli_can_save(struct cli *c, const char *path)
{
    struct stat there;
    char folder[PATH_MAX];
    const char *name = strrchr(path, '/');
    int n = name == NULL ? 0 : name == path ? 1 : (int)(name - path);
    if (in_output(c, path)) return CLI_OK;
    if (path[0] == '\0') return not_whole(c, path, ENOENT);
    if (stat(path, &there) == 0 && S_ISDIR(there.st_mode)) return not_whole(c, path, EISDIR);
    if (stat(path, &there) == 0 && !S_ISREG(there.st_mode)) return access(path, W_OK) == 0 ? CLI_OK : not_whole(c, path, errno);
    if (n >= (int)sizeof folder) return not_whole(c, path, ENAMETOOLONG);
    (void)snprintf(folder, sizeof folder, "%.*s", n, path);
    return access(n > 0 ? folder : ".", W_OK | X_OK) == 0 ? CLI_OK : not_whole(c, path, errno);
}

int cli_can_make_folder(struct cli *c, const char *path)
{
    struct stat there;
    char above[PATH_MAX];
    if (snprintf(above, sizeof above, "%s", path) >= (int)sizeof above) return not_whole(c, path, ENAMETOOLONG);
    while (stat(above, &there) != 0) {                          /* the first that is there: below it, folders are made */
        char *slash = strrchr(above, '/');
        if (errno != ENOENT) return not_whole(c, path, errno);
        if (slash == NULL) (void)strcpy(above, ".");
        else if (slash == above) (void)strcpy(above, "/");
        else *slash = '\0';
    }
    if (!S_ISDIR(there.st_mode)) return cli_fail(c, CLI_SYSTEM, "name a folder, or one that can be made", "%s: cannot be made: %s is no folder", path, above);
    return access(above, W_OK | X_OK) == 0 ? CLI_OK : not_whole(c, path, errno);
}

struct save { const char *path; char target[PATH_MAX], beside[PATH_MAX + 32]; bool plain; };      /* path: as it was typed */

int cli_save_begin(struct cli *c, const char *path, struct save **out, FILE **file)
{
    struct stat there;
    struct save *s = cli_take(sizeof *s);
    bool old = stat(path, &there) == 0, told = old && realpath(path, s->target) != NULL;
    s->path = path;
    s->plain = !old || S_ISREG(there.st_mode);
    int why = !told && snprintf(s->target, sizeof s->target, "%s", path) >= (int)sizeof s->target ? ENAMETOOLONG : 0;
    (void)snprintf(s->beside, sizeof s->beside, "%s.tmp.%ld", s->target, (long)getpid());
    *file = why == 0 ? fopen(s->plain ? s->beside : path, "w") : NULL;
    if (*file == NULL) {
        free(s);
        *out = NULL;
        return not_whole(c, path, why != 0 ? why : errno);
    }
    if (old && s->plain) (void)fchmod(fileno(*file), there.st_mode & 0777);        /* a private file stays private */
    *out = s;
    return CLI_OK;
}

/* 0, or why not all of it is there and on the disk. */
static int settle(FILE *file, bool plain)
{
    bool failed = ferror(file);
    int why = 0;
    if (fflush(file) != 0 || (plain && fsync(fileno(file)) != 0)) why = errno;
    if (why == 0 && failed) why = EIO;
    if (fclose(file) != 0 && why == 0) why = errno;
    return why;
}

int cli_save_end(struct cli *c, struct save *s, FILE *file, int code)
{
    bool failed = ferror(file);
    int why = settle(file, s->plain);
    if (code == CLI_OK && why == 0 && s->plain && rename(s->beside, s->target) != 0) why = errno;
    if ((code != CLI_OK || why != 0) && s->plain) (void)unlink(s->beside);
    if (why != 0 && (code == CLI_OK || failed)) code = not_whole(c, s->path, why);
    free(s);
    return code;
}

int cli_save(struct cli *c, const char *path, const char *text, size_t n)
{
    struct save *s;
    FILE *file;
    int code = cli_save_begin(c, path, &s, &file);
    if (code != CLI_OK) return code;
    (void)fwrite(text, 1, n, file);
    return cli_save_end(c, s, file, CLI_OK);
}
