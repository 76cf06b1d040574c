/* train_pairs.c: what an encoder and decoder learns from: pairs of texts, or of sequences of tokens.
 *
 *   PAIRS.tsv         SOURCE, a tab, TARGET on every line; what stands behind a second tab is left alone
 *   PAIRS.jsonl       an object on every line, with the texts --source-field and --target-field
 *   SOURCES TARGETS   two files of texts, line for line; or two of tokens, document for document
 *
 * Pairs of which a side is empty, and empty lines, are left out and counted. */
#include "input.h"
#include "reckon/corpus.h"
#include "train.h"
#include <stdlib.h>
#include <string.h>

/* Texts one behind the other; the i-th ends at ends[i]. */
struct side { char *at; size_t n, room, *ends, count, room_ends; };
struct pairs { struct training *t; const char *path; uint64_t line; struct side source, target; rk_bytes text[2]; size_t empty; };

static void add_side(struct side *s, rk_text text)
{
    s->at = cli_grow(s->at, &s->room, s->n + text.n, 1);
    memcpy(s->at + s->n, text.at, text.n);
    s->n += text.n;
    s->ends = cli_grow(s->ends, &s->room_ends, s->count + 1, sizeof *s->ends);
    s->ends[s->count++] = s->n;
}

static void add(struct pairs *p, rk_text source, rk_text target)
{
    if (source.n == 0 || target.n == 0) p->empty++;
    else {
        add_side(&p->source, source);
        add_side(&p->target, target);
    }
}

/* The next line of *rest, without its end; false after the last one. */
static bool next_line(rk_text *rest, rk_text *line)
{
    if (rest->n == 0) return false;
    const char *feed = memchr(rest->at, '\n', rest->n);
    size_t n = feed != NULL ? (size_t)(feed - rest->at) : rest->n, taken = n + (feed != NULL);
    *line = (rk_text){ rest->at, n > 0 && rest->at[n - 1] == '\r' ? n - 1 : n };
    *rest = (rk_text){ rest->at + taken, rest->n - taken };
    return true;
}

/* --- one file --- */

static int tab_line(struct pairs *p, rk_text line)
{
    const char *tab = memchr(line.at, '\t', line.n);
    if (tab == NULL)
        return cli_fail(p->t->c, CLI_DATA, "a line is SOURCE, a tab, TARGET; two files of lines may be given instead, or NAME.jsonl", "%s, line %llu: there is no tab, and so no target",
                        p->path, (unsigned long long)p->line);
    rk_text target = { tab + 1, line.n - (size_t)(tab + 1 - line.at) };
    const char *more = memchr(target.at, '\t', target.n);
    if (more != NULL) target.n = (size_t)(more - target.at);
    add(p, (rk_text){ line.at, (size_t)(tab - line.at) }, target);
    return CLI_OK;
}

static int json_line(struct pairs *p, rk_text line)
{
    static const char *const options[2] = { "source-field", "target-field" };
    struct cli *c = p->t->c;
    for (int i = 0; i < 2; i++) {
        p->text[i].n = 0;
        CLI_TRY(c, rk_corpus_line(c->ctx, p->path, p->line, line.at, line.n, cli_text(c, options[i]), &p->text[i]));
    }
    add(p, (rk_text){ p->text[0].at, p->text[0].n }, (rk_text){ p->text[1].at, p->text[1].n });
    return CLI_OK;
}

static int one_file(struct pairs *p, rk_text rest)
{
    const char *dot = strrchr(p->path, '.');
    bool json = dot != NULL && strcmp(dot, ".jsonl") == 0;
    rk_text line;
    int code = CLI_OK;
    while (code == CLI_OK && next_line(&rest, &line)) {
        p->line++;
        if (line.n == 0) p->empty++;
        else code = json ? json_line(p, line) : tab_line(p, line);
    }
    return code;
}

/* --- two files --- */

static int two_files(struct pairs *p, rk_text source, rk_text target)
{
    struct cli *c = p->t->c;
    rk_text a, b;
    for (;;) {
        bool more = next_line(&source, &a), too = next_line(&target, &b);
        if (more != too)
            return cli_fail(c, CLI_DATA, "line i of the one belongs to line i of the other", "%s has %s lines than %s: line %llu is missing", c->args[0], more ? "more" : "fewer", c->args[1],
                            (unsigned long long)p->line + 1);
        if (!more) return CLI_OK;
        p->line++;
        add(p, a, b);
    }
}

/* --- both --- */

static int encode_side(struct training *t, const struct side *s, struct train_row *row)
{
    rk_text *texts = cli_take((s->count + 1) * sizeof *texts);
    for (size_t i = 0, at = 0; i < s->count; at = s->ends[i++]) texts[i] = (rk_text){ s->at + at, s->ends[i] - at };
    int code = train_encode(t, texts, s->count, row);
    free(texts);
    return code;
}

static int encode(struct pairs *p)
{
    struct cli *c = p->t->c;
    if (p->source.count == 0) return cli_fail(c, CLI_DATA, NULL, "%s: there are no pairs in it", p->path);
    char empty[96] = "";
    if (p->empty > 0) (void)snprintf(empty, sizeof empty, "; %s left out that %s empty or lack%s a side", say_count(p->empty).at, p->empty == 1 ? "is" : "are", p->empty == 1 ? "s" : "");
    cli_note(c, "%s pairs%s", say_count(p->source.count).at, empty);
    int code = encode_side(p->t, &p->source, &p->t->source);
    return code == CLI_OK ? encode_side(p->t, &p->target, &p->t->text) : code;
}

static int texts(struct pairs *p)
{
    struct cli *c = p->t->c;
    struct input in[2] = { { 0 }, { 0 } };
    int code = CLI_OK;
    if (p->t->end < 0) code = cli_usage(c, "pairs need a token that ends a text, and the tokenizer has none of the usual ones: give --end");
    for (int i = 0; i < c->n_args && code == CLI_OK; i++) {
        code = input_add(c, &in[i], c->args[i], NULL);
        if (code == CLI_OK && in[i].n != 1) code = cli_fail(c, CLI_DATA, NULL, "%s: %s", c->args[i], in[i].n == 0 ? "there are no pairs in it" : "pairs come from files, not from folders");
    }
    if (code == CLI_OK) code = c->n_args == 1 ? one_file(p, in[0].text[0]) : two_files(p, in[0].text[0], in[1].text[0]);
    if (code == CLI_OK) code = encode(p);
    for (int i = 0; i < 2; i++) input_free(&in[i]);
    return code;
}

int train_pairs(struct training *t)
{
    struct cli *c = t->c;
    struct pairs p = { .t = t, .path = c->args[0] };
    if (c->n_args > 2) return cli_usage(c, "pairs are in one file, or in two: sources and targets");
    bool tokens = train_is_tokens(c->args[0]);
    if (tokens && c->n_args == 1) return cli_usage(c, "%s has an encoder, and learns from pairs: a file of tokens for the sources, and one for the targets", rk_model_title(t->model));
    if (c->n_args == 2 && train_is_tokens(c->args[1]) != tokens) return cli_usage(c, "two files of tokens, or two of texts: not one of each");
    if (tokens) {
        int code = train_token_file(t, c->args[0], &t->source);
        return code == CLI_OK ? train_token_file(t, c->args[1], &t->text) : code;
    }
    int code = texts(&p);
    struct side *sides[] = { &p.source, &p.target };
    for (int i = 0; i < 2; i++) {
        free(sides[i]->at);
        free(sides[i]->ends);
        rk_bytes_free(c->ctx, &p.text[i]);
    }
    return code;
}
