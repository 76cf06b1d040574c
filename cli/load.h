/* load.h: what a load did, for every command that loads: a line, all names with --verbose, an object in JSON. */
#ifndef CLI_LOAD_H
#define CLI_LOAD_H
#include "out.h"
#include "reckon/model.h"

void load_told(void *user, const rk_loaded *loaded);        /* an rk_loaded_fn; user: the struct cli */
void load_json(struct cli *c, struct json *j);              /* "loaded": of the last one; nothing where there was none */
void load_free(struct cli *c);

#endif
