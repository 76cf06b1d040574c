/* receipt.c: what was predicted beside what was measured, row by row: see train.h.
 *
 * Predicted comes from the bill (meaning) and from the plans (what this program issues and allocates); measured from the
 * store, the counts that kernels keep, the clock and the operating system. Where both differ, a row says why. */
#include "train/receipt.h"

static rk_status number(rk_ctx *ctx, const rk_bill *bill, const char *name, uint64_t *out)
{
    *out = 0;
    return rk_bill_has(bill, name) ? rk_bill_number(bill, name, out) : FAIL(RK_E_BUG, "the bill does not say %s", name);
}

rk_status train_price(rk_ctx *ctx, rk_train *t)
{
    const rk_train_options *o = &t->options;
    const rk_bill_settings settings = { .batch = o->batch, .seq = o->seq, .source_seq = o->source_seq, .padded = true, .dropout = !o->no_dropout, .totals = true, .optimizer = (rk_optimizer)o->optimizer, .no_momentum = o->momentum == 0, .policy = o->policy };
    uint64_t forward, backward;
    rk_bill *bill;
    rk_status status;
    TRY(rk_bill_of(t->model, &settings, &bill));
    GO(number(ctx, bill, "flops.forward", &forward));
    GO(number(ctx, bill, "flops.backward", &backward));
    GO(number(ctx, bill, "bytes.parameters", &t->meaning_bytes[RK_PARAMETER]));
    GO(number(ctx, bill, "bytes.gradients", &t->meaning_bytes[RK_GRADIENT]));
    if (rk_bill_has(bill, "bytes.optimizer")) GO(number(ctx, bill, "bytes.optimizer", &t->meaning_bytes[RK_OPTIMIZER]));      /* SGD may keep nothing */
    if (rk_bill_has(bill, "bytes.master")) GO(number(ctx, bill, "bytes.master", &t->meaning_bytes[RK_MASTER]));                  /* of narrow parameters */
    if (rk_bill_has(bill, "bytes.constants")) GO(number(ctx, bill, "bytes.constants", &t->meaning_bytes[RK_CONSTANT]));        /* sinusoids */
    t->model_flops = (uint64_t)o->accumulate * (forward + backward);
out:
    rk_bill_free(bill);
    return status;
}

int rk_receipt_rows(const rk_train *t)
{
    (void)t;
    return receipt_memory.n + receipt_work.n;
}

rk_receipt_row rk_receipt_at(const rk_train *t, int i)
{
    if (i < 0 || i >= rk_receipt_rows(t)) return (rk_receipt_row){ "", "", NAN, NAN, "", "" };
    const struct receipt_ask *a = i < receipt_memory.n ? &receipt_memory.rows[i] : &receipt_work.rows[i - receipt_memory.n];
    return (rk_receipt_row){ a->name, a->unit, a->predicted(t), a->measured(t), a->note, a->entry };
}
