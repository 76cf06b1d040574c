/* Any text as an object of words and their counts: refused with a message, or words that add up, and that merge. */
#include "fuzz.h"
#include "io/json.h"
#include "reckon/counts.h"
#include "tok/plan.h"
#include <stdlib.h>

#define MUST(call) do { if ((call) != RK_OK) abort(); } while (0)

static void use(rk_ctx *ctx, rk_counts *counts, const struct json *root)
{
    rk_counts_sum sum;
    rk_tok *tok = NULL;
    rk_tok_training how = { .vocab_size = 270, .memory = (uint64_t)64 << 20 };
    MUST(rk_counts_total(ctx, counts, &sum));
    if (sum.distinct > root->n || (sum.distinct == 0) != (sum.words == 0)) abort();
    rk_status status = rk_counts_train(ctx, counts, &how, &tok);
    if (status != RK_OK && status != RK_E_LIMIT) abort();             /* counts that are too great, or words too long */
    if (status == RK_OK && rk_tok_size(tok) > how.vocab_size) abort();
    rk_tok_close(ctx, tok);
}

int fuzz_one(const uint8_t *bytes, size_t n)
{
    rk_options options = { .threads = 1 };
    rk_counting rules = { .pattern = "gpt2" };
    rk_ctx *ctx;
    rk_counts *counts;
    struct json_doc doc = { 0 };
    MUST(rk_ctx_open(&options, &ctx));
    MUST(rk_counts_open(ctx, &rules, &counts));
    rk_status status = json_read(ctx, &doc, "fuzz", (const char *)bytes, n, 0);
    bool read = status == RK_OK;
    if (read) status = counts_add_json(ctx, counts, doc.root);
    if (status == RK_OK) use(ctx, counts, doc.root);
    else if ((status != RK_E_FORMAT && status != RK_E_LIMIT) || rk_error_message(ctx)[0] == '\0') abort();
    json_clear(ctx, &doc);
    rk_counts_close(ctx, counts);
    if (rk_ctx_bytes(ctx) != 0) abort();
    rk_ctx_close(ctx);
    return 0;
}
