/* What does a model cost? Parameters, memory and FLOPs of a training step, each with its formula.
 *
 *   cc price.c -o price $(pkg-config --cflags --libs reckon) && ./price gpt2:n_layer=24 4 512 */
#include <reckon/model.h>
#include <stdio.h>
#include <stdlib.h>

static int fail(rk_ctx *ctx)
{
    fprintf(stderr, "%s\n%s\n", rk_error_message(ctx), rk_error_hint(ctx));
    return 1;
}

int main(int argc, char **argv)
{
    static const char *const names[] = { "parameters", "flops.forward", "flops.backward", "bytes.parameters", "bytes.gradients", "bytes.optimizer" };
    rk_bill_settings settings = { .batch = argc > 2 ? atoll(argv[2]) : 1, .seq = argc > 3 ? atoll(argv[3]) : 0 };
    rk_ctx *ctx;
    rk_model *model = NULL;
    rk_bill *bill = NULL;
    int code = 0;
    if (rk_ctx_open(NULL, &ctx) != RK_OK) return 1;
    if (rk_model_open(ctx, argc > 1 ? argv[1] : "gpt2", &model) != RK_OK || rk_bill_of(model, &settings, &bill) != RK_OK) code = fail(ctx);
    for (size_t i = 0; code == 0 && i < sizeof names / sizeof *names; i++) {
        uint64_t number;
        const char *formula;
        if (rk_bill_number(bill, names[i], &number) != RK_OK || rk_bill_formula(bill, names[i], &formula) != RK_OK) code = fail(ctx);
        else printf("%-18s %20llu  %s\n", names[i], (unsigned long long)number, formula);
    }
    rk_bill_free(bill);
    rk_model_close(model);
    rk_ctx_close(ctx);
    return code;
}
