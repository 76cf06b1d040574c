/* resume.c: a run taken up where a checkpoint left it: the newest whose checksums hold; refused, by name, where the next step
 * would not be the one that an uninterrupted run would have taken. */
#include "base/file.h"
#include "model/bind.h"
#include "train/training.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { CHECKSUMS_BYTES = 1 << 16 };

/* --- which --- */

static rk_status check_line(rk_ctx *ctx, const char *folder, char *line)
{
    struct str path = { 0 };
    struct file_view view = { .n = 0 };
    unsigned sum;
    int at = 0;
    rk_status status;
    if (sscanf(line, "%8x  %n", &sum, &at) != 1 || at == 0 || line[at] == '\0' || strchr(line + at, '/') != NULL)
        return FAIL(RK_E_FORMAT, "%s/checksums.txt: \"%.80s\" is no sum and name", folder, line);
    GO(file_join(ctx, &path, folder, line + at));
    GO(file_map(ctx, str_c(&path), &view));
    if (crc32c(0, view.at, view.n) != sum) status = FAIL(RK_E_FORMAT, "%s is damaged: its checksum is %08x, it should be %08x", str_c(&path), crc32c(0, view.at, view.n), sum);
    file_unmap(&view);
out:
    str_free(ctx, &path);
    return status;
}

static rk_status check_sums(rk_ctx *ctx, const char *folder)
{
    struct str path = { 0 }, text = { 0 };
    rk_status status;
    GO(file_join(ctx, &path, folder, "checksums.txt"));
    GO(file_read(ctx, str_c(&path), CHECKSUMS_BYTES, &text));
    bool trainer = false;
    for (char *line = text.at, *end; line != NULL && *line != '\0'; line = end + 1) {
        end = strchr(line, '\n');
        if (end == NULL) {
            status = FAIL(RK_E_FORMAT, "%s ends in the middle of a line", str_c(&path));
            goto out;
        }
        *end = '\0';
        trainer = trainer || strstr(line, "  trainer.json") != NULL;
        GO(check_line(ctx, folder, line));
    }
    if (!trainer) status = FAIL(RK_E_FORMAT, "%s does not name trainer.json", str_c(&path));
out:
    str_free(ctx, &path);
    str_free(ctx, &text);
    return status;
}

static bool step_of(const char *name, int64_t *step)
{
    long long n;
    int end = 0;
    if (sscanf(name, "step-%18lld%n", &n, &end) != 1 || name[end] != '\0' || n < 0) return false;
    *step = n;
    return true;
}

/* The largest step below `before`; NULL: none. */
static const char *newest(const struct file_names *names, int64_t *before)
{
    const char *best = NULL;
    int64_t most = -1, step;
    for (int i = 0; i < names->n; i++) {
        if (!step_of(names->at[i], &step) || step >= *before || step <= most) continue;
        most = step;
        best = names->at[i];
    }
    *before = most;
    return best;
}

rk_status resume_find(rk_ctx *ctx, const char *folder, struct str *path)
{
    struct file_names names;
    rk_status status = RK_OK;
    int64_t before = INT64_MAX;
    path->n = 0;
    if (!file_is_folder(folder)) return RK_OK;
    TRY(file_list(ctx, folder, &names));
    for (const char *name; (name = newest(&names, &before)) != NULL;) {
        GO(file_join(ctx, path, folder, name));
        status = check_sums(ctx, str_c(path));
        if (status == RK_OK || status == RK_E_NOMEM) goto out;
        ctx_log(ctx, RK_WARNING, "%s is skipped: %s", str_c(path), rk_error_message(ctx));
        rk_error_clear(ctx);
        status = RK_OK;
        path->n = 0;
    }
out:
    file_names_free(ctx, &names);
    return status;
}

rk_status rk_train_newest(rk_ctx *ctx, const char *folder, char *path, size_t room)
{
    struct str found = { 0 };
    rk_status status;
    if (room > 0) path[0] = '\0';
    GO(resume_find(ctx, folder, &found));
    if ((size_t)found.n >= room) status = FAIL(RK_E_LIMIT, "the path %s has no room in %zu bytes", str_c(&found), room);
    else if (found.n > 0) memcpy(path, found.at, (size_t)found.n + 1);
out:
    str_free(ctx, &found);
    return status;
}

/* --- whether --- */

static rk_status differs(rk_ctx *ctx, const char *where, const char *stage, int step, const char *saved, const struct step *now)
{
    const char *here = now == NULL ? "nothing" : now->kernel->name;
    (void)FAIL(RK_E_DIFFERS, "%s computed step %d of its %s plan with %s, this machine would with %s: the bits would differ", where, step, stage, saved, here);
    return ctx_hint(ctx, "resume on the machine, build and --blas that saved it, or accept other bits with --any-kernels");
}

static rk_status check_stage(rk_ctx *ctx, const rk_train *t, int stage, const struct json *kernels, const char *where)
{
    const struct plan *plan = t->stage[stage].plan;
    const struct json *list = json_find(kernels, stage_names[stage]);
    if (plan == NULL && list == NULL) return RK_OK;
    if (plan == NULL) return RK_OK;                                 /* other stages do not change this one's bits */
    TRY(json_get_array(ctx, kernels, stage_names[stage], &list));
    for (uint32_t i = 0; i < list->n || i < (uint32_t)plan->n_steps; i++) {
        const char *saved = "nothing";
        const struct step *now = i < (uint32_t)plan->n_steps ? &plan->steps[i] : NULL;
        if (i < list->n) TRY(json_as_text(ctx, &list->at[i], &saved));
        if (now == NULL || strcmp(saved, now->kernel->name) != 0) return differs(ctx, where, stage_names[stage], (int)i, saved, now);
    }
    return RK_OK;
}

/* "cpu avx512, products by ... (...), 2 threads": all but the threads, which change no bits. */
static rk_status check_device(rk_ctx *ctx, const rk_train *t, const struct json *root, const char *where)
{
    const char *saved, *here = train_device_text(t);
    TRY(json_get_text(ctx, root, "device", &saved));
    const char *a = strrchr(saved, ','), *b = strrchr(here, ',');
    if (a != NULL && b != NULL && a - saved == b - here && strncmp(saved, here, (size_t)(b - here)) == 0) return RK_OK;
    if (strcmp(saved, here) == 0) return RK_OK;
    (void)FAIL(RK_E_DIFFERS, "%s was computed by \"%s\", this is \"%s\": the bits would differ", where, saved, here);
    return ctx_hint(ctx, "resume on the machine, build and --blas that saved it, or accept other bits with --any-kernels");
}

static rk_status check_kernels(rk_ctx *ctx, const rk_train *t, const struct json *root, const char *where)
{
    const struct json *kernels;
    TRY(json_get_object(ctx, root, "kernels", &kernels));
    for (int i = 0; i < STAGES; i++) TRY(check_stage(ctx, t, i, kernels, where));
    return RK_OK;
}

static rk_status check_data(rk_ctx *ctx, const rk_train *t, const struct json *root, const char *where)
{
    const struct json *data;
    int64_t fingerprint;
    TRY(json_get_object(ctx, root, "data", &data));
    TRY(json_get_int(ctx, data, "fingerprint", 0, UINT32_MAX, &fingerprint));
    if ((uint32_t)fingerprint == t->data.fingerprint) return RK_OK;
    (void)FAIL(RK_E_DIFFERS, "%s was trained on other tokens, or on another part of them", where);
    return ctx_hint(ctx, "give the same text, tokenizer and --validation, or begin anew in another folder");
}

/* --- reading --- */

static rk_status read_history(rk_ctx *ctx, rk_train *t, const struct json *root)
{
    const struct json *list;
    TRY(json_get_array(ctx, root, "loss", &list));
    for (uint32_t i = list->n > HISTORY ? list->n - HISTORY : 0; i < list->n; i++) {
        struct past *p = &t->history[t->n_history];
        const struct json *validation = json_find(&list->at[i], "validation");
        TRY(json_get_int(ctx, &list->at[i], "step", 0, INT64_MAX, &p->step));
        TRY(json_get_double(ctx, &list->at[i], "loss", &p->loss));
        p->validation = (double)NAN;
        if (validation != NULL) TRY(json_as_double(ctx, validation, &p->validation));
        t->n_history++;
    }
    return RK_OK;
}

/* Under a policy that scales. */
static rk_status read_scale(rk_ctx *ctx, rk_train *t, const struct json *root)
{
    const struct json *scale;
    if (!t->rule.scaled) return RK_OK;
    TRY(json_get_object(ctx, root, "loss_scale", &scale));
    TRY(json_get_double(ctx, scale, "now", &t->scale.now));
    TRY(json_get_int(ctx, scale, "good_steps", 0, INT64_MAX - 1, &t->scale.good));
    TRY(json_get_int(ctx, scale, "skipped_steps", 0, t->step, &t->scale.skipped));
    return t->scale.now >= 1 ? RK_OK : FAIL(RK_E_FORMAT, "a loss scale of %g: it is 1 at least", t->scale.now);
}

static rk_status read_trainer(rk_ctx *ctx, rk_train *t, const char *where, const char *path, bool any_kernels)
{
    struct json_doc doc = { .root = NULL };
    rk_train_options saved = rk_train_defaults();
    rk_status status;
    GO(rk_train_options_read(ctx, path, &saved));
    GO(options_compare(ctx, &saved, &t->options, where));
    GO(json_load(ctx, &doc, path, 0));
    GO(check_data(ctx, t, doc.root, where));
    if (!any_kernels) {
        GO(check_kernels(ctx, t, doc.root, where));
        GO(check_device(ctx, t, doc.root, where));
    }
    GO(json_get_int(ctx, doc.root, "step", 0, INT64_MAX / 2, &t->step));
    GO(read_history(ctx, t, doc.root));
    GO(read_scale(ctx, t, doc.root));
out:
    json_clear(ctx, &doc);
    return status;
}

static rk_status read_moments(rk_ctx *ctx, rk_train *t, const char *path)
{
    struct bundle b = { .path = NULL };
    const struct bundle_entry *found;
    TRY(bundle_open(ctx, path, &b));
    rk_status status = RK_OK;
    for (int i = 0; i < t->store->entries.n; i++) {
        const struct store_entry *e = &t->store->entries.at[i];
        if (e->kind != RK_OPTIMIZER) continue;
        GO(bundle_get(ctx, &b, e->name, &found));
        bool same = found->rank == e->rank && found->dtype <= RK_f32;
        for (int k = 0; k < e->rank && same; k++) same = found->shape[k] == e->shape[k];
        if (!same) {
            status = FAIL(RK_E_SHAPE, "%s: %s has another shape or dtype than the model's", found->path, e->name);
            goto out;
        }
        GO(store_write(ctx, t->store, i, found->data, found->dtype));
    }
out:
    bundle_close(ctx, &b);
    return status;
}

static rk_status read_weights(rk_ctx *ctx, rk_train *t, const char *path)
{
    struct bundle b = { .path = NULL };
    TRY(bundle_open(ctx, path, &b));
    rk_status status = bind_load(ctx, t->model->config.arch, &t->kept, &b, t->store, NULL);
    bundle_close(ctx, &b);
    return status;
}

rk_status resume_load(rk_ctx *ctx, rk_train *t, const char *checkpoint, bool any_kernels)
{
    struct str path = { 0 };
    rk_status status;
    GO(file_join(ctx, &path, checkpoint, "trainer.json"));
    GO(read_trainer(ctx, t, checkpoint, str_c(&path), any_kernels));
    GO(file_join(ctx, &path, checkpoint, "model.safetensors"));
    GO(read_weights(ctx, t, str_c(&path)));
    GO(file_join(ctx, &path, checkpoint, "optimizer.safetensors"));
    GO(read_moments(ctx, t, str_c(&path)));
    t->saved = t->step;
    ctx_log(ctx, RK_INFO, "resumed from %s", checkpoint);
out:
    str_free(ctx, &path);
    return status;
}
