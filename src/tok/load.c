/* load.c: opening what a path names: which file of a folder, of which format, and what stands beside it.
 *
 * Not here: what is in each (load_vocab.c, load_json.c, load_bert.c, tiktoken.c). */
#include "tok/load.h"
#include "base/file.h"
#include <string.h>

enum { TOKEN_BYTES = 16 };                                            /* of a vocab.json, for each of its tokens: seldom are there more */

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
    status = file_map(ctx, str_c(&name), &view);
    if (status == RK_E_MISSING) status = ctx_hint(ctx, "%s has no \"model\", as a tokenizer.json has: taken for a vocab.json, it needs a merges.txt beside it", path);
    GO(status);
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
    bool pieces = !str_ends_in(path, ".tiktoken"), lower = how->lowercase;
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
    if (str_ends_in(str_c(&file), ".txt") || str_ends_in(str_c(&file), ".tiktoken")) GO(load_text_file(ctx, str_c(&file), how, tok));
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
