/* config_family.c: lists of words, the fields of a family by name and as files spell them, and which family a config.json belongs to. */
#include "model/config.h"
#include <stdio.h>
#include <string.h>

/* --- lists of words --- */

bool word_next(const char **rest, struct word *w)
{
    w->at = *rest + strspn(*rest, " |");
    w->n = strcspn(w->at, " |");
    *rest = w->at + w->n;
    return w->n > 0;
}

bool word_is(struct word w, const char *text, size_t n) { return w.n == n && memcmp(w.at, text, n) == 0; }

bool word_among(const char *list, const char *text, size_t n)
{
    for (struct word w; word_next(&list, &w);) {
        if (word_is(w, text, n)) return true;
        if (w.at[w.n - 1] == '*' && n >= w.n - 1 && memcmp(w.at, text, w.n - 1) == 0) return true;
    }
    return false;
}

/* --- reading fields --- */

const struct field *config_field(const struct config *c, const char *name, int *index)
{
    for (int i = 0; c->arch->fields[i].name != NULL; i++)
        if (strcmp(c->arch->fields[i].name, name) == 0) {
            *index = i;
            return &c->arch->fields[i];
        }
    return NULL;
}

static int slot_of(const struct config *c, const char *name)
{
    int i = 0;
    return config_field(c, name, &i) != NULL ? i : MOST_FIELDS - 1;         /* the last slot belongs to no field: 0, "" */
}

int64_t     config_int(const struct config *c, const char *name)  { return (int64_t)c->value[slot_of(c, name)]; }
double      config_real(const struct config *c, const char *name) { return c->value[slot_of(c, name)]; }
bool        config_flag(const struct config *c, const char *name) { return c->value[slot_of(c, name)] != 0; }
const char *config_text(const struct config *c, const char *name) { return c->text[slot_of(c, name)]; }

/* --- keys and words of files --- */

int config_spelled(const struct arch *a, const char *key, size_t n, bool ours)
{
    for (int i = 0; a->fields[i].name != NULL; i++) {
        if (word_among(a->fields[i].spellings, key, n)) return i;
        if (ours && strlen(a->fields[i].name) == n && memcmp(a->fields[i].name, key, n) == 0) return i;
    }
    return -1;
}

bool config_echoed(const struct arch *a, struct word key, int *index)
{
    const char *rest = a->echoes == NULL ? "" : a->echoes;
    for (struct word w; word_next(&rest, &w);) {
        const char *equals = memchr(w.at, '=', w.n);
        if (!word_is((struct word){ w.at, (size_t)(equals - w.at) }, key.at, key.n)) continue;
        *index = config_spelled(a, equals + 1, w.n - key.n - 1, true);
        return true;
    }
    return false;
}

const char *config_choice(const struct field *f, const char *text, size_t n, struct word *ours)
{
    const char *rest = f->choices;
    for (struct word w; word_next(&rest, &w);) {
        const char *equals = memchr(w.at, '=', w.n);
        size_t spelled = equals == NULL ? w.n : (size_t)(equals - w.at);
        if (spelled != n || memcmp(w.at, text, n) != 0) continue;
        *ours = equals == NULL ? w : (struct word){ equals + 1, w.n - spelled - 1 };
        return w.at;
    }
    return NULL;
}

/* --- the family --- */

bool config_spells(const struct arch *a, const char *key, size_t n)
{
    for (const struct field *f = a->fields; f->name != NULL; f++) {
        const char *rest = f->spellings;
        for (struct word w; word_next(&rest, &w);)
            if (w.n >= n && memcmp(w.at, key, n) == 0 && (w.n == n || w.at[n] == '.')) return true;
    }
    return false;
}

/* Some families are told by keys of their own alone: their other keys are those of another family too. */
static bool told(const struct json *root, const struct arch *a)
{
    bool any = a->tell == NULL;
    for (uint32_t i = 0; i < root->n && !any; i++) any = word_among(a->tell, root->at[i].key.at, root->at[i].key.length);
    return any;
}

/* How many keys of the file are fields of this family and of no other that it may be. */
static int own_keys(const struct json *root, const struct arch *a)
{
    int own = 0;
    for (uint32_t i = 0; i < root->n && told(root, a); i++) {
        const struct name *key = &root->at[i].key;
        bool alone = config_spells(a, key->at, key->length);
        for (int k = 0; arch_list[k] != NULL && alone; k++)
            alone = arch_list[k] == a || !told(root, arch_list[k]) || !config_spells(arch_list[k], key->at, key->length);
        own += alone;
    }
    return own;
}

static rk_status known_families(rk_ctx *ctx)
{
    char list[ERROR_HINT] = "";
    for (int i = 0, used = 0; arch_list[i] != NULL && used < (int)sizeof list; i++)
        used += snprintf(list + used, sizeof list - (size_t)used, "%s%s", i > 0 ? ", " : "", arch_list[i]->model_types);
    return ctx_hint(ctx, "model_type may be: %s", list);
}

static rk_status by_type(rk_ctx *ctx, const struct json *type, const struct arch **arch)
{
    char path[JSON_SHOWN], words[JSON_SHOWN];
    const char *text;
    TRY(json_as_text(ctx, type, &text));
    for (int i = 0; arch_list[i] != NULL; i++)
        if (word_among(arch_list[i]->model_types, text, strlen(text))) {
            *arch = arch_list[i];
            return RK_OK;
        }
    (void)FAIL(RK_E_UNKNOWN, "%s: %s is no family that is known here", json_path(type, path), json_words(type, words));
    for (int i = 0; arch_list[i] != NULL; i++) {
        const char *m = arch_list[i]->mistaken;
        size_t n = m == NULL ? 0 : strcspn(m, ":");
        if (m != NULL && word_is((struct word){ m, n }, text, strlen(text)) && told(type->up, arch_list[i])) return ctx_hint(ctx, "%s", m + n + 2);
    }
    return known_families(ctx);
}

rk_status config_family(rk_ctx *ctx, const struct json *root, const struct arch **arch)
{
    char path[JSON_SHOWN];
    int families = 0;
    TRY(json_as_object(ctx, root));
    const struct json *type = json_find(root, "model_type");
    if (type != NULL && type->kind != JSON_NULL) return by_type(ctx, type, arch);
    for (int i = 0; arch_list[i] != NULL; i++)
        if (own_keys(root, arch_list[i]) > 0) {
            *arch = arch_list[i];
            families++;
        }
    if (families == 1) return RK_OK;
    (void)FAIL(RK_E_UNKNOWN, "%s: there is no model_type, and its keys fit %s", json_path(root, path), families == 0 ? "no family" : "several families");
    return known_families(ctx);
}
