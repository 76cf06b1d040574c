/* pickle_machine.h: the machine of pickle.c from the inside: a stack, marks on it, a memo.
 *
 *   pickle.c        reads instruction after instruction, each with its argument
 *   pickle_ops.c    what each does
 *   pickle_stack.c  the stack, lists and dicts, and how all of them complain */
#ifndef IO_PICKLE_MACHINE_H
#define IO_PICKLE_MACHINE_H
#include "io/format.h"
#include "io/pickle.h"

struct machine {
    rk_ctx *ctx;
    struct pickle *p;
    const struct pickle_host *host;
    const unsigned char *start, *at, *end;
    const char *instruction;                                        /* its name, for messages */
    char code[8];                                                   /* and that of one without a name */
    struct { struct pickled **at; int n, room; } stack, memo;
    struct { int *at; int n, room; } marks;                         /* heights of the stack */
    bool stopped;
};

struct argument { uint64_t number; const char *text; size_t n; const char *second; size_t second_n; };

/* Its argument: number: so many bytes; text: so many bytes that say how long it is; lines: two of them. */
enum form { NONE, NUMBER, TEXT, LINES };
struct instruction {
    const char *name;                                               /* NULL: there is no such instruction */
    uint8_t form, width;
    rk_status (*act)(struct machine *m, const struct argument *a);  /* NULL: known, and not done here */
};
extern const struct instruction instructions[256];

rk_status machine_broken(struct machine *m, const char *why) RK_CHECK;                          /* RK_E_FORMAT, with byte and instruction */
rk_status machine_too_much(struct machine *m, const char *of, int most) RK_CHECK;               /* RK_E_LIMIT */
rk_status machine_push(struct machine *m, struct pickled *v) RK_CHECK;
rk_status machine_push_value(struct machine *m, struct pickled value) RK_CHECK;                 /* a fresh one */
rk_status machine_push_tuple(struct machine *m, struct pickled *const *items, int n) RK_CHECK;  /* items are copied */
rk_status machine_need(struct machine *m, int values) RK_CHECK;                                 /* so many above the last mark */
struct pickled *machine_top(struct machine *m, int below);
/* The values above the last mark, which goes; they stay readable until the next push. */
rk_status machine_to_mark(struct machine *m, struct pickled ***items, int *n) RK_CHECK;
/* Puts items into a list, or pairs of them into a dict; into a set they vanish. */
rk_status machine_fill(struct machine *m, struct pickled *to, int kind, struct pickled **items, int n) RK_CHECK;

#endif
