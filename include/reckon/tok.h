/* tok.h: text that becomes numbers, and back: byte-level BPE tokenizers, trained, read, saved and used; BERT's WordPiece.
 *
 * An open tokenizer never changes what it answers: any number of threads may use one at once, each with its own context. It fills tables of its own once it has been
 * asked for much text, in memory taken when it was opened, and without anybody waiting. What changes
 * (caches, half-read characters) lives in an rk_tok_encoder or rk_tok_decoder, which belongs to one thread at a time.
 * Text is bytes: valid UTF-8 or not, encoding and then decoding gives the same bytes back. Numbers of tokens are
 * called ids. Outputs are appended; a failed call leaves what was there before it. */
#ifndef RECKON_TOK_H
#define RECKON_TOK_H
#include "reckon/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rk_tok rk_tok;
typedef struct rk_text  { const char *at; size_t n; } rk_text;                 /* n borrowed bytes */
typedef struct rk_ids   { uint32_t *at; size_t n, room; } rk_ids;              /* zero it to begin; rk_ids_free ends */
typedef struct rk_bytes { char *at; size_t n, room; } rk_bytes;                /* the same of bytes */

RK_API void rk_ids_free(rk_ctx *ctx, rk_ids *ids);
RK_API void rk_bytes_free(rk_ctx *ctx, rk_bytes *bytes);

/* ---- files ---- */

/* Opens a folder (tokenizer.json, else vocab.json beside merges.txt, else vocab.txt), a tokenizer.json, a vocab.json with a
 * merges.txt beside it, a vocab.txt (BERT's WordPiece; any file that ends in .txt), or a .tiktoken (encoded as tiktoken does: any two neighbours that
 * together are a token; pattern and special tokens by its name: r50k, p50k, cl100k, o200k). A vocab.json does not say which tokens are
 * special: those that are neither one byte nor the result of a merge are taken to be.
 * Errors: RK_E_FORMAT for what contradicts itself; RK_E_DECLINED, by name, for a part that is not done here. */
RK_API RK_CHECK rk_status rk_tok_open(rk_ctx *ctx, const char *path, rk_tok **tok);

typedef struct rk_tok_opening {          /* what some files leave open; zero means the default */
    const char *pattern;                 /* .tiktoken: as for rk_tok_split; NULL: the one that goes with the name; RK_E_ARG where none does */
    bool lowercase;                      /* vocab.txt: lower-case the text, and drop accents, also where no tokenizer_config.json beside it says so ("do_lower_case");
                                          * RK_E_ARG for a file that says itself */
} rk_tok_opening;
RK_API RK_CHECK rk_status rk_tok_open_as(rk_ctx *ctx, const char *path, const rk_tok_opening *how, rk_tok **tok);
RK_API void rk_tok_close(rk_ctx *ctx, rk_tok *tok);                            /* the context that opened it */

/* Writes tokenizer.json, vocab.json and merges.txt (WordPiece: vocab.txt) into `folder` (made if need be), each all or nothing; or, when
 * that ends in .tiktoken, this one file, which holds neither special tokens nor the pattern. Hugging Face
 * tokenizers read an equal tokenizer from either; so does rk_tok_open. */
RK_API RK_CHECK rk_status rk_tok_save(rk_ctx *ctx, const rk_tok *tok, const char *folder);

/* A checksum of all that decides what ids a text gets: the same for the same tokenizer, from whichever file. */
RK_API RK_CHECK rk_status rk_tok_fingerprint(rk_ctx *ctx, const rk_tok *tok, uint32_t *crc);

/* ---- vocabulary ---- */

typedef struct rk_special {              /* a token that is looked for in the text before anything is split */
    rk_text  text;
    uint32_t id;
    bool     special;                    /* control token (left out of decoded text on request), or merely added text */
    bool     normalized;                 /* sought after the others, in what they leave, as the normalizer makes it */
    bool     lstrip, rstrip;             /* takes the white space before it, behind it */
    bool     single_word;                /* only where no letter, digit or the like stands beside it */
} rk_special;

RK_API uint32_t rk_tok_size(const rk_tok *tok);                                /* largest id + 1; ids may have holes */
RK_API uint32_t rk_tok_merges(const rk_tok *tok);
RK_API rk_text  rk_tok_bytes(const rk_tok *tok, uint32_t id);                  /* at is NULL where there is no such token */
RK_API bool     rk_tok_find(const rk_tok *tok, const char *bytes, size_t n, uint32_t *id);    /* also special tokens, by their text */
RK_API size_t   rk_tok_specials(const rk_tok *tok);
RK_API rk_special rk_tok_special(const rk_tok *tok, size_t i);                 /* i < rk_tok_specials */
RK_API rk_text  rk_tok_merge(const rk_tok *tok, uint32_t rank, size_t *left);  /* the merged bytes, `left` of them of the first token */

/* ---- encoding ---- */

enum {
    RK_TOK_PLAIN = 1,                    /* a flag: control tokens in the text are ordinary text */
    RK_TOK_REPLACE = 4                   /* a flag: bytes that are no UTF-8 are encoded as U+FFFD, one for each maximal invalid subpart */
};

/* Text to ids. Equal to Hugging Face's and tiktoken's for the same files; never slower than n log n.
 * Errors: RK_E_FORMAT when the vocabulary lacks a byte of the text (its offset is in the message). */
RK_API RK_CHECK rk_status rk_tok_encode(rk_ctx *ctx, const rk_tok *tok, const char *text, size_t n, unsigned flags, rk_ids *ids);

/* Many texts, each encoded for itself, on all threads of the context: ends[i] is ids->n after text i. Same result as one by one. */
RK_API RK_CHECK rk_status rk_tok_encode_many(rk_ctx *ctx, const rk_tok *tok, const rk_text *texts, size_t n, unsigned flags, rk_ids *ids, size_t *ends);

/* One long text in pieces of any size: the ids of add, add, ..., end are those of the whole text at once. What cannot
 * be decided yet is held back (until the next space, as a rule). After end a new text may begin. Keeps a cache of words:
 * for many short texts this is faster than rk_tok_encode. */
typedef struct rk_tok_encoder rk_tok_encoder;
RK_API RK_CHECK rk_status rk_tok_encoder_open(rk_ctx *ctx, const rk_tok *tok, unsigned flags, rk_tok_encoder **encoder);
RK_API RK_CHECK rk_status rk_tok_encoder_add(rk_ctx *ctx, rk_tok_encoder *encoder, const char *text, size_t n, rk_ids *ids);
RK_API RK_CHECK rk_status rk_tok_encoder_end(rk_ctx *ctx, rk_tok_encoder *encoder, rk_ids *ids);
RK_API void rk_tok_encoder_close(rk_ctx *ctx, rk_tok_encoder *encoder);

/* Many texts, each whole and encoded for itself, on all threads of the context; the ids go to `take` as they are made, in order: some of a text, and
 * `ends` with its last ones (n may be 0). Called by this thread alone; false stops (RK_E_CANCELLED). The fastest way through a large corpus: what was
 * learnt of words stays with the encoder from call to call, and no more ids are held than the threads are making. Not amid a text of add. */
typedef bool rk_tok_take_fn(void *user, const uint32_t *ids, size_t n, bool ends);
RK_API RK_CHECK rk_status rk_tok_encoder_many(rk_ctx *ctx, rk_tok_encoder *encoder, const rk_text *texts, size_t n, rk_tok_take_fn *take, void *user);

/* The last place in text[0 .. n), which more text follows, where it may be cut and each part be encoded for itself with the same ids; 0: none
 * is known (always, with a pattern of one's own). `tok` is an rk_tok. For rk_corpus_next: { rk_tok_cut, tok }. */
RK_API size_t rk_tok_cut(const void *tok, const char *text, size_t n);

/* The pieces a pattern cuts a text into (no special tokens): their lengths in bytes. Patterns: "gpt2", "cl100k" (GPT-4), "o200k" (GPT-4o),
 * or a regular expression as PCRE2 has them (UTF-8, Unicode properties); what that does not match becomes pieces too.
 * Errors: RK_E_UNKNOWN for a word that is none of these names; RK_E_ARG for a malformed expression; RK_E_DECLINED without PCRE2;
 * RK_E_LIMIT for one that goes on and on over this text. Law: the three equal their expressions on any bytes. */
RK_API RK_CHECK rk_status rk_tok_split(rk_ctx *ctx, const char *pattern, const char *text, size_t n, rk_ids *lengths);

/* ---- decoding ---- */

enum { RK_TOK_SKIP_SPECIAL = 2 };        /* a flag: control tokens give no text */

/* Ids to the bytes they stand for, exactly; WordPiece: words with a space between, pieces joined, none before a full stop and the like.
 * RK_E_ARG for an id that is no token, by position. */
RK_API RK_CHECK rk_status rk_tok_decode(rk_ctx *ctx, const rk_tok *tok, const uint32_t *ids, size_t n, unsigned flags, rk_bytes *bytes);
/* The same as valid UTF-8: U+FFFD for each maximal invalid subpart, or RK_E_FORMAT, by its first byte. */
typedef enum rk_errors { RK_ERRORS_REPLACE, RK_ERRORS_STRICT } rk_errors;
RK_API RK_CHECK rk_status rk_tok_decode_text(rk_ctx *ctx, const rk_tok *tok, const uint32_t *ids, size_t n, unsigned flags, rk_errors errors, rk_bytes *text);
/* Bytes to valid UTF-8: U+FFFD for each maximal invalid subpart, as Python's errors="replace". */
RK_API RK_CHECK rk_status rk_bytes_replace(rk_ctx *ctx, const char *bytes, size_t n, rk_bytes *utf8);

/* For text that appears as it is generated: `ready` is valid UTF-8 whatever came before, never half a character; it
 * lives until the next call. All that was ready, put together, is rk_bytes_replace of all bytes. */
typedef struct rk_tok_decoder { const rk_tok *tok; unsigned flags; unsigned n_held; char held[4]; bool began; rk_bytes ready; } rk_tok_decoder;
RK_API void rk_tok_decoder_init(rk_tok_decoder *decoder, const rk_tok *tok, unsigned flags);
RK_API RK_CHECK rk_status rk_tok_decoder_push(rk_ctx *ctx, rk_tok_decoder *decoder, uint32_t id, rk_text *ready);
RK_API RK_CHECK rk_status rk_tok_decoder_add(rk_ctx *ctx, rk_tok_decoder *decoder, const uint32_t *ids, size_t n, rk_text *ready);   /* many at once */
RK_API RK_CHECK rk_status rk_tok_decoder_end(rk_ctx *ctx, rk_tok_decoder *decoder, rk_text *ready);      /* an unfinished character becomes U+FFFD */
RK_API void rk_tok_decoder_clear(rk_ctx *ctx, rk_tok_decoder *decoder);

/* ---- training ---- */

typedef enum rk_ties {                   /* which of several most frequent pairs is merged first */
    RK_TIES_CS336,                       /* the greater pair of byte strings */
    RK_TIES_HUGGINGFACE,                 /* the smaller pair of ids, in Hugging Face's order of bytes */
    RK_TIES_RANK                         /* the smaller pair of ids, bytes by value: as rustbpe, for .tiktoken files */
} rk_ties;

typedef enum rk_units {                  /* what is cut into words for itself */
    RK_UNITS_DOCUMENTS,                  /* the text between special tokens */
    RK_UNITS_LINES                       /* each line with its line feed, as Hugging Face reads files */
} rk_units;

typedef enum rk_pieces {                  /* what is trained */
    RK_PIECES_BPE,
    RK_PIECES_WORDPIECE                   /* BERT's; see below */
} rk_pieces;

typedef struct rk_tok_progress {
    const char *stage;                   /* "count": bytes of text; "merge": tokens */
    uint64_t    done, total;
    uint64_t    words;                   /* distinct words so far */
    double      seconds;                 /* since this stage began */
} rk_tok_progress;
typedef bool rk_tok_progress_fn(void *user, const rk_tok_progress *progress);      /* false: stop, RK_E_CANCELLED */

typedef struct rk_tok_training {         /* zero means the default */
    uint32_t            vocab_size;      /* special tokens, 256 bytes, merges */
    const char *const  *specials;        /* take the first ids; they cut the text and are not counted */
    size_t              n_specials;
    const char         *pattern;         /* as for rk_tok_split; default "gpt2" */
    rk_ties             ties;
    rk_units            units;
    uint64_t            min_frequency;   /* pairs rarer than this are not merged; default 1 */
    rk_tok_progress_fn *progress;
    void               *user;
    uint64_t            memory;          /* bytes that training may take of the context; 0: as much as it needs */
    rk_pieces            model;
    bool                lowercase;       /* wordpiece: lower-case the text, and drop accents */
    uint32_t            limit_alphabet;  /* wordpiece: at most so many characters, the most frequent ones; 0: all */
    const char         *temporary;       /* with memory: a folder for words that do not fit; nothing stays there */
} rk_tok_training;

/* Byte-level BPE. Ids: special tokens in the order given, the 256 bytes (by value; huggingface: its alphabet's
 * order), merges in order. Same result on any number of threads. Text that runs out of pairs gives a smaller vocabulary. A
 * merge that spells a token which is there already keeps its rank and leaves its id unused, or uses the old id
 * (huggingface). Errors: RK_E_ARG when vocab_size has no room for the special tokens and the bytes; RK_E_LIMIT when `memory` does
 * not do, or when tokens become so long (128 MiB together, or a 24th of `memory`) that no file of them could be read again.
 * Law: equal to counting all pairs anew for every merge. Source: Sennrich et al. 2016 (arXiv 1508.07909).
 *
 * WordPiece, as Hugging Face trains it: BPE over the characters of BERT's words, "##" before those that do not begin one. Ids: special tokens
 * ([UNK] is needed; in the text they are words like any), characters by code point, the same with ## by code point (Hugging Face: in no order
 * that stays), merges. pattern, units and ties are not looked at. Characters beyond limit_alphabet are left out of their words; of equally
 * frequent ones the greater code point stays. */
RK_API RK_CHECK rk_status rk_tok_train(rk_ctx *ctx, const rk_tok_training *how, const rk_text *texts, size_t n, rk_tok **tok);
RK_API RK_CHECK rk_status rk_tok_train_files(rk_ctx *ctx, const rk_tok_training *how, const char *const *paths, size_t n, rk_tok **tok);
/* What of `how` can be refused before there is text: so that nobody counts a corpus for a vocabulary without room. RK_E_ARG, RK_E_LIMIT. */
RK_API RK_CHECK rk_status rk_tok_train_check(rk_ctx *ctx, const rk_tok_training *how);
/* From a file of words and their counts (reckon/counts.h) instead of text. */
RK_API RK_CHECK rk_status rk_tok_train_counts(rk_ctx *ctx, const rk_tok_training *how, const char *path, rk_tok **tok);

/* The most memory that training on so many bytes of text takes, known before it begins: what `memory` allows, or what no text of this size can
 * exceed. The context's peak stays below it. */
RK_API uint64_t rk_tok_train_peak(const rk_tok_training *how, uint64_t text, int threads);

/* ---- translators ---- */

/* Marian's tokenizer: a folder with source.spm, target.spm (SentencePiece's unigram models) and vocab.json, maybe target_vocab.json.
 * An id below no token has no text. Errors: RK_E_MISSING for a file, by name; RK_E_FORMAT for what contradicts itself;
 * RK_E_DECLINED for models of SentencePiece of other kinds. Equal to transformers' MarianTokenizer for the same files. */
typedef struct rk_pair rk_pair;
RK_API RK_CHECK rk_status rk_pair_open(rk_ctx *ctx, const char *folder, rk_pair **pair);
RK_API void     rk_pair_close(rk_pair *pair);
RK_API uint32_t rk_pair_end(const rk_pair *pair);                              /* </s>, which ends what is read and what is written */
RK_API RK_CHECK rk_status rk_pair_encode(rk_ctx *ctx, const rk_pair *pair, const char *text, size_t n, rk_ids *ids);      /* with the end */
RK_API RK_CHECK rk_status rk_pair_decode(rk_ctx *ctx, const rk_pair *pair, const uint32_t *ids, size_t n, rk_bytes *text);    /* without special tokens */

#ifdef __cplusplus
}
#endif
#endif
