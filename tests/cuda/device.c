/* device.c: see device.h. One more device stays open from the first time on: its libraries are opened once, not once for each sample. */
#include "device.h"
#include "test.h"
#include <stdlib.h>

static struct { rk_ctx *ctx; struct cuda_machine *machine; bool real; char why[512]; } kept;

static void close_kept(void)
{
    cuda_close(kept.machine);
    rk_ctx_close(kept.ctx);
}

static void keep_one(void)
{
    struct backend backend;
    if (kept.ctx != NULL) return;
    if (rk_ctx_open(NULL, &kept.ctx) != RK_OK) abort();
    if (cuda_open(kept.ctx, 0, &kept.machine, &backend) != RK_OK) (void)snprintf(kept.why, sizeof kept.why, "%s", rk_error_message(kept.ctx));
    else kept.real = strcmp(cuda_text(kept.machine), "host stand-in") != 0;
    (void)atexit(close_kept);
}

void device_of_test(rk_ctx *ctx, struct cuda_machine **machine, struct backend *backend)
{
    keep_one();
    if (kept.machine == NULL) SKIP("%s", kept.why);
    OK(ctx, cuda_open(ctx, 0, machine, backend));
}

bool device_is_real(void)
{
    keep_one();
    return kept.real;
}

int device_rounds(int few, int many)
{
    const char *times = getenv("RECKON_CUDA_ROUNDS");
    int factor = times != NULL ? atoi(times) : 1, rounds = device_is_real() ? many : few / TEST_FEWER;
    return (rounds > 0 ? rounds : 1) * (factor > 0 ? factor : 1);
}
