/* reckon list: what there is: presets as a ladder of sizes, dtypes, families and their fields, operations, functions.
 *
 * Not here: how the tables of the library are printed (list_tables.c). */
#include "list_tables.h"
#include "model.h"
#include "out.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- presets --- */

struct preset { const char *name, *family, *title; uint64_t parameters; };
struct presets { struct preset *at; size_t room; int n; };

static int measure(struct cli *c, struct preset *p)
{
    rk_model *m = NULL;
    rk_family family;
    int code;
    CLI_GO(c, rk_model_open(c->ctx, p->name, &m));
    CLI_GO(c, rk_model_parameters(m, &p->parameters));
    for (int i = 0; rk_family_at(i, &family); i++)                  /* the model's texts die with it */
        if (strcmp(family.name, rk_model_family(m)) == 0) p->family = family.name, p->title = family.title;
out:
    rk_model_close(m);
    return code;
}

static int by_size(const void *a, const void *b)
{
    const struct preset *p = a, *q = b;
    if (p->parameters != q->parameters) return p->parameters < q->parameters ? -1 : 1;
    return strcmp(p->name, q->name);
}

/* A bar of up to `columns` cells, eight steps each; its length goes with the logarithm, from the smallest on. */
static void draw_bar(char *to, size_t room, double part, int columns)
{
    static const char *const eighths[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
    int steps = (int)(part * columns * 8 + 0.5);
    size_t used = 0;
    to[0] = '\0';
    for (; steps >= 8 && used < room; steps -= 8) used += (size_t)snprintf(to + used, room - used, "█");
    if (used < room) (void)snprintf(to + used, room - used, "%s", eighths[steps]);
}

static void print_ladder(struct cli *c, const struct presets *all)
{
    enum { BAR = 24 };
    struct table *t = table_new(c, "preset|family|parameters|f16|size, by its logarithm", "llrrl");
    double low = log((double)all->at[0].parameters), high = log((double)all->at[all->n - 1].parameters);
    for (int i = 0; i < all->n; i++) {
        const struct preset *p = &all->at[i];
        char bar[BAR * 4 + 8];
        draw_bar(bar, sizeof bar, high > low ? (1 + (BAR - 1) * (log((double)p->parameters) - low) / (high - low)) / BAR : 1, BAR);
        table_cell(t, "%s", p->name);
        table_cell(t, "%s", p->title);
        table_cell(t, "%s", say_count(p->parameters).at);
        table_cell(t, "%s", say_bytes(2 * p->parameters).at);
        table_cell(t, "%s", bar);
    }
    table_print(t);
}

static void json_presets(struct cli *c, const struct presets *all)
{
    struct json j;
    list_json_begin(c, &j, "presets");
    for (int i = 0; i < all->n; i++) {
        json_object(&j, NULL);
        json_text(&j, "name", all->at[i].name);
        json_text(&j, "family", all->at[i].family);
        json_uint(&j, "parameters", all->at[i].parameters);
        json_uint(&j, "bytes_f16", 2 * all->at[i].parameters);
        json_end(&j);
    }
    list_json_end(&j);
}

static int list_presets(struct cli *c)
{
    struct presets all = { NULL, 0, 0 };
    const char *name;
    int code = CLI_OK;
    for (int i = 0; code == CLI_OK && (name = rk_model_preset(i)) != NULL; i++) {
        all.at = cli_grow(all.at, &all.room, (size_t)all.n + 1, sizeof *all.at);
        all.at[all.n].name = name;
        code = measure(c, &all.at[all.n++]);
    }
    if (code == CLI_OK) {
        qsort(all.at, (size_t)all.n, sizeof *all.at, by_size);
        if (c->json) json_presets(c, &all);
        else print_ladder(c, &all);
    }
    free(all.at);
    return code;
}

/* --- which list --- */

static const struct list { const char *name, *words; int (*print)(struct cli *c); } lists[] = {
    { "presets",   "models that have a name, by size",                        list_presets },
    { "dtypes",    "what a number can be: bits, range, precision",            list_dtypes },
    { "families",  "architectures",                                           list_families },
    { "fields",    "sizes and switches of a family: fields FAMILY or PRESET", list_fields },
    { "ops",       "operations of a graph",                                   list_ops },
    { "functions", "elementwise functions and their prices",                  list_functions },
    { "devices",   "machines for count --device: peaks, memory, bandwidth",   list_devices },
};
enum { LISTS = sizeof lists / sizeof *lists };

static const char *complete(int i) { return i < LISTS ? lists[i].name : NULL; }

static int run(struct cli *c)
{
    const char *name = c->n_args > 0 ? c->args[0] : "presets";
    struct near near;
    near_begin(&near, name);
    for (int i = 0; i < LISTS; i++) {
        if (strcmp(lists[i].name, name) != 0) { near_try(&near, lists[i].name); continue; }
        if (c->n_args > 1 && lists[i].print != list_fields) return cli_usage(c, "one argument too many: %s", c->args[1]);
        return lists[i].print(c);
    }
    return cli_fail(c, CLI_USAGE, near.n > 0 ? near_words(&near, "") : "lists: presets, dtypes, families, fields, ops, functions, devices", "there is no list \"%s\"", name);
}

static const struct example examples[] = {
    { "list",                  "the presets, by size", NULL },
    { "list --json",           "the same, for a program", NULL },
    { "list dtypes",           "range and precision of every dtype, and who multiplies matrices of it", NULL },
    { "list fields gpt2",      "what can stand behind the colon of gpt2:n_layer=6", NULL },
    { "list functions --json", "elementwise functions, with their prices", NULL },
    { "list devices",          "machines by name: peaks by dtype, memory, bandwidth", NULL },
    { 0 }
};

const struct command cmd_list = {
    .name = "list", .arguments = "[WHAT] [FAMILY]", .purpose = "what there is: presets, dtypes, families, fields, ops, functions, devices", .examples = examples,
    .complete = complete, .json = true, .whole = true, .run = run,
    .notes = "WHAT is presets (unless said otherwise), dtypes, families, fields, ops, functions or devices. The name of a preset stands for sizes, not for "
             "weights. Sizes of one's own: reckon show gpt2:n_layer=6,n_embd=384,n_head=6; `reckon list fields gpt2` says which there are.",
};
