/* spec.c: which model is meant by a text: a preset, a folder, a config.json, a file of weights beside one or that describes
 * itself (nanoGPT's ckpt.pt); its head; and overrides.
 *
 *   NAME+HEAD:key=value,key=value        bert-base-chinese+pretraining:layer=2
 *
 * A preset wins over a folder of the same name ("./gpt2" is the folder). Overrides stand behind the last colon, and only if
 * something with a = follows; a head behind the last plus, unless a preset or a file is called like all of it. */
#include "io/bundle.h"
#include "model/model.h"
#include <stdio.h>
#include <string.h>

enum { CONFIG_BYTES = 16 << 20, LONGEST_SPEC = 4096 };

const struct preset *preset_find(const char *name, size_t length, const struct arch **arch)
{
    for (int a = 0; arch_list[a] != NULL; a++)
        for (const struct preset *p = arch_list[a]->presets; p->name != NULL; p++) {
            struct word own = { p->name, strlen(p->name) };
            if (!word_is(own, name, length) && !word_among(p->aliases, name, length)) continue;
            *arch = arch_list[a];
            return p;
        }
    return NULL;
}

const char *rk_model_preset(int index)
{
    if (index < 0) return NULL;
    for (int a = 0; arch_list[a] != NULL; a++)
        for (const struct preset *p = arch_list[a]->presets; p->name != NULL; p++)
            if (index-- == 0) return p->name;
    return NULL;
}

static bool ends_in(const char *text, const char *ends)
{
    size_t n = strlen(text);
    for (struct word w; word_next(&ends, &w);)
        if (n >= w.n && memcmp(text + n - w.n, w.at, w.n) == 0) return true;
    return false;
}

static bool is_weights(const char *path)  { return ends_in(path, ".safetensors .index.json .bin .pt .pth"); }
static bool is_training(const char *path) { return ends_in(path, ".pt .pth"); }        /* what holds more than weights is called so */

static rk_status keep(rk_model *m, const char *text, size_t n, const char **kept) { return arena_text(m->ctx, &m->arena, text, n, kept); }

/* --- files --- */

/* A word of a file that nobody here knows was not mistyped: such a model is not supported. */
static rk_status of_a_file(rk_ctx *ctx, rk_status status)
{
    if (status == RK_E_UNKNOWN) status = ctx->status = RK_E_DECLINED;
    return status;
}

static rk_status take_config(rk_ctx *ctx, rk_model *m, const struct json *root)
{
    TRY(of_a_file(ctx, config_read(ctx, root, &m->config)));
    if (m->head.n > 0) return config_set_head(ctx, &m->config, m->name, m->head.at, m->head.n);
    bool named;
    TRY(of_a_file(ctx, config_find_head(ctx, &m->config, root, &named)));
    m->any_head = !named;
    return RK_OK;
}

static rk_status read_config(rk_ctx *ctx, rk_model *m, const char *path)
{
    struct str text = { 0 };
    struct json_doc doc = { .root = NULL };
    rk_status status;
    GO(file_read(ctx, path, CONFIG_BYTES, &text));
    if (text.n == 0) GO(FAIL(RK_E_FORMAT, "%s: the file is empty, expected JSON", path));
    GO(json_read(ctx, &doc, path, str_c(&text), (size_t)text.n, 0));
    GO(take_config(ctx, m, doc.root));
out:
    json_clear(ctx, &doc);
    str_free(ctx, &text);
    return status;
}

/* A training checkpoint may say itself what it is: nanoGPT's model_args. */
static rk_status read_note(rk_ctx *ctx, rk_model *m, const struct bundle *b, bool *there)
{
    struct json_doc doc = { .root = NULL };
    struct str name = { 0 };
    const char *note = bundle_note(b, "model_args");
    rk_status status = RK_OK;
    *there = note != NULL;
    if (note == NULL) return RK_OK;
    GO(str_format(ctx, &name, "%s (model_args)", b->path));
    GO(json_read(ctx, &doc, str_c(&name), note, strlen(note), 0));
    GO(take_config(ctx, m, doc.root));
out:
    json_clear(ctx, &doc);
    str_free(ctx, &name);
    return status;
}

static rk_status inside(rk_ctx *ctx, rk_model *m, const char *path, bool *there)
{
    struct bundle b;
    TRY(bundle_peek(ctx, path, &b));
    rk_status status = read_note(ctx, m, &b, there);
    bundle_close(ctx, &b);
    return status;
}

static rk_status folder_weights(rk_ctx *ctx, rk_model *m, const char **chosen)
{
    struct file_names names = { NULL, 0, 0 };
    rk_status status = RK_OK;
    *chosen = "";
    GO(file_list(ctx, m->folder, &names));
    const char *name = bundle_choose(&names);
    if (name != NULL) {
        m->weights = m->folder;
        GO(keep(m, name, strlen(name), chosen));
    }
out:
    file_names_free(ctx, &names);
    return status;
}

/* Why there is no config.json: a hub's cache keeps whole models one folder further down. */
static rk_status hint_config(rk_ctx *ctx, const rk_model *m, struct str *path)
{
    if (file_join(ctx, path, m->folder, "snapshots") == RK_OK && file_is_folder(str_c(path))) return ctx_hint(ctx, "this is a hub's cache of the model: name the folder below %s", str_c(path));
    return ctx_hint(ctx, "weights alone do not say which function they belong to: a config.json gives family, heads and positions");
}

/* Beside weights, unless they say themselves what they are. */
static rk_status config_beside(rk_ctx *ctx, rk_model *m, const char *what)
{
    struct str path = { 0 };
    rk_status status;
    bool there = false;
    GO(file_join(ctx, &path, m->folder, "config.json"));
    GO(file_exists(ctx, str_c(&path), &there));
    if (!there) {
        status = FAIL(RK_E_MISSING, "%s: there is no config.json%s", what, strcmp(what, m->folder) == 0 ? " in this folder" : " beside this file");
        status = hint_config(ctx, m, &path);
        goto out;
    }
    GO(read_config(ctx, m, str_c(&path)));
out:
    str_free(ctx, &path);
    return status;
}

static rk_status open_folder(rk_ctx *ctx, rk_model *m, const char *path)
{
    const char *chosen;
    bool there = false;
    TRY(keep(m, path, strlen(path), &m->folder));
    TRY(folder_weights(ctx, m, &chosen));
    if (is_training(chosen)) TRY(inside(ctx, m, m->folder, &there));
    return there ? RK_OK : config_beside(ctx, m, m->folder);
}

static rk_status open_path(rk_ctx *ctx, rk_model *m, const char *path)
{
    const char *slash = strrchr(path, '/'), *chosen;
    bool there = false;
    if (file_is_folder(path)) return open_folder(ctx, m, path);
    if (slash == NULL) m->folder = ".";
    else TRY(keep(m, path, slash == path ? 1 : (size_t)(slash - path), &m->folder));
    if (!is_weights(path)) {
        TRY(read_config(ctx, m, path));
        return folder_weights(ctx, m, &chosen);
    }
    TRY(keep(m, path, strlen(path), &m->weights));
    if (is_training(path)) TRY(inside(ctx, m, path, &there));
    return there ? RK_OK : config_beside(ctx, m, path);
}

/* --- the whole text --- */

/* The colon before overrides; the end of the text where there are none. */
static size_t overrides_at(const char *spec)
{
    const char *colon = strrchr(spec, ':');
    return colon != NULL && strchr(colon, '=') != NULL ? (size_t)(colon - spec) : strlen(spec);
}

/* Where a path that is there ends: all of the text, or what stands before the overrides, or before the head. 0: nowhere. */
static rk_status path_end(rk_ctx *ctx, const char *spec, size_t overrides, size_t plus, size_t *end)
{
    const size_t ends[] = { strlen(spec), overrides, plus };       /* a name that holds : and =, or a plus, may be a file */
    char path[LONGEST_SPEC];
    *end = 0;
    if (ends[0] >= sizeof path) return FAIL(RK_E_LIMIT, "the name of a model has more than %d bytes", LONGEST_SPEC - 1);
    for (int i = 0; i < 3 && *end == 0; i++) {
        bool there = false;
        memcpy(path, spec, ends[i]);
        path[ends[i]] = '\0';
        TRY(file_exists(ctx, path, &there));
        if (there) *end = ends[i];
    }
    return RK_OK;
}

/* The plus before a head, in the first n bytes; n where there is none. */
static size_t plus_at(const char *spec, size_t n)
{
    size_t at = n;
    while (at > 0 && spec[at - 1] != '+' && spec[at - 1] != '/') at--;
    return at > 1 && spec[at - 1] == '+' && at < n ? at - 1 : n;
}

static rk_status take_preset(rk_ctx *ctx, rk_model *m, const struct arch *arch, const struct preset *preset)
{
    const char *fields = preset->fields;
    struct word own = { fields + 1, 0 };
    m->config = (struct config){ .arch = arch };
    if (fields[0] == '+') own.n = strcspn(own.at, " "), fields = own.at + own.n;
    TRY(config_set(ctx, &m->config, preset->name, fields));
    struct word head = m->head.n > 0 ? m->head : own;
    return head.n == 0 ? RK_OK : config_set_head(ctx, &m->config, m->name, head.at, head.n);
}

static rk_status take_path(rk_ctx *ctx, rk_model *m, const char *spec, size_t n)
{
    char path[LONGEST_SPEC];
    memcpy(path, spec, n);                                              /* path_end has looked at the length */
    path[n] = '\0';
    TRY(open_path(ctx, m, path));
    return m->any_head && m->weights[0] != '\0' ? spec_head(ctx, m) : RK_OK;
}

static rk_status find(rk_ctx *ctx, rk_model *m, const char *spec, const char *more)
{
    const struct arch *arch;
    size_t n = overrides_at(spec), plus = plus_at(spec, n), end = 0;
    struct word head = { spec + plus, 0 };
    const struct preset *preset = preset_find(spec, n, &arch);
    if (plus < n) head = (struct word){ spec + plus + 1, n - plus - 1 };
    if (preset == NULL) {
        preset = preset_find(spec, plus, &arch);
        if (preset == NULL) TRY(path_end(ctx, spec, n, plus, &end));
        if (preset != NULL || (end == plus && plus < n)) m->head = head;
    }
    if (preset != NULL) TRY(take_preset(ctx, m, arch, preset));
    else if (end == 0) return spec_unknown(ctx, spec, n, plus);
    else TRY(take_path(ctx, m, spec, end));
    if (end < n) end = n;
    return spec_override(ctx, m, spec[end] == ':' ? spec + end + 1 : "", more);
}

static rk_status keep_name(rk_ctx *ctx, rk_model *m, const char *spec, const char *more)
{
    struct str name = { 0 };
    if (more == NULL || more[0] == '\0') return keep(m, spec, strlen(spec), &m->name);
    rk_status status = str_format(ctx, &name, "%s%c%s", spec, spec[overrides_at(spec)] == ':' ? ',' : ':', more);
    if (status == RK_OK) status = keep(m, str_c(&name), (size_t)name.n, &m->name);
    str_free(ctx, &name);
    return status;
}

rk_status rk_model_open(rk_ctx *ctx, const char *spec, rk_model **model) { return rk_model_open_with(ctx, spec, NULL, model); }

rk_status rk_model_open_with(rk_ctx *ctx, const char *spec, const char *overrides, rk_model **model)
{
    rk_model *m = NULL;
    rk_status status;
    *model = NULL;
    if (spec == NULL || spec[0] == '\0') return FAIL(RK_E_ARG, "the name of a model is empty");
    GO(NEW(m, 1));
    *m = (struct rk_model){ .ctx = ctx, .folder = "", .weights = "" };
    GO(keep_name(ctx, m, spec, overrides));
    GO(find(ctx, m, spec, overrides));
    m->head = (struct word){ "", 0 };                      /* it was said in words of the caller's */
    *model = m;
    m = NULL;
out:
    rk_model_close(m);
    return status;
}
