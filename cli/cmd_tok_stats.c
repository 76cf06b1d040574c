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

enum { LISTED = 20 };                   /* documents that are listed one by one */

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
static int look_at(struct stats_work *w, const rk_text *texts, size_t n)
{
    w->samples = cli_take((n + 1) * sizeof *w->samples);
    for (size_t i = 0; i < n; i++) {
        struct stats_sample *s = &w->samples[i];
        s->bytes = texts[i].n;
        s->shown = texts[i].n < STATS_BEGINNING ? texts[i].n : STATS_BEGINNING;
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

static int add_drawn(struct stats_work *w, const struct drawn *d)
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

static int count_drawn(struct stats_work *w)
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
    const struct stats_work *w = user;
    size_t place = rk_tok_cut(w->each[0].tok, text, n);
    for (int tries = 0; place > 0 && tries < 1000 && w->n > 1; tries++, place = rk_tok_cut(w->each[0].tok, text, place))
        for (size_t beyond = 1; beyond <= 3 && place + beyond <= n; beyond++)
            if (rk_tok_cut(w->each[1].tok, text, place + beyond) == place) return place;
    return w->n > 1 ? 0 : place;
}

static int count_all(struct stats_work *w)
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

static int run(struct cli *c)
{
    struct stats_work w = { .c = c };
    const char *names[2] = { cli_text(c, "tokenizer"), cli_text(c, "against") };
    rk_tok_opening how = { .lowercase = cli_flag(c, "lowercase") };
    if (names[0] == NULL) return cli_usage(c, "--tokenizer is missing");
    if (c->n_args == 0) return cli_usage(c, "INPUT is missing");
    if (cli_given(c, "seed") && !cli_given(c, "documents")) return cli_usage(c, "--seed draws documents: say how many, --documents 10");
    int code = input_open(c, &w.in, &(rk_corpus_rules){ .separator = cli_text(c, "separator"), .field = cli_text(c, "field") }, "encoding");
    for (; code == CLI_OK && w.n < 2 && names[w.n] != NULL; w.n++) code = stats_open(&w.each[w.n], c, names[w.n], &how, rk_corpus_files(w.in.corpus));
    if (code == CLI_OK) code = cli_given(c, "documents") ? count_drawn(&w) : count_all(&w);
    if (code == CLI_OK) input_note(&w.in);
    if (code == CLI_OK) stats_tell(&w);
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
