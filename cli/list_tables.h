/* list_tables.h: the tables that `reckon list` prints; each returns an exit code. */
#ifndef CLI_LIST_TABLES_H
#define CLI_LIST_TABLES_H
#include "command.h"
#include "out.h"

/* {"schema": "reckon.list/1", "list": NAME, "rows": [ .. ]} */
void list_json_begin(struct cli *c, struct json *j, const char *name);
void list_json_end(struct json *j);

int list_dtypes(struct cli *c);
int list_families(struct cli *c);
int list_fields(struct cli *c);         /* of c->args[1] */
int list_ops(struct cli *c);
int list_functions(struct cli *c);
int list_devices(struct cli *c);        /* list_devices.c */

#endif
