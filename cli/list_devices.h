/* list_devices.h: the machines that `reckon count --device` knows. */
#ifndef CLI_LIST_DEVICES_H
#define CLI_LIST_DEVICES_H
#include "command.h"

int list_devices(struct cli *c);

#endif
