/* lt_keep.c: what was chosen, in a file: a line that says of which library and device, then one for each choice: the words of its key, and
 * of the algorithm. */
#include "backend/cuda/lt_inner.h"
#include "base/file.h"
#include "base/str.h"
#include <stdlib.h>
#include <string.h>

enum { ALGORITHM_WORDS = sizeof(cublasLtMatmulAlgo_t) / sizeof(uint64_t), MOST_FILE = 16 << 20 };
_Static_assert(sizeof(cublasLtMatmulAlgo_t) % sizeof(uint64_t) == 0, "an algorithm is whole words");

static rk_status heading(rk_ctx *ctx, const struct lt *lt, const char *device, struct str *text)
{
    return str_format(ctx, text, "reckon products 1, %s, %s\n", lt->text, device);
}

/* The rest of a line; NULL: it is no choice. */
static const char *read_choice(const char *at, struct choice *c)
{
    uint64_t word[ALGORITHM_WORDS];
    char *end;
    for (int i = 0; i < KEY_WORDS; i++, at = end) {
        c->key.at[i] = strtoll(at, &end, 10);
        if (end == at) return NULL;
    }
    for (int i = 0; i < ALGORITHM_WORDS; i++, at = end) {
        word[i] = strtoull(at, &end, 16);
        if (end == at) return NULL;
    }
    memcpy(&c->algorithm, word, sizeof word);
    return *at == '\n' ? at + 1 : NULL;
}

rk_status lt_recall(rk_ctx *ctx, struct lt *lt, const char *file, const char *device)
{
    struct str text = { 0 }, head = { 0 };
    struct choice c;
    rk_status status = file_read(ctx, file, MOST_FILE, &text);
    if (status == RK_OK) status = heading(ctx, lt, device, &head);
    const char *at = status == RK_OK && strncmp(str_c(&text), str_c(&head), (size_t)head.n) == 0 ? str_c(&text) + head.n : NULL;
    while (status == RK_OK && at != NULL && *at != '\0') {
        at = read_choice(at, &c);
        if (at == NULL || (status = VEC_ROOM(&lt->choices, 1)) != RK_OK) break;
        lt->choices.at[lt->choices.n++] = c;
    }
    str_free(ctx, &text);
    str_free(ctx, &head);
    if (status == RK_OK || status == RK_E_NOMEM) return status;
    rk_error_clear(ctx);                            /* there is no such file yet */
    return RK_OK;
}

static rk_status write_choices(rk_ctx *ctx, const struct lt *lt, const char *device, struct str *text)
{
    TRY(heading(ctx, lt, device, text));
    for (int i = 0; i < lt->choices.n; i++) {
        uint64_t word[ALGORITHM_WORDS];
        memcpy(word, &lt->choices.at[i].algorithm, sizeof word);
        for (int k = 0; k < KEY_WORDS; k++) TRY(str_format(ctx, text, "%lld ", (long long)lt->choices.at[i].key.at[k]));
        for (int k = 0; k < ALGORITHM_WORDS; k++) TRY(str_format(ctx, text, "%llx%s", (unsigned long long)word[k], k + 1 < ALGORITHM_WORDS ? " " : "\n"));
    }
    return RK_OK;
}

rk_status lt_keep(rk_ctx *ctx, const struct lt *lt, const char *file, const char *device)
{
    struct str text = { 0 };
    struct file_writer w = { .fd = -1 };
    rk_status status = RK_OK;
    if (!lt->learned) return RK_OK;
    GO(write_choices(ctx, lt, device, &text));
    GO(file_create(ctx, &w, file));
    GO(file_write(ctx, &w, str_c(&text), (size_t)text.n));
    GO(file_commit(ctx, &w));
out:
    file_abandon(ctx, &w);
    str_free(ctx, &text);
    if (status == RK_OK || status == RK_E_NOMEM) return status;
    ctx_log(ctx, RK_WARNING, "which products are fastest is not kept: %s", rk_error_message(ctx));
    rk_error_clear(ctx);
    return RK_OK;
}
