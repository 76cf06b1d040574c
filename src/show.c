/* show.c: a described model shown as the graph that computes its logits, with what a graph does not say: ties, and the buffers
 * that PyTorch keeps where numbers are computed here.
 *
 * Not here: how a graph is shown (pass/show), the model as PyTorch tells it (model/torch). */
#include "core/graph.h"
#include "model/bind.h"
#include "model/torch.h"
#include "pass/show.h"
#include <string.h>

struct showing { rk_ctx *ctx; rk_model *model; struct built built; struct arena arena; struct show_marks marks; };

/* A role apart: the module it stands in, where every number is a star, and its own name. */
static rk_status set_place(struct showing *s, const char *role, size_t n, struct show_mark *mark)
{
    rk_ctx *ctx = s->ctx;
    struct str module = { 0 };
    size_t last = n;
    rk_status status = RK_OK;
    while (last > 0 && role[last - 1] != '.') last--;
    for (size_t i = 0, part; i + 1 < last; i += part + 1) {
        part = strcspn(role + i, ".");
        bool number = strspn(role + i, "0123456789") == part;
        if (i > 0) GO(str_text(ctx, &module, "."));
        GO(str_add(ctx, &module, number ? "*" : role + i, number ? 1 : part));
    }
    GO(arena_text(ctx, &s->arena, str_c(&module), (size_t)module.n, &mark->module));
    GO(arena_text(ctx, &s->arena, role + last, n - last, &mark->name));
out:
    str_free(ctx, &module);
    return status;
}

/* The first parameter or constant of a pattern; 0: none. */
static rk_ref state_of(const struct built *built, struct word pattern)
{
    struct word number;
    for (int i = 0; i < built_stored(built); i++) {
        const char *name = built->parameters.at[i].name;
        if (bind_matches(pattern, name, strlen(name), false, &number)) return built->parameters.at[i].ref;
    }
    return 0;
}

static rk_status mark_ties(struct showing *s)
{
    rk_ctx *ctx = s->ctx;
    const char *rest = s->model->config.arch->ties != NULL ? s->model->config.arch->ties : "";
    for (struct word w; word_next(&rest, &w);) {
        const char *equals = memchr(w.at, '=', w.n);
        PROMISE(equals != NULL);
        struct word left = { w.at, (size_t)(equals - w.at) }, right = { equals + 1, w.n - left.n - 1 };
        struct show_mark mark = { .tied = state_of(&s->built, right) };
        if (mark.tied == 0 || state_of(&s->built, left) != 0) continue;
        TRY(set_place(s, left.at, left.n, &mark));
        VEC_PUSH(&s->marks, mark);
    }
    return RK_OK;
}

/* Those of all blocks are one mark. */
static rk_status mark_buffers(struct showing *s, const struct torch_tensors *buffers)
{
    rk_ctx *ctx = s->ctx;
    for (int i = 0; i < buffers->at.n; i++) {
        const struct torch_tensor *t = &buffers->at.at[i];
        struct show_mark mark = { .dtype = t->dtype, .rank = t->rank };
        bool twice = false;
        if (t->role == NULL || state_of(&s->built, (struct word){ t->role, strlen(t->role) }) != 0) continue;      /* a table here too */
        memcpy(mark.shape, t->shape, sizeof mark.shape);
        TRY(set_place(s, t->role, strlen(t->role), &mark));
        for (int k = 0; k < s->marks.n && !twice; k++) twice = strcmp(s->marks.at[k].module, mark.module) == 0 && strcmp(s->marks.at[k].name, mark.name) == 0;
        if (!twice) VEC_PUSH(&s->marks, mark);
    }
    return RK_OK;
}

rk_status rk_model_show(rk_model *model, const rk_bill_settings *settings, bool json, const char **text)
{
    static const rk_bill_settings standard = { 0 };
    const rk_bill_settings *b = settings != NULL ? settings : &standard;
    rk_ctx *ctx = model->ctx;
    struct build_options options = { .purpose = FOR_LOGITS, .batch = b->batch, .seq = b->seq, .source = b->source_seq, .dtype = b->dtype, .wide = b->zero_dtype_is_f64 };
    struct showing s = { .ctx = ctx, .model = model };
    struct torch_tensors buffers = { .ctx = ctx };
    rk_bill_phase phases[] = { { "forward", INT32_MAX } };
    struct bill_terms terms = { .n_phases = 1, .phases = phases };
    rk_status status;
    *text = "";
    model->shown.n = 0;
    GO(model_build(ctx, model, &options, &s.built));
    GO(mark_ties(&s));
    if (model->config.arch->torch != NULL) GO(torch_buffers_open(ctx, &model->config, &buffers));
    GO(mark_buffers(&s, &buffers));
    GO((json ? pass_show_json : pass_show)(ctx, s.built.g, &terms, &s.marks, &model->shown));
    *text = str_c(&model->shown);
out:
    torch_tensors_close(&buffers);
    VEC_FREE(&s.marks);
    arena_clear(ctx, &s.arena);
    built_close(&s.built);
    return status;
}
