/* pickle.h: a pickle read as data. Nothing is called: what a pickle asks to be called is handed to a host, who knows the few
 * names that it will answer to and makes values of them itself.
 *
 * Protocols 2 to 5. Texts point into the bytes that were given. Values may be shared and may contain themselves, as in Python:
 * who walks them bounds his steps. Every bound is announced below. Not here: which names are known (torch.c). */
#ifndef IO_PICKLE_H
#define IO_PICKLE_H
#include "base/arena.h"
#include "base/vec.h"

enum {
    PICKLE_VALUES = 1 << 22,                    /* values, and places in lists and dicts */
    PICKLE_STACK = 1 << 20, PICKLE_MARKS = 1000,        /* values and marks that wait; a mark inside a mark is nesting */
    PICKLE_LONGEST = 1 << 20                    /* bytes of one text */
};

enum pickle_kind { PICKLE_NONE, PICKLE_BOOL, PICKLE_INT, PICKLE_REAL, PICKLE_TEXT, PICKLE_TUPLE, PICKLE_LIST, PICKLE_DICT, PICKLE_GLOBAL, PICKLE_THING,
                   PICKLE_OTHER };              /* bytes, sets, integers of more than 64 bits: passed over */

struct pickled {
    uint8_t  kind;
    uint32_t n;                                 /* text: bytes; tuple, list, dict: items; global, thing: a number of the host's */
    union {
        bool    truth;
        int64_t integer;
        double  real;
        const char *text;                       /* not ended by a zero */
        struct pickled *const *items;           /* tuple */
        struct { struct pickled_link *first, *last; };              /* list, dict: in order */
        const void *thing;
    };
};
struct pickled_link { const struct pickled *key, *value; struct pickled_link *next; };          /* key NULL in a list */

struct pickle {                                                      /* zero it to begin */
    rk_ctx *ctx;
    struct arena arena;                         /* of values; the host's things may live here too */
    const char *path;                           /* what messages call it */
    size_t offset;                              /* of the instruction that is being read */
    const struct pickled *root;
    uint32_t values;
};

/* Each answers with a value or refuses by name. `global` sets kind PICKLE_GLOBAL and n; all others are the host's choice. */
struct pickle_host {
    void *user;
    rk_status (*global)(void *user, struct pickle *p, const char *module, size_t module_n, const char *name, size_t name_n, struct pickled *out) RK_CHECK;
    rk_status (*call)(void *user, struct pickle *p, const struct pickled *callee, const struct pickled *arguments, struct pickled *out) RK_CHECK;
    rk_status (*persistent)(void *user, struct pickle *p, const struct pickled *id, struct pickled *out) RK_CHECK;
};

/* Errors: RK_E_FORMAT (it is none), RK_E_LIMIT, RK_E_DECLINED. Whatever happens, pickle_clear ends it. */
RK_CHECK rk_status pickle_read(rk_ctx *ctx, struct pickle *p, const char *path, const void *bytes, size_t n, const struct pickle_host *host);
void pickle_clear(rk_ctx *ctx, struct pickle *p);

bool pickle_is(const struct pickled *v, const char *text);                                      /* is this very text */
const struct pickled *pickle_find(const struct pickled *dict, const char *key);                 /* the last of that key; NULL: none */

#endif
