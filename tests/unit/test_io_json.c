/* JSON: what is read, what is refused and in which words, and that writing and reading undo each other. */
#include "io/decimal.h"
#include "io/json.h"
#include "test.h"
#include "base/utf8.h"
#include <locale.h>
#include <stdlib.h>

static struct json_doc doc;

static const struct json *parse(rk_ctx *ctx, const char *text)
{
    OK(ctx, json_read(ctx, &doc, "x.json", text, strlen(text), 0));
    return doc.root;
}

TEST(values_of_every_kind)
{
    rk_ctx *ctx = test_ctx();
    const struct json *root = parse(ctx, " {\"a\": [1, -2.5e1, true, false, null], \"b\": {\"c\": \"d\"}, \"\": 0}\n");
    EXPECT_INT(root->kind, JSON_OBJECT);
    EXPECT_INT(root->n, 3);
    const struct json *a = json_find(root, "a");
    REQUIRE(a != NULL && a->kind == JSON_ARRAY && a->n == 5);
    EXPECT_INT(a->at[0].integer, 1);
    EXPECT_INT(a->at[1].kind, JSON_DOUBLE);
    EXPECT(a->at[1].real == -25);
    EXPECT(a->at[2].truth && !a->at[3].truth && a->at[4].kind == JSON_NULL);
    EXPECT_TEXT(json_find(json_find(root, "b"), "c")->text, "d");
    EXPECT_INT(json_find(root, "")->integer, 0);
    EXPECT(json_find(root, "c") == NULL && json_find(a, "a") == NULL && json_find(NULL, "a") == NULL);
    json_clear(ctx, &doc);
}

TEST(integers_stay_exact)
{
    rk_ctx *ctx = test_ctx();
    const struct json *root = parse(ctx, "[9223372036854775807, -9223372036854775808, 9223372036854775808, 1000000000000000019884624838656, -0, 1.0, 1e2]");
    EXPECT(root->at[0].kind == JSON_INT && root->at[0].integer == INT64_MAX);
    EXPECT(root->at[1].kind == JSON_INT && root->at[1].integer == INT64_MIN);
    EXPECT(root->at[2].kind == JSON_DOUBLE && root->at[2].real == 0x1p63);
    EXPECT(root->at[3].kind == JSON_DOUBLE && root->at[3].real == 1e30 && root->at[3].n == 31 && strncmp(root->at[3].text, "1000000000000000019884624838656", 31) == 0);
    EXPECT(root->at[4].kind == JSON_INT && root->at[5].kind == JSON_DOUBLE && root->at[6].kind == JSON_DOUBLE);
    json_clear(ctx, &doc);
}

TEST(strings_are_decoded)
{
    rk_ctx *ctx = test_ctx();
    const struct json *root = parse(ctx, "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\", \"\\u0041\\u00e9\\u20AC\\ud83d\\ude00\", \"\xc3\xa9\xf0\x9f\x98\x80\", \"a\\u0000b\", \"\"]");
    EXPECT_TEXT(root->at[0].text, "\"\\/\b\f\n\r\t");
    EXPECT_TEXT(root->at[1].text, "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    EXPECT_TEXT(root->at[2].text, "\xc3\xa9\xf0\x9f\x98\x80");
    EXPECT(root->at[3].n == 3 && memcmp(root->at[3].text, "a\0b", 4) == 0);
    EXPECT(root->at[4].n == 0 && root->at[4].text[0] == '\0');
    json_clear(ctx, &doc);
    EXPECT_INT(parse(ctx, "\xef\xbb\xbf" "7")->integer, 7);
    json_clear(ctx, &doc);
}

static const struct { const char *text; rk_status status; const char *words; } wrong[] = {
    { "",                        RK_E_FORMAT, "byte 0 (line 1, column 1): expected a value, found the end of the text" },
    { "{\"a\": 1,\n \"b\": x}",  RK_E_FORMAT, "byte 15 (line 2, column 7): expected a value, found \"x}\"" },
    { "[\"\xc3\xa9\", ]",        RK_E_FORMAT, "byte 7 (line 1, column 7): expected a value" },
    { "[1 2]",                   RK_E_FORMAT, "expected ',' or ']', found \"2]\"" },
    { "{\"a\" 1}",               RK_E_FORMAT, "expected ':' after a key" },
    { "{\"a\": 1",               RK_E_FORMAT, "expected ',' or '}', found the end" },
    { "{a: 1}",                  RK_E_FORMAT, "expected a key in quotes" },
    { "{\"a\": 1,}",             RK_E_FORMAT, "expected a key in quotes" },
    { "1 2",                     RK_E_FORMAT, "expected nothing more, found \"2\"" },
    { "{}}",                     RK_E_FORMAT, "expected nothing more" },
    { "\"abc",                   RK_E_FORMAT, "the closing quote of a string" },
    { "\"abc\\",                 RK_E_FORMAT, "after a backslash" },
    { "\"\\x41\"",               RK_E_FORMAT, "after a backslash" },
    { "\"\\u12g4\"",             RK_E_FORMAT, "four hexadecimal digits" },
    { "\"\\u12\"",               RK_E_FORMAT, "four hexadecimal digits" },
    { "\"\\ud800\"",             RK_E_FORMAT, "half of a surrogate pair" },
    { "\"\\udc00\\ud800\"",      RK_E_FORMAT, "half of a surrogate pair" },
    { "\"\\ud800\\u0041\"",      RK_E_FORMAT, "half of a surrogate pair" },
    { "\"a\nb\"",                RK_E_FORMAT, "control character" },
    { "\"\xff\"",                RK_E_FORMAT, "invalid UTF-8" },
    { "\"\xed\xa0\x80\"",        RK_E_FORMAT, "invalid UTF-8" },
    { "\"\xe2\x82",              RK_E_FORMAT, "invalid UTF-8" },
    { "01",                      RK_E_FORMAT, "leading zero" },
    { "-",                       RK_E_FORMAT, "expected a value" },
    { "+1",                      RK_E_FORMAT, "expected a value" },
    { "1.",                      RK_E_FORMAT, "after the decimal point" },
    { ".5",                      RK_E_FORMAT, "expected a value" },
    { "1e",                      RK_E_FORMAT, "in the exponent" },
    { "1e+",                     RK_E_FORMAT, "in the exponent" },
    { "1e999",                   RK_E_LIMIT,  "beyond what a double can hold" },
    { "NaN",                     RK_E_FORMAT, "expected a value, found \"NaN\"" },
    { "tru",                     RK_E_FORMAT, "expected a value" },
    { "{\"k\": 1, \"k\": 2}",    RK_E_FORMAT, "byte 9 (line 1, column 10): a second value for the key k" },
    { "[1]\x1b[31m",             RK_E_FORMAT, "found \"?[31m\"" },
};

/* One character that does not stand for itself, at every place of strings of every length up to three words. */
TEST(strings_of_every_length)
{
    static const struct { const char *written, *meant; } odd[] = { { "\\n", "\n" }, { "\\\"", "\"" }, { "\xc3\xa9", "\xc3\xa9" }, { "\\u00e9", "\xc3\xa9" }, { "!", "!" }, { "\x7f", "\x7f" }, { "#", "#" } };
    rk_ctx *ctx = test_ctx();
    for (int n = 0; n <= 26; n++)
        for (int k = 0; k <= n; k++)
            for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
                char text[80], expected[80];
                (void)snprintf(text, sizeof text, "\"%.*s%s%.*s\"", k, "abcdefghijklmnopqrstuvwxyz", odd[i].written, n - k, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
                (void)snprintf(expected, sizeof expected, "%.*s%s%.*s", k, "abcdefghijklmnopqrstuvwxyz", odd[i].meant, n - k, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
                EXPECT_TEXT(parse(ctx, text)->text, expected);
                json_clear(ctx, &doc);
                text[1 + k] = '\x1f';
                EXPECT_INT(json_read(ctx, &doc, "x", text, strlen(text), 0), RK_E_FORMAT);
            }
}

struct members { int n; char text[200]; rk_status end; };

static rk_status each_member(void *user, const struct json *member)
{
    struct members *m = user;
    char path[JSON_SHOWN], words[JSON_SHOWN];
    size_t used = strlen(m->text);
    (void)snprintf(m->text + used, sizeof m->text - used, "%s is %s; ", json_path(member->kind == JSON_ARRAY ? &member->at[0] : member, path), json_words(member, words));
    return ++m->n == 3 ? m->end : RK_OK;
}

TEST(members_one_by_one)
{
    rk_ctx *ctx = test_ctx();
    static const char text[] = " {\"a\": 1, \"b\": [true, {\"c\": null}], \"a\": \"x\"} ";
    struct members m = { .end = RK_OK };
    OK(ctx, json_each(ctx, "x.json", text, sizeof text - 1, 0, each_member, &m));
    EXPECT_TEXT(m.text, "x.json: a is the number 1; x.json: b[0] is an array of 2 values; x.json: a is the string \"x\"; ");
    m = (struct members){ .end = RK_E_CANCELLED };
    EXPECT_INT(json_each(ctx, "x.json", text, sizeof text - 1, 0, each_member, &m), RK_E_CANCELLED);
    m = (struct members){ .end = RK_OK };
    FAILS(ctx, json_each(ctx, "x.json", "[1]", 3, 0, each_member, &m), RK_E_FORMAT, "expected an object");
    FAILS(ctx, json_each(ctx, "x.json", "{\"a\": 1}x", 9, 0, each_member, &m), RK_E_FORMAT, "expected nothing more");
    EXPECT_INT(m.n, 1);
    OK(ctx, json_each(ctx, "x.json", "{}", 2, 0, each_member, &m));
    EXPECT_INT(m.n, 1);
}

TEST(what_is_wrong_is_said_where)
{
    rk_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        FAILS(ctx, json_read(ctx, &doc, "x.json", wrong[i].text, strlen(wrong[i].text), 0), wrong[i].status, wrong[i].words);
        EXPECT(strncmp(rk_error_message(ctx), "x.json: byte ", 13) == 0);
        EXPECT_INT(rk_ctx_bytes(ctx), 0);
    }
    FAILS(ctx, json_read(ctx, &doc, "x.json", "1\0", 2, 0), RK_E_FORMAT, "nothing more");
    FAILS(ctx, json_load(ctx, &doc, "/nonexistent/config.json", 0), RK_E_MISSING, "/nonexistent/config.json");
}

TEST(a_key_twice_among_many_is_found)
{
    rk_ctx *ctx = test_ctx();
    struct str text = { NULL, 0, 0 };
    for (int round = 0; round < 2; round++) {
        text.n = 0;
        OK(ctx, str_text(ctx, &text, "{"));
        for (int i = 0; i < 5000; i++) OK(ctx, str_format(ctx, &text, "%s\"key %d\": %d", i > 0 ? "," : "", i == 4000 && round == 1 ? 17 : i, i));
        OK(ctx, str_text(ctx, &text, "}"));
        rk_status status = json_read(ctx, &doc, "x.json", text.at, (size_t)text.n, 0);
        EXPECT_INT(status, round == 0 ? RK_OK : RK_E_FORMAT);
        if (round == 1) EXPECT(strstr(rk_error_message(ctx), "a second value for the key key 17") != NULL);
        for (int i = 0; i < 5000 && status == RK_OK; i++) {
            char key[16];
            (void)snprintf(key, sizeof key, "key %d", i);
            const struct json *found = json_find(doc.root, key);
            EXPECT(found != NULL && found->integer == i && found == &doc.root->at[i]);
        }
        if (status == RK_OK) EXPECT(json_find(doc.root, "key 5000") == NULL);
        json_clear(ctx, &doc);
    }
    str_free(ctx, &text);
}

TEST(depth_and_length_are_bounded)
{
    rk_ctx *ctx = test_ctx();
    size_t deep = 1000000;
    char *text = malloc(deep);
    for (const char *open = "[{"; *open != '\0'; open++) {
        memset(text, '[', deep);
        for (size_t i = 0; *open == '{' && i + 5 <= deep; i += 5) memcpy(text + i, "{\"a\":", 5);
        FAILS(ctx, json_read(ctx, &doc, "x.json", text, deep, 0), RK_E_LIMIT, "more than 64 deep");
    }
    memset(text, '1', deep);
    FAILS(ctx, json_read(ctx, &doc, "x.json", text, deep, 0), RK_E_LIMIT, "a number of more than 1000 characters");
    memset(text, '[', 64);
    memset(text + 64, ']', 64);
    OK(ctx, json_read(ctx, &doc, "x.json", text, 128, 0));
    json_clear(ctx, &doc);
    free(text);
}

TEST(too_many_values_are_refused)
{
    rk_ctx *ctx = test_ctx();
    size_t n = (size_t)JSON_VALUES * 2 + 1;
    char *text = malloc(n);
    text[0] = '[';
    for (size_t i = 1; i < n; i++) text[i] = i % 2 == 1 ? '0' : ',';
    FAILS(ctx, json_read(ctx, &doc, "x.json", text, n, 0), RK_E_LIMIT, "more than 8388608 values");
    EXPECT(rk_ctx_peak_bytes(ctx) < (size_t)JSON_VALUES * 48 * 3);
    free(text);
}

TEST(getters_name_file_and_key)
{
    rk_ctx *ctx = test_ctx();
    const struct json *root = parse(ctx, "{\"n_layer\": \"12\", \"eps\": 1e-5, \"n\": 3, \"tie\": true, \"rope\": {\"f\": [1, {\"x\": null}]}, \"z\": \"a\\u0000\", \"big\": 70000}"), *v;
    int64_t i;
    double x;
    bool yes;
    const char *text;
    FAILS(ctx, json_get_int(ctx, root, "n_layer", 1, 100, &i), RK_E_FORMAT, "x.json: n_layer: expected an integer, found the string \"12\"");
    FAILS(ctx, json_get_int(ctx, root, "big", 1, 65535, &i), RK_E_FORMAT, "x.json: big: expected an integer from 1 to 65535, found the number 70000");
    FAILS(ctx, json_get_int(ctx, root, "eps", 1, 100, &i), RK_E_FORMAT, "expected an integer, found the number 1e-5");
    FAILS(ctx, json_get_int(ctx, root, "heads", 1, 100, &i), RK_E_MISSING, "x.json: the key \"heads\" is missing");
    FAILS(ctx, json_get_bool(ctx, root, "n", &yes), RK_E_FORMAT, "expected true or false");
    FAILS(ctx, json_get_text(ctx, root, "n", &text), RK_E_FORMAT, "expected a string");
    FAILS(ctx, json_get_text(ctx, root, "z", &text), RK_E_FORMAT, "without \\u0000");
    FAILS(ctx, json_get_array(ctx, root, "rope", &v), RK_E_FORMAT, "expected an array, found an object of 1 keys");
    FAILS(ctx, json_as_double(ctx, &json_find(json_find(root, "rope"), "f")->at[1].at[0], &x), RK_E_FORMAT, "x.json: rope.f[1].x: expected a number, found null");
    OK(ctx, json_get_int(ctx, root, "n", 3, 3, &i));
    OK(ctx, json_get_double(ctx, root, "n", &x));
    EXPECT(i == 3 && x == 3);
    OK(ctx, json_get_double(ctx, root, "eps", &x));
    OK(ctx, json_get_bool(ctx, root, "tie", &yes));
    OK(ctx, json_get_object(ctx, root, "rope", &v));
    EXPECT(x == 1e-5 && yes && v->n == 1);
    json_clear(ctx, &doc);
    root = parse(ctx, "[1]");
    FAILS(ctx, json_get_int(ctx, root, "n", 0, 1, &i), RK_E_FORMAT, "x.json: expected an object, found an array of 1 values");
    json_clear(ctx, &doc);
}

TEST(python_spellings_only_on_request)
{
    rk_ctx *ctx = test_ctx();
    const char *text = "[NaN, Infinity, -Infinity]";
    OK(ctx, json_read(ctx, &doc, "x.json", text, strlen(text), JSON_NAN));
    EXPECT(isnan(doc.root->at[0].real) && doc.root->at[1].real > 1e308 && doc.root->at[2].real < -1e308);
    json_clear(ctx, &doc);
    struct str out = { NULL, 0, 0 };
    struct json_out o = { .to = &out };
    FAILS(ctx, json_put_double(ctx, &o, NULL, (double)NAN), RK_E_ARG, "NaN has no spelling");
    o.flags = JSON_NAN;
    OK(ctx, json_put_double(ctx, &o, NULL, -(double)INFINITY));
    EXPECT_TEXT(out.at, "-Infinity");
    str_free(ctx, &out);
}

static rk_status write_sample(rk_ctx *ctx, struct json_out *o)
{
    TRY(json_open_object(ctx, o, NULL));
    TRY(json_put_text(ctx, o, "name", "caf\xc3\xa9 \"x\"\n"));
    TRY(json_open_array(ctx, o, "list"));
    TRY(json_put_int(ctx, o, NULL, INT64_MIN));
    TRY(json_put_uint(ctx, o, NULL, UINT64_MAX));
    TRY(json_put_double(ctx, o, NULL, 1e-5));
    TRY(json_put_bool(ctx, o, NULL, true));
    TRY(json_put_null(ctx, o, NULL));
    TRY(json_close(ctx, o));
    TRY(json_open_object(ctx, o, "empty"));
    TRY(json_close(ctx, o));
    TRY(json_key(ctx, o, "a\0b", 3));
    TRY(json_open_array(ctx, o, NULL));
    TRY(json_close(ctx, o));
    return json_close(ctx, o);
}

/* The first two are what Python's json.dumps(..., ensure_ascii=False) writes, with indent=None and indent=2. */
TEST(layouts)
{
    rk_ctx *ctx = test_ctx();
    struct str out = { NULL, 0, 0 };
    OK(ctx, write_sample(ctx, &(struct json_out){ .to = &out }));
    EXPECT_TEXT(out.at, "{\"name\": \"caf\xc3\xa9 \\\"x\\\"\\n\", \"list\": [-9223372036854775808, 18446744073709551615, 1e-05, true, null], \"empty\": {}, \"a\\u0000b\": []}");
    out.n = 0;
    OK(ctx, write_sample(ctx, &(struct json_out){ .to = &out, .indent = 2 }));
    EXPECT_TEXT(out.at, "{\n  \"name\": \"caf\xc3\xa9 \\\"x\\\"\\n\",\n  \"list\": [\n    -9223372036854775808,\n    18446744073709551615,\n    1e-05,\n    true,\n    null\n  ],\n"
                        "  \"empty\": {},\n  \"a\\u0000b\": []\n}");
    out.n = 0;
    OK(ctx, write_sample(ctx, &(struct json_out){ .to = &out, .compact = true }));
    EXPECT_TEXT(out.at, "{\"name\":\"caf\xc3\xa9 \\\"x\\\"\\n\",\"list\":[-9223372036854775808,18446744073709551615,1e-05,true,null],\"empty\":{},\"a\\u0000b\":[]}");
    str_free(ctx, &out);
}

TEST(misuse_of_the_writer_is_caught)
{
    rk_ctx *ctx = test_ctx();
    struct str out = { NULL, 0, 0 };
    struct json_out o = { .to = &out };
    FAILS(ctx, json_close(ctx, &o), RK_E_BUG, "broken promise");
    OK(ctx, json_open_object(ctx, &o, NULL));
    FAILS(ctx, json_put_int(ctx, &o, NULL, 1), RK_E_BUG, "broken promise");
    OK(ctx, json_open_array(ctx, &o, "a"));
    FAILS(ctx, json_put_int(ctx, &o, "key", 1), RK_E_BUG, "broken promise");
    OK(ctx, json_close(ctx, &o));
    OK(ctx, json_close(ctx, &o));
    FAILS(ctx, json_put_int(ctx, &o, NULL, 1), RK_E_BUG, "broken promise");
    EXPECT_TEXT(out.at, "{\"a\": []}");
    o = (struct json_out){ .to = &out };
    for (int i = 0; i < JSON_DEPTH; i++) OK(ctx, json_open_array(ctx, &o, NULL));
    FAILS(ctx, json_open_array(ctx, &o, NULL), RK_E_LIMIT, "more than 64 deep");
    str_free(ctx, &out);
}

/* A random string of valid UTF-8, zeros and quotes included. */
static void random_text(char *text, size_t *n)
{
    *n = 0;
    for (uint64_t left = test_random(12); left > 0; left--) {
        static const uint32_t bounds[] = { 0x20, 0x80, 0x800, 0x10000, 0x110000 };
        *n += utf8_put(text + *n, (uint32_t)test_random(bounds[test_random(5)]));          /* surrogates add nothing */
    }
}

static double random_double(void)
{
    uint64_t bits = test_random(0);
    double x;
    if (test_random(2) == 0) return (double)(int64_t)test_random(100000) / 1000.0;
    memcpy(&x, &bits, sizeof x);
    return isfinite(x) ? x : 0.1;
}

static rk_status random_tree(rk_ctx *ctx, struct json_out *o, int depth)
{
    char text[64];
    size_t n;
    uint64_t kind = test_random(depth >= 6 ? 5 : 8);
    if (kind == 0) return json_put_null(ctx, o, NULL);
    if (kind == 1) return json_put_bool(ctx, o, NULL, test_random(2) == 1);
    if (kind == 2) return json_put_int(ctx, o, NULL, (int64_t)test_random(0) >> test_random(64));
    if (kind == 3) return json_put_double(ctx, o, NULL, random_double());
    if (kind == 4) {
        random_text(text, &n);
        return json_put_bytes(ctx, o, NULL, text, n);
    }
    bool object = kind == 5;
    TRY(object ? json_open_object(ctx, o, NULL) : json_open_array(ctx, o, NULL));
    int members = (int)test_random(test_random(20) == 0 ? 100 : 8);
    for (int i = 0; i < members; i++) {
        if (object) {
            random_text(text, &n);
            n += (size_t)snprintf(text + n, sizeof text - n, "%d", i);
            TRY(json_key(ctx, o, text, n));
        }
        TRY(random_tree(ctx, o, depth + 1));
    }
    return json_close(ctx, o);
}

/* write(read(t)) = t for every t that was written, in each layout; and read gives every value back. */
TEST(reading_undoes_writing)
{
    rk_ctx *ctx = test_ctx();
    for (int round = 0; round < 500; round++) {
        struct str first = { NULL, 0, 0 }, second = { NULL, 0, 0 };
        struct json_out o = { .to = &first, .indent = (int)test_random(3) };
        OK(ctx, random_tree(ctx, &o, 0));
        OK(ctx, json_read(ctx, &doc, "random", first.at, (size_t)first.n, 0));
        struct json_out again = { .to = &second, .indent = o.indent };
        OK(ctx, json_put_tree(ctx, &again, NULL, doc.root));
        EXPECT(first.n == second.n && memcmp(first.at, second.at, (size_t)first.n) == 0);
        json_clear(ctx, &doc);
        str_free(ctx, &first);
        str_free(ctx, &second);
    }
}

TEST(text_and_doubles_survive)
{
    rk_ctx *ctx = test_ctx();
    for (int round = 0; round < 3000; round++) {
        struct str out = { NULL, 0, 0 };
        struct json_out o = { .to = &out, .compact = true };
        char text[64];
        size_t n;
        double x = random_double();
        random_text(text, &n);
        OK(ctx, json_open_array(ctx, &o, NULL));
        OK(ctx, json_put_bytes(ctx, &o, NULL, text, n));
        OK(ctx, json_put_double(ctx, &o, NULL, x));
        OK(ctx, json_close(ctx, &o));
        OK(ctx, json_read(ctx, &doc, "random", out.at, (size_t)out.n, 0));
        EXPECT(doc.root->at[0].n == n && memcmp(doc.root->at[0].text, text, n) == 0);
        EXPECT(memcmp(&doc.root->at[1].real, &x, sizeof x) == 0);
        json_clear(ctx, &doc);
        str_free(ctx, &out);
    }
}

/* Right column: Python's repr. */
static const struct { double x; const char *text; } spelled[] = {
    { 0.0, "0.0" }, { -0.0, "-0.0" }, { 1, "1.0" }, { 0.1, "0.1" }, { 1e-5, "1e-05" }, { 0.0001, "0.0001" }, { 123456789012345680.0, "1.2345678901234568e+17" },
    { 1e15, "1000000000000000.0" }, { 1e16, "1e+16" }, { 12.5, "12.5" }, { 5e-324, "5e-324" }, { 1.7976931348623157e308, "1.7976931348623157e+308" },
    { 2.2250738585072014e-308, "2.2250738585072014e-308" }, { 1.0 / 3, "0.3333333333333333" }, { -2.5e-7, "-2.5e-07" }, { 100.0, "100.0" }, { 0.00012345, "0.00012345" },
    { 9007199254740993.0, "9007199254740992.0" }, { 1.5e300, "1.5e+300" }, { 0.30000000000000004, "0.30000000000000004" },
};

TEST(doubles_are_spelled_as_python_does)
{
    for (size_t i = 0; i < sizeof spelled / sizeof *spelled; i++) {
        char text[DECIMAL_ROOM];
        size_t n = decimal_write(spelled[i].x, text);
        EXPECT_TEXT(text, spelled[i].text);
        EXPECT_INT(n, strlen(text));
        EXPECT(decimal_read(text, n) == spelled[i].x);
    }
}

TEST(numbers_do_not_depend_on_the_locale)
{
    char text[DECIMAL_ROOM];
    const char *const commas[] = { "de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "nl_NL.UTF-8" };
    bool set = false;
    for (size_t i = 0; i < 4 && !set; i++) set = setlocale(LC_NUMERIC, commas[i]) != NULL;
    if (!set) SKIP("no locale with a decimal comma is installed");
    (void)decimal_write(-1234.5, text);
    double x = decimal_read("-12.75e-1", 9);
    (void)setlocale(LC_NUMERIC, "C");
    EXPECT_TEXT(text, "-1234.5");
    EXPECT(x == -1.275);
}
