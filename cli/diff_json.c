/* diff_json.c: two models side by side, for programs: docs/json.md has the keys. */
#include "diff.h"

static void json_torch(struct json *j, const struct both *b, const char *left, const char *right)
{
    char line[2][512];
    tree_lines(&b->tree[0], left, line[0], sizeof line[0]);
    tree_lines(&b->tree[1], right, line[1], sizeof line[1]);
    json_text(j, "left_torch", line[0]);
    json_text(j, "right_torch", line[1]);
}

static void json_row(struct json *j, const struct both *b, int i)
{
    const rk_diff *d = b->diff;
    rk_diff_row r = rk_diff_row_at(d, i);
    json_object(j, NULL);
    json_text(j, "role", r.role);
    json_text(j, "verdict", rk_diff_verdict_words(r.verdict));
    json_text(j, "left", r.left);
    json_text(j, "right", r.right);
    if (b->torch) json_torch(j, b, r.left, r.right);
    json_uint(j, "left_parameters", r.left_parameters);
    json_uint(j, "right_parameters", r.right_parameters);
    json_array(j, "details");
    for (int k = 0; k < r.details; k++) {
        rk_diff_detail x = rk_diff_detail_at(d, i, k);
        json_object(j, NULL);
        json_text(j, "what", x.what);
        json_text(j, "left", x.left);
        json_text(j, "right", x.right);
        json_end(j);
    }
    json_end(j);
    json_end(j);
}

static void json_fields(struct json *j, const rk_diff *d)
{
    rk_diff_field f;
    json_array(j, "fields");
    for (int i = 0; rk_diff_field_at(d, i, &f); i++) {
        json_object(j, NULL);
        json_text(j, "name", f.name);
        json_text(j, "left", f.left[0] != '\0' ? f.left : NULL);
        json_text(j, "right", f.right[0] != '\0' ? f.right : NULL);
        json_bool(j, "same", f.same);
        json_end(j);
    }
    json_end(j);
}

void diff_json(struct cli *c, const struct both *b)
{
    struct json j;
    json_begin(&j, c->out);
    json_object(&j, NULL);
    json_text(&j, "schema", "reckon.diff/1");
    json_text(&j, "left", rk_model_name(b->model[0]));
    json_text(&j, "right", rk_model_name(b->model[1]));
    json_int(&j, "batch", b->settings.batch);
    json_int(&j, "seq", b->settings.seq);
    json_text(&j, "dtype", rk_dtype_name(b->settings.dtype));
    json_array(&j, "modules");
    for (int i = 0; i < rk_diff_rows(b->diff); i++) json_row(&j, b, i);
    json_end(&j);
    json_fields(&j, b->diff);
    diff_json_costs(&j, b);
    json_end(&j);
}
