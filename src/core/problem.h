/* problem.h: what a kernel is asked, and what a kernel is.
 *
 * Thinking (pass/lower) makes problems of nodes: layouts with sizes, no addresses. A back end is a list of kernels that may
 * accept one; the first in the chain that does, gets it. */
#ifndef CORE_PROBLEM_H
#define CORE_PROBLEM_H
#include "core/graph.h"
#include "core/program.h"

struct operand { rk_ref ref; rk_dtype dtype; struct layout at; };   /* at.offset is relative to the operand's address */

struct problem {
    const rk_graph *g;
    const struct opdef *op;                 /* of the first node; op_map for a group of elementwise nodes */
    const struct node *node;                /* the first node: text and attributes */
    rk_ref first;                           /* its id */
    int n_nodes;
    const rk_ref *nodes;                    /* all nodes of the group, ascending */
    int n_in, n_out;
    struct operand *in, *out;               /* in a plan, as many as there are; while it is being stated, in a problem_room.
                                             * gradients: the operands of the op, its result, the gradient of its result; what the
                                             * gradient does not depend on (adjoint_reads) has no address */
    int out_role[MOST_PROBLEM_RESULTS];     /* groups: 0 = the fused op's own result, 1 + i = its gradient for operand i */
    const struct program *program;          /* map groups only */
    bool accumulate;                        /* out[0] += instead of out[0] = */
    bool bias;                              /* the last operand is none of the op's: it is added to the result, over some of its dims, after the sum */
    bool live;                              /* some size changes from run to run */
    const void *machine;                    /* of the back end: which BLAS, which race was won */
};

/* The gradients of a fused operation are a problem of their own: is it one; and the node of the operation itself, whose attributes both read. */
bool problem_is_adjoint(const struct problem *p);
const struct node *problem_operation(const struct problem *p);

/* Room for the operands of any problem: 7 KB, which a plan of thousands of steps does not keep. */
struct problem_room { struct operand in[MOST_PROBLEM_OPERANDS], out[MOST_PROBLEM_RESULTS]; };

enum { PREPARED_BYTES = 1024 };

/* What a kernel decided for one problem, before anything runs. */
struct prepared {
    size_t scratch;                         /* bytes of workspace, shared by all workers of this call */
    uint64_t product_flops, elementwise_flops;      /* what it will issue: for the receipt */
    int64_t tasks;
    _Alignas(16) unsigned char own[PREPARED_BYTES];  /* the kernel's */
};

struct call {
    const struct problem *problem;
    const struct prepared *prepared;
    void *const *in, *const *out;           /* addresses; add the layout's offset */
    void *scratch;
    const struct live *live;
    uint64_t *issued;                       /* product FLOPs really passed on: the receipt; may be NULL */
};

struct kernel {
    const char *op;                         /* the op it runs, or "adjoint" of it: "adjoint attend" */
    const char *name;                       /* "attend_avx512": stands in plans and checkpoints */
    bool (*accepts)(const struct problem *p);
    rk_status (*prepare)(rk_ctx *ctx, const struct problem *p, struct prepared *out);
    rk_status (*run)(rk_ctx *ctx, const struct call *c);
    const char *why;                        /* what it beats, and when */
    bool with_forward;                      /* adjoint kernels that also give the forward result in the same call */
    bool adds_bias;                         /* it takes problems with a bias, too; nobody else is asked */
    bool mixes;                             /* it takes floating operands and results of several dtypes, and casts where it reads and writes */
};

/* Of an accelerator's own memory, in bytes: all there is, what is taken by anybody, and of that what its context and its libraries took when
 * it was opened. */
struct device_memory { size_t all, used, context, libraries; };

/* A back end: kernels over memory. `next` is whom it delegates to. */
struct backend {
    const char *name;
    const struct backend *next;
    const struct kernel *kernels;           /* ends with op NULL */
    size_t (*bytes_of)(rk_dtype dtype);     /* how it stores a dtype: ref keeps everything in f64 */
    unsigned groups;                        /* dtypes (bits) of which it runs groups of elementwise nodes as one program */
    bool casts;                             /* its programs round from any of those to any other: casts are elementwise nodes too */
    const void *machine;                    /* handed to its kernels in problem->machine */
    bool maps;                              /* its memory is the host's, and numbers lie in it as in files: states may lie in a mapped one */
    bool strided_results;                   /* its kernels can write into a larger value: parts of a join are born in place */
    rk_status (*alloc)(rk_ctx *ctx, size_t bytes, void **at);       /* zeroed */
    void (*free)(rk_ctx *ctx, void *at, size_t bytes);
    rk_status (*write)(rk_ctx *ctx, void *to, rk_dtype dtype, const void *from, rk_dtype from_dtype, size_t n);    /* host -> device */
    rk_status (*read)(rk_ctx *ctx, void *to, rk_dtype to_dtype, const void *from, rk_dtype dtype, size_t n);       /* device -> host */
    rk_status (*copy)(rk_ctx *ctx, void *to, const void *from, size_t bytes);        /* within the device; NULL: it is the host's memory */
    /* guard and meter watch: called around each call, with what run was given to hold for them; may be NULL */
    rk_status (*before)(rk_ctx *ctx, void *watch, const struct call *c);
    rk_status (*after)(rk_ctx *ctx, void *watch, const struct call *c);
    /* Back ends that work beside the host; NULL where calls are over when they return. A run's calls stand between begin and end: `kept`
     * is the run's, NULL at first; same: it makes the calls of the time before, on the same addresses; *done: they have been made, as
     * they were recorded. sync waits for everything. */
    rk_status (*begin)(rk_ctx *ctx, const struct backend *b, void **kept, const struct live *live, bool same, bool *done);
    rk_status (*end)(rk_ctx *ctx, const struct backend *b, void **kept, bool failed);
    void (*forget)(rk_ctx *ctx, void *kept);
    rk_status (*sync)(rk_ctx *ctx, const struct backend *b);
    rk_status (*memory)(rk_ctx *ctx, const struct backend *b, struct device_memory *memory);         /* NULL: it is the host's */
};

/* The first kernel of the chain that takes the problem; NULL: none does. */
const struct kernel *backend_find(const struct backend *b, const struct problem *p, const struct backend **who);
bool backend_takes(const struct backend *b, const rk_graph *g, rk_ref fused, bool training);        /* forward, and its adjoint when training */

#endif
