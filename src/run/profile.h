/* profile.h: what the execution loop tells a profile; see reckon/profile.h. */
#ifndef RUN_PROFILE_H
#define RUN_PROFILE_H
#include "reckon/profile.h"
#include "run/run.h"

/* One step of a watched program: who it is, and what its calls were together. Texts are the profile's own. */
struct profile_step { rk_profile_row row; int program; };
struct profile_event { int step; double begin, seconds; uint64_t flops, bytes; };        /* step -1: a run of a whole program */

struct rk_profile {
    rk_ctx *ctx;
    int id;                                 /* the how manieth of its context: programs know theirs */
    struct arena arena;                     /* of texts */
    struct map texts;
    VEC(const char *) text;
    VEC(struct profile_step) steps;
    VEC(struct profile_event) events;
    bool trace;
    int most_events;
    int programs;
    double began, ended;                    /* of the first run, of the last */
    uint64_t runs, lost;
};

/* Gives the steps of a run their rows. */
rk_status profile_watch(rk_ctx *ctx, struct rk_profile *p, struct run *r) RK_CHECK;
/* Step i of r was carried out from `begin` until now; or a whole run was. */
rk_status profile_step(rk_ctx *ctx, struct rk_profile *p, const struct run *r, int i, double begin) RK_CHECK;
rk_status profile_run(rk_ctx *ctx, struct rk_profile *p, double begin) RK_CHECK;

#endif
