/* device.h: the back end behind a device, for those who run things. Devices themselves are made in src/device.c. */
#ifndef RUN_DEVICE_H
#define RUN_DEVICE_H
#include "core/problem.h"
#include "reckon/device.h"

const struct backend *device_backend(const rk_device *device);
rk_ctx *device_ctx(const rk_device *device);

#endif
