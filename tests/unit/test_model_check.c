/* Descriptions held against checkpoints that were made to fit, and then spoilt in one way each. Files are headers with a hole
 * for data: nothing of what is checked here looks at a number. */
#include "core/graph.h"
#include "model/bind.h"
#include "test.h"
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* --- made checkpoints --- */

struct tensor { char name[96]; rk_dtype dtype; int rank; int64_t shape[RK_MAX_RANK]; };
struct tensors { struct tensor *at; int n, room; };

static struct tensor *add(struct tensors *t, const char *name, rk_dtype dtype, int rank, const int64_t *shape)
{
    if (t->n == t->room) t->at = realloc(t->at, (size_t)(t->room = 2 * t->room + 64) * sizeof *t->at);
    REQUIRE(t->at != NULL);
    struct tensor *fresh = &t->at[t->n++];
    *fresh = (struct tensor){ .dtype = dtype, .rank = rank };
    (void)snprintf(fresh->name, sizeof fresh->name, "%s", name);
    for (int i = 0; i < rank; i++) fresh->shape[i] = shape[i];
    return fresh;
}

static struct tensor *named(struct tensors *t, const char *name)
{
    for (int i = 0; i < t->n; i++)
        if (strcmp(t->at[i].name, name) == 0) return &t->at[i];
    test_fail(__FILE__, __LINE__, "no tensor %s was made", name);
    test_end();
}

static void drop(struct tensors *t, const char *name) { *named(t, name) = t->at[--t->n]; }

/* What the family would save for this MODEL, in this dtype. */
static void describe(rk_ctx *ctx, const char *spec, rk_dtype dtype, struct tensors *t)
{
    rk_model *m;
    struct built b;
    struct str name = { 0 };
    OK(ctx, rk_model_open(ctx, spec, &m));
    OK(ctx, model_build(ctx, m, &(struct build_options){ .purpose = FOR_SCORING, .seq = 1 }, &b));
    for (int i = 0; i < b.parameters.n; i++) {
        struct word number;
        struct stored s;
        name.n = 0;
        OK(ctx, bind_name(ctx, bind_row(m->config.arch, b.parameters.at[i].name, &number), number, 0, &name));
        OK(ctx, bind_stored(ctx, m->config.arch, &b, i, &s));
        (void)add(t, str_c(&name), dtype, s.rank, s.shape);
    }
    OK(ctx, rk_model_save_config(m, test_temporary()));
    str_free(ctx, &name);
    built_close(&b);
    rk_model_close(m);
}

/* Tensors first, first + step ... as safetensors: the header, and a hole. Returns the size of the file. */
static uint64_t write_tensors(const char *file, const struct tensors *t, int first, int step)
{
    uint64_t at = 0, header = 0;
    FILE *f = fopen(test_path(file), "wb");
    REQUIRE(f != NULL && fseek(f, 8, SEEK_SET) == 0);
    for (int i = first; i < t->n; i += step) {
        const struct tensor *x = &t->at[i];
        uint64_t bytes = rk_dtype_bytes(x->dtype);
        header += (uint64_t)fprintf(f, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[", i == first ? "{" : ",", x->name, (const char *const[]){
#define ROW(name, bytes, kind, written, largest, epsilon) written,
#include "reckon/dtype.def"
#undef ROW
        }[x->dtype]);
        for (int k = 0; k < x->rank; k++, bytes *= (uint64_t)x->shape[k - 1]) header += (uint64_t)fprintf(f, "%s%lld", k > 0 ? "," : "", (long long)x->shape[k]);
        header += (uint64_t)fprintf(f, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)at, (unsigned long long)(at + bytes));
        at += bytes;
    }
    header += (uint64_t)fprintf(f, "%s", first < t->n ? "}" : "{}");
    REQUIRE(fseek(f, 0, SEEK_SET) == 0 && fwrite(&header, 8, 1, f) == 1 && fclose(f) == 0);
    REQUIRE(truncate(test_path(file), (off_t)(8 + header + at)) == 0);
    return 8 + header + at;
}

/* --- what was told --- */

struct told { int count[RK_CHECK_COUNT]; char text[20000]; size_t n; uint64_t bytes, header; };

static bool tell(void *user, const rk_check_row *row)
{
    struct told *t = user;
    t->count[row->finding]++;
    if (row->finding == RK_CHECK_PARAMETERS) EXPECT(row->name[0] == '\0' && row->text[0] == '\0');     /* all of them, of no one name */
    if (row->finding == RK_CHECK_FILE) t->header += row->header;
    else if (row->finding != RK_CHECK_ALL) t->bytes += row->bytes;
    if (t->n < sizeof t->text - 300)
        t->n += (size_t)snprintf(t->text + t->n, 300, "%s %.90s %.200s\n", rk_finding_words(row->finding), row->name, row->text);
    return true;
}

/* Every file is the sum of its parts, whatever is wrong with it. */
static void check(rk_ctx *ctx, const char *spec, struct told *t, rk_checked *c)
{
    rk_model *m;
    int troubles = 0;
    *t = (struct told){ .n = 0 };
    OK(ctx, rk_model_open(ctx, spec, &m));
    OK(ctx, rk_model_check(m, tell, t, c));
    rk_model_close(m);
    for (int f = 0; f < RK_CHECK_COUNT; f++)
        if (rk_finding_is_trouble((rk_finding)f)) troubles += t->count[f];
    EXPECT_INT(c->troubles, troubles);
    EXPECT_INT(c->file_bytes, c->header_bytes + c->parameter_bytes + c->tie_bytes + c->buffer_bytes + c->wrong_bytes + c->left_bytes);
    EXPECT_INT(t->header, c->header_bytes);
    EXPECT_INT(t->bytes, c->parameter_bytes + c->tie_bytes + c->buffer_bytes + c->wrong_bytes);
}

static void expect_text(const struct told *t, const char *words)
{
    if (strstr(t->text, words) == NULL) test_fail(__FILE__, __LINE__, "not told: %s\n%s", words, t->text);
}

/* --- agreement --- */

TEST(what_a_family_saves_is_explained)
{
    static const struct { const char *spec; rk_dtype dtype; } models[] = {
        { "gpt2", RK_f32 }, { "gpt2-xl", RK_f16 }, { "gpt2:tie_word_embeddings=false", RK_bf16 }, { "cs336-17m", RK_f32 }, { "nanogpt-char", RK_f64 },
    };
    rk_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        struct tensors t = { 0 };
        struct told told;
        rk_checked c;
        describe(ctx, models[i].spec, models[i].dtype, &t);
        uint64_t bytes = write_tensors("model.safetensors", &t, 0, 1);
        check(ctx, test_temporary(), &told, &c);
        EXPECT(c.troubles == 0 && c.found == c.described && c.left_bytes == 0 && c.wrong_bytes == 0);
        EXPECT_INT(c.file_bytes, bytes);
        EXPECT_INT(c.parameter_bytes, c.described * rk_dtype_bytes(models[i].dtype));
        EXPECT(told.count[RK_CHECK_PARAMETERS] == 1 && told.count[RK_CHECK_NOTE] == 0);
        free(t.at);
    }
    EXPECT(rk_ctx_peak_bytes(ctx) < 1 << 23);                       /* gigabytes of weights were described */
}

/* The file of GPT-2 as it was published: 4 bytes for each parameter, and a mask of 4 MiB for each block. */
TEST(masks_of_old_files_are_explained)
{
    rk_ctx *ctx = test_ctx();
    struct tensors t = { 0 };
    struct told told;
    rk_checked c;
    char name[96];
    describe(ctx, "gpt2", RK_f32, &t);
    for (int i = 0; i < 12; i++) {
        (void)snprintf(name, sizeof name, "h.%d.attn.bias", i);
        (void)add(&t, name, RK_f32, 4, (int64_t[]){ 1, 1, 1024, 1024 });
        (void)snprintf(name, sizeof name, "h.%d.attn.masked_bias", i);
        (void)add(&t, name, RK_f32, 0, NULL);
    }
    (void)write_tensors("model.safetensors", &t, 0, 1);
    check(ctx, test_temporary(), &told, &c);
    EXPECT_INT(c.troubles, 0);
    EXPECT_INT(c.parameter_bytes, 4 * 124439808ull);
    EXPECT_INT(c.buffer_bytes, 12 * (4ull << 20) + 12 * 4);
    EXPECT_INT(told.count[RK_CHECK_BUFFERS], 2);
    expect_text(&told, "buffers h.*.attn.bias causal-mask");
    expect_text(&told, "all of one dtype  124439808 parameters + 12582912 buffers + 12 buffers");
    free(t.at);
}

/* What the header of Pythia-1B says: F16 1,011,782,144 and U8 67,108,864. */
TEST(a_header_of_two_dtypes_is_explained)
{
    rk_ctx *ctx = test_ctx();
    struct tensors t = { 0 };
    struct told told;
    rk_checked c;
    char name[96];
    describe(ctx, "pythia-1b", RK_f16, &t);
    for (int i = 0; i < 16; i++) {
        (void)snprintf(name, sizeof name, "gpt_neox.layers.%d.attention.bias", i);
        (void)add(&t, name, RK_u8, 4, (int64_t[]){ 1, 1, 2048, 2048 });
        (void)snprintf(name, sizeof name, "gpt_neox.layers.%d.attention.rotary_emb.inv_freq", i);
        (void)add(&t, name, RK_f16, 1, (int64_t[]){ 32 });
    }
    (void)write_tensors("model.safetensors", &t, 0, 1);
    check(ctx, test_temporary(), &told, &c);
    EXPECT_INT(c.troubles, 0);
    EXPECT_INT(c.parameter_bytes, 2 * 1011781632ull);
    EXPECT_INT(c.buffer_bytes, 67108864ull + 2 * 512);
    expect_text(&told, "all of one dtype  1011781632 parameters + 512 buffers");
    expect_text(&told, "all of one dtype  67108864 buffers");
    expect_text(&told, "buffers layers.*.attention.rotary_emb.inv_freq rotary tables");
    free(t.at);
}

/* GPT-J-6B as transformers 4 saved it: 6,050,882,784 parameters and 117,440,540 = 28 · (2048² + 1) numbers of buffers. */
TEST(buffers_of_gptj_are_explained)
{
    rk_ctx *ctx = test_ctx();
    struct tensors t = { 0 };
    struct told told;
    rk_checked c;
    char name[96];
    describe(ctx, "gpt-j-6b", RK_f16, &t);
    for (int i = 0; i < 28; i++) {
        (void)snprintf(name, sizeof name, "transformer.h.%d.attn.bias", i);
        (void)add(&t, name, RK_u8, 4, (int64_t[]){ 1, 1, 2048, 2048 });
        (void)snprintf(name, sizeof name, "transformer.h.%d.attn.masked_bias", i);
        (void)add(&t, name, RK_f16, 0, NULL);
    }
    (void)write_tensors("model.safetensors", &t, 0, 1);
    check(ctx, test_temporary(), &told, &c);
    EXPECT_INT(c.troubles, 0);
    EXPECT_INT(c.parameter_bytes, 2 * 6050882784ull);
    EXPECT_INT(c.buffer_bytes, 117440540ull + 28);                  /* the masks' numbers have a byte, the others two */
    EXPECT_INT(told.count[RK_CHECK_BUFFERS], 2);
    expect_text(&told, "all of one dtype  6050882784 parameters + 28 buffers");
    expect_text(&told, "all of one dtype  117440512 buffers");
    free(t.at);
}

TEST(ties_and_mixed_dtypes)
{
    rk_ctx *ctx = test_ctx();
    struct tensors t = { 0 };
    struct told told;
    rk_checked c;
    describe(ctx, "gpt2:n_layer=2,n_embd=24,n_head=2,vocab_size=97,n_positions=40", RK_f16, &t);
    named(&t, "ln_f.weight")->dtype = RK_f32;
    (void)add(&t, "transformer.lm_head.weight", RK_f16, 2, (int64_t[]){ 97, 24 });
    (void)write_tensors("model.safetensors", &t, 0, 1);
    check(ctx, test_temporary(), &told, &c);
    EXPECT_INT(c.troubles, 0);
    EXPECT_INT(c.tie_bytes, 2 * 97 * 24);
    EXPECT_INT(told.count[RK_CHECK_PARAMETERS], 2);
    expect_text(&told, "ties lm_head.weight a second copy of \"wte.weight\"");
    expect_text(&told, "several dtypes");
    named(&t, "transformer.lm_head.weight")->shape[0] = 96;
    (void)write_tensors("model.safetensors", &t, 0, 1);
    check(ctx, test_temporary(), &told, &c);
    EXPECT(c.troubles == 1 && told.count[RK_CHECK_SHAPE] == 1);
    expect_text(&told, "tied to a tensor of another shape");
    free(t.at);
}

/* --- one trouble each --- */

#define SMALL "gpt2:n_layer=3,n_embd=24,n_head=2,vocab_size=97,n_positions=40"

struct spoilt { struct tensors t; struct told told; rk_checked c; };

/* The checkpoint of one MODEL, with the config.json of another. */
static void spoil(rk_ctx *ctx, struct spoilt *s, const char *weights, const char *config)
{
    struct tensors ignored = { 0 };
    s->t.n = 0;
    describe(ctx, weights, RK_f32, &s->t);
    describe(ctx, config, RK_f32, &ignored);
    free(ignored.at);
}

static void check_spoilt(rk_ctx *ctx, struct spoilt *s)
{
    (void)write_tensors("model.safetensors", &s->t, 0, 1);
    check(ctx, test_temporary(), &s->told, &s->c);
}

TEST(missing_extra_and_misshapen)
{
    rk_ctx *ctx = test_ctx();
    struct spoilt s = { .c = { 0 } };
    spoil(ctx, &s, SMALL, SMALL);
    drop(&s.t, "h.1.mlp.c_fc.bias");
    (void)add(&s.t, "h.1.mlp.c_fc.scale", RK_f32, 1, (int64_t[]){ 7 });
    named(&s.t, "h.2.attn.c_proj.bias")->dtype = RK_i64;
    named(&s.t, "h.2.ln_1.bias")->shape[0] = 25;
    struct tensor *turned = named(&s.t, "h.0.mlp.c_fc.weight");
    turned->shape[0] = 96, turned->shape[1] = 24;
    named(&s.t, "h.0.mlp.c_proj.bias")->rank = 2;
    named(&s.t, "h.0.mlp.c_proj.bias")->shape[1] = 1;
    check_spoilt(ctx, &s);
    EXPECT_INT(s.told.count[RK_CHECK_MISSING], 1);
    EXPECT_INT(s.told.count[RK_CHECK_EXTRA], 1);
    EXPECT_INT(s.told.count[RK_CHECK_DTYPE], 1);
    EXPECT_INT(s.told.count[RK_CHECK_SHAPE], 3);
    EXPECT_INT(s.c.wrong_bytes, 4 * (7 + 25 + 96 * 24 + 24) + 8 * 24);
    expect_text(&s.told, "missing h.1.mlp.c_fc.bias");
    expect_text(&s.told, "h.1.mlp.c_fc.scale nothing of this family");
    expect_text(&s.told, "h.2.ln_1.bias described as hidden = [24]; n_embd=25 would fit");
    expect_text(&s.told, "described as hidden ff = [24 96]: the same, transposed");
    expect_text(&s.told, "h.0.mlp.c_proj.bias described as hidden = [24]\n");
    free(s.t.at);
}

static const struct { const char *weights, *config, *words; } fits[] = {
    { SMALL,                        "gpt2:n_layer=4,n_embd=24,n_head=2,vocab_size=97,n_positions=40",   "notes  n_layer=3 would fit" },
    { SMALL,                        "gpt2:n_layer=1,n_embd=24,n_head=2,vocab_size=97,n_positions=40",   "notes  n_layer=3 would fit" },
    { SMALL,                        "gpt2:n_layer=3,n_embd=48,n_head=2,vocab_size=97,n_positions=40",   "notes  n_embd=24, n_inner=96 would fit" },
    { SMALL,                        "gpt2:n_layer=2,n_embd=48,n_head=2,vocab_size=98,n_positions=41",   "notes  vocab_size=97, n_positions=40, n_embd=24, n_layer=3, n_inner=96 would fit" },
    { SMALL ",n_inner=50",          SMALL,                                                              "notes  n_inner=50 would fit" },
    { SMALL ",bias=false",          SMALL,                                                              "notes  bias=false would fit" },
    { SMALL,                        SMALL ",bias=false",                                                "notes  bias=true would fit" },
    { SMALL,                        SMALL ",tie_word_embeddings=false",                                 "notes  tie_word_embeddings=true would fit" },
    { SMALL ",bias=false,n_layer=2", SMALL,                                                             "notes  n_layer=2, bias=false would fit" },
};

TEST(what_would_fit)
{
    rk_ctx *ctx = test_ctx();
    struct spoilt s = { .c = { 0 } };
    for (size_t i = 0; i < sizeof fits / sizeof *fits; i++) {
        spoil(ctx, &s, fits[i].weights, fits[i].config);
        check_spoilt(ctx, &s);
        EXPECT(s.c.troubles > 0);
        expect_text(&s.told, fits[i].words);
    }
    free(s.t.at);
}

TEST(a_padded_vocabulary)
{
    rk_ctx *ctx = test_ctx();
    struct spoilt s = { .c = { 0 } };
    spoil(ctx, &s, "gpt2:vocab_size=50304,n_layer=1", "gpt2:n_layer=1");
    check_spoilt(ctx, &s);
    EXPECT_INT(s.c.troubles, 1);
    expect_text(&s.told, "vocab_size=50304 would fit; 47 rows of padding: 50304 is 393 x 128");
    expect_text(&s.told, "notes  vocab_size=50304 would fit");
    free(s.t.at);
}

/* --- shards --- */

static void write_index(const struct tensors *t, int shards, const char *more)
{
    FILE *f = fopen(test_path("model.safetensors.index.json"), "wb");
    REQUIRE(f != NULL && fputs("{\"weight_map\":{", f) >= 0);
    for (int i = 0; i < t->n; i++) (void)fprintf(f, "%s\"%s\":\"part-%d.safetensors\"", i > 0 ? "," : "", t->at[i].name, i % shards);
    REQUIRE(fprintf(f, "%s}}", more) > 0 && fclose(f) == 0);
}

TEST(an_index_and_its_shards)
{
    rk_ctx *ctx = test_ctx();
    struct spoilt s = { .c = { 0 } };
    uint64_t bytes = 0;
    spoil(ctx, &s, SMALL, SMALL);
    for (int i = 0; i < 3; i++) bytes += write_tensors(i == 0 ? "part-0.safetensors" : i == 1 ? "part-1.safetensors" : "part-2.safetensors", &s.t, i, 3);
    write_index(&s.t, 3, "");
    check(ctx, test_temporary(), &s.told, &s.c);
    EXPECT(s.c.troubles == 0 && s.told.count[RK_CHECK_FILE] == 3 && s.c.file_bytes == bytes);
    write_index(&s.t, 3, ",\"h.9.absent\":\"part-1.safetensors\"");
    check(ctx, test_temporary(), &s.told, &s.c);
    EXPECT_INT(s.told.count[RK_CHECK_INDEX], 1);
    expect_text(&s.told, "h.9.absent\" should be in part-1.safetensors, which has no such tensor");
    struct tensor last = s.t.at[s.t.n - 1];
    s.t.n--;
    write_index(&s.t, 3, "");
    s.t.n++;
    check(ctx, test_temporary(), &s.told, &s.c);
    EXPECT(s.told.count[RK_CHECK_INDEX] == 1 && s.c.troubles == 1);
    expect_text(&s.told, last.name);
    expect_text(&s.told, "in this shard and not in the index");
    write_index(&s.t, 3, "");
    REQUIRE(remove(test_path("part-2.safetensors")) == 0);
    check(ctx, test_temporary(), &s.told, &s.c);
    expect_text(&s.told, "the index asks for this shard, and it is not there");
    EXPECT_INT(s.told.count[RK_CHECK_INDEX], 1 + s.t.n / 3);
    EXPECT_INT(s.told.count[RK_CHECK_MISSING], s.t.n / 3);
    free(s.t.at);
}

/* --- files that are absurd --- */

static void refuses(rk_ctx *ctx, rk_status status, const char *words)
{
    rk_model *m;
    struct told told = { .n = 0 };
    rk_checked c;
    OK(ctx, rk_model_open(ctx, test_temporary(), &m));
    FAILS(ctx, rk_model_check(m, tell, &told, &c), status, words);
    rk_model_close(m);
}

TEST(absurd_files_are_refused_by_name)
{
    rk_ctx *ctx = test_ctx();
    struct tensors t = { 0 };
    char deep[400] = "{\"weight_map\":";
    rk_model *m;
    describe(ctx, SMALL, RK_f32, &t);
    test_write_text("model.safetensors.index.json", "{\"weight_map\":{\"a\":\"model.safetensors.index.json\"}}");
    refuses(ctx, RK_E_FORMAT, "an index of shards among the shards");
    for (int i = 0; i < 100; i++) (void)strcat(deep, "[");
    test_write_text("model.safetensors.index.json", deep);
    refuses(ctx, RK_E_LIMIT, "more than 64 deep");
    test_write_text("model.safetensors.index.json", "{\"weight_map\":{\"a\":\"../config.json\"}}");
    refuses(ctx, RK_E_FORMAT, "expected the name of a file beside the index");
    REQUIRE(remove(test_path("model.safetensors.index.json")) == 0);
    t.n = 0;
    (void)add(&t, "wte.weight", RK_f32, 2, (int64_t[]){ 1000000000000000000, 1000000000000000000 });
    FILE *f = fopen(test_path("model.safetensors"), "wb");
    static const char header[] = "{\"wte.weight\":{\"dtype\":\"F32\",\"shape\":[1000000000000000000,1000000000000000000],\"data_offsets\":[0,0]}}";
    REQUIRE(f != NULL && fwrite(&(uint64_t){ sizeof header - 1 }, 8, 1, f) == 1 && fputs(header, f) >= 0 && fclose(f) == 0);
    refuses(ctx, RK_E_LIMIT, "more bytes than an address can hold");
    REQUIRE(remove(test_path("model.safetensors")) == 0);
    OK(ctx, rk_model_open(ctx, test_temporary(), &m));
    rk_checked c;
    FAILS(ctx, rk_model_check(m, NULL, NULL, &c), RK_E_MISSING, "no weights");
    rk_model_close(m);
    free(t.at);
}

static bool stop(void *user, const rk_check_row *row) { return (void)user, (void)row, false; }

TEST(a_check_may_be_stopped)
{
    rk_ctx *ctx = test_ctx();
    struct spoilt s = { .c = { 0 } };
    rk_model *m;
    spoil(ctx, &s, SMALL, SMALL);
    (void)write_tensors("model.safetensors", &s.t, 0, 1);
    OK(ctx, rk_model_open(ctx, test_temporary(), &m));
    FAILS(ctx, rk_model_check(m, stop, NULL, &s.c), RK_E_CANCELLED, "stopped");
    rk_model_close(m);
    free(s.t.at);
}

static rk_status open_and_check(rk_ctx *ctx)
{
    rk_model *m;
    struct told told = { .n = 0 };
    rk_checked c;
    TRY(rk_model_open(ctx, test_temporary(), &m));
    rk_status status = rk_model_check(m, tell, &told, &c);
    rk_model_close(m);
    return status;
}

TEST(checks_without_memory)
{
    rk_ctx *ctx = test_ctx();
    struct spoilt s = { .c = { 0 } };
    spoil(ctx, &s, "gpt2:n_layer=1,n_embd=4,n_head=2,vocab_size=7,n_positions=5", "gpt2:n_layer=2,n_embd=4,n_head=2,vocab_size=9,n_positions=5");
    (void)add(&s.t, "h.0.attn.bias", RK_u8, 1, (int64_t[]){ 5 });
    (void)write_tensors("part-0.safetensors", &s.t, 0, 1);
    write_index(&s.t, 1, ",\"more\":\"part-1.safetensors\"");
    FOR_EVERY_FAILED_ALLOCATION(open_and_check);
    free(s.t.at);
}

/* --- size --- */

static double seconds_of(rk_ctx *ctx, int tensors)
{
    struct spoilt s = { .c = { 0 } };
    struct timespec a, b;
    char name[96];
    spoil(ctx, &s, SMALL, SMALL);
    for (int i = s.t.n; i < tensors; i++) {
        (void)snprintf(name, sizeof name, "transformer.h.%d.attn.%s.%d", i % 48, i % 2 == 0 ? "bias" : "lora", i);
        (void)add(&s.t, name, RK_f32, 1, (int64_t[]){ 8 });
    }
    (void)write_tensors("model.safetensors", &s.t, 0, 1);
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
    check(ctx, test_temporary(), &s.told, &s.c);
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
    EXPECT(s.c.troubles > tensors - 100);
    free(s.t.at);
    return (double)(b.tv_sec - a.tv_sec) + 1e-9 * (double)(b.tv_nsec - a.tv_nsec);
}

/* Four times the tensors take about four times as long, not sixteen. */
TEST(many_tensors_take_linear_time)
{
    rk_ctx *ctx = test_ctx();
    double few = seconds_of(ctx, 25000), many = seconds_of(ctx, 100000);
    if (many > 9 * few + 0.05) test_fail(__FILE__, __LINE__, "25,000 tensors took %.3f s, 100,000 took %.3f s", few, many);
}
