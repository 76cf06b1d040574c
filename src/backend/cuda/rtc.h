/* rtc.h: kernels made at run time: CUDA C text compiled by NVRTC, opened at run time, and kept by text for as long as the device is
 * open. */
#ifndef CUDA_RTC_H
#define CUDA_RTC_H
#include "base/ctx.h"
#include <cuda_runtime_api.h>

struct rtc;

RK_CHECK rk_status rtc_open(rk_ctx *ctx, int capability, struct rtc **rtc);
void rtc_close(rk_ctx *ctx, struct rtc *rtc);                       /* NULL is fine */
/* The kernel `name` (extern "C") of a text. */
RK_CHECK rk_status rtc_kernel(rk_ctx *ctx, struct rtc *rtc, const char *text, const char *name, cudaKernel_t *kernel);
/* The same by a key that is cheaper to make than the text: what was remembered under it, or false. */
bool rtc_recall(const struct rtc *rtc, const void *key, size_t bytes, cudaKernel_t *kernel);
RK_CHECK rk_status rtc_remember(rk_ctx *ctx, struct rtc *rtc, const void *key, size_t bytes, cudaKernel_t kernel);

#endif
