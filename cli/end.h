/* end.h: the special token behind a text. */
#ifndef CLI_END_H
#define CLI_END_H
#include "command.h"
#include "reckon/tok.h"

#define CLI_ENDS_OF "<|endoftext|>, </s> or [SEP], the first that the tokenizer has"
#define CLI_ENDS "(" CLI_ENDS_OF ")"

/* The id of --end, or of the first of CLI_ENDS; -1: none, as with --end "". tok may be NULL: then there is none. An exit code. */
int end_token(struct cli *c, const rk_tok *tok, int64_t *id);

#endif
