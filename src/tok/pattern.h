/* pattern.h: regular expressions between two dialects: ours (PCRE2's, with $ as the very end) and that of tokenizer.json (Oniguruma's, as
 * Hugging Face tokenizers uses it). */
#ifndef TOK_PATTERN_H
#define TOK_PATTERN_H
#include "base/str.h"

/* The same pattern in the other dialect. RK_E_DECLINED, by the part and its place, for what would not mean the same and has no translation. */
RK_CHECK rk_status pattern_from_oniguruma(rk_ctx *ctx, const char *pattern, size_t n, struct str *ours);
RK_CHECK rk_status pattern_to_oniguruma(rk_ctx *ctx, const char *pattern, size_t n, struct str *theirs);

#endif
