/* profile.h: --profile, for every command that runs a model: where its time went, beside what was to be done.
 *
 * device_open begins it, the frame ends it: a table on err, a trace where a file was named. In JSON a command says where the
 * object goes. */
#ifndef CLI_PROFILE_H
#define CLI_PROFILE_H
#include "out.h"
#include "reckon/device.h"

/* A row for a table of options; device.h puts it beside --device. */
#define OPTION_PROFILE { "profile", 0, OPT_PERHAPS, NULL, NULL, "where the time goes, operation by operation; FILE.json: every step, for Perfetto or chrome://tracing" }

int  profile_begin(struct cli *c, rk_device *device);       /* nothing unless --profile was typed; an exit code */
void profile_json(struct cli *c, struct json *j);           /* "profile": so far; nothing without --profile */
int  profile_end(struct cli *c, int code);                  /* the exit code that comes of it */

#endif
