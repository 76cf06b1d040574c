/* Every mistake in building says what disagrees: the equation, and both dimensions with their sizes; the first one is kept,
 * everything after it is 0, and sealing reports it once. */
#include "core/graph.h"
#include "test.h"

static rk_graph *fresh(rk_ctx *ctx)
{
    rk_graph *g;
    if (rk_graph_open(ctx, &g) != RK_OK) return NULL;
    (void)rk_dim_new(g, "batch", 'B', 2);
    (void)rk_dim_new(g, "seq", 'T', 3);
    (void)rk_dim_new(g, "key", 'S', 3);
    (void)rk_dim_new(g, "hidden", 'D', 6);
    (void)rk_dim_new(g, "ff", 'F', 8);
    (void)rk_dim_new(g, "two", 0, 2);
    (void)rk_dim_new(g, "short", 0, 1);
    return g;
}

static rk_ref x(rk_graph *g) { return rk_input(g, "x", RK_f32, "batch seq hidden"); }
static rk_ref w(rk_graph *g) { return rk_state(g, RK_PARAMETER, "w", RK_f32, "ff hidden"); }
static rk_ref ids(rk_graph *g) { return rk_input(g, "ids", RK_i32, "batch seq"); }

static void einsum_swapped(rk_graph *g)       { (void)rk_einsum(g, "b t d, d f -> b t f", x(g), w(g)); }
static void einsum_rank(rk_graph *g)          { (void)rk_einsum(g, "b d, f d -> b f", x(g), w(g)); }
static void einsum_alone(rk_graph *g)         { (void)rk_einsum(g, "b t d, f d -> b f", x(g), w(g)); }
static void einsum_twice(rk_graph *g)         { (void)rk_einsum(g, "b b d, f d -> b f", x(g), w(g)); }
static void einsum_unknown(rk_graph *g)       { (void)rk_einsum(g, "b t d, f d -> b t z", x(g), w(g)); }
static void einsum_text(rk_graph *g)          { (void)rk_einsum(g, "b t d; f d -> b t f", x(g), w(g)); }
static void einsum_no_arrow(rk_graph *g)      { (void)rk_einsum(g, "b t d, f d", x(g), w(g)); }
static void einsum_one_dim_two_names(rk_graph *g) { (void)rk_einsum(g, "b t d, s e -> b t d s e", x(g), rk_input(g, "y", RK_f32, "seq ff")); }
static void einsum_dtypes(rk_graph *g)        { (void)rk_einsum(g, "b t d, f d -> b t f", x(g), rk_cast(g, w(g), RK_bf16)); }
static void map_dtypes(rk_graph *g)           { (void)rk_add(g, x(g), rk_cast(g, w(g), RK_f16)); }
static void map_unknown(rk_graph *g)          { (void)rk_map(g, "gelu", x(g)); }
static void map_arity(rk_graph *g)            { (void)rk_map2(g, "tanh", x(g), w(g)); }
static void reduce_dim(rk_graph *g)           { (void)rk_reduce(g, "sum", x(g), "ff"); }
static void reduce_word(rk_graph *g)          { (void)rk_reduce(g, "mean", x(g), "seq"); }
static void gather_dim(rk_graph *g)           { (void)rk_gather(g, x(g), "ff", ids(g)); }
static void gather_float(rk_graph *g)         { (void)rk_gather(g, w(g), "ff", x(g)); }
static void gather_self(rk_graph *g)          { (void)rk_gather(g, x(g), "seq", ids(g)); }
static void scatter_like(rk_graph *g)         { (void)rk_scatter(g, x(g), "ff", ids(g), "hidden"); }
static void scatter_lost(rk_graph *g)         { (void)rk_scatter(g, x(g), "ff", ids(g), "ff"); }
static void scatter_float(rk_graph *g)        { (void)rk_scatter(g, x(g), "ff", w(g), "ff hidden"); }
static void rename_size(rk_graph *g)          { (void)rk_rename(g, x(g), "seq", "ff"); }
static void rename_there(rk_graph *g)         { (void)rk_rename(g, x(g), "seq", "hidden"); }
static void rename_missing(rk_graph *g)       { (void)rk_rename(g, x(g), "ff", "key"); }
static void split_size(rk_graph *g)           { (void)rk_split(g, x(g), "hidden", "two two"); }
static void split_other_size(rk_graph *g)     { (void)rk_split(g, x(g), "hidden", "two ff"); }
static void split_there(rk_graph *g)          { (void)rk_split(g, x(g), "hidden", "batch key"); }
static void merge_apart(rk_graph *g)          { (void)rk_merge(g, x(g), "batch hidden", "ff"); }
static void merge_size(rk_graph *g)           { (void)rk_merge(g, x(g), "batch seq", "ff"); }
static void slice_beyond(rk_graph *g)         { (void)rk_slice(g, x(g), "hidden", 4, "key"); }
static void slice_negative(rk_graph *g)       { (void)rk_slice(g, x(g), "hidden", -1, "key"); }
static void slice_there(rk_graph *g)          { (void)rk_slice(g, x(g), "hidden", 0, "seq"); }
static void select_beyond(rk_graph *g)        { (void)rk_select(g, x(g), "seq", 3); }
static void select_missing(rk_graph *g)       { (void)rk_select(g, x(g), "ff", 0); }
static void order_missing(rk_graph *g)        { (void)rk_order(g, x(g), "seq batch"); }
static void order_extra(rk_graph *g)          { (void)rk_order(g, x(g), "seq batch hidden ff"); }
static void order_twice(rk_graph *g)          { (void)rk_order(g, x(g), "seq seq hidden batch"); }
static void widen_scalar(rk_graph *g)         { (void)rk_widen(g, w(g), rk_input(g, "scale", RK_f32, ""), RK_f32); }
static void widen_blocks(rk_graph *g)         { (void)rk_widen(g, rk_input(g, "q", RK_i8, "hidden ff"), rk_input(g, "scale", RK_f32, "hidden seq"), RK_f32); }
static void widen_panels_rank(rk_graph *g)    { (void)rk_widen_panels(g, w(g), 0, RK_f32, "ff hidden"); }
static void widen_panels_dims(rk_graph *g)    { (void)rk_widen_panels(g, rk_input(g, "panels", RK_f32, "batch seq key hidden ff"), 0, RK_f32, "hidden"); }
static void spread_missing(rk_graph *g)       { (void)rk_spread(g, x(g), "batch seq"); }
static void join_count(rk_graph *g)           { const rk_ref p[] = { x(g) }; (void)rk_join(g, "two", p, 1, "two batch seq hidden"); }
static void join_rank(rk_graph *g)            { const rk_ref p[] = { w(g), x(g) }; (void)rk_join(g, "two", p, 2, "two ff hidden"); }
static void join_none(rk_graph *g)            { (void)rk_join(g, "two", NULL, 0, "two batch"); }
static void place_beyond(rk_graph *g)         { (void)rk_place(g, w(g), NULL, "seq", 3, "ff hidden seq"); }
static void place_dims(rk_graph *g)           { (void)rk_place(g, w(g), NULL, "seq", 0, "ff key seq"); }
static void update_input(rk_graph *g)         { rk_ref a = x(g); rk_update(g, a, a); }
static void update_shape(rk_graph *g)         { rk_update(g, w(g), x(g)); }
static void update_dtype(rk_graph *g)         { rk_ref a = w(g); rk_update(g, a, rk_cast(g, a, RK_f64)); }
static void append_input(rk_graph *g)         { rk_ref a = x(g); (void)rk_append(g, a, a, "seq", "seq"); }
static void unknown_dim(rk_graph *g)          { (void)rk_input(g, "y", RK_f32, "batch tokens"); }
static void dim_twice(rk_graph *g)            { (void)rk_dim_new(g, "seq", 'T', 4); }
static void dim_name_bad(rk_graph *g)         { (void)rk_dim_new(g, "a b", 'A', 4); }
static void dim_negative(rk_graph *g)         { (void)rk_dim_new(g, "n", 'N', -4); }
static void dim_huge(rk_graph *g)             { (void)rk_dim_new(g, "n", 'N', (int64_t)1 << 48); }
static void dim_endless_name(rk_graph *g)
{
    char name[2000];
    memset(name, 'a', sizeof name);
    name[sizeof name - 1] = '\0';
    (void)rk_dim_new(g, name, 'N', 4);
}
static void too_many_elements(rk_graph *g)
{
    (void)rk_dim_new(g, "m", 'M', (int64_t)1 << 30);
    (void)rk_dim_new(g, "n", 'N', (int64_t)1 << 30);
    (void)rk_input(g, "y", RK_f32, "m n");
}
static void nothing_times_too_many(rk_graph *g)
{
    (void)rk_dim_new(g, "none", 'Z', 0);
    (void)rk_dim_new(g, "m", 'M', (int64_t)1 << 47);
    (void)rk_dim_new(g, "n", 'N', (int64_t)1 << 47);
    (void)rk_input(g, "y", RK_f32, "none m n");
}
static void too_many_dims(rk_graph *g)
{
    char text[64] = "";
    for (int i = 0; i < 9; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "n%d", i);
        (void)rk_dim_new(g, name, 0, 1);
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "n%d ", i);
    }
    (void)rk_input(g, "y", RK_f32, text);
}
static void too_deep_a_path(rk_graph *g) { for (int i = 0; i < 1000; i++) rk_enter(g, "module"); }
static void input_twice(rk_graph *g)          { (void)x(g), (void)x(g); }
static void input_dtype(rk_graph *g)          { (void)rk_input(g, "y", (rk_dtype)77, "batch"); }
static void state_kind(rk_graph *g)           { (void)rk_state(g, (rk_kind)77, "y", RK_f32, "batch"); }
static void output_twice(rk_graph *g)         { rk_ref a = x(g); rk_output(g, "y", a), rk_output(g, "y", a); }
static void output_nothing(rk_graph *g)       { rk_output(g, "y", 0); }
static void stranger(rk_graph *g)             { (void)rk_map(g, "tanh", 1234); }
static void relate_sizes(rk_graph *g)         { rk_dim_relate(g, "ff", 4, "hidden"); }
static void rand_keep(rk_graph *g)            { (void)rk_rand(g, "site", 0, "batch"); }
static void rand_long_site(rk_graph *g)
{
    char site[3000];
    memset(site, 's', sizeof site);
    site[sizeof site - 1] = '\0';
    (void)rk_rand(g, site, 0.5, "batch");
}
static void cast_dtype(rk_graph *g)           { (void)rk_cast(g, x(g), (rk_dtype)-3); }
static void softmax_dim(rk_graph *g)          { (void)rk_softmax(g, x(g), "ff"); }
static void norm_weight(rk_graph *g)          { (void)rk_layer_norm(g, x(g), "hidden", rk_input(g, "g", RK_f32, "ff"), 0, 1e-5); }
static void norm_live(rk_graph *g)            { (void)rk_dim_live(g, "past", 'C', 12), (void)rk_layer_norm(g, rk_input(g, "y", RK_f32, "batch past"), "past", 0, 0, 1e-5); }
static void norm_live_rms(rk_graph *g)        { (void)rk_dim_live(g, "past", 'C', 12), (void)rk_rms_norm(g, rk_input(g, "y", RK_f32, "batch past"), "past", 0, 1e-5); }
static void norm_eps(rk_graph *g)             { (void)rk_rms_norm(g, x(g), "hidden", 0, -1); }
static void rope_odd(rk_graph *g)             { (void)rk_rope(g, x(g), "seq", NULL, "hidden", RK_ROPE_HALVES, 3, 10000); }
static void rope_much(rk_graph *g)            { (void)rk_rope(g, x(g), "seq", NULL, "hidden", RK_ROPE_HALVES, 8, 10000); }
static void rope_theta(rk_graph *g)           { (void)rk_rope(g, x(g), "seq", NULL, "hidden", RK_ROPE_HALVES, 4, 0); }
static void attend_key(rk_graph *g)           { rk_ref a = x(g); const rk_attend_options o = { .scale = 1 }; (void)rk_attend(g, a, a, a, "seq", "key", "hidden", &o); }
static void attend_keep(rk_graph *g)
{
    rk_ref q = x(g), k = rk_rename(g, q, "seq", "key");
    const rk_attend_options o = { .scale = 1, .keep = 2 };
    (void)rk_attend(g, q, k, k, "seq", "key", "hidden", &o);
}
static void attend_with_lengths(rk_graph *g, rk_dtype dtype, const char *dims)
{
    rk_ref q = x(g), k = rk_rename(g, q, "seq", "key");
    const rk_attend_options o = { .scale = 1, .lengths = rk_input(g, "lengths", dtype, dims) };
    (void)rk_attend(g, q, k, k, "seq", "key", "hidden", &o);
}
static void attend_lengths_dtype(rk_graph *g) { attend_with_lengths(g, RK_i64, "batch"); }
static void attend_lengths_dims(rk_graph *g)  { attend_with_lengths(g, RK_i32, "batch seq"); }
static void deviation_of_one(rk_graph *g)     { (void)rk_deviation_norm(g, rk_slice(g, x(g), "seq", 0, "short"), "short", 0, 0, 1e-6); }
static void attend_causal_short(rk_graph *g)
{
    rk_ref q = x(g), k = rk_slice(g, q, "seq", 0, "short");
    const rk_attend_options o = { .scale = 1, .causal = true };
    (void)rk_attend(g, q, k, k, "seq", "short", "hidden", &o);
}
static void head_labels(rk_graph *g)          { (void)rk_xent_head(g, x(g), w(g), 0, x(g), "hidden", "ff"); }
static void head_labels_float(rk_graph *g)    { (void)rk_xent_head(g, x(g), w(g), 0, rk_input(g, "l", RK_f32, "batch seq"), "hidden", "ff"); }
static void head_weight(rk_graph *g)          { (void)rk_xent_head(g, x(g), rk_input(g, "v", RK_f32, "ff seq"), 0, ids(g), "hidden", "ff"); }
static void head_bias(rk_graph *g)            { (void)rk_xent_head(g, x(g), w(g), rk_input(g, "v", RK_f32, "hidden"), ids(g), "hidden", "ff"); }
static void grad_of_vector(rk_graph *g)       { rk_ref a = x(g), d; rk_grad(g, a, 0, &a, 1, &d); }
static void grad_second(rk_graph *g)
{
    rk_ref a = rk_input(g, "a", RK_f32, ""), d, e;
    rk_grad(g, rk_map(g, "tanh", a), 0, &a, 1, &d);
    rk_grad(g, d, 0, &a, 1, &e);
}

static const struct { const char *name; void (*make)(rk_graph *g); rk_status status; const char *words[5]; } mistakes[] = {
#define ROW(make, status, ...) { #make, make, status, { __VA_ARGS__ } }
    ROW(einsum_swapped, RK_E_SHAPE, "einsum \"b t d, d f -> b t f\"", "hidden (6)", "ff (8)", "operand 1"),
    ROW(einsum_rank, RK_E_SHAPE, "einsum \"b d, f d -> b f\"", "operand 1 has 3 dimensions", "says 2"),
    ROW(einsum_alone, RK_E_SHAPE, "\"b t d, f d -> b f\"", "t is in one operand only"),
    ROW(einsum_twice, RK_E_SHAPE, "\"b b d, f d -> b f\"", "b stands twice"),
    ROW(einsum_unknown, RK_E_SHAPE, "\"b t d, f d -> b t z\"", "z is in the result but in no operand"),
    ROW(einsum_text, RK_E_ARG, "unexpected ';' at character 6"),
    ROW(einsum_no_arrow, RK_E_ARG, "expected \"names, names -> names\""),
    ROW(einsum_one_dim_two_names, RK_E_SHAPE, "both the dimension seq"),
    ROW(einsum_dtypes, RK_E_DTYPE, "\"b t d, f d -> b t f\"", "f32", "bf16"),
    ROW(map_dtypes, RK_E_DTYPE, "add", "f32", "f16"),
    ROW(map_unknown, RK_E_UNKNOWN, "\"gelu\""),
    ROW(map_arity, RK_E_UNKNOWN, "\"tanh\" of 2 operands"),
    ROW(reduce_dim, RK_E_SHAPE, "reduce", "no dimension ff"),
    ROW(reduce_word, RK_E_UNKNOWN, "mean", "sum or max"),
    ROW(gather_dim, RK_E_SHAPE, "gather", "no dimension ff"),
    ROW(gather_float, RK_E_DTYPE, "gather", "f32", "integers"),
    ROW(gather_self, RK_E_SHAPE, "gather", "seq"),
    ROW(scatter_like, RK_E_SHAPE, "scatter", "\"hidden\"", "no dimension ff"),
    ROW(scatter_lost, RK_E_SHAPE, "scatter", "hidden"),
    ROW(scatter_float, RK_E_DTYPE, "scatter", "f32", "integers"),
    ROW(rename_size, RK_E_SHAPE, "rename", "seq is 3", "ff is 8"),
    ROW(rename_there, RK_E_SHAPE, "rename", "hidden already"),
    ROW(rename_missing, RK_E_SHAPE, "rename", "no dimension ff"),
    ROW(split_size, RK_E_SHAPE, "split", "two"),
    ROW(split_other_size, RK_E_SHAPE, "split", "hidden is 6", "\"two ff\" makes 16"),
    ROW(split_there, RK_E_SHAPE, "split", "batch already"),
    ROW(merge_apart, RK_E_SHAPE, "merge", "\"batch hidden\"", "neighbours"),
    ROW(merge_size, RK_E_SHAPE, "merge", "\"batch seq\" makes 6", "ff is 8"),
    ROW(slice_beyond, RK_E_SHAPE, "slice", "4 + key (3)", "hidden (6)"),
    ROW(slice_negative, RK_E_SHAPE, "slice", "-1", "hidden (6)"),
    ROW(slice_there, RK_E_SHAPE, "slice", "seq already"),
    ROW(select_beyond, RK_E_SHAPE, "select", "3", "seq (3)"),
    ROW(select_missing, RK_E_SHAPE, "select", "no dimension ff"),
    ROW(order_missing, RK_E_SHAPE, "order \"seq batch\"", "hidden is missing"),
    ROW(order_extra, RK_E_SHAPE, "order \"seq batch hidden ff\"", "3 dimensions"),
    ROW(order_twice, RK_E_SHAPE, "seq stands twice"),
    ROW(widen_scalar, RK_E_SHAPE, "widen", "2 dimensions", "scales of 0"),
    ROW(widen_blocks, RK_E_SHAPE, "split"),
    ROW(widen_panels_rank, RK_E_SHAPE, "widen_panels \"ff hidden\"", "panels of 2 dimensions"),
    ROW(widen_panels_dims, RK_E_SHAPE, "widen_panels \"hidden\"", "a matrix of 2 at least"),
    ROW(spread_missing, RK_E_SHAPE, "spread \"batch seq\"", "hidden is missing"),
    ROW(join_count, RK_E_SHAPE, "join", "1 parts", "two (2)"),
    ROW(join_rank, RK_E_SHAPE, "join", "part 2 has 3 dimensions"),
    ROW(join_none, RK_E_ARG, "join", "0 parts"),
    ROW(place_beyond, RK_E_SHAPE, "place", "seq (3)"),
    ROW(place_dims, RK_E_SHAPE, "place", "hidden"),
    ROW(update_input, RK_E_ARG, "update", "no state"),
    ROW(update_shape, RK_E_SHAPE, "update of w", "[ff hidden]", "[batch seq hidden]"),
    ROW(update_dtype, RK_E_DTYPE, "update of w", "f32", "f64"),
    ROW(append_input, RK_E_ARG, "append", "no state"),
    ROW(unknown_dim, RK_E_UNKNOWN, "\"batch tokens\"", "no dimension is named \"tokens\""),
    ROW(dim_twice, RK_E_ARG, "seq is declared twice"),
    ROW(dim_name_bad, RK_E_ARG, "\"a b\" cannot name a dimension"),
    ROW(dim_negative, RK_E_LIMIT, "n has size -4"),
    ROW(dim_huge, RK_E_LIMIT, "n has size 281474976710656"),
    ROW(dim_endless_name, RK_E_LIMIT, "name of a dimension"),
    ROW(too_many_elements, RK_E_LIMIT, "input", "2^48 elements"),
    ROW(nothing_times_too_many, RK_E_LIMIT, "input", "2^48 elements"),
    ROW(too_many_dims, RK_E_LIMIT, "more than 8 dimensions"),
    ROW(too_deep_a_path, RK_E_LIMIT, "module path"),
    ROW(input_twice, RK_E_ARG, "inputs x is declared twice"),
    ROW(input_dtype, RK_E_DTYPE, "input y", "no such dtype"),
    ROW(state_kind, RK_E_ARG, "state y", "no such kind"),
    ROW(output_twice, RK_E_ARG, "output y is named twice"),
    ROW(output_nothing, RK_E_ARG, "output y is no value"),
    ROW(stranger, RK_E_ARG, "map: operand 1 is no value of this graph"),
    ROW(relate_sizes, RK_E_SHAPE, "ff is 8", "4 times hidden = 24"),
    ROW(rand_keep, RK_E_ARG, "keep is 0"),
    ROW(rand_long_site, RK_E_LIMIT, "rand", "site"),
    ROW(cast_dtype, RK_E_DTYPE, "cast: no such dtype"),
    ROW(softmax_dim, RK_E_SHAPE, "softmax", "no dimension ff"),
    ROW(norm_weight, RK_E_SHAPE, "norm: operand 2", "hidden"),
    ROW(norm_live, RK_E_SHAPE, "past is live", "12"),
    ROW(norm_live_rms, RK_E_SHAPE, "norm: past is live", "12"),
    ROW(norm_eps, RK_E_ARG, "eps is -1"),
    ROW(rope_odd, RK_E_SHAPE, "rope: 3 rotary", "hidden (6)", "even"),
    ROW(rope_much, RK_E_SHAPE, "rope: 8 rotary", "hidden (6)"),
    ROW(rope_theta, RK_E_ARG, "theta is 0"),
    ROW(attend_key, RK_E_SHAPE, "attend: k lacks the dimension key"),
    ROW(attend_keep, RK_E_ARG, "attend: keep is 2"),
    ROW(attend_lengths_dtype, RK_E_DTYPE, "attend: lengths are i64"),
    ROW(attend_lengths_dims, RK_E_SHAPE, "attend: lengths differ along seq"),
    ROW(deviation_of_one, RK_E_SHAPE, "norm: one number along short"),
    ROW(attend_causal_short, RK_E_SHAPE, "1 keys for 3 queries"),
    ROW(head_labels, RK_E_ARG, "declared twice"),
    ROW(head_labels_float, RK_E_DTYPE, "xent_head: labels are f32"),
    ROW(head_weight, RK_E_SHAPE, "xent_head: w is not [ff hidden]"),
    ROW(head_bias, RK_E_SHAPE, "xent_head: the bias is not [ff]"),
    ROW(grad_of_vector, RK_E_ARG, "without dimensions"),
    ROW(grad_second, RK_E_DECLINED, "d_tanh has no gradient"),
#undef ROW
};

TEST(mistakes_say_what_disagrees)
{
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        rk_ctx *ctx;
        if (rk_ctx_open(NULL, &ctx) != RK_OK) test_end();
        rk_graph *g = fresh(ctx);
        mistakes[i].make(g);
        bool broken = !rk_graph_ok(g);
        rk_status status = rk_graph_seal(g);
        if (!broken || status != mistakes[i].status)
            test_fail(__FILE__, __LINE__, "%s ended with %s, expected %s: %s", mistakes[i].name, rk_status_name(status), rk_status_name(mistakes[i].status), rk_error_message(ctx));
        for (int k = 0; k < 5 && mistakes[i].words[k] != NULL; k++)
            if (strstr(rk_error_message(ctx), mistakes[i].words[k]) == NULL)
                test_fail(__FILE__, __LINE__, "%s: the message \"%s\" does not say \"%s\"", mistakes[i].name, rk_error_message(ctx), mistakes[i].words[k]);
        rk_graph_close(g);
        if (rk_ctx_bytes(ctx) != 0) test_fail(__FILE__, __LINE__, "%s: %zu bytes were not given back", mistakes[i].name, rk_ctx_bytes(ctx));
        rk_ctx_close(ctx);
    }
}

TEST(after_a_mistake_builders_return_nothing)
{
    rk_ctx *ctx = test_ctx();
    rk_graph *g = fresh(ctx);
    rk_ref a = x(g), b = w(g), d;
    EXPECT(rk_einsum(g, "b t d, d f -> b t f", a, b) == 0);
    int nodes = g->nodes.n, dims = g->dims.n;
    const rk_ref parts[] = { a, a };
    EXPECT(rk_input(g, "y", RK_f32, "batch") == 0 && rk_state(g, RK_GRADIENT, "w", RK_f32, "ff") == 0 && rk_const(g, 1) == 0);
    EXPECT(rk_iota(g, "seq", NULL) == 0 && rk_rand(g, "s", 0.5, "seq") == 0 && rk_add(g, a, a) == 0 && rk_map(g, "tanh", a) == 0);
    EXPECT(rk_map3(g, "where", a, a, a) == 0 && rk_cast(g, a, RK_f16) == 0 && rk_detach(g, a) == 0 && rk_reduce(g, "sum", a, "seq") == 0);
    EXPECT(rk_gather(g, a, "seq", a) == 0 && rk_scatter(g, a, "seq", a, "seq") == 0 && rk_rename(g, a, "seq", "key") == 0);
    EXPECT(rk_split(g, a, "hidden", "two key") == 0 && rk_merge(g, a, "batch seq", "hidden") == 0 && rk_slice(g, a, "seq", 0, "two") == 0);
    EXPECT(rk_select(g, a, "seq", 0) == 0 && rk_order(g, a, "seq") == 0 && rk_spread(g, a, "seq") == 0 && rk_copy(g, a) == 0);
    EXPECT(rk_join(g, "two", parts, 2, "two") == 0 && rk_place(g, a, NULL, "ff", 0, "ff") == 0 && rk_softmax(g, a, "seq") == 0);
    EXPECT(rk_layer_norm(g, a, "seq", 0, 0, 0) == 0 && rk_rms_norm(g, a, "seq", 0, 0) == 0 && rk_deviation_norm(g, a, "seq", 0, 0, 0) == 0);
    EXPECT(rk_rope(g, a, "seq", NULL, "hidden", RK_ROPE_HALVES, 2, 10) == 0 && rk_xent_head(g, a, b, 0, a, "hidden", "ff") == 0);
    EXPECT(rk_attend(g, a, a, a, "seq", "key", "hidden", &(rk_attend_options){ .scale = 1 }) == 0 && rk_append(g, b, b, "ff", "seq") == 0);
    EXPECT(rk_dim_new(g, "more", 'M', 1) == 0 && rk_dim_live(g, "even", 'E', 1) == 0);
    rk_update(g, b, b), rk_output(g, "y", a), rk_enter(g, "h"), rk_leave(g), rk_dim_relate(g, "two", 1, "two");
    rk_grad(g, a, 0, &a, 1, &d);
    EXPECT(d == 0 && g->nodes.n == nodes && g->dims.n == dims);
    FAILS(ctx, rk_graph_seal(g), RK_E_SHAPE, "hidden (6)");
    FAILS(ctx, rk_graph_seal(g), RK_E_SHAPE, "hidden (6)");
    rk_graph_close(g);
}

TEST(hints_come_with_the_mistake)
{
    rk_ctx *ctx = test_ctx();
    rk_graph *g = fresh(ctx);
    einsum_alone(g);
    FAILS(ctx, rk_graph_seal(g), RK_E_SHAPE, "one operand only");
    EXPECT(strstr(rk_error_hint(ctx), "rk_reduce") != NULL);
    rk_graph_close(g);
}

TEST(a_sealed_graph_takes_nothing_more)
{
    rk_ctx *ctx = test_ctx();
    rk_graph *g = fresh(ctx);
    rk_ref a = x(g);
    OK(ctx, rk_graph_seal(g));
    EXPECT(rk_map(g, "tanh", a) == 0 && rk_dim_new(g, "more", 'M', 1) == 0);
    OK(ctx, rk_graph_seal(g));
    rk_graph_close(g);
}
