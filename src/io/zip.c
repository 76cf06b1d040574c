/* zip.c: the end record, the directory, and each entry's own header held against it.
 *
 * The directory must fill the bytes up to the end records exactly, so an archive that was cut short or glued behind another
 * file is noticed. Checksums are not looked at: they would cost a pass over all weights, and PyTorch may leave them out.
 * Source: PKWARE APPNOTE.TXT 6.3, 4.3 and 4.5.3. */
#include "io/zip.h"
#include <string.h>

enum { END = 22, END64 = 56, LOCATOR = 20, CENTRAL = 46, LOCAL = 30, MOST_COMMENT = 65535, MOST_ENTRIES = 1 << 20 };
enum { ENCRYPTED = 1, SIZES_BEHIND = 8, STORED = 0, DEFLATED = 8 };
#define FULL16 0xffffu
#define FULL32 0xffffffffu

/* Where the directory is: entries, bytes, first byte; and where it must end. */
struct directory { uint64_t entries, bytes, offset, end; };
struct reader { rk_ctx *ctx; const struct source *s; struct zip *z; struct directory d; };

static bool is(const unsigned char *at, int third, int fourth) { return at[0] == 'P' && at[1] == 'K' && at[2] == third && at[3] == fourth; }

bool zip_recognise(const struct source *s) { return s->n >= 4 && (is(s->at, 3, 4) || is(s->at, 5, 6)); }

/* --- the end of the file --- */

/* The end record is followed by a comment and then by nothing. */
static bool find_end(const struct source *s, size_t *at)
{
    if (s->n < END) return false;
    size_t last = s->n - END, first = last > MOST_COMMENT ? last - MOST_COMMENT : 0;
    for (size_t i = last + 1; i-- > first;)
        if (is(s->at + i, 5, 6) && little(s->at + i + 20, 2) == last - i) {
            *at = i;
            return true;
        }
    return false;
}

static bool differs(uint64_t small, uint64_t full, uint64_t large) { return small != full && small != large; }

static rk_status read_end64(struct reader *r, size_t locator, const unsigned char *end)
{
    rk_ctx *ctx = r->ctx;
    uint64_t at = little(r->s->at + locator + 8, 8);
    if (at > locator || locator - at < END64 || !is(r->s->at + at, 6, 6))
        return FAIL(RK_E_FORMAT, "%s: byte %zu: the zip64 end record should be at byte %llu, and is not", r->s->path, locator, (unsigned long long)at);
    const unsigned char *e = r->s->at + at;
    r->d = (struct directory){ little(e + 32, 8), little(e + 40, 8), little(e + 48, 8), at };
    if (little(e + 16, 4) != 0 || little(e + 20, 4) != 0 || little(e + 24, 8) != r->d.entries)
        return FAIL(RK_E_DECLINED, "%s: an archive in several parts is not read", r->s->path);
    if (differs(little(end + 10, 2), FULL16, r->d.entries) || differs(little(end + 12, 4), FULL32, r->d.bytes) || differs(little(end + 16, 4), FULL32, r->d.offset))
        return FAIL(RK_E_FORMAT, "%s: its two end records disagree about the directory", r->s->path);
    return RK_OK;
}

static rk_status read_end(struct reader *r)
{
    rk_ctx *ctx = r->ctx;
    size_t at;
    if (!find_end(r->s, &at)) return FAIL(RK_E_FORMAT, "%s: the end record of a zip archive is not at the end of the file: truncated?", r->s->path);
    const unsigned char *e = r->s->at + at;
    if (at >= LOCATOR && is(e - LOCATOR, 6, 7)) return read_end64(r, at - LOCATOR, e);
    if (little(e + 4, 2) != 0 || little(e + 6, 2) != 0 || little(e + 8, 2) != little(e + 10, 2))
        return FAIL(RK_E_DECLINED, "%s: an archive in several parts is not read", r->s->path);
    r->d = (struct directory){ little(e + 10, 2), little(e + 12, 4), little(e + 16, 4), at };
    return RK_OK;
}

static rk_status check_directory(struct reader *r)
{
    rk_ctx *ctx = r->ctx;
    const struct directory *d = &r->d;
    if (d->offset > d->end || d->end - d->offset != d->bytes)
        return FAIL(RK_E_FORMAT, "%s: the directory of the archive should have %llu bytes from byte %llu on, and its end record is at byte %llu", r->s->path,
                    (unsigned long long)d->bytes, (unsigned long long)d->offset, (unsigned long long)d->end);
    if (d->entries > MOST_ENTRIES) return FAIL(RK_E_LIMIT, "%s: %llu entries in the archive, the limit is %d", r->s->path, (unsigned long long)d->entries, MOST_ENTRIES);
    if (d->entries > d->bytes / CENTRAL)
        return FAIL(RK_E_FORMAT, "%s: %llu entries cannot lie in a directory of %llu bytes", r->s->path, (unsigned long long)d->entries, (unsigned long long)d->bytes);
    return RK_OK;
}

/* --- one entry --- */

struct central { const unsigned char *at; size_t name, extra, all; uint64_t packed, plain, header; };

/* Values that did not fit stand in the field with the id 1, in this order. */
static rk_status read_extra64(struct reader *r, struct central *c, uint64_t offset)
{
    rk_ctx *ctx = r->ctx;
    uint64_t *const values[] = { &c->plain, &c->packed, &c->header };
    const unsigned char *x = c->at + CENTRAL + c->name, *end = x + c->extra;
    for (; end - x >= 4; x += 4 + little(x + 2, 2)) {
        size_t n = little(x + 2, 2), used = 0;
        if (n > (size_t)(end - x) - 4) break;
        if (little(x, 2) != 1) continue;
        for (int i = 0; i < 3; i++) {
            if (*values[i] != FULL32) continue;
            if (n - used < 8) return FAIL(RK_E_FORMAT, "%s: byte %llu: an entry's zip64 field is too short", r->s->path, (unsigned long long)offset);
            *values[i] = little(x + 4 + used, 8);
            used += 8;
        }
        return RK_OK;
    }
    return RK_OK;
}

static rk_status read_central(struct reader *r, uint64_t offset, struct central *c)
{
    rk_ctx *ctx = r->ctx;
    char shown[NAME_SHOWN];
    uint64_t left = r->d.end - offset;
    c->at = r->s->at + offset;
    if (left < CENTRAL || !is(c->at, 1, 2)) return FAIL(RK_E_FORMAT, "%s: byte %llu: an entry of the directory should begin here", r->s->path, (unsigned long long)offset);
    c->name = little(c->at + 28, 2);
    c->extra = little(c->at + 30, 2);
    c->all = CENTRAL + c->name + c->extra + little(c->at + 32, 2);
    if (left < c->all) return FAIL(RK_E_FORMAT, "%s: byte %llu: an entry of the directory leads beyond its end", r->s->path, (unsigned long long)offset);
    c->packed = little(c->at + 20, 4);
    c->plain = little(c->at + 24, 4);
    c->header = little(c->at + 42, 4);
    TRY(read_extra64(r, c, offset));
    (void)name_show(shown, (const char *)c->at + CENTRAL, c->name);
    uint64_t method = little(c->at + 10, 2);
    if (little(c->at + 8, 2) & ENCRYPTED) return FAIL(RK_E_DECLINED, "%s: entry \"%s\" is encrypted", r->s->path, shown);
    if (method != STORED) {
        (void)FAIL(RK_E_DECLINED, "%s: entry \"%s\" is compressed (%s %llu), and only stored entries can be mapped", r->s->path, shown,
                   method == DEFLATED ? "deflate, method" : "method", (unsigned long long)method);
        return ctx_hint(ctx, "torch.save compresses nothing: unpack the archive and pack it again with zip -0");
    }
    if (c->packed != c->plain || memchr(c->at + CENTRAL, '\0', c->name) != NULL)
        return FAIL(RK_E_FORMAT, "%s: entry \"%s\" has %llu bytes stored and %llu unpacked, or a zero byte in its name", r->s->path, shown,
                    (unsigned long long)c->packed, (unsigned long long)c->plain);
    return RK_OK;
}

/* The header in front of the data says the same as the directory, but for sizes that it may leave out. */
static rk_status read_local(struct reader *r, const struct central *c, struct zip_entry *e)
{
    rk_ctx *ctx = r->ctx;
    char shown[NAME_SHOWN];
    (void)name_show(shown, e->name.at, e->name.length);
    if (c->header > r->d.offset || r->d.offset - c->header < LOCAL || !is(r->s->at + c->header, 3, 4))
        return FAIL(RK_E_FORMAT, "%s: entry \"%s\" should begin at byte %llu, and does not", r->s->path, shown, (unsigned long long)c->header);
    const unsigned char *l = r->s->at + c->header;
    uint64_t room = r->d.offset - c->header - LOCAL, name = little(l + 26, 2), extra = little(l + 28, 2);
    bool same = name == c->name && name <= room && memcmp(l + LOCAL, e->name.at, name) == 0 && little(l + 8, 2) == STORED;
    if (same && (little(l + 6, 2) & SIZES_BEHIND) == 0)
        same = !differs(little(l + 18, 4), FULL32, c->packed) && !differs(little(l + 22, 4), FULL32, c->plain);
    if (!same) return FAIL(RK_E_FORMAT, "%s: entry \"%s\": its header at byte %llu says something else than the directory", r->s->path, shown, (unsigned long long)c->header);
    if (name + extra > room || c->plain > room - name - extra)
        return FAIL(RK_E_FORMAT, "%s: entry \"%s\" of %llu bytes leads beyond byte %llu, where the directory begins", r->s->path, shown,
                    (unsigned long long)c->plain, (unsigned long long)r->d.offset);
    e->header = c->header;
    e->offset = c->header + LOCAL + name + extra;
    e->bytes = (size_t)c->plain;
    return RK_OK;
}

static rk_status read_entries(struct reader *r)
{
    rk_ctx *ctx = r->ctx;
    uint64_t at = r->d.offset;
    for (uint64_t i = 0; i < r->d.entries; i++) {
        struct central c;
        TRY(read_central(r, at, &c));
        struct zip_entry e = { .name = { (const char *)c.at + CENTRAL, (uint32_t)c.name } };
        TRY(read_local(r, &c, &e));
        VEC_PUSH(&r->z->entries, e);
        at += c.all;
    }
    if (at == r->d.end) return RK_OK;
    return FAIL(RK_E_FORMAT, "%s: byte %llu: the directory goes on after its %llu entries", r->s->path, (unsigned long long)at, (unsigned long long)r->d.entries);
}

/* --- all of them --- */

static rk_status check_overlap(struct reader *r)
{
    rk_ctx *ctx = r->ctx;
    const struct zip_entry *all = r->z->entries.at;
    size_t n = (size_t)r->z->entries.n;
    struct slot *slots;
    uint64_t reached = 0;
    rk_status status = RK_OK;
    char shown[NAME_SHOWN];
    TRY(NEW(slots, n));
    for (size_t i = 0; i < n; i++) slots[i] = (struct slot){ all[i].header, (uint32_t)i };
    slots_sort(slots, n, NULL);
    for (size_t i = 0; i < n && status == RK_OK; i++) {
        const struct zip_entry *e = &all[slots[i].item];
        if (e->header < reached)
            status = FAIL(RK_E_FORMAT, "%s: entry \"%s\" begins at byte %llu, inside the entry before it, which ends at byte %llu", r->s->path,
                          name_show(shown, e->name.at, e->name.length), (unsigned long long)e->header, (unsigned long long)reached);
        reached = e->offset + e->bytes;
    }
    FREE(slots, n);
    return status;
}

static rk_status check_names(struct reader *r)
{
    rk_ctx *ctx = r->ctx;
    struct zip *z = r->z;
    uint32_t first, second;
    char shown[NAME_SHOWN];
    z->index = (struct names){ .items = z->entries.at, .stride = sizeof *z->entries.at, .n = (uint32_t)z->entries.n };
    TRY(names_index(ctx, &z->arena, &z->index));
    if (!names_twins(&z->index, &first, &second)) return RK_OK;
    return FAIL(RK_E_FORMAT, "%s: the archive has two entries \"%s\"", r->s->path, name_show(shown, z->entries.at[first].name.at, z->entries.at[first].name.length));
}

rk_status zip_open(rk_ctx *ctx, const struct source *s, struct zip *z)
{
    struct reader r = { .ctx = ctx, .s = s, .z = z };
    rk_status status;
    GO(read_end(&r));
    GO(check_directory(&r));
    GO(read_entries(&r));
    GO(check_overlap(&r));
    GO(check_names(&r));
    return RK_OK;
out:
    zip_close(ctx, z);
    return status;
}

void zip_close(rk_ctx *ctx, struct zip *z)
{
    VEC_FREE(&z->entries);
    arena_clear(ctx, &z->arena);
    *z = (struct zip){ .index = { .items = NULL } };
}

const struct zip_entry *zip_find(const struct zip *z, const char *name, size_t length)
{
    uint32_t item;
    return names_find(&z->index, name, length, &item) ? &z->entries.at[item] : NULL;
}
