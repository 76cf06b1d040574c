/* A network of one's own, said in named einsums: two layers that learn to add, by gradient descent. Gradients and updates are
 * nodes of the same graph; one program runs it all.
 *
 *   cc einsum.c -o einsum $(pkg-config --cflags --libs reckon) && ./einsum */
#include <reckon/plan.h>
#include <stdio.h>
#include <stdlib.h>

enum { BATCH = 64, IN = 2, WIDE = 16, STEPS = 400 };

static void build(rk_graph *g)
{
    rk_dim_new(g, "batch", 'B', BATCH);
    rk_dim_new(g, "in", 'I', IN);
    rk_dim_new(g, "wide", 'W', WIDE);
    rk_ref x = rk_input(g, "x", RK_f32, "batch in"), y = rk_input(g, "y", RK_f32, "batch");
    rk_ref w[] = { rk_state(g, RK_PARAMETER, "up", RK_f32, "wide in"), rk_state(g, RK_PARAMETER, "down", RK_f32, "wide") };
    rk_ref hidden = rk_map(g, "tanh", rk_einsum(g, "b i, w i -> b w", x, w[0]));
    rk_ref error = rk_sub(g, rk_einsum(g, "b w, w -> b", hidden, w[1]), y);
    rk_ref loss = rk_scale(g, rk_einsum(g, "b, b -> ", error, error), 1.0 / BATCH), gradient[2];
    rk_grad(g, loss, 0, w, 2, gradient);
    for (int i = 0; i < 2; i++) rk_update(g, w[i], rk_sub(g, w[i], rk_scale(g, gradient[i], 0.1)));
    rk_output(g, "loss", loss);
}

static float uniform(void) { return 2 * (float)rand() / (float)RAND_MAX - 1; }

static rk_status train(rk_program *p, float *loss)
{
    float x[BATCH][IN], y[BATCH], up[WIDE * IN], down[WIDE];
    rk_status status;
    for (int i = 0; i < WIDE * IN; i++) up[i] = uniform();
    for (int i = 0; i < WIDE; i++) down[i] = uniform() / 4;
    if ((status = rk_program_write(p, RK_PARAMETER, "up", up, RK_f32)) != RK_OK) return status;
    if ((status = rk_program_write(p, RK_PARAMETER, "down", down, RK_f32)) != RK_OK) return status;
    for (int step = 1; step <= STEPS; step++) {
        for (int b = 0; b < BATCH; b++) {
            x[b][0] = uniform();
            x[b][1] = uniform();
            y[b] = (x[b][0] + x[b][1]) / 2;
        }
        if ((status = rk_program_input(p, "x", x, RK_f32)) != RK_OK) return status;
        if ((status = rk_program_input(p, "y", y, RK_f32)) != RK_OK) return status;
        if ((status = rk_program_run(p, 0, (uint64_t)step)) != RK_OK) return status;
        if ((status = rk_program_output(p, "loss", loss, RK_f32)) != RK_OK) return status;
        if (step == 1 || step % 100 == 0) printf("step %3d  loss %.6f\n", step, *loss);
    }
    return RK_OK;
}

int main(void)
{
    rk_ctx *ctx;
    rk_graph *g = NULL;
    rk_device *device = NULL;
    rk_program *p = NULL;
    float loss = 1;
    if (rk_ctx_open(NULL, &ctx) != RK_OK) return 1;
    bool well = rk_graph_open(ctx, &g) == RK_OK;
    if (well) build(g);
    well = well && rk_graph_seal(g) == RK_OK && rk_device_open(ctx, "cpu", NULL, &device) == RK_OK;
    well = well && rk_program_open(ctx, g, device, NULL, &p) == RK_OK && train(p, &loss) == RK_OK;
    if (!well) fprintf(stderr, "%s\n%s\n", rk_error_message(ctx), rk_error_hint(ctx));
    rk_program_close(p);
    rk_device_close(device);
    rk_graph_close(g);
    rk_ctx_close(ctx);
    return well && loss < 0.01f ? 0 : 1;
}
