/* torch_tree.c: the modules of a family's table that are there, and print(model) of them.
 *
 * Rules of printing: "Name(" + what the class says of itself + its modules, each on a line of its own two blanks further in
 * + ")"; on one line where it has none. In a ModuleList equal neighbours are one line: "(0-11): 12 x GPT2Block(".
 * Source: torch/nn/modules/module.py and container.py (Module.__repr__, ModuleList.__repr__). */
#include "model/torch.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static size_t blanks(const struct torch_row *row) { return strspn(row->name, " "); }
int torch_level(const struct torch_row *row) { return row->name[0] == '\0' ? 0 : (int)blanks(row) / 2 + 1; }
const char *torch_name(const struct torch_row *row) { return row->name + blanks(row); }

void torch_tree_close(struct torch_tree *t)
{
    rk_ctx *ctx = t->ctx;
    VEC_FREE(&t->modules);
    arena_clear(ctx, &t->arena);
}

/* --- which modules there are --- */

/* Where a module stands: what is around it. */
struct place { const char *path, *pattern, *number; };

static const struct torch_row *row_end(const struct torch_tree *t, const struct torch_row *row)
{
    const struct torch_row *end = row + 1;
    while (end < t->last && torch_level(end) > torch_level(row)) end++;
    return end;
}

static rk_status joined(struct torch_tree *t, const char *around, const char *name, const char **out)
{
    rk_ctx *ctx = t->ctx;
    struct str text = { 0 };
    rk_status status;
    GO(str_format(ctx, &text, "%s%s%s", around, around[0] != '\0' ? "." : "", name));
    GO(arena_text(ctx, &t->arena, str_c(&text), (size_t)text.n, out));
out:
    str_free(ctx, &text);
    return status;
}

static rk_status expand(struct torch_tree *t, const struct torch_row *from, const struct torch_row *to, struct place around);

static rk_status add_module(struct torch_tree *t, const struct torch_row *row, const char *name, const char *pattern, struct place place)
{
    rk_ctx *ctx = t->ctx;
    struct torch_module m = { .row = row, .name = name, .number = place.number };
    int at = t->modules.n;
    TRY(joined(t, place.path, name, &m.path));
    TRY(joined(t, place.pattern, pattern, &m.pattern));
    VEC_PUSH(&t->modules, m);
    TRY(expand(t, row + 1, row_end(t, row), (struct place){ m.path, m.pattern, m.number }));
    t->modules.at[at].end = t->modules.n;
    return RK_OK;
}

static rk_status add_repeated(struct torch_tree *t, const struct torch_row *row, struct place place)
{
    rk_ctx *ctx = t->ctx;
    const char *formula = torch_name(row) + 1;
    double times;
    TRY(config_formula(ctx, t->config, MOST_FIELDS, formula, strlen(formula), &times));
    for (int64_t i = 0; i < (int64_t)times; i++) {
        char digits[24];
        (void)snprintf(digits, sizeof digits, "%" PRId64, i);
        TRY(arena_text(ctx, &t->arena, digits, strlen(digits), &place.number));
        TRY(add_module(t, row, place.number, "*", place));
    }
    return RK_OK;
}

/* The part of a pattern that a row adds, for one that moved up too. */
static rk_status lift(struct torch_tree *t, const struct torch_row *row, struct place place)
{
    rk_ctx *ctx = t->ctx;
    TRY(joined(t, place.pattern, torch_name(row) + 1, &place.pattern));
    return expand(t, row + 1, row_end(t, row), place);
}

static rk_status expand(struct torch_tree *t, const struct torch_row *from, const struct torch_row *to, struct place around)
{
    rk_ctx *ctx = t->ctx;
    for (const struct torch_row *row = from; row < to; row = row_end(t, row)) {
        const char *name = torch_name(row);
        bool holds, lifted = name[0] == '~';
        if (name[0] == '.') continue;
        TRY(config_holds(ctx, t->config, row->when, &holds));
        if (!holds && lifted) TRY(lift(t, row, around));
        if (!holds) continue;
        if (name[0] == '*') TRY(add_repeated(t, row, around));
        else TRY(add_module(t, row, name + lifted, name + lifted, around));
    }
    return RK_OK;
}

/* The whole model that is meant, and its rows. */
static rk_status find_root(struct torch_tree *t, const struct torch_row **root)
{
    rk_ctx *ctx = t->ctx;
    *root = NULL;
    for (const struct torch_row *row = t->config->arch->torch; row != NULL && row->name != NULL; row++) {
        bool holds = false;
        if (*root == NULL && row->name[0] == '\0') TRY(config_holds(ctx, t->config, row->when, &holds));
        if (holds) *root = row;
        if (*root == NULL) continue;
        if (t->first == NULL && row->name[0] != '\0') t->first = row;
        if (t->first != NULL && row->name[0] == '\0') break;
        t->last = row + 1;
    }
    if (*root != NULL) return RK_OK;
    return FAIL(RK_E_DECLINED, "the modules that %s has in PyTorch are not known here", t->config->arch->title);
}

rk_status torch_tree_open(rk_ctx *ctx, const struct config *c, struct torch_tree *t)
{
    const struct torch_row *root;
    *t = (struct torch_tree){ .ctx = ctx, .config = c };
    TRY(find_root(t, &root));
    VEC_PUSH(&t->modules, ((struct torch_module){ .row = root, .name = "", .path = "", .pattern = "", .number = "" }));
    if (t->first != NULL) TRY(expand(t, t->first, t->last, (struct place){ "", "", "" }));
    t->modules.at[0].end = t->modules.n;
    return RK_OK;
}

/* --- print(model) --- */

struct page { rk_ctx *ctx; const struct torch_tree *t; struct str class; };

static rk_status put_break(rk_ctx *ctx, struct str *out, int indent)
{
    TRY(str_text(ctx, out, "\n"));
    for (; indent > 0; indent--) TRY(str_text(ctx, out, " "));
    return RK_OK;
}

static rk_status put_module(struct page *p, int m, int indent, struct str *out);

static rk_status put_children(struct page *p, int m, int indent, struct str *out)
{
    rk_ctx *ctx = p->ctx;
    const struct torch_module *modules = p->t->modules.at;
    for (int k = m + 1; k < modules[m].end; k = modules[k].end) {
        TRY(put_break(ctx, out, indent));
        TRY(str_format(ctx, out, "(%s): ", modules[k].name));
        TRY(put_module(p, k, indent, out));
    }
    return RK_OK;
}

/* Equal neighbours, the first at `from` and `n` altogether. */
static rk_status put_run(rk_ctx *ctx, int from, int n, const struct str *text, int indent, struct str *out)
{
    if (n == 0) return RK_OK;
    TRY(put_break(ctx, out, indent));
    if (n == 1) TRY(str_format(ctx, out, "(%d): ", from));
    else TRY(str_format(ctx, out, "(%d-%d): %d x ", from, from + n - 1, n));
    return str_add(ctx, out, str_c(text), (size_t)text->n);
}

static rk_status put_list(struct page *p, int m, int indent, struct str *out)
{
    rk_ctx *ctx = p->ctx;
    const struct torch_module *modules = p->t->modules.at;
    struct str last = { 0 }, text = { 0 };
    int from = 0, n = 0;
    rk_status status = RK_OK;
    for (int k = m + 1, i = 0; k < modules[m].end; k = modules[k].end, i++) {
        text.n = 0;
        GO(put_module(p, k, indent, &text));
        if (n > 0 && text.n == last.n && memcmp(text.at, last.at, (size_t)text.n) == 0) {
            n++;
            continue;
        }
        GO(put_run(ctx, from, n, &last, indent, out));
        struct str swap = last;
        last = text;
        text = swap;
        from = i;
        n = 1;
    }
    GO(put_run(ctx, from, n, &last, indent, out));
out:
    str_free(ctx, &last);
    str_free(ctx, &text);
    return status;
}

static rk_status put_module(struct page *p, int m, int indent, struct str *out)
{
    rk_ctx *ctx = p->ctx;
    const struct torch_module *module = &p->t->modules.at[m];
    bool empty = module->end == m + 1;
    p->class.n = 0;
    TRY(torch_fill(ctx, p->t->config, module->row->class, &p->class));
    const char *text = str_c(&p->class), *bracket = strchr(text, '(');
    size_t name = bracket != NULL ? (size_t)(bracket - text) : strlen(text), said = strlen(text) - name;
    bool list = name == strlen("ModuleList") && memcmp(text, "ModuleList", name) == 0;
    PROMISE(bracket == NULL || text[name + said - 1] == ')');
    TRY(str_add(ctx, out, text, name));
    TRY(str_text(ctx, out, "("));
    if (said > 2 && !empty) TRY(put_break(ctx, out, indent + 2));
    if (said > 2) TRY(str_add(ctx, out, bracket + 1, said - 2));
    if (list) TRY(put_list(p, m, indent + 2, out));
    else TRY(put_children(p, m, indent + 2, out));
    if (!empty) TRY(put_break(ctx, out, indent));
    return str_text(ctx, out, ")");
}

rk_status torch_tree_print(const struct torch_tree *t, struct str *out)
{
    rk_ctx *ctx = t->ctx;
    struct page p = { .ctx = t->ctx, .t = t };
    rk_status status;
    if (t->modules.at[0].row->class == NULL) return FAIL(RK_E_DECLINED, "%s: PyTorch users have no class for a model like this one, so nothing prints it", t->config->arch->title);
    GO(put_module(&p, 0, 0, out));
    GO(str_text(ctx, out, "\n"));
out:
    str_free(ctx, &p.class);
    return status;
}
