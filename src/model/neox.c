/* GPT-NeoX (Black et al. 2022) and Pythia (Biderman et al. 2023): attention and MLP beside each other, each with its own norm, or
 * one after the other; rotary positions on part of a head, its halves turned against each other; a head of its own, without bias.
 *
 *   x = E[id];  x += attn(norm1 x) + mlp(norm2 x);  logits = W · norm(x)
 *   serial:     x += attn(norm1 x);  x += mlp(norm2 x)
 *
 * Rotary: n = int(K · rotary_pct) sets the frequencies theta^(-2i/n), i < ⌈n/2⌉; with n odd one number more than n turns.
 * Sources: transformers modeling_gpt_neox.py, configuration_gpt_neox.py; EleutherAI/gpt-neox and pythia. */
#include "core/graph.h"
#include "model/block.h"
#include "model/torch.h"
#include <math.h>

/* transformers 4 writes rotary_pct and rotary_emb_base, and from 4.43 on both a second time as partial_rotary_factor and rope_theta,
 * which alone are read by it and not by 5. That writes an object, and reads the former. */
static const struct field fields[] = {
    FIELD_SIZES("max_position_embeddings", "hidden_size", "num_hidden_layers", "num_attention_heads"),
    FIELD_FF("intermediate_size", NULL),
    FIELD_ACT("hidden_act", "gelu"),
    FIELD_EPS("layer_norm_eps"),
    FIELD_TIED("false"),
    FIELD_FLAGGED("parallel", "use_parallel_residual", "true"),
    FIELD_FLAGGED("attn_bias", "attention_bias", "true"),
    { "rotary", "rotary_pct | rope_parameters.partial_rotary_factor | rope_scaling.partial_rotary_factor", FIELD_REAL, "0.25", 0, 1, NULL, false },
    FIELD_THETA("rotary_emb_base | rope_parameters.rope_theta | rope_scaling.rope_theta"),
    { "rope", "rope_parameters.rope_type | rope_parameters.type | rope_scaling.rope_type | rope_scaling.type", FIELD_CHOICE, "default", 0, 0, "default", false },
    FIELD_NEVER("cross", "add_cross_attention"),
    FIELD_DROPOUT("hidden_dropout", "hidden_dropout | hidden_dropout_prob", "0"),
    FIELD_DROPOUT("attn_pdrop", "attention_dropout | attention_probs_dropout_prob", "0"),
    FIELD_INIT,
    { .name = NULL }
};

#define PYTHIA(size) "pythia-" size, "EleutherAI/pythia-" size
#define DEDUPED(size) PYTHIA(size) " pythia-" size "-deduped EleutherAI/pythia-" size "-deduped"
#define SIZE(vocab, hidden, layers, heads, ff) \
    "vocab_size=" #vocab " max_position_embeddings=2048 hidden_size=" #hidden " num_hidden_layers=" #layers " num_attention_heads=" #heads " intermediate_size=" #ff

/* The rows of the vocabulary are padded for as many GPUs as a model was trained on. */
static const struct preset presets[] = {
    { PYTHIA("14m"),   SIZE(50304, 128, 6, 4, 512) },
    { PYTHIA("31m"),   SIZE(50304, 256, 6, 8, 1024) },
    { DEDUPED("70m"),  SIZE(50304, 512, 6, 8, 2048) },
    { DEDUPED("160m"), SIZE(50304, 768, 12, 12, 3072) },
    { DEDUPED("410m"), SIZE(50304, 1024, 24, 16, 4096) },
    { DEDUPED("1b"),   SIZE(50304, 2048, 16, 8, 8192) },
    { DEDUPED("1.4b"), SIZE(50304, 2048, 24, 16, 8192) },
    { DEDUPED("2.8b"), SIZE(50304, 2560, 32, 32, 10240) },
    { DEDUPED("6.9b"), SIZE(50432, 4096, 32, 32, 16384) },
    { DEDUPED("12b"),  SIZE(50688, 5120, 36, 40, 20480) },
    { "gpt-neox-20b", "EleutherAI/gpt-neox-20b", SIZE(50432, 6144, 44, 64, 24576) " hidden_act=gelu_fast" },
    { .name = NULL }
};

/* A head's q, k and v lie together in files: [head three head_dim]. */
static const struct binding names[] = {
    { "embed.weight",         "embed_in.weight",                               "vocab hidden" },
    { "h.*.norm1.weight",     "layers.*.input_layernorm.weight",               "hidden" },
    { "h.*.norm1.bias",       "layers.*.input_layernorm.bias",                 "hidden" },
    { "h.*.attn.qkv.weight",  "layers.*.attention.query_key_value.weight",     "(head three head_dim) hidden" },
    { "h.*.attn.qkv.bias",    "layers.*.attention.query_key_value.bias",       "(head three head_dim)" },
    { "h.*.attn.out.weight",  "layers.*.attention.dense.weight",               "hidden (head head_dim)" },
    { "h.*.attn.out.bias",    "layers.*.attention.dense.bias",                 "hidden" },
    { "h.*.norm2.weight",     "layers.*.post_attention_layernorm.weight",      "hidden" },
    { "h.*.norm2.bias",       "layers.*.post_attention_layernorm.bias",        "hidden" },
    { "h.*.mlp.up.weight",    "layers.*.mlp.dense_h_to_4h.weight",             "ff hidden" },
    { "h.*.mlp.up.bias",      "layers.*.mlp.dense_h_to_4h.bias",               "ff" },
    { "h.*.mlp.down.weight",  "layers.*.mlp.dense_4h_to_h.weight",             "hidden ff" },
    { "h.*.mlp.down.bias",    "layers.*.mlp.dense_4h_to_h.bias",               "hidden" },
    { "norm.weight",          "final_layer_norm.weight",                       "hidden" },
    { "norm.bias",            "final_layer_norm.bias",                         "hidden" },
    { "head.weight",          "lm_head.weight | embed_out.weight",             "vocab hidden" },
    { NULL,                   "layers.*.attention.bias | layers.*.attention.masked_bias",          "causal-mask buffers of old files" },
    { NULL,                   "layers.*.attention.rotary_emb.inv_freq | rotary_emb.inv_freq",      "rotary tables" },
    { NULL, NULL, NULL }
};

static int64_t frequencies_of(const struct config *c) { return (int64_t)((double)block_head_dim(c) * config_real(c, "rotary")); }

static struct rotary rotary(const struct config *c)
{
    int64_t n = frequencies_of(c), turned = n + n % 2;
    return (struct rotary){ n > 0, RK_ROPE_HALVES, turned, n > 0 ? pow(config_real(c, "theta"), (double)turned / (double)n) : 1 };
}

static const struct head ends[] = {
    { "lm", "GPTNeoXForCausalLM", "" }, { "model", "GPTNeoXModel", "head.*" }, { NULL, NULL, NULL }
};

static const struct torch_row modules[] = {
    { .name = "",                        .class = "GPTNeoXForCausalLM", .when = "+lm" },
    { .name = "",                        .class = "GPTNeoXModel" },
    { .name = "~gpt_neox",               .class = "GPTNeoXModel", .when = "+lm" },
    { .name = "  embed_in",              .class = "Embedding({vocab}, {hidden})" },
    { .name = "  emb_dropout",           .class = TORCH_DROPOUT("hidden_dropout") },
    { .name = "  layers",                .class = "ModuleList" },
    { .name = "    *layer",              .class = "GPTNeoXLayer" },
    { .name = "      input_layernorm",   .class = TORCH_NORM },
    { .name = "      post_attention_layernorm", .class = TORCH_NORM },
    { .name = "      post_attention_dropout",   .class = TORCH_DROPOUT("hidden_dropout") },
    { .name = "      post_mlp_dropout",  .class = TORCH_DROPOUT("hidden_dropout") },
    { .name = "      attention",         .class = "GPTNeoXAttention" },
    { .name = "        query_key_value", .class = TORCH_LINEAR("hidden", "3*hidden", "{attn_bias}") },
    { .name = "        dense",           .class = TORCH_LINEAR("hidden", "hidden", "{attn_bias}") },
    { .name = "      mlp",               .class = "GPTNeoXMLP" },
    { .name = "        dense_h_to_4h",   .class = TORCH_LINEAR("hidden", "ff", "True") },
    { .name = "        dense_4h_to_h",   .class = TORCH_LINEAR("ff", "hidden", "True") },
    { .name = "        act",             .class = "{act}" },
    { .name = "  final_layer_norm",      .class = TORCH_NORM },
    { .name = "  rotary_emb",            .class = "GPTNeoXRotaryEmbedding" },
    { .name = "    .inv_freq",           .class = "float32 {(hidden/head*rotary/1+1)/2}", .role = "h.*.attn.frequencies" },
    { .name = "    .original_inv_freq",  .class = "float32 {(hidden/head*rotary/1+1)/2}" },
    { .name = "lm_head",                 .class = TORCH_LINEAR("hidden", "vocab", "False"), .when = "+lm" },
    { .name = NULL }
};

static rk_status check(rk_ctx *ctx, const struct config *c)
{
    TRY(block_check_heads(ctx, c));
    if (rotary(c).numbers <= block_head_dim(c)) return RK_OK;
    return FAIL(RK_E_SHAPE, "rotary_pct %g of a head of %lld numbers would turn %lld", config_real(c, "rotary"), (long long)block_head_dim(c), (long long)rotary(c).numbers);
}

static rk_ref block(struct builder *b, rk_ref x)
{
    const struct config *c = b->c;
    double eps = config_real(c, "eps"), drop = config_real(c, "hidden_dropout");
    bool parallel = config_flag(c, "parallel");
    struct init init = { INIT_NORMAL, config_real(c, "init") };
    struct attention a = { .fused_qkv = true, .bias = config_flag(c, "attn_bias"), .rotary = rotary(c), .scale = 1 / sqrt((double)block_head_dim(c)),
                           .dropout = config_real(c, "attn_pdrop"), .init = init, .out_init = init };
    rk_ref seen = attention(b, "attn", layer_norm(b, "norm1", x, eps, true), &a);
    x = wanted(b, x);
    rk_ref y = rk_add(b->g, x, dropout(b, "attn", seen, drop));
    rk_ref h = layer_norm(b, "norm2", parallel ? x : y, eps, true);
    rk_ref m = mlp(b, "mlp", h, &(struct mlp){ .act = config_text(c, "act"), .bias = true, .init = init, .out_init = init });
    return rk_add(b->g, y, dropout(b, "mlp", m, drop));
}

static void build(struct builder *b)
{
    const struct config *c = b->c;
    struct init init = { INIT_NORMAL, config_real(c, "init") };
    rk_ref table;
    block_dims(b);
    rk_ref x = dropout(b, "embed", embedding(b, "embed", block_tokens(b), init, &table), config_real(c, "hidden_dropout"));
    x = layer_norm(b, "norm", blocks(b, x, block, false), config_real(c, "eps"), true);
    hidden_state(b, b->layer, x);                           /* the last one is after the final norm, as transformers has it */
    head(b, "head", x, config_flag(c, "tied") ? table : 0, false, init);
}

const struct arch arch_neox = {
    .name = "neox", .title = "GPT-NeoX", .model_types = "gpt_neox", .heads = ends,
    .tell = "rotary_pct rotary_emb_base rope_parameters use_parallel_residual",
    .fields = fields, .presets = presets, .bindings = names, .prefix = "gpt_neox.", .bare = "lm_head.* embed_out.*", .ties = "head.weight=embed.weight",
    .parts_in_f32 = true, .echoes = "partial_rotary_factor=rotary rope_theta=theta", .harmless = "classifier_dropout", .check = check, .build = build, .torch = modules,
};
