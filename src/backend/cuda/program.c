/* program.c: see program.h. */
#include "backend/cuda/program.h"
#include "backend/cuda/kernels.h"
#include "backend/cuda/rtc.h"
#include <string.h>

/* Words of a call but for addresses, where they are few enough to be kept: n_words 0 where they are not, and made anew at each call. */
enum { KEPT_WORDS = 112, KEPT_SOURCES = 16 };
struct own { cudaKernel_t kernel; int rank, n_sources, n_words; unsigned char of[KEPT_SOURCES]; int64_t word[KEPT_WORDS]; };
_Static_assert(sizeof(struct own) <= PREPARED_BYTES, "a program fits its place");

/* --- loops --- */

/* A mask's index is that of a dense array of the node's own dims, at their current sizes. */
static int64_t mask_stride(const struct problem *p, const struct instruction *i, rk_dim dim)
{
    int64_t stride = 1;
    for (int k = i->rank - 1; k >= 0; k--) {
        if (i->dim[k] == dim) return stride;
        int axis = layout_axis(&p->out[0].at, i->dim[k]);
        stride *= axis < 0 ? 1 : p->out[0].at.size[axis];
    }
    return 0;
}

static int64_t source_stride(const struct problem *p, int source, rk_dim dim)
{
    if (source >= MOST_PROGRAM) return layout_stride(&p->out[source - MOST_PROGRAM].at, dim);
    const struct instruction *i = &p->program->at[source];
    if (i->kind == I_LOAD) return layout_stride(&p->in[i->a].at, dim);
    if (i->kind == I_RAND) return mask_stride(p, i, dim);
    return (rk_dim)i->a == dim;
}

static bool is_source(const struct instruction *i) { return i->kind == I_LOAD || i->kind == I_IOTA || i->kind == I_RAND; }

static void list_sources(const struct problem *p, struct program_loops *l)
{
    for (int i = 0; i < p->program->n; i++)
        if (is_source(&p->program->at[i])) l->source[l->n_sources++].of = i;
    for (int i = 0; i < p->n_out; i++) l->source[l->n_sources++].of = MOST_PROGRAM + i;
}

/* The axes of the results, neighbours merged where every source walks them as one. */
static void merge(const struct problem *p, struct program_loops *l)
{
    const struct layout *space = &p->out[0].at;
    for (int a = 0; a < space->rank; a++) {
        int64_t stride[CUDA_SOURCES];
        if (space->size[a] == 1) continue;
        bool joins = l->rank > 0;
        for (int k = 0; k < l->n_sources; k++) {
            stride[k] = source_stride(p, l->source[k].of, space->dim[a]);
            joins = joins && l->source[k].stride[l->rank - 1] == stride[k] * space->size[a];
        }
        if (joins) l->size[l->rank - 1] *= space->size[a];
        else l->size[l->rank++] = space->size[a];
        for (int k = 0; k < l->n_sources; k++) l->source[k].stride[l->rank - 1] = stride[k];
    }
    if (l->rank > 0) return;
    l->size[l->rank++] = 1;
    for (int k = 0; k < l->n_sources; k++) l->source[k].stride[0] = 0;
}

static const struct operand *operand_of_source(const struct problem *p, int source)
{
    if (source >= MOST_PROGRAM) return &p->out[source - MOST_PROGRAM];
    return p->program->at[source].kind == I_LOAD ? &p->in[p->program->at[source].a] : NULL;
}

/* A stretch of `n` neighbours of this source can be moved as one, wherever the thread stands: memory itself begins at a multiple of 16. */
static bool is_aligned(const struct program_loops *l, const struct program_source *s, const struct operand *o, int n)
{
    int64_t bytes = (int64_t)rk_dtype_bytes(o->dtype), unit = n * bytes < 16 ? n : 16 / bytes;
    bool aligned = o->at.offset % unit == 0;
    for (int i = 0; i + 1 < l->rank; i++) aligned = aligned && s->stride[i] % unit == 0;
    return aligned;
}

/* As many neighbours as fill 16 bytes of the narrowest operand, if the loop and all that is moved by stretches allow it. */
static int neighbours(const struct problem *p, const struct program_loops *l)
{
    int64_t last = l->size[l->rank - 1];
    size_t narrowest = 8;
    for (int k = 0; k < l->n_sources; k++) {
        const struct operand *o = operand_of_source(p, l->source[k].of);
        if (o != NULL && l->source[k].stride[l->rank - 1] == 1 && rk_dtype_bytes(o->dtype) < narrowest) narrowest = rk_dtype_bytes(o->dtype);
    }
    for (int n = narrowest < 2 ? 8 : (int)(16 / narrowest); n > 1; n /= 2) {
        bool fits = last % n == 0;
        for (int k = 0; k < l->n_sources && fits; k++) {
            const struct operand *o = operand_of_source(p, l->source[k].of);
            if (o != NULL && l->source[k].stride[l->rank - 1] == 1) fits = is_aligned(l, &l->source[k], o, n);
        }
        if (fits) return n;
    }
    return 1;
}

static void loops_of(const struct problem *p, struct program_loops *l)
{
    int64_t n = 1, reach = 0;
    memset(l, 0, sizeof *l);
    list_sources(p, l);
    merge(p, l);
    l->per_thread = neighbours(p, l);
    for (int i = 0; i < l->rank; i++) n *= l->size[i];
    for (int k = 0; k < l->n_sources; k++) {
        struct program_source *s = &l->source[k];
        int64_t step = s->stride[l->rank - 1], far = 0;
        s->walking = step == 0 ? WALK_STILL : step == 1 && l->per_thread > 1 ? WALK_NEIGHBOURS : WALK_STRIDED;
        for (int i = 0; i < l->rank; i++) far += (l->size[i] - 1) * s->stride[i];
        if (far > reach) reach = far;
    }
    l->small = n < INT32_MAX && reach < INT32_MAX;
}

static int64_t count(const struct program_loops *l)
{
    int64_t n = 1;
    for (int i = 0; i < l->rank; i++) n *= l->size[i];
    return n / l->per_thread;
}

/* --- the kernel --- */

static bool known(rk_dtype dtype) { return dtype != RK_f8e4m3 && dtype != RK_f8e5m2; }

bool cuda_program_accepts(const struct problem *p)
{
    bool all = p->program != NULL && p->n_out > 0;
    for (int i = 0; i < p->n_in && all; i++) all = known(p->in[i].dtype);
    for (int i = 0; i < p->n_out && all; i++) all = known(p->out[i].dtype);
    return all;
}

/* What the text follows from: a step whose sizes change asks for its kernel again at every token. */
struct key { unsigned char at[16 + 2 * CUDA_SOURCES + MOST_PROBLEM_OPERANDS + MOST_PROBLEM_RESULTS + MOST_PROGRAM * sizeof(struct instruction)]; size_t n; };

static void put(struct key *k, const void *from, size_t n)
{
    memcpy(k->at + k->n, from, n);
    k->n += n;
}

static void put_byte(struct key *k, int x) { k->at[k->n++] = (unsigned char)x; }

static void key_of(const struct problem *p, const struct program_loops *l, struct key *k)
{
    k->n = 0;
    put_byte(k, l->rank), put_byte(k, l->per_thread), put_byte(k, l->small), put_byte(k, p->n_in), put_byte(k, p->n_out), put_byte(k, p->program->n);
    for (int i = 0; i < p->n_in; i++) put_byte(k, (int)p->in[i].dtype);
    for (int i = 0; i < p->n_out; i++) put_byte(k, (int)p->out[i].dtype);
    for (int i = 0; i < l->n_sources; i++) put_byte(k, l->source[i].of), put_byte(k, (int)l->source[i].walking);
    put(k, p->program->at, (size_t)p->program->n * sizeof *p->program->at);
}

static rk_status make(rk_ctx *ctx, const struct problem *p, const struct program_loops *loops, const struct key *key, cudaKernel_t *kernel)
{
    struct str text = { 0 };
    rk_status status = program_text(ctx, p, loops, &text);
    if (status == RK_OK) status = rtc_kernel(ctx, cuda_of(p)->rtc, str_c(&text), CUDA_PROGRAM_NAME, kernel);
    if (status == RK_OK) status = rtc_remember(ctx, cuda_of(p)->rtc, key->at, key->n, *kernel);
    str_free(ctx, &text);
    return status;
}

/* Sizes and strides; where sources start, each call says. */
static int words_of(const struct program_loops *l, const struct cuda_machine *m, int64_t *word)
{
    int n = 0;
    word[n++] = count(l);
    word[n++] = (int64_t)(uintptr_t)m->live;
    for (int i = 0; i < l->rank; i++) word[n++] = l->size[i];
    for (int k = 0; k < l->n_sources; k++) {
        word[n++] = 0;
        for (int i = 0; i < l->rank; i++) word[n++] = l->source[k].stride[i];
    }
    return n;
}

static void keep_words(const struct problem *p, const struct program_loops *l, struct own *own)
{
    if (program_words(l) > KEPT_WORDS || l->n_sources > KEPT_SOURCES) return;
    own->rank = l->rank;
    own->n_sources = l->n_sources;
    for (int k = 0; k < l->n_sources; k++) own->of[k] = (unsigned char)l->source[k].of;
    own->n_words = words_of(l, cuda_of(p), own->word);
}

rk_status cuda_program_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out)
{
    struct program_loops loops;
    struct key key;
    struct own own = { .n_words = 0 };
    memset(out, 0, sizeof *out);
    loops_of(p, &loops);
    for (int i = 0; i < p->program->n; i++)
        if (p->program->at[i].kind == I_MAP) out->elementwise_flops += (uint64_t)mapfn_table[p->program->at[i].fn].cost * (uint64_t)layout_elements(&p->out[0].at);
    PROMISE(program_words(&loops) <= CUDA_PROGRAM_WORDS);
    key_of(p, &loops, &key);
    if (!rtc_recall(cuda_of(p)->rtc, key.at, key.n, &own.kernel)) TRY(make(ctx, p, &loops, &key, &own.kernel));
    keep_words(p, &loops, &own);
    memcpy(out->own, &own, sizeof own);
    return RK_OK;
}

static int64_t start(const struct call *c, int source)
{
    if (source >= MOST_PROGRAM) return (int64_t)(uintptr_t)cuda_out(c, source - MOST_PROGRAM);
    const struct instruction *i = &c->problem->program->at[source];
    const int64_t *extent = c->live->extent;
    if (i->kind == I_LOAD) return (int64_t)(uintptr_t)cuda_in(c, i->a);
    if (i->kind == I_RAND) return (int64_t)i->site;
    return (i->b != 0 ? extent[i->b] : 0) - (i->c != 0 ? extent[i->c] : 0);
}

static rk_status launch(rk_ctx *ctx, const struct call *c, cudaKernel_t kernel, int64_t *word)
{
    void *arguments[] = { word };
    int64_t blocks = (word[0] + CUDA_PROGRAM_THREADS - 1) / CUDA_PROGRAM_THREADS;
    if (blocks == 0) return RK_OK;
    PROMISE(blocks <= INT32_MAX);
    return cuda_check(ctx, cudaLaunchKernel((const void *)kernel, (dim3){ (unsigned)blocks, 1, 1 }, (dim3){ CUDA_PROGRAM_THREADS, 1, 1 }, arguments, 0, cuda_of(c->problem)->stream),
                      "launching an elementwise kernel");
}

rk_status cuda_program_run(rk_ctx *ctx, const struct call *c)
{
    const struct own *own = (const void *)c->prepared->own;
    int64_t word[CUDA_PROGRAM_WORDS];
    if (own->n_words > 0) {
        memcpy(word, own->word, (size_t)own->n_words * sizeof *word);
        for (int k = 0; k < own->n_sources; k++) word[2 + own->rank + k * (1 + own->rank)] = start(c, own->of[k]);
    } else {
        struct program_loops l;
        loops_of(c->problem, &l);
        (void)words_of(&l, cuda_of(c->problem), word);
        for (int k = 0; k < l.n_sources; k++) word[2 + l.rank + k * (1 + l.rank)] = start(c, l.source[k].of);
    }
    return launch(ctx, c, own->kernel, word);
}
