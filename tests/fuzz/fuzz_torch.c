/* Any bytes as a file of torch.save; and, where they do not begin as an archive does, as the pickle inside one that is in order,
 * with a storage of 256 bytes. It opens or is refused; what opens can be read to its last byte. */
#include "fuzz.h"
#include "io/bundle.h"
#include <stdlib.h>
#include <string.h>

enum { STORAGE = 256 };
struct out { uint8_t *at; size_t n; };

static void put(struct out *o, const void *bytes, size_t n)
{
    memcpy(o->at + o->n, bytes, n);
    o->n += n;
}

static void put_number(struct out *o, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) o->at[o->n++] = (uint8_t)(i < 8 ? value >> 8 * i : 0);
}

static void put_header(struct out *o, const char *name, size_t n, size_t at, int central)
{
    put(o, central ? "PK\1\2\0\0" : "PK\3\4", central ? 6 : 4);
    put_number(o, 0, 14);
    put_number(o, n, 4);
    put_number(o, n, 4);
    put_number(o, strlen(name), 2);
    put_number(o, 0, central ? 14 : 2);
    if (central) put_number(o, at, 4);
    put(o, name, strlen(name));
}

static struct out archive(const uint8_t *pickle, size_t n)
{
    static const char *const names[] = { "a/data.pkl", "a/data/0" };
    struct out o = { malloc(n + STORAGE + 1000), 0 };
    uint8_t storage[STORAGE] = { 1, 2, 3 };
    if (o.at == NULL) abort();
    put_header(&o, names[0], n, 0, 0);
    if (n > 0) put(&o, pickle, n);
    size_t second = o.n;
    put_header(&o, names[1], STORAGE, 0, 0);
    put(&o, storage, STORAGE);
    size_t start = o.n;
    put_header(&o, names[0], n, 0, 1);
    put_header(&o, names[1], STORAGE, second, 1);
    size_t bytes = o.n - start;
    put(&o, "PK\5\6\0\0\0\0\2\0\2\0", 12);
    put_number(&o, bytes, 4);
    put_number(&o, start, 4);
    put_number(&o, 0, 2);
    return o;
}

static void check(const struct bundle *b, size_t n)
{
    for (int i = 0; i < b->entries.n; i++) {
        const struct bundle_entry *e = &b->entries.at[i];
        unsigned sum = 0;
        if (e->data == NULL || e->strides != NULL || e->offset > n || e->span > n - e->offset || bundle_find(b, e->name.at) != e) abort();
        for (size_t k = 0; k < e->bytes; k++) sum += ((const uint8_t *)e->data)[k];
        if (sum > 255 * e->bytes) abort();
    }
    for (int i = 0; i < b->notes.n; i++)
        if (strlen(b->notes.at[i].text) > 1 << 18) abort();
}

static void open_bytes(const uint8_t *bytes, size_t n)
{
    struct bundle b;
    rk_ctx *ctx;
    if (rk_ctx_open(NULL, &ctx) != RK_OK) abort();
    if (bundle_open_bytes(ctx, "/nonexistent/fuzz.pt", bytes, n, &b) == RK_OK) check(&b, n);
    else if (rk_error_message(ctx)[0] == '\0') abort();
    bundle_close(ctx, &b);
    if (rk_ctx_bytes(ctx) != 0) abort();
    rk_ctx_close(ctx);
}

int fuzz_one(const uint8_t *bytes, size_t n)
{
    open_bytes(bytes, n);
    if (n >= 2 && bytes[0] == 'P' && bytes[1] == 'K') return 0;
    struct out o = archive(bytes, n);
    open_bytes(o.at, o.n);
    free(o.at);
    return 0;
}
