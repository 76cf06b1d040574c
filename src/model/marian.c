/* Marian (Junczys-Dowmunt et al. 2018), as transformers has it: the paper's Transformer without further norms, with sinusoids in
 * halves that are stored with the model, and a fixed bias on the logits. One table for source and target, or two.
 *
 * Neither the sinusoids nor the bias are trained. Stored sinusoids are loaded as they are (their maker computed them in f32); a
 * file without them gets the exact ones. Sources: marian-nmt; transformers modeling_marian.py. */
#include "core/graph.h"
#include "model/config.h"
#include "model/encdec.h"
#include "model/torch.h"

static const struct field fields[] = {
    { "source_vocab", "vocab_size",              FIELD_INT, NULL,           1, 1 << 28, NULL, false },
    { "vocab",        "decoder_vocab_size",      FIELD_INT, "source_vocab", 1, 1 << 28, NULL, false },
    { "position",     "max_position_embeddings", FIELD_INT, "1024",         1, 1 << 28, NULL, false },
    { "hidden",       "d_model",                 FIELD_INT, "1024",         1, 1 << 24, NULL, false },
    { "layer",        "decoder_layers",          FIELD_INT, "12",           1, 4096,    NULL, false },
    { "source_layer", "encoder_layers | num_hidden_layers", FIELD_INT, "12", 1, 4096,   NULL, false },
    { "head",         "decoder_attention_heads", FIELD_INT, "16",           1, 1 << 16, NULL, false },
    { "source_head",  "encoder_attention_heads", FIELD_INT, "16",           1, 1 << 16, NULL, false },
    FIELD_FF("decoder_ffn_dim", "4096"),
    { "source_ff",    "encoder_ffn_dim",         FIELD_INT, "4096",         1, 1 << 26, NULL, false },
    FIELD_ACT("activation_function", "gelu"),
    FIELD_ALWAYS("bias", "bias"),
    FIELD_EPS("layer_norm_eps"),
    FIELD_FLAGGED("scaled", "scale_embedding", "false"),
    FIELD_FLAGGED("share", "share_encoder_decoder_embeddings", "true"),
    FIELD_TIED("true"),
    FIELD_NEVER("pre_norm", "normalize_before"),
    FIELD_NEVER("embed_norm", "normalize_embedding"),
    FIELD_NEVER("final_norm", "add_final_layer_norm"),
    FIELD_ALWAYS("static", "static_position_embeddings"),
    FIELD_NEVER("decoder", "is_decoder"),
    { "pad",   "pad_token_id",           FIELD_INT, "58100", 0, 1 << 28, NULL, false },
    { "start", "decoder_start_token_id", FIELD_INT, "58100", 0, 1 << 28, NULL, false },
    FIELD_DROPOUT("pdrop", "dropout", "0.1"),
    FIELD_DROPOUT("act_pdrop", "activation_dropout", "0"),
    FIELD_DROPOUT("attn_pdrop", "attention_dropout", "0"),
    { "init", "init_std", FIELD_REAL, "0.02", 0, 1e3, NULL, true },
    { .name = NULL }
};

static const struct preset presets[] = {
    { "opus-mt-en-de", "Helsinki-NLP/opus-mt-en-de",
      "vocab_size=58101 decoder_vocab_size=58101 d_model=512 encoder_layers=6 decoder_layers=6 encoder_attention_heads=8 decoder_attention_heads=8 encoder_ffn_dim=2048 "
      "decoder_ffn_dim=2048 max_position_embeddings=512 activation_function=swish scale_embedding=true" },
    { .name = NULL }
};

#define LINEAR(role, module, out, in) { role ".weight", module ".weight", out " " in }, { role ".bias", module ".bias", out }
#define NORM(role, module) { role ".weight", module ".weight", "hidden" }, { role ".bias", module ".bias", "hidden" }
#define ATTENTION(role, module, h)                                                                                    \
    LINEAR(role ".q", module ".q_proj", "(" h "head " h "head_dim)", "hidden"),                                         \
    LINEAR(role ".k", module ".k_proj", "(" h "head " h "head_dim)", "hidden"),                                         \
    LINEAR(role ".v", module ".v_proj", "(" h "head " h "head_dim)", "hidden"),                                         \
    LINEAR(role ".out", module ".out_proj", "hidden", "(" h "head " h "head_dim)")
#define BLOCK(role, module, h)                                                                                        \
    ATTENTION(role ".attn", module ".self_attn", h),                                                                    \
    NORM(role ".norm1", module ".self_attn_layer_norm"),                                                                \
    LINEAR(role ".mlp.up", module ".fc1", h "ff", "hidden"),                                                            \
    LINEAR(role ".mlp.down", module ".fc2", "hidden", h "ff")

static const struct binding names[] = {
    { "embed.weight",            "shared.weight | decoder.embed_tokens.weight", "vocab hidden" },
    { "target_embed.weight",     "decoder.embed_tokens.weight",     "vocab hidden" },
    { "source_embed.weight",     "encoder.embed_tokens.weight",     "source_vocab hidden" },
    { "encoder.position.weight", "encoder.embed_positions.weight",  "position hidden" },
    { "decoder.position.weight", "decoder.embed_positions.weight",  "position hidden" },
    BLOCK("encoder.h.*", "encoder.layers.*", "source_"),
    NORM("encoder.h.*.norm2", "encoder.layers.*.final_layer_norm"),
    BLOCK("decoder.h.*", "decoder.layers.*", ""),
    ATTENTION("decoder.h.*.cross", "decoder.layers.*.encoder_attn", ""),
    NORM("decoder.h.*.norm2", "decoder.layers.*.encoder_attn_layer_norm"),
    NORM("decoder.h.*.norm3", "decoder.layers.*.final_layer_norm"),
    { "head.weight",             "lm_head.weight",                  "vocab hidden" },
    { "head.bias",               "final_logits_bias",               "(one) vocab" },
    { NULL, NULL, NULL }
};

static const struct head ends[] = {
    { "lm", "MarianMTModel", "" }, { "model", "MarianModel", "head.*" }, { NULL, NULL, NULL }
};

#define EMBED(vocab) "Embedding({" vocab "}, {hidden}, padding_idx={pad})"
#define SQUARE TORCH_LINEAR("hidden", "hidden", "True")
#define PROJECTIONS                                                                                                   \
    { .name = "          k_proj",               .class = SQUARE }, { .name = "          v_proj",   .class = SQUARE },       \
    { .name = "          q_proj",               .class = SQUARE }, { .name = "          out_proj", .class = SQUARE }

static const struct torch_row modules[] = {
    { .name = "",                               .class = "MarianMTModel", .when = "+lm" },
    { .name = "",                               .class = "MarianModel" },
    { .name = ".final_logits_bias",             .class = "float32 1x{vocab}", .when = "+lm", .role = "head.bias" },
    { .name = "~model",                         .class = "MarianModel", .when = "+lm" },
    { .name = "  shared",                       .class = EMBED("vocab"), .when = "share" },
    { .name = "  encoder",                      .class = "MarianEncoder" },
    { .name = "    embed_tokens",               .class = EMBED("source_vocab") },
    { .name = "    embed_positions",            .class = "MarianSinusoidalPositionalEmbedding({position}, {hidden})" },
    { .name = "    layers",                     .class = "ModuleList" },
    { .name = "      *source_layer",            .class = "MarianEncoderLayer" },
    { .name = "        self_attn",              .class = "MarianAttention" },
    PROJECTIONS,
    { .name = "        self_attn_layer_norm",   .class = TORCH_NORM },
    { .name = "        activation_fn",          .class = "{act}" },
    { .name = "        fc1",                    .class = TORCH_LINEAR("hidden", "source_ff", "True") },
    { .name = "        fc2",                    .class = TORCH_LINEAR("source_ff", "hidden", "True") },
    { .name = "        final_layer_norm",       .class = TORCH_NORM },
    { .name = "  decoder",                      .class = "MarianDecoder" },
    { .name = "    embed_tokens",               .class = EMBED("vocab") },
    { .name = "    embed_positions",            .class = "MarianSinusoidalPositionalEmbedding({position}, {hidden})" },
    { .name = "    layers",                     .class = "ModuleList" },
    { .name = "      *layer",                   .class = "MarianDecoderLayer" },
    { .name = "        self_attn",              .class = "MarianAttention" },
    PROJECTIONS,
    { .name = "        activation_fn",          .class = "{act}" },
    { .name = "        self_attn_layer_norm",   .class = TORCH_NORM },
    { .name = "        encoder_attn",           .class = "MarianAttention" },
    PROJECTIONS,
    { .name = "        encoder_attn_layer_norm", .class = TORCH_NORM },
    { .name = "        fc1",                    .class = TORCH_LINEAR("hidden", "ff", "True") },
    { .name = "        fc2",                    .class = TORCH_LINEAR("ff", "hidden", "True") },
    { .name = "        final_layer_norm",       .class = TORCH_NORM },
    { .name = "lm_head",                        .class = TORCH_LINEAR("hidden", "vocab", "False"), .when = "+lm" },
    { .name = NULL }
};

static void build(struct builder *b)
{
    const struct config *c = b->c;
    struct init init = { INIT_NORMAL, config_real(c, "init") };
    struct encdec e = { .embedded = true, .stored_positions = true, .positions = INIT_SINUSOID_HALVES, .pad = config_int(c, "pad"), .table = init, .matrix = init,
                        .table_name = config_flag(c, "share") ? NULL : "target_embed" };
    rk_ref table, x = encdec_towers(b, &e, &table);
    if (b->purpose == FOR_ENCODING) return;
    if (config_ends_in(c, "model")) {
        bare(b, "hidden", x);
        return;
    }
    (void)rk_dim_new(b->g, "one", 0, 1);
    rk_enter(b->g, "head");
    rk_ref w = config_flag(c, "tied") ? table : parameter(b, "weight", "vocab hidden", init, true);
    predict(b, x, w, rk_select(b->g, constant(b, "bias", "one vocab", (struct init){ INIT_ZEROS, 0 }), "one", 0));
    rk_leave(b->g);
}

const struct arch arch_marian = {
    .name = "marian", .title = "Marian", .model_types = "marian", .tell = "decoder_ffn_dim encoder_ffn_dim decoder_start_token_id", .heads = ends, .objective = LEARNS_TARGET,
    .fields = fields, .presets = presets, .bindings = names, .prefix = "model.", .bare = "final_logits_bias lm_head.*",
    .ties = "head.weight=embed.weight head.weight=target_embed.weight source_embed.weight=embed.weight",
    .harmless = "encoder_layerdrop decoder_layerdrop is_encoder_decoder add_bias_logits extra_pos_embeddings classifier_dropout classif_dropout",
    .check = encdec_check, .build = build, .torch = modules,
};
