/* library.c: see library.h. A library is opened for this user alone (RTLD_LOCAL), and whole or not at all (RTLD_NOW). */
#include "base/library.h"
#include <dlfcn.h>
#include <string.h>

bool library_open(const char *file, const char *const *symbols, size_t n, void *functions, void **library)
{
    *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    for (size_t i = 0; *library != NULL && i < n; i++) {
        void *symbol = dlsym(*library, symbols[i]);
        memcpy((char *)functions + i * sizeof symbol, &symbol, sizeof symbol);
        if (symbol != NULL) continue;
        library_close(*library);
        *library = NULL;
    }
    return *library != NULL;
}

void library_close(void *library)
{
    if (library != NULL) (void)dlclose(library);
}
