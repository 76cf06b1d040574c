/* tok_sink.c: see tok_sink.h. */
#include "tok_sink.h"

int sink_open(struct sink *s, const char *output, const rk_shards_rules *rules, bool shards)
{
    struct cli *c = s->c;
    json_begin(&s->j, c->out);
    if (output == NULL && c->json) json_array(&s->j, NULL);
    if (output == NULL) return CLI_OK;
    if (!shards) return cli_try(c, rk_tokens_create_as(c->ctx, output, rules->format, rules->bytes_each, &s->file));
    CLI_TRY(c, rk_shards_open(c->ctx, output, rules, &s->shards));
    rk_shards_state told = rk_shards_told(s->shards);
    s->pass_over = told.documents;
    s->tokens = s->begun = told.tokens;
    if (told.shards > 0) cli_note(c, "%s shard%s of %s tokens %s there already", say_count(told.shards).at, told.shards == 1 ? "" : "s", say_count(told.tokens).at, told.shards == 1 ? "is" : "are");
    return CLI_OK;
}

static void show(struct sink *s, uint32_t id, bool first)
{
    if (s->c->json) json_uint(&s->j, NULL, id);
    else (void)fprintf(s->c->out, "%s%u", first ? "" : " ", id);
}

int sink_add(struct sink *s, const uint32_t *ids, size_t n)
{
    struct cli *c = s->c;
    if (n == 0) return CLI_OK;
    if (s->file != NULL) CLI_TRY(c, rk_tokens_add(c->ctx, s->file, ids, n));
    else if (s->shards != NULL) CLI_TRY(c, rk_shards_add(c->ctx, s->shards, ids, n));
    else for (size_t i = 0; i < n; i++) show(s, ids[i], s->tokens + i == 0);
    s->tokens += n;
    s->last = ids[n - 1];
    return CLI_OK;
}

int sink_document(struct sink *s, uint64_t read)
{
    struct cli *c = s->c;
    int code = s->ends && (s->tokens == s->begun || s->last != s->end) ? sink_add(s, &s->end, 1) : CLI_OK;
    s->begun = s->tokens;
    if (code != CLI_OK) return code;
    if (s->file != NULL) return cli_try(c, rk_tokens_document(c->ctx, s->file));
    if (s->shards == NULL) return CLI_OK;
    CLI_TRY(c, rk_shards_document(c->ctx, s->shards));
    uint64_t done = rk_shards_told(s->shards).shards + 1;
    bool over = s->of_shards > 0 && done < s->of_shards && (double)read >= (double)s->size * (double)done / (double)s->of_shards;
    return over ? cli_try(c, rk_shards_split(c->ctx, s->shards)) : CLI_OK;
}

/* A file appears under its name only when it is whole and on the disk. */
int sink_close(struct sink *s, int code)
{
    struct cli *c = s->c;
    bool screen = s->file == NULL && s->shards == NULL;
    if (screen && c->json) json_end(&s->j);
    else if (screen) (void)fputc('\n', c->out);
    if (code == CLI_OK && s->file != NULL) code = cli_try(c, rk_tokens_commit(c->ctx, s->file));
    else rk_tokens_abandon(c->ctx, s->file);
    if (code == CLI_OK && s->shards != NULL) code = cli_try(c, rk_shards_commit(c->ctx, s->shards));
    if (code == CLI_OK && s->shards != NULL) s->of_shards = rk_shards_told(s->shards).shards;
    rk_shards_close(c->ctx, s->shards);
    return code;
}
