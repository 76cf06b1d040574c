/* update.c: clipping as nodes, one parameter after another handed to the optimizer, and what optimizers share: see graphs.h,
 * optimizer.h. */
#include "train/optimizer.h"
#include <stdio.h>
#include <string.h>

static const struct optimizer *const optimizers[] = {
#define ROW(name, word, title, reads) [RK_OPTIMIZER_##name] = &optimizer_##name,
#include "reckon/optimizer.def"
#undef ROW
};

enum { USUAL_NODES = 32 };                      /* of a parameter: AdamW has 29 */

struct train_rule train_rule_of(const rk_train_options *o)
{
    return (struct train_rule){
        .beta1 = o->beta1, .beta2 = o->beta2, .eps = o->eps, .weight_decay = o->decay, .clip = o->clip, .optimizer = (rk_optimizer)o->optimizer,
        .momentum = o->momentum, .plain_momentum = o->plain_momentum, .beta2_decay = o->beta2_decay, .eps1 = o->eps1, .eps2 = o->eps2, .threshold = o->threshold,
        .muon_rate = (rk_muon_rate)o->muon_rate,
    };
}

const char *rk_optimizer_word(rk_optimizer optimizer)
{
    static const char *const words[] = {
#define ROW(name, word, title, reads) word,
#include "reckon/optimizer.def"
#undef ROW
    };
    return (unsigned)optimizer < RK_OPTIMIZERS ? words[optimizer] : "";
}

const char *rk_optimizer_title(rk_optimizer optimizer)
{
    static const char *const titles[] = {
#define ROW(name, word, title, reads) title,
#include "reckon/optimizer.def"
#undef ROW
    };
    return (unsigned)optimizer < RK_OPTIMIZERS ? titles[optimizer] : "";
}

/* --- what optimizers share --- */

static void add_name(struct dims *d, const char *name)
{
    if (d->at[0] != '\0') (void)strncat(d->at, " ", sizeof d->at - strlen(d->at) - 1);
    (void)strncat(d->at, name, sizeof d->at - strlen(d->at) - 1);
}

struct dims update_dims(const rk_graph *g, rk_ref r)
{
    struct dims d = { "" };
    const struct node *n = node_of(g, r);
    for (int i = 0; i < n->rank; i++) add_name(&d, dim_name(g, n->dim[i]));
    return d;
}

static bool has_dim(const struct axis *a, rk_dim dim)
{
    for (int i = 0; i < a->n; i++)
        if (a->dim[i] == dim) return true;
    return false;
}

struct dims update_axes(const rk_graph *g, const struct subject *s, unsigned which)
{
    struct dims d = { "" };
    const struct node *n = node_of(g, s->value);
    for (int i = 0; n != NULL && i < n->rank; i++)
        for (int a = 0; a < s->axes; a++)
            if ((which >> a & 1) != 0 && has_dim(&s->axis[a], n->dim[i])) add_name(&d, dim_name(g, n->dim[i]));
    return d;
}

rk_ref update_state(const struct update *u, const struct subject *s, const char *letters, const char *dims)
{
    char full[640];
    (void)snprintf(full, sizeof full, "%s.%s", letters, s->parameter->name);
    return rk_state(u->g, RK_OPTIMIZER, full, s->dtype, dims);
}

rk_ref update_gradient(const struct update *u, const struct subject *s) { return u->scale != 0 ? rk_mul(u->g, s->whole, u->scale) : s->whole; }

rk_ref update_squares(rk_graph *g, rk_ref x)
{
    struct dims d = update_dims(g, x);
    char equation[2 * sizeof d.at + 16];
    (void)snprintf(equation, sizeof equation, "%s, %s -> ", d.at, d.at);
    return rk_einsum(g, equation, x, x);
}

void update_keep(struct update *u)
{
    rk_graph *g = u->g;
    if (u->rule->weight_decay != 0) u->kept = rk_sub(g, rk_const(g, 1), rk_scale(g, u->learning_rate, u->rule->weight_decay));
}

rk_ref update_decayed(const struct update *u, const struct subject *s) { return s->parameter->decays && u->kept != 0 ? rk_mul(u->g, s->value, u->kept) : s->value; }

/* Choosing, not multiplying: what is not finite times 0 is not 0. */
static rk_ref kept_or(const struct update *u, rk_ref old, rk_ref value) { return u->sound != 0 ? rk_map3(u->g, "where", u->sound, value, old) : value; }

void update_put(const struct update *u, rk_ref state, rk_ref value) { rk_update(u->g, state, kept_or(u, state, value)); }

void update_take(const struct update *u, const struct subject *s, rk_ref value)
{
    value = kept_or(u, s->value, value);
    rk_update(u->g, s->value, value);
    if (s->stored != 0 && rk_graph_ok(u->g)) rk_update(u->g, s->stored, rk_cast(u->g, value, node_of(u->g, s->stored)->dtype));
}

rk_ref update_mean(const struct update *u, rk_ref state, rk_ref weight, rk_ref fresh)
{
    rk_ref value = rk_add(u->g, state, rk_mul(u->g, rk_sub(u->g, fresh, state), weight));
    update_put(u, state, value);
    return value;
}

/* The next nodes stand where n does, and for as many. */
static void stand_with(rk_graph *g, const struct node *n)
{
    g->path = n->path;
    g->times = n->times;
    g->alike = n->alike;
}

static void stand_apart(rk_graph *g)
{
    g->path = 0;
    g->times = g->alike = 1;
}

/* --- clipping --- */

/* One that stands for several is added to the others of them. */
static rk_ref first_of(rk_graph *g, rk_ref square)
{
    if (g->times == 1) return square;
    g->times--;
    return rk_add(g, square, square);
}

/* Σ over all parameters, in their order. */
static rk_ref global_norm(rk_graph *g, const rk_ref *gradients, int n)
{
    rk_ref sum = 0;
    for (int i = 0; i < n; i++) {
        int path = g->path;
        if (gradients[i] == 0) continue;
        stand_with(g, node_of(g, gradients[i]));            /* a square is its parameter's own; only their sum is of all */
        rk_ref square = update_squares(g, gradients[i]);
        g->path = path;
        g->times *= g->alike;
        g->alike = 1;
        sum = sum == 0 ? first_of(g, square) : rk_add(g, sum, square);
        g->times = 1;
    }
    return sum == 0 ? rk_const(g, 0) : rk_map(g, "sqrt", sum);
}

static void scalars(struct update *u, rk_ref norm)
{
    rk_graph *g = u->g;
    u->learning_rate = rk_input(g, "learning_rate", RK_f32, "");
    optimizers[u->rule->optimizer]->begin(u);
    if (u->rule->clip > 0)
        u->scale = rk_map2(g, "min", rk_const(g, 1), rk_map2(g, "div", rk_const(g, u->rule->clip), rk_add(g, norm, rk_const(g, 1e-6))));
}

/* What the gradients are too large by goes into the one factor that they are multiplied by anyway. One number says whether all
 * are finite: their norm. */
static rk_ref unscale(struct update *u, rk_ref norm)
{
    rk_graph *g = u->g;
    if (!u->rule->scaled) return norm;
    u->sound = rk_map(g, "finite", norm);
    return rk_mul(g, norm, rk_input(g, "inverse_loss_scale", RK_f32, ""));
}

static void unscale_gradients(struct update *u)
{
    rk_ref inverse = graph_find_source(u->g, &op_input, RK_INPUT, "inverse_loss_scale");
    if (u->rule->scaled) u->scale = u->scale != 0 ? rk_mul(u->g, u->scale, inverse) : inverse;
}

/* --- parameters --- */

static struct subject subject(const struct update *u, const struct parameter *parameter, const rk_graph *loss)
{
    const struct node *n = node_of(loss, parameter->ref);
    struct subject s = { .parameter = parameter, .dtype = n->dtype, .elements = parameter_elements(loss, parameter), .dims = update_dims(loss, parameter->ref) };
    s.axes = parameter->axes > 0 ? parameter->axes : n->rank;
    for (int i = 0; i < s.axes; i++) s.axis[i].size = 1;
    for (int i = 0; i < n->rank; i++) {
        struct axis *a = &s.axis[parameter->axes > 0 ? parameter->axis[i] : i];
        a->dim[a->n++] = n->dim[i];                         /* graph_like keeps the ids */
        a->size *= dim_size(loss, n->dim[i]);
    }
    s.value = rk_state(u->g, RK_PARAMETER, parameter->name, n->dtype, s.dims.at);
    if (!u->rule->master) return s;
    s.stored = s.value;
    s.dtype = RK_f32;
    s.value = rk_state(u->g, RK_MASTER, parameter->name, RK_f32, s.dims.at);
    return s;
}

static void one(const struct update *u, const struct parameter *parameter, const rk_graph *loss, rk_ref gradient)
{
    rk_graph *g = u->g;
    stand_with(g, node_of(loss, parameter->ref));
    struct subject s = subject(u, parameter, loss);
    s.whole = gradient;
    if (rk_graph_ok(g)) optimizers[u->rule->optimizer]->step(u, &s);
    stand_apart(g);
}

/* One that is priced with another, whose nodes are those from `from` to `end`, has states of its own. */
static void one_like(const struct update *u, const struct parameter *parameter, const struct parameter *other, const rk_graph *loss, rk_ref from, rk_ref end)
{
    rk_graph *g = u->g;
    char full[640];
    stand_with(g, node_of(loss, parameter->ref));
    for (rk_ref r = from; r < end; r++) {
        struct node state = *node_of(g, r);
        if (state.op != &op_state) continue;
        g->nodes.at[r].alike = 1;
        if (state.at.i[0] == RK_PARAMETER) continue;
        (void)snprintf(full, sizeof full, "%.*s%s", (int)(strlen(state.text) - strlen(other->name)), state.text, parameter->name);
        state.text = full;
        (void)graph_add(g, state);
    }
    stand_apart(g);
}

static void build(struct update *u, const rk_graph *loss, const struct parameter *parameters, int n, rk_ref *gradients, rk_ref *begins)
{
    rk_graph *g = u->g;
    for (int i = 0; i < n; i++) {
        struct dims d = update_dims(loss, parameters[i].ref);
        if (parameters[i].like != 0) continue;
        stand_with(g, node_of(loss, parameters[i].ref));
        gradients[i] = rk_state(g, RK_GRADIENT, parameters[i].name, graph_gradient_dtype(loss, parameters[i].ref), d.at);
    }
    stand_apart(g);
    rk_enter(g, "clip");
    rk_ref norm = unscale(u, global_norm(g, gradients, n));
    rk_output(g, "gradient_norm", norm);
    scalars(u, norm);
    unscale_gradients(u);
    rk_leave(g);
    for (int i = 0; i < n; i++) {
        const int like = parameters[i].like - 1;
        begins[i] = g->nodes.n;
        if (like >= 0) one_like(u, &parameters[i], &parameters[like], loss, begins[like], begins[like + 1]);
        else one(u, &parameters[i], loss, gradients[i]);
    }
}

rk_status train_update(rk_ctx *ctx, const rk_graph *loss, const struct parameter *parameters, int n, const struct train_rule *rule, rk_graph **out)
{
    struct update u = { .rule = rule };
    rk_ref *gradients = NULL, *begins = NULL;
    rk_status status;
    *out = NULL;
    if ((unsigned)rule->optimizer >= RK_OPTIMIZERS) return FAIL(RK_E_ARG, "%d is no optimizer", (int)rule->optimizer);
    GO(graph_like(ctx, loss, &u.g));
    GO(VEC_ROOM(&u.g->nodes, n * USUAL_NODES));
    GO(NEW(gradients, n));
    GO(NEW(begins, n));
    build(&u, loss, parameters, n, gradients, begins);
    GO(rk_graph_seal(u.g));
    *out = u.g;
    u.g = NULL;
out:
    FREE(gradients, n);
    FREE(begins, n);
    rk_graph_close(u.g);
    return status;
}

/* --- steps --- */

rk_status train_feed(rk_ctx *ctx, struct run *update, const struct train_rule *rule, double rate, double t)
{
    TRY(run_input(ctx, update, "learning_rate", &rate, RK_f64));
    for (const struct step_scalar *s = optimizers[rule->optimizer]->scalars; s->name != NULL; s++) {
        double value = s->value(rule, rate, t);
        TRY(run_input(ctx, update, s->name, &value, RK_f64));
    }
    return RK_OK;
}
