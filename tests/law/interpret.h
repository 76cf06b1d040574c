/* interpret.h: a back end for tests that runs groups of elementwise nodes, one element after the other, in f64, and
 * rounds every value to its dtype, as `truth` does of every node: it shows whether groups were formed rightly, whatever the real kernels make of them. Everything else goes to `truth`. */
#ifndef LAW_INTERPRET_H
#define LAW_INTERPRET_H
#include "core/problem.h"

const struct backend *backend_interpreter(void);

#endif
