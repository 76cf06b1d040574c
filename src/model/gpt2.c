/* GPT-2 (Radford et al. 2019): pre-norm blocks, learned positions, one fused q-k-v projection, GELU, tied head.
 *
 *   x = wte[id] + wpe[pos];  x += attn(ln_1 x);  x += mlp(ln_2 x);  logits = ln_f(x) · wteᵀ
 *
 * GPT-3 (Brown et al. 2020) is here as a size of it: its layers that attend sparsely in turn count and learn as many numbers.
 *
 * Sources: openai/gpt-2 src/model.py; transformers modeling_gpt2.py; karpathy/nanoGPT model.py (bias; nanogpt.c has the rest). */
#include "core/graph.h"
#include "model/gpt2.h"
#include "model/torch.h"
#include <math.h>

static const struct field fields[] = {
    FIELD_SIZES("n_positions | n_ctx | max_position_embeddings", "n_embd | hidden_size", "n_layer | num_hidden_layers", "n_head | num_attention_heads"),
    FIELD_FF("n_inner", "4*hidden"),
    FIELD_ACT("activation_function", "gelu_new"),
    FIELD_EPS("layer_norm_epsilon"),
    FIELD_FLAGGED("bias", "bias", "true"),
    FIELD_TIED("true"),
    FIELD_FLAGGED("scale", "scale_attn_weights", "true"),
    FIELD_FLAGGED("by_layer", "scale_attn_by_inverse_layer_idx", "false"),
    FIELD_FLAGGED("upcast", "reorder_and_upcast_attn", "false"),
    FIELD_NEVER("cross", "add_cross_attention"),
    FIELD_DROPOUT("embd_pdrop", "embd_pdrop", "0.1"),
    FIELD_DROPOUT("resid_pdrop", "resid_pdrop", "0.1"),
    FIELD_DROPOUT("attn_pdrop", "attn_pdrop", "0.1"),
    FIELD_INIT,
    { .name = NULL }
};

static const struct preset presets[] = {
    { "gpt2",        "openai-community/gpt2 gpt2-small",  "vocab_size=50257 n_positions=1024 n_embd=768 n_layer=12 n_head=12" },
    { "gpt2-medium", "openai-community/gpt2-medium",      "vocab_size=50257 n_positions=1024 n_embd=1024 n_layer=24 n_head=16" },
    { "gpt2-large",  "openai-community/gpt2-large",       "vocab_size=50257 n_positions=1024 n_embd=1280 n_layer=36 n_head=20" },
    { "gpt2-xl",     "openai-community/gpt2-xl",          "vocab_size=50257 n_positions=1024 n_embd=1600 n_layer=48 n_head=25" },
    { "distilgpt2",  "distilbert/distilgpt2",             "vocab_size=50257 n_positions=1024 n_embd=768 n_layer=6 n_head=12" },
    { "gpt3",        "gpt3-175b",                         "vocab_size=50257 n_positions=2048 n_embd=12288 n_layer=96 n_head=96" },
    { .name = NULL }
};

/* Conv1D stores [in, out]: the axes say so, nothing else does. */
static const struct binding names[] = {
    { "embed.weight",         "wte.weight",                "vocab hidden" },
    { "position.weight",      "wpe.weight",                "position hidden" },
    { "h.*.norm1.weight",     "h.*.ln_1.weight",           "hidden" },
    { "h.*.norm1.bias",       "h.*.ln_1.bias",             "hidden" },
    { "h.*.attn.qkv.weight",  "h.*.attn.c_attn.weight",    "hidden (three head head_dim)" },
    { "h.*.attn.qkv.bias",    "h.*.attn.c_attn.bias",      "(three head head_dim)" },
    { "h.*.attn.out.weight",  "h.*.attn.c_proj.weight",    "(head head_dim) hidden" },
    { "h.*.attn.out.bias",    "h.*.attn.c_proj.bias",      "hidden" },
    { "h.*.norm2.weight",     "h.*.ln_2.weight",           "hidden" },
    { "h.*.norm2.bias",       "h.*.ln_2.bias",             "hidden" },
    { "h.*.mlp.up.weight",    "h.*.mlp.c_fc.weight",       "hidden ff" },
    { "h.*.mlp.up.bias",      "h.*.mlp.c_fc.bias",         "ff" },
    { "h.*.mlp.down.weight",  "h.*.mlp.c_proj.weight",     "ff hidden" },
    { "h.*.mlp.down.bias",    "h.*.mlp.c_proj.bias",       "hidden" },
    { "norm.weight",          "ln_f.weight",               "hidden" },
    { "norm.bias",            "ln_f.bias",                 "hidden" },
    { "head.weight",          "lm_head.weight",            "vocab hidden" },
    { NULL,                   "h.*.attn.bias | h.*.attn.masked_bias", "causal-mask buffers of old files" },
    { NULL, NULL, NULL }
};

static const struct head ends[] = {
    { "lm", "GPT2LMHeadModel", "" }, { "model", "GPT2Model", "head.*" }, { NULL, NULL, NULL }
};

/* The class of transformers, which always has biases. */
static const struct torch_row modules[] = {
    { .name = "",                   .class = "GPT2LMHeadModel", .when = "bias +lm" },
    { .name = "",                   .class = "GPT2Model", .when = "bias" },
    { .name = "" },
    { .name = "~transformer",       .class = "GPT2Model", .when = "+lm" },
    { .name = "  wte",              .class = "Embedding({vocab}, {hidden})" },
    { .name = "  wpe",              .class = "Embedding({position}, {hidden})" },
    { .name = "  drop",             .class = TORCH_DROPOUT("embd_pdrop") },
    { .name = "  h",                .class = "ModuleList" },
    { .name = "    *layer",         .class = "GPT2Block" },
    { .name = "      ln_1",         .class = TORCH_NORM },
    { .name = "      attn",         .class = "GPT2Attention" },
    { .name = "        c_attn",     .class = "Conv1D(nf={3*hidden}, nx={hidden})" },
    { .name = "        c_proj",     .class = "Conv1D(nf={hidden}, nx={hidden})" },
    { .name = "        attn_dropout",  .class = TORCH_DROPOUT("attn_pdrop") },
    { .name = "        resid_dropout", .class = TORCH_DROPOUT("resid_pdrop") },
    { .name = "      ln_2",         .class = TORCH_NORM },
    { .name = "      mlp",          .class = "GPT2MLP" },
    { .name = "        c_fc",       .class = "Conv1D(nf={ff}, nx={hidden})" },
    { .name = "        c_proj",     .class = "Conv1D(nf={hidden}, nx={ff})" },
    { .name = "        act",        .class = "{act}" },
    { .name = "        dropout",    .class = TORCH_DROPOUT("resid_pdrop") },
    { .name = "  ln_f",             .class = TORCH_NORM },
    { .name = "lm_head",            .class = TORCH_LINEAR("hidden", "vocab", "False"), .when = "+lm" },
    { .name = NULL }
};

static rk_ref block(struct builder *b, rk_ref x)
{
    const struct config *c = b->c;
    double eps = config_real(c, "eps"), drop = config_real(c, "resid_pdrop"), deviation = config_real(c, "init");
    bool bias = config_flag(c, "bias");
    double scale = config_flag(c, "scale") ? 1 / sqrt((double)block_head_dim(c)) : 1;
    if (config_flag(c, "by_layer")) scale /= b->layer + 1;
    struct init init = { INIT_NORMAL, deviation }, out = { INIT_NORMAL, deviation / sqrt(2.0 * (double)config_int(c, "layer")) };
    rk_ref a = attention(b, "attn", layer_norm(b, "norm1", x, eps, bias),
                         &(struct attention){ .fused_qkv = true, .bias = bias, .scale = scale, .dropout = config_real(c, "attn_pdrop"), .init = init, .out_init = out });
    x = rk_add(b->g, wanted(b, x), dropout(b, "attn", a, drop));
    rk_ref m = mlp(b, "mlp", layer_norm(b, "norm2", x, eps, bias), &(struct mlp){ .act = config_text(c, "act"), .bias = bias, .init = init, .out_init = out });
    return rk_add(b->g, x, dropout(b, "mlp", m, drop));
}

rk_ref gpt2_blocks(struct builder *b, rk_ref *table)
{
    const struct config *c = b->c;
    struct init init = { INIT_NORMAL, config_real(c, "init") };
    block_dims(b);
    rk_ref x = embedding(b, "embed", block_tokens(b), init, table);
    x = dropout(b, "embed", positions(b, "position", x, init), config_real(c, "embd_pdrop"));
    return blocks(b, x, block, false);
}

rk_ref gpt2_norm(struct builder *b, rk_ref x) { return layer_norm(b, "norm", x, config_real(b->c, "eps"), config_flag(b->c, "bias")); }

void gpt2_head(struct builder *b, rk_ref x, rk_ref table)
{
    head(b, "head", x, config_flag(b->c, "tied") ? table : 0, false, (struct init){ INIT_NORMAL, config_real(b->c, "init") });
}

static void build(struct builder *b)
{
    rk_ref table, x = gpt2_norm(b, gpt2_blocks(b, &table));
    hidden_state(b, b->layer, x);                           /* the last one is after the final norm, as transformers has it */
    gpt2_head(b, x, table);
}

const struct arch arch_gpt2 = {
    .name = "gpt2", .title = "GPT-2", .model_types = "gpt2", .heads = ends,
    .fields = fields, .presets = presets, .bindings = names, .prefix = "transformer.", .bare = "lm_head.*", .ties = "head.weight=embed.weight",
    .harmless = "architectures model_type transformers_version torch_dtype dtype use_cache bos_token_id eos_token_id pad_token_id summary_* "
                "gradient_checkpointing output_* return_* task_specific_params n_special predict_special_tokens _* id2label label2id is_* chunk_* problem_type",
    .check = block_check_heads, .build = build, .torch = modules,
};
