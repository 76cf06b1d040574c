/* letters.c: letters of formulas get their values: sizes from the model's fields, sums from its bill, ranks from the settings.
 *
 * What a family lacks has no value, and a formula that asks for it is refused, not computed with a zero. */
#include "books/facts.h"
#include "model/config.h"
#include "model/model.h"
#include <string.h>

static const struct activation { const char *name; int tensors; } activations[] = {
#define ACT(name, tensors) { #name, (tensors) },
#include "books/activation.def"
#undef ACT
};

/* Our word of an activation, and which of its spellings the family's published checkpoints use. */
static const struct { const char *ours, *families, *usual; } spellings[] = {
    { "gelu_tanh", "neox", "gelu_fast" }, { "gelu_tanh", "*", "gelu_new" }, { "gelu_erf", "*", "gelu" },
};

static const struct row { const char *name, *fields, *words; } rows[] = {
#define LETTER(name, fields, words) { #name, (fields), (words) },
#include "books/letters.def"
#undef LETTER
};
enum { ROWS = sizeof rows / sizeof *rows };

rk_books_letter rk_books_letter_at(int i) { return i >= 0 && i < ROWS ? (rk_books_letter){ rows[i].name, rows[i].words } : (rk_books_letter){ NULL, NULL }; }

struct spelling { rk_ctx *ctx; const rk_bill *bill; const rk_model *model; const rk_books *books; struct letters *letters; };

static rk_status set(struct spelling *s, const char *name, int64_t value)
{
    rk_ctx *ctx = s->ctx;
    for (int i = 0; i < ROWS; i++)
        if (strcmp(rows[i].name, name) == 0) return letter_set(ctx, s->letters, rows[i].name, value, rows[i].words);
    return FAIL(RK_E_BUG, "no letter %s", name);
}

static int64_t get(const struct spelling *s, const char *name)
{
    const struct letter *l = letter_find(s->letters, name, strlen(name));
    return l != NULL ? (int64_t)l->value.over : 0;
}

/* The first of the fields that the family has, as a size. */
static bool field_size(const struct spelling *s, const char *fields, int64_t *size)
{
    int at;
    for (struct word w; word_next(&fields, &w);) {
        char name[32];
        if (w.n >= sizeof name) continue;
        memcpy(name, w.at, w.n);
        name[w.n] = '\0';
        const struct field *f = config_field(&s->model->config, name, &at);
        if (f == NULL || f->kind == FIELD_CHOICE) continue;
        *size = (int64_t)s->model->config.value[at];
        return true;
    }
    return false;
}

/* Numbers of a head that turn: as they are, or from a part of the head, in pairs. */
static rk_status set_rotary(struct spelling *s)
{
    int at;
    const struct field *f = config_field(&s->model->config, "rotary", &at);
    if (f == NULL || f->kind != FIELD_REAL) return RK_OK;
    return set(s, "r", ((int64_t)((double)get(s, "K") * s->model->config.value[at]) + 1) / 2 * 2);
}

static rk_status set_fields(struct spelling *s)
{
    rk_ctx *ctx = s->ctx;
    int64_t size;
    for (int i = 0; i < ROWS; i++)
        if (field_size(s, rows[i].fields, &size)) TRY(set(s, rows[i].name, size));
    if (get(s, "K") == 0 && get(s, "H") > 0) TRY(set(s, "K", get(s, "D") / get(s, "H")));
    return set_rotary(s);
}

/* --- the bill --- */

static bool starts(const char *text, const char *with) { return strncmp(text, with, strlen(with)) == 0; }
static bool ends(const char *text, const char *with) { return strlen(text) >= strlen(with) && strcmp(text + strlen(text) - strlen(with), with) == 0; }

/* Rows of a table [rows, hidden] in a module, from the tensors behind the parameters. */
struct tensors { int64_t positions, own_heads, largest; };

static struct tensors tensors_of(const struct spelling *s)
{
    struct tensors t = { 0, 0, 0 };
    int n = rk_bill_reasons(s->bill, "parameters");
    int64_t table = get(s, "V") * get(s, "D"), module = 0;
    const char *last = "";
    for (int i = 0; i < n; i++) {
        rk_bill_reason r = rk_bill_reason_at(s->bill, "parameters", i);
        int64_t each = (int64_t)r.each;
        if (ends(r.module, "position") && get(s, "D") > 0) t.positions = each / get(s, "D");
        if (starts(r.module, "head") && each == table) t.own_heads++;
        module = strcmp(r.module, last) == 0 ? module + each : each;
        last = r.module;
        if (module > t.largest) t.largest = module;
    }
    return t;
}

static bool has_module(const rk_bill *bill, const char *end)
{
    for (int i = 0; i < rk_bill_groups(bill, RK_BY_MODULE); i++)
        if (ends(rk_bill_group_at(bill, RK_BY_MODULE, i).name, end)) return true;
    return false;
}

static rk_status set_sums(struct spelling *s)
{
    static const struct { const char *letter, *entry; } sums[] = { { "N", "parameters" }, { "forward", "flops.forward" }, { "backward", "flops.backward" } };
    rk_ctx *ctx = s->ctx;
    struct tensors t = tensors_of(s);
    uint64_t n;
    for (int i = 0; i < 3; i++) {
        if (!rk_bill_has(s->bill, sums[i].entry)) continue;
        TRY(rk_bill_number(s->bill, sums[i].entry, &n));
        if (n > INT64_MAX) return FAIL(RK_E_LIMIT, "%s is beyond 2^63", sums[i].entry);
        TRY(set(s, sums[i].letter, (int64_t)n));
    }
    n = 0;
    if (rk_bill_has(s->bill, "bytes.optimizer")) TRY(rk_bill_number(s->bill, "bytes.optimizer", &n));
    if (n > INT64_MAX) return FAIL(RK_E_LIMIT, "bytes.optimizer is beyond 2^63");
    TRY(set(s, "O", (int64_t)n));
    TRY(set(s, "P", t.positions));
    TRY(set(s, "e", 1 + t.own_heads));
    TRY(set(s, "l", t.largest));
    return set(s, "n", has_module(s->bill, "mlp.gate") ? 3 : 2);
}

/* --- how it is run --- */

static rk_status set_activation(struct spelling *s)
{
    rk_ctx *ctx = s->ctx;
    const char *family = s->model->config.arch->name, *ours = rk_model_text(s->model, "act"), *name = s->books->activation;
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings && name == NULL; i++)
        if (strcmp(spellings[i].ours, ours) == 0 && (spellings[i].families[0] == '*' || strcmp(spellings[i].families, family) == 0)) name = spellings[i].usual;
    if (name == NULL) name = ours;
    for (size_t i = 0; i < sizeof activations / sizeof *activations; i++)
        if (strcmp(activations[i].name, name) == 0) return set(s, "a", activations[i].tensors);
    return s->books->activation == NULL ? RK_OK : FAIL(RK_E_UNKNOWN, "there is no activation \"%.60s\" in Hugging Face's spelling", name);
}

static int64_t given_or(int64_t given, int64_t standard) { return given > 0 ? given : standard; }

static rk_status set_settings(struct spelling *s)
{
    const rk_books *k = s->books;
    rk_ctx *ctx = s->ctx;
    bool single = k->policy == NULL || strcmp(k->policy, "fp32") == 0;     /* under policies that no convention knows nobody asks for w */
    int64_t context = 0, ranks = k->gpus, tensor = given_or(k->tensor, 1), pipeline = given_or(k->pipeline, 1), data = given_or(k->data, 1), batch = given_or(k->batch, 1);
    (void)field_size(s, "position", &context);
    int64_t seq = given_or(k->seq, context);
    if (ranks == 0 && (__builtin_mul_overflow(tensor, pipeline, &ranks) || __builtin_mul_overflow(ranks, data, &ranks)))
        return FAIL(RK_E_LIMIT, "more ranks than 2^63");
    const struct { const char *name; int64_t value; } values[] = {
        { "B", batch }, { "T", seq }, { "S", given_or(k->source, seq) }, { "b", given_or(k->micro_batch, batch) }, { "t", tensor }, { "p", pipeline },
        { "m", given_or(k->interleave, 1) }, { "dp", data }, { "g", ranks }, { "w", single ? 4 : 2 },
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) TRY(set(s, values[i].name, values[i].value));
    return RK_OK;
}

rk_status letters_of(rk_ctx *ctx, const rk_bill *bill, const rk_model *model, const rk_books *books, struct letters *letters)
{
    struct spelling s = { ctx, bill, model, books, letters };
    const int64_t sizes[] = { books->batch, books->seq, books->source, books->tensor, books->pipeline, books->interleave, books->data, books->gpus,
                              books->micro_batch };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (sizes[i] < 0) return FAIL(RK_E_ARG, "%lld sequences, tokens or ranks make no sense", (long long)sizes[i]);
    TRY(set_fields(&s));
    TRY(set_sums(&s));
    TRY(set_activation(&s));
    return set_settings(&s);
}
