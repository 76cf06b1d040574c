/* memory.c: memory of a command, which is there or ends the program. */
#include "command.h"
#include <stdlib.h>
#include <string.h>

void *cli_take(size_t bytes)
{
    void *p = calloc(1, bytes > 0 ? bytes : 1);
    if (p != NULL) return p;
    (void)fprintf(stderr, "reckon: no memory for %zu bytes\n", bytes);
    exit(CLI_SYSTEM);
}

void *cli_grow(void *old, size_t *room, size_t want, size_t size)
{
    if (want <= *room) return old;
    size_t more = *room > 0 ? 2 * *room : 64;
    if (more < want) more = want;
    if (more > SIZE_MAX / size) cli_bug("%zu elements of %zu bytes", more, size);
    void *fresh = cli_take(more * size);
    if (old != NULL) memcpy(fresh, old, *room * size);
    free(old);
    *room = more;
    return fresh;
}

char *cli_copy(const char *text)
{
    size_t n = strlen(text) + 1;
    return memcpy(cli_take(n), text, n);
}
