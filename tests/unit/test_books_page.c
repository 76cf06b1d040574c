/* docs/books.md has every row of the tables, word for word, and no row that is not there any more. */
#include "base/file.h"
#include "base/str.h"
#include "books/convention.h"
#include "test.h"

/* A cell of a table in Markdown: a bar would end it. */
static void cell(rk_ctx *ctx, struct str *line, const char *text, const char *around)
{
    OK(ctx, str_format(ctx, line, " %s", around));
    for (; *text != '\0'; text++) OK(ctx, str_add(ctx, line, *text == '|' ? "/" : text, 1));
    OK(ctx, str_format(ctx, line, "%s |", around));
}

static void row(rk_ctx *ctx, const struct str *page, const char *a, const char *b, const char *c, const char *d)
{
    struct str line = { 0 };
    OK(ctx, str_text(ctx, &line, "|"));
    cell(ctx, &line, a, "`");
    cell(ctx, &line, b, strchr(b, '=') != NULL && strchr(b, '(') == NULL ? "`" : "");
    cell(ctx, &line, c, "`");
    cell(ctx, &line, d, "");
    OK(ctx, str_text(ctx, &line, "\n"));
    if (strstr(str_c(page), str_c(&line)) == NULL) test_fail(__FILE__, __LINE__, "docs/books.md lacks the line\n%s", str_c(&line));
    str_free(ctx, &line);
}

static int rows_in(const char *page)
{
    int n = 0;
    for (const char *at = page; (at = strstr(at, "\n| `")) != NULL; at++) n++;
    return n;
}

TEST(the_page_is_the_tables)
{
    rk_ctx *ctx = test_ctx();
    struct str page = { 0 }, heading = { 0 };
    int rows = 0;
    OK(ctx, file_read(ctx, "docs/books.md", 1 << 20, &page));
    for (const struct flops_rule *f = flops_rules; f->name != NULL; f++, rows++) {
        struct str words = { 0 };
        OK(ctx, str_format(ctx, &words, "%s (%s%s%s)", f->words, f->families[0] == '*' ? "all families" : f->families, f->where[0] != '\0' ? "; " : "", f->where));
        row(ctx, &page, f->name, str_c(&words), f->formula, f->source);
        str_free(ctx, &words);
    }
    for (const struct memory_rule *m = memory_rules; m->name != NULL; m++) {
        heading.n = 0;
        OK(ctx, str_format(ctx, &heading, "\n### %s\n\n%s. Families: %s. Source: %s.\n", m->name, m->words, m->families[0] == '*' ? "all" : m->families, m->source));
        if (strstr(str_c(&page), str_c(&heading)) == NULL) test_fail(__FILE__, __LINE__, "docs/books.md lacks%s", str_c(&heading));
    }
    for (const struct memory_part *p = memory_parts; p->of != NULL; p++, rows++) row(ctx, &page, p->name, p->where, p->formula, p->words);
    for (const struct memory_except *x = memory_excepts; x->of != NULL; x++)
        if (strstr(str_c(&page), x->words) == NULL) test_fail(__FILE__, __LINE__, "docs/books.md lacks \"%s\"", x->words);
    for (int i = 0; rk_books_letter_at(i).name != NULL; i++, rows++) {
        heading.n = 0;
        OK(ctx, str_format(ctx, &heading, "\n| `%s` | %s |", rk_books_letter_at(i).name, rk_books_letter_at(i).words));
        if (strstr(str_c(&page), str_c(&heading)) == NULL) test_fail(__FILE__, __LINE__, "docs/books.md lacks%s", str_c(&heading));
    }
    for (int i = 0; rk_accelerator_at(i) != NULL; i++, rows++) {
        heading.n = 0;
        OK(ctx, str_format(ctx, &heading, "\n| `%s` | %s | %s |\n", rk_accelerator_at(i)->name, rk_accelerator_at(i)->words, rk_accelerator_at(i)->source));
        if (strstr(str_c(&page), str_c(&heading)) == NULL) test_fail(__FILE__, __LINE__, "docs/books.md lacks%s", str_c(&heading));
    }
    EXPECT_INT(rows_in(str_c(&page)), rows);
    str_free(ctx, &heading);
    str_free(ctx, &page);
}
