/* Text after a prompt, printed as it comes.
 *
 *   cc generate.c -o generate $(pkg-config --cflags --libs reckon) && ./generate FOLDER "Once upon a time" */
#include <reckon/infer.h>
#include <stdio.h>
#include <string.h>

static bool print(void *user, int64_t row, uint32_t id, rk_text text)
{
    (void)user;
    (void)row, (void)id;
    fwrite(text.at, 1, text.n, stdout);
    return fflush(stdout) == 0;
}

int main(int argc, char **argv)
{
    rk_ctx *ctx;
    rk_model *model = NULL;
    rk_device *device = NULL;
    rk_weights *weights = NULL;
    rk_session *session = NULL;
    rk_tok *tok = NULL;
    rk_ids prompt = { 0 };
    rk_generated result;
    rk_generating how = { .sampling = { .temperature = 0.8, .top_p = 0.95, .seed = 1 }, .max_new_tokens = 100, .each = print };
    if (argc != 3) {
        fprintf(stderr, "usage: generate FOLDER PROMPT\n");
        return 2;
    }
    if (rk_ctx_open(NULL, &ctx) != RK_OK) return 1;
    bool well = rk_model_open(ctx, argv[1], &model) == RK_OK && rk_device_open(ctx, "cpu", NULL, &device) == RK_OK
             && rk_tok_open(ctx, argv[1], &tok) == RK_OK && rk_tok_encode(ctx, tok, argv[2], strlen(argv[2]), 0, &prompt) == RK_OK
             && rk_weights_open(ctx, model, device, &weights) == RK_OK && rk_session_open(weights, NULL, &session) == RK_OK
             && rk_generate(session, tok, prompt.at, prompt.n, &how, NULL, &result) == RK_OK;
    if (well) printf("\n%lld tokens, %.1f per second, ended by: %s\n", (long long)result.tokens, (double)result.tokens / (result.seconds + 1e-9), rk_stop_words(result.stop));
    else fprintf(stderr, "%s\n%s\n", rk_error_message(ctx), rk_error_hint(ctx));
    rk_session_close(session);
    rk_weights_close(weights);
    rk_ids_free(ctx, &prompt);
    rk_tok_close(ctx, tok);
    rk_device_close(device);
    rk_model_close(model);
    rk_ctx_close(ctx);
    return well ? 0 : 1;
}
