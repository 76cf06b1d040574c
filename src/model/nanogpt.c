/* nanoGPT (Karpathy 2022): the mathematics of GPT-2 with the exact GELU, its weights stored as torch's Linear stores them.
 *
 * Its checkpoint, ckpt.pt, holds the weights under "model" and the fields under "model_args", so it is a model by itself
 * (spec.c). Without `bias`, linear layers and norms have none. The last hidden state is the one before the final norm.
 * Source: karpathy/nanoGPT model.py and train.py. */
#include "core/graph.h"
#include "model/gpt2.h"
#include "model/torch.h"

static const struct field fields[] = {
    FIELD_SIZES("block_size", "n_embd", "n_layer", "n_head"),
    FIELD_FF("n_inner", "4*hidden"),
    FIELD_ACT("activation_function", "gelu"),
    FIELD_EPS("layer_norm_epsilon"),
    FIELD_FLAGGED("bias", "bias", "true"),
    FIELD_TIED("true"),
    FIELD_FLAGGED("scale", "scale_attn_weights", "true"),
    FIELD_DROPOUT("dropout", "dropout", "0"),
    FIELD_DROPOUT("embd_pdrop", "embd_pdrop", "dropout"),
    FIELD_DROPOUT("resid_pdrop", "resid_pdrop", "dropout"),
    FIELD_DROPOUT("attn_pdrop", "attn_pdrop", "dropout"),
    FIELD_INIT,
    { .name = NULL }
};

static const struct preset presets[] = {
    { "nanogpt",      "", "vocab_size=50304 block_size=1024 n_embd=768 n_layer=12 n_head=12 bias=false" },                 /* train.py */
    { "nanogpt-char", "", "vocab_size=65 block_size=256 n_embd=384 n_layer=6 n_head=6 bias=false dropout=0.2" },           /* config/train_shakespeare_char.py */
    { .name = NULL }
};

/* Linear stores [out, in]. */
static const struct binding names[] = {
    { "embed.weight",         "wte.weight",                "vocab hidden" },
    { "position.weight",      "wpe.weight",                "position hidden" },
    { "h.*.norm1.weight",     "h.*.ln_1.weight",           "hidden" },
    { "h.*.norm1.bias",       "h.*.ln_1.bias",             "hidden" },
    { "h.*.attn.qkv.weight",  "h.*.attn.c_attn.weight",    "(three head head_dim) hidden" },
    { "h.*.attn.qkv.bias",    "h.*.attn.c_attn.bias",      "(three head head_dim)" },
    { "h.*.attn.out.weight",  "h.*.attn.c_proj.weight",    "hidden (head head_dim)" },
    { "h.*.attn.out.bias",    "h.*.attn.c_proj.bias",      "hidden" },
    { "h.*.norm2.weight",     "h.*.ln_2.weight",           "hidden" },
    { "h.*.norm2.bias",       "h.*.ln_2.bias",             "hidden" },
    { "h.*.mlp.up.weight",    "h.*.mlp.c_fc.weight",       "ff hidden" },
    { "h.*.mlp.up.bias",      "h.*.mlp.c_fc.bias",         "ff" },
    { "h.*.mlp.down.weight",  "h.*.mlp.c_proj.weight",     "hidden ff" },
    { "h.*.mlp.down.bias",    "h.*.mlp.c_proj.bias",       "hidden" },
    { "norm.weight",          "ln_f.weight",               "hidden" },
    { "norm.bias",            "ln_f.bias",                 "hidden" },
    { "head.weight",          "lm_head.weight",            "vocab hidden" },
    { NULL,                   "h.*.attn.bias",             "causal-mask buffers, kept where torch has no fused attention" },
    { NULL, NULL, NULL }
};

static const struct head ends[] = {
    { "lm", "GPT", "" }, { "model", "GPTModel", "head.*" }, { NULL, NULL, NULL }
};

/* Its own classes, which know one activation. */
static const struct torch_row modules[] = {
    { .name = "",                   .class = "GPT", .when = "act=gelu_erf +lm" },
    { .name = "" },
    { .name = "~transformer",       .class = "ModuleDict", .when = "+lm" },
    { .name = "  wte",              .class = "Embedding({vocab}, {hidden})" },
    { .name = "  wpe",              .class = "Embedding({position}, {hidden})" },
    { .name = "  drop",             .class = TORCH_DROPOUT("embd_pdrop") },
    { .name = "  h",                .class = "ModuleList" },
    { .name = "    *layer",         .class = "Block" },
    { .name = "      ln_1",         .class = "LayerNorm" },
    { .name = "      attn",         .class = "CausalSelfAttention" },
    { .name = "        c_attn",     .class = TORCH_LINEAR("hidden", "3*hidden", "{bias}") },
    { .name = "        c_proj",     .class = TORCH_LINEAR("hidden", "hidden", "{bias}") },
    { .name = "        attn_dropout",  .class = TORCH_DROPOUT("attn_pdrop") },
    { .name = "        resid_dropout", .class = TORCH_DROPOUT("resid_pdrop") },
    { .name = "      ln_2",         .class = "LayerNorm" },
    { .name = "      mlp",          .class = "MLP" },
    { .name = "        c_fc",       .class = TORCH_LINEAR("hidden", "ff", "{bias}") },
    { .name = "        gelu",       .class = "GELU(approximate='none')" },
    { .name = "        c_proj",     .class = TORCH_LINEAR("ff", "hidden", "{bias}") },
    { .name = "        dropout",    .class = TORCH_DROPOUT("resid_pdrop") },
    { .name = "  ln_f",             .class = "LayerNorm" },
    { .name = "lm_head",            .class = TORCH_LINEAR("hidden", "vocab", "False"), .when = "+lm" },
    { .name = NULL }
};

static void build(struct builder *b)
{
    rk_ref table, x = gpt2_blocks(b, &table);
    hidden_state(b, b->layer, x);
    gpt2_head(b, gpt2_norm(b, x), table);
}

const struct arch arch_nanogpt = {
    .name = "nanogpt", .title = "nanoGPT", .model_types = "nanogpt", .heads = ends, .tell = "block_size",
    .fields = fields, .presets = presets, .bindings = names, .prefix = "transformer.", .bare = "lm_head.*", .ties = "head.weight=embed.weight",
    .harmless = "", .check = block_check_heads, .build = build, .torch = modules,
};
