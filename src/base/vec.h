/* vec.h: arrays that grow. A vec is { T *at; int n, room; } declared with VEC(T). */
#ifndef BASE_VEC_H
#define BASE_VEC_H
#include "base/mem.h"

#define VEC(T) struct { T *at; int n, room; }

rk_status vec_reserve(rk_ctx *ctx, void **at, int *room, int want, size_t size, const char *what) RK_CHECK;

/* Makes room for `extra` more elements; what is there is not zeroed, and elements move, so pointers into the vec die here. */
#define VEC_ROOM(v, extra) ((v)->n + (extra) <= (v)->room ? RK_OK : \
                            vec_reserve(ctx, (void **)&(v)->at, &(v)->room, (v)->n + (extra), sizeof *(v)->at, #v))
/* Appends `item`; leaves the function with the status when there is no memory. */
#define VEC_PUSH(v, item) do { TRY(VEC_ROOM(v, 1)); (v)->at[(v)->n++] = (item); } while (0)
#define VEC_FREE(v) (mem_free(ctx, (v)->at, (size_t)(v)->room, sizeof *(v)->at), (v)->at = NULL, (v)->n = (v)->room = 0)

#endif
