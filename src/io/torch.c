/* torch.c: what torch.save writes since PyTorch 1.6: a zip archive of one pickle, NAME/data.pkl, and of storages, NAME/data/KEY.
 *
 * A tensor is a view of a storage: it becomes an entry that points into the mapped file. Views that are not row-major keep
 * their strides, and bundle.c puts their numbers in order (strided.c). Of a training checkpoint the tensors under "model" (or
 * another usual key) are the bundle; plain values beside them become notes, as JSON. Older files are recognised only in
 * order to say what to do. Sources: torch/serialization.py, caffe2/serialize/inline_container.cc; karpathy/nanoGPT train.py. */
#include "base/utf8.h"
#include "io/torch.h"
#include "io/zip.h"
#include <string.h>

enum { MOST_PICKLE = 1 << 28 };

struct reader {
    rk_ctx *ctx;
    const struct source *source;
    struct bundle *bundle;
    struct zip zip;
    struct pickle pickle;
    struct name prefix;                                             /* "NAME/" */
    struct str text;
};

/* --- which file it is --- */

static const struct { const char *at; size_t n, offset; const char *words; } old[] = {
    { "\x80\2\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 14, 0, "a stream of pickles, as PyTorch before 1.6 wrote it" },
    { "ustar", 5, 257, "a tar archive, as PyTorch before 0.2 wrote it" },
    { "\x80\2", 2, 0, "a bare pickle" }, { "\x80\3", 2, 0, "a bare pickle" }, { "\x80\4", 2, 0, "a bare pickle" }, { "\x80\5", 2, 0, "a bare pickle" },
};

static const char *old_words(const struct source *s)
{
    for (size_t i = 0; i < sizeof old / sizeof *old; i++)
        if (s->n >= old[i].offset + old[i].n && memcmp(s->at + old[i].offset, old[i].at, old[i].n) == 0) return old[i].words;
    return NULL;
}

bool torch_recognise(const struct source *s) { return zip_recognise(s) || old_words(s) != NULL; }

static rk_status refuse_old(rk_ctx *ctx, const struct source *s)
{
    const char *words = old_words(s);
    if (words == NULL) return FAIL(RK_E_FORMAT, "%s: not a zip archive, which torch.save writes: truncated?", s->path);
    (void)FAIL(RK_E_DECLINED, "%s: this is %s, which is not read", s->path, words);
    return ctx_hint(ctx, "in PyTorch, which writes it anew as an archive: torch.save(torch.load(path, map_location=\"cpu\"), path)");
}

static bool ends_in(const struct name *name, const char *ending)
{
    size_t n = strlen(ending);
    return name->length >= n && memcmp(name->at + name->length - n, ending, n) == 0;
}

static rk_status find_pickle(struct reader *r, const struct zip_entry **found)
{
    rk_ctx *ctx = r->ctx;
    static const char file[] = "data.pkl";
    bool arrays = false;
    *found = NULL;
    for (int i = 0; i < r->zip.entries.n; i++) {
        const struct zip_entry *e = &r->zip.entries.at[i];
        const char *slash = memchr(e->name.at, '/', e->name.length);
        arrays = arrays || ends_in(&e->name, ".npy");
        if (slash == NULL || e->name.length - (size_t)(slash + 1 - e->name.at) != sizeof file - 1 || !ends_in(&e->name, file)) continue;
        if (*found != NULL) return FAIL(RK_E_FORMAT, "%s: the archive holds two pickles NAME/data.pkl", r->source->path);
        *found = e;
        r->prefix = (struct name){ e->name.at, (uint32_t)(slash + 1 - e->name.at) };
    }
    if (*found != NULL) return (*found)->bytes <= MOST_PICKLE ? RK_OK : FAIL(RK_E_LIMIT, "%s: a pickle of %zu bytes; the limit is %d", r->source->path,
                                                                             (*found)->bytes, MOST_PICKLE);
    (void)FAIL(RK_E_FORMAT, "%s: a zip archive without NAME/data.pkl: torch.save did not write it", r->source->path);
    return arrays ? ctx_hint(ctx, "it holds npy files: in Python, safetensors.numpy.save_file(dict(numpy.load(path)), \"model.safetensors\")") : ctx->status;
}

/* The entry NAME/FILE or NAME/data/KEY. */
static rk_status find_entry(struct reader *r, const char *folder, const char *file, size_t n, const struct zip_entry **found)
{
    rk_ctx *ctx = r->ctx;
    r->text.n = 0;
    TRY(str_add(ctx, &r->text, r->prefix.at, r->prefix.length));
    TRY(str_text(ctx, &r->text, folder));
    TRY(str_add(ctx, &r->text, file, n));
    *found = zip_find(&r->zip, r->text.at, (size_t)r->text.n);
    return RK_OK;
}

static rk_status check_order(struct reader *r)
{
    rk_ctx *ctx = r->ctx;
    const struct zip_entry *e;
    TRY(find_entry(r, "", "byteorder", 9, &e));
    if (e == NULL || (e->bytes == 6 && memcmp(r->source->at + e->offset, "little", 6) == 0)) return RK_OK;
    return FAIL(RK_E_DECLINED, "%s: its byteorder is not \"little\": numbers of big-endian machines are not read", r->source->path);
}

/* --- one tensor --- */

static rk_status refuse(struct reader *r, const struct name *name, rk_status status, const char *what)
{
    rk_ctx *ctx = r->ctx;
    char shown[NAME_SHOWN];
    return FAIL(status, "%s: tensor \"%s\": %s", r->source->path, name_show(shown, name->at, name->length), what);
}

static rk_status find_storage(struct reader *r, const struct name *name, const struct torch_storage *s, const struct zip_entry **found)
{
    rk_ctx *ctx = r->ctx;
    char shown[NAME_SHOWN], key[NAME_SHOWN];
    int64_t bytes;
    TRY(find_entry(r, "data/", s->key, s->key_n, found));
    (void)name_show(shown, name->at, name->length);
    (void)name_show(key, s->key, s->key_n);
    if (*found == NULL) return FAIL(RK_E_FORMAT, "%s: tensor \"%s\" is in storage %s, which the archive has not", r->source->path, shown, key);
    if (extent_mul(s->elements, (int64_t)dtype_bytes(s->dtype), &bytes) && (uint64_t)bytes == (*found)->bytes) return RK_OK;
    return FAIL(RK_E_FORMAT, "%s: tensor \"%s\" is in storage %s of %lld elements of %zu bytes, but its entry has %zu bytes", r->source->path, shown, key,
                (long long)s->elements, dtype_bytes(s->dtype), (*found)->bytes);
}

static bool is_dense(const struct bundle_entry *e, const int64_t *stride)
{
    int64_t expected = 1;
    if (e->bytes == 0) return true;
    for (int i = e->rank - 1; i >= 0; i--) {
        if (e->shape[i] != 1 && stride[i] != expected) return false;
        expected *= e->shape[i];                                    /* array_bytes has checked the product */
    }
    return true;
}

/* The number of elements from the first to just after the last that the view reaches. */
static bool extent_of(const struct bundle_entry *e, const int64_t *stride, int64_t *extent)
{
    *extent = e->bytes > 0;
    for (int i = 0; i < e->rank && e->bytes > 0; i++) {
        int64_t way;
        if (!extent_mul(e->shape[i] - 1, stride[i], &way) || __builtin_add_overflow(*extent, way, extent)) return false;
    }
    return true;
}

static rk_status place(struct reader *r, struct bundle_entry *e, const struct torch_tensor *t)
{
    rk_ctx *ctx = r->ctx;
    const struct zip_entry *storage;
    int64_t extent, width = (int64_t)dtype_bytes(t->dtype), *strides;
    char shown[NAME_SHOWN];
    TRY(find_storage(r, &e->name, t->storage, &storage));
    int64_t there = (int64_t)storage->bytes / width;
    if (!extent_of(e, t->stride, &extent) || t->first > there || extent > there - t->first)
        return FAIL(RK_E_FORMAT, "%s: tensor \"%s\" from element %lld on leads beyond its storage of %lld elements", r->source->path,
                    name_show(shown, e->name.at, e->name.length), (long long)t->first, (long long)there);
    e->offset = storage->offset + (uint64_t)(t->first * width);
    e->span = (size_t)(extent * width);
    e->data = r->source->at + e->offset;
    e->aligned = (uintptr_t)e->data % (size_t)width == 0;
    if (is_dense(e, t->stride)) return RK_OK;
    TRY(TAKE(&r->bundle->arena, strides, e->rank));
    for (int i = 0; i < e->rank; i++) strides[i] = t->stride[i];
    e->strides = strides;
    return RK_OK;
}

static rk_status add_tensor(struct reader *r, const char *name, size_t n, const struct torch_tensor *t)
{
    rk_ctx *ctx = r->ctx;
    struct bundle_entry e = { .name = { name, (uint32_t)n }, .dtype = t->dtype, .rank = t->rank, .path = r->source->path };
    r->text.n = 0;
    if (memchr(name, '\0', n) != NULL || !utf8_valid(name, n)) return refuse(r, &e.name, RK_E_FORMAT, "a name with a zero byte, or that is not UTF-8");
    char shown[NAME_SHOWN];
    TRY(str_format(ctx, &r->text, "%s: tensor \"%s\"", r->source->path, name_show(shown, name, n)));
    memcpy(e.shape, t->shape, sizeof e.shape);
    TRY(array_bytes(ctx, str_c(&r->text), e.dtype, e.rank, e.shape, &e.bytes));
    TRY(place(r, &e, t));
    TRY(arena_text(ctx, &r->bundle->arena, name, n, &e.name.at));
    VEC_PUSH(&r->bundle->entries, e);
    return RK_OK;
}

/* --- all of them --- */

static bool is_tensor(const struct pickled *v) { return v->kind == PICKLE_THING && v->n == TORCH_TENSOR; }

static bool has_tensors(const struct pickled *v)
{
    for (const struct pickled_link *l = v != NULL && v->kind == PICKLE_DICT ? v->first : NULL; l != NULL; l = l->next)
        if (is_tensor(l->value)) return true;
    return false;
}

static rk_status no_tensors(struct reader *r, const struct pickled *root)
{
    rk_ctx *ctx = r->ctx;
    char shown[NAME_SHOWN];
    (void)FAIL(RK_E_MISSING, "%s: there are no named tensors, neither at the top nor under \"model\", \"state_dict\", \"model_state_dict\" or \"module\"", r->source->path);
    if (root->kind != PICKLE_DICT || root->first == NULL || root->first->key->kind != PICKLE_TEXT) return ctx->status;
    return ctx_hint(ctx, "it is a dict of %u keys, the first is \"%s\"", root->n, name_show(shown, root->first->key->text, root->first->key->n));
}

/* The dict whose tensors are meant: of a training checkpoint the one with the weights. */
static const struct pickled *state_dict(const struct pickled *root)
{
    static const char *const usual[] = { "model", "state_dict", "model_state_dict", "module" };
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        const struct pickled *v = pickle_find(root, usual[i]);
        if (has_tensors(v)) return v;
    }
    return has_tensors(root) ? root : NULL;
}

static rk_status add_note(struct reader *r, const struct pickled *key, const struct pickled *value)
{
    rk_ctx *ctx = r->ctx;
    struct bundle_note note = { .name = { key->text, key->n } };
    bool plain = key->kind == PICKLE_TEXT && utf8_valid(key->text, key->n) && memchr(key->text, '\0', key->n) == NULL;
    r->text.n = 0;
    if (plain) TRY(torch_plain(ctx, value, &r->text, &plain));
    if (!plain) return RK_OK;
    TRY(arena_text(ctx, &r->bundle->arena, key->text, key->n, &note.name.at));
    TRY(arena_text(ctx, &r->bundle->arena, str_c(&r->text), (size_t)r->text.n, &note.text));
    VEC_PUSH(&r->bundle->notes, note);
    return RK_OK;
}

static rk_status add_all(struct reader *r, const struct pickled *root)
{
    rk_ctx *ctx = r->ctx;
    const struct pickled *state = state_dict(root);
    if (is_tensor(root)) {
        struct name name = path_stem(r->source->path);
        return add_tensor(r, name.at, name.length, root->thing);
    }
    if (state == NULL) return no_tensors(r, root);
    for (const struct pickled_link *l = state->first; l != NULL; l = l->next) {
        if (!is_tensor(l->value)) continue;
        if (l->key->kind != PICKLE_TEXT) return FAIL(RK_E_FORMAT, "%s: a tensor stands in its dict under a key that is no text", r->source->path);
        TRY(add_tensor(r, l->key->text, l->key->n, l->value->thing));
    }
    for (const struct pickled_link *l = root->first; l != NULL; l = l->next) TRY(add_note(r, l->key, l->value));
    return RK_OK;
}

/* Everything that is no storage: headers, names, padding, the pickle. */
static uint64_t header_bytes(const struct reader *r)
{
    uint64_t bytes = r->source->n;
    for (int i = 0; i < r->zip.entries.n; i++) {
        const struct zip_entry *e = &r->zip.entries.at[i];
        bool storage = e->name.length > r->prefix.length + 5 && memcmp(e->name.at, r->prefix.at, r->prefix.length) == 0
                    && memcmp(e->name.at + r->prefix.length, "data/", 5) == 0;
        if (storage) bytes -= e->bytes;
    }
    return bytes;
}

static rk_status read_archive(struct reader *r)
{
    rk_ctx *ctx = r->ctx;
    static const struct pickle_host host = { NULL, torch_global, torch_call, torch_persistent };
    const struct zip_entry *e;
    TRY(zip_open(ctx, r->source, &r->zip));
    TRY(find_pickle(r, &e));
    TRY(check_order(r));
    TRY(pickle_read(ctx, &r->pickle, r->source->path, r->source->at + e->offset, e->bytes, &host));
    TRY(bundle_count(ctx, r->bundle, r->source, header_bytes(r)));
    return add_all(r, r->pickle.root);
}

rk_status torch_read(rk_ctx *ctx, const struct source *s, struct bundle *b)
{
    struct reader r = { .ctx = ctx, .source = s, .bundle = b };
    if (!zip_recognise(s)) return refuse_old(ctx, s);
    rk_status status = read_archive(&r);
    str_free(ctx, &r.text);
    pickle_clear(ctx, &r.pickle);
    zip_close(ctx, &r.zip);
    return status;
}
