/* shards.c: files of ids that are finished one by one, and the list that says which.
 *
 * A shard takes its name when it is whole and on the disk, and only then does the list name it; so after any end the list tells of whole shards, and
 * perhaps the next one is there too and is made again, to the same bytes. Who goes on passes over the documents of the shards that are listed and
 * whose checksums hold. */
#include "base/vec.h"
#include "io/json.h"
#include "tok/tokens.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char schema[] = "reckon.shards/1";
static const char *const formats[] = { "raw", "llmc", "megatron" };
enum { MOST = 100000 };

struct shard { uint64_t tokens, documents; uint32_t crc; };

struct rk_shards {
    struct str        stem, list, made_from;                          /* NAME of NAME.bin; path of the list; lines */
    rk_tokens_format  format;
    unsigned          bytes_each;
    uint64_t          least;
    VEC(struct shard) done;
    bool              complete;
    rk_tokens_writer *now;                                            /* NULL between shards */
    struct shard      at;                                             /* what it has so far */
};

static rk_status shard_path(rk_ctx *ctx, const rk_shards *s, int i, struct str *path)
{
    path->n = 0;
    return str_format(ctx, path, "%s-%05d.bin", str_c(&s->stem), i);
}

/* ---- the list ---- */

static rk_status put_list(rk_ctx *ctx, const rk_shards *s, struct str *text)
{
    struct json_out o = { .to = text, .indent = 2 };
    TRY(json_open_object(ctx, &o, NULL));
    TRY(json_put_text(ctx, &o, "schema", schema));
    TRY(json_put_text(ctx, &o, "format", formats[s->format]));
    TRY(json_put_uint(ctx, &o, "bytes_each", s->bytes_each));
    TRY(json_put_uint(ctx, &o, "least", s->least));
    TRY(json_put_text(ctx, &o, "made_from", str_c(&s->made_from)));
    TRY(json_put_bool(ctx, &o, "complete", s->complete));
    TRY(json_open_array(ctx, &o, "shards"));
    for (int i = 0; i < s->done.n; i++) {
        char crc[16];
        (void)snprintf(crc, sizeof crc, "%08" PRIx32, s->done.at[i].crc);
        TRY(json_open_object(ctx, &o, NULL));
        TRY(json_put_uint(ctx, &o, "tokens", s->done.at[i].tokens));
        TRY(json_put_uint(ctx, &o, "documents", s->done.at[i].documents));
        TRY(json_put_text(ctx, &o, "crc32c", crc));
        TRY(json_close(ctx, &o));
    }
    TRY(json_close(ctx, &o));
    TRY(json_close(ctx, &o));
    return str_text(ctx, text, "\n");
}

static rk_status write_list(rk_ctx *ctx, const rk_shards *s)
{
    rk_status status;
    struct str text = { 0 };
    struct file_writer w = { .fd = -1 };
    GO(put_list(ctx, s, &text));
    GO(file_create(ctx, &w, str_c(&s->list)));
    GO(file_write(ctx, &w, text.at, (size_t)text.n));
    GO(file_commit(ctx, &w));
out:
    file_abandon(ctx, &w);
    str_free(ctx, &text);
    return status;
}

/* ---- going on ---- */

static rk_status differs(rk_ctx *ctx, const rk_shards *s, const char *theirs, int n_theirs, const char *ours, int n_ours)
{
    (void)FAIL(RK_E_DIFFERS, "%s: the shards there were made with \"%.*s\", these would be with \"%.*s\"", str_c(&s->list), n_theirs, theirs, n_ours, ours);
    return ctx_hint(ctx, "write to another name; or, to begin anew, remove %s", str_c(&s->list));
}

/* Line by line, so that the message tells the one that matters. */
static rk_status same_lines(rk_ctx *ctx, const rk_shards *s, const char *theirs)
{
    const char *ours = str_c(&s->made_from);
    while (*theirs != '\0' || *ours != '\0') {
        int n = (int)strcspn(theirs, "\n"), m = (int)strcspn(ours, "\n");
        if (n != m || memcmp(theirs, ours, (size_t)n) != 0) return differs(ctx, s, theirs, n, ours, m);
        theirs += n + (theirs[n] == '\n');
        ours += m + (ours[m] == '\n');
    }
    return RK_OK;
}

static rk_status same_rules(rk_ctx *ctx, const rk_shards *s, const struct json *root)
{
    const char *said, *format, *made_from;
    int64_t bytes, least;
    char theirs[80], ours[80];
    TRY(json_get_text(ctx, root, "schema", &said));
    if (strcmp(said, schema) != 0) return FAIL(RK_E_DECLINED, "%s: schema %s; %s is known", str_c(&s->list), said, schema);
    TRY(json_get_text(ctx, root, "format", &format));
    TRY(json_get_int(ctx, root, "bytes_each", 1, 8, &bytes));
    TRY(json_get_int(ctx, root, "least", 0, INT64_MAX, &least));
    TRY(json_get_text(ctx, root, "made_from", &made_from));
    int n = snprintf(theirs, sizeof theirs, "format %.20s, %d bytes an id, %" PRId64 " ids a shard", format, (int)bytes, least);
    int m = snprintf(ours, sizeof ours, "format %s, %u bytes an id, %" PRIu64 " ids a shard", formats[s->format], s->bytes_each, s->least);
    if (strcmp(theirs, ours) != 0) return differs(ctx, s, theirs, n, ours, m);
    return same_lines(ctx, s, made_from);
}

/* Whether the i-th shard is there as it was. */
static rk_status still_there(rk_ctx *ctx, const rk_shards *s, int i, struct shard shard, bool *yes)
{
    struct str path = { 0 };
    rk_tokens tokens = { 0 };
    rk_status status;
    *yes = false;
    GO(shard_path(ctx, s, i, &path));
    GO(file_exists(ctx, str_c(&path), yes));
    if (!*yes) goto out;
    *yes = rk_tokens_open(ctx, str_c(&path), s->bytes_each, &tokens) == RK_OK && tokens.n == shard.tokens && tokens.bytes_each == s->bytes_each
        && crc32c(0, tokens.at, tokens.n * tokens.bytes_each) == shard.crc;
    if (!*yes) ctx_log(ctx, RK_WARNING, "%s is not what it was when it was finished: it is made again, and what follows it", str_c(&path));
out:
    rk_tokens_close(&tokens);
    str_free(ctx, &path);
    return status;
}

static rk_status take_shards(rk_ctx *ctx, rk_shards *s, const struct json *list)
{
    for (uint32_t i = 0; i < list->n; i++) {
        int64_t tokens, documents;
        const char *crc;
        bool yes;
        TRY(json_get_int(ctx, &list->at[i], "tokens", 0, INT64_MAX, &tokens));
        TRY(json_get_int(ctx, &list->at[i], "documents", 0, INT64_MAX, &documents));
        TRY(json_get_text(ctx, &list->at[i], "crc32c", &crc));
        struct shard shard = { (uint64_t)tokens, (uint64_t)documents, 0 };
        if (sscanf(crc, "%8" SCNx32, &shard.crc) != 1) return FAIL(RK_E_FORMAT, "%s: shard %u has no checksum", str_c(&s->list), i);
        TRY(still_there(ctx, s, (int)i, shard, &yes));
        if (!yes) return RK_OK;
        VEC_PUSH(&s->done, shard);
    }
    return json_get_bool(ctx, list->up, "complete", &s->complete);
}

static rk_status go_on(rk_ctx *ctx, rk_shards *s)
{
    rk_status status;
    struct json_doc doc = { 0 };
    const struct json *list;
    bool there = false;
    GO(file_exists(ctx, str_c(&s->list), &there));
    if (!there) goto out;
    GO(json_load(ctx, &doc, str_c(&s->list), 0));
    GO(json_as_object(ctx, doc.root));
    GO(same_rules(ctx, s, doc.root));
    GO(json_get_array(ctx, doc.root, "shards", &list));
    GO(take_shards(ctx, s, list));
out:
    json_clear(ctx, &doc);
    return status;
}

/* ---- the interface ---- */

static rk_status begin(rk_ctx *ctx, const char *output, const rk_shards_rules *rules, rk_shards *s)
{
    size_t n = strlen(output);
    if (n < 5 || !str_ends_in(output, ".bin")) return FAIL(RK_E_ARG, "\"%s\" does not end in .bin: shards of NAME.bin are called NAME-00000.bin", output);
    s->format = rules->format;
    s->bytes_each = rules->bytes_each;
    s->least = rules->least;
    TRY(str_add(ctx, &s->stem, output, n - 4));
    TRY(str_format(ctx, &s->list, "%s.shards.json", str_c(&s->stem)));
    TRY(str_text(ctx, &s->made_from, rules->made_from != NULL ? rules->made_from : ""));
    TRY(go_on(ctx, s));
    return file_sweep(ctx, str_c(&s->list));
}

rk_status rk_shards_open(rk_ctx *ctx, const char *output, const rk_shards_rules *rules, rk_shards **out)
{
    rk_shards *s;
    *out = NULL;
    TRY(NEW(s, 1));
    rk_status status = begin(ctx, output, rules, s);
    if (status == RK_OK) *out = s;
    else rk_shards_close(ctx, s);
    return status;
}

void rk_shards_close(rk_ctx *ctx, rk_shards *s)
{
    if (s == NULL) return;
    rk_tokens_abandon(ctx, s->now);
    str_free(ctx, &s->stem);
    str_free(ctx, &s->list);
    str_free(ctx, &s->made_from);
    VEC_FREE(&s->done);
    FREE(s, 1);
}

rk_shards_state rk_shards_told(const rk_shards *s)
{
    rk_shards_state state = { (uint64_t)s->done.n, 0, 0, s->complete };
    for (int i = 0; i < s->done.n; i++) {
        state.documents += s->done.at[i].documents;
        state.tokens += s->done.at[i].tokens;
    }
    return state;
}

static rk_status open_shard(rk_ctx *ctx, rk_shards *s)
{
    struct str path = { 0 };
    rk_status status = RK_OK;
    if (s->done.n == MOST) return FAIL(RK_E_LIMIT, "more than %d shards of %s", MOST, str_c(&s->stem));
    GO(shard_path(ctx, s, s->done.n, &path));
    GO(file_sweep(ctx, str_c(&path)));
    if (s->format == RK_TOKENS_MEGATRON) GO(megatron_sweep(ctx, str_c(&path)));
    GO(tokens_create(ctx, str_c(&path), s->format, s->bytes_each, true, &s->now));
    s->at = (struct shard){ 0, 0, 0 };
out:
    str_free(ctx, &path);
    return status;
}

rk_status rk_shards_add(rk_ctx *ctx, rk_shards *s, const uint32_t *ids, size_t n)
{
    if (s->complete) return FAIL(RK_E_DIFFERS, "%s: the shards are complete, and there are more documents than they have", str_c(&s->list));
    if (s->now == NULL) TRY(open_shard(ctx, s));
    s->at.tokens += n;
    return rk_tokens_add(ctx, s->now, ids, n);
}

rk_status rk_shards_split(rk_ctx *ctx, rk_shards *s)
{
    rk_tokens_writer *now = s->now;
    if (now == NULL) return RK_OK;
    s->now = NULL;
    rk_status status = VEC_ROOM(&s->done, 1);
    if (status != RK_OK) rk_tokens_abandon(ctx, now);
    TRY(status);
    TRY(tokens_commit(ctx, now, &s->at.crc));
    s->done.at[s->done.n++] = s->at;
    return write_list(ctx, s);
}

rk_status rk_shards_document(rk_ctx *ctx, rk_shards *s)
{
    if (s->now == NULL) TRY(open_shard(ctx, s));                      /* a document without ids: passed over like any other */
    TRY(rk_tokens_document(ctx, s->now));
    s->at.documents++;
    return s->least > 0 && s->at.tokens >= s->least ? rk_shards_split(ctx, s) : RK_OK;
}

rk_status rk_shards_commit(rk_ctx *ctx, rk_shards *s)
{
    if (s->complete) return RK_OK;
    TRY(rk_shards_split(ctx, s));
    s->complete = true;
    return write_list(ctx, s);
}
