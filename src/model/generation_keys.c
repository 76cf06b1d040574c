/* generation_keys.c: the keys of generation_config.json: what transformers is told of generating, as our settings.
 *
 * Each key is a row that says where its value goes. Keys of what is not done here are refused unless their value asks for nothing;
 * bookkeeping is passed over. */
#include "model/config.h"
#include "model/generation_inner.h"
#include <math.h>
#include <stddef.h>
#include <string.h>

typedef rk_status read_fn(rk_ctx *ctx, struct generation *g, const struct json *v, size_t at);

/* --- values --- */

static rk_status read_real(rk_ctx *ctx, struct generation *g, const struct json *v, size_t at)
{
    double x;
    TRY(json_as_double(ctx, v, &x));
    if (!isfinite(x)) return FAIL(RK_E_LIMIT, "%s: %s is no number to count with", g->pub.path, v->key.at);
    *(double *)((char *)g + at) = x;
    return RK_OK;
}

static rk_status read_count(rk_ctx *ctx, struct generation *g, const struct json *v, size_t at)
{
    return json_as_int(ctx, v, 0, INT32_MAX, (int64_t *)((char *)g + at));
}

static rk_status read_flag(rk_ctx *ctx, struct generation *g, const struct json *v, size_t at)
{
    return json_as_bool(ctx, v, (bool *)((char *)g + at));
}

static rk_status read_draws(rk_ctx *ctx, struct generation *g, const struct json *v, size_t at)
{
    g->pub.says_draws = true;
    return read_flag(ctx, g, v, at);
}

/* It wins over min_length, as in _prepare_generated_length. */
static rk_status read_min_new(rk_ctx *ctx, struct generation *g, const struct json *v, size_t at)
{
    g->says_min_new = true;
    return read_real(ctx, g, v, at);
}

/* transformers' warpers leave a zero temperature to be an error; a draw without chance is the likeliest. */
static rk_status read_temperature(rk_ctx *ctx, struct generation *g, const struct json *v, size_t at)
{
    TRY(read_real(ctx, g, v, at));
    if (g->pub.how.sampling.temperature == 0) g->pub.how.sampling.greedy = true;
    return RK_OK;
}

static rk_status read_id(rk_ctx *ctx, const struct json *v, uint32_t *id)
{
    int64_t x;
    TRY(json_as_int(ctx, v, 0, UINT32_MAX, &x));
    *id = (uint32_t)x;
    return RK_OK;
}

/* One id, or a list of them. */
static rk_status read_ids(rk_ctx *ctx, struct generation *g, const struct json *v, rk_ids *ids)
{
    size_t n = v->kind == JSON_ARRAY ? v->n : 1;
    TRY(TAKE(&g->arena, ids->at, n));
    if (v->kind != JSON_ARRAY) TRY(read_id(ctx, v, ids->at));
    for (size_t i = 0; i < n && v->kind == JSON_ARRAY; i++) TRY(read_id(ctx, &v->at[i], &ids->at[i]));
    ids->n = n;
    return RK_OK;
}

static rk_status read_ends(rk_ctx *ctx, struct generation *g, const struct json *v, size_t at)
{
    rk_ids ids = { 0 };
    (void)at;
    TRY(read_ids(ctx, g, v, &ids));
    g->pub.how.ends = ids.at;
    g->pub.how.n_ends = ids.n;
    return RK_OK;
}

static rk_status read_suppress(rk_ctx *ctx, struct generation *g, const struct json *v, size_t at)
{
    rk_ids ids = { 0 };
    (void)at;
    TRY(read_ids(ctx, g, v, &ids));
    g->pub.how.sampling.suppress = ids.at;
    g->pub.how.sampling.n_suppress = ids.n;
    return RK_OK;
}

static rk_status read_bad(rk_ctx *ctx, struct generation *g, const struct json *v, size_t at)
{
    rk_ids *words;
    (void)at;
    TRY(json_as_array(ctx, v));
    TRY(TAKE(&g->arena, words, v->n));
    for (uint32_t i = 0; i < v->n; i++) {
        TRY(json_as_array(ctx, &v->at[i]));
        TRY(read_ids(ctx, g, &v->at[i], &words[i]));
    }
    g->pub.how.sampling.bad = words;
    g->pub.how.sampling.n_bad = v->n;
    return RK_OK;
}

/* A list of several ends is one that nobody can be sure of. */
static rk_status read_forced(rk_ctx *ctx, struct generation *g, const struct json *v, size_t at)
{
    const struct json *one = v->kind == JSON_ARRAY && v->n == 1 ? &v->at[0] : v;
    bool is_first = at == offsetof(struct generation, first);
    TRY(read_id(ctx, one, (uint32_t *)((char *)g + at)));
    if (is_first) g->pub.how.sampling.first = &g->first;
    else g->pub.how.sampling.last = &g->last;
    return RK_OK;
}

static rk_status read_early(rk_ctx *ctx, struct generation *g, const struct json *v, size_t at)
{
    char path[JSON_SHOWN], words[JSON_SHOWN];
    (void)at;
    if (v->kind == JSON_BOOL) g->beams.early = v->truth ? RK_EARLY_TRUE : RK_EARLY_FALSE;
    else if (v->kind == JSON_STRING && strcmp(v->text, "never") == 0) g->beams.early = RK_EARLY_NEVER;
    else return FAIL(RK_E_FORMAT, "%s: expected true, false or \"never\", found %s", json_path(v, path), json_words(v, words));
    return RK_OK;
}

/* --- keys --- */

#define AT(member) offsetof(struct generation, member)
static const struct { const char *key; read_fn *read; size_t at; } keys[] = {
    { "do_sample",               read_draws,       AT(pub.draws) },
    { "max_new_tokens",          read_count,       AT(pub.how.max_new_tokens) },
    { "max_length",              read_count,       AT(pub.max_length) },
    { "min_length",              read_real,        AT(pub.how.sampling.min_length) },
    { "min_new_tokens",          read_min_new,     AT(pub.how.sampling.min_new) },
    { "num_return_sequences",    read_count,       AT(pub.how.samples) },
    { "num_beams",               read_real,        AT(beam_count) },
    { "length_penalty",          read_real,        AT(beams.length_penalty) },
    { "early_stopping",          read_early,       0 },
    { "temperature",             read_temperature, AT(pub.how.sampling.temperature) },
    { "top_k",                   read_real,        AT(pub.how.sampling.top_k) },
    { "top_p",                   read_real,        AT(pub.how.sampling.top_p) },
    { "min_p",                   read_real,        AT(pub.how.sampling.min_p) },
    { "repetition_penalty",      read_real,        AT(pub.how.sampling.repetition) },
    { "no_repeat_ngram_size",    read_real,        AT(pub.how.sampling.no_repeat) },
    { "bad_words_ids",           read_bad,         0 },
    { "forced_bos_token_id",     read_forced,      AT(first) },
    { "forced_eos_token_id",     read_forced,      AT(last) },
    { "suppress_tokens",         read_suppress,    0 },
    { "renormalize_logits",      read_flag,        AT(pub.how.sampling.renormalize) },
    { "eos_token_id",            read_ends,        0 },
    { "decoder_start_token_id",  read_real,        AT(start) },
    { "bos_token_id",            read_real,        AT(bos) },
};

/* What is not done here, and the value that asks for nothing. */
static const struct { const char *key; double nothing; } declined[] = {
    { "typical_p", 1 }, { "epsilon_cutoff", 0 }, { "eta_cutoff", 0 }, { "top_h", 0 }, { "diversity_penalty", 0 }, { "num_beam_groups", 1 }, { "penalty_alpha", 0 },
    { "encoder_repetition_penalty", 1 }, { "encoder_no_repeat_ngram_size", 0 }, { "guidance_scale", 1 }, { "begin_suppress_tokens", 0 }, { "sequence_bias", 0 },
    { "exponential_decay_length_penalty", 0 }, { "constraints", 0 }, { "force_words_ids", 0 }, { "watermarking_config", 0 }, { "dola_layers", 0 }, { "stop_strings", 0 },
    { "max_time", 0 }, { "low_memory", 0 }, { "token_healing", 0 }, { "remove_invalid_values", 0 }, { "forced_decoder_ids", 0 },
};

static const char *const passed_over =
    "transformers_version _from_model_config _commit_hash use_cache pad_token_id output_attentions output_hidden_states output_scores output_logits "
    "return_dict_in_generate cache_implementation cache_config return_legacy_cache prefill_chunk_size compile_config disable_compile is_assistant num_assistant_tokens "
    "num_assistant_tokens_schedule assistant_confidence_threshold prompt_lookup_num_tokens max_matching_ngram_size assistant_early_exit assistant_lookbehind "
    "target_lookbehind generation_kwargs continuous_batching_config";

static bool asks_nothing(const struct json *v, double nothing)
{
    if (v->kind == JSON_NULL) return true;
    if (v->kind == JSON_BOOL) return (double)v->truth == nothing;
    if (v->kind == JSON_INT) return (double)v->integer == nothing;
    if (v->kind == JSON_DOUBLE) return v->real == nothing;
    return (v->kind == JSON_ARRAY || v->kind == JSON_OBJECT) && v->n == 0;
}

rk_status generation_key(rk_ctx *ctx, struct generation *g, const struct json *v, enum strangers strangers)
{
    char path[JSON_SHOWN];
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strcmp(v->key.at, keys[i].key) == 0) return v->kind == JSON_NULL ? RK_OK : keys[i].read(ctx, g, v, keys[i].at);
    for (size_t i = 0; i < sizeof declined / sizeof *declined; i++)
        if (strcmp(v->key.at, declined[i].key) == 0) {
            if (asks_nothing(v, declined[i].nothing)) return RK_OK;
            (void)FAIL(RK_E_DECLINED, "%s: generation with this is not done here", json_path(v, path));
            return ctx_hint(ctx, "take it out of the file, or leave the file aside");
        }
    if (word_among(passed_over, v->key.at, strlen(v->key.at))) return RK_OK;
    if (strangers == REFUSED) return FAIL(RK_E_UNKNOWN, "%s: no setting of generation is called so", json_path(v, path));
    if (strangers == EXPECTED) return RK_OK;
    return str_format(ctx, &g->unknown, "%s%s", g->unknown.n > 0 ? " " : "", v->key.at);
}
