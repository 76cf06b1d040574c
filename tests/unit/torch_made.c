/* torch_made.c: see torch_made.h. */
#include "torch_made.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void made_add(struct made *m, const void *bytes, size_t n)
{
    if (m->n + n > m->room) {
        m->room = 2 * (m->n + n);
        m->at = realloc(m->at, m->room);
        if (m->at == NULL) abort();
    }
    if (n > 0) memcpy(m->at + m->n, bytes, n);
    m->n += n;
}

void made_number(struct made *m, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) made_add(m, &(unsigned char){ (unsigned char)(i < 8 ? value >> 8 * i : 0) }, 1);
}

void made_free(struct made *m)
{
    free(m->at);
    *m = (struct made){ NULL, 0, 0 };
}

/* --- pickle --- */

void made_text(struct made *m, const char *text)
{
    made_add(m, "X", 1);
    made_number(m, strlen(text), 4);
    made_add(m, text, strlen(text));
}

void made_int(struct made *m, int64_t value)
{
    bool small = value == (int32_t)value;
    made_add(m, small ? "J" : "\x8a\x08", small ? 1 : 2);
    made_number(m, (uint64_t)value, small ? 4 : 8);
}

void made_global(struct made *m, const char *module, const char *name)
{
    char text[200];
    int n = snprintf(text, sizeof text, "c%s\n%s\n", module, name);
    made_add(m, text, (size_t)n);
}

const char *made_storage_class(rk_dtype dtype)
{
    static const char *const names[RK_DTYPE_COUNT] = {
        [RK_f64] = "DoubleStorage", [RK_f32] = "FloatStorage", [RK_f16] = "HalfStorage", [RK_bf16] = "BFloat16Storage", [RK_i64] = "LongStorage",
        [RK_i32] = "IntStorage", [RK_i16] = "ShortStorage", [RK_i8] = "CharStorage", [RK_u8] = "ByteStorage", [RK_bool] = "BoolStorage",
    };
    return names[dtype];
}

static void tuple(struct made *m, int n, const int64_t *values)
{
    made_add(m, "(", 1);
    for (int i = 0; i < n; i++) made_int(m, values[i]);
    made_add(m, "t", 1);
}

void made_tensor(struct made *m, const struct made_tensor *t)
{
    made_global(m, "torch._utils", "_rebuild_tensor_v2");
    made_add(m, "((", 2);
    made_text(m, "storage");
    made_global(m, "torch", made_storage_class(t->dtype));
    made_text(m, t->key);
    made_text(m, "cpu");
    made_int(m, t->elements);
    made_add(m, "tQ", 2);
    made_int(m, t->first);
    tuple(m, t->rank, t->shape);
    tuple(m, t->rank, t->stride);
    made_add(m, "\x89", 1);
    made_global(m, "collections", "OrderedDict");
    made_add(m, ")RtR", 4);
}

/* --- zip --- */

void made_zip_add(struct made_zip *z, const char *name, const void *bytes, size_t n)
{
    struct made *o = &z->out;
    size_t name_n = strlen(name), fill = 64 - (o->n + 30 + name_n + 4) % 64;
    bool last = z->lie == MADE_LONGER && strstr(name, "data/0") != NULL;
    (void)snprintf(z->entry[z->entries].name, sizeof z->entry[0].name, "%s", name);
    z->entry[z->entries].header = o->n;
    z->entry[z->entries++].bytes = last ? n + 100000 : n;
    made_add(o, "PK\3\4\0\0", 6);
    made_number(o, 0x0808, 2);                          /* sizes are in the directory alone */
    made_number(o, 0, 18);
    made_number(o, name_n, 2);
    made_number(o, fill + 4, 2);
    made_add(o, name, name_n);
    made_add(o, "FB", 2);
    made_number(o, fill, 2);
    for (size_t i = 0; i < fill; i++) made_add(o, "Z", 1);
    made_add(o, bytes, n);
}

static void central(struct made_zip *z, int i)
{
    struct made *o = &z->out;
    bool wide = z->lie == MADE_ZIP64, first = i == 0;
    const char *name = z->lie == MADE_OTHER_NAME && first ? "archive/data.pkx" : z->entry[i].name;
    uint64_t header = z->entry[i].header + (z->lie == MADE_FAR && first ? 1 : 0);
    made_add(o, "PK\1\2\0\0\0\0", 8);
    made_number(o, z->lie == MADE_ENCRYPTED && first ? 0x0809 : 0x0808, 2);
    made_number(o, z->lie == MADE_DEFLATED && first ? 8 : 0, 2);
    made_number(o, 0, 8);
    made_number(o, wide ? 0xffffffff : z->entry[i].bytes, 4);
    made_number(o, wide ? 0xffffffff : z->entry[i].bytes, 4);
    made_number(o, strlen(name), 2);
    made_number(o, wide ? 28 : 0, 2);
    made_number(o, 0, 10);
    made_number(o, wide ? 0xffffffff : header, 4);
    made_add(o, name, strlen(name));
    if (!wide) return;
    made_number(o, 1, 2);
    made_number(o, 24, 2);
    made_number(o, z->entry[i].bytes, 8);
    made_number(o, z->entry[i].bytes, 8);
    made_number(o, header, 8);
}

static void end64(struct made_zip *z, uint64_t start, uint64_t bytes)
{
    struct made *o = &z->out;
    uint64_t at = o->n;
    made_add(o, "PK\6\6", 4);
    made_number(o, 44, 8);
    made_number(o, 0, 12);
    made_number(o, (uint64_t)z->entries, 8);
    made_number(o, (uint64_t)z->entries, 8);
    made_number(o, bytes, 8);
    made_number(o, start, 8);
    made_add(o, "PK\6\7\0\0\0\0", 8);
    made_number(o, at, 8);
    made_number(o, 1, 4);
}

void made_zip_end(struct made_zip *z)
{
    struct made *o = &z->out;
    uint64_t start = o->n, count = (uint64_t)z->entries + (z->lie == MADE_COUNT);
    for (int i = 0; i < z->entries; i++) central(z, i);
    uint64_t bytes = o->n - start;
    if (z->lie == MADE_ZIP64) end64(z, start, bytes);
    made_add(o, "PK\5\6\0\0\0\0", 8);
    made_number(o, z->lie == MADE_ZIP64 ? 0xffff : z->lie == MADE_PARTS ? count - 1 : count, 2);
    made_number(o, z->lie == MADE_ZIP64 ? 0xffff : count, 2);
    made_number(o, bytes, 4);
    made_number(o, z->lie == MADE_ZIP64 ? 0xffffffff : start - (z->lie == MADE_GAP), 4);
    made_number(o, z->lie == MADE_COMMENT ? 5 : 0, 2);
    if (z->lie == MADE_COMMENT) made_add(o, "hello", 5);
}

unsigned char made_byte(int i, size_t k) { return (unsigned char)(k * 7 + (size_t)i * 31 + (k >> 8)); }

void made_file(struct made_zip *z, const struct made *pickle, int storages, const size_t *bytes)
{
    made_zip_add(z, "archive/data.pkl", pickle->at, pickle->n);
    made_zip_add(z, "archive/byteorder", "little", 6);
    for (int i = 0; i < storages; i++) {
        char name[64];
        unsigned char *data = calloc(bytes[i] + 1, 1);
        if (data == NULL) abort();
        for (size_t k = 0; k < bytes[i]; k++) data[k] = made_byte(i, k);
        (void)snprintf(name, sizeof name, "archive/data/%d", i);
        made_zip_add(z, name, data, bytes[i]);
        free(data);
    }
    made_zip_add(z, "archive/version", "3\n", 2);
    made_zip_end(z);
}
