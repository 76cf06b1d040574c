/* reckon sweep: a table of costs over a range of sizes: what a longer context, a wider model or a larger batch does.
 *
 * Every point is a model of its own, opened and priced: nothing is interpolated. Not here: ranges (range.c), how it is written
 * (sweep_print.c). */
#include "out.h"
#include "reckon/books.h"
#include "sweep.h"
#include <stdlib.h>
#include <string.h>

#define DEFAULT_SHOW "parameters,flops.forward,flops.backward,bytes.parameters,bytes.cache"
#define FORWARD_SHOW "parameters,flops.forward,bytes.parameters,bytes.cache"        /* where nothing is learned */

static const struct option options[] = {
    { "over",  'o', OPT_LIST, "NAME=VALUES", NULL,         "seq, batch, dtype, policy, optimizer or any field: seq=1Ki..128Ki, batch=1,2,4, hidden=256..1024:256; several: every pair" },
    { "show",  0,   OPT_TEXT, "NAME,...",    DEFAULT_SHOW, "entries of the bill (reckon count MODEL --json) or of conventions (bytes.eager.total), fields, bytes.cache, bytes.state, flops.training" },
    { "mode",  'm', OPT_CHOICE, "train|eval|prefill|decode", "train", "a step of training, scoring, a prompt's logits, or one token at context T" },
    { "csv",   0,   OPT_FLAG, NULL,          NULL,         "lines of exact integers with commas between them" },
    { "exact", 0,   OPT_FLAG, NULL,          NULL,         "exact integers in the table too" },
    OPTIONS_OF_SIZE,
    OPTION_OF_OPTIMIZER,
    OPTION_OF_POLICY("fp32"),
    { 0 }
};

/* --- what is shown --- */

/* Sums and products of entries that people ask for; tokens: times B·T. */
static const struct derived { const char *name, *parts; bool tokens; } derived[] = {
    { "bytes.cache",    "bytes.cache_per_token",                             true },
    { "bytes.state",    "bytes.parameters bytes.gradients bytes.optimizer bytes.master",  false },
    { "flops.training", "flops.forward flops.backward",                      false },
};

static const struct derived *derived_of(const char *name)
{
    for (size_t i = 0; i < sizeof derived / sizeof *derived; i++)
        if (strcmp(derived[i].name, name) == 0) return &derived[i];
    return NULL;
}

static int derive(struct cli *c, const rk_bill *bill, const struct derived *d, uint64_t tokens, uint64_t *sum)
{
    char name[64];
    *sum = 0;
    for (const char *at = d->parts; *at != '\0'; at += strspn(at, " ")) {
        uint64_t part = 0;
        size_t n = strcspn(at, " ");
        (void)snprintf(name, sizeof name, "%.*s", (int)n, at);
        if (rk_bill_has(bill, name)) CLI_TRY(c, rk_bill_number(bill, name, &part));
        if ((d->tokens && __builtin_mul_overflow(part, tokens, &part)) || __builtin_add_overflow(*sum, part, sum))
            return cli_fail(c, CLI_DATA, NULL, "%s is beyond 2^64", d->name);
        at += n;
    }
    return CLI_OK;
}

static bool find_field(const char *family, const char *name, rk_field *f)
{
    for (int i = 0; rk_family_field(family, i, f); i++)
        if (strcmp(f->name, name) == 0) return true;
    return false;
}

static int fill_cell(struct cli *c, const char *name, const rk_model *m, const rk_bill *bill, uint64_t tokens, struct cell *cell)
{
    rk_field field;
    double value;
    if (rk_bill_has(bill, name)) return cli_try(c, rk_bill_number(bill, name, &cell->number));
    if (derived_of(name) != NULL) return derive(c, bill, derived_of(name), tokens, &cell->number);
    if (!find_field(rk_model_family(m), name, &field)) return cli_try(c, rk_bill_number(bill, name, &cell->number));     /* says which there are */
    if (field.word) {
        (void)snprintf(cell->word, sizeof cell->word, "%s", rk_model_text(m, name));
        return CLI_OK;
    }
    CLI_TRY(c, rk_model_number(m, name, &value));
    if (value < 0 || value >= 0x1p53 || value != (double)(uint64_t)value) (void)snprintf(cell->word, sizeof cell->word, "%s", say_real(value).at);
    cell->number = value >= 0 && value < 0x1p53 ? (uint64_t)value : 0;
    return CLI_OK;
}

/* --- one point --- */

struct point { char overrides[512]; rk_bill_settings settings; };

const char *sweep_at(const struct sweep *s, size_t row, int knob)
{
    for (int k = s->n_knobs - 1; k > knob; k--) row /= (size_t)s->knob[k].n;
    return s->knob[knob].point[row % (size_t)s->knob[knob].n].at;
}

static int take_size(struct cli *c, const char *name, const char *text, int64_t *size)
{
    char *end;
    *size = strtoll(text, &end, 10);
    return *end == '\0' && *size > 0 ? CLI_OK : cli_usage(c, "--over: %s: a whole number above 0 expected, not \"%s\"", name, text);
}

static int take_optimizer(struct cli *c, const char *text, rk_optimizer *optimizer)
{
    for (int i = 0; i < RK_OPTIMIZERS; i++) {
        *optimizer = (rk_optimizer)i;
        if (strcmp(rk_optimizer_word(*optimizer), text) == 0) return CLI_OK;
    }
    return cli_usage(c, "--over: there is no optimizer \"%s\"", text);
}

static int set_point(struct cli *c, const struct sweep *s, size_t row, struct point *p)
{
    for (int k = 0; k < s->n_knobs; k++) {
        const char *name = s->knob[k].name, *text = sweep_at(s, row, k);
        size_t used = strlen(p->overrides);
        int code = CLI_OK;
        if (strcmp(name, "seq") == 0) code = take_size(c, name, text, &p->settings.seq);
        else if (strcmp(name, "batch") == 0) code = take_size(c, name, text, &p->settings.batch);
        else if (strcmp(name, "policy") == 0) p->settings.policy = text;
        else if (strcmp(name, "optimizer") == 0) code = take_optimizer(c, text, &p->settings.optimizer);
        else if (strcmp(name, "dtype") == 0) code = rk_dtype_find(text, &p->settings.dtype) ? CLI_OK : cli_usage(c, "--over: there is no dtype \"%s\"", text);
        else (void)snprintf(p->overrides + used, sizeof p->overrides - used, "%s%s=%s", used > 0 ? "," : "", name, text);
        if (code != CLI_OK) return code;
    }
    return CLI_OK;
}

/* A sequence longer than the context asks for a model with a longer one. */
static int open_point(struct cli *c, struct point *p, rk_model **m, bool *stretched)
{
    CLI_TRY(c, rk_model_open_with(c->ctx, c->args[0], p->overrides, m));
    *stretched = p->settings.seq > 0 && (uint64_t)p->settings.seq > model_size(*m, "position");
    if (!*stretched) return CLI_OK;
    size_t used = strlen(p->overrides);
    rk_model_close(*m);
    *m = NULL;
    (void)snprintf(p->overrides + used, sizeof p->overrides - used, "%sposition=%lld", used > 0 ? "," : "", (long long)p->settings.seq);
    return cli_try(c, rk_model_open_with(c->ctx, c->args[0], p->overrides, m));
}

/* Which fields went along with those that were swept. */
static void compare_fields(struct sweep *s, const rk_model *m, bool first)
{
    rk_field f;
    double value;
    for (int i = 0; i < SWEEP_FIELDS && rk_family_field(rk_model_family(m), i, &f); i++) {
        if (f.word || rk_model_number(m, f.name, &value) != RK_OK) continue;
        if (first) s->field[i] = value;
        bool swept = strcmp(f.name, "position") == 0 && s->stretched;
        for (int k = 0; k < s->n_knobs; k++) swept = swept || strcmp(s->knob[k].name, f.name) == 0;
        for (int k = 0; k < s->n_knobs && !swept; k++) {
            size_t n = strlen(s->knob[k].name);
            for (const char *at = f.spellings; (at = strstr(at, s->knob[k].name)) != NULL && !swept; at += n)
                swept = (at == f.spellings || at[-1] == ' ') && (at[n] == '\0' || at[n] == ' ');
        }
        s->follows[i] = s->follows[i] || (!swept && value != s->field[i]);
    }
}

/* Columns of other people's conventions are added to the bill. */
static int add_conventions(struct cli *c, const struct sweep *s, const rk_bill_settings *at, rk_model *m, rk_bill *bill)
{
    const rk_books books = { .batch = at->batch, .seq = at->seq, .policy = at->policy, .optimizer = rk_optimizer_word(at->optimizer) };
    for (int i = 0; i < s->n_columns; i++)
        if (rk_convention_of(s->column[i]).name != NULL && !rk_bill_has(bill, s->column[i])) CLI_TRY(c, rk_books_add(bill, m, &books, s->column[i]));
    return CLI_OK;
}

static int fill_row(struct cli *c, struct sweep *s, size_t row, const rk_bill_settings *settings)
{
    struct point p = { "", *settings };
    struct row *r = &s->rows[row];
    rk_model *m = NULL;
    rk_bill *bill = NULL;
    int code = set_point(c, s, row, &p);
    if (code == CLI_OK) code = open_point(c, &p, &m, &r->stretched);
    if (code != CLI_OK) goto out;
    s->stretched = s->stretched || r->stretched;
    compare_fields(s, m, row == 0);
    (void)snprintf(s->family, sizeof s->family, "%s", rk_model_family(m));
    (void)snprintf(s->title, sizeof s->title, "%s", rk_model_title(m));
    uint64_t tokens = (uint64_t)p.settings.batch * (p.settings.seq > 0 ? (uint64_t)p.settings.seq : model_size(m, "position"));
    p.settings.totals = true;
    CLI_GO(c, rk_bill_of(m, &p.settings, &bill));
    code = add_conventions(c, s, &p.settings, m, bill);
    for (int i = 0; i < s->n_columns && code == CLI_OK; i++)
        code = fill_cell(c, s->column[i], m, bill, tokens, &r->cell[i]);
out:
    rk_bill_free(bill);
    rk_model_close(m);
    return code;
}

/* --- all of it --- */

static int read_knobs(struct cli *c, struct sweep *s)
{
    const char *text;
    for (int i = 0; (text = cli_list(c, "over", i)) != NULL; i++) {
        if (i == SWEEP_KNOBS) return cli_usage(c, "--over: at most %d at once", SWEEP_KNOBS);
        s->n_knobs = i + 1;
        if (!range_read(text, &s->knob[i])) return cli_usage(c, "--over: %s", s->knob[i].why);
        for (int k = 0; k < i; k++)
            if (strcmp(s->knob[k].name, s->knob[i].name) == 0) return cli_usage(c, "--over: %s twice", s->knob[i].name);
        s->n_rows = (i == 0 ? 1 : s->n_rows) * (size_t)s->knob[i].n;
        if (s->n_rows > RANGE_MOST) return cli_usage(c, "--over: more than %d points", RANGE_MOST);
    }
    return s->n_knobs > 0 ? CLI_OK : cli_usage(c, "--over is missing: what is swept, such as --over seq=1Ki..128Ki");
}

static int read_columns(struct cli *c, struct sweep *s, const rk_bill_settings *settings, bool *plan)
{
    const char *shows = settings->mode != RK_MODE_TRAIN && !cli_given(c, "show") ? FORWARD_SHOW : cli_text(c, "show");
    s->shows = cli_take(strlen(shows) + 1);
    (void)strcpy(s->shows, shows);
    for (char *at = strtok(s->shows, ", "); at != NULL; at = strtok(NULL, ", ")) {
        if (s->n_columns == SWEEP_COLUMNS) return cli_usage(c, "--show: at most %d columns", SWEEP_COLUMNS);
        s->column[s->n_columns++] = at;
        *plan = *plan || strncmp(at, "bytes.plan.", 11) == 0 || strncmp(at, "flops.plan.", 11) == 0;
    }
    return s->n_columns > 0 ? CLI_OK : cli_usage(c, "--show: nothing to show");
}

static int fill(struct cli *c, struct sweep *s, const rk_bill_settings *settings)
{
    struct progress progress;
    int code = CLI_OK;
    s->rows = cli_grow(NULL, &s->rows_room, s->n_rows, sizeof *s->rows);
    bool slow = s->n_rows > 64;                 /* a point takes milliseconds */
    if (slow) progress_begin(&progress, c, "sweeping", "points", s->n_rows);
    cli_watch();
    for (size_t i = 0; i < s->n_rows && code == CLI_OK; i++) {
        code = cli_cancelled(c) ? CLI_INTERRUPTED : fill_row(c, s, i, settings);
        if (slow) progress_step(&progress, i + 1, "%s", "");
    }
    if (slow) progress_end(&progress);
    return code;
}

static int run(struct cli *c)
{
    struct sweep *s = cli_take(sizeof *s);
    rk_bill_settings settings;
    int code = cli_flag(c, "csv") && c->json ? cli_usage(c, "--csv or --json, not both") : model_settings(c, &settings);
    settings.mode = (rk_bill_mode)cli_choice(c, "mode");
    settings.policy = cli_text(c, "policy");
    settings.optimizer = (rk_optimizer)cli_choice(c, "optimizer");
    if (code == CLI_OK) code = read_knobs(c, s);
    if (code == CLI_OK) code = read_columns(c, s, &settings, &settings.plan);
    if (code == CLI_OK) code = fill(c, s, &settings);
    if (code == CLI_OK && c->json) sweep_json(c, s);
    else if (code == CLI_OK && cli_flag(c, "csv")) sweep_csv(c, s);
    else if (code == CLI_OK) sweep_print(c, s, cli_flag(c, "exact"));
    for (int i = 0; i < s->n_knobs; i++) range_free(&s->knob[i]);
    free(s->rows);
    free(s->shows);
    free(s);
    return code;
}

static const struct example examples[] = {
    { "sweep gpt2:layer=2 --over seq=256..4Ki",                                "what a longer context costs", NULL },
    { "sweep cs336-17m --over hidden=128..512:128 --show ff,parameters,flops.training", "and a wider model: ff follows where it is the default", NULL },
    { "sweep gpt2:layer=2 --over seq=512,1Ki,2Ki --show flops.convention.bill,flops.convention.six_n,bytes.eager.total", "what other people's rules make of it", NULL },
    { "sweep gpt2:layer=2 --over batch=1,2,4 --over seq=128,256 --csv",        "every pair, for a spreadsheet", NULL },
    { "sweep gpt2 --mode decode --over seq=128..1Ki",                          "what one more token costs, by how many stand before it", NULL },
    { "sweep gpt2 --over layer=1..3 --json",                                   "for a program: exact integers", NULL },
    { 0 }
};

const struct command cmd_sweep = {
    .name = "sweep", .arguments = "MODEL", .purpose = "a table of costs over a range of sizes", .options = options, .examples = examples,
    .complete = model_complete, .json = true, .run = run,
    .notes = "VALUES are numbers, words and ranges with commas between them. A..B goes by ones up to 16 and doubles beyond; A..B:S goes in steps of S, A..B:*M in "
             "factors of M. 1k is 1000, 1Ki is 1024. What is no more than its default of other fields follows them: ff where it is 4*hidden. A sequence "
             "longer than the model's context asks for a model with as many positions, and is marked.\n" MODEL_NOTES,
};
