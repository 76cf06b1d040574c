/* score_tell.c: see score_tell.h. */
#include "score_tell.h"
#include <math.h>

/* --- sums --- */

static double per_token(const struct score_sum *s) { return s->s.tokens > 0 ? -s->s.sum / (double)s->s.tokens : (double)NAN; }
static double bits_per_byte(const struct score_sum *s) { return s->bytes > 0 ? -s->s.sum / log(2) / (double)s->bytes : (double)NAN; }

void score_add(struct score_sum *all, const struct score_sum *one)
{
    all->s.tokens += one->s.tokens;
    all->s.sum += one->s.sum;
    all->s.windows += one->s.windows;
    all->tokens += one->tokens;
    all->bytes += one->bytes;
}

void score_json(struct json *j, const struct score_sum *s, bool whole)
{
    json_uint(j, "tokens", s->tokens);
    json_int(j, "scored", s->s.tokens);
    json_int(j, "windows", s->s.windows);
    json_real(j, "log_probability", s->s.sum);
    json_real(j, "perplexity", exp(per_token(s)));
    json_real(j, "bits_per_token", per_token(s) / log(2));
    if (s->bytes > 0) json_uint(j, "bytes", s->bytes);
    if (s->bytes > 0) json_real(j, "bits_per_byte", bits_per_byte(s));
    if (!whole) json_real(j, "recipe_perplexity", exp(s->s.recipe));
}

void score_row(struct cli *c, struct table **table, const char *name, const struct score_sum *s)
{
    if (*table == NULL) *table = table_new(c, "text|tokens|scored|perplexity|bits/token|bits/byte", "lrrrrr");
    struct table *t = *table;
    table_cell(t, "%s", name);
    table_cell(t, "%s", say_count(s->tokens).at);
    table_cell(t, "%s", say_count((uint64_t)s->s.tokens).at);
    if (s->s.tokens > 0) {
        table_cell(t, "%.4f", exp(per_token(s)));
        table_cell(t, "%.4f", per_token(s) / log(2));
    } else {
        table_cell(t, "%s", "");
        table_cell(t, "%s", "");
    }
    if (s->bytes > 0) table_cell(t, "%.4f", bits_per_byte(s));
    else table_cell(t, "%s", "");
}

/* --- token by token --- */

void score_tokens_json(const struct words *w, struct json *j, const rk_ids *ids, const double *scores)
{
    json_array(j, "by_token");
    for (size_t i = 0; i < ids->n; i++) {
        rk_text t = w->tok != NULL ? rk_tok_bytes(w->tok, ids->at[i]) : (rk_text){ NULL, 0 };
        json_object(j, NULL);
        json_uint(j, "id", ids->at[i]);
        if (t.at != NULL) json_bytes(j, "text", t.at, t.n);
        json_real(j, "log_probability", scores[i]);
        json_end(j);
    }
    json_end(j);
}

void score_tokens(const struct words *w, const rk_ids *ids, const double *scores)
{
    struct table *t = table_new(w->c, "at|id|token|log p|p", "rrlrr");
    for (size_t i = 0; i < ids->n; i++) {
        char shown[sizeof(struct word_text) + 2];
        (void)snprintf(shown, sizeof shown, w->tok != NULL ? "'%s'" : "%s", words_token(w, ids->at[i]).at);
        table_cell(t, "%zu", i);
        table_cell(t, "%u", ids->at[i]);
        table_cell(t, "%s", shown);
        if (isnan(scores[i])) {
            table_cell(t, "%s", "-");
            table_cell(t, "%s", "-");
            continue;
        }
        table_cell(t, "%.4f", scores[i]);
        table_cell(t, "%s", say_percent(exp(scores[i])).at);
    }
    table_print(t);
}
