/* bench_tok: MB/s of training and encoding.
 *
 *   bench_tok train VOCAB FILE...            counts and merges, with the peak of memory
 *   bench_tok encode TOKENIZER FILE...       five passes, one thread and all: best and median; decode
 *   bench_tok split FILE...                  the scanners alone, each body
 *   bench_tok open TOKENIZER...              opening it, again and again
 *   bench_tok serve TOKENIZER THREADS        takes orders, a line each, for bench/peers_tok.py: file, again, decode
 *
 * Encoding is checked before it is timed: decoding must give the bytes back. Files are mapped and read once beforehand. */
#include "base/clock.h"
#include "base/file.h"
#include "reckon/tok.h"
#include "reckon/tokens.h"
#include "tok/split.h"
#include "usage.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { PASSES = 9, MOST_TOKENS = 10000000 };
static const char usage[] = "bench_tok train VOCAB FILE... | encode TOKENIZER FILE... | split FILE... | open TOKENIZER... | serve TOKENIZER THREADS";

struct rates { double wall[PASSES], user[PASSES]; };
struct moment { double wall, user; };

static struct moment now(void)
{
    struct rusage u;
    (void)getrusage(RUSAGE_SELF, &u);
    return (struct moment){ clock_seconds(), (double)u.ru_utime.tv_sec + 1e-6 * (double)u.ru_utime.tv_usec };
}

static void note(struct rates *r, int pass, struct moment began)
{
    struct moment m = now();
    r->wall[pass] = m.wall - began.wall;
    r->user[pass] = m.user - began.user;
}

struct stages { double count, merge; uint64_t words; };

static bool stage(void *user, const rk_tok_progress *p)
{
    struct stages *s = user;
    if (strcmp(p->stage, "count") == 0) s->count = p->seconds;
    else s->merge = p->seconds;
    return true;
}

static int fail(rk_ctx *ctx)
{
    (void)fprintf(stderr, "%s\n%s\n%s", rk_error_message(ctx), rk_error_hint(ctx), rk_error_trail(ctx));
    return 1;
}

static int compare(const void *a, const void *b) { return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b); }

static void print_rate(const char *what, int threads, double bytes, struct rates *r)
{
    qsort(r->wall, PASSES, sizeof *r->wall, compare);
    qsort(r->user, PASSES, sizeof *r->user, compare);
    printf("%-8s %2d thread%s  best %8.1f MB/s   median %8.1f MB/s   by processor time in user mode: best %8.1f, median %8.1f\n", what, threads, threads == 1 ? " " : "s",
           bytes / r->wall[0] * 1e-6, bytes / r->wall[PASSES / 2] * 1e-6, bytes / r->user[0] * 1e-6, bytes / r->user[PASSES / 2] * 1e-6);
}

static int train(rk_ctx *ctx, const char *const *paths, int n, uint32_t vocab_size)
{
    static const char *const specials[] = { "<|endoftext|>" };
    struct stages s = { 0 };
    rk_tok_training how = { .vocab_size = vocab_size, .specials = specials, .n_specials = 1, .progress = stage, .user = &s };
    double bytes = 0, began = clock_seconds();
    rk_tok *tok;
    for (int i = 0; i < n; i++) {
        struct file_view view;
        if (file_map(ctx, paths[i], &view) != RK_OK) return fail(ctx);
        bytes += (double)view.n;
        file_unmap(&view);
    }
    if (rk_tok_train_files(ctx, &how, paths, (size_t)n, &tok) != RK_OK) return fail(ctx);
    double seconds = clock_seconds() - began;
    printf("train    %2d threads  %.3f s in all: count %.3f s (%.1f MB/s), merge %.3f s; %u tokens; peak %.1f MiB\n", rk_ctx_threads(ctx), seconds, s.count,
           bytes / s.count * 1e-6, s.merge, rk_tok_size(tok), (double)rk_ctx_peak_bytes(ctx) / 1048576);
    rk_tok_close(ctx, tok);
    return 0;
}

static int split(const struct file_view *view, const char *pattern, enum isa isa)
{
    static const char *const names[] = {
#define X(isa) #isa,
        FOR_EVERY_ISA(X)
#undef X
    };
    struct rates rates;
    split_scan *scan = split_body(split_find(pattern)->scan, isa);
    size_t words = 0;
    for (int pass = 0; pass < PASSES; pass++) {
        size_t at = 0, ends[512], made;
        struct moment began = now();
        words = 0;
        while ((made = scan(view->at, view->n, at, ends, 512)) > 0) {
            words += made;
            at = ends[made - 1];
        }
        note(&rates, pass, began);
    }
    printf("%s, %s: %zu words, %.2f bytes each\n", pattern, names[isa], words, (double)view->n / (double)words);
    print_rate("split", 1, (double)view->n, &rates);
    return 0;
}

static int split_by_every_body(const struct file_view *view)
{
    static const char *const patterns[] = { "gpt2", "cl100k", "o200k" };
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
        for (int isa = 0; isa < ISA_COUNT; isa++)
            if (isa_runs((enum isa)isa) && split(view, patterns[i], (enum isa)isa) != 0) return 1;
    return 0;
}

static int encode(rk_ctx *ctx, const rk_tok *tok, const struct file_view *view)
{
    struct rates encoding, decoding, warm;
    rk_ids ids = { 0 };
    rk_bytes back = { 0 };
    rk_tok_encoder *encoder;
    if (rk_tok_encoder_open(ctx, tok, 0, &encoder) != RK_OK) return fail(ctx);
    for (int pass = 0; pass < PASSES; pass++) {
        ids.n = back.n = 0;
        struct moment began = now();
        if (rk_tok_encode(ctx, tok, (const char *)view->at, view->n, 0, &ids) != RK_OK) return fail(ctx);
        note(&encoding, pass, began);
        began = now();
        if (rk_tok_decode(ctx, tok, ids.at, ids.n, 0, &back) != RK_OK) return fail(ctx);
        note(&decoding, pass, began);
        if (back.n != view->n || memcmp(back.at, view->at, back.n) != 0) return puts("decoding gives other bytes") < 0 ? 2 : 1;
        ids.n = 0;
        began = now();
        if (rk_tok_encoder_add(ctx, encoder, (const char *)view->at, view->n, &ids) != RK_OK || rk_tok_encoder_end(ctx, encoder, &ids) != RK_OK) return fail(ctx);
        note(&warm, pass, began);
    }
    printf("%zu ids, %.3f bytes each\n", ids.n, (double)view->n / (double)ids.n);
    print_rate("encode", rk_ctx_threads(ctx), (double)view->n, &encoding);
    print_rate("again", 1, (double)view->n, &warm);
    print_rate("decode", 1, (double)view->n, &decoding);
    rk_tok_encoder_close(ctx, encoder);
    rk_ids_free(ctx, &ids);
    rk_bytes_free(ctx, &back);
    return 0;
}

static int encode_files(const char *tokenizer, const char *const *paths, int n, int threads)
{
    rk_options options = { .threads = threads };
    rk_ctx *ctx;
    rk_tok *tok = NULL;
    int result = 0;
    if (rk_ctx_open(&options, &ctx) != RK_OK) return 1;
    if (tokenizer != NULL && rk_tok_open(ctx, tokenizer, &tok) != RK_OK) return fail(ctx);
    for (int i = 0; i < n && result == 0; i++) {
        struct file_view view;
        if (file_map(ctx, paths[i], &view) != RK_OK) return fail(ctx);
        unsigned sum = 0;
        for (size_t k = 0; k < view.n; k += 4096) sum += view.at[k];
        printf("%s: %.1f MB (%02x)\n", paths[i], (double)view.n * 1e-6, sum & 255);
        result = tok == NULL ? split_by_every_body(&view) : encode(ctx, tok, &view);
        file_unmap(&view);
    }
    rk_tok_close(ctx, tok);
    rk_ctx_close(ctx);
    return result;
}

static int open_again(const char *path)
{
    double wall[PASSES];
    rk_ctx *ctx;
    if (rk_ctx_open(&(rk_options){ .threads = 1 }, &ctx) != RK_OK) return 1;
    for (int pass = 0; pass < PASSES; pass++) {
        rk_tok *tok;
        double began = clock_seconds();
        if (rk_tok_open(ctx, path, &tok) != RK_OK) return fail(ctx);
        wall[pass] = clock_seconds() - began;
        rk_tok_close(ctx, tok);
    }
    double first = wall[0];
    qsort(wall, PASSES, sizeof *wall, compare);
    printf("%s: first %.1f ms, best %.1f, median %.1f; peak %.1f MiB\n", path, first * 1e3, wall[0] * 1e3, wall[PASSES / 2] * 1e3, (double)rk_ctx_peak_bytes(ctx) / 1048576);
    rk_ctx_close(ctx);
    return 0;
}

static int open_each(const char *const *paths, int n)
{
    int result = 0;
    for (int i = 0; i < n && result == 0; i++) result = open_again(paths[i]);
    return result;
}

/* ---- orders: one line in, one line of JSON out ---- */

struct served { rk_ctx *ctx; rk_tok *tok; rk_tok_encoder *encoder; rk_tokens_writer *to; uint64_t tokens; };

static bool write_ids(void *user, const uint32_t *ids, size_t n, bool ends)
{
    struct served *s = user;
    (void)ends;
    s->tokens += n;
    return s->to == NULL || rk_tokens_add(s->ctx, s->to, ids, n) == RK_OK;
}

/* From a file of text to a file of ids, both named; "-" for none. */
static rk_status encode_file(struct served *s, const char *in, const char *out)
{
    struct file_view view;
    rk_ctx *ctx = s->ctx;
    TRY(file_map(ctx, in, &view));
    if (strcmp(out, "-") != 0) TRY(rk_tokens_create(ctx, out, rk_tok_size(s->tok) <= 65536 ? 2 : 4, &s->to));
    rk_text text = { (const char *)view.at, view.n };
    TRY(rk_tok_encoder_many(ctx, s->encoder, &text, 1, write_ids, s));
    if (s->to != NULL) TRY(rk_tokens_commit(ctx, s->to));
    s->to = NULL;
    file_unmap(&view);
    return RK_OK;
}

static rk_status decode_file(struct served *s, const char *in, struct moment *began)
{
    static rk_bytes back;                                             /* its room serves again */
    struct file_view view;
    rk_ids ids = { 0 };
    rk_ctx *ctx = s->ctx;
    TRY(file_map(ctx, in, &view));
    TRY(rk_tok_encode(ctx, s->tok, (const char *)view.at, view.n, 0, &ids));
    back.n = 0;
    *began = now();
    TRY(rk_tok_decode(ctx, s->tok, ids.at, ids.n, 0, &back));
    s->tokens = ids.n;
    rk_ids_free(ctx, &ids);
    file_unmap(&view);
    return RK_OK;
}

/* file IN OUT: with a fresh encoder; again IN OUT: with one that has seen it; decode IN. */
static rk_status obey(struct served *s, char *line, struct moment *began)
{
    char *word = strtok(line, " \n"), *in = strtok(NULL, " \n"), *out = strtok(NULL, " \n");
    rk_ctx *ctx = s->ctx;
    s->tokens = 0;
    *began = now();
    if (word == NULL || in == NULL) return FAIL(RK_E_ARG, "an order is: file|again IN OUT, or decode IN");
    if (strcmp(word, "decode") == 0) return decode_file(s, in, began);
    if (strcmp(word, "file") == 0) {
        rk_tok_encoder_close(ctx, s->encoder);
        TRY(rk_tok_encoder_open(ctx, s->tok, 0, &s->encoder));
    }
    return encode_file(s, in, out == NULL ? "-" : out);
}

static int serve(const char *tokenizer, int threads)
{
    char line[4096];
    rk_options options = { .threads = threads };
    struct served s = { 0 };
    if (rk_ctx_open(&options, &s.ctx) != RK_OK) return 1;
    if (rk_tok_open(s.ctx, tokenizer, &s.tok) != RK_OK || rk_tok_encoder_open(s.ctx, s.tok, 0, &s.encoder) != RK_OK) return fail(s.ctx);
    printf("{\"ready\": true}\n");
    (void)fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL) {
        struct moment began;
        if (obey(&s, line, &began) != RK_OK) return fail(s.ctx);
        struct moment ended = now();
        printf("{\"seconds\": %.6f, \"user\": %.6f, \"tokens\": %llu}\n", ended.wall - began.wall, ended.user - began.user, (unsigned long long)s.tokens);
        (void)fflush(stdout);
    }
    rk_tok_encoder_close(s.ctx, s.encoder);
    rk_tok_close(s.ctx, s.tok);
    rk_ctx_close(s.ctx);
    return 0;
}

int main(int argc, char **argv)
{
    const char *const *words = (const char *const *)argv;
    if (usage_help(argc, argv, usage)) return 0;
    if (argc >= 4 && strcmp(argv[1], "train") == 0) {
        rk_ctx *ctx;
        uint32_t vocab = (uint32_t)usage_count(usage, "VOCAB", argv[2], 0, 1, MOST_TOKENS);
        if (rk_ctx_open(NULL, &ctx) != RK_OK) return 1;
        int result = train(ctx, words + 3, argc - 3, vocab);
        rk_ctx_close(ctx);
        return result;
    }
    if (argc >= 4 && strcmp(argv[1], "encode") == 0) {
        int one = encode_files(argv[2], words + 3, argc - 3, 1);
        return one != 0 ? one : encode_files(argv[2], words + 3, argc - 3, 0);
    }
    if (argc >= 3 && strcmp(argv[1], "split") == 0) return encode_files(NULL, words + 2, argc - 2, 1);
    if (argc >= 3 && strcmp(argv[1], "open") == 0) return open_each(words + 2, argc - 2);
    if (argc == 4 && strcmp(argv[1], "serve") == 0) return serve(argv[2], (int)usage_count(usage, "THREADS", argv[3], 0, 0, USAGE_THREADS));
    return (void)fprintf(stderr, "usage: %s\n", usage), 2;
}
