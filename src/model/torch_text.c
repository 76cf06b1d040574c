/* torch_text.c: a row's text with the model's numbers in it, as Python writes them.
 *
 * Sources: what print() shows of torch.nn modules (torch/nn/modules, extra_repr); transformers activations.py for the class
 * behind each name of an activation. */
#include "io/decimal.h"
#include "model/torch.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const char *torch_dtype(rk_dtype dtype)
{
    static const char *const names[RK_DTYPE_COUNT] = {
        [RK_f64] = "float64", [RK_f32] = "float32", [RK_f16] = "float16", [RK_bf16] = "bfloat16", [RK_f8e4m3] = "float8_e4m3fn", [RK_f8e5m2] = "float8_e5m2",
        [RK_i64] = "int64", [RK_i32] = "int32", [RK_i16] = "int16", [RK_i8] = "int8", [RK_u16] = "uint16", [RK_u8] = "uint8", [RK_bool] = "bool",
    };
    return names[dtype];
}

/* By the word in config.json: two words for one function may be two classes. */
static const struct { const char *word, *class; } activations[] = {
    { "gelu", "GELUActivation()" },      { "gelu_python", "GELUActivation()" },        { "gelu_new", "NewGELUActivation()" },
    { "gelu_fast", "FastGELUActivation()" }, { "gelu_pytorch_tanh", "GELUTanh()" },    { "gelu_10", "ClippedGELUActivation()" },
    { "quick_gelu", "QuickGELUActivation()" }, { "relu", "ReLU()" }, { "silu", "SiLU()" }, { "swish", "SiLU()" }, { "tanh", "Tanh()" },
};

static rk_status put_choice(rk_ctx *ctx, const struct config *c, int i, struct str *out)
{
    size_t n = strcspn(c->spelled[i], " =");
    for (size_t k = 0; k < sizeof activations / sizeof *activations; k++)
        if (word_is((struct word){ c->spelled[i], n }, activations[k].word, strlen(activations[k].word))) return str_text(ctx, out, activations[k].class);
    return FAIL(RK_E_DECLINED, "%s: \"%.*s\" has no module of its own in PyTorch", c->arch->title, (int)n, c->spelled[i]);
}

static rk_status put_field(rk_ctx *ctx, const struct config *c, int i, struct str *out)
{
    char digits[DECIMAL_ROOM];
    enum field_kind kind = c->arch->fields[i].kind;
    if (kind == FIELD_CHOICE) return put_choice(ctx, c, i, out);
    if (kind == FIELD_FLAG) return str_text(ctx, out, c->value[i] != 0 ? "True" : "False");
    if (kind == FIELD_INT) return str_format(ctx, out, "%" PRId64, (int64_t)c->value[i]);
    return str_add(ctx, out, digits, decimal_write(c->value[i], digits));
}

static rk_status put_formula(rk_ctx *ctx, const struct config *c, const char *text, size_t n, struct str *out)
{
    double value;
    for (int i = 0; c->arch->fields[i].name != NULL; i++)
        if (word_is((struct word){ text, n }, c->arch->fields[i].name, strlen(c->arch->fields[i].name))) return put_field(ctx, c, i, out);
    TRY(config_formula(ctx, c, MOST_FIELDS, text, n, &value));
    if (!(value >= 0 && value < 0x1p63)) return FAIL(RK_E_LIMIT, "%s: %.*s is no size", c->arch->title, (int)n, text);
    return str_format(ctx, out, "%" PRId64, (int64_t)value);
}

rk_status torch_fill(rk_ctx *ctx, const struct config *c, const char *text, struct str *out)
{
    while (*text != '\0') {
        size_t plain = strcspn(text, "{"), n;
        TRY(str_add(ctx, out, text, plain));
        text += plain;
        if (*text == '\0') break;
        n = strcspn(++text, "}");
        PROMISE(text[n] == '}');
        TRY(put_formula(ctx, c, text, n, out));
        text += n + 1;
    }
    return RK_OK;
}

rk_status torch_shape(rk_ctx *ctx, const char *text, struct torch_tensor *t)
{
    size_t n = strcspn(text, " ");
    int dtype = 0;
    while (dtype < RK_DTYPE_COUNT && !word_is((struct word){ text, n }, torch_dtype((rk_dtype)dtype), strlen(torch_dtype((rk_dtype)dtype)))) dtype++;
    PROMISE(dtype < RK_DTYPE_COUNT && text[n] == ' ');
    t->dtype = torch_dtype((rk_dtype)dtype);
    t->bytes = rk_dtype_bytes((rk_dtype)dtype);
    text += n + 1;
    if (strcmp(text, "scalar") == 0) return RK_OK;
    for (char *end; t->rank < RK_MAX_RANK; text = end + 1) {
        t->shape[t->rank] = strtoll(text, &end, 10);
        PROMISE(end > text && (*end == 'x' || *end == '\0'));
        if (__builtin_mul_overflow(t->bytes, (uint64_t)t->shape[t->rank++], &t->bytes)) return FAIL(RK_E_LIMIT, "a buffer of %s is beyond 2^64 bytes", text);
        if (*end == '\0') return RK_OK;
    }
    return FAIL(RK_E_BUG, "a buffer with more than %d dimensions", RK_MAX_RANK);
}
