/* library.h: a shared library that may or may not be on this machine, opened at run time: no header of it is needed to build. */
#ifndef BASE_LIBRARY_H
#define BASE_LIBRARY_H
#include <stdbool.h>
#include <stddef.h>

/* Opens `file` and puts the addresses of the n symbols into `functions`, an array or a struct of n function pointers in their order.
 * False where the file or one of the symbols is not there; *library is then NULL, and otherwise for library_close. */
bool library_open(const char *file, const char *const *symbols, size_t n, void *functions, void **library);
void library_close(void *library);                          /* NULL is fine */

#endif
