/* save.c: checkpoints: a folder each, which is there whole or not at all.
 *
 *   step-000123/  config.json  model.safetensors  optimizer.safetensors  trainer.json  tokenizer files  checksums.txt
 *
 * Everything is written and flushed under .writing-step-000123, then the folder gets its name: whatever moment a run is killed
 * at, the newest folder with a name is whole. A disk that is full ends the save, and what was saved before is intact. Formats:
 * docs/formats.md. */
#include "base/file.h"
#include "model/bind.h"
#include "train/training.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define WRITING ".writing-"
enum { BLOCK = 1 << 16 };

const char *const tokenizer_files[] = { "tokenizer.json", "vocab.json", "merges.txt", "vocab.txt", "tokenizer_config.json", NULL };

/* --- folders --- */

static rk_status sync_folder(rk_ctx *ctx, const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return FAIL_OS(errno, "open the folder", path);
    int error = fsync(fd) == 0 || errno == EINVAL ? 0 : errno;
    (void)close(fd);
    return error == 0 ? RK_OK : FAIL_OS(error, "flush the folder", path);
}

/* A folder of files, as this file makes them. */
static rk_status remove_folder(rk_ctx *ctx, const char *path)
{
    struct file_names names;
    struct str file = { 0 };
    rk_status status = RK_OK;
    TRY(file_list(ctx, path, &names));
    for (int i = 0; i < names.n; i++) {
        GO(file_join(ctx, &file, path, names.at[i]));
        if (unlink(str_c(&file)) != 0 && errno != ENOENT) GO(FAIL_OS(errno, "remove", str_c(&file)));
    }
    if (rmdir(path) != 0 && errno != ENOENT) GO(FAIL_OS(errno, "remove the folder", path));
out:
    str_free(ctx, &file);
    file_names_free(ctx, &names);
    return status;
}

static bool begins(const char *text, const char *with) { return strncmp(text, with, strlen(with)) == 0; }

static rk_status sweep(rk_ctx *ctx, const char *folder)
{
    struct file_names names;
    struct str path = { 0 };
    rk_status status = RK_OK;
    TRY(file_list(ctx, folder, &names));
    for (int i = 0; i < names.n; i++) {
        if (!begins(names.at[i], WRITING)) continue;
        GO(file_join(ctx, &path, folder, names.at[i]));
        GO(remove_folder(ctx, str_c(&path)));
    }
out:
    str_free(ctx, &path);
    file_names_free(ctx, &names);
    return status;
}

rk_status save_begin(rk_ctx *ctx, rk_train *t)
{
    struct str path = { 0 };
    rk_status status;
    GO(file_make_folder(ctx, t->output));
    GO(file_join(ctx, &path, t->output, ".lock"));
    t->lock = open(str_c(&path), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (t->lock < 0) GO(FAIL_OS(errno, "open", str_c(&path)));
    if (flock(t->lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        status = FAIL(RK_E_IO, "another run is writing to %s", t->output);
        goto out;
    }
    GO(sweep(ctx, t->output));
out:
    str_free(ctx, &path);
    return status;
}

/* --- files --- */

/* Moments, state by state, as they lie; read from the device in blocks. */
static rk_status write_state(rk_ctx *ctx, const rk_train *t, struct bundle_writer *w, const struct store_entry *e, rk_dtype dtype, unsigned char *block)
{
    int64_t most = BLOCK / (int64_t)rk_dtype_bytes(dtype);
    size_t width = t->backend->bytes_of(e->dtype);
    for (int64_t at = 0; at < e->elements; at += most) {
        size_t n = (size_t)(e->elements - at < most ? e->elements - at : most);
        TRY(t->backend->read(ctx, block, dtype, (const char *)e->address + (size_t)at * width, e->dtype, n));
        TRY(bundle_write(ctx, w, e->name, block, n * rk_dtype_bytes(dtype)));
    }
    return RK_OK;
}

/* What loses nothing: f64 where the back end keeps f32 as f64. */
static rk_dtype saved_dtype(const rk_train *t) { return t->backend->bytes_of(RK_f32) > 4 ? RK_f64 : RK_f32; }

static rk_status write_optimizer(rk_ctx *ctx, const rk_train *t, const char *path)
{
    struct bundle_writer w = { .begun = false };
    const struct store *s = t->store;
    rk_dtype dtype = saved_dtype(t);
    unsigned char *block = NULL;
    rk_status status;
    GO(NEW(block, BLOCK));
    for (int i = 0; i < s->entries.n; i++)
        if (s->entries.at[i].kind == RK_OPTIMIZER) GO(bundle_declare(ctx, &w, s->entries.at[i].name, dtype, s->entries.at[i].rank, s->entries.at[i].shape));
    GO(bundle_begin(ctx, &w, path));
    for (int i = 0; i < s->entries.n; i++)
        if (s->entries.at[i].kind == RK_OPTIMIZER) GO(write_state(ctx, t, &w, &s->entries.at[i], dtype, block));
    GO(bundle_commit(ctx, &w));
out:
    bundle_abandon(ctx, &w);
    FREE(block, BLOCK);
    return status;
}

static rk_status write_file(rk_ctx *ctx, const char *path, const void *bytes, size_t n)
{
    struct file_writer w = { .fd = -1 };
    TRY(file_create(ctx, &w, path));
    rk_status status = file_write(ctx, &w, bytes, n);
    if (status == RK_OK) status = file_commit(ctx, &w);
    file_abandon(ctx, &w);
    return status;
}

static rk_status write_trainer(rk_ctx *ctx, const rk_train *t, const char *path)
{
    struct str text = { 0 };
    rk_status status;
    GO(trainer_text(ctx, t, &text));
    GO(write_file(ctx, path, str_c(&text), (size_t)text.n));
out:
    str_free(ctx, &text);
    return status;
}

static rk_status copy_tokenizer(rk_ctx *ctx, const rk_train *t, const char *folder)
{
    struct str from = { 0 }, to = { 0 };
    struct file_view view = { .n = 0 };
    rk_status status = RK_OK;
    for (int i = 0; t->tokenizer != NULL && tokenizer_files[i] != NULL; i++) {
        bool there;
        GO(file_join(ctx, &from, t->tokenizer, tokenizer_files[i]));
        GO(file_join(ctx, &to, folder, tokenizer_files[i]));
        GO(file_exists(ctx, str_c(&from), &there));
        if (!there || strcmp(str_c(&from), str_c(&to)) == 0) continue;
        GO(file_map(ctx, str_c(&from), &view));
        status = write_file(ctx, str_c(&to), view.at, view.n);
        file_unmap(&view);
        GO(status);
    }
out:
    str_free(ctx, &from);
    str_free(ctx, &to);
    return status;
}

/* Of every file that is there, as sha256sum writes them: sum, two blanks, name. */
static rk_status write_checksums(rk_ctx *ctx, const char *folder)
{
    struct file_names names;
    struct str path = { 0 }, text = { 0 };
    struct file_view view;
    rk_status status = RK_OK;
    TRY(file_list(ctx, folder, &names));
    for (int i = 0; i < names.n; i++) {
        GO(file_join(ctx, &path, folder, names.at[i]));
        GO(file_map(ctx, str_c(&path), &view));
        status = str_format(ctx, &text, "%08x  %s\n", crc32c(0, view.at, view.n), names.at[i]);
        file_unmap(&view);
        GO(status);
    }
    GO(file_join(ctx, &path, folder, "checksums.txt"));
    GO(write_file(ctx, str_c(&path), str_c(&text), (size_t)text.n));
out:
    str_free(ctx, &path);
    str_free(ctx, &text);
    file_names_free(ctx, &names);
    return status;
}

/* --- a checkpoint --- */

static rk_status fill_folder(rk_ctx *ctx, const rk_train *t, const char *folder)
{
    struct str path = { 0 };
    rk_status status;
    GO(file_make_folder(ctx, folder));
    GO(bind_save(ctx, t->model, &t->kept, t->store, folder, saved_dtype(t)));
    GO(file_join(ctx, &path, folder, "optimizer.safetensors"));
    GO(write_optimizer(ctx, t, str_c(&path)));
    GO(file_join(ctx, &path, folder, "trainer.json"));
    GO(write_trainer(ctx, t, str_c(&path)));
    GO(copy_tokenizer(ctx, t, folder));
    GO(write_checksums(ctx, folder));
    GO(sync_folder(ctx, folder));
out:
    str_free(ctx, &path);
    return status;
}

static rk_status give_name(rk_ctx *ctx, const rk_train *t, const char *from, const char *to)
{
    if (file_is_folder(to)) TRY(remove_folder(ctx, to));           /* a damaged one of the same step: a whole one is not saved twice */
    if (rename(from, to) != 0) return FAIL_OS(errno, "rename to", to);
    return sync_folder(ctx, t->output);
}

/* The oldest beyond those that are kept. Those of later steps are of another run, and stay. */
static rk_status drop_old(rk_ctx *ctx, const rk_train *t)
{
    struct file_names names;
    struct str path = { 0 };
    char own[40];
    rk_status status = RK_OK;
    int n = 0;
    (void)snprintf(own, sizeof own, "step-%06lld", (long long)t->step);
    TRY(file_list(ctx, t->output, &names));
    for (int i = names.n - 1; i >= 0; i--) {
        bool later = strlen(names.at[i]) > strlen(own) || (strlen(names.at[i]) == strlen(own) && strcmp(names.at[i], own) > 0);
        if (!begins(names.at[i], "step-") || later || n++ < t->options.keep) continue;
        GO(file_join(ctx, &path, t->output, names.at[i]));
        GO(remove_folder(ctx, str_c(&path)));
    }
out:
    str_free(ctx, &path);
    file_names_free(ctx, &names);
    return status;
}

/* What a failed save has left, on a disk that may be full. The record of the failure stays as it is. */
static void discard(rk_ctx *ctx, const char *path)
{
    const rk_ctx kept = *ctx;
    if (!file_is_folder(path) || remove_folder(ctx, path) == RK_OK) return;
    ctx->status = kept.status;
    memcpy(ctx->message, kept.message, sizeof kept.message);
    memcpy(ctx->hint, kept.hint, sizeof kept.hint);
    memcpy(ctx->trail, kept.trail, sizeof kept.trail);
}

rk_status rk_train_save(rk_train *t)
{
    rk_ctx *ctx = t->ctx;
    struct str writing = { 0 }, final = { 0 };
    char name[64];
    rk_status status;
    if (t->output == NULL) return FAIL(RK_E_ARG, "this run has no folder to save to");
    if (t->saved == t->step) return RK_OK;
    (void)snprintf(name, sizeof name, WRITING "step-%06lld", (long long)t->step);
    GO(file_join(ctx, &writing, t->output, name));
    GO(file_join(ctx, &final, t->output, name + sizeof WRITING - 1));
    GO(fill_folder(ctx, t, str_c(&writing)));
    GO(give_name(ctx, t, str_c(&writing), str_c(&final)));
    t->saved = t->step;
    GO(drop_old(ctx, t));
out:
    if (status != RK_OK && writing.n > 0) discard(ctx, str_c(&writing));
    str_free(ctx, &writing);
    str_free(ctx, &final);
    return status;
}

rk_status rk_train_export(rk_train *t, const char *folder)
{
    rk_ctx *ctx = t->ctx;
    TRY(file_make_folder(ctx, folder));
    TRY(bind_save(ctx, t->model, &t->kept, t->store, folder, RK_f32));
    return copy_tokenizer(ctx, t, folder);
}
