/* input.c: see input.h. */
#include "input.h"
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Lines of JSON read as plain text are seldom meant. */
static void note_jsonl(struct cli *c, const rk_corpus_rules *rules, const rk_corpus *corpus)
{
    static const char *const ends[] = { ".jsonl", ".jsonl.gz", ".jsonl.zst", ".ndjson" };
    bool plain = !rules->jsonl && rules->field == NULL;
    for (size_t i = 0; i < rk_corpus_files(corpus) && plain; i++)
        for (size_t k = 0; k < sizeof ends / sizeof *ends; k++) {
            if (!text_ends_in(rk_corpus_file(corpus, i), ends[k])) continue;
            cli_note(c, "%s is read as plain text, braces and quotes included: --field NAME reads one field of its lines", rk_corpus_file(corpus, i));
            return;
        }
}

static bool stopped(void *user) { return cli_cancelled(user); }

static int open_paths(struct cli *c, struct input *in, const char *const *paths, int n, const rk_corpus_rules *rules)
{
    rk_corpus_rules all = *rules;
    *in = (struct input){ .c = c };
    all.stop = stopped;
    all.user = c;
    return cli_try(c, rk_corpus_open(c->ctx, paths, (size_t)n, &all, &in->corpus));
}

int input_check(struct cli *c, const char *const *paths, int n)
{
    struct input in;
    int code = open_paths(c, &in, paths, n, &(rk_corpus_rules){ 0 });
    input_free(&in);
    return code;
}

int input_open(struct cli *c, struct input *in, const rk_corpus_rules *rules, const char *what)
{
    int code = open_paths(c, in, (const char *const *)c->args, c->n_args, rules);
    if (code != CLI_OK) return code;
    note_jsonl(c, rules, in->corpus);
    in->shows = what != NULL;
    if (in->shows) progress_begin(&in->line, c, what, "bytes", rk_corpus_told(in->corpus).size);
    return CLI_OK;
}

static int take(struct input *in, const rk_corpus_cut *cut)
{
    CLI_TRY(in->c, rk_corpus_next(in->c->ctx, in->corpus, cut, &in->block));
    in->text = in->block.texts;
    in->n = in->block.n;
    in->bytes += in->block.bytes;
    return CLI_OK;
}

int input_next(struct input *in, const rk_corpus_cut *cut)
{
    struct cli *c = in->c;
    if (in->bytes > 0 && cli_cancelled(c)) return cli_stopped(c);
    int code = take(in, cut);
    return code == CLI_OK && in->bytes == 0 ? cli_fail(c, CLI_DATA, "of a folder all files are read but hidden ones and those that are no text", "there is no text in the input") : code;
}

void input_step(struct input *in, const char *fields, ...)
{
    char more[128];
    va_list list;
    va_start(list, fields);
    (void)vsnprintf(more, sizeof more, fields, list);
    va_end(list);
    if (in->shows) progress_step(&in->line, rk_corpus_told(in->corpus).read, "%s", more);
}

void input_note(const struct input *in)
{
    rk_corpus_state s = rk_corpus_told(in->corpus);
    char skipped[80] = "";
    if (s.skipped > 0) (void)snprintf(skipped, sizeof skipped, "; %s left out that %s no text", say_count(s.skipped).at, s.skipped == 1 ? "is" : "are");
    cli_note(in->c, "%s of text in %s document%s from %s file%s%s", say_bytes(s.bytes).at, say_count(s.documents).at, s.documents == 1 ? "" : "s",
             say_count(s.files).at, s.files == 1 ? "" : "s", skipped);
}

int input_all(struct cli *c, struct input *in, const rk_corpus_rules *rules)
{
    rk_corpus_rules all = *rules;
    all.block = SIZE_MAX;
    int code = open_paths(c, in, (const char *const *)c->args, c->n_args, &all);
    if (code != CLI_OK) return code;
    note_jsonl(c, rules, in->corpus);
    code = input_next(in, NULL);
    if (code == CLI_OK) input_note(in);
    return code;
}

static size_t behind_line(const void *user, const char *text, size_t n)
{
    (void)user;
    while (n > 0 && text[n - 1] != '\n') n--;
    return n;
}

int text_ids(struct cli *c, const char *option, const char **text, uint32_t **ids, size_t *n)
{
    size_t length = strcspn(*text, ";");
    const char *at = *text, *past = at + length;
    *ids = cli_take((length + 1) * sizeof **ids);
    *n = 0;
    while ((at += strspn(at, ", ")) < past) {
        char *end;
        errno = 0;
        unsigned long long id = *at >= '0' && *at <= '9' ? strtoull(at, &end, 10) : UINT64_MAX;
        if (id > UINT32_MAX || errno != 0 || strchr(", ;", *end) == NULL) return cli_usage(c, "--%s: no id at \"%.20s\"", option, at);
        (*ids)[(*n)++] = (uint32_t)id;
        at = end;
    }
    *text = past + (*past == ';');
    return CLI_OK;
}

int text_lines(struct cli *c, rk_text all, uint64_t *number, input_line_fn *each, void *user)
{
    int code = CLI_OK;
    for (size_t at = 0, n; at < all.n && code == CLI_OK; at += n + 1) {
        const char *feed = memchr(all.at + at, '\n', all.n - at);
        n = feed != NULL ? (size_t)(feed - all.at) - at : all.n - at;
        code = cli_cancelled(c) ? cli_stopped(c) : each(user, ++*number, all.at + at, n);
    }
    return code;
}

int input_lines(struct input *in, input_line_fn *each, void *user)
{
    static const rk_corpus_cut cut = { behind_line, NULL };
    uint64_t number = 0;
    int code;
    while ((code = take(in, &cut)) == CLI_OK && in->n > 0)
        for (size_t i = 0; i < in->n; i++)
            if ((code = text_lines(in->c, in->text[i], &number, each, user)) != CLI_OK) return code;
    return code;
}

int input_plain(struct cli *c, struct input *in) { return open_paths(c, in, (const char *const *)c->args, c->n_args, &(rk_corpus_rules){ 0 }); }

int input_paths(struct cli *c, struct input *in, const char *const *paths, int n)
{
    int code = open_paths(c, in, paths, n, &(rk_corpus_rules){ .block = SIZE_MAX });
    return code == CLI_OK ? take(in, NULL) : code;
}

void input_free(struct input *in)
{
    if (in->shows) progress_end(&in->line);
    if (in->corpus != NULL) rk_corpus_close(in->c->ctx, in->corpus);
    memset(in, 0, sizeof *in);
}
