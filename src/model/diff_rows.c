/* diff_rows.c: what is the same about two modules that belong together, and what is not.
 *
 * Computes and reads come from the graph, sizes from the dims, how parameters lie in files from the family's table. Not here: which
 * modules belong together (diff_align.c). */
#include "core/graph.h"
#include "model/bind.h"
#include "model/diff.h"
#include "model/wiring_text.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct comparing { rk_ctx *ctx; rk_diff *d; const struct wiring *side; const struct arch *const *arch; const struct pair *pair; struct diff_row *row; };

static const struct wired *module_of(const struct comparing *c, int s, int i) { return &c->side[s].modules.at[c->pair->module[s][i]]; }

static rk_status keep(rk_ctx *ctx, struct comparing *c, const char *text, const char **out) { return arena_text(ctx, &c->d->arena, text, strlen(text), out); }

/* A reason, and what it makes of the verdict: the worst one counts. */
static rk_status because(rk_ctx *ctx, struct comparing *c, rk_diff_verdict verdict, const char *what, const char *left, const char *right)
{
    rk_diff_row *row = &c->row->row;
    PROMISE(row->details < DETAILS_MOST);
    rk_diff_detail *d = &c->row->detail[row->details++];
    TRY(keep(ctx, c, what, &d->what));
    TRY(keep(ctx, c, left, &d->left));
    TRY(keep(ctx, c, right, &d->right));
    if (verdict > row->verdict) row->verdict = verdict;
    return RK_OK;
}

/* --- names and numbers of a side --- */

static const struct binding *binding_of(const struct comparing *c, int s, const struct wired_parameter *p)
{
    struct word number;
    return bind_row(c->arch[s], node_of(c->side[s].built.g, p->ref)->text, &number);
}

/* "h.*.attn.c_attn" of "h.*.attn.c_attn.weight", once, however many parameters the module has. */
static rk_status file_names(rk_ctx *ctx, struct comparing *c, int s, struct str *out)
{
    for (int i = 0; i < c->pair->n[s]; i++) {
        const struct wired *m = module_of(c, s, i);
        for (int k = 0; k < m->n_parameters; k++) {
            const struct binding *row = binding_of(c, s, &m->parameter[k]);
            const char *rest = row != NULL ? row->names : "";
            struct word name;
            if (!word_next(&rest, &name)) continue;
            while (name.n > 0 && name.at[name.n - 1] != '.') name.n--;
            if (name.n > 0) name.n--;
            if (word_among(str_c(out), name.at, name.n)) continue;
            TRY(str_format(ctx, out, "%s%.*s", out->n > 0 ? " " : "", (int)name.n, name.at));
        }
    }
    return RK_OK;
}

static uint64_t elements_of(const struct wiring *w, rk_ref r)
{
    const struct node *n = node_of(w->built.g, r);
    uint64_t elements = 1;
    for (int i = 0; i < n->rank; i++) elements *= (uint64_t)dim_size(w->built.g, n->dim[i]);       /* the graph has checked that this fits */
    return elements;
}

static uint64_t parameters_of(const struct comparing *c, int s)
{
    uint64_t sum = 0;
    for (int i = 0; i < c->pair->n[s]; i++) {
        const struct wired *m = module_of(c, s, i);
        for (int k = 0; k < m->n_parameters; k++)
            if (!m->parameter[k].tied) sum += (uint64_t)m->times * elements_of(&c->side[s], m->parameter[k].ref);
    }
    return sum;
}

/* --- one parameter of both --- */

static const struct wired_parameter *parameter_named(const struct wired *m, const char *name)
{
    for (int k = 0; k < m->n_parameters; k++)
        if (strcmp(m->parameter[k].name, name) == 0) return &m->parameter[k];
    return NULL;
}

/* "3 × 12 × 64 × 768"; of a module with parts, how many of them stands in front. */
static void shape_text(const struct comparing *c, int s, const struct wired_parameter *p, bool apart, char *to, size_t room)
{
    const rk_graph *g = c->side[s].built.g;
    const struct node *n = node_of(g, p->ref);
    size_t used = 0;
    to[0] = '\0';
    if (apart) used = (size_t)snprintf(to, room, "%d × ", c->pair->n[s]);
    for (int i = 0; i < n->rank && used < room; i++) used += (size_t)snprintf(to + used, room - used, "%s%" PRId64, i > 0 ? " × " : "", dim_size(g, n->dim[i]));
}

/* "hidden (three head head_dim)" as structure, whatever the dims are called: "2(t01)": t is the three of a fused projection,
 * a digit the parameter's dim in our order, without the three. groups false: only the dims, without t. */
static void structure_of(const struct comparing *c, int s, const struct wired_parameter *p, const char *axes, bool groups, char *to, size_t room)
{
    const rk_graph *g = c->side[s].built.g;
    const struct node *n = node_of(g, p->ref);
    size_t used = 0;
    for (const char *a = axes; *a != '\0' && used + 2 < room;) {
        size_t length = strcspn(a, " ()");
        if (length == 0) {
            if (groups && *a != ' ') to[used++] = *a;
            a++;
            continue;
        }
        bool three = length == 5 && memcmp(a, "three", 5) == 0;
        int index = 0;
        for (int i = 0; i < n->rank && n->dim[i] != graph_dim(g, a, length); i++) index += strcmp(dim_name(g, n->dim[i]), "three") != 0;
        if (!three || groups) to[used++] = three ? 't' : (char)('0' + index);
        a += length;
    }
    to[used] = '\0';
}

/* In which ways two parameters lie differently in files: "transposed, interleaved, fused"; none: not at all. */
static void layout_words(const struct comparing *c, const struct wired_parameter *const p[2], const char *const axes[2], char *to, size_t room)
{
    char dims[2][40], whole[2][40];
    for (int s = 0; s < 2; s++) {
        structure_of(c, s, p[s], axes[s], false, dims[s], sizeof dims[s]);
        structure_of(c, s, p[s], axes[s], true, whole[s], sizeof whole[s]);
    }
    const char *three[2] = { strchr(whole[0], 't'), strchr(whole[1], 't') };
    bool turned = strcmp(dims[0], dims[1]) != 0, fused = c->pair->n[0] != c->pair->n[1];
    bool mixed = three[0] != NULL && three[1] != NULL && (three[0] < strchr(whole[0], '0')) != (three[1] < strchr(whole[1], '0'));
    bool grouped = !turned && !mixed && !fused && strcmp(whole[0], whole[1]) != 0;
    const char *const words[] = { turned ? "transposed" : NULL, mixed ? "interleaved" : NULL, fused ? "fused" : NULL, grouped ? "grouped" : NULL };
    to[0] = '\0';
    for (int i = 0; i < 4; i++) {
        size_t used = strlen(to);
        if (words[i] != NULL) (void)snprintf(to + used, room - used, "%s%s", used > 0 ? ", " : "", words[i]);
    }
}

static rk_status compare_parameter(rk_ctx *ctx, struct comparing *c, const struct wired_parameter *l, const struct wired_parameter *r)
{
    const struct wired_parameter *p[2] = { l, r };
    const struct binding *row[2] = { binding_of(c, 0, l), binding_of(c, 1, r) };
    char shape[2][160], stored[2][160], words[64], what[112];
    const char *axes[2];
    for (int s = 0; s < 2; s++) {
        bool apart = c->pair->n[s] > 1;
        shape_text(c, s, p[s], apart, shape[s], sizeof shape[s]);
        axes[s] = row[s] != NULL ? row[s]->axes : "";
        (void)snprintf(stored[s], sizeof stored[s], "%s%s", apart ? "each " : "", axes[s]);
    }
    (void)snprintf(what, sizeof what, "%.30s", l->name);
    if (l->tied != r->tied) TRY(because(ctx, c, RK_OTHER, what, l->tied ? l->role : "its own", r->tied ? r->role : "its own"));
    else if (l->tied && strcmp(l->role, r->role) != 0) TRY(because(ctx, c, RK_OTHER, what, l->role, r->role));
    if (strcmp(shape[0], shape[1]) != 0) TRY(because(ctx, c, RK_SAME_IN_OTHER_SIZE, what, shape[0], shape[1]));
    layout_words(c, p, axes, words, sizeof words);
    (void)snprintf(what, sizeof what, "%.30s stored %s", l->name, words);
    if (words[0] != '\0') TRY(because(ctx, c, RK_SAME_IN_OTHER_LAYOUT, what, stored[0], stored[1]));
    return RK_OK;
}

/* --- one row --- */

/* The three things that a module says of itself. */
static const char *text_of(const struct wired *m, int which)
{
    const char *const texts[] = { m->computes, m->reads, m->trains };
    return texts[which];
}

/* What the modules of a side say, once where all say the same. */
static rk_status said(rk_ctx *ctx, const struct comparing *c, int s, int which, struct str *out)
{
    for (int i = 0; i < c->pair->n[s]; i++) TRY(wiring_join(ctx, out, i, text_of(module_of(c, s, 0), which), text_of(module_of(c, s, i), which)));
    return RK_OK;
}

/* The rates of dropout in a text, one after another; of one that changes from block to block those of the first. */
static void rates_of(const char *text, char *to, size_t room)
{
    const char *last = strstr(text, " .. ");
    size_t used = 0;
    to[0] = '\0';
    for (const char *s = text; (s = strstr(s, "dropout")) != NULL && used < room && (last == NULL || s < last);) {
        size_t n = strcspn(s, "),");
        used += (size_t)snprintf(to + used, room - used, "%.*s ", (int)n, s);
        s += n;
    }
}

/* Where the functions differ, only other rates are told of dropout. */
static bool other_dropout(const struct comparing *c, const char *left, const char *right)
{
    char rates[2][256];
    bool differs = c->row->row.details > 0 && strcmp(c->row->detail[0].what, "computes") == 0;
    rates_of(left, rates[0], sizeof rates[0]);
    rates_of(right, rates[1], sizeof rates[1]);
    return !differs || strcmp(rates[0], rates[1]) != 0;
}

static rk_status compare_texts(rk_ctx *ctx, struct comparing *c)
{
    static const char *const what[] = { "computes", "reads", "dropout" };
    for (int which = 0; which < 3; which++) {
        struct str text[2] = { { 0 } };
        rk_status status = said(ctx, c, 0, which, &text[0]);
        if (status == RK_OK) status = said(ctx, c, 1, which, &text[1]);
        bool other = status == RK_OK && strcmp(str_c(&text[0]), str_c(&text[1])) != 0;
        if (other && (which != 2 || other_dropout(c, str_c(&text[0]), str_c(&text[1]))))
            status = because(ctx, c, RK_OTHER, what[which], str_c(&text[0]), str_c(&text[1]));
        str_free(ctx, &text[0]);
        str_free(ctx, &text[1]);
        TRY(status);
    }
    return RK_OK;
}

static rk_status compare(rk_ctx *ctx, struct comparing *c)
{
    const struct wired *l = module_of(c, 0, 0), *r = module_of(c, 1, 0);
    char times[2][32];
    TRY(compare_texts(ctx, c));
    for (int k = 0; k < l->n_parameters; k++) {
        const struct wired_parameter *p = parameter_named(r, l->parameter[k].name);
        if (p != NULL) TRY(compare_parameter(ctx, c, &l->parameter[k], p));
    }
    (void)snprintf(times[0], sizeof times[0], "%d times", l->times);
    (void)snprintf(times[1], sizeof times[1], "%d times", r->times);
    size_t n = strlen(l->role);
    if (l->times != r->times && l->role[n - 1] == '*') TRY(because(ctx, c, RK_SAME_IN_OTHER_SIZE, "repeated", times[0], times[1]));
    return RK_OK;
}

static rk_status describe_alone(rk_ctx *ctx, struct comparing *c, int s)
{
    const struct wired *m = module_of(c, s, 0);
    rk_diff_verdict verdict = s == 0 ? RK_ONLY_LEFT : RK_ONLY_RIGHT;
    TRY(because(ctx, c, verdict, "computes", s == 0 ? m->computes : "", s == 1 ? m->computes : ""));
    if (m->reads[0] != '\0') TRY(because(ctx, c, verdict, "reads", s == 0 ? m->reads : "", s == 1 ? m->reads : ""));
    return RK_OK;
}

static rk_status fill_row(rk_ctx *ctx, struct comparing *c)
{
    struct str names[2] = { { 0 } };
    int s = c->pair->n[0] > 0 ? 0 : 1;
    rk_diff_row *row = &c->row->row;
    rk_status status;
    GO(file_names(ctx, c, 0, &names[0]));
    GO(file_names(ctx, c, 1, &names[1]));
    GO(keep(ctx, c, str_c(&names[0]), &row->left));
    GO(keep(ctx, c, str_c(&names[1]), &row->right));
    if (c->pair->n[s] == 1 || c->pair->n[1 - s] == 0) GO(keep(ctx, c, module_of(c, s, 0)->role, &row->role));
    else GO(keep(ctx, c, module_of(c, 1 - s, 0)->alias, &row->role));          /* parts on the left: the whole names them */
    row->left_parameters = parameters_of(c, 0);
    row->right_parameters = parameters_of(c, 1);
    GO(c->pair->n[0] > 0 && c->pair->n[1] > 0 ? compare(ctx, c) : describe_alone(ctx, c, s));
out:
    str_free(ctx, &names[0]);
    str_free(ctx, &names[1]);
    return status;
}

rk_status diff_rows(rk_ctx *ctx, rk_diff *d, const struct wiring side[2], const struct arch *const arch[2])
{
    TRY(VEC_ROOM(&d->rows, d->pairs.n));
    for (int i = 0; i < d->pairs.n; i++) {
        d->rows.at[i] = (struct diff_row){ .row = { .role = "", .left = "", .right = "" } };
        struct comparing c = { ctx, d, side, arch, &d->pairs.at[i], &d->rows.at[i] };
        TRY(fill_row(ctx, &c));
        d->rows.n++;
    }
    return RK_OK;
}
