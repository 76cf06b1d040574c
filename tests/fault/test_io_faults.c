/* When there is no memory, and when the disk is full: every call ends with its status, and nothing stays behind. */
#include "io/bundle.h"
#include "io/json.h"
#include "test.h"
#include "unit/torch_made.h"
#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>

static rk_status read_tree(rk_ctx *ctx)
{
    static const char text[] = "{\"a\":[1,2.5,[\"x\",{}],{\"b\":null}],\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1,\"j\":1,\"k\":\"\\u00e9\"}";
    struct json_doc doc;
    TRY(json_read(ctx, &doc, "x.json", text, sizeof text - 1, 0));
    struct str out = { NULL, 0, 0 };
    rk_status status = json_put_tree(ctx, &(struct json_out){ .to = &out, .indent = 2 }, NULL, doc.root);
    str_free(ctx, &out);
    json_clear(ctx, &doc);
    return status;
}

TEST(trees_without_memory) { FOR_EVERY_FAILED_ALLOCATION(read_tree); }

static rk_status declare(rk_ctx *ctx, struct bundle_writer *w)
{
    TRY(bundle_declare_note(ctx, w, "format", "pt"));
    TRY(bundle_declare(ctx, w, "a", RK_f32, 2, (int64_t[]){ 3, 4 }));
    return bundle_declare(ctx, w, "b", RK_u8, 1, (int64_t[]){ 5 });
}

static rk_status fill(rk_ctx *ctx, struct bundle_writer *w, const char *path)
{
    static const char data[48];
    TRY(declare(ctx, w));
    TRY(bundle_begin(ctx, w, path));
    TRY(bundle_write(ctx, w, "a", data, 48));
    return bundle_write(ctx, w, "b", data, 5);
}

static rk_status write_bundle(rk_ctx *ctx)
{
    struct bundle_writer w = { .begun = false };
    rk_status status = fill(ctx, &w, test_path("x.safetensors"));
    if (status == RK_OK) return bundle_commit(ctx, &w);
    bundle_abandon(ctx, &w);
    return status;
}

static rk_status open_and_close(rk_ctx *ctx, const char *path)
{
    struct bundle b;
    TRY(bundle_open(ctx, path, &b));
    bundle_close(ctx, &b);
    return RK_OK;
}

static rk_status open_file(rk_ctx *ctx) { return open_and_close(ctx, test_path("x.safetensors")); }
static rk_status open_folder(rk_ctx *ctx) { return open_and_close(ctx, test_temporary()); }
static rk_status open_npy(rk_ctx *ctx) { return open_and_close(ctx, test_path("x.npy")); }
static rk_status write_npy(rk_ctx *ctx) { return npy_write(ctx, test_path("x.npy"), RK_f32, 1, (int64_t[]){ 3 }, "0123456789ab"); }

static struct made_zip checkpoint;
static rk_status open_torch(rk_ctx *ctx)
{
    struct bundle b;
    TRY(bundle_open_bytes(ctx, "x.pt", checkpoint.out.at, checkpoint.out.n, &b));
    bundle_close(ctx, &b);
    return RK_OK;
}

/* Two tensors, one of them transposed, and a note. */
TEST(torch_files_without_memory)
{
    static const struct made_tensor plain = { .dtype = RK_f32, .key = "0", .elements = 6, .rank = 2, .shape = { 2, 3 }, .stride = { 3, 1 } };
    struct made pickle = { 0 };
    made_add(&pickle, "\x80\2}(", 4);
    made_text(&pickle, "a");
    made_tensor(&pickle, &plain);
    made_text(&pickle, "b");
    struct made_tensor turned = plain;
    turned.stride[0] = 1, turned.stride[1] = 2;
    made_tensor(&pickle, &turned);
    made_text(&pickle, "n");
    made_add(&pickle, "](K\1N\x88K\2eu.", 11);
    checkpoint = (struct made_zip){ .lie = MADE_PLAIN };
    made_file(&checkpoint, &pickle, 1, &(size_t){ 24 });
    FOR_EVERY_FAILED_ALLOCATION(open_torch);
    made_free(&pickle);
    made_free(&checkpoint.out);
}

TEST(bundles_without_memory)
{
    FOR_EVERY_FAILED_ALLOCATION(write_bundle);
    FOR_EVERY_FAILED_ALLOCATION(open_file);
    test_write_text("model.safetensors.index.json", "{\"weight_map\":{\"a\":\"x.safetensors\",\"b\":\"x.safetensors\"}}");
    FOR_EVERY_FAILED_ALLOCATION(open_folder);
    FOR_EVERY_FAILED_ALLOCATION(write_npy);
    FOR_EVERY_FAILED_ALLOCATION(open_npy);
}

static int files_there(void)
{
    int n = 0;
    DIR *d = opendir(test_temporary());
    REQUIRE(d != NULL);
    for (struct dirent *e; (e = readdir(d)) != NULL;) n += e->d_name[0] != '.';
    (void)closedir(d);
    return n;
}

static rk_status write_large(rk_ctx *ctx, struct bundle_writer *w, const char *path)
{
    static const char data[1 << 16];
    TRY(bundle_declare(ctx, w, "a", RK_u8, 1, &(int64_t){ 1 << 20 }));
    TRY(bundle_begin(ctx, w, path));
    for (int i = 0; i < 16; i++) TRY(bundle_write(ctx, w, "a", data, sizeof data));
    return RK_OK;
}

/* A bound on the size of files stands for the full disk: the old file stays as it is, and no temporary one is left. */
TEST(a_full_disk_keeps_the_old_file)
{
    rk_ctx *ctx = test_ctx();
    struct rlimit before, small;
    struct bundle_writer w = { .begun = false };
    struct bundle b;
    const char *path = test_path("x.safetensors");
    OK(ctx, write_bundle(ctx));
    REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
    small = (struct rlimit){ 1 << 19, before.rlim_max };
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
    rk_status status = write_large(ctx, &w, path);
    bundle_abandon(ctx, &w);
    EXPECT(setrlimit(RLIMIT_FSIZE, &before) == 0);
    (void)signal(SIGXFSZ, handler);
    FAILS(ctx, status, RK_E_IO, "x.safetensors");
    EXPECT_INT(files_there(), 1);
    OK(ctx, bundle_open(ctx, path, &b));
    EXPECT_INT(b.entries.n, 2);
    bundle_close(ctx, &b);
}

/* Every prefix of a good file is refused, and only the whole opens. */
TEST(every_truncation_is_noticed)
{
    rk_ctx *ctx = test_ctx();
    char bytes[1024];
    OK(ctx, write_bundle(ctx));
    FILE *f = fopen(test_path("x.safetensors"), "rb");
    REQUIRE(f != NULL);
    size_t n = fread(bytes, 1, sizeof bytes, f);
    (void)fclose(f);
    REQUIRE(n > 100 && n < sizeof bytes);
    for (size_t k = 0; k <= n; k++) {
        struct bundle b;
        rk_status status = bundle_open_bytes(ctx, "x.safetensors", bytes, k, &b);
        EXPECT_INT(status, k == n ? RK_OK : RK_E_FORMAT);
        if (status == RK_OK) bundle_close(ctx, &b);
    }
}
