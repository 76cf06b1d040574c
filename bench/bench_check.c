/* bench_check: milliseconds of holding a description against headers of very many tensors.
 *
 *   bench_check FOLDER [TENSORS [SHARDS]]     makes FOLDER/config.json and FOLDER/model.safetensors, a header and a hole, and
 *                                             checks it; with SHARDS so many files, and FOLDER/model.safetensors.index.json
 *
 * A third of the tensors are ignored buffers, the others nobody knows, but for those of a small GPT-2. Checked first: the
 * number of troubles is the number of tensors that nobody knows. Then nine passes: best and median of processor time. */
#include "reckon/model.h"
#include "usage.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { PASSES = 9, LAYERS = 48, MOST_TENSORS = 10000000 };
static const char usage[] = "bench_check FOLDER [TENSORS [SHARDS]]";

static double processor_seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int compare(const void *a, const void *b) { return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b); }

static int fail(rk_ctx *ctx)
{
    (void)fprintf(stderr, "%s\n%s\n%s", rk_error_message(ctx), rk_error_hint(ctx), rk_error_trail(ctx));
    return 1;
}

static bool is_buffer(int i) { return i % 3 == 0; }

static void put_name(FILE *f, int i) { (void)fprintf(f, "\"transformer.h.%d.attn.%s\"", i, is_buffer(i) ? "bias" : "other.weight"); }

/* Of the tensors from first on, up to end. */
static bool make_file(const char *path, int first, int end)
{
    long at = 0;
    FILE *f = fopen(path, "wb");
    if (f == NULL || fseek(f, 8, SEEK_SET) != 0) return false;
    for (int i = first; i < end; i++, at += 256) {
        (void)fputc(i == first ? '{' : ',', f);
        put_name(f, i);
        (void)fprintf(f, ":{\"dtype\":\"F32\",\"shape\":[1,1,8,8],\"data_offsets\":[%ld,%ld]}", at, at + 256);
    }
    (void)fprintf(f, "}");
    uint64_t header = (uint64_t)ftell(f) - 8;
    return fseek(f, 0, SEEK_SET) == 0 && fwrite(&header, 8, 1, f) == 1 && fclose(f) == 0 && truncate(path, (off_t)(8 + header) + at) == 0;
}

static int first_of(int shard, int tensors, int shards) { return (int)((long)shard * tensors / shards); }

/* As others write it: two blanks before each line of the map. */
static bool make_index(const char *path, int tensors, int shards)
{
    FILE *f = fopen(path, "wb");
    if (f == NULL) return false;
    (void)fprintf(f, "{\n  \"metadata\": {\n    \"total_size\": %ld\n  },\n  \"weight_map\": {", 256L * tensors);
    for (int s = 0; s < shards; s++)
        for (int i = first_of(s, tensors, shards); i < first_of(s + 1, tensors, shards); i++) {
            (void)fprintf(f, "%s\n    ", i == 0 ? "" : ",");
            put_name(f, i);
            (void)fprintf(f, ": \"model-%05d-of-%05d.safetensors\"", s + 1, shards);
        }
    return fprintf(f, "\n  }\n}\n") > 0 && fclose(f) == 0;
}

/* Tensors that nobody knows; -1: the files cannot be written. */
static int make(const char *folder, int tensors, int shards)
{
    char path[1000];
    int unknown = 0;
    (void)snprintf(path, sizeof path, "%s/config.json", folder);
    FILE *f = fopen(path, "wb");
    if (f == NULL || fprintf(f, "{\"model_type\":\"gpt2\",\"n_embd\":8,\"n_head\":2,\"n_layer\":%d,\"vocab_size\":16,\"n_positions\":8}", LAYERS) < 0 || fclose(f) != 0) return -1;
    (void)snprintf(path, sizeof path, "%s/model.safetensors", folder);
    if (shards == 0 && !make_file(path, 0, tensors)) return -1;
    for (int s = 0; s < shards; s++) {
        (void)snprintf(path, sizeof path, "%s/model-%05d-of-%05d.safetensors", folder, s + 1, shards);
        if (!make_file(path, first_of(s, tensors, shards), first_of(s + 1, tensors, shards))) return -1;
    }
    (void)snprintf(path, sizeof path, "%s/model.safetensors.index.json", folder);
    if (shards > 0 && !make_index(path, tensors, shards)) return -1;
    for (int i = 0; i < tensors; i++) unknown += !is_buffer(i);
    return unknown;
}

static bool each(void *user, const rk_check_row *row)
{
    *(int *)user += row->finding == RK_CHECK_EXTRA;
    return true;
}

int main(int n, char **arguments)
{
    if (usage_help(n, arguments, usage)) return 0;
    if (n < 2 || n > 4) return (void)fprintf(stderr, "usage: %s\n", usage), 2;
    int tensors = (int)usage_count(usage, "TENSORS", n > 2 ? arguments[2] : NULL, 100000, 1, MOST_TENSORS);
    int shards = (int)usage_count(usage, "SHARDS", n > 3 ? arguments[3] : NULL, 0, 0, 99999), unknown = make(arguments[1], tensors, shards);
    double seconds[PASSES];
    rk_ctx *ctx;
    if (unknown < 0) return (void)fprintf(stderr, "bench_check: %s: nothing can be written there\n", arguments[1]), 1;
    if (rk_ctx_open(NULL, &ctx) != RK_OK) return 1;
    for (int i = 0; i < PASSES; i++) {
        rk_model *m;
        rk_checked c;
        int told = 0;
        double began = processor_seconds();
        if (rk_model_open(ctx, arguments[1], &m) != RK_OK || rk_model_check(m, each, &told, &c) != RK_OK) return fail(ctx);
        rk_model_close(m);
        seconds[i] = processor_seconds() - began;
        if (told != unknown) return (void)fprintf(stderr, "%d tensors that nobody knows were told of, expected %d\n", told, unknown), 1;
    }
    qsort(seconds, PASSES, sizeof *seconds, compare);
    printf("check %d tensors in %d files: best %.1f ms, median %.1f ms\n", tensors, shards > 0 ? shards : 1, 1e3 * seconds[0], 1e3 * seconds[PASSES / 2]);
    rk_ctx_close(ctx);
    return 0;
}
