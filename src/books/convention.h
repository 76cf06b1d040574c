/* convention.h: the tables of conventions from the inside. */
#ifndef BOOKS_CONVENTION_H
#define BOOKS_CONVENTION_H
#include "books/facts.h"

struct flops_rule { const char *name, *families, *where, *formula, *words, *source; };
struct memory_rule { const char *name, *families, *with, *words, *source; };
struct memory_part { const char *of, *name, *where, *formula, *words; };
struct memory_except { const char *of, *where, *words; };
struct memory_only { const char *of, *name, *words; };

/* Each table ends with a row of NULLs. */
extern const struct flops_rule flops_rules[];
extern const struct memory_rule memory_rules[];
extern const struct memory_part memory_parts[];
extern const struct memory_except memory_excepts[];
extern const struct memory_only memory_onlys[];

/* A convention that somebody spells so: "llm.c" is llmc. */
bool convention_is(const char *own, const char *name, size_t n);
const struct memory_rule *memory_named(const char *name, size_t n);         /* NULL: none */
const struct memory_only *memory_only(const char *convention, const char *name);        /* NULL: every word of the switch */
bool family_among(const char *families, const char *family);               /* "*": all of them */
/* Why a convention says nothing of a model run like that: words, or the families that it speaks of. NULL: it does speak. */
const char *memory_refusal(const struct memory_rule *rule, const char *family, const struct facts *facts);

#endif
