/* load.c: see load.h. Told before the verdict, so that with --verbose every name is there that makes a load fail. */
#include "load.h"
#include <stdlib.h>
#include <string.h>

struct load { rk_loaded told; char *texts[4]; };

static void keep(struct cli *c, const rk_loaded *told)
{
    load_free(c);
    struct load *l = c->load = cli_take(sizeof *l);
    l->told = *told;
    l->told.path = l->texts[0] = cli_copy(told->path);
    l->told.format = l->texts[1] = cli_copy(told->format);
    l->told.dtypes = l->texts[2] = cli_copy(told->dtypes);
    l->told.notes = l->texts[3] = cli_copy(told->notes);
}

void load_free(struct cli *c)
{
    if (c->load == NULL) return;
    for (int i = 0; i < 4; i++) free(c->load->texts[i]);
    free(c->load);
    c->load = NULL;
}

/* ", 12 ignored", where there are any. */
static void add(char *line, size_t room, uint64_t n, const char *before, const char *words)
{
    size_t used = strlen(line);
    if (n > 0) (void)snprintf(line + used, room - used, "%s%s %s", before, say_count(n).at, words);
}

static void tell_line(struct cli *c, const rk_loaded *l)
{
    char line[512];
    (void)snprintf(line, sizeof line, "%s tensor%s used (%s, %s", say_count(l->used).at, l->used == 1 ? "" : "s", say_bytes(l->bytes).at, l->dtypes[0] != '\0' ? l->dtypes : "none");
    add(line, sizeof line, l->converted, "; ", "converted");
    add(line, sizeof line, l->turned, "; ", "turned");
    (void)strncat(line, ")", sizeof line - strlen(line) - 1);
    add(line, sizeof line, l->tied, ", ", "tied");
    add(line, sizeof line, l->ignored, ", ", "ignored");
    add(line, sizeof line, l->computed, ", ", "computed");
    add(line, sizeof line, l->missing, ", ", "MISSING");
    add(line, sizeof line, l->misshapen, ", ", "MISSHAPEN");
    add(line, sizeof line, l->unexpected, ", ", "LEFT OVER");
    cli_note(c, "%s: %s", l->path, line);
}

/* A command may open the same weights twice, for another purpose: that need not be told again. */
static bool same(const rk_loaded *a, const rk_loaded *b)
{
    return strcmp(a->path, b->path) == 0 && a->bytes == b->bytes && a->used == b->used && a->missing == b->missing && a->unexpected == b->unexpected && strcmp(a->notes, b->notes) == 0;
}

void load_told(void *user, const rk_loaded *l)
{
    struct cli *c = user;
    bool again = c->load != NULL && same(&c->load->told, l);
    keep(c, l);
    if (again || (c->json && !c->verbose)) return;
    tell_line(c, l);
    for (const char *at = l->notes; c->verbose && *at != '\0';) {
        int n = (int)strcspn(at, "\n");
        cli_note(c, "  %.*s", n, at);
        at += n + (at[n] == '\n');
    }
}

static void notes_json(const char *notes, struct json *j)
{
    json_array(j, "notes");
    while (*notes != '\0') {
        size_t n = strcspn(notes, "\n");
        json_bytes(j, NULL, notes, n);
        notes += n + (notes[n] == '\n');
    }
    json_end(j);
}

void load_json(struct cli *c, struct json *j)
{
    if (c->load == NULL) return;
    const rk_loaded *l = &c->load->told;
    json_object(j, "loaded");
    json_text(j, "path", l->path);
    json_text(j, "format", l->format);
    json_text(j, "dtypes", l->dtypes);
    json_uint(j, "bytes", l->bytes);
    json_uint(j, "tensors", l->tensors);
    json_uint(j, "used", l->used);
    json_uint(j, "converted", l->converted);
    json_uint(j, "turned", l->turned);
    json_uint(j, "tied", l->tied);
    json_uint(j, "ignored", l->ignored);
    json_uint(j, "computed", l->computed);
    notes_json(l->notes, j);
    json_end(j);
}
