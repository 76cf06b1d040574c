/* pages.h: what the system has really given of memory that was asked for. */
#ifndef BASE_PAGES_H
#define BASE_PAGES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Pages count once they have been touched (and not put out to disk since). bytes: of all such pages that hold any of at ..
 * at + size, each as far as it lies in there; reach: from `at` to the end of the last of them. false: the system does not say. */
bool pages_touched(const void *at, size_t size, size_t *bytes, size_t *reach);

/* Of at .. at + size, whatever it is a mapping of: how much lies in pages that this very process has mapped, and not only the system in its
 * cache. false: the system does not say. */
bool pages_mine(const void *at, size_t size, size_t *bytes);

/* Resident memory of this process, pages of files included. */
bool pages_resident(size_t *bytes);

/* Asks for large pages for what has not been touched yet; nothing happens where it is small or the system knows none. */
void pages_large(void *at, size_t size);

/* From here on rk_process_peak_bytes counts anew; nothing happens where the system does not let a process do so. */
void pages_peak_reset(void);

#endif
