/* GPT-J (Wang and Komatsuzaki 2021): one norm per block, attention and MLP beside each other, rotary positions, a head with bias.
 *
 *   x = wte[id];  h = ln_1 x;  x += attn(h) + mlp(h);  logits = W · ln_f(x) + b
 *
 * The first rotary_dim numbers of a head turn, neighbours with neighbours. rotary_dim null: the whole head turns, by angles that
 * the source makes for the width of the embedding; with more than one head its own shapes disagree, and so it is refused.
 *
 * Sources: transformers modeling_gptj.py, configuration_gptj.py; kingoflolz/mesh-transformer-jax layers.py. */
#include "core/graph.h"
#include "model/block.h"
#include "model/torch.h"
#include <math.h>

static const struct field fields[] = {
    FIELD_SIZES("n_positions | n_ctx | max_position_embeddings", "n_embd | hidden_size", "n_layer | num_hidden_layers", "n_head | num_attention_heads"),
    FIELD_FF("n_inner", "4*hidden"),
    FIELD_ACT("activation_function", "gelu_new"),
    FIELD_EPS("layer_norm_epsilon"),
    FIELD_TIED("false"),
    { "rotary", "rotary_dim", FIELD_INT, "64|hidden", 2, 1 << 24, NULL, false },
    FIELD_ALWAYS("rotates", "rotary"),
    FIELD_ALWAYS("scale", "scale_attn_weights"),
    FIELD_NEVER("cross", "add_cross_attention"),
    FIELD_DROPOUT("embd_pdrop", "embd_pdrop", "0"),
    FIELD_DROPOUT("resid_pdrop", "resid_pdrop", "0"),
    FIELD_DROPOUT("attn_pdrop", "attn_pdrop", "0"),
    FIELD_INIT,
    { .name = NULL }
};

static const struct preset presets[] = {
    { "gpt-j-6b", "EleutherAI/gpt-j-6b EleutherAI/gpt-j-6B gptj-6b", "vocab_size=50400 n_positions=2048 n_embd=4096 n_layer=28 n_head=16 rotary_dim=64" },
    { .name = NULL }
};

static const struct binding names[] = {
    { "embed.weight",         "wte.weight",                "vocab hidden" },
    { "h.*.norm.weight",      "h.*.ln_1.weight",           "hidden" },
    { "h.*.norm.bias",        "h.*.ln_1.bias",             "hidden" },
    { "h.*.attn.q.weight",    "h.*.attn.q_proj.weight",    "(head head_dim) hidden" },
    { "h.*.attn.k.weight",    "h.*.attn.k_proj.weight",    "(head head_dim) hidden" },
    { "h.*.attn.v.weight",    "h.*.attn.v_proj.weight",    "(head head_dim) hidden" },
    { "h.*.attn.out.weight",  "h.*.attn.out_proj.weight",  "hidden (head head_dim)" },
    { "h.*.mlp.up.weight",    "h.*.mlp.fc_in.weight",      "ff hidden" },
    { "h.*.mlp.up.bias",      "h.*.mlp.fc_in.bias",        "ff" },
    { "h.*.mlp.down.weight",  "h.*.mlp.fc_out.weight",     "hidden ff" },
    { "h.*.mlp.down.bias",    "h.*.mlp.fc_out.bias",       "hidden" },
    { "norm.weight",          "ln_f.weight",               "hidden" },
    { "norm.bias",            "ln_f.bias",                 "hidden" },
    { "head.weight",          "lm_head.weight",            "vocab hidden" },
    { "head.bias",            "lm_head.bias",              "vocab" },
    { NULL,                   "h.*.attn.bias | h.*.attn.masked_bias", "causal-mask buffers of old files" },
    { NULL,                   "h.*.attn.embed_positions",  "rotary tables" },
    { NULL, NULL, NULL }
};

static const struct head ends[] = {
    { "lm", "GPTJForCausalLM", "" }, { "model", "GPTJModel", "head.*" }, { NULL, NULL, NULL }
};

static const struct torch_row modules[] = {
    { .name = "",                   .class = "GPTJForCausalLM", .when = "+lm" },
    { .name = "",                   .class = "GPTJModel" },
    { .name = "~transformer",       .class = "GPTJModel", .when = "+lm" },
    { .name = "  wte",              .class = "Embedding({vocab}, {hidden})" },
    { .name = "  drop",             .class = TORCH_DROPOUT("embd_pdrop") },
    { .name = "  h",                .class = "ModuleList" },
    { .name = "    *layer",         .class = "GPTJBlock" },
    { .name = "      ln_1",         .class = TORCH_NORM },
    { .name = "      attn",         .class = "GPTJAttention" },
    { .name = "        .embed_positions", .class = "float32 {position}x{rotary}", .role = "h.*.attn.positions" },
    { .name = "        attn_dropout",  .class = TORCH_DROPOUT("attn_pdrop") },
    { .name = "        resid_dropout", .class = TORCH_DROPOUT("resid_pdrop") },
    { .name = "        k_proj",     .class = TORCH_LINEAR("hidden", "hidden", "False") },
    { .name = "        v_proj",     .class = TORCH_LINEAR("hidden", "hidden", "False") },
    { .name = "        q_proj",     .class = TORCH_LINEAR("hidden", "hidden", "False") },
    { .name = "        out_proj",   .class = TORCH_LINEAR("hidden", "hidden", "False") },
    { .name = "      mlp",          .class = "GPTJMLP" },
    { .name = "        fc_in",      .class = TORCH_LINEAR("hidden", "ff", "True") },
    { .name = "        fc_out",     .class = TORCH_LINEAR("ff", "hidden", "True") },
    { .name = "        act",        .class = "{act}" },
    { .name = "        dropout",    .class = TORCH_DROPOUT("resid_pdrop") },
    { .name = "  ln_f",             .class = TORCH_NORM },
    { .name = "lm_head",            .class = TORCH_LINEAR("hidden", "vocab", "True"), .when = "+lm" },
    { .name = NULL }
};

static rk_status check(rk_ctx *ctx, const struct config *c)
{
    int64_t width, rotary = config_int(c, "rotary");
    TRY(block_check_heads(ctx, c));
    width = block_head_dim(c);
    if (rotary % 2 != 0) return FAIL(RK_E_SHAPE, "rotary_dim is %lld, but numbers turn in pairs", (long long)rotary);
    if (rotary <= width) return RK_OK;
    (void)FAIL(RK_E_SHAPE, "rotary_dim is %lld, but a head (n_embd / n_head) has %lld numbers", (long long)rotary, (long long)width);
    return ctx_hint(ctx, "missing it is 64; null, it is as wide as the embedding, which only one head is: say rotary_dim %lld for whole heads", (long long)width);
}

static rk_ref block(struct builder *b, rk_ref x)
{
    const struct config *c = b->c;
    double drop = config_real(c, "resid_pdrop");
    struct init init = { INIT_NORMAL, config_real(c, "init") };
    struct attention a = { .rotary = { true, RK_ROPE_INTERLEAVED, config_int(c, "rotary"), 10000 }, .scale = 1 / sqrt((double)block_head_dim(c)),
                           .dropout = config_real(c, "attn_pdrop"), .init = init, .out_init = init };
    rk_ref h = layer_norm(b, "norm", x, config_real(c, "eps"), true);
    rk_ref y = dropout(b, "attn", attention(b, "attn", h, &a), drop);
    rk_ref m = mlp(b, "mlp", wanted(b, h), &(struct mlp){ .act = config_text(c, "act"), .bias = true, .init = init, .out_init = init });
    return rk_add(b->g, rk_add(b->g, wanted(b, x), y), dropout(b, "mlp", m, drop));
}

static void build(struct builder *b)
{
    const struct config *c = b->c;
    struct init init = { INIT_NORMAL, config_real(c, "init") };
    rk_ref table;
    block_dims(b);
    rk_ref x = dropout(b, "embed", embedding(b, "embed", block_tokens(b), init, &table), config_real(c, "embd_pdrop"));
    x = layer_norm(b, "norm", blocks(b, x, block, false), config_real(c, "eps"), true);
    hidden_state(b, b->layer, x);                           /* the last one is after the final norm, as transformers has it */
    head(b, "head", x, config_flag(c, "tied") ? table : 0, true, init);
}

const struct arch arch_gptj = {
    .name = "gptj", .title = "GPT-J", .model_types = "gptj", .heads = ends, .tell = "rotary_dim",
    .mistaken = "gpt_neo: with rotary_dim this is an early config.json of GPT-J that bears GPT-Neo's name and keys: take the one of model_type gptj",
    .fields = fields, .presets = presets, .bindings = names, .prefix = "transformer.", .bare = "lm_head.*", .ties = "head.weight=embed.weight",
    .parts_in_f32 = true, .harmless = "summary_*", .check = check, .build = build, .torch = modules,
};
