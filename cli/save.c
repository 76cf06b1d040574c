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

static int not_whole(struct cli *c, const char *path, int why) { return cli_fail(c, CLI_SYSTEM, NULL, "%s: cannot be written: %s", path, strerror(why)); }

/* 0, or why not all of it is there and on the disk. */
static int fill(FILE *file, const char *text, size_t n, bool plain)
{
    int why = 0;
    if (fwrite(text, 1, n, file) != n || fflush(file) != 0 || (plain && fsync(fileno(file)) != 0)) why = errno;
    if (fclose(file) != 0 && why == 0) why = errno;
    return why;
}

int cli_save(struct cli *c, const char *path, const char *text, size_t n)
{
    char real[PATH_MAX], beside[PATH_MAX + 32];
    struct stat there;
    bool old = stat(path, &there) == 0, plain = !old || S_ISREG(there.st_mode);
    const char *target = old && realpath(path, real) != NULL ? real : path, *name = plain ? beside : path;
    if (snprintf(beside, sizeof beside, "%s.tmp.%ld", target, (long)getpid()) >= (int)sizeof beside) return not_whole(c, path, ENAMETOOLONG);
    FILE *file = fopen(name, "w");
    if (file == NULL) return not_whole(c, path, errno);
    if (old && plain) (void)fchmod(fileno(file), there.st_mode & 0777);       /* a private file stays private */
    int why = fill(file, text, n, plain);
    if (why == 0 && plain && rename(beside, target) != 0) why = errno;
    if (why != 0 && plain) (void)unlink(beside);
    return why != 0 ? not_whole(c, path, why) : CLI_OK;
}
