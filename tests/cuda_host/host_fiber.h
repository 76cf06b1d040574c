/* host_fiber.h: coroutines with small stacks that are used again: one thread of a block each.
 *
 * A fiber runs a body until it yields or returns. The stack of one that returned is taken by the next, so that a kernel without barriers
 * runs all its threads on one. */
#ifndef HOST_FIBER_H
#define HOST_FIBER_H

struct fiber;
struct fiber *fiber_new(void);
/* Runs `body(of)` on a fiber that is idle, or goes on where it yielded. True: it yielded; false: the body returned, and it is idle. */
bool fiber_start(struct fiber *f, void (*body)(void *of), void *of);
bool fiber_resume(struct fiber *f);
void fiber_yield(void);                     /* from within a body */

#endif
