/* What fits, a plan, and a receipt read again, with every allocation failing in turn: nothing is lost, nothing stays behind. */
#include "reckon/books.h"
#include "reckon/train.h"
#include "test.h"
#include "train/training.h"
#include <math.h>

static rk_status fit_it(rk_ctx *ctx)
{
    const rk_bill_settings settings = { .seq = 8, .plan = true, .accumulate = 2, .totals = true };
    rk_books_line line;
    rk_model *model;
    rk_bill *bill = NULL;
    int64_t tokens;
    rk_status status = rk_model_open(ctx, "gpt2:n_layer=1,n_embd=4,n_head=1,vocab_size=5,n_positions=8", &model);
    if (status != RK_OK) return status;
    status = rk_bill_of(model, &settings, &bill);
    if (status == RK_OK) status = rk_books_add(bill, model, NULL, "flops states eager");
    if (status == RK_OK) status = rk_books_line_of(bill, model, NULL, "eager", &line);
    if (status == RK_OK) status = rk_books_context(bill, model, NULL, "eager", 100000, 1 << 20, &tokens);
    if (status == RK_OK && (line.each == 0 || tokens < 1)) test_fail(__FILE__, __LINE__, "nothing fits");
    rk_bill_free(bill);
    rk_model_close(model);
    return status;
}

TEST(fitting_survives_every_failed_allocation) { FOR_EVERY_FAILED_ALLOCATION(fit_it); }

static const char receipt[] = "{\"schema\": \"reckon.receipt/1\", \"model\": \"m\", \"device\": \"d\", \"batch\": 2, \"accumulate\": 1, \"seq\": 3, \"parameters\": 4, "
                              "\"dropout\": false, \"later\": [{}], \"rows\": [{\"entry\": \"flops.step\", \"unit\": \"FLOP\", \"predicted\": 9007199254740991, \"measured\": null}]}";

static rk_status read_it(rk_ctx *ctx)
{
    rk_receipt r;
    rk_status status = receipt_parse(ctx, "run.json", receipt, sizeof receipt - 1, &r);
    if (status != RK_OK) return status;
    EXPECT(r.n == 1 && r.batch == 2 && r.seq == 3 && r.parameters == 4 && !r.dropout);
    EXPECT(r.row[0].predicted == 9007199254740991.0 && isnan(r.row[0].measured));
    return RK_OK;
}

TEST(receipts_survive_every_failed_allocation) { FOR_EVERY_FAILED_ALLOCATION(read_it); }
