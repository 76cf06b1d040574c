/* zip.h: what lies in a zip archive and where, without copying anything. Only stored entries: they are their own bytes.
 *
 * The directory at the end is the truth; every entry's own header must agree with it, entries must not overlap, names must
 * not repeat. Zip64 is read. Refused by name: compressed and encrypted entries, archives in several parts. */
#ifndef IO_ZIP_H
#define IO_ZIP_H
#include "io/format.h"

struct zip_entry {
    struct name name;                           /* in the file: not ended by a zero */
    uint64_t    header, offset;                 /* of its own header, and of its data */
    size_t      bytes;
};

struct zip {                                                         /* zero it to begin */
    struct { struct zip_entry *at; int n, room; } entries;           /* in the order of the directory */
    struct names index;
    struct arena arena;
};

bool zip_recognise(const struct source *s);
/* On failure nothing is kept. Errors: RK_E_FORMAT, RK_E_LIMIT, RK_E_DECLINED. */
RK_CHECK rk_status zip_open(rk_ctx *ctx, const struct source *s, struct zip *z);
void zip_close(rk_ctx *ctx, struct zip *z);
const struct zip_entry *zip_find(const struct zip *z, const char *name, size_t length);      /* NULL when there is none */

#endif
