/* Any bytes as a file: packed or not, plain or JSONL, in small blocks: documents or a message, the same documents in blocks of any size,
 * and nothing left behind. The first byte chooses. */
#include "fuzz.h"
#include "reckon/corpus.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ENOUGH = 1 << 22 };

struct read { rk_status status; uint64_t documents, bytes, hash; };

static size_t at_letter(const void *user, const char *text, size_t n)
{
    (void)user;
    while (n > 0 && text[n - 1] != 'a') n--;
    return n;
}

static struct read read_all(const char *path, const rk_corpus_rules *rules)
{
    struct read r = { RK_OK, 0, 0, 1 };
    rk_ctx *ctx;
    rk_corpus *corpus;
    rk_block block = { .n = 1 };
    rk_corpus_cut cut = { at_letter, NULL };
    if (rk_ctx_open(&(rk_options){ .threads = 1 }, &ctx) != RK_OK) abort();
    r.status = rk_corpus_open(ctx, &path, 1, rules, &corpus);
    while (r.status == RK_OK && block.n > 0 && r.bytes < ENOUGH) {
        r.status = rk_corpus_next(ctx, corpus, &cut, &block);
        for (size_t i = 0; r.status == RK_OK && i < block.n; i++) {
            for (size_t k = 0; k < block.texts[i].n; k++) r.hash = r.hash * 31 + (unsigned char)block.texts[i].at[k];
            if (i + 1 < block.n || !block.goes_on) r.hash = r.hash * 31 + 256;
            r.documents += i + 1 < block.n || !block.goes_on;
        }
        r.bytes += block.bytes;
    }
    if (r.status != RK_OK && rk_error_message(ctx)[0] == '\0') abort();
    rk_corpus_close(ctx, corpus);
    if (rk_ctx_bytes(ctx) != 0) abort();
    rk_ctx_close(ctx);
    return r;
}

int fuzz_one(const uint8_t *bytes, size_t n)
{
    char path[64];
    if (n < 1 || n > 1 << 16) return 0;
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0 || write(fd, bytes + 1, n - 1) != (ssize_t)(n - 1)) abort();
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    rk_corpus_rules rules = { .jsonl = bytes[0] & 1, .field = bytes[0] & 2 ? "t" : NULL, .most = 1 << 20 };
    if (!(bytes[0] & 3) && bytes[0] & 4) rules.separator = "%";
    struct read whole = read_all(path, &rules);
    rules.block = 1 + bytes[0] / 8;
    struct read parts = read_all(path, &rules);
    if (whole.bytes < ENOUGH && whole.status != parts.status) abort();
    if (whole.bytes < ENOUGH && whole.status == RK_OK && (whole.documents != parts.documents || whole.hash != parts.hash || whole.bytes != parts.bytes)) abort();
    (void)close(fd);
    return 0;
}
