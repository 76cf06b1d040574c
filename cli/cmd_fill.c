/* reckon fill: what a model would put in the place of a mask. */
#include "words.h"
#include <stdlib.h>
#include <string.h>

static const struct option options[] = {
    { "top",     'n', OPT_SIZE, NULL,    "5",      "so many words for each mask" },
    OPTION_IDS,
    { "mask",    0,   OPT_TEXT, "TOKEN", "[MASK]", "the token to be filled in, or its id" },
    OPTION_TOKENIZER,
    OPTION_RUNS,
    { 0 }
};

struct filling {
    struct words w;
    uint32_t mask;
    struct json j;
    int64_t top;
    bool some;                          /* a text was printed before */
};

static int find_mask(struct filling *f)
{
    struct cli *c = f->w.c;
    const char *mask = cli_text(c, "mask");
    char *end;
    if (f->w.tok != NULL && rk_tok_find(f->w.tok, mask, strlen(mask), &f->mask)) return CLI_OK;
    unsigned long id = strtoul(mask, &end, 10);
    bool is_id = mask[0] >= '0' && mask[0] <= '9' && *end == '\0' && id <= UINT32_MAX;
    if (!is_id && f->w.tok != NULL) return cli_usage(c, "--mask: the tokenizer has no token \"%s\"", mask);
    if (!is_id) return cli_usage(c, "--mask: without a tokenizer, the id of the mask");
    f->mask = (uint32_t)id;
    return CLI_OK;
}

/* --- what came of a text --- */

static void print_mask(struct filling *f, const rk_row *row, int64_t pick, const rk_guess *guesses)
{
    struct cli *c = f->w.c;
    struct table *t = table_new(c, NULL, "rlr");
    if (row->n_picks > 1) (void)fprintf(c->out, "mask %lld, token %lld\n", (long long)pick + 1, (long long)row->picks[pick]);
    for (int64_t i = 0; i < f->top; i++) {
        table_cell(t, "%.4f", guesses[i].probability);
        table_cell(t, "%s", words_token(&f->w, guesses[i].id).at);
        table_cell(t, "%u", guesses[i].id);
    }
    table_print(t);
}

/* The whole text with one word in its place, special tokens left out. */
static int sequence_json(struct filling *f, const rk_row *row, int64_t pick, uint32_t id)
{
    struct cli *c = f->w.c;
    rk_bytes text = { 0 };
    uint32_t *ids = cli_take((size_t)row->n * sizeof *ids);
    memcpy(ids, row->ids, (size_t)row->n * sizeof *ids);
    ids[row->picks[pick]] = id;
    int code = cli_try(c, rk_tok_decode(c->ctx, f->w.tok, ids, (size_t)row->n, RK_TOK_SKIP_SPECIAL, &text));
    if (code == CLI_OK) json_bytes(&f->j, "sequence", text.at, text.n);
    rk_bytes_free(c->ctx, &text);
    free(ids);
    return code;
}

static int mask_json(struct filling *f, const rk_row *row, int64_t pick, const rk_guess *guesses)
{
    int code = CLI_OK;
    json_object(&f->j, NULL);
    json_int(&f->j, "token", row->picks[pick]);
    json_array(&f->j, "words");
    for (int64_t i = 0; i < f->top && code == CLI_OK; i++) {
        json_object(&f->j, NULL);
        json_uint(&f->j, "id", guesses[i].id);
        if (f->w.tok != NULL) json_text(&f->j, "word", words_token(&f->w, guesses[i].id).at);
        json_real(&f->j, "probability", guesses[i].probability);
        if (f->w.tok != NULL) code = sequence_json(f, row, pick, guesses[i].id);
        json_end(&f->j);
    }
    json_end(&f->j);
    json_end(&f->j);
    return code;
}

static int tell(struct filling *f, const rk_row *row, const rk_guess *guesses)
{
    struct cli *c = f->w.c;
    int code = CLI_OK;
    if (c->json) {
        json_object(&f->j, NULL);
        json_array(&f->j, "ids");
        for (int64_t i = 0; i < row->n; i++) json_uint(&f->j, NULL, row->ids[i]);
        json_end(&f->j);
        json_array(&f->j, "masks");
    }
    for (int64_t p = 0; p < row->n_picks && code == CLI_OK; p++) {
        if (c->json) code = mask_json(f, row, p, guesses + p * f->top);
        else print_mask(f, row, p, guesses + p * f->top);
    }
    if (c->json) {
        json_end(&f->j);
        json_end(&f->j);
    }
    return code;
}

/* --- a text --- */

static int fill(struct filling *f, rk_row *row)
{
    struct cli *c = f->w.c;
    int64_t *picks = cli_take((size_t)row->n * sizeof *picks);
    for (int64_t i = 0; i < row->n; i++)
        if (row->ids[i] == f->mask) picks[row->n_picks++] = i;
    row->picks = picks;
    rk_guess *guesses = cli_take((size_t)(row->n_picks * f->top) * sizeof *guesses);
    int code = row->n_picks > 0 ? cli_try(c, rk_fill(f->w.reader, row, f->w.tok, f->top, guesses)) : cli_usage(c, "there is no %s in the text", cli_text(c, "mask"));
    if (code == CLI_OK) code = tell(f, row, guesses);
    free(guesses);
    free(picks);
    return code;
}

static int fill_text(struct filling *f, rk_text text)
{
    struct cli *c = f->w.c;
    rk_encoding e = { 0 };
    double vocab = 0;
    int code = words_encode(&f->w, text, 0, &e);
    if (code == CLI_OK) code = cli_try(c, rk_model_number(f->w.model, "vocab", &vocab));
    if (code == CLI_OK) code = words_within(c, "the text", e.ids, e.n, vocab, false);
    if (!c->json && c->n_args > 2) {
        if (f->some) (void)fputc('\n', c->out);
        text_put(c->out, text.at, (int)text.n);
        (void)fputc('\n', c->out);
    }
    f->some = true;
    rk_row row = { .ids = e.ids, .segments = e.types, .n = (int64_t)e.n };
    if (code == CLI_OK) code = fill(f, &row);
    rk_encoding_free(c->ctx, &e);
    return code;
}

static int fill_ids(struct filling *f)
{
    rk_ids ids = { 0 };
    int code = words_ids(f->w.c, "ids", &ids);
    rk_row row = { .ids = ids.at, .n = (int64_t)ids.n };
    if (code == CLI_OK) code = fill(f, &row);
    free(ids.at);
    return code;
}

static int fill_line(void *user, uint64_t number, const char *line, size_t n)
{
    (void)number;
    if (n > 0 && line[n - 1] == '\r') n--;
    return n > 0 ? fill_text(user, (rk_text){ line, n }) : CLI_OK;
}

/* A text of the command line, or, for -, each line of standard input. */
static int fill_argument(struct filling *f, const char *word)
{
    struct input in = { 0 };
    int code = CLI_OK;
    if (strcmp(word, "-") != 0) return fill_text(f, (rk_text){ word, strlen(word) });
    code = input_paths(f->w.c, &in, &word, 1);
    if (code == CLI_OK && in.n > 0) code = text_lines(f->w.c, in.text[0], &(uint64_t){ 0 }, fill_line, f);
    input_free(&in);
    return code == CLI_OK && !f->some ? cli_fail(f->w.c, CLI_DATA, NULL, "there is no text in the input") : code;
}

static int fill_all(struct filling *f)
{
    struct cli *c = f->w.c;
    int code = CLI_OK;
    json_begin(&f->j, c->out);
    if (c->json) {
        words_head_json(&f->w, "reckon.fill/1", &f->j);
        json_array(&f->j, "texts");
    }
    if (cli_given(c, "ids")) code = fill_ids(f);
    for (int i = 1; i < c->n_args && code == CLI_OK; i++) code = fill_argument(f, c->args[i]);
    if (c->json) {
        json_end(&f->j);
        words_tail_json(&f->w, &f->j);
    }
    return code;
}

static int check(struct filling *f)
{
    struct cli *c = f->w.c;
    if ((c->n_args > 1) == cli_given(c, "ids")) return cli_usage(c, "give a TEXT, or --ids");
    if (f->top < 1) return cli_usage(c, "--top: at least 1 word");
    return cli_given(c, "ids") ? CLI_OK : words_need_tokenizer(&f->w);
}

static int run(struct cli *c)
{
    struct filling f = { .w = { .c = c }, .top = cli_int(c, "top") };
    int code = words_open(&f.w, MODEL_FILLS);
    if (code == CLI_OK) code = check(&f);
    if (code == CLI_OK) code = find_mask(&f);
    if (code == CLI_OK) code = words_load(&f.w, RK_READ_LOGITS);
    if (code == CLI_OK) code = fill_all(&f);
    words_close(&f.w);
    return code;
}

static const struct example examples[] = {
    { "fill mlm 'The capital of France is [MASK].'",    "five words and how likely each is", "mlm/vocab.txt" },
    { "fill mlm --ids 2,7,4,3 --mask 4 -n 1", "ids instead of text", "mlm/model.safetensors" },
    { 0 }
};

const struct command cmd_fill = {
    .name = "fill", .arguments = "DIR [TEXT]...", .purpose = "words for the masks of a text, with probabilities (BERT)", .options = options, .examples = examples, .json = true,
    .run = run,
    .notes = "TEXT holds one [MASK] or several, each filled in for itself; - stands for the lines of standard input. [CLS] and [SEP] are put around it. "
             "Probabilities are over the whole vocabulary: what transformers' fill-mask says.",
};
