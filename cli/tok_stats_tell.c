/* tok_stats_tell.c: what reckon tok stats counted, for a person or for a program. */
#include "out.h"
#include "tok_stats.h"

static double ratio(uint64_t a, uint64_t b) { return b > 0 ? (double)a / (double)b : 0; }
static double rate(double x, const struct stats *s) { return s->seconds > 0 ? x / s->seconds : 0; }

static void put_longest(const struct stats *s, struct json *j)
{
    uint32_t longest[STATS_LONGEST];
    stats_longest(s, longest);
    json_array(j, "longest");
    for (int i = 0; i < STATS_LONGEST && longest[i] != UINT32_MAX; i++) {
        rk_text t = rk_tok_bytes(s->tok, longest[i]);
        json_object(j, NULL);
        json_uint(j, "id", longest[i]);
        json_bytes(j, "text", t.at, t.n);
        json_uint(j, "bytes", t.n);
        json_end(j);
    }
    json_end(j);
}

static double projected(const struct stats *s, double of) { return s->bytes > 0 ? (double)cli_int(s->c, "project") / (double)s->bytes * of : 0; }

static void put_samples(const struct stats_work *w, struct json *j, int k)
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

static void put_json(const struct stats_work *w, struct json *j, const struct stats *s)
{
    json_object(j, NULL);
    json_text(j, "tokenizer", s->name);
    json_uint(j, "vocab_size", rk_tok_size(s->tok));
    json_uint(j, "documents", w->told.documents);
    json_uint(j, "bytes", s->bytes);
    json_uint(j, "tokens", s->tokens);
    json_real(j, "bytes_per_token", ratio(s->bytes, s->tokens));
    json_real(j, "seconds", s->seconds);
    put_longest(s, j);
    for (int words = 0; words < 2; words++) {
        json_object(j, words ? "tokens_per_word" : "tokens_per_character");
        for (int i = 0; i < STATS_SCRIPTS; i++)
            if (s->characters[i] > 0) json_real(j, stats_script[i], s->parts[i] / (double)(words ? s->words : s->characters)[i]);
        json_end(j);
    }
    if (cli_given(w->c, "project")) json_real(j, "project_tokens", projected(s, (double)s->tokens));
    if (cli_given(w->c, "project")) json_real(j, "project_seconds", projected(s, s->seconds));
    if (cli_flag(w->c, "files")) json_array(j, "files");
    for (size_t i = 0; i < s->n_files && cli_flag(w->c, "files"); i++) {
        json_object(j, NULL);
        json_text(j, "path", rk_corpus_file(w->in.corpus, i));
        json_uint(j, "bytes", s->files[i].bytes);
        json_uint(j, "tokens", s->files[i].tokens);
        json_end(j);
    }
    if (cli_flag(w->c, "files")) json_end(j);
    if (w->samples != NULL) put_samples(w, j, (int)(s - w->each));
    json_end(j);
}

static void print(const struct stats_work *w, const struct stats *s)
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
static void print_scripts(const struct stats_work *w)
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

static void print_files(const struct stats_work *w)
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

static void print_samples(const struct stats_work *w)
{
    struct table *t = table_new(w->c, w->n > 1 ? "document|bytes|tokens|bytes per token|tokens of the other|bytes per token" : "document|bytes|tokens|bytes per token", w->n > 1 ? "lrrrrr" : "lrrr");
    for (uint64_t i = 0; i < w->told.documents; i++) {
        const struct stats_sample *s = &w->samples[i];
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

void stats_tell(const struct stats_work *w)
{
    struct json j;
    json_begin(&j, w->c->out);
    if (w->c->json) {
        json_object(&j, NULL);
        json_text(&j, "schema", "reckon.tok.stats/1");
        json_array(&j, "tokenizers");
    }
    for (int k = 0; k < w->n; k++) {
        if (w->c->json) put_json(w, &j, &w->each[k]);
        else print(w, &w->each[k]);
    }
    if (w->c->json) {
        json_end(&j);
        json_end(&j);
        return;
    }
    if (w->n > 1 && w->each[0].tokens > 0) (void)fprintf(w->c->out, "%s makes %.4f tokens for each one of %s\n", w->each[1].name, ratio(w->each[1].tokens, w->each[0].tokens), w->each[0].name);
    print_scripts(w);
    if (w->samples != NULL) print_samples(w);
    if (cli_flag(w->c, "files")) print_files(w);
}
