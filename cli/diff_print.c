/* diff_print.c: two models side by side as tables: modules, reasons, fields. */
#include "diff.h"
#include "out.h"
#include <string.h>

/* What a side is called in heads and columns: the model's name, where both are short. */
static const char *column(const struct both *b, int s)
{
    enum { SHORT = 24 };
    for (int i = 0; i < 2; i++)
        if (strlen(rk_model_name(b->model[i])) > SHORT || strchr(rk_model_name(b->model[i]), '|') != NULL) return s == 0 ? "left" : "right";
    bool same = strcmp(rk_model_name(b->model[0]), rk_model_name(b->model[1])) == 0;
    return same ? (s == 0 ? "left" : "right") : rk_model_name(b->model[s]);
}

struct table *diff_table(struct cli *c, const struct both *b, const char *format, const char *align)
{
    char heads[192];
    (void)snprintf(heads, sizeof heads, format, column(b, 0), column(b, 1));
    return table_new(c, heads, align);
}

static void print_names(struct cli *c, const struct both *b)
{
    for (int s = 0; s < 2; s++) {
        (void)fprintf(c->out, "%-5s  ", s == 0 ? "left" : "right");
        text_put(c->out, rk_model_name(b->model[s]), (int)strlen(rk_model_name(b->model[s])));
        (void)fprintf(c->out, ": %s\n", rk_model_title(b->model[s]));
    }
    (void)fputc('\n', c->out);
}

/* "a.q_proj a.k_proj" as "a.{q,k}_proj": the names of one row, written once where they agree. */
static void fold(const char *names, char *to, size_t room)
{
    const char *at[8];
    int length[8], n = 0, front = 0, back = 0;
    for (const char *s = names; *s != '\0' && n < 8; n++) {
        at[n] = s;
        length[n] = (int)strcspn(s, " ");
        s += length[n] + (s[length[n]] == ' ');
    }
    (void)snprintf(to, room, "%s", names);
    if (n < 2) return;
    int least = length[0];
    for (int i = 1; i < n; i++) least = length[i] < least ? length[i] : least;
    bool more = true;
    for (; more && front < least; front += more)
        for (int i = 1; i < n; i++) more = more && at[i][front] == at[0][front];
    more = true;
    for (; more && back < least - front; back += more)
        for (int i = 1; i < n; i++) more = more && at[i][length[i] - 1 - back] == at[0][length[0] - 1 - back];
    while (front > 0 && at[0][front - 1] != '.') front--;                   /* whole words only */
    while (back > 0 && strchr("._", at[0][length[0] - back]) == NULL) back--;
    if (front == 0 && back == 0) return;
    size_t used = (size_t)snprintf(to, room, "%.*s{", front, at[0]);
    for (int i = 0; i < n && used < room; i++) used += (size_t)snprintf(to + used, room - used, "%s%.*s", i > 0 ? "," : "", length[i] - front - back, at[i] + front);
    if (used < room) (void)snprintf(to + used, room - used, "}%.*s", back, at[0] + length[0] - back);
}

static bool is_border(char c) { return c == '\0' || strchr(" (),;", c) != NULL; }

/* Where two texts begin to differ and end to: *from bytes are the same in front, *to behind, both between words. */
static void differing(const char *a, const char *b, int *from, int *to)
{
    int n = (int)strlen(a), m = (int)strlen(b), least = n < m ? n : m;
    *from = *to = 0;
    for (int i = 1; i <= least && a[i - 1] == b[i - 1]; i++)
        if (is_border(a[i - 1]) || (is_border(a[i]) && is_border(b[i]))) *from = i;
    for (int i = 1; i <= least - *from && a[n - i] == b[m - i]; i++) {
        char before_a = n > i + *from ? a[n - i - 1] : '\0', before_b = m > i + *from ? b[m - i - 1] : '\0';
        if (is_border(a[n - i]) || (is_border(before_a) && is_border(before_b))) *to = i;
    }
    while (*from < n - *to && *from < m - *to && a[*from] == ' ' && b[*from] == ' ') ++*from;
}

/* "different: computes gelu_tanh | gelu_erf": reasons, in the few words in which both texts differ. */
static void verdict_of(const rk_diff *d, int i, char *to, size_t room)
{
    enum { FEW = 28 };
    rk_diff_row r = rk_diff_row_at(d, i);
    (void)snprintf(to, room, "%s", rk_diff_verdict_words(r.verdict));
    if (r.verdict == RK_ONLY_LEFT || r.verdict == RK_ONLY_RIGHT) return;
    for (int k = 0; k < r.details; k++) {
        rk_diff_detail x = rk_diff_detail_at(d, i, k);
        size_t used = strlen(to);
        int from, end;
        differing(x.left, x.right, &from, &end);
        int left = (int)strlen(x.left) - from - end, right = (int)strlen(x.right) - from - end;
        const char *at[2] = { x.left + from, x.right + from };
        for (; left > 0 && strchr(" ,", at[0][0]) != NULL; left--) at[0]++;
        for (; right > 0 && strchr(" ,", at[1][0]) != NULL; right--) at[1]++;
        (void)snprintf(to + used, room - used, "%s%s", k == 0 ? ": " : ", ", x.what);
        used = strlen(to);
        if (left > FEW || right > FEW || strstr(x.what, "stored") != NULL) continue;
        (void)snprintf(to + used, room - used, " %.*s | %.*s", left > 0 ? left : 1, left > 0 ? at[0] : "-", right > 0 ? right : 1, right > 0 ? at[1] : "-");
    }
}

static void module_of(const struct both *b, int s, const char *names, char *to, size_t room)
{
    if (b->torch) tree_lines(&b->tree[s], names, to, room);
    else fold(names, to, room);
}

static void print_rows(struct cli *c, const struct both *b)
{
    struct table *t = diff_table(c, b, "module|%s|%s|", "lllw");
    for (int i = 0; i < rk_diff_rows(b->diff); i++) {
        rk_diff_row r = rk_diff_row_at(b->diff, i);
        table_cell(t, "%s", r.role);
        char left[512], right[512], words[512];
        module_of(b, 0, r.left, left, sizeof left);
        module_of(b, 1, r.right, right, sizeof right);
        verdict_of(b->diff, i, words, sizeof words);
        table_cell(t, "%s", left);
        table_cell(t, "%s", right);
        table_cell(t, "%s", words);
    }
    table_print(t);
}

static void print_reasons(struct cli *c, const struct both *b)
{
    struct table *t = table_new(c, NULL, "lllw");
    (void)fputs("\nwhy\n", c->out);
    for (int i = 0; i < rk_diff_rows(b->diff); i++) {
        rk_diff_row r = rk_diff_row_at(b->diff, i);
        for (int k = 0; k < r.details; k++) {
            rk_diff_detail d = rk_diff_detail_at(b->diff, i, k);
            bool first = true;
            for (int s = 0; s < 2; s++) {
                const char *text = s == 0 ? d.left : d.right;
                if (text[0] == '\0' && (r.verdict == RK_ONLY_LEFT || r.verdict == RK_ONLY_RIGHT)) continue;
                table_cell(t, "%s", k == 0 && first ? r.role : "");
                table_cell(t, "%s", first ? d.what : "");
                table_cell(t, "%s", column(b, s));
                table_cell(t, "%s", text[0] != '\0' ? text : "-");
                first = false;
            }
        }
    }
    table_print(t);
}

static void print_fields(struct cli *c, const struct both *b)
{
    struct table *t = NULL;
    rk_diff_field f;
    for (int i = 0; rk_diff_field_at(b->diff, i, &f); i++) {
        if (f.same) continue;
        if (t == NULL) {
            (void)fputc('\n', c->out);
            t = diff_table(c, b, "field|%s|%s", "lrr");
        }
        table_cell(t, "%s", f.name);
        table_cell(t, "%s", f.left[0] != '\0' ? f.left : "-");
        table_cell(t, "%s", f.right[0] != '\0' ? f.right : "-");
    }
    if (t != NULL) table_print(t);
}

void diff_print(struct cli *c, const struct both *b)
{
    print_names(c, b);
    print_rows(c, b);
    bool any = false;
    for (int i = 0; i < rk_diff_rows(b->diff); i++) any = any || rk_diff_row_at(b->diff, i).details > 0;
    if (any) print_reasons(c, b);
    print_fields(c, b);
}
