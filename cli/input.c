/* input.c: see input.h. Files are mapped; what cannot be mapped (a pipe) is read whole. */
#include "input.h"
#include "out.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEEPEST = 32 };

static int cannot(struct cli *c, const char *path)
{
    int code = errno == ENOENT || errno == ENOTDIR ? CLI_DATA : CLI_SYSTEM;
    return cli_fail(c, code, NULL, "cannot read %s: %s", path, strerror(errno));
}

static int read_whole(struct cli *c, const char *path, int fd, struct held *h)
{
    char *text = NULL;
    size_t room = 0, n = 0;
    for (;;) {
        text = cli_grow(text, &room, n + 65536, 1);
        ssize_t got = read(fd, text + n, room - n);
        if (got == 0) break;
        bool again = got < 0 && errno == EINTR;
        if (got > 0) n += (size_t)got;
        if ((again || got > 0) && !cli_cancelled(c)) continue;
        int code = got < 0 && !again ? cannot(c, path) : cli_fail(c, CLI_INTERRUPTED, NULL, "interrupted");
        free(text);
        return code;
    }
    *h = (struct held){ text, n, false };
    return CLI_OK;
}

static int load(struct cli *c, const char *path, struct held *h)
{
    struct stat s;
    bool standard = strcmp(path, "-") == 0;
    int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC), code = CLI_OK;
    if (fd < 0 || fstat(fd, &s) != 0) {
        code = cannot(c, path);
        if (fd > STDIN_FILENO) (void)close(fd);
        return code;
    }
    void *at = MAP_FAILED;
    if (S_ISREG(s.st_mode) && s.st_size > 0 && !standard) at = mmap(NULL, (size_t)s.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (at != MAP_FAILED) *h = (struct held){ at, (size_t)s.st_size, true };
    else code = read_whole(c, path, fd, h);
    if (!standard) (void)close(fd);
    return code;
}

static void drop(struct held *h)
{
    if (h->mapped) (void)munmap(h->at, h->n);
    else free(h->at);
}

static void add_text(struct input *in, const char *at, size_t n)
{
    if (n == 0) return;
    in->text = cli_grow(in->text, &in->room, in->n + 1, sizeof *in->text);
    in->text[in->n++] = (rk_text){ at, n };
    in->bytes += n;
}

/* Is the line of n bytes the separator? A carriage return before the line feed is no part of it. */
static bool separates(const char *line, size_t n, const char *separator)
{
    size_t length = strlen(separator);
    if (n > 0 && line[n - 1] == '\r' && n == length + 1) n--;
    return n == length && memcmp(line, separator, n) == 0;
}

static void cut(struct input *in, const char *text, size_t n, const char *separator)
{
    size_t from = 0;
    for (size_t at = 0; separator != NULL && at < n;) {
        const char *feed = memchr(text + at, '\n', n - at);
        size_t length = feed != NULL ? (size_t)(feed - text) - at : n - at, next = at + length + (feed != NULL);
        if (separates(text + at, length, separator)) {
            add_text(in, text + from, at - from);
            from = next;
        }
        at = next;
    }
    add_text(in, text + from, n - from);
}

static int add_file(struct cli *c, struct input *in, const char *path, const char *separator, bool named)
{
    struct held h;
    int code = load(c, path, &h);
    if (code != CLI_OK) return code;
    if (!named && h.n > 0 && memchr(h.at, 0, h.n) != NULL) {
        drop(&h);
        in->skipped++;
        return CLI_OK;
    }
    in->held = cli_grow(in->held, &in->held_room, in->n_held + 1, sizeof *in->held);
    in->held[in->n_held++] = h;
    in->files++;
    cut(in, h.at, h.n, separator);
    return CLI_OK;
}

static int visible(const struct dirent *entry) { return entry->d_name[0] != '.'; }
static int by_bytes(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }

static int add_folder(struct cli *c, struct input *in, const char *path, const char *separator, int depth)
{
    struct dirent **entry;
    int n = scandir(path, &entry, visible, by_bytes), code = CLI_OK;
    if (n < 0) return cannot(c, path);
    if (depth > DEEPEST) code = cli_fail(c, CLI_DATA, NULL, "%s: folders in folders, more than %d deep", path, DEEPEST);
    for (int i = 0; i < n; i++) {
        char below[4096];
        struct stat s;
        int wide = snprintf(below, sizeof below, "%s/%s", path, entry[i]->d_name);
        free(entry[i]);
        if (code != CLI_OK) continue;
        if (wide >= (int)sizeof below) code = cli_fail(c, CLI_DATA, NULL, "%s: a path of more than %zu bytes", path, sizeof below);
        else if (lstat(below, &s) != 0) code = cannot(c, below);
        else if (S_ISDIR(s.st_mode)) code = add_folder(c, in, below, separator, depth + 1);
        else if (S_ISREG(s.st_mode)) code = add_file(c, in, below, separator, false);
    }
    free(entry);
    return code;
}

int input_add(struct cli *c, struct input *in, const char *path, const char *separator)
{
    struct stat s;
    if (strcmp(path, "-") != 0 && stat(path, &s) == 0 && S_ISDIR(s.st_mode)) return add_folder(c, in, path, separator, 0);
    return add_file(c, in, path, separator, true);
}

int input_add_all(struct cli *c, struct input *in, const char *separator)
{
    for (int i = 0; i < c->n_args; i++) {
        int code = input_add(c, in, c->args[i], separator);
        if (code != CLI_OK) return code;
    }
    if (in->bytes == 0) return cli_fail(c, CLI_DATA, NULL, "there is no text in the input");
    char skipped[80] = "";
    if (in->skipped > 0) (void)snprintf(skipped, sizeof skipped, "; %s left out that %s no text", say_count(in->skipped).at, in->skipped == 1 ? "is" : "are");
    cli_note(c, "%s of text in %s document%s from %s file%s%s", say_bytes(in->bytes).at, say_count(in->n).at, in->n == 1 ? "" : "s",
             say_count(in->files).at, in->files == 1 ? "" : "s", skipped);
    return CLI_OK;
}

void input_free(struct input *in)
{
    for (size_t i = 0; i < in->n_held; i++) drop(&in->held[i]);
    free(in->held);
    free(in->text);
    memset(in, 0, sizeof *in);
}
