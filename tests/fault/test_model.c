/* With every single allocation failing, a model opens, is priced, loads and saves, or says that there is no memory; nothing
 * leaks, and what was saved before stays. */
#include "backend/ref/ref.h"
#include "model/bind.h"
#include "reckon/books.h"
#include "test.h"

#define TINY "gpt2:n_layer=1,n_embd=8,n_head=2,vocab_size=11,n_positions=8"

static rk_status open_preset(rk_ctx *ctx)
{
    rk_model *m;
    const char *text;
    TRY(rk_model_open(ctx, TINY, &m));
    rk_status status = rk_model_show(m, NULL, false, &text);
    if (status == RK_OK) status = rk_model_show(m, NULL, true, &text);
    rk_model_close(m);
    return status;
}

static rk_status price(rk_ctx *ctx)
{
    rk_model *m;
    rk_bill *bill;
    TRY(rk_model_open(ctx, TINY, &m));
    rk_status status = rk_bill_of(m, &(rk_bill_settings){ .plan = true }, &bill);
    if (status == RK_OK) rk_bill_free(bill);
    rk_model_close(m);
    return status;
}

static rk_status other_books(rk_ctx *ctx)
{
    rk_model *m = NULL;
    rk_bill *bill = NULL;
    rk_books_line line;
    rk_quotient q;
    const char *text;
    rk_status status;
    GO(rk_model_open(ctx, TINY, &m));
    GO(rk_bill_of(m, &(rk_bill_settings){ .mode = RK_MODE_EVAL }, &bill));
    GO(rk_books_add(bill, m, NULL, NULL));
    GO(rk_books_line_of(bill, m, NULL, "eager", &line));
    GO(rk_books_formula(bill, m, NULL, "N/7", &q));
    GO(rk_books_spell(bill, "L·D", "L=positions,N=layers,W=parameters", &text));
out:
    rk_bill_free(bill);
    rk_model_close(m);
    return status;
}

static rk_status with_store(rk_ctx *ctx, const char *spec, rk_status (*work)(rk_ctx *ctx, const rk_model *m, const struct built *b, struct store *s))
{
    rk_model *m = NULL;
    struct built b = { .ctx = NULL };
    struct store *s = NULL;
    rk_status status;
    GO(rk_model_open(ctx, spec, &m));
    GO(model_build(ctx, m, &(struct build_options){ .purpose = FOR_SCORING }, &b));
    GO(store_open(ctx, backend_truth(), &s));
    GO(store_declare(ctx, s, b.g));
    GO(store_allocate(ctx, s));
    GO(work(ctx, m, &b, s));
out:
    store_close(s);
    built_close(&b);
    rk_model_close(m);
    return status;
}

static rk_status save_work(rk_ctx *ctx, const rk_model *m, const struct built *b, struct store *s)
{
    return bind_save(ctx, m, b, s, test_temporary(), RK_f32);
}

static rk_status load_work(rk_ctx *ctx, const rk_model *m, const struct built *b, struct store *s)
{
    struct bundle file;
    TRY(bundle_open(ctx, m->weights, &file));
    rk_status status = bind_load(ctx, m->config.arch, b, &file, s, NULL);
    bundle_close(ctx, &file);
    return status;
}

static rk_status save(rk_ctx *ctx) { return with_store(ctx, TINY, save_work); }
static rk_status load(rk_ctx *ctx) { return with_store(ctx, test_temporary(), load_work); }

TEST(opening_and_showing) { FOR_EVERY_FAILED_ALLOCATION(open_preset); }
TEST(pricing) { FOR_EVERY_FAILED_ALLOCATION(price); }
TEST(other_peoples_books) { FOR_EVERY_FAILED_ALLOCATION(other_books); }
TEST(saving_and_loading)
{
    FOR_EVERY_FAILED_ALLOCATION(save);
    FOR_EVERY_FAILED_ALLOCATION(load);
}
