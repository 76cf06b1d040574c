/* Many prompts at once: one set of weights, a thread and a session for each prompt, a callback for every token; Ctrl-C ends all.
 *
 *   cc serve.c -o serve $(pkg-config --cflags --libs reckon) -lpthread && ./serve FOLDER "It was" "Once upon a time" */
#include <pthread.h>
#include <reckon/infer.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { MOST = 16 };
static volatile sig_atomic_t cancelled;
static void cancel(int signal) { (void)signal, cancelled = 1; }

struct request { rk_weights *weights; const rk_tok *tok; const char *prompt; char text[4096]; size_t n; char error[256]; rk_generated cost; };

/* Called in the request's own thread. Text is whole characters; false ends it. */
static bool hear(void *user, int64_t row, uint32_t id, rk_text text)
{
    struct request *r = user;
    (void)row, (void)id;
    if (r->n + text.n < sizeof r->text) memcpy(r->text + r->n, text.at, text.n), r->n += text.n;
    return !cancelled;
}

/* Weights are only read; the session, its memory and its errors belong to this thread's context. */
static void *serve(void *arg)
{
    struct request *r = arg;
    rk_ctx *ctx;
    rk_session *session = NULL;
    rk_ids prompt = { 0 };
    const rk_generating how = { .sampling = { .temperature = 0.8, .top_p = 0.95, .repetition = 1.1 }, .max_new_tokens = 100, .each = hear, .user = r };
    (void)snprintf(r->error, sizeof r->error, "there is no memory for a context");
    if (rk_ctx_open(&(rk_options){ .threads = 1 }, &ctx) != RK_OK) return NULL;
    bool well = rk_tok_encode(ctx, r->tok, r->prompt, strlen(r->prompt), 0, &prompt) == RK_OK
             && rk_session_open(r->weights, &(rk_session_options){ .ctx = ctx }, &session) == RK_OK
             && rk_generate(session, r->tok, prompt.at, prompt.n, &how, NULL, &r->cost) == RK_OK;
    (void)snprintf(r->error, sizeof r->error, "%s", well ? "" : rk_error_message(ctx));
    rk_session_close(session);
    rk_ids_free(ctx, &prompt);
    rk_ctx_close(ctx);
    return NULL;
}

int main(int argc, char **argv)
{
    rk_ctx *ctx;
    rk_model *model = NULL;
    rk_device *device = NULL;
    rk_weights *weights = NULL;
    rk_tok *tok = NULL;
    static struct request requests[MOST];
    pthread_t thread[MOST];
    int n = argc - 2, started = 0;
    if (n < 1 || n > MOST || rk_ctx_open(NULL, &ctx) != RK_OK) return fprintf(stderr, "usage: serve FOLDER PROMPT...\n"), 2;
    (void)signal(SIGINT, cancel);
    bool well = rk_model_open(ctx, argv[1], &model) == RK_OK && rk_device_open(ctx, "cpu", NULL, &device) == RK_OK
             && rk_tok_open(ctx, argv[1], &tok) == RK_OK && rk_weights_open(ctx, model, device, &weights) == RK_OK;
    if (!well) fprintf(stderr, "%s\n%s\n", rk_error_message(ctx), rk_error_hint(ctx));
    for (int i = 0; well && i < n; i++) {
        requests[i] = (struct request){ .weights = weights, .tok = tok, .prompt = argv[2 + i] };
        if (pthread_create(&thread[i], NULL, serve, &requests[i]) != 0) break;
        started++;
    }
    for (int i = 0; i < started; i++) {
        const struct request *r = &requests[i];
        (void)pthread_join(thread[i], NULL);
        if (r->error[0] == '\0') printf("%s%.*s\n[%lld tokens, %s]\n\n", r->prompt, (int)r->n, r->text, (long long)r->cost.tokens, rk_stop_words(r->cost.stop));
        else fprintf(stderr, "%s: %s\n", r->prompt, r->error), well = false;
    }
    rk_weights_close(weights);
    rk_tok_close(ctx, tok);
    rk_device_close(device);
    rk_model_close(model);
    rk_ctx_close(ctx);
    return well && started == n ? 0 : 1;
}
