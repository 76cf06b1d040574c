/* words.c: see words.h. */
#include "words.h"
#include <string.h>

/* One that knows ids which the model lacks belongs to another model; fewer are padding, and never sampled. */
static void compare_sizes(struct cli *c, const rk_model *model, const rk_tok *tok)
{
    double vocab;
    if (tok == NULL || rk_model_number(model, "vocab", &vocab) != RK_OK) rk_error_clear(c->ctx);
    else if (rk_tok_size(tok) > vocab)
        cli_note(c, "the tokenizer has %s tokens, the model %s: texts whose tokens it lacks are refused", say_count(rk_tok_size(tok)).at, say_count((uint64_t)vocab).at);
}

int words_tokenizer(struct cli *c, const rk_model *model, bool lowercase, rk_tok **tok)
{
    bool asked = cli_given(c, "tokenizer");
    rk_status status = rk_tok_open_as(c->ctx, asked ? cli_text(c, "tokenizer") : rk_model_folder(model), &(rk_tok_opening){ .lowercase = lowercase }, tok);
    if (status == RK_OK) compare_sizes(c, model, *tok);
    if (status != RK_E_MISSING || asked) return cli_try(c, status);
    rk_error_clear(c->ctx);
    return CLI_OK;
}

int words_open(struct words *w, enum model_use use)
{
    int code = model_in_folder(w->c, &w->model);
    if (code == CLI_OK) code = model_must(w->c, w->model, use);
    return code == CLI_OK ? words_tokenizer(w->c, w->model, cli_flag(w->c, "lowercase"), &w->tok) : code;
}

int words_load(struct words *w, rk_reading what)
{
    struct cli *c = w->c;
    int code = device_open(c, &w->device);
    if (code == CLI_OK) code = cli_try(c, rk_weights_open(c->ctx, w->model, w->device, &w->weights));
    if (code == CLI_OK) code = cli_try(c, rk_reader_open(w->weights, what, &w->reader));
    return code;
}

void words_close(struct words *w)
{
    rk_reader_close(w->reader);
    rk_weights_close(w->weights);
    rk_device_close(w->device);
    rk_tok_close(w->c->ctx, w->tok);
    rk_model_close(w->model);
}

int words_need_tokenizer(struct words *w)
{
    if (w->tok != NULL) return CLI_OK;
    return model_no_tokenizer(w->c, w->model, "--ids");
}

int words_ids(struct cli *c, const char *option, rk_ids *ids)
{
    const char *text = cli_text(c, option);
    int code = text_ids(c, option, &text, &ids->at, &ids->n);
    if (code == CLI_OK && *text != '\0') return cli_usage(c, "--%s: one list, and \"%.20s\" is another", option, text);
    return code != CLI_OK || ids->n > 0 ? code : cli_usage(c, "--%s: there are no ids", option);
}

int words_within(struct cli *c, const char *name, const uint32_t *ids, size_t n, double vocab, bool typed)
{
    for (size_t i = 0; i < n; i++)
        if (ids[i] >= vocab)
            return cli_fail(c, typed ? CLI_USAGE : CLI_DATA, typed ? NULL : "this tokenizer belongs to another model, or was added to",
                            "%s: token %zu has the id %u; the model has %.0f", name, i, ids[i], vocab);
    return CLI_OK;
}

int words_encode(struct words *w, rk_text text, size_t truncate, rk_encoding *out)
{
    const rk_encoding_rules rules = { .truncate = truncate };
    return cli_try(w->c, rk_encoding_make(w->c->ctx, w->tok, &rules, text, NULL, out));
}

struct word_text words_token(const struct words *w, uint32_t id)
{
    struct word_text out = { "" };
    rk_text t = w->tok != NULL ? rk_tok_bytes(w->tok, id) : (rk_text){ NULL, 0 };
    if (t.at == NULL) (void)snprintf(out.at, sizeof out.at, "#%u", id);
    else (void)snprintf(out.at, sizeof out.at, "%.*s", (int)(t.n < sizeof out.at ? t.n : sizeof out.at - 1), t.at);
    return out;
}

void words_head_json(const struct words *w, const char *schema, struct json *j)
{
    json_object(j, NULL);
    json_text(j, "schema", schema);
    json_text(j, "model", rk_model_name(w->model));
    json_text(j, "device", rk_device_text(w->device));
}

void words_tail_json(const struct words *w, struct json *j)
{
    load_json(w->c, j);
    profile_json(w->c, j);
    json_end(j);
}
