/* end.c: see end.h. */
#include "end.h"
#include <string.h>

static int64_t find(const rk_tok *tok, const char *text)
{
    uint32_t id;
    return tok != NULL && rk_tok_find(tok, text, strlen(text), &id) ? (int64_t)id : -1;
}

int end_token(struct cli *c, const rk_tok *tok, int64_t *id)
{
    static const char *const usual[] = { "<|endoftext|>", "</s>", "[SEP]" };
    const char *asked = cli_given(c, "end") ? cli_text(c, "end") : NULL;
    *id = -1;
    if (asked != NULL && asked[0] == '\0') return CLI_OK;
    if (asked != NULL) *id = find(tok, asked);
    for (size_t i = 0; asked == NULL && *id < 0 && i < sizeof usual / sizeof *usual; i++) *id = find(tok, usual[i]);
    return asked != NULL && *id < 0 ? cli_usage(c, "--end: there is no token \"%s\"%s", asked, tok == NULL ? ", since there is no tokenizer" : " in the tokenizer") : CLI_OK;
}
