/* isa.h: the instruction sets as rows: what the kernels of this back end need to know of each. Which there are, and what runs here: base/isa.h. */
#ifndef CPU_ISA_H
#define CPU_ISA_H
#include "base/isa.h"

struct isa_row { const char *name; int lanes; const char *words; };

extern const struct isa_row isa_rows[ISA_COUNT];
bool isa_find(const char *name, enum isa *isa);

#endif
