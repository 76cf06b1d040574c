/* reckon tok stats: how well and how fast a tokenizer fits a text: compression, speed, longest tokens, tokens per character by script. */
#include "tok_stats.h"
#include <stdlib.h>
#include <string.h>

static const struct option options[] = {
    { "tokenizer", 'k', OPT_FILE,   NULL,    NULL, "the tokenizer" },
    { "against",   'a', OPT_FILE,   NULL,    NULL, "another one, on the same text" },
    { "separator", 0,   OPT_TEXT,   "LINE",  NULL, "a line between documents, such as %" },
    { "field",     0,   OPT_TEXT,   "NAME",  NULL, "INPUT has a JSON object a line, and this field of it is a document" },
    { "documents", 'd', OPT_COUNT,  "COUNT", "(all)", "only so many documents, drawn by chance; up to 20 are listed" },
    { "seed",      0,   OPT_INT,    NULL,    "0",  "which ones are drawn" },
    { "files",     0,   OPT_FLAG,   NULL,    NULL, "a row for each file" },
    { "project",   0,   OPT_SIZE,   "BYTES", NULL, "how many tokens, and how long, for a corpus of this size: 825GB" },
    { "lowercase", 0,   OPT_FLAG,   NULL,    NULL, "a vocab.txt: lower-case the text, and drop accents" },
    { 0 }
};

enum { LISTED = 20, BEGINNING = 40 };   /* documents that are listed one by one; bytes of each that are shown */

struct sample { char beginning[BEGINNING]; size_t shown, bytes, tokens[2]; };
struct work { struct cli *c; struct input in; struct stats each[2]; int n; rk_corpus_state told; struct sample *samples; uint64_t met; };

static double ratio(uint64_t a, uint64_t b) { return b > 0 ? (double)a / (double)b : 0; }
static double rate(double x, const struct stats *s) { return s->seconds > 0 ? x / s->seconds : 0; }

/* ---- documents drawn by chance ---- */

/* Vitter's algorithm R: after the i-th document each of them is among those kept with the same chance. */
struct drawn { rk_bytes *text; uint32_t *file; size_t most, n, at; uint64_t met, seed; };      /* at: where the document at hand goes; SIZE_MAX: nowhere */

static uint64_t chance(uint64_t *seed, uint64_t n)
{
    uint64_t z = (*seed += 0x9e3779b97f4a7c15u);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (z ^ z >> 31) % n;
}

static void draw(struct drawn *d, const rk_block *block)
{
    for (size_t i = 0; i < block->n; i++) {
        rk_text t = block->texts[i];
        if (i > 0 || !block->continues) {
            uint64_t place = d->n < d->most ? d->n : chance(&d->seed, d->met + 1);
            d->met++;
            d->at = place < d->most ? (size_t)place : SIZE_MAX;
            if (d->at == d->n) d->n++;
            if (d->at != SIZE_MAX) d->text[d->at].n = 0;
        }
        if (d->at == SIZE_MAX || t.n == 0) continue;
        rk_bytes *to = &d->text[d->at];
        to->at = cli_grow(to->at, &to->room, to->n + t.n, 1);
        memcpy(to->at + to->n, t.at, t.n);
        to->n += t.n;
        d->file[d->at] = block->files[i];
    }
}

/* What is told of each document that was drawn. */
static int look_at(struct work *w, const rk_text *texts, size_t n)
{
    w->samples = cli_take((n + 1) * sizeof *w->samples);
    for (size_t i = 0; i < n; i++) {
        struct sample *s = &w->samples[i];
        s->bytes = texts[i].n;
        s->shown = texts[i].n < BEGINNING ? texts[i].n : BEGINNING;
        for (size_t at = 0; at < s->shown; at++) s->beginning[at] = (unsigned char)texts[i].at[at] < ' ' ? ' ' : texts[i].at[at];       /* lines go on */
        for (int k = 0; k < w->n; k++) {
            rk_ids ids = { 0 };
            int code = cli_try(w->c, rk_tok_encode(w->c->ctx, w->each[k].tok, texts[i].at, texts[i].n, 0, &ids));
            s->tokens[k] = ids.n;
            rk_ids_free(w->c->ctx, &ids);
            if (code != CLI_OK) return code;
        }
    }
    return CLI_OK;
}

static int add_drawn(struct work *w, const struct drawn *d)
{
    rk_text *texts = cli_take((d->n + 1) * sizeof *texts);
    rk_block block = { .texts = texts, .files = d->file, .n = d->n };
    int code = CLI_OK;
    for (size_t i = 0; i < d->n; i++) {
        texts[i] = (rk_text){ d->text[i].at, d->text[i].n };
        block.bytes += texts[i].n;
    }
    for (int k = 0; k < w->n && code == CLI_OK; k++) code = stats_add(&w->each[k], &block);
    w->told.documents = d->n;
    w->met = d->met;
    if (code == CLI_OK && d->n <= LISTED) code = look_at(w, texts, d->n);
    free(texts);
    return code;
}

static int count_drawn(struct work *w)
{
    struct drawn d = { .most = (size_t)cli_int(w->c, "documents"), .seed = (uint64_t)cli_int(w->c, "seed") };
    int code;
    if (d.most == 0 || d.most > 1 << 20) return cli_usage(w->c, "--documents: between 1 and %d can be drawn", 1 << 20);
    d.text = cli_take(d.most * sizeof *d.text);
    d.file = cli_take(d.most * sizeof *d.file);
    while ((code = input_next(&w->in, NULL)) == CLI_OK && w->in.n > 0) {
        draw(&d, &w->in.block);
        input_step(&w->in, "%s document%s", say_count(d.met).at, d.met == 1 ? "" : "s");
    }
    if (code == CLI_OK) code = add_drawn(w, &d);
    if (code == CLI_OK && d.met < d.most)
        cli_note(w->c, "the text has %s document%s, so there is nothing to draw from: --separator or --field says what parts documents", say_count(d.met).at, d.met == 1 ? "" : "s");
    for (size_t i = 0; i < d.n; i++) free(d.text[i].at);
    free(d.text);
    free(d.file);
    return code;
}

/* ---- all of them ---- */

/* Where both tokenizers allow it: the places of the first, the last one first, until the second says the same. */
static size_t cut_both(const void *user, const char *text, size_t n)
{
    const struct work *w = user;
    size_t place = rk_tok_cut(w->each[0].tok, text, n);
    for (int tries = 0; place > 0 && tries < 1000 && w->n > 1; tries++, place = rk_tok_cut(w->each[0].tok, text, place))
        for (size_t beyond = 1; beyond <= 3 && place + beyond <= n; beyond++)
            if (rk_tok_cut(w->each[1].tok, text, place + beyond) == place) return place;
    return w->n > 1 ? 0 : place;
}

static int count_all(struct work *w)
{
    rk_corpus_cut cut = { cut_both, w };
    int code;
    while ((code = input_next(&w->in, &cut)) == CLI_OK && w->in.n > 0) {
        for (int k = 0; k < w->n && code == CLI_OK; k++) code = stats_add(&w->each[k], &w->in.block);
        if (code != CLI_OK) return code;
        input_step(&w->in, "%s tokens", say_count(w->each[0].tokens).at);
    }
    w->told = rk_corpus_told(w->in.corpus);
    return code;
}

/* ---- what is told ---- */

static double projected(const struct stats *s, double of) { return s->bytes > 0 ? (double)cli_int(s->c, "project") / (double)s->bytes * of : 0; }

static void put_samples(const struct work *w, struct json *j, int k)
{
    json_uint(j, "drawn_from", w->met);
    json_array(j, "drawn");
    for (uint64_t i = 0; i < w->told.documents; i++) {
        json_object(j, NULL);
        json_uint(j, "bytes", w->samples[i].bytes);
        json_uint(j, "tokens", w->samples[i].tokens[k]);
        json_end(j);
    }
    json_end(j);
}

static void put_json(const struct work *w, struct json *j, const struct stats *s)
{
    json_object(j, NULL);
    json_text(j, "tokenizer", s->name);
    json_uint(j, "vocab_size", rk_tok_size(s->tok));
    json_uint(j, "documents", w->told.documents);
    json_uint(j, "bytes", s->bytes);
    json_uint(j, "tokens", s->tokens);
    json_real(j, "bytes_per_token", ratio(s->bytes, s->tokens));
    json_real(j, "seconds", s->seconds);
    stats_put_longest(s, j);
    for (int words = 0; words < 2; words++) {
        json_object(j, words ? "tokens_per_word" : "tokens_per_character");
        for (int i = 0; i < STATS_SCRIPTS; i++)
            if (s->characters[i] > 0) json_real(j, stats_script[i], s->parts[i] / (double)(words ? s->words : s->characters)[i]);
        json_end(j);
    }
    if (cli_given(w->c, "project")) json_real(j, "project_tokens", projected(s, (double)s->tokens));
    if (cli_given(w->c, "project")) json_real(j, "project_seconds", projected(s, s->seconds));
    if (cli_flag(w->c, "files")) json_object(j, "files");
    for (size_t i = 0; i < s->n_files && cli_flag(w->c, "files"); i++) {
        json_object(j, rk_corpus_file(w->in.corpus, i));
        json_uint(j, "bytes", s->files[i].bytes);
        json_uint(j, "tokens", s->files[i].tokens);
        json_end(j);
    }
    if (cli_flag(w->c, "files")) json_end(j);
    if (w->samples != NULL) put_samples(w, j, (int)(s - w->each));
    json_end(j);
}

static void print(const struct work *w, const struct stats *s)
{
    FILE *to = w->c->out;
    uint32_t longest[STATS_LONGEST];
    stats_longest(s, longest);
    (void)fprintf(to, "%s: %s tokens in the vocabulary\n", s->name, say_count(rk_tok_size(s->tok)).at);
    (void)fprintf(to, "  %s tokens of %s, %.3f bytes per token\n", say_count(s->tokens).at, say_bytes(s->bytes).at, ratio(s->bytes, s->tokens));
    (void)fprintf(to, "  %s tokens per second, %s/s\n", say_si(rate((double)s->tokens, s), "").at, say_bytes_si((uint64_t)rate((double)s->bytes, s)).at);
    (void)fputs("  longest that occur:", to);
    for (int i = 0; i < STATS_LONGEST && longest[i] != UINT32_MAX; i++) {
        rk_text t = rk_tok_bytes(s->tok, longest[i]);
        (void)fputs(" \"", to);
        text_put(to, t.at, (int)(t.n < 60 ? t.n : 60));
        (void)fprintf(to, "\" (%zu)", t.n);
    }
    (void)fputc('\n', to);
    if (!cli_given(w->c, "project") || s->tokens == 0) return;
    (void)fprintf(to, "  a corpus of %s: about %s tokens, %s at this speed\n", say_bytes_si((uint64_t)cli_int(w->c, "project")).at, say_si(projected(s, (double)s->tokens), "").at, say_seconds(projected(s, s->seconds)).at);
}

/* A column for each tokenizer, or three. */
static void print_scripts(const struct work *w)
{
    bool two = w->n > 1;
    struct table *t = table_new(w->c, two ? "script|characters|tokens per character|the other|per word|the other" : "script|characters|tokens per character|per word", two ? "lrrrrr" : "lrrr");
    for (int i = 0; i < STATS_SCRIPTS; i++) {
        if (w->each[0].characters[i] == 0) continue;
        table_cell(t, "%s", stats_script[i]);
        table_cell(t, "%s", say_count(w->each[0].characters[i]).at);
        for (int k = 0; k < w->n; k++) table_cell(t, "%.3f", w->each[k].parts[i] / (double)w->each[k].characters[i]);
        for (int k = 0; k < w->n; k++) table_cell(t, "%.3f", w->each[k].parts[i] / (double)w->each[k].words[i]);
    }
    table_print(t);
}

static void print_files(const struct work *w)
{
    struct table *t = table_new(w->c, w->n > 1 ? "file|bytes|tokens|bytes per token|tokens of the other|bytes per token" : "file|bytes|tokens|bytes per token", w->n > 1 ? "lrrrrr" : "lrrr");
    for (size_t i = 0; i < w->each[0].n_files; i++) {
        if (w->each[0].files[i].bytes == 0) continue;                 /* no text, or not drawn */
        table_cell(t, "%s", rk_corpus_file(w->in.corpus, i));
        table_cell(t, "%s", say_count(w->each[0].files[i].bytes).at);
        for (int k = 0; k < w->n; k++) {
            table_cell(t, "%s", say_count(w->each[k].files[i].tokens).at);
            table_cell(t, "%.3f", ratio(w->each[k].files[i].bytes, w->each[k].files[i].tokens));
        }
    }
    table_print(t);
}

static void print_samples(const struct work *w)
{
    struct table *t = table_new(w->c, w->n > 1 ? "document|bytes|tokens|bytes per token|tokens of the other|bytes per token" : "document|bytes|tokens|bytes per token", w->n > 1 ? "lrrrrr" : "lrrr");
    for (uint64_t i = 0; i < w->told.documents; i++) {
        const struct sample *s = &w->samples[i];
        size_t shown = s->shown;
        while (shown > 0 && shown < s->bytes && (s->beginning[shown - 1] & 0xc0) == 0x80) shown--;       /* no half of a character */
        if (shown > 0 && shown < s->bytes && (s->beginning[shown - 1] & 0xc0) == 0xc0) shown--;
        table_cell(t, "%.*s%s", (int)shown, s->beginning, shown < s->bytes ? "..." : "");
        table_cell(t, "%s", say_count(s->bytes).at);
        for (int k = 0; k < w->n; k++) {
            table_cell(t, "%s", say_count(s->tokens[k]).at);
            table_cell(t, "%.3f", ratio(s->bytes, s->tokens[k]));
        }
    }
    table_print(t);
}

static void tell(struct work *w)
{
    struct json j;
    json_begin(&j, w->c->out);
    if (w->c->json) json_array(&j, NULL);
    for (int k = 0; k < w->n; k++) {
        if (w->c->json) put_json(w, &j, &w->each[k]);
        else print(w, &w->each[k]);
    }
    if (w->c->json) json_end(&j);
    if (w->c->json) return;
    if (w->n > 1 && w->each[0].tokens > 0) (void)fprintf(w->c->out, "%s makes %.4f tokens for each one of %s\n", w->each[1].name, ratio(w->each[1].tokens, w->each[0].tokens), w->each[0].name);
    print_scripts(w);
    if (w->samples != NULL) print_samples(w);
    if (cli_flag(w->c, "files")) print_files(w);
}

static int run(struct cli *c)
{
    struct work w = { .c = c };
    const char *names[2] = { cli_text(c, "tokenizer"), cli_text(c, "against") };
    rk_tok_opening how = { .lowercase = cli_flag(c, "lowercase") };
    if (names[0] == NULL) return cli_usage(c, "--tokenizer is missing");
    if (c->n_args == 0) return cli_usage(c, "INPUT is missing");
    if (cli_given(c, "seed") && !cli_given(c, "documents")) return cli_usage(c, "--seed draws documents: say how many, --documents 10");
    int code = input_open(c, &w.in, &(rk_corpus_rules){ .separator = cli_text(c, "separator"), .field = cli_text(c, "field") }, "encoding");
    for (; code == CLI_OK && w.n < 2 && names[w.n] != NULL; w.n++) code = stats_open(&w.each[w.n], c, names[w.n], &how, rk_corpus_files(w.in.corpus));
    if (code == CLI_OK) code = cli_given(c, "documents") ? count_drawn(&w) : count_all(&w);
    if (code == CLI_OK) input_note(&w.in);
    if (code == CLI_OK) tell(&w);
    for (int k = 0; k < w.n; k++) stats_close(&w.each[k]);
    free(w.samples);
    input_free(&w.in);
    return code;
}

static const struct example examples[] = {
    { "tok stats --tokenizer tok corpus.txt",                           "compression and speed on a text", NULL },
    { "tok stats --tokenizer tok --against tok-again corpus.txt --project 825GB --json", "two tokenizers, and what a corpus would take", NULL },
    { 0 }
};

const struct command cmd_tok_stats = {
    .name = "stats", .arguments = "[INPUT...]", .purpose = "how well and how fast a tokenizer fits a text", .options = options, .examples = examples,
    .json = true, .run = run,
    .notes = "Speed is that of one pass over the text in memory, on all threads. Scripts are looked at in the first 4 MiB; a token counts for the scripts "
             "of its characters in equal parts, and a word is what stands together of one script. INPUT may be packed by gzip or Zstandard.",
};
