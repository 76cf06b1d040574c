/* device.c: see device.h. */
#include "device.h"
#include <stdlib.h>
#include <string.h>

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
    return code == CLI_OK ? profile_begin(c, *device) : code;
}

bool device_measures(const rk_device *device) { return strcmp(rk_device_name(device), "cpu") == 0 || strcmp(rk_device_name(device), "cuda") == 0; }

int device_named(struct cli *c, const char *name, const char *by_hand, const rk_accelerator **found)
{
    struct near near;
    char hint[256];
    *found = rk_accelerator_find(name);
    if (*found != NULL) return CLI_OK;
    near_begin(&near, name);
    for (int i = 0; rk_accelerator_at(i) != NULL; i++) near_try(&near, rk_accelerator_at(i)->name);
    (void)snprintf(hint, sizeof hint, "%s%s`reckon list devices` has them%s%s", near_words(&near, ""), near.n > 0 ? "; " : "", by_hand[0] != '\0' ? "; of any other say " : "", by_hand);
    return cli_fail(c, CLI_USAGE, hint, "no device \"%s\" is known here", name);
}

rk_rate rate_of_dtype(rk_dtype dtype)
{
    static const struct { rk_dtype dtype; rk_rate rate; } rates[] = {
        { RK_f32, RK_RATE_F32 }, { RK_f16, RK_RATE_BF16 }, { RK_bf16, RK_RATE_BF16 }, { RK_f8e4m3, RK_RATE_FP8 }, { RK_f8e5m2, RK_RATE_FP8 },
        { RK_i8, RK_RATE_INT8 }, { RK_u8, RK_RATE_INT8 },
    };
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++)
        if (rates[i].dtype == dtype) return rates[i].rate;
    return RK_RATES;
}
