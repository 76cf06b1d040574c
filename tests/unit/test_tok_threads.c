/* One open tokenizer, many threads, each with its own context: what each gets is what one alone gets, and their caches stay small; after a fork it
 * works as before.
 * labels: threads */
#include "reckon/encoding.h"
#include "reckon/tok.h"
#include "test.h"
#include "test_tok_text.h"
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 4, TEXTS = 40, MOST = 2000 };

static char texts[TEXTS][MOST];
static size_t lengths[TEXTS];

struct outcome { rk_ids ids; size_t ends[TEXTS]; rk_bytes back; size_t spans; };
struct worker { pthread_t thread; const rk_tok *tok; rk_ctx *ctx; int first; rk_status status; struct outcome got; size_t kept; };

/* All texts, beginning with `first`, by every way of encoding. */
static rk_status use(rk_ctx *ctx, const rk_tok *tok, int first, struct outcome *o, size_t *kept)
{
    rk_tok_encoder *e;
    rk_ids streamed = { 0 };
    rk_encoding placed = { 0 };
    rk_status status = rk_tok_encoder_open(ctx, tok, 0, &e);
    for (int i = 0; i < TEXTS && status == RK_OK; i++) {
        int k = (first + i) % TEXTS;
        size_t before = o->ids.n;
        streamed.n = 0;
        status = rk_tok_encode(ctx, tok, texts[k], lengths[k], 0, &o->ids);
        o->ends[k] = o->ids.n - before;
        if (status == RK_OK) status = rk_tok_encoder_add(ctx, e, texts[k], lengths[k], &streamed);
        if (status == RK_OK) status = rk_tok_encoder_end(ctx, e, &streamed);
        if (status == RK_OK && streamed.n != o->ends[k]) status = RK_E_DIFFERS;
        if (status == RK_OK) status = rk_encoding_make(ctx, tok, &(rk_encoding_rules){ .bare = true }, (rk_text){ texts[k], lengths[k] }, NULL, &placed);
        if (status == RK_OK) o->spans += placed.n;
    }
    if (status == RK_OK) status = rk_tok_decode(ctx, tok, o->ids.at, o->ids.n, 0, &o->back);
    *kept = rk_ctx_bytes(ctx);
    rk_tok_encoder_close(ctx, e);
    rk_encoding_free(ctx, &placed);
    rk_ids_free(ctx, &streamed);
    return status;
}

static void *work(void *arg)
{
    struct worker *w = arg;
    w->status = use(w->ctx, w->tok, w->first, &w->got, &w->kept);
    return NULL;
}

static void share(const char *pattern)
{
    rk_ctx *ctx = test_ctx();
    struct worker workers[THREADS] = { 0 };
    struct outcome alone = { 0 };
    rk_tok *tok;
    size_t kept;
    rk_text some[TEXTS];
    for (int i = 0; i < TEXTS; i++) {
        lengths[i] = hard_text(texts[i], MOST);
        some[i] = (rk_text){ texts[i], lengths[i] };
    }
    rk_status status = rk_tok_train(ctx, &(rk_tok_training){ .vocab_size = 600, .pattern = pattern }, some, TEXTS, &tok);
    if (status == RK_E_DECLINED) SKIP("no PCRE2 here");
    OK(ctx, status);
    OK(ctx, use(ctx, tok, 0, &alone, &kept));
    rk_tok_close(ctx, tok);                                           /* the next is as nobody has used it: its tables are filled amid all of them */
    OK(ctx, rk_tok_train(ctx, &(rk_tok_training){ .vocab_size = 600, .pattern = pattern }, some, TEXTS, &tok));
    for (int t = 0; t < THREADS; t++) {
        workers[t] = (struct worker){ .tok = tok, .first = t * 7 };
        REQUIRE(rk_ctx_open(&(rk_options){ .threads = 1 }, &workers[t].ctx) == RK_OK);
        REQUIRE(pthread_create(&workers[t].thread, NULL, work, &workers[t]) == 0);
    }
    for (int t = 0; t < THREADS; t++) {
        struct worker *w = &workers[t];
        REQUIRE(pthread_join(w->thread, NULL) == 0);
        EXPECT(w->status == RK_OK && w->got.ids.n == alone.ids.n && w->got.spans == alone.spans && w->got.back.n == alone.back.n);
        EXPECT(memcmp(w->got.ends, alone.ends, sizeof alone.ends) == 0);
        EXPECT(w->kept < 64 << 20);
        rk_ids_free(w->ctx, &w->got.ids);
        rk_bytes_free(w->ctx, &w->got.back);
        EXPECT_INT(rk_ctx_bytes(w->ctx), 0);
        rk_ctx_close(w->ctx);
    }
    rk_ids_free(ctx, &alone.ids);
    rk_bytes_free(ctx, &alone.back);
    rk_tok_close(ctx, tok);
}

TEST(threads_share_a_tokenizer) { share("gpt2"); }
TEST(threads_share_a_pattern_of_ones_own) { share("\\p{L}+|[^\\p{L}]"); }

/* ---- each thread its own training, some of them stopped, and batches and strict decoding on one tokenizer ---- */

struct trainer { pthread_t thread; rk_ctx *ctx; const rk_tok *tok; uint64_t stop_at, told; uint32_t crc; bool as_expected; };

static bool told(void *user, const rk_tok_progress *p)
{
    struct trainer *t = user;
    return p->total > 0 && ++t->told < t->stop_at;
}

static bool stop_at_once(void *user, const uint32_t *ids, size_t n, bool ends)
{
    (void)user, (void)ids, (void)n, (void)ends;
    return false;
}

static void *train_and_use(void *arg)
{
    struct trainer *t = arg;
    rk_ctx *ctx = t->ctx;
    rk_tok *own = NULL;
    rk_tok_encoder *e = NULL;
    rk_ids ids = { 0 };
    rk_bytes text = { 0 };
    size_t ends[TEXTS];
    rk_text some[TEXTS];
    for (int i = 0; i < TEXTS; i++) some[i] = (rk_text){ texts[i], lengths[i] };
    rk_status status = rk_tok_train(ctx, &(rk_tok_training){ .vocab_size = 500, .progress = told, .user = t }, some, TEXTS, &own);
    t->as_expected = status == (t->stop_at == UINT64_MAX ? RK_OK : RK_E_CANCELLED) && (own == NULL || rk_tok_fingerprint(ctx, own, &t->crc) == RK_OK);
    t->as_expected &= rk_tok_encode_many(ctx, t->tok, some, TEXTS, 0, &ids, ends) == RK_OK && ends[TEXTS - 1] == ids.n;
    t->as_expected &= rk_tok_decode_text(ctx, t->tok, ids.at, ids.n, 0, RK_ERRORS_STRICT, &text) == RK_E_FORMAT && text.n == 0;      /* hard texts are no UTF-8 */
    t->as_expected &= rk_tok_decode_text(ctx, t->tok, ids.at, ids.n, 0, RK_ERRORS_REPLACE, &text) == RK_OK && text.n > 0;
    t->as_expected &= rk_tok_encoder_open(ctx, t->tok, 0, &e) == RK_OK && rk_tok_encoder_many(ctx, e, some, TEXTS, stop_at_once, NULL) == RK_E_CANCELLED;
    rk_tok_encoder_close(ctx, e);
    rk_tok_close(ctx, own);
    rk_ids_free(ctx, &ids);
    rk_bytes_free(ctx, &text);
    return NULL;
}

TEST(threads_train_and_stop_beside_each_other)
{
    rk_ctx *ctx = test_ctx();
    struct trainer trainers[THREADS];
    rk_tok *tok;
    rk_text some[TEXTS];
    for (int i = 0; i < TEXTS; i++) {
        lengths[i] = hard_text(texts[i], MOST);
        some[i] = (rk_text){ texts[i], lengths[i] };
    }
    OK(ctx, rk_tok_train(ctx, &(rk_tok_training){ .vocab_size = 500 }, some, TEXTS, &tok));
    uint32_t expected;
    OK(ctx, rk_tok_fingerprint(ctx, tok, &expected));
    for (int i = 0; i < THREADS; i++) {
        trainers[i] = (struct trainer){ .tok = tok, .stop_at = i % 2 == 0 ? UINT64_MAX : (uint64_t)i };
        REQUIRE(rk_ctx_open(&(rk_options){ .threads = 2 }, &trainers[i].ctx) == RK_OK);
    }
    for (int i = 0; i < THREADS; i++) REQUIRE(pthread_create(&trainers[i].thread, NULL, train_and_use, &trainers[i]) == 0);
    for (int i = 0; i < THREADS; i++) {
        REQUIRE(pthread_join(trainers[i].thread, NULL) == 0);
        EXPECT(trainers[i].as_expected && trainers[i].told > 0);
        EXPECT(i % 2 == 1 || trainers[i].crc == expected);
        EXPECT_INT(rk_ctx_bytes(trainers[i].ctx), 0);
        rk_ctx_close(trainers[i].ctx);
    }
    rk_tok_close(ctx, tok);
}

/* ---- after a fork: threads that the parent had are not there in the child, and nobody waits for them ---- */

enum { LONG = 1 << 19, PATIENCE = 60 };

static bool count_ids(void *user, const uint32_t *ids, size_t n, bool ends)
{
    uint64_t *sum = user;
    (void)ends;
    for (size_t i = 0; i < n; i++) *sum = *sum * 31 + ids[i];
    return true;
}

/* By two threads, as one does it with a text of this length. */
static uint64_t by_threads(rk_ctx *ctx, const rk_tok *tok, const char *text)
{
    rk_tok_encoder *e;
    uint64_t sum = 1;
    rk_text whole = { text, LONG };
    if (rk_tok_encoder_open(ctx, tok, 0, &e) != RK_OK) return 0;
    if (rk_tok_encoder_many(ctx, e, &whole, 1, count_ids, &sum) != RK_OK) sum = 0;
    rk_tok_encoder_close(ctx, e);
    return sum;
}

TEST(a_tokenizer_survives_a_fork)
{
    if (strcmp(rk_threads_of(), "pthreads") != 0) SKIP("%s does not promise to survive a fork", rk_threads_of());
    rk_ctx *ctx;
    rk_tok *tok;
    char *text = malloc(LONG);
    REQUIRE(text != NULL && rk_ctx_open(&(rk_options){ .threads = 2 }, &ctx) == RK_OK);
    for (size_t at = 0, n; at < LONG; at += n == 0 ? 1 : n) {
        text[at] = ' ';
        n = hard_text(text + at, LONG - at < MOST ? LONG - at : MOST);
    }
    rk_text some = { text, 1 << 15 };
    OK(ctx, rk_tok_train(ctx, &(rk_tok_training){ .vocab_size = 400 }, &some, 1, &tok));
    uint64_t expected = by_threads(ctx, tok, text);
    EXPECT(expected != 0 && by_threads(ctx, tok, text) == expected);
    pid_t child = fork();
    if (child == 0) {
        (void)alarm(PATIENCE);                                        /* who waits for ever is killed */
        bool same = by_threads(ctx, tok, text) == expected;
        rk_tok_close(ctx, tok);
        _exit(same ? 0 : 1);
    }
    int status = 0;
    REQUIRE(child > 0 && waitpid(child, &status, 0) == child);
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    EXPECT(by_threads(ctx, tok, text) == expected);
    rk_tok_close(ctx, tok);
    rk_ctx_close(ctx);
    free(text);
}

/* Words that never come again fill the caches, and then nothing grows. */
TEST(an_encoder_that_meets_ever_new_words_stops_growing)
{
    enum { WORDS = 20000, BLOCKS = TEST_RACES ? 4 : 40, LETTERS = 6 };
    rk_ctx *ctx = test_ctx();
    rk_tok *tok;
    rk_tok_encoder *e;
    rk_ids ids = { 0 };
    static char text[WORDS * (LETTERS + 1)];
    size_t after[BLOCKS];
    uint64_t next = 0;
    rk_text some = { "none of these words is in it", 28 };
    OK(ctx, rk_tok_train(ctx, &(rk_tok_training){ .vocab_size = 257 }, &some, 1, &tok));
    OK(ctx, rk_tok_encoder_open(ctx, tok, 0, &e));
    for (int b = 0; b < BLOCKS; b++) {
        for (size_t at = 0; at < sizeof text; next++) {
            uint64_t letters = next;
            text[at++] = ' ';
            for (int k = 0; k < LETTERS; k++, letters /= 26) text[at++] = (char)('a' + letters % 26);
        }
        ids.n = 0;
        OK(ctx, rk_tok_encoder_add(ctx, e, text, sizeof text, &ids));
        after[b] = rk_ctx_bytes(ctx);
    }
    EXPECT(after[BLOCKS - 1] > after[0] && (TEST_RACES || after[BLOCKS - 1] == after[BLOCKS / 2]));
    EXPECT(after[BLOCKS - 1] < 96 << 20);
    rk_tok_encoder_close(ctx, e);
    rk_ids_free(ctx, &ids);
    rk_tok_close(ctx, tok);
}
