/* generation_config.json as settings: every key to its place, what wins over what, and what is refused. */
#include "base/file.h"
#include "model/generation.h"
#include "test.h"

static rk_status read(rk_ctx *ctx, const char *text, bool strict, rk_generation_config **config)
{
    struct json_doc doc = { 0 };
    *config = NULL;
    rk_status status = json_read(ctx, &doc, "settings", text, strlen(text), 0);
    if (status == RK_OK) status = generation_config_read(ctx, doc.root, strict, config);
    json_clear(ctx, &doc);
    return status;
}

TEST(every_key_has_its_place)
{
    rk_ctx *ctx = test_ctx();
    rk_generation_config *c;
    OK(ctx, read(ctx, "{\"do_sample\": true, \"temperature\": 0.5, \"top_k\": 7, \"top_p\": 0.9, \"min_p\": 0.1, \"repetition_penalty\": 1.2, \"no_repeat_ngram_size\": 3, \"max_new_tokens\": 11,"
                      " \"max_length\": 40, \"min_length\": 9, \"num_return_sequences\": 2, \"eos_token_id\": [5, 6], \"bos_token_id\": 3, \"bad_words_ids\": [[1], [2, 3]], \"suppress_tokens\": [8, 9],"
                      " \"forced_bos_token_id\": 4, \"forced_eos_token_id\": [6], \"renormalize_logits\": true, \"typical_p\": 1.0, \"penalty_alpha\": null, \"pad_token_id\": 0}", true, &c));
    const rk_sampling *s = &c->how.sampling;
    EXPECT(c->draws && c->says_draws && !s->greedy && c->how.beams == NULL);
    EXPECT(s->temperature == 0.5 && s->top_k == 7 && s->top_p == 0.9 && s->min_p == 0.1 && s->repetition == 1.2 && s->no_repeat == 3 && s->min_length == 9);
    EXPECT(c->how.max_new_tokens == 11 && c->max_length == 40 && c->how.samples == 2 && s->renormalize && c->has_start && c->start == 3);
    EXPECT(c->how.n_ends == 2 && c->how.ends[1] == 6 && s->n_bad == 2 && s->bad[1].n == 2 && s->bad[1].at[1] == 3 && s->n_suppress == 2 && s->suppress[0] == 8);
    EXPECT(s->first != NULL && *s->first == 4 && s->last != NULL && *s->last == 6);
    rk_generation_config_close(ctx, c);
    OK(ctx, read(ctx, "{\"num_beams\": 4, \"length_penalty\": 0.0, \"early_stopping\": \"never\", \"min_length\": 9, \"min_new_tokens\": 2, \"bos_token_id\": 1, \"decoder_start_token_id\": 7, \"mine\": 1, \"yours\": []}", false, &c));
    EXPECT(c->how.beams != NULL && c->how.beams->n == 4 && c->how.beams->length_penalty == 0 && c->how.beams->early == RK_EARLY_NEVER && c->how.sampling.greedy);
    EXPECT(c->how.sampling.min_length == 0 && c->how.sampling.min_new == 2 && c->start == 7);
    EXPECT_TEXT(c->unknown, "mine yours");
    rk_generation_config_close(ctx, c);
    OK(ctx, read(ctx, "{\"do_sample\": false}", true, &c));
    EXPECT(c->how.sampling.greedy && !c->has_start);
    rk_generation_config_close(ctx, c);
}

TEST(what_is_not_done_or_cannot_be_is_refused)
{
    static const struct { const char *text; rk_status status; const char *words; } cases[] = {
        { "{\"mine\": 1}", RK_E_UNKNOWN, "mine" },                                { "{\"typical_p\": 0.9}", RK_E_DECLINED, "typical_p" },
        { "{\"stop_strings\": [\"x\"]}", RK_E_DECLINED, "stop_strings" },        { "{\"early_stopping\": \"soon\"}", RK_E_FORMAT, "never" },
        { "{\"num_beams\": 2.5}", RK_E_FORMAT, "expected a whole number" },       { "{\"num_beams\": -1}", RK_E_LIMIT, "num_beams" },                        { "{\"eos_token_id\": -1}", RK_E_FORMAT, "eos_token_id" },
        { "{\"bad_words_ids\": [1]}", RK_E_FORMAT, "bad_words_ids" },              { "{\"max_new_tokens\": 1e99}", RK_E_FORMAT, "max_new_tokens" },
        { "[]", RK_E_FORMAT, "object" },                                             { "{\"do_sample\": 1}", RK_E_FORMAT, "do_sample" },
    };
    rk_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rk_generation_config *c;
        FAILS(ctx, read(ctx, cases[i].text, true, &c), cases[i].status, cases[i].words);
        EXPECT(c == NULL);
    }
}

TEST(a_folder_says_it_in_one_file_or_the_other)
{
    rk_ctx *ctx = test_ctx();
    rk_generation_config *c;
    OK(ctx, rk_generation_config_open(ctx, test_temporary(), &c));
    EXPECT_TEXT(c->path, "");
    rk_generation_config_close(ctx, c);
    test_write_text("config.json", "{\"n_layer\": 2, \"eos_token_id\": 7, \"task_specific_params\": {\"text-generation\": {\"do_sample\": true}}}");
    OK(ctx, rk_generation_config_open(ctx, test_temporary(), &c));
    EXPECT(c->how.n_ends == 1 && c->how.ends[0] == 7 && !c->says_draws);
    EXPECT_TEXT(c->unknown, "");
    rk_generation_config_close(ctx, c);
    test_write_text("generation_config.json", "{\"eos_token_id\": 8}");
    OK(ctx, rk_generation_config_open(ctx, test_temporary(), &c));
    EXPECT(c->how.ends[0] == 8 && strstr(c->path, "generation_config.json") != NULL);
    rk_generation_config_close(ctx, c);
    OK(ctx, rk_generation_config_open(ctx, "", &c));
    EXPECT_INT(c->how.n_ends, 0);
    rk_generation_config_close(ctx, c);
}

static rk_status read_once(rk_ctx *ctx)
{
    rk_generation_config *c;
    rk_status status = read(ctx, "{\"eos_token_id\": [1, 2], \"bad_words_ids\": [[1], [2]], \"mine\": 1}", false, &c);
    rk_generation_config_close(ctx, c);
    return status;
}
TEST(reading_survives_every_failed_allocation) { FOR_EVERY_FAILED_ALLOCATION(read_once); }
