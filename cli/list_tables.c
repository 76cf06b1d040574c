/* list_tables.c: families, fields, operations and functions, as the library's own tables have them. */
#include "list_tables.h"
#include "model.h"
#include "out.h"
#include <string.h>

/* A table or an array of objects, whichever was asked for. */
struct listing { struct cli *c; struct table *t; struct json j; };

void list_json_begin(struct cli *c, struct json *j, const char *name)
{
    json_begin(j, c->out);
    json_object(j, NULL);
    json_text(j, "schema", "reckon.list/1");
    json_text(j, "list", name);
    json_array(j, "rows");
}

void list_json_end(struct json *j)
{
    json_end(j);
    json_end(j);
}

static void begin(struct listing *l, struct cli *c, const char *name, const char *heads, const char *align)
{
    *l = (struct listing){ .c = c, .t = c->json ? NULL : table_new(c, heads, align) };
    if (c->json) list_json_begin(c, &l->j, name);
}

static void open_row(struct listing *l)  { if (l->t == NULL) json_object(&l->j, NULL); }
static void close_row(struct listing *l) { if (l->t == NULL) json_end(&l->j); }

static void text(struct listing *l, const char *key, const char *value)
{
    if (l->t == NULL) json_text(&l->j, key, value);
    else table_cell(l->t, "%s", value != NULL ? value : "");
}

/* below 0: there is none */
static void number(struct listing *l, const char *key, int value)
{
    if (l->t == NULL && value >= 0) json_int(&l->j, key, value);
    else if (l->t == NULL) json_text(&l->j, key, NULL);
    else if (value >= 0) table_cell(l->t, "%d", value);
    else table_cell(l->t, "%s", "");
}

static int end(struct listing *l)
{
    if (l->t == NULL) list_json_end(&l->j);
    else table_print(l->t);
    return CLI_OK;
}

int list_families(struct cli *c)
{
    struct listing l;
    rk_family f;
    begin(&l, c, "families", "family|title|model_type|presets", "lllr");
    for (int i = 0; rk_family_at(i, &f); i++) {
        open_row(&l);
        text(&l, "name", f.name);
        text(&l, "title", f.title);
        text(&l, "model_types", f.model_types);
        number(&l, "presets", f.presets);
        close_row(&l);
    }
    return end(&l);
}

static int find_family(struct cli *c, const char *name, rk_family *f)
{
    rk_model *m;
    for (int i = 0; rk_family_at(i, f); i++)
        if (strcmp(f->name, name) == 0) return CLI_OK;
    CLI_TRY(c, rk_model_open(c->ctx, name, &m));                    /* a preset, a folder */
    for (int i = 0; rk_family_at(i, f) && strcmp(f->name, rk_model_family(m)) != 0;) i++;
    rk_model_close(m);
    return CLI_OK;
}

int list_fields(struct cli *c)
{
    struct listing l;
    rk_family family;
    rk_field f;
    if (c->n_args < 2) return cli_usage(c, "fields: FAMILY or MODEL is missing (reckon list families)");
    int code = find_family(c, c->args[1], &family);
    if (code != CLI_OK) return code;
    begin(&l, c, "fields", "field|in config.json|default|choices", "lllw");
    for (int i = 0; rk_family_field(family.name, i, &f); i++) {
        open_row(&l);
        text(&l, "name", f.name);
        text(&l, "spellings", f.spellings);
        text(&l, "default", f.standard);
        text(&l, "choices", f.choices);
        close_row(&l);
    }
    return end(&l);
}

int list_ops(struct cli *c)
{
    struct listing l;
    rk_op_info o;
    begin(&l, c, "ops", "op|kind|gradient", "lll");
    for (int i = 0; rk_op_at(i, &o); i++) {
        open_row(&l);
        text(&l, "name", o.name);
        text(&l, "kind", o.kind);
        if (l.t == NULL) json_bool(&l.j, "gradient", o.gradient);
        else table_cell(l.t, "%s", o.gradient ? "yes" : "");
        close_row(&l);
    }
    return end(&l);
}

int list_functions(struct cli *c)
{
    struct listing l;
    rk_function_info f;
    begin(&l, c, "functions", "function|operands|FLOPs|FLOPs of its gradient", "lrrr");
    for (int i = 0; rk_function_at(i, &f); i++) {
        open_row(&l);
        text(&l, "name", f.name);
        number(&l, "operands", f.operands);
        number(&l, "flops", f.flops);
        number(&l, "flops_gradient", f.slope_flops);
        close_row(&l);
    }
    return end(&l);
}
