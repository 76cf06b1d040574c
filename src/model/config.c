/* config.c: hyper-parameters held against a family's fields: every key is known or refused, every number has its range.
 *
 * A key that nobody knows may change the mathematics, and a model that is silently another one is worse than none: so the
 * message names it. Not here: what the fields are (each family's file), what they are where nobody says (config_default.c), which file is read (spec.c).
 * Source of what is harmless everywhere: transformers configuration_utils.py. */
#include "model/config.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Bookkeeping, and what only generation by transformers asks. */
static const char *const harmless =
    "model_type architectures transformers_version dtype torch_dtype _* name_or_path auto_map tokenizer_class prefix torchscript use_cache "
    "bos_token_id eos_token_id pad_token_id sep_token_id cls_token_id decoder_start_token_id forced_* force_bos_token_to_be_generated renormalize_logits suppress_tokens begin_suppress_tokens bad_words_ids "
    "max_length min_length do_sample early_stopping num_beams num_beam_groups diversity_penalty temperature top_k top_p typical_p repetition_penalty "
    "length_penalty no_repeat_ngram_size encoder_no_repeat_ngram_size num_return_sequences output_* return_* remove_invalid_values "
    "exponential_decay_length_penalty task_specific_params finetuning_task id2label label2id num_labels problem_type tf_legacy_loss use_bfloat16 "
    "is_decoder is_encoder_decoder chunk_size_feed_forward gradient_checkpointing";

/* --- one value --- */

static rk_status take_choice(rk_ctx *ctx, struct config *c, int i, const struct json *v)
{
    const struct field *f = &c->arch->fields[i];
    char path[JSON_SHOWN];
    const char *text, *spelled;
    struct word ours;
    TRY(json_as_text(ctx, v, &text));
    spelled = config_choice(f, text, strlen(text), &ours);
    if (spelled == NULL) {
        (void)FAIL(RK_E_UNKNOWN, "%s: \"%.60s\" is not done here", json_path(v, path), text);
        return ctx_hint(ctx, "it may be: %s", f->choices);
    }
    if (ours.n >= sizeof c->text[0]) return FAIL(RK_E_BUG, "the word %.*s of field %s is too long", (int)ours.n, ours.at, f->name);
    memcpy(c->text[i], ours.at, ours.n);
    c->text[i][ours.n] = '\0';
    c->spelled[i] = spelled;
    return RK_OK;
}

static rk_status take_real(rk_ctx *ctx, const struct field *f, const struct json *v, double *out)
{
    char path[JSON_SHOWN], words[JSON_SHOWN];
    TRY(json_as_double(ctx, v, out));
    if (isfinite(*out) && *out >= f->least && *out <= f->most) return RK_OK;
    return FAIL(RK_E_LIMIT, "%s: %s does not lie within %g .. %g", json_path(v, path), json_words(v, words), f->least, f->most);
}

static rk_status take_value(rk_ctx *ctx, struct config *c, int i, const struct json *v)
{
    const struct field *f = &c->arch->fields[i];
    int64_t integer = 0;
    bool flag = false;
    if (f->kind == FIELD_CHOICE) return take_choice(ctx, c, i, v);
    if (f->kind == FIELD_REAL) return take_real(ctx, f, v, &c->value[i]);
    if (f->kind == FIELD_FLAG) TRY(json_as_bool(ctx, v, &flag));
    else TRY(json_as_int(ctx, v, (int64_t)f->least, (int64_t)f->most, &integer));
    c->value[i] = f->kind == FIELD_FLAG ? flag : (double)integer;
    if (c->value[i] >= f->least && c->value[i] <= f->most) return RK_OK;
    char path[JSON_SHOWN];
    return FAIL(RK_E_DECLINED, "%s: %s is not done here", json_path(v, path), flag ? "true" : "false");
}

/* --- a whole file --- */

static rk_status unknown_key(rk_ctx *ctx, const struct config *c, const struct json *v)
{
    char path[JSON_SHOWN];
    (void)FAIL(RK_E_UNKNOWN, "%s: %s has no such key here", json_path(v, path), c->arch->title);
    return ctx_hint(ctx, "would it change the mathematics? If not, remove it from the file; if it would, this model is not what is computed here");
}

/* One reading of a file, in two rounds: fields first, so that a value that is not done is named before a key that goes with
 * it; strangers after. Where each field was found is kept, so that two spellings of one can be held against each other. */
enum { KEY_ROOM = 128 };
struct reading { struct config *c; const struct json *from[MOST_FIELDS]; bool strangers; };

static rk_status take_field(rk_ctx *ctx, struct reading *r, int i, const struct json *v)
{
    char path[JSON_SHOWN], other[JSON_SHOWN];
    struct config before = *r->c;
    if (v->kind == JSON_NULL) {                                             /* not set: the default */
        r->c->null[i] = true;
        return RK_OK;
    }
    TRY(take_value(ctx, r->c, i, v));
    bool same = before.value[i] == r->c->value[i] && strcmp(before.text[i], r->c->text[i]) == 0;
    if (r->from[i] != NULL && !same)
        return FAIL(RK_E_FORMAT, "%s: says another value than %s, and both are the same thing", json_path(v, path), json_path(r->from[i], other));
    r->from[i] = v;
    r->c->given[i] = true;
    return RK_OK;
}

/* Some read such a key and others do not: where it says what the field is anyway, all of them mean the same. */
static rk_status take_echo(rk_ctx *ctx, const struct reading *r, int i, const struct json *v)
{
    char path[JSON_SHOWN];
    struct config field = *r->c, echo = *r->c;
    const struct field *f = &field.arch->fields[i];
    if (!field.given[i]) TRY(config_standard(ctx, &field, i, json_path(v, path)));
    TRY(take_value(ctx, &echo, i, v));
    if (echo.value[i] == field.value[i]) return RK_OK;
    (void)FAIL(RK_E_UNKNOWN, "%s: %.9g, while %.*s is %.9g", json_path(v, path), echo.value[i], (int)strcspn(f->spellings, " "), f->spellings, field.value[i]);
    return ctx_hint(ctx, "some versions of transformers read the one, and some the other: give both the same value");
}

/* The key with those around it, "rope_parameters.rope_theta"; of no length where no spelling can be meant. */
static struct word whole_key(const struct json *v, struct word within, char room[KEY_ROOM])
{
    if (within.n + v->key.length + 2 > KEY_ROOM || memchr(v->key.at, '.', v->key.length) != NULL) return (struct word){ room, 0 };
    memcpy(room, within.at, within.n);
    memcpy(room + within.n, v->key.at, v->key.length);
    return (struct word){ room, within.n + v->key.length };
}

static bool says_nothing(const struct json *v) { return v->kind == JSON_NULL || (v->kind == JSON_OBJECT && v->n == 0); }

static rk_status take_keys(rk_ctx *ctx, struct reading *r, const struct json *object, struct word within)
{
    const struct arch *a = r->c->arch;
    TRY(json_as_object(ctx, object));
    for (uint32_t k = 0; k < object->n; k++) {
        const struct json *v = &object->at[k];
        char room[KEY_ROOM];
        struct word key = whole_key(v, within, room);
        int i = config_spelled(a, key.at, key.n, false);
        if (i >= 0) {
            if (!r->strangers) TRY(take_field(ctx, r, i, v));
        } else if (says_nothing(v)) continue;
        else if (key.n > 0 && config_spells(a, key.at, key.n)) {           /* fields are inside */
            room[key.n++] = '.';
            TRY(take_keys(ctx, r, v, key));
        } else if (key.n > 0 && config_echoed(a, key, &i)) {
            if (r->strangers) TRY(take_echo(ctx, r, i, v));
        } else if (r->strangers && !word_among(a->harmless, key.at, key.n) && !(within.n == 0 && word_among(harmless, v->key.at, v->key.length)))
            return unknown_key(ctx, r->c, v);
    }
    return RK_OK;
}

rk_status config_read(rk_ctx *ctx, const struct json *root, struct config *c)
{
    struct reading r = { .c = c };
    *c = (struct config){ .arch = NULL };
    TRY(config_family(ctx, root, &c->arch));
    TRY(take_keys(ctx, &r, root, (struct word){ "", 0 }));
    r.strangers = true;
    return take_keys(ctx, &r, root, (struct word){ "", 0 });
}

/* --- key=value --- */

/* What somebody may have meant by a name that no field has. */
static rk_status field_like(rk_ctx *ctx, const struct arch *a, struct word typed)
{
    struct word best = { "", 0 };
    int most = 0, least = names_alike(typed, typed) / 2 + 1;
    for (const struct field *f = a->fields; f->name != NULL; f++) {
        const char *rest[] = { f->spellings, f->name };
        for (int i = 0; i < 2; i++)
            for (struct word w; word_next(&rest[i], &w);)
                if (names_alike(w, typed) > most) most = names_alike(w, typed), best = w;
    }
    if (most >= 3 && most >= least) return ctx_hint(ctx, "did you mean %.*s?", (int)best.n, best.at);
    return ctx_hint(ctx, "a field is called as in config.json, %s, or by its own name, %s", a->fields[0].spellings, a->fields[0].name);
}

/* What stands behind the = is JSON, or else a plain word. */
static rk_status set_one(rk_ctx *ctx, struct config *c, const char *where, struct word pair)
{
    char name[512];
    const char *equals = memchr(pair.at, '=', pair.n);
    if (equals == NULL || equals == pair.at) return FAIL(RK_E_ARG, "%s: \"%.*s\" is no key=value", where, (int)pair.n, pair.at);
    size_t key = (size_t)(equals - pair.at), n = pair.n - key - 1;
    int i = config_spelled(c->arch, pair.at, key, true);
    if (i < 0) {
        (void)FAIL(RK_E_UNKNOWN, "%s: %s has no field \"%.*s\"", where, c->arch->title, (int)key, pair.at);
        return field_like(ctx, c->arch, (struct word){ pair.at, key });
    }
    (void)snprintf(name, sizeof name, "%s: %.*s", where, (int)key, pair.at);
    char plain[128];
    if (n >= sizeof plain) return FAIL(RK_E_LIMIT, "%s: a value of %zu characters", name, n);
    memcpy(plain, equals + 1, n);
    plain[n] = '\0';
    struct json_doc doc = { .root = NULL };
    struct json word = { .key = { name, (uint32_t)strlen(name) }, .text = plain, .n = (uint32_t)n, .kind = JSON_STRING };
    rk_status status = json_read(ctx, &doc, name, plain, n, 0);
    if (status == RK_E_NOMEM) return status;
    if (status != RK_OK) rk_error_clear(ctx);
    const struct json *v = status == RK_OK ? doc.root : &word;
    status = RK_OK;
    if (v->kind != JSON_NULL) status = take_value(ctx, c, i, v);
    c->given[i] = v->kind != JSON_NULL;
    c->null[i] = !c->given[i];
    json_clear(ctx, &doc);
    return status;
}

rk_status config_set(rk_ctx *ctx, struct config *c, const char *where, const char *texts)
{
    for (const char *s = texts + strspn(texts, " ,"); *s != '\0'; s += strspn(s, " ,")) {
        struct word pair = { s, strcspn(s, " ,") };
        TRY(set_one(ctx, c, where, pair));
        s += pair.n;
    }
    return RK_OK;
}
