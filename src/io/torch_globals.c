/* torch_globals.c: the names that a pickle of torch.save may use, all of them, and what comes of calling one: a value made here.
 *
 * Whatever else a pickle names is refused by that name, and nothing is ever executed. Not here: where the bytes of a tensor
 * are and whether it fits there (torch.c does that for tensors that become part of the bundle).
 * Sources: torch/_utils.py, torch/serialization.py. */
#include "io/torch.h"
#include <stdio.h>
#include <string.h>

enum role { FUNCTION, STORAGE, UNTYPED, DTYPE };
typedef rk_status maker(struct pickle *p, const struct pickled *arguments, struct pickled *out);
static maker make_dict, make_size, make_tensor_v2, make_tensor_v3, make_parameter;

static const struct { const char *module, *name; uint8_t role; rk_dtype dtype; maker *make; } known[] = {
    { "collections", "OrderedDict", FUNCTION, 0, make_dict },
    { "torch", "Size", FUNCTION, 0, make_size },
    { "torch._utils", "_rebuild_tensor_v2", FUNCTION, 0, make_tensor_v2 },
    { "torch._utils", "_rebuild_tensor_v3", FUNCTION, 0, make_tensor_v3 },
    { "torch._utils", "_rebuild_parameter", FUNCTION, 0, make_parameter },
    { "torch", "DoubleStorage", STORAGE, RK_f64, NULL },              { "torch", "FloatStorage", STORAGE, RK_f32, NULL },
    { "torch", "HalfStorage", STORAGE, RK_f16, NULL },                { "torch", "BFloat16Storage", STORAGE, RK_bf16, NULL },
    { "torch", "LongStorage", STORAGE, RK_i64, NULL },                { "torch", "IntStorage", STORAGE, RK_i32, NULL },
    { "torch", "ShortStorage", STORAGE, RK_i16, NULL },               { "torch", "CharStorage", STORAGE, RK_i8, NULL },
    { "torch", "ByteStorage", STORAGE, RK_u8, NULL },                 { "torch", "BoolStorage", STORAGE, RK_bool, NULL },
    { "torch.storage", "UntypedStorage", UNTYPED, RK_u8, NULL },      { "torch", "UntypedStorage", UNTYPED, RK_u8, NULL },
    { "torch", "float64", DTYPE, RK_f64, NULL },                      { "torch", "float32", DTYPE, RK_f32, NULL },
    { "torch", "float16", DTYPE, RK_f16, NULL },                      { "torch", "bfloat16", DTYPE, RK_bf16, NULL },
    { "torch", "float8_e4m3fn", DTYPE, RK_f8e4m3, NULL },             { "torch", "float8_e5m2", DTYPE, RK_f8e5m2, NULL },
    { "torch", "int64", DTYPE, RK_i64, NULL },                        { "torch", "int32", DTYPE, RK_i32, NULL },
    { "torch", "int16", DTYPE, RK_i16, NULL },                        { "torch", "int8", DTYPE, RK_i8, NULL },
    { "torch", "uint16", DTYPE, RK_u16, NULL },                       { "torch", "uint8", DTYPE, RK_u8, NULL },
    { "torch", "bool", DTYPE, RK_bool, NULL },
};
enum { KNOWN = sizeof known / sizeof *known };

static bool is(const char *text, const char *at, size_t n) { return strlen(text) == n && memcmp(text, at, n) == 0; }
static int role_of(const struct pickled *v) { return v->kind == PICKLE_GLOBAL ? (int)known[v->n].role : -1; }

const char *torch_global_name(const struct pickled *v) { return known[v->n].name; }

rk_status torch_global(void *user, struct pickle *p, const char *module, size_t module_n, const char *name, size_t name_n, struct pickled *out)
{
    rk_ctx *ctx = p->ctx;
    char a[NAME_SHOWN], b[NAME_SHOWN];
    (void)user;
    for (uint32_t i = 0; i < KNOWN; i++)
        if (is(known[i].module, module, module_n) && is(known[i].name, name, name_n)) {
            out->n = i;
            return RK_OK;
        }
    (void)FAIL(RK_E_DECLINED, "%s: byte %zu of the pickle: the pickle calls %s.%s, and only tensors and plain values are read", p->path, p->offset,
               name_show(a, module, module_n), name_show(b, name, name_n));
    return ctx_hint(ctx, "if you trust the file: in PyTorch, safetensors.torch.save_file({k: v.clone() for k, v in torch.load(path, weights_only=False).items()}, \"model.safetensors\")");
}

static rk_status wrong(struct pickle *p, const char *callee, const char *what)
{
    rk_ctx *ctx = p->ctx;
    return FAIL(RK_E_FORMAT, "%s: byte %zu of the pickle: %s: %s", p->path, p->offset, callee, what);
}

/* --- storages --- */

/* ("storage", class, key, device, elements) */
rk_status torch_persistent(void *user, struct pickle *p, const struct pickled *id, struct pickled *out)
{
    rk_ctx *ctx = p->ctx;
    struct torch_storage *s;
    (void)user;
    if (id->kind != PICKLE_TUPLE || id->n < 5 || !pickle_is(id->items[0], "storage")) return wrong(p, "a reference to something outside", "it is no storage");
    const struct pickled *class = id->items[1], *key = id->items[2], *count = id->items[4];
    if (role_of(class) != STORAGE && role_of(class) != UNTYPED) return wrong(p, "a storage", "its class is none of torch");
    if (key->kind != PICKLE_TEXT || count->kind != PICKLE_INT || count->integer < 0) return wrong(p, "a storage", "expected a key and a number of elements");
    TRY(TAKE(&p->arena, s, 1));
    *s = (struct torch_storage){ .key = key->text, .key_n = key->n, .elements = count->integer, .dtype = known[class->n].dtype, .untyped = role_of(class) == UNTYPED };
    *out = (struct pickled){ .kind = PICKLE_THING, .n = TORCH_STORAGE, .thing = s };
    return RK_OK;
}

/* --- tensors --- */

static rk_status sizes(struct pickle *p, const struct pickled *v, const char *what, int *rank, int64_t *out)
{
    rk_ctx *ctx = p->ctx;
    if (v->kind != PICKLE_TUPLE) return wrong(p, "a tensor", what);
    if (v->n > RK_MAX_RANK) return FAIL(RK_E_LIMIT, "%s: byte %zu of the pickle: a tensor of %u dimensions, more than %d", p->path, p->offset, v->n, RK_MAX_RANK);
    *rank = (int)v->n;
    for (int i = 0; i < *rank; i++) {
        if (v->items[i]->kind != PICKLE_INT || v->items[i]->integer < 0) return wrong(p, "a tensor", what);
        out[i] = v->items[i]->integer;
    }
    return RK_OK;
}

/* What torch notes beside a tensor: nothing, or that its numbers are to be conjugated or negated, which is not done here. */
static bool plain(const struct pickled *metadata) { return metadata->kind == PICKLE_NONE || (metadata->kind == PICKLE_DICT && metadata->n == 0); }

/* (storage, offset, size, stride, requires_grad, hooks[, metadata]), v3: (..., hooks, dtype[, metadata]) */
static rk_status make_tensor(struct pickle *p, const struct pickled *a, bool v3, struct pickled *out)
{
    rk_ctx *ctx = p->ctx;
    struct torch_tensor *t;
    int rank = 0;
    uint32_t least = v3 ? 7 : 6;
    if (a->n < least || a->n > least + 1) return wrong(p, "a tensor", "expected storage, offset, size, stride, requires_grad and hooks");
    const struct pickled *s = a->items[0], *first = a->items[1], *dtype = v3 ? a->items[6] : NULL;
    if (s->kind != PICKLE_THING || s->n != TORCH_STORAGE) return wrong(p, "a tensor", "its first argument is no storage");
    if (first->kind != PICKLE_INT || first->integer < 0) return wrong(p, "a tensor", "its offset is no number from 0 on");
    if (v3 && role_of(dtype) != DTYPE) return wrong(p, "a tensor", "its dtype is none of torch");
    if (a->n > least && !plain(a->items[least])) return FAIL(RK_E_DECLINED, "%s: byte %zu of the pickle: a tensor that is conjugated or negated when it is read", p->path, p->offset);
    TRY(TAKE(&p->arena, t, 1));
    t->storage = s->thing;
    t->first = first->integer;
    t->dtype = v3 ? known[dtype->n].dtype : t->storage->dtype;
    TRY(sizes(p, a->items[2], "its size is no tuple of numbers from 0 on", &t->rank, t->shape));
    TRY(sizes(p, a->items[3], "its stride is no tuple of numbers from 0 on", &rank, t->stride));
    if (rank != t->rank) return wrong(p, "a tensor", "size and stride have different lengths");
    *out = (struct pickled){ .kind = PICKLE_THING, .n = TORCH_TENSOR, .thing = t };
    return RK_OK;
}

static rk_status make_tensor_v2(struct pickle *p, const struct pickled *a, struct pickled *out) { return make_tensor(p, a, false, out); }
static rk_status make_tensor_v3(struct pickle *p, const struct pickled *a, struct pickled *out) { return make_tensor(p, a, true, out); }

static rk_status make_parameter(struct pickle *p, const struct pickled *a, struct pickled *out)
{
    if (a->n < 1 || a->items[0]->kind != PICKLE_THING || a->items[0]->n != TORCH_TENSOR) return wrong(p, "a parameter", "its first argument is no tensor");
    *out = *a->items[0];
    return RK_OK;
}

static rk_status make_size(struct pickle *p, const struct pickled *a, struct pickled *out)
{
    if (a->n != 1 || a->items[0]->kind != PICKLE_TUPLE) return wrong(p, "Size", "expected a tuple");
    *out = *a->items[0];
    return RK_OK;
}

static rk_status make_dict(struct pickle *p, const struct pickled *a, struct pickled *out)
{
    if (a->n != 0) return wrong(p, "OrderedDict", "only an empty one may be made, and filled afterwards");
    *out = (struct pickled){ .kind = PICKLE_DICT };
    return RK_OK;
}

rk_status torch_call(void *user, struct pickle *p, const struct pickled *callee, const struct pickled *arguments, struct pickled *out)
{
    (void)user;
    if (known[callee->n].make == NULL) return wrong(p, known[callee->n].name, "this is nothing that can be called");
    return known[callee->n].make(p, arguments, out);
}
