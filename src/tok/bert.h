/* bert.h: BERT's way from text to ids: cleaning, Chinese characters apart, accents, lower case; words and punctuation; WordPiece.
 *
 * As Hugging Face tokenizers does it, its slips included: the Chinese range that should begin at U+2B820 begins at U+2B920, "control"
 * is Cc, Cf and Co, a final sigma is as any other. Not here: [CLS] and [SEP] (encoding.c), training.
 * Sources: Devlin et al. 2018 (arXiv 1810.04805), google-research/bert tokenization.py; Schuster and Nakajima 2012 for WordPiece. */
#ifndef TOK_BERT_H
#define TOK_BERT_H
#include "reckon/encoding.h"
#include "tok/normal.h"
#include "tok/split.h"
#include "tok/vocab.h"

enum bert_strip { STRIP_AS_LOWER, STRIP_NO, STRIP_YES };              /* accents: where lower-casing, never, always */
struct bert {
    bool            used, clean, chinese, lower, cleanup;             /* cleanup: decoded text has no space before full stops and the like */
    enum bert_strip strip;
    uint32_t        unknown;                                          /* id */
    uint32_t        most_characters;                                  /* a longer word is unknown */
    const char     *prefix;                                           /* of a piece that does not begin a word, 1 to BERT_PREFIX bytes */
    size_t          n_prefix;
};

enum { BERT_PREFIX = 16, BERT_CHARACTERS = 4096 };                    /* the most that most_characters may be */

struct bert_work { struct normal_chars a, b; rk_span *spans; size_t room_spans; };        /* zero it to begin */

/* Units: parts of a text whose ids do not depend on each other: blanks and then a run, or one character of punctuation or (chinese) Chinese. */
split_scan bert_units, bert_units_chinese;
enum { BERT_IDS_PER_BYTE = 2 };          /* no unit gives more: three bytes make four characters at most */

/* Appends the ids of text[0..n), which holds no special token; where each stands, in bytes of text, is in work->spans from 0 on. */
RK_CHECK bool bert_encode(const struct bert *b, const struct vocab *vocab, struct share *s, struct bert_work *work, const unsigned char *text, size_t n, rk_ids *ids);
/* The words of text[0..n), normalized, one after another, in UTF-8 in `text` (which is made to fit); false at the end or when the share failed. */
struct bert_words { struct bert_work work; size_t next; bool is_plain; char *text; size_t n, room; };      /* zero it to begin */
RK_CHECK bool bert_words_begin(const struct bert *b, struct share *s, struct bert_words *w, const unsigned char *text, size_t n);
bool bert_words_next(struct share *s, struct bert_words *w);
void bert_words_clear(struct share *s, struct bert_words *w);
void bert_clear(rk_ctx *ctx, struct bert_work *work);

#endif
