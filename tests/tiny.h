/* tiny.h: small models of every family, and of every way in which those of one family differ, for the laws that hold for all.
 *
 * Who adds a family adds rows, and the laws see it. Sizes are told by our names for them, which all families share. */
#ifndef TINY_H
#define TINY_H
#include <stdint.h>

enum { TINY_MODELS = 20, TINY_ROOM = 256 };
/* The i-th as a text for rk_model_open, of two layers; an encoder apart has one. */
const char *tiny_model(int i, int64_t vocab, int64_t position, char room[TINY_ROOM]);

#endif
