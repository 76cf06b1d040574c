/* webtext.h: text like that of the web, as much as one asks for, the same bytes on every machine: page by page, so that any page can be
 * made by itself.
 *
 * New words appear as Heaps' law has them for OpenWebText: 3.12 n^0.625 different ones in n bytes (1.3 million in 1 GB, 6 million in 12 GB).
 * Of known ones the first 65,536 are drawn as Zipf's law has them, the others by a tail of exponent 1.6, as that growth implies. Words are
 * put together from syllables and endings; between them stand punctuation, numbers, line feeds, curly quotes. Integers and square roots
 * alone decide, which are the same everywhere. */
#ifndef BENCH_WEBTEXT_H
#define BENCH_WEBTEXT_H
#include <stddef.h>
#include <stdint.h>

enum { WEBTEXT_PAGE = 1 << 20, WEBTEXT_SEED = 1 };                     /* a test holds the pages of this seed to their SHA-256 */

void webtext_page(uint64_t seed, uint64_t page, unsigned char to[WEBTEXT_PAGE]);

#endif
