/* table.c: rows of cells, as wide as their content, numbers at the right.
 *
 * One left column may be marked to wrap: it gets what the others leave of the line, but never less than 20 columns. */
#include "out.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_COLUMNS = 16, GAP = 2, LEAST = 20 };

struct table {
    struct cli *c;
    int   columns, n;                           /* n cells */
    size_t room;
    char  align[MOST_COLUMNS], *head[MOST_COLUMNS], *heads;
    int   width[MOST_COLUMNS];
    char **cell;                                /* NULL: the row is a line */
};

struct table *table_new(struct cli *c, const char *heads, const char *align)
{
    struct table *t = cli_take(sizeof *t);
    t->c = c;
    t->columns = (int)strlen(align);
    if (t->columns < 1 || t->columns > MOST_COLUMNS) cli_bug("a table of %d columns", t->columns);
    memcpy(t->align, align, (size_t)t->columns);
    if (heads == NULL) return t;
    char *at = t->heads = cli_copy(heads);
    for (int i = 0; i < t->columns; i++) {
        size_t n = strcspn(at, "|");
        bool more = at[n] == '|';
        at[n] = '\0';
        t->head[i] = at;
        t->width[i] = text_width(at, (int)n);
        if (more != (i + 1 < t->columns)) cli_bug("%d columns are not those of the table \"%s\"", t->columns, heads);
        at += n + more;
    }
    return t;
}

static void push(struct table *t, char *cell)
{
    t->cell = cli_grow(t->cell, &t->room, (size_t)t->n + 1, sizeof *t->cell);
    t->cell[t->n++] = cell;
}

void table_cell(struct table *t, const char *format, ...)
{
    va_list list, again;
    va_start(list, format);
    va_copy(again, list);
    int bytes = vsnprintf(NULL, 0, format, list), column = t->n % t->columns;
    if (bytes < 0) cli_bug("a cell cannot be formatted");
    char *text = cli_take((size_t)bytes + 1);
    (void)vsnprintf(text, (size_t)bytes + 1, format, again);
    va_end(again);
    va_end(list);
    int wide = text_width(text, bytes);
    if (wide > t->width[column]) t->width[column] = wide;
    push(t, text);
}

void table_rule(struct table *t)
{
    if (t->n % t->columns != 0) cli_bug("a rule in the middle of a row");
    for (int i = 0; i < t->columns; i++) push(t, NULL);
}

/* The wrapped column shrinks to what is left of the line. */
static void fit(struct table *t)
{
    int all = GAP * (t->columns - 1), which = -1;
    for (int i = 0; i < t->columns; i++) {
        all += t->width[i];
        if (t->align[i] == 'w') which = i;
    }
    if (which < 0 || all <= t->c->width) return;
    int left = t->width[which] - (all - t->c->width);
    t->width[which] = left < LEAST ? LEAST : left;
}

/* How many bytes of `text` fit into `width`, better at a blank. */
static int piece(const char *text, int width)
{
    int n = 0, blank = 0;
    for (int wide = 0; text[n] != '\0'; n++) {
        wide += ((unsigned char)text[n] & 0xc0) != 0x80;
        if (wide > width) return text[n] == ' ' || blank == 0 ? n : blank;
        if (text[n] == ' ') blank = n + 1;
    }
    return n;
}

static void blanks(FILE *to, int n) { (void)fprintf(to, "%*s", n, ""); }

/* One row, over as many lines as its wrapped cell needs. */
static void print_row(const struct table *t, char **cell)
{
    FILE *to = t->c->out;
    const char *rest[MOST_COLUMNS];
    for (int i = 0; i < t->columns; i++) rest[i] = cell[i];
    for (bool more = true; more;) {
        int owed = 0;                                       /* blanks are printed before text, never at the end of a line */
        more = false;
        for (int i = 0; i < t->columns; i++) {
            int bytes = t->align[i] == 'w' ? piece(rest[i], t->width[i]) : (int)strlen(rest[i]);
            int spare = t->width[i] - text_width(rest[i], bytes);
            blanks(to, bytes == 0 ? 0 : owed + (t->align[i] == 'r' ? spare : 0));
            text_put(to, rest[i], bytes);
            owed = GAP + (bytes == 0 ? owed + spare : t->align[i] == 'r' ? 0 : spare);
            rest[i] += bytes;
            rest[i] += strspn(rest[i], " ");
            more = more || *rest[i] != '\0';
        }
        (void)fputc('\n', to);
    }
}

static void print_rule(const struct table *t)
{
    int all = GAP * (t->columns - 1);
    for (int i = 0; i < t->columns; i++) all += t->width[i];
    for (int i = 0; i < all; i++) (void)fputc('-', t->c->out);
    (void)fputc('\n', t->c->out);
}

void table_print(struct table *t)
{
    if (t->n % t->columns != 0) cli_bug("the last row of a table lacks cells");
    fit(t);
    if (t->heads != NULL) {
        if (t->c->colour_out) (void)fputs("\033[1m", t->c->out);
        print_row(t, t->head);
        if (t->c->colour_out) (void)fputs("\033[0m", t->c->out);
    }
    for (int i = 0; i < t->n; i += t->columns) {
        if (t->cell[i] == NULL) print_rule(t);
        else print_row(t, t->cell + i);
    }
    for (int i = 0; i < t->n; i++) free(t->cell[i]);
    free(t->cell);
    free(t->heads);
    free(t);
}
