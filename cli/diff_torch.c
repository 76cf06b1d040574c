/* diff_torch.c: see diff_torch.h. The tree is text with two blanks for each level: "(name): Class(" opens a module that holds
 * others, "(0-11): 12 x Class(" a repeated one. */
#include "diff_torch.h"
#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 32 };

/* "(h): ", at the beginning of what a line says: the name, and where the rest begins. */
static const char *split_name(const char *line, const char **name, int *n)
{
    const char *end = line[0] == '(' ? strstr(line, "): ") : NULL;
    if (end == NULL) return NULL;
    *name = line + 1;
    *n = (int)(end - *name);
    return end + 3;
}

static void add_line(struct printed_tree *t, char path[DEEPEST][64], int depth, const char *rest, int n)
{
    struct printed_line *l;
    t->line = cli_grow(t->line, &t->room, (size_t)t->n + 1, sizeof *t->line);
    l = &t->line[t->n++];
    for (int i = 0, used = 0; i <= depth && used < (int)sizeof l->path; i++)
        used += snprintf(l->path + used, sizeof l->path - (size_t)used, "%s%s", i > 0 ? "." : "", path[i]);
    if (rest[n - 1] == '(') n--;                                        /* what it holds stands in lines of its own */
    (void)snprintf(l->text, sizeof l->text, "%.*s", n, rest);
}

void tree_read(const char *text, struct printed_tree *t)
{
    char path[DEEPEST][64];
    *t = (struct printed_tree){ NULL, 0, 0 };
    for (const char *s = text; *s != '\0';) {
        const char *name, *rest, *line = s + strspn(s, " ");
        int depth = (int)(line - s) / 2 - 1, n, all = (int)strcspn(line, "\n");
        s = line + all + (line[all] == '\n');
        if (depth < 0 || depth >= DEEPEST || (rest = split_name(line, &name, &n)) == NULL || rest - line >= all) continue;
        bool number = (int)strspn(name, "0123456789-") == n;
        (void)snprintf(path[depth], sizeof path[depth], "%.*s", number ? 1 : n, number ? "*" : name);
        add_line(t, path, depth, rest, all - (int)(rest - line));
    }
}

void tree_free(struct printed_tree *t)
{
    free(t->line);
    *t = (struct printed_tree){ NULL, 0, 0 };
}

static const char *find(const struct printed_tree *t, const char *name, size_t n)
{
    for (int i = 0; i < t->n; i++) {
        size_t k = strlen(t->line[i].path);
        const char *end = t->line[i].path + k - n;
        if (k >= n && memcmp(end, name, n) == 0 && (k == n || end[-1] == '.')) return t->line[i].text;
    }
    return NULL;
}

void tree_lines(const struct printed_tree *t, const char *names, char *to, size_t room)
{
    const char *last = NULL, *line;
    int times = 0;
    to[0] = '\0';
    for (const char *s = names;; ) {
        size_t n = strcspn(s, " "), used = strlen(to);
        line = n > 0 ? find(t, s, n) : NULL;
        bool same = line != NULL && last != NULL && strcmp(line, last) == 0;
        if (same) times++;
        if (!same && times > 1) (void)snprintf(to + used, room - used, "%s%d × %s", used > 0 ? ", " : "", times, last);
        else if (!same && times == 1) (void)snprintf(to + used, room - used, "%s%s", used > 0 ? ", " : "", last);
        if (!same) times = line != NULL, last = line;
        if (n == 0) return;
        s += n + (s[n] == ' ');
    }
}
