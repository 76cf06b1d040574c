/* The Transformer (Vaswani et al. 2017), as torch.nn.Transformer lays it out: an encoder and a decoder, one table of vectors for
 * source, target and head, times √D, with sinusoids added.
 *
 * torch adds a norm after each tower, which the paper does not have: final_norm. torch's own module reads vectors and ends in
 * vectors: embeddings=false with no head. Keys of config.json are those of the constructor, and reckon's own beside them.
 * Sources: arXiv 1706.03762; torch/nn/modules/transformer.py. */
#include "core/graph.h"
#include "model/config.h"
#include "model/encdec.h"
#include "model/torch.h"
#include <math.h>

static const struct field fields[] = {
    { "vocab",        "vocab_size",            FIELD_INT,    NULL,           1, 1 << 28, NULL, false },
    { "source_vocab", "src_vocab_size",        FIELD_INT,    "vocab",        1, 1 << 28, NULL, false },
    { "position",     "max_positions",         FIELD_INT,    "512",          1, 1 << 28, NULL, false },
    { "hidden",       "d_model",               FIELD_INT,    "512",          1, 1 << 24, NULL, false },
    { "head",         "nhead",                 FIELD_INT,    "8",            1, 1 << 16, NULL, false },
    { "source_head",  "encoder_nhead",         FIELD_INT,    "head",         1, 1 << 16, NULL, false },
    { "layer",        "num_decoder_layers",    FIELD_INT,    "6",            1, 4096,    NULL, false },
    { "source_layer", "num_encoder_layers",    FIELD_INT,    "6",            1, 4096,    NULL, false },
    { "ff",           "dim_feedforward",       FIELD_INT,    "2048",         1, 1 << 26, NULL, false },
    { "source_ff",    "encoder_dim_feedforward", FIELD_INT,  "ff",           1, 1 << 26, NULL, false },
    FIELD_ACT("activation", "relu"),
    FIELD_EPS("layer_norm_eps"),
    FIELD_FLAGGED("bias", "bias", "true"),
    FIELD_FLAGGED("pre_norm", "norm_first", "false"),
    FIELD_FLAGGED("final_norm", "final_norm", "true"),
    FIELD_FLAGGED("embedded", "embeddings", "true"),
    FIELD_FLAGGED("scaled", "scale_embedding", "true"),
    { "places",       "positions",             FIELD_CHOICE, "sinusoidal-interleaved", 0, 0, "sinusoidal-interleaved=pairs sinusoidal-halves=halves none", false },
    FIELD_FLAGGED("share", "share_embeddings", "true"),
    FIELD_TIED("true"),
    { "start",        "bos_token_id",          FIELD_INT,    "1",            0, 1 << 28, NULL, false },
    FIELD_DROPOUT("pdrop", "dropout", "0.1"),
    FIELD_DROPOUT("act_pdrop", "activation_dropout", "pdrop"),
    FIELD_DROPOUT("attn_pdrop", "attention_dropout", "pdrop"),
    { .name = NULL }
};

#define BODY(layers, width, heads, inner) "num_encoder_layers=" layers " num_decoder_layers=" layers " d_model=" width " nhead=" heads " dim_feedforward=" inner " "
#define BASE BODY("6", "512", "8", "2048")
#define BIG  BODY("6", "1024", "16", "4096")

/* The paper's vocabulary is of about 37,000 pairs of bytes; its models have no further norms. */
static const struct preset presets[] = {
    { "transformer-base", "transformer", BASE "vocab_size=37000 final_norm=false" },
    { "transformer-big",  "",            BIG "vocab_size=37000 final_norm=false" },
    { "torch.nn.Transformer+base", "nn.Transformer torch.nn.Transformer", "+model " BASE "vocab_size=1 embeddings=false positions=none scale_embedding=false" },
    { "torch.nn.Transformer+big",  "",                                    "+model " BIG "vocab_size=1 embeddings=false positions=none scale_embedding=false" },
    { .name = NULL }
};

/* Biases and weights of a linear module, and of a norm. */
#define LINEAR(role, module, out, in) { role ".weight", module ".weight", out " " in }, { role ".bias", module ".bias", out }
#define NORM(role, module) { role ".weight", module ".weight", "hidden" }, { role ".bias", module ".bias", "hidden" }
#define ATTENTION(role, module, h)                                                                                    \
    { role ".qkv.weight", module ".in_proj_weight", "(three " h "head " h "head_dim) hidden" },                         \
    { role ".qkv.bias",   module ".in_proj_bias",   "(three " h "head " h "head_dim)" },                                \
    { role ".out.weight", module ".out_proj.weight", "hidden (" h "head " h "head_dim)" },                              \
    { role ".out.bias",   module ".out_proj.bias",  "hidden" }

static const struct binding names[] = {
    { "embed.weight",        "embed.weight",         "vocab hidden" },
    { "source_embed.weight", "source_embed.weight",  "source_vocab hidden" },
    ATTENTION("encoder.h.*.attn", "encoder.layers.*.self_attn", "source_"),
    LINEAR("encoder.h.*.mlp.up", "encoder.layers.*.linear1", "source_ff", "hidden"),
    LINEAR("encoder.h.*.mlp.down", "encoder.layers.*.linear2", "hidden", "source_ff"),
    NORM("encoder.h.*.norm1", "encoder.layers.*.norm1"),
    NORM("encoder.h.*.norm2", "encoder.layers.*.norm2"),
    NORM("encoder.norm", "encoder.norm"),
    ATTENTION("decoder.h.*.attn", "decoder.layers.*.self_attn", ""),
    ATTENTION("decoder.h.*.cross", "decoder.layers.*.multihead_attn", ""),
    LINEAR("decoder.h.*.mlp.up", "decoder.layers.*.linear1", "ff", "hidden"),
    LINEAR("decoder.h.*.mlp.down", "decoder.layers.*.linear2", "hidden", "ff"),
    NORM("decoder.h.*.norm1", "decoder.layers.*.norm1"),
    NORM("decoder.h.*.norm2", "decoder.layers.*.norm2"),
    NORM("decoder.h.*.norm3", "decoder.layers.*.norm3"),
    NORM("decoder.norm", "decoder.norm"),
    { "head.weight",         "generator.weight",     "vocab hidden" },
    { NULL, "pos_encoder.* | positional_encoding.*", "sinusoids" },
    { NULL, NULL, NULL }
};

static const struct head ends[] = {
    { "lm", "Transformer", "" }, { "model", "TransformerModel", "head.*" }, { NULL, NULL, NULL }
};

#define TORCH_NORM_OR_NOT "LayerNorm(({hidden},), eps={eps}, elementwise_affine=True, bias={bias})"
#define SELF_ATTENTION(module)                                                                                        \
    { .name = module,                           .class = "MultiheadAttention" },                                        \
    { .name = "          out_proj",             .class = "NonDynamicallyQuantizable" TORCH_LINEAR("hidden", "hidden", "{bias}") }
#define FEED_FORWARD(ff)                                                                                              \
    { .name = "        linear1",                .class = TORCH_LINEAR("hidden", ff, "{bias}") },                          \
    { .name = "        dropout",                .class = TORCH_DROPOUT("act_pdrop") },                                   \
    { .name = "        linear2",                .class = TORCH_LINEAR(ff, "hidden", "{bias}") },                          \
    { .name = "        norm1",                  .class = TORCH_NORM_OR_NOT },                                           \
    { .name = "        norm2",                  .class = TORCH_NORM_OR_NOT }

/* torch.nn.Transformer itself has no embeddings and no head; what stands around it is everybody's own. */
static const struct torch_row modules[] = {
    { .name = "",                               .class = "Transformer", .when = "!embedded" },
    { .name = "" },
    { .name = "embed",                          .when = "embedded" },
    { .name = "source_embed",                   .when = "embedded !share" },
    { .name = "~transformer",                   .class = "Transformer", .when = "+lm" },
    { .name = "  encoder",                      .class = "TransformerEncoder" },
    { .name = "    layers",                     .class = "ModuleList" },
    { .name = "      *source_layer",            .class = "TransformerEncoderLayer" },
    SELF_ATTENTION("        self_attn"),
    FEED_FORWARD("source_ff"),
    { .name = "        dropout1",               .class = TORCH_DROPOUT("pdrop") },
    { .name = "        dropout2",               .class = TORCH_DROPOUT("pdrop") },
    { .name = "    norm",                       .class = TORCH_NORM_OR_NOT, .when = "final_norm" },
    { .name = "  decoder",                      .class = "TransformerDecoder" },
    { .name = "    layers",                     .class = "ModuleList" },
    { .name = "      *layer",                   .class = "TransformerDecoderLayer" },
    SELF_ATTENTION("        self_attn"),
    SELF_ATTENTION("        multihead_attn"),
    FEED_FORWARD("ff"),
    { .name = "        norm3",                  .class = TORCH_NORM_OR_NOT },
    { .name = "        dropout1",               .class = TORCH_DROPOUT("pdrop") },
    { .name = "        dropout2",               .class = TORCH_DROPOUT("pdrop") },
    { .name = "        dropout3",               .class = TORCH_DROPOUT("pdrop") },
    { .name = "    norm",                       .class = TORCH_NORM_OR_NOT, .when = "final_norm" },
    { .name = "generator",                      .when = "+lm" },
    { .name = NULL }
};

static rk_status check(rk_ctx *ctx, const struct config *c)
{
    if (!config_flag(c, "embedded") && !config_ends_in(c, "model"))
        return FAIL(RK_E_ARG, "embeddings is false, but a head needs a vocabulary: open it as +model");
    return encdec_check(ctx, c);
}

static void build(struct builder *b)
{
    const struct config *c = b->c;
    const char *places = config_text(c, "places");
    struct init table_init = { INIT_NORMAL, 1 / sqrt((double)config_int(c, "hidden")) };        /* of length 1 when read, where scaled */
    struct encdec e = { .pre_norm = config_flag(c, "pre_norm"), .final_norm = config_flag(c, "final_norm"), .fused_qkv = true, .embedded = config_flag(c, "embedded"),
                        .positions = places[0] == 'p' ? INIT_SINUSOID_PAIRS : places[0] == 'h' ? INIT_SINUSOID_HALVES : INIT_ZEROS, .pad = -1, .table = table_init };
    rk_ref table, x = encdec_towers(b, &e, &table);
    if (b->purpose != FOR_ENCODING) head(b, "head", x, config_flag(c, "tied") ? table : 0, false, table_init);
}

const struct arch arch_transformer = {
    .name = "transformer", .title = "Transformer", .model_types = "transformer", .tell = "nhead dim_feedforward norm_first", .heads = ends, .objective = LEARNS_TARGET,
    .fields = fields, .presets = presets, .bindings = names, .prefix = "transformer.", .bare = "embed.* source_embed.* generator.*",
    .ties = "head.weight=embed.weight source_embed.weight=embed.weight", .harmless = "batch_first", .check = check, .build = build, .torch = modules,
};
