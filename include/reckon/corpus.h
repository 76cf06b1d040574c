/* corpus.h: texts out of files that hold more than text. */
#ifndef RECKON_CORPUS_H
#define RECKON_CORPUS_H
#include "reckon/tok.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One line of JSONL, appended to `text` as UTF-8: the line is a string (field NULL), or an object whose `field` is one. `name` and
 * `number` of the line (from 1) begin messages. RK_E_FORMAT for a line that is no JSON or no string; RK_E_MISSING without the field. */
RK_API RK_CHECK rk_status rk_corpus_line(rk_ctx *ctx, const char *name, uint64_t number, const char *line, size_t n, const char *field, rk_bytes *text);

#ifdef __cplusplus
}
#endif
#endif
