/* reckon check: a description held against a checkpoint's headers, to the byte: what every byte is, and what does not fit. */
#include "model.h"
#include "out.h"
#include <stdlib.h>
#include <string.h>

enum { FEW = 12 };                      /* rows of one kind of trouble that are shown without --all */

static const struct option options[] = {
    { "all", 'a', OPT_FLAG, NULL, NULL, "every tensor that is trouble; without it, a dozen of each kind" },
    { 0 }
};

/* A row kept until it is printed; troubles beyond the first few are only counted. */
struct kept { rk_check_row row; int64_t shape[RK_MAX_RANK]; char *name, *text; };
struct report { struct cli *c; struct kept *rows; size_t n, room; int count[RK_CHECK_COUNT]; bool all; };

static bool keep(void *user, const rk_check_row *row)
{
    struct report *r = user;
    if (r->count[row->finding]++ >= FEW && !r->all && rk_finding_is_trouble(row->finding)) return !cli_cancelled(r->c);
    r->rows = cli_grow(r->rows, &r->room, r->n + 1, sizeof *r->rows);
    struct kept *k = &r->rows[r->n++];
    *k = (struct kept){ .row = *row, .name = cli_copy(row->name), .text = cli_copy(row->text) };
    for (int i = 0; i < row->rank; i++) k->shape[i] = row->shape[i];
    return !cli_cancelled(r->c);
}

static void free_rows(struct report *r)
{
    for (size_t i = 0; i < r->n; i++) {
        free(r->rows[i].name);
        free(r->rows[i].text);
    }
    free(r->rows);
}

/* " [2 3]", or nothing where there is no one shape. */
static const char *shape_text(const struct kept *k, char text[256])
{
    int n = 0;
    text[0] = '\0';
    for (int i = 0; i < k->row.rank; i++) n += snprintf(text + n, 256 - (size_t)n, "%s%lld", i == 0 ? "[" : " ", (long long)k->shape[i]);
    if (k->row.rank >= 0) (void)snprintf(text + n, 256 - (size_t)n, "%s", k->row.rank == 0 ? "[]" : "]");
    return text;
}

/* --- what the bytes are --- */

static bool is_part(const struct kept *k) { return k->row.finding == RK_CHECK_PARAMETERS || k->row.finding == RK_CHECK_TIES || k->row.finding == RK_CHECK_BUFFERS; }

static void print_line(struct table *t, const char *what, const struct kept *k)
{
    char shape[256];
    table_cell(t, "%s%s%s", what, k->name[0] != '\0' ? " " : "", k->name);
    table_cell(t, "%s", rk_dtype_name(k->row.dtype));
    table_cell(t, "%s", say_count(k->row.tensors).at);
    table_cell(t, "%s", say_count(k->row.numbers).at);
    table_cell(t, "%s", say_count(k->row.bytes).at);
    (void)shape_text(k, shape);
    if (k->row.finding == RK_CHECK_BUFFERS && shape[0] != '\0') table_cell(t, "%s x %s, %s each: %s", say_count(k->row.tensors).at, shape, say_bytes(k->row.bytes / k->row.tensors).at, k->text);
    else table_cell(t, "%s", k->text);
}

static void print_rest(struct table *t, const char *what, uint64_t bytes, const char *text)
{
    table_cell(t, "%s", what);
    for (int i = 0; i < 3; i++) table_cell(t, "%s", "");
    table_cell(t, "%s", say_count(bytes).at);
    table_cell(t, "%s", text);
}

static void print_bytes(struct report *r, const rk_checked *result)
{
    struct table *t = table_new(r->c, "what|dtype|tensors|numbers|bytes|", "llrrrw");
    int files = r->count[RK_CHECK_FILE];
    char words[64];
    for (size_t i = 0; i < r->n; i++) {
        if (is_part(&r->rows[i])) print_line(t, rk_finding_words(r->rows[i].row.finding), &r->rows[i]);
    }
    if (result->wrong_bytes > 0) print_rest(t, "tensors that are trouble", result->wrong_bytes, "");
    if (result->left_bytes > 0) print_rest(t, "left over", result->left_bytes, "arrays that are none of these tensors: an optimizer's state, for one");
    print_rest(t, "headers", result->header_bytes, "names, shapes, padding");
    table_rule(t);
    (void)snprintf(words, sizeof words, files == 1 ? "the file" : "%d files", files);
    print_rest(t, words, result->file_bytes, say_bytes(result->file_bytes).at);
    table_print(t);
}

/* --- troubles and notes --- */

static void print_troubles(struct report *r, rk_finding f)
{
    char shape[256];
    int shown = 0;
    if (r->count[f] == 0) return;
    (void)fprintf(r->c->out, "\n%s: %s\n", rk_finding_words(f), say_count((uint64_t)r->count[f]).at);
    for (size_t i = 0; i < r->n; i++) {
        const struct kept *k = &r->rows[i];
        if (k->row.finding != f) continue;
        (void)fputs("  ", r->c->out);
        text_put(r->c->out, k->name, (int)strlen(k->name));
        (void)fprintf(r->c->out, "%s%s%s", k->row.rank >= 0 ? " " : "", shape_text(k, shape), k->text[0] != '\0' ? ": " : "");
        text_put(r->c->out, k->text, (int)strlen(k->text));
        (void)fputc('\n', r->c->out);
        shown++;
    }
    if (shown < r->count[f]) (void)fprintf(r->c->out, "  and %s more: --all\n", say_count((uint64_t)(r->count[f] - shown)).at);
}

/* "f16 1,011,782,144 = 1,011,781,632 parameters + 512 buffers": what others' counts by dtype are made of. */
static void print_sums(struct report *r)
{
    for (size_t i = 0; i < r->n; i++) {
        const struct kept *all = &r->rows[i];
        const char *sign = "=";
        if (all->row.finding != RK_CHECK_ALL || strchr(all->text, '+') == NULL) continue;
        (void)fprintf(r->c->out, "%s: %s", rk_dtype_name(all->row.dtype), say_count(all->row.numbers).at);
        for (size_t k = 0; k < r->n; k++) {
            const struct kept *part = &r->rows[k];
            if (!is_part(part) || part->row.dtype != all->row.dtype) continue;
            (void)fprintf(r->c->out, " %s %s %s", sign, say_count(part->row.numbers).at, part->row.finding == RK_CHECK_PARAMETERS ? "parameters" : part->name);
            sign = "+";
        }
        (void)fputc('\n', r->c->out);
    }
}

static void print_all(struct report *r, const rk_model *m, const rk_checked *result)
{
    struct cli *c = r->c;
    text_put(c->out, rk_model_name(m), (int)strlen(rk_model_name(m)));
    (void)fprintf(c->out, ": %s, %s parameters\n\n", rk_model_title(m), say_count(result->described).at);
    print_bytes(r, result);
    print_sums(r);
    for (rk_finding f = 0; f < RK_CHECK_COUNT; f++)
        if (rk_finding_is_trouble(f)) print_troubles(r, f);
    if (r->count[RK_CHECK_NOTE] > 0) (void)fputc('\n', c->out);
    for (size_t i = 0; i < r->n; i++)
        if (r->rows[i].row.finding == RK_CHECK_NOTE) {
            text_put(c->out, r->rows[i].text, (int)strlen(r->rows[i].text));
            (void)fputc('\n', c->out);
        }
    if (result->troubles == 0) (void)fprintf(c->out, "\nevery byte is explained: description and files agree\n");
    else (void)fprintf(c->out, "\ndescription and files do NOT agree: %s\n", say_count((uint64_t)result->troubles).at);
}

/* --- JSON --- */

static void json_row(struct json *j, const struct kept *k)
{
    json_object(j, NULL);
    json_text(j, "finding", rk_finding_words(k->row.finding));
    if (k->name[0] != '\0') json_text(j, "name", k->name);
    if (k->text[0] != '\0') json_text(j, "text", k->text);
    if (k->row.has_dtype) json_text(j, "dtype", rk_dtype_name(k->row.dtype));
    if (k->row.rank >= 0) {
        json_array(j, "shape");
        for (int i = 0; i < k->row.rank; i++) json_int(j, NULL, k->shape[i]);
        json_end(j);
    }
    if (k->row.tensors > 0) {
        json_uint(j, "tensors", k->row.tensors);
        json_uint(j, "numbers", k->row.numbers);
    }
    if (k->row.bytes > 0 || k->row.tensors > 0) json_uint(j, "bytes", k->row.bytes);
    if (k->row.finding == RK_CHECK_FILE) json_uint(j, "header", k->row.header);
    json_end(j);
}

static void print_json(const struct report *r, const rk_model *m, const rk_checked *x)
{
    const struct { const char *key; uint64_t bytes; } bytes[] = {
        { "files", x->file_bytes }, { "headers", x->header_bytes }, { "parameters", x->parameter_bytes }, { "ties", x->tie_bytes },
        { "buffers", x->buffer_bytes }, { "trouble", x->wrong_bytes }, { "left", x->left_bytes },
    };
    struct json j;
    json_begin(&j, r->c->out);
    json_object(&j, NULL);
    json_text(&j, "schema", "reckon.check/1");
    json_text(&j, "model", rk_model_name(m));
    json_text(&j, "family", rk_model_family(m));
    json_bool(&j, "explained", x->troubles == 0);
    json_int(&j, "troubles", x->troubles);
    json_uint(&j, "parameters", x->described);
    json_uint(&j, "parameters_found", x->found);
    json_object(&j, "bytes");
    for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++) json_uint(&j, bytes[i].key, bytes[i].bytes);
    json_end(&j);
    json_array(&j, "rows");
    for (size_t i = 0; i < r->n; i++) json_row(&j, &r->rows[i]);
    json_end(&j);
    json_end(&j);
}

static int run(struct cli *c)
{
    struct report r = { .c = c, .all = c->json || cli_flag(c, "all") };
    rk_model *m = NULL;
    rk_checked result;
    int code;
    cli_watch();
    code = model_in_folder(c, &m);
    if (code != CLI_OK) goto out;
    CLI_GO(c, rk_model_check(m, keep, &r, &result));
    if (c->json) print_json(&r, m, &result);
    else print_all(&r, m, &result);
    code = result.troubles == 0 ? CLI_OK : CLI_NO;
out:
    free_rows(&r);
    rk_model_close(m);
    return code;
}

static const struct example examples[] = {
    { "check model",           "model holds config.json and model.safetensors", "model/model.safetensors" },
    { "check model --json",    "the same, every row, for a program", "model/model.safetensors" },
    { 0 }
};

const struct command cmd_check = {
    .name = "check", .arguments = "MODEL", .purpose = "do description and weights agree? to the byte, by headers alone", .options = options, .examples = examples,
    .json = true, .whole = true, .run = run,
    .notes = "The files are the sum of their headers, of parameters, of second names of parameters, and of buffers that are known and ignored. What is missing, "
             "of another shape, or of no use is listed, with the fields that would make it fit. No weight is read. The exit code is 1 where something "
             "does not fit.",
};
