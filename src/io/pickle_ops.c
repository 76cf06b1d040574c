/* pickle_ops.c: the instructions that build plain values, one function and one row each; none of them acts.
 *
 * Source: the comments of CPython's pickletools.py; protocols 2 to 5. */
#include "io/pickle_machine.h"
#include <string.h>

static rk_status do_nothing(struct machine *m, const struct argument *a) { return (void)m, (void)a, RK_OK; }

static rk_status do_proto(struct machine *m, const struct argument *a)
{
    rk_ctx *ctx = m->ctx;
    if (a->number >= 2 && a->number <= 5) return RK_OK;
    return FAIL(RK_E_DECLINED, "%s: a pickle of protocol %llu is not read (2 to 5 are)", m->p->path, (unsigned long long)a->number);
}

static rk_status do_stop(struct machine *m, const struct argument *a)
{
    (void)a;
    if (m->stack.n != 1 || m->marks.n != 0) return machine_broken(m, "exactly one value should be left");
    m->p->root = machine_top(m, 0);
    m->stopped = true;
    return RK_OK;
}

static rk_status do_mark(struct machine *m, const struct argument *a)
{
    rk_ctx *ctx = m->ctx;
    (void)a;
    if (m->marks.n == PICKLE_MARKS) return machine_too_much(m, "too deep", PICKLE_MARKS);
    VEC_PUSH(&m->marks, m->stack.n);
    return RK_OK;
}

static rk_status do_pop(struct machine *m, const struct argument *a)
{
    rk_ctx *ctx = m->ctx;
    (void)a;
    TRY(machine_need(m, 1));
    m->stack.n--;
    return RK_OK;
}

static rk_status do_pop_mark(struct machine *m, const struct argument *a)
{
    struct pickled **items;
    int n;
    (void)a;
    return machine_to_mark(m, &items, &n);
}

static rk_status do_dup(struct machine *m, const struct argument *a)
{
    rk_ctx *ctx = m->ctx;
    (void)a;
    TRY(machine_need(m, 1));
    return machine_push(m, machine_top(m, 0));
}

static rk_status do_none(struct machine *m, const struct argument *a)  { return (void)a, machine_push_value(m, (struct pickled){ .kind = PICKLE_NONE }); }
static rk_status do_true(struct machine *m, const struct argument *a)  { return (void)a, machine_push_value(m, (struct pickled){ .kind = PICKLE_BOOL, .truth = true }); }
static rk_status do_false(struct machine *m, const struct argument *a) { return (void)a, machine_push_value(m, (struct pickled){ .kind = PICKLE_BOOL }); }
static rk_status do_other(struct machine *m, const struct argument *a) { return (void)a, machine_push_value(m, (struct pickled){ .kind = PICKLE_OTHER }); }
static rk_status do_list(struct machine *m, const struct argument *a)  { return (void)a, machine_push_value(m, (struct pickled){ .kind = PICKLE_LIST }); }
static rk_status do_dict(struct machine *m, const struct argument *a)  { return (void)a, machine_push_value(m, (struct pickled){ .kind = PICKLE_DICT }); }

static rk_status do_int(struct machine *m, const struct argument *a)
{
    return machine_push_value(m, (struct pickled){ .kind = PICKLE_INT, .integer = (int64_t)a->number });
}

static rk_status do_int32(struct machine *m, const struct argument *a)
{
    return machine_push_value(m, (struct pickled){ .kind = PICKLE_INT, .integer = (int32_t)(uint32_t)a->number });
}

/* Two's complement, the lowest byte first, in as many bytes as it needs. */
static rk_status do_long(struct machine *m, const struct argument *a)
{
    uint64_t value = little((const unsigned char *)a->text, a->n > 8 ? 0 : (int)a->n);
    if (a->n > 8) return do_other(m, a);
    if (a->n > 0 && a->n < 8 && (value >> (8 * a->n - 1) & 1) != 0) value |= UINT64_MAX << 8 * a->n;
    return machine_push_value(m, (struct pickled){ .kind = PICKLE_INT, .integer = (int64_t)value });
}

static rk_status do_float(struct machine *m, const struct argument *a)
{
    struct pickled v = { .kind = PICKLE_REAL };
    uint64_t bits = __builtin_bswap64(a->number);
    memcpy(&v.real, &bits, sizeof bits);
    return machine_push_value(m, v);
}

static rk_status do_text(struct machine *m, const struct argument *a)
{
    return machine_push_value(m, (struct pickled){ .kind = PICKLE_TEXT, .n = (uint32_t)a->n, .text = a->text });
}

static rk_status do_append(struct machine *m, const struct argument *a)
{
    rk_ctx *ctx = m->ctx;
    (void)a;
    TRY(machine_need(m, 2));
    struct pickled *item = machine_top(m, 0);
    TRY(machine_fill(m, machine_top(m, 1), PICKLE_LIST, &item, 1));
    m->stack.n--;
    return RK_OK;
}

static rk_status do_setitem(struct machine *m, const struct argument *a)
{
    rk_ctx *ctx = m->ctx;
    (void)a;
    TRY(machine_need(m, 3));
    struct pickled *pair[] = { machine_top(m, 1), machine_top(m, 0) };
    TRY(machine_fill(m, machine_top(m, 2), PICKLE_DICT, pair, 2));
    m->stack.n -= 2;
    return RK_OK;
}

static rk_status fill_many(struct machine *m, int kind)
{
    rk_ctx *ctx = m->ctx;
    struct pickled **items;
    int n;
    TRY(machine_to_mark(m, &items, &n));
    TRY(machine_need(m, 1));
    return machine_fill(m, machine_top(m, 0), kind, items, n);
}

static rk_status do_appends(struct machine *m, const struct argument *a)  { return (void)a, fill_many(m, PICKLE_LIST); }
static rk_status do_setitems(struct machine *m, const struct argument *a) { return (void)a, fill_many(m, PICKLE_DICT); }

static rk_status do_tuple(struct machine *m, const struct argument *a)
{
    rk_ctx *ctx = m->ctx;
    struct pickled **items;
    int n;
    (void)a;
    TRY(machine_to_mark(m, &items, &n));
    return machine_push_tuple(m, items, n);
}

static rk_status small_tuple(struct machine *m, int n)
{
    rk_ctx *ctx = m->ctx;
    TRY(machine_need(m, n));
    m->stack.n -= n;
    return machine_push_tuple(m, n > 0 ? m->stack.at + m->stack.n : NULL, n);
}

static rk_status do_tuple0(struct machine *m, const struct argument *a) { return (void)a, small_tuple(m, 0); }
static rk_status do_tuple1(struct machine *m, const struct argument *a) { return (void)a, small_tuple(m, 1); }
static rk_status do_tuple2(struct machine *m, const struct argument *a) { return (void)a, small_tuple(m, 2); }
static rk_status do_tuple3(struct machine *m, const struct argument *a) { return (void)a, small_tuple(m, 3); }

static rk_status do_frozenset(struct machine *m, const struct argument *a)
{
    rk_ctx *ctx = m->ctx;
    TRY(do_pop_mark(m, a));
    return do_other(m, a);
}

static rk_status do_put(struct machine *m, const struct argument *a)
{
    rk_ctx *ctx = m->ctx;
    TRY(machine_need(m, 1));
    if (a->number > m->p->values) return machine_broken(m, "a place in the memo that lies beyond all values so far");
    while ((uint64_t)m->memo.n <= a->number) VEC_PUSH(&m->memo, NULL);
    m->memo.at[a->number] = machine_top(m, 0);
    return RK_OK;
}

static rk_status do_memoize(struct machine *m, const struct argument *a)
{
    (void)a;
    return do_put(m, &(struct argument){ .number = (uint64_t)m->memo.n });
}

static rk_status do_get(struct machine *m, const struct argument *a)
{
    if (a->number >= (uint64_t)m->memo.n || m->memo.at[a->number] == NULL) return machine_broken(m, "nothing was put at this place of the memo");
    return machine_push(m, m->memo.at[a->number]);
}

/* --- what a host answers --- */

static rk_status ask_global(struct machine *m, const char *module, size_t module_n, const char *name, size_t name_n)
{
    rk_ctx *ctx = m->ctx;
    struct pickled v = { .kind = PICKLE_GLOBAL };
    TRY(m->host->global(m->host->user, m->p, module, module_n, name, name_n, &v));
    return machine_push_value(m, v);
}

static rk_status do_global(struct machine *m, const struct argument *a) { return ask_global(m, a->text, a->n, a->second, a->second_n); }

static rk_status do_stack_global(struct machine *m, const struct argument *a)
{
    rk_ctx *ctx = m->ctx;
    (void)a;
    TRY(machine_need(m, 2));
    const struct pickled *module = machine_top(m, 1), *name = machine_top(m, 0);
    if (module->kind != PICKLE_TEXT || name->kind != PICKLE_TEXT) return machine_broken(m, "module and name should be two texts");
    m->stack.n -= 2;
    return ask_global(m, module->text, module->n, name->text, name->n);
}

static rk_status do_reduce(struct machine *m, const struct argument *a)
{
    rk_ctx *ctx = m->ctx;
    struct pickled v = { .kind = PICKLE_OTHER };
    (void)a;
    TRY(machine_need(m, 2));
    const struct pickled *callee = machine_top(m, 1), *arguments = machine_top(m, 0);
    if (callee->kind != PICKLE_GLOBAL || arguments->kind != PICKLE_TUPLE) return machine_broken(m, "a name and a tuple of arguments should be on the stack");
    m->stack.n -= 2;
    TRY(m->host->call(m->host->user, m->p, callee, arguments, &v));
    return machine_push_value(m, v);
}

static rk_status do_persistent(struct machine *m, const struct argument *a)
{
    rk_ctx *ctx = m->ctx;
    struct pickled v = { .kind = PICKLE_OTHER };
    (void)a;
    TRY(machine_need(m, 1));
    const struct pickled *id = machine_top(m, 0);
    m->stack.n--;
    TRY(m->host->persistent(m->host->user, m->p, id, &v));
    return machine_push_value(m, v);
}

/* An OrderedDict may carry attributes (torch: _metadata, versions of modules): they describe nothing that is read here. */
static rk_status do_build(struct machine *m, const struct argument *a)
{
    rk_ctx *ctx = m->ctx;
    (void)a;
    TRY(machine_need(m, 2));
    if (machine_top(m, 0)->kind != PICKLE_DICT || machine_top(m, 1)->kind != PICKLE_DICT) return machine_broken(m, "only dicts may be given attributes, and only in a dict");
    m->stack.n--;
    return RK_OK;
}

/* --- the instructions --- */

const struct instruction instructions[256] = {
    [0x80] = { "PROTO", NUMBER, 1, do_proto },            [0x95] = { "FRAME", NUMBER, 8, do_nothing },        ['.'] = { "STOP", NONE, 0, do_stop },
    ['('] = { "MARK", NONE, 0, do_mark },                 ['0'] = { "POP", NONE, 0, do_pop },                 ['1'] = { "POP_MARK", NONE, 0, do_pop_mark },
    ['2'] = { "DUP", NONE, 0, do_dup },                   ['N'] = { "NONE", NONE, 0, do_none },               [0x88] = { "NEWTRUE", NONE, 0, do_true },
    [0x89] = { "NEWFALSE", NONE, 0, do_false },           ['J'] = { "BININT", NUMBER, 4, do_int32 },          ['K'] = { "BININT1", NUMBER, 1, do_int },
    ['M'] = { "BININT2", NUMBER, 2, do_int },             [0x8a] = { "LONG1", TEXT, 1, do_long },             [0x8b] = { "LONG4", TEXT, 4, do_long },
    ['G'] = { "BINFLOAT", NUMBER, 8, do_float },          ['T'] = { "BINSTRING", TEXT, 4, do_text },          ['U'] = { "SHORT_BINSTRING", TEXT, 1, do_text },
    ['X'] = { "BINUNICODE", TEXT, 4, do_text },           [0x8c] = { "SHORT_BINUNICODE", TEXT, 1, do_text },  [0x8d] = { "BINUNICODE8", TEXT, 8, do_text },
    ['B'] = { "BINBYTES", TEXT, 4, do_other },            ['C'] = { "SHORT_BINBYTES", TEXT, 1, do_other },    [0x8e] = { "BINBYTES8", TEXT, 8, do_other },
    [0x96] = { "BYTEARRAY8", TEXT, 8, do_other },         [']'] = { "EMPTY_LIST", NONE, 0, do_list },         ['a'] = { "APPEND", NONE, 0, do_append },
    ['e'] = { "APPENDS", NONE, 0, do_appends },           [')'] = { "EMPTY_TUPLE", NONE, 0, do_tuple0 },      ['t'] = { "TUPLE", NONE, 0, do_tuple },
    [0x85] = { "TUPLE1", NONE, 0, do_tuple1 },            [0x86] = { "TUPLE2", NONE, 0, do_tuple2 },          [0x87] = { "TUPLE3", NONE, 0, do_tuple3 },
    ['}'] = { "EMPTY_DICT", NONE, 0, do_dict },           ['s'] = { "SETITEM", NONE, 0, do_setitem },         ['u'] = { "SETITEMS", NONE, 0, do_setitems },
    [0x8f] = { "EMPTY_SET", NONE, 0, do_other },          [0x90] = { "ADDITEMS", NONE, 0, do_appends },       [0x91] = { "FROZENSET", NONE, 0, do_frozenset },
    ['c'] = { "GLOBAL", LINES, 0, do_global },            [0x93] = { "STACK_GLOBAL", NONE, 0, do_stack_global }, ['R'] = { "REDUCE", NONE, 0, do_reduce },
    ['b'] = { "BUILD", NONE, 0, do_build },               ['Q'] = { "BINPERSID", NONE, 0, do_persistent },    [0x94] = { "MEMOIZE", NONE, 0, do_memoize },
    ['h'] = { "BINGET", NUMBER, 1, do_get },              ['j'] = { "LONG_BINGET", NUMBER, 4, do_get },
    ['q'] = { "BINPUT", NUMBER, 1, do_put },              ['r'] = { "LONG_BINPUT", NUMBER, 4, do_put },
    ['i'] = { .name = "INST" },                           ['o'] = { .name = "OBJ" },                          [0x81] = { .name = "NEWOBJ" },
    [0x92] = { .name = "NEWOBJ_EX" },                     [0x82] = { .name = "EXT1" },                        [0x83] = { .name = "EXT2" },
    [0x84] = { .name = "EXT4" },                          [0x97] = { .name = "NEXT_BUFFER" },                 [0x98] = { .name = "READONLY_BUFFER" },
    ['I'] = { .name = "INT" },                            ['L'] = { .name = "LONG" },                         ['F'] = { .name = "FLOAT" },
    ['S'] = { .name = "STRING" },                         ['V'] = { .name = "UNICODE" },                      ['P'] = { .name = "PERSID" },
    ['g'] = { .name = "GET" },                            ['p'] = { .name = "PUT" },                          ['l'] = { .name = "LIST" },
    ['d'] = { .name = "DICT" },
};
