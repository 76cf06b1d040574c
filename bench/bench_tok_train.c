/* bench_tok_train: how fast words are counted and merges learned.
 *
 *   bench_tok_train files VOCAB FILE...              counts and merges, five passes: best and median; files are mapped and read once beforehand
 *   bench_tok_train once VOCAB FILE                  one pass, in one line
 *   bench_tok_train counts VOCAB FILE...             merges alone, from counts files, five passes
 *   bench_tok_train web BYTES VOCAB [COUNTS]         text like the web's (webtext.h), made as it goes and never stored, counted once, then merged;
 *                                                    COUNTS: the counts are kept there
 *   bench_tok_train write BYTES FILE                 that text into a file, in whole steps of 128 pages: for `once` and `files`, and for peers
 *
 * Threads: BENCH_THREADS, all by default. Special token: <|endoftext|>. Peers are timed on the same files by bench/peers_train.py. */
#include "base/clock.h"
#include "base/file.h"
#include "base/par.h"
#include "reckon/counts.h"
#include "usage.h"
#include "webtext.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { PASSES = 5, STREAM_PAGES = 128, MOST_TOKENS = 10000000 };
static const char usage[] = "bench_tok_train files|once VOCAB FILE... | counts VOCAB FILE... | web BYTES VOCAB [COUNTS] | write BYTES FILE    environment: BENCH_THREADS";

static const char *const specials[] = { "<|endoftext|>" };
static const rk_counting counting = { .specials = specials, .n_specials = 1 };

struct run { double count, merge, count_user, merge_user; rk_counts_sum sum; uint32_t tokens; };       /* by the clock; of all processors, outside the system */

static double user_seconds(void)
{
    struct rusage used;
    return getrusage(RUSAGE_SELF, &used) == 0 ? (double)used.ru_utime.tv_sec + 1e-6 * (double)used.ru_utime.tv_usec : 0;
}

static int fail(rk_ctx *ctx)
{
    (void)fprintf(stderr, "%s\n%s\n%s", rk_error_message(ctx), rk_error_hint(ctx), rk_error_trail(ctx));
    return 1;
}

static int compare(const void *a, const void *b) { return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b); }

static rk_status merge(rk_ctx *ctx, rk_counts *counts, uint32_t vocab_size, struct run *r)
{
    rk_tok *tok;
    rk_tok_training how = { .vocab_size = vocab_size };
    double began = clock_seconds(), user = user_seconds();
    rk_status status = rk_counts_train(ctx, counts, &how, &tok);
    r->merge = clock_seconds() - began;
    r->merge_user = user_seconds() - user;
    r->tokens = status == RK_OK ? rk_tok_size(tok) : 0;
    rk_tok_close(ctx, tok);
    return status;
}

static rk_status pass(rk_ctx *ctx, const char *kind, const char *const *paths, const rk_text *texts, size_t n, uint32_t vocab_size, struct run *r)
{
    rk_counts *counts;
    rk_status status = rk_counts_open(ctx, &counting, &counts);
    double began = clock_seconds(), user = user_seconds();
    if (status == RK_OK && strcmp(kind, "counts") != 0) status = rk_counts_add(ctx, counts, texts, n);
    for (size_t i = 0; i < n && status == RK_OK && strcmp(kind, "counts") == 0; i++) status = rk_counts_read(ctx, counts, paths[i]);
    r->count = clock_seconds() - began;
    r->count_user = user_seconds() - user;
    if (status == RK_OK) status = merge(ctx, counts, vocab_size, r);
    rk_counts_close(ctx, counts);
    return status;
}

static void print(const char *what, double *seconds, double bytes)
{
    qsort(seconds, PASSES, sizeof *seconds, compare);
    printf("%-6s best %7.3f s   median %7.3f s", what, seconds[0], seconds[PASSES / 2]);
    if (bytes > 0) printf("   best %8.1f MB/s", bytes / seconds[0] * 1e-6);
    printf("\n");
}

static int passes(rk_ctx *ctx, const char *kind, uint32_t vocab_size, const char *const *paths, size_t n)
{
    struct file_view *views = calloc(n, sizeof *views);
    rk_text *texts = calloc(n, sizeof *texts);
    double bytes = 0, count[PASSES], merged[PASSES], all[PASSES];
    struct run r = { 0 };
    unsigned sum = 0;
    if (views == NULL || texts == NULL) return 1;
    for (size_t i = 0; i < n; i++) {
        if (file_map(ctx, paths[i], &views[i]) != RK_OK) return fail(ctx);
        texts[i] = (rk_text){ (const char *)views[i].at, views[i].n };
        bytes += (double)views[i].n;
        for (size_t k = 0; k < views[i].n; k += 4096) sum += views[i].at[k];
    }
    bool once = strcmp(kind, "once") == 0;
    for (int i = 0; i < (once ? 1 : PASSES); i++) {
        if (pass(ctx, kind, paths, texts, n, vocab_size, &r) != RK_OK) return fail(ctx);
        count[i] = r.count;
        merged[i] = r.merge;
        all[i] = r.count + r.merge;
    }
    if (once) {
        printf("count %.3f s, merge %.3f s, peak %.1f MiB, %u tokens; user %.3f s, %.3f s; %.0f MB/s of user time counted\n", r.count, r.merge,
               (double)rk_ctx_peak_bytes(ctx) / 1048576, r.tokens, r.count_user, r.merge_user, bytes / r.count_user * 1e-6);
        return 0;
    }
    printf("%d threads, %.1f MB (%02x), %u tokens, peak %.1f MiB\n", rk_ctx_threads(ctx), bytes * 1e-6, sum & 255, r.tokens, (double)rk_ctx_peak_bytes(ctx) / 1048576);
    print(kind, count, strcmp(kind, "files") == 0 ? bytes : 0);
    print("merge", merged, 0);
    print("all", all, 0);
    for (size_t i = 0; i < n; i++) file_unmap(&views[i]);
    free(views);
    free(texts);
    return 0;
}

/* ---- web ---- */

struct making { unsigned char *to; uint64_t first; };

static void make(void *arg, int64_t task, int worker)
{
    struct making *m = arg;
    (void)worker;
    webtext_page(WEBTEXT_SEED, m->first + (uint64_t)task, m->to + task * WEBTEXT_PAGE);
}

static int web(rk_ctx *ctx, uint64_t bytes, uint32_t vocab_size, const char *keep)
{
    rk_counts *counts;
    struct run r = { 0 };
    struct making m = { malloc((size_t)STREAM_PAGES * WEBTEXT_PAGE), 0 };
    if (m.to == NULL || rk_counts_open(ctx, &counting, &counts) != RK_OK) return fail(ctx);
    for (; m.first * WEBTEXT_PAGE < bytes; m.first += STREAM_PAGES) {
        par_for(ctx, STREAM_PAGES, make, &m);
        rk_text text = { (const char *)m.to, (size_t)STREAM_PAGES * WEBTEXT_PAGE };
        double began = clock_seconds(), user = user_seconds();
        if (rk_counts_add(ctx, counts, &text, 1) != RK_OK) return fail(ctx);
        r.count += clock_seconds() - began;
        r.count_user += user_seconds() - user;
    }
    double made = (double)m.first * WEBTEXT_PAGE, began = clock_seconds(), user = user_seconds();
    if (rk_counts_total(ctx, counts, &r.sum) != RK_OK) return fail(ctx);
    r.count += clock_seconds() - began;
    r.count_user += user_seconds() - user;
    printf("%d threads, %.2f GB of web-like text, %llu words, %llu distinct; count %.3f s, %.3f GB/s, user %.3f s; peak %.1f MiB\n", rk_ctx_threads(ctx), made * 1e-9,
           (unsigned long long)r.sum.words, (unsigned long long)r.sum.distinct, r.count, made / r.count * 1e-9, r.count_user, (double)rk_ctx_peak_bytes(ctx) / 1048576);
    (void)fflush(stdout);
    if (keep != NULL && rk_counts_write(ctx, counts, keep) != RK_OK) return fail(ctx);
    if (merge(ctx, counts, vocab_size, &r) != RK_OK) return fail(ctx);
    printf("merge to %u tokens %.3f s, user %.3f s; peak %.1f MiB\n", r.tokens, r.merge, r.merge_user, (double)rk_ctx_peak_bytes(ctx) / 1048576);
    rk_counts_close(ctx, counts);
    free(m.to);
    return 0;
}

static int write_web(rk_ctx *ctx, uint64_t bytes, const char *path)
{
    struct making m = { malloc((size_t)STREAM_PAGES * WEBTEXT_PAGE), 0 };
    FILE *to = fopen(path, "wb");
    bool done = m.to != NULL && to != NULL;
    for (; done && m.first * WEBTEXT_PAGE < bytes; m.first += STREAM_PAGES) {
        par_for(ctx, STREAM_PAGES, make, &m);
        done = fwrite(m.to, WEBTEXT_PAGE, STREAM_PAGES, to) == STREAM_PAGES;
    }
    if (to != NULL && fclose(to) != 0) done = false;
    if (!done) (void)fprintf(stderr, "%s: cannot be written\n", path);
    free(m.to);
    return done ? 0 : 1;
}

static uint32_t vocab_of(const char *word) { return (uint32_t)usage_count(usage, "VOCAB", word, 0, 1, MOST_TOKENS); }
static uint64_t bytes_of(const char *word) { return (uint64_t)usage_count(usage, "BYTES", word, 0, 1, INT64_C(1) << 50); }

int main(int argc, char **argv)
{
    if (usage_help(argc, argv, usage)) return 0;
    rk_options options = { .threads = usage_threads(usage, 0) };
    rk_ctx *ctx;
    int result = 2;
    if (rk_ctx_open(&options, &ctx) != RK_OK) return 1;
    if (argc >= 4 && (strcmp(argv[1], "files") == 0 || strcmp(argv[1], "once") == 0 || strcmp(argv[1], "counts") == 0))
        result = passes(ctx, argv[1], vocab_of(argv[2]), (const char *const *)argv + 3, (size_t)argc - 3);
    else if (argc >= 4 && strcmp(argv[1], "web") == 0)
        result = web(ctx, bytes_of(argv[2]), vocab_of(argv[3]), argc > 4 ? argv[4] : NULL);
    else if (argc == 4 && strcmp(argv[1], "write") == 0)
        result = write_web(ctx, bytes_of(argv[2]), argv[3]);
    else
        (void)fprintf(stderr, "usage: %s\n", usage);
    rk_ctx_close(ctx);
    return result;
}
