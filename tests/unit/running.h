/* running.h: training runs for tests: opened with all they need, all their states as bits. */
#ifndef RUNNING_H
#define RUNNING_H
#include "train/training.h"

struct running { rk_ctx *ctx; rk_model *model; rk_device *device; rk_train *train; };

/* running_close also ends what was only half opened. */
rk_status running_open(rk_ctx *ctx, struct running *w, const char *model, const char *device, const rk_train_data *data, const rk_train_options *o, const char *output, bool resume);
void running_close(struct running *w);

struct bits { unsigned char *at; size_t n; };              /* the caller frees them */
struct bits running_bits(const rk_train *t);
/* Those of a run from the first to the last step, in a context of its own. */
struct bits running_whole(int threads, const char *model, const char *device, const rk_train_data *data, const rk_train_options *o);
void running_same(struct bits a, struct bits b);

/* A language of 37 tokens that can be learned: the next token follows from the last one, most of the time. The caller frees bytes. */
struct text { unsigned char *bytes; rk_tokens tokens; };
struct text running_text(void);
rk_train_options running_small(void);                       /* six steps of it */

#endif
