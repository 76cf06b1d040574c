/* convention.c: the rows of flops.def and memory.def as tables. */
#include "books/convention.h"
#include <ctype.h>
#include <string.h>

const struct flops_rule flops_rules[] = {
#define FLOPS(name, families, where, formula, words, source) { #name, families, where, formula, words, source },
#include "books/flops.def"
#undef FLOPS
    { NULL, NULL, NULL, NULL, NULL, NULL },
};

#define MEMORY(name, families, with, words, source)
#define PART(of, name, where, formula, words)
#define EXCEPT(of, where, words)
#define ONLY(of, name, words)

#undef MEMORY
#define MEMORY(name, families, with, words, source) { #name, families, with, words, source },
const struct memory_rule memory_rules[] = {
#include "books/memory.def"
    { NULL, NULL, NULL, NULL, NULL },
};
#undef MEMORY
#define MEMORY(name, families, with, words, source)

#undef PART
#define PART(of, name, where, formula, words) { #of, #name, where, formula, words },
const struct memory_part memory_parts[] = {
#include "books/memory.def"
    { NULL, NULL, NULL, NULL, NULL },
};
#undef PART
#define PART(of, name, where, formula, words)

#undef EXCEPT
#define EXCEPT(of, where, words) { #of, where, words },
const struct memory_except memory_excepts[] = {
#include "books/memory.def"
    { NULL, NULL, NULL },
};
#undef EXCEPT
#define EXCEPT(of, where, words)

#undef ONLY
#define ONLY(of, name, words) { #of, #name, words },
const struct memory_only memory_onlys[] = {
#include "books/memory.def"
    { NULL, NULL, NULL },
};
#undef ONLY

bool convention_is(const char *own, const char *name, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (name[i] != '.' && *own++ != name[i]) return false;
    return *own == '\0';
}

const struct memory_rule *memory_named(const char *name, size_t n)
{
    for (const struct memory_rule *m = memory_rules; m->name != NULL; m++)
        if (convention_is(m->name, name, n)) return m;
    return NULL;
}

bool family_among(const char *families, const char *family)
{
    for (size_t n; *families != '\0'; families += n + strspn(families + n, " ")) {
        n = strcspn(families, " ");
        if (families[0] == '*' || (strlen(family) == n && memcmp(families, family, n) == 0)) return true;
    }
    return false;
}

/* A part stands under some policies alone, or has their width of a number. */
static bool tells_policies(const char *convention)
{
    bool tells = false;
    for (const struct memory_part *part = memory_parts; part->of != NULL && !tells; part++) {
        const char *w = part->formula;
        if (strcmp(part->of, convention) != 0) continue;
        tells = strstr(part->where, "policy=") != NULL;
        for (; (w = strchr(w, 'w')) != NULL && !tells; w++) tells = !isalpha((unsigned char)w[1]) && (w == part->formula || !isalpha((unsigned char)w[-1]));
    }
    return tells;
}

const char *memory_refusal(const struct memory_rule *rule, const char *family, const struct facts *facts)
{
    if (!family_among(rule->families, family)) return rule->families;
    if (facts_hold(facts, "policy=other") && tells_policies(rule->name)) return "it knows the policies fp32, amp-bf16 and mixed";
    for (const struct memory_except *x = memory_excepts; x->of != NULL; x++)
        if (strcmp(x->of, rule->name) == 0 && facts_hold(facts, x->where)) return x->words;
    return NULL;
}

const struct memory_only *memory_only(const char *convention, const char *name)
{
    for (const struct memory_only *o = memory_onlys; o->of != NULL; o++)
        if (strcmp(o->of, convention) == 0 && strcmp(o->name, name) == 0) return o;
    return NULL;
}

rk_convention rk_convention_at(int i)
{
    for (const struct flops_rule *f = flops_rules; i >= 0 && f->name != NULL; f++)
        if (i-- == 0) return (rk_convention){ f->name, f->families, f->words, f->source, false };
    for (const struct memory_rule *m = memory_rules; i >= 0 && m->name != NULL; m++)
        if (i-- == 0) return (rk_convention){ m->name, m->families, m->words, m->source, true };
    return (rk_convention){ NULL, NULL, NULL, NULL, false };
}

rk_convention rk_convention_of(const char *entry)
{
    rk_convention v;
    for (int i = 0; (v = rk_convention_at(i)).name != NULL; i++) {
        const char *before = v.is_memory ? "bytes." : "flops.convention.";
        size_t n = strlen(before), length = strlen(v.name);
        if (strncmp(entry, before, n) != 0) continue;
        if (v.is_memory ? strncmp(entry + n, v.name, length) == 0 && entry[n + length] == '.' : convention_is(v.name, entry + n, strlen(entry + n))) return v;
    }
    return v;
}
