/* BERT (Devlin et al. 2018): post-norm blocks that see both ways, learned positions, segments; a head that fills in masked tokens
 * and one that tells whether two texts follow each other.
 *
 *   x = norm(word[id] + segment[s] + position[t]);  x = norm(x + attn x);  x = norm(x + mlp x)
 *   pooled = tanh(W x[0] + b);  nsp = W pooled + b;  logits = norm(act(W x + b)) · wordᵀ + b
 *
 * Heads: mlm, model (hidden states and pooled), pretraining (mlm and nsp). The loss of pretraining is Σ over labels, and
 * next_weight · Σ over `next` [batch]: 1 where the second text does not follow, -1 where nobody knows.
 * Sources: google-research/bert modeling.py, run_pretraining.py; transformers modeling_bert.py. */
#include "core/graph.h"
#include "model/block.h"
#include "model/torch.h"
#include <math.h>

static const struct field fields[] = {
    FIELD_SIZES("max_position_embeddings", "hidden_size", "num_hidden_layers", "num_attention_heads"),
    FIELD_FF("intermediate_size", "4*hidden"),
    { "types", "type_vocab_size", FIELD_INT, "2", 1, 1 << 16, NULL, false },
    FIELD_ACT("hidden_act", "gelu"),
    { "eps", "layer_norm_eps", FIELD_REAL, "1e-12", 0, 1, NULL, false },
    FIELD_TIED("true"),
    { "place", "position_embedding_type", FIELD_CHOICE, "absolute", 0, 0, "absolute", false },
    FIELD_NEVER("cross", "add_cross_attention"),
    FIELD_NEVER("decoder", "is_decoder"),
    { "pad", "pad_token_id", FIELD_INT, "0", 0, 1 << 28, NULL, false },
    FIELD_DROPOUT("pdrop", "hidden_dropout_prob", "0.1"),
    FIELD_DROPOUT("attn_pdrop", "attention_probs_dropout_prob", "0.1"),
    FIELD_INIT,
    { .name = NULL }
};

#define BASE  "max_position_embeddings=512 hidden_size=768 num_hidden_layers=12 num_attention_heads=12 intermediate_size=3072 "
#define LARGE "max_position_embeddings=512 hidden_size=1024 num_hidden_layers=24 num_attention_heads=16 intermediate_size=4096 "

static const struct preset presets[] = {
    { "bert-base-uncased",  "google-bert/bert-base-uncased bert",         BASE "vocab_size=30522" },
    { "bert-base-cased",    "google-bert/bert-base-cased",                BASE "vocab_size=28996" },
    { "bert-base-chinese",  "google-bert/bert-base-chinese",              BASE "vocab_size=21128" },
    { "bert-base-multilingual-cased", "google-bert/bert-base-multilingual-cased", BASE "vocab_size=119547" },
    { "bert-large-uncased", "google-bert/bert-large-uncased",             LARGE "vocab_size=30522" },
    { "bert-large-cased",   "google-bert/bert-large-cased",               LARGE "vocab_size=28996" },
    { "bert-tiny",   "google/bert_uncased_L-2_H-128_A-2",
      "vocab_size=30522 max_position_embeddings=512 hidden_size=128 num_hidden_layers=2 num_attention_heads=2 intermediate_size=512" },
    { "bert-small",  "google/bert_uncased_L-4_H-512_A-8",
      "vocab_size=30522 max_position_embeddings=512 hidden_size=512 num_hidden_layers=4 num_attention_heads=8 intermediate_size=2048" },
    { "bert-medium", "google/bert_uncased_L-8_H-512_A-8",
      "vocab_size=30522 max_position_embeddings=512 hidden_size=512 num_hidden_layers=8 num_attention_heads=8 intermediate_size=2048" },
    { .name = NULL }
};

#define NORM(role, module)                                                                                            \
    { role ".weight", module ".LayerNorm.weight | " module ".LayerNorm.gamma", "hidden" },                              \
    { role ".bias",   module ".LayerNorm.bias | " module ".LayerNorm.beta",    "hidden" }
#define DENSE(role, module, out, in)                                                                                  \
    { role ".weight", module ".weight", out " " in },                                                                   \
    { role ".bias",   module ".bias",   out }

static const struct binding names[] = {
    { "embed.weight",    "embeddings.word_embeddings.weight",       "vocab hidden" },
    { "position.weight", "embeddings.position_embeddings.weight",   "position hidden" },
    { "segment.weight",  "embeddings.token_type_embeddings.weight", "types hidden" },
    NORM("norm", "embeddings"),
    DENSE("h.*.attn.q", "encoder.layer.*.attention.self.query", "(head head_dim)", "hidden"),
    DENSE("h.*.attn.k", "encoder.layer.*.attention.self.key", "(head head_dim)", "hidden"),
    DENSE("h.*.attn.v", "encoder.layer.*.attention.self.value", "(head head_dim)", "hidden"),
    DENSE("h.*.attn.out", "encoder.layer.*.attention.output.dense", "hidden", "(head head_dim)"),
    NORM("h.*.norm1", "encoder.layer.*.attention.output"),
    DENSE("h.*.mlp.up", "encoder.layer.*.intermediate.dense", "ff", "hidden"),
    DENSE("h.*.mlp.down", "encoder.layer.*.output.dense", "hidden", "ff"),
    NORM("h.*.norm2", "encoder.layer.*.output"),
    DENSE("pooler", "pooler.dense", "inner", "hidden"),
    DENSE("head.dense", "cls.predictions.transform.dense", "inner", "hidden"),
    NORM("head.norm", "cls.predictions.transform"),
    { "head.weight",     "cls.predictions.decoder.weight", "vocab hidden" },
    { "head.bias",       "cls.predictions.bias | cls.predictions.decoder.bias", "vocab" },
    DENSE("nsp", "cls.seq_relationship", "answer", "hidden"),
    { NULL,              "embeddings.position_ids | embeddings.token_type_ids", "numbers of positions and segments" },
    { NULL, NULL, NULL }
};

#define NORM_AND_DROPOUT(in)                                                                                             \
    { .name = in "LayerNorm",                .class = TORCH_NORM },                                                          \
    { .name = in "dropout",                  .class = TORCH_DROPOUT("pdrop") }
#define SQUARE TORCH_LINEAR("hidden", "hidden", "True")

static const struct torch_row modules[] = {
    { .name = "",                            .class = "BertForMaskedLM",    .when = "+mlm" },
    { .name = "",                            .class = "BertForPreTraining", .when = "+pretraining" },
    { .name = "",                            .class = "BertModel" },
    { .name = "~bert",                       .class = "BertModel",          .when = "!+model" },
    { .name = "  embeddings",                .class = "BertEmbeddings" },
    { .name = "    .position_ids",           .class = "int64 1x{position}", .role = "position.ids" },
    { .name = "    .token_type_ids",         .class = "int64 1x{position}", .role = "segment.ids" },
    { .name = "    word_embeddings",         .class = "Embedding({vocab}, {hidden}, padding_idx={pad})" },
    { .name = "    position_embeddings",     .class = "Embedding({position}, {hidden})" },
    { .name = "    token_type_embeddings",   .class = "Embedding({types}, {hidden})" },
    NORM_AND_DROPOUT("    "),
    { .name = "  encoder",                   .class = "BertEncoder" },
    { .name = "    layer",                   .class = "ModuleList" },
    { .name = "      *layer",                .class = "BertLayer" },
    { .name = "        attention",           .class = "BertAttention" },
    { .name = "          self",              .class = "BertSelfAttention" },
    { .name = "            query",           .class = SQUARE },
    { .name = "            key",             .class = SQUARE },
    { .name = "            value",           .class = SQUARE },
    { .name = "            dropout",         .class = TORCH_DROPOUT("attn_pdrop") },
    { .name = "          output",            .class = "BertSelfOutput" },
    { .name = "            dense",           .class = SQUARE },
    NORM_AND_DROPOUT("            "),
    { .name = "        intermediate",        .class = "BertIntermediate" },
    { .name = "          dense",             .class = TORCH_LINEAR("hidden", "ff", "True") },
    { .name = "          intermediate_act_fn", .class = "{act}" },
    { .name = "        output",              .class = "BertOutput" },
    { .name = "          dense",             .class = TORCH_LINEAR("ff", "hidden", "True") },
    NORM_AND_DROPOUT("          "),
    { .name = "  pooler",                    .class = "BertPooler",         .when = "!+mlm" },
    { .name = "    dense",                   .class = SQUARE },
    { .name = "    activation",              .class = "Tanh()" },
    { .name = "cls",                         .class = "BertOnlyMLMHead",    .when = "+mlm" },
    { .name = "  predictions",               .class = "BertLMPredictionHead" },
    { .name = "    transform",               .class = "BertPredictionHeadTransform" },
    { .name = "      dense",                 .class = SQUARE },
    { .name = "      transform_act_fn",      .class = "{act}" },
    { .name = "      LayerNorm",             .class = TORCH_NORM },
    { .name = "    decoder",                 .class = TORCH_LINEAR("hidden", "vocab", "True") },
    { .name = "cls",                         .class = "BertPreTrainingHeads", .when = "+pretraining" },
    { .name = "  predictions",               .class = "BertLMPredictionHead" },
    { .name = "    transform",               .class = "BertPredictionHeadTransform" },
    { .name = "      dense",                 .class = SQUARE },
    { .name = "      transform_act_fn",      .class = "{act}" },
    { .name = "      LayerNorm",             .class = TORCH_NORM },
    { .name = "    decoder",                 .class = TORCH_LINEAR("hidden", "vocab", "True") },
    { .name = "  seq_relationship",          .class = TORCH_LINEAR("hidden", "2", "True") },
    { .name = NULL }
};

static const struct head ends[] = {
    { "mlm",         "BertForMaskedLM",     "pooler.* nsp.*" },
    { "model",       "BertModel",           "head.* nsp.*" },
    { "pretraining", "BertForPreTraining",  "" },
    { NULL, NULL, NULL }
};

static struct init init_of(const struct config *c) { return (struct init){ INIT_NORMAL, config_real(c, "init") }; }

static rk_ref embeddings(struct builder *b, rk_ref *table)
{
    const struct config *c = b->c;
    rk_ref segments = rk_input(b->g, "segments", RK_i32, "batch seq"), tokens = block_tokens(b), types;
    rk_ref x = unpadded(b, embedding(b, "embed", tokens, init_of(c), table), tokens, config_int(c, "pad"));
    x = rk_add(b->g, x, lookup(b, "segment", "types hidden", segments, init_of(c), &types));
    x = layer_norm(b, "norm", positions(b, "position", x, init_of(c)), config_real(c, "eps"), true);
    return dropout(b, "embed", x, config_real(c, "pdrop"));
}

static rk_ref block(struct builder *b, rk_ref x)
{
    const struct config *c = b->c;
    double eps = config_real(c, "eps"), drop = config_real(c, "pdrop");
    struct attention a = { .bias = true, .both_ways = true, .lengths = block_lengths(b), .scale = 1 / sqrt((double)block_head_dim(c)), .dropout = config_real(c, "attn_pdrop"),
                           .init = init_of(c), .out_init = init_of(c) };
    rk_ref seen = attention(b, "attn", x, &a);
    x = layer_norm(b, "norm1", rk_add(b->g, wanted(b, x), dropout(b, "attn", seen, drop)), eps, true);
    rk_ref m = mlp(b, "mlp", x, &(struct mlp){ .act = config_text(c, "act"), .bias = true, .init = init_of(c), .out_init = init_of(c) });
    return layer_norm(b, "norm2", rk_add(b->g, x, dropout(b, "mlp", m, drop)), eps, true);
}

static rk_ref pool(struct builder *b, rk_ref x)
{
    rk_ref first = rk_select(b->g, x, "seq", 0);
    return rk_rename(b->g, rk_map(b->g, "tanh", linear(b, "pooler", "b d, e d -> b e", "inner hidden", "inner", first, init_of(b->c))), "inner", "hidden");
}

/* 0: the second text follows the first. */
static void next_sentence(struct builder *b, rk_ref pooled)
{
    rk_graph *g = b->g;
    rk_enter(g, "nsp");
    rk_ref w = parameter(b, "weight", "answer hidden", init_of(b->c), true), bias = parameter(b, "bias", "answer", (struct init){ INIT_ZEROS, 0 }, false);
    if (b->purpose == FOR_TRAINING || b->purpose == FOR_SCORING) {
        rk_ref loss = rk_xent_head(g, pooled, w, bias, rk_input(g, "next", RK_i32, "batch"), "hidden", "answer");
        if (rk_graph_ok(g)) add_loss(b, rk_mul(g, loss, rk_input(g, "next_weight", node_of(g, loss)->dtype, "")));
    } else rk_output(g, "nsp", rk_add(g, contract(b, "b d, a d -> b a", pooled, w), bias));
    rk_leave(g);
}

static void fill_in(struct builder *b, rk_ref x, rk_ref table)
{
    const struct config *c = b->c;
    rk_enter(b->g, "head");
    x = rk_map(b->g, config_text(c, "act"), linear(b, "dense", "b t d, e d -> b t e", "inner hidden", "inner", x, init_of(c)));
    x = layer_norm(b, "norm", rk_rename(b->g, x, "inner", "hidden"), config_real(c, "eps"), true);
    rk_leave(b->g);
    head(b, "head", x, config_flag(c, "tied") ? table : 0, true, init_of(c));
}

static void build(struct builder *b)
{
    const struct config *c = b->c;
    rk_ref table, pooled;
    block_dims(b);
    (void)rk_dim_new(b->g, "types", 0, config_int(c, "types"));
    (void)rk_dim_new(b->g, "answer", 0, 2);
    rk_ref x = blocks(b, embeddings(b, &table), block, true);
    if (!config_ends_in(c, "model")) fill_in(b, x, table);
    else bare(b, "hidden", x);
    if (config_ends_in(c, "mlm")) return;
    pooled = pool(b, x);
    if (config_ends_in(c, "model")) bare(b, "pooled", pooled);
    else {
        if (b->purpose == FOR_LOGITS) rk_output(b->g, "pooled", pooled);
        next_sentence(b, pooled);
    }
}

const struct arch arch_bert = {
    .name = "bert", .title = "BERT", .model_types = "bert", .tell = "type_vocab_size", .heads = ends, .objective = LEARNS_MASKED,
    .fields = fields, .presets = presets, .bindings = names, .prefix = "bert.", .bare = "cls.*", .ties = "head.weight=embed.weight",
    .harmless = "classifier_dropout directionality pooler_fc_size pooler_num_attention_heads pooler_num_fc_layers pooler_size_per_head pooler_type",
    .check = block_check_heads, .build = build, .torch = modules,
};
