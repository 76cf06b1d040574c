/* spec.c: which model is meant by a text: a preset, a folder, a config.json, a file of weights beside one or that describes
 * itself (nanoGPT's ckpt.pt); and overrides.
 *
 * A preset wins over a folder of the same name ("./gpt2" is the folder). Overrides stand behind the last colon, and only if
 * something with a = follows. */
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

static rk_status read_config(rk_ctx *ctx, rk_model *m, const char *path)
{
    struct str text = { 0 };
    struct json_doc doc = { .root = NULL };
    rk_status status;
    GO(file_read(ctx, path, CONFIG_BYTES, &text));
    GO(json_read(ctx, &doc, path, str_c(&text), (size_t)text.n, 0));
    GO(config_read(ctx, doc.root, &m->config));
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
    GO(config_read(ctx, doc.root, &m->config));
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
        (void)ctx_hint(ctx, "weights alone do not say which function they belong to: a config.json gives family, heads and positions");
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

static rk_status nothing_called(rk_ctx *ctx, const char *name)
{
    char list[ERROR_HINT - 100] = "";
    const char *preset;
    for (int i = 0, used = 0; (preset = rk_model_preset(i)) != NULL && used < (int)sizeof list; i++)
        used += snprintf(list + used, sizeof list - (size_t)used, "%s%s", i > 0 ? ", " : "", preset);
    (void)FAIL(RK_E_MISSING, "\"%.200s\" is neither a preset nor a file or folder that is there", name);
    return ctx_hint(ctx, "presets: %s", list);
}

/* The colon before overrides; the end of the text where there are none. */
static size_t overrides_at(const char *spec)
{
    const char *colon = strrchr(spec, ':');
    return colon != NULL && strchr(colon, '=') != NULL ? (size_t)(colon - spec) : strlen(spec);
}

/* What is typed behind the colon, then what is asked for on top of it; more may be NULL. */
static rk_status override(rk_ctx *ctx, rk_model *m, const char *typed, const char *more)
{
    struct config alone = { .arch = m->config.arch };
    TRY(config_set(ctx, &m->config, m->name, typed));
    if (more == NULL) return RK_OK;
    TRY(config_set(ctx, &alone, m->name, typed));
    TRY(config_follow(ctx, &m->config, &alone, m->name));
    return config_set(ctx, &m->config, m->name, more);
}

static rk_status find(rk_ctx *ctx, rk_model *m, const char *spec, const char *more)
{
    char path[LONGEST_SPEC];
    const struct arch *arch;
    size_t n = overrides_at(spec);
    bool there = false;
    const struct preset *preset = preset_find(spec, n, &arch);
    if (preset != NULL) {
        m->config = (struct config){ .arch = arch };
        TRY(config_set(ctx, &m->config, preset->name, preset->fields));
    } else {
        if (strlen(spec) >= sizeof path) return FAIL(RK_E_LIMIT, "the name of a model has more than %d bytes", LONGEST_SPEC - 1);
        TRY(file_exists(ctx, spec, &there));                            /* a name that holds both : and = may be a file */
        if (there) n = strlen(spec);
        memcpy(path, spec, n);
        path[n] = '\0';
        if (!there) TRY(file_exists(ctx, path, &there));
        if (!there) return nothing_called(ctx, path);
        TRY(open_path(ctx, m, path));
    }
    TRY(override(ctx, m, spec[n] == ':' ? spec + n + 1 : "", more));
    return config_finish(ctx, &m->config, m->name);
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
    *model = m;
    m = NULL;
out:
    rk_model_close(m);
    return status;
}
