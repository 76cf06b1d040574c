/* load.c: opening what a path names, vocab.json with merges.txt, and what all formats share: tokens spelled in GPT-2's characters. */
#include "tok/load.h"
#include "base/file.h"
#include "tok/bytelevel.h"
#include <string.h>

enum { TOKEN_BYTES = 16, MERGE_BYTES = 8 };                           /* of a vocab.json and a merges.txt, for each of theirs: seldom are there more */

/* ---- vocabulary and merges ---- */

/* A token may be spelled raw when it is an added one; else every character must spell a byte. */
rk_status load_token(rk_ctx *ctx, const struct json *v, int64_t id, bool added, struct str *scratch, rk_tok *tok)
{
    char path[JSON_SHOWN];
    size_t n = 0;
    scratch->n = 0;
    TRY(VEC_ROOM(scratch, (int)v->key.length + 1));
    bool is_spelled = bytelevel_read(v->key.at, v->key.length, scratch->at, &n);
    bool is_raw = is_spelled && n == v->key.length && memcmp(scratch->at, v->key.at, n) == 0;
    if (!is_raw && added)
        return vocab_put(ctx, &tok->vocab, (uint32_t)id, v->key.at, v->key.length, false);
    if (!is_spelled) return FAIL(RK_E_FORMAT, "%s: this token has a character that spells no byte", json_path(v, path));
    return vocab_put_spelled(ctx, &tok->vocab, (uint32_t)id, v->key, scratch->at, n);
}

static rk_status load_member(rk_ctx *ctx, const struct json *v, struct str *scratch, rk_tok *tok)
{
    int64_t id;
    TRY(json_as_int(ctx, v, 0, VOCAB_MOST - 1, &id));
    return load_token(ctx, v, id, false, scratch, tok);
}

static rk_status load_vocab(rk_ctx *ctx, const struct json *vocab, rk_tok *tok)
{
    rk_status status = RK_OK;
    struct str scratch = { 0 };
    GO(json_as_object(ctx, vocab));
    for (uint32_t i = 0; i < vocab->n; i++) GO(load_member(ctx, &vocab->at[i], &scratch, tok));
out:
    str_free(ctx, &scratch);
    return status;
}

/* What two names make together: mostly the id behind that of the last merge. */
static rk_status find_made(rk_ctx *ctx, const rk_tok *tok, rk_text left, rk_text right, struct str *scratch, uint32_t *id, bool *found)
{
    const struct bpe *b = &tok->bpe;
    *id = b->n_merges > 0 ? b->merges[b->n_merges - 1].id + 1 : 0;
    *found = vocab_expects(&tok->vocab, *id, left, right);
    if (*found) return RK_OK;
    scratch->n = 0;
    TRY(str_add(ctx, scratch, left.at, left.n));
    TRY(str_add(ctx, scratch, right.at, right.n));
    *found = vocab_named(&tok->vocab, scratch->at, (size_t)scratch->n, id);
    return RK_OK;
}

rk_status load_merge(rk_ctx *ctx, const char *where, uint32_t rank, rk_text left, rk_text right, struct str *scratch, rk_tok *tok)
{
    char shown[NAME_SHOWN];
    const rk_text *sides[] = { &left, &right };
    struct merge m;
    bool made;
    if (left.n + right.n > TOKEN_MOST) return FAIL(RK_E_LIMIT, "%s: merge %u makes a token of %zu characters", where, rank, left.n + right.n);
    for (int i = 0; i < 2; i++)
        if (!vocab_named(&tok->vocab, sides[i]->at, sides[i]->n, i == 0 ? &m.left : &m.right))
            return FAIL(RK_E_FORMAT, "%s: merge %u names %s, which is no token of the vocabulary", where, rank, name_show(shown, sides[i]->at, sides[i]->n));
    if (left.n == 0 || right.n == 0) return FAIL(RK_E_FORMAT, "%s: merge %u has an empty side", where, rank);
    TRY(find_made(ctx, tok, left, right, scratch, &m.id, &made));
    if (!made) return FAIL(RK_E_FORMAT, "%s: merge %u makes %s with what follows it, which is no token of the vocabulary", where, rank, name_show(shown, left.at, left.n));
    return bpe_add_merge(ctx, &tok->bpe, m);
}

rk_status load_merge_line(rk_ctx *ctx, const char *where, uint32_t rank, rk_text line, struct str *scratch, rk_tok *tok)
{
    char shown[NAME_SHOWN];
    size_t at = 0, end;
    while (at < line.n && line.at[at] != ' ') at++;
    for (end = at + 1; end < line.n && line.at[end] != ' ';) end++;
    if (at == line.n || end < line.n) return FAIL(RK_E_FORMAT, "%s: merge %u is %s, expected two tokens with one space between them", where, rank, name_show(shown, line.at, line.n));
    rk_text left = { line.at, at }, right = { line.at + at + 1, line.n - at - 1 };
    return load_merge(ctx, where, rank, left, right, scratch, tok);
}

/* ---- vocab.json and merges.txt ---- */

static rk_status load_merge_lines(rk_ctx *ctx, const char *name, rk_text text, struct str *scratch, rk_tok *tok)
{
    uint32_t rank = 0;
    for (size_t at = 0, end; at < text.n; at = end + 1) {
        const char *feed = memchr(text.at + at, '\n', text.n - at);
        end = feed == NULL ? text.n : (size_t)(feed - text.at);
        rk_text line = { text.at + at, end - at };
        if (line.n > 0 && line.at[line.n - 1] == '\r') line.n--;
        bool is_version = at == 0 && line.n >= 8 && memcmp(line.at, "#version", 8) == 0;
        if (line.n == 0 || is_version) continue;
        TRY(load_merge_line(ctx, name, rank++, line, scratch, tok));
    }
    return RK_OK;
}

/* What neither is a byte nor can be made by a merge was put there by hand. */
static rk_status add_unmade(rk_ctx *ctx, rk_tok *tok)
{
    rk_status status = RK_OK;
    uint32_t size = tok->vocab.size;
    char *made;
    TRY(NEW(made, size));
    for (uint32_t i = 0; i < tok->bpe.n_merges; i++) made[tok->bpe.merges[i].id] = 1;
    for (uint32_t id = 0; id < size; id++) {
        rk_text t = tok->vocab.tokens[id];
        if (t.at == NULL || t.n < 2 || made[id]) continue;
        GO(tok_add_special(ctx, tok, (rk_special){ .text = t, .id = id, .special = true }));
    }
out:
    FREE(made, size);
    return status;
}

/* When all tokens are there. */
static rk_status load_merges(rk_ctx *ctx, const char *merges_name, rk_text merges, rk_tok *tok)
{
    struct str scratch = { 0 };
    TRY(vocab_seal(ctx, &tok->vocab));
    TRY(bpe_expect(ctx, &tok->bpe, (uint32_t)(merges.n / MERGE_BYTES < VOCAB_MOST ? merges.n / MERGE_BYTES : VOCAB_MOST)));
    rk_status status = load_merge_lines(ctx, merges_name, merges, &scratch, tok);
    str_free(ctx, &scratch);
    if (status != RK_OK) return ctx_pass(ctx, status, __FILE__, __LINE__, __func__);
    TRY(add_unmade(ctx, tok));
    return tok_seal(ctx, tok);
}

rk_status load_vocab_merges(rk_ctx *ctx, const struct json *root, const char *merges_name, rk_text merges, rk_tok *tok)
{
    TRY(load_vocab(ctx, root, tok));
    return load_merges(ctx, merges_name, merges, tok);
}

/* ---- what a path names ---- */

static rk_status find_file(rk_ctx *ctx, const char *path, struct str *found)
{
    bool there = true;
    if (!file_is_folder(path)) return str_text(ctx, found, path);
    TRY(file_join(ctx, found, path, "tokenizer.json"));
    TRY(file_exists(ctx, str_c(found), &there));
    if (there) return RK_OK;
    for (int i = 0; i < 2; i++) {
        TRY(file_join(ctx, found, path, i == 0 ? "vocab.json" : "vocab.txt"));
        TRY(file_exists(ctx, str_c(found), &there));
        if (there) return RK_OK;
    }
    (void)FAIL(RK_E_MISSING, "no tokenizer in %s", path);
    return ctx_hint(ctx, "a folder holds a tokenizer.json, or a vocab.json and a merges.txt, or a vocab.txt");
}

static bool is_called(const char *path, const char *name)
{
    const char *slash = strrchr(path, '/');
    return strcmp(slash != NULL ? slash + 1 : path, name) == 0;
}

static rk_status beside(rk_ctx *ctx, const char *path, const char *name, struct str *out)
{
    const char *slash = strrchr(path, '/');
    if (slash != NULL) TRY(str_add(ctx, out, path, (size_t)(slash - path) + 1));
    return str_text(ctx, out, name);
}

/* root: a vocab.json's; NULL: its tokens are there. */
static rk_status load_pair(rk_ctx *ctx, const char *path, const struct json *root, rk_tok *tok)
{
    rk_status status;
    struct str name = { 0 };
    struct file_view view = { 0 };
    GO(beside(ctx, path, "merges.txt", &name));
    GO(file_map(ctx, str_c(&name), &view));
    rk_text merges = { (const char *)view.at, view.n };
    if (root != NULL) GO(load_vocab_merges(ctx, root, str_c(&name), merges, tok));
    else GO(load_merges(ctx, str_c(&name), merges, tok));
out:
    file_unmap(&view);
    str_free(ctx, &name);
    return status;
}

static rk_status map_json(rk_ctx *ctx, const char *path, struct file_view *view)
{
    TRY(file_map(ctx, path, view));
    return view->n == 0 ? FAIL(RK_E_FORMAT, "%s: the file is empty, expected JSON", path) : RK_OK;
}

static rk_status load_json_file(rk_ctx *ctx, const char *path, rk_tok *tok)
{
    rk_status status;
    struct file_view view = { 0 };
    struct listed l = { 0 };
    GO(map_json(ctx, path, &view));
    GO(listed_read(ctx, path, (const char *)view.at, view.n, &l));
    GO(json_as_object(ctx, l.doc.root));
    const struct json *model = json_find(l.doc.root, "model");
    if (is_called(path, "tokenizer.json") || (model != NULL && model->kind == JSON_OBJECT)) GO(load_listed(ctx, &l, tok));
    else GO(load_pair(ctx, path, l.doc.root, tok));
out:
    listed_clear(ctx, &l);
    file_unmap(&view);
    return status;
}

struct members { rk_ctx *ctx; struct str scratch; rk_tok *tok; bool others; };

/* Of a vocab.json: a token. others: it has something else. */
static rk_status take_member(void *user, const struct json *member)
{
    struct members *m = user;
    m->others = m->others || member->kind != JSON_INT;
    return m->others ? RK_OK : load_member(m->ctx, member, &m->scratch, m->tok);
}

/* A vocab.json, token by token: making a tree of it, with an index of its keys, would take longer than all else. *others: nothing but tokens was expected, and what
 * there is has to be read as whatever it is. */
static rk_status load_vocab_file(rk_ctx *ctx, const char *path, rk_tok *tok, bool *others)
{
    rk_status status;
    struct file_view view = { 0 };
    struct members m = { .ctx = ctx, .tok = tok };
    GO(map_json(ctx, path, &view));
    GO(vocab_expect(ctx, &tok->vocab, (uint32_t)(view.n / TOKEN_BYTES < VOCAB_MOST ? view.n / TOKEN_BYTES : VOCAB_MOST), view.n));
    GO(json_each(ctx, path, (const char *)view.at, view.n, 0, take_member, &m));
    if (!m.others) GO(load_pair(ctx, path, NULL, tok));
out:
    *others = m.others;
    str_free(ctx, &m.scratch);
    file_unmap(&view);
    return status;
}

static bool ends_in(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* What a vocab.txt leaves open, the tokenizer_config.json beside it may say: "do_lower_case". */
static rk_status read_lower(rk_ctx *ctx, const char *path, bool *lower)
{
    struct str name = { 0 };
    struct json_doc doc = { 0 };
    bool there = false;
    rk_status status;
    GO(beside(ctx, path, "tokenizer_config.json", &name));
    GO(file_exists(ctx, str_c(&name), &there));
    if (there) GO(json_load(ctx, &doc, str_c(&name), 0));
    if (there && json_find(doc.root, "do_lower_case") != NULL) GO(json_get_bool(ctx, doc.root, "do_lower_case", lower));
out:
    json_clear(ctx, &doc);
    str_free(ctx, &name);
    return status;
}

static rk_status load_text_file(rk_ctx *ctx, const char *path, const rk_tok_opening *how, rk_tok *tok)
{
    struct file_view view;
    bool pieces = !ends_in(path, ".tiktoken"), lower = how->lowercase;
    if (pieces && !lower) TRY(read_lower(ctx, path, &lower));
    TRY(file_map(ctx, path, &view));
    rk_text text = { (const char *)view.at, view.n };
    rk_status status = pieces ? load_vocab_txt(ctx, path, text, lower, tok) : load_tiktoken(ctx, path, text, how->pattern, tok);
    file_unmap(&view);
    return status;
}

rk_status rk_tok_open_as(rk_ctx *ctx, const char *path, const rk_tok_opening *how, rk_tok **out)
{
    rk_status status;
    struct str file = { 0 };
    rk_tok *tok = NULL;
    bool others = false;
    *out = NULL;
    GO(find_file(ctx, path, &file));
    GO(tok_new(ctx, &tok));
    tok->vocab.source = str_c(&file);
    if (ends_in(str_c(&file), ".txt") || ends_in(str_c(&file), ".tiktoken")) GO(load_text_file(ctx, str_c(&file), how, tok));
    else if (!is_called(str_c(&file), "vocab.json")) GO(load_json_file(ctx, str_c(&file), tok));
    else GO(load_vocab_file(ctx, str_c(&file), tok, &others));
    if (others) {                                                     /* anew, without the tokens that were taken */
        rk_tok_close(ctx, tok);
        tok = NULL;
        GO(tok_new(ctx, &tok));
        tok->vocab.source = str_c(&file);
        GO(load_json_file(ctx, str_c(&file), tok));
    }
    if (how->lowercase && !(tok->bert.used && tok->bert.lower)) GO(FAIL(RK_E_ARG, "%s: lower case is a choice for a vocab.txt; this tokenizer says itself what it does", str_c(&file)));
    if (how->pattern != NULL && !tok->bpe.by_id) GO(FAIL(RK_E_ARG, "%s: the pattern is a choice for a .tiktoken; this tokenizer says itself what it is", str_c(&file)));
    tok->vocab.source = NULL;
    *out = tok;
    tok = NULL;
out:
    rk_tok_close(ctx, tok);
    str_free(ctx, &file);
    return status;
}

rk_status rk_tok_open(rk_ctx *ctx, const char *path, rk_tok **tok)
{
    return rk_tok_open_as(ctx, path, &(rk_tok_opening){ 0 }, tok);
}
