/* frame.h: what a post-processor puts around texts: special tokens, in which order the texts come, and the type of each. */
#ifndef TOK_FRAME_H
#define TOK_FRAME_H
#include "io/json.h"
#include "tok/vocab.h"

enum { FRAME_MOST = 16 };
enum frame_kind { FRAME_SPECIAL, FRAME_FIRST, FRAME_SECOND };
struct frame_piece { uint8_t kind, type; uint32_t id; };              /* id: of a special token */
struct frame { int n; struct frame_piece at[FRAME_MOST]; };
struct frames {                                                       /* zero: the texts and nothing else */
    struct frame single, pair;
    bool trims, keeps_first;                                          /* where a token stands does not count the spaces at its ends; but one at the very beginning */
};

struct frame frame_plain(bool pair);                                  /* that, spelled out */
/* BERT's: [CLS] A [SEP], and B [SEP] of type 1 behind it; NO_TOKEN for one that there is not. */
struct frames frames_bert(uint32_t begin, uint32_t separator);

/* The post-processor of a tokenizer.json: none, ByteLevel, BertProcessing, TemplateProcessing, or a Sequence of those, each once. RK_E_DECLINED
 * by name for anything else. */
RK_CHECK rk_status frames_load(rk_ctx *ctx, const struct json *root, const struct vocab *vocab, struct frames *frames);
/* As TemplateProcessing; `key` as for json_open_object. */
RK_CHECK rk_status frames_save(rk_ctx *ctx, struct json_out *o, const char *key, const struct frames *frames, const struct vocab *vocab);

#endif
