/* reckon tok view: how a text is cut into tokens or words, in colour, as HTML, or plain; and a text byte by byte. */
#include "input.h"
#include "out.h"
#include "reckon/encoding.h"
#include "tok_bytes.h"
#include <stdlib.h>
#include <string.h>

enum { COLOURS = 6, MOST = 1 << 20 };   /* bytes of a text that are shown */

static const struct option options[] = {
    { "tokenizer", 'k', OPT_FILE, NULL, NULL, "show its tokens" },
    { "pattern",   'p', OPT_TEXT, "gpt2|cl100k|o200k|REGEX", NULL, "show the words that this pattern cuts instead" },
    { "text",      't', OPT_TEXT, NULL, NULL, "this text instead of INPUT" },
    { "bytes",     0,   OPT_TEXT, "TEXT|HEX", NULL, "code points and bytes of this text; HEX: 0xE4B8AD, or \"C3 C3\"" },
    { "html",      0,   OPT_FLAG, NULL, NULL, "as a page of HTML" },
    { "ids",       0,   OPT_FLAG, NULL, NULL, "with the id behind each token" },
    { "lowercase", 0,   OPT_FLAG, NULL, NULL, "a vocab.txt: lower-case the text, and drop accents" },
    { 0 }
};

struct view { struct cli *c; bool html, ids; size_t n; struct json *json; };

/* A character that a screen would not show but obey: C0, DEL, and C1 as UTF-8 has it. */
static bool is_control(const unsigned char *at, size_t n) { return n == 1 ? at[0] < 0x20 || at[0] == 0x7f : n == 2 && at[0] == 0xc2 && at[1] < 0xa0; }

/* Bytes that make no character stand as <E4>, and so do control characters; a line feed shows and is made. */
static void put_text(const struct view *v, rk_text t)
{
    FILE *to = v->c->out;
    rk_bytes whole = { 0 };
    for (size_t i = 0, step; i < t.n; i += step) {
        unsigned char b = (unsigned char)t.at[i];
        step = b < 0x80 ? 1 : b < 0xe0 ? 2 : b < 0xf0 ? 3 : 4;
        if (step > t.n - i) step = 1;
        whole.n = 0;
        bool known = b < 0x80 || rk_bytes_replace(v->c->ctx, t.at + i, step, &whole) == RK_OK;
        bool valid = known && (b < 0x80 || (whole.n == step && memcmp(whole.at, t.at + i, step) == 0));
        bool shown = valid && (b == '\n' || !is_control((const unsigned char *)t.at + i, step));
        if (!shown) step = 1;
        if (!shown) (void)fprintf(to, v->html ? "&lt;%02X&gt;" : "<%02X>", b);
        else if (b == '\n') (void)fputs(v->html ? "&crarr;<br>" : "\\n\n", to);
        else if (v->html && strchr("<>&\"", b) != NULL && b != '\0') (void)fprintf(to, "&#%u;", b);
        else text_put(to, t.at + i, (int)step);
    }
    rk_bytes_free(v->c->ctx, &whole);
}

static void put_token(struct view *v, rk_text t, uint32_t id, bool has_id)
{
    static const char *const pale[COLOURS] = { "#cde", "#dfc", "#fdc", "#edf", "#ffc", "#cff" };
    static const int ansi[COLOURS] = { 153, 157, 223, 183, 229, 159 };
    FILE *to = v->c->out;
    size_t k = v->n++ % COLOURS;
    if (v->json != NULL) {
        json_object(v->json, NULL);
        if (has_id) json_uint(v->json, "id", id);
        json_bytes(v->json, "text", t.at, t.n);
        json_uint(v->json, "bytes", t.n);
        json_end(v->json);
        return;
    }
    if (v->html) (void)fprintf(to, "<span style=\"background:%s\"", pale[k]);
    if (v->html && has_id) (void)fprintf(to, " title=\"%u\"", id);
    if (v->html) (void)fputc('>', to);
    else if (v->c->colour_out) (void)fprintf(to, "\033[30;48;5;%dm", ansi[k]);
    else if (v->n > 1) (void)fputc('|', to);
    put_text(v, t);
    if (v->ids && has_id) (void)fprintf(to, v->html ? "<sub>%u</sub>" : "(%u)", id);
    if (v->html) (void)fputs("</span>", to);
    else if (v->c->colour_out) (void)fputs("\033[0m", to);
}

static int view_words(struct view *v, rk_text text)
{
    rk_ids lengths = { 0 };
    int code = cli_try(v->c, rk_tok_split(v->c->ctx, cli_text(v->c, "pattern"), text.at, text.n, &lengths));
    for (size_t i = 0; i < lengths.n; text.at += lengths.at[i++]) put_token(v, (rk_text){ text.at, lengths.at[i] }, 0, false);
    rk_ids_free(v->c->ctx, &lengths);
    return code;
}

static int view_tokens(struct view *v, const rk_tok *tok, rk_text text)
{
    rk_ids ids = { 0 };
    int code = cli_try(v->c, rk_tok_encode(v->c->ctx, tok, text.at, text.n, 0, &ids));
    for (size_t i = 0; i < ids.n; i++) put_token(v, rk_tok_bytes(tok, ids.at[i]), ids.at[i], true);
    rk_ids_free(v->c->ctx, &ids);
    return code;
}

static int view_text(struct cli *c, const rk_tok *tok, rk_text text)
{
    struct json j;
    struct view v = { c, cli_flag(c, "html"), cli_flag(c, "ids"), 0, c->json ? &j : NULL };
    if (text.n > MOST) return cli_fail(c, CLI_DATA, "cut it first: head -c 1M", "a text of %s is too long to look at", say_bytes(text.n).at);
    json_begin(&j, c->out);
    j.one_line = true;                                  /* a text, a line: as tok split has it */
    if (c->json) {
        json_object(&j, NULL);
        json_text(&j, "schema", "reckon.tok.view/1");
        json_uint(&j, "bytes", text.n);
        json_array(&j, tok != NULL ? "tokens" : "words");
    }
    if (v.html) (void)fputs("<pre style=\"white-space:pre-wrap\">", c->out);
    int code = tok != NULL ? view_tokens(&v, tok, text) : view_words(&v, text);
    if (c->json) {
        json_end(&j);
        json_end(&j);
    } else (void)fputs(v.html ? "</pre>\n" : "\n", c->out);
    if (code == CLI_OK) cli_note(c, "%s %s of %s bytes: %.2f bytes each", say_count(v.n).at, tok != NULL ? v.n == 1 ? "token" : "tokens" : v.n == 1 ? "word" : "words", say_count(text.n).at, v.n > 0 ? (double)text.n / (double)v.n : 0.0);
    return code;
}

static int run(struct cli *c)
{
    struct input in = { 0 };
    rk_tok *tok = NULL;
    int code = CLI_OK;
    const char *text = cli_text(c, "text");
    if (cli_flag(c, "html") && (c->json || cli_given(c, "bytes"))) return cli_usage(c, "--html is a page of tokens or words: without --json and --bytes");
    if (cli_given(c, "bytes")) return c->n_args > 0 || text != NULL ? cli_usage(c, "--bytes looks at its own text") : tok_bytes(c, cli_text(c, "bytes"));
    if (cli_given(c, "tokenizer") == cli_given(c, "pattern")) return cli_usage(c, "either --tokenizer or --pattern");
    if ((text != NULL) == (c->n_args > 0)) return cli_usage(c, text != NULL ? "either --text or INPUT" : "INPUT is missing");
    rk_tok_opening how = { .lowercase = cli_flag(c, "lowercase") };
    if (cli_given(c, "tokenizer")) CLI_TRY(c, rk_tok_open_as(c->ctx, cli_text(c, "tokenizer"), &how, &tok));
    if (text == NULL) code = input_all(c, &in, &(rk_corpus_rules){ 0 });
    if (code == CLI_OK && cli_flag(c, "html")) (void)fputs("<!DOCTYPE html>\n<html>\n<meta charset=\"utf-8\">\n<title>How a text is cut</title>\n", c->out);
    if (text != NULL) code = view_text(c, tok, (rk_text){ text, strlen(text) });
    for (size_t i = 0; i < in.n && code == CLI_OK; i++) code = view_text(c, tok, in.text[i]);
    rk_tok_close(c->ctx, tok);
    input_free(&in);
    return code;
}

static const struct example examples[] = {
    { "tok view --tokenizer tok --text 'The quick brown fox' --ids",    "each token in a colour of its own", NULL },
    { "tok view --pattern cl100k --text 'It costs 12345 today'",        "the words of GPT-4's pattern", NULL },
    { "tok view --bytes 'C3 C3'",                                       "which byte is wrong, and by which rule", NULL },
    { 0 }
};

const struct command cmd_tok_view = {
    .name = "view", .arguments = "[INPUT...]", .purpose = "how a text is cut, in colour or as HTML; or byte by byte", .options = options, .examples = examples,
    .json = true, .run = run,
    .notes = "Tokens are shown as they are spelled; bytes that make no character, and control characters, as <E4>, a line feed as \\n and a new line. Without colours a | "
             "stands between them. With --json every INPUT is an object on a line of its own.",
};
