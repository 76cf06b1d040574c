/* torch.h: tensors and storages as the pickle of a PyTorch file describes them. Only torch*.c include it. */
#ifndef IO_TORCH_H
#define IO_TORCH_H
#include "io/format.h"
#include "io/pickle.h"

enum torch_thing { TORCH_STORAGE = 1, TORCH_TENSOR };               /* the n of a PICKLE_THING */

/* The entry data/KEY of the archive: so many elements of this dtype; untyped: bytes. */
struct torch_storage { const char *key; uint32_t key_n; int64_t elements; rk_dtype dtype; bool untyped; };
/* A view of a storage: where it begins, and its strides, in elements. */
struct torch_tensor { const struct torch_storage *storage; int64_t first; rk_dtype dtype; int rank; int64_t shape[RK_MAX_RANK], stride[RK_MAX_RANK]; };

/* The host of pickle.h; user is not used. Nothing is called: known names make values, all others are refused. */
rk_status torch_global(void *user, struct pickle *p, const char *module, size_t module_n, const char *name, size_t name_n, struct pickled *out) RK_CHECK;
rk_status torch_call(void *user, struct pickle *p, const struct pickled *callee, const struct pickled *a, struct pickled *out) RK_CHECK;
rk_status torch_persistent(void *user, struct pickle *p, const struct pickled *id, struct pickled *out) RK_CHECK;
const char *torch_global_name(const struct pickled *v);             /* "float32" */

/* A plain value as JSON onto the end of `text`; *plain is false where it holds a tensor, bytes or a set, is too deep or too long. */
rk_status torch_plain(rk_ctx *ctx, const struct pickled *v, struct str *text, bool *plain) RK_CHECK;

#endif
