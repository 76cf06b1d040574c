/* Laws of weights that are computed from as files have them: the same results as weights that were converted while loading, for
 * every family and dtype; what converting tells is true; a full disk costs nothing. */
#include "backend/cpu/cpu.h"
#include "backend/ref/ref.h"
#include "base/rng.h"
#include "infer/session.h"
#include "model/bind.h"
#include "saved.h"
#include "test.h"
#include "tiny.h"
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { VOCAB = 40, SEQ = 6, POSITIONS = 16 };
static const rk_dtype dtypes[] = { RK_f32, RK_f16, RK_bf16, RK_i8 };
static const char wide[] = "gpt2:layer=2,vocab=97,position=16,hidden=64,head=1";       /* blocks of 64: kernels have those */

static double normal(const void *user, const char *name, int entry, int64_t i)
{
    (void)user;
    (void)name;
    return 0.3 * rng_normal(11, (uint64_t)entry, (uint64_t)i);
}

/* Normal weights, saved as f32. */
static void save_random(rk_ctx *ctx, const char *spec, const char *to) { saved_model(ctx, spec, to, RK_f32, normal, NULL); }

struct made { rk_model *m; rk_weights *w; rk_graph *g; struct plan *plan; struct run *run; };

/* The whole forward pass of a folder's weights on a back end, every input the same small numbers. */
static void forward(rk_ctx *ctx, const char *path, const struct backend *backend, struct made *f)
{
    struct built b;
    int32_t ids[SEQ * 2];
    for (int i = 0; i < 2 * SEQ; i++) ids[i] = i * 5 % VOCAB;
    OK(ctx, rk_model_open(ctx, path, &f->m));
    OK(ctx, weights_open(ctx, f->m, backend, &f->w));
    OK(ctx, weights_build(ctx, f->w, &(struct build_options){ .purpose = FOR_LOGITS, .batch = 2, .seq = SEQ, .hidden_states = true }, &b));
    OK(ctx, infer_plan(ctx, b.g, backend, &f->g, &f->plan));
    built_close(&b);
    OK(ctx, run_open(ctx, f->plan, f->w->store, &f->run));
    for (int i = 0; i < f->plan->n_inputs; i++) {
        bool segments = strcmp(f->plan->inputs[i].name, "segments") == 0;
        OK(ctx, run_input(ctx, f->run, f->plan->inputs[i].name, segments ? (int32_t[2 * SEQ]){ 0 } : ids, RK_i32));
    }
    OK(ctx, run_go(ctx, f->run, 0, 0));
}

static void forward_close(struct made *f)
{
    run_close(f->run);
    plan_free(f->plan);
    rk_graph_close(f->g);
    rk_weights_close(f->w);
    rk_model_close(f->m);
}

static double difference(rk_ctx *ctx, const struct made *a, const struct made *b)
{
    double most = 0, largest = 0;
    for (int i = 0; i < a->plan->n_outputs; i++) {
        int64_t n = a->plan->outputs[i].elements;
        double *x = calloc((size_t)n + 1, sizeof *x), *y = calloc((size_t)n + 1, sizeof *y);
        REQUIRE(x != NULL && y != NULL);
        OK(ctx, run_output(ctx, a->run, a->plan->outputs[i].name, x, RK_f64));
        OK(ctx, run_output(ctx, b->run, a->plan->outputs[i].name, y, RK_f64));
        for (int64_t k = 0; k < n; k++) {
            most = fmax(most, fabs(x[k] - y[k]));
            largest = fmax(largest, fabs(y[k]));
        }
        free(x);
        free(y);
    }
    return most / largest;
}

static void convert_as(rk_ctx *ctx, const char *from, const char *to, rk_dtype dtype, rk_layout layout, rk_converted_fn *each, void *user)
{
    rk_model *m;
    OK(ctx, rk_model_open(ctx, from, &m));
    OK(ctx, rk_model_convert(m, to, dtype, layout, each, user));
    rk_model_close(m);
}

static void convert(rk_ctx *ctx, const char *from, const char *to, rk_dtype dtype) { convert_as(ctx, from, to, dtype, RK_LAYOUT_PLAIN, NULL, NULL); }

/* Kernels of integers round the other operand, too: half a step of 127 for each number, and most of that cancels. */
static bool rounds(const struct plan *p)
{
    for (int i = 0; i < p->n_steps; i++)
        if (strncmp(p->steps[i].kernel->name, "einsum_int8", 11) == 0) return true;
    return false;
}

static void try_one(rk_ctx *ctx, const char *spec, rk_dtype dtype)
{
    struct made ours, truth;
    save_random(ctx, spec, test_path("f32"));
    convert(ctx, test_path("f32"), test_path("converted"), dtype);
    forward(ctx, test_path("converted"), backend_cpu(), &ours);
    forward(ctx, test_path("converted"), backend_ref(), &truth);
    EXPECT(ours.w->forms.n > 3);
    EXPECT(rk_weights_mapped(ours.w) > 0 && rk_weights_mapped(truth.w) == 0);
    double off = difference(ctx, &ours, &truth);
    if (!(off <= (rounds(ours.plan) ? 0.03 : 3e-5))) test_fail(__FILE__, __LINE__, "%s as %s is off by %g", spec, rk_dtype_name(dtype), off);
    forward_close(&ours);
    forward_close(&truth);
}

TEST(weights_as_they_lie_are_the_weights)
{
    rk_ctx *ctx = test_ctx();
    for (int i = 0; i < TINY_MODELS * 4; i++) {
        char spec[TINY_ROOM];
        try_one(ctx, tiny_model(i / 4, VOCAB, POSITIONS, spec), dtypes[i % 4]);
    }
}

TEST(kernels_of_integers_are_near) { try_one(test_ctx(), wide, RK_i8); }

static void feed(rk_ctx *ctx, const char *path, int64_t batch, const uint32_t *ids, int64_t n, float *logits)
{
    rk_model *m;
    rk_weights *w;
    rk_session *s;
    OK(ctx, rk_model_open(ctx, path, &m));
    OK(ctx, weights_open(ctx, m, backend_cpu(), &w));
    OK(ctx, rk_session_open(w, &(rk_session_options){ .batch = batch, .chunk = 8 }, &s));
    OK(ctx, rk_session_feed(s, ids, n, logits));
    rk_session_close(s);
    rk_weights_close(w);
    rk_model_close(m);
}

/* Fewer tokens than the plan has room for: rows of the batch do not touch, and are still all there. */
TEST(rows_of_a_batch_are_the_rows_alone)
{
    enum { ROWS = 2, N = 5, WIDE_VOCAB = 97 };
    static const uint32_t ids[ROWS * N] = { 3, 1, 4, 1, 5, 9, 2, 6, 5, 35 };
    static const rk_dtype both[] = { RK_i8, RK_f16 };
    float together[ROWS * WIDE_VOCAB], alone[WIDE_VOCAB];
    rk_ctx *ctx = test_ctx();
    save_random(ctx, wide, test_path("f32"));
    for (int d = 0; d < 2; d++) {
        convert(ctx, test_path("f32"), test_path("rows"), both[d]);
        feed(ctx, test_path("rows"), ROWS, ids, N, together);
        for (int row = 0; row < ROWS; row++) {
            feed(ctx, test_path("rows"), 1, ids + row * N, N, alone);
            for (int i = 0; i < WIDE_VOCAB; i++) EXPECT(fabsf(alone[i] - together[row * WIDE_VOCAB + i]) <= 1e-3f);
        }
    }
}

struct told { int n, integers; };

static bool check_told(void *user, const rk_converted *t)
{
    struct told *k = user;
    k->n++;
    k->integers += t->to == RK_i8;
    EXPECT(t->from == RK_f32 && (t->to == RK_i8 || t->worst == 0));
    EXPECT(t->worst <= 0.3 * 6 / 254 && t->relative < 0.01);                 /* no normal number here is beyond 6 deviations */
    EXPECT((t->block > 0) == (t->to == RK_i8));
    return true;
}

struct stopping { int left; };
static bool stop_told(void *user, const rk_converted *t)
{
    (void)t;
    return --((struct stopping *)user)->left > 0;
}

/* Whoever stops it finds the folder as it was: what was there before, and no piece of what was begun. */
TEST(converting_stops_when_asked)
{
    rk_ctx *ctx = test_ctx();
    rk_model *m;
    save_random(ctx, wide, test_path("whole"));
    convert(ctx, test_path("whole"), test_path("half"), RK_f16);
    OK(ctx, rk_model_open(ctx, test_path("whole"), &m));
    for (int after = 1; after <= 3; after++)
        FAILS(ctx, rk_model_convert(m, test_path("half"), RK_i8, RK_LAYOUT_PLAIN, stop_told, &(struct stopping){ after }), RK_E_CANCELLED, "stopped after transformer.");
    rk_model_close(m);
    OK(ctx, rk_model_open(ctx, test_path("half"), &m));
    rk_model_close(m);
    DIR *d = opendir(test_path("half"));
    int n = 0;
    REQUIRE(d != NULL);
    for (struct dirent *e; (e = readdir(d)) != NULL;) n += e->d_name[0] != '.';
    (void)closedir(d);
    EXPECT_INT(n, 2);                                                         /* config.json, model.safetensors */
}

/* Matrices become integers, and reading those back as floats and converting again changes nothing more. */
TEST(converting_tells_what_it_did)
{
    rk_ctx *ctx = test_ctx();
    struct told told = { 0 };
    struct made once, again;
    rk_model *m;
    save_random(ctx, wide, test_path("f32"));
    OK(ctx, rk_model_open(ctx, test_path("f32"), &m));
    OK(ctx, rk_model_convert(m, test_path("int8"), RK_i8, RK_LAYOUT_PLAIN, check_told, &told));
    rk_model_close(m);
    EXPECT_INT(told.integers, 9);                                             /* four of each block, and the tied table */
    EXPECT_INT(told.n, 28);
    convert(ctx, test_path("int8"), test_path("back"), RK_f32);
    forward(ctx, test_path("int8"), backend_ref(), &once);
    forward(ctx, test_path("back"), backend_ref(), &again);
    EXPECT(difference(ctx, &once, &again) == 0);
    forward_close(&once);
    forward_close(&again);
}

/* --- panels --- */

/* Models of every family whose matrices have blocks of 64; the last has too few rows for panels in its attention. */
static const char *const families[] = {
    "gpt2:layer=2,vocab=97,position=16,hidden=64,head=1", "cs336-17m:layer=1,vocab=64,position=16,hidden=64,head=1,ff=128",
    "gpt-j-6b:layer=1,vocab=90,position=16,hidden=128,head=2,ff=64,rotary=4", "pythia-14m:layer=1,vocab=96,position=16,hidden=128,head=2,ff=192",
    "nanogpt:layer=1,vocab=61,position=16,hidden=64,head=1", "bert-tiny+pretraining:layer=1,vocab=94,position=16,hidden=64,head=1,ff=128",
    "transformer-base:layer=1,source_layer=1,vocab=64,source_vocab=64,position=16,hidden=64,head=1,source_head=1,ff=64,source_ff=64",
    "opus-mt-en-de:layer=1,source_layer=1,vocab=64,source_vocab=64,position=16,hidden=64,head=1,source_head=1,ff=128,source_ff=64,pad=3",
    "gpt2:layer=1,vocab=97,position=16,hidden=72,head=9",
};
enum { FAMILIES = sizeof families / sizeof *families };

static bool same_bytes(const char *a, const char *b)
{
    FILE *one = fopen(a, "rb"), *other = fopen(b, "rb");
    bool same = one != NULL && other != NULL;
    for (int x = 0, y; same && x != EOF;) {
        x = getc(one), y = getc(other);
        same = x == y;
    }
    if (one != NULL) EXPECT(fclose(one) == 0);
    if (other != NULL) EXPECT(fclose(other) == 0);
    return same;
}

static bool count_packed(void *user, const rk_converted *t)
{
    int *packed = user;
    *packed += t->packed;
    EXPECT(t->packed == (t->in_rows == NULL) && (!t->packed || (t->to == RK_i8 && t->block == 64) || (t->to == RK_f32 && t->block == 0)) && (t->to != RK_f32 || t->worst == 0));
    return true;
}

/* Packed tensors and their scales begin lines of the cache. */
static void begin_lines(const struct bundle *b)
{
    for (int i = 0; i < b->entries.n; i++) {
        const struct bundle_entry *e = &b->entries.at[i];
        if (e->rank == 5) EXPECT(e->offset % 64 == 0 && (uintptr_t)e->data % 64 == 0);
    }
}

/* Apart: by how much at most, since floats of few rows are added up in another order. */
static void same_outputs(rk_ctx *ctx, const char *a, const char *b, const struct backend *backend, double apart)
{
    struct made one, other;
    forward(ctx, a, backend, &one);
    forward(ctx, b, backend, &other);
    EXPECT(difference(ctx, &one, &other) <= apart);
    begin_lines(&other.w->bundle);
    EXPECT(rk_weights_mapped(one.w) <= rk_weights_mapped(other.w) && (rk_weights_mapped(one.w) > 0) == (rk_weights_mapped(other.w) > 0));
    EXPECT(other.plan->n_steps <= one.plan->n_steps);                          /* nothing is unpacked before it is used */
    forward_close(&one);
    forward_close(&other);
}

/* Wherever it comes from, what is packed is one file; unpacked it is what it was; and all say the same, to the bit. */
static void try_packed(rk_ctx *ctx, const char *spec, bool some)
{
    int packed = 0;
    save_random(ctx, spec, test_path("f32"));
    convert(ctx, test_path("f32"), test_path("rows"), RK_i8);
    convert_as(ctx, test_path("f32"), test_path("packed"), RK_i8, RK_LAYOUT_PACKED, count_packed, &packed);
    EXPECT(some ? packed >= 4 : packed == 0);
    convert_as(ctx, test_path("rows"), test_path("moved"), RK_i8, RK_LAYOUT_PACKED, NULL, NULL);
    convert_as(ctx, test_path("packed"), test_path("again"), RK_i8, RK_LAYOUT_PACKED, NULL, NULL);
    convert(ctx, test_path("packed"), test_path("undone"), RK_i8);
    convert(ctx, test_path("packed"), test_path("wide"), RK_f32);
    convert(ctx, test_path("rows"), test_path("wide_rows"), RK_f32);
    EXPECT(same_bytes(test_path("packed/model.safetensors"), test_path("moved/model.safetensors")));
    EXPECT(same_bytes(test_path("packed/model.safetensors"), test_path("again/model.safetensors")));
    EXPECT(same_bytes(test_path("rows/model.safetensors"), test_path("undone/model.safetensors")));
    EXPECT(same_bytes(test_path("wide/model.safetensors"), test_path("wide_rows/model.safetensors")));
    same_outputs(ctx, test_path("rows"), test_path("packed"), backend_cpu(), 0);
    same_outputs(ctx, test_path("rows"), test_path("packed"), backend_ref(), 0);
}

static void try_float_panels(rk_ctx *ctx, const char *spec, bool some)
{
    int packed = 0;
    save_random(ctx, spec, test_path("f32"));
    convert(ctx, test_path("f32"), test_path("rows"), RK_f32);
    convert_as(ctx, test_path("f32"), test_path("packed"), RK_f32, RK_LAYOUT_PACKED, count_packed, &packed);
    EXPECT(some ? packed >= 4 : packed == 0);
    convert_as(ctx, test_path("packed"), test_path("again"), RK_f32, RK_LAYOUT_PACKED, NULL, NULL);
    convert(ctx, test_path("packed"), test_path("undone"), RK_f32);
    convert_as(ctx, test_path("packed"), test_path("int8"), RK_i8, RK_LAYOUT_PACKED, NULL, NULL);
    convert_as(ctx, test_path("rows"), test_path("int8_rows"), RK_i8, RK_LAYOUT_PACKED, NULL, NULL);
    EXPECT(same_bytes(test_path("packed/model.safetensors"), test_path("again/model.safetensors")));
    EXPECT(same_bytes(test_path("rows/model.safetensors"), test_path("undone/model.safetensors")));
    EXPECT(same_bytes(test_path("int8/model.safetensors"), test_path("int8_rows/model.safetensors")));
    same_outputs(ctx, test_path("rows"), test_path("packed"), backend_cpu(), 2e-6);
    same_outputs(ctx, test_path("rows"), test_path("packed"), backend_ref(), 0);
}

TEST(panels_of_floats_say_what_rows_say)
{
    for (int i = 0; i < FAMILIES; i++) try_float_panels(test_ctx(), families[i], i + 1 < FAMILIES);
}

TEST(panels_say_what_rows_say)
{
    for (int i = 0; i < FAMILIES; i++) try_packed(test_ctx(), families[i], i + 1 < FAMILIES);
}

TEST(a_session_on_panels_is_one_on_rows)
{
    enum { ROWS = 5, N = 3, SMALL_VOCAB = 61 };
    static const uint32_t ids[ROWS * N] = { 3, 1, 4, 1, 5, 9, 2, 6, 5, 35, 8, 60, 7, 9, 3 };
    float rows[ROWS * SMALL_VOCAB], packed[ROWS * SMALL_VOCAB];
    rk_ctx *ctx = test_ctx();
    save_random(ctx, families[4], test_path("f32"));
    convert(ctx, test_path("f32"), test_path("rows"), RK_i8);
    convert_as(ctx, test_path("f32"), test_path("packed"), RK_i8, RK_LAYOUT_PACKED, NULL, NULL);
    for (int64_t batch = 1; batch <= ROWS; batch += 2) {
        feed(ctx, test_path("rows"), batch, ids, N, rows);
        feed(ctx, test_path("packed"), batch, ids, N, packed);
        EXPECT(memcmp(rows, packed, (size_t)batch * SMALL_VOCAB * sizeof(float)) == 0);
    }
}

/* The header of a packed file, changed in place. */
static void lie_as(rk_ctx *ctx, rk_dtype dtype, const char *from, const char *to, rk_status status, const char *words)
{
    static char header[1 << 16];
    rk_model *m;
    rk_weights *w = NULL;
    convert_as(ctx, test_path("f32"), test_path("lying"), dtype, RK_LAYOUT_PACKED, NULL, NULL);
    FILE *file = fopen(test_path("lying/model.safetensors"), "r+b");
    REQUIRE(file != NULL && strlen(from) == strlen(to));
    size_t n = fread(header, 1, sizeof header, file), size = strlen(from), at = 8;
    while (at + size <= n && memcmp(header + at, from, size) != 0) at++;
    if (at + size > n) test_fail(__FILE__, __LINE__, "no %s", from);
    REQUIRE(at + size <= n && fseek(file, (long)at, SEEK_SET) == 0 && fwrite(to, 1, size, file) == size && fclose(file) == 0);
    OK(ctx, rk_model_open(ctx, test_path("lying"), &m));
    FAILS(ctx, weights_open(ctx, m, backend_cpu(), &w), status, words);
    FAILS(ctx, rk_model_convert(m, test_path("out"), RK_f32, RK_LAYOUT_PLAIN, NULL, NULL), status, words);
    rk_checked checked;
    OK(ctx, rk_model_check(m, NULL, NULL, &checked));
    EXPECT(checked.troubles > 0 && checked.file_bytes == checked.header_bytes + checked.parameter_bytes + checked.tie_bytes + checked.buffer_bytes + checked.wrong_bytes + checked.left_bytes);
    rk_model_close(m);
}

static void lie(rk_ctx *ctx, const char *from, const char *to, rk_status status, const char *words) { lie_as(ctx, RK_i8, from, to, status, words); }

TEST(panels_of_floats_that_lie_are_refused)
{
    rk_ctx *ctx = test_ctx();
    save_random(ctx, wide, test_path("f32"));
    lie_as(ctx, RK_f32, "f32_panels", "f33_panels", RK_E_DTYPE, "metadata does not say f32_panels");
    lie_as(ctx, RK_f32, "[16][4][16], out", "[4][16][16], out", RK_E_DTYPE, "metadata does not say f32_panels");
    lie_as(ctx, RK_f32, "1,16,4,16]", "1,4,16,16]", RK_E_DTYPE, "not one of panels");
    lie_as(ctx, RK_f32, "\"F32\",\"shape\":[12,1,16,4,16]", "\"F32\",\"shape\":[1,12,16,4,16]", RK_E_SHAPE, "another shape");
}

TEST(panels_that_lie_are_refused)
{
    rk_ctx *ctx = test_ctx();
    save_random(ctx, wide, test_path("f32"));
    lie(ctx, "int8_panels", "int9_panels", RK_E_DTYPE, "metadata does not say int8_panels");
    lie(ctx, "[16][32][4], scales", "[32][16][4], scales", RK_E_DTYPE, "metadata does not say int8_panels");
    lie(ctx, "1,16,32,4]", "1,32,16,4]", RK_E_DTYPE, "do not fit these panels");
    lie(ctx, "\"I8\",\"shape\":[6,1,16,32,4]", "\"I8\",\"shape\":[1,6,16,32,4]", RK_E_DTYPE, "do not fit these panels");
    lie(ctx, "\"F32\",\"shape\":[6,1,32]", "\"F32\",\"shape\":[1,6,32]", RK_E_DTYPE, "do not fit these panels");
    lie(ctx, "\"shape\":[8,1,16,32,4]", "\"shape\":[1,8,16,32,4]", RK_E_DTYPE, "do not fit these panels");
    lie(ctx, "\"I8\",\"shape\":[6,1,16,32,4],\"data_offsets\":[0,12288]},\"transformer.h.0.attn.c_attn.weight.scale\":{\"dtype\":\"F32\",\"shape\":[6,1,32]",
        "\"I8\",\"shape\":[1,6,16,32,4],\"data_offsets\":[0,12288]},\"transformer.h.0.attn.c_attn.weight.scale\":{\"dtype\":\"F32\",\"shape\":[1,6,32]", RK_E_SHAPE, "another shape");
    lie(ctx, "weight.scale", "weight.scald", RK_E_DTYPE, "do not fit these panels, or are not there");
}

TEST(only_integers_and_f32_are_packed)
{
    rk_ctx *ctx = test_ctx();
    rk_model *m;
    save_random(ctx, wide, test_path("f32"));
    OK(ctx, rk_model_open(ctx, test_path("f32"), &m));
    for (int i = 1; i < 3; i++) FAILS(ctx, rk_model_convert(m, test_path("out"), dtypes[i], RK_LAYOUT_PACKED, NULL, NULL), RK_E_DECLINED, "no packed layout");
    rk_model_close(m);
}

TEST(a_full_disk_keeps_the_old_weights)
{
    rk_ctx *ctx = test_ctx();
    struct rlimit before, small;
    struct made f;
    rk_model *m;
    save_random(ctx, wide, test_path("f32"));
    convert(ctx, test_path("f32"), test_path("out"), RK_f32);
    OK(ctx, rk_model_open(ctx, test_path("f32"), &m));
    REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
    small = (struct rlimit){ 1 << 15, before.rlim_max };
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
    rk_status status = rk_model_convert(m, test_path("out"), RK_i8, RK_LAYOUT_PLAIN, NULL, NULL), packed = rk_model_convert(m, test_path("out"), RK_i8, RK_LAYOUT_PACKED, NULL, NULL);
    rk_status floats = rk_model_convert(m, test_path("out"), RK_f32, RK_LAYOUT_PACKED, NULL, NULL);
    EXPECT(setrlimit(RLIMIT_FSIZE, &before) == 0);
    (void)signal(SIGXFSZ, handler);
    EXPECT(status == RK_E_IO && packed == RK_E_IO);
    FAILS(ctx, floats, RK_E_IO, "model.safetensors");
    forward(ctx, test_path("out"), backend_cpu(), &f);
    EXPECT(f.w->forms.n > 0 && f.w->forms.at[0].dtype == RK_f32);
    forward_close(&f);
    rk_model_close(m);
}

/* Wherever they stand: what comes behind a bad number must not make it forgotten. */
static void put_number(float x, long at)
{
    FILE *file = fopen(test_path("f32/model.safetensors"), "r+b");
    REQUIRE(file != NULL && fseek(file, at, SEEK_END) == 0 && fwrite(&x, sizeof x, 1, file) == 1 && fclose(file) == 0);
}

TEST(numbers_that_do_not_fit_are_an_error)
{
    rk_ctx *ctx = test_ctx();
    rk_model *m;
    for (long at = -4; at > -40; at -= 16) {
        save_random(ctx, wide, test_path("f32"));
        put_number(1e6f, at);
        OK(ctx, rk_model_open(ctx, test_path("f32"), &m));
        FAILS(ctx, rk_model_convert(m, test_path("out"), RK_f16, RK_LAYOUT_PLAIN, NULL, NULL), RK_E_LIMIT, "f16 cannot hold");
        OK(ctx, rk_model_convert(m, test_path("out"), RK_bf16, RK_LAYOUT_PLAIN, NULL, NULL));
        FAILS(ctx, rk_model_convert(m, test_path("out"), RK_i32, RK_LAYOUT_PLAIN, NULL, NULL), RK_E_DTYPE, "i32");
        rk_model_close(m);
        put_number(at < -4 ? NAN : -INFINITY, at);
        OK(ctx, rk_model_open(ctx, test_path("f32"), &m));
        FAILS(ctx, rk_model_convert(m, test_path("out"), RK_i8, RK_LAYOUT_PLAIN, NULL, NULL), RK_E_FORMAT, at < -4 ? "no number (NaN)" : "infinite");
        FAILS(ctx, rk_model_convert(m, test_path("out"), RK_f32, RK_LAYOUT_PLAIN, NULL, NULL), RK_E_FORMAT, "element ");
        rk_model_close(m);
    }
}
