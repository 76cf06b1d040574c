/* shards.c: NAME.index.json: a map from each tensor's name to the file beside it that holds it, of whatever format.
 *
 * The index and the shards must agree both ways: a tensor that a shard lacks, or holds without being listed, is an error,
 * for it means that files of two checkpoints were mixed. metadata.total_size is not checked: writers disagree about it. */
#include "base/map.h"
#include "io/format.h"
#include <string.h>

enum { MOST_SHARDS = 4096, LOOKED_AT = 1 << 20,      /* an index names its map early; a huge file that is none is not searched */
       NEAR = 4 };                                     /* lines that are tried before the map is searched */

struct shards {
    rk_ctx *ctx;
    const struct source *source;
    struct bundle *bundle;
    const struct json *map;                                         /* weight_map */
    uint32_t next;                                                  /* the line after the last that was looked for */
    struct map seen;                                                /* file name → its number */
    struct str text;
    struct { const char *names[MOST_SHARDS]; int n; } *files;
};

bool index_recognise(const struct source *s)
{
    static const char key[] = "\"weight_map\"";
    size_t first = 0;
    while (first < s->n && strchr(" \t\r\n", s->at[first]) != NULL && s->at[first] != '\0') first++;
    return first < s->n && s->at[first] == '{' && memmem(s->at, s->n < LOOKED_AT ? s->n : LOOKED_AT, key, sizeof key - 1) != NULL;
}

/* A shard lies beside its index: its name must not lead anywhere else. */
static rk_status check_name(rk_ctx *ctx, const struct json *value)
{
    char path[JSON_SHOWN], words[JSON_SHOWN];
    const char *name = value->text;
    bool plain = name[0] != '\0' && name[0] != '.' && value->n < 256;
    for (const char *c = name; *c != '\0' && plain; c++) plain = *c != '/' && *c != '\\' && (unsigned char)*c >= 0x20 && *c != 0x7f;
    return plain ? RK_OK : FAIL(RK_E_FORMAT, "%s: expected the name of a file beside the index, found %s", json_path(value, path),
                                json_words(value, words));
}

static rk_status list(struct shards *s)
{
    rk_ctx *ctx = s->ctx;
    for (uint32_t i = 0; i < s->map->n; i++) {
        const struct json *value = &s->map->at[i];
        const char *name;
        int known;
        TRY(json_as_text(ctx, value, &name));
        if (map_get(&s->seen, name, value->n, &known)) continue;
        TRY(check_name(ctx, value));
        if (s->files->n == MOST_SHARDS) return FAIL(RK_E_LIMIT, "%s: more than %d shards", s->source->path, MOST_SHARDS);
        TRY(map_put(ctx, &s->seen, name, value->n, s->files->n));
        s->files->names[s->files->n++] = name;
    }
    return RK_OK;
}

/* Strictly, the first disagreement is an error; leniently, each is noted. */
static rk_status disagree(struct shards *s, rk_status status, const char *name, size_t n, const char *text)
{
    rk_ctx *ctx = s->ctx;
    struct bundle_trouble t;
    if (!s->bundle->lenient) return FAIL(status, "%s", text);
    TRY(arena_text(ctx, &s->bundle->arena, name, n, &t.name));
    TRY(arena_text(ctx, &s->bundle->arena, text, strlen(text), &t.text));
    VEC_PUSH(&s->bundle->troubles, t);
    return RK_OK;
}

/* The line of a tensor; NULL: none. Index and shards are mostly written in one order, so it is near the one before. */
static const struct json *line_of(struct shards *s, const struct name *name)
{
    const struct json *line = NULL;
    for (uint32_t i = s->next; i < s->map->n && i - s->next < NEAR && line == NULL; i++) {
        const struct name *key = &s->map->at[i].key;
        if (key->length == name->length && memcmp(key->at, name->at, name->length) == 0) line = &s->map->at[i];
    }
    if (line == NULL) line = json_find_bytes(s->map, name->at, name->length);
    if (line != NULL) s->next = (uint32_t)(line - s->map->at) + 1;
    return line;
}

static rk_status check_entry(struct shards *s, const struct bundle_entry *e, const char *file)
{
    rk_ctx *ctx = s->ctx;
    char shown[NAME_SHOWN];
    const struct json *listed = line_of(s, &e->name);
    if (listed != NULL && strcmp(listed->text, file) == 0) return RK_OK;
    (void)name_show(shown, e->name.at, e->name.length);
    s->text.n = 0;
    TRY(str_format(ctx, &s->text, "%s: tensor \"%s\" is in this shard and not in the index %s", e->path, shown, s->source->path));
    if (listed != NULL) {
        s->text.n = 0;
        TRY(str_format(ctx, &s->text, "%s: tensor \"%s\" is in this shard, and the index %s says %s", e->path, shown, s->source->path, listed->text));
    }
    return disagree(s, RK_E_FORMAT, e->name.at, e->name.length, s->text.at);
}

/* Maps a shard; leniently, one that is not there is noted. */
static rk_status map_shard(struct shards *s, const char *path, struct source *shard, bool *there)
{
    rk_ctx *ctx = s->ctx;
    rk_status status = bundle_map(ctx, s->bundle, path, shard);
    *there = status == RK_OK;
    if (status != RK_E_MISSING) return status;
    if (!s->bundle->lenient) return ctx_hint(ctx, "the index %s asks for this shard: was it downloaded?", s->source->path);
    rk_error_clear(ctx);
    return disagree(s, status, path, strlen(path), "the index asks for this shard, and it is not there");
}

static rk_status read_shard(struct shards *s, const char *file)
{
    rk_ctx *ctx = s->ctx;
    const char *slash = strrchr(s->source->path, '/');
    size_t folder = slash == NULL ? 0 : (size_t)(slash - s->source->path) + 1;
    int first = s->bundle->entries.n;
    struct str path = { NULL, 0, 0 };
    struct source shard;
    bool there = false;
    rk_status status;
    GO(str_add(ctx, &path, s->source->path, folder));
    GO(str_text(ctx, &path, file));
    GO(map_shard(s, path.at, &shard, &there));
    if (there) GO(bundle_read_shard(ctx, &shard, s->bundle));
    for (int i = first; i < s->bundle->entries.n; i++) GO(check_entry(s, &s->bundle->entries.at[i], file));
out:
    str_free(ctx, &path);
    return status;
}

/* Strictly, check_entry let each tensor in only where it is listed, so fewer tensors than lines means that some line has none. */
static rk_status check_all_found(struct shards *s)
{
    rk_ctx *ctx = s->ctx;
    struct arena arena = { NULL, 0 };
    struct names names = { .items = s->bundle->entries.at, .stride = sizeof *s->bundle->entries.at, .n = (uint32_t)s->bundle->entries.n };
    uint32_t item;
    char shown[NAME_SHOWN];
    rk_status status = RK_OK;
    if (names.n == s->map->n && s->bundle->troubles.n == 0) return RK_OK;
    GO(names_index(ctx, &arena, &names));
    for (uint32_t i = 0; i < s->map->n; i++) {
        const struct json *line = &s->map->at[i];
        if (names_find(&names, line->key.at, line->key.length, &item)) continue;
        s->text.n = 0;
        GO(str_format(ctx, &s->text, "%s: tensor \"%s\" should be in %s, which has no such tensor", s->source->path,
                      name_show(shown, line->key.at, line->key.length), line->text));
        GO(disagree(s, RK_E_MISSING, line->key.at, line->key.length, s->text.at));
    }
out:
    arena_clear(ctx, &arena);
    return status;
}

/* At once for the tensors of all: as many as lines, and for each shard the two that its header may seem to have besides. */
static rk_status make_room(struct shards *s)
{
    rk_ctx *ctx = s->ctx;
    return VEC_ROOM(&s->bundle->entries, (int)s->map->n + 2 * s->files->n);
}

static rk_status read_all(struct shards *s, const struct json *root)
{
    rk_ctx *ctx = s->ctx;
    TRY(json_get_object(ctx, root, "weight_map", &s->map));
    TRY(list(s));
    TRY(make_room(s));
    for (int i = 0; i < s->files->n; i++) TRY(read_shard(s, s->files->names[i]));
    return check_all_found(s);
}

rk_status index_read(rk_ctx *ctx, const struct source *source, struct bundle *b)
{
    struct json_doc doc = { .root = NULL };
    struct shards s = { .ctx = ctx, .source = source, .bundle = b };
    rk_status status;
    GO(NEW(s.files, 1));
    GO(json_read(ctx, &doc, source->path, (const char *)source->at, source->n, 0));
    GO(read_all(&s, doc.root));
out:
    map_free(ctx, &s.seen);
    str_free(ctx, &s.text);
    FREE(s.files, 1);
    json_clear(ctx, &doc);
    return status;
}
