/* The Transformer as The Annotated Transformer writes it (Rush 2018; Huang, Subramanian et al. 2022): norms in front, one more behind
 * each tower, tables of their own for source and target, a generator with a bias.
 *
 * Its norm divides by the unbiased deviation plus epsilon, where others take the root of variance plus epsilon: with the weights
 * of the one, the other computes something else. Sinusoids in pairs are a buffer of its files. Sources: nlp.seas.harvard.edu,
 * annotated-transformer; harvardnlp/annotated-transformer the_annotated_transformer.py. */
#include "core/graph.h"
#include "model/config.h"
#include "model/encdec.h"
#include "model/torch.h"
#include <math.h>

static const struct field fields[] = {
    { "source_vocab", "src_vocab",     FIELD_INT, NULL,           1, 1 << 28, NULL, false },
    { "vocab",        "tgt_vocab",     FIELD_INT, "source_vocab", 1, 1 << 28, NULL, false },
    { "position",     "max_len",       FIELD_INT, "5000",         1, 1 << 28, NULL, false },
    { "hidden",       "d_model",       FIELD_INT, "512",          1, 1 << 24, NULL, false },
    { "layer",        "N",             FIELD_INT, "6",            1, 4096,    NULL, false },
    { "source_layer", "N_encoder",     FIELD_INT, "layer",        1, 4096,    NULL, false },
    { "head",         "h",             FIELD_INT, "8",            1, 1 << 16, NULL, false },
    { "source_head",  "h_encoder",     FIELD_INT, "head",         1, 1 << 16, NULL, false },
    FIELD_FF("d_ff", "2048"),
    { "source_ff",    "d_ff_encoder",  FIELD_INT, "ff",           1, 1 << 26, NULL, false },
    { "act",          "activation",    FIELD_CHOICE, "relu",      0, 0, "relu", false },
    { "eps",          "eps",           FIELD_REAL, "1e-6",        0, 1,       NULL, false },
    FIELD_ALWAYS("bias", "bias"),
    FIELD_ALWAYS("scaled", "scale_embedding"),
    FIELD_NEVER("share", "share_embeddings"),
    FIELD_NEVER("tied", "tie_word_embeddings"),
    { "start",        "start_symbol",  FIELD_INT, "0",            0, 1 << 28, NULL, false },
    FIELD_DROPOUT("pdrop", "dropout", "0.1"),
    FIELD_DROPOUT("act_pdrop", "activation_dropout", "pdrop"),
    FIELD_DROPOUT("attn_pdrop", "attention_dropout", "pdrop"),
    { .name = NULL }
};

static const struct preset presets[] = {
    { "annotated-transformer", "",      "src_vocab=8316 tgt_vocab=6384 max_len=512" },          /* base, over Multi30k's vocabularies as the text prints them */
    { "annotated-copy",        "",      "src_vocab=11 tgt_vocab=11 N=2 max_len=512" },          /* its first example */
    { .name = NULL }
};

#define LINEAR(role, module, out, in) { role ".weight", module ".weight", out " " in }, { role ".bias", module ".bias", out }
#define NORM(role, module) { role ".weight", module ".a_2", "hidden" }, { role ".bias", module ".b_2", "hidden" }
#define ATTENTION(role, module, h)                                                                                    \
    LINEAR(role ".q", module ".linears.0", "(" h "head " h "head_dim)", "hidden"),                                      \
    LINEAR(role ".k", module ".linears.1", "(" h "head " h "head_dim)", "hidden"),                                      \
    LINEAR(role ".v", module ".linears.2", "(" h "head " h "head_dim)", "hidden"),                                      \
    LINEAR(role ".out", module ".linears.3", "hidden", "(" h "head " h "head_dim)")
#define BLOCK(role, module, h)                                                                                        \
    ATTENTION(role ".attn", module ".self_attn", h),                                                                    \
    LINEAR(role ".mlp.up", module ".feed_forward.w_1", h "ff", "hidden"),                                               \
    LINEAR(role ".mlp.down", module ".feed_forward.w_2", "hidden", h "ff"),                                             \
    NORM(role ".norm1", module ".sublayer.0.norm"),                                                                     \
    NORM(role ".norm2", module ".sublayer.1.norm")

static const struct binding names[] = {
    { "embed.weight",        "tgt_embed.0.lut.weight", "vocab hidden" },
    { "source_embed.weight", "src_embed.0.lut.weight", "source_vocab hidden" },
    BLOCK("encoder.h.*", "encoder.layers.*", "source_"),
    NORM("encoder.norm", "encoder.norm"),
    BLOCK("decoder.h.*", "decoder.layers.*", ""),
    ATTENTION("decoder.h.*.cross", "decoder.layers.*.src_attn", ""),
    NORM("decoder.h.*.norm3", "decoder.layers.*.sublayer.2.norm"),
    NORM("decoder.norm", "decoder.norm"),
    LINEAR("head", "generator.proj", "vocab", "hidden"),
    { NULL, "src_embed.1.pe | tgt_embed.1.pe", "sinusoids" },
    { NULL, NULL, NULL }
};

#define DROPOUT(module) { .name = module, .class = TORCH_DROPOUT("pdrop") }
#define PROJECTION(number) { .name = "          " number, .class = TORCH_LINEAR("hidden", "hidden", "True") }
#define HEADS(module)                                                                                                 \
    { .name = "      " module,           .class = "MultiHeadedAttention" },                                           \
    { .name = "        linears",         .class = "ModuleList" },                                                     \
    PROJECTION("0"), PROJECTION("1"), PROJECTION("2"), PROJECTION("3"),                                               \
    DROPOUT("        dropout")
#define FEED_FORWARD(ff)                                                                                              \
    { .name = "      feed_forward",      .class = "PositionwiseFeedForward" },                                        \
    { .name = "        w_1",             .class = TORCH_LINEAR("hidden", ff, "True") },                               \
    { .name = "        w_2",             .class = TORCH_LINEAR(ff, "hidden", "True") },                               \
    DROPOUT("        dropout")
#define SUBLAYERS { .name = "      sublayer", .class = "ModuleList" }
#define SUBLAYER(number)                                                                                              \
    { .name = "        " number,         .class = "SublayerConnection" },                                             \
    { .name = "          norm",          .class = "LayerNorm" },                                                      \
    DROPOUT("          dropout")
#define EMBED(module, vocab)                                                                                          \
    { .name = module,                      .class = "Sequential" },                                                       \
    { .name = "  0",                   .class = "Embeddings" },                                                       \
    { .name = "    lut",               .class = "Embedding({" vocab "}, {hidden})" },                                 \
    { .name = "  1",                   .class = "PositionalEncoding" },                                               \
    DROPOUT("    dropout"),                                                                                           \
    { .name = "    .pe",               .class = "float32 1x{position}x{hidden}" }

static const struct torch_row modules[] = {
    { .name = "",                        .class = "EncoderDecoder", .when = "+lm" },
    { .name = "" },
    { .name = "encoder",                 .class = "Encoder" },
    { .name = "  layers",                .class = "ModuleList" },
    { .name = "    *source_layer",       .class = "EncoderLayer" },
    HEADS("self_attn"),
    FEED_FORWARD("source_ff"),
    SUBLAYERS, SUBLAYER("0"), SUBLAYER("1"),
    { .name = "  norm",                  .class = "LayerNorm" },
    { .name = "decoder",                 .class = "Decoder" },
    { .name = "  layers",                .class = "ModuleList" },
    { .name = "    *layer",              .class = "DecoderLayer" },
    HEADS("self_attn"),
    HEADS("src_attn"),
    FEED_FORWARD("ff"),
    SUBLAYERS, SUBLAYER("0"), SUBLAYER("1"), SUBLAYER("2"),
    { .name = "  norm",                  .class = "LayerNorm" },
    EMBED("src_embed", "source_vocab"),
    EMBED("tgt_embed", "vocab"),
    { .name = "generator",               .class = "Generator", .when = "+lm" },
    { .name = "  proj",                  .class = TORCH_LINEAR("hidden", "vocab", "True") },
    { .name = NULL }
};

static const struct head ends[] = {
    { "lm", "EncoderDecoder", "" }, { "model", "EncoderDecoderModel", "head.*" }, { NULL, NULL, NULL }
};

/* Every matrix, tables too: Glorot and Bengio's uniform one. */
static struct init table_init(const struct config *c) { return (struct init){ INIT_UNIFORM, sqrt(6 / (double)(config_int(c, "vocab") + config_int(c, "hidden"))) }; }

static void build(struct builder *b)
{
    struct encdec e = { .pre_norm = true, .final_norm = true, .deviation = true, .embedded = true, .positions = INIT_SINUSOID_PAIRS, .pad = -1,
                        .table = table_init(b->c) };
    rk_ref table, x = encdec_towers(b, &e, &table);
    if (b->purpose != FOR_ENCODING) head(b, "head", x, 0, true, table_init(b->c));
}

const struct arch arch_annotated = {
    .name = "annotated", .title = "The Annotated Transformer", .model_types = "annotated-transformer", .heads = ends, .objective = LEARNS_TARGET,
    .tell = "tgt_vocab src_vocab", .fields = fields, .presets = presets, .bindings = names, .prefix = "", .harmless = "", .check = encdec_check, .build = build,
    .torch = modules,
};
