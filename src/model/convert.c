/* convert.c: a model's weights in another dtype: tensor by tensor from the files it has into FOLDER/model.safetensors.
 *
 * Floats keep the order of their axes. Integers of 8 bits get a scale per block of neighbours along the sum, and lie with that
 * axis last, as the kernels read them (forms.h, docs/formats.md): matrices that are multiplied with; all else stays as it is.
 * What every tensor lost is told. Each file appears whole or not at all, and the old one stays until then.
 * Not here: what a model makes of it (cmd_convert compares its predictions). */
#include "base/num.h"
#include "core/opdef.h"
#include "io/bundle.h"
#include "model/bind.h"
#include "model/forms.h"
#include "model/model.h"
#include "model/torch.h"
#include <math.h>
#include <string.h>

enum { LARGEST_BLOCK = 64, SMALLEST_BLOCK = 8, PIECE = 1 << 16 };

struct conversion {
    const rk_model *m;
    rk_dtype dtype;
    rk_converted_fn *each;
    void *user;
    struct built built;
    struct bundle b;
    const struct bundle_entry **found;
    struct bundle_writer w;
    struct str name;
};

/* --- what becomes of a tensor --- */

static bool is_product(const rk_graph *g, rk_ref w)
{
    bool yes = false;
    for (rk_ref r = w + 1; r < g->nodes.n && !yes; r++)
        for (int i = 0; i < node_of(g, r)->arity && !yes; i++)
            if (operand_of(g, r, i) == w) yes = node_of(g, r)->op == &op_einsum || (node_of(g, r)->op == &op_select && is_product(g, r));
    return yes;
}

/* How many neighbours share a scale; 0: this one does not become integers. */
static int64_t block_of(const struct conversion *c, int i)
{
    const struct node *n = node_of(c->built.g, c->built.parameters.at[i].ref);
    if (c->dtype != RK_i8 || !forms_fits(c->built.g, c->built.parameters.at[i].ref) || !is_product(c->built.g, c->built.parameters.at[i].ref)) return 0;
    int64_t block = LARGEST_BLOCK, last = dim_size(c->built.g, n->dim[n->rank - 1]);
    while (block >= SMALLEST_BLOCK && last % block != 0) block /= 2;
    return block >= SMALLEST_BLOCK ? block : 0;
}

/* That of tensors which stay: as they are where integers are wanted of others. */
static rk_dtype dtype_of(const struct conversion *c, const struct bundle_entry *e)
{
    if (c->dtype != RK_i8) return c->dtype;
    return e->dtype == RK_i8 || e->dtype == RK_f64 ? RK_f32 : e->dtype;
}

static rk_status declare(rk_ctx *ctx, struct conversion *c, int i)
{
    const struct bundle_entry *e = c->found[i];
    struct stored s;
    int64_t block = block_of(c, i);
    TRY(bind_written(ctx, &c->m->config, &c->built, i, &c->name));
    TRY(bind_stored_as(ctx, c->m->config.arch, &c->built, i, block > 0 ? RK_i8 : RK_f32, &s));
    TRY(bundle_declare(ctx, &c->w, str_c(&c->name), block > 0 ? RK_i8 : dtype_of(c, e), s.rank, s.shape));
    if (block == 0) return RK_OK;
    s.shape[s.rank - 1] /= block;
    TRY(str_text(ctx, &c->name, ".scale"));
    return bundle_declare(ctx, &c->w, str_c(&c->name), RK_f32, s.rank, s.shape);
}

/* --- numbers --- */

/* All of a tensor, as f32 in the order of the file. */
static rk_status read_whole(rk_ctx *ctx, const struct conversion *c, const struct bundle_entry *e, int64_t n, float *to)
{
    const struct bundle_entry *scale = forms_scale(&c->b, e);
    if (e->dtype != RK_i8) {
        num_load_f32(to, e->data, (int)e->dtype, (size_t)n);
        return RK_OK;
    }
    PROMISE(scale != NULL);
    int64_t block = e->shape[e->rank - 1] / scale->shape[e->rank - 1];
    for (int64_t k = 0; k < n; k++) {
        float factor;
        memcpy(&factor, (const char *)scale->data + k / block * 4, sizeof factor);
        to[k] = factor * (float)((const signed char *)e->data)[k];
    }
    return RK_OK;
}

static rk_status check_numbers(rk_ctx *ctx, const struct conversion *c, const float *x, int64_t n)
{
    for (int64_t k = 0; k < n; k++)
        if (!isfinite(x[k])) {
            (void)FAIL(RK_E_FORMAT, "%s: element %lld, counted as the file has them, is %s", str_c(&c->name), (long long)k, isnan(x[k]) ? "no number (NaN)" : "infinite");
            return ctx_hint(ctx, "no dtype mends weights that are no numbers: take the checkpoint from before they came");
        }
    return RK_OK;
}

struct loss { double worst, wrong, size; };

/* Beyond what the new dtype holds y is infinite, and so is what was lost. */
static void lose(struct loss *l, float x, float y)
{
    double d = fabs((double)x - (double)y);
    if (d > l->worst) l->worst = d;
    l->wrong += d * d;
    l->size += (double)x * (double)x;
}

static void quantise(const float *x, int64_t n, signed char *q, float *scale, struct loss *l)
{
    float most = 0;
    for (int64_t k = 0; k < n; k++) most = fmaxf(most, fabsf(x[k]));
    float s = most / 127, inverse = s > 0 ? 1 / s : 0;
    if (!(inverse <= 3e38f)) s = inverse = 0;                    /* too small for a scale: zeros */
    for (int64_t k = 0; k < n; k++) {
        float r = nearbyintf(x[k] * inverse);
        q[k] = (signed char)(r > 127 ? 127 : r < -127 ? -127 : r);
        lose(l, x[k], s * (float)q[k]);
    }
    *scale = s;
}

static rk_status write_integers(rk_ctx *ctx, struct conversion *c, const float *x, int64_t n, int64_t block, struct loss *l)
{
    signed char *q = NULL;
    float *scale = NULL;
    rk_status status;
    GO(NEW(q, n));
    GO(NEW(scale, n / block));
    for (int64_t k = 0; k < n; k += block) quantise(x + k, block, q + k, scale + k / block, l);
    GO(bundle_write(ctx, &c->w, str_c(&c->name), q, (size_t)n));
    GO(str_text(ctx, &c->name, ".scale"));
    GO(bundle_write(ctx, &c->w, str_c(&c->name), scale, (size_t)(n / block) * sizeof *scale));
out:
    FREE(q, n);
    FREE(scale, n / block);
    return status;
}

static rk_status write_floats(rk_ctx *ctx, struct conversion *c, const float *x, int64_t n, rk_dtype dtype, struct loss *l)
{
    unsigned char *piece;
    float *back = NULL;
    rk_status status;
    GO(NEW(piece, PIECE * sizeof(double)));
    GO(NEW(back, PIECE));
    for (int64_t k = 0; k < n; k += PIECE) {
        int64_t here = n - k < PIECE ? n - k : PIECE;
        num_store_f32(piece, (int)dtype, x + k, (size_t)here);
        num_load_f32(back, piece, (int)dtype, (size_t)here);
        for (int64_t j = 0; j < here; j++) lose(l, x[k + j], back[j]);
        GO(bundle_write(ctx, &c->w, str_c(&c->name), piece, (size_t)here * rk_dtype_bytes(dtype)));
    }
out:
    FREE(piece, PIECE * sizeof(double));
    FREE(back, PIECE);
    return status;
}

/* From the order of the source into that of the target: axes change places only between floats and integers. */
static rk_status turn(rk_ctx *ctx, const struct conversion *c, int i, const float *from, bool to_integers, int64_t n, float *to)
{
    struct stored source, target;
    const float *x = from;
    float *graph = NULL;
    rk_status status;
    bool is_integer = c->found[i]->dtype == RK_i8;
    if (is_integer == to_integers) {
        memcpy(to, from, (size_t)n * sizeof *to);
        return RK_OK;
    }
    GO(bind_stored_as(ctx, c->m->config.arch, &c->built, i, is_integer ? RK_i8 : RK_f32, &source));
    GO(bind_stored_as(ctx, c->m->config.arch, &c->built, i, to_integers ? RK_i8 : RK_f32, &target));
    GO(NEW(graph, n));
    for (int64_t first = 0, count; first < n; first += count) {
        count = reorder_box(&source.read, first, PIECE);
        reorder_copy(&source.read, graph + first, x, first, count, sizeof *x);
    }
    for (int64_t first = 0, count; first < n; first += count) {
        count = reorder_box(&target.write, first, PIECE);
        reorder_copy(&target.write, to + first, graph, first, count, sizeof *x);
    }
out:
    FREE(graph, n);
    return status;
}

static rk_status convert_one(rk_ctx *ctx, struct conversion *c, int i)
{
    const struct bundle_entry *e = c->found[i];
    struct loss l = { 0 };
    float *x = NULL, *turned = NULL;
    int64_t n = parameter_elements(c->built.g, &c->built.parameters.at[i]), block = block_of(c, i);
    rk_converted told = { .from = e->dtype, .to = block > 0 ? RK_i8 : dtype_of(c, e), .block = block, .elements = n };
    rk_status status;
    GO(bind_written(ctx, &c->m->config, &c->built, i, &c->name));
    GO(NEW(x, n));
    GO(NEW(turned, n));
    GO(read_whole(ctx, c, e, n, x));
    GO(check_numbers(ctx, c, x, n));
    GO(turn(ctx, c, i, x, block > 0, n, turned));
    if (block > 0) GO(write_integers(ctx, c, turned, n, block, &l));
    else GO(write_floats(ctx, c, turned, n, told.to, &l));
    GO(bind_written(ctx, &c->m->config, &c->built, i, &c->name));
    told.name = str_c(&c->name);
    told.worst = l.worst;
    told.relative = l.size > 0 ? sqrt(l.wrong / l.size) : 0;
    if (!isfinite(l.worst)) {
        status = FAIL(RK_E_LIMIT, "%s has numbers that %s cannot hold", told.name, rk_dtype_name(told.to));
        status = ctx_hint(ctx, "bf16 has the range of f32");
        goto out;
    }
    if (c->each != NULL) c->each(c->user, &told);
out:
    FREE(x, n);
    FREE(turned, n);
    return status;
}

/* --- files --- */

/* What a tokenizer and generation need beside the weights, copied as it is where it is. */
static rk_status copy_others(rk_ctx *ctx, const rk_model *m, const char *folder)
{
    static const char *const names[] = { "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt",
                                         "vocab.txt", "source.spm", "target.spm", "generation_config.json" };
    struct str from = { 0 }, to = { 0 };
    struct file_view view = { 0 };
    struct file_writer w = { .fd = -1 };
    rk_status status = RK_OK;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        bool there;
        GO(file_join(ctx, &from, m->folder, names[i]));
        GO(file_exists(ctx, str_c(&from), &there));
        if (!there) continue;
        GO(file_join(ctx, &to, folder, names[i]));
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
    GO(bind_match(ctx, c->m->config.arch, &c->built, &c->b, c->found, &report));
    GO(bundle_declare_note(ctx, &c->w, "format", "pt"));
    for (int i = 0; i < n; i++)
        if (c->found[i] != NULL) GO(declare(ctx, c, i));
    GO(file_make_folder(ctx, folder));
    GO(file_join(ctx, &path, folder, "model.safetensors"));
    GO(bundle_begin(ctx, &c->w, str_c(&path)));
    for (int i = 0; i < n; i++)
        if (c->found[i] != NULL) GO(convert_one(ctx, c, i));
    GO(bundle_commit(ctx, &c->w));
    GO(bind_save_config(ctx, c->m, folder, c->dtype));
    GO(copy_others(ctx, c->m, folder));
out:
    bundle_abandon(ctx, &c->w);
    bind_report_clear(ctx, &report);
    FREE(c->found, n);
    str_free(ctx, &path);
    return status;
}

rk_status rk_model_convert(rk_model *m, const char *folder, rk_dtype dtype, rk_converted_fn *each, void *user)
{
    rk_ctx *ctx = m->ctx;
    struct conversion c = { .m = m, .dtype = dtype, .each = each, .user = user };
    if (!rk_model_has_weights(m)) return FAIL(RK_E_MISSING, "%s is a description without weights: there is nothing to convert", m->name);
    if (file_same(m->folder, folder)) {
        (void)FAIL(RK_E_ARG, "%s is the folder that is converted: its weights would be lost", folder);
        return ctx_hint(ctx, "name another folder for what comes out");
    }
    if (dtype != RK_f32 && dtype != RK_f16 && dtype != RK_bf16 && dtype != RK_i8) return FAIL(RK_E_DTYPE, "weights are not converted to %s", rk_dtype_name(dtype));
    rk_status status = convert(ctx, &c, folder);
    built_close(&c.built);
    bundle_close(ctx, &c.b);
    str_free(ctx, &c.name);
    return status;
}
