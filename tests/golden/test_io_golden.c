/* Files that others wrote: every safetensors and JSON file of the reference data opens, and some arrays hold the very bytes
 * that the Python library finds in them. The sums: x = tensor.reshape(-1).view(torch.uint8).to(torch.int64);
 * (x * (torch.arange(x.numel()) % 251 + 1)).sum(), with safetensors 0.x and torch 2.15. */
#include "io/bundle.h"
#include "io/json.h"
#include "test.h"
#include "base/clock.h"

static const struct { const char *file; int tensors; const char *name; rk_dtype dtype; int rank; int64_t shape[2]; long long sum; } known[] = {
    { "golden/models/gpt2/model.safetensors", 40, "transformer.h.1.mlp.c_fc.bias", RK_f32, 1, { 96 }, 4977543 },
    { "golden/models/gpt2/model.safetensors", 40, "transformer.wte.weight", RK_f32, 2, { 97, 24 }, 146167558 },
    { "golden/models/gpt2/io.safetensors", 105, "grad.transformer.h.0.attn.c_proj.bias", RK_f64, 1, { 24 }, 2302432 },
    { "golden/models/neox-f16-bin", 40, "gpt_neox.layers.1.input_layernorm.weight", RK_f16, 1, { 32 }, 151198 },
    { "golden/models/neox-f16-bin", 40, "lm_head.weight", RK_f16, 2, { 107, 32 }, 101497945 },
    { "golden/models/gpt2-bf16-sharded", 40, "transformer.h.1.mlp.c_proj.weight", RK_bf16, 2, { 96, 24 }, 71030788 },
    { "golden/models/gpt2-bf16-sharded", 40, "transformer.wte.weight", RK_bf16, 2, { 97, 24 }, 70377278 },
    { "golden/models/gpt2-bf16-sharded", 40, "transformer.h.1.mlp.c_fc.weight", RK_bf16, 2, { 24, 96 }, 70725366 },
    { "data/cs336/2024/transformer_lm_weights.safetensors", 20, "layers.1.attn.q_proj.weight", RK_f32, 2, { 128, 128 }, 1034782195 },
    { "data/cs336/2024/scaled_dot_product_attention_mask.safetensors", 1, "array", RK_bool, 2, { 32, 32 }, 57435 },
    { "data/tiny-random-gpt2", 65, "transformer.wte.weight", RK_f32, 2, { 1000, 32 }, 2022166947 },
    { "golden/models/bert-mlm/io.safetensors", 132, "token_type_ids", RK_i64, 2, { 3, 12 }, 897 },
};

TEST(known_arrays_hold_known_bytes)
{
    const char *shared = test_shared();
    if (shared == NULL) SKIP("no reference data here");
    rk_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        char path[1024];
        struct bundle b;
        (void)snprintf(path, sizeof path, "%s/%s", shared, known[i].file);
        OK(ctx, bundle_open(ctx, path, &b));
        EXPECT_INT(b.entries.n, known[i].tensors);
        const struct bundle_entry *e;
        OK(ctx, bundle_get(ctx, &b, known[i].name, &e));
        EXPECT(e->dtype == known[i].dtype && e->rank == known[i].rank && memcmp(e->shape, known[i].shape, (size_t)e->rank * sizeof *e->shape) == 0);
        long long sum = 0;
        for (size_t k = 0; k < e->bytes; k++) sum += ((const unsigned char *)e->data)[k] * (long long)(k % 251 + 1);
        EXPECT_INT(sum, known[i].sum);
        bundle_close(ctx, &b);
    }
}

static void check_bundle(rk_ctx *ctx, const char *path)
{
    struct bundle b;
    OK(ctx, bundle_open(ctx, path, &b));
    EXPECT(b.entries.n > 0);
    bundle_close(ctx, &b);
}

/* Reads, writes, reads and writes again: the two texts must agree. */
static void check_json(rk_ctx *ctx, const char *path)
{
    struct str text[2] = { { NULL, 0, 0 }, { NULL, 0, 0 } };
    struct json_doc doc;
    double start = clock_seconds();
    OK(ctx, json_load(ctx, &doc, path, 0));
    EXPECT(clock_seconds() - start < 2);
    OK(ctx, json_put_tree(ctx, &(struct json_out){ .to = &text[0] }, NULL, doc.root));
    json_clear(ctx, &doc);
    OK(ctx, json_read(ctx, &doc, path, text[0].at, (size_t)text[0].n, 0));
    OK(ctx, json_put_tree(ctx, &(struct json_out){ .to = &text[1] }, NULL, doc.root));
    EXPECT(text[0].n == text[1].n && memcmp(text[0].at, text[1].at, (size_t)text[0].n) == 0);
    json_clear(ctx, &doc);
    for (int i = 0; i < 2; i++) str_free(ctx, &text[i]);
}

static int walk(rk_ctx *ctx, const char *folder, const char *ending, void (*check)(rk_ctx *ctx, const char *path))
{
    struct file_names names;
    struct str path = { NULL, 0, 0 };
    int found = 0;
    OK(ctx, file_list(ctx, folder, &names));
    for (int i = 0; i < names.n; i++) {
        OK(ctx, file_join(ctx, &path, folder, names.at[i]));
        if (file_is_folder(path.at)) found += walk(ctx, path.at, ending, check);
        else if (str_ends_in(path.at, ending)) {
            check(ctx, path.at);
            found++;
        }
    }
    str_free(ctx, &path);
    file_names_free(ctx, &names);
    return found;
}

static int walk_shared(const char *ending, void (*check)(rk_ctx *ctx, const char *path))
{
    const char *shared = test_shared();
    if (shared == NULL) SKIP("no reference data here");
    int found = 0;
    for (int i = 0; i < 2; i++) {
        char folder[1024];
        (void)snprintf(folder, sizeof folder, "%s/%s", shared, i == 0 ? "data" : "golden");
        found += walk(test_ctx(), folder, ending, check);
    }
    return found;
}

/* What torch.save wrote holds the same numbers as the safetensors beside it; of a tie it has both ends, on one storage. */
static void check_bin(rk_ctx *ctx, const char *path)
{
    struct bundle bin, safe;
    char beside[1024];
    int ties = 0;
    (void)snprintf(beside, sizeof beside, "%.*s/model.safetensors", (int)(strrchr(path, '/') - path), path);
    OK(ctx, bundle_open(ctx, path, &bin));
    OK(ctx, bundle_open(ctx, beside, &safe));
    EXPECT_TEXT(bin.format, "torch");
    for (int i = 0; i < safe.entries.n; i++) {
        const struct bundle_entry *a = &safe.entries.at[i], *b = bundle_find(&bin, a->name.at);
        REQUIRE(b != NULL);
        EXPECT(a->dtype == b->dtype && a->rank == b->rank && memcmp(a->shape, b->shape, (size_t)a->rank * sizeof *a->shape) == 0);
        EXPECT(b->aligned && a->bytes == b->bytes && memcmp(a->data, b->data, a->bytes) == 0);
    }
    for (int i = 0; i < bin.entries.n; i++) {
        bool tie = false;
        for (int k = 0; k < i; k++) tie = tie || bin.entries.at[k].data == bin.entries.at[i].data;
        ties += tie;
    }
    EXPECT_INT(bin.entries.n, safe.entries.n + ties);
    bundle_close(ctx, &bin);
    bundle_close(ctx, &safe);
}

TEST(torch_files_hold_what_safetensors_hold) { EXPECT(walk_shared("pytorch_model.bin", check_bin) >= 5); }

TEST(a_training_checkpoint_of_nanogpt)
{
    const char *shared = test_shared();
    if (shared == NULL) SKIP("no reference data here");
    rk_ctx *ctx = test_ctx();
    char path[1024];
    struct bundle b;
    const struct bundle_entry *table, *head;
    (void)snprintf(path, sizeof path, "%s/golden/models/nanogpt-bias/ckpt.pt", shared);
    OK(ctx, bundle_open(ctx, path, &b));
    EXPECT_TEXT(bundle_note(&b, "model_args"), "{\"n_layer\": 3, \"n_head\": 2, \"n_embd\": 20, \"block_size\": 32, \"bias\": true, \"vocab_size\": 97, \"dropout\": 0.0}");
    EXPECT_TEXT(bundle_note(&b, "iter_num"), "10");
    EXPECT_TEXT(bundle_note(&b, "config"), "{\"dtype\": \"float32\"}");
    EXPECT(bundle_find(&b, "best_val_loss") == NULL);
    OK(ctx, bundle_get(ctx, &b, "_orig_mod.transformer.wte.weight", &table));
    OK(ctx, bundle_get(ctx, &b, "_orig_mod.lm_head.weight", &head));
    EXPECT(table->data == head->data && table->rank == 2 && table->shape[0] == 97 && table->shape[1] == 20);
    bundle_close(ctx, &b);
}

TEST(every_reference_bundle_opens) { EXPECT(walk_shared(".safetensors", check_bundle) >= 70); }
TEST(every_reference_index_opens) { EXPECT(walk_shared(".safetensors.index.json", check_bundle) >= 1); }
TEST(every_reference_json_is_read) { EXPECT(walk_shared(".json", check_json) >= 40); }

TEST(a_large_tokenizer)
{
    const char *shared = test_shared();
    if (shared == NULL) SKIP("no reference data here");
    rk_ctx *ctx = test_ctx();
    char path[1024];
    struct json_doc doc;
    (void)snprintf(path, sizeof path, "%s/data/tokenizers/gpt-neox/tokenizer.json", shared);
    OK(ctx, json_load(ctx, &doc, path, 0));
    const struct json *vocab = json_find(json_find(doc.root, "model"), "vocab"), *merges = json_find(json_find(doc.root, "model"), "merges");
    REQUIRE(vocab != NULL && merges != NULL);
    EXPECT_INT(vocab->n, 50254);
    EXPECT_INT(merges->n, 50009);
    EXPECT_INT(json_find(vocab, "\xc4\xa0the")->integer, 253);
    json_clear(ctx, &doc);
}
