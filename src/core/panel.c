/* panel.c: see panel.h. One walk over the panels in their order; each way says which side is written. */
#include "core/panel.h"
#include <string.h>

#define EACH_FOUR(...)                                                                                                \
    for (int64_t p = 0, at = 0; p < panel_count(out); p++)                                                              \
        for (int64_t k = 0; k < in / PANEL_EACH; k++)                                                                 \
            for (int64_t c = 0; c < PANEL_COLUMNS; c++, at += PANEL_EACH) {                                           \
                int64_t row = (p * PANEL_COLUMNS + c) * in + k * PANEL_EACH;                                          \
                if (p * PANEL_COLUMNS + c < out) __VA_ARGS__;                                                         \
            }
#define EACH_SCALE(...)                                                                                               \
    for (int64_t p = 0, at = 0; p < panel_count(out); p++)                                                              \
        for (int64_t b = 0; b < in / PANEL_PER_SCALE; b++)                                                            \
            for (int64_t c = 0; c < PANEL_COLUMNS; c++, at++) {                                                       \
                int64_t row = (p * PANEL_COLUMNS + c) * (in / PANEL_PER_SCALE) + b;                                   \
                if (p * PANEL_COLUMNS + c < out) __VA_ARGS__;                                                         \
            }

#define EACH_FLOAT(...)                                                                                               \
    for (int64_t p = 0, at = 0; p < panel_count_of(true, out); p++)                                                     \
        for (int64_t k = 0; k < in; k++)                                                                              \
            for (int64_t c = 0; c < FLOAT_PANEL_COLUMNS; c++, at++) {                                                 \
                int64_t row = (p * FLOAT_PANEL_COLUMNS + c) * in + k;                                                 \
                if (p * FLOAT_PANEL_COLUMNS + c < out) __VA_ARGS__;                                                   \
            }

void panel_make(int64_t out, int64_t in, const int8_t *rows, int8_t *panels) { EACH_FOUR(memcpy(panels + at, rows + row, PANEL_EACH)) }
void panel_undo(int64_t out, int64_t in, const int8_t *panels, int8_t *rows) { EACH_FOUR(memcpy(rows + row, panels + at, PANEL_EACH)) }

void panel_make_scales(int64_t out, int64_t in, const void *rows, void *panels) { EACH_SCALE(memcpy((char *)panels + at * 4, (const char *)rows + row * 4, 4)) }
void panel_undo_scales(int64_t out, int64_t in, const void *panels, void *rows) { EACH_SCALE(memcpy((char *)rows + row * 4, (const char *)panels + at * 4, 4)) }

void panel_make_floats(int64_t out, int64_t in, const void *rows, void *panels) { EACH_FLOAT(memcpy((char *)panels + at * 4, (const char *)rows + row * 4, 4)) }
void panel_undo_floats(int64_t out, int64_t in, const void *panels, void *rows) { EACH_FLOAT(memcpy((char *)rows + row * 4, (const char *)panels + at * 4, 4)) }
