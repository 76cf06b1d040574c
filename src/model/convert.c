/* convert.c: a model's weights in another dtype: tensor by tensor from the files it has into FOLDER/model.safetensors.
 *
 * Floats keep the order of their axes. Integers of 8 bits get a scale per block of neighbours along the sum, and lie with that
 * axis last, as the kernels read them (forms.h, docs/formats.md): matrices that are multiplied with; all else stays as it is. Packed,
 * those that can be, of integers or of f32, lie in panels, in front of the rest, so that each begins a line of the cache. Integers that are there already, in
 * rows or panels, only change places: no number of them.
 * What every tensor lost is told. Each file appears whole or not at all, and the old one stays until then.
 * Not here: the numbers (convert_numbers.c); what a model makes of them (cmd_convert compares its predictions). */
#include "core/opdef.h"
#include "core/panel.h"
#include "model/bind.h"
#include "model/convert.h"
#include "model/torch.h"
#include <math.h>
#include <string.h>

enum { LARGEST_BLOCK = 64, SMALLEST_BLOCK = 8 };

/* --- what becomes of a tensor --- */

static bool is_product(const rk_graph *g, rk_ref w)
{
    bool yes = false;
    for (rk_ref r = w + 1; r < g->nodes.n && !yes; r++)
        for (int i = 0; i < node_of(g, r)->arity && !yes; i++)
            if (operand_of(g, r, i) == w) yes = node_of(g, r)->op == &op_einsum || (node_of(g, r)->op == &op_select && is_product(g, r));
    return yes;
}

static bool is_matrix(const struct conversion *c, int i)
{
    const rk_ref w = c->built.parameters.at[i].ref;
    return forms_fits(c->built.g, w) && is_product(c->built.g, w);
}

static bool packs_floats(const struct conversion *c, int i) { return c->packed && c->dtype == RK_f32 && is_matrix(c, i); }

/* How many neighbours share a scale; 0: this one does not become integers. */
static int64_t block_of(const struct conversion *c, int i)
{
    const struct node *n = node_of(c->built.g, c->built.parameters.at[i].ref);
    if (c->dtype != RK_i8 || !is_matrix(c, i)) return 0;
    int64_t block = LARGEST_BLOCK, last = dim_size(c->built.g, n->dim[n->rank - 1]);
    while (block >= SMALLEST_BLOCK && last % block != 0) block /= 2;
    return block >= SMALLEST_BLOCK ? block : 0;
}

static rk_status decide(rk_ctx *ctx, struct conversion *c, int i)
{
    struct fate *f = &c->fate[i];
    TRY(bind_stored_as(ctx, c->m->config.arch, &c->built, i, RK_f32, &f->stored));
    f->block = block_of(c, i);
    f->in_rows = "";
    if (f->block == 0 && !packs_floats(c, i)) return RK_OK;
    TRY(bind_stored_as(ctx, c->m->config.arch, &c->built, i, RK_i8, &f->stored));
    if (c->packed) f->in_rows = forms_no_panels(c->built.g, c->built.parameters.at[i].ref, f->stored.rank, f->stored.shape, f->block);
    if (f->block == 0 && f->in_rows != NULL) return bind_stored_as(ctx, c->m->config.arch, &c->built, i, RK_f32, &f->stored);
    return RK_OK;
}

/* That of tensors which stay: as they are where integers are wanted of others. */
static rk_dtype dtype_of(const struct conversion *c, const struct bundle_entry *e)
{
    if (c->dtype != RK_i8) return c->dtype;
    return e->dtype == RK_i8 || e->dtype == RK_f64 ? RK_f32 : e->dtype;
}

static rk_status declare(rk_ctx *ctx, struct conversion *c, int i)
{
    const struct fate *f = &c->fate[i];
    struct stored s = f->stored;
    if (f->in_rows == NULL) PROMISE(forms_panel_shape(f->block == 0, &s.rank, s.shape));
    TRY(bind_written(ctx, &c->m->config, &c->built, i, &c->name));
    TRY(bundle_declare(ctx, &c->w, str_c(&c->name), f->block > 0 ? RK_i8 : dtype_of(c, c->found[i]), s.rank, s.shape));
    if (f->block == 0) return RK_OK;
    if (f->in_rows == NULL) s.shape[2] = PANEL_COLUMNS, s.rank = PANEL_SCALE_RANK;
    else s.shape[s.rank - 1] /= f->block;
    TRY(str_text(ctx, &c->name, ".scale"));
    return bundle_declare(ctx, &c->w, str_c(&c->name), RK_f32, s.rank, s.shape);
}

/* --- one after the other --- */

/* Integers that stay integers in blocks of the same size. */
static bool only_moves(const struct conversion *c, const struct bundle_entry *e, int64_t block)
{
    return block > 0 && e->dtype == RK_i8 && forms_block(e, forms_scale(&c->b, e)) == block;
}

static rk_status convert_one(rk_ctx *ctx, struct conversion *c, int i)
{
    const struct bundle_entry *e = c->found[i];
    const struct fate *f = &c->fate[i];
    struct loss l = { 0 };
    rk_converted told = { .from = e->dtype, .to = f->block > 0 ? RK_i8 : dtype_of(c, e), .block = f->block, .elements = parameter_elements(c->built.g, &c->built.parameters.at[i]),
                          .packed = f->in_rows == NULL, .trained = i < c->built.parameters.n, .in_rows = f->in_rows };
    TRY(bind_written(ctx, &c->m->config, &c->built, i, &c->name));
    if (only_moves(c, e, f->block)) TRY(convert_integers(ctx, c, i, NULL, told.elements, &l));
    else TRY(convert_numbers(ctx, c, i, &told, &l));
    TRY(bind_written(ctx, &c->m->config, &c->built, i, &c->name));
    told.name = str_c(&c->name);
    told.worst = l.worst;
    told.relative = l.size > 0 ? sqrt(l.wrong / l.size) : 0;
    if (!isfinite(l.worst)) {
        (void)FAIL(RK_E_LIMIT, "%s has numbers that %s cannot hold", told.name, rk_dtype_name(told.to));
        return ctx_hint(ctx, "bf16 has the range of f32");
    }
    if (c->each != NULL && !c->each(c->user, &told)) return FAIL(RK_E_CANCELLED, "stopped after %s", told.name);
    return RK_OK;
}

/* The tensors in the order of the file: what lies in panels, then the rest. */
static rk_status each_tensor(rk_ctx *ctx, struct conversion *c, rk_status (*one)(rk_ctx *ctx, struct conversion *c, int i))
{
    for (int part = 0; part < 2; part++)
        for (int i = 0; i < built_stored(&c->built); i++)
            if (c->found[i] != NULL && (c->fate[i].in_rows == NULL) == (part == 0)) TRY(one(ctx, c, i));
    return RK_OK;
}

/* --- files --- */

/* What a tokenizer and generation need beside the weights. */
static const char *const others[] = { "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt",
                                      "vocab.txt", "source.spm", "target.spm", "target_vocab.json", "generation_config.json" };
enum { OTHERS = sizeof others / sizeof *others };

/* What stays in the folder must be of this model: a file of another one, which nothing replaces, would be read as its own. */
static rk_status refuse_strangers(rk_ctx *ctx, const rk_model *m, const char *folder)
{
    struct str own = { 0 }, there = { 0 };
    rk_status status = RK_OK;
    for (int i = 0; i < OTHERS; i++) {
        bool ours = false, stays = false;
        GO(file_join(ctx, &own, m->folder, others[i]));
        GO(file_join(ctx, &there, folder, others[i]));
        GO(file_exists(ctx, str_c(&own), &ours));
        GO(file_exists(ctx, str_c(&there), &stays));
        if (ours || !stays) continue;
        (void)FAIL(RK_E_ARG, "%s is of another model: %s has no such file", str_c(&there), m->folder);
        status = ctx_hint(ctx, "remove it, or name another folder for what comes out");
        goto out;
    }
out:
    str_free(ctx, &own);
    str_free(ctx, &there);
    return status;
}

/* Copied as it is where it is. */
static rk_status copy_others(rk_ctx *ctx, const rk_model *m, const char *folder)
{
    struct str from = { 0 }, to = { 0 };
    struct file_view view = { 0 };
    struct file_writer w = { .fd = -1 };
    rk_status status = RK_OK;
    for (int i = 0; i < OTHERS; i++) {
        bool there;
        GO(file_join(ctx, &from, m->folder, others[i]));
        GO(file_exists(ctx, str_c(&from), &there));
        if (!there) continue;
        GO(file_join(ctx, &to, folder, others[i]));
        GO(file_map(ctx, str_c(&from), &view));
        GO(file_create(ctx, &w, str_c(&to)));
        GO(file_write(ctx, &w, view.at, view.n));
        GO(file_commit(ctx, &w));
        file_unmap(&view);
        view = (struct file_view){ 0 };
    }
out:
    if (view.at != NULL) file_unmap(&view);
    file_abandon(ctx, &w);
    str_free(ctx, &from);
    str_free(ctx, &to);
    return status;
}

static rk_status convert(rk_ctx *ctx, struct conversion *c, const char *folder)
{
    struct bind_report report = { 0 };
    struct str path = { 0 };
    rk_status status;
    int n = 0;
    GO(model_build(ctx, c->m, &(struct build_options){ .purpose = FOR_LOGITS, .batch = 1, .seq = 1 }, &c->built));
    n = built_stored(&c->built);
    GO(bundle_open(ctx, c->m->weights, &c->b));
    GO(NEW(c->found, n));
    GO(NEW(c->fate, n));
    GO(bind_match(ctx, c->m->config.arch, &c->built, &c->b, c->found, &report));
    GO(bundle_declare_note(ctx, &c->w, "format", "pt"));
    if (c->packed && c->dtype == RK_i8) GO(bundle_declare_note(ctx, &c->w, FORMS_PANELS_KEY, FORMS_PANELS_NOTE));
    if (c->packed && c->dtype == RK_f32) GO(bundle_declare_note(ctx, &c->w, FORMS_FLOAT_PANELS_KEY, FORMS_FLOAT_PANELS_NOTE));
    c->w.lines = c->packed;
    for (int i = 0; i < n; i++)
        if (c->found[i] != NULL) GO(decide(ctx, c, i));
    GO(each_tensor(ctx, c, declare));
    GO(file_make_folder(ctx, folder));
    GO(file_join(ctx, &path, folder, "model.safetensors"));
    GO(bundle_begin(ctx, &c->w, str_c(&path)));
    GO(each_tensor(ctx, c, convert_one));
    GO(bundle_commit(ctx, &c->w));
    GO(bind_save_config(ctx, c->m, folder, c->dtype));
    GO(copy_others(ctx, c->m, folder));
out:
    bundle_abandon(ctx, &c->w);
    bind_report_clear(ctx, &report);
    FREE(c->found, n);
    FREE(c->fate, n);
    str_free(ctx, &path);
    return status;
}

rk_status rk_model_convert(rk_model *m, const char *folder, rk_dtype dtype, rk_layout layout, rk_converted_fn *each, void *user)
{
    rk_ctx *ctx = m->ctx;
    struct conversion c = { .m = m, .dtype = dtype, .packed = layout == RK_LAYOUT_PACKED, .each = each, .user = user };
    if (!rk_model_has_weights(m)) return FAIL(RK_E_MISSING, "%s is a description without weights: there is nothing to convert", m->name);
    if (file_same(m->folder, folder)) {
        (void)FAIL(RK_E_ARG, "%s is the folder that is converted: its weights would be lost", folder);
        return ctx_hint(ctx, "name another folder for what comes out");
    }
    if (dtype != RK_f32 && dtype != RK_f16 && dtype != RK_bf16 && dtype != RK_i8) return FAIL(RK_E_DTYPE, "weights are not converted to %s", rk_dtype_name(dtype));
    if (c.packed && dtype != RK_i8 && dtype != RK_f32) {
        (void)FAIL(RK_E_DECLINED, "weights of %s have no packed layout", rk_dtype_name(dtype));
        return ctx_hint(ctx, "integers and f32 have one: --dtype int8, --dtype f32");
    }
    TRY(refuse_strangers(ctx, m, folder));
    rk_status status = convert(ctx, &c, folder);
    built_close(&c.built);
    bundle_close(ctx, &c.b);
    str_free(ctx, &c.name);
    return status;
}
