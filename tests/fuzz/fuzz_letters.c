/* Any bytes as a list of letters, LETTER=WORD: a spelling in which no letter stands for two things, or a message. */
#include "fuzz.h"
#include "books/facts.h"
#include <stdlib.h>
#include <string.h>

/* All letters side by side: after renaming they are as many, and no two are the same. */
static void distinct(const char *spelled, int letters)
{
    char names[4096], *word[64];
    int n = 0;
    if (strlen(spelled) >= sizeof names) abort();
    memcpy(names, spelled, strlen(spelled) + 1);
    for (char *at = strtok(names, "+"); at != NULL; at = strtok(NULL, "+")) {
        for (int i = 0; i < n; i++)
            if (strcmp(word[i], at) == 0) abort();
        word[n++] = at;
    }
    if (n != letters) abort();
}

int fuzz_one(const uint8_t *bytes, size_t n)
{
    rk_ctx *ctx;
    struct str all = { NULL, 0, 0 }, out = { NULL, 0, 0 };
    int letters = 0;
    char *text = malloc(n + 1);
    if (text == NULL || rk_ctx_open(NULL, &ctx) != RK_OK) abort();
    memcpy(text, bytes, n);
    text[n] = '\0';
    for (; rk_books_letter_at(letters).name != NULL; letters++)
        if (str_format(ctx, &all, "%s%s", letters > 0 ? "+" : "", rk_books_letter_at(letters).name) != RK_OK) abort();
    if (letters_spell(ctx, str_c(&all), text, &out) == RK_OK) distinct(str_c(&out), letters);
    else if (rk_error_message(ctx)[0] == '\0') abort();
    str_free(ctx, &all);
    str_free(ctx, &out);
    if (rk_ctx_bytes(ctx) != 0) abort();
    rk_ctx_close(ctx);
    free(text);
    return 0;
}
