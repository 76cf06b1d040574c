/* burst.h: what this machine can do right now: fused multiply-adds in registers, bytes through memory.
 *
 * A shared machine changes speed for tens of seconds at a time, so a rate alone says little: take a burst beside every
 * sample and report the ratio. The ceilings that MFU is printed against come from here too. */
#ifndef CPU_BURST_H
#define CPU_BURST_H
#include "backend/cpu/isa.h"
#include "base/ctx.h"

/* FLOP/s of independent f32 multiply-adds in the best instruction set, summed over `threads` tasks run side by side for
 * about `seconds` each. */
double burst_flops(rk_ctx *ctx, enum isa isa, int threads, double seconds);
/* The same on the calling thread alone: about 100 microseconds, for use inside a measurement. */
double burst_flops_alone(enum isa isa);

/* Bytes per second over two buffers of `bytes` each, best of several sweeps. Counted: the bytes that the program names. */
struct burst_bandwidth { double read, copy; };
RK_CHECK rk_status burst_bandwidth(rk_ctx *ctx, enum isa isa, int threads, size_t bytes, struct burst_bandwidth *out);

#endif
