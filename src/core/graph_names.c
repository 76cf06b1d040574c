/* graph_names.c: the names that a graph is built over: dimensions, how they relate, and the tree of modules. Not here: nodes
 * (graph.c). */
#include "core/graph.h"
#include <stdio.h>
#include <string.h>

/* --- dimensions --- */

static bool is_name(const char *s)
{
    if (*s == '\0') return false;
    for (; *s != '\0'; s++)
        if (!(*s == '_' || (*s >= '0' && *s <= '9') || (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z'))) return false;
    return true;
}

static rk_status dim_add(rk_ctx *ctx, rk_graph *g, const char *name, char letter, int64_t size, bool live, rk_dim *out)
{
    struct dim_info d = { NULL, letter, size, live };
    if (strlen(name) > LONGEST_DIM_NAME) return FAIL(RK_E_LIMIT, "the name of a dimension has %zu characters, at most %d: %.16s...", strlen(name), LONGEST_DIM_NAME, name);
    if (!is_name(name)) return FAIL(RK_E_ARG, "\"%s\" cannot name a dimension: letters, digits and _ only", name);
    if (graph_dim(g, name, strlen(name)) != 0) return FAIL(RK_E_ARG, "dimension %s is declared twice", name);
    if (size < 0 || size >> LARGEST_EXTENT_BITS != 0) return FAIL(RK_E_LIMIT, "dimension %s has size %lld; sizes lie within 0 .. 2^%d", name, (long long)size, LARGEST_EXTENT_BITS);
    TRY(arena_text(ctx, &g->arena, name, strlen(name), &d.name));
    VEC_PUSH(&g->dims, d);
    *out = g->dims.n - 1;
    return map_put(ctx, &g->dim_names, d.name, strlen(d.name), *out);
}

static rk_dim dim_new(rk_graph *g, const char *name, char letter, int64_t size, bool live)
{
    rk_dim d = 0;
    if (graph_broken(g)) return 0;
    rk_status status = dim_add(g->ctx, g, name, letter, size, live, &d);
    if (status != RK_OK) graph_mistake(g, status);
    return status == RK_OK ? d : 0;
}

rk_dim rk_dim_new(rk_graph *g, const char *name, char letter, int64_t size) { return dim_new(g, name, letter, size, false); }
rk_dim rk_dim_live(rk_graph *g, const char *name, char letter, int64_t bound) { return dim_new(g, name, letter, bound, true); }

rk_dim graph_dim(const rk_graph *g, const char *name, size_t length)
{
    int d;
    return map_get(&g->dim_names, name, length, &d) ? d : 0;
}

rk_status graph_dims(rk_ctx *ctx, const rk_graph *g, const char *names, int most, int *n, rk_dim *dims)
{
    *n = 0;
    for (const char *s = names + strspn(names, " "); *s != '\0'; s += strspn(s, " ")) {
        size_t length = strcspn(s, " ");
        rk_dim d = graph_dim(g, s, length);
        if (d == 0) return FAIL(RK_E_UNKNOWN, "\"%s\": no dimension is named \"%.*s\"", names, (int)length, s);
        if (*n == most) return FAIL(RK_E_LIMIT, "\"%s\": more than %d dimensions", names, most);
        dims[(*n)++] = d;
        s += length;
    }
    return RK_OK;
}

static rk_status relate(rk_ctx *ctx, rk_graph *g, const char *names, int64_t times, const char *names_of)
{
    struct dim_relation r = { .times = times };
    TRY(graph_dims(ctx, g, names, 4, &r.n, r.of));
    TRY(graph_dims(ctx, g, names_of, 4, &r.n_is, r.is));
    int64_t left = 1, right = times;
    for (int i = 0; i < r.n; i++)
        if (!extent_mul(left, dim_size(g, r.of[i]), &left)) return FAIL(RK_E_LIMIT, "the sizes of %s overflow", names);
    for (int i = 0; i < r.n_is; i++)
        if (!extent_mul(right, dim_size(g, r.is[i]), &right)) return FAIL(RK_E_LIMIT, "the sizes of %s overflow", names_of);
    if (left != right) return FAIL(RK_E_SHAPE, "%s is %lld, not %lld times %s = %lld", names, (long long)left, (long long)times, names_of, (long long)right);
    VEC_PUSH(&g->relations, r);
    return RK_OK;
}

void rk_dim_relate(rk_graph *g, const char *names, int64_t times, const char *names_of)
{
    if (graph_broken(g)) return;
    rk_status status = relate(g->ctx, g, names, times, names_of);
    if (status != RK_OK) graph_mistake(g, status);
}

int graph_find_axis(const struct node *n, rk_dim dim)
{
    for (int i = 0; i < n->rank; i++)
        if (n->dim[i] == dim) return i;
    return -1;
}

/* --- the module tree --- */

/* Paths of a graph that this one is like have no names yet: most such graphs are never asked. */
static rk_status name_paths(rk_ctx *ctx, rk_graph *g)
{
    for (; g->paths_named < g->paths.n; g->paths_named++) {
        const char *path = g->paths.at[g->paths_named];
        TRY(map_put(ctx, &g->path_names, path, strlen(path), g->paths_named));
    }
    return RK_OK;
}

static rk_status path_set(rk_ctx *ctx, rk_graph *g, const char *path, size_t length)
{
    const char *kept;
    int id;
    TRY(name_paths(ctx, g));
    if (map_get(&g->path_names, path, length, &id)) {
        g->path = id;
        return RK_OK;
    }
    TRY(arena_text(ctx, &g->arena, path, length, &kept));
    VEC_PUSH(&g->paths, kept);
    g->path = g->paths.n - 1;
    return name_paths(ctx, g);
}

/* Named by the hundred in a deep model: no printf here. */
size_t path_below(const rk_graph *g, const char *name, char *path, size_t room)
{
    const char *above = g->paths.at[g->path];
    size_t before = strlen(above), length = strlen(name), dot = before > 0, n = before + dot + length;
    if (n >= room) {
        (void)snprintf(path, room, "%s.%s", above, name);
        return n;
    }
    memcpy(path, above, before);
    if (dot) path[before] = '.';
    memcpy(path + before + dot, name, length + 1);
    return n;
}

void rk_enter(rk_graph *g, const char *module)
{
    char path[512];
    if (graph_broken(g)) return;
    rk_ctx *ctx = g->ctx;
    size_t n = path_below(g, module, path, sizeof path);
    rk_status status = n < sizeof path ? path_set(ctx, g, path, n) : FAIL(RK_E_LIMIT, "a module path longer than %zu bytes", sizeof path);
    if (status != RK_OK) graph_mistake(g, status);
}

void rk_leave(rk_graph *g)
{
    if (graph_broken(g)) return;
    const char *path = g->paths.at[g->path], *dot = strrchr(path, '.');
    g->path = 0;
    if (dot == NULL) return;
    rk_status status = path_set(g->ctx, g, path, (size_t)(dot - path));
    if (status != RK_OK) graph_mistake(g, status);
}
