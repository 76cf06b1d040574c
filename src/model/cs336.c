/* The language model of Stanford's CS336. Editions 2025 and 2026: RMSNorm, SwiGLU, interleaved rotary positions, no biases.
 * Edition 2024: learned positions and a two-matrix GELU MLP instead.
 *
 *   x = E[id] (+ P[pos]);  x += attn(ln1 x);  x += w2(silu(w1 h) · w3 h), h = ln2 x;  logits = W · ln_final x
 *
 * Sources: stanford-cs336/assignment1-basics (2025), assignment2-systems cs336_basics/model.py; the 2024 handout. */
#include "core/graph.h"
#include "model/block.h"
#include "model/torch.h"
#include <math.h>

static const struct field fields[] = {
    { "edition", "edition", FIELD_INT, "2025", 2024, 2026, NULL, false },
    FIELD_SIZES("context_length", "d_model", "num_layers", "num_heads"),
    FIELD_FF("d_ff", "4*hidden"),
    FIELD_THETA("rope_theta"),
    FIELD_EPS("rms_norm_eps"),
    FIELD_TIED("false"),
    FIELD_FLAGGED("no_norm", "remove_rmsnorm", "false"),
    FIELD_FLAGGED("post", "use_post_norm", "false"),
    FIELD_FLAGGED("no_rope", "remove_rope", "false"),
    { "ffn", "ffn_type", FIELD_CHOICE, "swiglu", 0, 0, "swiglu silu", false },
    FIELD_DROPOUT("pdrop", "residual_pdrop", "0"),
    FIELD_DROPOUT("attn_pdrop", "attn_pdrop", "0"),
    { .name = NULL }
};

#define SMALL  "d_model=768 num_layers=12 num_heads=12 vocab_size=50257 context_length=1024 "
#define MEDIUM "d_model=1024 num_layers=24 num_heads=16 vocab_size=50257 context_length=1024 "
#define LARGE  "d_model=1280 num_layers=36 num_heads=20 vocab_size=50257 context_length=1024 "
#define XL     "d_model=1600 num_layers=48 num_heads=25 vocab_size=50257 context_length=1024 "

static const struct preset presets[] = {
    { "cs336-small",       "cs336-small-2025",  SMALL "d_ff=3072" },
    { "cs336-medium",      "cs336-medium-2025", MEDIUM "d_ff=4096" },
    { "cs336-large",       "cs336-large-2025",  LARGE "d_ff=5120" },
    { "cs336-xl",          "cs336-xl-2025",     XL "d_ff=6400" },
    { "cs336-small-2026",  "", SMALL "edition=2026 d_ff=2048" },
    { "cs336-medium-2026", "", MEDIUM "edition=2026 d_ff=2752" },
    { "cs336-large-2026",  "", LARGE "edition=2026 d_ff=3392" },
    { "cs336-xl-2026",     "", XL "edition=2026 d_ff=4288" },
    { "cs336-small-2024",  "", SMALL "edition=2024 d_ff=3072" },
    { "cs336-medium-2024", "", MEDIUM "edition=2024 d_ff=4096" },
    { "cs336-large-2024",  "", LARGE "edition=2024 d_ff=5120" },
    { "cs336-xl-2024",     "", XL "edition=2024 d_ff=6400" },
    { "cs336-17m",         "cs336-tinystories", "vocab_size=10000 context_length=256 d_model=512 num_layers=4 num_heads=16 d_ff=1344" },
    { .name = NULL }
};

static const struct binding names[] = {
    { "embed.weight",        "token_embeddings.weight",          "vocab hidden" },
    { "position.weight",     "position_embeddings.weight",       "position hidden" },
    { "h.*.norm1.weight",    "layers.*.ln1.weight",              "hidden" },
    { "h.*.attn.q.weight",   "layers.*.attn.q_proj.weight",      "(head head_dim) hidden" },
    { "h.*.attn.k.weight",   "layers.*.attn.k_proj.weight",      "(head head_dim) hidden" },
    { "h.*.attn.v.weight",   "layers.*.attn.v_proj.weight",      "(head head_dim) hidden" },
    { "h.*.attn.out.weight", "layers.*.attn.output_proj.weight", "hidden (head head_dim)" },
    { "h.*.norm2.weight",    "layers.*.ln2.weight",              "hidden" },
    { "h.*.mlp.gate.weight", "layers.*.ffn.w1.weight",           "ff hidden" },
    { "h.*.mlp.up.weight",   "layers.*.ffn.w3.weight",           "ff hidden" },
    { "h.*.mlp.plain.up.weight", "layers.*.ffn.w1.weight",       "ff hidden" },
    { "h.*.mlp.down.weight", "layers.*.ffn.w2.weight",           "hidden ff" },
    { "h.*.mlp.plain.down.weight", "layers.*.ffn.w2.weight",     "hidden ff" },
    { "norm.weight",         "ln_final.weight",                  "hidden" },
    { "head.weight",         "lm_head.weight",                   "vocab hidden" },
    { NULL, "layers.*.attn.positional_encoder.* | layers.*.attn.rope.* | positional_encoder.*", "rotary tables" },
    { NULL, NULL, NULL }
};

static const struct head ends[] = {
    { "lm", "CS336LM", "" }, { "model", "CS336Model", "head.*" }, { NULL, NULL, NULL }
};

/* The course's own classes. Its RotaryEmbedding prints the first two sizes of its table [2, context, half a head] as context and
 * half; all blocks hold the one that stands at the top. What an ablation takes away is not there. */
#define LINEAR(in, out) "Linear(d_out={" out "}, d_in={" in "})"
#define OLD_LINEAR(in, out) TORCH_LINEAR(in, out, "False")
#define RMS_NORM "RMSNorm(hidden_size={hidden}, eps={eps})"
#define ROTARY "RotaryEmbedding(context_length=2, dim/2={position})"

static const struct torch_row modules[] = {
    { .name = "",                        .class = "BasicsTransformerLM", .when = "edition>=2025 +lm" },
    { .name = "",                        .when = "edition>=2025" },
    { .name = "token_embeddings",        .class = "Embedding(vocab_size={vocab}, d={hidden})" },
    { .name = "positional_encoder",      .class = ROTARY, .when = "!no_rope" },
    { .name = "  ._freq_cis_cache",      .class = "float32 2x{position}x{hidden/head/2}", .role = "h.*.attn.rotary" },
    { .name = "layers",                  .class = "ModuleList" },
    { .name = "  *layer",                .class = "TransformerBlock" },
    { .name = "    attn",                .class = "CausalMultiHeadSelfAttention" },
    { .name = "      q_proj",            .class = LINEAR("hidden", "hidden") },
    { .name = "      k_proj",            .class = LINEAR("hidden", "hidden") },
    { .name = "      v_proj",            .class = LINEAR("hidden", "hidden") },
    { .name = "      output_proj",       .class = LINEAR("hidden", "hidden") },
    { .name = "      positional_encoder", .class = ROTARY, .when = "!no_rope" },
    { .name = "    ffn",                 .class = "SwiGLU", .when = "ffn=swiglu" },
    { .name = "      w1",                .class = LINEAR("hidden", "ff") },
    { .name = "      w2",                .class = LINEAR("ff", "hidden") },
    { .name = "      w3",                .class = LINEAR("hidden", "ff") },
    { .name = "    ffn",                 .class = "FFN", .when = "ffn=silu" },
    { .name = "      w1",                .class = LINEAR("hidden", "ff") },
    { .name = "      w2",                .class = LINEAR("ff", "hidden") },
    { .name = "    ln1",                 .class = RMS_NORM, .when = "!no_norm" },
    { .name = "    ln2",                 .class = RMS_NORM, .when = "!no_norm" },
    { .name = "ln_final",                .class = RMS_NORM, .when = "!no_norm !post" },
    { .name = "lm_head",                 .class = LINEAR("hidden", "vocab"), .when = "+lm" },

    { .name = "",                        .class = "BasicsTransformerLM", .when = "+lm" },
    { .name = "" },
    { .name = "token_embeddings",        .class = "Embedding({vocab}, {hidden})" },
    { .name = "position_embeddings",     .class = "Embedding({position}, {hidden})" },
    { .name = "layers",                  .class = "ModuleList" },
    { .name = "  *layer",                .class = "TransformerBlock" },
    { .name = "    attn",                .class = "CausalMultiHeadSelfAttention" },
    { .name = "      q_proj",            .class = OLD_LINEAR("hidden", "hidden") },
    { .name = "      k_proj",            .class = OLD_LINEAR("hidden", "hidden") },
    { .name = "      v_proj",            .class = OLD_LINEAR("hidden", "hidden") },
    { .name = "      output_proj",       .class = OLD_LINEAR("hidden", "hidden") },
    { .name = "    ln1",                 .class = "RMSNorm", .when = "!no_norm" },
    { .name = "    ffn",                 .class = "FFN" },
    { .name = "      w1",                .class = OLD_LINEAR("hidden", "ff") },
    { .name = "      w2",                .class = OLD_LINEAR("ff", "hidden") },
    { .name = "    ln2",                 .class = "RMSNorm", .when = "!no_norm" },
    { .name = "ln_final",                .class = "RMSNorm", .when = "!no_norm !post" },
    { .name = "lm_head",                 .class = OLD_LINEAR("hidden", "vocab"), .when = "+lm" },
    { .name = NULL }
};

static bool rotates(const struct config *c) { return config_int(c, "edition") >= 2025 && !config_flag(c, "no_rope"); }

static rk_status check(rk_ctx *ctx, const struct config *c)
{
    TRY(block_check_heads(ctx, c));
    if (rotates(c) && block_head_dim(c) % 2 != 0) return FAIL(RK_E_SHAPE, "rotary positions turn pairs, but d_model / num_heads is %lld", (long long)block_head_dim(c));
    if (config_flag(c, "post") && config_flag(c, "no_norm")) return FAIL(RK_E_ARG, "use_post_norm and remove_rmsnorm exclude each other");
    return RK_OK;
}

/* The handout's initialisation: variance 2 / (in + out), cut at three deviations. */
static struct init linear_init(int64_t in, int64_t out) { return (struct init){ INIT_TRUNCATED, sqrt(2.0 / (double)(in + out)) }; }

static rk_ref norm(struct builder *b, const char *name, rk_ref x)
{
    return config_flag(b->c, "no_norm") ? x : rms_norm(b, name, x, config_real(b->c, "eps"));
}

static rk_ref feed_forward(struct builder *b, rk_ref x)
{
    const struct config *c = b->c;
    int64_t hidden = config_int(c, "hidden"), ff = config_int(c, "ff");
    bool old = config_int(c, "edition") < 2025, gate = !old && config_text(c, "ffn")[1] == 'w';
    struct mlp m = { .act = old ? "gelu_erf" : "silu", .gate = gate, .init = linear_init(hidden, ff), .out_init = linear_init(ff, hidden) };
    if (gate) return mlp(b, "mlp", x, &m);
    rk_enter(b->g, "mlp");
    x = mlp(b, "plain", x, &m);
    rk_leave(b->g);
    return x;
}

static rk_ref block(struct builder *b, rk_ref x)
{
    const struct config *c = b->c;
    int64_t hidden = config_int(c, "hidden"), width = block_head_dim(c);
    bool post = config_flag(c, "post");
    double drop = config_real(c, "pdrop");
    struct attention a = { .rotary = { rotates(c), RK_ROPE_INTERLEAVED, width, config_real(c, "theta") }, .scale = 1 / sqrt((double)width), .dropout = config_real(c, "attn_pdrop"),
                           .init = linear_init(hidden, hidden), .out_init = linear_init(hidden, hidden) };
    rk_ref y = attention(b, "attn", post ? x : norm(b, "norm1", x), &a);
    x = rk_add(b->g, wanted(b, x), dropout(b, "attn", y, drop));
    if (post) x = norm(b, "norm1", x);
    y = feed_forward(b, post ? x : norm(b, "norm2", x));
    x = rk_add(b->g, x, dropout(b, "mlp", y, drop));
    return post ? norm(b, "norm2", x) : x;
}

static void build(struct builder *b)
{
    const struct config *c = b->c;
    int64_t hidden = config_int(c, "hidden"), vocab = config_int(c, "vocab");
    struct init table_init = { INIT_TRUNCATED, 1 };
    rk_ref table;
    block_dims(b);
    rk_ref x = embedding(b, "embed", block_tokens(b), table_init, &table);
    if (config_int(c, "edition") < 2025) x = positions(b, "position", x, table_init);
    x = blocks(b, x, block, true);
    if (!config_flag(c, "post")) x = norm(b, "norm", x);
    head(b, "head", x, config_flag(c, "tied") ? table : 0, false, linear_init(hidden, vocab));
}

const struct arch arch_cs336 = {
    .name = "cs336", .title = "CS336 language model", .model_types = "cs336", .heads = ends,
    .fields = fields, .presets = presets, .bindings = names, .prefix = "", .ties = "head.weight=embed.weight",
    .harmless = "model_type architectures transformers_version dtype torch_dtype",
    .check = check, .build = build, .torch = modules,
};
