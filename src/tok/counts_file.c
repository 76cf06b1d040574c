/* counts_file.c: see counts_file.h. What is read is not trusted: a length must lie in its section, a word in the right one. */
#include "tok/counts_file.h"
#include <string.h>

static const char magic[8] = "RKCOUNT1";

static void put_u64(unsigned char *to, uint64_t x)
{
    for (int i = 0; i < 8; i++) to[i] = (unsigned char)(x >> 8 * i);
}

static uint64_t get_u64(const unsigned char *from)
{
    uint64_t x = 0;
    for (int i = 0; i < 8; i++) x |= (uint64_t)from[i] << 8 * i;
    return x;
}

static size_t put_number(unsigned char *to, uint64_t x)
{
    size_t n = 0;
    for (; x >= 0x80; x >>= 7) to[n++] = (unsigned char)(x | 0x80);
    to[n++] = (unsigned char)x;
    return n;
}

/* false: the number does not end before `end`, or has more than 64 bits. */
static bool get_number(const unsigned char **at, const unsigned char *end, uint64_t *x)
{
    *x = 0;
    for (int shift = 0; *at < end && shift < 64; shift += 7) {
        unsigned char b = *(*at)++;
        if (shift == 63 && b > 1) return false;
        *x |= (uint64_t)(b & 0x7f) << shift;
        if (b < 0x80) return true;
    }
    return false;
}

static rk_status write_part(rk_ctx *ctx, struct file_writer *w, const struct word_part *p)
{
    for (size_t i = 0; i < p->room; i++) {
        char small[16];
        unsigned char head[20];
        size_t n, k;
        if (p->slots[i].high == 0 || p->slots[i].count == 0) continue;
        const char *text = word_text(p, &p->slots[i], small, &n);
        k = put_number(head, p->slots[i].count);
        k += put_number(head + k, n);
        TRY(file_write(ctx, w, head, k));
        TRY(file_write(ctx, w, text, n));
    }
    return RK_OK;
}

rk_status counts_file_write(rk_ctx *ctx, const char *path, uint64_t rules, part_source *source, void *user, int n_tables)
{
    rk_status status;
    struct file_writer w;
    unsigned char head[COUNTS_HEAD] = { 0 };
    TRY(file_create(ctx, &w, path));
    GO(file_write(ctx, &w, head, sizeof head));
    w.crc = 0;
    for (int part = 0; part < WORD_PARTS; part++) {
        for (int table = 0; table < n_tables; table++) {
            const struct word_part *p = source(user, part, table);
            GO(p != NULL ? write_part(ctx, &w, p) : RK_E_NOMEM);      /* whoever failed has said it */
        }
        put_u64(head + 24 + 8 * part, w.offset - COUNTS_HEAD);
    }
    memcpy(head, magic, sizeof magic);
    put_u64(head + 8, rules);
    put_u64(head + 16, crc32c(w.crc, head + 24, sizeof head - 24));
    GO(file_write_at(ctx, &w, 0, head, sizeof head));
    return file_commit(ctx, &w);
out:
    file_abandon(ctx, &w);
    return status;
}

bool counts_file_is(const struct file_view *view) { return view->n >= sizeof magic && memcmp(view->at, magic, sizeof magic) == 0; }

static uint64_t end_of(const struct file_view *view, int part) { return part < 0 ? 0 : get_u64(view->at + 24 + 8 * (size_t)part); }

rk_status counts_file_check(rk_ctx *ctx, const char *path, const struct file_view *view, uint64_t rules)
{
    if (view->n < COUNTS_HEAD) return FAIL(RK_E_FORMAT, "%s: cut off after %zu bytes; the head alone has %d", path, view->n, (int)COUNTS_HEAD);
    for (int part = 0; part < WORD_PARTS; part++)
        if (end_of(view, part) < end_of(view, part - 1) || end_of(view, part) > view->n - COUNTS_HEAD)
            return FAIL(RK_E_FORMAT, "%s: section %d of the counts ends at byte %llu of %zu", path, part, (unsigned long long)end_of(view, part), view->n - COUNTS_HEAD);
    if (end_of(view, WORD_PARTS - 1) != view->n - COUNTS_HEAD) return FAIL(RK_E_FORMAT, "%s: the counts end before the file does", path);
    if (crc32c(crc32c(0, view->at + COUNTS_HEAD, view->n - COUNTS_HEAD), view->at + 24, COUNTS_HEAD - 24) != get_u64(view->at + 16))
        return FAIL(RK_E_FORMAT, "%s: damaged: the checksum is not that of the counts", path);
    if (get_u64(view->at + 8) == rules) return RK_OK;
    (void)FAIL(RK_E_ARG, "%s was counted with another pattern, other units or special tokens", path);
    return ctx_hint(ctx, "give the same --pattern, --units and --special as when it was counted");
}

bool counts_file_add(struct share *s, const struct file_view *view, int part, struct words *words)
{
    const unsigned char *at = view->at + COUNTS_HEAD + end_of(view, part - 1), *end = view->at + COUNTS_HEAD + end_of(view, part);
    while (at < end) {
        uint64_t count, n;
        const unsigned char *begin = at;
        if (!get_number(&at, end, &count) || !get_number(&at, end, &n) || n == 0 || n > (uint64_t)(end - at) || count == 0 || count > INT64_MAX)
            return share_fail(s, RK_E_FORMAT, "the counts are damaged at byte %zu", (size_t)(begin - view->at));
        struct word_key key = word_key(at, (size_t)n, (size_t)(end - at));
        if ((int)(key.hash >> 58) != part) return share_fail(s, RK_E_FORMAT, "the counts at byte %zu are in the wrong section", (size_t)(begin - view->at));
        if (!words_add(s, words, &key, at, (size_t)n, count)) return false;
        at += n;
    }
    file_pass(view, view->at + COUNTS_HEAD + end_of(view, part - 1), (size_t)(end - view->at) - COUNTS_HEAD - (size_t)end_of(view, part - 1));
    return true;
}
