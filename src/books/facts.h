/* facts.h: what formulas and their conditions know of a model and of how it is run: letters with values, facts with words. */
#ifndef BOOKS_FACTS_H
#define BOOKS_FACTS_H
#include "books/formula.h"
#include "reckon/books.h"

enum { MOST_FACTS = 21 };

struct fact { const char *key, *value; size_t n; };      /* n bytes of value */
struct facts {
    struct letters letters;
    int n;
    struct fact at[MOST_FACTS];
};

/* Letters without a value for this family are not set. Texts are borrowed from the model and the settings. E_UNKNOWN for a
 * word that is no choice, E_ARG for sizes below 0. */
rk_status facts_of(rk_ctx *ctx, const rk_bill *bill, const rk_model *model, const rk_books *books, struct facts *facts) RK_CHECK;

/* The same of so many sequences at once, whatever the settings said: without asking model and bill again. */
rk_status facts_at(rk_ctx *ctx, struct facts *facts, int64_t batch) RK_CHECK;

/* The words that a setting may have, apart by blanks, the default first; "" for what is no setting of words. */
const char *facts_words(const char *key);

/* "family=gpt2|gptj policy=fp32": every key has one of these words. "" is true. */
bool facts_hold(const struct facts *facts, const char *where);

/* books/letters.c: the letters alone. */
rk_status letters_of(rk_ctx *ctx, const rk_bill *bill, const rk_model *model, const rk_books *books, struct letters *letters) RK_CHECK;

/* books/spell.c: a formula in other letters, "L=positions,N=layers"; out is added to. Errors as of rk_books_spell. */
rk_status letters_spell(rk_ctx *ctx, const char *formula, const char *letters, struct str *out) RK_CHECK;

#endif
