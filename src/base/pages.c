/* pages.c: mincore, in portions; and where a page of a file may be the system's alone, /proc. Whole pages are what can be asked: a number is exact to the size of a page, which may be a
 * large one (2 MiB) where the memory wished for those. */
#include "base/pages.h"
#include "reckon/base.h"
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PORTION = 4096 };

bool pages_touched(const void *at, size_t size, size_t *bytes, size_t *reach)
{
    unsigned char there[PORTION];
    size_t page = (size_t)sysconf(_SC_PAGESIZE), begin = (uintptr_t)at & ~(uintptr_t)(page - 1), end = (uintptr_t)at + size;
    *bytes = *reach = 0;
    for (size_t from = begin, n; from < end; from += n * page) {
        n = (end - from + page - 1) / page;
        if (n > PORTION) n = PORTION;
        if (mincore((void *)from, n * page, there) != 0) return false;
        for (size_t i = 0; i < n; i++) {
            if ((there[i] & 1) == 0) continue;
            size_t first = from + i * page < (uintptr_t)at ? (uintptr_t)at : from + i * page;
            size_t last = from + (i + 1) * page < end ? from + (i + 1) * page : end;
            *bytes += last - first;
            *reach = last - (uintptr_t)at;
        }
    }
    return true;
}

/* What of a page lies within at .. at + size. */
static size_t within(uintptr_t at, size_t size, uintptr_t page, size_t page_bytes)
{
    uintptr_t first = page < at ? at : page, last = page + page_bytes < at + size ? page + page_bytes : at + size;
    return last - first;
}

/* An entry of /proc/self/pagemap is 8 bytes; its highest bit says that the page is in memory, and mapped here. */
bool pages_mine(const void *at, size_t size, size_t *bytes)
{
    uint64_t there[PORTION];
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uintptr_t begin = (uintptr_t)at & ~(uintptr_t)(page - 1), end = (uintptr_t)at + size;
    int map = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    bool well = map >= 0;
    *bytes = 0;
    for (size_t n; begin < end && well; begin += n * page) {
        n = (end - begin + page - 1) / page;
        if (n > PORTION) n = PORTION;
        well = pread(map, there, n * sizeof *there, (off_t)(begin / page * sizeof *there)) == (ssize_t)(n * sizeof *there);
        for (size_t i = 0; i < n && well; i++)
            if ((there[i] >> 63) != 0) *bytes += within((uintptr_t)at, size, begin + i * page, page);
    }
    if (map >= 0) (void)close(map);
    return well;
}

/* smaps_rollup walks the pages; the counters of /proc/self/status lag behind by some of each thread. */
bool pages_resident(size_t *bytes)
{
    FILE *f = fopen("/proc/self/smaps_rollup", "re");
    char line[256];
    unsigned long long kib;
    bool found = false;
    while (f != NULL && !found && fgets(line, sizeof line, f) != NULL) found = sscanf(line, "Rss: %llu kB", &kib) == 1;
    if (f != NULL) (void)fclose(f);
    if (found) *bytes = (size_t)kib * 1024;
    return found;
}

void pages_large(void *at, size_t size)
{
#ifdef MADV_HUGEPAGE
    const uintptr_t large = (uintptr_t)2 << 20, begin = ((uintptr_t)at + large - 1) & ~(large - 1), end = ((uintptr_t)at + size) & ~(large - 1);
    if (size >= large && begin < end) (void)madvise((void *)begin, end - begin, MADV_HUGEPAGE);
#else
    (void)at;
    (void)size;
#endif
}

/* The system's high-water mark, which Linux lets a process put back to where it stands. */
void pages_peak_reset(void)
{
    FILE *f = fopen("/proc/self/clear_refs", "we");
    if (f == NULL) return;
    (void)fputs("5", f);
    (void)fclose(f);
}

int64_t rk_process_peak_bytes(void)
{
    FILE *f = fopen("/proc/self/status", "re");
    char line[256];
    long long kib = -1;
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (sscanf(line, "VmHWM: %lld kB", &kib) == 1) break;
    if (f != NULL) (void)fclose(f);
    return kib < 0 ? -1 : kib * 1024;
}
