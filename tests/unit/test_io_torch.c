/* Files of torch.save: what was put in comes out, row-major whatever the strides; what lies, what calls, and what is too much has
 * its own answer. */
#include "io/bundle.h"
#include "io/pickle.h"
#include "test.h"
#include "torch_made.h"
#include <stdlib.h>

/* --- law: reading undoes writing --- */

enum { TENSORS = 12, STORAGES = 6 };

/* A view of random shape over a storage: its dimensions in random order, some with a step of 2. */
static void make(struct made_tensor *t, size_t *bytes)
{
    int order[RK_MAX_RANK];
    int64_t stride = 1;
    do t->dtype = (rk_dtype)test_random(RK_DTYPE_COUNT);
    while (made_storage_class(t->dtype) == NULL);
    t->rank = (int)test_random(5);
    for (int i = 0; i < t->rank; i++) {
        t->shape[i] = (int64_t)test_random(4) + (test_random(8) > 0);
        order[i] = i;
    }
    bool turn = test_random(2) == 0;
    for (int i = t->rank - 1; i > 0 && turn; i--) {
        int k = (int)test_random((uint64_t)i + 1), kept = order[i];
        order[i] = order[k];
        order[k] = kept;
    }
    for (int i = t->rank - 1; i >= 0; i--) {
        t->stride[order[i]] = t->shape[order[i]] == 1 ? (int64_t)test_random(1000) : stride;
        stride *= (t->shape[order[i]] > 0 ? t->shape[order[i]] : 1) * (turn ? 1 + (int64_t)test_random(2) : 1);
    }
    t->first = (int64_t)test_random(5);
    t->elements = t->first + stride + (int64_t)test_random(3);
    *bytes = (size_t)t->elements * rk_dtype_bytes(t->dtype);
}

static void check_tensor(const struct bundle_entry *e, const struct made_tensor *t, int storage)
{
    int64_t index[RK_MAX_RANK] = { 0 }, n = 1;
    size_t width = rk_dtype_bytes(t->dtype);
    REQUIRE(e != NULL);
    EXPECT_INT(e->dtype, t->dtype);
    EXPECT_INT(e->rank, t->rank);
    EXPECT(memcmp(e->shape, t->shape, (size_t)t->rank * sizeof *e->shape) == 0);
    for (int i = 0; i < t->rank; i++) n *= t->shape[i];
    EXPECT_INT(e->bytes, (size_t)n * width);
    EXPECT(e->strides == NULL && e->data != NULL && e->aligned == ((uintptr_t)e->data % width == 0));
    for (int64_t at = 0; at < n; at++) {
        int64_t from = t->first;
        for (int i = 0; i < t->rank; i++) from += index[i] * t->stride[i];
        for (size_t k = 0; k < width; k++) EXPECT(((const unsigned char *)e->data)[(size_t)at * width + k] == made_byte(storage, (size_t)from * width + k));
        for (int i = t->rank - 1; i >= 0; i--) {
            if (++index[i] < t->shape[i]) break;
            index[i] = 0;
        }
    }
}

static void begin(struct made *pickle) { made_add(pickle, "\x80\2}(", 4); }
static void end(struct made *pickle) { made_add(pickle, "u.", 2); }

TEST(views_come_out_row_major)
{
    rk_ctx *ctx = test_ctx();
    for (int round = 0; round < 200; round++) {
        struct made pickle = { 0 };
        struct made_zip z = { .lie = round % 3 == 0 ? MADE_ZIP64 : round % 3 == 1 ? MADE_COMMENT : MADE_PLAIN };
        struct made_tensor t[TENSORS] = { 0 };
        size_t bytes[STORAGES];
        struct bundle b;
        char name[TENSORS][16], keys[STORAGES][4];
        begin(&pickle);
        for (int i = 0; i < TENSORS; i++) {
            int s = i % STORAGES;
            (void)snprintf(name[i], sizeof name[i], "w.%d", i);
            (void)snprintf(keys[s], sizeof keys[s], "%d", s);
            if (i < STORAGES) make(&t[i], &bytes[i]);
            else t[i] = (struct made_tensor){ .dtype = t[s].dtype, .elements = t[s].elements, .first = t[s].first, .rank = 1, .shape = { t[s].elements - t[s].first }, .stride = { 1 } };
            t[i].key = keys[s];
            made_text(&pickle, name[i]);
            made_tensor(&pickle, &t[i]);
        }
        end(&pickle);
        made_file(&z, &pickle, STORAGES, bytes);
        OK(ctx, bundle_open(ctx, test_write("x.pt", z.out.at, z.out.n), &b));
        EXPECT_TEXT(b.format, "torch");
        EXPECT_INT(b.entries.n, TENSORS);
        for (int i = 0; i < TENSORS; i++) check_tensor(bundle_find(&b, name[i]), &t[i], i % STORAGES);
        uint64_t all = 0;
        for (int i = 0; i < STORAGES; i++) all += bytes[i];
        EXPECT(b.files.n == 1 && b.files.at[0].bytes == z.out.n && b.files.at[0].header == z.out.n - all);
        bundle_close(ctx, &b);
        made_free(&pickle);
        made_free(&z.out);
    }
}

/* --- one small file, and what may be wrong with it --- */

static const struct made_tensor small = { .dtype = RK_f32, .key = "0", .elements = 6, .rank = 2, .shape = { 2, 3 }, .stride = { 3, 1 } };

static rk_status open_made(rk_ctx *ctx, const struct made *pickle, enum made_lie lie, size_t storage)
{
    struct made_zip z = { .lie = lie };
    struct bundle b;
    made_file(&z, pickle, 1, &storage);
    unsigned char *exact = malloc(z.out.n);             /* of its very size, so that a sanitizer sees the end */
    memcpy(exact, z.out.at, z.out.n);
    rk_status status = bundle_open_bytes(ctx, "x.pt", exact, z.out.n, &b);
    if (status == RK_OK) bundle_close(ctx, &b);
    free(exact);
    made_free(&z.out);
    return status;
}

static rk_status open_tensor(rk_ctx *ctx, const struct made_tensor *t, enum made_lie lie, size_t storage)
{
    struct made pickle = { 0 };
    begin(&pickle);
    made_text(&pickle, "w");
    made_tensor(&pickle, t);
    end(&pickle);
    rk_status status = open_made(ctx, &pickle, lie, storage);
    made_free(&pickle);
    return status;
}

TEST(archives_that_lie)
{
    rk_ctx *ctx = test_ctx();
    OK(ctx, open_tensor(ctx, &small, MADE_PLAIN, 24));
    FAILS(ctx, open_tensor(ctx, &small, MADE_DEFLATED, 24), RK_E_DECLINED, "entry \"archive/data.pkl\" is compressed (deflate");
    EXPECT(strstr(rk_error_hint(ctx), "zip -0") != NULL);
    FAILS(ctx, open_tensor(ctx, &small, MADE_ENCRYPTED, 24), RK_E_DECLINED, "encrypted");
    FAILS(ctx, open_tensor(ctx, &small, MADE_LONGER, 24), RK_E_FORMAT, "leads beyond byte");
    FAILS(ctx, open_tensor(ctx, &small, MADE_OTHER_NAME, 24), RK_E_FORMAT, "says something else than the directory");
    FAILS(ctx, open_tensor(ctx, &small, MADE_FAR, 24), RK_E_FORMAT, "should begin at byte 1, and does not");
    FAILS(ctx, open_tensor(ctx, &small, MADE_COUNT, 24), RK_E_FORMAT, "an entry of the directory should begin here");
    FAILS(ctx, open_tensor(ctx, &small, MADE_GAP, 24), RK_E_FORMAT, "its end record is at byte");
    FAILS(ctx, open_tensor(ctx, &small, MADE_PARTS, 24), RK_E_DECLINED, "several parts");
}

TEST(entries_that_overlap_or_repeat)
{
    rk_ctx *ctx = test_ctx();
    struct made pickle = { 0 };
    struct bundle b;
    begin(&pickle);
    end(&pickle);
    for (int twice = 0; twice < 2; twice++) {
        struct made_zip z = { .lie = MADE_PLAIN };
        made_zip_add(&z, "archive/data.pkl", pickle.at, pickle.n);
        made_zip_add(&z, "archive/data/0", "0123", 4);
        if (twice == 0) {                               /* the second entry once more, with data that begin inside it */
            z.entry[2] = z.entry[1];
            z.entries++;
        } else {
            made_zip_add(&z, "archive/data/0", "0123", 4);
        }
        made_zip_end(&z);
        FAILS(ctx, bundle_open_bytes(ctx, "x.pt", z.out.at, z.out.n, &b), RK_E_FORMAT, twice == 0 ? "inside the entry before it" : "two entries \"archive/data/0\"");
        made_free(&z.out);
    }
    made_free(&pickle);
}

TEST(every_truncation_is_noticed)
{
    rk_ctx *ctx = test_ctx();
    struct made pickle = { 0 };
    struct made_zip z = { .lie = MADE_PLAIN };
    struct bundle b;
    begin(&pickle);
    made_text(&pickle, "w");
    made_tensor(&pickle, &small);
    end(&pickle);
    made_file(&z, &pickle, 1, &(size_t){ 24 });
    for (size_t n = 0; n < z.out.n; n++) {
        unsigned char *exact = malloc(n + 1);
        memcpy(exact, z.out.at, n);
        EXPECT_INT(bundle_open_bytes(ctx, "x.pt", exact, n, &b), RK_E_FORMAT);
        free(exact);
    }
    for (size_t n = 1; n < pickle.n; n++) {             /* the archive whole, its pickle cut */
        struct made cut = { pickle.at, n, 0 };
        EXPECT_INT(open_made(ctx, &cut, MADE_PLAIN, 24), RK_E_FORMAT);
    }
    made_free(&pickle);
    made_free(&z.out);
}

TEST(tensors_that_do_not_fit)
{
    rk_ctx *ctx = test_ctx();
    struct made_tensor t = small;
    FAILS(ctx, open_tensor(ctx, &t, MADE_PLAIN, 20), RK_E_FORMAT, "storage 0 of 6 elements of 4 bytes, but its entry has 20 bytes");
    t.key = "7";
    FAILS(ctx, open_tensor(ctx, &t, MADE_PLAIN, 24), RK_E_FORMAT, "storage 7, which the archive has not");
    t = small;
    t.first = 1;
    FAILS(ctx, open_tensor(ctx, &t, MADE_PLAIN, 24), RK_E_FORMAT, "from element 1 on leads beyond its storage of 6 elements");
    t.first = INT64_MAX;
    FAILS(ctx, open_tensor(ctx, &t, MADE_PLAIN, 24), RK_E_FORMAT, "leads beyond its storage");
    t = small;
    t.stride[0] = INT64_MAX / 2;
    FAILS(ctx, open_tensor(ctx, &t, MADE_PLAIN, 24), RK_E_FORMAT, "leads beyond its storage");
    t.shape[0] = INT64_MAX;
    FAILS(ctx, open_tensor(ctx, &t, MADE_PLAIN, 24), RK_E_LIMIT, "more bytes than an address can hold");
    t = (struct made_tensor){ .dtype = RK_f32, .key = "0", .elements = 1, .rank = 2, .shape = { 1 << 20, 1 << 20 } };      /* 4 TiB out of four bytes */
    FAILS(ctx, open_tensor(ctx, &t, MADE_PLAIN, 4), RK_E_LIMIT, "more memory than the file has bytes");
    t.shape[0] = -1;
    FAILS(ctx, open_tensor(ctx, &t, MADE_PLAIN, 4), RK_E_FORMAT, "its size is no tuple of numbers from 0 on");
    t = small;
    t.elements = INT64_MAX;
    FAILS(ctx, open_tensor(ctx, &t, MADE_PLAIN, 24), RK_E_FORMAT, "but its entry has 24 bytes");
    t = (struct made_tensor){ .dtype = RK_f32, .key = "0", .rank = 1, .shape = { 0 }, .stride = { 1 } };
    OK(ctx, open_tensor(ctx, &t, MADE_PLAIN, 0));
}

/* --- pickles --- */

#define BYTES(text) (text), sizeof(text) - 1
static const struct { const char *at; size_t n; rk_status status; const char *words; } pickles[] = {
    { BYTES("\x80\2cos\nsystem\nX\4\0\0\0trueR."), RK_E_DECLINED, "the pickle calls os.system" },
    { BYTES("\x80\2cposix\nsystem\n."), RK_E_DECLINED, "the pickle calls posix.system" },
    { BYTES("\x80\2c__builtin__\neval\nX\1\0\0\0" "1\x85R."), RK_E_DECLINED, "the pickle calls __builtin__.eval" },
    { BYTES("\x80\4\x8c\2os\x8c\6system\x93."), RK_E_DECLINED, "the pickle calls os.system" },
    { BYTES("\x80\2ctorch._utils\n_rebuild_qtensor\n."), RK_E_DECLINED, "torch._utils._rebuild_qtensor" },
    { BYTES("\x80\2(X\2\0\0\0osios\nsystem\n."), RK_E_DECLINED, "INST is no instruction" },
    { BYTES("\x80\2)\x81."), RK_E_DECLINED, "NEWOBJ is no instruction" },
    { BYTES("\x80\1."), RK_E_DECLINED, "protocol 1" },
    { BYTES("\x80\6."), RK_E_DECLINED, "protocol 6" },
    { BYTES("\x80\2."), RK_E_FORMAT, "exactly one value should be left" },
    { BYTES("\x80\2NN."), RK_E_FORMAT, "exactly one value should be left" },
    { BYTES("\x80\2N"), RK_E_FORMAT, "ends without STOP" },
    { BYTES("\x80\2N.N"), RK_E_FORMAT, "1 bytes after the end of the pickle" },
    { BYTES("\x80\2\xff."), RK_E_FORMAT, "0xff: there is no such instruction" },
    { BYTES("\x80\2t."), RK_E_FORMAT, "TUPLE: there is no mark" },
    { BYTES("\x80\2N(0."), RK_E_FORMAT, "POP: too few values" },
    { BYTES("\x80\2h\0."), RK_E_FORMAT, "BINGET: nothing was put" },
    { BYTES("\x80\2Nq\1h\0."), RK_E_FORMAT, "BINGET: nothing was put" },
    { BYTES("\x80\2Nr\xff\xff\xff\xff."), RK_E_FORMAT, "LONG_BINPUT: a place in the memo" },
    { BYTES("\x80\2j\xff\xff\xff\xff."), RK_E_FORMAT, "LONG_BINGET: nothing was put" },
    { BYTES("\x80\2X\xff\xff\xff\xff" "abc."), RK_E_FORMAT, "BINUNICODE: a text that is longer" },
    { BYTES("\x80\2\x8d\xff\xff\xff\xff\xff\xff\xff\xff" "abc."), RK_E_FORMAT, "BINUNICODE8: a text that is longer" },
    { BYTES("\x80\2}(Nu."), RK_E_FORMAT, "SETITEMS: a key without a value" },
    { BYTES("\x80\2](NNu."), RK_E_FORMAT, "SETITEMS: what is filled is no dict" },
    { BYTES("\x80\2}Na."), RK_E_FORMAT, "APPEND: what is filled is no list" },
    { BYTES("\x80\2N)R."), RK_E_FORMAT, "REDUCE: a name and a tuple" },
    { BYTES("\x80\2ctorch\nfloat32\n)R."), RK_E_FORMAT, "float32: this is nothing that can be called" },
    { BYTES("\x80\2ccollections\nOrderedDict\n](NN\x86" "a\x85R."), RK_E_FORMAT, "too few values" },
    { BYTES("\x80\2ccollections\nOrderedDict\nN\x85R."), RK_E_FORMAT, "only an empty one" },
    { BYTES("\x80\2NQ."), RK_E_FORMAT, "it is no storage" },
    { BYTES("\x80\2X\7\0\0\0storageNNNN\x85Q."), RK_E_FORMAT, "it is no storage" },
    { BYTES("\x80\2ctorch._utils\n_rebuild_tensor_v2\n(NK\0))\x89NtR."), RK_E_FORMAT, "its first argument is no storage" },
    { BYTES("\x80\2ctorch._utils\n_rebuild_tensor_v2\n)R."), RK_E_FORMAT, "expected storage, offset" },
    { BYTES("\x80\2ctorch._utils\n_rebuild_parameter\nN\x85R."), RK_E_FORMAT, "its first argument is no tensor" },
    { BYTES("\x80\2N}b."), RK_E_FORMAT, "BUILD: only dicts" },
    { BYTES("\x80\2]."), RK_E_MISSING, "there are no named tensors" },
    { BYTES("\x80\2}."), RK_E_MISSING, "there are no named tensors" },
    { BYTES("\x80\2}X\1\0\0\0aNs."), RK_E_MISSING, "there are no named tensors" },
    { BYTES("\x80\2cos\nsystem"), RK_E_FORMAT, "a line that does not end" },
    { BYTES("\x80\4\x95\x05\0\0\0\0\0\0\0N\x94."), RK_E_MISSING, "there are no named tensors" },
};

TEST(pickles_that_are_refused)
{
    rk_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof pickles / sizeof *pickles; i++) {
        unsigned char *exact = malloc(pickles[i].n);
        memcpy(exact, pickles[i].at, pickles[i].n);
        struct made pickle = { exact, pickles[i].n, 0 };
        FAILS(ctx, open_made(ctx, &pickle, MADE_PLAIN, 4), pickles[i].status, pickles[i].words);
        free(exact);
    }
}

static void repeat(struct made *m, const char *text, size_t n, int times)
{
    for (int i = 0; i < times; i++) made_add(m, text, n);
}

/* Deep, long and many: each is stopped at its bound; below it, depth alone is no trouble. */
TEST(pickles_that_are_too_much)
{
    rk_ctx *ctx = test_ctx();
    static const struct { const char *text; size_t n; int times; rk_status status; const char *words; } many[] = {
        { BYTES("("), 1 << 20, RK_E_LIMIT, "MARK: too deep" },
        { BYTES("N"), (1 << 20) + 10, RK_E_LIMIT, "NONE: too many values wait" },
        { BYTES("N0"), 1 << 22, RK_E_LIMIT, "NONE: too many values; the limit is 4194304" },
        { BYTES("\x85"), 1 << 20, RK_E_FORMAT, "TUPLE1: too few values" },
    };
    for (size_t i = 0; i < sizeof many / sizeof *many; i++) {
        struct made pickle = { 0 };
        made_add(&pickle, "\x80\2", 2);
        repeat(&pickle, many[i].text, many[i].n, many[i].times);
        made_add(&pickle, "N.", 2);
        FAILS(ctx, open_made(ctx, &pickle, MADE_PLAIN, 4), many[i].status, many[i].words);
        made_free(&pickle);
    }
    struct made deep = { 0 }, text = { 0 };
    made_add(&deep, "\x80\2N", 3);
    repeat(&deep, "\x85", 1, 1 << 20);                  /* a million tuples inside each other: read without recursion */
    made_add(&deep, ".", 1);
    FAILS(ctx, open_made(ctx, &deep, MADE_PLAIN, 4), RK_E_MISSING, "there are no named tensors");
    made_add(&text, "\x80\2X", 3);
    made_number(&text, PICKLE_LONGEST + 1, 4);
    repeat(&text, "a", 1, PICKLE_LONGEST + 1);
    made_add(&text, ".", 1);
    FAILS(ctx, open_made(ctx, &text, MADE_PLAIN, 4), RK_E_LIMIT, "BINUNICODE: a long text");
    made_free(&deep);
    made_free(&text);
}

/* --- what stands beside tensors --- */

static void open_dict(rk_ctx *ctx, const void *before, size_t n, struct made_zip *z, struct bundle *b)
{
    struct made pickle = { 0 };
    made_add(&pickle, "\x80\2}", 3);
    made_add(&pickle, before, n);
    made_add(&pickle, "(", 1);
    made_text(&pickle, "w");
    made_tensor(&pickle, &small);
    end(&pickle);
    made_file(z, &pickle, 1, &(size_t){ 24 });
    OK(ctx, bundle_open_bytes(ctx, "x.pt", z->out.at, z->out.n, b));
    made_free(&pickle);
}

/* {"a": {"n": 3, "x": 0.5, "l": [True, None, (-1, 2^40)]}, "t": "text"} and values that are no plain ones. */
TEST(plain_values_become_notes)
{
    rk_ctx *ctx = test_ctx();
    struct made_zip z = { .lie = MADE_PLAIN };
    struct bundle b;
    static const char fine[] = "(X\1\0\0\0a}(X\1\0\0\0nK\3X\1\0\0\0xG\x3f\xe0\0\0\0\0\0\0X\1\0\0\0l](\x88N(J\xff\xff\xff\xff\x8a\6\0\0\0\0\0\1teu"
                               "X\1\0\0\0tX\4\0\0\0textX\1\0\0\0bC\2xyX\1\0\0\0s\x8f" "K\7K\10X\1\0\0\0oK\4u";
    open_dict(ctx, fine, sizeof fine - 1, &z, &b);
    EXPECT_TEXT(bundle_note(&b, "a"), "{\"n\": 3, \"x\": 0.5, \"l\": [true, null, [-1, 1099511627776]]}");
    EXPECT_TEXT(bundle_note(&b, "t"), "text");
    EXPECT_TEXT(bundle_note(&b, "o"), "4");
    EXPECT(bundle_note(&b, "b") == NULL && bundle_note(&b, "s") == NULL && bundle_note(&b, "w") == NULL);
    bundle_close(ctx, &b);
    made_free(&z.out);
}

/* l = []; l.append(l), and twice in itself: walking ends. */
TEST(values_that_hold_themselves)
{
    static const char once[] = "X\1\0\0\0l]q\0h\0as", often[] = "X\1\0\0\0l]q\0(h\0h\0h\0h\0es", dict[] = "X\1\0\0\0d}q\0X\1\0\0\0xh\0ss";
    const struct { const char *at; size_t n; } cycles[] = { { BYTES(once) }, { BYTES(often) }, { BYTES(dict) } };
    rk_ctx *ctx = test_ctx();
    for (size_t i = 0; i < 3; i++) {
        struct made_zip z = { .lie = MADE_PLAIN };
        struct bundle b;
        open_dict(ctx, cycles[i].at, cycles[i].n, &z, &b);
        EXPECT_INT(b.notes.n, 0);
        EXPECT_INT(b.entries.n, 1);
        bundle_close(ctx, &b);
        made_free(&z.out);
    }
}

/* A module's state dict is an OrderedDict with attributes; a training checkpoint has it under a key. */
TEST(where_tensors_are_looked_for)
{
    static const char *const keys[] = { "model", "state_dict", "model_state_dict", "module" };
    rk_ctx *ctx = test_ctx();
    for (int i = 0; i < 5; i++) {
        struct made pickle = { 0 };
        struct made_zip z = { .lie = MADE_PLAIN };
        struct bundle b;
        begin(&pickle);
        made_text(&pickle, "loss");
        made_tensor(&pickle, &small);
        if (i < 4) {
            made_text(&pickle, keys[i]);
            made_global(&pickle, "collections", "OrderedDict");
            made_add(&pickle, ")R(", 3);
            made_text(&pickle, "inner");
            made_tensor(&pickle, &small);
            made_add(&pickle, "u}X\1\0\0\0mNsb", 11);
        }
        end(&pickle);
        made_file(&z, &pickle, 1, &(size_t){ 24 });
        OK(ctx, bundle_open_bytes(ctx, "x.pt", z.out.at, z.out.n, &b));
        EXPECT_INT(b.entries.n, 1);
        EXPECT_TEXT(b.entries.at[0].name.at, i < 4 ? "inner" : "loss");
        bundle_close(ctx, &b);
        made_free(&pickle);
        made_free(&z.out);
    }
}

TEST(names_are_held_against_each_other)
{
    rk_ctx *ctx = test_ctx();
    struct made twice = { 0 }, number = { 0 }, bad = { 0 };
    begin(&twice);
    for (int i = 0; i < 2; i++) {
        made_text(&twice, "w");
        made_tensor(&twice, &small);
    }
    end(&twice);
    FAILS(ctx, open_made(ctx, &twice, MADE_PLAIN, 24), RK_E_FORMAT, "tensor \"w\" is also in");
    begin(&number);
    made_int(&number, 3);
    made_tensor(&number, &small);
    end(&number);
    FAILS(ctx, open_made(ctx, &number, MADE_PLAIN, 24), RK_E_FORMAT, "under a key that is no text");
    begin(&bad);
    made_text(&bad, "w\xff");
    made_tensor(&bad, &small);
    end(&bad);
    FAILS(ctx, open_made(ctx, &bad, MADE_PLAIN, 24), RK_E_FORMAT, "not UTF-8");
    made_free(&twice);
    made_free(&number);
    made_free(&bad);
}

TEST(a_tensor_alone_is_called_as_its_file)
{
    rk_ctx *ctx = test_ctx();
    struct made pickle = { 0 };
    struct made_zip z = { .lie = MADE_PLAIN };
    struct bundle b;
    made_add(&pickle, "\x80\2", 2);
    made_tensor(&pickle, &small);
    made_add(&pickle, ".", 1);
    made_file(&z, &pickle, 1, &(size_t){ 24 });
    OK(ctx, bundle_open(ctx, test_write("alone.pt", z.out.at, z.out.n), &b));
    EXPECT(b.entries.n == 1 && bundle_find(&b, "alone") != NULL);
    bundle_close(ctx, &b);
    made_free(&pickle);
    made_free(&z.out);
}

/* Storages without a dtype, and dtypes by name: how torch writes those that never had a storage class. */
TEST(untyped_storages)
{
    static const char head[] = "\x80\2}X\1\0\0\0wctorch._utils\n_rebuild_tensor_v3\n((X\7\0\0\0storagectorch.storage\nUntypedStorage\nX\1\0\0\0" "0X\3\0\0\0cpuK\x08tQK\1K\3\x85K\1\x85\x89Nctorch\n";
    static const struct { const char *name; rk_dtype dtype; } dtypes[] = { { "uint16", RK_u16 }, { "bfloat16", RK_bf16 }, { "float8_e4m3fn", RK_f8e4m3 }, { "float16", RK_f16 } };
    rk_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
        struct made pickle = { 0 };
        struct made_zip z = { .lie = MADE_PLAIN };
        struct bundle b;
        made_add(&pickle, head, sizeof head - 1);
        made_add(&pickle, dtypes[i].name, strlen(dtypes[i].name));
        made_add(&pickle, "\ntRs.", 5);
        made_file(&z, &pickle, 1, &(size_t){ 8 });
        OK(ctx, bundle_open_bytes(ctx, "x.pt", z.out.at, z.out.n, &b));
        const struct bundle_entry *e = bundle_find(&b, "w");
        EXPECT(e != NULL && e->dtype == dtypes[i].dtype && e->rank == 1 && e->shape[0] == 3 && *(const unsigned char *)e->data == made_byte(0, rk_dtype_bytes(e->dtype)));
        bundle_close(ctx, &b);
        made_free(&pickle);
        made_free(&z.out);
    }
}

/* --- files and folders --- */

TEST(what_is_recognised_and_not_read)
{
    rk_ctx *ctx = test_ctx();
    struct bundle b;
    unsigned char tar[512] = { 0 };
    memcpy(tar + 257, "ustar", 5);
    FAILS(ctx, bundle_open(ctx, test_write("x.pt", "\x80\2\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15), &b), RK_E_DECLINED, "before 1.6");
    EXPECT(strstr(rk_error_hint(ctx), "torch.save(torch.load(path, map_location=\"cpu\"), path)") != NULL);           /* ties stay ties: safetensors' save_file refuses them */
    FAILS(ctx, bundle_open(ctx, test_write("x.bin", tar, sizeof tar), &b), RK_E_DECLINED, "tar archive");
    EXPECT(strstr(rk_error_hint(ctx), "torch.save(") != NULL);
    FAILS(ctx, bundle_open(ctx, test_write("x.bin", "\x80\4N.", 4), &b), RK_E_DECLINED, "a bare pickle");
    FAILS(ctx, bundle_open(ctx, test_write("x.pt", "neither this nor that", 21), &b), RK_E_FORMAT, "not a zip archive");
    struct made_zip z = { .lie = MADE_PLAIN };
    made_zip_add(&z, "a.npy", "x", 1);
    made_zip_end(&z);
    FAILS(ctx, bundle_open(ctx, test_write("x.npz", z.out.at, z.out.n), &b), RK_E_FORMAT, "without NAME/data.pkl");
    EXPECT(strstr(rk_error_hint(ctx), "npy") != NULL);
    made_free(&z.out);
}

static void write_shard(const char *file, const char *tensor)
{
    struct made pickle = { 0 };
    struct made_zip z = { .lie = MADE_PLAIN };
    begin(&pickle);
    made_text(&pickle, tensor);
    made_tensor(&pickle, &small);
    end(&pickle);
    made_file(&z, &pickle, 1, &(size_t){ 24 });
    test_write(file, z.out.at, z.out.n);
    made_free(&pickle);
    made_free(&z.out);
}

TEST(shards)
{
    static const char index[] = "{\"weight_map\":{\"a\":\"pytorch_model-1.bin\",\"b\":\"pytorch_model-2.bin\"}}", loop[] = "{\"weight_map\":{\"a\":\"pytorch_model.bin.index.json\"}}";
    rk_ctx *ctx = test_ctx();
    struct bundle b;
    write_shard("pytorch_model-1.bin", "a");
    write_shard("pytorch_model-2.bin", "b");
    test_write("pytorch_model.bin.index.json", index, sizeof index - 1);
    OK(ctx, bundle_open(ctx, test_temporary(), &b));
    EXPECT(b.entries.n == 2 && bundle_find(&b, "a") != NULL && bundle_find(&b, "b") != NULL && b.files.n == 2);
    bundle_close(ctx, &b);
    write_shard("pytorch_model-2.bin", "c");
    FAILS(ctx, bundle_open(ctx, test_temporary(), &b), RK_E_FORMAT, "not in the index");
    test_write("pytorch_model.bin.index.json", loop, sizeof loop - 1);
    FAILS(ctx, bundle_open(ctx, test_temporary(), &b), RK_E_FORMAT, "an index of shards among the shards");
}
