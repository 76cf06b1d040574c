/* Laws of what BERT, and an encoder and decoder, learn from: how much is hidden and as what; the same sample whenever it is asked for;
 * every token of the validation once; a second text that follows in half of all cases; targets behind a start token, padding. */
#include "base/rng.h"
#include "test.h"
#include "train/data.h"
#include <stdlib.h>

enum { SPECIALS = 5, PAD = 0, CLS = 2, SEP = 3, MASK = 4, VOCAB = SPECIALS + 256, MODEL_VOCAB = 300, SEQ = 40, MOST = 64 };
static const char *const specials[SPECIALS] = { "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]" };

static rk_tok *tokenizer(rk_ctx *ctx, size_t n_specials)
{
    rk_tok *tok;
    OK(ctx, rk_tok_train(ctx, &(rk_tok_training){ .vocab_size = VOCAB, .specials = specials, .n_specials = n_specials }, &(rk_text){ "a", 1 }, 1, &tok));
    return tok;
}

struct text { uint32_t *ids; rk_tokens tokens; };

/* Ordinary ids, and a [SEP] here and there. */
static struct text text_new(size_t n)
{
    struct text t = { .ids = malloc((n + 1) * sizeof *t.ids) };
    REQUIRE(t.ids != NULL);
    for (size_t i = 0; i < n; i++) t.ids[i] = test_random(30) == 0 ? SEP : SPECIALS + (uint32_t)test_random(256);
    t.tokens = (rk_tokens){ .at = (const unsigned char *)t.ids, .n = n, .bytes_each = 4 };
    return t;
}

/* Room for one sample of every kind. */
struct place { int32_t at[DATA_INPUTS][MOST]; struct sample s; };

/* Full of something else: a sample writes all of itself. */
static void soil(struct place *p)
{
    memset(p, 0x55, sizeof *p);
    for (int k = 0; k < DATA_INPUTS; k++) p->s.at[k] = p->at[k];
}

static void take(const struct data *d, uint64_t i, struct place *p)
{
    soil(p);
    data_sample(d, i, &p->s);
}

static void take_validation(const struct data *d, int64_t window, struct place *p)
{
    soil(p);
    data_validation_sample(d, window, &p->s);
}

static struct data open_masked(rk_ctx *ctx, const struct data_kind *kind, const struct text *t, const rk_tok *tok, const rk_train_options *o)
{
    struct data d;
    const struct data_wanted w = { .kind = kind, .seq = SEQ, .vocab = MODEL_VOCAB, .position = MOST, .types = 2, .pad = PAD };
    OK(ctx, data_open(ctx, &(rk_train_data){ .tokens = &t->tokens, .document_end = SEP, .tok = tok }, o, &w, &d));
    return d;
}

/* --- hiding --- */

struct hidden { int64_t all, masked, kept, other, ordinary; };

/* What was hidden of a window of the text at `begin`, which lies in the sample from `from` on. */
static void look(const struct place *p, const uint32_t *text, int64_t from, int64_t n, struct hidden *h)
{
    const int32_t *tokens = p->at[DATA_tokens], *labels = p->at[DATA_labels];
    for (int64_t i = 0; i < n; i++) {
        int32_t id = (int32_t)text[i], token = tokens[from + i], label = labels[from + i];
        h->ordinary += id >= SPECIALS;
        if (label < 0) {
            EXPECT_INT(token, id);
            continue;
        }
        EXPECT_INT(label, id);
        EXPECT(id >= SPECIALS && token < VOCAB);
        h->all++;
        h->masked += token == MASK;
        h->kept += token == id;
        h->other += token != MASK && token != id;
    }
}

static void expect_share(int64_t part, int64_t all, double share)
{
    double sigma = sqrt(share * (1 - share) / (double)all);
    EXPECT_NEAR((double)part / (double)all, share, 5 * sigma + 1e-9);
}

TEST(as_much_is_hidden_as_was_asked_for)
{
    rk_ctx *ctx = test_ctx();
    rk_tok *tok = tokenizer(ctx, SPECIALS);
    struct text t = text_new(5000);
    static const double rates[] = { 0.15, 0.4 };
    for (int r = 0; r < 2; r++) {
        rk_train_options o = rk_train_defaults();
        o.validation = 0;
        o.mask_rate = rates[r];
        struct data d = open_masked(ctx, &data_masked, &t, tok, &o);
        struct hidden h = { 0 };
        for (uint64_t i = 0; i < 1500; i++) {
            struct place p;
            take(&d, i, &p);
            EXPECT(p.at[DATA_tokens][0] == CLS && p.at[DATA_tokens][SEQ - 1] == SEP);
            EXPECT(p.at[DATA_labels][0] == -1 && p.at[DATA_labels][SEQ - 1] == -1);
            EXPECT_INT(p.at[DATA_lengths][0], SEQ);
            int64_t before = h.all;
            look(&p, t.ids + data_start(&d, i), 1, SEQ - 2, &h);
            EXPECT_INT(h.all - before, p.s.targets);
        }
        expect_share(h.all, h.ordinary, rates[r]);
        expect_share(h.masked, h.all, 0.8 + 0.1 / VOCAB);
        expect_share(h.kept, h.all, 0.1 + 0.1 / VOCAB);
        expect_share(h.other, h.all, 0.1 * (VOCAB - 2) / VOCAB);
        data_close(ctx, &d);
    }
    rk_tok_close(ctx, tok);
    free(t.ids);
}

/* A sample is a function of seed and number; the validation's, of its number alone. */
TEST(a_sample_is_the_same_whenever_it_is_asked_for)
{
    rk_ctx *ctx = test_ctx();
    rk_tok *tok = tokenizer(ctx, SPECIALS);
    struct text t = text_new(3000);
    rk_train_options o = rk_train_defaults();
    o.validation = 0.2;
    static const struct data_kind *const kinds[] = { &data_masked, &data_sentences };
    for (int k = 0; k < 2; k++) {
        struct data one = open_masked(ctx, kinds[k], &t, tok, &o);
        o.seed++;
        struct data two = open_masked(ctx, kinds[k], &t, tok, &o);
        EXPECT_INT(one.fingerprint, two.fingerprint);
        int same = 0;
        for (uint64_t i = 0; i < 50; i++) {
            struct place a, b, c;
            take(&one, 49 - i, &a);
            take(&one, 49 - i, &b);
            take(&two, 49 - i, &c);
            EXPECT(memcmp(a.at, b.at, sizeof a.at) == 0);
            same += memcmp(a.at, c.at, sizeof a.at) == 0;
            take_validation(&one, (int64_t)i % data_validation_windows(&one), &a);
            take_validation(&two, (int64_t)i % data_validation_windows(&two), &b);
            EXPECT(memcmp(a.at, b.at, sizeof a.at) == 0);
        }
        EXPECT_INT(same, 0);
        data_close(ctx, &one);
        data_close(ctx, &two);
    }
    rk_tok_close(ctx, tok);
    free(t.ids);
}

/* With everything hidden, every ordinary token of the validation is foretold once; the last window ends where the part does. */
TEST(validation_has_every_token_once)
{
    rk_ctx *ctx = test_ctx();
    rk_tok *tok = tokenizer(ctx, SPECIALS);
    rk_train_options o = rk_train_defaults();
    o.validation = 0.25;
    o.mask_rate = 1;
    for (size_t n = 400; n < 440; n++) {
        struct text t = text_new(n);
        struct data d = open_masked(ctx, &data_masked, &t, tok, &o);
        int64_t found = 0, ordinary = 0, windows = data_validation_windows(&d);
        for (uint64_t i = 0; i < d.validation.n; i++) ordinary += part_token(&d.validation, i) >= SPECIALS;
        for (int64_t w = 0; w <= windows; w++) {
            struct place p;
            take_validation(&d, w, &p);
            for (int64_t i = 0; i < SEQ; i++)
                if (p.at[DATA_labels][i] >= 0) EXPECT_INT(p.at[DATA_labels][i], part_token(&d.validation, (uint64_t)(w * (SEQ - 2) + i - 1)));
            int64_t left = (int64_t)d.validation.n - w * (SEQ - 2);
            EXPECT_INT(p.at[DATA_lengths][0], left >= SEQ - 2 ? SEQ : left > 0 ? left + 2 : 1);
            for (int64_t i = p.at[DATA_lengths][0]; i < SEQ; i++) EXPECT(p.at[DATA_tokens][i] == 0 && p.at[DATA_labels][i] == -1);
            found += p.s.targets;
        }
        EXPECT_INT(found, ordinary);
        data_close(ctx, &d);
        free(t.ids);
    }
    rk_tok_close(ctx, tok);
}

/* --- two texts --- */

/* Whether a run of n tokens, hidden ones as their labels say, stands in the text at a place; at its end it begins again. */
static bool stands(const struct place *p, int64_t from, int64_t n, const struct text *t, uint64_t at)
{
    for (int64_t i = 0; i < n; i++) {
        int32_t id = p->at[DATA_labels][from + i] >= 0 ? p->at[DATA_labels][from + i] : p->at[DATA_tokens][from + i];
        if ((uint32_t)id != t->ids[(at + (uint64_t)i) % t->tokens.n]) return false;
    }
    return true;
}

TEST(in_half_of_all_samples_the_second_text_follows)
{
    rk_ctx *ctx = test_ctx();
    rk_tok *tok = tokenizer(ctx, SPECIALS);
    struct text t = text_new(2000);
    rk_train_options o = rk_train_defaults();
    o.validation = 0;
    struct data d = open_masked(ctx, &data_sentences, &t, tok, &o);
    int64_t others = 0, samples = 1000, shortest = SEQ, longest = 0;
    for (int64_t i = 0; i < samples; i++) {
        struct place p;
        take(&d, (uint64_t)i, &p);
        const int32_t *segments = p.at[DATA_segments], next = p.at[DATA_next][0];
        int64_t second = 0;
        while (second < SEQ && segments[second] == 0) second++;
        REQUIRE(second >= 3 && second <= SEQ - 2 && next >= 0);
        for (int64_t k = second; k < SEQ; k++) EXPECT_INT(segments[k], 1);
        EXPECT(p.at[DATA_tokens][0] == CLS && p.at[DATA_tokens][second - 1] == SEP && p.at[DATA_tokens][SEQ - 1] == SEP);
        uint64_t at = data_start(&d, (uint64_t)i), behind = at + (uint64_t)second - 2, found = 0;
        EXPECT(stands(&p, 1, second - 2, &t, at));
        for (uint64_t k = 0; k < t.tokens.n; k++) found += stands(&p, second, SEQ - 1 - second, &t, k);
        EXPECT(found >= 1);
        if (next == 0) EXPECT(stands(&p, second, SEQ - 1 - second, &t, behind));
        else if (SEQ - second > 4) EXPECT(!stands(&p, second, SEQ - 1 - second, &t, behind));
        EXPECT_INT(p.s.judged, 1);
        others += next;
        if (second < shortest) shortest = second;
        if (second > longest) longest = second;
    }
    expect_share(others, samples, 0.5);
    EXPECT(shortest == 3 && longest == SEQ - 2);                /* the cut is anywhere */
    data_close(ctx, &d);
    rk_tok_close(ctx, tok);
    free(t.ids);
}

/* --- pairs --- */

enum { END = 1, START = 9, PAIRS = 200, LONGEST = 12 };
struct both { struct text source, target; };

/* Sequences of any length, END behind each; the first two ids of both sides tell the pair. */
static struct both pairs_new(size_t pairs)
{
    struct both b = { .source = text_new(pairs * (LONGEST + 2)), .target = text_new(pairs * (LONGEST + 2)) };
    struct text *sides[] = { &b.source, &b.target };
    for (int k = 0; k < 2; k++) {
        size_t n = 0;
        for (size_t i = 0; i < pairs; i++) {
            for (uint64_t m = 2 + test_random(LONGEST - 2); m > 0; m--) sides[k]->ids[n++] = SPECIALS + (uint32_t)test_random(256);
            size_t first = n;
            while (first > 0 && sides[k]->ids[first - 1] != END) first--;
            sides[k]->ids[first] = SPECIALS + (uint32_t)(i % 200);
            sides[k]->ids[first + 1] = SPECIALS + (uint32_t)(i / 200);
            sides[k]->ids[n++] = END;
        }
        sides[k]->tokens.n = n;
    }
    return b;
}

static void both_free(struct both *b)
{
    free(b->source.ids);
    free(b->target.ids);
}

static const struct data_wanted paired = { .kind = &data_paired, .vocab = VOCAB, .source_vocab = VOCAB, .position = MOST, .start = START };
static rk_train_data data_of(const struct both *b) { return (rk_train_data){ .tokens = &b->target.tokens, .source = &b->source.tokens, .document_end = END }; }

static void check_pair(const struct data *d, const struct place *p)
{
    const int32_t *tokens = p->at[DATA_tokens], *labels = p->at[DATA_labels], *source = p->at[DATA_source];
    int64_t n = 0, sources = p->at[DATA_source_lengths][0];
    while (n < d->seq && labels[n] >= 0) n++;
    EXPECT_INT(n, p->s.targets);
    EXPECT_INT(tokens[0], START);
    for (int64_t t = 0; t < d->seq; t++) {
        if (t >= n) EXPECT_INT(labels[t], -1);
        if (t > 0) EXPECT_INT(tokens[t], t < n ? labels[t - 1] : 0);
    }
    for (int64_t s = sources; s < d->source_seq; s++) EXPECT_INT(source[s], 0);
    EXPECT(labels[0] == source[0] && labels[1] == source[1]);
    EXPECT(n == d->seq || labels[n - 1] == END);
    EXPECT(sources == d->source_seq || source[sources - 1] == END);
}

TEST(an_epoch_takes_every_pair_once)
{
    rk_ctx *ctx = test_ctx();
    struct both b = pairs_new(PAIRS);
    const rk_train_data from = data_of(&b);
    rk_train_options o = rk_train_defaults();
    o.validation = 0.1;
    struct data d;
    OK(ctx, data_open(ctx, &from, &o, &paired, &d));
    EXPECT(d.seq <= LONGEST && d.source_seq <= LONGEST && d.validation.pairs.n > 0);
    EXPECT_INT(d.train.pairs.n + d.validation.pairs.n, PAIRS);
    EXPECT_INT(d.train.n + d.validation.n, b.target.tokens.n);
    for (uint64_t epoch = 0; epoch < 2; epoch++) {
        bool seen[PAIRS] = { false };
        for (int i = 0; i < PAIRS; i++) {
            struct place p;
            if (i < d.train.pairs.n) take(&d, epoch * (uint64_t)d.train.pairs.n + (uint64_t)i, &p);
            else take_validation(&d, i - d.train.pairs.n, &p);
            check_pair(&d, &p);
            int32_t which = p.at[DATA_labels][0] - SPECIALS + 200 * (p.at[DATA_labels][1] - SPECIALS);
            REQUIRE(which >= 0 && which < PAIRS && !seen[which]);
            seen[which] = true;
        }
    }
    data_close(ctx, &d);
    both_free(&b);
}

static int warned;
static char warning[512];
static void note_log(void *user, rk_level level, const char *line)
{
    (void)user;
    if (level != RK_WARNING) return;
    warned++;
    (void)snprintf(warning, sizeof warning, "%s", line);
}

TEST(what_is_too_long_is_cut_and_counted)
{
    rk_ctx *ctx;
    REQUIRE(rk_ctx_open(&(rk_options){ .log = note_log }, &ctx) == RK_OK);
    struct both b = pairs_new(PAIRS);
    const rk_train_data from = data_of(&b);
    rk_train_options o = rk_train_defaults();
    struct data_wanted w = paired;
    struct data d;
    int longer = 0;
    w.seq = 5;
    w.source_seq = 6;
    OK(ctx, data_open(ctx, &from, &o, &w, &d));
    for (int i = 0; i < d.train.pairs.n; i++) {
        struct place p;
        take(&d, (uint64_t)i, &p);
        check_pair(&d, &p);
        longer += p.at[DATA_labels][4] >= 0 && p.at[DATA_labels][4] != END;
    }
    EXPECT(longer > 0);
    char expected[64];
    int cut = 0;
    for (int i = 0; i < d.train.pairs.n; i++) cut += d.train.pairs.at[i].source_n > 6 || d.train.pairs.at[i].target_n > 5;
    for (int i = 0; i < d.validation.pairs.n; i++) cut += d.validation.pairs.at[i].source_n > 6 || d.validation.pairs.at[i].target_n > 5;
    (void)snprintf(expected, sizeof expected, "%d of %d pairs", cut, PAIRS);
    EXPECT_INT(warned, 1);
    EXPECT(strstr(warning, expected) != NULL);
    data_close(ctx, &d);
    EXPECT_INT(rk_ctx_bytes(ctx), 0);
    rk_ctx_close(ctx);
    both_free(&b);
}

/* --- what is refused --- */

TEST(what_cannot_be_learned_from_is_refused)
{
    rk_ctx *ctx = test_ctx();
    rk_tok *tok = tokenizer(ctx, SPECIALS), *bare = tokenizer(ctx, 1), *no_marks = tokenizer(ctx, 0);
    struct both b = pairs_new(9);
    rk_train_options o = rk_train_defaults();
    struct data_wanted masked = { .kind = &data_masked, .seq = SEQ, .vocab = MODEL_VOCAB, .position = MOST, .types = 2 }, w = paired;
    rk_train_data from = { .tokens = &b.target.tokens, .document_end = -1 };
    struct data d;
    FAILS(ctx, data_open(ctx, &from, &o, &masked, &d), RK_E_ARG, "need the tokenizer");
    from.tok = bare;
    FAILS(ctx, data_open(ctx, &from, &o, &masked, &d), RK_E_MISSING, "[MASK]");
    EXPECT(strstr(rk_error_hint(ctx), "--special '[MASK]'") != NULL);
    from.tok = tok;
    masked.seq = 2;
    FAILS(ctx, data_open(ctx, &from, &o, &masked, &d), RK_E_ARG, "no room");
    masked.seq = 500;
    FAILS(ctx, data_open(ctx, &from, &o, &masked, &d), RK_E_ARG, "fewer than one sequence of 498");
    masked.vocab = 4;
    FAILS(ctx, data_open(ctx, &from, &o, &masked, &d), RK_E_ARG, "no id below 4");
    masked.vocab = MODEL_VOCAB;
    masked.pad = MASK;
    FAILS(ctx, data_open(ctx, &from, &o, &masked, &d), RK_E_ARG, "token 4 is [MASK], [CLS] or [SEP] and the model's padding");
    masked.pad = PAD;
    masked.kind = &data_sentences;
    masked.types = 1;
    FAILS(ctx, data_open(ctx, &from, &o, &masked, &d), RK_E_ARG, "one segment");
    FAILS(ctx, data_open(ctx, &from, &o, &w, &d), RK_E_ARG, "pairs");
    from.source = &b.source.tokens;
    FAILS(ctx, data_open(ctx, &from, &o, &w, &d), RK_E_ARG, "where a sequence ends");
    from.document_end = END;
    w.start = VOCAB;
    FAILS(ctx, data_open(ctx, &from, &o, &w, &d), RK_E_ARG, "begins a target with the token 261");
    w = paired;
    w.source_vocab = 4;
    FAILS(ctx, data_open(ctx, &from, &o, &w, &d), RK_E_ARG, "ids below 4");
    b.source.tokens.n -= 1;                                     /* the last one lacks its end, and is there all the same */
    OK(ctx, data_open(ctx, &from, &o, &paired, &d));
    EXPECT_INT(d.train.pairs.n + d.validation.pairs.n, 9);
    data_close(ctx, &d);
    b.source.ids[0] = END;                                      /* one more */
    FAILS(ctx, data_open(ctx, &from, &o, &paired, &d), RK_E_ARG, "10 sources, but 9 targets");
    b.source.tokens.n = b.target.tokens.n = 0;
    FAILS(ctx, data_open(ctx, &from, &o, &paired, &d), RK_E_ARG, "no pairs");
    rk_tok_close(ctx, tok);
    rk_tok_close(ctx, bare);
    rk_tok_close(ctx, no_marks);
    both_free(&b);
}
