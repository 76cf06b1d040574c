/* process.c: what bends logits before a token is taken: one table of small rules, in the order of transformers.
 *
 *   allowed           ids beyond the tokenizer, and ids without a token, never come (reckon's own: nobody can read them)
 *   repetition        of tokens seen before: divided where positive, multiplied where negative
 *   no_repeat         what would repeat an n-gram that was seen never comes
 *   bad               what would complete a word that is not wanted never comes
 *   min_length, min_new   no end before there are so many tokens
 *   first, last       the token behind a single one, and the last that may come, are given
 *   suppress          these never come
 *   temperature, top_k, top_p, min_p      of a draw only
 *   renormalize       logits become logarithms of probabilities
 *
 * Not here: the draw (sample.c). Sources: generation/utils.py and logits_process.py of transformers for the order; the papers that
 * reckon/sample.def names. */
#include "infer/sample.h"
#include <math.h>
#include <string.h>

struct bending { struct sampler *s; const struct sequence *q; float *logits; };

static const float never = -INFINITY;

static void allowed(struct bending *b)
{
    for (int64_t i = b->s->n; i < b->s->vocab; i++) b->logits[i] = never;
    for (size_t i = 0; i < b->s->n_never; i++) b->logits[b->s->never[i]] = never;
}

static void repetition(struct bending *b)
{
    float by = (float)b->s->s.repetition;
    for (size_t i = 0; i < b->q->n_seen; i++) {             /* each id once, however often it was seen */
        uint32_t id = b->q->seen[i];
        if (id >= b->s->vocab || b->s->mark[id] != 0) continue;
        b->s->mark[id] = 1;
        b->logits[id] = b->logits[id] < 0 ? b->logits[id] * by : b->logits[id] / by;
    }
    for (size_t i = 0; i < b->q->n_seen; i++)
        if (b->q->seen[i] < b->s->vocab) b->s->mark[b->q->seen[i]] = 0;
}

static void ban(struct bending *b, uint32_t id)
{
    if (id < b->s->vocab) b->logits[id] = never;
}

/* A window that begins with the last n - 1 tokens bans its own last token. */
static void no_repeat(struct bending *b)
{
    size_t n = (size_t)b->s->s.no_repeat, seen = b->q->n_seen;
    if (seen < n) return;
    const uint32_t *prefix = b->q->seen + (seen + 1 - n);
    for (size_t i = 0; i + n <= seen; i++)
        if (memcmp(b->q->seen + i, prefix, (n - 1) * sizeof *prefix) == 0) ban(b, b->q->seen[i + n - 1]);
}

/* An end by itself is no bad word. */
static void bad(struct bending *b)
{
    for (size_t i = 0; i < b->s->how->n_bad; i++) {
        const rk_ids *word = &b->s->how->bad[i];
        if (word->n == 0 || (word->n == 1 && ids_hold(b->q->ends, b->q->n_ends, word->at[0])) || word->n - 1 > b->q->n_seen) continue;
        if (word->n == 1 || memcmp(b->q->seen + b->q->n_seen - (word->n - 1), word->at, (word->n - 1) * sizeof *word->at) == 0) ban(b, word->at[word->n - 1]);
    }
}

static void ban_ends(struct bending *b)
{
    for (size_t i = 0; i < b->q->n_ends; i++) ban(b, b->q->ends[i]);
}

static void min_length(struct bending *b)
{
    if ((double)b->q->n_seen < b->s->s.min_length) ban_ends(b);
}

static void min_new(struct bending *b)
{
    if ((double)b->q->made < b->s->s.min_new) ban_ends(b);
}

static void only(struct bending *b, uint32_t id)
{
    for (int64_t i = 0; i < b->s->vocab; i++) b->logits[i] = i == (int64_t)id ? 0 : never;
}

static void first(struct bending *b)
{
    if (b->q->n_seen == 1) only(b, *b->s->how->first);
}

static void last(struct bending *b)
{
    if (b->q->most > 0 && b->q->made == b->q->most - 1) only(b, *b->s->how->last);
}

static void suppress(struct bending *b)
{
    for (size_t i = 0; i < b->s->how->n_suppress; i++) ban(b, b->s->how->suppress[i]);
}

/* --- of a draw --- */

static void temperature(struct bending *b)
{
    struct candidates *c = &b->s->c;
    candidates_set(c, b->logits, b->s->n);
    for (int64_t i = 0; i < c->n; i++) c->at[i].logit /= b->s->s.temperature;
}

/* Those that are as likely as the k-th are kept, too. */
static void top_k(struct bending *b)
{
    struct candidates *c = &b->s->c;
    int64_t k = b->s->s.top_k < 1 ? 1 : b->s->s.top_k < (double)c->n ? (int64_t)b->s->s.top_k : c->n;
    double least = candidates_ranked(c, k - 1)->logit;
    while (k < c->n && candidates_ranked(c, k)->logit == least) k++;
    c->kept = k < c->kept ? k : c->kept;
}

static void top_p(struct bending *b)
{
    struct candidates *c = &b->s->c;
    double best = candidates_ranked(c, 0)->logit, wanted = b->s->s.top_p * candidates_weight(c), sum = 0;
    int64_t n = 0;
    while (n < c->kept && sum < wanted) sum += exp(candidates_ranked(c, n++)->logit - best);
    c->kept = n;
}

static void min_p(struct bending *b)
{
    struct candidates *c = &b->s->c;
    double least = candidates_ranked(c, 0)->logit + log(b->s->s.min_p);
    int64_t n = 1;
    while (n < c->kept && candidates_ranked(c, n)->logit >= least) n++;
    c->kept = n;
}

void log_softmax(float *logits, int64_t n)
{
    double most = -INFINITY, sum = 0;
    for (int64_t i = 0; i < n; i++) most = fmax(most, (double)logits[i]);
    if (most == -INFINITY) return;
    for (int64_t i = 0; i < n; i++) sum += exp((double)logits[i] - most);
    for (int64_t i = 0; i < n; i++) logits[i] = (float)((double)logits[i] - most - log(sum));
}

static void renormalize(struct bending *b) { log_softmax(b->logits, b->s->vocab); }

/* --- the table --- */

static bool has_repetition(const struct sampler *s)  { return s->s.repetition != 1; }
static bool has_no_repeat(const struct sampler *s)   { return s->s.no_repeat >= 1; }
static bool has_bad(const struct sampler *s)         { return s->how->n_bad > 0; }
static bool has_min_length(const struct sampler *s)  { return s->s.min_length > 0; }
static bool has_min_new(const struct sampler *s)     { return s->s.min_new > 0; }
static bool has_first(const struct sampler *s)       { return s->how->first != NULL; }
static bool has_last(const struct sampler *s)        { return s->how->last != NULL; }
static bool has_suppress(const struct sampler *s)    { return s->how->n_suppress > 0; }
static bool has_top_k(const struct sampler *s)       { return s->s.top_k > 0; }
static bool has_top_p(const struct sampler *s)       { return s->s.top_p < 1; }
static bool has_min_p(const struct sampler *s)       { return s->s.min_p > 0; }
static bool has_renormalize(const struct sampler *s) { return s->how->renormalize; }
static bool always(const struct sampler *s)          { (void)s; return true; }

enum when { BANS, ALWAYS, DRAWING };                     /* BANS: always, and what it does not ban stays as it is */
static const struct { bool (*wanted)(const struct sampler *s); void (*rule)(struct bending *b); enum when when; } rules[] = {
    { always,          allowed,     BANS },
    { has_repetition,  repetition,  ALWAYS },
    { has_no_repeat,   no_repeat,   BANS },
    { has_bad,         bad,         BANS },
    { has_min_length,  min_length,  BANS },
    { has_min_new,     min_new,     BANS },
    { has_first,       first,       ALWAYS },
    { has_last,        last,        ALWAYS },
    { has_suppress,    suppress,    BANS },
    { always,          temperature, DRAWING },
    { has_top_k,       top_k,       DRAWING },
    { has_top_p,       top_p,       DRAWING },
    { has_min_p,       min_p,       DRAWING },
    { has_renormalize, renormalize, ALWAYS },
};

void process(struct sampler *s, const struct sequence *q, float *logits, bool draws)
{
    struct bending b = { s, q, logits };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i].wanted(s) && (draws || rules[i].when != DRAWING)) rules[i].rule(&b);
}

bool process_only_bans(const struct sampler *s)
{
    bool all = true;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) all = all && (rules[i].when != ALWAYS || !rules[i].wanted(s));
    return all;
}
