/* torch_print.c: lists of tensors written, and what may be asked of a model from outside: its tree and its tensors as PyTorch has
 * them. */
#include "io/json.h"
#include "model/torch.h"
#include <inttypes.h>

rk_status torch_tensors_print(const struct torch_tensors *list, struct str *out)
{
    rk_ctx *ctx = list->ctx;
    for (int i = 0; i < list->at.n; i++) {
        const struct torch_tensor *t = &list->at.at[i];
        TRY(str_format(ctx, out, "%s\t%s%s\t", t->name, t->kind == TORCH_PARAMETER ? "parameter" : t->kind == TORCH_BUFFER ? "buffer" : "tie=", t->kind == TORCH_TIE ? t->tie : ""));
        for (int k = 0; k < t->rank; k++) TRY(str_format(ctx, out, "%s%" PRId64, k > 0 ? "x" : "", t->shape[k]));
        TRY(str_format(ctx, out, "%s\t%s\n", t->rank == 0 ? "scalar" : "", t->dtype));
    }
    return RK_OK;
}

static rk_status put_tensor(rk_ctx *ctx, const struct torch_tensor *t, struct json_out *o)
{
    static const char *const kinds[] = { [TORCH_PARAMETER] = "parameter", [TORCH_TIE] = "tie", [TORCH_BUFFER] = "buffer" };
    TRY(json_open_object(ctx, o, NULL));
    TRY(json_put_text(ctx, o, "name", t->name));
    TRY(json_put_text(ctx, o, "kind", kinds[t->kind]));
    if (t->kind == TORCH_TIE) TRY(json_put_text(ctx, o, "tie", t->tie));
    if (t->role != NULL) TRY(json_put_text(ctx, o, "role", t->role));
    else TRY(json_put_null(ctx, o, "role"));
    TRY(json_open_array(ctx, o, "shape"));
    for (int i = 0; i < t->rank; i++) TRY(json_put_int(ctx, o, NULL, t->shape[i]));
    TRY(json_close(ctx, o));
    TRY(json_put_text(ctx, o, "dtype", t->dtype));
    TRY(json_put_uint(ctx, o, "bytes", t->bytes));
    return json_close(ctx, o);
}

rk_status torch_tensors_json(const struct torch_tensors *list, struct str *out)
{
    rk_ctx *ctx = list->ctx;
    struct json_out o = { .to = out };
    TRY(json_open_object(ctx, &o, NULL));
    TRY(json_open_array(ctx, &o, "tensors"));
    for (int i = 0; i < list->at.n; i++) TRY(put_tensor(ctx, &list->at.at[i], &o));
    TRY(json_close(ctx, &o));
    return json_close(ctx, &o);
}

/* --- asked from outside --- */

rk_status rk_model_show_torch(rk_model *m, const char **text)
{
    rk_ctx *ctx = m->ctx;
    struct torch_tree t = { .ctx = ctx };
    rk_status status;
    *text = "";
    m->shown.n = 0;
    GO(torch_tree_open(ctx, &m->config, &t));
    GO(torch_tree_print(&t, &m->shown));
    *text = str_c(&m->shown);
out:
    torch_tree_close(&t);
    return status;
}

rk_status rk_model_show_tensors(rk_model *m, rk_dtype dtype, bool json, const char **text)
{
    rk_ctx *ctx = m->ctx;
    struct torch_tensors list = { .ctx = ctx };
    rk_status status;
    *text = "";
    m->shown.n = 0;
    if (dtype > RK_f8e5m2) return FAIL(RK_E_DTYPE, "%s: parameters of %s", m->name, rk_dtype_name(dtype));
    GO(torch_tensors_open(ctx, m, dtype, &list));
    GO(json ? torch_tensors_json(&list, &m->shown) : torch_tensors_print(&list, &m->shown));
    *text = str_c(&m->shown);
out:
    torch_tensors_close(&list);
    return status;
}
