/* count_many.c: several models side by side: their bills, then the forward products by part, with shares.
 *
 * Parts are recognised by the modules that the products stand in; what is none of them is a line of its own. */
#include "count.h"
#include <string.h>

static void heads_of(const struct counting *k, char *heads, size_t room, char *align)
{
    heads[0] = '\0';
    align[0] = 'l';
    for (int i = 0; i < k->n; i++) {
        size_t used = strlen(heads);
        (void)snprintf(heads + used, room - used, "|%.60s", rk_model_name(k->all[i].model));
        for (char *bar = strchr(heads + used + 1, '|'); bar != NULL; bar = strchr(bar, '|')) *bar = '/';
        align[1 + i] = 'r';
    }
    align[1 + k->n] = '\0';
}

void print_many(struct counting *k)
{
    char heads[2048], align[MOST_MODELS + 2];
    int n;
    const struct line *lines = count_lines(k, &n);
    heads_of(k, heads, sizeof heads, align);
    struct table *t = table_new(k->c, heads, align);
    for (const struct line *line = lines; line < lines + n; line++) {
        if (!line_shown(k, line, lines + n)) continue;
        table_cell(t, "%s", line->words);
        for (int i = 0; i < k->n; i++) table_cell(t, "%s", line->unit == PART ? "" : say_count(number_of(k->all[i].bill, line->entry)).at);
    }
    table_print(t);
}

/* --- by part --- */

/* The last name of a module's path decides; the first row that fits. "*": anything. */
static const struct part { const char *words, *names; } parts[] = {
    { "  embeddings",             "embed position segment" },
    { "  queries, keys, values",  "qkv q k v kv" },
    { "  scores and their values", "attn cross" },
    { "  attention's output",     "out" },
    { "  feed-forward",           "mlp up down gate plain" },
    { "  head",                   "head pooler nsp" },
    { "  norms",                  "norm norm1 norm2 norm3" },
    { "  other",                  "*" },
};
_Static_assert(sizeof parts / sizeof *parts == PARTS, "count.h says how many parts there are");

static bool word_of(const char *words, const char *name)
{
    for (size_t n; *words != '\0'; words += n + strspn(words + n, " ")) {
        n = strcspn(words, " ");
        if (words[0] == '*' || (strlen(name) == n && memcmp(words, name, n) == 0)) return true;
    }
    return false;
}

/* A product of the hidden state that stands in attention itself makes queries, keys or values: a family's one matrix in parts. */
int part_of(const char *module, const char *label)
{
    const char *dot = strrchr(module, '.'), *name = dot != NULL ? dot + 1 : module;
    int i = 0;
    if (strncmp(label, "b t d,", 6) == 0 && word_of("attn cross", name)) name = "qkv";
    if (strncmp(module, "head", 4) == 0 && (module[4] == '\0' || module[4] == '.')) name = "head";
    while (!word_of(parts[i].names, name)) i++;
    return i;
}

const char *part_words(int part) { return parts[part].words + strspn(parts[part].words, " "); }

static void sums_of(const rk_bill *bill, const char *entry, uint64_t sum[PARTS])
{
    memset(sum, 0, PARTS * sizeof *sum);
    for (int i = 0; i < rk_bill_reasons(bill, entry); i++) {
        rk_bill_reason r = rk_bill_reason_at(bill, entry, i);
        sum[part_of(r.module, r.label)] += r.number;
    }
}

static void print_parts_of(struct counting *k, const char *entry, const char *words)
{
    uint64_t sum[MOST_MODELS][PARTS];
    char heads[2048], align[MOST_MODELS + 2], share[16];
    heads_of(k, heads, sizeof heads, align);
    struct table *t = table_new(k->c, heads, align);
    for (int i = 0; i < k->n; i++) sums_of(k->all[i].bill, entry, sum[i]);
    for (int p = 0; p < PARTS; p++) {
        bool some = false;
        for (int i = 0; i < k->n; i++) some = some || sum[i][p] > 0;
        if (!some) continue;
        table_cell(t, "%s", parts[p].words);
        for (int i = 0; i < k->n; i++) {
            uint64_t whole = number_of(k->all[i].bill, entry);
            (void)snprintf(share, sizeof share, "%6.2f %%", whole > 0 ? 100 * (double)sum[i][p] / (double)whole : 0);
            table_cell(t, "%s  %s", say_count(sum[i][p]).at, share);
        }
    }
    (void)fprintf(k->c->out, "\n%s\n", words);
    table_print(t);
}

void print_parts(struct counting *k)
{
    print_parts_of(k, "parameters", "parameters by part");
    print_parts_of(k, "flops.forward", "FLOPs of the forward products by part");
}
