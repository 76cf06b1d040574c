/* options.c: the table of options: defaults, bounds, JSON both ways. Rows: reckon/train_options.def. */
#include "train/training.h"
#include "base/file.h"
#include <string.h>

static const char schedule_words[] =
#define ROW(name, word, reads, rate) "|" word
#include "reckon/schedule.def"
#undef ROW
    ;
static const char order_words[] = "|shuffled|random";
static const char optimizer_words[] =
#define ROW(name, word, title, reads) "|" word
#include "reckon/optimizer.def"
#undef ROW
    ;
static const char muon_rate_words[] = "|match-rms|original|spectral";

enum kind { KIND_INT, KIND_REAL, KIND_FLAG, KIND_CHOICE, KIND_TEXT };
struct row { const char *key; enum kind kind; size_t at; double least, most; const char *words, *standard; };

#define AT(field) offsetof(rk_train_options, field)
static const struct row rows[] = {
#define INT(field, key, standard, least, most, help)  { key, KIND_INT, AT(field), (double)(least), (double)(most), NULL, NULL },
#define AUTO(field, key, zero, most, help)            { key, KIND_INT, AT(field), 0, (double)(most), NULL, NULL },
#define REAL(field, key, standard, least, most, help) { key, KIND_REAL, AT(field), least, most, NULL, NULL },
#define CHOICE(field, key, standard, words, help)     { key, KIND_CHOICE, AT(field), 0, 0, words, standard },
#define FLAG(field, key, help)                        { key, KIND_FLAG, AT(field), 0, 1, NULL, NULL },
#define TEXT(field, key, help)                        { key, KIND_TEXT, AT(field), 0, 0, NULL, NULL },
#include "reckon/train_options.def"
#undef INT
#undef AUTO
#undef REAL
#undef CHOICE
#undef FLAG
#undef TEXT
};
enum { ROWS = sizeof rows / sizeof *rows };

static const void *where(const struct row *r, const rk_train_options *o) { return (const char *)o + r->at; }

/* --- words --- */

static bool word_of(const char *words, int i, struct word *w)
{
    for (; *words == '|'; i--) {
        *w = (struct word){ words + 1, strcspn(words + 1, "|") };
        if (i == 0) return true;
        words = w->at + w->n;
    }
    return false;
}

static int choice_of(const char *words, const char *text)
{
    struct word w;
    for (int i = 0; word_of(words, i, &w); i++)
        if (word_is(w, text, strlen(text))) return i;
    return -1;
}

rk_train_options rk_train_defaults(void)
{
    rk_train_options o = {
#define INT(field, key, standard, least, most, help)  .field = standard,
#define AUTO(field, key, zero, most, help)
#define REAL(field, key, standard, least, most, help) .field = standard,
#define CHOICE(field, key, standard, words, help)
#define FLAG(field, key, help)
#define TEXT(field, key, help)
#include "reckon/train_options.def"
#undef INT
#undef AUTO
#undef REAL
#undef CHOICE
#undef FLAG
#undef TEXT
    };
    for (int i = 0; i < ROWS; i++)
        if (rows[i].kind == KIND_CHOICE) *(int *)((char *)&o + rows[i].at) = choice_of(rows[i].words, rows[i].standard);
    return o;
}

/* --- bounds --- */

static rk_status check_row(rk_ctx *ctx, const struct row *r, const rk_train_options *o)
{
    struct word w;
    double x = r->kind == KIND_INT ? (double)*(const int64_t *)where(r, o) : r->kind == KIND_REAL ? *(const double *)where(r, o) : r->least;
    if (!(x >= r->least && x <= r->most)) return FAIL(RK_E_ARG, "%s is %.15g; it must lie within %.15g and %.15g", r->key, x, r->least, r->most);
    if (r->kind == KIND_CHOICE && (*(const int *)where(r, o) < 0 || !word_of(r->words, *(const int *)where(r, o), &w)))
        return FAIL(RK_E_ARG, "%s: there is no choice %d", r->key, *(const int *)where(r, o));
    if (r->kind == KIND_TEXT && memchr(where(r, o), '\0', RK_TRAIN_TEXT) == NULL) return FAIL(RK_E_LIMIT, "%s: a text of %d bytes or more", r->key, RK_TRAIN_TEXT);
    return RK_OK;
}

rk_status options_check(rk_ctx *ctx, const rk_train_options *o)
{
    for (int i = 0; i < ROWS; i++) TRY(check_row(ctx, &rows[i], o));
    if (o->min_lr <= o->lr || o->schedule == RK_SCHEDULE_constant) return RK_OK;
    (void)FAIL(RK_E_ARG, "min-lr is %.15g, above lr, which is %.15g: the rate would rise after the warm-up", o->min_lr, o->lr);
    return ctx_hint(ctx, "give both; a tenth of lr is usual for min-lr, and 0 may be");
}

/* --- reading --- */

static rk_status read_choice(rk_ctx *ctx, const struct row *r, const struct json *value, int *out)
{
    const char *text;
    char path[JSON_SHOWN];
    TRY(json_as_text(ctx, value, &text));
    *out = choice_of(r->words, text);
    if (*out < 0) return FAIL(RK_E_FORMAT, "%s: \"%s\" is none of %s", json_path(value, path), text, r->words + 1);
    return RK_OK;
}

static rk_status read_text(rk_ctx *ctx, const struct json *value, char *out)
{
    const char *text;
    char path[JSON_SHOWN];
    TRY(json_as_text(ctx, value, &text));
    size_t n = strlen(text);
    if (n >= RK_TRAIN_TEXT) return FAIL(RK_E_LIMIT, "%s: a text of %zu bytes, at most %d", json_path(value, path), n, RK_TRAIN_TEXT - 1);
    memcpy(out, text, n + 1);
    return RK_OK;
}

static rk_status read_real(rk_ctx *ctx, const struct row *r, const struct json *value, double *out)
{
    char path[JSON_SHOWN];
    TRY(json_as_double(ctx, value, out));
    if (!(*out >= r->least && *out <= r->most)) return FAIL(RK_E_FORMAT, "%s: %.15g does not lie within %.15g and %.15g", json_path(value, path), *out, r->least, r->most);
    return RK_OK;
}

static rk_status read_row(rk_ctx *ctx, const struct row *r, const struct json *value, rk_train_options *o)
{
    void *to = (char *)o + r->at;
    switch (r->kind) {
    case KIND_INT:    return json_as_int(ctx, value, (int64_t)r->least, (int64_t)r->most, to);
    case KIND_REAL:   return read_real(ctx, r, value, to);
    case KIND_FLAG:   return json_as_bool(ctx, value, to);
    case KIND_CHOICE: return read_choice(ctx, r, value, to);
    case KIND_TEXT:   return read_text(ctx, value, to);
    }
    return RK_OK;
}

/* Keys are written with a dash; Python's underscore will do. */
static bool same_key(const char *key, const struct name *n)
{
    if (strlen(key) != n->length) return false;
    for (size_t i = 0; i < n->length; i++)
        if (key[i] != n->at[i] && !(key[i] == '-' && n->at[i] == '_')) return false;
    return true;
}

static rk_status read_value(rk_ctx *ctx, const struct json *value, rk_train_options *o)
{
    char path[JSON_SHOWN];
    for (int i = 0; i < ROWS; i++)
        if (same_key(rows[i].key, &value->key)) return read_row(ctx, &rows[i], value, o);
    (void)FAIL(RK_E_FORMAT, "%s is no option of training", json_path(value, path));
    return ctx_hint(ctx, "the keys are those of `reckon train --help`, without the dashes in front");
}

rk_status rk_train_options_read(rk_ctx *ctx, const char *path, rk_train_options *options)
{
    struct json_doc doc = { 0 };
    struct str file = { 0 };
    rk_train_options fresh = *options;
    rk_status status;
    if (file_is_folder(path)) GO(file_join(ctx, &file, path, "trainer.json"));
    GO(json_load(ctx, &doc, file.n > 0 ? str_c(&file) : path, 0));
    const struct json *root = doc.root, *inner = json_find(root, "options");
    if (inner != NULL) root = inner;
    GO(json_as_object(ctx, root));
    for (uint32_t i = 0; i < root->n; i++) GO(read_value(ctx, &root->at[i], &fresh));
    *options = fresh;
out:
    json_clear(ctx, &doc);
    str_free(ctx, &file);
    return status;
}

/* --- writing --- */

static rk_status write_row(rk_ctx *ctx, const struct row *r, const rk_train_options *o, struct json_out *out)
{
    struct word w = { "", 0 };
    const void *from = where(r, o);
    switch (r->kind) {
    case KIND_INT:    return json_put_int(ctx, out, r->key, *(const int64_t *)from);
    case KIND_REAL:   return json_put_double(ctx, out, r->key, *(const double *)from);
    case KIND_FLAG:   return json_put_bool(ctx, out, r->key, *(const bool *)from);
    case KIND_TEXT:   return json_put_text(ctx, out, r->key, from);
    case KIND_CHOICE: (void)word_of(r->words, *(const int *)from, &w);
                      return json_put_bytes(ctx, out, r->key, w.at, w.n);
    }
    return RK_OK;
}

rk_status options_write(rk_ctx *ctx, const rk_train_options *o, struct json_out *out, const char *key)
{
    TRY(json_open_object(ctx, out, key));
    for (int i = 0; i < ROWS; i++) TRY(write_row(ctx, &rows[i], o, out));
    return json_close(ctx, out);
}

/* --- comparing --- */

/* What a step's data and randomness depend on, and whose state a checkpoint holds: what would be otherwise, or NULL. */
static const char *why_fixed(const struct row *r)
{
    static const size_t fixed[] = { AT(batch), AT(seq), AT(accumulate), AT(source_seq), AT(seed), AT(order), AT(validation), AT(mask_ends), AT(mask_rate), AT(no_dropout) };
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if (r->at == fixed[i]) return "its next step would take other data";
    if (r->at == AT(policy)) return "its numbers are of other dtypes";
    return r->at == AT(optimizer) ? "what it keeps of earlier steps is not what this one needs" : NULL;
}

const char *options_policy(const rk_train_options *o) { return o->policy[0] != '\0' ? o->policy : "fp32"; }

static bool same_value(const struct row *r, const rk_train_options *a, const rk_train_options *b)
{
    static const size_t sizes[] = { [KIND_INT] = sizeof(int64_t), [KIND_REAL] = sizeof(double), [KIND_FLAG] = sizeof(bool), [KIND_CHOICE] = sizeof(int) };
    if (r->at == AT(policy)) return strcmp(options_policy(a), options_policy(b)) == 0;
    if (r->kind == KIND_TEXT) return true;                  /* where things lay is nobody's business */
    return memcmp(where(r, a), where(r, b), sizes[r->kind]) == 0;
}

bool options_row(const rk_train_options *o, int i, const char **key, bool *usual)
{
    const rk_train_options standard = rk_train_defaults();
    if (i >= ROWS) return false;
    *key = rows[i].key;
    *usual = same_value(&rows[i], o, &standard);
    return true;
}

rk_status options_compare(rk_ctx *ctx, const rk_train_options *saved, const rk_train_options *now, const char *path)
{
    for (int i = 0; i < ROWS; i++) {
        if (same_value(&rows[i], saved, now)) continue;
        const char *why = why_fixed(&rows[i]);
        if (why == NULL) {
            ctx_log(ctx, RK_DEBUG, "%s was saved with another %s", path, rows[i].key);
            continue;
        }
        (void)FAIL(RK_E_DIFFERS, "%s was saved with another %s: %s", path, rows[i].key, why);
        return ctx_hint(ctx, "give the same %s, or begin anew in another folder", rows[i].key);
    }
    return RK_OK;
}
