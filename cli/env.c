/* env.c: the only reader of the environment. */
#include "frame.h"
#include <stdlib.h>
#include <string.h>

const char *env_get(enum env which)
{
    static const char *const names[] = {
#define ROW(name, variable, words) variable,
#include "env.def"
#undef ROW
    };
    const char *value = getenv(names[which]);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

char *cli_cache(const char *name)
{
    const char *folder = env_get(ENV_CACHE), *inner = "";
    if (folder == NULL && (folder = env_get(ENV_XDG_CACHE)) != NULL) inner = "/reckon";
    if (folder == NULL && (folder = env_get(ENV_HOME)) != NULL) inner = "/.cache/reckon";
    if (folder == NULL) return NULL;
    size_t room = strlen(folder) + strlen(inner) + strlen(name) + 2;
    char *path = cli_take(room);
    (void)snprintf(path, room, "%s%s%s%s", folder, inner, name[0] != '\0' ? "/" : "", name);
    return path;
}

const char *cli_blas(const struct cli *c)
{
    return cli_given(c, "blas") ? cli_text(c, "blas") : env_get(ENV_BLAS);
}
