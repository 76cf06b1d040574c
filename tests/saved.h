/* saved.h: a small model saved in a folder, as a test tells its weights. */
#ifndef SAVED_H
#define SAVED_H
#include "model/model.h"

/* Element i of a state, the entry-th of its store; user: whatever the test needs to tell. */
typedef double saved_value(const void *user, const char *name, int entry, int64_t i);
/* The model of a description, of weights as `value` tells them, in a folder that is there. */
void saved_model(rk_ctx *ctx, const char *spec, const char *folder, rk_dtype dtype, saved_value *value, const void *user);

#endif
