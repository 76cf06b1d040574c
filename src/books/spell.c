/* spell.c: formulas in other people's letters: "L=positions,N=layers". A letter never stands for two things: with these,
 * the number of parameters, which had N, is "parameters". */
#include "books/facts.h"
#include "pass/count_bill.h"
#include <stdio.h>
#include <string.h>

enum { MOST_RENAMES = 16, NAME = 24 };
struct renaming { int n; struct rename at[MOST_RENAMES]; char to[MOST_RENAMES][NAME]; };

/* The letter that a word stands for: "positions", or the letter itself. */
static const char *letter_meant(const char *word, size_t n)
{
    rk_books_letter l;
    for (int i = 0; (l = rk_books_letter_at(i)).name != NULL; i++)
        if ((strlen(l.words) == n && memcmp(l.words, word, n) == 0) || (strlen(l.name) == n && memcmp(l.name, word, n) == 0)) return l.name;
    return NULL;
}

static const char *words_of(const char *letter)
{
    rk_books_letter l;
    for (int i = 0; (l = rk_books_letter_at(i)).name != NULL; i++)
        if (strcmp(l.name, letter) == 0) return l.words;
    return letter;
}

static rk_status unknown_word(rk_ctx *ctx, const char *word, size_t n)
{
    char list[ERROR_HINT - 32] = "";
    rk_books_letter l;
    for (int i = 0, used = 0; (l = rk_books_letter_at(i)).name != NULL && used < (int)sizeof list; i++)
        used += snprintf(list + used, sizeof list - (size_t)used, "%s%s", i > 0 ? " " : "", l.words);
    (void)FAIL(RK_E_UNKNOWN, "letters: nothing here is called \"%.*s\"", (int)(n > 60 ? 60 : n), word);
    return ctx_hint(ctx, "there are: %s", list);
}

static rk_status take_rename(rk_ctx *ctx, struct renaming *all, const char *text, size_t n)
{
    const char *equals = memchr(text, '=', n), *from;
    size_t name = equals != NULL ? (size_t)(equals - text) : 0;
    bool fine = name > 0 && name < NAME && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_") >= name;
    if (!fine) return FAIL(RK_E_ARG, "letters: \"%.*s\" is not LETTER=WORD", (int)(n > 60 ? 60 : n), text);
    from = letter_meant(equals + 1, n - name - 1);
    if (from == NULL) return unknown_word(ctx, equals + 1, n - name - 1);
    if (all->n == MOST_RENAMES) return FAIL(RK_E_LIMIT, "letters: at most %d", MOST_RENAMES);
    memcpy(all->to[all->n], text, name);
    all->to[all->n][name] = '\0';
    all->at[all->n] = (struct rename){ from, all->to[all->n] };
    all->n++;
    return RK_OK;
}

static bool given(const struct renaming *all, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (strcmp(all->to[i], name) == 0) return true;
    return false;
}

static bool renamed(const struct renaming *all, const char *letter)
{
    for (int i = 0; i < all->n; i++)
        if (strcmp(all->at[i].from, letter) == 0) return true;
    return false;
}

/* A letter may stand for one thing only: one that is given away while its old meaning gets no other is written as a word from now on. */
static rk_status part_meanings(rk_ctx *ctx, struct renaming *all)
{
    const int typed = all->n;
    for (int i = 0; i < typed; i++) {
        const char *taken = letter_meant(all->to[i], strlen(all->to[i]));
        for (int k = 0; k < typed; k++)
            if (k != i && (strcmp(all->to[k], all->to[i]) == 0 || strcmp(all->at[k].from, all->at[i].from) == 0))
                return FAIL(RK_E_ARG, "letters: %s stands there twice", all->to[i]);
        if (taken == NULL || renamed(all, taken)) continue;
        if (given(all, typed, words_of(taken))) {
            (void)FAIL(RK_E_ARG, "letters: %s would stand for two things", all->to[i]);
            return ctx_hint(ctx, "say what its old meaning is called then, for instance W=%s", words_of(taken));
        }
        if (all->n == MOST_RENAMES) return FAIL(RK_E_LIMIT, "letters: at most %d, with those that are written as words", MOST_RENAMES);
        all->at[all->n++] = (struct rename){ taken, words_of(taken) };
    }
    return RK_OK;
}

rk_status letters_spell(rk_ctx *ctx, const char *formula, const char *letters, struct str *out)
{
    struct renaming all = { .n = 0 };
    for (const char *at = letters; *(at += strspn(at, " ,")) != '\0'; at += strcspn(at, " ,")) TRY(take_rename(ctx, &all, at, strcspn(at, " ,")));
    TRY(part_meanings(ctx, &all));
    return formula_spell(ctx, formula, all.n, all.at, out);
}

rk_status rk_books_spell(rk_bill *bill, const char *formula, const char *letters, const char **text)
{
    rk_ctx *ctx = bill->ctx;
    struct str spelled = { 0 };
    *text = "";
    rk_status status = letters_spell(ctx, formula, letters, &spelled);
    if (status == RK_OK) status = arena_text(ctx, &bill->arena, str_c(&spelled), (size_t)spelled.n, text);
    str_free(ctx, &spelled);
    return status;
}
