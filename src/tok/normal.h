/* normal.h: text in another form, and from where in the text each byte of it came: NFC, and U+FFFD for what is no UTF-8.
 *
 * As Hugging Face tokenizers does it, positions included: a character made of several stands where the first of them stood, one that was
 * added where the one before it stood. What is in that form already is passed over without copying. Not here: BERT's cleaning (bert.h).
 * Source: Unicode Standard Annex 15; the tables say of which version they are. */
#ifndef TOK_NORMAL_H
#define TOK_NORMAL_H
#include "tok/share.h"

/* ---- what is known of a code point: normal_table.c, made by tools/unicode/normal.py ---- */

enum { NORMAL_WORD = 1, NORMAL_MARK = 2, NORMAL_DROP = 4, NORMAL_SPACE = 8, NORMAL_PUNCT = 16, NORMAL_DECOMPOSES = 32, NORMAL_LOWERS = 64, NORMAL_TAIL = 128 };
/* \w; Mn; BERT removes it; is white space to BERT; is punctuation to BERT; has a decomposition (not Hangul); a lower case; may compose with what is before */

struct normal_kind { uint8_t combining, flags; };
struct normal_row { uint32_t code; uint16_t at; uint8_t n; };         /* n codes from `at` on in the list of codes */
struct normal_pair { uint32_t first, second, whole; };
extern const uint8_t normal_page[4352], normal_kind_of[][256];
extern const struct normal_kind normal_kinds[];
extern const struct normal_row normal_decomposition_rows[], normal_lower_rows[];
extern const uint32_t normal_decomposition_codes[], normal_lower_codes[];
extern const unsigned n_normal_decomposition_rows, n_normal_lower_rows, n_normal_pairs;
extern const struct normal_pair normal_pairs[];

static inline struct normal_kind normal_kind(uint32_t code) { return normal_kinds[normal_kind_of[normal_page[code >> 8]][code & 255]]; }      /* code <= 0x10ffff */

/* Its codes, and how many; the code itself, in `self`, where there is no row. */
const uint32_t *normal_decompose(uint32_t code, uint32_t self[3], unsigned *n);
const uint32_t *normal_lower(uint32_t code, uint32_t self[3], unsigned *n);

/* ---- characters with their places ---- */

struct normal_char { uint32_t code; int32_t change; size_t begin, end; };   /* [begin, end) of the text, in bytes; change: while characters are rearranged */
struct normal_chars { struct normal_char *at; size_t n, room; };
RK_CHECK bool normal_add(struct share *s, struct normal_chars *to, struct normal_char c);

/* from, decomposed and in canonical order, appended to `to`: whole text, so that what begins it is its beginning. */
RK_CHECK bool normal_nfd(struct share *s, const struct normal_chars *from, struct normal_chars *to);

/* ---- text ---- */

enum normal_form { NORMAL_NONE, NORMAL_NFC };
struct normal_place { size_t begin, end; };
struct normal_text {                                                  /* zero it to begin */
    const unsigned char *at;                                          /* the text itself where nothing had to change */
    size_t               n;
    unsigned char       *bytes;
    struct normal_place *places;                                      /* of each byte; unused when nothing changed */
    size_t               room_bytes, room_places;
    struct normal_chars  window, loose;
};
/* Text in a form; `replace`: with U+FFFD for each maximal invalid subpart, which else stays as it is. Room is kept for the next text. */
RK_CHECK bool normal_make(struct share *s, struct normal_text *out, const unsigned char *text, size_t n, enum normal_form form, bool replace);
void normal_clear(rk_ctx *ctx, struct normal_text *t);

#endif
