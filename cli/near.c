/* near.c: which name somebody may have meant: few edits away, or a part of it.
 *
 * Distance counts insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
#include "command.h"
#include <string.h>

enum { LONGEST = 40 };

static int least(int a, int b) { return a < b ? a : b; }

static int distance(const char *a, const char *b)
{
    size_t m = strlen(a), n = strlen(b);
    int d[LONGEST + 1][LONGEST + 1];
    if (m > LONGEST || n > LONGEST) return 2 * LONGEST;
    for (size_t i = 0; i <= m; i++) d[i][0] = (int)i;
    for (size_t k = 0; k <= n; k++) d[0][k] = (int)k;
    for (size_t i = 1; i <= m; i++)
        for (size_t k = 1; k <= n; k++) {
            d[i][k] = least(d[i - 1][k - 1] + (a[i - 1] != b[k - 1]), least(d[i - 1][k], d[i][k - 1]) + 1);
            if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1]) d[i][k] = least(d[i][k], d[i - 2][k - 2] + 1);
        }
    return d[m][n];
}

void near_begin(struct near *n, const char *typed)
{
    memset(n, 0, sizeof *n);
    n->typed = typed;
    n->best = 1 + least((int)strlen(typed), 9) / 3;         /* no name farther away than this is offered */
}

void near_try(struct near *n, const char *name)
{
    size_t length = strlen(n->typed);
    int far = distance(n->typed, name);
    if (length > 1 && strncmp(n->typed, name, length) == 0) far = least(far, 1);
    if (length > 2 && strstr(name, n->typed) != NULL) far = least(far, 1);
    if (far > n->best || far >= (int)strlen(name)) return;
    if (far < n->best) n->n = 0;
    n->best = far;
    if (n->n < 3) n->name[n->n++] = name;
}

const char *near_words(struct near *n, const char *before)
{
    size_t used = 0;
    n->words[0] = '\0';
    for (int i = 0; i < n->n && used < sizeof n->words; i++)
        used += (size_t)snprintf(n->words + used, sizeof n->words - used, "%s%s%.50s%s",
                                 i == 0 ? "did you mean " : i + 1 == n->n ? " or " : ", ", before, n->name[i], i + 1 == n->n ? "?" : "");
    return n->words;
}
