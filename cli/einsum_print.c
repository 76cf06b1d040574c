/* einsum_print.c: an expression's shapes, steps, costs and least times, as tables and as JSON. */
#include "einsum.h"
#include "out.h"

static double seconds(double work, double rate) { return rate > 0 ? work / rate : 0; }

static void print_shape(char *to, size_t room, int rank, const int64_t *of)
{
    size_t used = 0;
    to[0] = '\0';
    for (int i = 0; i < rank && used < room; i++) used += (size_t)snprintf(to + used, room - used, "%s%lld", i > 0 ? " × " : "", (long long)of[i]);
    if (rank == 0) (void)snprintf(to, room, "1");
}

static void print_values(struct cli *c, const rk_expression *e)
{
    struct table *t = table_new(c, "|names|shape|elements|bytes||strides", "lllrrll");
    int n = rk_expression_values(e);
    for (int i = 0; i < n; i++) {
        rk_expression_value v = rk_expression_value_at(e, i);
        char shape[RK_MAX_RANK * 24], strides[RK_MAX_RANK * 24];
        print_shape(shape, sizeof shape, v.rank, v.shape);
        print_shape(strides, sizeof strides, v.rank, v.stride);
        if (n == 1) table_cell(t, "tensor");
        else if (i + 1 == n) table_cell(t, "result");
        else if (n == 2) table_cell(t, "operand");
        else table_cell(t, "operand %d", i + 1);
        table_cell(t, "%s", v.names);
        table_cell(t, "%s", shape);
        table_cell(t, "%s", say_count(v.elements).at);
        table_cell(t, "%s", say_count(v.view ? 0 : v.bytes).at);
        table_cell(t, "%s", v.view ? "a view: owns nothing" : say_bytes(v.bytes).at);
        table_cell(t, "%s", v.rank > 0 ? strides : "");
    }
    table_print(t);
}

static void print_steps(struct cli *c, const rk_expression *e)
{
    if (rk_expression_steps(e) == 0) return;
    struct table *t = table_new(c, NULL, "lll");
    (void)fputc('\n', c->out);
    for (int i = 0; i < rk_expression_steps(e); i++) {
        rk_expression_step s = rk_expression_step_at(e, i);
        table_cell(t, "%s", s.op);
        table_cell(t, "%s", s.result);
        if (s.view) table_cell(t, "a view");
        else table_cell(t, "writes %s bytes", say_count(s.bytes).at);
    }
    table_print(t);
}

static void line(struct table *t, const char *words, struct say number, struct say short_form, const char *text)
{
    table_cell(t, "%s", words);
    table_cell(t, "%s", number.at);
    table_cell(t, "%s", short_form.at);
    table_cell(t, "%s", text);
}

static void print_time(struct cli *c, const struct rates *r, double flops, double bytes)
{
    static const struct say none = { "" };
    if (r->peak <= 0 && r->bandwidth <= 0) return;
    double work = seconds(flops, r->peak), traffic = seconds(bytes, r->bandwidth);
    struct table *t = table_new(c, NULL, "lrrw");
    (void)fputc('\n', c->out);
    if (r->peak > 0) line(t, "products take", say_seconds(work), say_si(r->peak, "FLOP/s"), r->of_peak);
    if (r->bandwidth > 0) line(t, "bytes take", say_seconds(traffic), say_si(r->bandwidth, "B/s"), r->of_bandwidth);
    if (r->peak > 0 && r->bandwidth > 0)
        line(t, "at least", say_seconds(work > traffic ? work : traffic), none, work > traffic ? "bound by arithmetic" : "bound by memory");
    table_print(t);
}

void einsum_print(struct cli *c, const rk_expression *e, rk_dtype dtype, const struct rates *r)
{
    rk_expression_cost cost = rk_expression_cost_of(e);
    uint64_t bytes = cost.read + cost.written;
    double flops = (double)cost.flops + (double)cost.elementwise;
    static const struct say none = { "" };
    (void)fprintf(c->out, "%s; %s, %zu byte%s each\n\n", c->args[0], rk_dtype_name(dtype), rk_dtype_bytes(dtype), rk_dtype_bytes(dtype) == 1 ? "" : "s");
    print_values(c, e);
    print_steps(c, e);
    if (rk_expression_values(e) > 1) (void)fputc('\n', c->out);
    struct table *t = table_new(c, NULL, "lrrw");
    if (cost.flops > 0) line(t, "FLOPs of products", say_count(cost.flops), say_si((double)cost.flops, "FLOP"), cost.formula);
    if (cost.elementwise > 0) line(t, "FLOPs of additions", say_count(cost.elementwise), say_si((double)cost.elementwise, "FLOP"), "");
    if (rk_expression_values(e) > 1) line(t, "bytes moved", say_count(bytes), say_bytes(bytes), bytes > 0 ? "distinct elements read and written" : "nothing moves");
    if (flops > 0) line(t, "FLOPs per byte", say_real((double)(int64_t)(flops / (double)bytes * 1000 + 0.5) / 1000), none, "arithmetic intensity");
    table_print(t);
    print_time(c, r, flops, (double)bytes);
}

/* --- JSON --- */

static void json_shape(struct json *j, const char *key, int rank, const int64_t *of)
{
    json_array(j, key);
    for (int i = 0; i < rank; i++) json_int(j, NULL, of[i]);
    json_end(j);
}

static void json_parts(struct json *j, const rk_expression *e)
{
    json_array(j, "values");
    for (int i = 0; i < rk_expression_values(e); i++) {
        rk_expression_value v = rk_expression_value_at(e, i);
        json_object(j, NULL);
        json_text(j, "names", v.names);
        json_shape(j, "shape", v.rank, v.shape);
        json_shape(j, "strides", v.rank, v.stride);
        json_uint(j, "elements", v.elements);
        json_uint(j, "bytes", v.bytes);
        json_bool(j, "view", v.view);
        json_end(j);
    }
    json_end(j);
    json_array(j, "steps");
    for (int i = 0; i < rk_expression_steps(e); i++) {
        rk_expression_step s = rk_expression_step_at(e, i);
        json_object(j, NULL);
        json_text(j, "op", s.op);
        json_text(j, "result", s.result);
        json_bool(j, "view", s.view);
        json_uint(j, "bytes", s.bytes);
        json_end(j);
    }
    json_end(j);
}

void einsum_json(struct cli *c, const rk_expression *e, rk_dtype dtype, const struct rates *r)
{
    rk_expression_cost cost = rk_expression_cost_of(e);
    double flops = (double)cost.flops + (double)cost.elementwise, bytes = (double)cost.read + (double)cost.written;
    struct json j;
    json_begin(&j, c->out);
    json_object(&j, NULL);
    json_text(&j, "schema", "reckon.einsum/1");
    json_text(&j, "expression", c->args[0]);
    json_text(&j, "dtype", rk_dtype_name(dtype));
    json_parts(&j, e);
    json_uint(&j, "flops", cost.flops);
    json_text(&j, "formula", cost.formula);
    json_uint(&j, "flops_elementwise", cost.elementwise);
    json_uint(&j, "bytes_read", cost.read);
    json_uint(&j, "bytes_written", cost.written);
    if (bytes > 0) json_real(&j, "flops_per_byte", flops / bytes);
    if (r->peak > 0) json_real(&j, "seconds_of_products", seconds(flops, r->peak));
    if (r->bandwidth > 0) json_real(&j, "seconds_of_bytes", seconds(bytes, r->bandwidth));
    json_end(&j);
}
