/* generate_rows.c: prompts in batches, rows as they come, and what it cost.
 *
 * Rows of a batch are made side by side. The first is printed as it comes, the others when all are through; texts are cut by the
 * library's sieves, so that neither half a character nor the beginning of a text to stop at is ever printed. */
#include "device.h"
#include "generate.h"
#include "load.h"
#include <stdlib.h>
#include <string.h>

static void text_add(struct text *t, const char *at, size_t n)
{
    t->at = cli_grow(t->at, &t->room, t->n + n + 1, 1);
    if (n > 0) memcpy(t->at + t->n, at, n);
    t->n += n;
}

static bool hear(void *user, int64_t row, uint32_t id, rk_text text)
{
    struct generating *g = user;
    if (row < 0) return !cli_cancelled(g->c);                   /* beams: nothing to be heard yet */
    struct text *t = &g->rows[row];
    char number[16];
    int n = snprintf(number, sizeof number, "%s%u", t->n > 0 ? " " : "", id);
    size_t before = t->n;
    if (g->tok != NULL) text_add(t, text.at, text.n);
    else text_add(t, number, (size_t)n);
    if ((size_t)row == g->live && !g->c->json && g->print == NULL) {
        (void)fwrite(t->at + before, 1, t->n - before, g->c->out);
        (void)fflush(g->c->out);
    }
    return !cli_cancelled(g->c);
}

static int echo(struct generating *g, const struct asked *p)
{
    struct cli *c = g->c;
    rk_bytes text = { 0 };
    if (g->print != NULL || c->json || g->tok == NULL || !cli_flag(c, "echo")) return CLI_OK;
    CLI_TRY(c, rk_tok_decode(c->ctx, g->tok, p->ids.at, p->ids.n, RK_TOK_SKIP_SPECIAL, &text));
    (void)fwrite(text.at, 1, text.n, c->out);
    rk_bytes_free(c->ctx, &text);
    return CLI_OK;
}

/* Of beams nothing was heard: their text is that of their ids. */
static int settle_text(struct generating *g, const rk_continuation *made, struct text *t)
{
    struct cli *c = g->c;
    rk_bytes raw = { 0 }, text = { 0 };
    if (g->print != NULL) {
        t->n = 0;
        return g->print(g, &made->ids, t) ? CLI_OK : cli_fail(c, CLI_DATA, rk_error_hint(c->ctx), "%s", rk_error_message(c->ctx));
    }
    if (g->how.beams == NULL) return CLI_OK;
    t->n = 0;
    for (size_t i = 0; i < made->ids.n && g->tok == NULL; i++) {
        char number[16];
        text_add(t, number, (size_t)snprintf(number, sizeof number, "%s%u", i > 0 ? " " : "", made->ids.at[i]));
    }
    if (g->tok == NULL) return CLI_OK;
    int code = cli_try(c, rk_tok_decode(c->ctx, g->tok, made->ids.at, made->ids.n, RK_TOK_SKIP_SPECIAL, &raw));
    if (code == CLI_OK) code = cli_try(c, rk_bytes_replace(c->ctx, raw.at, raw.n, &text));
    if (code == CLI_OK) text_add(t, text.at, text.n);
    rk_bytes_free(c->ctx, &raw);
    rk_bytes_free(c->ctx, &text);
    return code;
}

static void print_json(struct generating *g, struct json *j, const rk_continuation *made, const struct text *t)
{
    json_object(j, NULL);
    json_array(j, "ids");
    for (size_t i = 0; i < made->ids.n; i++) json_uint(j, NULL, made->ids.at[i]);
    json_end(j);
    if (g->tok != NULL || g->print != NULL) json_bytes(j, "text", t->at, t->n);
    json_text(j, "stop", rk_stop_words(made->stop));
    if (g->how.beams != NULL) json_real(j, "score", made->score);
    json_end(j);
}

static void open_prompt(struct json *j, const struct asked *p)
{
    json_object(j, NULL);
    json_array(j, "prompt");
    for (size_t i = 0; i < p->ids.n; i++) json_uint(j, NULL, p->ids.at[i]);
    json_end(j);
    json_array(j, "source");
    for (size_t i = 0; i < p->source.n; i++) json_uint(j, NULL, p->source.at[i]);
    json_end(j);
    json_array(j, "samples");
}

/* --- one batch --- */

/* Samples `from` .. of prompts `first` ..; a prompt with more samples than fit into a batch is one prompt in several. */
struct batch { size_t first, n; int64_t from, samples, all; };

static void add_spent(rk_generated *to, const rk_generated *r)
{
    to->prompt += r->prompt;
    to->tokens += r->tokens;
    if (to->first_seconds == 0) to->first_seconds = r->first_seconds;
    to->seconds += r->seconds;
    to->steps += r->steps;
    to->bytes += r->bytes;
    to->stop = r->stop;
}

static int print_batch(struct generating *g, struct json *j, const struct batch *b, const rk_continuation *made)
{
    int code = CLI_OK;
    for (size_t i = 0; i < b->n * (size_t)b->samples && code == CLI_OK; i++) {
        const struct asked *p = &g->prompts[b->first + i / (size_t)b->samples];
        int64_t sample = b->from + (int64_t)i % b->samples;
        struct text *t = &g->rows[i];
        bool streamed = i == g->live && g->how.beams == NULL && g->print == NULL;
        code = settle_text(g, &made[i], t);
        if (code != CLI_OK) break;
        if (g->c->json) {
            if (sample == 0) open_prompt(j, p);
            print_json(g, j, &made[i], t);
            if (sample == b->all - 1) json_end(j), json_end(j);
            continue;
        }
        if (!streamed && g->print == NULL && (b->first > 0 || b->from > 0 || i > 0)) (void)fputc('\n', g->c->out);
        if (!streamed) code = echo(g, p);
        if (!streamed) (void)fwrite(t->at, 1, t->n, g->c->out);
        (void)fputc('\n', g->c->out);
    }
    (void)fflush(g->c->out);
    return code;
}

static int run_batch(struct generating *g, struct json *j, const struct batch *b)
{
    struct cli *c = g->c;
    size_t rows = b->n * (size_t)b->samples;
    rk_prompt *prompts = cli_take((b->n + 1) * sizeof *prompts);
    rk_continuation *made = cli_take((rows + 1) * sizeof *made);
    rk_generated spent;
    int code = CLI_OK;
    g->rows = cli_take((rows + 1) * sizeof *g->rows);
    for (size_t i = 0; i < b->n; i++) {
        const struct asked *p = &g->prompts[b->first + i];
        prompts[i] = (rk_prompt){ p->ids.at, p->ids.n, p->source.at, p->source.n };
    }
    g->how.samples = b->samples;
    g->how.stream = (uint64_t)b->from;
    if ((b->first > 0 || b->from > 0) && !c->json && g->how.beams == NULL && g->print == NULL) (void)fputc('\n', c->out);
    if (g->how.beams == NULL && g->print == NULL) code = echo(g, &g->prompts[b->first]);
    if (code == CLI_OK) code = cli_try(c, rk_generate_many(g->weights, g->tok, prompts, (int64_t)b->n, &g->how, made, &spent));
    if (code == CLI_OK) code = print_batch(g, j, b, made);
    if (code == CLI_OK) add_spent(&g->spent, &spent);
    for (size_t i = 0; i < rows && code == CLI_OK; i++) g->firsts += made[i].ids.n > 0;
    if (code == CLI_OK) receipt_keep(g);
    if (code == CLI_OK && cli_cancelled(c)) code = cli_stopped(c);
    rk_continuations_free(c->ctx, made, (int64_t)rows);
    for (size_t i = 0; i < rows; i++) free(g->rows[i].at);
    free(g->rows);
    free(made);
    free(prompts);
    return code;
}

/* --- all of them --- */

/* Tokens that steps made, by the time of the steps: the first of each row came of reading the prompt. 0: there was no step. */
static double speed(const struct generating *g)
{
    const rk_generated *r = &g->spent;
    int64_t made = r->tokens > g->firsts ? r->tokens - g->firsts : r->tokens;
    return r->steps < 1 || r->seconds <= 0 ? 0 : (double)made / r->seconds;
}

struct beside { char at[160]; };

/* The rate of reading beside the machine's. More than was measured of memory is no share of it. */
static struct beside of_the_machine(const struct generating *g)
{
    struct beside s = { "" };
    rk_ceilings top;
    double bytes = (double)g->spent.bytes / g->spent.seconds;
    if (!device_measures(g->device) || !rk_device_measured(g->device, &top)) {
        if (strcmp(rk_device_name(g->device), "cpu") == 0) (void)snprintf(s.at, sizeof s.at, " (reckon bench measures what this machine can read)");
    } else if (bytes <= 1.05 * top.read_bytes) (void)snprintf(s.at, sizeof s.at, ", %s of what this machine reads", say_percent(bytes / top.read_bytes).at);
    else (void)snprintf(s.at, sizeof s.at, ", beyond the %s/s measured of memory: out of a cache, or measured in a busy moment (reckon bench)", say_bytes_si((uint64_t)top.read_bytes).at);
    return s;
}

/* What it cost: a step reads all weights, so bytes per second say how near to the machine's limit it came. */
static void tell_speed(struct generating *g)
{
    struct cli *c = g->c;
    const rk_generated *r = &g->spent;
    if (speed(g) <= 0)                                          /* the first token took the prompt alone: there is no speed to tell */
        cli_note(c, "%s token%s (%s), the first after %s", say_count((uint64_t)r->tokens).at, r->tokens == 1 ? "" : "s", rk_stop_words(r->stop), say_seconds(r->first_seconds).at);
    if (c->quiet || speed(g) <= 0) return;
    cli_note(c, "%s token%s (%s), %.1f tokens/s, the first after %s; %s/s of weights and cache%s", say_count((uint64_t)r->tokens).at, r->tokens == 1 ? "" : "s",
             rk_stop_words(r->stop), speed(g), say_seconds(r->first_seconds).at, say_bytes_si((uint64_t)((double)r->bytes / r->seconds)).at, of_the_machine(g).at);
}

static void speed_json(const struct generating *g, struct json *j)
{
    const rk_generated *r = &g->spent;
    json_int(j, "tokens", r->tokens);
    json_real(j, "first_token_seconds", r->first_seconds);
    json_real(j, "seconds", r->seconds);
    json_int(j, "steps", r->steps);
    json_uint(j, "bytes_read", r->bytes);
    json_real(j, "tokens_per_second", speed(g));
}

static int all_batches(struct generating *g, struct json *j)
{
    int64_t samples = g->how.samples < 1 ? 1 : g->how.samples, each = g->how.beams != NULL ? g->beams.n : samples, batch = cli_int(g->c, "batch");
    size_t together = batch / each < 1 ? 1 : (size_t)(batch / each);
    int code = CLI_OK;
    for (size_t first = 0; first < g->n && code == CLI_OK; first += together)
        for (int64_t from = 0, n; from < samples && code == CLI_OK; from += n) {
            n = g->how.beams != NULL || samples < batch ? samples : samples - from < batch ? samples - from : batch;
            code = run_batch(g, j, &(struct batch){ first, g->n - first < together ? g->n - first : together, from, n, samples });
        }
    return code;
}

int generate_rows(struct generating *g)
{
    struct cli *c = g->c;
    struct json j;
    g->how.each = hear;
    g->how.user = g;
    receipt_begin(g);
    json_begin(&j, c->out);
    if (g->how.max_new_tokens == 0 && g->config->max_length > 0) {
        size_t longest = 0;
        for (size_t i = 0; i < g->n; i++) longest = g->prompts[i].ids.n > longest ? g->prompts[i].ids.n : longest;
        g->how.max_new_tokens = g->config->max_length > (int64_t)longest ? g->config->max_length - (int64_t)longest : 1;
    }
    if (c->json) {
        json_object(&j, NULL);
        json_text(&j, "schema", "reckon.generation/1");
        json_text(&j, "model", rk_model_name(g->model));
        json_text(&j, "device", rk_device_text(g->device));
        json_array(&j, "prompts");
    }
    int code = all_batches(g, &j);
    if (c->json) {
        json_end(&j);
        speed_json(g, &j);
        load_json(c, &j);
        profile_json(c, &j);
        receipt_json(g, &j);
        json_end(&j);
    }
    if (code == CLI_OK) tell_speed(g);
    if (code == CLI_OK) receipt_table(g);
    receipt_end(g);
    return code;
}
