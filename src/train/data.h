/* data.h: what a step reads: sample i of a run is a function of (options, data, i), whatever came before.
 *
 * What a model learns from follows from its head, a row of `kinds` in data.c: what its data are, which inputs of the graph a sample fills,
 * and how. Data are two parts, training and validation. A part is a list of pieces of a file of tokens, positions counting over the
 * pieces put together; or a list of pairs. Ids are checked once, when data are opened.
 *
 *   data.c          parts; which places are taken, in which order
 *   data_next.c     windows [s, s + T), and as labels [s + 1, s + T + 1)
 *   data_masked.c   windows in which tokens are hidden; two texts, the second of which may be from elsewhere
 *   data_paired.c   sources, and targets behind a start token; both padded */
#ifndef TRAIN_DATA_H
#define TRAIN_DATA_H
#include "base/vec.h"
#include "model/model.h"
#include "reckon/train.h"

enum data_input {
#define ROW(name, width) DATA_##name,
#include "train/input.def"
#undef ROW
    DATA_INPUTS
};

struct piece { uint64_t begin, before; };                /* first token in the file; tokens of the part before it */
struct pair { uint64_t source, target; uint32_t source_n, target_n; };
struct part {
    const rk_tokens *tokens, *source;                   /* of pairs: targets, sources; else source is NULL */
    VEC(struct piece) pieces;
    VEC(struct pair) pairs;
    uint64_t n;                                         /* tokens; of pairs: of their targets */
};

/* One row of every input of a batch, or NULL where the graph has none; and what of it counts for the loss. */
struct sample { int32_t *at[DATA_INPUTS]; int64_t targets, judged; };
/* Which randomness a sample has: of the run's seed and the sample's number, or of the validation's. */
struct draw { uint64_t key, index; };

struct data;
struct data_wanted;
struct data_kind {
    enum objective objective;                           /* of a family, */
    const char *head;                                   /* and of which head */
    unsigned inputs;                                    /* bits 1 << DATA_x */
    /* Parts, and sets stride, beyond and what else `fill` asks for. */
    rk_status (*open)(rk_ctx *ctx, const rk_train_data *from, const rk_train_options *options, const struct data_wanted *wanted, struct data *d);
    /* `to` is blank; place < what the part has. */
    void (*fill)(const struct data *d, const struct part *part, uint64_t place, struct draw draw, struct sample *to);
};
extern const struct data_kind data_next, data_masked, data_sentences, data_paired;

/* What a model asks of its data. seq, source_seq 0: `position`; of pairs the longest, but no more than that. pad: whose vector learns
 * nothing from being read; -1: every one learns. */
struct data_wanted { const struct data_kind *kind; int64_t seq, source_seq, vocab, source_vocab, position, start, types, pad; };
/* Errors: RK_E_DECLINED for a head without a loss. */
rk_status data_wants(rk_ctx *ctx, const rk_model *m, const rk_train_options *options, struct data_wanted *wanted) RK_CHECK;
/* Which sequences of a batch may be of different lengths, where that makes a difference: behind its end a decoder sees nothing. */
void data_padding(const rk_model *m, struct build_options *how);

struct data {
    const struct data_kind *kind;
    struct part train, validation;
    int64_t seq, source_seq, document_end;
    uint64_t stride, beyond;                            /* positions between places; how many behind a window are looked at */
    uint64_t seed, documents;
    enum rk_data_order order;
    bool mask_ends;
    uint32_t fingerprint;                               /* of every id, in order, and of the cut into parts */
    int64_t mask, begin, separator, vocab;              /* masked: ids, -1: none; ids below are put in place of others */
    double mask_rate;
    unsigned char *special;                             /* per id: it is never hidden */
    int64_t n_special;
    int64_t start;                                      /* paired: what a target begins with */
};

/* Errors: RK_E_ARG for an id that the model does not have, by position, and for fewer training tokens than a sample takes. */
rk_status data_open(rk_ctx *ctx, const rk_train_data *from, const rk_train_options *options, const struct data_wanted *wanted, struct data *d) RK_CHECK;
void      data_close(rk_ctx *ctx, struct data *d);

int64_t  data_width(const struct data *d, enum data_input input);        /* numbers of it in a sample; 0: this kind has none */
uint64_t data_start(const struct data *d, uint64_t sample);              /* the place of a training sample */
int64_t  data_validation_windows(const struct data *d);                  /* each target once: the last one may be short */
/* Training sample i; the validation's window w, or from the last one on a sample of which nothing counts. */
void     data_sample(const struct data *d, uint64_t i, struct sample *to);
void     data_validation_sample(const struct data *d, int64_t window, struct sample *to);

/* --- for the kinds --- */

/* Every id below `largest`, or RK_E_ARG; goes into the fingerprint. */
rk_status data_check_ids(rk_ctx *ctx, const rk_tokens *t, int64_t largest, uint32_t *crc) RK_CHECK;
/* The two parts of a row of tokens: documents at random where there are many, else the end of it. */
rk_status data_split(rk_ctx *ctx, const rk_train_data *from, double share, struct data *d) RK_CHECK;
bool      data_is_kept(double share, uint64_t document);                 /* for validation, whatever the seed of the run */
bool      data_are_many(uint64_t documents, double share);
/* Tokens [start, start + n) of a part, as many of them as there are; `around`: at its end it begins again. How many. */
int64_t   part_read(const struct part *p, uint64_t start, int64_t n, bool around, int32_t *to);
uint32_t  part_token(const struct part *p, uint64_t position);           /* position < p->n */

/* Streams of the run's key, apart from those of weights, which are hashes of names. */
enum { STREAM_SPLIT = 1, STREAM_RANDOM, STREAM_OFFSET, STREAM_HIDE, STREAM_HOW, STREAM_OTHER, STREAM_CUT, STREAM_FOLLOWS, STREAM_ELSEWHERE, STREAM_SHUFFLE = 1 << 20 };
/* A bijection of [0, n), another one for every key and stream. */
uint64_t shuffled(uint64_t key, uint64_t stream, uint64_t n, uint64_t i);

#endif
