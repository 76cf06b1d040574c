/* reckon convert: weights in another dtype, and what that cost: per tensor, and in the predictions of a text. */
#include "device.h"
#include "input.h"
#include "model.h"
#include "out.h"
#include "words.h"
#include "reckon/read.h"
#include <math.h>

static const struct option options[] = {
    { "dtype",     0,   OPT_CHOICE, "f32|f16|bf16|int8", "int8",  "int8: matrices as integers with a scale for 64 of them; all else stays" },
    { "layout",    0,   OPT_CHOICE, "plain|packed",      "plain", "packed: matrices of int8 or f32 in panels, for few rows at once (batches, beams, of int8 short prompts)" },
    { "text",      0,   OPT_FILE,   NULL,     NULL,              "compare what both make of this text: perplexity, as reckon score has it, and KL of the predictions" },
    { "tokens",    0,   OPT_SIZE,   NULL,     "1Ki",             "so many tokens of it, at most" },
    { "tokenizer", 'k', OPT_FOLDER, NULL,     "(DIR)",           "the tokenizer" },
    OPTION_DEVICE,
    { 0 }
};

struct converting {
    struct cli *c;
    struct table *table;
    struct progress line;
    uint64_t done;                      /* numbers */
    struct json j;
    rk_dtype to;
    int tensors, converted;             /* all, and those that have the dtype now */
    int packed, in_rows;                /* of those to be packed: that are, that are not, and why the first is not */
    char first[200];
    double worst;                       /* relative, of all tensors that changed */
    const char *dtype;
};

static bool told(void *user, const rk_converted *t)
{
    struct converting *k = user;
    k->tensors++;
    k->converted += t->to == k->to;
    if (t->trained) k->done += (uint64_t)t->elements;           /* what rk_model_parameters counts */
    progress_step(&k->line, k->done, "%s", "");
    k->packed += t->packed;
    if (!t->packed && t->in_rows[0] != '\0' && k->in_rows++ == 0) (void)snprintf(k->first, sizeof k->first, "%s: %s", t->name, t->in_rows);
    if (t->relative > k->worst) k->worst = t->relative;
    if (k->c->json) {
        json_object(&k->j, NULL);
        json_text(&k->j, "name", t->name);
        json_text(&k->j, "from", rk_dtype_name(t->from));
        json_text(&k->j, "to", rk_dtype_name(t->to));
        json_uint(&k->j, "block", (uint64_t)t->block);
        json_bool(&k->j, "packed", t->packed);
        if (!t->packed && t->in_rows[0] != '\0') json_text(&k->j, "in_rows", t->in_rows);
        json_real(&k->j, "worst", t->worst);
        json_real(&k->j, "relative", t->relative);
        json_end(&k->j);
    } else if (!k->c->quiet && t->worst > 0) {
        if (k->table == NULL) k->table = table_new(k->c, "tensor|from|to|worst|relative", "lllrr");
        table_cell(k->table, "%s", t->name);
        table_cell(k->table, "%s", rk_dtype_name(t->from));
        table_cell(k->table, "%s", rk_dtype_name(t->to));
        table_cell(k->table, "%.2g", t->worst);
        table_cell(k->table, "%.2g", t->relative);
    }
    return !cli_cancelled(k->c);
}

/* --- what a model makes of a text --- */

struct side { rk_model *model; rk_weights *weights; rk_reader *reader; };

static int side_open(struct cli *c, struct side *s, const char *folder, rk_device *device)
{
    CLI_TRY(c, rk_model_open(c->ctx, folder, &s->model));
    CLI_TRY(c, rk_weights_open(c->ctx, s->model, device, &s->weights));
    return cli_try(c, rk_reader_open(s->weights, RK_READ_LOGITS, &s->reader));
}

static void side_close(struct side *s)
{
    rk_reader_close(s->reader);
    rk_weights_close(s->weights);
    rk_model_close(s->model);
}

/* Everything that can be wrong about the text, before hours of converting: a model that predicts no next token, and ids it has not. */
static int read_text(struct cli *c, const rk_model *model, rk_ids *ids)
{
    struct input in = { 0 };
    rk_tok *tok = NULL;
    double vocab;
    const char *path = cli_text(c, "text");
    if (cli_int(c, "tokens") < 2) return cli_usage(c, "--tokens: 2 at least");
    CLI_TRY(c, rk_model_number(model, "vocab", &vocab));
    int code = model_must(c, model, MODEL_SCORES);
    if (code == CLI_OK) code = cli_try(c, rk_tok_open(c->ctx, cli_given(c, "tokenizer") ? cli_text(c, "tokenizer") : rk_model_folder(model), &tok));
    if (code == CLI_OK) code = input_paths(c, &in, &path, 1);
    if (code == CLI_OK) code = cli_try(c, rk_tok_encode(c->ctx, tok, in.n > 0 ? in.text[0].at : "", in.n > 0 ? in.text[0].n : 0, 0, ids));
    input_free(&in);
    rk_tok_close(c->ctx, tok);
    if (code != CLI_OK) return code;
    if (ids->n > (size_t)cli_int(c, "tokens")) ids->n = (size_t)cli_int(c, "tokens");
    code = words_within(c, path, ids->at, ids->n, vocab, false);
    if (code != CLI_OK) return code;
    return ids->n < 2 ? cli_usage(c, "--text: two tokens are the least") : CLI_OK;
}

static bool each_window(void *user, int64_t done, int64_t n)
{
    struct converting *k = user;
    (void)n;
    progress_step(&k->line, (uint64_t)done, "%s", "");
    return !cli_cancelled(k->c);
}

static void tell_text(struct converting *k, const rk_compared *t)
{
    double n = (double)t->tokens, before = exp(-t->sum / n), after = exp(-t->other_sum / n);
    if (!k->c->json) {
        (void)fprintf(k->c->out, "%s predictions: perplexity %.6g before, %.6g after (%+.2f %%), KL %.2g nats\n", say_count((uint64_t)t->tokens).at, before, after,
                      100 * (after / before - 1), t->kl / n);
        return;
    }
    json_object(&k->j, "text");
    json_uint(&k->j, "predictions", (uint64_t)t->tokens);
    json_real(&k->j, "perplexity_before", before);
    json_real(&k->j, "perplexity_after", after);
    json_real(&k->j, "kl", t->kl / n);
    json_end(&k->j);
}

static int compare_on_text(struct converting *k, const rk_model *model, const rk_ids *ids)
{
    struct cli *c = k->c;
    struct side side[2] = { { 0 } };
    rk_compared both = { 0 };
    rk_device *device = NULL;
    int code = device_open(c, &device);
    for (int i = 0; i < 2 && code == CLI_OK; i++) code = side_open(c, &side[i], i == 0 ? rk_model_name(model) : c->args[1], device);
    if (code == CLI_OK) {
        progress_begin(&k->line, c, "comparing", "tokens", ids->n);
        rk_status status = rk_compare_text(side[0].reader, side[1].reader, ids->at, (int64_t)ids->n, &(rk_scoring){ .each = each_window, .user = k }, &both);
        progress_end(&k->line);
        code = status == RK_E_CANCELLED ? cli_stopped(c) : cli_try(c, status);
    }
    if (code == CLI_OK) tell_text(k, &both);
    for (int i = 0; i < 2; i++) side_close(&side[i]);
    rk_device_close(device);
    return code;
}

/* --- */

static void say_converted(const struct converting *k)
{
    FILE *out = k->c->out;
    (void)fprintf(out, "%s: ", k->c->args[1]);
    if (k->converted < k->tensors) (void)fprintf(out, "%s of ", say_count((uint64_t)k->converted).at);
    (void)fprintf(out, "%s tensors as %s", say_count((uint64_t)k->tensors).at, k->dtype);
    if (k->converted > 0) (void)fprintf(out, ", relative error at most %.2g", k->worst);
    else if (k->to == RK_i8) (void)fprintf(out, ": no matrix has rows of a multiple of 8 numbers");
    (void)fprintf(out, "\n");
}

static void say_packed(const struct converting *k)
{
    (void)fprintf(k->c->out, "%s matrices in panels", say_count((uint64_t)k->packed).at);
    if (k->in_rows > 0) (void)fprintf(k->c->out, ", %s in rows, the first %s", say_count((uint64_t)k->in_rows).at, k->first);
    (void)fprintf(k->c->out, "\n");
}

/* All tensors, and what the text says of them. */
static int convert(struct converting *k, rk_model *model, const rk_ids *ids)
{
    struct cli *c = k->c;
    uint64_t numbers;
    cli_watch();
    json_begin(&k->j, c->out);
    if (c->json) {
        json_object(&k->j, NULL);
        json_text(&k->j, "schema", "reckon.convert/1");
        json_text(&k->j, "dtype", k->dtype);
        json_text(&k->j, "layout", cli_text(c, "layout"));
        json_array(&k->j, "tensors");
    }
    CLI_TRY(c, rk_model_parameters(model, &numbers));
    progress_begin(&k->line, c, "converting", "numbers", numbers);
    rk_status status = rk_model_convert(model, c->args[1], k->to, cli_choice(c, "layout") == 0 ? RK_LAYOUT_PLAIN : RK_LAYOUT_PACKED, told, k);
    progress_end(&k->line);
    int code = status == RK_E_CANCELLED ? cli_stopped(c) : cli_try(c, status);
    if (c->json) json_end(&k->j);
    else if (k->table != NULL) table_print(k->table);
    if (code == CLI_OK && !c->json) say_converted(k);
    if (code == CLI_OK && !c->json && k->packed + k->in_rows > 0) say_packed(k);
    if (code == CLI_OK && ids->n > 0) code = compare_on_text(k, model, ids);
    if (c->json) json_end(&k->j);
    return code;
}

static int run(struct cli *c)
{
    static const rk_dtype dtypes[] = { RK_f32, RK_f16, RK_bf16, RK_i8 };
    struct converting k = { .c = c, .dtype = cli_text(c, "dtype"), .to = dtypes[cli_choice(c, "dtype")] };
    rk_model *model = NULL;
    rk_ids ids = { 0 };
    int code = model_in_folder(c, &model);
    if (code == CLI_OK && cli_given(c, "text")) code = read_text(c, model, &ids);
    if (code == CLI_OK) code = convert(&k, model, &ids);
    rk_ids_free(c->ctx, &ids);
    rk_model_close(model);
    return code;
}

static const struct example examples[] = {
    { "convert model model-int8",                          "matrices in a quarter of the bytes", "model/model.safetensors" },
    { "convert model model-packed --layout packed",        "and as batches, beams and short prompts read them fastest", "model/model.safetensors" },
    { "convert model model-bf16 --dtype bf16 --json",      "the upper half of every number, for a program", "model/model.safetensors" },
    { 0 }
};

const struct command cmd_convert = {
    .name = "convert", .arguments = "DIR OUT", .purpose = "a model's weights in another dtype", .options = options, .examples = examples, .json = true, .run = run,
    .notes = "OUT gets model.safetensors, config.json and the files of the tokenizer, and is used like DIR; one that holds files of another model's tokenizer is refused. Listed is what every tensor lost: the largest "
             "difference, and the root of the sum of their squares by that of the numbers. With int8, norms, biases and tables that are only looked up in stay as "
             "they are. Packed is as large; integers say the same to the bit, floats within rounding. What is used in parts, or has too few rows for panels, "
             "stays in rows. --layout plain undoes it.",
};
