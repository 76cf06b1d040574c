/* tok.h: an open tokenizer from the inside. Made by load.c or train.c, sealed once, then never changed, but for tables that are filled when there is a long text (quick.h). */
#ifndef TOK_TOK_H
#define TOK_TOK_H
#include "reckon/tok.h"
#include "tok/bert.h"
#include "tok/bpe.h"
#include "tok/frame.h"
#include "tok/normal.h"
#include "tok/special.h"
#include "tok/split.h"

enum { SPECIALS_MOST = 1 << 20, KIND_ADDED = 1, KIND_CONTROL = 2 };

/* The bytes of an id, where they are few and nothing more is to be asked. */
enum { PIECE_BYTES = 15, PIECE_OTHER = 255 };
struct piece { char text[PIECE_BYTES]; uint8_t n; };                  /* n: PIECE_OTHER for control tokens, long ones, and ids that are no token */

struct rk_tok {
    struct vocab        vocab;
    struct bpe          bpe;
    struct split        split;
    struct bert         bert;                                         /* when used: instead of bpe, split and form */
    enum normal_form    form;                                         /* of what is between the specials of `first` */
    struct frames       frames;                                       /* around texts, in rk_encoding_make */
    rk_special         *specials;                                     /* in the order of their ids; texts live in the vocabulary */
    size_t              n_specials, room_specials;
    struct specials     first, second;                                /* sought in the text; sought in what those leave */
    uint8_t            *kind;                                         /* by id: KIND_ */
    struct piece       *pieces;                                       /* by id: what decoding copies */
    enum isa            isa;                                          /* of the inner loops: tok_use */
};

RK_CHECK rk_status tok_new(rk_ctx *ctx, rk_tok **tok);
/* Adds a token that is sought in the text. Its id may be in the vocabulary already, spelled the same. */
RK_CHECK rk_status tok_add_special(rk_ctx *ctx, rk_tok *tok, rk_special special);
RK_CHECK rk_status tok_seal(rk_ctx *ctx, rk_tok *tok);                /* after vocabulary, merges and specials */
void tok_fill(const rk_tok *tok);                                     /* what long texts need, now: see quick.h */
void tok_use(rk_tok *tok, enum isa isa);                              /* which must run here; sealing chooses the best */

#endif
