/* corpus.c: blocks of documents.
 *
 * Of a file that is mapped a text is a piece of the map, without a copy; of any other, a piece of the window through which it is read; only
 * what JSON spells is made anew. While a block is being put together windows may move, so texts are places until it is whole. A document
 * that is longer than a block is given out in parts, cut where the caller allows it. */
#include "tok/corpus.h"
#include <string.h>

enum { BLOCK = 32 << 20, LOOKED = 8000 };                             /* bytes that may hold the zero of what is no text, as git looks */
#define MOST ((size_t)2 << 30)

static struct source *now(rk_corpus *c) { return &c->held.at[c->held.n - 1]; }

static rk_status add_text(rk_ctx *ctx, rk_corpus *c, size_t begin, size_t n, int source, bool over)
{
    bool continued = c->goes_on && c->found.n == 0;                   /* an end without text still ends its document */
    c->goes_on = !over;
    if (n == 0 && !(continued && over)) return RK_OK;
    TRY(VEC_ROOM(&c->found, 1));
    c->found.at[c->found.n++] = (struct corpus_text){ begin, n, c->next - 1, source };
    c->bytes += n;
    c->state.documents += over;
    return RK_OK;
}

/* ---- plain text ---- */

/* Is the line of n bytes the separator? A carriage return before the line feed is no part of it. */
static bool separates(const unsigned char *line, size_t n, const char *separator)
{
    size_t length = strlen(separator);
    if (n > 0 && line[n - 1] == '\r' && n == length + 1) n--;
    return n == length && memcmp(line, separator, n) == 0;
}

/* No place to cut in text[0..n), which is more than may be; how long it goes on is looked for. */
static rk_status too_long(rk_ctx *ctx, const rk_corpus *c, const rk_corpus_cut *cut, const char *text, size_t n, size_t end)
{
    size_t whole = n;
    while (whole < end && cut->last(cut->user, text, whole) == 0) whole = whole > end / 2 ? end : whole * 2;
    (void)FAIL(RK_E_LIMIT, "%s: %zu bytes and more, from byte %llu on, have no place to cut; %zu are the limit", c->files.at[c->next - 1].path, n, (unsigned long long)(c->passed + c->at), c->uncut);
    return ctx_hint(ctx, "allow %zu times as much memory, or more", whole / c->uncut + 1);
}

/* The document is longer than what is left of the block: as much of what is known of it, up to `known`, as may be cut off. */
static rk_status cut_off(rk_ctx *ctx, rk_corpus *c, const rk_corpus_cut *cut, size_t known, bool *done)
{
    const char *text = (const char *)now(c)->at + c->at;
    size_t left = c->block - c->bytes, end = known - c->at;
    *done = false;
    for (size_t n = left; n <= end && !*done; n = n < end && n * 2 > end ? end : n * 2) {
        size_t part = cut == NULL || cut->last == NULL ? n : cut->last(cut->user, text, n);
        if (part == 0 && c->uncut > 0 && n >= c->uncut) return too_long(ctx, c, cut, text, n, end);
        if (part == 0) continue;
        TRY(add_text(ctx, c, c->at, part, c->held.n - 1, false));
        c->at += part;
        *done = true;
    }
    return RK_OK;
}

/* Looks at one more line: true when it ends the document. Otherwise `searched` is behind it, or *more says that it is not whole. */
static bool next_line(rk_corpus *c, bool *more)
{
    const struct source *s = now(c);
    const unsigned char *line = s->at + c->searched, *feed = c->searched < s->n ? memchr(line, '\n', s->n - c->searched) : NULL;
    size_t length = feed != NULL ? (size_t)(feed - line) : s->n - c->searched;
    *more = feed == NULL && !s->ended;
    if (*more || (length == 0 && feed == NULL)) return false;
    if (separates(line, length, c->separator)) return true;
    c->searched += length + (feed != NULL);
    return false;
}

static rk_status more(rk_ctx *ctx, rk_corpus *c) { return source_more(ctx, now(c), c->most); }

/* One document, or the part of one that fills the block. */
static rk_status plain(rk_ctx *ctx, rk_corpus *c, const rk_corpus_cut *cut, bool *full)
{
    for (size_t tried = 0;;) {
        const struct source *s = now(c);
        bool wants = c->separator == NULL && !s->ended;
        if (c->separator == NULL) c->searched = s->n;
        else if (c->searched < s->n && next_line(c, &wants)) break;
        bool over = c->searched == s->n && s->ended;
        size_t known = c->searched - c->at;
        if (known >= c->block - c->bytes && known >= tried * 2 && !(over && known <= c->block - c->bytes)) {
            TRY(cut_off(ctx, c, cut, c->searched, full));
            if (*full) return RK_OK;
            tried = known;
        }
        if (over) {
            TRY(add_text(ctx, c, c->at, s->n - c->at, c->held.n - 1, true));
            c->at = s->n;
            return RK_OK;
        }
        if (wants || c->searched == s->n) TRY(more(ctx, c));
    }
    const struct source *s = now(c);
    const unsigned char *feed = memchr(s->at + c->searched, '\n', s->n - c->searched);
    TRY(add_text(ctx, c, c->at, c->searched - c->at, c->held.n - 1, true));
    c->at = c->searched = feed != NULL ? (size_t)(feed - s->at) + 1 : s->n;
    return RK_OK;
}

/* ---- JSONL ---- */

static bool is_blank(const unsigned char *line, size_t n)
{
    size_t i = 0;
    while (i < n && (line[i] == ' ' || line[i] == '\t' || line[i] == '\r')) i++;
    return i == n;
}

static rk_status json_line(rk_ctx *ctx, rk_corpus *c)
{
    struct source *s = now(c);
    const unsigned char *feed;
    while ((feed = c->searched < s->n ? memchr(s->at + c->searched, '\n', s->n - c->searched) : NULL) == NULL && !s->ended) {
        c->searched = s->n;
        TRY(more(ctx, c));
    }
    size_t end = feed != NULL ? (size_t)(feed - s->at) : s->n, before = c->made.n;
    c->line++;
    if (!is_blank(s->at + c->at, end - c->at)) {
        TRY(rk_corpus_line(ctx, s->name, c->line, (const char *)s->at + c->at, end - c->at, c->field, &c->made));
        TRY(add_text(ctx, c, before, c->made.n - before, -1, true));
    }
    c->at = c->searched = feed != NULL ? end + 1 : s->n;
    return RK_OK;
}

/* ---- files ---- */

static rk_status is_text(rk_ctx *ctx, struct source *s, bool *yes)
{
    while (s->n < LOOKED && !s->ended) TRY(source_more(ctx, s, LOOKED * 2));
    *yes = s->n == 0 || memchr(s->at, 0, s->n < LOOKED ? s->n : LOOKED) == NULL;
    return RK_OK;
}

static rk_status open_next(rk_ctx *ctx, rk_corpus *c)
{
    const struct corpus_file *file = &c->files.at[c->next];
    bool yes = true;
    TRY(VEC_ROOM(&c->held, 1));
    TRY(source_open(ctx, file->path, c->stop, &c->held.at[c->held.n]));
    c->held.n++;
    c->next++;
    if (file->found) TRY(is_text(ctx, now(c), &yes));
    c->live = yes;
    c->at = c->searched = 0;
    c->line = c->passed = 0;
    c->state.files += yes;
    c->state.skipped += !yes;
    return RK_OK;
}

/* What this block was: texts are gone, files used up are closed, the window of the last one begins where the next document does. */
static void let_go(rk_ctx *ctx, rk_corpus *c)
{
    for (int i = 0; i < c->held.n - c->live; i++) {
        c->state.read += c->held.at[i].size > 0 ? c->held.at[i].size : c->held.at[i].read;
        source_close(ctx, &c->held.at[i]);
    }
    if (c->live) {
        c->held.at[0] = *now(c);
        source_take(&c->held.at[0], c->at);
        c->passed += c->at;
        c->searched -= c->at;
        c->at = 0;
    }
    c->held.n = c->live;
    c->found.n = 0;
    c->made.n = c->bytes = 0;
}

static rk_status fill(rk_ctx *ctx, rk_corpus *c, const rk_corpus_cut *cut)
{
    bool full = false;
    while (c->bytes < c->block && !full) {
        if (!c->live && ((int)c->next == c->files.n || (c->held.n == CORPUS_HELD && c->block != SIZE_MAX))) return RK_OK;
        if (!c->live) TRY(open_next(ctx, c));
        while (c->live && c->bytes < c->block && !full) {
            TRY(c->jsonl ? json_line(ctx, c) : plain(ctx, c, cut, &full));
            const struct source *s = now(c);
            c->live = full || c->at < s->n || !s->ended;
        }
    }
    return RK_OK;
}

static rk_status give_out(rk_ctx *ctx, rk_corpus *c, rk_block *block)
{
    size_t n = (size_t)c->found.n;
    if (n > c->room) {
        size_t room = c->room * 2 > n ? c->room * 2 : n;
        TRY(GROW(c->texts, c->room, room));
        rk_status status = GROW(c->numbers, c->room, room);
        if (status != RK_OK) {
            FREE(c->texts, room);
            c->room = 0;
            return status;
        }
        c->room = room;
    }
    for (size_t i = 0; i < n; i++) {
        const struct corpus_text *t = &c->found.at[i];
        const char *base = t->source < 0 ? c->made.at : (const char *)c->held.at[t->source].at;
        c->texts[i] = (rk_text){ base + t->begin, t->n };
        c->numbers[i] = t->file;
    }
    *block = (rk_block){ c->texts, c->numbers, n, c->bytes, false, c->goes_on };
    c->state.bytes += c->bytes;
    return RK_OK;
}

/* ---- the interface ---- */

rk_status rk_corpus_next(rk_ctx *ctx, rk_corpus *c, const rk_corpus_cut *cut, rk_block *block)
{
    bool continues = c->goes_on;
    *block = (rk_block){ 0 };
    do {                                                              /* as many files as a block holds may be no text */
        let_go(ctx, c);
        TRY(fill(ctx, c, cut));
    } while (c->found.n == 0 && (c->live || (int)c->next < c->files.n));
    TRY(give_out(ctx, c, block));
    block->continues = continues;
    return RK_OK;
}

static rk_status keep(rk_ctx *ctx, const char *text, char **out)
{
    if (text == NULL) return RK_OK;
    TRY(NEW(*out, strlen(text) + 1));
    memcpy(*out, text, strlen(text));
    return RK_OK;
}

static rk_status begin(rk_ctx *ctx, const char *const *paths, size_t n, const rk_corpus_rules *rules, rk_corpus *c)
{
    c->jsonl = rules->jsonl || rules->field != NULL;
    c->block = rules->block > 0 ? rules->block : BLOCK;
    c->uncut = rules->uncut;
    c->most = rules->most > 0 ? rules->most : MOST;
    c->stop = (struct source_stop){ rules->stop, rules->user };
    if (c->jsonl && rules->separator != NULL) return FAIL(RK_E_ARG, "lines of JSON are documents: a separator is for plain text");
    TRY(keep(ctx, rules->field, &c->field));
    TRY(keep(ctx, rules->separator, &c->separator));
    for (size_t i = 0; i < n; i++) TRY(corpus_add(ctx, c, paths[i]));
    bool known = true;
    for (int i = 0; i < c->files.n; i++) {
        known = known && c->files.at[i].known;
        c->state.size += c->files.at[i].size;
    }
    if (!known) c->state.size = 0;
    return RK_OK;
}

rk_status rk_corpus_open(rk_ctx *ctx, const char *const *paths, size_t n, const rk_corpus_rules *rules, rk_corpus **corpus)
{
    rk_corpus *c;
    *corpus = NULL;
    TRY(NEW(c, 1));
    rk_status status = begin(ctx, paths, n, rules != NULL ? rules : &(rk_corpus_rules){ 0 }, c);
    if (status == RK_OK) *corpus = c;
    else rk_corpus_close(ctx, c);
    return status;
}

void rk_corpus_close(rk_ctx *ctx, rk_corpus *c)
{
    if (c == NULL) return;
    for (int i = 0; i < c->held.n; i++) source_close(ctx, &c->held.at[i]);
    VEC_FREE(&c->held);
    corpus_files_clear(ctx, c);
    if (c->field != NULL) FREE(c->field, strlen(c->field) + 1);
    if (c->separator != NULL) FREE(c->separator, strlen(c->separator) + 1);
    VEC_FREE(&c->found);
    rk_bytes_free(ctx, &c->made);
    FREE(c->texts, c->room);
    FREE(c->numbers, c->room);
    FREE(c, 1);
}

rk_corpus_state rk_corpus_told(const rk_corpus *c)
{
    rk_corpus_state state = c->state;
    for (int i = 0; i < c->held.n; i++) {
        const struct source *s = &c->held.at[i];
        bool whole = i < c->held.n - c->live;
        state.read += whole && s->size > 0 ? s->size : s->text == NULL && !whole ? s->read + c->at : s->read;
    }
    return state;
}

size_t rk_corpus_files(const rk_corpus *c) { return (size_t)c->files.n; }
const char *rk_corpus_file(const rk_corpus *c, size_t i) { return c->files.at[i].path; }
