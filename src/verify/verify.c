/* verify.c: opens model, weights and expectations, compares what is there, and names what was left over. */
#include "verify/verify.h"
#include "run/device.h"

static void verify_close(rk_ctx *ctx, struct verify *v)
{
    verify_inputs_free(ctx, v);
    FREE(v->checked, v->io.entries.n);
    bundle_close(ctx, &v->io);
    rk_weights_close(v->weights);
    rk_model_close(v->model);
}

static rk_status open_expectations(rk_ctx *ctx, struct verify *v, const char *io)
{
    struct str path = { 0 };
    rk_status status;
    if (io == NULL) GO(file_join(ctx, &path, v->model->folder, "io.safetensors"));
    GO(bundle_open(ctx, io != NULL ? io : str_c(&path), &v->io));
    GO(NEW(v->checked, v->io.entries.n));
    GO(verify_inputs(ctx, v));
out:
    if (status == RK_E_MISSING && io == NULL && v->io.entries.n == 0) (void)ctx_hint(ctx, "name a file of expectations behind the folder");
    str_free(ctx, &path);
    return status;
}

static rk_status verify(rk_ctx *ctx, struct verify *v, const char *folder, const char *io)
{
    TRY(rk_model_open(ctx, folder, &v->model));
    v->vocab = config_int(&v->model->config, "vocab");
    TRY(open_expectations(ctx, v, io));
    TRY(weights_open(ctx, v->model, v->backend, &v->weights));
    TRY(verify_forward(ctx, v));
    TRY(verify_learning(ctx, v));
    TRY(verify_greedy(ctx, v));
    TRY(verify_generate(ctx, v));
    return expect_leftovers(ctx, v);
}

rk_status verify_run(rk_ctx *ctx, const char *folder, const char *io, const struct backend *backend, double loosen, rk_verify_fn *each, void *user,
                     rk_verified *result)
{
    rk_verified nothing;
    struct verify v = { .ctx = ctx, .backend = backend, .loosen = loosen == 0 ? 1 : loosen, .each = each, .user = user, .result = result == NULL ? &nothing : result };
    *v.result = (rk_verified){ 0 };
    if (!(v.loosen > 0)) return FAIL(RK_E_ARG, "tolerances times %g", loosen);
    rk_status status = verify(ctx, &v, folder, io);
    verify_close(ctx, &v);
    return status == RK_OK ? RK_OK : ctx_pass(ctx, status, __FILE__, __LINE__, __func__);
}

rk_status rk_verify(rk_ctx *ctx, const char *folder, const char *io, const rk_verify_options *options, rk_verify_fn *each, void *user, rk_verified *result)
{
    const rk_verify_options none = { 0 }, *o = options == NULL ? &none : options;
    rk_device *own = NULL;
    if (o->device == NULL) TRY(rk_device_open(ctx, "cpu", NULL, &own));
    rk_status status = verify_run(ctx, folder, io, device_backend(own != NULL ? own : o->device), o->loosen, each, user, result);
    rk_device_close(own);
    return status;
}
