/* reckon embed: a vector for each line of text. */
#include "reckon/array.h"
#include "words.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_IN_TABLE = 12 };            /* lines whose cosines fit on a screen */

static const struct option options[] = {
    { "pool",      'p', OPT_CHOICE, "mean|cls|last|pooler", "mean", "of the tokens' vectors: their mean, the first one, the last one, or what BERT's pooler makes of the first" },
    { "file",      'f', OPT_FILE,   NULL,      NULL,  "lines of this file; - for standard input" },
    { "output",    'o', OPT_FILE,   NULL,      NULL,  "vectors as [lines, width] in FILE.npy or FILE.safetensors, f32" },
    { "normalize", 0,   OPT_FLAG,   NULL,      NULL,  "vectors of length 1" },
    { "truncate",  0,   OPT_FLAG,   NULL,      NULL,  "cut what is longer than the model's context, instead of refusing it" },
    OPTION_IDS,
    OPTION_TOKENIZER,
    OPTION_RUNS,
    { 0 }
};

struct embedding {
    struct words w;
    struct input in[2];                 /* --file, and standard input */
    int          n_in;
    rk_text     *lines;                 /* NULL with --ids */
    rk_encoding *encoded;
    rk_ids       ids;
    rk_row      *rows;
    size_t       n, room;
    float       *vectors;
    int64_t      width;
};

/* --- lines --- */

static int add_line(void *user, uint64_t number, const char *at, size_t n)
{
    struct embedding *e = user;
    (void)number;
    if (n > 0 && at[n - 1] == '\r') n--;
    if (n == 0) return CLI_OK;
    e->lines = cli_grow(e->lines, &e->room, e->n + 1, sizeof *e->lines);
    e->lines[e->n++] = (rk_text){ at, n };
    return CLI_OK;
}

static int add_file(struct embedding *e, const char *path)
{
    if (e->n_in == 2) return cli_usage(e->w.c, "- is given twice");
    struct input *in = &e->in[e->n_in++];
    int code = input_paths(e->w.c, in, &path, 1);
    for (size_t i = 0; i < in->n && code == CLI_OK; i++) code = text_lines(e->w.c, in->text[i], &(uint64_t){ 0 }, add_line, e);
    return code;
}

static int read_lines(struct embedding *e)
{
    struct cli *c = e->w.c;
    int code = cli_given(c, "file") ? add_file(e, cli_text(c, "file")) : CLI_OK;
    for (int i = 1; i < c->n_args && code == CLI_OK; i++) {
        if (strcmp(c->args[i], "-") == 0) code = add_file(e, "-");
        else code = add_line(e, 0, c->args[i], strlen(c->args[i]));
    }
    if (code != CLI_OK || e->n > 0) return code;
    return cli_usage(c, "there is no text: give a TEXT, --file, or - for standard input");
}

static int encode_lines(struct embedding *e)
{
    struct cli *c = e->w.c;
    double context, vocab = 0;
    int code = cli_try(c, rk_model_number(e->w.model, "position", &context));
    if (code == CLI_OK) code = cli_try(c, rk_model_number(e->w.model, "vocab", &vocab));
    e->encoded = cli_take(e->n * sizeof *e->encoded);
    e->rows = cli_take(e->n * sizeof *e->rows);
    for (size_t i = 0; i < e->n && code == CLI_OK; i++) {
        code = words_encode(&e->w, e->lines[i], cli_flag(c, "truncate") ? (size_t)context : 0, &e->encoded[i]);
        const rk_encoding *x = &e->encoded[i];
        e->rows[i] = (rk_row){ .ids = x->ids, .segments = x->types, .n = (int64_t)x->n };
        if (code == CLI_OK && (double)x->n > context)
            code = cli_fail(c, CLI_DATA, "--truncate cuts it", "line %zu has %zu tokens; the context of the model is %.0f", i + 1, x->n, context);
        char line[32];
        (void)snprintf(line, sizeof line, "line %zu", i + 1);
        if (code == CLI_OK) code = words_within(c, line, x->ids, x->n, vocab, false);
    }
    return code;
}

static int read_ids(struct embedding *e)
{
    int code = words_ids(e->w.c, "ids", &e->ids);
    e->rows = cli_take(sizeof *e->rows);
    e->rows[0] = (rk_row){ .ids = e->ids.at, .n = (int64_t)e->ids.n };
    e->n = 1;
    return code;
}

static int read_input(struct embedding *e)
{
    struct cli *c = e->w.c;
    if (cli_given(c, "ids") && (cli_given(c, "file") || c->n_args > 1)) return cli_usage(c, "give texts, or --ids");
    if (cli_given(c, "ids")) return read_ids(e);
    int code = words_need_tokenizer(&e->w);
    if (code == CLI_OK) code = read_lines(e);
    return code == CLI_OK ? encode_lines(e) : code;
}

/* --- vectors --- */

static double dot(const float *a, const float *b, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (double)a[i] * b[i];
    return sum;
}

static const float *vector_of(const struct embedding *e, size_t i) { return e->vectors + (int64_t)i * e->width; }

static void normalize(struct embedding *e)
{
    for (size_t i = 0; i < e->n; i++) {
        float *x = e->vectors + (int64_t)i * e->width;
        double length = sqrt(dot(x, x, e->width));
        for (int64_t k = 0; k < e->width && length > 0; k++) x[k] = (float)(x[k] / length);
    }
}

static int compute(struct embedding *e)
{
    struct cli *c = e->w.c;
    static const rk_pooling poolings[] = { RK_POOL_MEAN, RK_POOL_CLS, RK_POOL_LAST, RK_POOL_POOLER };     /* the order of the choices */
    rk_pooling how = poolings[cli_choice(c, "pool")];
    int code = words_load(&e->w, how == RK_POOL_POOLER ? RK_READ_POOLED : RK_READ_HIDDEN);
    if (code != CLI_OK) return code;
    e->width = rk_reader_width(e->w.reader);
    e->vectors = cli_take(e->n * (size_t)e->width * sizeof *e->vectors);
    code = cli_try(c, rk_embed(e->w.reader, e->rows, (int64_t)e->n, how, e->vectors));
    if (code == CLI_OK && cli_flag(c, "normalize")) normalize(e);
    return code;
}

/* --- what came of it --- */

static void print_cosines(const struct embedding *e)
{
    struct cli *c = e->w.c;
    char align[MOST_IN_TABLE + 3] = "rl";
    memset(align + 2, 'r', e->n);
    struct table *t = table_new(c, NULL, align);
    for (size_t i = 0; i < e->n; i++) {
        table_cell(t, "%zu", i + 1);
        table_cell(t, "%.*s%s", (int)(e->lines[i].n < 40 ? e->lines[i].n : 40), e->lines[i].at, e->lines[i].n < 40 ? "" : "...");
        for (size_t k = 0; k < e->n; k++) {
            double both = sqrt(dot(vector_of(e, i), vector_of(e, i), e->width) * dot(vector_of(e, k), vector_of(e, k), e->width));
            table_cell(t, "%.3f", both > 0 ? dot(vector_of(e, i), vector_of(e, k), e->width) / both : 0);
        }
    }
    table_print(t);
}

static void print_numbers(const struct embedding *e)
{
    struct cli *c = e->w.c;
    for (size_t i = 0; i < e->n; i++)
        for (int64_t k = 0; k < e->width; k++) (void)fprintf(c->out, "%.9g%c", (double)vector_of(e, i)[k], k + 1 < e->width ? ' ' : '\n');
}

static void print_json(const struct embedding *e)
{
    struct cli *c = e->w.c;
    struct json j;
    json_begin(&j, c->out);
    words_head_json(&e->w, "reckon.embed/1", &j);
    json_text(&j, "pool", cli_text(c, "pool"));
    json_bool(&j, "normalized", cli_flag(c, "normalize"));
    json_int(&j, "width", e->width);
    json_array(&j, "vectors");
    for (size_t i = 0; i < e->n; i++) {
        json_object(&j, NULL);
        if (e->lines != NULL) json_bytes(&j, "text", e->lines[i].at, e->lines[i].n);
        json_int(&j, "tokens", e->rows[i].n);
        json_array(&j, "vector");
        for (int64_t k = 0; k < e->width; k++) json_real(&j, NULL, (double)vector_of(e, i)[k]);
        json_end(&j);
        json_end(&j);
    }
    json_end(&j);
    words_tail_json(&e->w, &j);
}

/* A few lines are compared for a person; a program, a pipe and a single line get the numbers, unless a file does. */
static int tell(const struct embedding *e)
{
    struct cli *c = e->w.c;
    const char *output = cli_text(c, "output");
    if (output != NULL) CLI_TRY(c, rk_array_write(c->ctx, output, "embeddings", RK_f32, 2, (const int64_t[]){ (int64_t)e->n, e->width }, e->vectors));
    if (output != NULL) cli_note(c, "%s: %s vector%s of %s numbers", output, say_count(e->n).at, e->n == 1 ? "" : "s", say_count((uint64_t)e->width).at);
    if (c->json) print_json(e);
    else if (e->n > 1 && e->n <= MOST_IN_TABLE && e->lines != NULL) print_cosines(e);
    else if (output == NULL) print_numbers(e);
    return CLI_OK;
}

static int run(struct cli *c)
{
    struct embedding e = { .w = { .c = c } };
    int code = words_open(&e.w, MODEL_READS);
    if (code == CLI_OK) code = read_input(&e);
    if (code == CLI_OK) code = compute(&e);
    if (code == CLI_OK) code = tell(&e);
    for (size_t i = 0; e.encoded != NULL && i < e.n; i++) rk_encoding_free(c->ctx, &e.encoded[i]);
    free(e.encoded);
    free(e.rows);
    free(e.lines);
    free(e.ids.at);
    free(e.vectors);
    for (int i = 0; i < e.n_in; i++) input_free(&e.in[i]);
    words_close(&e.w);
    return code;
}

static const struct example examples[] = {
    { "embed mlm 'a cat' 'a dog' 'a theorem'",          "which lines are alike: cosines", "mlm/vocab.txt" },
    { "embed mlm --file corpus.txt --truncate -o vectors.npy", "a vector for each line of a file", "mlm/vocab.txt" },
    { "embed model --ids 1,2,3 --pool last --json",      "of a model that reads forwards, the last token's", "model/model.safetensors" },
    { 0 }
};

const struct command cmd_embed = {
    .name = "embed", .arguments = "DIR [TEXT]...", .purpose = "a vector for each line of text", .options = options, .examples = examples, .json = true, .run = run,
    .notes = "Each TEXT is a line, - the lines of standard input; empty lines are left out. Two to twelve lines are compared, by the cosines between their vectors; "
             "otherwise the numbers are printed, a line for each, unless --output takes them. Vectors are those behind the last block and its norm. The "
             "mean is over all tokens, [CLS] and [SEP] too. Lines of like length are computed together, and are what each would be alone.",
};
