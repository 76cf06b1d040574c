/* num.h: numbers of every dtype to and from double: exact on the way in, round to nearest even on the way out.
 *
 * NaN stays NaN; overflow gives infinity where the format has one (f16, bf16, f8e5m2) and the largest number, 448, in f8e4m3,
 * which has none: the saturating conversion of OCP 8-bit floating point (2023), and torch's. Integers saturate; NaN becomes 0. bool is "not zero". */
#ifndef BASE_NUM_H
#define BASE_NUM_H
#include <stddef.h>
#include <stdint.h>

float    num_f16_to_f32(uint16_t bits);
uint16_t num_f32_to_f16(float x);
float    num_bf16_to_f32(uint16_t bits);
uint16_t num_f32_to_bf16(float x);
float    num_f8e4m3_to_f32(uint8_t bits);
uint8_t  num_f32_to_f8e4m3(float x);
float    num_f8e5m2_to_f32(uint8_t bits);
uint8_t  num_f32_to_f8e5m2(float x);
/* From double: one rounding, not two. */
uint16_t num_f64_to_f16(double x);
uint16_t num_f64_to_bf16(double x);
uint8_t  num_f64_to_f8e4m3(double x);
uint8_t  num_f64_to_f8e5m2(double x);

/* Column wise: n elements, dtype named by its row in reckon/dtype.def (enum rk_dtype as int). */
void num_load(double *to, const void *from, int dtype, size_t n);
void num_store(void *to, int dtype, const double *from, size_t n);
void num_load_f32(float *to, const void *from, int dtype, size_t n);
void num_store_f32(void *to, int dtype, const float *from, size_t n);

#endif
