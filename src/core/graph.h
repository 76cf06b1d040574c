/* graph.h: the graph from the inside.
 *
 * Ids are dense and operands precede results: id order is a schedule. A node says only what it means; what a pass learns
 * lives in that pass's own table, indexed by id. */
#ifndef CORE_GRAPH_H
#define CORE_GRAPH_H
#include "base/arena.h"
#include "base/map.h"
#include "base/str.h"
#include "base/vec.h"
#include "core/layout.h"
#include "reckon/graph.h"

struct opdef;

enum { MOST_OPERANDS = 16, LARGEST_EXTENT_BITS = 48, LONGEST_DIM_NAME = 60 };      /* RK_MAX_RANK names fit into a dims_text */

/* What an op needs besides its operands; each op's file says what its fields are. */
struct attributes { int64_t i[4]; double f[2]; };

struct node {
    const struct opdef *op;
    rk_dtype dtype;
    int rank;
    rk_dim dim[RK_MAX_RANK];
    int arity;
    const rk_ref *in;
    const char *text;                       /* equation, function, or the name of a source; "" if none */
    struct attributes at;
    int path;                               /* into g->paths: the module it stands in */
    int times;                              /* how many equal nodes it stands for: 1, but in a graph for counting (pass/shorten) */
    int alike;                              /* each of them for so many of one block: 1, but in an optimizer's for counting (price_update) */
    bool shared;                            /* in such a graph: each of those for whom one stands reads it */
};

struct dim_info { const char *name; char letter; int64_t size; bool live; };
struct dim_relation { int n; rk_dim of[4]; int64_t times; int n_is; rk_dim is[4]; };   /* Π of = times · Π is */
struct dim_extent { const char *dim; int64_t size; };
struct named_ref { const char *name; rk_ref ref; };

struct rk_graph {
    rk_ctx *ctx;
    struct arena arena;
    VEC(struct dim_info) dims;              /* [0] is none */
    VEC(struct dim_relation) relations;
    VEC(struct node) nodes;                 /* [0] is poison */
    VEC(const char *) paths;                /* [0] is the root, "" */
    VEC(struct named_ref) outputs;
    struct map dim_names, path_names;
    struct map sources[RK_KIND_COUNT + 1];  /* states by kind, then inputs: name -> id */
    int path, times, alike;                 /* where the next nodes stand, and for how many each */
    int paths_named;                        /* that path_names has; the rest when it is first asked */
    bool sealed;
    rk_status status;
    char message[ERROR_TEXT], hint[ERROR_HINT];
};

static inline const struct node *node_of(const rk_graph *g, rk_ref r) { return &g->nodes.at[r]; }
static inline int64_t dim_size(const rk_graph *g, rk_dim d) { return g->dims.at[d].size; }
static inline const char *dim_name(const rk_graph *g, rk_dim d) { return g->dims.at[d].name; }
static inline rk_ref operand_of(const rk_graph *g, rk_ref r, int i) { return g->nodes.at[r].in[i]; }

/* Adds a node and asks its op for the shape. `draft` has op, arity, in (borrowed: copied here), text (copied), at. Returns 0
 * and keeps the mistake when an operand is 0 or the op refuses. */
rk_ref  graph_add(rk_graph *g, struct node draft);
rk_status graph_like(rk_ctx *ctx, const rk_graph *from, rk_graph **to) RK_CHECK;        /* empty, but for the same dims (ids), relations and paths (ids) */
rk_ref  graph_repeat(rk_graph *to, const rk_graph *from, rk_ref r, const rk_ref *map);  /* the node r of `from`, operands through map[id], path and times kept */
bool    graph_fits(const rk_graph *g, const struct node *n);   /* it has no more elements than a value may have */
bool    graph_broken(const rk_graph *g);                     /* a mistake was made, or the graph is sealed */
void    graph_mistake(rk_graph *g, rk_status status);        /* keeps the context's last error, if it is the first here */
size_t  path_below(const rk_graph *g, const char *name, char *path, size_t room);     /* "h.3.attn.NAME" in h.3.attn, cut to fit; its whole length */
rk_dim  graph_dim(const rk_graph *g, const char *name, size_t length);                  /* 0: none of that name */
rk_status graph_dims(rk_ctx *ctx, const rk_graph *g, const char *names, int most, int *n, rk_dim *dims) RK_CHECK;
int     graph_find_axis(const struct node *n, rk_dim dim);   /* -1: not there */
rk_status graph_text(rk_ctx *ctx, const rk_graph *g, rk_ref r, struct str *out) RK_CHECK;   /* "f32 [batch seq hidden]" */
rk_ref  graph_find_source(const rk_graph *g, const struct opdef *op, int64_t kind, const char *name);   /* 0: none */
rk_ref  graph_find_output(const rk_graph *g, const char *name);
/* In which dtype gradients of a value are made and added up: of what was rounded, that of before; of a parameter, what the graph
 * says of it (op/state.c); of a view, that of what it shows; else its own. So a weight's gradient is never rounded on its way. */
rk_dtype graph_gradient_dtype(const rk_graph *g, rk_ref r);

/* What an einsum's text says, over the dims of one graph. Tokens are bound to dims in the order of the operands. */
struct equation {
    int n_names;
    struct { const char *at; int length; rk_dim dim; bool in[2], out; } name[2 * RK_MAX_RANK];
    int rank[3];                            /* of both operands and the result */
    int axis[3][RK_MAX_RANK];               /* name index per axis */
};
rk_status equation_parse(rk_ctx *ctx, const char *text, struct equation *q) RK_CHECK;
rk_status equation_bind(rk_ctx *ctx, const rk_graph *g, const char *text, struct equation *q, int operand, const struct node *n) RK_CHECK;

#endif
