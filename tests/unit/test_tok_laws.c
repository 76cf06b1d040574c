/* Laws of the tokenizer, over random input. */
#include "reckon/tok.h"
#include "test.h"
#include "test_tok_text.h"
#include "tok/bytelevel.h"
#include "tok/narrow.h"
#include "tok/tok.h"
#include <stdlib.h>
#include <time.h>

enum { MOST = 4096 };

TEST(bytes_are_spelled_and_read_back)
{
    rk_ctx *ctx = test_ctx();
    struct str s = { 0 };
    char all[256], back[256];
    size_t n;
    for (int i = 0; i < 256; i++) {
        all[i] = (char)i;
        EXPECT_INT(bytelevel_byte(bytelevel_code((unsigned char)i)), i);
    }
    OK(ctx, bytelevel_write(ctx, &s, all, 256));
    EXPECT(bytelevel_read(str_c(&s), (size_t)s.n, back, &n) && n == 256 && memcmp(all, back, 256) == 0);
    EXPECT_INT(bytelevel_code(' '), 0x120);
    EXPECT_INT(bytelevel_code('\n'), 0x10a);
    EXPECT_INT(bytelevel_byte(0x144), -1);
    EXPECT_INT(bytelevel_byte(' '), -1);
    str_free(ctx, &s);
}

/* ---- encoding ---- */

static const char *const specials[] = { "<|endoftext|>", "<|endoftext|><|endoftext|>", "<|end", "a b", "\t \n" };

static rk_tok *trained(rk_ctx *ctx, uint32_t vocab_size, rk_ties ties)
{
    static char text[200000];
    size_t n = 0;
    while (n < sizeof text - MOST) n += hard_text(text + n, MOST);
    rk_tok_training how = { .vocab_size = vocab_size, .specials = specials, .n_specials = 5, .ties = ties };
    rk_text one = { text, n };
    rk_tok *tok;
    OK(ctx, rk_tok_train(ctx, &how, &one, 1, &tok));
    if (test_random(2)) tok_fill(tok);
    return tok;
}

/* Short texts one after another, until the tables for long ones are there: by the caller, and by an encoder that began without. Then nothing else comes of it. */
TEST(tables_that_come_later_change_no_id)
{
    rk_ctx *ctx = test_ctx();
    static char text[MOST];
    rk_tok *tok[2];
    rk_tok_encoder *e;
    rk_ids ids[3] = { { 0 }, { 0 }, { 0 } };
    for (int i = 0; i < 2; i++) {
        static const char all[] = "the cat that sat on the mat, the cats that chatted; \343\201\202\343\201\204\343\201\202\343\201\204 and on";
        rk_text one = { all, sizeof all - 1 };
        OK(ctx, rk_tok_train(ctx, &(rk_tok_training){ .vocab_size = 300, .specials = specials, .n_specials = 5 }, &one, 1, &tok[i]));
    }
    tok_fill(tok[0]);
    OK(ctx, rk_tok_encoder_open(ctx, tok[1], 0, &e));
    EXPECT(quick_ask(&tok[1]->bpe, &tok[1]->vocab, 0) == NULL);
    for (size_t bytes = 0; bytes < 2 * QUICK_WORTH;) {
        size_t n = hard_text(text, MOST);
        for (int i = 0; i < 3; i++) ids[i].n = 0;
        OK(ctx, rk_tok_encode(ctx, tok[0], text, n, 0, &ids[0]));
        OK(ctx, rk_tok_encode(ctx, tok[1], text, n, 0, &ids[1]));
        OK(ctx, rk_tok_encoder_add(ctx, e, text, n, &ids[2]));
        OK(ctx, rk_tok_encoder_end(ctx, e, &ids[2]));
        for (int i = 1; i < 3; i++) EXPECT(ids[i].n == ids[0].n && (n == 0 || memcmp(ids[i].at, ids[0].at, ids[0].n * sizeof *ids[0].at) == 0));
        bytes += n;
    }
    EXPECT(quick_ask(&tok[1]->bpe, &tok[1]->vocab, 0) != NULL);
    rk_tok_encoder_close(ctx, e);
    for (int i = 0; i < 3; i++) rk_ids_free(ctx, &ids[i]);
    for (int i = 0; i < 2; i++) rk_tok_close(ctx, tok[i]);
}

TEST(decoding_undoes_encoding)
{
    rk_ctx *ctx = test_ctx();
    rk_tok *tok = trained(ctx, 900, RK_TIES_CS336);
    static char bytes[MOST];
    for (int round = 0; round < 2000 / TEST_FEWER; round++) {
        size_t n = hard_text(bytes, round % 50 == 0 ? MOST : 100);
        if (round % 3 == 0)
            for (size_t i = 0; i < n; i++) bytes[i] = (char)test_random(256);
        rk_ids ids = { 0 };
        rk_bytes back = { 0 };
        OK(ctx, rk_tok_encode(ctx, tok, bytes, n, round % 2 ? RK_TOK_PLAIN : 0, &ids));
        OK(ctx, rk_tok_decode(ctx, tok, ids.at, ids.n, 0, &back));
        EXPECT(back.n == n && (n == 0 || memcmp(back.at, bytes, n) == 0));
        rk_ids_free(ctx, &ids);
        rk_bytes_free(ctx, &back);
    }
    rk_tok_close(ctx, tok);
}

/* Byte pair encoding by its definition: the pair of least rank, leftmost first, until there is none. */
static size_t naive_word(const rk_tok *tok, const char *word, size_t n, uint32_t *ids)
{
    rk_text parts[MOST];
    for (size_t i = 0; i < n; i++) parts[i] = (rk_text){ word + i, 1 };
    for (uint32_t rank = 0; rank < rk_tok_merges(tok); rank++) {
        size_t left;
        rk_text m = rk_tok_merge(tok, rank, &left);
        for (size_t i = 0; i + 1 < n; i++) {
            if (parts[i].n != left || parts[i].n + parts[i + 1].n != m.n || memcmp(parts[i].at, m.at, m.n) != 0) continue;
            parts[i].n = m.n;
            memmove(parts + i + 1, parts + i + 2, (n - i - 2) * sizeof *parts);
            n--;
        }
    }
    for (size_t i = 0; i < n; i++)
        if (!rk_tok_find(tok, parts[i].at, parts[i].n, &ids[i])) test_fail(__FILE__, __LINE__, "a part is no token");
    return n;
}

TEST(encoding_is_the_merges_in_order)
{
    rk_ctx *ctx = test_ctx();
    rk_tok *tok = trained(ctx, 700, RK_TIES_HUGGINGFACE);
    static char bytes[MOST];
    static uint32_t expected[MOST];
    for (int round = 0; round < 400 / TEST_FEWER; round++) {
        size_t n = hard_text(bytes, 300), made = 0;
        if (round % 4 == 0)
            for (size_t i = 0; i < n; i++) bytes[i] = "ab"[test_random(8) == 0];        /* one long word of runs */
        rk_ids lengths = { 0 }, ids = { 0 };
        OK(ctx, rk_tok_split(ctx, "gpt2", bytes, n, &lengths));
        for (size_t i = 0, at = 0; i < lengths.n; at += lengths.at[i++]) made += naive_word(tok, bytes + at, lengths.at[i], expected + made);
        OK(ctx, rk_tok_encode(ctx, tok, bytes, n, RK_TOK_PLAIN, &ids));
        EXPECT(ids.n == made && (made == 0 || memcmp(ids.at, expected, made * sizeof *expected) == 0));
        rk_ids_free(ctx, &lengths);
        rk_ids_free(ctx, &ids);
    }
    rk_tok_close(ctx, tok);
}

/* Words of one text, long ones and such that fall into parts, met again and again: by every body of the inner loops. */
TEST(every_instruction_set_encodes_alike)
{
    static const char *const parts[] = { "\xe4\xb8\xad", "\xe6\x96\x87", "\xe3\x81\xae", "\xe3\x81\x8c", "\xc3\xa9", "\xe3\x83\xbc", "a", "ab", "the", " the", " ", "--------------------", "0123456789abcdef",
        "\xf0\x9f\x99\x83", "\xe4\xb8", "\n", ". ", "supercalifragilistic", "                   ", "'s" };
    enum { PARTS = sizeof parts / sizeof *parts };
    static char text[MOST], learnt[60000];
    static uint32_t expected[MOST];
    rk_ctx *ctx = test_ctx();
    size_t n = 0;
    while (n < sizeof learnt - 32) {
        const char *part = parts[test_random(PARTS)];
        memcpy(learnt + n, part, strlen(part));
        n += strlen(part);
    }
    rk_text one = { learnt, n };
    rk_tok *tok;
    OK(ctx, rk_tok_train(ctx, &(rk_tok_training){ .vocab_size = 800, .ties = RK_TIES_CS336 }, &one, 1, &tok));
    for (int round = 0; round < 300 / TEST_FEWER; round++) {
        size_t want = test_random(round % 20 == 0 ? MOST - 32 : 600), kinds = 1 + test_random(PARTS), made = 0;
        for (n = 0; n < want;) {
            const char *part = parts[(test_random(kinds) + (size_t)round) % PARTS];
            memcpy(text + n, part, strlen(part));
            n += strlen(part);
        }
        rk_ids lengths = { 0 };
        OK(ctx, rk_tok_split(ctx, "gpt2", text, n, &lengths));
        for (size_t i = 0, at = 0; i < lengths.n; at += lengths.at[i++]) made += naive_word(tok, text + at, lengths.at[i], expected + made);
        for (int isa = 0; isa < ISA_COUNT; isa++) {
            if (!isa_runs((enum isa)isa)) continue;
            tok_use(tok, (enum isa)isa);
            rk_ids ids = { 0 };
            OK(ctx, rk_tok_encode(ctx, tok, text, n, 0, &ids));
            EXPECT(ids.n == made && (made == 0 || memcmp(ids.at, expected, made * sizeof *expected) == 0));
            rk_ids_free(ctx, &ids);
        }
        rk_ids_free(ctx, &lengths);
    }
    rk_tok_close(ctx, tok);
}

TEST(ids_narrow_alike)
{
    uint32_t ids[200];
    unsigned char bytes[400];
    for (int round = 0; round < 200; round++) {
        size_t n = test_random(200);
        uint32_t all = 0;
        for (size_t i = 0; i < n; i++) all |= ids[i] = (uint32_t)test_random(round % 4 == 0 ? 1 << 20 : 1 << 16);
        for (int isa = 0; isa < ISA_COUNT; isa++) {
            if (!isa_runs((enum isa)isa)) continue;
            EXPECT_INT(narrow_bodies[isa](ids, n, bytes), all);
            for (size_t i = 0; i < n; i++) EXPECT_INT(bytes[2 * i] | bytes[2 * i + 1] << 8, ids[i] & 0xffff);
        }
    }
}

TEST(a_stream_in_any_pieces_is_the_whole)
{
    rk_ctx *ctx = test_ctx();
    rk_tok *tok = trained(ctx, 600, RK_TIES_CS336);
    static char bytes[MOST];
    rk_tok_encoder *e;
    OK(ctx, rk_tok_encoder_open(ctx, tok, 0, &e));
    for (int round = 0; round < 3000 / TEST_FEWER; round++) {
        size_t n = hard_text(bytes, 200), at = 0;
        rk_ids whole = { 0 }, streamed = { 0 };
        OK(ctx, rk_tok_encode(ctx, tok, bytes, n, 0, &whole));
        while (at < n) {
            size_t piece = 1 + test_random(round % 2 ? 3 : 60);
            if (piece > n - at) piece = n - at;
            OK(ctx, rk_tok_encoder_add(ctx, e, bytes + at, piece, &streamed));
            at += piece;
        }
        OK(ctx, rk_tok_encoder_end(ctx, e, &streamed));
        EXPECT(whole.n == streamed.n && (whole.n == 0 || memcmp(whole.at, streamed.at, whole.n * sizeof *whole.at) == 0));
        rk_ids_free(ctx, &whole);
        rk_ids_free(ctx, &streamed);
    }
    rk_tok_encoder_close(ctx, e);
    rk_tok_close(ctx, tok);
}

TEST(parallel_is_serial)
{
    enum { LONG = 3 << 20 };
    rk_ctx *ctx = test_ctx(), *one = NULL, *four = NULL;
    OK(ctx, rk_ctx_open(&(rk_options){ .threads = 1 }, &one));
    OK(ctx, rk_ctx_open(&(rk_options){ .threads = 4 }, &four));
    char *text = malloc(LONG);
    size_t n = 0, ends[2][3];
    while (n < LONG - MOST) n += hard_text(text + n, MOST);
    rk_tok *tok[2];
    rk_ctx *by[2] = { one, four };
    rk_ids ids[2] = { { 0 }, { 0 } };
    rk_text texts[3] = { { text, n }, { text, 0 }, { text + n / 2, n - n / 2 } };
    for (int i = 0; i < 2; i++) {
        rk_tok_training how = { .vocab_size = 1000, .specials = specials, .n_specials = 5 };
        OK(by[i], rk_tok_train(by[i], &how, texts, 3, &tok[i]));
        OK(by[i], rk_tok_encode_many(by[i], tok[i], texts, 3, 0, &ids[i], ends[i]));
    }
    EXPECT_INT(rk_tok_size(tok[0]), rk_tok_size(tok[1]));
    for (uint32_t i = 0; i < rk_tok_size(tok[0]); i++) {
        rk_text a = rk_tok_bytes(tok[0], i), b = rk_tok_bytes(tok[1], i);
        EXPECT(a.n == b.n && memcmp(a.at, b.at, a.n) == 0);
    }
    EXPECT(ids[0].n == ids[1].n && memcmp(ids[0].at, ids[1].at, ids[0].n * sizeof *ids[0].at) == 0);
    EXPECT(memcmp(ends[0], ends[1], sizeof ends[0]) == 0 && ends[0][0] == ends[0][1] && ends[0][2] == ids[0].n);
    for (int i = 0; i < 2; i++) {
        rk_ids_free(by[i], &ids[i]);
        rk_tok_close(by[i], tok[i]);
        EXPECT_INT(rk_ctx_bytes(by[i]), 0);
        rk_ctx_close(by[i]);
    }
    free(text);
}

struct taken { rk_ids ids; size_t ends[8], n, most; };

static bool take(void *user, const uint32_t *ids, size_t n, bool ends)
{
    struct taken *t = user;
    if (t->ids.n + n > t->most) return false;
    for (size_t i = 0; i < n; i++) t->ids.at[t->ids.n++] = ids[i];
    if (ends) t->ends[t->n++] = t->ids.n;
    return true;
}

/* Texts of all lengths, more than fit into a chunk, and chunks more than there is room for while their taker sleeps: each is what it is alone. */
enum { MANY = 5000 };
struct one_by_one { const rk_ids *want; const size_t *ends; size_t ids, texts; bool slept, equal; };

static bool compare(void *user, const uint32_t *ids, size_t n, bool ends)
{
    struct one_by_one *o = user;
    if (!o->slept) (void)nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
    o->slept = true;
    o->equal = o->equal && o->ids + n <= o->want->n && (n == 0 || memcmp(ids, o->want->at + o->ids, n * sizeof *ids) == 0);
    o->ids += n;
    if (ends) o->equal = o->equal && o->ends[o->texts++] == o->ids;
    return o->equal;
}

TEST(short_texts_go_together)
{
    static rk_text texts[MANY];
    static size_t ends[MANY];
    rk_ctx *ctx = test_ctx();
    rk_tok *tok = trained(ctx, 600, RK_TIES_CS336);
    size_t room = (size_t)1 << (TEST_SANITIZED ? 17 : 20), n = 0;
    char *text = malloc(room);
    rk_ids want = { 0 };
    while (n < room - MOST) n += hard_text(text + n, MOST);
    for (int i = 0; i < MANY; i++) {
        size_t length = test_random(1000) == 0 ? n / 4 : test_random(3) == 0 ? 0 : test_random(n / MANY * 2);
        texts[i] = (rk_text){ text + test_random(n - length), length };
        OK(ctx, rk_tok_encode(ctx, tok, texts[i].at, texts[i].n, 0, &want));
        ends[i] = want.n;
    }
    for (int threads = 1; threads <= 4; threads += 3) {
        rk_ctx *by;
        rk_tok_encoder *e;
        struct one_by_one o = { .want = &want, .ends = ends, .equal = true };
        REQUIRE(rk_ctx_open(&(rk_options){ .threads = threads }, &by) == RK_OK);
        OK(by, rk_tok_encoder_open(by, tok, 0, &e));
        OK(by, rk_tok_encoder_many(by, e, texts, MANY, compare, &o));
        EXPECT(o.equal && o.texts == MANY && o.ids == want.n);
        rk_tok_encoder_close(by, e);
        EXPECT_INT(rk_ctx_bytes(by), 0);
        rk_ctx_close(by);
    }
    rk_ids_free(ctx, &want);
    rk_tok_close(ctx, tok);
    free(text);
}

/* The same encoder again and again, on one thread and on four, stopped once: always what encode_many gives. */
TEST(an_encoder_of_many_texts_is_encode_many)
{
    enum { LONG = 600000 };
    char *text = malloc(LONG);
    size_t n = 0, ends[4];
    while (n < LONG - MOST) n += hard_text(text + n, MOST);
    rk_text texts[4] = { { text, n }, { text, 0 }, { text + n / 3, n / 2 }, { text, 7 } };
    struct taken taken = { .ids.at = malloc(2 * LONG * sizeof *taken.ids.at) };
    for (int threads = 1; threads <= 4; threads += 3) {
        rk_ctx *ctx;
        REQUIRE(rk_ctx_open(&(rk_options){ .threads = threads }, &ctx) == RK_OK && taken.ids.at != NULL);
        rk_tok *tok;
        rk_tok_encoder *e;
        rk_ids ids = { 0 };
        OK(ctx, rk_tok_train(ctx, &(rk_tok_training){ .vocab_size = 700, .specials = specials, .n_specials = 5 }, texts, 1, &tok));
        OK(ctx, rk_tok_encode_many(ctx, tok, texts, 4, 0, &ids, ends));
        OK(ctx, rk_tok_encoder_open(ctx, tok, 0, &e));
        for (int round = 0; round < 3; round++) {
            taken.ids.n = taken.n = 0;
            taken.most = round == 1 ? ids.n / 2 : 2 * LONG;
            rk_status status = rk_tok_encoder_many(ctx, e, texts, 4, take, &taken);
            if (round == 1) {
                FAILS(ctx, status, RK_E_CANCELLED, "stopped");
                continue;
            }
            OK(ctx, status);
            EXPECT(taken.n == 4 && memcmp(taken.ends, ends, sizeof ends) == 0 && taken.ids.n == ids.n && memcmp(taken.ids.at, ids.at, ids.n * sizeof *ids.at) == 0);
        }
        rk_ids_free(ctx, &ids);
        rk_tok_encoder_close(ctx, e);
        rk_tok_close(ctx, tok);
        EXPECT_INT(rk_ctx_bytes(ctx), 0);
        rk_ctx_close(ctx);
    }
    free(taken.ids.at);
    free(text);
}

/* ---- files ---- */

static void expect_equal(const rk_tok *a, const rk_tok *b)
{
    EXPECT_INT(rk_tok_size(a), rk_tok_size(b));
    EXPECT_INT(rk_tok_merges(a), rk_tok_merges(b));
    EXPECT_INT(rk_tok_specials(a), rk_tok_specials(b));
    for (uint32_t i = 0; i < rk_tok_size(a); i++) {
        rk_text x = rk_tok_bytes(a, i), y = rk_tok_bytes(b, i);
        EXPECT((x.at == NULL) == (y.at == NULL) && x.n == y.n && (x.n == 0 || memcmp(x.at, y.at, x.n) == 0));
    }
    for (uint32_t i = 0; i < rk_tok_merges(a); i++) {
        size_t p = 0, q = 0;
        rk_text x = rk_tok_merge(a, i, &p), y = rk_tok_merge(b, i, &q);
        EXPECT(p == q && x.n == y.n && memcmp(x.at, y.at, x.n) == 0);
    }
    for (size_t i = 0; i < rk_tok_specials(a); i++) EXPECT_INT(rk_tok_special(a, i).id, rk_tok_special(b, i).id);
}

TEST(what_is_saved_opens_equal)
{
    rk_ctx *ctx = test_ctx();
    for (int ties = 0; ties < 2; ties++) {
        rk_tok *tok = trained(ctx, 800, (rk_ties)ties), *back;
        char folder[600], file[700];
        (void)snprintf(folder, sizeof folder, "%s/tok%d", test_temporary(), ties);
        OK(ctx, rk_tok_save(ctx, tok, folder));
        OK(ctx, rk_tok_open(ctx, folder, &back));
        expect_equal(tok, back);
        rk_tok_close(ctx, back);
        (void)snprintf(file, sizeof file, "%s/tokenizer.json", folder);
        OK(ctx, rk_tok_open(ctx, file, &back));
        expect_equal(tok, back);
        rk_tok_close(ctx, back);
        rk_tok_close(ctx, tok);
    }
}

TEST(decoding_in_a_stream_never_breaks_a_character)
{
    rk_ctx *ctx = test_ctx();
    rk_tok *tok = trained(ctx, 300, RK_TIES_CS336);
    for (int round = 0; round < 2000 / TEST_FEWER; round++) {
        uint32_t ids[40];
        size_t n = test_random(40);
        rk_bytes raw = { 0 }, text = { 0 };
        struct str all = { 0 };
        rk_tok_decoder d;
        rk_text ready;
        static const unsigned char likely[] = { 0xe4, 0xb8, 0xad, 0xf0, 0x9f, 0x99, 0x83, 0xc3, 0xa9, 'a', 0xff, 0xed, 0xa0 };
        for (size_t i = 0; i < n; i++) ids[i] = test_random(3) ? 5u + likely[test_random(sizeof likely)] : (uint32_t)test_random(rk_tok_size(tok));
        rk_tok_decoder_init(&d, tok, RK_TOK_SKIP_SPECIAL);
        for (size_t i = 0, many = 1; i <= n; i += many) {
            many = i < n && round % 2 == 1 ? 1 + test_random(n - i) : 1;
            if (i < n && round % 2 == 1) OK(ctx, rk_tok_decoder_add(ctx, &d, ids + i, many, &ready));
            else if (i < n) OK(ctx, rk_tok_decoder_push(ctx, &d, ids[i], &ready));
            else OK(ctx, rk_tok_decoder_end(ctx, &d, &ready));
            rk_bytes again = { 0 };
            OK(ctx, rk_bytes_replace(ctx, ready.at, ready.n, &again));
            EXPECT(again.n == ready.n && (ready.n == 0 || memcmp(again.at, ready.at, ready.n) == 0));      /* valid as it is */
            OK(ctx, str_add(ctx, &all, ready.at, ready.n));
            rk_bytes_free(ctx, &again);
        }
        OK(ctx, rk_tok_decode(ctx, tok, ids, n, RK_TOK_SKIP_SPECIAL, &raw));
        OK(ctx, rk_bytes_replace(ctx, raw.at, raw.n, &text));
        EXPECT((size_t)all.n == text.n && (text.n == 0 || memcmp(all.at, text.at, text.n) == 0));
        rk_tok_decoder_clear(ctx, &d);
        rk_bytes_free(ctx, &raw);
        rk_bytes_free(ctx, &text);
        str_free(ctx, &all);
    }
    rk_tok_close(ctx, tok);
}

/* Where a text may be cut, both parts give the ids of the whole; a place is always before the end, which more text follows. */
TEST(parts_between_cuts_are_the_whole)
{
    static char text[MOST];
    rk_ctx *ctx = test_ctx();
    rk_tok *tok = trained(ctx, 400, RK_TIES_RANK);
    rk_ids whole = { 0 }, first = { 0 }, second = { 0 };
    int cuts = 0;
    for (int round = 0; round < 200; round++) {
        size_t n = hard_text(text, MOST), seen = n - test_random(n / 2 + 1), at = rk_tok_cut(tok, text, seen);
        if (at == 0) continue;
        cuts++;
        EXPECT(at < seen);
        OK(ctx, rk_tok_encode(ctx, tok, text, n, 0, &whole));
        OK(ctx, rk_tok_encode(ctx, tok, text, at, 0, &first));
        OK(ctx, rk_tok_encode(ctx, tok, text + at, n - at, 0, &second));
        EXPECT(first.n + second.n == whole.n);
        for (size_t i = 0; i < whole.n && first.n + second.n == whole.n; i++) EXPECT(whole.at[i] == (i < first.n ? first.at[i] : second.at[i - first.n]));
        whole.n = first.n = second.n = 0;
    }
    EXPECT(cuts > 20);
    EXPECT_INT(rk_tok_cut(tok, text, 0), 0);
    rk_ids_free(ctx, &whole);
    rk_ids_free(ctx, &first);
    rk_ids_free(ctx, &second);
    rk_tok_close(ctx, tok);
}
