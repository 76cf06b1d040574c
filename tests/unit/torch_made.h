/* torch_made.h: files as torch.save writes them, made byte by byte, so that tests can also make what it would never write. */
#ifndef TORCH_MADE_H
#define TORCH_MADE_H
#include "reckon/dim.h"

/* Bytes that grow; n is what there is. Free `at`. */
struct made { unsigned char *at; size_t n, room; };
void made_add(struct made *m, const void *bytes, size_t n);
void made_number(struct made *m, uint64_t value, int bytes);         /* the lowest byte first */
void made_free(struct made *m);

/* A pickle. */
void made_text(struct made *m, const char *text);                    /* BINUNICODE */
void made_int(struct made *m, int64_t value);                        /* BININT or LONG1 */
void made_global(struct made *m, const char *module, const char *name);
const char *made_storage_class(rk_dtype dtype);                      /* "FloatStorage"; NULL: torch has none */
struct made_tensor { rk_dtype dtype; const char *key; int64_t elements, first; int rank; int64_t shape[RK_MAX_RANK], stride[RK_MAX_RANK]; };
void made_tensor(struct made *m, const struct made_tensor *t);       /* without the memo */

/* An archive: open, add entries, close. lie changes what is written, for one test each. */
enum made_lie { MADE_PLAIN, MADE_ZIP64, MADE_DEFLATED, MADE_ENCRYPTED, MADE_LONGER, MADE_OTHER_NAME, MADE_FAR, MADE_COUNT, MADE_COMMENT, MADE_GAP, MADE_PARTS };
struct made_zip {
    struct made out;
    struct { char name[64]; uint64_t header, bytes; } entry[64];
    int entries;
    enum made_lie lie;
};
void made_zip_add(struct made_zip *z, const char *name, const void *bytes, size_t n);       /* data at a multiple of 64 */
void made_zip_end(struct made_zip *z);

/* The whole: "archive/data.pkl" with this pickle, and storages "0", "1" ... of so many bytes: byte k of i is made_byte. */
unsigned char made_byte(int i, size_t k);
void made_file(struct made_zip *z, const struct made *pickle, int storages, const size_t *bytes);

#endif
