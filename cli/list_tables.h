/* list_tables.h: the tables of the library that `reckon list` prints; each returns an exit code. */
#ifndef CLI_LIST_TABLES_H
#define CLI_LIST_TABLES_H
#include "command.h"

int list_dtypes(struct cli *c);
int list_families(struct cli *c);
int list_fields(struct cli *c);         /* of c->args[1] */
int list_ops(struct cli *c);
int list_functions(struct cli *c);

#endif
