/* torch_tensors.c: the tensors of a model as PyTorch lists them: parameters with their ties in the order of the modules, then
 * buffers.
 *
 * A tensor stands in the module that its name in files says. One that is met a second time, under a name in another module
 * (lm_head) or for a role that is tied, is a tie. Not here: the modules (torch_tree.c), how a list is written (torch_print.c).
 * Source: torch/nn/modules/module.py (named_parameters, named_buffers: a module's own first, then those inside it). */
#include "core/graph.h"
#include "model/bind.h"
#include "model/torch.h"
#include <string.h>

/* A name that a binding may have in files, with its prefix: "transformer.h.*.ln_1.weight". */
struct known { const struct binding *row; const char *name; };
/* Where a parameter was met: its first name, and the last module, + 1. */
struct seen { const char *name; int module; };

struct listing {
    rk_ctx *ctx;
    const struct arch *arch;
    rk_dtype dtype;
    struct built built;
    struct torch_tree tree;
    struct map roles;                   /* our names -> parameters */
    struct arena arena;                 /* of the known names */
    VEC(struct known) known;
    struct seen *seen;                  /* per parameter */
    struct str text;
    struct torch_tensors *list;
};

void torch_tensors_close(struct torch_tensors *list)
{
    rk_ctx *ctx = list->ctx;
    if (ctx == NULL) return;
    VEC_FREE(&list->at);
    arena_clear(ctx, &list->arena);
}

/* What stands in l->text, kept as long as the list. */
static rk_status keep(struct listing *l, const char **kept)
{
    rk_ctx *ctx = l->ctx;
    TRY(arena_text(ctx, &l->list->arena, str_c(&l->text), (size_t)l->text.n, kept));
    l->text.n = 0;
    return RK_OK;
}

static struct word word_of(const char *text) { return (struct word){ text, strlen(text) }; }

/* The next buffer that stands right in a module, after *row; NULL: from the first, and no more. */
static rk_status next_buffer(const struct listing *l, int module, const struct torch_row **row)
{
    rk_ctx *ctx = l->ctx;
    const struct torch_row *from = l->tree.modules.at[module].row, *at = *row != NULL ? *row + 1 : module == 0 ? l->tree.first : from + 1;
    for (*row = NULL; at != NULL && at < l->tree.last && torch_level(at) > torch_level(from); at++) {
        bool holds = torch_level(at) == torch_level(from) + 1 && torch_name(at)[0] == '.';
        if (holds) TRY(config_holds(ctx, l->tree.config, at->when, &holds));
        if (!holds) continue;
        *row = at;
        break;
    }
    return RK_OK;
}

/* --- parameters and ties --- */

static rk_status know_names(struct listing *l)
{
    rk_ctx *ctx = l->ctx;
    for (const struct binding *row = l->arch->bindings; row->names != NULL; row++) {
        const char *rest = row->names;
        for (struct word w; row->role != NULL && word_next(&rest, &w);) {
            struct known k = { row, NULL };
            bool bare = l->arch->bare != NULL && word_among(l->arch->bare, w.at, w.n);
            l->text.n = 0;
            if (!bare) TRY(str_text(ctx, &l->text, l->arch->prefix));
            TRY(str_add(ctx, &l->text, w.at, w.n));
            TRY(arena_text(ctx, &l->arena, str_c(&l->text), (size_t)l->text.n, &k.name));
            VEC_PUSH(&l->known, k);
        }
    }
    l->text.n = 0;
    return RK_OK;
}

/* The last part of a name that stands in this very module; NULL: it stands elsewhere. */
static const char *leaf_in(const char *pattern, const char *name)
{
    size_t n = strlen(pattern);
    if (strncmp(name, pattern, n) != 0 || (n > 0 && name[n] != '.')) return NULL;
    name += n + (n > 0);
    return strchr(name, '.') == NULL ? name : NULL;
}

/* The parameter that has a role, itself or by a tie; -1: the model has none. */
static rk_status parameter_for(struct listing *l, const char *role, int *parameter)
{
    rk_ctx *ctx = l->ctx;
    const char *rest = l->arch->ties != NULL ? l->arch->ties : "";
    struct word number;
    *parameter = -1;
    if (map_get(&l->roles, role, strlen(role), parameter)) return RK_OK;
    for (struct word w; word_next(&rest, &w);) {
        const char *equals = memchr(w.at, '=', w.n);
        PROMISE(equals != NULL);
        struct word left = { w.at, (size_t)(equals - w.at) }, right = { equals + 1, w.n - left.n - 1 };
        if (!bind_matches(left, role, strlen(role), false, &number)) continue;
        l->text.n = 0;
        TRY(bind_fill(ctx, right, number, &l->text));
        if (map_get(&l->roles, str_c(&l->text), (size_t)l->text.n, parameter)) return RK_OK;
    }
    return RK_OK;
}

static rk_status shape_of(struct listing *l, int parameter, struct torch_tensor *t)
{
    rk_ctx *ctx = l->ctx;
    struct stored stored;
    const struct parameter *p = &l->built.parameters.at[parameter];
    TRY(bind_stored(ctx, l->arch, &l->built, parameter, &stored));
    t->rank = stored.rank;
    memcpy(t->shape, stored.shape, sizeof t->shape);
    t->dtype = torch_dtype(l->dtype);
    t->bytes = t->kind == TORCH_TIE ? 0 : (uint64_t)parameter_elements(l->built.g, p) * rk_dtype_bytes(l->dtype);
    return RK_OK;
}

static rk_status add_tensor(struct listing *l, int module, const struct known *known, const char *leaf)
{
    rk_ctx *ctx = l->ctx;
    const struct torch_module *m = &l->tree.modules.at[module];
    struct torch_tensor t = { .kind = TORCH_PARAMETER };
    int parameter;
    l->text.n = 0;
    TRY(bind_fill(ctx, word_of(known->row->role), word_of(m->number), &l->text));
    TRY(keep(l, &t.role));
    TRY(parameter_for(l, t.role, &parameter));
    if (parameter < 0 || l->seen[parameter].module == module + 1) return RK_OK;         /* twice in one module: an older spelling */
    l->text.n = 0;
    TRY(str_format(ctx, &l->text, "%s%s%s", m->path, m->path[0] != '\0' ? "." : "", leaf));
    TRY(keep(l, &t.name));
    struct seen *seen = &l->seen[parameter];
    if (seen->name != NULL) t.kind = TORCH_TIE, t.tie = seen->name;
    else seen->name = t.name;
    seen->module = module + 1;
    for (const struct torch_row *row = NULL;;) {
        TRY(next_buffer(l, module, &row));
        if (row == NULL) break;
        if (strcmp(torch_name(row) + 1, leaf) == 0) return RK_OK;                       /* kept by us, but a buffer there */
    }
    TRY(shape_of(l, parameter, &t));
    VEC_PUSH(&l->list->at, t);
    return RK_OK;
}

/* Every parameter stands in the class; so does a constant, unless no file has it. */
static rk_status check_all_seen(struct listing *l)
{
    rk_ctx *ctx = l->ctx;
    for (int i = 0; i < built_stored(&l->built); i++) {
        const struct parameter *p = &l->built.parameters.at[i];
        struct word number;
        bool computed = p->kind == RK_CONSTANT && bind_row(l->arch, p->name, &number) == NULL;
        if (l->seen[i].name == NULL && !computed) return FAIL(RK_E_BUG, "parameter %s of %s has no name in its PyTorch class", p->name, l->arch->title);
    }
    return RK_OK;
}

static rk_status list_parameters(struct listing *l)
{
    rk_ctx *ctx = l->ctx;
    TRY(NEW(l->seen, built_stored(&l->built)));
    TRY(know_names(l));
    for (int i = 0; i < built_stored(&l->built); i++) TRY(map_put(ctx, &l->roles, l->built.parameters.at[i].name, strlen(l->built.parameters.at[i].name), i));
    for (int m = 0; m < l->tree.modules.n; m++)
        for (int k = 0; k < l->known.n; k++) {
            const char *leaf = leaf_in(l->tree.modules.at[m].pattern, l->known.at[k].name);
            if (leaf != NULL) TRY(add_tensor(l, m, &l->known.at[k], leaf));
        }
    return check_all_seen(l);
}

/* --- buffers --- */

static rk_status add_buffer(struct listing *l, const struct torch_module *m, const struct torch_row *row)
{
    rk_ctx *ctx = l->ctx;
    struct torch_tensor t = { .kind = TORCH_BUFFER };
    l->text.n = 0;
    TRY(torch_fill(ctx, l->tree.config, row->class, &l->text));
    TRY(torch_shape(ctx, str_c(&l->text), &t));
    l->text.n = 0;
    TRY(str_format(ctx, &l->text, "%s%s%s", m->path, m->path[0] != '\0' ? "." : "", torch_name(row) + 1));
    TRY(keep(l, &t.name));
    if (row->role != NULL) {
        TRY(bind_fill(ctx, word_of(row->role), word_of(m->number[0] != '\0' ? m->number : "*"), &l->text));      /* one for all blocks: h.* */
        TRY(keep(l, &t.role));
    }
    VEC_PUSH(&l->list->at, t);
    return RK_OK;
}

static rk_status list_buffers(struct listing *l)
{
    rk_ctx *ctx = l->ctx;
    for (int m = 0; m < l->tree.modules.n; m++)
        for (const struct torch_row *row = NULL;;) {
            TRY(next_buffer(l, m, &row));
            if (row == NULL) break;
            TRY(add_buffer(l, &l->tree.modules.at[m], row));
        }
    return RK_OK;
}

static void end(struct listing *l)
{
    rk_ctx *ctx = l->ctx;
    FREE(l->seen, built_stored(&l->built));
    VEC_FREE(&l->known);
    map_free(ctx, &l->roles);
    arena_clear(ctx, &l->arena);
    str_free(ctx, &l->text);
    if (l->tree.ctx != NULL) torch_tree_close(&l->tree);
    built_close(&l->built);
}

rk_status torch_tensors_open(rk_ctx *ctx, const rk_model *m, rk_dtype dtype, struct torch_tensors *list)
{
    struct listing l = { .ctx = ctx, .arch = m->config.arch, .dtype = dtype, .list = list };
    rk_status status;
    *list = (struct torch_tensors){ .ctx = ctx };
    GO(model_build(ctx, m, &(struct build_options){ .purpose = FOR_SCORING, .seq = 1 }, &l.built));
    GO(torch_tree_open(ctx, &m->config, &l.tree));
    GO(list_parameters(&l));
    GO(list_buffers(&l));
out:
    end(&l);
    return status;
}

rk_status torch_buffers_open(rk_ctx *ctx, const struct config *c, struct torch_tensors *list)
{
    struct listing l = { .ctx = ctx, .arch = c->arch, .list = list };
    rk_status status;
    *list = (struct torch_tensors){ .ctx = ctx };
    GO(torch_tree_open(ctx, c, &l.tree));
    GO(list_buffers(&l));
out:
    end(&l);
    return status;
}
