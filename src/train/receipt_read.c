/* receipt_read.c: a receipt in a file, as `reckon train --receipt FILE.json` wrote it. See docs/json.md, reckon.receipt/1.
 *
 * Keys that are not known are left alone, so that what a later version says more does no harm. */
#include "base/file.h"
#include "train/training.h"
#include <math.h>
#include <string.h>

static const char schema[] = "reckon.receipt/1";

static rk_status get_text(rk_ctx *ctx, const struct json *object, const char *key, char *to, size_t room)
{
    const char *text;
    TRY(json_get_text(ctx, object, key, &text));
    if (strlen(text) >= room) return FAIL(RK_E_LIMIT, "%s: %s has more than %zu bytes", object->up == NULL ? object->key.at : "a receipt", key, room - 1);
    memcpy(to, text, strlen(text) + 1);
    return RK_OK;
}

/* A number, or null: not known. */
static rk_status get_known(rk_ctx *ctx, const struct json *object, const char *key, double *to)
{
    const struct json *value;
    *to = NAN;
    TRY(json_get(ctx, object, key, &value));
    return value->kind == JSON_NULL ? RK_OK : json_as_double(ctx, value, to);
}

static rk_status read_row(rk_ctx *ctx, const struct json *row, rk_receipt *r)
{
    TRY(json_as_object(ctx, row));
    TRY(get_text(ctx, row, "entry", r->row[r->n].entry, sizeof r->row[r->n].entry));
    TRY(get_text(ctx, row, "unit", r->row[r->n].unit, sizeof r->row[r->n].unit));
    TRY(get_known(ctx, row, "predicted", &r->row[r->n].predicted));
    TRY(get_known(ctx, row, "measured", &r->row[r->n].measured));
    r->n++;
    return RK_OK;
}

/* Runs that do not say were taken by AdamW. */
static rk_status read_optimizer(rk_ctx *ctx, const struct json *root, const char *path, rk_receipt *r)
{
    char word[32];
    double momentum = 1;
    if (json_find(root, "optimizer") == NULL) return RK_OK;
    TRY(get_text(ctx, root, "optimizer", word, sizeof word));
    while (r->optimizer < RK_OPTIMIZERS && strcmp(word, rk_optimizer_word(r->optimizer)) != 0) r->optimizer++;
    if (r->optimizer == RK_OPTIMIZERS) return FAIL(RK_E_FORMAT, "%s: \"%s\" is no optimizer that is known here", path, word);
    if (json_find(root, "momentum") != NULL) TRY(json_get_double(ctx, root, "momentum", &momentum));
    r->no_momentum = momentum == 0;
    return RK_OK;
}

static rk_status check_schema(rk_ctx *ctx, const struct json *root, const char *path)
{
    const struct json *value = json_find(root, "schema");
    if (value != NULL && value->kind == JSON_STRING && strcmp(value->text, schema) == 0) return RK_OK;
    (void)FAIL(RK_E_FORMAT, "%s is no receipt of a training run: its schema is not \"%s\"", path, schema);
    return ctx_hint(ctx, "reckon train ... --receipt FILE.json writes one");
}

static rk_status read_all(rk_ctx *ctx, const struct json *root, const char *path, rk_receipt *r)
{
    const struct json *rows;
    TRY(json_as_object(ctx, root));
    TRY(check_schema(ctx, root, path));
    TRY(get_text(ctx, root, "model", r->model, sizeof r->model));
    TRY(get_text(ctx, root, "device", r->device, sizeof r->device));
    TRY(json_get_int(ctx, root, "batch", 1, INT32_MAX, &r->batch));
    TRY(json_get_int(ctx, root, "accumulate", 1, INT32_MAX, &r->accumulate));
    TRY(json_get_int(ctx, root, "seq", 1, INT32_MAX, &r->seq));
    if (json_find(root, "source_seq") != NULL) TRY(json_get_int(ctx, root, "source_seq", 0, INT32_MAX, &r->source_seq));
    TRY(json_get_int(ctx, root, "parameters", 0, INT64_MAX, &r->parameters));
    TRY(json_get_bool(ctx, root, "dropout", &r->dropout));
    TRY(read_optimizer(ctx, root, path, r));
    if (json_find(root, "policy") != NULL) TRY(get_text(ctx, root, "policy", r->policy, sizeof r->policy));
    TRY(json_get(ctx, root, "rows", &rows));
    TRY(json_as_array(ctx, rows));
    if (rows->n > RK_RECEIPT_MOST) return FAIL(RK_E_LIMIT, "%s has more than %d rows", path, RK_RECEIPT_MOST);
    for (uint32_t i = 0; i < rows->n; i++) TRY(read_row(ctx, &rows->at[i], r));
    return RK_OK;
}

rk_status receipt_parse(rk_ctx *ctx, const char *name, const char *text, size_t n, rk_receipt *receipt)
{
    struct json_doc doc = { .root = NULL };
    rk_receipt read = { .n = 0 };
    rk_status status;
    *receipt = read;
    GO(json_read(ctx, &doc, name, text, n, 0));
    GO(read_all(ctx, doc.root, name, &read));
    *receipt = read;
out:
    json_clear(ctx, &doc);
    return status;
}

rk_status rk_receipt_read(rk_ctx *ctx, const char *path, rk_receipt *receipt)
{
    struct str text = { 0 };
    rk_status status;
    *receipt = (rk_receipt){ .n = 0 };
    GO(file_read(ctx, path, 1 << 20, &text));
    GO(receipt_parse(ctx, path, str_c(&text), (size_t)text.n, receipt));
out:
    str_free(ctx, &text);
    return status;
}
