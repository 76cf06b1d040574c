/* Golden: models as PyTorch 2.15 and transformers 5 tell them: print(model) and every tensor's name, kind, shape and dtype, byte
 * for byte, for every preset there is; and the names and shapes in checkpoints of other sizes. */
#include "base/file.h"
#include "io/bundle.h"
#include "model/torch.h"
#include "test.h"

/* "openai-community--gpt2.txt" is the preset "openai-community/gpt2"; NULL: it is none of this family list. */
static rk_model *preset_of(rk_ctx *ctx, const char *file)
{
    char name[256];
    const struct arch *arch;
    rk_model *m = NULL;
    (void)snprintf(name, sizeof name, "%s", file);
    *strrchr(name, '.') = '\0';
    char *slash = strstr(name, "--");
    if (slash != NULL) {
        *slash = '/';
        memmove(slash + 1, slash + 2, strlen(slash + 2) + 1);
    }
    if (preset_find(name, strcspn(name, "+"), &arch) == NULL && preset_find(name, strlen(name), &arch) == NULL) return NULL;
    OK(ctx, rk_model_open(ctx, name, &m));
    return m;
}

static int line_of(const char *text, const char *at)
{
    int line = 1;
    for (; text < at; text++) line += *text == '\n';
    return line;
}

static void compare(const char *file, const char *ours, const char *theirs)
{
    size_t at = 0;
    while (ours[at] != '\0' && ours[at] == theirs[at]) at++;
    if (ours[at] == theirs[at]) return;
    while (at > 0 && ours[at - 1] != '\n') at--;
    test_fail(__FILE__, __LINE__, "%s, line %d: \"%.*s\", expected \"%.*s\"", file, line_of(ours, ours + at), (int)strcspn(ours + at, "\n"), ours + at,
              (int)strcspn(theirs + at, "\n"), theirs + at);
}

static void compare_all(const char *folder, bool tensors, int least)
{
    rk_ctx *ctx = test_ctx();
    struct file_names names = { 0 };
    struct str path = { 0 }, file = { 0 }, theirs = { 0 };
    int compared = 0;
    if (test_shared() == NULL) SKIP("the reference trees are not here");
    OK(ctx, str_format(ctx, &path, "%s/golden/%s", test_shared(), folder));
    OK(ctx, file_list(ctx, str_c(&path), &names));
    for (int i = 0; i < names.n; i++) {
        const char *ours;
        rk_model *m = preset_of(ctx, names.at[i]);
        if (m == NULL) continue;
        OK(ctx, tensors ? rk_model_show_tensors(m, RK_f32, false, &ours) : rk_model_show_torch(m, &ours));
        theirs.n = 0;
        OK(ctx, file_join(ctx, &file, str_c(&path), names.at[i]));
        OK(ctx, file_read(ctx, str_c(&file), 1 << 20, &theirs));
        compare(names.at[i], ours, str_c(&theirs));
        rk_model_close(m);
        compared++;
    }
    EXPECT(compared >= least);
    file_names_free(ctx, &names);
    str_free(ctx, &path);
    str_free(ctx, &file);
    str_free(ctx, &theirs);
}

TEST(trees_are_printed_as_pytorch_prints_them)    { compare_all("tree", false, 28); }
TEST(tensors_are_listed_as_pytorch_lists_them)    { compare_all("tensors", true, 28); }

/* --- checkpoints --- */

/* torch.compile wraps a model, and its names. */
static const struct torch_tensor *find(const struct torch_tensors *list, const char *name)
{
    const size_t wrapped = strlen("_orig_mod.");
    if (strncmp(name, "_orig_mod.", wrapped) == 0) name += wrapped;
    for (int i = 0; i < list->at.n; i++)
        if (strcmp(list->at.at[i].name, name) == 0) return &list->at.at[i];
    return NULL;
}

/* A checkpoint holds every parameter under the name and in the shape of the list, and nothing that the list does not have. */
static void compare_checkpoint(rk_ctx *ctx, const char *name, const rk_model *m)
{
    struct bundle b;
    struct torch_tensors list;
    OK(ctx, bundle_open(ctx, m->weights, &b));
    OK(ctx, torch_tensors_open(ctx, m, RK_f32, &list));
    int parameters = 0, held = 0;
    for (int i = 0; i < list.at.n; i++) parameters += list.at.at[i].kind == TORCH_PARAMETER;
    for (int i = 0; i < b.entries.n; i++) {
        const struct bundle_entry *e = &b.entries.at[i];
        const struct torch_tensor *t = find(&list, e->name.at);
        if (t == NULL) {
            test_fail(__FILE__, __LINE__, "%s: the list has no %s", name, e->name.at);
            continue;
        }
        held += t->kind == TORCH_PARAMETER;
        if (t->rank != e->rank || memcmp(t->shape, e->shape, (size_t)t->rank * sizeof *t->shape) != 0) test_fail(__FILE__, __LINE__, "%s: %s has another shape", name, t->name);
    }
    if (held != parameters) test_fail(__FILE__, __LINE__, "%s: the file holds %d of %d parameters", name, held, parameters);
    torch_tensors_close(&list);
    bundle_close(ctx, &b);
}

TEST(checkpoints_hold_what_is_listed)
{
    rk_ctx *ctx = test_ctx();
    struct file_names names = { 0 };
    struct str path = { 0 }, folder = { 0 };
    int compared = 0;
    if (test_shared() == NULL) SKIP("the reference models are not here");
    OK(ctx, str_format(ctx, &path, "%s/golden/models", test_shared()));
    OK(ctx, file_list(ctx, str_c(&path), &names));
    for (int i = 0; i < names.n; i++) {
        rk_model *m;
        OK(ctx, file_join(ctx, &folder, str_c(&path), names.at[i]));
        if (strcmp(names.at[i], "bert-pretraining") == 0) OK(ctx, str_text(ctx, &folder, "+pretraining"));     /* its config.json does not say so */
        if (rk_model_open(ctx, str_c(&folder), &m) != RK_OK) {      /* a family that is not here, or no safetensors */
            rk_error_clear(ctx);
            continue;
        }
        if (rk_model_has_weights(m)) compare_checkpoint(ctx, names.at[i], m), compared++;
        rk_model_close(m);
    }
    EXPECT(compared >= 10);
    file_names_free(ctx, &names);
    str_free(ctx, &path);
    str_free(ctx, &folder);
}
