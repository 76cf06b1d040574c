/* device.h: the device of these tests: a real one, or the stand-in of tests/cuda_host. */
#ifndef TEST_CUDA_DEVICE_H
#define TEST_CUDA_DEVICE_H
#include "backend/cuda/cuda.h"

/* Opens the device in this context; skips the test where there is none. */
void device_of_test(rk_ctx *ctx, struct cuda_machine **machine, struct backend *backend);
/* How often to try: `few` on the stand-in, where a device takes its time; `many` on a device. RECKON_CUDA_ROUNDS in the environment
 * multiplies it. */
int  device_rounds(int few, int many);
bool device_is_real(void);

#endif
