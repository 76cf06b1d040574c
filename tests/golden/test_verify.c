/* Golden: what PyTorch and transformers computed, through rk_verify, on the references and on the processor; that it notices
 * one wrong number in each kind of tensor; and a published checkpoint's greedy continuation. */
#include "base/file.h"
#include "io/bundle.h"
#include "io/json.h"
#include "model/model.h"
#include "reckon/infer.h"
#include "reckon/verify.h"
#include "test.h"

enum { FAMILIES = 16 };

static bool each_must_be_near(void *user, const rk_verify_row *row)
{
    if (row->verdict == RK_VERDICT_BEYOND) test_fail(__FILE__, __LINE__, "%s: %s is off by %g, allowed are %g; %s", (const char *)user, row->name, row->error, row->tolerance, row->note);
    return true;
}

/* The family of a folder by its config.json; -1: none that is known here. */
static int family_of(rk_ctx *ctx, const char *folder)
{
    rk_model *m;
    rk_status status = rk_model_open(ctx, folder, &m);
    int a = 0;
    if (status != RK_OK) {
        if (status != RK_E_DECLINED && status != RK_E_MISSING) test_fail(__FILE__, __LINE__, "%s: %s", folder, rk_error_message(ctx));
        rk_error_clear(ctx);
        return -1;
    }
    while (m->config.arch != arch_list[a]) a++;
    rk_model_close(m);
    return a;
}

static void verify_all(const char *device_name)
{
    rk_ctx *ctx = test_ctx();
    struct file_names names = { 0 };
    struct str path = { 0 }, folder = { 0 };
    rk_device *device;
    int cases[FAMILIES] = { 0 };
    bool few = TEST_SANITIZED;                                          /* one model of each family */
    if (test_shared() == NULL) SKIP("the reference models are not here");
    OK(ctx, str_format(ctx, &path, "%s/golden/models", test_shared()));
    OK(ctx, file_list(ctx, str_c(&path), &names));
    OK(ctx, rk_device_open(ctx, device_name, NULL, &device));
    for (int i = 0; i < names.n; i++) {
        rk_verified r;
        OK(ctx, file_join(ctx, &folder, str_c(&path), names.at[i]));
        int family = family_of(ctx, str_c(&folder));
        if (family < 0) continue;
        REQUIRE(family < FAMILIES);
        if (few && cases[family] == 1) continue;
        OK(ctx, rk_verify(ctx, str_c(&folder), NULL, &(rk_verify_options){ .device = device }, each_must_be_near, names.at[i], &r));
        EXPECT(r.checked > 50);
        EXPECT_INT(r.not_checked, 0);
        EXPECT_INT(r.beyond, 0);
        cases[family]++;
    }
    for (int a = 0; arch_list[a] != NULL; a++)
        if (cases[a] < (few ? 1 : 2) && strcmp(arch_list[a]->name, "annotated") != 0)              /* a text, of which no library has models */
            test_fail(__FILE__, __LINE__, "only %d reference models are %s", cases[a], arch_list[a]->title);
    rk_device_close(device);
    file_names_free(ctx, &names);
    str_free(ctx, &path);
    str_free(ctx, &folder);
}

TEST(models_agree_on_cpu) { verify_all("cpu"); }
TEST(models_agree_on_ref)
{
    if (TEST_SANITIZED) SKIP("references under a sanitizer");
    verify_all("ref");
}

/* --- every library --- */

/* Two folders whose products go through every form: GPT-2's weights lie as [in, out], those of the other as [out, in]. */
TEST(models_agree_by_every_library)
{
    static const char *const folders[] = { "gpt2", "cs336" };
    rk_ctx *ctx = test_ctx();
    struct str folder = { 0 };
    rk_library library;
    if (test_shared() == NULL) SKIP("the reference models are not here");
    for (int i = 0; rk_library_at(i, &library); i++) {
        rk_device *device;
        if (rk_device_open(ctx, "cpu", &(rk_device_options){ .blas = library.name }, &device) != RK_OK) {
            rk_error_clear(ctx);                            /* not installed */
            continue;
        }
        for (size_t k = 0; k < sizeof folders / sizeof *folders; k++) {
            rk_verified r;
            char title[64];
            (void)snprintf(title, sizeof title, "%s", library.title);
            str_free(ctx, &folder);
            OK(ctx, str_format(ctx, &folder, "%s/golden/models/%s", test_shared(), folders[k]));
            OK(ctx, rk_verify(ctx, str_c(&folder), NULL, &(rk_verify_options){ .device = device }, each_must_be_near, title, &r));
            EXPECT_INT(r.beyond, 0);
        }
        rk_device_close(device);
    }
    str_free(ctx, &folder);
}

/* --- one wrong number --- */

struct spoilt { const char *name; int beyond; };

static bool only_this_one(void *user, const rk_verify_row *row)
{
    struct spoilt *s = user;
    if (row->verdict == RK_VERDICT_BEYOND && strcmp(row->name, s->name) != 0) test_fail(__FILE__, __LINE__, "%s was spoilt, but %s is beyond", s->name, row->name);
    s->beyond += row->verdict == RK_VERDICT_BEYOND;
    return true;
}

/* A copy of a file with one element of one tensor changed by such a part of the tensor's largest, or one id by one; NULL for
 * `leave` copies everything. */
static void write_spoilt_by(rk_ctx *ctx, const struct bundle *b, double part, const char *spoil, const char *leave, const char *to)
{
    struct bundle_writer w = { 0 };
    for (int i = 0; i < b->entries.n; i++) {
        const struct bundle_entry *e = &b->entries.at[i];
        if (leave == NULL || strcmp(leave, e->name.at) != 0) OK(ctx, bundle_declare(ctx, &w, e->name.at, e->dtype, e->rank, e->shape));
    }
    OK(ctx, bundle_begin(ctx, &w, to));
    for (int i = 0; i < b->entries.n; i++) {
        const struct bundle_entry *e = &b->entries.at[i];
        unsigned char copy[1 << 16];
        double largest = 0, x;
        float y;
        if (leave != NULL && strcmp(leave, e->name.at) == 0) continue;
        REQUIRE(e->bytes <= sizeof copy);
        memcpy(copy, e->data, e->bytes);
        size_t width = rk_dtype_bytes(e->dtype), n = e->bytes / width, at = (n - 1) * width;
        if (spoil != NULL && strcmp(e->name.at, spoil) == 0) {
            for (size_t k = 0; k < n && e->dtype == RK_f64; k++) largest = fmax(largest, fabs((memcpy(&x, copy + k * width, width), x)));
            for (size_t k = 0; k < n && e->dtype == RK_f32; k++) largest = fmax(largest, fabs((double)(memcpy(&y, copy + k * width, width), y)));
            if (e->dtype == RK_f64) memcpy(copy + at, (memcpy(&x, copy + at, width), x += part * largest, &x), width);
            else if (e->dtype == RK_f32) memcpy(copy + at, (memcpy(&y, copy + at, width), y += (float)(part * largest), &y), width);
            else copy[at] ^= 1;
        }
        OK(ctx, bundle_write(ctx, &w, e->name.at, copy, e->bytes));
    }
    OK(ctx, bundle_commit(ctx, &w));
}

static void write_spoilt(rk_ctx *ctx, const struct bundle *b, const char *spoil, const char *leave, const char *to) { write_spoilt_by(ctx, b, 0.1, spoil, leave, to); }

static void open_reference(rk_ctx *ctx, struct str *folder, struct bundle *b)
{
    struct str path = { 0 };
    if (test_shared() == NULL) SKIP("the reference models are not here");
    OK(ctx, str_format(ctx, folder, "%s/golden/models/gpt2", test_shared()));
    OK(ctx, file_join(ctx, &path, str_c(folder), "io.safetensors"));
    OK(ctx, bundle_open(ctx, str_c(&path), b));
    str_free(ctx, &path);
}

TEST(one_wrong_number_is_noticed_and_named)
{
    static const char *const names[] = {
        "logits", "logits64", "hidden.2", "hidden64.0", "loss", "grad.transformer.h.1.attn.c_attn.weight", "grad.transformer.ln_f.bias",
        "adamw.losses", "adamw.transformer.wte.weight", "adamw.transformer.h.0.mlp.c_proj.weight", "greedy",
    };
    rk_ctx *ctx = test_ctx();
    struct str folder = { 0 }, path = { 0 };
    struct bundle b = { 0 };
    open_reference(ctx, &folder, &b);
    OK(ctx, file_join(ctx, &path, test_temporary(), "io.safetensors"));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct spoilt s = { .name = names[i] };
        rk_verified r;
        write_spoilt(ctx, &b, names[i], NULL, str_c(&path));
        OK(ctx, rk_verify(ctx, str_c(&folder), str_c(&path), NULL, only_this_one, &s, &r));
        EXPECT_INT(s.beyond, 1);
        EXPECT_INT(r.beyond, 1);
    }
    bundle_close(ctx, &b);
    str_free(ctx, &folder);
    str_free(ctx, &path);
}

/* A maker's f32 may be off, by as much as its own f64 says, if that is little; its f64 may not. */
TEST(what_the_files_own_f32_is_off_by_is_known)
{
    static const struct { const char *spoil, *leave; double part; int beyond; bool ref; } cases[] = {
        { "hidden.2", NULL, 9e-4, 0, false }, { "hidden.2", "hidden64.2", 9e-4, 1, false }, { "hidden.2", NULL, 2e-3, 1, false },
        { "logits",   NULL, 9e-4, 0, false }, { "hidden64.2", "hidden.2", 2e-5, 1, false }, { "hidden64.2", NULL, 1e-8, 1, true },
    };
    rk_ctx *ctx = test_ctx();
    struct str folder = { 0 }, path = { 0 };
    struct bundle b = { 0 };
    rk_device *ref;
    open_reference(ctx, &folder, &b);
    OK(ctx, rk_device_open(ctx, "ref", NULL, &ref));
    OK(ctx, file_join(ctx, &path, test_temporary(), "io.safetensors"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct spoilt s = { .name = cases[i].spoil };
        rk_verified r;
        if (cases[i].ref && TEST_SANITIZED) continue;
        write_spoilt_by(ctx, &b, cases[i].part, cases[i].spoil, cases[i].leave, str_c(&path));
        OK(ctx, rk_verify(ctx, str_c(&folder), str_c(&path), &(rk_verify_options){ .device = cases[i].ref ? ref : NULL }, only_this_one, &s, &r));
        if (s.beyond != cases[i].beyond) test_fail(__FILE__, __LINE__, "%s spoilt by %g: %d beyond", cases[i].spoil, cases[i].part, s.beyond);
    }
    rk_device_close(ref);
    bundle_close(ctx, &b);
    str_free(ctx, &folder);
    str_free(ctx, &path);
}

TEST(a_file_without_inputs_or_with_foreign_ones_is_refused)
{
    rk_ctx *ctx = test_ctx();
    struct str folder = { 0 }, path = { 0 };
    struct bundle b = { 0 };
    struct bundle_writer w = { 0 };
    int64_t shape[] = { 1, 2 }, wrong[] = { 1, 2, 5 }, ids[] = { 3, 96 }, high[] = { 3, 97 }, one[] = { 1, 0 }, gap[] = { 0, 1 }, none[] = { 0, 0 };
    float logits[10] = { 0 };
    rk_verified r;
    open_reference(ctx, &folder, &b);
    OK(ctx, file_join(ctx, &path, test_temporary(), "io.safetensors"));
    write_spoilt(ctx, &b, NULL, "input_ids", str_c(&path));
    FAILS(ctx, rk_verify(ctx, str_c(&folder), str_c(&path), NULL, NULL, NULL, &r), RK_E_MISSING, "input_ids");
    write_spoilt(ctx, &b, NULL, "labels", str_c(&path));
    FAILS(ctx, rk_verify(ctx, str_c(&folder), str_c(&path), NULL, NULL, NULL, &r), RK_E_MISSING, "labels");
    bundle_close(ctx, &b);
    const struct { const char *name; rk_dtype dtype; int rank; const int64_t *shape; const void *data; size_t bytes; rk_status status; const char *words; const void *ids; } cases[] = {
        { "logits", RK_f32, 3, wrong, logits, sizeof logits, RK_E_SHAPE, "this model gives [1, 2, 97]", ids },
        { "token_type_ids", RK_i64, 2, shape, ids, sizeof ids, RK_E_DECLINED, "token_type_ids", ids },
        { "attention_mask", RK_i64, 2, shape, ids, sizeof ids, RK_E_DECLINED, "is 3, neither 0 nor 1", ids },
        { "attention_mask", RK_i64, 2, shape, one, sizeof one, RK_E_DECLINED, "attention_mask hides tokens", ids },
        { "attention_mask", RK_i64, 2, shape, gap, sizeof gap, RK_E_DECLINED, "attention_mask[0, 1] is behind a gap", ids },
        { "attention_mask", RK_i64, 2, shape, none, sizeof none, RK_E_DECLINED, "attention_mask hides all of row 0", ids },
        { "labels", RK_i64, 2, shape, ids, sizeof ids, RK_E_ARG, "input_ids[0, 1] is 97", high },
        { "labels", RK_i64, 2, shape, high, sizeof high, RK_E_ARG, "labels[0, 1] is 97", ids },
        { "greedy", RK_i64, 2, shape, ids, sizeof ids, RK_E_SHAPE, "greedy", ids },
        { "grad.transformer.ln_f.bias", RK_f32, 1, wrong, logits, 4, RK_E_MISSING, "no labels", ids },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        OK(ctx, bundle_declare(ctx, &w, "input_ids", RK_i64, 2, shape));
        OK(ctx, bundle_declare(ctx, &w, cases[i].name, cases[i].dtype, cases[i].rank, cases[i].shape));
        OK(ctx, bundle_begin(ctx, &w, str_c(&path)));
        OK(ctx, bundle_write(ctx, &w, "input_ids", cases[i].ids, sizeof ids));
        OK(ctx, bundle_write(ctx, &w, cases[i].name, cases[i].data, cases[i].bytes));
        OK(ctx, bundle_commit(ctx, &w));
        w = (struct bundle_writer){ 0 };
        FAILS(ctx, rk_verify(ctx, str_c(&folder), str_c(&path), NULL, NULL, NULL, &r), cases[i].status, cases[i].words);
    }
    str_free(ctx, &folder);
    str_free(ctx, &path);
}

/* --- a published checkpoint --- */

/* Its folder has no config.json: the sizes are those of its tensors and of the note beside them. */
static void lay_out(rk_ctx *ctx, const char *folder)
{
    static const char config[] = "{\"model_type\": \"gpt2\", \"n_layer\": 5, \"n_head\": 4, \"n_embd\": 32, \"vocab_size\": 1000, \"n_positions\": 512}";
    struct str from = { 0 }, path = { 0 };
    struct file_view view;
    struct file_writer w;
    OK(ctx, str_format(ctx, &from, "%s/data/tiny-random-gpt2/tiny-random-gpt2.safetensors", test_shared()));
    OK(ctx, file_map(ctx, str_c(&from), &view));
    OK(ctx, file_join(ctx, &path, folder, "model.safetensors"));
    OK(ctx, file_create(ctx, &w, str_c(&path)));
    OK(ctx, file_write(ctx, &w, view.at, view.n));
    OK(ctx, file_commit(ctx, &w));
    file_unmap(&view);
    OK(ctx, file_join(ctx, &path, folder, "config.json"));
    OK(ctx, file_create(ctx, &w, str_c(&path)));
    OK(ctx, file_write(ctx, &w, config, sizeof config - 1));
    OK(ctx, file_commit(ctx, &w));
    str_free(ctx, &from);
    str_free(ctx, &path);
}

static void continue_row(rk_ctx *ctx, rk_session *s, const struct json *input, const struct json *expected)
{
    uint32_t prompt[16];
    rk_ids ids = { 0 };
    int64_t id;
    REQUIRE(input->n <= 16 && expected->n > input->n);
    for (uint32_t i = 0; i < input->n; i++) {
        OK(ctx, json_as_int(ctx, &input->at[i], 0, 999, &id));
        prompt[i] = (uint32_t)id;
    }
    OK(ctx, rk_session_rewind(s, 0));
    OK(ctx, rk_generate(s, NULL, prompt, input->n, &(rk_generating){ .sampling = { .greedy = true }, .max_new_tokens = expected->n - input->n }, &ids, NULL));
    for (uint32_t i = input->n; i < expected->n; i++) {
        OK(ctx, json_as_int(ctx, &expected->at[i], 0, 999, &id));
        EXPECT_INT(ids.at[i - input->n], id);
    }
    rk_ids_free(ctx, &ids);
}

TEST(published_greedy_ids)
{
    static const char *const devices[] = { "cpu", "ref" };
    rk_ctx *ctx = test_ctx();
    struct str path = { 0 };
    struct json_doc doc = { 0 };
    const struct json *greedy, *input, *expected;
    rk_model *model;
    if (test_shared() == NULL) SKIP("the published checkpoint is not here");
    lay_out(ctx, test_temporary());
    OK(ctx, str_format(ctx, &path, "%s/data/tiny-random-gpt2/expected.json", test_shared()));
    OK(ctx, json_load(ctx, &doc, str_c(&path), 0));
    OK(ctx, json_get_object(ctx, doc.root, "greedy", &greedy));
    OK(ctx, json_get_array(ctx, greedy, "input", &input));
    OK(ctx, json_get_array(ctx, greedy, "expected", &expected));
    EXPECT_INT(input->n, 2);
    OK(ctx, rk_model_open(ctx, test_temporary(), &model));
    for (int d = 0; d < 2; d++) {
        rk_device *device;
        rk_weights *weights;
        rk_session *s;
        OK(ctx, rk_device_open(ctx, devices[d], NULL, &device));
        OK(ctx, rk_weights_open(ctx, model, device, &weights));
        OK(ctx, rk_session_open(weights, &(rk_session_options){ .context = 64 }, &s));
        for (uint32_t i = 0; i < input->n; i++) continue_row(ctx, s, &input->at[i], &expected->at[i]);
        rk_session_close(s);
        rk_weights_close(weights);
        rk_device_close(device);
    }
    rk_model_close(model);
    json_clear(ctx, &doc);
    str_free(ctx, &path);
}

/* Three rows by four beams, of prompts and best sequences of one length; they are worth what its maker found, who divides by the
 * whole length, of new tokens and prompt. */
TEST(published_beams)
{
    enum { ROWS = 3, PROMPT = 12, ALL = 20 };
    static const double worth[ROWS] = { -2.5604110, -2.5423965, -2.5642819 };
    const rk_beams four = { 4, 1, RK_EARLY_FALSE };
    const uint32_t end = 98;
    rk_ctx *ctx = test_ctx();
    struct str path = { 0 };
    struct json_doc doc = { 0 };
    const struct json *beam, *rows[2];
    uint32_t ids[2][ROWS][ALL];
    rk_prompt prompts[ROWS];
    rk_continuation out[ROWS];
    rk_model *model;
    rk_device *device;
    rk_weights *weights;
    if (test_shared() == NULL) SKIP("the published checkpoint is not here");
    lay_out(ctx, test_temporary());
    OK(ctx, str_format(ctx, &path, "%s/data/tiny-random-gpt2/expected.json", test_shared()));
    OK(ctx, json_load(ctx, &doc, str_c(&path), 0));
    OK(ctx, json_get_object(ctx, doc.root, "beam", &beam));
    OK(ctx, json_get_array(ctx, beam, "input", &rows[0]));
    OK(ctx, json_get_array(ctx, beam, "expected", &rows[1]));
    for (int k = 0; k < 2; k++)
        for (uint32_t r = 0; r < ROWS; r++)
            for (uint32_t i = 0; i < (k == 0 ? PROMPT : ALL); i++) {
                int64_t id;
                REQUIRE(rows[k]->n == ROWS && rows[k]->at[r].n == (k == 0 ? PROMPT : ALL));
                OK(ctx, json_as_int(ctx, &rows[k]->at[r].at[i], 0, 999, &id));
                ids[k][r][i] = (uint32_t)id;
            }
    for (int r = 0; r < ROWS; r++) prompts[r] = (rk_prompt){ ids[0][r], PROMPT, NULL, 0 };
    OK(ctx, rk_model_open(ctx, test_temporary(), &model));
    OK(ctx, rk_device_open(ctx, "cpu", NULL, &device));
    OK(ctx, rk_weights_open(ctx, model, device, &weights));
    rk_generating how = { .sampling = { .greedy = true }, .max_new_tokens = ALL - PROMPT, .beams = &four, .ends = &end, .n_ends = 1 };
    OK(ctx, rk_generate_many(weights, NULL, prompts, ROWS, &how, out, NULL));
    for (int r = 0; r < ROWS; r++) {
        EXPECT_INT(out[r].ids.n, ALL - PROMPT);
        EXPECT(out[r].ids.n == ALL - PROMPT && memcmp(out[r].ids.at, ids[1][r] + PROMPT, (ALL - PROMPT) * sizeof *ids[1][r]) == 0);
        EXPECT_NEAR(out[r].score * (ALL - PROMPT) / ALL, worth[r], 1e-5);
    }
    rk_continuations_free(ctx, out, ROWS);
    rk_weights_close(weights);
    rk_device_close(device);
    rk_model_close(model);
    json_clear(ctx, &doc);
    str_free(ctx, &path);
}
