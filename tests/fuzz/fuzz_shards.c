/* Any bytes as the list of finished shards, beside two that are there: refused with a message, or gone on behind shards that are whole. What is
 * then written is whole as well. */
#include "fuzz.h"
#include "reckon/tokens.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MUST(call) do { if ((call) != RK_OK) abort(); } while (0)

enum { SHARDS = 2, IDS = 3 };                                         /* whole ones, as below; ids of each */
static char folder[64], output[96], list[112];
static const rk_shards_rules rules = { .bytes_each = 2, .least = IDS, .made_from = "text a\n" };

static void add_document(rk_ctx *ctx, rk_shards *shards)
{
    static const uint32_t ids[IDS] = { 1, 2, 3 };
    MUST(rk_shards_add(ctx, shards, ids, IDS));
    MUST(rk_shards_document(ctx, shards));
}

static void forget_shards(int from)
{
    char path[128];
    for (int i = from; i <= SHARDS; i++) {
        (void)snprintf(path, sizeof path, "%s/t-%05d.bin", folder, i);
        (void)unlink(path);
    }
}

static void sweep(void)
{
    forget_shards(0);
    (void)unlink(list);
    (void)rmdir(folder);
}

static void make_shards(rk_ctx *ctx)
{
    rk_shards *shards;
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    (void)snprintf(folder, sizeof folder, "%s/reckon-fuzz-XXXXXX", base);
    if (mkdtemp(folder) == NULL || atexit(sweep) != 0) abort();
    (void)snprintf(output, sizeof output, "%s/t.bin", folder);
    (void)snprintf(list, sizeof list, "%s/t.shards.json", folder);
    MUST(rk_shards_open(ctx, output, &rules, &shards));
    for (int i = 0; i < SHARDS; i++) add_document(ctx, shards);
    rk_shards_close(ctx, shards);
}

static void write_list(const uint8_t *bytes, size_t n)
{
    FILE *f = fopen(list, "wb");
    if (f == NULL || fwrite(bytes, 1, n, f) != n || fclose(f) != 0) abort();
}

int fuzz_one(const uint8_t *bytes, size_t n)
{
    rk_ctx *ctx;
    rk_shards *shards;
    MUST(rk_ctx_open(&(rk_options){ .threads = 1 }, &ctx));
    if (folder[0] == '\0') make_shards(ctx);
    forget_shards(SHARDS);                                            /* what an input before this one finished */
    write_list(bytes, n);
    rk_status status = rk_shards_open(ctx, output, &rules, &shards);
    if (status == RK_OK) {
        rk_shards_state told = rk_shards_told(shards);
        if (told.shards > SHARDS || told.tokens != told.shards * IDS) abort();
        if (!told.complete && told.shards == SHARDS) {
            add_document(ctx, shards);
            MUST(rk_shards_commit(ctx, shards));
            told = rk_shards_told(shards);
            if (!told.complete || told.shards != SHARDS + 1) abort();
        }
    } else if (rk_error_message(ctx)[0] == '\0') {
        abort();
    }
    rk_shards_close(ctx, shards);
    if (rk_ctx_bytes(ctx) != 0) abort();
    rk_ctx_close(ctx);
    return 0;
}
