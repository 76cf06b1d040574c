/* convention.h: the tables of conventions from the inside. */
#ifndef BOOKS_CONVENTION_H
#define BOOKS_CONVENTION_H
#include "reckon/books.h"

struct flops_rule { const char *name, *families, *where, *formula, *words, *source; };
struct memory_rule { const char *name, *families, *with, *words, *source; };
struct memory_part { const char *of, *name, *where, *formula, *words; };
struct memory_except { const char *of, *where, *words; };

/* Each table ends with a row of NULLs. */
extern const struct flops_rule flops_rules[];
extern const struct memory_rule memory_rules[];
extern const struct memory_part memory_parts[];
extern const struct memory_except memory_excepts[];

#endif
