/* device.c: see device.h. */
#include "device.h"
#include <stdlib.h>

int device_open(struct cli *c, rk_device **device)
{
    char *cache = cli_cache("machine.json");
    rk_device_options options = { .blas = cli_blas(c), .cache = cache };
    int code = cli_try(c, rk_device_open(c->ctx, cli_text(c, "device"), &options, device));
    free(cache);
    return code;
}
