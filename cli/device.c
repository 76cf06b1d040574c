/* device.c: see device.h. */
#include "device.h"
#include <stdlib.h>

/* Packaged libraries mistake new processors for old ones: what the environment does not say, we say. */
static void wish(void)
{
    rk_wish w;
    for (int i = 0; rk_device_wish(i, &w); i++) (void)setenv(w.variable, w.value, 0);
}

int device_open(struct cli *c, rk_device **device)
{
    wish();
    char *cache = cli_cache("machine.json");
    rk_device_options options = { .blas = cli_blas(c), .cache = cache };
    int code = cli_try(c, rk_device_open(c->ctx, cli_text(c, "device"), &options, device));
    free(cache);
    return code;
}
