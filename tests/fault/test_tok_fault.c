/* Tokenizers when memory runs out at every possible place, and when files are not what they should be. */
#include "base/file.h"
#include "reckon/counts.h"
#include "reckon/encoding.h"
#include "reckon/tok.h"
#include "reckon/tokens.h"
#include "test.h"
#include <stdlib.h>
#include <sys/stat.h>

static const char text[] = "the cat sat on the mat <|x|> the rat 'twas 1234 \xc3\xa9\xe4\xb8\xad\xff the theatre supercalifragilisticexpialidocious supercalifragilisticexpialidocious";
static const char *const specials[] = { "<|x|>" };
static char folder[600], file[700];

static rk_status train(rk_ctx *ctx, rk_tok **tok)
{
    rk_tok_training how = { .vocab_size = 300, .specials = specials, .n_specials = 1, .ties = RK_TIES_HUGGINGFACE };
    rk_text one = { text, sizeof text - 1 };
    return rk_tok_train(ctx, &how, &one, 1, tok);
}

static rk_status train_and_forget(rk_ctx *ctx)
{
    rk_tok *tok = NULL;
    rk_status status = train(ctx, &tok);
    rk_tok_close(ctx, tok);
    return status;
}

static bool take(void *user, const uint32_t *ids, size_t n, bool ends)
{
    uint64_t *sum = user;
    for (size_t i = 0; i < n; i++) *sum += ids[i] + ends;
    return true;
}

static rk_status open_and_use(rk_ctx *ctx)
{
    uint64_t sum = 0;
    rk_tok *tok = NULL;
    rk_ids ids = { 0 };
    rk_bytes bytes = { 0 }, fixed = { 0 };
    rk_tok_encoder *e = NULL;
    rk_tok_decoder d;
    rk_text ready;
    size_t ends[2];
    rk_text two[2] = { { text, sizeof text - 1 }, { text, 9 } };
    rk_status status = rk_tok_open(ctx, folder, &tok);
    rk_tok_decoder_init(&d, tok, 0);
    if (status == RK_OK) status = rk_tok_encode_many(ctx, tok, two, 2, 0, &ids, ends);
    if (status == RK_OK) status = rk_tok_encoder_open(ctx, tok, 0, &e);
    if (status == RK_OK) status = rk_tok_encoder_add(ctx, e, text, sizeof text - 1, &ids);
    if (status == RK_OK) status = rk_tok_encoder_end(ctx, e, &ids);
    if (status == RK_OK) status = rk_tok_encoder_many(ctx, e, two, 2, take, &sum);
    if (status == RK_OK) status = rk_tok_decode(ctx, tok, ids.at, ids.n, 0, &bytes);
    if (status == RK_OK) status = rk_bytes_replace(ctx, bytes.at, bytes.n, &fixed);
    for (size_t i = 0; i < ids.n && status == RK_OK; i++) status = rk_tok_decoder_push(ctx, &d, ids.at[i], &ready);
    if (status == RK_OK) status = rk_tok_split(ctx, "gpt2", text, sizeof text - 1, &ids);
    if (status == RK_OK) status = rk_tok_split(ctx, "\\w+|(?:a|b)*c", text, sizeof text - 1, &ids);
    if (status == RK_E_DECLINED) status = RK_OK;                      /* no PCRE2 here */
    rk_tok_decoder_clear(ctx, &d);
    rk_bytes_free(ctx, &fixed);
    rk_bytes_free(ctx, &bytes);
    rk_ids_free(ctx, &ids);
    rk_tok_encoder_close(ctx, e);
    rk_tok_close(ctx, tok);
    return status;
}

static rk_status open_and_save(rk_ctx *ctx)
{
    rk_tok *tok = NULL;
    rk_status status = rk_tok_open(ctx, file, &tok);
    if (status == RK_OK) status = rk_tok_save(ctx, tok, folder);
    rk_tok_close(ctx, tok);
    return status;
}

static rk_status write_tokens(rk_ctx *ctx)
{
    static const uint32_t ids[] = { 0, 1, 65535 };
    rk_tokens_writer *w;
    rk_tokens t;
    char path[800];
    (void)snprintf(path, sizeof path, "%s/ids.bin", folder);
    rk_status status = rk_tokens_create(ctx, path, 2, &w);
    if (status != RK_OK) return status;
    status = rk_tokens_add(ctx, w, ids, 3);
    if (status == RK_OK) status = rk_tokens_commit(ctx, w);
    else rk_tokens_abandon(ctx, w);
    if (status == RK_OK) status = rk_tokens_open(ctx, path, 0, &t);
    if (status != RK_OK) return status;
    EXPECT(t.n == 3 && rk_tokens_at(&t, 2) == 65535);
    rk_tokens_close(&t);
    return RK_OK;
}

static void set_up(void)
{
    rk_ctx *ctx = test_ctx();
    rk_tok *tok;
    (void)snprintf(folder, sizeof folder, "%s/tok", test_temporary());
    (void)snprintf(file, sizeof file, "%s/vocab.json", folder);
    OK(ctx, train(ctx, &tok));
    OK(ctx, rk_tok_save(ctx, tok, folder));
    rk_tok_close(ctx, tok);
}

static rk_status count_and_forget(rk_ctx *ctx)
{
    rk_counting how = { .specials = specials, .n_specials = 1, .memory = RK_COUNTS_LEAST_MEMORY, .temporary = folder };
    rk_tok_training training = { .vocab_size = 270 };
    rk_text one = { text, sizeof text - 1 };
    rk_counts *counts = NULL;
    rk_tok *tok = NULL;
    rk_status status = rk_counts_open(ctx, &how, &counts);
    if (status == RK_OK) status = rk_counts_add(ctx, counts, &one, 1);
    if (status == RK_OK) status = rk_counts_write(ctx, counts, file);
    if (status == RK_OK) status = rk_counts_read(ctx, counts, file);
    if (status == RK_OK) status = rk_counts_train(ctx, counts, &training, &tok);
    rk_tok_close(ctx, tok);
    rk_counts_close(ctx, counts);
    return status;
}

static rk_status pieces_and_forget(rk_ctx *ctx)
{
    static const char *const berts[] = { "[UNK]", "[SEP]" };
    rk_tok_training how = { .vocab_size = 90, .specials = berts, .n_specials = 2, .model = RK_PIECES_WORDPIECE, .lowercase = true, .limit_alphabet = 30 };
    rk_text one = { text, sizeof text - 1 };
    rk_tok *tok = NULL;
    rk_status status = rk_tok_train(ctx, &how, &one, 1, &tok);
    rk_tok_close(ctx, tok);
    return status;
}

TEST(every_allocation_of_training_pieces_may_fail) { FOR_EVERY_FAILED_ALLOCATION(pieces_and_forget); }

TEST(every_allocation_of_counting_may_fail)
{
    (void)snprintf(folder, sizeof folder, "%s", test_temporary());
    (void)snprintf(file, sizeof file, "%s/counts", folder);
    FOR_EVERY_FAILED_ALLOCATION(count_and_forget);
}

TEST(every_allocation_of_training_may_fail) { FOR_EVERY_FAILED_ALLOCATION(train_and_forget); }

static const char pieces[] = "[UNK]\n[CLS]\n[SEP]\nthe\ncat\n##s\n1\n##2\n";

/* WordPiece from a vocab.txt: read, used on a pair, saved, decoded. */
static rk_status use_wordpiece(rk_ctx *ctx)
{
    char path[1200];
    rk_tok *tok = NULL;
    rk_encoding e = { 0 };
    rk_bytes bytes = { 0 };
    rk_text one = { text, sizeof text - 1 };
    (void)snprintf(path, sizeof path, "%s/vocab.txt", folder);
    rk_status status = rk_tok_open_as(ctx, path, &(rk_tok_opening){ .lowercase = true }, &tok);
    if (status == RK_OK) status = rk_encoding_make(ctx, tok, &(rk_encoding_rules){ .truncate = 40, .pad = 60 }, one, &one, &e);
    if (status == RK_OK) status = rk_tok_decode(ctx, tok, e.ids, e.n, 0, &bytes);
    if (status == RK_OK) status = rk_tok_save(ctx, tok, test_temporary());
    rk_bytes_free(ctx, &bytes);
    rk_encoding_free(ctx, &e);
    rk_tok_close(ctx, tok);
    return status;
}

/* What use_wordpiece saved, with its tokenizer.json; and one with a normalizer and tokens that take white space. */
static rk_status use_saved_wordpiece(rk_ctx *ctx)
{
    rk_tok *tok = NULL;
    rk_ids ids = { 0 };
    rk_status status = rk_tok_open(ctx, folder, &tok);
    if (status == RK_OK) status = rk_tok_encode(ctx, tok, text, sizeof text - 1, 0, &ids);
    rk_ids_free(ctx, &ids);
    rk_tok_close(ctx, tok);
    return status;
}

static rk_status use_normalizer(rk_ctx *ctx)
{
    static const char sample[] = "e\xcc\x81 e\xcc\x81\xff <x> \xe1\x84\x80\xe1\x85\xa1";
    rk_tok *tok = NULL;
    rk_encoding e = { 0 };
    rk_status status = rk_tok_open(ctx, file, &tok);
    if (status == RK_OK) status = rk_encoding_make(ctx, tok, &(rk_encoding_rules){ .flags = RK_TOK_REPLACE }, (rk_text){ sample, sizeof sample - 1 }, NULL, &e);
    if (status == RK_E_FORMAT) status = RK_OK;                        /* the vocabulary lacks these bytes, and says so */
    rk_encoding_free(ctx, &e);
    rk_tok_close(ctx, tok);
    return status;
}

TEST(every_allocation_of_wordpiece_and_normal_forms_may_fail)
{
    static const char json[] = "{\"added_tokens\":[{\"id\":3,\"content\":\"<x>\",\"lstrip\":true,\"rstrip\":true,\"single_word\":true,\"normalized\":true}],\"normalizer\":{\"type\":\"NFC\"},"
        "\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false},\"model\":{\"type\":\"BPE\",\"vocab\":{\"\u00c3\":0,\"\u00a9\":1,\"\u0120\":2},\"merges\":[]}}";
    char path[1200];
    (void)snprintf(folder, sizeof folder, "%s", test_temporary());
    (void)snprintf(file, sizeof file, "%s/nfc.json", folder);
    (void)snprintf(path, sizeof path, "%s/vocab.txt", folder);
    test_write(path, pieces, sizeof pieces - 1);
    test_write(file, json, sizeof json - 1);
    FOR_EVERY_FAILED_ALLOCATION(use_wordpiece);
    FOR_EVERY_FAILED_ALLOCATION(use_saved_wordpiece);
    FOR_EVERY_FAILED_ALLOCATION(use_normalizer);
}

TEST(every_allocation_of_use_may_fail)
{
    set_up();
    FOR_EVERY_FAILED_ALLOCATION(open_and_use);
}

TEST(every_allocation_of_saving_may_fail)
{
    set_up();
    FOR_EVERY_FAILED_ALLOCATION(open_and_save);
    FOR_EVERY_FAILED_ALLOCATION(write_tokens);
    rk_ctx *ctx = test_ctx();
    rk_tok *tok;
    OK(ctx, rk_tok_open(ctx, folder, &tok));                          /* what was saved again and again, with failures between, is whole */
    rk_tok_close(ctx, tok);
}

TEST(files_of_ids_are_checked)
{
    rk_ctx *ctx = test_ctx();
    rk_tokens_writer *w;
    rk_tokens t;
    char path[800], odd[800];
    static const uint32_t large = 65536;
    (void)snprintf(path, sizeof path, "%s/x.u32", test_temporary());
    (void)snprintf(odd, sizeof odd, "%s/odd.bin", test_temporary());
    FAILS(ctx, rk_tokens_create(ctx, path, 3, &w), RK_E_ARG, "3 bytes");
    OK(ctx, rk_tokens_create(ctx, path, 2, &w));
    FAILS(ctx, rk_tokens_add(ctx, w, &large, 1), RK_E_LIMIT, "65536");
    rk_tokens_abandon(ctx, w);
    FAILS(ctx, rk_tokens_open(ctx, path, 0, &t), RK_E_MISSING, "x.u32");
    OK(ctx, rk_tokens_create(ctx, path, 4, &w));
    OK(ctx, rk_tokens_add(ctx, w, &large, 1));
    OK(ctx, rk_tokens_commit(ctx, w));
    OK(ctx, rk_tokens_open(ctx, path, 0, &t));
    EXPECT(t.bytes_each == 4 && t.n == 1 && rk_tokens_at(&t, 0) == large);
    rk_tokens_close(&t);
    for (unsigned bytes = 2; bytes <= 4; bytes += 2) {                /* llm.c's header: written, read, and not believed when it lies */
        static const uint32_t ids[] = { 1, 50256, 65535 };
        static unsigned char whole[1024 + 3 * 4];
        OK(ctx, rk_tokens_create_as(ctx, odd, RK_TOKENS_LLMC, bytes, &w));
        OK(ctx, rk_tokens_add(ctx, w, ids, 3));
        OK(ctx, rk_tokens_commit(ctx, w));
        FILE *back = fopen(odd, "rb");
        REQUIRE(back != NULL && fread(whole, 1, sizeof whole, back) == 1024 + 3 * bytes && fclose(back) == 0);
        EXPECT(memcmp(whole, bytes == 2 ? "\x88\xd8\x34\x01\x01\0\0\0\x03\0\0\0\0" : "\xa1\xd9\x34\x01\x07\0\0\0\x03\0\0\0\0", 13) == 0);
        OK(ctx, rk_tokens_open(ctx, odd, 0, &t));
        EXPECT(t.n == 3 && t.bytes_each == bytes && rk_tokens_at(&t, 1) == 50256 && rk_tokens_at(&t, 2) == 65535);
        rk_tokens_close(&t);
        whole[8] = 2;
        test_write(odd, (const char *)whole, 1024 + 3 * bytes);
        OK(ctx, rk_tokens_open(ctx, odd, 2, &t));
        EXPECT(t.n == 512 + 3 * bytes / 2 && t.header == 0);
        rk_tokens_close(&t);
    }
    FAILS(ctx, rk_tokens_create_as(ctx, odd, (rk_tokens_format)7, 2, &w), RK_E_ARG, "format 7");
    FILE *f = fopen(odd, "wb");
    REQUIRE(f != NULL && fputs("abc", f) >= 0 && fclose(f) == 0);
    FAILS(ctx, rk_tokens_open(ctx, odd, 0, &t), RK_E_FORMAT, "odd.bin");
}

/* ---- files that are not what they should be ---- */

#define HEAD "{\"added_tokens\":[],\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false},"
#define MODEL "\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"ab\":2},\"merges\":[\"a b\"]}}"

#define PRE  "{\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},"
#define BERT "\"normalizer\":{\"type\":\"BertNormalizer\",\"clean_text\":true,\"handle_chinese_chars\":true,\"strip_accents\":null,\"lowercase\":true},\"model\":{\"type\":\"WordPiece\","

TEST(a_bad_tokenizer_json_is_refused_by_name)
{
    static const struct { const char *json; rk_status status; const char *words; } cases[] = {
        { "", RK_E_FORMAT, "tokenizer.json" },
        { "[]", RK_E_FORMAT, "" },
        { HEAD "\"normalizer\":{\"type\":\"NFKC\"}," MODEL, RK_E_DECLINED, "normalizer" },
        { HEAD "\"padding\":{}," MODEL, RK_E_DECLINED, "padding" },
        { HEAD "\"post_processor\":{\"type\":\"RobertaProcessing\"}," MODEL, RK_E_DECLINED, "RobertaProcessing" },
        { HEAD "\"post_processor\":{\"type\":\"TemplateProcessing\"}," MODEL, RK_E_MISSING, "single" },
        { HEAD "\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"x\",\"type_id\":0}}],\"special_tokens\":{}}," MODEL, RK_E_DECLINED, "\"x\"" },
        { HEAD "\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"x\",\"type_id\":0}}],\"special_tokens\":{\"x\":{\"ids\":[9]}}}," MODEL, RK_E_FORMAT, "9 is no token" },
        { HEAD "\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[],\"special_tokens\":{}}," MODEL, RK_E_DECLINED, "single" },
        { HEAD "\"post_processor\":{\"type\":\"Sequence\",\"processors\":[{\"type\":\"ByteLevel\"},{\"type\":\"Sequence\"}]}," MODEL, RK_E_DECLINED, "processors[1]" },
        { HEAD "\"news\":1," MODEL, RK_E_DECLINED, "news" },
        { "{\"pre_tokenizer\":{\"type\":\"Whitespace\"}," MODEL, RK_E_DECLINED, "Whitespace" },
        { "{\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":true}," MODEL, RK_E_DECLINED, "add_prefix_space" },
        { "{\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":{\"Regex\":\"a+\"},\"behavior\":\"Removed\",\"invert\":false},"
          "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":false}]}," MODEL, RK_E_DECLINED, "pretokenizers[0]" },
        { "{" MODEL, RK_E_MISSING, "pre_tokenizer" },
        { HEAD "\"model\":{\"type\":\"Unigram\",\"vocab\":{}}}", RK_E_DECLINED, "Unigram" },
        { HEAD "\"model\":{\"type\":\"WordPiece\",\"vocab\":{}}}", RK_E_MISSING, "normalizer" },
        { HEAD BERT "\"unk_token\":\"[UNK]\",\"vocab\":{\"a\":0}}}", RK_E_DECLINED, "pre_tokenizer" },
        { PRE BERT "\"unk_token\":\"[UNK]\",\"vocab\":{\"a\":0}}}", RK_E_FORMAT, "[UNK]" },
        { PRE BERT "\"vocab\":{\"a\":0}}}", RK_E_FORMAT, "special token" },
        { PRE BERT "\"unk_token\":\"a\",\"vocab\":{\"a\":0,\"b\":\"c\"}}}", RK_E_FORMAT, "vocab" },
        { PRE BERT "\"unk_token\":\"a\",\"max_input_chars_per_word\":0,\"vocab\":{\"a\":0}}}", RK_E_FORMAT, "max_input" },
        { PRE BERT "\"unk_token\":\"a\",\"continuing_subword_prefix\":\"\",\"vocab\":{\"a\":0}}}", RK_E_DECLINED, "continuing_subword_prefix" },
        { PRE "\"decoder\":{\"type\":\"BPEDecoder\"}," BERT "\"unk_token\":\"a\",\"vocab\":{\"a\":0}}}", RK_E_DECLINED, "BPEDecoder" },
        { PRE "\"post_processor\":{\"type\":\"BertProcessing\",\"sep\":[\"x\",1],\"cls\":[\"a\",0]}," BERT "\"unk_token\":\"a\",\"vocab\":{\"a\":0}}}", RK_E_FORMAT, "\"x\"" },
        { PRE "\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[],\"special_tokens\":{}}," BERT "\"unk_token\":\"a\",\"vocab\":{\"a\":0}}}", RK_E_DECLINED, "single" },
        { PRE "\"post_processor\":{\"type\":\"ByteLevel\"}," BERT "\"unk_token\":\"a\",\"vocab\":{\"a\":0}}}", RK_E_DECLINED, "post_processor" },
        { PRE "\"added_tokens\":[{\"id\":0,\"content\":\"a\",\"normalized\":true}]," BERT "\"unk_token\":\"a\",\"vocab\":{\"a\":0}}}", RK_E_DECLINED, "token 0" },
        { HEAD "\"model\":{\"vocab\":{\"a\":0},\"merges\":[\"a b\"]}}", RK_E_FORMAT, "merge 0 names b" },
        { HEAD "\"model\":{\"vocab\":{\"a\":0,\"b\":1},\"merges\":[\"a b\"]}}", RK_E_FORMAT, "merge 0" },
        { HEAD "\"model\":{\"vocab\":{\"a\":0,\"b\":1},\"merges\":[\"ab\"]}}", RK_E_FORMAT, "one space" },
        { HEAD "\"model\":{\"vocab\":{\"a\":0,\"b\":1},\"merges\":[[\"a\"]]}}", RK_E_FORMAT, "merge 0" },
        { HEAD "\"model\":{\"vocab\":{\"a\":0,\"b\":0},\"merges\":[]}}", RK_E_FORMAT, "id 0" },
        { HEAD "\"model\":{\"vocab\":{\"a\":-1},\"merges\":[]}}", RK_E_FORMAT, "a" },
        { HEAD "\"model\":{\"vocab\":{\"a\":4000000000},\"merges\":[]}}", RK_E_FORMAT, "4000000000" },
        { HEAD "\"model\":{\"vocab\":{\"a\":\"0\"},\"merges\":[]}}", RK_E_FORMAT, "vocab" },
        { HEAD "\"model\":{\"vocab\":{\"a b\":0},\"merges\":[]}}", RK_E_FORMAT, "spells no byte" },
        { HEAD "\"model\":{\"vocab\":{\"a\":0},\"merges\":[],\"dropout\":0.1}}", RK_E_DECLINED, "dropout" },
        { HEAD "\"model\":{\"vocab\":{\"a\":0},\"merges\":[],\"unk_token\":\"a\"}}", RK_E_DECLINED, "unk_token" },
        { HEAD "\"model\":{\"vocab\":{\"a\":0},\"merges\":[],\"end_of_word_suffix\":\"</w>\"}}", RK_E_DECLINED, "end_of_word_suffix" },
        { "{\"added_tokens\":[{\"id\":7,\"content\":\"\"}],\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false}," MODEL, RK_E_FORMAT, "no text" },
        { "{\"added_tokens\":[{\"id\":0,\"content\":\"<x>\"}],\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false}," MODEL, RK_E_FORMAT, "id 0" },
        { "{\"added_tokens\":[{\"id\":7,\"content\":\"<x>\"},{\"id\":8,\"content\":\"<x>\"}],\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false}," MODEL, RK_E_FORMAT, "twice" },
    };
    rk_ctx *ctx = test_ctx();
    char path[700];
    (void)snprintf(path, sizeof path, "%s/tokenizer.json", test_temporary());
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rk_tok *tok = NULL;
        FILE *f = fopen(path, "w");
        REQUIRE(f != NULL && fputs(cases[i].json, f) >= 0 && fclose(f) == 0);
        FAILS(ctx, rk_tok_open(ctx, path, &tok), cases[i].status, cases[i].words);
        EXPECT(tok == NULL);
        EXPECT_INT(rk_ctx_bytes(ctx), 0);
    }
    FILE *f = fopen(path, "w");
    REQUIRE(f != NULL && fputs(HEAD MODEL, f) >= 0 && fclose(f) == 0);
    rk_tok *tok;
    rk_ids ids = { 0 };
    OK(ctx, rk_tok_open(ctx, test_temporary(), &tok));
    OK(ctx, rk_tok_encode(ctx, tok, "abab", 4, 0, &ids));
    EXPECT(ids.n == 2 && ids.at[0] == 2 && ids.at[1] == 2);
    FAILS(ctx, rk_tok_encode(ctx, tok, "ab abc", 6, 0, &ids), RK_E_FORMAT, "byte 0x20 at byte 2");
    EXPECT_INT(ids.n, 2);
    FAILS(ctx, rk_tok_decode(ctx, tok, (const uint32_t[]){ 0, 3 }, 2, 0, &(rk_bytes){ 0 }), RK_E_ARG, "id 3 at position 1");
    rk_ids_free(ctx, &ids);
    rk_tok_close(ctx, tok);
    FAILS(ctx, rk_tok_open(ctx, "/nowhere", &tok), RK_E_MISSING, "/nowhere");
}

static rk_status use_tiktoken(rk_ctx *ctx)
{
    char path[1200];
    rk_tok *tok = NULL;
    (void)snprintf(path, sizeof path, "%s/again.tiktoken", folder);
    rk_status status = rk_tok_open(ctx, file, &tok);
    if (status == RK_OK) status = rk_tok_save(ctx, tok, path);
    rk_tok_close(ctx, tok);
    return status;
}

TEST(a_bad_tiktoken_is_refused_by_its_line)
{
    static const struct { const char *text; rk_status status; const char *words; } cases[] = {
        { "", RK_E_FORMAT, "no token" }, { "YQ==\n", RK_E_FORMAT, "line 1" }, { "YQ== 0\nYg= 1\n", RK_E_FORMAT, "line 2" }, { "YQ== x\n", RK_E_FORMAT, "line 1" },
        { "YQ== 99999999999\n", RK_E_FORMAT, "line 1" }, { "YQ== 0\nYg== 0\n", RK_E_FORMAT, "id 0" }, { "YQ== 0\nYQ== 1\n", RK_E_FORMAT, "twice" },
        { "=Q== 0\n", RK_E_FORMAT, "line 1" }, { "Y=Q= 0\n", RK_E_FORMAT, "line 1" }, { "Y\xc3\xa9== 0\n", RK_E_FORMAT, "line 1" }, { " 0\n", RK_E_FORMAT, "line 1" },
    };
    static const char good[] = "YQ== 0\nYg== 1\nYWI= 2\nYWJh 3\n\n";
    char nobody[1200];
    rk_ctx *ctx = test_ctx();
    rk_tok *tok;
    rk_ids ids = { 0 };
    (void)snprintf(folder, sizeof folder, "%s", test_temporary());
    (void)snprintf(file, sizeof file, "%s/cl100k.tiktoken", folder);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        test_write(file, cases[i].text, strlen(cases[i].text));
        FAILS(ctx, rk_tok_open(ctx, file, &tok), cases[i].status, cases[i].words);
        EXPECT_INT(rk_ctx_bytes(ctx), 0);
    }
    test_write(file, good, sizeof good - 1);
    OK(ctx, rk_tok_open(ctx, file, &tok));
    EXPECT_INT(rk_tok_specials(tok), 5);
    OK(ctx, rk_tok_encode(ctx, tok, "abaabab<|endofprompt|>", 22, 0, &ids));
    static const uint32_t expected[] = { 3, 2, 2, 100276 };            /* ab·a·ab·ab, then aba from ab and a */
    EXPECT(ids.n == 4 && memcmp(ids.at, expected, sizeof expected) == 0);
    rk_ids_free(ctx, &ids);
    rk_tok_close(ctx, tok);
    FAILS(ctx, rk_tok_open_as(ctx, file, &(rk_tok_opening){ .lowercase = true }, &tok), RK_E_ARG, "lower case");
    (void)snprintf(file, sizeof file, "%s/cl100k/mine.tiktoken", folder);           /* only the file's own name counts */
    (void)snprintf(nobody, sizeof nobody, "%s/cl100k", folder);
    REQUIRE(mkdir(nobody, 0777) == 0);
    test_write(file, good, sizeof good - 1);
    FAILS(ctx, rk_tok_open(ctx, file, &tok), RK_E_ARG, "mine.tiktoken: nothing says which pattern");
    OK(ctx, rk_tok_open_as(ctx, file, &(rk_tok_opening){ .pattern = "o200k" }, &tok));
    EXPECT_INT(rk_tok_specials(tok), 0);
    rk_tok_close(ctx, tok);
    (void)snprintf(file, sizeof file, "%s/cl100k.tiktoken", folder);
    FAILS(ctx, rk_tok_open_as(ctx, file, &(rk_tok_opening){ .pattern = "gpt9" }, &tok), RK_E_UNKNOWN, "gpt9");
    FOR_EVERY_FAILED_ALLOCATION(use_tiktoken);
}

TEST(a_folder_without_a_tokenizer_is_missing_one)
{
    rk_ctx *ctx = test_ctx();
    rk_tok *tok;
    FAILS(ctx, rk_tok_open(ctx, test_temporary(), &tok), RK_E_MISSING, "no tokenizer");
    EXPECT(strstr(rk_error_hint(ctx), "merges.txt") != NULL);
}

/* A word of a hundred thousand letters: n log n, not n squared. */
TEST(one_long_word_is_no_trouble)
{
    enum { LONG = 2000000 };
    rk_ctx *ctx = test_ctx();
    rk_tok *tok;
    char *word = malloc(LONG);
    rk_ids ids = { 0 };
    rk_bytes back = { 0 };
    REQUIRE(word != NULL);
    memset(word, 'a', LONG);
    rk_text one = { word, LONG };
    rk_tok_training how = { .vocab_size = 400 };
    OK(ctx, rk_tok_train(ctx, &how, &one, 1, &tok));
    OK(ctx, rk_tok_encode(ctx, tok, word, LONG, 0, &ids));
    OK(ctx, rk_tok_decode(ctx, tok, ids.at, ids.n, 0, &back));
    EXPECT(back.n == LONG && memcmp(back.at, word, LONG) == 0);
    free(word);
    rk_ids_free(ctx, &ids);
    rk_bytes_free(ctx, &back);
    rk_tok_close(ctx, tok);
}
