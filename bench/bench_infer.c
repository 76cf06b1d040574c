/* bench_infer.c: tokens out of weights that lie in a folder: decoding, prompts, whole forward passes, and what this machine reads
 * in the same minute. It answers words from standard input, one line each, so that another program can take turns with it.
 *
 *   bench_infer DIR [CHUNK]         CHUNK: tokens of a prompt computed at once (512); BENCH_THREADS: 0 is all
 *   bench_infer --make MODEL DIR    writes random weights of f16 of a model that is only described, "gpt-j-6b", and ends
 *   read                            bytes/s of memory that is read once, as much as the weights have (at most 512 MiB)
 *   decode N PAST                   seconds per token of N tokens after PAST others, and the bytes that each reads
 *   rows B N PAST                   seconds per step of N steps of B sequences side by side, after PAST tokens each
 *   prompt N                        seconds for N tokens, the logits of the last
 *   forward B T                     seconds for B sequences of T tokens, everything the model gives (all logits)
 *   translate B S N BEAMS           seconds to read B sources of S tokens and find N tokens after each, by so many beams (1: greedy)
 *   first                           seconds to open the weights, and to the first token of a fresh session
 *   memory                          bytes: of weights, of them mapped, of the session as it was planned; what the process holds of its own
 *
 * Every answer is seconds by the clock and of the processors. What comes out must be numbers, or the program ends. */
#include "base/clock.h"
#include "base/num.h"
#include "base/par.h"
#include "core/opdef.h"
#include "infer/session.h"
#include "model/bind.h"
#include "run/device.h"
#include "usage.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char usage[] = "bench_infer DIR [CHUNK] | --make MODEL DIR    words from standard input; environment: BENCH_THREADS";
enum { READ_BLOCK = 1 << 20, READ_MOST = 512 << 20 };

struct bench {
    rk_ctx *ctx;
    rk_model *model;
    rk_device *device;
    rk_weights *weights;
    rk_session *session;
    int64_t chunk;
    float *logits;
    double vocab;
    char *memory;
    size_t bytes;
    uint64_t sums[READ_MOST / READ_BLOCK + 1];
    struct { rk_graph *g; struct plan *plan; struct run *run; int64_t batch, seq; } forward;
};

static void die(const struct bench *b, const char *what)
{
    fprintf(stderr, "bench_infer: %s: %s %s\n", what, rk_error_message(b->ctx), rk_error_hint(b->ctx));
    exit(1);
}

/* Seconds since a moment, by the clock and of all processors. */
struct moment { double clock, processor; };
static struct moment moment(void) { return (struct moment){ clock_seconds(), clock_process_seconds() }; }
static void tell(struct moment began, double parts, const char *more)
{
    struct moment now = moment();
    printf("%.9g %.9g%s\n", (now.clock - began.clock) / parts, (now.processor - began.processor) / parts, more);
}

/* --- what the machine reads --- */

static void read_block(void *arg, int64_t task, int worker)
{
    struct bench *b = arg;
    const uint64_t *at = (const uint64_t *)(const void *)(b->memory + task * READ_BLOCK);
    uint64_t sum[16] = { 0 };
    (void)worker;
    for (size_t i = 0; i < READ_BLOCK / 8; i += 16) {
        __builtin_prefetch(at + i + 512);
        __builtin_prefetch(at + i + 520);
        for (int k = 0; k < 16; k++) sum[k] += at[i + (size_t)k];
    }
    for (int k = 1; k < 16; k++) sum[0] += sum[k];
    b->sums[task] = sum[0];
}

static double read_rate(struct bench *b)
{
    if (b->memory == NULL) {
        b->bytes = rk_weights_bytes(b->weights) / READ_BLOCK * READ_BLOCK;
        if (b->bytes > READ_MOST) b->bytes = READ_MOST;
        b->memory = mmap(NULL, b->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (b->memory == MAP_FAILED) die(b, "no memory to read");
        (void)madvise(b->memory, b->bytes, MADV_HUGEPAGE);
        memset(b->memory, 1, b->bytes);
    }
    double began = clock_seconds();
    for (int i = 0; i < 3; i++) par_for(b->ctx, (int64_t)(b->bytes / READ_BLOCK), read_block, b);
    return 3 * (double)b->bytes / (clock_seconds() - began);
}

/* --- sessions --- */

static void open_session(struct bench *b)
{
    rk_session_close(b->session);
    if (rk_session_open(b->weights, &(rk_session_options){ .chunk = b->chunk }, &b->session) != RK_OK) die(b, "session");
    free(b->logits);
    b->logits = malloc((size_t)rk_session_vocab(b->session) * sizeof *b->logits);
    if (b->logits == NULL) die(b, "no memory");
}

static uint32_t id_of(const struct bench *b, int64_t i) { return (uint32_t)((double)(i * 7919 % 10007) / 10007 * b->vocab); }

static void feed(struct bench *b, int64_t from, int64_t n)
{
    uint32_t ids[4096];
    if (n > 4096) die(b, "at most 4096 tokens");
    for (int64_t i = 0; i < n; i++) ids[i] = id_of(b, from + i);
    if (rk_session_feed(b->session, ids, n, b->logits) != RK_OK) die(b, "feeding");
    if (!isfinite(b->logits[0])) die(b, "logits are no numbers");
}

static void decode(struct bench *b, int64_t n, int64_t past)
{
    if (b->session == NULL) open_session(b);
    if (rk_session_past(b->session) < past) {
        if (rk_session_rewind(b->session, 0) != RK_OK) die(b, "rewinding");
        if (past > 0) feed(b, 0, past);
        feed(b, past, 1);
    }
    if (rk_session_rewind(b->session, past) != RK_OK) die(b, "rewinding");
    char more[32];
    double bytes = 0;
    struct moment began = moment();
    for (int64_t i = 0; i < n; i++) {
        bytes += (double)session_reads(b->session);
        feed(b, past + i, 1);
    }
    (void)snprintf(more, sizeof more, " %.9g", bytes / (double)n);
    tell(began, (double)n, more);
}

static void rows(struct bench *b, int64_t batch, int64_t n, int64_t past)
{
    rk_session *s;
    uint32_t *ids = malloc((size_t)(batch * (past + 1)) * sizeof *ids);
    float *logits = NULL;
    if (ids == NULL || rk_session_open(b->weights, &(rk_session_options){ .batch = batch, .context = past + n }, &s) != RK_OK) die(b, "session");
    logits = malloc((size_t)(batch * rk_session_vocab(s)) * sizeof *logits);
    for (int64_t i = 0; i < batch * (past + 1); i++) ids[i] = id_of(b, i);
    if (logits == NULL || rk_session_feed(s, ids, past, logits) != RK_OK) die(b, "feeding");
    struct moment began = moment();
    for (int64_t i = 0; i < n; i++)
        if (rk_session_feed(s, ids + i % past * batch, 1, logits) != RK_OK || !isfinite(logits[0])) die(b, "feeding rows");
    tell(began, (double)n, "");
    rk_session_close(s);
    free(logits);
    free(ids);
}

static void prompt(struct bench *b, int64_t n)
{
    if (b->session == NULL) open_session(b);
    if (rk_session_rewind(b->session, 0) != RK_OK) die(b, "rewinding");
    struct moment began = moment();
    feed(b, 0, n);
    tell(began, 1, "");
}

/* As `reckon translate` does it. Sources and lengths are the same every time, so that turns can be compared. */
static void translate(struct bench *b, int64_t batch, int64_t source, int64_t n, int64_t beams)
{
    uint32_t *ids = malloc((size_t)(batch * source) * sizeof *ids), begin, end = 0;
    rk_prompt *prompts = calloc((size_t)batch, sizeof *prompts);
    rk_continuation *out = calloc((size_t)batch, sizeof *out);
    const rk_beams search = { .n = beams, .length_penalty = 1 };
    const rk_generating how = { .sampling = { .greedy = true, .min_new = (double)n }, .max_new_tokens = n, .ends = &end, .n_ends = 1, .beams = beams > 1 ? &search : NULL };
    double start = 0;
    if (ids == NULL || prompts == NULL || out == NULL || rk_model_number(b->model, "start", &start) != RK_OK) die(b, "sources");
    begin = (uint32_t)start;
    for (int64_t i = 0; i < batch * source; i++) ids[i] = id_of(b, i);
    for (int64_t i = 0; i < batch; i++) prompts[i] = (rk_prompt){ &begin, 1, ids + i * source, (size_t)source };
    struct moment began = moment();
    if (rk_generate_many(b->weights, NULL, prompts, batch, &how, out, NULL) != RK_OK) die(b, "translating");
    tell(began, 1, "");
    for (int64_t i = 0; i < batch; i++)
        if ((int64_t)out[i].ids.n != n) die(b, "not so many tokens");
    rk_continuations_free(b->ctx, out, batch);
    free(out);
    free(prompts);
    free(ids);
}

static void first(struct bench *b)
{
    rk_weights *w;
    rk_session *s;
    uint32_t id = 1;
    struct moment began = moment();
    if (rk_weights_open(b->ctx, b->model, b->device, &w) != RK_OK) die(b, "weights");
    printf("%.9g ", clock_seconds() - began.clock);
    if (rk_session_open(w, &(rk_session_options){ .context = 64 }, &s) != RK_OK) die(b, "session");
    if (b->logits == NULL) b->logits = malloc((size_t)rk_session_vocab(s) * sizeof *b->logits);
    if (b->logits == NULL || rk_session_feed(s, &id, 1, b->logits) != RK_OK) die(b, "feeding");
    tell(began, 1, "");
    rk_session_close(s);
    rk_weights_close(w);
}

/* Resident memory that is no file's, against what was planned. */
static void memory(struct bench *b)
{
    long pages = 0, shared = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f == NULL || fscanf(f, "%*d %ld %ld", &pages, &shared) != 2) die(b, "/proc/self/statm");
    (void)fclose(f);
    if (b->session == NULL) open_session(b);
    printf("%llu %llu %llu %llu\n", (unsigned long long)rk_weights_bytes(b->weights), (unsigned long long)rk_weights_mapped(b->weights),
           (unsigned long long)rk_session_bytes(b->session), (unsigned long long)(pages - shared) * (unsigned long long)sysconf(_SC_PAGESIZE));
}

/* --- weights of a description --- */

static void make_one(struct bench *b, const struct built *built, int i, struct bundle_writer *w, uint16_t *piece, int64_t most)
{
    struct str name = { 0 };
    uint64_t state = (uint64_t)i * 0x9e3779b97f4a7c15u + 1;
    if (bind_written(b->ctx, &b->model->config, built, i, &name) != RK_OK) die(b, "names");
    for (int64_t n = parameter_elements(built->g, &built->parameters.at[i]), here; n > 0; n -= here) {
        here = n < most ? n : most;
        for (int64_t k = 0; k < here; k++) {                /* uniform, of the deviation of 0.02 */
            state = state * 6364136223846793005u + 1442695040888963407u;
            piece[k] = num_f32_to_f16(((float)(state >> 40) * 0x1p-24f - 0.5f) * 0.0693f);
        }
        if (bundle_write(b->ctx, w, str_c(&name), piece, (size_t)here * 2) != RK_OK) die(b, "writing");
    }
    str_free(b->ctx, &name);
}

static int make(struct bench *b, const char *model, const char *folder)
{
    enum { PIECE = 1 << 20 };
    struct built built;
    struct bundle_writer w = { .begun = false };
    struct str name = { 0 };
    uint16_t *piece = malloc(PIECE * sizeof *piece);
    if (piece == NULL || rk_model_open(b->ctx, model, &b->model) != RK_OK) die(b, model);
    if (model_build(b->ctx, b->model, &(struct build_options){ .purpose = FOR_LOGITS, .batch = 1, .seq = 1 }, &built) != RK_OK) die(b, "graph");
    for (int i = 0; i < built.parameters.n; i++) {
        struct stored s;
        if (bind_written(b->ctx, &b->model->config, &built, i, &name) != RK_OK || bind_stored(b->ctx, b->model->config.arch, &built, i, &s) != RK_OK) die(b, "names");
        if (bundle_declare(b->ctx, &w, str_c(&name), RK_f16, s.rank, s.shape) != RK_OK) die(b, "declaring");
    }
    if (bind_save_config(b->ctx, b->model, folder, RK_f16) != RK_OK || file_join(b->ctx, &name, folder, "model.safetensors") != RK_OK) die(b, folder);
    if (bundle_begin(b->ctx, &w, str_c(&name)) != RK_OK) die(b, folder);
    for (int i = 0; i < built.parameters.n; i++) make_one(b, &built, i, &w, piece, PIECE);
    if (bundle_commit(b->ctx, &w) != RK_OK) die(b, folder);
    built_close(&built);
    str_free(b->ctx, &name);
    rk_model_close(b->model);
    rk_ctx_close(b->ctx);
    free(piece);
    return 0;
}

/* --- the whole forward pass --- */

static void close_forward(struct bench *b)
{
    run_close(b->forward.run);
    plan_free(b->forward.plan);
    rk_graph_close(b->forward.g);
    memset(&b->forward, 0, sizeof b->forward);
}

static void open_forward(struct bench *b, int64_t batch, int64_t seq)
{
    struct built built;
    close_forward(b);
    b->forward.batch = batch, b->forward.seq = seq;
    if (weights_build(b->ctx, b->weights, &(struct build_options){ .purpose = FOR_LOGITS, .batch = batch, .seq = seq }, &built) != RK_OK) die(b, "graph");
    if (infer_plan(b->ctx, built.g, device_backend(b->device), &b->forward.g, &b->forward.plan) != RK_OK) die(b, "plan");
    built_close(&built);
    if (run_open(b->ctx, b->forward.plan, b->weights->store, &b->forward.run) != RK_OK) die(b, "run");
    int32_t *ids = calloc((size_t)(batch * seq), sizeof *ids);
    if (ids == NULL) die(b, "no memory");
    for (int i = 0; i < b->forward.plan->n_inputs; i++) {
        const char *name = b->forward.plan->inputs[i].name;
        for (int64_t k = 0; k < batch * seq; k++) ids[k] = strcmp(name, "tokens") == 0 ? (int32_t)id_of(b, k) : 0;
        if (run_input(b->ctx, b->forward.run, name, ids, RK_i32) != RK_OK) die(b, name);
    }
    free(ids);
    if (run_go(b->ctx, b->forward.run, 0, 0) != RK_OK) die(b, "forward");
}

static void forward(struct bench *b, int64_t batch, int64_t seq)
{
    if (b->forward.batch != batch || b->forward.seq != seq) open_forward(b, batch, seq);
    struct moment began = moment();
    if (run_go(b->ctx, b->forward.run, 0, 0) != RK_OK) die(b, "forward");
    tell(began, 1, "");
}

/* --- */

static void answer(struct bench *b, const char *line)
{
    long long x = 0, y = 0, z = 0, w = 0;
    if (strncmp(line, "read", 4) == 0) printf("%.9g\n", read_rate(b));
    else if (strncmp(line, "first", 5) == 0) first(b);
    else if (strncmp(line, "memory", 6) == 0) memory(b);
    else if (sscanf(line, "decode %lld %lld", &x, &y) == 2) decode(b, x, y);
    else if (sscanf(line, "rows %lld %lld %lld", &x, &y, &z) == 3 && z > 0) rows(b, x, y, z);
    else if (sscanf(line, "prompt %lld", &x) == 1) prompt(b, x);
    else if (sscanf(line, "forward %lld %lld", &x, &y) == 2) forward(b, x, y);
    else if (sscanf(line, "translate %lld %lld %lld %lld", &x, &y, &z, &w) == 4) translate(b, x, y, z, w);
    else die(b, "no such word");
    (void)fflush(stdout);
}

int main(int argc, char **argv)
{
    static struct bench b;
    char line[256];
    if (usage_help(argc, argv, usage)) return 0;
    bool making = argc == 4 && strcmp(argv[1], "--make") == 0;
    if (!making && (argc < 2 || argc > 3)) return (void)fprintf(stderr, "usage: %s\n", usage), 2;
    if (rk_ctx_open(&(rk_options){ .threads = usage_threads(usage, 0) }, &b.ctx) != RK_OK) return 1;
    if (making) return make(&b, argv[2], argv[3]);
    b.chunk = usage_count(usage, "CHUNK", argc > 2 ? argv[2] : NULL, 512, 1, 1 << 20);
    if (rk_device_open(b.ctx, "cpu", &(rk_device_options){ .blas = "own" }, &b.device) != RK_OK) die(&b, "device");
    if (rk_model_open(b.ctx, argv[1], &b.model) != RK_OK) die(&b, argv[1]);
    if (rk_model_number(b.model, "vocab", &b.vocab) != RK_OK) die(&b, "vocab");
    if (rk_weights_open(b.ctx, b.model, b.device, &b.weights) != RK_OK) die(&b, "weights");
    printf("%s, %llu bytes of weights, %llu mapped\n", rk_device_text(b.device), (unsigned long long)rk_weights_bytes(b.weights), (unsigned long long)rk_weights_mapped(b.weights));
    (void)fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL) answer(&b, line);
    close_forward(&b);
    rk_session_close(b.session);
    rk_weights_close(b.weights);
    rk_model_close(b.model);
    rk_device_close(b.device);
    rk_ctx_close(b.ctx);
    free(b.logits);
    return 0;
}
