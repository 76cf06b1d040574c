/* device.h: --device, for every command that computes; --blas is common to all. */
#ifndef CLI_DEVICE_H
#define CLI_DEVICE_H
#include "command.h"
#include "profile.h"
#include "reckon/books.h"
#include "reckon/device.h"

/* A row for a table of options. */
#define OPTION_DEVICE { "device", 0, OPT_CHOICE, "cpu|ref|guard|meter|cuda|cuda:1|cuda:2|cuda:3|cuda:4|cuda:5|cuda:6|cuda:7", "cpu", "cpu: vector kernels; cuda: an NVIDIA device; ref: every operation's reference in f64, slow; guard: cpu with watched memory" }

/* For those that run a model: on a device, watched where that is wanted. */
#define OPTION_RUNS OPTION_DEVICE, OPTION_PROFILE

/* Opens what was asked for, and a profile with it; measurements of this machine are kept. Returns an exit code, and has said why. */
int device_open(struct cli *c, rk_device **device);

/* Whether its ceilings can be measured: it is the processor, or an accelerator. */
bool device_measures(const rk_device *device);

/* A machine of the books by its name. by_hand: how to give the numbers of any other, for the hint. */
int device_named(struct cli *c, const char *name, const char *by_hand, const rk_accelerator **found);
/* At which rate of a data sheet products of this dtype run; RK_RATES: at none. */
rk_rate rate_of_dtype(rk_dtype dtype);

#endif
