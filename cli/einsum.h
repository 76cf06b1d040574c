/* einsum.h: what `reckon einsum` has found out, and how it is written. */
#ifndef CLI_EINSUM_H
#define CLI_EINSUM_H
#include "command.h"
#include "reckon/expression.h"

/* FLOPs and bytes per second, and whose they are; 0: not known. */
struct rates { double peak, bandwidth; const char *of_peak, *of_bandwidth; };

void einsum_print(struct cli *c, const rk_expression *e, rk_dtype dtype, const struct rates *r);
void einsum_json(struct cli *c, const rk_expression *e, rk_dtype dtype, const struct rates *r);

#endif
