/* pieces.h: SentencePiece's unigram models (Kudo 2018), read from their own files.
 *
 *   pieces.c            the file: pieces with scores, and how text is normalized before they are looked for
 *   pieces_normal.c     that normalization: a trie of replacements, and blanks that become U+2581
 *   pieces_encode.c     the most likely pieces of a text
 *   pair.c              two such models over one vocabulary: what translators use
 *
 * Not here: BPE models, bytes as pieces, sampling. Sources: sentencepiece_model.proto, normalizer.cc, unigram_model.cc of
 * google/sentencepiece. */
#ifndef TOK_PIECES_H
#define TOK_PIECES_H
#include "base/arena.h"
#include "base/file.h"
#include "base/map.h"
#include "base/vec.h"
#include "reckon/tok.h"

/* As in sentencepiece_model.proto. */
enum piece_type { PIECE_NORMAL = 1, PIECE_UNKNOWN, PIECE_CONTROL, PIECE_USER, PIECE_UNUSED, PIECE_BYTE };
struct piece { const char *text; uint32_t n; float score; uint8_t type; };

struct pieces {
    struct arena arena;
    VEC(struct piece) at;
    struct map names;                       /* text → its place; of those that are looked for */
    uint32_t longest;                       /* bytes of these */
    float least, most;                      /* scores of normal ones */
    bool user;                              /* some are the user's own: they are never normalized */
    const uint32_t *trie;                   /* Darts' double array: text → where its replacement lies */
    size_t n_trie;
    const char *replaced;                   /* replacements, each ends in a zero */
    size_t n_replaced;
    bool prefix, squeeze, escape;           /* a blank is put in front; runs of blanks are one; blanks become U+2581 */
};

#define PIECES_BLANK "\xe2\x96\x81"          /* U+2581 */

rk_status pieces_open(rk_ctx *ctx, const char *path, struct pieces *p) RK_CHECK;       /* zero it first; pieces_close also after a failure */
rk_status pieces_read(rk_ctx *ctx, const char *name, const void *bytes, size_t n, struct pieces *p) RK_CHECK;
void      pieces_close(rk_ctx *ctx, struct pieces *p);
rk_status pieces_normalize(rk_ctx *ctx, const struct pieces *p, const char *text, size_t n, struct str *out) RK_CHECK;
/* The pieces of a text in order, -1 for a stretch that none covers. */
typedef rk_status pieces_fn(void *user, rk_text text, int piece);
rk_status pieces_encode(rk_ctx *ctx, const struct pieces *p, const char *text, size_t n, pieces_fn *each, void *user) RK_CHECK;
int       pieces_find(const struct pieces *p, const char *text, size_t n);             /* -1: none that is looked for */

#endif
