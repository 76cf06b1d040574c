/* bench_check: milliseconds of holding a description against a header of very many tensors.
 *
 *   bench_check FOLDER [TENSORS]     makes FOLDER/config.json and FOLDER/model.safetensors, a header and a hole, and checks it
 *
 * A third of the tensors are ignored buffers, the others nobody knows, but for those of a small GPT-2. Checked first: the
 * number of troubles is the number of tensors that nobody knows. Then nine passes: best and median of processor time. */
#include "reckon/model.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { PASSES = 9, LAYERS = 48 };

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

/* Tensors that nobody knows; -1: the files cannot be written. */
static int make(const char *folder, int tensors)
{
    char path[1000];
    int unknown = 0;
    long at = 0;
    (void)snprintf(path, sizeof path, "%s/config.json", folder);
    FILE *f = fopen(path, "wb");
    if (f == NULL || fprintf(f, "{\"model_type\":\"gpt2\",\"n_embd\":8,\"n_head\":2,\"n_layer\":%d,\"vocab_size\":16,\"n_positions\":8}", LAYERS) < 0 || fclose(f) != 0) return -1;
    (void)snprintf(path, sizeof path, "%s/model.safetensors", folder);
    f = fopen(path, "wb");
    if (f == NULL || fseek(f, 8, SEEK_SET) != 0) return -1;
    for (int i = 0; i < tensors; i++, at += 256) {
        bool buffer = i % 3 == 0;
        unknown += !buffer;
        (void)fprintf(f, "%s\"transformer.h.%d.attn.%s\":{\"dtype\":\"F32\",\"shape\":[1,1,8,8],\"data_offsets\":[%ld,%ld]}", i == 0 ? "{" : ",", i, buffer ? "bias" : "other.weight", at, at + 256);
    }
    (void)fprintf(f, "}");
    uint64_t header = (uint64_t)ftell(f) - 8;
    if (fseek(f, 0, SEEK_SET) != 0 || fwrite(&header, 8, 1, f) != 1 || fclose(f) != 0 || truncate(path, (off_t)(8 + header) + at) != 0) return -1;
    return unknown;
}

static bool each(void *user, const rk_check_row *row)
{
    *(int *)user += row->finding == RK_CHECK_EXTRA;
    return true;
}

int main(int n, char **arguments)
{
    int tensors = n > 2 ? atoi(arguments[2]) : 100000, unknown = n > 1 ? make(arguments[1], tensors) : -1;
    double seconds[PASSES];
    rk_ctx *ctx;
    if (unknown < 0) return (void)fprintf(stderr, "usage: bench_check FOLDER [TENSORS]\n"), 2;
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
    printf("check %d tensors: best %.1f ms, median %.1f ms\n", tensors, 1e3 * seconds[0], 1e3 * seconds[PASSES / 2]);
    rk_ctx_close(ctx);
    return 0;
}
